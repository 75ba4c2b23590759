//! How long riders were connected, all together: what costs are shared among.
//! Sessions that are open count up to the moment of asking, so that a day-long session is not found out at its end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::driver::Host;
use crate::clock::Now;

/// The time that sessions of this process were open, since its start.
#[derive(Debug, Default)]
pub struct RiderTime(Mutex<Sum>);

/// Both change together: a count without its balance would be wrong by the age of the process.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    open: i64,
    /// Ends of sessions less their beginnings, on the monotonic clock.
    balance_ms: i64,
}

/// One session, for as long as this lives.
pub(super) struct Stay(Arc<Host>);

impl RiderTime {
    /// Milliseconds up to now.
    #[must_use]
    pub fn spent_ms(&self, now: Now) -> u64 {
        let Sum { open, balance_ms } = *self.sum();
        u64::try_from(balance_ms + open * now.mono_ms).unwrap_or_default()
    }

    fn begin(&self, now: Now) {
        let mut sum = self.sum();
        sum.open += 1;
        sum.balance_ms -= now.mono_ms;
    }

    fn end(&self, now: Now) {
        let mut sum = self.sum();
        sum.open -= 1;
        sum.balance_ms += now.mono_ms;
    }

    fn sum(&self) -> MutexGuard<'_, Sum> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stay {
    /// Counts from now on.
    pub(super) fn begin(host: &Arc<Host>) -> Self {
        host.time.begin(host.dispatch.clock().now());
        Self(Arc::clone(host))
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.0.time.end(self.0.dispatch.clock().now());
    }
}

#[cfg(test)]
mod tests {
    use super::RiderTime;
    use crate::clock::Now;

    fn at(mono_ms: i64) -> Now {
        Now { mono_ms, ..Now::default() }
    }

    #[test]
    fn open_sessions_count_up_to_now_and_closed_ones_stay() {
        let time = RiderTime::default();
        assert_eq!(time.spent_ms(at(5_000)), 0);
        time.begin(at(5_000));
        time.begin(at(6_000));
        assert_eq!(time.spent_ms(at(8_000)), 5_000);
        time.end(at(9_000));
        assert_eq!(time.spent_ms(at(10_000)), 4_000 + 4_000);
        time.end(at(10_000));
        assert_eq!(time.spent_ms(at(99_000)), 8_000);
    }
}
