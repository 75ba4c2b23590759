//! What keeps a promise, by name, so that a simulation can take it away and show that the loss is noticed.
//! A server never does: its books have all of them.

use super::Book;

/// One look that a rule takes before it changes anything.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Guard {
    /// Whether a step of a ladder was taken before.
    StepOnce,
    /// Whether an offer has its winner.
    OneWinner,
    /// Whether an order was cancelled before news of it came.
    Tombstone,
    /// Whether a test alert is delivered to a test rider.
    TestMode,
    /// The same once more, when frames are chosen.
    TestFrames,
}

impl Book {
    /// An empty book whose rules do not look at these. For simulations only.
    #[must_use]
    pub fn without(guards: &[Guard]) -> Self {
        Self { missing: guards.to_vec(), ..Self::default() }
    }

    pub(super) fn looks_at(&self, guard: Guard) -> bool {
        !self.missing.contains(&guard)
    }
}
