//! What was read lately and may be used again for a while, by our own clock: a simulation plays the same world again,
//! however slow the machine is.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::Clock;

/// Values that are used again until they are too old.
pub(super) struct Fresh<K, V> {
    clock: Arc<dyn Clock>,
    good_ms: i64,
    most: usize,
    // Std mutex: one look-up a section.
    read: Mutex<HashMap<K, Read<V>>>,
}

struct Read<V> {
    value: V,
    at_ms: i64,
}

impl<K: Eq + Hash, V: Clone> Fresh<K, V> {
    /// None yet; each is good for `good_ms` milliseconds, and there are at most `most` of them.
    pub(super) fn new(clock: Arc<dyn Clock>, good_ms: i64, most: usize) -> Self {
        Self { clock, good_ms, most, read: Mutex::default() }
    }

    /// What was read, unless it is too old.
    pub(super) fn get(&self, key: &K) -> Option<V> {
        let now_ms = self.clock.now().mono_ms;
        let read = self.lock();
        let found = read.get(key).filter(|read| now_ms - read.at_ms < self.good_ms)?;
        Some(found.value.clone())
    }

    /// This was read now. One too many makes all others forgotten: that costs look-ups and nothing else.
    pub(super) fn put(&self, key: K, value: V) {
        let at_ms = self.clock.now().mono_ms;
        let mut read = self.lock();
        if read.len() >= self.most && !read.contains_key(&key) {
            read.clear();
        }
        read.insert(key, Read { value, at_ms });
    }

    /// It was changed.
    pub(super) fn forget(&self, key: &K) {
        self.lock().remove(key);
    }

    /// Any of them may have been changed.
    pub(super) fn forget_all(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Read<V>>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Fresh;
    use crate::clock::{Clock, EpochMs, ManualClock};

    #[test]
    fn what_was_read_is_used_again_until_it_is_too_old_or_changed() {
        let clock = Arc::new(ManualClock::at(EpochMs(0)));
        let fresh = Fresh::new(Arc::clone(&clock) as Arc<dyn Clock>, 2_000, 3);
        fresh.put(1, "a");
        clock.advance_ms(1_999);
        assert_eq!(fresh.get(&1), Some("a"));
        clock.jump_wall_ms(86_400_000);
        assert_eq!(fresh.get(&1), Some("a"), "the wall is not looked at");
        clock.advance_ms(1);
        assert_eq!(fresh.get(&1), None);
        fresh.put(1, "b");
        fresh.put(2, "c");
        fresh.forget(&1);
        assert_eq!((fresh.get(&1), fresh.get(&2)), (None, Some("c")));
        fresh.forget_all();
        assert_eq!(fresh.get(&2), None);
    }

    #[test]
    fn there_are_never_more_than_so_many() {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(EpochMs(0)));
        let fresh = Fresh::new(clock, 2_000, 3);
        for key in 0..100 {
            fresh.put(key, key);
            assert_eq!(fresh.get(&key), Some(key));
            assert!(fresh.lock().len() <= 3);
        }
    }
}
