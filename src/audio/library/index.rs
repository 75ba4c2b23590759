//! What the library knows of its clips without opening them: sizes and last uses, and from these what may go.
//! Pure values; the folder is changed by the caller.

use std::collections::HashMap;

use super::name::ClipName;

/// Eviction goes on until this share (in 100) of the cap is left, so that not every new clip causes a search.
const EVICT_TO_PERCENT: u64 = 90;
/// When everything is too young to go, the next search waits this long.
const SEARCH_PAUSE_MS: i64 = 10_000;

/// The clips in the folder.
#[derive(Debug, Default)]
pub(super) struct Index {
    entries: HashMap<ClipName, Entry>,
    total_bytes: u64,
    search_after_ms: i64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    bytes: u64,
    used_ms: i64,
    touched_ms: i64,
}

impl Index {
    /// Notes a clip of `bytes` length on disk, last used at `used_ms`.
    pub(super) fn insert(&mut self, name: ClipName, bytes: u64, used_ms: i64) {
        self.remove(&name);
        self.entries.insert(name, Entry { bytes, used_ms, touched_ms: used_ms });
        self.total_bytes += bytes;
    }

    /// Forgets a clip.
    pub(super) fn remove(&mut self, name: &ClipName) {
        if let Some(entry) = self.entries.remove(name) {
            self.total_bytes -= entry.bytes;
        }
    }

    pub(super) fn contains(&self, name: &ClipName) -> bool {
        self.entries.contains_key(name)
    }

    /// Notes a use. True when the use should be written to disk: the last one written is over `every_ms` old.
    pub(super) fn used(&mut self, name: &ClipName, now_ms: i64, every_ms: i64) -> bool {
        let Some(entry) = self.entries.get_mut(name) else { return false };
        entry.used_ms = entry.used_ms.max(now_ms);
        let due = now_ms.saturating_sub(entry.touched_ms) >= every_ms;
        if due {
            entry.touched_ms = now_ms;
        }
        due
    }

    /// Whether a clip is here and was not used within `min_age_ms`.
    pub(super) fn is_unused(&self, name: &ClipName, min_age_ms: i64, now_ms: i64) -> bool {
        self.entries.get(name).is_some_and(|entry| now_ms - entry.used_ms >= min_age_ms)
    }

    /// The clips that were not used within `age_ms`.
    pub(super) fn unused(&self, age_ms: i64, now_ms: i64) -> Vec<ClipName> {
        let old = self.entries.iter().filter(|(_, entry)| now_ms - entry.used_ms >= age_ms);
        old.map(|(name, _)| *name).collect()
    }

    /// The clips whose last use is over `every_ms` later than what is written of it, with that use: it is to be written.
    pub(super) fn take_untouched(&mut self, every_ms: i64) -> Vec<(ClipName, i64)> {
        let due = |entry: &Entry| entry.used_ms.saturating_sub(entry.touched_ms) >= every_ms;
        let untouched = self.entries.iter_mut().filter(|(_, entry)| due(entry));
        untouched
            .map(|(name, entry)| {
                entry.touched_ms = entry.used_ms;
                (*name, entry.used_ms)
            })
            .collect()
    }

    pub(super) fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The clips to delete when more than `max_bytes` are kept: those unused longest, none used within `min_age_ms`.
    pub(super) fn evictable(&mut self, max_bytes: u64, min_age_ms: i64, now_ms: i64) -> Vec<ClipName> {
        if self.total_bytes <= max_bytes || now_ms < self.search_after_ms {
            return Vec::new();
        }
        let mut old: Vec<(i64, ClipName, u64)> = self
            .entries
            .iter()
            .filter(|(_, entry)| now_ms - entry.used_ms >= min_age_ms)
            .map(|(name, entry)| (entry.used_ms, *name, entry.bytes))
            .collect();
        old.sort_unstable();
        let mut left = self.total_bytes;
        let goal = max_bytes / 100 * EVICT_TO_PERCENT;
        let mut victims = Vec::new();
        for (_, name, bytes) in old {
            if left <= goal {
                break;
            }
            left -= bytes;
            victims.push(name);
        }
        if left > max_bytes {
            self.search_after_ms = now_ms + SEARCH_PAUSE_MS;
        }
        victims
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::ClipFormat;

    fn name(n: u32) -> ClipName {
        ClipName::of_hex(&format!("{n:040x}"), ClipFormat::Mp3).unwrap()
    }

    #[test]
    fn the_longest_unused_go_first_and_the_young_never() {
        let mut index = Index::default();
        for n in 0..10 {
            index.insert(name(n), 100, i64::from(n) * 1_000);
        }
        index.used(&name(0), 9_500, i64::MAX);
        assert_eq!(index.evictable(1_000, 0, 10_000), []);
        assert_eq!(index.evictable(800, 3_000, 10_000), [name(1), name(2), name(3)]);
        assert_eq!(index.evictable(200, 7_500, 10_000), [name(1), name(2)]);
        // All that is left is young: no search for ten seconds.
        assert_eq!(index.evictable(200, 0, 19_999), []);
        assert!(!index.evictable(200, 0, 20_000).is_empty());
    }

    #[test]
    fn sizes_are_counted_once() {
        let mut index = Index::default();
        index.insert(name(1), 100, 0);
        index.insert(name(1), 40, 0);
        assert_eq!((index.total_bytes(), index.len()), (40, 1));
        index.remove(&name(1));
        index.remove(&name(1));
        assert_eq!((index.total_bytes(), index.len()), (0, 0));
    }

    #[test]
    fn a_use_is_written_down_once_an_hour() {
        let mut index = Index::default();
        index.insert(name(1), 100, 0);
        assert!(!index.used(&name(1), 3_599, 3_600));
        assert!(index.used(&name(1), 3_600, 3_600));
        assert!(!index.used(&name(1), 3_601, 3_600));
        assert!(!index.used(&name(2), 9_999, 3_600));
    }
}
