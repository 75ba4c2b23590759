//! Every question that a sweep asks has its index: none of them looks at what is not due.
//! The planner is asked, on the schema as it is released.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Row, SqlSafeStr, SqliteConnection};

use super::book::plans as book;
use super::open::MIGRATIONS;
use super::{audience, bursts, calls, deliveries, offers, recipes, schedules, steps, targets, wordings};

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
    let questions = [
        (steps::DUE, "INDEX alerts_step_due"),
        (targets::DUE, "INDEX alerts_unrolling"),
        (targets::NEXT, "riders USING PRIMARY KEY (app_id=? AND id>?)"),
        (targets::NEXT, "group_members_rider (app_id=? AND rider_id>?)"),
        (audience::COUNT, "riders USING PRIMARY KEY (app_id=?)"),
        (audience::SELECT_KNOWN, "riders USING PRIMARY KEY (app_id=?)"),
        (bursts::DUE, "INDEX deliveries_held"),
        (offers::DUE_ASKS, "INDEX deliveries_ask_due"),
        (calls::DUE, "INDEX calls_due"),
        (schedules::DUE, "INDEX schedules_due"),
        (deliveries::SELECT_PENDING, "INDEX alerts_rendered"),
        (deliveries::SELECT_PENDING, "INDEX deliveries_rung"),
        (book::DUE, "INDEX deliveries_open_expires"),
        (book::EMPTY_AND_DUE, "INDEX alerts_empty"),
        (book::HEADS_OF_ORDERS, "INDEX alerts_order"),
        (book::OPEN_THAT_MATCH, "INDEX deliveries_open_rider"),
        (book::OPEN_OF_RIDER, "INDEX deliveries_open_rider"),
        (steps::LADDERED, "INDEX deliveries_open_rider"),
        (recipes::FORGET, "INDEX clip_recipes_used_at"),
        (wordings::STAMP, "INDEX wordings_app"),
    ];
    for (statement, index) in questions {
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
