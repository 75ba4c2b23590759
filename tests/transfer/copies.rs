//! `orderbell copy`: nothing is lost, nothing is half done, and what does not fit is refused.

use std::time::Duration;

use serde_json::Value;
use sqlx::{Connection, PgConnection};

use crate::everything::{assert_equal, fill, open, rows_of_file, rows_of_server, truths};
use crate::postgres_server::Server;
use crate::program::Place;

const TO_POSTGRES: [&str; 5] = ["copy", "--from", "sqlite", "--to", "postgres"];
const TO_SQLITE: [&str; 5] = ["copy", "--from", "postgres", "--to", "sqlite"];

/// A folder with everything in it, that knows an empty PostgreSQL database.
async fn full(deliveries: i64) -> Place {
    let place = Place::on_sqlite();
    place.told(&["migrate"]).await;
    let truths = truths(&Server::shared().database().await).await;
    fill(&place.database(), &truths, deliveries).await;
    place.with(&Server::shared().blank().await)
}

async fn number(url: &str, question: &'static str) -> i64 {
    let mut db = PgConnection::connect(url).await.unwrap();
    let number = sqlx::query_scalar(question).fetch_one(&mut db).await.unwrap();
    db.close().await.unwrap();
    number
}

#[tokio::test]
async fn a_hundred_thousand_rows_of_every_sort_go_there_and_back() {
    let place = full(100_000).await;
    let before = rows_of_file(&place.database()).await;
    assert!(before.values().all(|rows| !rows.is_empty()), "every table has rows");
    let told: Value = serde_json::from_str(&place.told(&TO_POSTGRES).await).unwrap();
    let rows: usize = before.values().map(Vec::len).sum();
    assert_eq!((&told["rows"], &told["tables"]), (&rows.into(), &before.len().into()));
    assert_equal(&before, &rows_of_server(&place.url).await);
    assert_equal(&before, &rows_of_file(&place.database()).await);

    let back = Place::on(place.url.clone());
    back.told(&TO_SQLITE).await;
    assert_equal(&before, &rows_of_file(&back.database()).await);
    // The highest number of all was taken by a row that is gone: it is not given again on either side.
    let next = number(&place.url, "SELECT nextval(pg_get_serial_sequence('notices', 'number'))").await;
    assert_eq!(next, 3 * 39 + 2);
    let mut db = open(&back.database()).await;
    let noted: i64 = sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = 'notices'")
        .fetch_one(&mut db)
        .await
        .unwrap();
    assert_eq!(noted, 3 * 39 + 1);
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_goal_that_holds_rows_is_refused() {
    let place = full(40).await;
    place.told(&TO_POSTGRES).await;
    let (code, complaint) = place.refused(&TO_POSTGRES).await;
    assert!(code == 78 && complaint.contains("not empty: table"), "{complaint}");
    let (_, complaint) = place.refused(&TO_SQLITE).await;
    assert!(complaint.contains("is there already"), "{complaint}");
    let (_, complaint) = place.with("").refused(&TO_POSTGRES).await;
    assert!(complaint.contains("store.url names no PostgreSQL server"), "{complaint}");
}

#[tokio::test]
async fn a_copy_that_is_killed_leaves_an_empty_goal_and_is_made_again() {
    let place = full(30_000).await;
    let before = rows_of_file(&place.database()).await;
    let mut copying = place.command(&TO_POSTGRES).spawn().unwrap();
    let writing = "SELECT count(*) FROM pg_stat_activity \
        WHERE datname = current_database() AND application_name = 'orderbell' AND query LIKE 'COPY \"deliveries\"%'";
    while number(&place.url, writing).await == 0 {
        assert!(copying.try_wait().unwrap().is_none(), "it is to be killed before it is done");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    copying.kill().await.unwrap();
    let left = "SELECT count(*) FROM pg_stat_activity \
        WHERE datname = current_database() AND application_name = 'orderbell'";
    while number(&place.url, left).await > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let rows = rows_of_server(&place.url).await;
    assert!(rows.values().all(Vec::is_empty), "nothing is half done");
    place.told(&TO_POSTGRES).await;
    assert_equal(&before, &rows_of_server(&place.url).await);
}

#[tokio::test]
async fn what_postgresql_cannot_hold_is_named_and_nothing_is_copied() {
    for (change, words) in [
        (
            "UPDATE alerts SET text = 'a' || char(0) || 'b' WHERE id = 'alerts-7'",
            "table alerts: a text holds a NUL",
        ),
        ("UPDATE riders SET test = 7 WHERE id = 'riders-3'", "table riders: 7 is neither true nor false"),
    ] {
        let place = full(40).await;
        let mut db = open(&place.database()).await;
        sqlx::query(change).execute(&mut db).await.unwrap();
        db.close().await.unwrap();
        let (code, complaint) = place.refused(&TO_POSTGRES).await;
        assert!(code == 78 && complaint.contains(words), "{complaint}");
        assert!(rows_of_server(&place.url).await.values().all(Vec::is_empty));
    }
}

#[tokio::test]
async fn stores_in_use_and_older_ones_are_left_alone() {
    let place = Place::on_sqlite();
    let server = place.serve().await;
    let place = place.with(&Server::shared().blank().await);
    let (_, complaint) = place.refused(&TO_POSTGRES).await;
    assert!(complaint.contains("another server uses the data folder"), "{complaint}");
    assert_eq!(server.stop().await, 0);

    let mut db = open(&place.database()).await;
    sqlx::query("DELETE FROM _sqlx_migrations WHERE version > 5").execute(&mut db).await.unwrap();
    db.close().await.unwrap();
    let (code, complaint) = place.refused(&TO_POSTGRES).await;
    assert!(
        code == 78 && complaint.contains("has schema 5") && complaint.contains("orderbell migrate"),
        "{complaint}"
    );

    let node = Place::on(Server::shared().blank().await);
    let server = node.serve().await;
    let (_, complaint) = Place::on(node.url.clone()).refused(&TO_SQLITE).await;
    assert!(complaint.contains("servers use the database"), "{complaint}");
    assert_eq!(server.stop().await, 0);
}
