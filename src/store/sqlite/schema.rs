//! The schema of a SQLite file: its steps, which of them a file has, and how the rest is done.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqlSafeStr, SqliteConnection};

use super::SqliteOptions;
use super::open::{MIGRATIONS, cannot_open, prepare};
use crate::store::schema::{Found, Schema};
use crate::store::{StoreError, StoreResult};

/// The steps as they are run.
pub(in crate::store) fn migrations() -> Vec<Migration> {
    let steps = MIGRATIONS.iter().map(|(version, name, sql)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    steps.collect()
}

/// How the schema of this file stands; a file that is not there is empty. Nothing is changed.
///
/// # Errors
/// `Unusable` if it is no database, `Unavailable` if it is locked.
pub async fn schema(path: &Path, wait_max: Duration) -> StoreResult<Schema> {
    if !path.exists() {
        return Ok(Schema::judge(&Found::default(), &migrations()));
    }
    let connect = SqliteConnectOptions::new().filename(path).busy_timeout(wait_max);
    let connect = connect.pragma("query_only", "ON").disable_statement_logging();
    let mut db = connect.connect().await.map_err(cannot_open)?;
    let found = found(&mut db).await?;
    db.close().await.map_err(cannot_open)?;
    Ok(Schema::judge(&found, &migrations()))
}

/// Brings the schema of the file up to date, as the start of a server would.
///
/// # Errors
/// `Unusable` if it is no database of ours, `Unavailable` if it is locked.
pub async fn migrate(options: &SqliteOptions) -> StoreResult<()> {
    let (db, _epoch) = prepare(options).await?;
    db.close().await.map_err(cannot_open)
}

/// What there is in the file.
pub(in crate::store) async fn found(db: &mut SqliteConnection) -> StoreResult<Found> {
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut *db).await.map_err(cannot_open)?;
    let steps = "SELECT version, checksum FROM _sqlx_migrations ORDER BY version";
    let steps = if tables.iter().any(|table| table == "_sqlx_migrations") {
        Some(sqlx::query_as(steps).fetch_all(db).await.map_err(cannot_open)?)
    } else {
        None
    };
    Ok(Found { has_tables: !tables.is_empty(), steps })
}

/// Does the steps that are missing.
pub(super) async fn bring_up(db: &mut SqliteConnection) -> StoreResult<()> {
    Migrator::with_migrations(migrations()).run(db).await.map_err(|error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => cannot_open(error),
        // What else may be wrong was judged before.
        other => StoreError::Unusable(other.to_string()),
    })
}
