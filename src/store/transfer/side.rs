//! One side of a copy: a connection to either database inside the one transaction that it reads or writes in.

use std::collections::BTreeMap;

use futures_util::stream::{BoxStream, StreamExt, TryStreamExt};
use sqlx::{Connection, PgConnection, SqliteConnection};

use super::table::{Table, in_order};
use super::value::Row;
use super::{BATCH, Goal, Origin, file, server};
use crate::store::{StoreError, StoreResult};

/// A connection with its transaction.
pub(super) enum Side {
    File(SqliteConnection),
    Server(PgConnection),
}

/// The highest number that each table which counts by itself has given, rows that are gone included.
pub(super) type Numbers = BTreeMap<String, i64>;

impl Side {
    /// For reading the rows of one moment.
    pub(super) async fn read(origin: &Origin) -> StoreResult<Self> {
        Ok(match origin {
            Origin::File(path) => Self::File(file::read(path).await?),
            Origin::Backup(path) => Self::File(file::read_still(path).await?),
            Origin::Postgres(url) => Self::Server(server::read(url).await?),
        })
    }

    /// For writing, with the schema of this program; nobody else writes meanwhile.
    pub(super) async fn write(goal: &Goal) -> StoreResult<Self> {
        Ok(match goal {
            Goal::File(path) => Self::File(file::write(path).await?),
            Goal::Postgres(url) => Self::Server(server::write(url).await?),
        })
    }

    /// All tables, parents first.
    pub(super) async fn tables(&mut self) -> StoreResult<Vec<Table>> {
        in_order(match self {
            Self::File(db) => file::tables(db).await?,
            Self::Server(db) => server::tables(db).await?,
        })
    }

    pub(super) async fn count(&mut self, table: &Table) -> StoreResult<u64> {
        let count = format!("SELECT count(*) FROM {}", table.quoted());
        let rows: i64 = match self {
            Self::File(db) => sqlx::query_scalar(sqlx::AssertSqlSafe(count)).fetch_one(db).await?,
            Self::Server(db) => sqlx::query_scalar(sqlx::AssertSqlSafe(count)).fetch_one(db).await?,
        };
        Ok(rows.unsigned_abs())
    }

    /// All rows of a table, some at a time.
    pub(super) fn batches<'a>(&'a mut self, table: &'a Table) -> BoxStream<'a, StoreResult<Vec<Row>>> {
        let rows = match self {
            Self::File(db) => file::rows(db, table),
            Self::Server(db) => server::rows(db, table),
        };
        rows.try_chunks(BATCH).map_err(|error| error.1).boxed()
    }

    /// Adds rows.
    pub(super) async fn put(&mut self, table: &Table, rows: &[Row]) -> StoreResult<()> {
        let put = match self {
            Self::File(db) => file::put(db, table, rows).await,
            Self::Server(db) => server::put(db, table, rows).await,
        };
        // Where it is wrong is half of what is wrong.
        put.map_err(|error| match error {
            StoreError::Unusable(why) => StoreError::Unusable(format!("table {}: {why}", table.name)),
            other => other,
        })
    }

    /// What an opened database says of itself.
    pub(super) async fn empty_meta(&mut self) -> StoreResult<()> {
        const EMPTY: &str = "DELETE FROM meta";
        match self {
            Self::File(db) => sqlx::query(EMPTY).execute(db).await.map(|_| ())?,
            Self::Server(db) => sqlx::query(EMPTY).execute(db).await.map(|_| ())?,
        }
        Ok(())
    }

    pub(super) async fn set_epoch(&mut self, mark: &str) -> StoreResult<()> {
        const SET: &str = "INSERT INTO meta (name, value) VALUES ('epoch', $1) \
            ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        match self {
            Self::File(db) => sqlx::query(SET).bind(mark).execute(db).await.map(|_| ())?,
            Self::Server(db) => sqlx::query(SET).bind(mark).execute(db).await.map(|_| ())?,
        }
        Ok(())
    }

    pub(super) async fn numbers(&mut self) -> StoreResult<Numbers> {
        match self {
            Self::File(db) => file::numbers(db).await,
            Self::Server(db) => server::numbers(db).await,
        }
    }

    /// Goes on counting behind these, and behind the rows that are there.
    pub(super) async fn set_numbers(&mut self, numbers: &Numbers) -> StoreResult<()> {
        match self {
            Self::File(db) => file::set_numbers(db, numbers).await,
            Self::Server(db) => server::set_numbers(db, numbers).await,
        }
    }

    /// Makes what was written last, and closes.
    pub(super) async fn commit(mut self) -> StoreResult<()> {
        match &mut self {
            Self::File(db) => sqlx::query("COMMIT").execute(db).await.map(|_| ())?,
            Self::Server(db) => sqlx::query("COMMIT").execute(db).await.map(|_| ())?,
        }
        self.close().await
    }

    pub(super) async fn close(self) -> StoreResult<()> {
        match self {
            Self::File(db) => db.close().await?,
            Self::Server(db) => db.close().await?,
        }
        Ok(())
    }
}
