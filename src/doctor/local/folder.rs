//! The data folder: whose it is, who may enter, how much room there is, on what kind of file system; and the node key.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use secrecy::ExposeSecret;

use super::disk::Probe;
use super::size;
use crate::config::{Config, StorePlace};
use crate::dispatch::NodeKey;
use crate::doctor::Finding;

/// What is known of the folder.
struct Facts {
    /// Whose it is.
    owner: u32,
    /// Who asks.
    me: u32,
    /// Permission bits for group and others.
    others: u32,
    /// Bytes that are free to us.
    free: u64,
    /// Its file system, as `statfs` names it; `None` if it could not be asked.
    magic: Option<u64>,
}

/// Whether there are data that were sealed with a node key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Database {
    There,
    None,
}

/// What a kind of file system means for a database.
#[derive(Debug, Eq, PartialEq)]
enum Footing {
    Disk(&'static str),
    Memory(&'static str),
    Layer(&'static str),
    Network(&'static str),
    Foreign(&'static str),
    Unknown,
}

/// The write-ahead log grows to this before it is folded in; beyond it a commit fails with a full disk.
const LOG_BYTES: u64 = 64 << 20;

/// The folder as it is.
pub(super) fn look(config: &Config, data: &Path, probe: &Probe) -> Vec<Finding> {
    let facts = match facts_of(data) {
        Ok(facts) => facts,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let found = format!("{} does not exist", data.display());
            return vec![Finding::warn("folder", found, "serve makes it; or name the right one with --data")];
        }
        Err(error) => {
            let found = format!("{}: {error}", data.display());
            return vec![Finding::fail("folder", found, "run this as the user that serves")];
        }
    };
    let is_there = match probe {
        Probe::NoFolder => {
            let found = format!("{} is no folder", data.display());
            return vec![Finding::fail("folder", found, "name the right one with --data")];
        }
        Probe::Refused(error) => Finding::fail(
            "folder",
            format!("{} cannot be written: {error}", data.display()),
            "give it to the user that serves, on a file system that is mounted for writing",
        ),
        Probe::Took(_) => judge(&facts, data),
    };
    let mut findings = vec![is_there, judge_room(facts.free, config.audio.clip_bytes_max)];
    // Clips may lie anywhere; a database may not.
    if matches!(config.store.place(), Ok(StorePlace::Folder)) {
        findings.push(judge_footing(facts.magic));
    }
    findings
}

fn facts_of(data: &Path) -> std::io::Result<Facts> {
    let meta = std::fs::metadata(data)?;
    let room = rustix::fs::statvfs(data)?;
    Ok(Facts {
        owner: meta.uid(),
        me: rustix::process::geteuid().as_raw(),
        others: meta.permissions().mode() & 0o077,
        free: room.f_bavail.saturating_mul(room.f_frsize),
        // Signed on some machines; the magic numbers fit 32 bits.
        magic: rustix::fs::statfs(data).ok().and_then(|kind| u64::try_from(kind.f_type & 0xffff_ffff).ok()),
    })
}

fn judge(facts: &Facts, data: &Path) -> Finding {
    let Facts { owner, me, others, .. } = facts;
    let found = format!("{}, written by user {me}", data.display());
    if owner != me {
        let found = format!("{found}, belongs to user {owner}");
        return Finding::warn("folder", found, "run commands as the user that serves, or files change hands");
    }
    if *others != 0 {
        let found = format!("{found}, open to others (mode {:o})", 0o700 | others);
        return Finding::warn("folder", found, "chmod 700 it: the database names riders and orders");
    }
    Finding::ok("folder", found)
}

fn judge_room(free: u64, clips: u64) -> Finding {
    let found = format!("{} free", size(free));
    if free < 2 * LOG_BYTES {
        return Finding::fail(
            "folder.room",
            found,
            "make room: the log alone grows to 64 MiB, and a full disk means 503",
        );
    }
    if free < clips.saturating_add(LOG_BYTES) {
        let advice =
            format!("clips may grow to {} in all: more room, or a lower audio.clip_bytes_max", size(clips));
        return Finding::warn("folder.room", found, advice);
    }
    Finding::ok("folder.room", found)
}

fn judge_footing(magic: Option<u64>) -> Finding {
    let name = "folder.filesystem";
    match magic.map_or(Footing::Unknown, footing) {
        Footing::Disk(kind) => Finding::ok(name, kind),
        Footing::Memory(kind) => {
            let found = format!("{kind}: memory, gone with the next boot");
            Finding::warn(
                name,
                found,
                "a disk, for anything but a trial: what was answered 200 must outlive a power cut",
            )
        }
        Footing::Layer(kind) => {
            let found = format!("{kind}: the writable layer of a container, gone with it");
            Finding::warn(name, found, "mount a volume for the data folder")
        }
        Footing::Network(kind) => Finding::fail(
            name,
            format!("{kind}: SQLite's log needs memory shared by all who have the file open"),
            "a disk of this machine",
        ),
        Footing::Foreign(kind) => {
            let found = format!("{kind}: locks and syncs are another program's promise");
            Finding::warn(name, found, "a disk of this machine")
        }
        Footing::Unknown => {
            let kind = magic.map_or_else(|| "unknown".to_owned(), |magic| format!("unknown (0x{magic:x})"));
            Finding::ok(name, format!("{kind}, not judged"))
        }
    }
}

fn footing(magic: u64) -> Footing {
    match magic {
        0xef53 => Footing::Disk("ext4"),
        0x5846_5342 => Footing::Disk("xfs"),
        0x9123_683e => Footing::Disk("btrfs"),
        0x2fc1_2fc1 => Footing::Disk("zfs"),
        0xf2f5_2010 => Footing::Disk("f2fs"),
        0x0102_1994 => Footing::Memory("tmpfs"),
        0x8584_58f6 => Footing::Memory("ramfs"),
        0x794c_7630 => Footing::Layer("overlay"),
        0x6969 => Footing::Network("nfs"),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => Footing::Network("smb"),
        0x00c3_6400 => Footing::Network("ceph"),
        0x0102_1997 => Footing::Foreign("9p"),
        0x6573_5546 => Footing::Foreign("fuse"),
        _ => Footing::Unknown,
    }
}

/// The key that seals secrets: the one of the configuration, or the file; none is made here.
pub(super) fn look_at_key(config: &Config, data: &Path, database: Database) -> Option<Finding> {
    let name = "node_key";
    let configured = config.secrets.node_key.expose_secret();
    let (read, place) = if configured.is_empty() {
        let path = data.join("node.key");
        if !path.exists() {
            return (database == Database::There).then(|| {
                Finding::fail(
                    name,
                    "there is a database and no node.key",
                    "take the one of the node that made it, or of its backup: rider secrets are sealed with it",
                )
            });
        }
        (NodeKey::from_file(&path), path.display().to_string())
    } else {
        (NodeKey::from_base64(configured), "secrets.node_key".to_owned())
    };
    Some(match read {
        Ok(_) => Finding::ok(name, place),
        Err(error) => Finding::fail(
            name,
            format!("{:#}", anyhow::Error::new(error)),
            "32 bytes in base64, readable by the user that serves and nobody else; restore it from the backup",
        ),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Facts, judge, judge_footing, judge_room};
    use crate::doctor::Level;

    #[test]
    fn a_folder_is_its_owners() {
        for (owner, me, others, level) in [
            (7, 7, 0, Level::Ok),
            (7, 7, 0o055, Level::Warn),
            (7, 0, 0, Level::Warn),
            (0, 7, 0o077, Level::Warn),
        ] {
            let facts = Facts { owner, me, others, free: 0, magic: None };
            assert_eq!(judge(&facts, Path::new("/d")).level, level, "{owner} {me} {others:o}");
        }
    }

    #[test]
    fn room_is_for_the_log_and_the_clips() {
        let (mib, gib) = (1_u64 << 20, 1_u64 << 30);
        for (free, clips, level) in [
            (100 * mib, 0, Level::Fail),
            (200 * mib, 2 * gib, Level::Warn),
            (3 * gib, 2 * gib, Level::Ok),
            (3 * gib, u64::MAX, Level::Warn),
        ] {
            assert_eq!(judge_room(free, clips).level, level, "{free}");
        }
    }

    #[test]
    fn not_every_file_system_keeps_a_promise() {
        for (magic, level, word) in [
            (Some(0xef53), Level::Ok, "ext4"),
            (Some(0x0102_1994), Level::Warn, "tmpfs"),
            (Some(0x794c_7630), Level::Warn, "container"),
            (Some(0x6969), Level::Fail, "nfs"),
            (Some(0xff53_4d42), Level::Fail, "smb"),
            (Some(0x6573_5546), Level::Warn, "fuse"),
            (Some(0x1234), Level::Ok, "0x1234"),
            (None, Level::Ok, "unknown"),
        ] {
            let finding = judge_footing(magic);
            assert!(finding.level == level && finding.found.contains(word), "{finding:?}");
        }
    }
}
