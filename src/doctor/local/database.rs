//! The database as it lies on the disk, looked at by our own SQLite without a trace: whether its pages fit together,
//! whether this program knows its schema, how its log stands.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::folder::Database;
use super::size;
use crate::clock::EpochMs;
use crate::doctor::Finding;
use crate::store::sqlite::{Beside, Inspection, Soundness, inspect};

/// What was seen.
pub(super) enum Look {
    /// There is no database yet.
    None,
    /// It has a log without an index, as a copy of the folder may; to read it an index would have to be made there.
    Unindexed,
    /// It is there.
    Seen { file: FileFacts, inside: Result<Inspection, String> },
}

/// The files themselves.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileFacts {
    bytes: u64,
    log_bytes: u64,
    /// Whether its header says WAL.
    is_wal: bool,
}

/// Enough to read through a few gigabytes that are in memory, and short enough to wait for.
const CHECK_LIMIT: Duration = Duration::from_secs(20);
/// The log is folded in at 64 MiB. So much more means that something reads without end, or that folding in fails.
const LOG_MAX: u64 = 4 * (64 << 20);
/// The beginning of every SQLite 3 file. Bytes 18 and 19, for writing and reading, are 2 where it has a log.
const HEADER: &[u8; 16] = b"SQLite format 3\0";
const WAL_FORMAT: [u8; 2] = [2, 2];

impl Look {
    /// Whether there is one.
    pub(super) fn database(&self) -> Database {
        match self {
            Self::None => Database::None,
            Self::Unindexed | Self::Seen { .. } => Database::There,
        }
    }

    /// When the youngest event came in.
    pub(super) fn newest(&self) -> Option<EpochMs> {
        match self {
            Self::Seen { inside: Ok(inside), .. } => inside.newest_event,
            Self::None | Self::Unindexed | Self::Seen { .. } => None,
        }
    }
}

/// Looks at the database of this folder.
pub(super) async fn look(data: &Path, is_served: bool) -> Look {
    let path = data.join("orderbell.db");
    let Ok(meta) = std::fs::metadata(&path) else { return Look::None };
    let log_bytes = std::fs::metadata(log_of(data)).map_or(0, |log| log.len());
    let file = FileFacts { bytes: meta.len(), log_bytes, is_wal: header(&path).is_some_and(|wal| wal) };
    let beside = match (is_served, log_bytes) {
        (true, _) => Beside::Server,
        (false, 0) => Beside::Nothing,
        (false, _) if !data.join("orderbell.db-shm").exists() => return Look::Unindexed,
        (false, _) => Beside::Log,
    };
    let inside = inspect(&path, beside, CHECK_LIMIT).await.map_err(|error| error.to_string());
    Look::Seen { file, inside }
}

fn log_of(data: &Path) -> PathBuf {
    data.join("orderbell.db-wal")
}

/// Whether the file says that it has a log; none if it is no database.
fn header(path: &Path) -> Option<bool> {
    let mut head = [0; 20];
    std::fs::File::open(path).ok()?.read_exact(&mut head).ok()?;
    head.starts_with(HEADER).then(|| head[18..] == WAL_FORMAT)
}

/// What it means.
pub(super) fn judge(look: &Look) -> Vec<Finding> {
    let (file, inside) = match look {
        Look::None => return vec![Finding::ok("database", "none yet; the first start makes it")],
        Look::Unindexed => {
            let found = "it has a log without an index, as after a restore: not looked into";
            let advice = "start the server, which folds the log in, and check again";
            return vec![Finding::warn("database", found, advice)];
        }
        Look::Seen { file, inside } => (file, inside),
    };
    let inside = match inside {
        Ok(inside) => inside,
        Err(why) => {
            let advice = "do not start a server on it: keep a copy of all files, restore the last backup";
            return vec![Finding::fail("database", format!("cannot be read: {why}"), advice)];
        }
    };
    vec![
        judge_pages(*file, inside),
        judge_schema(inside.schema, inside.schema_known),
        judge_log(*file),
        judge_sqlite(inside),
    ]
}

fn judge_pages(file: FileFacts, inside: &Inspection) -> Finding {
    let bytes = size(file.bytes);
    match &inside.soundness {
        Soundness::Sound => Finding::ok("database", format!("{bytes}, quick_check finds nothing wrong")),
        Soundness::NotFinished => {
            let found = format!("{bytes}, not read through within {} s", CHECK_LIMIT.as_secs());
            Finding::ok("database", found).advised("for certainty check a copy of it, where there is time")
        }
        Soundness::Broken(complaints) => {
            let found = format!("{bytes}, damaged: {}", complaints.join("; "));
            let advice =
                "stop the server, keep a copy of all files, restore the last backup; then look at the disk";
            Finding::fail("database", found, advice)
        }
    }
}

