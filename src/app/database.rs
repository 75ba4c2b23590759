//! Where the data lie: opened as the configuration says, for a server and for commands beside one, and brought up to date.
//! The only place that names the stores.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};

use super::{DataFolder, WORKERS_LIMIT, accounts};
use crate::clock::{Clock, SystemClock, random_bytes};
use crate::config::{Config, ConfigError, StorePlace};
use crate::dispatch::{Accounts, KeyError, NodeKey, VaultError};
use crate::lifecycle::Lifecycle;
use crate::store::postgres::{self, PostgresOptions, PostgresStore};
use crate::store::sqlite::{self, SqliteOptions, SqliteStore};
use crate::store::{Migrate, Schema, Store, StoreError};

/// The database file of a data folder.
pub(super) const DATABASE: &str = "orderbell.db";
/// The key that seals its secrets.
pub(super) const NODE_KEY: &str = "node.key";

/// What opening a database is called in an error.
const OPENING: &str = "opening the database";

/// Opens a data folder for commands beside, or without, a running server.
///
/// # Errors
/// A folder or database that cannot be used.
pub async fn open_accounts(config: &Config, data: PathBuf) -> anyhow::Result<(Accounts, Closer)> {
    // Whoever serves has the schema they need: it is not changed under them.
    let is_served = DataFolder::running(&data)?.is_some();
    let migrate = if is_served { Migrate::MustBeCurrent } else { migrate_at_start(config) };
    let folder = DataFolder::share(data)?;
    let lifecycle = Lifecycle::new();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let key = node_key(config, &folder)?;
    let store = open_store(config, &folder, &clock, &lifecycle, migrate).await?;
    let accounts = accounts(config, &store, &clock, &key)?;
    accounts.ensure_default_app().await?;
    accounts.check_node_key().await?;
    Ok((accounts, Closer { store, lifecycle }))
}

/// Closes what a command has opened.
pub struct Closer {
    store: Arc<dyn Store>,
    lifecycle: Lifecycle,
}

impl Closer {
    /// Waits until everything is on disk and closed.
    pub async fn close(self) {
        self.lifecycle.begin_drain();
        self.store.close().await;
        let _in_time = self.lifecycle.finish_workers(WORKERS_LIMIT).await;
    }
}

/// What is asked of `migrate`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Migration {
    /// Only say what would be done.
    Look,
    /// Do it.
    Do,
}

/// Says how the schema stands, and brings it up to date if asked to; told is how it stood before.
///
/// # Errors
/// A database that cannot be reached or used; a server that has the file open.
pub async fn migrate(config: &Config, data: PathBuf, asked: Migration) -> anyhow::Result<Schema> {
    let place = config.store.place()?;
    let schema = schema(config, &place, &data).await.context(OPENING)?;
    schema.allow(Migrate::Now).context(OPENING)?;
    match (asked, place) {
        (Migration::Look, _) => {}
        (Migration::Do, StorePlace::Folder) => {
            let folder = DataFolder::own(data)?;
            sqlite::migrate(&sqlite_options(config, &folder, &system_clock(), Migrate::Now))
                .await
                .context(OPENING)?;
        }
        (Migration::Do, StorePlace::Postgres(url)) => postgres::migrate(&url).await.context(OPENING)?,
    }
    Ok(schema)
}

async fn schema(config: &Config, place: &StorePlace, data: &Path) -> anyhow::Result<Schema> {
    match place {
        StorePlace::Folder => Ok(sqlite::schema(&data.join(DATABASE), config.store.queue_timeout).await?),
        StorePlace::Postgres(url) => Ok(postgres::schema(url).await?),
    }
}

/// Whether this error stands until a person does something, so that a supervisor need not start the program again: a
/// configuration, a node key or a database that this program cannot use.
#[must_use]
pub fn is_final(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<ConfigError>()
            || cause.is::<VaultError>()
            || matches!(cause.downcast_ref(), Some(KeyError::Vault(_)))
            || matches!(cause.downcast_ref(), Some(StoreError::Unusable(_)))
    })
}

/// What the configuration lets a start do to the schema.
pub(super) fn migrate_at_start(config: &Config) -> Migrate {
    if config.store.migrate { Migrate::Now } else { Migrate::MustBeCurrent }
}

/// The node key of a folder that has data: of the configuration, or the file; none is made here.
pub(super) fn existing_node_key(config: &Config, data: &Path) -> anyhow::Result<NodeKey> {
    let configured = config.secrets.node_key.expose_secret();
    if configured.is_empty() {
        let path = data.join(NODE_KEY);
        anyhow::ensure!(path.exists(), "there is no node key {}", path.display());
        return NodeKey::from_file(&path).context("opening the node key");
    }
    NodeKey::from_base64(configured).context("reading secrets.node_key")
}

pub(super) fn node_key(config: &Config, folder: &DataFolder) -> anyhow::Result<NodeKey> {
    let configured = config.secrets.node_key.expose_secret();
    if configured.is_empty() {
        return NodeKey::from_file(&folder.path(NODE_KEY)).context("opening the node key");
    }
    NodeKey::from_base64(configured).context("reading secrets.node_key")
}

pub(super) async fn open_store(
    config: &Config,
    folder: &DataFolder,
    clock: &Arc<dyn Clock>,
    lifecycle: &Lifecycle,
    migrate: Migrate,
) -> anyhow::Result<Arc<dyn Store>> {
    match config.store.place()? {
        StorePlace::Folder => {
            let options = sqlite_options(config, folder, clock, migrate);
            let (store, writer) = SqliteStore::open(options).await.context(OPENING)?;
            lifecycle.supervise("store writer", writer);
            Ok(store)
        }
        StorePlace::Postgres(url) => {
            let store = PostgresStore::open(postgres_options(config, url, clock, migrate)).await;
            Ok(store.context(OPENING)?)
        }
    }
}

fn sqlite_options(
    config: &Config,
    folder: &DataFolder,
    clock: &Arc<dyn Clock>,
    migrate: Migrate,
) -> SqliteOptions {
    let reading = Arc::clone(clock);
    SqliteOptions {
        path: folder.path(DATABASE),
        migrate,
        epoch: fresh_epoch(),
        now: Arc::new(move || reading.now().wall),
        readers: config.store.readers,
        queue_capacity: config.store.queue,
        batch_max: config.store.batch_max,
        wait_max: config.store.queue_timeout,
        pages_max: None,
    }
}

fn postgres_options(
    config: &Config,
    url: SecretString,
    clock: &Arc<dyn Clock>,
    migrate: Migrate,
) -> PostgresOptions {
    let reading = Arc::clone(clock);
    PostgresOptions {
        migrate,
        connections: config.store.connections,
        wait_max: config.store.queue_timeout,
        statement_max: config.store.statement_timeout,
        ..PostgresOptions::new(url, fresh_epoch(), Arc::new(move || reading.now().wall))
    }
}

fn system_clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

/// Marks a life of the data: nobody had it before.
pub(super) fn fresh_epoch() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<12>())
}
