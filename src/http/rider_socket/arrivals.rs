//! How many sockets may be opened: by one address at one time, and by one rider in a minute.
//! What is over the first is told before the upgrade, what is over the second after the hello that names the rider.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::dispatch::Dispatch;
use crate::domain::RiderKey;

/// The arrivals of riders.
pub struct Arrivals {
    of_riders: Option<Limiter>,
    judged: AtomicU32,
}

type Limiter = RateLimiter<RiderKey, HashMapStateStore<RiderKey>, DispatchClock, NoOpMiddleware<Nanos>>;

/// Riders who have been away are forgotten whenever so many sockets have been opened.
const TIDY_EVERY: u32 = 4096;

impl Arrivals {
    /// So many sockets a minute for one rider; 0 for no limit.
    #[must_use]
    pub fn new(dispatch: &Arc<Dispatch>, connects_per_minute: u32) -> Self {
        let quota = NonZeroU32::new(connects_per_minute).map(Quota::per_minute);
        let clock = DispatchClock(Arc::clone(dispatch));
        let of_riders = quota.map(|quota| RateLimiter::hashmap_with_clock(quota, clock));
        Self { of_riders, judged: AtomicU32::new(0) }
    }

    /// Whether one more socket of this rider is not one too many.
    pub(super) fn allows(&self, rider: &RiderKey) -> bool {
        let Some(of_riders) = &self.of_riders else { return true };
        if self.judged.fetch_add(1, Ordering::Relaxed) % TIDY_EVERY == TIDY_EVERY - 1 {
            of_riders.retain_recent();
            of_riders.shrink_to_fit();
        }
        of_riders.check_key(rider).is_ok()
    }
}

/// The server's own clock: a simulation runs on its time.
#[derive(Clone)]
struct DispatchClock(Arc<Dispatch>);

impl Clock for DispatchClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let mono_ms = u64::try_from(self.0.clock().now().mono_ms).unwrap_or(0);
        Nanos::from(mono_ms.saturating_mul(1_000_000))
    }
}
