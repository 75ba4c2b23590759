//! Opening a database: what its server must be, its schema, and the connections to it.
//! Nodes may open one database at once; the schema is brought up to date by one of them, and the others wait.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use sqlx::postgres::PgPoolOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::error::is_lost;
use super::losses::Losses;
use super::schema::{bring_up, connect_options};
use super::{PostgresEngine, PostgresStore};
use crate::domain::EpochMs;
use crate::store::sql::error::unavailable;
use crate::store::{Migrate, StoreError, StoreResult};

/// The oldest server that we try ourselves against in word: what we use (identities, `SKIP LOCKED`) is older still.
pub const OLDEST_SERVER: u32 = 130_000;
/// Statements that a connection keeps prepared: more than we have.
const STATEMENTS_MAX: usize = 512;

/// How long a connection may rest before it is asked whether it is well. One second: a busy node never asks, and one that
/// is not has the time.
const IDLE_TRUST: Duration = Duration::from_secs(1);

/// The schema, step by step: number, name, statements. The numbers are SQLite's; the first step is its first six.
/// Append-only.
pub(super) const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "init", include_str!("../../../migrations/postgres/0001_init.sql")),
    (7, "callbacks", include_str!("../../../migrations/postgres/0007_callbacks.sql")),
    (8, "queries", include_str!("../../../migrations/postgres/0008_queries.sql")),
    (9, "retention", include_str!("../../../migrations/postgres/0009_retention.sql")),
    (10, "hooks", include_str!("../../../migrations/postgres/0010_hooks.sql")),
    (11, "wechat", include_str!("../../../migrations/postgres/0011_wechat.sql")),
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
    /// What opening may do to the schema.
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
}

impl PostgresStore {
    /// Looks at the server, brings the schema up to date, and returns the store. Connections are made as they are needed.
    ///
    /// # Errors
    /// `Unusable` if the server or the database is not one that we can work with, or the schema is not this binary's;
    /// `Unavailable` if the server is not to be had now.
    pub async fn open(options: PostgresOptions) -> StoreResult<Arc<Self>> {
        let connect = connect_options(&options.url)?;
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
            // Every statement has its index. Of a list that comes in as JSON the planner knows nothing: it reckons with 100
            // rows, and would rather go through all riders of a town to find one.
            ("enable_seqscan", "off".to_owned()),
            ("enable_hashjoin", "off".to_owned()),
            ("enable_mergejoin", "off".to_owned()),
        ]);
        let pool = PgPoolOptions::new()
            .max_connections(options.connections)
            .acquire_timeout(options.wait_max)
            .test_before_acquire(false)
            .before_acquire(move |db, connection| {
                let trusted = judge.trusts(connection.age);
                let rested = connection.idle_for > IDLE_TRUST;
                Box::pin(async move { Ok(trusted && (!rested || db.ping().await.is_ok())) })
            })
            .connect_lazy_with(connect);
        Ok(Arc::new(Self::new(PostgresEngine {
            pool,
            losses,
            epoch,
            now: options.now,
            // The server gives up a statement before; this is for one that has gone.
            answer_max: options.statement_max * 2,
            closing: CancellationToken::new(),
        })))
    }
}

/// Refuses a server that would lose or garble what it is given.
pub(super) async fn check_server(db: &mut PgConnection) -> StoreResult<()> {
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
    bring_up(db, options.migrate).await?;
    sqlx::query("INSERT INTO meta (name, value) VALUES ('epoch', $1) ON CONFLICT (name) DO NOTHING")
        .bind(&options.epoch)
        .execute(&mut *db)
        .await
        .map_err(cannot_open)?;
    setting(db, "SELECT value FROM meta WHERE name = 'epoch'").await
}

/// A server that is away comes back; anything else that stands in the way of opening will not go by itself.
pub(super) fn cannot_open(error: sqlx::Error) -> StoreError {
    if is_lost(&error) { unavailable(error) } else { StoreError::Unusable(error.to_string()) }
}
