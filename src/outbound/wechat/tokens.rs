//! The access token of one mini-program: held until shortly before its end, fetched by one for all who wait. That it is not
//! to be had is remembered for a moment, so that a queue of messages does not ask one after the other.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};

use super::TokenError;

/// A place for one token.
pub(super) struct TokenSlot {
    /// Who fetches it: one at a time.
    turns: Semaphore,
    // Std mutex: one look or one change.
    held: Mutex<Option<Held>>,
}

/// What is known, and until when.
struct Held {
    token: Result<SecretString, TokenError>,
    until_mono_ms: i64,
}

/// WeChat lets a token be good for five minutes after it has made the next one; ours is left before that.
const EARLY_MS: i64 = 300_000;
/// For so long nobody asks again for a token that was not to be had.
const FAILED_MS: i64 = 1_000;
/// The same where WeChat has refused our credentials: nobody puts that right within seconds.
const REFUSED_MS: i64 = 30_000;

impl TokenSlot {
    /// The token, or why there is none, if that is known for now.
    pub(super) fn held(&self, now_mono_ms: i64) -> Option<Result<SecretString, TokenError>> {
        let held = self.lock();
        held.as_ref().filter(|held| now_mono_ms < held.until_mono_ms).map(|held| held.token.clone())
    }

    /// Waits until nobody else fetches it.
    pub(super) async fn turn(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.turns.acquire().await
    }

    /// Keeps what was fetched: a token and its seconds, or why there is none.
    pub(super) fn keep(
        &self,
        fetched: Result<(SecretString, i64), TokenError>,
        now_mono_ms: i64,
    ) -> Result<SecretString, TokenError> {
        let (token, for_ms) = match fetched {
            Ok((token, seconds)) => {
                let whole_ms = seconds.saturating_mul(1_000);
                (Ok(token), (whole_ms - EARLY_MS).max(whole_ms / 2))
            }
            Err(TokenError::Unavailable) => (Err(TokenError::Unavailable), FAILED_MS),
            Err(TokenError::Refused(code)) => (Err(TokenError::Refused(code)), REFUSED_MS),
        };
        let until_mono_ms = now_mono_ms.saturating_add(for_ms);
        *self.lock() = Some(Held { token: token.clone(), until_mono_ms });
        token
    }

    /// Lets go of this token, unless there is another one by now.
    pub(super) fn forget(&self, stale: &SecretString) {
        let mut held = self.lock();
        let is_it = |held: &Held| {
            held.token.as_ref().is_ok_and(|token| token.expose_secret() == stale.expose_secret())
        };
        if held.as_ref().is_some_and(is_it) {
            *held = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for TokenSlot {
    fn default() -> Self {
        Self { turns: Semaphore::new(1), held: Mutex::default() }
    }
}

impl fmt::Debug for TokenSlot {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TokenSlot").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::{ExposeSecret, SecretString};

    use super::{TokenError, TokenSlot};

    fn shown(held: Option<Result<SecretString, TokenError>>) -> Option<String> {
        held.map(|held| held.map_or_else(|error| error.to_string(), |token| token.expose_secret().to_owned()))
    }

    #[test]
    fn a_token_is_left_five_minutes_before_its_end() {
        let slot = TokenSlot::default();
        assert!(slot.held(0).is_none());
        slot.keep(Ok(("one".into(), 7_200)), 1_000).unwrap();
        assert_eq!(shown(slot.held(6_900_999)).as_deref(), Some("one"));
        assert!(slot.held(6_901_000).is_none());
        // One of which little is left is held for half of that.
        slot.keep(Ok(("two".into(), 300)), 0).unwrap();
        assert!(slot.held(149_999).is_some() && slot.held(150_000).is_none());
    }

    #[test]
    fn a_failure_is_remembered_for_a_moment() {
        let slot = TokenSlot::default();
        assert_eq!(slot.keep(Err(TokenError::Unavailable), 0).unwrap_err(), TokenError::Unavailable);
        assert!(slot.held(999).is_some_and(|held| held.is_err()) && slot.held(1_000).is_none());
        let refused = slot.keep(Err(TokenError::Refused(40_125)), 0);
        assert_eq!(refused.unwrap_err(), TokenError::Refused(40_125));
        assert!(slot.held(29_999).is_some() && slot.held(30_000).is_none());
    }

    #[test]
    fn a_stale_token_is_forgotten_and_a_fresh_one_is_not() {
        let slot = TokenSlot::default();
        let one: SecretString = "one".into();
        slot.keep(Ok((one.clone(), 7_200)), 0).unwrap();
        slot.forget(&"two".into());
        assert!(slot.held(0).is_some());
        slot.forget(&one);
        assert!(slot.held(0).is_none());
    }
}
