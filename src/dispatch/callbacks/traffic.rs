//! What is under way to whom: places in all, for an app and for a backend, and who rests.
//! Pure: it says what may be claimed and what may go; the time comes in as milliseconds of a clock that never goes back.

use std::collections::{BTreeMap, HashMap};

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

/// Whose places are counted: a target, or the origin of addresses that events have named. Such an address may be another one
/// with each order; that the origin is away is one fact, what one address answers is that address's own.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Backend {
    app: AppId,
    name: String,
    is_origin: bool,
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
    /// All of it. Its circuit is that of an origin; a target has only its own.
    whole: Gate,
    /// Its destinations: a target, or the addresses of an origin that are not to be claimed while it is full or rests.
    known: BTreeMap<Destination, Gate>,
}

/// What is under way through here, and whether anything may go.
#[derive(Default)]
struct Gate {
    in_flight: u32,
    circuit: Circuit,
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
        let is_origin = name.starts_with("url:");
        let origin = || AllowedUrl::parse(&first.url, UrlPolicy::PrivateToo).ok().map(|url| url.origin());
        let name = if is_origin { origin() } else { None }.unwrap_or_else(|| name.clone());
        Some(Self { app: *app, name, is_origin })
    }
}

impl TrafficLimits {
    /// Most that a claim brings for one destination.
    fn portion(self) -> u32 {
        (self.per_target / 4).max(1)
    }

    /// Places of one destination. An address leaves a portion to the others of its origin, and has one once it has failed.
    fn own_places(self, backend: &Backend, own: &Gate) -> u32 {
        match (backend.is_origin, own.circuit.is_fresh()) {
            (false, _) => self.per_target,
            (true, true) => self.per_target.saturating_sub(self.portion()).max(1),
            (true, false) => self.portion(),
        }
    }
}

impl Traffic {
    pub(super) fn new(limits: TrafficLimits) -> Self {
        Self { limits, in_flight: 0, backends: HashMap::new() }
    }

    /// What may be claimed; `None` if every place is taken. A claim is at most a portion of a backend's places, and who has
    /// not as many left is not claimed for: so a claim never brings more than has a place.
    pub(super) fn look(&mut self, now_ms: i64) -> Option<Look> {
        self.forget(now_ms);
        let (limits, portion) = (self.limits, self.limits.portion());
        let room = limits.places.saturating_sub(self.in_flight);
        let apps = self.by_app();
        let mut resting = Vec::new();
        for (backend, state) in &self.backends {
            let is_closed = state.whole.circuit.rests_until(now_ms).is_some()
                || state.whole.in_flight + portion > limits.per_target
                || apps.get(&backend.app).is_some_and(|taken| *taken >= limits.per_app);
            let is_shut = |own: &Gate| {
                own.circuit.is_closed_to(now_ms) || own.in_flight + portion > limits.own_places(backend, own)
            };
            let shut = state.known.iter().filter(|(_, own)| is_closed || is_shut(own));
            resting.extend(shut.map(|(destination, _)| destination.clone()));
        }
        resting.sort_unstable();
        (room > 0).then_some(Look { room, per_destination: portion, resting })
    }

    /// Takes a place, which [`Traffic::ended`] gives back.
    pub(super) fn admit(&mut self, backend: &Backend, destination: &Destination, now_ms: i64) -> Admission {
        let of_app = self.by_app().get(&backend.app).copied().unwrap_or(0);
        let all_taken = self.in_flight >= self.limits.places || of_app >= self.limits.per_app;
        let State { whole, known } = self.backends.entry(backend.clone()).or_default();
        make_room(known);
        let own = known.entry(destination.clone()).or_default();
        let own_taken = own.in_flight >= self.limits.own_places(backend, own);
        if all_taken || own_taken || whole.in_flight >= self.limits.per_target {
            return Admission::NotBefore(now_ms.saturating_add(FULL_WAIT_MS));
        }
        if let Some(until_ms) = whole.circuit.rests_until(now_ms) {
            return Admission::NotBefore(until_ms);
        }
        let admission = own.circuit.admit(now_ms);
        if admission == Admission::Go {
            // Each address finds out: one that hangs is not to keep the others waiting.
            whole.circuit.probe();
            own.in_flight += 1;
            whole.in_flight += 1;
            self.in_flight += 1;
        }
        admission
    }

