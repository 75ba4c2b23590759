//! A maker's service: one call of it, bounded in time and size, and what its failure means.
//! What a status says is the same for all; what a code says is each protocol's own table.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use secrecy::SecretString;
use tokio::time::Instant;

use super::words::{Private, quoted};
use crate::clock::Clock;
use crate::outbound::OutboundError;
use crate::outbound::service::{ServiceError, ServiceRequest, ServiceResponse, Services};
use crate::speech::engine::{BarePcm, EngineError, EngineFailure, EngineRequest, EngineSound};

/// Bytes of one answer: a minute of bare 48 kHz samples in base64 is 7.7 MB, and a sentence is seldom ten seconds.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// What every file that players know begins with.
const CONTAINERS: [&[u8]; 4] = [b"RIFF", b"ID3", b"fLaC", b"OggS"];

/// A service with the credentials it is called with.
#[derive(Debug)]
pub(super) struct Maker {
    services: Arc<Services>,
    secrets: Vec<SecretString>,
}

/// One attempt to have a text spoken. It may take more than one exchange, but has one deadline.
pub(super) struct Attempt<'a> {
    maker: &'a Maker,
    text: &'a str,
    until: Instant,
}

impl Maker {
    pub(super) fn new(services: Arc<Services>, secrets: Vec<SecretString>) -> Self {
        Self { services, secrets }
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        self.services.clock()
    }

    /// An id that nobody has used: what makers want in every request.
    pub(super) fn fresh_id(&self) -> String {
        let (now, entropy) = (self.clock().now(), self.clock().entropy());
        let ms = u64::try_from(now.wall.0).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(ms, &entropy).into_uuid().to_string()
    }

    pub(super) fn attempt<'a>(&'a self, request: &EngineRequest<'a>) -> Attempt<'a> {
        Attempt { maker: self, text: request.part.text(), until: Instant::now() + request.deadline }
    }
}

impl Attempt<'_> {
    /// Posts a body.
    pub(super) async fn post(
        &self,
        url: &str,
        headers: HeaderMap,
        body: String,
    ) -> Result<ServiceResponse, EngineError> {
        let request = self.request(Method::POST, url, headers, Bytes::from(body));
        self.checked(self.maker.services.call(request).await)
    }

    /// Gets what lies at a URL that the service gave, without any credential: on the public network only, unless the
    /// operator trusts its host.
    pub(super) async fn get(&self, url: &str, trust: Trust) -> Result<ServiceResponse, EngineError> {
        let request = self.request(Method::GET, url, HeaderMap::new(), Bytes::new());
        self.checked(match trust {
            Trust::PublicOnly => self.maker.services.fetch(request).await,
            Trust::Named => self.maker.services.call(request).await,
        })
    }

    fn request(&self, method: Method, url: &str, mut headers: HeaderMap, body: Bytes) -> ServiceRequest {
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        let timeout = self.until.saturating_duration_since(Instant::now());
        ServiceRequest {
            method,
            url: url.to_owned(),
            headers,
            body,
            timeout,
            answer_bytes_max: ANSWER_BYTES_MAX,
        }
    }

    /// The answer, if it came as it was asked for: whole, not compressed, not from somewhere else.
    fn checked(&self, answer: Result<ServiceResponse, ServiceError>) -> Result<ServiceResponse, EngineError> {
        let response = answer.map_err(failed)?;
        let coding = response.headers.get(CONTENT_ENCODING);
        if coding.is_some_and(|coding| coding.as_bytes() != b"identity") {
            return Err(self.refused(EngineFailure::Broken, "", "the answer is compressed, unasked"));
        }
        match response.status {
            300..=399 => {
                let told = format!("it redirects elsewhere (status {})", response.status);
                Err(self.refused(EngineFailure::Broken, "", &told))
            }
            _ => Ok(response),
        }
    }

    /// A refusal in the service's own words, as far as they may be told.
    pub(super) fn refused(&self, failure: EngineFailure, code: &str, message: &str) -> EngineError {
        let private = Private { text: self.text, secrets: &self.maker.secrets };
        let told: Vec<String> = [code, message].iter().filter_map(|words| quoted(words, &private)).collect();
        if told.is_empty() {
            return EngineError::new(failure, "refused, in words that cannot be quoted");
        }
        EngineError::new(failure, told.join(": "))
    }
}

/// A refusal that is told by its status alone.
pub(super) fn refused_by_status(response: &ServiceResponse) -> EngineError {
    let what = if is_page(response) { ", with a page" } else { "" };
    EngineError::new(by_status(response), format!("status {}{what}", response.status))
}

