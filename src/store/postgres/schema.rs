//! The schema on a PostgreSQL server: its steps, which of them a database has, and how the rest is done.

use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, SqlSafeStr};

use crate::store::schema::{Found, Migrate, Schema};
use crate::store::{StoreError, StoreResult};

/// The schema, step by step: number, name, statements. Append-only.
const MIGRATIONS: &[(i64, &str, &str)] =
    &[(6, "init", include_str!("../../../migrations/postgres/0001_init.sql"))];

/// The steps as they are run.
pub(in crate::store) fn migrations() -> Vec<Migration> {
    let steps = MIGRATIONS.iter().map(|(version, name, sql)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    steps.collect()
}

/// One connection, apart from those of a store.
pub(in crate::store) async fn connect(url: &SecretString) -> StoreResult<PgConnection> {
    // What is wrong with a URL is told without it: it holds a password.
    let options = PgConnectOptions::from_str(url.expose_secret())
        .map_err(|_| StoreError::Unusable("its URL cannot be read".to_owned()))?;
    Ok(options.application_name("orderbell").disable_statement_logging().connect().await?)
}

/// How the schema of this database stands. Nothing is changed.
///
/// # Errors
/// `Unavailable` if it cannot be reached.
pub async fn schema(url: &SecretString) -> StoreResult<Schema> {
    let mut db = connect(url).await?;
    let found = found(&mut db).await?;
    db.close().await?;
    Ok(Schema::judge(&found, &migrations()))
}

/// Brings the schema of the database up to date, as the start of a server would.
///
/// # Errors
/// `Unusable` if it is newer or not ours, `Unavailable` if it cannot be reached.
pub async fn migrate(url: &SecretString) -> StoreResult<()> {
    let mut db = connect(url).await?;
    let found = found(&mut db).await?;
    Schema::judge(&found, &migrations()).allow(Migrate::Now)?;
    let done = Migrator::with_migrations(migrations()).run(&mut db).await;
    done.map_err(|error| StoreError::Unusable(error.to_string()))?;
    db.close().await?;
    Ok(())
}

/// What there is in the database.
pub(in crate::store) async fn found(db: &mut PgConnection) -> StoreResult<Found> {
    let tables =
        "SELECT table_name::TEXT FROM information_schema.tables WHERE table_schema = current_schema()";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut *db).await?;
    let steps = "SELECT version, checksum FROM _sqlx_migrations ORDER BY version";
    let steps = match tables.iter().any(|table| table == "_sqlx_migrations") {
        true => Some(sqlx::query_as(steps).fetch_all(db).await?),
        false => None,
    };
    Ok(Found { has_tables: !tables.is_empty(), steps })
}
