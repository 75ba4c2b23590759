//! The one writer: it takes what waits, runs it in one transaction, and answers each caller after the commit.
//! Many callers thus share one fsync, and an error of one of them undoes only what that one did.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::error::{is_disk_failure, unavailable};
use crate::store::{StoreError, StoreResult};

/// A write: its arguments are borrowed, so that it can be run again when a neighbour in the batch has failed.
pub(super) type Run<A, T> = for<'a> fn(&'a mut SqliteConnection, &'a A) -> BoxFuture<'a, StoreResult<T>>;

/// Something to do in a batch.
#[async_trait]
pub(super) trait Work: Send {
    /// Does it within the open transaction and keeps the result.
    async fn run(&mut self, db: &mut SqliteConnection) -> Outcome;
    /// Gives the caller the kept result.
    fn tell(self: Box<Self>);
    /// Tells the caller that nothing was done.
    fn refuse(self: Box<Self>, why: StoreError);
}

/// Whether a piece of work may be committed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    /// Done.
    Done,
    /// What it did must be undone.
    Failed,
}

/// One call: a write, its arguments and who waits for it.
pub(super) struct Call<A, T> {
    args: A,
    run: Run<A, T>,
    result: Option<StoreResult<T>>,
    caller: oneshot::Sender<StoreResult<T>>,
}

impl<A, T> Call<A, T> {
    /// A call and where its result will come.
    pub(super) fn new(args: A, run: Run<A, T>) -> (Self, oneshot::Receiver<StoreResult<T>>) {
        let (caller, result) = oneshot::channel();
        (Self { args, run, result: None, caller }, result)
    }
}

#[async_trait]
impl<A: Send + Sync, T: Send> Work for Call<A, T> {
    async fn run(&mut self, db: &mut SqliteConnection) -> Outcome {
        let result = (self.run)(db, &self.args).await;
        let outcome = if result.is_ok() { Outcome::Done } else { Outcome::Failed };
        self.result = Some(result);
        outcome
    }

    // A caller that has gone away is no trouble: what was asked for is done.
    fn tell(self: Box<Self>) {
        if let Some(result) = self.result {
            self.caller.send(result).ok();
        }
    }

    fn refuse(self: Box<Self>, why: StoreError) {
        self.caller.send(Err(why)).ok();
    }
}

/// The connection that writes and the queue of what it has to do.
pub(super) struct Writer {
    /// Writes.
    pub(super) db: SqliteConnection,
    /// What waits.
    pub(super) queue: mpsc::Receiver<Box<dyn Work>>,
    /// Most pieces of work in one transaction.
    pub(super) batch_max: usize,
    /// Asks the writer to finish; tells everyone that the store is closed.
    pub(super) closing: CancellationToken,
    /// Says, by being dropped, that nothing will be written any more.
    pub(super) ended: DropGuard,
}

/// How a try to commit a batch ended.
enum Attempt {
    /// On disk.
    Committed,
    /// The piece of work at this place failed; all was rolled back.
    FailedAt(usize),
    /// The database was not to be had; all was rolled back.
    Unavailable(sqlx::Error),
    /// The disk failed during the commit: what is on it is no longer known.
    Broken(sqlx::Error),
}

impl Writer {
    /// Writes until the store closes, or the disk fails.
    pub(super) async fn drive(mut self) {
        while let Some(batch) = self.next_batch().await {
            if let Err(error) = self.write(batch).await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the disk failed during a commit: the store is closed, nothing more is accepted"
                );
                self.closing.cancel();
                break;
            }
        }
        self.queue.close();
        // Closing checkpoints the log; whoever waits for the end then finds one whole file.
        if let Err(error) = self.db.close().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the database was not closed cleanly");
        }
        drop(self.ended);
    }

    /// Waits for work, then takes all that has gathered meanwhile. `None` when there will be no more.
    async fn next_batch(&mut self) -> Option<Vec<Box<dyn Work>>> {
        let first = tokio::select! {
            first = self.queue.recv() => first,
            () = self.closing.cancelled() => {
                self.queue.close();
                self.queue.recv().await
            }
        };
        let mut batch = vec![first?];
        // Those just answered often have more to say: let them, rather than commit one piece alone.
        tokio::task::yield_now().await;
        while batch.len() < self.batch_max
            && let Ok(work) = self.queue.try_recv()
        {
            batch.push(work);
        }
        Some(batch)
    }

    /// Writes a batch, whole or, if a piece of it fails, in up to three parts around that piece.
    async fn write(&mut self, batch: Vec<Box<dyn Work>>) -> Result<(), sqlx::Error> {
        let mut parts = vec![batch];
        while let Some(mut part) = parts.pop() {
            match self.attempt(&mut part).await {
                Attempt::Committed => part.into_iter().for_each(Work::tell),
                // Alone, a failed piece has its answer: its own error.
                Attempt::FailedAt(_) if part.len() == 1 => part.into_iter().for_each(Work::tell),
                Attempt::FailedAt(place) => {
                    let after = part.split_off(place + 1);
                    let failed = part.split_off(place);
                    parts.extend([after, failed, part].into_iter().filter(|part| !part.is_empty()));
                }
                Attempt::Unavailable(error) => refuse_all(part, &Arc::new(error)),
                Attempt::Broken(error) => {
                    let error = Arc::new(error);
                    refuse_all(part, &error);
                    for part in parts {
                        refuse_all(part, &error);
                    }
                    return Err(Arc::into_inner(error).unwrap_or(sqlx::Error::WorkerCrashed));
                }
            }
        }
        Ok(())
    }

    async fn attempt(&mut self, batch: &mut [Box<dyn Work>]) -> Attempt {
        if let Err(error) = sqlx::query("BEGIN IMMEDIATE").execute(&mut self.db).await {
            // If an earlier roll-back did not get through, this makes the connection usable again.
            self.roll_back().await;
            return Attempt::Unavailable(error);
        }
        for (place, work) in batch.iter_mut().enumerate() {
            if work.run(&mut self.db).await == Outcome::Failed {
                self.roll_back().await;
                return Attempt::FailedAt(place);
            }
        }
        match sqlx::query("COMMIT").execute(&mut self.db).await {
            Ok(_) => Attempt::Committed,
            Err(error) => {
                self.roll_back().await;
                if is_disk_failure(&error) { Attempt::Broken(error) } else { Attempt::Unavailable(error) }
            }
        }
    }

    /// SQLite has rolled back by itself after some errors (a full disk): then there is nothing to do.
    async fn roll_back(&mut self) {
        if let Err(error) = sqlx::query("ROLLBACK").execute(&mut self.db).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "there was nothing to roll back");
        }
    }
}

fn refuse_all(batch: Vec<Box<dyn Work>>, error: &Arc<sqlx::Error>) {
    for work in batch {
        work.refuse(unavailable(Arc::clone(error)));
    }
}
