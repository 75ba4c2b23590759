//! Connections that are held for reading: for single statements, or for several that must see one moment.

use sqlx::pool::PoolConnection;
use sqlx::{Postgres, Sqlite, Transaction};

use super::Db;

/// A connection out of a pool, given back when this goes.
pub(in crate::store) enum Reader {
    /// To a SQLite file.
    Sqlite(PoolConnection<Sqlite>),
    /// To a PostgreSQL server.
    Postgres(PoolConnection<Postgres>),
}

impl Reader {
    /// For statements.
    pub(in crate::store) fn db(&mut self) -> Db<'_> {
        match self {
            Self::Sqlite(db) => Db::Sqlite(db),
            Self::Postgres(db) => Db::Postgres(db),
        }
    }
}

impl From<PoolConnection<Sqlite>> for Reader {
    fn from(db: PoolConnection<Sqlite>) -> Self {
        Self::Sqlite(db)
    }
}

impl From<PoolConnection<Postgres>> for Reader {
    fn from(db: PoolConnection<Postgres>) -> Self {
        Self::Postgres(db)
    }
}

/// A transaction that reads: all its statements see the data of one moment.
/// In SQLite every transaction is one; in PostgreSQL it is one that began as `REPEATABLE READ, READ ONLY`.
pub(in crate::store) enum Snapshot {
    /// Of a SQLite file.
    Sqlite(Transaction<'static, Sqlite>),
    /// Of a PostgreSQL server.
    Postgres(Transaction<'static, Postgres>),
}

impl Snapshot {
    /// For statements.
    pub(in crate::store) fn db(&mut self) -> Db<'_> {
        match self {
            Self::Sqlite(tx) => Db::Sqlite(tx),
            Self::Postgres(tx) => Db::Postgres(tx),
        }
    }
}

impl From<Transaction<'static, Sqlite>> for Snapshot {
    fn from(tx: Transaction<'static, Sqlite>) -> Self {
        Self::Sqlite(tx)
    }
}

impl From<Transaction<'static, Postgres>> for Snapshot {
    fn from(tx: Transaction<'static, Postgres>) -> Self {
        Self::Postgres(tx)
    }
}
