//! The clip library's folder: `ab/cdef….mp3` or `.wav` with its sheet `ab/cdef….json`, and `tmp/` for what is being
//! written. Every function blocks. A clip is there when its sound is; its sheet is always written before and deleted after it.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::name::{ClipName, hex};
use super::{Clip, ClipMeta};

/// Leftovers younger than this may be in the making by another process on a shared folder.
const LEFTOVER_AGE: Duration = Duration::from_mins(10);

/// Extensions of clips.
const SOUNDS: [&str; 2] = ["mp3", "wav"];

/// The folder of a library.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    written: AtomicU64,
}

/// A clip found when the folder is opened.
pub(super) struct Found {
    pub(super) name: ClipName,
    pub(super) bytes: u64,
    pub(super) used_ms: i64,
}

/// What reading a clip came to.
pub(super) enum Reading {
    /// Whole and as it was written.
    Whole(Clip),
    /// Not there.
    Absent,
    /// Torn, truncated or flipped.
    Broken,
}

/// What the sheet of a clip says.
#[derive(Serialize, Deserialize)]
struct Sheet {
    sha256: String,
    #[serde(flatten)]
    meta: ClipMeta,
}

impl Folder {
    /// Opens or makes the folder, deletes leftovers of crashes, and lists the clips.
    pub(super) fn open(root: PathBuf, now_ms: i64) -> io::Result<(Self, Vec<Found>)> {
        let folder = Self { root, written: AtomicU64::new(0) };
        fs::create_dir_all(folder.temporary())?;
        let old = |path: &Path| age(path, now_ms).is_some_and(|age| age >= LEFTOVER_AGE);
        for entry in fs::read_dir(folder.temporary())? {
            let path = entry?.path();
            if old(&path) {
                fs::remove_file(path)?;
            }
        }
        let mut found = Vec::new();
        for shard in 0..=u8::MAX {
            let shard = hex(&[shard]);
            let dir = folder.root.join(&shard);
            fs::create_dir_all(&dir)?;
            for entry in fs::read_dir(dir)? {
                let path = entry?.path();
                if let Some(clip) = listed(&shard, &path) {
                    found.push(clip);
                } else if path.extension().is_some_and(|kind| kind == "json")
                    && !SOUNDS.iter().any(|sound| path.with_extension(sound).exists())
                    && old(&path)
                {
                    fs::remove_file(path)?;
                }
            }
        }
        sync_dir(&folder.root)?;
        Ok((folder, found))
    }

    /// Reads a clip and compares it with its sheet.
    pub(super) fn read(&self, name: &ClipName) -> io::Result<Reading> {
        let bytes = match fs::read(self.sound(name)) {
            Ok(bytes) => Bytes::from(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Reading::Absent),
            Err(error) => return Err(error),
        };
        let sheet = match fs::read(self.sheet(name)) {
            Ok(sheet) => sheet,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Reading::Broken),
            Err(error) => return Err(error),
        };
        let sha256 = sha256(&bytes);
        match serde_json::from_slice::<Sheet>(&sheet) {
            Ok(sheet) if sheet.sha256 == sha256 => {
                Ok(Reading::Whole(Clip { bytes, meta: sheet.meta.into(), sha256: sha256.into() }))
            }
            Ok(_) | Err(_) => Ok(Reading::Broken),
        }
    }

    /// Writes a clip so that it survives a power loss, or is not there at all.
    pub(super) fn write(
        &self,
        name: &ClipName,
        bytes: Bytes,
        meta: ClipMeta,
        now_ms: i64,
    ) -> io::Result<Clip> {
        let sha256 = sha256(&bytes);
        let sheet = Sheet { sha256: sha256.clone(), meta };
        self.place(&self.sheet(name), &serde_json::to_vec(&sheet)?, now_ms)?;
        self.place(&self.sound(name), &bytes, now_ms)?;
        sync_dir(&self.root.join(name.shard()))?;
        Ok(Clip { bytes, meta: sheet.meta.into(), sha256: sha256.into() })
    }

    /// Deletes a clip; one that is not there is deleted already.
    pub(super) fn delete(&self, name: &ClipName) -> io::Result<()> {
        for path in [self.sound(name), self.sheet(name)] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        match sync_dir(&self.root.join(name.shard())) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Writes down that a clip was used, as its modification time.
    pub(super) fn touch(&self, name: &ClipName, now_ms: i64) -> io::Result<()> {
        File::open(self.sound(name))?.set_modified(time_of(now_ms))
    }

    /// When a clip was last used, as far as it was written down.
    pub(super) fn used_ms(&self, name: &ClipName) -> Option<i64> {
        used_ms(&fs::metadata(self.sound(name)).ok()?)
    }

    /// Writes a file aside, makes it durable and renames it into place.
    fn place(&self, path: &Path, bytes: &[u8], now_ms: i64) -> io::Result<()> {
        let turn = self.written.fetch_add(1, Ordering::Relaxed);
        let aside = self.temporary().join(format!("{}-{now_ms}-{turn}", std::process::id()));
        let written = || write_synced(&aside, bytes, now_ms).and_then(|()| fs::rename(&aside, path));
        let outcome = written().or_else(|error| match (error.kind(), path.parent()) {
            // Somebody has deleted the folder, as its owner may at any time.
            (ErrorKind::NotFound, Some(shard)) => {
                fs::create_dir_all(self.temporary())?;
                fs::create_dir_all(shard)?;
                written()
            }
            _ => Err(error),
        });
        if outcome.is_err() {
            // The error of the write is what matters; a leftover is swept when the folder is opened.
            let _swept = fs::remove_file(&aside);
        }
        outcome
    }

    fn temporary(&self) -> PathBuf {
        self.root.join("tmp")
    }

    fn sound(&self, name: &ClipName) -> PathBuf {
        self.root.join(name.shard()).join(name.file_name())
    }

    fn sheet(&self, name: &ClipName) -> PathBuf {
        self.root.join(name.shard()).join(name.rest() + ".json")
    }
}

fn write_synced(path: &Path, bytes: &[u8], now_ms: i64) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.set_modified(time_of(now_ms))?;
    file.sync_all()
}

/// A rename lasts only when the folder it happened in is on disk too.
fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn listed(shard: &str, path: &Path) -> Option<Found> {
    let name = ClipName::of_path(shard, path.file_name()?.to_str()?)?;
    let metadata = fs::metadata(path).ok()?;
    Some(Found { name, bytes: metadata.len(), used_ms: used_ms(&metadata)? })
}

fn used_ms(metadata: &fs::Metadata) -> Option<i64> {
    let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

fn age(path: &Path, now_ms: i64) -> Option<Duration> {
    let modified = fs::metadata(path).ok()?.modified().ok()?;
    time_of(now_ms).duration_since(modified).ok()
}

fn time_of(now_ms: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(now_ms).unwrap_or(0))
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}
