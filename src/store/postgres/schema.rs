//! The schema on a PostgreSQL server: its steps, which of them a database has, and how the rest is done.

use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, SqlSafeStr};

use super::open::{MIGRATIONS, cannot_open, check_server};
use crate::store::schema::{Found, Migrate, Schema};
use crate::store::{StoreError, StoreResult};

/// How our connections call themselves.
const APPLICATION: &str = "orderbell";

/// The steps as they are run.
pub(in crate::store) fn migrations() -> Vec<Migration> {
    let steps = MIGRATIONS.iter().map(|(version, name, sql)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    steps.collect()
}

/// As the URL says; statements are not logged, as they hold what riders are told.
pub(super) fn connect_options(url: &SecretString) -> StoreResult<PgConnectOptions> {
    let url = url.expose_secret();
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(StoreError::Unusable("its URL does not begin with postgres://".to_owned()));
    }
    let connect = PgConnectOptions::from_str(url)
        .map_err(|error| StoreError::Unusable(format!("its URL cannot be read: {error}")))?;
    Ok(connect.application_name(APPLICATION).disable_statement_logging())
}

/// One connection, apart from those of a store, to a server that we can work with.
pub(in crate::store) async fn connect(url: &SecretString) -> StoreResult<PgConnection> {
    connect_options(url)?.connect().await.map_err(cannot_open)
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
    check_server(&mut db).await?;
    bring_up(&mut db, Migrate::Now).await?;
    db.close().await?;
    Ok(())
}

/// Does the steps that are missing, if that is allowed. One of several nodes does them, and the others wait.
pub(super) async fn bring_up(db: &mut PgConnection, migrate: Migrate) -> StoreResult<()> {
    let schema = Schema::judge(&found(db).await?, &migrations());
    schema.allow(migrate)?;
    if schema.is_current() {
        return Ok(());
    }
    Migrator::with_migrations(migrations()).run(db).await.map_err(|error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => cannot_open(error),
        // What else may be wrong was judged before.
        other => StoreError::Unusable(other.to_string()),
    })
}

/// How many connections of Orderbell the database has, beside the one that asks.
///
/// # Errors
/// `Unavailable` if it cannot be reached.
pub async fn sessions(url: &SecretString) -> StoreResult<i64> {
    let mut db = connect(url).await?;
    let sessions = "SELECT count(*) FROM pg_stat_activity \
        WHERE datname = current_database() AND application_name = $1 AND pid <> pg_backend_pid()";
    let sessions = sqlx::query_scalar(sessions).bind(APPLICATION).fetch_one(&mut db).await?;
    db.close().await?;
    Ok(sessions)
}

/// What there is in the database.
pub(in crate::store) async fn found(db: &mut PgConnection) -> StoreResult<Found> {
    let tables =
        "SELECT table_name::TEXT FROM information_schema.tables WHERE table_schema = current_schema()";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut *db).await?;
    let steps = "SELECT version, checksum FROM _sqlx_migrations ORDER BY version";
    let steps = if tables.iter().any(|table| table == "_sqlx_migrations") {
        Some(sqlx::query_as(steps).fetch_all(db).await?)
    } else {
        None
    };
    Ok(Found { has_tables: !tables.is_empty(), steps })
}
