//! A backup put back, into an empty data folder or an empty PostgreSQL database.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use secrecy::ExposeSecret;

use super::manifest::{Manifest, print, write_secret};
use super::sync;
use crate::app::DataFolder;
use crate::app::database::{DATABASE, NODE_KEY, existing_node_key, fresh_epoch};
use crate::config::{Config, StorePlace};
use crate::dispatch::NodeKey;
use crate::domain::EpochMs;
use crate::store::sqlite::{self, SqliteOptions};
use crate::store::transfer::{CopyStep, Epoch, Goal, Origin, copy};

/// A backup that was put back.
#[derive(Clone, Debug)]
pub struct Restored {
    /// When it was made, RFC 3339.
    pub made_at: String,
    /// The mark of the life that begins with it.
    pub epoch: String,
}

/// The database on its way into the folder.
const ON_ITS_WAY: &str = "orderbell.db.restoring";
const RESTORING: &str = "restoring the database";

/// Puts a backup back and brings its schema up to date. The data have a new epoch then, so that riders are told
/// everything anew.
///
/// # Errors
/// A folder in use, a folder or database that holds data, a backup that is damaged, newer than this program or made with
/// another node key. What was there stays as it was.
pub async fn restore(
    config: &Config,
    data: PathBuf,
    from: &Path,
    tell: &mut (dyn FnMut(CopyStep) + Send),
) -> anyhow::Result<Restored> {
    let manifest = Manifest::read(from)?;
    let place = config.store.place()?;
    let folder = DataFolder::own(data.clone())?;
    let database = folder.path(DATABASE);
    if matches!(place, StorePlace::Folder) {
        anyhow::ensure!(!database.exists(), "{} is there already: name an empty folder", database.display());
    }
    let key = key_to_write(config, &data, from, &manifest)?;
    let way = folder.path(ON_ITS_WAY);
    let moved = bring(&from.join(DATABASE), &way, &place, tell).await;
    let epoch = match moved {
        Ok(epoch) => epoch,
        Err(error) => {
            clear(&way);
            return Err(error);
        }
    };
    if let Some(text) = key {
        write_secret(&folder.path(NODE_KEY), &text)?;
    }
    match place {
        // Last: a folder with a database is restored.
        StorePlace::Folder => {
            sync(Some(&way))?;
            std::fs::rename(&way, &database).context(RESTORING)?;
        }
        StorePlace::Postgres(_) => clear(&way),
    }
    sync(Some(&data))?;
    Ok(Restored { made_at: manifest.made_at, epoch })
}

/// Copies the file, brings it up to date, gives it a new epoch, and hands its rows on where they are to lie elsewhere.
async fn bring(
    from: &Path,
    way: &Path,
    place: &StorePlace,
    tell: &mut (dyn FnMut(CopyStep) + Send),
) -> anyhow::Result<String> {
    // One that was broken off before.
    clear(way);
    std::fs::copy(from, way).context(RESTORING)?;
    std::fs::set_permissions(way, std::fs::Permissions::from_mode(0o600)).context(RESTORING)?;
    let epoch = fresh_epoch();
    let now = Arc::new(|| EpochMs(0));
    sqlite::migrate(&SqliteOptions::new(way, epoch.as_str(), now)).await.context(RESTORING)?;
    sqlite::set_epoch(way, &epoch).await.context(RESTORING)?;
    if let StorePlace::Postgres(url) = place {
        let (origin, goal) = (Origin::Backup(way.to_owned()), Goal::Postgres(url.clone()));
        copy(&origin, &goal, &Epoch::Kept, tell).await.context(RESTORING)?;
    }
    Ok(epoch)
}

/// The key file that the folder is to get; none if the right key is there already.
fn key_to_write(
    config: &Config,
    data: &Path,
    from: &Path,
    manifest: &Manifest,
) -> anyhow::Result<Option<Vec<u8>>> {
    let is_configured = !config.secrets.node_key.expose_secret().is_empty();
    if is_configured || data.join(NODE_KEY).exists() {
        let here = existing_node_key(config, data)?;
        anyhow::ensure!(
            print(&here) == manifest.node_key_print,
            "the backup was made with another node key than the one here: {}",
            if is_configured { "change secrets.node_key" } else { "restore into an empty folder" }
        );
        return Ok(None);
    }
    anyhow::ensure!(
        manifest.has(NODE_KEY),
        "the backup was made with secrets.node_key: set it as it was, or its secrets do not open"
    );
    let text = std::fs::read(from.join(NODE_KEY)).context("reading the node key")?;
    let key = NodeKey::from_base64(&String::from_utf8_lossy(&text)).context("reading the node key")?;
    anyhow::ensure!(
        print(&key) == manifest.node_key_print,
        "the node key in the backup is not the one it names"
    );
    Ok(Some(text))
}

/// Takes the file on its way out of the folder, with what SQLite keeps beside it.
fn clear(way: &Path) {
    for beside in ["", "-wal", "-shm", "-journal"] {
        let mut name = way.as_os_str().to_owned();
        name.push(beside);
        let _none_there = std::fs::remove_file(PathBuf::from(name)).is_err();
    }
}
