//! Every question that a sweep asks has its index: none of them looks at what is not due.
//! The planner is asked, on the schema as it is released.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Row, SqlSafeStr, SqliteConnection};

use super::book::plans as book;
use super::{audience, bursts, calls, deliveries, offers, schedules, steps, targets};

const SCHEMA: [&str; 2] = [
    include_str!("../../../migrations/sqlite/0001_init.sql"),
    include_str!("../../../migrations/sqlite/0002_delivery.sql"),
];

async fn plan(db: &mut SqliteConnection, statement: &str) -> String {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")).into_sql_str();
    let rows = sqlx::query(explain).fetch_all(db).await.unwrap();
    let steps = rows.iter().map(|row| row.get::<String, _>("detail"));
    steps.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn what_is_due_is_found_by_its_index() {
    let mut db = SqliteConnectOptions::new().in_memory(true).connect().await.unwrap();
    for schema in SCHEMA {
        sqlx::raw_sql(schema).execute(&mut db).await.unwrap();
    }
    let questions = [
        (steps::DUE, "alerts_step_due"),
        (targets::DUE, "alerts_unrolling"),
        (targets::NEXT, "riders_known"),
        (audience::COUNT, "riders_known"),
        (audience::SELECT_KNOWN, "riders_known"),
        (bursts::DUE, "deliveries_held"),
        (offers::DUE_ASKS, "deliveries_ask_due"),
        (calls::DUE, "calls_due"),
        (schedules::DUE, "schedules_due"),
        (deliveries::SELECT_PENDING, "alerts_rendered"),
        (deliveries::SELECT_PENDING, "deliveries_rung"),
        (book::DUE, "deliveries_open_expires"),
        (book::EMPTY_AND_DUE, "alerts_empty"),
        (book::HEADS_OF_ORDERS, "alerts_order"),
        (book::OPEN_THAT_MATCH, "deliveries_open_rider"),
        (book::OPEN_OF_RIDER, "deliveries_open_rider"),
        (steps::LADDERED, "deliveries_open_rider"),
    ];
    for (statement, index) in questions {
        let plan = plan(&mut db, statement).await;
        assert!(plan.contains(&format!("INDEX {index}")), "{index} is not used by {statement}:\n{plan}");
        let walks = plan.lines().any(|line| {
            let walks =
                ["alerts", "deliveries", "riders", "a", "d", "m", "o"].map(|table| format!("SCAN {table}"));
            walks.iter().any(|walk| line == walk)
        });
        assert!(!walks, "a table is walked by {statement}:\n{plan}");
    }
}
