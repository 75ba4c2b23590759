//! Folders that are not well: no folder, no right to write, a key that is gone or wrong, a database that is damaged,
//! newer than the program, or older than its own events.

use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::program::{Folder, content, told};

/// Changes the database by hand, and leaves no log behind.
async fn change(database: &Path, sql: &'static str) {
    let options = SqliteConnectOptions::new().filename(database).disable_statement_logging();
    let mut db = options.connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
}

#[tokio::test]
async fn no_folder_is_no_failure_and_none_is_made() {
    let folder = Folder::new();
    let told = folder.check(&[]).await;
    assert_eq!(told.code, 0, "{told:?}");
    told.assert("folder", "warn", "does not exist");
    told.assert("database", "ok", "none yet");
    assert!(!folder.data().exists());
    std::fs::write(folder.data(), "a file").unwrap();
    folder.check(&[]).await.assert("folder", "FAIL", "is no folder");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_told() {
    // Nobody can make a file there, the superuser neither.
    let check = ["--data", "/sys/kernel", "check", "--json"];
    let told = told(tokio::process::Command::new(env!("CARGO_BIN_EXE_orderbell")).args(check)).await;
    told.assert("folder", "FAIL", "cannot be written");
    assert_eq!(told.code, 1);
}

#[tokio::test]
async fn a_folder_that_others_may_enter_is_told() {
    let folder = Folder::made().await;
    std::fs::set_permissions(folder.data(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder.check(&[]).await.assert("folder", "warn", "chmod 700");
}

#[tokio::test]
async fn a_key_that_no_server_would_start_with_is_told() {
    let folder = Folder::made().await;
    let key = folder.data().join("node.key");
    let good = std::fs::read(&key).unwrap();
    let set = |mode| std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();

    set(0o640);
    folder.check(&[]).await.assert("node_key", "FAIL", "read by others");
    set(0o600);
    std::fs::write(&key, "not a key").unwrap();
    let told = folder.check(&[]).await;
    told.assert("node_key", "FAIL", "32 bytes in base64");
    assert!(!told.json.to_string().contains("not a key"));
    std::fs::remove_file(&key).unwrap();
    let told = folder.check(&[]).await;
    told.assert("node_key", "FAIL", "no node.key");
    assert_eq!(told.named("FAIL"), ["node_key"]);
    assert!(!key.exists(), "a check makes no key");
    std::fs::create_dir(&key).unwrap();
    folder.check(&[]).await.assert("node_key", "FAIL", "");
    std::fs::remove_dir(&key).unwrap();
    std::fs::write(&key, good).unwrap();
    set(0o600);
    folder.check(&[]).await.assert("node_key", "ok", "");
}

#[tokio::test]
async fn a_newer_schema_is_told_as_what_it_is() {
    let folder = Folder::made().await;
    change(
        &folder.database(),
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (999, 'later', 1, x'00', 0)",
    )
    .await;
    let before = content(&folder.data());
    let told = folder.check(&[]).await;
    told.assert("database.schema", "FAIL", "schema 999");
    told.assert("database.schema", "FAIL", "start that version");
    assert_eq!(told.named("FAIL"), ["database.schema"]);
    assert_eq!(content(&folder.data()), before);
}

#[tokio::test]
async fn an_older_schema_and_a_foreign_file_are_told() {
    let folder = Folder::made().await;
    change(&folder.database(), "DELETE FROM _sqlx_migrations WHERE version > 1").await;
    folder.check(&[]).await.assert("database.schema", "warn", "make a backup first");
    change(&folder.database(), "DROP TABLE _sqlx_migrations").await;
    folder.check(&[]).await.assert("database.schema", "FAIL", "no database of Orderbell");
}

#[tokio::test]
async fn a_damaged_database_is_told() {
    let folder = Folder::made().await;
    let length = std::fs::metadata(folder.database()).unwrap().len();
    let file = std::fs::File::options().write(true).open(folder.database()).unwrap();
    // Every page but the first two, from its head on.
    for page in 2..length / 4096 {
        file.write_all_at(&[0x5a; 512], page * 4096).unwrap();
    }
    let told = folder.check(&[]).await;
    told.assert("database", "FAIL", "restore the last backup");
    assert_eq!(told.named("FAIL"), ["database"]);

    file.write_all_at(b"No database at all.", 0).unwrap();
    let told = folder.check(&[]).await;
    told.assert("database", "FAIL", "not a database");
}

#[tokio::test]
async fn a_clock_behind_its_own_data_is_told() {
    let folder = Folder::made().await;
    change(
        &folder.database(),
        "INSERT INTO events (app_id, source, event_id, body_hash, kind, trace_id, received_at) \
         VALUES ('a', 'backend', 'e', x'00', 'order.new', 't', 4000000000000)",
    )
    .await;
    let told = folder.check(&[]).await;
    told.assert("clock.database", "warn", "2096-10-02");
    assert_eq!(told.code, 0, "{told:?}");
}
