//! A statement on its way to a database: its text in the database's own words, and its arguments in their order.

use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Postgres, Sqlite};

use super::arg::Arg;
use super::{Db, Dialect, Row};
use crate::store::StoreResult;

/// A statement in the words of each database. Arguments are `$1`, `$2`, … in both.
#[derive(Clone, Copy)]
pub(in crate::store) struct Text {
    sqlite: &'static str,
    postgres: &'static str,
}

/// A statement that both databases understand; a plain text is the same.
pub(in crate::store) const fn both(text: &'static str) -> Text {
    Text { sqlite: text, postgres: text }
}

/// A statement that each database has in words of its own.
pub(in crate::store) const fn each(sqlite: &'static str, postgres: &'static str) -> Text {
    Text { sqlite, postgres }
}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        both(text)
    }
}

impl Text {
    /// In the words of this database.
    pub(in crate::store) fn of(self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        }
    }
}

/// A statement and its arguments so far.
pub(in crate::store) struct Query {
    text: Text,
    args: Vec<Arg>,
}

/// A statement without arguments as yet.
pub(in crate::store) fn sql(text: impl Into<Text>) -> Query {
    Query { text: text.into(), args: Vec::new() }
}

impl Query {
    /// With one more argument.
    pub(in crate::store) fn bind(mut self, arg: impl Into<Arg>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Its text, for the database that is about to run it.
    fn text_for(&self, db: &Db<'_>) -> &'static str {
        let text = self.text.of(db.dialect());
        #[cfg(test)]
        super::heard::note(text);
        text
    }

    /// All rows that it gives.
    pub(in crate::store) async fn all(self, db: &mut Db<'_>) -> StoreResult<Vec<Row>> {
        let text = self.text_for(db);
        Ok(match db {
            Db::Sqlite(db) => {
                for_sqlite(text, self.args).fetch(&mut **db).map_ok(Row::Sqlite).try_collect().await?
            }
            Db::Postgres(db) => {
                let rows = for_postgres(text, self.args).fetch(&mut **db).map_ok(Row::Postgres).try_collect();
                in_time(rows).await?
            }
        })
    }

    /// The one row that it gives.
    pub(in crate::store) async fn one(self, db: &mut Db<'_>) -> StoreResult<Row> {
        let text = self.text_for(db);
        Ok(match db {
            Db::Sqlite(db) => Row::Sqlite(for_sqlite(text, self.args).fetch_one(&mut **db).await?),
            Db::Postgres(db) => {
                Row::Postgres(in_time(for_postgres(text, self.args).fetch_one(&mut **db)).await?)
            }
        })
    }

    /// The row that it gives, if there is one.
    pub(in crate::store) async fn optional(self, db: &mut Db<'_>) -> StoreResult<Option<Row>> {
        let text = self.text_for(db);
        Ok(match db {
            Db::Sqlite(db) => for_sqlite(text, self.args).fetch_optional(&mut **db).await?.map(Row::Sqlite),
            Db::Postgres(db) => {
                in_time(for_postgres(text, self.args).fetch_optional(&mut **db)).await?.map(Row::Postgres)
            }
        })
    }

    /// Runs it, and says how many rows it concerned.
    pub(in crate::store) async fn run(self, db: &mut Db<'_>) -> StoreResult<u64> {
        Ok(self.try_run(db).await?)
    }

    /// As `run`, with the database's own error, for those who know what it means here.
    pub(in crate::store) async fn try_run(self, db: &mut Db<'_>) -> Result<u64, sqlx::Error> {
        let text = self.text_for(db);
        Ok(match db {
            Db::Sqlite(db) => for_sqlite(text, self.args).execute(&mut **db).await?.rows_affected(),
            Db::Postgres(db) => {
                in_time(for_postgres(text, self.args).execute(&mut **db)).await?.rows_affected()
            }
        })
    }
}

/// Longer than a PostgreSQL server lets a statement take, whatever is configured (`store.statement_timeout`, 9 s at most).
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// A server that has gone without a word, or hangs, keeps no limit of its own: then ours ends the wait.
async fn in_time<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    let silent = || sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
    tokio::time::timeout(ANSWER_MAX, answer).await.unwrap_or_else(|_| Err(silent()))
}

fn for_sqlite(text: &'static str, args: Vec<Arg>) -> sqlx::query::Query<'static, Sqlite, SqliteArguments> {
    args.into_iter().fold(sqlx::query(text), |query, arg| match arg {
        Arg::Text(value) => query.bind(value),
        Arg::Int(value) => query.bind(value),
        Arg::Bool(value) => query.bind(value),
        Arg::Bytes(value) => query.bind(value),
    })
}

fn for_postgres(text: &'static str, args: Vec<Arg>) -> sqlx::query::Query<'static, Postgres, PgArguments> {
    args.into_iter().fold(sqlx::query(text), |query, arg| match arg {
        Arg::Text(value) => query.bind(value),
        Arg::Int(value) => query.bind(value),
        Arg::Bool(value) => query.bind(value),
        Arg::Bytes(value) => query.bind(value),
    })
}
