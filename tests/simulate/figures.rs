//! What many worlds add up to, and how it is printed: sizes, faults by kind, what was broken by kind, latency.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::simulation::ledger::{Broken, Fault, Seen, hash};

/// The sum of many worlds.
#[derive(Default)]
pub(crate) struct Figures {
    seeds: u64,
    events: usize,
    deliveries: usize,
    ends: BTreeMap<&'static str, u64>,
    offers: usize,
    steps: BTreeMap<&'static str, u64>,
    outcomes: BTreeMap<String, u64>,
    claims: usize,
    settles: u64,
    calls: usize,
    buried: usize,
    frames: u64,
    store_calls: u64,
    faults: BTreeMap<Fault, u64>,
    broken: BTreeMap<Broken, u64>,
    to_ear_ms: Vec<i64>,
    /// The traces of all of them, in their order, in one number.
    traces: u64,
}

impl Figures {
    /// Adds a world that has ended.
    pub(crate) fn add(&mut self, seen: &Seen) {
        self.seeds += 1;
        self.events += seen.answers.len();
        self.deliveries += seen.known.len();
        for known in seen.known.values() {
            let reason = known.delivery.reason.map_or("open", |reason| reason.as_str());
            *self.ends.entry(reason).or_default() += 1;
        }
        self.offers += seen.heads.values().filter(|head| head.is_offer()).count();
        for act in seen.steps.values() {
            *self.steps.entry(act).or_default() += 1;
        }
        for outcome in seen.outcomes.values() {
            *self.outcomes.entry(outcome.clone()).or_default() += 1;
        }
        self.claims += seen.known.values().filter(|known| known.claimed_ms.is_some()).count();
        self.settles += seen.settles;
        self.calls += seen.calls.len();
        self.buried += seen.buried.len();
        self.frames += seen.frames_sent;
        self.store_calls += seen.store_calls;
        for (fault, count) in &seen.faults {
            *self.faults.entry(*fault).or_default() += count;
        }
        for (how, _) in &seen.broken {
            *self.broken.entry(*how).or_default() += 1;
        }
        self.to_ear_ms.extend(&seen.to_ear_ms);
        self.traces = (self.traces ^ hash(seen.trace())).wrapping_mul(0x0000_0100_0000_01B3);
    }

    pub(crate) fn violations(&self) -> u64 {
        self.broken.values().sum()
    }

    /// All of it, for the end of a run that took so long.
    pub(crate) fn told(&mut self, spent: Duration) -> String {
        self.to_ear_ms.sort_unstable();
        let seconds = spent.as_secs_f64();
        let (seeds, events, deliveries) = (self.seeds, self.events, self.deliveries);
        let ear =
            |share: usize| self.to_ear_ms.get(self.to_ear_ms.len() * share / 100).copied().unwrap_or(-1);
        let kinds: BTreeMap<Broken, u64> = Broken::ALL
            .into_iter()
            .map(|how| (how, self.broken.get(&how).copied().unwrap_or_default()))
            .collect();
        let each = spent / u32::try_from(seeds.max(1)).unwrap_or(u32::MAX);
        format!(
            "seeds {seeds}, events {events}, deliveries {deliveries}, frames {}, store calls {}\n\
             offers {}, claims {}, settled by the backend {}, outcomes: {}\n\
             ladder steps: {}; calls {}; events after their cancellation {}\n\
             ends: {}\n\
             faults: {}\n\
             accepted to heard: p50 {} ms, p99 {} ms, of {} heard\n\
             broken: {}\n\
             figures: {seconds:.1} s, {:.0} seeds/s, traces {:016x}",
            self.frames,
            self.store_calls,
            self.offers,
            self.claims,
            self.settles,
            List(&self.outcomes),
            List(&self.steps),
            self.calls,
            self.buried,
            List(&self.ends),
            List(&self.faults),
            ear(50),
            ear(99),
            self.to_ear_ms.len(),
            List(&kinds),
            1.0 / each.as_secs_f64(),
            self.traces,
        )
    }
}

struct List<'a, K>(&'a BTreeMap<K, u64>);

impl<K: fmt::Debug> fmt::Display for List<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each: Vec<String> =
            self.0.iter().map(|(kind, count)| format!("{kind:?} {count}").replace('"', "")).collect();
        f.write_str(&each.join(", "))
    }
}
