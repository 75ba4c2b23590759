//! Every question that a sweep asks has its index: none of them looks at what is not due.
//! The planner is asked, on the schema as it is released.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Row, SqlSafeStr, SqliteConnection};

use super::open::MIGRATIONS;
use crate::store::sql::db::Dialect;
use crate::store::sql::swept::swept;

async fn plan(db: &mut SqliteConnection, statement: &str) -> String {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")).into_sql_str();
    let rows = sqlx::query(explain).fetch_all(db).await.unwrap();
    let steps = rows.iter().map(|row| row.get::<String, _>("detail"));
    steps.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn what_is_due_is_found_by_its_index() {
    let mut db = SqliteConnectOptions::new().in_memory(true).connect().await.unwrap();
    for (_, _, schema) in MIGRATIONS {
        sqlx::raw_sql(*schema).execute(&mut db).await.unwrap();
    }
    for (statement, index) in swept() {
        let statement = statement.of(Dialect::Sqlite);
        let plan = plan(&mut db, statement).await;
        assert!(plan.contains(index), "{index} is not used by {statement}:\n{plan}");
        let walks = plan.lines().any(|line| {
            let walks = ["alerts", "deliveries", "riders", "a", "d", "m", "o", "c", "p", "x"]
                .map(|table| format!("SCAN {table}"));
            walks.iter().any(|walk| line == walk)
        });
        assert!(!walks, "a table is walked by {statement}:\n{plan}");
    }
}
