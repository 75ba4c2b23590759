//! Who runs, and how they are told to stop: every task of the process is spawned here.
//! Stopping has two steps: `draining` says finish what you have, `stopped` says leave now.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info};

/// A handle to spawn with and to be told by. Clones share one lifecycle.
// One pointer: handles are cloned for every request, and a clone of a token takes its lock.
#[derive(Clone)]
pub struct Lifecycle(Arc<Shared>);

struct Shared {
    tasks: TaskTracker,
    workers: TaskTracker,
    drain: CancellationToken,
    stop: CancellationToken,
    failed: AtomicBool,
}

impl Lifecycle {
    /// A lifecycle with nothing running.
    #[must_use]
    pub fn new() -> Self {
        let stop = CancellationToken::new();
        Self(Arc::new(Shared {
            tasks: TaskTracker::new(),
            workers: TaskTracker::new(),
            drain: stop.child_token(),
            stop,
            failed: AtomicBool::new(false),
        }))
    }

    /// Runs a task that may end by itself: a connection, one piece of work.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.tasks.spawn(task)
    }

    /// Runs a worker that must live as long as the process: if it ends or panics before draining has begun,
    /// the process drains and its exit code says so.
    pub fn supervise<F>(&self, name: &'static str, worker: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let alarm = Alarm { name, lifecycle: self.clone() };
        self.0.workers.spawn(async move {
            worker.await;
            drop(alarm);
        });
    }

    /// Begins to stop: no new work, finish what is in hand.
    pub fn begin_drain(&self) {
        self.0.drain.cancel();
    }

    /// Ends when draining has begun.
    pub async fn draining(&self) {
        self.0.drain.cancelled().await;
    }

    /// Whether draining has begun.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.drain.is_cancelled()
    }

    /// Ends when it is time to leave at once.
    pub async fn stopped(&self) {
        self.0.stop.cancelled().await;
    }

    /// Whether a supervised worker ended too early.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.0.failed.load(Ordering::SeqCst)
    }

    /// Drains: waits for all tasks up to `limit`, then stops what is left and waits a moment more. Workers go on until
    /// the last task has ended, and are stopped then. True if nothing had to be stopped by force.
    pub async fn finish_tasks(&self, limit: Duration) -> bool {
        self.begin_drain();
        self.0.tasks.close();
        let clean = tokio::time::timeout(limit, self.0.tasks.wait()).await.is_ok();
        self.0.stop.cancel();
        if !clean {
            info!(tasks.left = self.0.tasks.len(), "Drain limit reached; stopping what is left.");
            // What ignores both tokens for another second is cut off by the end of the runtime.
            let _cut_off = tokio::time::timeout(Duration::from_secs(1), self.0.tasks.wait()).await.is_err();
        }
        clean
    }

    /// Waits for the workers, which have been told to stop. True if all of them did within `limit`.
    pub async fn finish_workers(&self, limit: Duration) -> bool {
        self.0.workers.close();
        tokio::time::timeout(limit, self.0.workers.wait()).await.is_ok()
    }
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self::new()
    }
}

/// Trips when it is dropped, by a return or by a panic alike.
struct Alarm {
    name: &'static str,
    lifecycle: Lifecycle,
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if !self.lifecycle.is_draining() {
            error!(worker.name = self.name, "A worker ended that must not; the process stops.");
            self.lifecycle.0.failed.store(true, Ordering::SeqCst);
            self.lifecycle.begin_drain();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Lifecycle;

    #[tokio::test]
    async fn a_worker_that_panics_stops_the_process_and_is_told_of() {
        let lifecycle = Lifecycle::new();
        lifecycle.supervise("doomed", async { panic!("as the test wants") });
        lifecycle.draining().await;
        assert!(lifecycle.has_failed());
        assert!(lifecycle.finish_tasks(Duration::from_secs(5)).await);
    }

    #[tokio::test]
    async fn draining_waits_for_work_in_hand() {
        let lifecycle = Lifecycle::new();
        let inner = lifecycle.clone();
        let work = lifecycle.spawn(async move {
            inner.draining().await;
            "finished"
        });
        assert!(lifecycle.finish_tasks(Duration::from_secs(5)).await);
        assert_eq!(work.await.unwrap(), "finished");
        assert!(!lifecycle.has_failed());
    }
}
