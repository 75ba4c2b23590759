//! Who is connected to this process, and their bells.
//! A bell carries no data: ringing says look at the store; a lost ring costs a second, never an alert.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::domain::{AppId, AudioState, DevicePolicy, EpochMs, Presence, RiderId, RiderKey, SessionId};

/// Sessions of this process by rider.
pub struct Hub {
    // Std mutexes: each section is a map access, nothing in it waits. Shards, because a broadcast rings thousands.
    // Ordered maps: sessions are rung in the same order on every run, which a simulation can repeat.
    shards: Vec<Mutex<BTreeMap<RiderKey, Vec<Arc<Bell>>>>>,
    sessions: AtomicUsize,
    arrivals: AtomicU64,
    // Sessions by app; locked for a moment, after a shard.
    crowds: Mutex<BTreeMap<AppId, usize>>,
}

/// How to reach one session.
#[derive(Debug)]
pub struct Bell {
    session: SessionId,
    device: Box<str>,
    opened_at: EpochMs,
    arrival: u64,
    wake: Notify,
    asked: AtomicU8,
    audio: AtomicU8,
    audio_at_ms: AtomicI64,
    foreground: AtomicU8,
}

/// What a session is asked to do when its bell rings.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ring {
    /// Look at the store: something about this rider has changed.
    Look,
    /// Leave: another session of the rider took over.
    Replaced,
    /// Leave: the rider's tokens were revoked or the rider erased.
    Revoked,
    /// Leave: this node drains.
    Drain,
}

impl Ring {
    const ALL: [Self; 4] = [Self::Revoked, Self::Replaced, Self::Drain, Self::Look];

    fn bit(self) -> u8 {
        match self {
            Self::Look => 1,
            Self::Replaced => 2,
            Self::Revoked => 4,
            Self::Drain => 8,
        }
    }
}

/// One session as an operator or backend sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SessionView {
    /// The session.
    pub session: SessionId,
    /// The client's own id of its device.
    pub device: String,
    /// When it said hello.
    pub opened_at: EpochMs,
    /// What its player does, if it told.
    pub audio: Option<AudioState>,
    /// When it told; until then, when it said hello.
    pub audio_at: EpochMs,
    /// Whether the program is on the screen, if it told.
    pub foreground: Option<bool>,
}

/// Keeps a session listed; dropping it takes the session out.
pub struct Registration {
    hub: Arc<Hub>,
    rider: RiderKey,
    bell: Arc<Bell>,
    crowd: usize,
    alone: bool,
}

/// Few enough to cost nothing when idle, enough that ringing threads seldom meet.
const SHARDS: usize = 32;
const AUDIO_STATES: [AudioState; 6] = [
    AudioState::Playing,
    AudioState::Silent,
    AudioState::Interrupted,
    AudioState::Paused,
    AudioState::Stolen,
    AudioState::Blocked,
];

