//! The clips that were made, in a folder that survives restarts, crashes and flipped bits.
//! A clip never changes behind its name; what is torn is deleted and reported as absent, so that it is made again.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::hmac;
use bytes::Bytes;
use moka::future::Cache;
use moka::policy::EvictionPolicy;
use serde::{Deserialize, Serialize};

use self::folder::{Folder, Reading};
use self::index::Index;
pub use self::name::{ClipName, Recipe};
use super::ClipFormat;

mod folder;
mod index;
pub(in crate::audio) mod name;

/// Uses are written to disk this often per clip: enough to evict in the right order after a restart.
const TOUCH_EVERY_MS: i64 = 3_600_000;
/// And at least this many times within the age that protects a clip, since other nodes on the folder see no other sign.
const TOUCHES_WITHIN_MIN_AGE: i64 = 4;
/// Locks that keep two tasks from changing one clip's files at once; two clips seldom share one.
const LOCKS: usize = 64;
/// What a cached clip costs beside its bytes.
const CACHE_OVERHEAD: u32 = 512;

/// How much a library may hold. All in bytes, but the age.
#[derive(Debug, Clone, Copy)]
pub struct LibraryLimits {
    /// Above this, clips unused longest are deleted.
    pub max_bytes: u64,
    /// Above this, new clips are refused: reached only when everything is younger than `min_age_ms`.
    pub full_bytes: u64,
    /// A clip used within this time is never deleted, since its URL may still be fetched.
    pub min_age_ms: i64,
    /// A clip not used for this time is deleted: sound is speech that can be heard again.
    pub max_age_ms: i64,
    /// Clips held in memory.
    pub cache_bytes: u64,
}

/// What is known of a clip beside its bytes. Not what is said in it: a name or an address may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipMeta {
    /// Length of the whole file in milliseconds.
    pub duration_ms: u32,
    /// Length of the silence at its end in milliseconds.
    pub tail_ms: u32,
    /// The engine that spoke it.
    pub engine: String,
}

/// A clip ready to be served. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Clip {
    /// The file, in the format that its name says.
    pub bytes: Bytes,
    /// What is known of it.
    pub meta: Arc<ClipMeta>,
    /// Hash of the bytes in hexadecimal digits, for an `ETag`.
    pub sha256: Arc<str>,
}

