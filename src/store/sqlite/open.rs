//! Opening a database file: its settings, its schema, and the one writer beside a few readers.
//! Other processes (the command line) may hold the same file open; SQLite's locks keep them apart.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::error::is_busy;
use super::schema::{bring_up, found, migrations};
use super::writer::Writer;
use super::{SqliteEngine, SqliteStore};
use crate::domain::EpochMs;
use crate::store::schema::{Found, Migrate, Schema};
use crate::store::{StoreError, StoreResult};

/// Before this one, a database in WAL mode could lose pages when its log was reset.
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);
/// Rows handed over at once by a connection's thread: fewer make it stop and go during long lists.
const ROW_BUFFER: usize = 1_000;

/// The schema, step by step: number, name, statements. Append-only.
pub(super) const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "init", include_str!("../../../migrations/sqlite/0001_init.sql")),
    (2, "delivery", include_str!("../../../migrations/sqlite/0002_delivery.sql")),
    (3, "key_modes", include_str!("../../../migrations/sqlite/0003_key_modes.sql")),
    (4, "secrets", include_str!("../../../migrations/sqlite/0004_secrets.sql")),
    (5, "test_mode", include_str!("../../../migrations/sqlite/0005_test_mode.sql")),
    (6, "speech", include_str!("../../../migrations/sqlite/0006_speech.sql")),
    (7, "callbacks", include_str!("../../../migrations/sqlite/0007_callbacks.sql")),
    (8, "queries", include_str!("../../../migrations/sqlite/0008_queries.sql")),
    (9, "retention", include_str!("../../../migrations/sqlite/0009_retention.sql")),
    (10, "hooks", include_str!("../../../migrations/sqlite/0010_hooks.sql")),
    (11, "wechat", include_str!("../../../migrations/sqlite/0011_wechat.sql")),
];

/// How to open a SQLite store.
#[derive(Clone)]
pub struct SqliteOptions {
    /// The database file; made if it is not there.
    pub path: PathBuf,
    /// What opening may do to the schema.
    pub migrate: Migrate,
    /// Mark of this life of the data, random; kept only if the database is new.
    pub epoch: String,
    /// Reads the clock, for `stored_at`.
    pub now: Arc<dyn Fn() -> EpochMs + Send + Sync>,
    /// Connections that read. Four: reads are short, and a core runs one at a time.
    pub readers: u32,
    /// Most writes that may wait. 4096 is half a second of work at full speed: who comes later would wait too long.
    pub queue_capacity: usize,
    /// Most writes in one transaction. 256: beyond, an fsync shared by more makes each no cheaper, only later.
    pub batch_max: usize,
    /// How long anything waits: a write for a place in the queue, a read for a connection, and all of them for
    /// another process to let go of the file. Five seconds: beyond, whoever sent the event has given up.
    pub wait_max: Duration,
    /// Most pages (of 4 KiB) the file may have; beyond, it is full. `None` leaves it to the disk.
    pub pages_max: Option<u32>,
}

impl SqliteOptions {
    /// The usual numbers for this file.
    #[must_use]
    pub fn new(
        path: impl AsRef<Path>,
        epoch: impl Into<String>,
        now: Arc<dyn Fn() -> EpochMs + Send + Sync>,
    ) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            migrate: Migrate::Now,
            epoch: epoch.into(),
            now,
            readers: 4,
            queue_capacity: 4_096,
            batch_max: 256,
            wait_max: Duration::from_secs(5),
            pages_max: None,
        }
    }
}

impl SqliteStore {
    /// Opens the file, brings its schema up to date, and returns the store and its writer.
    /// Nothing is written unless the writer is driven; it ends after `close`, or when the disk fails.
    ///
    /// # Errors
    /// `Unusable` if the file is no database of ours, newer than this binary, or older and that is refused;
    /// `Unavailable` if it is locked.
    pub async fn open(
        options: SqliteOptions,
    ) -> StoreResult<(Arc<Self>, impl Future<Output = ()> + Send + use<>)> {
        let connect = connect_options(&options);
        let (db, epoch) = prepare(&options).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(options.readers)
            .acquire_timeout(options.wait_max)
            .test_before_acquire(false)
            .connect_lazy_with(connect.create_if_missing(false).pragma("query_only", "ON"));
        let (queue, work) = mpsc::channel(options.queue_capacity);
        let (closing, ended) = (CancellationToken::new(), CancellationToken::new());
        let writer = Writer {
            db,
            queue: work,
            batch_max: options.batch_max,
            closing: closing.clone(),
            ended: ended.clone().drop_guard(),
        };
        let (now, wait_max) = (options.now, options.wait_max);
        let engine = SqliteEngine { queue, readers, epoch, now, wait_max, closing, ended };
        Ok((Arc::new(Self::new(engine)), writer.drive()))
    }
}

