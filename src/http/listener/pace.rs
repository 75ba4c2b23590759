//! How fast new connections are taken: all together, and those of one address.
//! Each may come in a burst of five seconds' worth, as riders do when a network or a server is back.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
use governor::state::keyed::HashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::crowd::Neighbourhood;

/// The pace of one listener.
pub(super) struct Pace {
    all: Option<RateLimiter<NotKeyed, InMemoryState, MonotonicClock>>,
    each: Option<RateLimiter<Neighbourhood, HashMapStateStore<Neighbourhood>, MonotonicClock>>,
    judged: u32,
}

/// Connections come in bursts of so many seconds' worth.
const BURST_S: u32 = 5;
/// Addresses that have been away are forgotten whenever so many connections have come.
const TIDY_EVERY: u32 = 4096;

impl Pace {
    /// So many connections a second; 0 for no limit.
    pub(super) fn new(all: u32, of_one_address: u32) -> Self {
        Self {
            all: quota(all).map(|quota| RateLimiter::direct_with_clock(quota, MonotonicClock)),
            each: quota(of_one_address).map(|quota| RateLimiter::hashmap_with_clock(quota, MonotonicClock)),
            judged: 0,
        }
    }

    /// How long to wait before the next connection is taken. The kernel holds it meanwhile.
    pub(super) fn wait(&self) -> Duration {
        let Some(Err(not_until)) = self.all.as_ref().map(RateLimiter::check) else { return Duration::ZERO };
        not_until.wait_time_from(MonotonicClock.now())
    }

    /// Whether one more connection of this address is not too fast.
    pub(super) fn allows(&mut self, address: IpAddr) -> bool {
        let Some(each) = &self.each else { return true };
        self.judged += 1;
        if self.judged >= TIDY_EVERY {
            self.judged = 0;
            each.retain_recent();
            each.shrink_to_fit();
        }
        each.check_key(&address.into()).is_ok()
    }
}

fn quota(a_second: u32) -> Option<Quota> {
    let burst = NonZeroU32::new(a_second.saturating_mul(BURST_S))?;
    Some(Quota::per_second(NonZeroU32::new(a_second)?).allow_burst(burst))
}
