//! A connection to either database, and the little that a statement needs of it: its text, its arguments, its rows.
//! Whoever writes a statement does not see which database runs it, save where the text itself must differ.

mod arg;
mod column;
#[cfg(test)]
pub(in crate::store) mod heard;
mod query;
mod snapshot;

use sqlx::{PgConnection, SqliteConnection};

pub(in crate::store) use column::{Column, Row};
pub(in crate::store) use query::{Query, Text, each, sql};
pub(in crate::store) use snapshot::{Reader, Snapshot};

/// A connection that is borrowed for some statements.
pub(in crate::store) enum Db<'c> {
    /// To a SQLite file.
    Sqlite(&'c mut SqliteConnection),
    /// To a PostgreSQL server.
    Postgres(&'c mut PgConnection),
}

/// What the statements of a database are written in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::store) enum Dialect {
    /// SQLite's.
    Sqlite,
    /// PostgreSQL's.
    Postgres,
}

impl Db<'_> {
    /// What this database understands.
    pub(in crate::store) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }
}

impl<'c> From<&'c mut SqliteConnection> for Db<'c> {
    fn from(db: &'c mut SqliteConnection) -> Self {
        Self::Sqlite(db)
    }
}

impl<'c> From<&'c mut PgConnection> for Db<'c> {
    fn from(db: &'c mut PgConnection) -> Self {
        Self::Postgres(db)
    }
}
