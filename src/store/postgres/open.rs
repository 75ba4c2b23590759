//! Opening a database: what its server must be, its schema, and the connections to it.
//! Nodes may open one database at once; the schema is brought up to date by one of them, and the others wait.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, SqlSafeStr};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::error::is_lost;
use super::losses::Losses;
use super::{PostgresEngine, PostgresStore};
use crate::domain::EpochMs;
use crate::store::sql::error::unavailable;
use crate::store::{StoreError, StoreResult};

/// The oldest server that we try ourselves against in word: what we use (identities, `SKIP LOCKED`) is older still.
const OLDEST_SERVER: u32 = 130_000;
/// Statements that a connection keeps prepared: more than we have.
const STATEMENTS_MAX: usize = 512;

/// The schema, step by step: number, name, statements. The numbers are SQLite's; the first step is its first six.
/// Append-only.
pub(super) const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "init", include_str!("../../../migrations/postgres/0001_init.sql")),
    (7, "callbacks", include_str!("../../../migrations/postgres/0007_callbacks.sql")),
    (9, "retention", include_str!("../../../migrations/postgres/0009_retention.sql")),
];

/// How to open a PostgreSQL store.
#[derive(Clone)]
pub struct PostgresOptions {
    /// Where: `postgres://user:password@host:port/database?sslmode=…`.
    pub url: SecretString,
    /// Mark of this life of the data, random; kept only if the database is new.
    pub epoch: String,
    /// Reads the clock, for `stored_at`.
    pub now: Arc<dyn Fn() -> EpochMs + Send + Sync>,
    /// What to do with a schema that is older than this binary.
    pub migrate: Migrate,
    /// Most connections of this node. 16: a write is some ten short statements and a commit, and a server serves a few
    /// hundred connections in all.
    pub connections: u32,
    /// How long a call waits for a connection. Five seconds: beyond, whoever sent the event has given up.
    pub wait_max: Duration,
    /// How long a statement may take. Five seconds, for the same reason.
    pub statement_max: Duration,
    /// How long a statement waits for a row that another write holds; then the write begins again. Two seconds: longer than
    /// the server takes to find those that wait for each other.
    pub lock_max: Duration,
    /// How long the server keeps a transaction, and its locks, of a node that says nothing. Ten seconds.
    pub idle_max: Duration,
}

/// What to do with a schema that is older than this binary.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Migrate {
    /// Bring it up to date.
    Now,
    /// Refuse it: somebody else decides when that is done.
    MustBeCurrent,
}

impl PostgresOptions {
    /// The usual numbers for this database.
    #[must_use]
    pub fn new(
        url: SecretString,
        epoch: impl Into<String>,
        now: Arc<dyn Fn() -> EpochMs + Send + Sync>,
    ) -> Self {
        Self {
            url,
            epoch: epoch.into(),
            now,
            migrate: Migrate::Now,
            connections: 16,
            wait_max: Duration::from_secs(5),
            statement_max: Duration::from_secs(5),
            lock_max: Duration::from_secs(2),
            idle_max: Duration::from_secs(10),
        }
    }

    /// As the URL says; statements are not logged, as they hold what riders are told.
    fn connect(&self) -> StoreResult<PgConnectOptions> {
        let connect = PgConnectOptions::from_str(self.url.expose_secret())
            .map_err(|error| StoreError::Unusable(format!("its URL cannot be read: {error}")))?;
        Ok(connect.application_name("orderbell").disable_statement_logging())
    }
}

impl PostgresStore {
    /// Looks at the server, brings the schema up to date, and returns the store. Connections are made as they are needed.
    ///
    /// # Errors
    /// `Unusable` if the server or the database is not one that we can work with, or the schema is not this binary's;
    /// `Unavailable` if the server is not to be had now.
    pub async fn open(options: PostgresOptions) -> StoreResult<Arc<Self>> {
        let connect = options.connect()?;
        let opened = timeout(options.wait_max, connect.clone().connect()).await.map_err(unavailable)?;
        let mut db = opened.map_err(cannot_open)?;
        check_server(&mut db).await?;
        let epoch = prepare(&mut db, &options).await?;
        db.close().await.ok();
        let losses = Arc::new(Losses::new());
        let judge = Arc::clone(&losses);
        let millis = |span: Duration| span.as_millis().to_string();
        let connect = connect.statement_cache_capacity(STATEMENTS_MAX).options([
            ("statement_timeout", millis(options.statement_max)),
            ("lock_timeout", millis(options.lock_max)),
            ("idle_in_transaction_session_timeout", millis(options.idle_max)),
            // Our statements are short; compiling one takes longer than it saves.
            ("jit", "off".to_owned()),
        ]);
        let pool = PgPoolOptions::new()
            .max_connections(options.connections)
            .acquire_timeout(options.wait_max)
            .test_before_acquire(false)
            .before_acquire(move |_, connection| {
                let trusted = judge.trusts(connection.age);
                Box::pin(async move { Ok(trusted) })
            })
            .connect_lazy_with(connect);
        Ok(Arc::new(Self::new(PostgresEngine {
            pool,
            losses,
            epoch,
            now: options.now,
            // The server gives up a statement before; this is for one that has gone.
            answer_max: options.statement_max * 3,
            closing: CancellationToken::new(),
        })))
    }
}

