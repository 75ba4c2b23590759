//! A token that is fetched before the first sentence, kept as long as it is good, and fetched anew when it is refused.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value as Json;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::failure::{check_pointer, text, unanswered};
use super::profile::ProfileError;
use super::request::{Request, RequestSpec};
use super::template::{Known, Value};
use super::values::{Stamp, Values};
use super::{ask, time_left};
use crate::outbound::service::Services;
use crate::speech::engine::{EngineError, EngineFailure};

/// A token that ends within this is not used any more: it must outlive the sentence, and clocks differ.
const EARLY: Duration = Duration::from_mins(1);

/// A token as it stands in a profile.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenSpec {
    /// How it is asked for.
    pub(super) request: RequestSpec,
    /// Where it stands in the answer.
    pointer: String,
    /// Where its life in seconds stands.
    expires_in: Option<String>,
    /// Or where its end stands, in seconds since 1970.
    expires_at: Option<String>,
    /// Its life in seconds where the answer says nothing.
    #[serde(default = "an_hour")]
    lifetime_s: u32,
}

fn an_hour() -> u32 {
    3_600
}

/// Where tokens come from.
pub(super) struct Tokens {
    request: Request,
    pointer: String,
    expires_in: Option<String>,
    expires_at: Option<String>,
    lifetime: Duration,
    kept: Mutex<Option<Kept>>,
    /// One fetches, the others wait for it.
    turn: Semaphore,
}

#[derive(Clone)]
struct Kept {
    token: SecretString,
    /// By the monotonic clock.
    until_ms: i64,
}

/// What a token is fetched with.
pub(super) struct Fetching<'a> {
    pub(super) services: &'a Services,
    pub(super) params: &'a BTreeMap<String, Value>,
    pub(super) secrets: &'a BTreeMap<String, SecretString>,
    pub(super) until: Instant,
}

impl Tokens {
    pub(super) fn read(spec: &TokenSpec, known: &Known<'_>) -> Result<Self, ProfileError> {
        let pointers = [Some(&spec.pointer), spec.expires_in.as_ref(), spec.expires_at.as_ref()];
        for pointer in pointers.into_iter().flatten() {
            check_pointer(pointer, "auth")?;
        }
        Ok(Self {
            request: Request::read(&spec.request, "auth.request", known)?,
            pointer: spec.pointer.clone(),
            expires_in: spec.expires_in.clone(),
            expires_at: spec.expires_at.clone(),
            lifetime: Duration::from_secs(spec.lifetime_s.into()),
            kept: Mutex::new(None),
            turn: Semaphore::new(1),
        })
    }

    pub(super) fn request(&self) -> &Request {
        &self.request
    }

    /// The token: the kept one, if it is good and not the one that was just refused, else a new one.
    pub(super) async fn token(
        &self,
        refused: Option<&SecretString>,
        with: &Fetching<'_>,
    ) -> Result<SecretString, EngineError> {
        if let Some(token) = self.good(refused, with.services) {
            return Ok(token);
        }
        // Nobody closes this semaphore; were it closed, two would fetch, which is right as well.
        let _turn = self.turn.acquire().await.ok();
        if let Some(token) = self.good(refused, with.services) {
            return Ok(token);
        }
        let kept = self.fetched(with).await?;
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept.clone());
        Ok(kept.token)
    }

    fn good(&self, refused: Option<&SecretString>, services: &Services) -> Option<SecretString> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let stale = refused.is_some_and(|refused| refused.expose_secret() == kept.token.expose_secret());
        (!stale && services.clock().now().mono_ms < kept.until_ms).then_some(kept.token)
    }

    async fn fetched(&self, with: &Fetching<'_>) -> Result<Kept, EngineError> {
        let stamp = Stamp::new(with.services.clock());
        let values = Values::of_call(&stamp, with.params, with.secrets);
        let request = ask(self.request.fill(&values), time_left(with.until));
        let response = with.services.call(request).await.map_err(unanswered)?;
        let json: Option<Json> = serde_json::from_slice(&response.body).ok();
        let at = |pointer: &str| json.as_ref().and_then(|json| json.pointer(pointer)).and_then(text);
        let token = at(&self.pointer).filter(|token| !token.is_empty());
        match (response.status, token) {
            (200..=299, Some(token)) => {
                let now = with.services.clock().now();
                let told = |pointer: &Option<String>| at(pointer.as_deref()?);
                let left = told(&self.expires_in).and_then(|seconds| seconds.parse::<f64>().ok());
                let left = left.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                let end = told(&self.expires_at).and_then(|seconds| seconds.parse::<i64>().ok());
                // An end that is past by our clock tells of the clock: a token is not given for no time.
                let until_end = end.and_then(|end| u64::try_from(end - now.wall.0 / 1_000).ok());
                let life = left.or(until_end.map(Duration::from_secs)).unwrap_or(self.lifetime);
                // Half of a very short life: less than a minute early is better than one fetch for each sentence.
                let good_for = life.saturating_sub(EARLY).max(life / 2);
                let good_for_ms = i64::try_from(good_for.as_millis()).unwrap_or(i64::MAX);
                let until_ms = now.mono_ms.saturating_add(good_for_ms);
                Ok(Kept { token: SecretString::from(token), until_ms })
            }
            (status, _) => Err(refusal(status, response.retry_after)),
        }
    }
}

/// What it means that there is no token. Nothing of the answer is told: it may be half of one.
fn refusal(status: u16, retry_after: Option<Duration>) -> EngineError {
    let failure = match status {
        400 | 401 | 403 => EngineFailure::Auth,
        402 => EngineFailure::Quota,
        404 | 405 => EngineFailure::Configuration,
        429 => EngineFailure::RateLimited { retry_after },
        500..=599 => EngineFailure::Retry,
        _ => EngineFailure::Broken,
    };
    EngineError::new(failure, format!("no token was given, answered {status}"))
}
