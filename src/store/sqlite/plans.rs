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
    let (mut db, mut missed) = (database().await, Vec::new());
    for (statement, index) in swept() {
        let statement = statement.of(Dialect::Sqlite);
        let plan = plan(&mut db, statement).await;
        if !plan.contains(index) {
            missed.push(format!("{index} is not used by {statement}:\n{plan}"));
        }
        let walks = plan.lines().any(|line| {
            let walks = ["alerts", "deliveries", "riders", "a", "d", "m", "o", "c", "p", "x"]
                .map(|table| format!("SCAN {table}"));
            walks.iter().any(|walk| line == walk)
        });
        assert!(!walks, "a table is walked by {statement}:\n{plan}");
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// Indexes that hold what is open or due alone, and next to nothing of a long past: to walk one costs nothing.
async fn small_indexes(db: &mut SqliteConnection) -> BTreeSet<String> {
    const SMALL: i64 = 100;
    let question =
        "SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'index' AND sql LIKE '% WHERE %'";
    let mut small = BTreeSet::new();
    for row in sqlx::query(question).fetch_all(&mut *db).await.unwrap() {
        let [name, table, sql] = ["name", "tbl_name", "sql"].map(|column| row.get::<String, _>(column));
        let (_, condition) = sql.split_once(" WHERE ").unwrap();
        let count = AssertSqlSafe(format!("SELECT COUNT(*) FROM {table} WHERE {condition}")).into_sql_str();
        if sqlx::query_scalar::<_, i64>(count).fetch_one(&mut *db).await.unwrap() < SMALL {
            small.insert(name);
        }
    }
    small
}

/// Whether a line of a plan goes through all of a table that grows, or all that an app or a rider has in it.
fn walks(line: &str, grown: &BTreeSet<&str>, small: &BTreeSet<String>) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    let [how, table, ..] = words[..] else { return false };
    if !grown.contains(table) || words.iter().any(|word| small.contains(*word)) {
        return false;
    }
    // A broadcast is for all riders of an app, and they do not grow by being told.
    let everything = ["(app_id=?)", "(app_id=? AND rider_id=?)"];
    how == "SCAN" || (table != "riders" && everything.iter().any(|condition| line.ends_with(condition)))
}

/// The line of a statement's plan that does.
async fn walk(
    db: &mut SqliteConnection,
    statement: &'static str,
    small: &BTreeSet<String>,
) -> Option<String> {
    let grown = grown_in(statement);
    let mut plan = plan(db, statement).await;
    // The highest number of a rider is at the end of an index, where SQLite begins.
    if statement.contains("MAX(seq)") {
        plan = plan.replace("deliveries_2 (app_id=? AND rider_id=?)", "its end");
    }
    plan.lines().find(|line| walks(line, &grown, small)).map(ToOwned::to_owned)
}

#[tokio::test]
async fn nothing_of_every_day_walks_a_table_that_grows() {
    let dir = tempfile::tempdir().unwrap();
    let options = SqliteOptions::new(dir.path().join("orderbell.db"), "epoch", Arc::new(|| everyday::NOW));
    let connect = SqliteConnectOptions::new().filename(&options.path);
    let (store, writer) = SqliteStore::open(options).await.unwrap();
    let day = async {
        everyday::past(&*store, 2_000).await;
        everyday::live(&*store).await;
        store.close().await;
        heard::taken()
    };
    let (heard, ()) = tokio::join!(day, writer);
    assert!(heard.len() > 60, "only {} statements were heard", heard.len());
    let mut db = connect.connect().await.unwrap();
    let small = small_indexes(&mut db).await;
    // As it is when nobody has measured the tables, and when somebody has.
    let mut found = Vec::new();
    for measure in ["", "ANALYZE"] {
        sqlx::raw_sql(measure).execute(&mut db).await.unwrap();
        for statement in &heard {
            let walk = walk(&mut db, statement, &small).await;
            found.extend(walk.map(|line| format!("{measure} {line}\n    in {statement}")));
        }
    }
    assert!(found.is_empty(), "tables that grow are walked:\n{}", found.join("\n"));
    sqlx::raw_sql("DROP INDEX alerts_unrendered").execute(&mut db).await.unwrap();
    let mut walkers = 0;
    for statement in &heard {
        walkers += usize::from(walk(&mut db, statement, &small).await.is_some());
    }
    assert_eq!(walkers, 1, "without its index a question walks");
}

#[test]
fn a_walk_is_told_from_a_look_and_from_a_small_index() {
    let grown = grown_in("SELECT * FROM json_each($1) AS k JOIN alerts AS a, notices WHERE a.id = k.value");
    assert_eq!(grown, BTreeSet::from(["a", "alerts", "notices"]));
    let small = BTreeSet::from(["alerts_empty".to_owned()]);
    let all_of_an_app = "SEARCH a USING INDEX alerts_of_app (app_id=?)";
    for line in ["SCAN a", "SCAN notices USING INDEX notices_app", all_of_an_app] {
        assert!(walks(line, &grown, &small), "{line}");
    }
    for line in [
        "SEARCH a USING PRIMARY KEY (id=?)",
        "SCAN k VIRTUAL TABLE INDEX 1:",
        "SCAN a USING INDEX alerts_empty",
    ] {
        assert!(!walks(line, &grown, &small), "{line}");
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
