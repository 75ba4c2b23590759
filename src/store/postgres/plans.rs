//! Nothing that is run every day walks a table that grows: PostgreSQL counts how it finds its rows, and is asked afterwards.
//! The tables hold enough for its planner to mind.

use std::sync::Arc;

use sqlx::{Connection, PgConnection};

use super::{PostgresOptions, PostgresStore};
use crate::store::Store;
use crate::store::sql::everyday;

#[expect(dead_code, reason = "others need more of it")]
#[path = "../../../tests/support/postgres.rs"]
mod server;

/// Tables that hold a row for each of the past's orders, and that of all riders.
const GROWN: &str = "relname IN ('alerts', 'deliveries', 'events', 'orders', 'callbacks', 'riders')";
/// Indexes that some may go through: who speaks to all riders, and who looks for callbacks of a kind that hardly any is of.
const GONE_THROUGH: &str = "indexrelname IN ('riders_pkey', 'callbacks_pkey', 'callbacks_app')";
/// Far more than all that is done in a day concerns, and less than one walk over any of them reads.
const READ_MAX: i64 = 1_500;
/// How the planner goes about a statement: knowing its arguments, as the first times, or not, as it may later.
const MODES: [&str; 2] = ["force_custom_plan", "force_generic_plan"];

/// Waits until nobody else is connected: what they have counted is told when they go.
async fn alone(db: &mut PgConnection) {
    let others = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                  AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    for _ in 0..500 {
        if sqlx::query_scalar::<_, i64>(others).fetch_one(&mut *db).await.unwrap() == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("somebody stays connected");
}

/// Tables that were walked, and indexes that were read too much of, since the counts began.
async fn walked(db: &mut PgConnection) -> Vec<(String, i64)> {
    let walked = format!(
        "SELECT CAST(relname AS TEXT), seq_tup_read FROM pg_stat_user_tables WHERE {GROWN} AND seq_scan > 0 UNION ALL \
         SELECT CAST(indexrelname AS TEXT), idx_tup_read FROM pg_stat_user_indexes \
         WHERE {GROWN} AND idx_tup_read > {READ_MAX} AND NOT {GONE_THROUGH}"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(walked)).fetch_all(db).await.unwrap()
}

async fn tell(db: &mut PgConnection, statement: String) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(db).await.unwrap();
}

async fn opened(url: &str) -> Arc<PostgresStore> {
    PostgresStore::open(PostgresOptions::new(url.into(), "epoch", Arc::new(|| everyday::NOW))).await.unwrap()
}

#[tokio::test]
async fn nothing_of_every_day_walks_a_table_that_grows() {
    let server = server::Server::shared();
    let url = server.database().await;
    let store = opened(&url).await;
    everyday::past(&*store, 20_000).await;
    store.close().await;
    let mut db = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("VACUUM ANALYZE").execute(&mut db).await.unwrap();
    let past: String = sqlx::query_scalar("SELECT current_database()").fetch_one(&mut db).await.unwrap();
    alone(&mut db).await;
    db.close().await.unwrap();

    let mut admin = PgConnection::connect(&server.url("postgres")).await.unwrap();
    for mode in MODES {
        let name = format!("{past}_{mode}");
        tell(&mut admin, format!("CREATE DATABASE {name} TEMPLATE {past}")).await;
        tell(&mut admin, format!("ALTER DATABASE {name} SET plan_cache_mode = {mode}")).await;
        let url = server.url(&name);
        let mut db = PgConnection::connect(&url).await.unwrap();
        let store = opened(&url).await;
        everyday::live(&*store).await;
        store.close().await;
        alone(&mut db).await;
        assert_eq!(walked(&mut db).await, [], "{mode}");
        // The look itself is looked at: without its index a question walks, and that is seen.
        sqlx::raw_sql("DROP INDEX alerts_unrendered").execute(&mut db).await.unwrap();
        let store = opened(&url).await;
        store.unrendered(10).await.unwrap();
        store.close().await;
        alone(&mut db).await;
        let walked = walked(&mut db).await;
        assert!(walked.iter().any(|(name, _)| name.starts_with("alerts")), "{walked:?}");
    }
}
