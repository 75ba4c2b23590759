//! A SQLite file as one side of a copy.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use futures_util::stream::{BoxStream, StreamExt};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Row as _, SqliteConnection, query, query_as, query_scalar};

use super::side::Numbers;
use super::table::{STEPS, Table};
use super::value::{Kind, Row, Value};
use crate::store::StoreResult;
use crate::store::schema::{Migrate, Schema};
use crate::store::sqlite::{self, SqliteOptions};

/// Commands hold the file for some milliseconds.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// Values in one statement: SQLite takes 32,766.
const VALUES_MAX: usize = 4_000;

/// Opens a file that others may have open, and keeps them from writing.
pub(super) async fn read(path: &Path) -> StoreResult<SqliteConnection> {
    let connect = SqliteConnectOptions::new().filename(path).create_if_missing(false);
    begin(connect, "BEGIN IMMEDIATE").await
}

/// Opens a file that nobody has open, without a trace.
pub(super) async fn read_still(path: &Path) -> StoreResult<SqliteConnection> {
    let connect = SqliteConnectOptions::new().filename(path).read_only(true).immutable(true);
    begin(connect, "BEGIN").await
}

async fn begin(connect: SqliteConnectOptions, begin: &'static str) -> StoreResult<SqliteConnection> {
    let connect = connect.busy_timeout(WAIT_MAX).disable_statement_logging();
    let mut db = connect.connect().await.map_err(sqlite::cannot_open)?;
    let found = sqlite::found(&mut db).await?;
    Schema::judge(&found, &sqlite::migrations()).allow(Migrate::MustBeCurrent)?;
    query(begin).execute(&mut db).await?;
    Ok(db)
}

/// Opens a file for itself and makes its schema. No journal: if anything fails the file is of no use.
pub(super) async fn write(path: &Path) -> StoreResult<SqliteConnection> {
    let now = std::sync::Arc::new(|| crate::domain::EpochMs(0));
    sqlite::migrate(&SqliteOptions::new(path, "", now)).await?;
    let connect = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off)
        .foreign_keys(true)
        .busy_timeout(WAIT_MAX)
        .disable_statement_logging();
    let mut db = connect.connect().await?;
    query("BEGIN EXCLUSIVE").execute(&mut db).await?;
    Ok(db)
}

pub(super) async fn tables(db: &mut SqliteConnection) -> StoreResult<Vec<Table>> {
    const TABLES: &str = "SELECT name FROM sqlite_schema \
        WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> $1";
    const COLUMNS: &str = "SELECT name, type FROM pragma_table_info($1)";
    const PARENTS: &str = "SELECT \"table\" FROM pragma_foreign_key_list($1)";
    let names: Vec<String> = query_scalar(TABLES).bind(STEPS).fetch_all(&mut *db).await?;
    let mut tables = Vec::with_capacity(names.len());
    for name in names {
        let columns: Vec<(String, String)> = query_as(COLUMNS).bind(&name).fetch_all(&mut *db).await?;
        let parents: Vec<String> = query_scalar(PARENTS).bind(&name).fetch_all(&mut *db).await?;
        tables.push(Table::new(name, columns, BTreeSet::from_iter(parents))?);
    }
    Ok(tables)
}

pub(super) fn rows<'a>(db: &'a mut SqliteConnection, table: &'a Table) -> BoxStream<'a, StoreResult<Row>> {
    let select = AssertSqlSafe(format!("SELECT {} FROM {}", table.list(), table.quoted()));
    query(select).fetch(db).map(|row| taken(&row?, table)).boxed()
}

fn taken(row: &SqliteRow, table: &Table) -> StoreResult<Row> {
    let value = |(place, kind): (usize, Kind)| {
        Ok(match kind {
            Kind::Int | Kind::Bool => row.try_get::<Option<i64>, _>(place)?.map(Value::Int),
            Kind::Text => row.try_get::<Option<String>, _>(place)?.map(Value::Text),
            Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(place)?.map(Value::Bytes),
        }
        .unwrap_or(Value::Null))
    };
    table.columns.iter().map(|column| column.kind).enumerate().map(value).collect()
}

pub(super) async fn put(db: &mut SqliteConnection, table: &Table, rows: &[Row]) -> StoreResult<()> {
    let width = table.columns.len().max(1);
    for some in rows.chunks((VALUES_MAX / width).max(1)) {
        let row = format!("({})", vec!["?"; width].join(", "));
        let places = vec![row; some.len()].join(", ");
        let insert = format!("INSERT INTO {} ({}) VALUES {places}", table.quoted(), table.list());
        let insert = query::<sqlx::Sqlite>(AssertSqlSafe(insert));
        let bound = some.iter().flatten().fold(insert, |insert, value| match value {
            Value::Null => insert.bind(None::<i64>),
            Value::Int(number) => insert.bind(*number),
            Value::Text(text) => insert.bind(text.as_str()),
            Value::Bytes(bytes) => insert.bind(bytes.as_slice()),
        });
        bound.execute(&mut *db).await?;
    }
    Ok(())
}

/// SQLite notes this for tables that never give a number twice.
pub(super) async fn numbers(db: &mut SqliteConnection) -> StoreResult<Numbers> {
    let noted: Vec<(String, i64)> = query_as("SELECT name, seq FROM sqlite_sequence").fetch_all(db).await?;
    Ok(BTreeMap::from_iter(noted))
}

pub(super) async fn set_numbers(db: &mut SqliteConnection, numbers: &Numbers) -> StoreResult<()> {
    const COUNTS: &str = "SELECT count(*) FROM sqlite_schema \
        WHERE type = 'table' AND name = $1 AND sql LIKE '%AUTOINCREMENT%'";
    for (table, number) in numbers {
        let counts: i64 = query_scalar(COUNTS).bind(table).fetch_one(&mut *db).await?;
        if counts == 0 {
            continue;
        }
        // The rows that were added have left their own note.
        let raise = "UPDATE sqlite_sequence SET seq = max(seq, $1) WHERE name = $2";
        let raised = query(raise).bind(number).bind(table).execute(&mut *db).await?;
        if raised.rows_affected() == 0 {
            let note = "INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)";
            query(note).bind(table).bind(number).execute(&mut *db).await?;
        }
    }
    Ok(())
}
