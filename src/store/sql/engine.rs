//! What the statements need of a database beside its words: somebody who runs writes safely, and readers.
//! How writes are queued, shared, retried and kept apart is each engine's own business.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::db::{Db, Reader, Snapshot};
use crate::domain::EpochMs;
use crate::store::StoreResult;

/// A write: its arguments are borrowed, so that it can be run again.
pub(in crate::store) type Run<A, T> = for<'a, 'c> fn(&'a mut Db<'c>, &'a A) -> BoxFuture<'a, StoreResult<T>>;

/// A write that does many calls of one kind at once, for what is called most: its statements take lists.
pub(in crate::store) type RunAll<A, T> =
    for<'a, 'c> fn(&'a mut Db<'c>, &'a [A]) -> BoxFuture<'a, StoreResult<Vec<T>>>;

/// Reads the clock.
pub(in crate::store) type Now = Arc<dyn Fn() -> EpochMs + Send + Sync>;

/// A database that runs our statements.
pub(in crate::store) trait Engine: Send + Sync + 'static {
    /// Runs a write in a transaction and waits until it is on disk. It may be run more than once, and of all its runs
    /// one holds. If the caller goes away it is done or not, and never half.
    fn write<A, T>(&self, args: A, run: Run<A, T>) -> impl Future<Output = StoreResult<T>> + Send
    where
        A: Send + Sync + 'static,
        T: Send + 'static;

    /// As `write`, together with other calls of the kind that wait.
    fn write_with_others<A, T>(
        &self,
        args: A,
        run: RunAll<A, T>,
    ) -> impl Future<Output = StoreResult<T>> + Send
    where
        A: Send + Sync + 'static,
        T: Send + 'static;

    /// As `write_with_others` for each of these in their order: all are queued before any is waited for. Where one has
    /// no place in the queue, those behind it are refused as well.
    fn write_all_with_others<A, T>(
        &self,
        args: Vec<A>,
        run: RunAll<A, T>,
    ) -> impl Future<Output = Vec<StoreResult<T>>> + Send
    where
        A: Send + Sync + 'static,
        T: Send + 'static;

    /// A connection that reads.
    fn reader(&self) -> impl Future<Output = StoreResult<Reader>> + Send;

    /// A transaction that reads the data of one moment.
    fn snapshot(&self) -> impl Future<Output = StoreResult<Snapshot>> + Send;

    /// Marks one life of the data.
    fn epoch(&self) -> StoreResult<String>;

    /// The clock, for what is stamped when its turn has come.
    fn now(&self) -> Now;

    /// Ends all work in hand and closes.
    fn close(&self) -> impl Future<Output = ()> + Send;
}
