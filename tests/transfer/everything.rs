//! A database with rows in every table, made from the schema alone, so that a new table is in it by itself; and all rows
//! of either database as text, read by statements of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection, query, query_as, query_scalar,
};

/// A column of the schema.
#[derive(Clone)]
struct Column {
    name: String,
    kind: String,
    is_key: bool,
    may_be_null: bool,
    /// The table and column that it refers to.
    parent: Option<(String, String)>,
}

/// Rows of most tables.
const ROWS: i64 = 40;
/// The first number of a table that counts: there may be rows already.
const FIRST: i64 = 1_000;
/// The highest number of all, whose row is gone.
pub(crate) const HIGHEST: i64 = FIRST + 3 * (ROWS - 1);
/// What is hard to carry.
const TEXTS: [&str; 8] = [
    "",
    "tab\tand\nline\r\n",
    "\\N",
    "\\x41 \\\\ \\t",
    "店家 🍜 مرحبا",
    "'quoted' \"twice\"",
    "{\"a\":null}",
    " e\u{301}  ",
];

pub(crate) async fn open(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(false).foreign_keys(false);
    options.disable_statement_logging().connect().await.unwrap()
}

/// Fills a database of our schema: every table has rows, every type its extremes, `deliveries` as many rows as asked for.
/// Columns that are truths in PostgreSQL hold 0 and 1.
pub(crate) async fn fill(path: &Path, truths: &BTreeSet<(String, String)>, deliveries: i64) {
    let mut db = open(path).await;
    let tables = schema(&mut db).await;
    query("BEGIN").execute(&mut db).await.unwrap();
    for (table, columns) in &tables {
        let rows = rows_of(table, deliveries);
        let places = vec!["?"; columns.len()].join(", ");
        let names: Vec<String> = columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        let insert = format!("INSERT INTO \"{table}\" ({}) VALUES ({places})", names.join(", "));
        for row in 0..rows {
            let mut insert = query::<sqlx::Sqlite>(AssertSqlSafe(insert.clone()));
            for column in columns {
                let is_truth = truths.contains(&(table.clone(), column.name.clone()));
                insert = match value(&tables, table, column, row, is_truth) {
                    Made::Null => insert.bind(None::<String>),
                    Made::Int(number) => insert.bind(number),
                    Made::Text(text) => insert.bind(text),
                    Made::Bytes(bytes) => insert.bind(bytes),
                };
            }
            insert.execute(&mut db).await.unwrap_or_else(|error| panic!("{table}, row {row}: {error}"));
        }
    }
    query("COMMIT").execute(&mut db).await.unwrap();
    // Numbers that were given and are gone must not be given again.
    query("DELETE FROM notices WHERE number = (SELECT max(number) FROM notices)")
        .execute(&mut db)
        .await
        .unwrap();
    let broken: Vec<(String,)> =
        query_as("SELECT \"table\" FROM pragma_foreign_key_check").fetch_all(&mut db).await.unwrap();
    assert_eq!(broken, [], "rows refer to rows that are there");
    db.close().await.unwrap();
}

