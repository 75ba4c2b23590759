//! How many sockets may be opened: by one address at one time, and by one rider in a minute.
//! What is over the first is told before the upgrade, what is over the second after the hello that names the rider.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::clock::{Clock, Ticks};
use crate::domain::RiderKey;

/// The arrivals of riders.
pub struct Arrivals {
    of_riders: Option<Limiter>,
    judged: AtomicU32,
}

type Limiter = RateLimiter<RiderKey, HashMapStateStore<RiderKey>, Ticks, NoOpMiddleware<Nanos>>;

/// Riders who have been away are forgotten whenever so many sockets have been opened.
const TIDY_EVERY: u32 = 4096;

impl Arrivals {
    /// So many sockets a minute for one rider; 0 for no limit.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, connects_per_minute: u32) -> Self {
        let quota = NonZeroU32::new(connects_per_minute).map(Quota::per_minute);
        let of_riders = quota.map(|quota| RateLimiter::hashmap_with_clock(quota, Ticks::of(clock)));
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
