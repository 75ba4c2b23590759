//! When a connection was last found broken: those that are older than that moment are not trusted any more.
//! So a server that has restarted is met with new connections at once, and a busy one is never asked whether it is well.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::error::is_lost;

/// The moment of the last loss.
pub(super) struct Losses {
    began: Instant,
    /// Microseconds since `began`; 0 while there was none.
    last: AtomicU64,
}

impl Losses {
    /// Nothing was lost yet.
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), last: AtomicU64::new(0) }
    }

    /// Notes a loss if this error is one.
    pub(super) fn note(&self, error: &sqlx::Error) {
        if is_lost(error) {
            self.note_now();
        }
    }

    /// A connection was lost.
    pub(super) fn note_now(&self) {
        self.last.fetch_max(self.now().max(1), Ordering::Relaxed);
    }

    /// Whether a connection of this age was made after the last loss.
    pub(super) fn trusts(&self, age: Duration) -> bool {
        match self.last.load(Ordering::Relaxed) {
            0 => true,
            last => micros(age) < self.now().saturating_sub(last),
        }
    }

    fn now(&self) -> u64 {
        micros(self.began.elapsed())
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Losses;

    #[tokio::test(start_paused = true)]
    async fn only_what_is_younger_than_a_loss_is_trusted() {
        let losses = Losses::new();
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(losses.trusts(Duration::from_secs(9)), "nothing was lost");
        losses.note(&sqlx::Error::RowNotFound);
        assert!(losses.trusts(Duration::from_secs(9)), "no row is no loss");
        losses.note(&sqlx::Error::Io(std::io::ErrorKind::BrokenPipe.into()));
        assert!(!losses.trusts(Duration::from_secs(9)));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert!(losses.trusts(Duration::from_secs(4)) && !losses.trusts(Duration::from_secs(6)));
    }
}
