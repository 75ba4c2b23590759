//! The server's clock in the simulation: tokio's paused time, and a wall that can jump.
//! A new life of the server begins its monotonic clock anew, as a new process does.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use orderbell::clock::{Clock, Entropy, Now};
use orderbell::domain::EpochMs;
use tokio::time::Instant;

use crate::simulation::dice::Dice;

/// The wall when a run begins.
pub(crate) const BEGIN: i64 = 1_772_339_400_000;

/// Time of the whole world.
#[derive(Clone)]
pub(crate) struct WorldTime {
    began: Instant,
    jumped_ms: Arc<AtomicI64>,
}

impl WorldTime {
    pub(crate) fn begin() -> Self {
        Self { began: Instant::now(), jumped_ms: Arc::default() }
    }

    /// Milliseconds since the run began.
    pub(crate) fn ms(&self) -> i64 {
        i64::try_from((Instant::now() - self.began).as_millis()).unwrap()
    }

    /// What the server's wall says.
    pub(crate) fn wall(&self) -> EpochMs {
        EpochMs(BEGIN + self.ms() + self.jumped_ms.load(Ordering::Relaxed))
    }

    /// The server's wall is set, by so much.
    pub(crate) fn jump(&self, ms: i64) {
        self.jumped_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// The instant of this millisecond of the run.
    pub(crate) fn at(&self, ms: i64) -> Instant {
        self.began + std::time::Duration::from_millis(u64::try_from(ms).unwrap())
    }
}

/// The clock of one life of the server.
pub(crate) struct SimClock {
    time: WorldTime,
    booted_ms: i64,
    dice: Mutex<Dice>,
}

impl SimClock {
    pub(crate) fn boot(time: WorldTime, dice: Dice) -> Self {
        let booted_ms = time.ms();
        Self { time, booted_ms, dice: Mutex::new(dice) }
    }
}

impl Clock for SimClock {
    fn now(&self) -> Now {
        Now { wall: self.time.wall(), mono_ms: self.time.ms() - self.booted_ms }
    }

    fn entropy(&self) -> Entropy {
        let mut dice = self.dice.lock().unwrap();
        let mut entropy = [0; 10];
        entropy[..8].copy_from_slice(&dice.next().to_be_bytes());
        entropy[8..].copy_from_slice(&dice.next().to_be_bytes()[..2]);
        entropy
    }
}