/// The same words for every database: what it has, and what this program knows.
pub(super) fn judge_schema(schema: Option<i64>, known: i64) -> Finding {
    match schema {
        None => Finding::fail(
            "database.schema",
            "it is no database of Orderbell",
            "name the right folder with --data",
        ),
        Some(schema) if schema > known => Finding::fail(
            "database.schema",
            format!("made by a newer Orderbell: schema {schema}, this program knows {known}"),
            "start that version, or restore a backup from before it",
        ),
        Some(schema) if schema < known => Finding::warn(
            "database.schema",
            format!("schema {schema}, this program brings it to {known} when it next opens it"),
            "make a backup first: there is no way back",
        ),
        Some(schema) => Finding::ok("database.schema", format!("schema {schema}, as this program has it")),
    }
}

fn judge_log(file: FileFacts) -> Finding {
    let name = "database.log";
    let log = size(file.log_bytes);
    if !file.is_wal {
        return Finding::warn(name, "not in WAL mode", "the next start sets it; who changed it?");
    }
    if file.log_bytes > LOG_MAX {
        let advice =
            "something reads without end, or folding it in fails: look at the server's log and at free space";
        return Finding::warn(name, format!("WAL, {log}"), advice);
    }
    Finding::ok(name, format!("WAL, {log}"))
}

fn judge_sqlite(inside: &Inspection) -> Finding {
    let found = format!("SQLite {}", inside.sqlite);
    if inside.sqlite_is_safe {
        return Finding::ok("database.sqlite", found);
    }
    let advice = "before 3.51.3 a database with a log can lose pages: build with the bundled one";
    Finding::fail("database.sqlite", found, advice)
}

#[cfg(test)]
mod tests {
    use super::{FileFacts, LOG_MAX, Look, judge};
    use crate::doctor::Level;
    use crate::store::sqlite::{Inspection, Soundness};

    fn well() -> (FileFacts, Inspection) {
        let file = FileFacts { bytes: 4096, log_bytes: 0, is_wal: true };
        let inside = Inspection {
            sqlite: "3.51.3".to_owned(),
            sqlite_is_safe: true,
            schema: Some(2),
            schema_known: 2,
            newest_event: None,
            soundness: Soundness::Sound,
        };
        (file, inside)
    }

    #[test]
    fn what_is_wrong_is_named_and_nothing_else() {
        type Change = fn(&mut FileFacts, &mut Inspection);
        let cases: [(Change, Level, &str); 8] = [
            (|_, _| {}, Level::Ok, ""),
            (|_, inside| inside.schema = Some(3), Level::Fail, "newer Orderbell"),
            (|_, inside| inside.schema = Some(1), Level::Warn, "brings it to 2"),
            (|_, inside| inside.schema = None, Level::Fail, "no database of Orderbell"),
            (|_, inside| inside.soundness = Soundness::Broken(vec!["page 7".into()]), Level::Fail, "page 7"),
            (|_, inside| inside.sqlite_is_safe = false, Level::Fail, "SQLite 3.51.3"),
            (|file, _| file.is_wal = false, Level::Warn, "not in WAL"),
            (|file, _| file.log_bytes = LOG_MAX + 1, Level::Warn, "256 MiB"),
        ];
        for (change, level, word) in cases {
            let (mut file, mut inside) = well();
            change(&mut file, &mut inside);
            let findings = judge(&Look::Seen { file, inside: Ok(inside) });
            let bad: Vec<_> = findings.iter().filter(|finding| finding.level != Level::Ok).collect();
            assert_eq!(bad.len(), usize::from(level != Level::Ok), "{bad:?}");
            assert!(bad.iter().all(|bad| bad.level == level && bad.found.contains(word)), "{bad:?}");
        }
        let findings = judge(&Look::Seen { file: well().0, inside: Err("not a database".to_owned()) });
        assert!(findings[0].level == Level::Fail && findings[0].found.contains("not a database"));
        assert_eq!(judge(&Look::None)[0].level, Level::Ok);
        assert_eq!(judge(&Look::Unindexed)[0].level, Level::Warn);
    }

    #[test]
    fn a_check_that_was_given_up_is_no_failure() {
        let (file, mut inside) = well();
        inside.soundness = Soundness::NotFinished;
        let findings = judge(&Look::Seen { file, inside: Ok(inside) });
        assert!(findings[0].level == Level::Ok && findings[0].advice.is_some());
    }
}