    /// A request that was admitted has ended.
    pub(super) fn ended(
        &mut self,
        backend: &Backend,
        destination: &Destination,
        verdict: Verdict,
        now_ms: i64,
    ) -> Change {
        let Some(State { whole, known }) = self.backends.get_mut(backend) else { return Change::None };
        self.in_flight = self.in_flight.saturating_sub(1);
        whole.left(now_ms);
        let own = known.entry(destination.clone()).or_default();
        own.left(now_ms);
        let of_origin = of_origin(verdict, &own.circuit);
        let change = own.circuit.judge(verdict, self.limits.circuit, now_ms);
        if !backend.is_origin {
            return change;
        }
        match whole.circuit.judge(of_origin, self.limits.circuit, now_ms) {
            Change::None => change,
            of_whole @ (Change::Rests(_) | Change::Back) => of_whole,
        }
    }

    /// How many targets, addresses and origins rest.
    pub(super) fn resting(&self) -> usize {
        let gates = self
            .backends
            .values()
            .flat_map(|state| state.known.values().chain(std::iter::once(&state.whole)));
        gates.filter(|gate| gate.circuit.is_resting()).count()
    }

    fn by_app(&self) -> HashMap<AppId, u32> {
        let mut apps = HashMap::new();
        for (backend, state) in &self.backends {
            *apps.entry(backend.app).or_default() += state.whole.in_flight;
        }
        apps
    }

    fn forget(&mut self, now_ms: i64) {
        self.backends.retain(|_, State { whole, known }| {
            known.retain(|_, own| own.circuit.is_fresh() || !own.is_past(now_ms));
            !whole.is_past(now_ms) || known.values().any(|own| !own.is_past(now_ms))
        });
    }
}

impl Gate {
    fn left(&mut self, now_ms: i64) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.heard_ms = now_ms;
    }

    /// Whether it may be forgotten. One that rests may long after its rest, if nothing has come up for it since.
    fn is_past(&self, now_ms: i64) -> bool {
        let is_old = now_ms.saturating_sub(self.heard_ms) > FORGET_MS;
        let is_idle = !self.circuit.is_resting() && (self.circuit.is_fresh() || is_old);
        self.in_flight == 0 && (is_idle || (is_old && !self.circuit.is_closed_to(now_ms)))
    }
}

/// What an end says about the origin. Whatever it answers, it is there. An address that stays mute may be alone in that: it
/// counts once, until it is well.
fn of_origin(verdict: Verdict, own: &Circuit) -> Verdict {
    match verdict {
        Verdict::Well | Verdict::Ill | Verdict::Away(_) => Verdict::Well,
        Verdict::Mute if own.is_fresh() => Verdict::Ill,
        Verdict::Unreached => Verdict::Ill,
        Verdict::Mute | Verdict::Unknown => Verdict::Unknown,
    }
}