enum Made {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

fn rows_of(table: &str, deliveries: i64) -> i64 {
    if table == "deliveries" { deliveries } else { ROWS }
}

fn value(
    tables: &BTreeMap<String, Vec<Column>>,
    table: &str,
    column: &Column,
    row: i64,
    is_truth: bool,
) -> Made {
    if let Some((parent, key)) = &column.parent {
        let its = tables[parent].iter().find(|column| column.name == *key).unwrap();
        return value(tables, parent, its, row % ROWS, false);
    }
    // Rows without anything that may be absent, and rows with all of it.
    if column.may_be_null && row % 3 == 0 {
        return Made::Null;
    }
    match column.kind.as_str() {
        "INTEGER" if is_truth => Made::Int(row % 2),
        "INTEGER" if column.is_key => Made::Int(FIRST + 3 * row),
        "INTEGER" if column.name == "open_count" => Made::Int(row),
        "INTEGER" => Made::Int(
            [0, -1 - row, i64::MAX - row, i64::MIN + row, 1_763_000_000_000 + row]
                [usize::try_from(row % 5).unwrap()],
        ),
        "TEXT" => {
            let sample = TEXTS[usize::try_from(row).unwrap() % TEXTS.len()];
            let plain = column.is_key
                || column.name == "name"
                || column.name.ends_with("_id")
                || column.name == "owner";
            Made::Text(if plain { format!("{table}-{row}") } else { format!("{sample}{row}") })
        }
        "BLOB" => Made::Bytes((0..=255_u8).rev().chain(row.to_be_bytes()).collect()),
        other => panic!("{table}.{} is of the type {other}", column.name),
    }
}

async fn schema(db: &mut SqliteConnection) -> BTreeMap<String, Vec<Column>> {
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
        AND name NOT IN ('_sqlx_migrations', 'meta')";
    let names: Vec<String> = query_scalar(tables).fetch_all(&mut *db).await.unwrap();
    let mut schema = BTreeMap::new();
    for name in names {
        let parents = "SELECT \"from\", \"table\", \"to\" FROM pragma_foreign_key_list($1)";
        let parents: Vec<(String, String, String)> =
            query_as(parents).bind(&name).fetch_all(&mut *db).await.unwrap();
        let columns = "SELECT name, type, pk, \"notnull\" FROM pragma_table_info($1)";
        let columns: Vec<(String, String, i64, i64)> =
            query_as(columns).bind(&name).fetch_all(&mut *db).await.unwrap();
        let columns = columns.into_iter().map(|(column, kind, key, not_null)| Column {
            parent: parents
                .iter()
                .find(|(from, ..)| *from == column)
                .map(|(_, table, to)| (table.clone(), to.clone())),
            name: column,
            kind,
            is_key: key > 0,
            may_be_null: not_null == 0 && key == 0,
        });
        schema.insert(name, columns.collect());
    }
    schema
}

/// All rows of a SQLite file, by table, as sorted lines; `meta` as well.
pub(crate) async fn rows_of_file(path: &Path) -> BTreeMap<String, Vec<String>> {
    let mut db = open(path).await;
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
        AND name <> '_sqlx_migrations'";
    let names: Vec<String> = query_scalar(tables).fetch_all(&mut db).await.unwrap();
    let mut rows = BTreeMap::new();
    for name in names {
        let columns = "SELECT name, type FROM pragma_table_info($1) ORDER BY name";
        let columns: Vec<(String, String)> = query_as(columns).bind(&name).fetch_all(&mut db).await.unwrap();
        let texts = columns.iter().map(|(column, kind)| match kind.as_str() {
            // hex() makes an empty text of NULL
            "BLOB" => {
                format!("CASE WHEN \"{column}\" IS NULL THEN 'nothing' ELSE lower(hex(\"{column}\")) END")
            }
            _ => format!("coalesce(CAST(\"{column}\" AS TEXT), 'nothing')"),
        });
        let line = format!("SELECT {} FROM \"{name}\"", texts.collect::<Vec<_>>().join(" || ' | ' || "));
        let mut lines: Vec<String> = query_scalar(AssertSqlSafe(line)).fetch_all(&mut db).await.unwrap();
        lines.sort();
        rows.insert(name, lines);
    }
    db.close().await.unwrap();
    rows
}

/// The same of a PostgreSQL database.
pub(crate) async fn rows_of_server(url: &str) -> BTreeMap<String, Vec<String>> {
    let mut db = PgConnection::connect(url).await.unwrap();
    let columns = "SELECT table_name::TEXT, column_name::TEXT, data_type::TEXT FROM information_schema.columns \
        WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations' ORDER BY column_name COLLATE \"C\"";
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let columns: Vec<(String, String, String)> = query_as(columns).fetch_all(&mut db).await.unwrap();
    for (table, column, kind) in columns {
        let text = match kind.as_str() {
            "bytea" => format!("encode(\"{column}\", 'hex')"),
            "boolean" => format!("\"{column}\"::INTEGER::TEXT"),
            _ => format!("\"{column}\"::TEXT"),
        };
        tables.entry(table).or_default().push(format!("coalesce({text}, 'nothing')"));
    }
    let mut rows = BTreeMap::new();
    for (name, texts) in tables {
        let line = format!("SELECT {} FROM \"{name}\"", texts.join(" || ' | ' || "));
        let mut lines: Vec<String> = query_scalar(AssertSqlSafe(line)).fetch_all(&mut db).await.unwrap();
        lines.sort();
        rows.insert(name, lines);
    }
    db.close().await.unwrap();
    rows
}

/// The columns that are truths in PostgreSQL.
pub(crate) async fn truths(url: &str) -> BTreeSet<(String, String)> {
    let mut db = PgConnection::connect(url).await.unwrap();
    let truths = "SELECT table_name::TEXT, column_name::TEXT FROM information_schema.columns \
        WHERE table_schema = 'public' AND data_type = 'boolean'";
    let truths: Vec<(String, String)> = query_as(truths).fetch_all(&mut db).await.unwrap();
    db.close().await.unwrap();
    assert!(!truths.is_empty());
    truths.into_iter().collect()
}

/// That these are the same rows; says the first difference.
#[track_caller]
pub(crate) fn assert_equal(one: &BTreeMap<String, Vec<String>>, other: &BTreeMap<String, Vec<String>>) {
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (table, rows) in one {
        assert_eq!(rows.len(), other[table].len(), "rows of {table}");
        let differ = rows.iter().zip(&other[table]).find(|(one, other)| one != other);
        assert_eq!(differ, None, "a row of {table}");
    }
}