fn connect_options(options: &SqliteOptions) -> SqliteConnectOptions {
    let connect = SqliteConnectOptions::new()
        .filename(&options.path)
        .create_if_missing(true)
        .busy_timeout(options.wait_max)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        // 16 MiB of pages for each connection: the open alerts of a busy city.
        .pragma("cache_size", "-16384")
        // 256 MiB are read without copying; a larger file is read the usual way beyond that.
        .pragma("mmap_size", "268435456")
        // A checkpoint every 64 MiB of log, not every 4: the pages of riders on duty are written again and again.
        .pragma("wal_autocheckpoint", "16384")
        .pragma("temp_store", "MEMORY")
        // What is deleted is written over: it was deleted because nobody may read it any more.
        .pragma("secure_delete", "ON")
        .row_buffer_size(ROW_BUFFER)
        .disable_statement_logging();
    match options.pages_max {
        Some(pages) => connect.pragma("max_page_count", pages.to_string()),
        None => connect,
    }
}

async fn check_version(db: &mut SqliteConnection) -> StoreResult<()> {
    let text: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(db).await?;
    if !is_safe_version(&text) {
        return Err(StoreError::Unusable(format!("SQLite {text} can lose data; 3.51.3 or later is needed")));
    }
    Ok(())
}

/// Whether this SQLite keeps what it has in its log.
pub(super) fn is_safe_version(text: &str) -> bool {
    let mut numbers = text.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next()) >= OLDEST_SQLITE
}

/// Opens the file and sets its journal, its schema and its epoch; returns the epoch that holds.
pub(super) async fn prepare(options: &SqliteOptions) -> StoreResult<(SqliteConnection, String)> {
    if options.migrate == Migrate::MustBeCurrent && !options.path.exists() {
        // Nothing is made only to be refused.
        Schema::judge(&Found::default(), &migrations()).allow(options.migrate)?;
    }
    let mut db = connect_options(options).connect().await.map_err(cannot_open)?;
    check_version(&mut db).await?;
    Schema::judge(&found(&mut db).await?, &migrations()).allow(options.migrate)?;
    switch_to_wal(&mut db, options.wait_max).await?;
    // Two processes may open a new file at once: the second waits here and finds the work done.
    let mut tx = db.begin_with("BEGIN IMMEDIATE").await.map_err(cannot_open)?;
    bring_up(&mut tx).await?;
    sqlx::query("INSERT INTO meta (name, value) VALUES ('epoch', $1) ON CONFLICT (name) DO NOTHING")
        .bind(&options.epoch)
        .execute(&mut *tx)
        .await?;
    let epoch = sqlx::query_scalar("SELECT value FROM meta WHERE name = 'epoch'").fetch_one(&mut *tx).await?;
    tx.commit().await?;
    Ok((db, epoch))
}

/// The mode stays in the file, so only the first process ever changes it. Changing needs the file for itself and
/// SQLite does not wait for that, so we do.
async fn switch_to_wal(db: &mut SqliteConnection, wait_max: Duration) -> StoreResult<()> {
    const TRIES: u32 = 50;
    let pause = wait_max / TRIES;
    for _ in 1..TRIES {
        match set_wal(db).await {
            Err(error) if is_busy(&error) => tokio::time::sleep(pause).await,
            done => return done.map_err(cannot_open),
        }
    }
    set_wal(db).await.map_err(cannot_open)
}

async fn set_wal(db: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("PRAGMA journal_mode = WAL").execute(db).await.map(|_| ())
}

/// A lock can be waited for; anything else that stands in the way of opening will not go by itself.
pub(in crate::store) fn cannot_open(error: sqlx::Error) -> StoreError {
    if is_busy(&error) { error.into() } else { StoreError::Unusable(error.to_string()) }
}