/// Those forgotten have been put off, or are due and take their chance; what has failed is remembered longer.
fn make_room(known: &mut BTreeMap<Destination, Gate>) {
    if known.len() >= KNOWN_MAX {
        known.retain(|_, own| own.in_flight > 0 || !own.circuit.is_fresh());
    }
    if known.len() >= KNOWN_MAX {
        known.retain(|_, own| own.in_flight > 0);
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
        let look = Look { room: 6, per_destination: 1, resting: vec![] };
        assert_eq!(traffic.look(0).unwrap(), look);
        for room in [5, 4, 3] {
            assert_eq!(sent(&mut traffic, app(1), "cbt_1", 0), Admission::Go);
            assert_eq!(traffic.look(0).unwrap(), Look { room, ..look.clone() });
        }
        assert_eq!(sent(&mut traffic, app(1), "cbt_1", 0), Admission::Go);
        let full = Destination { app: app(1), name: "cbt_1".to_owned() };
        assert_eq!(traffic.look(0).unwrap().resting, [full]);
        assert_eq!(sent(&mut traffic, app(1), "cbt_1", 0), Admission::NotBefore(1_000));
    }

    fn ended(traffic: &mut Traffic, name: &str, verdict: Verdict, now_ms: i64) -> Change {
        let (backend, destination) = target(app(1), name);
        traffic.ended(&backend, &destination, verdict, now_ms)
    }

    fn tried(traffic: &mut Traffic, name: &str, verdict: Verdict, now_ms: i64) -> Change {
        assert_eq!(sent(traffic, app(1), name, now_ms), Admission::Go, "{name}");
        ended(traffic, name, verdict, now_ms)
    }

    #[test]
    fn what_an_address_answers_rests_that_address_alone() {
        for (verdict, rest_ms) in [(Verdict::Ill, 10_000), (Verdict::Away(25_000), 25_000)] {
            let mut traffic = Traffic::new(LIMITS);
            tried(&mut traffic, "url:1", Verdict::Ill, 0);
            assert_eq!(tried(&mut traffic, "url:1", verdict, 0), Change::Rests(rest_ms));
            let (_, resting) = target(app(1), "url:1");
            assert_eq!((traffic.look(1).unwrap().resting, traffic.resting()), (vec![resting], 1));
            assert_eq!(sent(&mut traffic, app(1), "url:1", 1), Admission::NotBefore(rest_ms));
            assert_eq!(tried(&mut traffic, "url:2", Verdict::Well, 1), Change::None);
            assert_eq!(
                sent(&mut traffic, app(1), "url:1", 1),
                Admission::NotBefore(rest_ms),
                "nor is it well"
            );
        }
    }

    #[test]
    fn an_address_that_hangs_leaves_places_and_counts_once_for_its_origin() {
        let mut traffic = Traffic::new(LIMITS);
        for _ in 0..3 {
            assert_eq!(sent(&mut traffic, app(1), "url:1", 0), Admission::Go);
        }
        assert_eq!(sent(&mut traffic, app(1), "url:1", 0), Admission::NotBefore(1_000));
        assert_eq!(tried(&mut traffic, "url:2", Verdict::Unknown, 0), Change::None);
        assert_eq!(ended(&mut traffic, "url:1", Verdict::Mute, 10), Change::None);
        assert_eq!(
            sent(&mut traffic, app(1), "url:1", 10),
            Admission::NotBefore(1_010),
            "less once it failed"
        );
        assert_eq!(ended(&mut traffic, "url:1", Verdict::Mute, 20), Change::Rests(10_000));
        assert_eq!(ended(&mut traffic, "url:1", Verdict::Mute, 20), Change::None);
        assert_eq!((traffic.resting(), tried(&mut traffic, "url:2", Verdict::Well, 21)), (1, Change::None));
    }

    #[test]
    fn an_origin_that_is_away_rests_and_then_each_address_finds_out() {
        let mut traffic = Traffic::new(LIMITS);
        assert_eq!(tried(&mut traffic, "url:1", Verdict::Unreached, 0), Change::None);
        assert_eq!(tried(&mut traffic, "url:2", Verdict::Mute, 0), Change::Rests(10_000));
        assert_eq!(sent(&mut traffic, app(1), "url:3", 1), Admission::NotBefore(10_000));
        assert_eq!(traffic.look(1).unwrap().resting.len(), 3);
        assert_eq!(sent(&mut traffic, app(1), "url:1", 10_000), Admission::Go);
        assert!(traffic.look(10_000).unwrap().resting.len() == 1, "no other waits for it");
        assert_eq!(
            tried(&mut traffic, "url:3", Verdict::Ill, 10_000),
            Change::Back,
            "an answer is an answer"
        );
        assert_eq!(ended(&mut traffic, "url:1", Verdict::Unreached, 10_001), Change::Rests(10_000));
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
        let (backend, destination) = target(app(2), "cbt_3");
        assert_eq!(traffic.ended(&backend, &destination, Verdict::Well, 5), Change::None);
        assert_eq!(traffic.look(5).unwrap().room, 1);
    }

    #[test]
    fn who_rests_is_not_claimed_for_until_the_rest_is_over() {
        let mut traffic = Traffic::new(LIMITS);
        let (backend, destination) = target(app(1), "cbt_1");
        for change in [Change::None, Change::Rests(10_000)] {
            assert_eq!(traffic.admit(&backend, &destination, 0), Admission::Go);
            assert_eq!(traffic.ended(&backend, &destination, Verdict::Ill, 0), change);
        }
        assert_eq!((traffic.look(9_999).unwrap().resting, traffic.resting()), (vec![destination.clone()], 1));
        assert!(traffic.look(10_000).unwrap().resting.is_empty());
        assert_eq!(traffic.admit(&backend, &destination, 10_000), Admission::Go);
        assert_eq!(
            traffic.look(10_001).unwrap().resting,
            std::slice::from_ref(&destination),
            "one finds out, the others wait"
        );
        assert_eq!(traffic.ended(&backend, &destination, Verdict::Well, 10_002), Change::Back);
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
        traffic.ended(&backend, &destination, Verdict::Away(700_000), 0);
        assert_eq!(traffic.look(650_000).unwrap().resting.len(), 1, "its rest is longer than our memory");
        assert!(traffic.look(700_001).is_some() && traffic.backends.is_empty());
    }
}