impl Hub {
    /// A hub with nobody in it.
    #[must_use]
    pub fn new() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, sessions: AtomicUsize::new(0), arrivals: AtomicU64::new(0), crowds: Mutex::default() }
    }

    /// The place of a socket in the order of arrival; to be taken before anything is waited for.
    pub fn arrival(&self) -> u64 {
        self.arrivals.fetch_add(1, Ordering::Relaxed)
    }

    /// Lists a session. Sessions it takes over from are rung as [`Ring::Replaced`]: all others under
    /// [`DevicePolicy::Latest`]; else the one of the same device, and the oldest above `sessions_max`.
    /// It does not take over from one that arrived after it: its client has left it for that one, or soon will, and
    /// must not be told there that another took over. It is rung itself.
    #[must_use]
    pub fn register(
        self: &Arc<Self>,
        rider: RiderKey,
        bell: Bell,
        policy: DevicePolicy,
        sessions_max: usize,
    ) -> Registration {
        let bell = Arc::new(bell);
        let mut shard = self.shard(&rider);
        let bells = shard.entry(rider.clone()).or_default();
        let surplus = (bells.len() + 1).saturating_sub(sessions_max);
        for (age, other) in bells.iter().enumerate() {
            let rivals = match policy {
                DevicePolicy::Latest => true,
                DevicePolicy::All => other.device == bell.device,
            };
            if rivals && other.arrival > bell.arrival {
                bell.ring(Ring::Replaced);
            } else if rivals || age < surplus {
                other.ring(Ring::Replaced);
            }
        }
        bells.push(Arc::clone(&bell));
        let alone = bells.len() == 1;
        let crowd = {
            let mut crowds = lock(&self.crowds);
            let crowd = crowds.entry(rider.app).or_default();
            *crowd += 1;
            *crowd
        };
        drop(shard);
        self.sessions.fetch_add(1, Ordering::Relaxed);
        Registration { hub: Arc::clone(self), rider, bell, crowd, alone }
    }

    /// Rings every session of a rider. Nothing happens if there is none here.
    pub fn ring(&self, rider: &RiderKey, ring: Ring) {
        if let Some(bells) = self.shard(rider).get(rider) {
            for bell in bells {
                bell.ring(ring);
            }
        }
    }

    /// Rings every session of this process.
    pub fn ring_all(&self, ring: Ring) {
        for shard in &self.shards {
            for bell in lock(shard).values().flatten() {
                bell.ring(ring);
            }
        }
    }

    /// The rider's sessions here, oldest first.
    #[must_use]
    pub fn sessions_of(&self, rider: &RiderKey) -> Vec<SessionView> {
        self.shard(rider).get(rider).into_iter().flatten().map(|bell| bell.view()).collect()
    }

    /// The riders of an app who are connected here, in any order.
    #[must_use]
    pub fn riders_of(&self, app: AppId) -> Vec<RiderId> {
        let mut riders = Vec::new();
        for shard in &self.shards {
            riders.extend(lock(shard).keys().filter(|key| key.app == app).map(|key| key.rider.clone()));
        }
        riders
    }

    /// Sessions of this process.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.sessions.load(Ordering::Relaxed)
    }

    /// Sessions of an app in this process.
    #[must_use]
    pub fn sessions_in(&self, app: AppId) -> usize {
        lock(&self.crowds).get(&app).copied().unwrap_or_default()
    }

    fn shard(&self, rider: &RiderKey) -> MutexGuard<'_, BTreeMap<RiderKey, Vec<Arc<Bell>>>> {
        let mut hasher = DefaultHasher::new();
        rider.hash(&mut hasher);
        let place = usize::try_from(hasher.finish() % SHARDS as u64).unwrap_or_default();
        lock(&self.shards[place])
    }
}

impl Default for Hub {
    fn default() -> Self {
        Self::new()
    }
}

impl Presence for Hub {
    fn is_online(&self, app: AppId, rider: &RiderId) -> bool {
        let rider = RiderKey { app, rider: rider.clone() };
        self.shard(&rider).contains_key(&rider)
    }

    fn is_audible(&self, app: AppId, rider: &RiderId) -> bool {
        let rider = RiderKey { app, rider: rider.clone() };
        let shard = self.shard(&rider);
        shard.get(&rider).into_iter().flatten().any(|bell| bell.is_audible())
    }
}

impl Bell {
    /// A bell that has not rung, of the socket that arrived as [`Hub::arrival`] said.
    #[must_use]
    pub fn new(session: SessionId, device: &str, opened_at: EpochMs, arrival: u64) -> Self {
        Self {
            session,
            device: device.into(),
            opened_at,
            arrival,
            wake: Notify::new(),
            asked: AtomicU8::new(0),
            audio: AtomicU8::new(0),
            audio_at_ms: AtomicI64::new(opened_at.0),
            foreground: AtomicU8::new(0),
        }
    }

    /// Rings. Rings before the session looks are one ring.
    fn ring(&self, ring: Ring) {
        self.asked.fetch_or(ring.bit(), Ordering::SeqCst);
        self.wake.notify_one();
    }

