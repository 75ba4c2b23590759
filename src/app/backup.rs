//! Backups: a folder with the data of one moment as a SQLite file, whatever store they come from, and the node key that
//! opens its secrets. Put back, they are another life of the data: riders are told everything anew.

mod manifest;
mod restore;

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use self::manifest::{Manifest, write_secret};
use super::database::{DATABASE, NODE_KEY, existing_node_key};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, StorePlace};
use crate::store::sqlite;
use crate::store::transfer::{CopyStep, Epoch, Goal, Origin, copy};

pub use restore::{Restored, restore};

/// A backup that was made.
#[derive(Clone, Debug)]
pub struct Backup {
    /// Its folder.
    pub folder: PathBuf,
    /// When it was begun, RFC 3339.
    pub made_at: String,
    /// Bytes of its database.
    pub bytes: u64,
}

/// The last backup that was made of a data folder, as it is noted there.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LastBackup {
    /// Its folder.
    pub folder: PathBuf,
    /// When it was begun, epoch ms.
    pub at: i64,
}

/// Where a data folder notes it.
const LAST: &str = "last_backup.json";
const SAVING: &str = "making the backup";

/// Makes a backup in the folder `to`, which must not be there yet; a server may run meanwhile.
///
/// # Errors
/// A folder that is there, a database or node key that cannot be read, no room. Nothing is left then.
pub async fn backup(
    config: &Config,
    data: &Path,
    to: &Path,
    tell: &mut (dyn FnMut(CopyStep) + Send),
) -> anyhow::Result<Backup> {
    anyhow::ensure!(!to.exists(), "{} is there already: name a new folder", to.display());
    let partial = partial(to)?;
    let made = DirBuilder::new().mode(0o700).create(&partial);
    made.with_context(|| format!("making {}; remove it if a backup was broken off", partial.display()))?;
    let written = write(config, data, &partial, tell).await;
    let kept = match written {
        Ok(kept) => {
            std::fs::rename(&partial, to).with_context(|| format!("making {}", to.display())).map(|()| kept)
        }
        Err(error) => Err(error),
    };
    if kept.is_err() {
        let _left_for_a_person = std::fs::remove_dir_all(&partial).is_err();
    }
    let (at, bytes) = kept?;
    sync(to.parent())?;
    let folder = std::fs::canonicalize(to).unwrap_or_else(|_| to.to_owned());
    note(data, &LastBackup { folder: folder.clone(), at: at.0 })?;
    Ok(Backup { folder, made_at: at.to_string(), bytes })
}

/// The last backup of this folder, if one was noted.
#[must_use]
pub fn last_backup(data: &Path) -> Option<LastBackup> {
    serde_json::from_str(&std::fs::read_to_string(data.join(LAST)).ok()?).ok()
}

async fn write(
    config: &Config,
    data: &Path,
    partial: &Path,
    tell: &mut (dyn FnMut(CopyStep) + Send),
) -> anyhow::Result<(crate::clock::EpochMs, u64)> {
    let at = SystemClock::new().now().wall;
    let key = existing_node_key(config, data)?;
    let database = partial.join(DATABASE);
    // SQLite takes an empty file as none; so nobody else may read it from its beginning.
    write_secret(&database, b"")?;
    match config.store.place()? {
        StorePlace::Folder => {
            let from = data.join(DATABASE);
            anyhow::ensure!(from.exists(), "there is no database in {}", data.display());
            sqlite::snapshot(&from, &database).await.context(SAVING)?;
        }
        StorePlace::Postgres(url) => {
            let (from, goal) = (Origin::Postgres(url), Goal::File(database.clone()));
            copy(&from, &goal, &Epoch::Kept, tell).await.context(SAVING)?;
        }
    }
    sync(Some(&database))?;
    let mut names = vec![DATABASE];
    // A key in the configuration is kept where the configuration is.
    if config.secrets.node_key.expose_secret().is_empty() {
        let text = std::fs::read(data.join(NODE_KEY)).context("reading the node key")?;
        write_secret(&partial.join(NODE_KEY), &text)?;
        names.push(NODE_KEY);
    }
    Manifest::of(partial, &names, &key, at.to_string())?.write(partial)?;
    sync(Some(partial))?;
    Ok((at, std::fs::metadata(&database)?.len()))
}

/// Where it stands until it is whole.
fn partial(to: &Path) -> anyhow::Result<PathBuf> {
    let mut name = to.file_name().context("--to names no folder")?.to_owned();
    name.push(".partial");
    Ok(to.with_file_name(name))
}

/// Makes what was written to a file, or the names in a folder, last.
fn sync(path: Option<&Path>) -> anyhow::Result<()> {
    let path = path.filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.with_context(|| format!("syncing {}", path.display()))
}

fn note(data: &Path, last: &LastBackup) -> anyhow::Result<()> {
    let path = data.join(LAST);
    std::fs::write(&path, serde_json::to_string(last)?).with_context(|| format!("writing {}", path.display()))
}
