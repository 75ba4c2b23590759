//! The store in a PostgreSQL server, for more than one node: each write is a transaction of its own, and locks what it
//! reads, in one order. What the server breaks off is begun again where that is safe; nothing is ever half done.

mod error;
mod inspect;
mod losses;
mod open;
#[cfg(test)]
mod plans;
mod schema;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::pool::PoolConnection;
use sqlx::{Connection, PgPool, Postgres};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

pub use inspect::{Inspection, inspect};
pub use open::{OLDEST_SERVER, PostgresOptions};
pub(in crate::store) use schema::{connect, found, migrations};
pub use schema::{migrate, schema, sessions};

use self::error::{Verdict, verdict, was_refused};
use self::losses::Losses;
use super::sql::SqlStore;
use super::sql::db::{Db, Reader, Snapshot};
use super::sql::engine::{Engine, Now, Run, RunAll};
use super::sql::error::unavailable;
use super::{StoreError, StoreResult};

/// A store in a PostgreSQL database.
pub type PostgresStore = SqlStore<PostgresEngine>;

/// A write on arguments of any size.
type RunOn<A, T> = for<'a, 'c> fn(&'a mut Db<'c>, &'a A) -> BoxFuture<'a, StoreResult<T>>;

/// How often a write is begun at most. Whoever was overtaken, or chosen to break a circle of waiting, has its way with the
/// second try; more are for a server that restarts.
const TRIES: u32 = 5;
/// The first pause before a write is begun again; each is four times as long as the one before: 10, 40, 160, 640 ms.
const PAUSE: Duration = Duration::from_millis(10);
/// Most events of a list in one transaction: it holds its riders' rows until it is committed.
const TOGETHER_MAX: usize = 64;

/// The connections to a PostgreSQL database.
pub struct PostgresEngine {
    pool: PgPool,
    losses: Arc<Losses>,
    epoch: String,
    now: Now,
    /// How long a transaction, or its commit, may take before its connection counts as lost.
    answer_max: Duration,
    closing: CancellationToken,
}

impl PostgresEngine {
    /// Runs a write until it is committed, refused, or has been tried often enough.
    async fn commit<A, T>(&self, args: &A, run: RunOn<A, T>) -> StoreResult<T>
    where
        A: ?Sized + Sync,
        T: Send,
    {
        let (mut pause, began) = (PAUSE, Instant::now());
        for _ in 1..TRIES {
            self.refuse_if_closed()?;
            let error = match self.attempt(args, run).await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            match verdict(&error) {
                Verdict::Final => return Err(error),
                // Whoever waits has waited long enough: a server that hangs would take as long each time.
                Verdict::Overtaken | Verdict::Lost if began.elapsed() >= self.answer_max / 2 => {
                    return Err(error);
                }
                Verdict::Overtaken | Verdict::Lost => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "a write begins again");
                }
            }
            sleep(pause).await;
            pause *= 4;
        }
        self.attempt(args, run).await
    }

    async fn attempt<A, T>(&self, args: &A, run: RunOn<A, T>) -> StoreResult<T>
    where
        A: ?Sized + Sync,
        T: Send,
    {
        let mut connection = self.pool.acquire().await.inspect_err(|error| self.losses.note(error))?;
        let done = self.transact(&mut connection, args, run).await;
        if let Err(error) = &done
            && (matches!(error, StoreError::Unsure(_)) || verdict(error) == Verdict::Lost)
        {
            self.losses.note_now();
            // Not to be asked whether it is well: nobody may be there to answer.
            drop(connection.detach());
        }
        done
    }

    /// One transaction. Until its commit is asked for, nothing of it holds whatever happens; after that, a connection that
    /// is lost leaves it unknown.
    async fn transact<A, T>(
        &self,
        connection: &mut PoolConnection<Postgres>,
        args: &A,
        run: RunOn<A, T>,
    ) -> StoreResult<T>
    where
        A: ?Sized + Sync,
        T: Send,
    {
        let mut tx = self.in_time(connection.begin()).await?;
        let done = match self.in_time(run(&mut Db::from(&mut *tx), args)).await {
            Ok(done) => done,
            Err(error) => {
                // If this fails, too, the server does it when it misses the connection.
                self.in_time(tx.rollback()).await.ok();
                return Err(error);
            }
        };
        match self.in_time(tx.commit()).await {
            Ok(()) => Ok(done),
            Err(error) if was_refused(&error) => Err(error.into()),
            Err(error) => Err(StoreError::Unsure(Box::new(error))),
        }
    }

    /// A server that has gone without a word gives no answer at all.
    async fn in_time<T, E: From<sqlx::Error>>(
        &self,
        answer: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let silent = || sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
        timeout(self.answer_max, answer).await.unwrap_or_else(|_| Err(silent().into()))
    }

    fn refuse_if_closed(&self) -> StoreResult<()> {
        if self.closing.is_cancelled() { Err(unavailable("the store is closed")) } else { Ok(()) }
    }
}

