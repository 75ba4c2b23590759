//! A second file with the data of one moment, written while others read and write the first; and the mark of another
//! life, for a file that is put in its place.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::open::cannot_open;
use super::schema::{found, migrations};
use crate::store::schema::{Migrate, Schema};
use crate::store::{StoreError, StoreResult};

/// Others hold the file for some milliseconds.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Writes the data of this moment into `to`, which is empty or not there, and reads its pages through. Who writes
/// meanwhile does not wait; the log grows by what they write.
///
/// # Errors
/// `Unusable` if the file is not ours, newer than this program, or the copy is not whole; `Unavailable` if there is no
/// room for it.
pub async fn snapshot(from: &Path, to: &Path) -> StoreResult<()> {
    let to = to.to_str().ok_or_else(|| StoreError::Unusable("the path is not UTF-8".to_owned()))?;
    let mut db = connect(from).await?;
    let schema = Schema::judge(&found(&mut db).await?, &migrations());
    schema.allow(Migrate::Now)?;
    sqlx::query("VACUUM INTO $1").bind(to).execute(&mut db).await?;
    db.close().await?;
    let mut copy = connect(Path::new(to)).await?;
    let complaints: Vec<String> =
        sqlx::query_scalar("PRAGMA quick_check(1)").fetch_all(&mut copy).await.map_err(cannot_open)?;
    copy.close().await?;
    match &complaints[..] {
        [well] if well == "ok" => Ok(()),
        _ => Err(StoreError::Unusable(format!("the copy is damaged: {}", complaints.join("; ")))),
    }
}

/// Marks the data of this file as another life, which nobody has seen yet.
///
/// # Errors
/// `Unusable` if it is no database of ours.
pub async fn set_epoch(path: &Path, mark: &str) -> StoreResult<()> {
    let mut db = connect(path).await?;
    let set = "UPDATE meta SET value = $1 WHERE name = 'epoch'";
    let set = sqlx::query(set).bind(mark).execute(&mut db).await.map_err(cannot_open)?;
    if set.rows_affected() != 1 {
        return Err(StoreError::Unusable("it has no epoch".to_owned()));
    }
    db.close().await?;
    Ok(())
}

async fn connect(path: &Path) -> StoreResult<SqliteConnection> {
    let connect = SqliteConnectOptions::new().filename(path).create_if_missing(false);
    let connect = connect.busy_timeout(WAIT_MAX).synchronous(SqliteSynchronous::Full);
    connect.disable_statement_logging().connect().await.map_err(cannot_open)
}
