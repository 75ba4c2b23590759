//! The one writer: it takes what waits, runs it in one transaction, and answers each caller after the commit.
//! Many callers thus share one fsync, and an error of one of them undoes only what that one did.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::error::is_disk_failure;
use crate::store::sql::db::Db;
use crate::store::sql::engine::{Run, RunAll};
use crate::store::sql::error::unavailable;
use crate::store::{StoreError, StoreResult};

/// Something to do in a batch.
#[async_trait]
pub(super) trait Work: Any + Send {
    /// Takes in `next`, to be done together, or gives it back.
    fn join(&mut self, next: Box<dyn Work>) -> Option<Box<dyn Work>>;
    /// The pieces that were joined, each alone again.
    fn split(self: Box<Self>) -> Vec<Box<dyn Work>>;
    /// How many calls this is.
    fn calls(&self) -> usize;
    /// Does it within the open transaction and keeps the result.
    async fn run(&mut self, db: &mut SqliteConnection) -> Outcome;
    /// Gives the caller the kept result.
    fn tell(self: Box<Self>);
    /// Tells the caller why it was not done, or may not have been.
    fn refuse(self: Box<Self>, why: &(dyn Fn() -> StoreError + Sync));
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
impl<A: Send + Sync + 'static, T: Send + 'static> Work for Call<A, T> {
    fn join(&mut self, next: Box<dyn Work>) -> Option<Box<dyn Work>> {
        Some(next)
    }

    fn split(self: Box<Self>) -> Vec<Box<dyn Work>> {
        vec![self]
    }

    fn calls(&self) -> usize {
        1
    }

    async fn run(&mut self, db: &mut SqliteConnection) -> Outcome {
        let result = (self.run)(&mut Db::from(db), &self.args).await;
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

    fn refuse(self: Box<Self>, why: &(dyn Fn() -> StoreError + Sync)) {
        self.caller.send(Err(why())).ok();
    }
}

/// Calls of one kind that are done together.
pub(super) struct Calls<A, T> {
    args: Vec<A>,
    run: RunAll<A, T>,
    results: Option<StoreResult<Vec<T>>>,
    callers: Vec<oneshot::Sender<StoreResult<T>>>,
}

impl<A, T> Calls<A, T> {
    /// A single call, ready to be joined by others of its kind, and where its result will come.
    pub(super) fn new(args: A, run: RunAll<A, T>) -> (Self, oneshot::Receiver<StoreResult<T>>) {
        let (caller, result) = oneshot::channel();
        (Self { args: vec![args], run, results: None, callers: vec![caller] }, result)
    }
}

#[async_trait]
impl<A: Send + Sync + 'static, T: Send + 'static> Work for Calls<A, T> {
    fn join(&mut self, next: Box<dyn Work>) -> Option<Box<dyn Work>> {
        if !(&*next as &dyn Any).is::<Self>() {
            return Some(next);
        }
        if let Ok(next) = (next as Box<dyn Any>).downcast::<Self>() {
            self.args.extend(next.args);
            self.callers.extend(next.callers);
        }
        None
    }

    fn split(self: Box<Self>) -> Vec<Box<dyn Work>> {
        let run = self.run;
        let alone = self.args.into_iter().zip(self.callers).map(|(args, caller)| {
            let call = Self { args: vec![args], run, results: None, callers: vec![caller] };
            Box::new(call) as Box<dyn Work>
        });
        alone.collect()
    }

    fn calls(&self) -> usize {
        self.args.len()
    }

    async fn run(&mut self, db: &mut SqliteConnection) -> Outcome {
        let results = (self.run)(&mut Db::from(db), &self.args).await;
        let outcome = if results.is_ok() { Outcome::Done } else { Outcome::Failed };
        self.results = Some(results);
        outcome
    }

    fn tell(self: Box<Self>) {
        match self.results {
            Some(Ok(results)) => {
                for (caller, result) in self.callers.into_iter().zip(results) {
                    caller.send(Ok(result)).ok();
                }
            }
            // Only a call that is alone is told of an error, so there is one caller.
            Some(Err(error)) => {
                if let Some(caller) = self.callers.into_iter().next() {
                    caller.send(Err(error)).ok();
                }
            }
            None => {}
        }
    }

    fn refuse(self: Box<Self>, why: &(dyn Fn() -> StoreError + Sync)) {
        for caller in self.callers {
            caller.send(Err(why())).ok();
        }
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
                    error = &*error as &dyn std::error::Error,
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
        let mut calls = 1;
        while calls < self.batch_max
            && let Ok(work) = self.queue.try_recv()
        {
            calls += 1;
            let alone = match batch.last_mut() {
                Some(last) => last.join(work),
                None => Some(work),
            };
            batch.extend(alone);
        }
        Some(batch)
    }

    /// Writes a batch: whole or, if a piece of it fails, what comes before, that piece alone, what comes after.
    async fn write(&mut self, batch: Vec<Box<dyn Work>>) -> Result<(), Arc<sqlx::Error>> {
        let mut parts = vec![batch];
        while let Some(mut part) = parts.pop() {
            match self.attempt(&mut part).await {
                Attempt::Committed => part.into_iter().for_each(Work::tell),
                // Alone, a failed piece has its answer: its own error.
                Attempt::FailedAt(_) if part.iter().map(|work| work.calls()).sum::<usize>() == 1 => {
                    part.into_iter().for_each(Work::tell);
                }
                Attempt::FailedAt(place) => {
                    let after = part.split_off(place + 1);
                    let failed = part.split_off(place).into_iter().flat_map(Work::split);
                    let alone: Vec<_> = failed.map(|work| vec![work]).collect();
                    let rest = std::iter::once(after).chain(alone.into_iter().rev()).chain([part]);
                    parts.extend(rest.filter(|part| !part.is_empty()));
                }
                Attempt::Unavailable(error) => {
                    let error = Arc::new(error);
                    refuse_all(part, &|| unavailable(Arc::clone(&error)));
                }
                Attempt::Broken(error) => {
                    let error = Arc::new(error);
                    // Its commit may be in the log already, and come to light at the next start.
                    refuse_all(part, &|| StoreError::Unsure(Box::new(Arc::clone(&error))));
                    for part in parts {
                        refuse_all(part, &|| unavailable(Arc::clone(&error)));
                    }
                    return Err(error);
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

fn refuse_all(batch: Vec<Box<dyn Work>>, why: &(dyn Fn() -> StoreError + Sync)) {
    for work in batch {
        work.refuse(why);
    }
}
