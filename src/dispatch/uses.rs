//! When a key was last used: to ten minutes, noted beside the request, which it never delays or fails.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::debug;

use super::Dispatch;
use crate::domain::app::ApiKey;
use crate::domain::{EpochMs, KeyId};

/// Uses that were noted here lately.
#[derive(Default)]
pub(super) struct Uses(Mutex<HashMap<KeyId, EpochMs>>);

/// A key in use costs one write in this time.
const NOTED_FOR_MS: i64 = 600_000;
/// Beyond so many, those whose time is over are let go.
const TIDY_ABOVE: usize = 1_000;

impl Uses {
    /// Whether this use is the first in its time.
    fn begins(&self, key: KeyId, now: EpochMs) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = |at: &EpochMs| now.since_ms(*at) < NOTED_FOR_MS;
        if noted.get(&key).is_some_and(recent) {
            return false;
        }
        if noted.len() > TIDY_ABOVE {
            noted.retain(|_, at| recent(at));
        }
        noted.insert(key, now);
        true
    }
}

impl Dispatch {
    /// Notes that a key is in use, in a task of its own.
    pub fn note_key_use(self: &Arc<Self>, key: &ApiKey) {
        let now = self.wall();
        let known = key.last_used_at.is_some_and(|at| now.since_ms(at) < NOTED_FOR_MS);
        if known || !self.uses.begins(key.id, now) {
            return;
        }
        let (dispatch, id) = (Arc::clone(self), key.id);
        self.lifecycle.spawn(async move {
            if let Err(error) = dispatch.store.note_key_use(id, now).await {
                debug!(key.id = %id, error = &error as &dyn std::error::Error, "Use of a key not noted.");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{TIDY_ABOVE, Uses};
    use crate::domain::{EpochMs, KeyId};

    #[test]
    fn a_key_is_noted_once_in_ten_minutes() {
        let uses = Uses::default();
        let key = |number: u64| {
            let mut entropy = [0; 10];
            entropy[2..].copy_from_slice(&number.to_be_bytes());
            KeyId::new(EpochMs(1), entropy)
        };
        let told = [0, 1, 599_999, 600_000, 600_001].map(|at| uses.begins(key(1), EpochMs(at)));
        assert_eq!(told, [true, false, false, true, false]);
        for number in 2..TIDY_ABOVE as u64 + 10 {
            assert!(uses.begins(key(number), EpochMs(600_000)));
        }
        assert!(uses.begins(key(1), EpochMs(1_200_000)));
        assert!(uses.0.lock().unwrap().len() < TIDY_ABOVE, "what is old is let go");
    }
}