    fn audio(&self) -> Option<AudioState> {
        let place = usize::from(self.audio.load(Ordering::Relaxed)).checked_sub(1)?;
        AUDIO_STATES.get(place).copied()
    }

    /// Whoever has not told of a player yet gets the benefit of the doubt.
    fn is_audible(&self) -> bool {
        self.audio().is_none_or(AudioState::is_audible)
    }

    fn view(&self) -> SessionView {
        SessionView {
            session: self.session,
            device: self.device.to_string(),
            opened_at: self.opened_at,
            audio: self.audio(),
            audio_at: EpochMs(self.audio_at_ms.load(Ordering::Relaxed)),
            foreground: match self.foreground.load(Ordering::Relaxed) {
                0 => None,
                told => Some(told == 2),
            },
        }
    }
}

impl Registration {
    /// The rider this session belongs to.
    #[must_use]
    pub fn rider(&self) -> &RiderKey {
        &self.rider
    }

    /// Whether it is one more than the `most` sessions its app may have. A rider who has another one is no newcomer:
    /// who comes back must not be kept out by a socket of their own that is dying.
    #[must_use]
    pub fn is_over(&self, most: usize) -> bool {
        self.alone && self.crowd > most
    }

    /// Ends when the bell rings, or at once if it has rung since the last [`Registration::take`].
    pub fn rung(&self) -> tokio::sync::futures::Notified<'_> {
        self.bell.wake.notified()
    }

    /// Whether another session has taken over.
    #[must_use]
    pub fn is_replaced(&self) -> bool {
        self.bell.asked.load(Ordering::SeqCst) & Ring::Replaced.bit() != 0
    }

    /// What the session is asked to do, most urgent first; forgotten from now on.
    #[must_use]
    pub fn take(&self) -> Vec<Ring> {
        let asked = self.bell.asked.swap(0, Ordering::SeqCst);
        Ring::ALL.into_iter().filter(|ring| asked & ring.bit() != 0).collect()
    }

    /// Notes what the player does, told at `at`.
    pub fn set_audio(&self, audio: AudioState, at: EpochMs) {
        self.bell.audio_at_ms.store(at.0, Ordering::Relaxed);
        let place = AUDIO_STATES.iter().position(|state| *state == audio).unwrap_or_default();
        self.bell.audio.store(u8::try_from(place + 1).unwrap_or_default(), Ordering::Relaxed);
    }

    /// Notes whether the program is on the screen.
    pub fn set_foreground(&self, foreground: bool) {
        self.bell.foreground.store(1 + u8::from(foreground), Ordering::Relaxed);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut shard = self.hub.shard(&self.rider);
        if let Some(bells) = shard.get_mut(&self.rider) {
            bells.retain(|bell| !Arc::ptr_eq(bell, &self.bell));
            if bells.is_empty() {
                shard.remove(&self.rider);
            }
        }
        let mut crowds = lock(&self.hub.crowds);
        if let Some(crowd) = crowds.get_mut(&self.rider.app) {
            *crowd -= 1;
            if *crowd == 0 {
                crowds.remove(&self.rider.app);
            }
        }
        drop(crowds);
        drop(shard);
        self.hub.sessions.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A panic while a shard was locked leaves a map that is still whole: entries are changed in single steps.
fn lock<T>(shard: &Mutex<T>) -> MutexGuard<'_, T> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Bell, Hub, Registration, Ring};
    use crate::domain::{AppId, AudioState, DevicePolicy, EpochMs, Presence, RiderKey, SessionId};

    fn rider() -> RiderKey {
        RiderKey { app: AppId::new(EpochMs(1), [0; 10]), rider: "r1".parse().unwrap() }
    }

    fn join(hub: &Arc<Hub>, number: u8, device: &str, policy: DevicePolicy) -> Registration {
        let session = SessionId::new(EpochMs(1), [number; 10]);
        let bell = Bell::new(session, device, EpochMs(1), u64::from(number));
        hub.register(rider(), bell, policy, 2)
    }

    #[tokio::test]
    async fn a_ring_before_the_wait_is_not_lost_and_many_are_one() {
        let hub = Arc::new(Hub::new());
        let session = join(&hub, 1, "phone", DevicePolicy::Latest);
        hub.ring(&rider(), Ring::Look);
        hub.ring(&rider(), Ring::Look);
        session.rung().await;
        assert_eq!(session.take(), [Ring::Look]);
        assert!(session.take().is_empty());
    }

    #[test]
    fn the_latest_device_replaces_and_leaving_empties_the_hub() {
        let hub = Arc::new(Hub::new());
        let old = join(&hub, 1, "phone", DevicePolicy::Latest);
        let new = join(&hub, 2, "tablet", DevicePolicy::Latest);
        assert_eq!((old.take(), new.take()), (vec![Ring::Replaced], vec![]));
        drop(old);
        assert!(hub.is_online(rider().app, &rider().rider));
        drop(new);
        assert!(!hub.is_online(rider().app, &rider().rider));
        assert_eq!(hub.session_count(), 0);
    }

    #[test]
    fn who_arrived_earlier_and_was_held_up_does_not_take_over_from_who_is_here() {
        let hub = Arc::new(Hub::new());
        assert!(hub.arrival() < hub.arrival());
        for policy in [DevicePolicy::Latest, DevicePolicy::All] {
            let here = join(&hub, 2, "phone", policy);
            let late = join(&hub, 1, "phone", policy);
            assert!(late.is_replaced() && !here.is_replaced(), "{policy:?}");
            assert_eq!((late.take(), here.take()), (vec![Ring::Replaced], vec![]), "{policy:?}");
        }
    }

    #[test]
    fn all_devices_ring_but_one_device_has_one_session_and_there_is_a_limit() {
        let hub = Arc::new(Hub::new());
        let phone = join(&hub, 1, "phone", DevicePolicy::All);
        let tablet = join(&hub, 2, "tablet", DevicePolicy::All);
        assert!(phone.take().is_empty());
        let again = join(&hub, 3, "tablet", DevicePolicy::All);
        assert_eq!(tablet.take(), [Ring::Replaced]);
        assert_eq!(phone.take(), [Ring::Replaced], "the oldest above the limit leaves");
        assert!(again.take().is_empty());
    }

    #[test]
    fn an_app_that_is_full_takes_back_its_own_riders_only() {
        let hub = Arc::new(Hub::new());
        let bell = |number: u8| Bell::new(SessionId::new(EpochMs(1), [number; 10]), "phone", EpochMs(1), 1);
        let enter = |app: u8, name: &str, number: u8| {
            let rider = RiderKey { app: AppId::new(EpochMs(1), [app; 10]), rider: name.parse().unwrap() };
            hub.register(rider, bell(number), DevicePolicy::Latest, 2)
        };
        let (first, second) = (enter(1, "r1", 1), enter(1, "r2", 2));
        assert!(!first.is_over(2) && !second.is_over(2));
        let (third, again, elsewhere) = (enter(1, "r3", 3), enter(1, "r2", 4), enter(2, "r1", 5));
        assert!(third.is_over(2) && !again.is_over(2) && !elsewhere.is_over(2));
        let app = first.rider().app;
        assert_eq!((hub.sessions_in(app), hub.sessions_in(elsewhere.rider().app)), (4, 1));
        drop((first, second, third, again));
        assert_eq!((hub.sessions_in(app), hub.session_count()), (0, 1));
    }

    #[test]
    fn what_the_client_tells_is_seen() {
        let hub = Arc::new(Hub::new());
        let session = join(&hub, 1, "phone", DevicePolicy::Latest);
        assert_eq!(hub.sessions_of(&rider())[0].audio, None);
        session.set_audio(AudioState::Stolen, EpochMs(9));
        session.set_foreground(false);
        let view = &hub.sessions_of(&rider())[0];
        assert_eq!((view.audio, view.foreground), (Some(AudioState::Stolen), Some(false)));
    }
}