/// Why a clip could not be read or kept.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LibraryError {
    /// The folder cannot be used: look at the disk and its rights. Serve a canned clip meanwhile.
    #[error("the clip folder cannot be used")]
    Folder(#[source] Arc<io::Error>),
    /// The library is full of clips too young to delete: raise its limits. Serve a canned clip meanwhile.
    #[error("the clip library is full: {held} bytes are all in use")]
    Full {
        /// Bytes held.
        held: u64,
    },
    /// The work was cut off, by a shutdown or a defect: try again.
    #[error("the work on the clip folder was cut off")]
    CutOff(#[source] Arc<tokio::task::JoinError>),
}

/// A folder of clips with a memory in front. Cheap to clone.
#[derive(Clone)]
pub struct ClipLibrary {
    stock: Arc<Stock>,
    cache: Cache<ClipName, Clip>,
}

/// What blocking work needs.
struct Stock {
    key: hmac::Key,
    folder: Folder,
    limits: LibraryLimits,
    // Std mutexes, held for a lookup or inside blocking work, never across an await.
    index: Mutex<Index>,
    locks: [Mutex<()>; LOCKS],
}

/// Why nothing was loaded into memory.
enum Miss {
    Absent,
    Failed(LibraryError),
}

impl ClipLibrary {
    /// Opens the folder `root`, making it if needed. `secret` keys the names: whoever has it can compute the URL of any
    /// sentence; another secret makes all clips unreachable by new names.
    ///
    /// # Errors
    /// [`LibraryError::Folder`] when the folder cannot be made, listed or written.
    pub async fn open(
        root: PathBuf,
        secret: &[u8; 32],
        limits: LibraryLimits,
        now_ms: i64,
    ) -> Result<Self, LibraryError> {
        let (folder, found) = blocking(move || Folder::open(root, now_ms).map_err(io_error)).await?;
        let mut index = Index::default();
        for clip in found {
            index.insert(clip.name, clip.bytes, clip.used_ms);
        }
        let cache = Cache::builder()
            // The default policy may turn away the newest clip, the very one that riders are about to fetch.
            .eviction_policy(EvictionPolicy::lru())
            .max_capacity(limits.cache_bytes)
            .weigher(|_, clip: &Clip| {
                u32::try_from(clip.bytes.len()).unwrap_or(u32::MAX).saturating_add(CACHE_OVERHEAD)
            })
            .build();
        let stock = Stock {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
            folder,
            limits,
            index: Mutex::new(index),
            locks: std::array::from_fn(|_| Mutex::new(())),
        };
        Ok(Self { stock: Arc::new(stock), cache })
    }

    /// The name of the clip that `recipe` makes; two formats of one sentence have two recipes.
    #[must_use]
    pub fn name(&self, recipe: &Recipe, format: ClipFormat) -> ClipName {
        ClipName::of(&self.stock.key, recipe, format)
    }

    /// The clip of a name, if it is here and whole.
    ///
    /// # Errors
    /// [`LibraryError::Folder`] when the disk fails; a broken clip is no error but absent.
    pub async fn get(&self, name: ClipName, now_ms: i64) -> Result<Option<Clip>, LibraryError> {
        // The index decides: what it does not hold was removed, even if memory still has it.
        if !self.stock.index().contains(&name) {
            self.cache.invalidate(&name).await;
        }
        let stock = Arc::clone(&self.stock);
        let load = async move {
            match blocking(move || stock.read(&name)).await {
                Ok(Some(clip)) => Ok(clip),
                Ok(None) => Err(Miss::Absent),
                Err(error) => Err(Miss::Failed(error)),
            }
        };
        let clip = match self.cache.try_get_with(name, load).await {
            Ok(clip) => clip,
            Err(miss) => match &*miss {
                Miss::Absent => return Ok(None),
                Miss::Failed(error) => return Err(error.clone()),
            },
        };
        if !self.stock.index().contains(&name) {
            return Ok(None);
        }
        let touch_every_ms = TOUCH_EVERY_MS.min(self.stock.limits.min_age_ms / TOUCHES_WITHIN_MIN_AGE);
        if self.stock.index().used(&name, now_ms, touch_every_ms) {
            let stock = Arc::clone(&self.stock);
            blocking(move || {
                if let Err(error) = stock.folder.touch(&name, now_ms) {
                    tracing::warn!(clip.name = ?name, %error, "could not write down the use of a clip");
                }
                Ok(())
            })
            .await?;
        }
        Ok(Some(clip))
    }

    /// Keeps a clip; when this returns, it survives a power loss. A whole clip that already has the name is kept and
    /// returned instead, since the bytes behind a URL never change. Old clips are deleted to make room.
    ///
    /// # Errors
    /// [`LibraryError::Full`] when there is no room, [`LibraryError::Folder`] when the disk fails.
    pub async fn put(
        &self,
        name: ClipName,
        bytes: Bytes,
        meta: ClipMeta,
        now_ms: i64,
    ) -> Result<Clip, LibraryError> {
        let stock = Arc::clone(&self.stock);
        let clip = blocking(move || stock.keep(&name, bytes, meta, now_ms)).await?;
        self.cache.insert(name, clip.clone()).await;
        Ok(clip)
    }

    /// Erases a clip, from disk and memory.
    ///
    /// # Errors
    /// [`LibraryError::Folder`] when the disk fails: the clip may still be there.
    pub async fn remove(&self, name: ClipName) -> Result<(), LibraryError> {
        let stock = Arc::clone(&self.stock);
        blocking(move || {
            let _guard = stock.lock(&name);
            stock.delete(&name)
        })
        .await?;
        self.cache.invalidate(&name).await;
        Ok(())
    }

    /// Notes that a clip is in use in somebody else's memory.
    pub fn note_use(&self, name: &ClipName, now_ms: i64) {
        self.stock.index().used(name, now_ms, i64::MAX);
    }

    /// Deletes what was not used for `max_age_ms`, and writes down what was used meanwhile. Returns how many went.
    ///
    /// # Errors
    /// [`LibraryError::Folder`] when the disk fails; the rest goes next time.
    pub async fn forget_unused(&self, now_ms: i64) -> Result<usize, LibraryError> {
        let stock = Arc::clone(&self.stock);
        let gone = blocking(move || stock.forget_unused(now_ms)).await?;
        for name in &gone {
            self.cache.invalidate(name).await;
        }
        Ok(gone.len())
    }

    /// How long a clip is kept that nobody uses, in milliseconds.
    #[must_use]
    pub fn max_age_ms(&self) -> i64 {
        self.stock.limits.max_age_ms
    }

    /// Whether a clip is here, as far as is known without reading the disk.
    #[must_use]
    pub fn holds(&self, name: &ClipName) -> bool {
        self.stock.index().contains(name)
    }

    /// Bytes of all clips on disk.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.stock.index().total_bytes()
    }

    /// How many clips there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.stock.index().len()
    }
}

