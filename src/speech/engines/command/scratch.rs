//! A folder of its own for the file that a program writes: nobody else can read it, and it goes whatever happens.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::AsyncReadExt;

use crate::clock::{machine_wall, random_bytes};

/// How our folders begin.
const PREFIX: &str = "speech-command-";
/// No text takes this long: what is older was left behind by a process that was killed.
const LEFT_AFTER: Duration = Duration::from_hours(1);

/// The folder, until it is dropped.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// A new one in `tmp`, which is made if it is not there.
    pub(super) fn new(tmp: &Path) -> io::Result<Self> {
        fs::create_dir_all(tmp)?;
        let folder = tmp.join(format!("{PREFIX}{:016x}", u64::from_be_bytes(random_bytes())));
        DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(Self(folder))
    }

    /// The file. Programs look at its ending.
    pub(super) fn file(&self) -> PathBuf {
        self.0.join("sound.wav")
    }

    /// What has been written, if it is a file and not more than allowed.
    pub(super) async fn read(&self, bytes_max: u64) -> io::Result<Vec<u8>> {
        let path = self.file();
        // A link would lead elsewhere, and a pipe never ends.
        let found = tokio::fs::symlink_metadata(&path).await?;
        if !found.is_file() || found.len() > bytes_max {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut sound = Vec::new();
        tokio::fs::File::open(path).await?.take(bytes_max).read_to_end(&mut sound).await?;
        Ok(sound)
    }

    /// Removes what processes that were killed have left in `tmp`.
    pub(super) fn sweep(tmp: &Path) {
        let Ok(entries) = fs::read_dir(tmp) else { return };
        for entry in entries.flatten() {
            let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
            let modified = entry.metadata().and_then(|found| found.modified()).ok();
            let modified = modified.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
            let now = Duration::from_millis(u64::try_from(machine_wall().0).unwrap_or(0));
            if ours && modified.is_some_and(|at| now.saturating_sub(at) > LEFT_AFTER) {
                // Another process may be quicker, and what cannot be removed is tried again at the next start.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed goes at a later start.
        let _ = fs::remove_dir_all(&self.0);
    }
}
