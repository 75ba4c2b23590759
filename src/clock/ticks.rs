//! Our clock as rate limiters read it, so that they keep time in a simulation too.
//! It never runs backwards, whatever the clock on the wall does.

use std::sync::Arc;

use governor::clock::Clock as LimiterClock;
use governor::nanos::Nanos;

use super::Clock;

/// The monotonic side of a clock.
#[derive(Clone)]
pub struct Ticks(Arc<dyn Clock>);

impl Ticks {
    /// The ticks of this clock.
    #[must_use]
    pub fn of(clock: Arc<dyn Clock>) -> Self {
        Self(clock)
    }
}

impl LimiterClock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let mono_ms = u64::try_from(self.0.now().mono_ms).unwrap_or_default();
        Nanos::new(mono_ms.saturating_mul(1_000_000))
    }
}
