//! The one place that reads the time and rolls dice.
//! Everything else takes a reading as an argument, so that tests and simulations can choose it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

mod moment;
mod zone;

pub use moment::{EpochMs, Now};
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

/// The machine's own clock and random numbers.
pub struct SystemClock {
    began: Instant,
    random: SystemRandom,
}

impl SystemClock {
    /// A clock whose monotonic reading starts at zero now.
    #[must_use]
    pub fn new() -> Self {
        Self { began: Instant::now(), random: SystemRandom::new() }
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
        Now { wall: EpochMs(jiff::Timestamp::now().as_millisecond()), mono_ms }
    }

    fn entropy(&self) -> Entropy {
        random_bytes_from(&self.random)
    }
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