/// Refuses a server that would lose or garble what it is given.
async fn check_server(db: &mut PgConnection) -> StoreResult<()> {
    let version = setting(db, "SELECT current_setting('server_version_num')").await?;
    if version.parse::<u32>().is_ok_and(|version| version < OLDEST_SERVER) {
        let shown = setting(db, "SELECT current_setting('server_version')").await?;
        return Err(StoreError::Unusable(format!("PostgreSQL {shown} is too old; 13 or later is needed")));
    }
    if setting(db, "SELECT current_setting('server_encoding')").await? != "UTF8" {
        return Err(StoreError::Unusable("its encoding is not UTF8".to_owned()));
    }
    if setting(db, "SELECT current_setting('synchronous_commit')").await? == "off" {
        return Err(StoreError::Unusable(
            "synchronous_commit is off: what is accepted could be lost; set it to on".to_owned(),
        ));
    }
    if setting(db, "SELECT current_setting('fsync')").await? == "off" {
        tracing::warn!("fsync is off in this PostgreSQL server: a power loss may take everything");
    }
    Ok(())
}

async fn setting(db: &mut PgConnection, question: &'static str) -> StoreResult<String> {
    sqlx::query_scalar(question).fetch_one(db).await.map_err(cannot_open)
}

/// Sets the schema and the epoch; returns the epoch that holds.
async fn prepare(db: &mut PgConnection, options: &PostgresOptions) -> StoreResult<String> {
    match options.migrate {
        Migrate::Now => migrate(db).await?,
        Migrate::MustBeCurrent => must_be_current(db).await?,
    }
    sqlx::query("INSERT INTO meta (name, value) VALUES ('epoch', $1) ON CONFLICT (name) DO NOTHING")
        .bind(&options.epoch)
        .execute(&mut *db)
        .await
        .map_err(cannot_open)?;
    setting(db, "SELECT value FROM meta WHERE name = 'epoch'").await
}

/// The schema, step by step.
fn migrations() -> Vec<Migration> {
    let steps = MIGRATIONS.iter().map(|(version, name, sql)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    steps.collect()
}

async fn migrate(db: &mut PgConnection) -> StoreResult<()> {
    Migrator::with_migrations(migrations()).run(db).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => newer(version),
        MigrateError::VersionMismatch(version) => mismatch(version),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => cannot_open(error),
        other => StoreError::Unusable(other.to_string()),
    })
}

/// The same judgement without changing anything.
async fn must_be_current(db: &mut PgConnection) -> StoreResult<()> {
    let there = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";
    let there: bool = sqlx::query_scalar(there).fetch_one(&mut *db).await.map_err(cannot_open)?;
    let known = migrations();
    let newest = known.last().map_or(0, |step| step.version);
    let mut kept: Vec<(i64, Vec<u8>)> = Vec::new();
    if there {
        let steps = "SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version";
        kept = sqlx::query_as(steps).fetch_all(db).await.map_err(cannot_open)?;
    }
    for (version, checksum) in &kept {
        match known.iter().find(|step| step.version == *version) {
            None => return Err(newer(*version)),
            Some(step) if *step.checksum != **checksum => return Err(mismatch(*version)),
            Some(_) => {}
        }
    }
    if kept.len() < known.len() {
        let has = kept.last().map_or(0, |(version, _)| *version);
        return Err(StoreError::Unusable(format!(
            "its schema is {has} and this Orderbell needs {newest}; run `orderbell migrate`"
        )));
    }
    Ok(())
}

fn newer(version: i64) -> StoreError {
    StoreError::Unusable(format!(
        "it was made by a newer Orderbell (schema {version}); start that one, or restore a backup"
    ))
}

fn mismatch(version: i64) -> StoreError {
    StoreError::Unusable(format!("its schema {version} is not the one that was released"))
}

/// A server that is away comes back; anything else that stands in the way of opening will not go by itself.
fn cannot_open(error: sqlx::Error) -> StoreError {
    if is_lost(&error) { unavailable(error) } else { StoreError::Unusable(error.to_string()) }
}
