//! A PostgreSQL server as one side of a copy.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{BoxStream, StreamExt};
use secrecy::SecretString;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row as _, query, query_as, query_scalar};

use super::side::Numbers;
use super::table::{Column, STEPS, Table, quoted};
use super::value::{Kind, Row, Value, write_copy};
use crate::store::postgres;
use crate::store::schema::{Migrate, Schema};
use crate::store::{StoreError, StoreResult};

/// A copy may take hours, and the locks of its goal are waited for by nobody.
const PATIENCE: &str = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0";

/// Connects and sees the rows of this moment.
pub(super) async fn read(url: &SecretString) -> StoreResult<PgConnection> {
    let mut db = postgres::connect(url).await?;
    let found = postgres::found(&mut db).await?;
    Schema::judge(&found, &postgres::migrations()).allow(Migrate::MustBeCurrent)?;
    sqlx::raw_sql(PATIENCE).execute(&mut db).await?;
    query("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut db).await?;
    Ok(db)
}

/// Connects, makes the schema, and keeps everybody else from writing.
pub(super) async fn write(url: &SecretString) -> StoreResult<PgConnection> {
    postgres::migrate(url).await?;
    let mut db = postgres::connect(url).await?;
    sqlx::raw_sql(PATIENCE).execute(&mut db).await?;
    query("BEGIN").execute(&mut db).await?;
    let tables = tables(&mut db).await?;
    let names: Vec<String> = tables.iter().map(Table::quoted).collect();
    let lock = format!("LOCK TABLE {} IN EXCLUSIVE MODE NOWAIT", names.join(", "));
    query(AssertSqlSafe(lock)).execute(&mut db).await.map_err(|_| {
        StoreError::Unusable("somebody else writes into it: stop the servers that use it".to_owned())
    })?;
    Ok(db)
}

pub(super) async fn tables(db: &mut PgConnection) -> StoreResult<Vec<Table>> {
    const COLUMNS: &str = "SELECT c.table_name::TEXT, c.column_name::TEXT, c.data_type::TEXT \
        FROM information_schema.columns AS c \
        JOIN information_schema.tables AS t USING (table_schema, table_name) \
        WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' AND c.table_name <> $1";
    const PARENTS: &str = "SELECT child.relname::TEXT, parent.relname::TEXT FROM pg_constraint AS c \
        JOIN pg_class AS child ON child.oid = c.conrelid JOIN pg_class AS parent ON parent.oid = c.confrelid \
        WHERE c.contype = 'f' AND c.connamespace = current_schema()::regnamespace";
    let mut columns: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let rows: Vec<(String, String, String)> = query_as(COLUMNS).bind(STEPS).fetch_all(&mut *db).await?;
    for (table, column, kind) in rows {
        columns.entry(table).or_default().push((column, kind));
    }
    let mut parents: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let rows: Vec<(String, String)> = query_as(PARENTS).fetch_all(db).await?;
    for (child, parent) in rows {
        parents.entry(child).or_default().insert(parent);
    }
    let tables = columns.into_iter().map(|(name, columns)| {
        let parents = parents.remove(&name).unwrap_or_default();
        Table::new(name, columns, parents)
    });
    tables.collect()
}

pub(super) fn rows<'a>(db: &'a mut PgConnection, table: &'a Table) -> BoxStream<'a, StoreResult<Row>> {
    let list: Vec<String> = table.columns.iter().map(widened).collect();
    let select = AssertSqlSafe(format!("SELECT {} FROM {}", list.join(", "), table.quoted()));
    query(select).fetch(db).map(|row| taken(&row?, table)).boxed()
}

/// All whole numbers and truths as one type.
fn widened(column: &Column) -> String {
    let name = quoted(&column.name);
    match column.kind {
        Kind::Int => format!("{name}::BIGINT"),
        Kind::Bool => format!("{name}::INTEGER::BIGINT"),
        Kind::Text | Kind::Bytes => name,
    }
}

fn taken(row: &PgRow, table: &Table) -> StoreResult<Row> {
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

pub(super) async fn put(db: &mut PgConnection, table: &Table, rows: &[Row]) -> StoreResult<()> {
    // The columns in the order of the origin are those of the goal: both are sorted by name.
    let mut lines = Vec::new();
    for row in rows {
        for (place, (value, column)) in row.iter().zip(&table.columns).enumerate() {
            if place > 0 {
                lines.push(b'\t');
            }
            write_copy(&mut lines, value, column.kind)?;
        }
        lines.push(b'\n');
    }
    let mut copying =
        db.copy_in_raw(&format!("COPY {} ({}) FROM STDIN", table.quoted(), table.list())).await?;
    copying.send(lines).await?;
    copying.finish().await?;
    Ok(())
}

const COUNTED: &str = "SELECT table_name::TEXT, column_name::TEXT FROM information_schema.columns \
    WHERE table_schema = current_schema() AND is_identity = 'YES'";

pub(super) async fn numbers(db: &mut PgConnection) -> StoreResult<Numbers> {
    let mut numbers = Numbers::new();
    let counted: Vec<(String, String)> = query_as(COUNTED).fetch_all(&mut *db).await?;
    for (table, column) in counted {
        let sequence = "SELECT pg_get_serial_sequence($1, $2)";
        let sequence: Option<String> =
            query_scalar(sequence).bind(quoted(&table)).bind(column).fetch_one(&mut *db).await?;
        let Some(sequence) = sequence else { continue };
        let given = format!("SELECT last_value FROM {sequence} WHERE is_called");
        if let Some(number) = query_scalar(AssertSqlSafe(given)).fetch_optional(&mut *db).await? {
            numbers.insert(table, number);
        }
    }
    Ok(numbers)
}

pub(super) async fn set_numbers(db: &mut PgConnection, numbers: &Numbers) -> StoreResult<()> {
    let counted: Vec<(String, String)> = query_as(COUNTED).fetch_all(&mut *db).await?;
    for (table, column) in counted {
        let highest = format!("SELECT max({}) FROM {}", quoted(&column), quoted(&table));
        let highest: Option<i64> = query_scalar(AssertSqlSafe(highest)).fetch_one(&mut *db).await?;
        let number = highest.max(numbers.get(&table).copied());
        if let Some(number) = number.filter(|number| *number > 0) {
            let set = "SELECT setval(pg_get_serial_sequence($1, $2), $3)";
            query(set).bind(quoted(&table)).bind(column).bind(number).execute(&mut *db).await?;
        }
    }
    Ok(())
}
