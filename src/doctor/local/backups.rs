//! How old the last backup is, as far as this folder knows of one.

use std::path::Path;

use crate::app::{LastBackup, last_backup};
use crate::clock::{EpochMs, machine_wall};
use crate::doctor::Finding;

/// A backup that is older is not made by anything that runs every day.
const AGE_MAX_MS: i64 = 2 * DAY_MS;
const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;

/// Nothing for a folder that is not there.
pub(super) fn look(data: &Path) -> Option<Finding> {
    data.is_dir().then(|| judge(last_backup(data).as_ref(), machine_wall()))
}

fn judge(last: Option<&LastBackup>, now: EpochMs) -> Finding {
    let Some(last) = last else {
        let found = "none is known of: `orderbell backup` has made none here";
        return Finding::ok("backup", found).advised("make one each night, and put one back somewhere once");
    };
    let age_ms = now.since_ms(EpochMs(last.at));
    let found = format!("{} hours old: {}", age_ms / HOUR_MS, last.folder.display());
    if age_ms > AGE_MAX_MS {
        return Finding::warn("backup", found, "see why none was made since");
    }
    Finding::ok("backup", found)
}

#[cfg(test)]
mod tests {
    use super::judge;
    use crate::app::LastBackup;
    use crate::clock::EpochMs;
    use crate::doctor::Level;

    #[test]
    fn an_old_backup_is_worth_a_look() {
        let now = EpochMs(1_763_000_000_000);
        let of = |hours: i64| LastBackup { folder: "/b/monday".into(), at: now.0 - hours * 3_600_000 };
        assert_eq!(judge(None, now).level, Level::Ok);
        assert_eq!(judge(Some(&of(47)), now).level, Level::Ok);
        let old = judge(Some(&of(50)), now);
        assert!(old.level == Level::Warn && old.found.contains("50 hours old: /b/monday"), "{old:?}");
    }
}
