//! Every question that a sweep asks has its index: none of them looks at what is not due. And nothing that is run every day
//! walks a table that grows. The planner is asked, on the schema as it is released.

use std::collections::BTreeSet;
use std::sync::Arc;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Row, SqlSafeStr, SqliteConnection};

use super::open::MIGRATIONS;
use super::{SqliteOptions, SqliteStore};
use crate::store::Store;
use crate::store::sql::db::{Dialect, heard};
use crate::store::sql::swept::{grown_in, swept};
use crate::store::sql::{everyday, records};

async fn plan(db: &mut SqliteConnection, statement: &str) -> String {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")).into_sql_str();
    let rows = sqlx::query(explain).fetch_all(db).await.unwrap();
    let steps = rows.iter().map(|row| row.get::<String, _>("detail"));
    steps.collect::<Vec<_>>().join("\n")
}

async fn database() -> SqliteConnection {
    let mut db = SqliteConnectOptions::new().in_memory(true).connect().await.unwrap();
    for (_, _, schema) in MIGRATIONS {
        sqlx::raw_sql(*schema).execute(&mut db).await.unwrap();
    }
    db
}

#[tokio::test]
async fn what_is_due_is_found_by_its_index() {
    let mut db = database().await;
    for (statement, index) in swept() {
        let statement = statement.of(Dialect::Sqlite);
        let plan = plan(&mut db, statement).await;
        assert!(plan.contains(index), "{index} is not used by {statement}:\n{plan}");
        let walks = plan.lines().any(|line| {
            let walks =
                ["alerts", "deliveries", "riders", "a", "d", "m", "o"].map(|table| format!("SCAN {table}"));
            walks.iter().any(|walk| line == walk)
        });
        assert!(!walks, "a table is walked by {statement}:\n{plan}");
    }
}

/// Indexes that hold what is open or due alone: to walk one is to look at nothing else.
async fn partial_indexes(db: &mut SqliteConnection) -> BTreeSet<String> {
    let question = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql LIKE '% WHERE %'";
    let rows = sqlx::query(question).fetch_all(db).await.unwrap();
    rows.iter().map(|row| row.get("name")).collect()
}

/// Whether a line of a plan goes through all of a table that grows, in any order.
fn walks(line: &str, grown: &BTreeSet<&str>, partial: &BTreeSet<String>) -> bool {
    let mut words = line.split(' ');
    if words.next() != Some("SCAN") || words.next().is_none_or(|table| !grown.contains(table)) {
        return false;
    }
    !line.split(' ').any(|word| partial.contains(word))
}

/// The line of a statement's plan that does.
async fn walk(
    db: &mut SqliteConnection,
    statement: &'static str,
    partial: &BTreeSet<String>,
) -> Option<String> {
    let grown = grown_in(statement);
    let plan = plan(db, statement).await;
    plan.lines().find(|line| walks(line, &grown, partial)).map(ToOwned::to_owned)
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a test has no lifecycle")]
async fn nothing_of_every_day_walks_a_table_that_grows() {
    let dir = tempfile::tempdir().unwrap();
    let options = SqliteOptions::new(dir.path().join("orderbell.db"), "epoch", Arc::new(|| everyday::NOW));
    let connect = SqliteConnectOptions::new().filename(&options.path);
    let (store, writer) = SqliteStore::open(options).await.unwrap();
    tokio::spawn(writer);
    everyday::past(&*store, 2_000).await;
    everyday::live(&*store).await;
    let heard = heard::taken();
    assert!(heard.len() > 60, "only {} statements were heard", heard.len());
    let mut db = connect.connect().await.unwrap();
    let partial = partial_indexes(&mut db).await;
    // As it is when nobody has measured the tables, and when somebody has.
    for measure in ["", "ANALYZE"] {
        sqlx::raw_sql(measure).execute(&mut db).await.unwrap();
        for statement in &heard {
            let walk = walk(&mut db, statement, &partial).await;
            assert!(walk.is_none(), "a table that grows is walked by {statement}:\n{walk:?}");
        }
    }
    sqlx::raw_sql("DROP INDEX alerts_unrendered").execute(&mut db).await.unwrap();
    let mut walkers = 0;
    for statement in &heard {
        walkers += usize::from(walk(&mut db, statement, &partial).await.is_some());
    }
    assert_eq!(walkers, 1, "without its index a question walks");
    store.close().await;
}

#[test]
fn a_walk_is_told_from_a_look_and_from_a_partial_index() {
    let grown = grown_in("SELECT * FROM json_each($1) AS k JOIN alerts AS a, notices WHERE a.id = k.value");
    assert_eq!(grown, BTreeSet::from(["a", "alerts", "notices"]));
    let partial = BTreeSet::from(["alerts_empty".to_owned()]);
    for line in ["SCAN a", "SCAN notices USING INDEX notices_app"] {
        assert!(walks(line, &grown, &partial), "{line}");
    }
    for line in [
        "SEARCH a USING PRIMARY KEY (id=?)",
        "SCAN k VIRTUAL TABLE INDEX 1:",
        "SCAN a USING INDEX alerts_empty",
    ] {
        assert!(!walks(line, &grown, &partial), "{line}");
    }
}

#[tokio::test]
async fn the_record_is_walked_along_an_index_and_never_sorted() {
    let mut db = database().await;
    for (statement, index) in records::plans() {
        let statement = statement.of(Dialect::Sqlite);
        let plan = plan(&mut db, statement).await;
        assert!(plan.contains(index), "{index} is not used by {statement}:\n{plan}");
        // Groups are few, and asked for by many riders at once.
        let sorts = plan.contains("TEMP B-TREE") && !statement.contains("group_members");
        let walks = plan.lines().any(|line| ["SCAN a", "SCAN d", "SCAN alerts"].contains(&line));
        assert!(!sorts && !walks, "more is looked at than asked for by {statement}:\n{plan}");
    }
}
