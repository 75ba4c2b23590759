//! How much keep-alive silence one address may fetch in an hour: it costs us nothing to make and everything to send.
//! Counted is what an answer will carry, in whole KiB; addresses that have fetched little are soon forgotten.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::clock::{Clock, Ticks};
use crate::http::listener::Neighbourhood;

/// The budgets of all addresses.
// What it remembers is bounded by what it sends: an address is kept for as long as its bytes take to be earned again,
// 1.7 ms for each KiB at the default, so that an hour's memory of an address costs an hour's budget.
pub struct SilenceBudget(Option<Limiter>);

struct Limiter {
    cells: NonZeroU32,
    rates: RateLimiter<Neighbourhood, HashMapStateStore<Neighbourhood>, Ticks, NoOpMiddleware<Nanos>>,
    clock: Ticks,
}

/// Why an address gets no more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    /// It may have this after so many seconds.
    Later(u64),
    /// It is more than an hour's budget: it may never have it in one piece.
    Never,
}

const CELL_BYTES: u64 = 1024;

impl SilenceBudget {
    /// So many bytes an hour for each address, at once or bit by bit; 0 is no limit.
    #[must_use]
    pub fn new(bytes_per_hour: u64, clock: Arc<dyn Clock>) -> Self {
        let cells = u32::try_from(bytes_per_hour.div_ceil(CELL_BYTES)).unwrap_or(u32::MAX);
        Self(NonZeroU32::new(cells).map(|cells| {
            let clock = Ticks::of(clock);
            let store = HashMapStateStore::default();
            Limiter { cells, rates: RateLimiter::new(Quota::per_hour(cells), store, clock.clone()), clock }
        }))
    }

    /// Takes `bytes` from the budget of an address.
    pub(super) fn take(&self, client: IpAddr, bytes: u64) -> Result<(), Refusal> {
        let Some(Limiter { cells: all, rates, clock }) = &self.0 else { return Ok(()) };
        let cells = u32::try_from(bytes.div_ceil(CELL_BYTES)).unwrap_or(u32::MAX);
        let Some(cells) = NonZeroU32::new(cells) else { return Ok(()) };
        // Judged here: the limiter multiplies before it compares, and what is far too much would overflow.
        if cells > *all {
            return Err(Refusal::Never);
        }
        match rates.check_key_n(&client.into(), cells) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => Err(Refusal::Later(whole_seconds(until.wait_time_from(clock.now())))),
            Err(_more_than_there_can_be) => Err(Refusal::Never),
        }
    }

    /// Forgets addresses whose budget is whole again.
    pub fn forget(&self) {
        if let Some(Limiter { rates, .. }) = &self.0 {
            rates.retain_recent();
            rates.shrink_to_fit();
        }
    }
}

/// Rounded up: who comes back then is not refused again.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::clock::{Entropy, Now};

    const KIB: u64 = 1024;

    #[derive(Default)]
    struct Hand(AtomicI64);

    impl Clock for Hand {
        fn now(&self) -> Now {
            Now { mono_ms: self.0.load(Ordering::Relaxed), ..Now::default() }
        }

        fn entropy(&self) -> Entropy {
            [0; 10]
        }
    }

    fn budget(bytes_per_hour: u64) -> (SilenceBudget, Arc<Hand>) {
        let hand = Arc::new(Hand::default());
        (SilenceBudget::new(bytes_per_hour, Arc::clone(&hand) as Arc<dyn Clock>), hand)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_hours_budget_may_go_at_once_and_comes_back_in_an_hour() {
        let (budget, hand) = budget(3_600 * KIB);
        let client = ip("203.0.113.9");
        assert_eq!(budget.take(client, 3_000 * KIB), Ok(()));
        assert_eq!(budget.take(client, 600 * KIB - 1), Ok(()));
        assert_eq!(budget.take(client, 1), Err(Refusal::Later(1)));
        assert_eq!(budget.take(client, 60 * KIB), Err(Refusal::Later(60)));
        assert_eq!(budget.take(ip("203.0.113.10"), 60 * KIB), Ok(()), "another's budget is another's");
        hand.0.store(59_999, Ordering::Relaxed);
        assert_eq!(budget.take(client, 60 * KIB), Err(Refusal::Later(1)));
        hand.0.store(60_000, Ordering::Relaxed);
        assert_eq!(budget.take(client, 60 * KIB), Ok(()), "what was told is true");
        assert_eq!(budget.take(client, 1), Err(Refusal::Later(1)));
    }

    #[test]
    fn nothing_costs_nothing_and_what_is_over_an_hours_budget_never_fits() {
        let (small, _) = budget(10 * KIB);
        let client = ip("203.0.113.9");
        assert_eq!(small.take(client, 10 * KIB + 1), Err(Refusal::Never));
        assert_eq!(small.take(client, 10 * KIB), Ok(()), "a refusal has cost nothing");
        assert_eq!(small.take(client, 0), Ok(()));
        assert_eq!(small.take(client, u64::MAX), Err(Refusal::Never));
        let (none, _) = budget(0);
        assert_eq!(none.take(client, u64::MAX), Ok(()));
        none.forget();
    }

    #[test]
    fn one_subscriber_is_one_address() {
        let (budget, _) = budget(10 * KIB);
        assert_eq!(budget.take(ip("2001:db8:1:2:3::1"), 10 * KIB), Ok(()));
        assert!(budget.take(ip("2001:db8:1:2:ffff::9"), KIB).is_err());
        assert_eq!(budget.take(ip("2001:db8:1:3::1"), KIB), Ok(()));
        assert_eq!(budget.take(ip("::ffff:192.0.2.1"), 10 * KIB), Ok(()));
        assert!(budget.take(ip("192.0.2.1"), KIB).is_err());
    }

    #[test]
    fn addresses_are_forgotten_when_their_budget_is_whole_again() {
        let (budget, hand) = budget(3_600 * KIB);
        for last in 0..200 {
            assert_eq!(budget.take(ip(&format!("203.0.113.{last}")), 10 * KIB), Ok(()));
        }
        assert_eq!(budget.take(ip("198.51.100.1"), 3_600 * KIB), Ok(()));
        let remembered = |budget: &SilenceBudget| budget.0.as_ref().unwrap().rates.len();
        assert_eq!(remembered(&budget), 201);
        hand.0.store(11_000, Ordering::Relaxed);
        budget.forget();
        assert_eq!(remembered(&budget), 1, "who has taken all is remembered for an hour");
        hand.0.store(3_601_000, Ordering::Relaxed);
        budget.forget();
        assert_eq!(remembered(&budget), 0);
    }
}
