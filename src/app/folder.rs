//! The data folder: one server at a time owns it, commands share it, and a small file says who serves.
//! Ownership is a file lock, which the kernel gives back however the process ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::database::{DATABASE, NODE_KEY};

/// A data folder in use.
pub struct DataFolder {
    root: PathBuf,
    _lock: Option<File>,
}

/// The server that owns a folder.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Running {
    /// Its process.
    pub pid: i32,
    /// Where riders and backends reach it.
    pub listen: SocketAddr,
    /// Where operators do.
    pub admin: SocketAddr,
}

const LOCK: &str = "orderbell.lock";
const RUNNING: &str = "run.json";
/// Tries to own a folder before it counts as taken: a quarter of a second in all.
const OWN_TRIES: u32 = 5;
const OWN_PAUSE: Duration = Duration::from_millis(50);

impl DataFolder {
    /// Opens the folder for the one server; makes it if need be, readable by its owner only.
    ///
    /// # Errors
    /// Another server owns it, or it cannot be used.
    pub fn own(root: PathBuf) -> anyhow::Result<Self> {
        make(&root)?;
        let lock = lock_file(&root)?;
        for _ in 0..OWN_TRIES {
            match lock.try_lock() {
                Ok(()) => return Ok(Self { root, _lock: Some(lock) }),
                // A command may be asking who serves, which takes the lock for a moment.
                Err(TryLockError::WouldBlock) => std::thread::sleep(OWN_PAUSE),
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("locking the data folder {}", root.display()));
                }
            }
        }
        anyhow::bail!("another server uses the data folder {}", root.display())
    }

    /// Opens the folder beside whoever owns it.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn share(root: PathBuf) -> anyhow::Result<Self> {
        make(&root)?;
        Ok(Self { root, _lock: None })
    }

    /// Whether this is a data folder, and not only a folder of that name: a server or a command has been in it.
    #[must_use]
    pub fn is_one(root: &Path) -> bool {
        [LOCK, DATABASE, NODE_KEY].iter().any(|file| root.join(file).is_file())
    }

    /// A file in the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The server that owns this folder now, if there is one.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn running(root: &Path) -> anyhow::Result<Option<Running>> {
        if !root.join(LOCK).exists() {
            return Ok(None);
        }
        match lock_file(root)?.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => {
                let text = std::fs::read_to_string(root.join(RUNNING)).context("reading run.json")?;
                Ok(Some(serde_json::from_str(&text).context("reading run.json")?))
            }
            Err(TryLockError::Error(error)) => Err(error).context("asking for the lock"),
        }
    }

    pub(super) fn write_running(&self, listen: SocketAddr, admin: SocketAddr) -> anyhow::Result<()> {
        let pid = i32::try_from(std::process::id())?;
        let text = serde_json::to_string(&Running { pid, listen, admin })?;
        std::fs::write(self.path(RUNNING), text).context("writing run.json")
    }

    pub(super) fn clear_running(&self) {
        // A file left behind says nothing: the lock decides.
        let _gone_already = std::fs::remove_file(self.path(RUNNING)).is_err();
    }
}

fn make(root: &Path) -> anyhow::Result<()> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(root);
    made.with_context(|| format!("making the data folder {}", root.display()))
}

fn lock_file(root: &Path) -> anyhow::Result<File> {
    let path = root.join(LOCK);
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).read(true).mode(0o600);
    options.open(&path).with_context(|| format!("opening {}", path.display()))
}
