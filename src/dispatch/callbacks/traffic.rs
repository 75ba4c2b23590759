//! What is under way to whom: places in all, for an app and for a backend, and who rests.
//! Pure: it says what may be claimed and what may go; the time comes in as milliseconds of a clock that never goes back.

use std::collections::{BTreeSet, HashMap};

use super::circuit::{Admission, Change, Circuit, CircuitLimits, Verdict};
use crate::domain::AppId;
use crate::domain::callback::Destination;
use crate::outbound::{AllowedUrl, UrlPolicy};
use crate::store::CallbackBatch;

/// How much may be under way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TrafficLimits {
    /// Requests in all.
    pub places: u32,
    /// For one app.
    pub per_app: u32,
    /// To one backend.
    pub per_target: u32,
    /// When a backend is left alone.
    pub circuit: CircuitLimits,
}

/// Who is sent to: a target, or whoever answers at the origin of addresses that events have named. Such an address may be
/// another one with each order; that none of them answers is one fact.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Backend {
    app: AppId,
    name: String,
}

/// What may be claimed now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Look {
    pub(super) room: u32,
    pub(super) per_destination: u32,
    pub(super) resting: Vec<Destination>,
}

/// Everything that is under way, and whoever has failed lately.
pub(super) struct Traffic {
    limits: TrafficLimits,
    in_flight: u32,
    backends: HashMap<Backend, State>,
}

#[derive(Default)]
struct State {
    in_flight: u32,
    circuit: Circuit,
    /// Its destinations that are not to be claimed while it is full or rests.
    known: BTreeSet<Destination>,
    heard_ms: i64,
}

/// Addresses remembered of one backend. What is not remembered is claimed and put off, which costs a write and nothing else.
const KNOWN_MAX: usize = 256;
/// A backend that failed and was not needed since is forgotten after this.
const FORGET_MS: i64 = 600_000;
/// What finds no place is looked at again after this.
const FULL_WAIT_MS: i64 = 1_000;

impl Backend {
    pub(super) fn of(batch: &CallbackBatch) -> Option<Self> {
        let first = batch.callbacks.first()?;
        let Destination { app, name } = &first.destination;
        let origin = || AllowedUrl::parse(&first.url, UrlPolicy::PrivateToo).ok().map(|url| url.origin());
        let name = if name.starts_with("url:") { origin() } else { None }.unwrap_or_else(|| name.clone());
        Some(Self { app: *app, name })
    }
}

impl Traffic {
    pub(super) fn new(limits: TrafficLimits) -> Self {
        Self { limits, in_flight: 0, backends: HashMap::new() }
    }

    /// What may be claimed; `None` if every place is taken. A claim is at most half of a backend's places, and who has not
    /// as many left is not claimed for: so a claim never brings more than has a place.
    pub(super) fn look(&mut self, now_ms: i64) -> Option<Look> {
        self.forget(now_ms);
        let room = self.limits.places.saturating_sub(self.in_flight);
        let portion = (self.limits.per_target / 2).max(1);
        let apps = self.by_app();
        let is_closed = |backend: &Backend, state: &State| {
            state.circuit.is_closed_to(now_ms)
                || state.in_flight + portion > self.limits.per_target
                || apps.get(&backend.app).is_some_and(|taken| *taken >= self.limits.per_app)
        };
        let closed = self.backends.iter().filter(|(backend, state)| is_closed(backend, state));
        let mut resting: Vec<Destination> =
            closed.flat_map(|(_, state)| state.known.iter().cloned()).collect();
        resting.sort_unstable();
        (room > 0).then_some(Look { room, per_destination: portion, resting })
    }

    /// Takes a place, which [`Traffic::ended`] gives back.
    pub(super) fn admit(&mut self, backend: &Backend, destination: &Destination, now_ms: i64) -> Admission {
        let of_app = self.by_app().get(&backend.app).copied().unwrap_or(0);
        let all_taken = self.in_flight >= self.limits.places || of_app >= self.limits.per_app;
        let state = self.backends.entry(backend.clone()).or_default();
        // Those forgotten have been put off, or are under way: neither is due.
        if state.known.len() >= KNOWN_MAX {
            state.known.clear();
        }
        state.known.insert(destination.clone());
        if all_taken || state.in_flight >= self.limits.per_target {
            return Admission::NotBefore(now_ms.saturating_add(FULL_WAIT_MS));
        }
        let admission = state.circuit.admit(now_ms);
        if admission == Admission::Go {
            state.in_flight += 1;
            self.in_flight += 1;
        }
        admission
    }

    /// A request that was admitted has ended.
    pub(super) fn ended(&mut self, backend: &Backend, verdict: Verdict, now_ms: i64) -> Change {
        let Some(state) = self.backends.get_mut(backend) else { return Change::None };
        state.in_flight = state.in_flight.saturating_sub(1);
        self.in_flight = self.in_flight.saturating_sub(1);
        state.heard_ms = now_ms;
        state.circuit.judge(verdict, self.limits.circuit, now_ms)
    }

    /// How many backends rest.
    pub(super) fn resting(&self) -> usize {
        self.backends.values().filter(|state| state.circuit.is_resting()).count()
    }

    fn by_app(&self) -> HashMap<AppId, u32> {
        let mut apps = HashMap::new();
        for (backend, state) in &self.backends {
            *apps.entry(backend.app).or_default() += state.in_flight;
        }
        apps
    }