impl Stock {
    fn read(&self, name: &ClipName) -> Result<Option<Clip>, LibraryError> {
        let _guard = self.lock(name);
        match self.folder.read(name).map_err(io_error)? {
            Reading::Whole(clip) => {
                // On a shared folder, another node may have made it.
                if !self.index().contains(name) {
                    let used_ms = self.folder.used_ms(name).unwrap_or(i64::MIN);
                    self.index().insert(*name, clip.bytes.len() as u64, used_ms);
                }
                Ok(Some(clip))
            }
            Reading::Absent => {
                self.index().remove(name);
                Ok(None)
            }
            Reading::Broken => {
                tracing::warn!(clip.name = ?name, "deleted a broken clip; it will be made again");
                self.delete(name)?;
                Ok(None)
            }
        }
    }

    fn keep(&self, name: &ClipName, bytes: Bytes, meta: ClipMeta, now_ms: i64) -> Result<Clip, LibraryError> {
        let len = bytes.len() as u64;
        self.make_room(len, now_ms)?;
        let _guard = self.lock(name);
        if let Reading::Whole(clip) = self.folder.read(name).map_err(io_error)? {
            self.index().insert(*name, clip.bytes.len() as u64, now_ms);
            self.folder.touch(name, now_ms).map_err(io_error)?;
            return Ok(clip);
        }
        let held = self.index().total_bytes();
        if held.saturating_add(len) > self.limits.full_bytes {
            return Err(LibraryError::Full { held });
        }
        let clip = self.folder.write(name, bytes, meta, now_ms).map_err(io_error)?;
        self.index().insert(*name, len, now_ms);
        Ok(clip)
    }

    fn make_room(&self, len: u64, now_ms: i64) -> Result<(), LibraryError> {
        let LibraryLimits { max_bytes, min_age_ms, .. } = self.limits;
        let victims = self.index().evictable(max_bytes.saturating_sub(len), min_age_ms, now_ms);
        for name in victims {
            self.delete_unused(&name, min_age_ms, now_ms)?;
        }
        Ok(())
    }

    fn forget_unused(&self, now_ms: i64) -> Result<Vec<ClipName>, LibraryError> {
        let touched = self.index().take_untouched(TOUCH_EVERY_MS);
        for (name, used_ms) in touched {
            self.folder.touch(&name, used_ms).map_err(io_error)?;
        }
        let age_ms = self.limits.max_age_ms;
        let mut gone = self.index().unused(age_ms, now_ms);
        let mut failed = None;
        gone.retain(|name| match self.delete_unused(name, age_ms, now_ms) {
            Ok(deleted) => deleted,
            Err(error) => {
                failed = Some(error);
                false
            }
        });
        failed.map_or(Ok(gone), Err)
    }

    /// Deletes a clip unless it has been used since it was chosen, or by another node on a shared folder.
    fn delete_unused(&self, name: &ClipName, age_ms: i64, now_ms: i64) -> Result<bool, LibraryError> {
        let _guard = self.lock(name);
        let used_ms = self.folder.used_ms(name).unwrap_or(i64::MIN);
        self.index().used(name, used_ms, i64::MAX);
        let is_unused = self.index().is_unused(name, age_ms, now_ms);
        if is_unused {
            self.delete(name)?;
        }
        Ok(is_unused)
    }

    /// Deletes a clip's files; the caller holds its lock.
    fn delete(&self, name: &ClipName) -> Result<(), LibraryError> {
        self.index().remove(name);
        self.folder.delete(name).map_err(io_error)
    }

    fn lock(&self, name: &ClipName) -> MutexGuard<'_, ()> {
        let lock = &self.locks[name.stripe() % LOCKS];
        lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clip {
    /// A strong entity tag with its quotes.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.sha256)
    }
}

impl fmt::Debug for Clip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clip {{ {} bytes, {:?} }}", self.bytes.len(), self.meta)
    }
}

impl fmt::Debug for ClipLibrary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClipLibrary").field("folder", &self.stock.folder).finish_non_exhaustive()
    }
}

/// Runs work that blocks on a thread for it; the work is finished even if its caller goes away.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LibraryError> + Send + 'static,
) -> Result<T, LibraryError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| LibraryError::CutOff(Arc::new(error)))?
}

fn io_error(error: io::Error) -> LibraryError {
    LibraryError::Folder(Arc::new(error))
}

#[cfg(test)]
mod tests;
