//! How long this disk takes to promise: 4 KiB written and synced, again and again, as every commit is.
//! One file of our own, in the data folder because that is the disk in question; it is removed.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::doctor::Finding;

/// What came of trying.
#[derive(Debug)]
pub(super) enum Probe {
    /// There is no folder to try in.
    NoFolder,
    /// It cannot be written there.
    Refused(io::Error),
    /// How long each took, the shortest first.
    Took(Vec<Duration>),
}

/// A page of the database.
const PAGE: [u8; 4096] = [0x5a; 4096];
/// Enough for a median that stays, and for one slow one in fifty to be seen.
const ROUNDS: usize = 50;
/// On a disk where this is not enough the first few rounds say it all.
const LIMIT: Duration = Duration::from_secs(2);
/// Beyond it an event waits for the disk longer than for everything else.
const SLOW: Duration = Duration::from_millis(10);
/// Beyond it a rush is not kept up with.
const TOO_SLOW: Duration = Duration::from_millis(100);

/// Tries it.
pub(super) async fn probe(data: &Path) -> Probe {
    if !data.is_dir() {
        return Probe::NoFolder;
    }
    let path = data.join(format!(".orderbell-check-{}", std::process::id()));
    let trying = tokio::task::spawn_blocking(move || rounds(path)).await;
    match trying.unwrap_or_else(|cut_off| Err(io::Error::other(cut_off))) {
        Ok(mut took) => {
            took.sort_unstable();
            Probe::Took(took)
        }
        Err(error) => Probe::Refused(error),
    }
}

/// The probe's file; gone when it is dropped.
struct Scrap {
    path: PathBuf,
    file: File,
}

impl Drop for Scrap {
    fn drop(&mut self) {
        let _gone_already = std::fs::remove_file(&self.path).is_err();
    }
}

fn rounds(path: PathBuf) -> io::Result<Vec<Duration>> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    let mut scrap = Scrap { path, file };
    let began = Instant::now();
    let mut took = Vec::with_capacity(ROUNDS);
    while took.len() < ROUNDS && began.elapsed() < LIMIT {
        let round = Instant::now();
        scrap.file.write_all(&PAGE)?;
        scrap.file.sync_data()?;
        took.push(round.elapsed());
    }
    Ok(took)
}

/// What the times mean; whether the folder can be written is judged with the folder.
pub(super) fn judge(probe: &Probe) -> Option<Finding> {
    let Probe::Took(took) = probe else { return None };
    let (half, most) = (rank(took, 50)?, rank(took, 99)?);
    let commits = 1_000_000 / half.as_micros().max(1);
    let found = format!(
        "4 KiB written and synced {} times: p50 {:.2} ms, p99 {:.2} ms; {commits} commits a second, each shared by what waits",
        took.len(),
        half.as_secs_f64() * 1e3,
        most.as_secs_f64() * 1e3,
    );
    Some(if half > TOO_SLOW {
        Finding::fail("disk.fsync", found, "this disk cannot carry a rush: a local SSD for the data folder")
    } else if half > SLOW {
        Finding::warn("disk.fsync", found, "every event waits for this: a faster disk, or a quieter one")
    } else {
        Finding::ok("disk.fsync", found)
    })
}

/// The value that so many percent do not exceed (nearest rank).
fn rank(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let place = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(place - 1).copied()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Probe, ROUNDS, judge, probe};
    use crate::doctor::Level;

    #[test]
    fn the_median_decides() {
        for (us, level, commits) in [
            (200, Level::Ok, "5000 commits"),
            (10_000, Level::Ok, "100 commits"),
            (10_001, Level::Warn, "99 commits"),
            (100_001, Level::Fail, "9 commits"),
            (0, Level::Ok, "1000000 commits"),
        ] {
            let mut took = vec![Duration::from_micros(us); 50];
            took.push(Duration::from_secs(1));
            let finding = judge(&Probe::Took(took)).unwrap();
            assert_eq!(finding.level, level, "{us}");
            assert!(finding.found.contains(commits), "{}", finding.found);
            assert!(finding.found.contains("p99 1000.00 ms"), "{}", finding.found);
        }
        assert!(judge(&Probe::NoFolder).is_none() && judge(&Probe::Took(vec![])).is_none());
    }

    #[tokio::test]
    async fn the_probe_leaves_nothing_behind() {
        let folder = tempfile::TempDir::new().unwrap();
        let Probe::Took(took) = probe(folder.path()).await else { panic!("it can be written") };
        assert!(!took.is_empty() && took.len() <= ROUNDS && took.is_sorted());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(matches!(probe(&folder.path().join("none")).await, Probe::NoFolder));
    }
}