/// An answer that is none of the protocol's.
pub(super) fn not_theirs(response: &ServiceResponse) -> EngineError {
    match response.status {
        200..=299 => EngineError::new(EngineFailure::Broken, "the answer is none of this protocol"),
        _ => refused_by_status(response),
    }
}

/// What is said before anything is asked.
pub(super) fn no_voice() -> EngineError {
    EngineError::new(EngineFailure::Configuration, "no voice for this language")
}

/// As above.
pub(super) fn too_long() -> EngineError {
    EngineError::new(EngineFailure::BadText, "the text is too long")
}

/// The sound in a body that is nothing else.
pub(super) fn sound(response: ServiceResponse, bare: Option<BarePcm>) -> Result<EngineSound, EngineError> {
    if is_page(&response) {
        return Err(EngineError::new(EngineFailure::Broken, "a page came in place of sound"));
    }
    sound_of(response.body, bare)
}

/// Whose URL it is that a service gave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Trust {
    /// Anybody's: it must lead to the public network.
    PublicOnly,
    /// Its host is one that the operator has named.
    Named,
}

/// What a status means where nothing else is said.
pub(super) fn by_status(response: &ServiceResponse) -> EngineFailure {
    let retry_after = response.retry_after;
    match response.status {
        401 | 403 | 407 => EngineFailure::Auth,
        402 => EngineFailure::Quota,
        413 => EngineFailure::BadText,
        429 => EngineFailure::RateLimited { retry_after },
        400 | 404..=406 | 410 | 411 | 414 | 415 | 422 => EngineFailure::Configuration,
        503 if retry_after.is_some() => EngineFailure::RateLimited { retry_after },
        408 | 425 | 500..=599 => EngineFailure::Retry,
        _ => EngineFailure::Broken,
    }
}

/// What base64 stands for.
pub(super) fn decoded(text: &str) -> Result<Vec<u8>, EngineError> {
    let broken =
        |error| EngineError::new(EngineFailure::Broken, "the sound is no base64").because(Box::new(error));
    STANDARD.decode(text.trim()).map_err(broken)
}

/// Bytes as a sound. Those of a file say themselves what they are, whatever was asked for.
pub(super) fn sound_of(bytes: Bytes, bare: Option<BarePcm>) -> Result<EngineSound, EngineError> {
    if bytes.is_empty() {
        return Err(EngineError::new(EngineFailure::Broken, "the sound is empty"));
    }
    let is_file = CONTAINERS.iter().any(|magic| bytes.starts_with(magic));
    Ok(EngineSound { bytes, bare: if is_file { None } else { bare } })
}

/// Whether the body is a text of some sort: a login page, an error of a proxy.
fn is_page(response: &ServiceResponse) -> bool {
    let mime = response.headers.get(CONTENT_TYPE).and_then(|mime| mime.to_str().ok()).unwrap_or_default();
    let starts = |prefix: &str| mime.trim_start().to_ascii_lowercase().starts_with(prefix);
    let is_text = starts("text/") || starts("application/json") || starts("application/xml");
    if is_text || starts("audio/") || starts("application/octet-stream") {
        return is_text;
    }
    // Bare samples may begin with any byte, but are no text for long.
    let text = str::from_utf8(&response.body).unwrap_or_default();
    text.trim_start().starts_with(['<', '{'])
}

/// What it means that there is no whole answer.
fn failed(error: ServiceError) -> EngineError {
    let (failure, detail) = match &error {
        // The connection was a kept one that ended, or the service went down in the middle of it.
        ServiceError::Call(OutboundError::Broken(_)) => (EngineFailure::Retry, "the connection broke"),
        ServiceError::Call(OutboundError::TimedOut) => (EngineFailure::Broken, "no answer in time"),
        ServiceError::Call(OutboundError::Unreachable(_)) => (EngineFailure::Broken, "no connection"),
        ServiceError::Call(OutboundError::Busy) => (EngineFailure::Retry, "too many calls are under way"),
        ServiceError::Call(OutboundError::NotAllowed(_)) => {
            (EngineFailure::Configuration, "it hands out a URL that may not be called")
        }
        ServiceError::BadUrl => (EngineFailure::Configuration, "the URL cannot be called"),
        ServiceError::TooLong(_) => (EngineFailure::Broken, "the answer is too long"),
    };
    EngineError::new(failure, detail).because(error)
}

/// How long to leave an account alone whose allowance for a minute is used up.
pub(super) const A_MINUTE: Option<Duration> = Some(Duration::from_mins(1));