    fn forget(&mut self, now_ms: i64) {
        self.backends.retain(|_, state| {
            let is_old = now_ms.saturating_sub(state.heard_ms) > FORGET_MS;
            let is_idle = !state.circuit.is_resting() && (state.circuit.is_fresh() || is_old);
            // One that rests is forgotten long after its rest, if nothing has come up for it since.
            state.in_flight > 0 || !(is_idle || (is_old && !state.circuit.is_closed_to(now_ms)))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::callbacks::body::tests::callback;
    use crate::domain::EpochMs;

    const LIMITS: TrafficLimits = TrafficLimits {
        places: 6,
        per_app: 5,
        per_target: 4,
        circuit: CircuitLimits { failures: 2, rest_ms: 10_000, rest_ms_max: 40_000 },
    };

    fn app(number: u8) -> AppId {
        AppId::new(EpochMs(1), [number; 10])
    }

    fn batch(app: AppId, name: &str, url: &str) -> CallbackBatch {
        let mut callback = callback("delivery.played");
        callback.destination = Destination { app, name: name.to_owned() };
        callback.url = url.to_owned();
        CallbackBatch { webhook_id: "cbk_1".to_owned(), is_list: false, callbacks: vec![callback] }
    }

    fn target(app: AppId, name: &str) -> (Backend, Destination) {
        let batch = batch(app, name, "https://a.example/x");
        (Backend::of(&batch).unwrap(), Destination { app, name: name.to_owned() })
    }

    fn sent(traffic: &mut Traffic, app: AppId, name: &str, now_ms: i64) -> Admission {
        let (backend, destination) = target(app, name);
        traffic.admit(&backend, &destination, now_ms)
    }

    #[test]
    fn a_backend_has_its_places_and_no_more_however_many_are_claimed() {
        let mut traffic = Traffic::new(LIMITS);
        let look = Look { room: 6, per_destination: 2, resting: vec![] };
        assert_eq!(traffic.look(0).unwrap(), look);
        for _ in 0..2 {
            assert_eq!(sent(&mut traffic, app(1), "cbt_1", 0), Admission::Go);
        }
        assert_eq!(traffic.look(0).unwrap(), Look { room: 4, ..look });
        assert_eq!(sent(&mut traffic, app(1), "cbt_1", 0), Admission::Go);
        let full = Destination { app: app(1), name: "cbt_1".to_owned() };
        assert_eq!(traffic.look(0).unwrap().resting, [full]);
        assert_eq!(sent(&mut traffic, app(1), "cbt_1", 0), Admission::Go);
        assert_eq!(sent(&mut traffic, app(1), "cbt_1", 0), Admission::NotBefore(1_000));
    }

    #[test]
    fn an_app_leaves_places_for_others_and_all_are_counted() {
        let mut traffic = Traffic::new(LIMITS);
        for name in ["cbt_1", "cbt_1", "cbt_1", "cbt_2", "cbt_2"] {
            assert_eq!(sent(&mut traffic, app(1), name, 0), Admission::Go);
        }
        assert_eq!(sent(&mut traffic, app(1), "cbt_2", 0), Admission::NotBefore(1_000));
        assert_eq!(traffic.look(0).unwrap().resting.len(), 2, "no target of the app is claimed for");
        assert_eq!(sent(&mut traffic, app(2), "cbt_3", 0), Admission::Go);
        assert_eq!(
            (traffic.look(0), sent(&mut traffic, app(3), "cbt_4", 0)),
            (None, Admission::NotBefore(1_000))
        );
        let (backend, _) = target(app(2), "cbt_3");
        assert_eq!(traffic.ended(&backend, Verdict::Well, 5), Change::None);
        assert_eq!(traffic.look(5).unwrap().room, 1);
    }

    #[test]
    fn who_rests_is_not_claimed_for_until_the_rest_is_over() {
        let mut traffic = Traffic::new(LIMITS);
        let (backend, destination) = target(app(1), "cbt_1");
        for change in [Change::None, Change::Rests(10_000)] {
            assert_eq!(traffic.admit(&backend, &destination, 0), Admission::Go);
            assert_eq!(traffic.ended(&backend, Verdict::Ill, 0), change);
        }
        assert_eq!((traffic.look(9_999).unwrap().resting, traffic.resting()), (vec![destination.clone()], 1));
        assert!(traffic.look(10_000).unwrap().resting.is_empty());
        assert_eq!(traffic.admit(&backend, &destination, 10_000), Admission::Go);
        assert_eq!(traffic.look(10_001).unwrap().resting, [destination], "one finds out, the others wait");
        assert_eq!(traffic.ended(&backend, Verdict::Well, 10_002), Change::Back);
        assert!(traffic.look(10_003).unwrap().resting.is_empty() && traffic.backends.is_empty());
    }

    #[test]
    fn addresses_of_one_origin_are_one_backend_and_targets_on_it_are_each_their_own() {
        let backend = |name: &str, url: &str| Backend::of(&batch(app(1), name, url)).unwrap();
        let order = backend("url:1", "https://shop.example/bell?order=1");
        assert_eq!(order, backend("url:2", "https://SHOP.example:443/bell?order=2"));
        assert_ne!(order, backend("url:3", "https://shop.example:444/bell"));
        assert_ne!(backend("cbt_1", "https://shop.example/1"), backend("cbt_2", "https://shop.example/2"));
        assert_ne!(order, Backend::of(&batch(app(2), "url:1", "https://shop.example/")).unwrap());
        assert_eq!(backend("url:4", "no address").name, "url:4");
    }

    #[test]
    fn who_has_failed_and_is_not_heard_of_again_is_forgotten() {
        let mut traffic = Traffic::new(LIMITS);
        let (backend, destination) = target(app(1), "cbt_1");
        traffic.admit(&backend, &destination, 0);
        traffic.ended(&backend, Verdict::Away(700_000), 0);
        assert_eq!(traffic.look(650_000).unwrap().resting.len(), 1, "its rest is longer than our memory");
        assert!(traffic.look(700_001).is_some() && traffic.backends.is_empty());
    }
}
