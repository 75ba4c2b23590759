//! How much each hook is doing on this node: its rate, its places, and what was refused of late.
//! A hook that floods meets its own gate, and the others do not notice.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota as Rate, RateLimiter};
use http::HeaderMap;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa::ToSchema;

use super::HookLimits;
use crate::clock::{Clock, EpochMs, Ticks};
use crate::dispatch::TooMany;
use crate::domain::{HookId, HookVerdict};

/// Hooks that have a gate at one time; one more begins with fresh ones. Far more than a server has.
const GATES_MAX: usize = 10_000;
/// Refused requests of a hook that are remembered: enough to see what its sender does wrong.
const REFUSED_KEPT: usize = 20;
/// Names of headers that are remembered of each.
const HEADERS_KEPT: usize = 40;

type Bucket = RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Nanos>>;

/// A request that was refused: nothing of it is stored, and this is forgotten with the process.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HookRefusal {
    /// When.
    #[schema(value_type = String)]
    pub at: EpochMs,
    /// `refused` or `unreadable`.
    pub verdict: HookVerdict,
    /// Why, in one of our words.
    pub reason: String,
    /// For the hook's owner.
    pub detail: String,
    /// Names of its headers.
    pub headers: Vec<String>,
}

/// One hook's.
pub(super) struct Gate {
    bucket: Option<Bucket>,
    places: Arc<Semaphore>,
    // Std mutex: one push or copy a section.
    refused: Mutex<VecDeque<HookRefusal>>,
    counts: [AtomicU64; HookVerdict::ALL.len()],
}

/// All of them.
#[derive(Default)]
pub(super) struct Gates(Mutex<HashMap<HookId, Arc<Gate>>>);

impl Gates {
    /// The gate of a hook that there is.
    pub(super) fn of(&self, hook: &HookId, limits: &HookLimits, clock: &Arc<dyn Clock>) -> Arc<Gate> {
        let mut gates = self.lock();
        if gates.len() >= GATES_MAX && !gates.contains_key(hook) {
            gates.clear();
        }
        let gate = gates.entry(hook.clone()).or_insert_with(|| Arc::new(Gate::new(limits, clock)));
        Arc::clone(gate)
    }

    /// The hook is gone.
    pub(super) fn forget(&self, hook: &HookId) {
        self.lock().remove(hook);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<HookId, Arc<Gate>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gate {
    fn new(limits: &HookLimits, clock: &Arc<dyn Clock>) -> Self {
        let rate = NonZeroU32::new(limits.per_second).map(|per_second| {
            // A burst is never less than what comes in a second anyway.
            let burst = NonZeroU32::new(limits.burst).map_or(per_second, |burst| burst.max(per_second));
            Rate::per_second(per_second).allow_burst(burst)
        });
        Self {
            bucket: rate.map(|rate| RateLimiter::direct_with_clock(rate, Ticks::of(Arc::clone(clock)))),
            places: Arc::new(Semaphore::new(limits.concurrency)),
            refused: Mutex::default(),
            counts: Default::default(),
        }
    }

    /// Lets one request in.
    ///
    /// # Errors
    /// [`TooMany`].
    pub(super) fn admit(&self) -> Result<(), TooMany> {
        let Some(bucket) = &self.bucket else { return Ok(()) };
        bucket.check().map_err(|not_until| {
            let wait = not_until.wait_time_from(bucket.clock().now());
            TooMany { retry_after_s: wait.as_secs() + 1 }
        })
    }

    /// A place to be worked on.
    ///
    /// # Errors
    /// [`TooMany`]: those before it take some milliseconds each.
    pub(super) fn place(&self) -> Result<OwnedSemaphorePermit, TooMany> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| TooMany { retry_after_s: 1 })
    }

    /// Remembers a refused request.
    pub(super) fn remember(&self, refusal: HookRefusal) {
        let mut refused = self.refused();
        if refused.len() >= REFUSED_KEPT {
            refused.pop_front();
        }
        refused.push_back(refusal);
    }

    /// What was refused, the newest first.
    pub(super) fn newest_refusals(&self) -> Vec<HookRefusal> {
        self.refused().iter().rev().cloned().collect()
    }

    /// Counts a request.
    pub(super) fn count(&self, verdict: HookVerdict) {
        let counts = HookVerdict::ALL.iter().zip(&self.counts);
        let counted = counts.filter(|(counted, _)| **counted == verdict);
        counted.for_each(|(_, count)| {
            count.fetch_add(1, Ordering::Relaxed);
        });
    }

    /// Requests since the start, by what became of them; what never did is left out.
    pub(super) fn counts(&self) -> Vec<(HookVerdict, u64)> {
        let counts = HookVerdict::ALL.into_iter().zip(&self.counts);
        let counts = counts.map(|(verdict, count)| (verdict, count.load(Ordering::Relaxed)));
        counts.filter(|(_, count)| *count > 0).collect()
    }

    fn refused(&self) -> MutexGuard<'_, VecDeque<HookRefusal>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Names of a request's headers, without what they say.
pub(super) fn names(headers: &HeaderMap) -> Vec<String> {
    headers.keys().take(HEADERS_KEPT).map(|name| name.as_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn limits(per_second: u32, burst: u32, concurrency: usize) -> HookLimits {
        HookLimits {
            max_body_bytes: 1,
            items_max: 1,
            per_second,
            burst,
            concurrency,
            deliveries_kept: 1,
            kept_bytes_max: 1,
            deliveries_age_ms: 1,
            per_app: 1,
            answer_within: std::time::Duration::from_secs(1),
        }
    }

    fn id(name: &str) -> HookId {
        HookId::new(name, [1; 20]).unwrap()
    }

    #[test]
    fn a_hook_that_floods_meets_its_own_gate() {
        let manual = Arc::new(ManualClock::at(EpochMs(0)));
        let clock: Arc<dyn Clock> = Arc::clone(&manual) as _;
        let (gates, limits) = (Gates::default(), limits(2, 3, 2));
        let gate = |name| gates.of(&id(name), &limits, &clock);
        for _ in 0..3 {
            assert_eq!(gate("loud").admit(), Ok(()));
        }
        assert_eq!(gate("loud").admit(), Err(TooMany { retry_after_s: 1 }));
        assert_eq!(gate("quiet").admit(), Ok(()));
        manual.advance_ms(500);
        assert_eq!(gate("loud").admit(), Ok(()), "two a second");
        let places = [gate("loud").place().unwrap(), gate("loud").place().unwrap()];
        assert!(gate("loud").place().is_err() && gate("quiet").place().is_ok());
        drop(places);
        assert!(gate("loud").place().is_ok());
    }

    #[test]
    fn the_newest_refusals_are_remembered() {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(EpochMs(0)));
        let gates = Gates::default();
        let gate = gates.of(&id("dada"), &limits(0, 1, 1), &clock);
        gate.count(HookVerdict::Refused);
        assert_eq!(gate.counts(), [(HookVerdict::Refused, 1)]);
        for at in 0..25 {
            let (reason, detail, headers) = ("bad_signature".to_owned(), String::new(), Vec::new());
            gate.remember(HookRefusal {
                at: EpochMs(at),
                verdict: HookVerdict::Refused,
                reason,
                detail,
                headers,
            });
        }
        let times: Vec<i64> = gate.newest_refusals().iter().map(|refusal| refusal.at.0).collect();
        assert_eq!(times, (5..25).rev().collect::<Vec<_>>());
        gates.forget(&id("dada"));
        let fresh = gates.of(&id("dada"), &limits(0, 1, 1), &clock);
        assert!(fresh.newest_refusals().is_empty() && fresh.counts().is_empty());
    }
}
