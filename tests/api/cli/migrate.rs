//! The schema, brought up to date when and as the operator says; what cannot be used is refused in one line.

use std::path::Path;

use orderbell::store::{StoreError, sqlite};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;

use super::{refused, told};
use crate::support::{Process, cli, cli_with, data_of};

const NO_MIGRATION: [(&str, &str); 1] = [("ORDERBELL_STORE__MIGRATE", "false")];

/// Changes the database of a folder by hand.
async fn change(folder: &TempDir, sql: &'static str) {
    change_file(&data_of(folder.path()).join("orderbell.db"), sql).await;
}

/// Changes a database by hand, and leaves no log behind.
pub(super) async fn change_file(database: &Path, sql: &'static str) {
    let options = SqliteConnectOptions::new().filename(database).create_if_missing(true);
    let mut db = options.disable_statement_logging().connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
}

/// The database of the first release.
async fn first_release(folder: &TempDir) {
    std::fs::create_dir(data_of(folder.path())).unwrap();
    let first = include_str!("../../../migrations/sqlite/0001_init.sql");
    let database = data_of(folder.path()).join("orderbell.db");
    let options = SqliteConnectOptions::new().filename(database).create_if_missing(true);
    let mut db = options.disable_statement_logging().connect().await.unwrap();
    let step = sqlx::migrate::Migration::new(
        1,
        "init".into(),
        sqlx::migrate::MigrationType::Simple,
        sqlx::SqlSafeStr::into_sql_str(first),
        false,
    );
    sqlx::migrate::Migrator::with_migrations(vec![step]).run(&mut db).await.unwrap();
    db.close().await.unwrap();
}

async fn looked(folder: &TempDir) -> (i32, Value) {
    let output = cli(folder.path(), &["migrate", "--check"]).await;
    (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap_or_default())
}

#[tokio::test]
async fn an_older_schema_is_told_and_then_brought_up_to_date() {
    let folder = TempDir::new().unwrap();
    first_release(&folder).await;
    let (code, told_before) = looked(&folder).await;
    assert_eq!((code, &told_before["state"], &told_before["schema"]), (3, &json!("older"), &json!(1)));
    assert_eq!(told_before["missing"][0], "0002_delivery");
    assert_eq!(looked(&folder).await, (3, told_before.clone()), "a look changes nothing");

    let refused = cli_with(folder.path(), &["keys", "list"], &NO_MIGRATION).await;
    assert_eq!(refused.status.code(), Some(78));
    let complaint = String::from_utf8(refused.stderr).unwrap();
    assert!(complaint.contains("run `orderbell migrate`") && complaint.lines().count() == 1, "{complaint}");

    let done: Value = serde_json::from_str(&told(&folder, &["migrate"]).await).unwrap();
    assert_eq!((&done["schema"], &done["done"]), (&told_before["known"], &told_before["missing"]));
    let (code, after) = looked(&folder).await;
    assert_eq!((code, &after["state"], &after["missing"]), (0, &json!("current"), &json!([])));
    assert_eq!(cli_with(folder.path(), &["keys", "list"], &NO_MIGRATION).await.status.code(), Some(0));
}

#[tokio::test]
async fn nothing_is_made_only_to_be_refused() {
    let folder = TempDir::new().unwrap();
    assert_eq!(looked(&folder).await.0, 3);
    assert!(!data_of(folder.path()).exists(), "a look makes nothing");
    let refused = cli_with(folder.path(), &["keys", "list"], &NO_MIGRATION).await;
    assert_eq!(refused.status.code(), Some(78));
    assert!(!data_of(folder.path()).join("orderbell.db").exists());
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_refused_in_one_line() {
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
        VALUES (999, 'later', 1, x'00', 0)";
    let other = "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 2";
    for (sql, words) in [(newer, "newer Orderbell (schema 999"), (other, "schema 2 is not the one")] {
        let folder = TempDir::new().unwrap();
        told(&folder, &["migrate"]).await;
        change(&folder, sql).await;
        for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"], &["migrate", "--check"]] {
            let (code, complaint) = refused(&folder, command).await;
            assert_eq!(code, 78, "{complaint}");
            let last = complaint.lines().last().unwrap();
            assert!(last.starts_with("orderbell: opening the database: ") && last.contains(words), "{last}");
        }
    }
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(data_of(folder.path())).unwrap();
    change(&folder, "CREATE TABLE sold (what TEXT)").await;
    let (code, complaint) = refused(&folder, &["migrate"]).await;
    assert!(code == 78 && complaint.contains("no database of Orderbell"), "{complaint}");
    let path = data_of(folder.path()).join("orderbell.db");
    let untouched = sqlite::schema(&path, std::time::Duration::from_secs(1)).await.unwrap();
    assert!(matches!(untouched.allow(orderbell::store::Migrate::Now), Err(StoreError::Unusable(_))));
}

#[tokio::test]
async fn a_file_that_is_served_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let process = Process::serve(folder.path(), "").await;
    assert_eq!(looked(&folder).await.0, 0);
    let (_, complaint) = refused(&folder, &["migrate"]).await;
    assert!(complaint.contains("another server uses the data folder"), "{complaint}");
    assert_eq!(process.terminate().await, 0);
}

#[tokio::test]
async fn secrets_of_another_node_key_are_told_at_the_start() {
    let folder = TempDir::new().unwrap();
    told(&folder, &["token", "--rider", "r1"]).await;
    let key = data_of(folder.path()).join("node.key");
    let good = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["token", "--rider", "r1"]] {
        let (code, complaint) = refused(&folder, command).await;
        let last = complaint.lines().last().unwrap();
        assert!(code == 78 && last.contains("sealed with another node key"), "{last}");
    }
    std::fs::write(&key, good).unwrap();
    told(&folder, &["token", "--rider", "r1"]).await;
}
