//! A small file system of our own for the data folder, and a ballast file that fills it to the last byte.
//! It is mounted in a mount namespace of this process, so that it goes with it, however it ends.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

/// Set in the process that has a mount namespace of its own. (Not ORDERBELL_…: that would be the server's.)
const INSIDE: &str = "FAULTS_INSIDE";
/// As root, and as anybody whom the kernel lets be root in a namespace of theirs.
const UNSHARE: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];
/// Room for a write-ahead log that is not checkpointed before 64 MiB, the database and some clips.
const OPTIONS: &str = "size=128m,mode=0700";
/// Beside a full disk there may be a page left in a file that is being written: pieces get smaller until none fits.
const PIECES: [usize; 4] = [1 << 20, 1 << 16, 1 << 12, 1];

/// Starts this program again in a mount namespace of its own. Returns only if it is there already, or if that cannot
/// be had: then mounting fails later, and with it the run that needs it.
pub(crate) fn enter_namespace() -> anyhow::Result<()> {
    if std::env::var_os(INSIDE).is_some() {
        return Ok(());
    }
    for flags in UNSHARE {
        let probe = Command::new("unshare").args(flags).arg("true").output();
        if probe.is_ok_and(|done| done.status.success()) {
            let this = std::env::current_exe()?;
            let failed = Command::new("unshare").args(flags).arg(this).env(INSIDE, "1").exec();
            return Err(failed).context("starting in a namespace");
        }
    }
    Ok(())
}

/// Mounts a small file system on a folder.
pub(crate) fn mount(folder: &Path) -> anyhow::Result<()> {
    const WHY: &str = "the run `disk` needs a small file system and may not mount one: run it as root, or allow user \
        namespaces (`unshare --user --map-root-user --mount`)";
    anyhow::ensure!(std::env::var_os(INSIDE).is_some(), WHY);
    std::fs::create_dir_all(folder)?;
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", OPTIONS, "tmpfs"]).arg(folder).output();
    let mount = mount.context(WHY)?;
    anyhow::ensure!(mount.status.success(), "{WHY}: {}", String::from_utf8_lossy(&mount.stderr));
    Ok(())
}

/// A file that takes all the room there is, until it is dropped.
pub(crate) struct Ballast {
    path: PathBuf,
    file: File,
}

impl Ballast {
    /// Takes all the room in this folder.
    pub(crate) fn drop_into(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("ballast");
        let file = File::create(&path)?;
        let mut ballast = Self { path, file };
        ballast.fill()?;
        Ok(ballast)
    }

    /// Takes what room has come up since.
    pub(crate) fn fill(&mut self) -> anyhow::Result<()> {
        for piece in PIECES {
            let zeros = vec![0; piece];
            loop {
                match self.file.write(&zeros) {
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.path).is_err();
    }
}
