//! How often one address may sign in: each sign-in is a call of WeChat, which counts ours.
//! Addresses that have been quiet are soon forgotten.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::clock::{Clock, Ticks};
use crate::http::listener::Neighbourhood;

/// The sign-ins of all addresses.
pub struct LoginPace(Option<Limiter>);

struct Limiter {
    rates: RateLimiter<Neighbourhood, HashMapStateStore<Neighbourhood>, Ticks, NoOpMiddleware<Nanos>>,
    clock: Ticks,
}

impl LoginPace {
    /// So many a minute for each address, at once or one by one; 0 is no limit.
    #[must_use]
    pub fn new(per_minute: u32, clock: Arc<dyn Clock>) -> Self {
        Self(NonZeroU32::new(per_minute).map(|per_minute| {
            let (clock, store) = (Ticks::of(clock), HashMapStateStore::default());
            Limiter { rates: RateLimiter::new(Quota::per_minute(per_minute), store, clock.clone()), clock }
        }))
    }

    /// Takes one; else in how many seconds there is one.
    pub(super) fn take(&self, client: IpAddr) -> Result<(), u64> {
        let Some(Limiter { rates, clock }) = &self.0 else { return Ok(()) };
        // Rounded up: who comes back then is not refused again.
        rates.check_key(&client.into()).map_err(|until| until.wait_time_from(clock.now()).as_secs() + 1)
    }

    /// Forgets addresses that may sign in as if they had not.
    pub fn forget(&self) {
        if let Some(Limiter { rates, .. }) = &self.0 {
            rates.retain_recent();
            rates.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::LoginPace;
    use crate::clock::{Clock, ManualClock};

    #[test]
    fn an_address_signs_in_so_often_a_minute_and_is_forgotten() {
        let clock = Arc::new(ManualClock::default());
        let pace = LoginPace::new(3, Arc::clone(&clock) as Arc<dyn Clock>);
        let one = "203.0.113.9".parse().unwrap();
        assert_eq!([0; 4].map(|_| pace.take(one)), [Ok(()), Ok(()), Ok(()), Err(21)]);
        assert_eq!(pace.take("203.0.113.10".parse().unwrap()), Ok(()));
        clock.advance_ms(20_000);
        assert_eq!([0; 2].map(|_| pace.take(one).is_ok()), [true, false]);
        clock.advance_ms(81_000); // all are made good, and one more interval
        pace.forget();
        assert_eq!(pace.0.as_ref().unwrap().rates.len(), 0);
        assert_eq!(LoginPace::new(0, clock).take(one), Ok(()));
    }
}
