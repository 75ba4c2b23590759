//! A database as the bench knows it beside its store: where it is, and statements of the bench's own.
//! What differs in the words of the two databases stands here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use orderbell::store::Store;
use orderbell::store::postgres::{PostgresOptions, PostgresStore};
use orderbell::store::sqlite::{SqliteOptions, SqliteStore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row, SqlSafeStr, SqliteConnection};

/// Where a store is kept.
pub(crate) enum Database {
    Sqlite(PathBuf),
    /// The URL of a server's database.
    Postgres(String),
}

/// A connection for the bench's own statements.
pub(crate) enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// A column of a table.
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) sort: Sort,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sort {
    Text,
    Whole,
    /// Truths and bytes.
    Other,
    /// Numbers that the database gives.
    Generated,
}

impl Database {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self::Sqlite(folder.join("growth.db"))
    }

    /// The store, with its writer driven.
    #[expect(clippy::disallowed_methods, reason = "a bench has no lifecycle")]
    pub(crate) async fn store(&self, now: crate::Now) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(path) => {
                let (store, writer) =
                    SqliteStore::open(SqliteOptions::new(path, "bench", now)).await.unwrap();
                tokio::spawn(writer);
                store
            }
            Self::Postgres(url) => {
                let options = PostgresOptions::new(url.as_str().into(), "bench", now);
                PostgresStore::open(options).await.unwrap()
            }
        }
    }

    /// A connection that fills fast and promises nothing; no store may be open meanwhile.
    pub(crate) async fn raw(&self) -> Raw {
        match self {
            Self::Sqlite(path) => {
                let options = SqliteConnectOptions::new().filename(path).foreign_keys(false);
                let mut db = options.disable_statement_logging().connect().await.unwrap();
                let quickly = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; \
                               PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -1048576";
                sqlx::raw_sql(quickly).execute(&mut db).await.unwrap();
                Raw::Sqlite(db)
            }
            Self::Postgres(url) => {
                let mut db = PgConnection::connect(url).await.unwrap();
                // What refers to what is known to be there.
                let quickly = "SET session_replication_role = replica; SET synchronous_commit = off";
                sqlx::raw_sql(quickly).execute(&mut db).await.unwrap();
                Raw::Postgres(db)
            }
        }
    }

    /// How much of the disk it takes, in bytes.
    pub(crate) async fn bytes(&self) -> u64 {
        match self {
            Self::Sqlite(path) => std::fs::metadata(path).unwrap().len(),
            Self::Postgres(url) => {
                let mut db = PgConnection::connect(url).await.unwrap();
                let bytes = sqlx::query_scalar::<_, i64>("SELECT pg_database_size(current_database())");
                u64::try_from(bytes.fetch_one(&mut db).await.unwrap()).unwrap()
            }
        }
    }
}

impl Raw {
    /// Runs a statement of the bench's own making.
    pub(crate) async fn run(&mut self, statement: &str) {
        let text = AssertSqlSafe(statement.to_owned()).into_sql_str();
        let done = match self {
            Self::Sqlite(db) => sqlx::raw_sql(text).execute(db).await.map(|_| ()),
            Self::Postgres(db) => sqlx::raw_sql(text).execute(db).await.map(|_| ()),
        };
        done.unwrap_or_else(|error| panic!("{error} in {statement}"));
    }

    /// Rows of columns that are texts or null.
    pub(crate) async fn texts(&mut self, statement: &str) -> Vec<Vec<Option<String>>> {
        let text = AssertSqlSafe(statement.to_owned()).into_sql_str();
        match self {
            Self::Sqlite(db) => {
                let rows = sqlx::query(text).fetch_all(db).await;
                let rows = rows.unwrap_or_else(|error| panic!("{error} in {statement}"));
                rows.iter().map(|row| (0..row.len()).map(|place| row.get(place)).collect()).collect()
            }
            Self::Postgres(db) => {
                let rows = sqlx::query(text).fetch_all(db).await;
                let rows = rows.unwrap_or_else(|error| panic!("{error} in {statement}"));
                rows.iter().map(|row| (0..row.len()).map(|place| row.get(place)).collect()).collect()
            }
        }
    }

    /// The columns of a table as it is now; none if there is no such table.
    pub(crate) async fn columns(&mut self, table: &str) -> Vec<Column> {
        let question = match self {
            Self::Sqlite(_) => format!(
                "SELECT name, CASE WHEN type = 'INTEGER' AND pk = 1 THEN 'generated' \
                 WHEN type = 'INTEGER' THEN 'whole' WHEN type = 'TEXT' THEN 'text' ELSE 'other' END \
                 FROM pragma_table_info('{table}') ORDER BY cid"
            ),
            Self::Postgres(_) => format!(
                "SELECT CAST(column_name AS TEXT), CASE WHEN is_identity = 'YES' OR column_default LIKE 'nextval%' \
                 THEN 'generated' WHEN data_type = 'bigint' THEN 'whole' WHEN data_type = 'text' THEN 'text' \
                 ELSE 'other' END FROM information_schema.columns WHERE table_name = '{table}' \
                 AND table_schema = current_schema() ORDER BY ordinal_position"
            ),
        };
        let rows = self.texts(&question).await;
        rows.into_iter()
            .map(|row| {
                let [name, sort] = <[Option<String>; 2]>::try_from(row).unwrap().map(Option::unwrap);
                let sort = match sort.as_str() {
                    "text" => Sort::Text,
                    "whole" => Sort::Whole,
                    "generated" => Sort::Generated,
                    _ => Sort::Other,
                };
                Column { name, sort }
            })
            .collect()
    }

    /// Rows `(i)` from `from` up to `to`, each `every`.
    pub(crate) fn numbers(&self, from: u64, to: u64, every: u64) -> String {
        match self {
            Self::Sqlite(_) => format!(
                "(WITH RECURSIVE n(i) AS (SELECT {from} WHERE {from} < {to} \
                 UNION ALL SELECT i + {every} FROM n WHERE i + {every} < {to}) SELECT i FROM n)"
            ),
            Self::Postgres(_) => {
                format!("(SELECT i FROM generate_series(CAST({from} AS BIGINT), {to} - 1, {every}) AS g(i))")
            }
        }
    }

    /// A number in hexadecimal, `width` digits.
    pub(crate) fn hex(&self, number: &str, width: usize) -> String {
        match self {
            Self::Sqlite(_) => format!("printf('%0{width}x', {number})"),
            Self::Postgres(_) => format!("lpad(to_hex(CAST({number} AS BIGINT)), {width}, '0')"),
        }
    }

    /// Leaves everything as a database is that has been running for long: a PostgreSQL server has cleaned and measured its
    /// tables, a SQLite file is never measured.
    pub(crate) async fn settle(mut self) {
        if let Self::Postgres(_) = &self {
            self.run("VACUUM ANALYZE").await;
            self.run("CHECKPOINT").await;
        }
        match self {
            Self::Postgres(db) => db.close().await.unwrap(),
            Self::Sqlite(db) => db.close().await.unwrap(),
        }
    }
}