impl Engine for PostgresEngine {
    async fn write<A, T>(&self, args: A, run: Run<A, T>) -> StoreResult<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.commit(&args, run).await
    }

    async fn write_with_others<A, T>(&self, args: A, run: RunAll<A, T>) -> StoreResult<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        alone(self.commit(std::slice::from_ref(&args), run).await)
    }

    async fn write_all_with_others<A, T>(&self, args: Vec<A>, run: RunAll<A, T>) -> Vec<StoreResult<T>>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let (mut answers, mut refused) = (Vec::with_capacity(args.len()), None);
        for some in args.chunks(TOGETHER_MAX) {
            self.write_some(some, run, &mut answers, &mut refused).await;
        }
        answers
    }

    async fn reader(&self) -> StoreResult<Reader> {
        self.refuse_if_closed()?;
        let reader = self.pool.acquire().await.inspect_err(|error| self.losses.note(error))?;
        Ok(reader.into())
    }

    async fn snapshot(&self) -> StoreResult<Snapshot> {
        self.refuse_if_closed()?;
        let begun = self.pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await;
        Ok(begun.inspect_err(|error| self.losses.note(error))?.into())
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
        self.pool.close().await;
    }
}

impl PostgresEngine {
    /// Some calls in one transaction or, if that fails, each in its own. Once one of them is refused because the server is
    /// not to be had, so are those behind it: they may build on it.
    async fn write_some<A, T>(
        &self,
        args: &[A],
        run: RunAll<A, T>,
        answers: &mut Vec<StoreResult<T>>,
        refused: &mut Option<Arc<StoreError>>,
    ) where
        A: Sync,
        T: Send,
    {
        if refused.is_none() {
            match self.commit(args, run).await {
                Ok(done) => return answers.extend(done.into_iter().map(Ok)),
                Err(StoreError::Unsure(why)) => {
                    let why = Arc::new(StoreError::Unsure(why));
                    return answers
                        .extend(args.iter().map(|_| Err(StoreError::Unsure(Box::new(Arc::clone(&why))))));
                }
                Err(error) => tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "of several calls one failed: each is tried by itself"
                ),
            }
        }
        for one in args {
            let answer = match &refused {
                Some(error) => Err(unavailable(Arc::clone(error))),
                None => alone(self.commit(std::slice::from_ref(one), run).await),
            };
            answers.push(match answer {
                Err(StoreError::Unavailable(why)) => {
                    let error = refused.get_or_insert_with(|| Arc::new(StoreError::Unavailable(why)));
                    Err(unavailable(Arc::clone(error)))
                }
                answer => answer,
            });
        }
    }
}

/// The result of the one call there was.
fn alone<T>(done: StoreResult<Vec<T>>) -> StoreResult<T> {
    done?.pop().ok_or_else(|| unavailable("a write gave no result"))
}
