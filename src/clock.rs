//! The one place that reads the time and rolls dice.
//! Everything else takes a reading as an argument, so that tests and simulations can choose it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

mod moment;
mod ticks;
mod zone;

pub use moment::{EpochMs, Now};
pub use ticks::Ticks;
pub use zone::Zone;

/// Ten random bytes that make an id unguessable.
pub type Entropy = [u8; 10];

/// Where time and randomness come from.
pub trait Clock: Send + Sync + 'static {
    /// Both readings at once.
    fn now(&self) -> Now;
    /// Fresh random bytes for an id.
    fn entropy(&self) -> Entropy;
}

/// The machine's own clock and random numbers. Its wall time never runs backwards: after a step back it goes on by the
/// monotonic clock until the machine's time has caught up, so that what is due is not put off. A step forward is
/// followed: it is what a machine does that has slept, and what it slept through is over.
pub struct SystemClock {
    began: Instant,
    /// The furthest that wall time is ahead of monotonic time, in milliseconds; only rises.
    ahead_ms: AtomicI64,
    random: SystemRandom,
}

impl SystemClock {
    /// A clock whose monotonic reading starts at zero now.
    #[must_use]
    pub fn new() -> Self {
        Self { began: Instant::now(), ahead_ms: AtomicI64::new(i64::MIN), random: SystemRandom::new() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one reading of the wall clock")]
    fn now(&self) -> Now {
        let mono_ms = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        steady(&self.ahead_ms, jiff::Timestamp::now().as_millisecond(), mono_ms)
    }

    fn entropy(&self) -> Entropy {
        random_bytes_from(&self.random)
    }
}

/// Both readings, the wall's held up by the furthest it has been ahead.
fn steady(ahead_ms: &AtomicI64, wall_ms: i64, mono_ms: i64) -> Now {
    let ahead = wall_ms.saturating_sub(mono_ms);
    let furthest = ahead_ms.fetch_max(ahead, Ordering::Relaxed).max(ahead);
    Now { wall: EpochMs(mono_ms.saturating_add(furthest)), mono_ms }
}

/// The machine's wall clock as it stands, steps back and all: for who judges the clock itself. Everything else takes
/// a [`Clock`].
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the wall clock itself is looked at")]
pub fn machine_wall() -> EpochMs {
    EpochMs(jiff::Timestamp::now().as_millisecond())
}

/// Random bytes for keys and secrets.
#[must_use]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    random_bytes_from(&SystemRandom::new())
}

fn random_bytes_from<const N: usize>(random: &SystemRandom) -> [u8; N] {
    let mut bytes = [0; N];
    // The system's generator fails only where there is none at all; ids of zeros would collide, so stop here.
    if random.fill(&mut bytes).is_err() {
        std::process::abort();
    }
    bytes
}

/// A clock that stands still until told otherwise, with countable entropy.
#[derive(Default)]
pub struct ManualClock {
    wall_ms: AtomicI64,
    mono_ms: AtomicI64,
    ids: AtomicI64,
}

impl ManualClock {
    /// A clock that reads `wall` and a monotonic zero.
    #[must_use]
    pub fn at(wall: EpochMs) -> Self {
        Self { wall_ms: AtomicI64::new(wall.0), ..Self::default() }
    }

    /// Lets `ms` milliseconds pass on both clocks.
    pub fn advance_ms(&self, ms: i64) {
        self.wall_ms.fetch_add(ms, Ordering::SeqCst);
        self.mono_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Moves the wall clock alone, as an administrator or a time server does.
    pub fn jump_wall_ms(&self, ms: i64) {
        self.wall_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        Now {
            wall: EpochMs(self.wall_ms.load(Ordering::SeqCst)),
            mono_ms: self.mono_ms.load(Ordering::SeqCst),
        }
    }

    fn entropy(&self) -> Entropy {
        let count = self.ids.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        let mut entropy = [0; 10];
        entropy[2..].copy_from_slice(&count);
        entropy
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;

    use super::steady;

    #[test]
    fn a_step_back_of_the_wall_clock_puts_nothing_off() {
        let ahead = AtomicI64::new(i64::MIN);
        assert_eq!(steady(&ahead, 1_000_000, 0).wall.0, 1_000_000);
        assert_eq!(steady(&ahead, 1_005_000, 5_000).wall.0, 1_005_000);
        // An hour back: time goes on as it was.
        assert_eq!(steady(&ahead, 1_006_000 - 3_600_000, 6_000).wall.0, 1_006_000);
        // A step forward is followed.
        assert_eq!(steady(&ahead, 2_000_000, 7_000).wall.0, 2_000_000);
    }
}
