//! Request bodies: JSON in plain UTF-8, whole, small and in time, or refused before they cost anything.
//! Compressed bodies are refused: a small one can be a large one in disguise.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::AppState;
use super::problem::Problem;
use crate::intake::{self, InputError};

/// Where batches and whole lists are sent.
const LARGE_PATHS: [&str; 3] = ["/v1/events/batch", "/v1/lexicon", "/v1/speech/warm"];

/// The bytes of one event in any form, or of a batch of CloudEvents; not parsed yet.
pub struct EventBytes {
    /// What they say they are.
    pub media: Media,
    /// At most `max_body_bytes`; of a batch `max_batch_bytes`.
    pub bytes: Bytes,
}

/// The bytes of a batch of events, at most `max_batch_bytes`; not parsed yet.
pub struct BatchBytes {
    /// What they say they are.
    pub media: Media,
    /// As they came.
    pub bytes: Bytes,
}

/// What JSON a body says it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Media {
    /// `application/json`, or another of that family.
    Json,
    /// `application/cloudevents+json`.
    CloudEvent,
    /// `application/cloudevents-batch+json`.
    CloudEventBatch,
}

/// A JSON body, parsed strictly. An empty body is an empty object.
pub struct JsonValue(pub serde_json::Value);

/// The same where whole lists are sent: at most `max_batch_bytes`.
pub struct LargeJson(pub serde_json::Value);

impl FromRequest<AppState> for EventBytes {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let headers = request.headers();
        // The type of a binary event's data may be left out, as SDKs do: it is JSON then.
        let untyped = !headers.contains_key(CONTENT_TYPE) && intake::is_binary(headers);
        let media = if untyped { Media::Json } else { media_of(headers)? };
        let bytes_max = match media {
            Media::Json | Media::CloudEvent => state.limits.max_body_bytes,
            Media::CloudEventBatch => state.limits.max_batch_bytes,
        };
        Ok(Self { media, bytes: read(request, bytes_max).await? })
    }
}

impl FromRequest<AppState> for BatchBytes {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let media = media_of(request.headers())?;
        Ok(Self { media, bytes: read(request, state.limits.max_batch_bytes).await? })
    }
}

impl FromRequest<AppState> for JsonValue {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        json(request, state.limits.max_body_bytes).await.map(Self)
    }
}

impl FromRequest<AppState> for LargeJson {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        json(request, state.limits.max_batch_bytes).await.map(Self)
    }
}

async fn json(request: Request, bytes_max: usize) -> Result<serde_json::Value, Problem> {
    // Actions without members may come without a body, and then without a type.
    let typed = request.headers().contains_key(CONTENT_TYPE);
    if typed {
        media_of(request.headers())?;
    }
    let bytes = read(request, bytes_max).await?;
    if bytes.is_empty() {
        return Ok(serde_json::Value::Object(serde_json::Map::new()));
    }
    if !typed {
        return Err(wrong_type());
    }
    intake::parse_json(&bytes).map_err(|error: InputError| error.into())
}

/// The bound of a body that is read before its route is.
pub(super) fn bytes_max(state: &AppState, request: &Request) -> usize {
    let listed = LARGE_PATHS.contains(&request.uri().path());
    let batch = listed || matches!(media_of(request.headers()), Ok(Media::CloudEventBatch));
    if batch { state.limits.max_batch_bytes } else { state.limits.max_body_bytes }
}

/// The whole body, unless it is compressed, too large or too slow.
pub(super) async fn read(request: Request, bytes_max: usize) -> Result<Bytes, Problem> {
    let headers = request.headers();
    let plain = headers.get_all(CONTENT_ENCODING).iter().all(|coding| coding == "identity");
    if !plain {
        return Err(Problem::unsupported("bodies are not compressed here"));
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > bytes_max as u64) {
        return Err(Problem::too_large(bytes_max));
    }
    match Limited::new(request.into_body(), bytes_max).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::too_large(bytes_max)),
        Err(error) if is_too_slow(&*error) => Err(Problem::too_slow()),
        Err(_) => Err(Problem::bad_request("broken_body", "the body broke off")),
    }
}

/// Whether the gate has lost its patience, somewhere down the chain of causes.
fn is_too_slow(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::TimedOut)
}

fn media_of(headers: &HeaderMap) -> Result<Media, Problem> {
    let mut all = headers.get_all(CONTENT_TYPE).iter();
    let (Some(only), None) = (all.next(), all.next()) else { return Err(wrong_type()) };
    let text = only.to_str().map_err(|_| wrong_type())?;
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let utf8 = parts.all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        Some(_) | None => true,
    });
    match essence.strip_prefix("application/") {
        Some("cloudevents+json") if utf8 => Ok(Media::CloudEvent),
        Some("cloudevents-batch+json") if utf8 => Ok(Media::CloudEventBatch),
        Some(subtype) if utf8 && (subtype == "json" || subtype.ends_with("+json")) => Ok(Media::Json),
        Some(_) | None => Err(wrong_type()),
    }
}

fn wrong_type() -> Problem {
    Problem::unsupported("send application/json in UTF-8")
}
