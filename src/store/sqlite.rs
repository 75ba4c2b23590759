//! The embedded store: one SQLite file, one writer that shares its commits among callers, a few readers.
//! Nothing is answered before it is on disk: WAL with synchronous FULL, and the answer after the commit.

mod error;
mod inspect;
mod open;
#[cfg(test)]
mod plans;
mod schema;
mod snapshot;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use sqlx::SqlitePool;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use inspect::{Beside, Inspection, Soundness, inspect};
pub use open::SqliteOptions;
pub(in crate::store) use open::cannot_open;
pub(in crate::store) use schema::{found, migrations};
pub use schema::{migrate, schema};
pub use snapshot::{set_epoch, snapshot};

use self::writer::{Call, Calls, Work};
use super::StoreResult;
use super::sql::SqlStore;
use super::sql::db::{Reader, Snapshot};
use super::sql::engine::{Engine, Now, Run, RunAll};
use super::sql::error::unavailable;

/// A store in one SQLite file.
pub type SqliteStore = SqlStore<SqliteEngine>;

/// The queue of a SQLite file's writer, and its readers.
pub struct SqliteEngine {
    queue: mpsc::Sender<Box<dyn Work>>,
    readers: SqlitePool,
    epoch: String,
    now: Now,
    wait_max: Duration,
    closing: CancellationToken,
    ended: CancellationToken,
}

impl SqliteEngine {
    async fn queue(&self, work: impl Work) -> StoreResult<()> {
        self.refuse_if_closed()?;
        let place = tokio::time::timeout(self.wait_max, self.queue.reserve());
        let place = place.await.map_err(unavailable)?.map_err(unavailable)?;
        place.send(Box::new(work));
        Ok(())
    }

    fn refuse_if_closed(&self) -> StoreResult<()> {
        if self.closing.is_cancelled() { Err(unavailable("the store is closed")) } else { Ok(()) }
    }
}

impl Engine for SqliteEngine {
    async fn write<A, T>(&self, args: A, run: Run<A, T>) -> StoreResult<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let (call, result) = Call::new(args, run);
        self.queue(call).await?;
        result.await.map_err(unavailable)?
    }

    async fn write_with_others<A, T>(&self, args: A, run: RunAll<A, T>) -> StoreResult<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let (call, result) = Calls::new(args, run);
        self.queue(call).await?;
        result.await.map_err(unavailable)?
    }

    async fn write_all_with_others<A, T>(&self, args: Vec<A>, run: RunAll<A, T>) -> Vec<StoreResult<T>>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        // All are in the queue before any is waited for: so they keep their order and share their commits.
        let (mut waiting, mut refused) = (Vec::with_capacity(args.len()), None);
        for args in args {
            let (call, result) = Calls::new(args, run);
            if refused.is_none() {
                refused = self.queue(call).await.err().map(Arc::new);
            }
            waiting.push(match &refused {
                None => Ok(result),
                Some(error) => Err(Arc::clone(error)),
            });
        }
        let mut answers = Vec::with_capacity(waiting.len());
        for one in waiting {
            answers.push(match one {
                Ok(result) => result.await.map_err(unavailable).flatten(),
                Err(error) => Err(unavailable(error)),
            });
        }
        answers
    }

    async fn reader(&self) -> StoreResult<Reader> {
        self.refuse_if_closed()?;
        Ok(self.readers.acquire().await?.into())
    }

    async fn snapshot(&self) -> StoreResult<Snapshot> {
        self.refuse_if_closed()?;
        Ok(self.readers.begin().await?.into())
    }

    fn epoch(&self) -> StoreResult<String> {
        self.refuse_if_closed()?;
        Ok(self.epoch.clone())
    }

    fn now(&self) -> Now {
        Arc::clone(&self.now)
    }

    async fn close(&self) {
        self.closing.cancel();
        self.ended.cancelled().await;
        self.readers.close().await;
    }
}
