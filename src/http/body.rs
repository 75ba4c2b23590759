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

/// The bytes of a JSON body, not parsed yet.
pub struct JsonBytes(pub Bytes);

/// A JSON body, parsed strictly. An empty body is an empty object.
pub struct JsonValue(pub serde_json::Value);

impl FromRequest<AppState> for JsonBytes {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        check_type(request.headers())?;
        read(request, state.limits.max_body_bytes, state).await.map(Self)
    }
}

impl FromRequest<AppState> for JsonValue {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        // Actions without members may come without a body, and then without a type.
        let typed = request.headers().contains_key(CONTENT_TYPE);
        if typed {
            check_type(request.headers())?;
        }
        let bytes = read(request, state.limits.max_body_bytes, state).await?;
        if bytes.is_empty() {
            return Ok(Self(serde_json::Value::Object(serde_json::Map::new())));
        }
        if !typed {
            return Err(wrong_type());
        }
        intake::parse_json(&bytes).map(Self).map_err(|error: InputError| error.into())
    }
}

/// The whole body, unless it is compressed, too large or too slow.
pub(super) async fn read(request: Request, bytes_max: usize, state: &AppState) -> Result<Bytes, Problem> {
    let headers = request.headers();
    let plain = headers.get_all(CONTENT_ENCODING).iter().all(|coding| coding == "identity");
    if !plain {
        return Err(Problem::unsupported("bodies are not compressed here"));
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > bytes_max as u64) {
        return Err(Problem::too_large(bytes_max));
    }
    let whole = Limited::new(request.into_body(), bytes_max).collect();
    match tokio::time::timeout(state.limits.body_timeout, whole).await {
        Err(_) => Err(Problem::too_slow()),
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::too_large(bytes_max)),
        Ok(Err(_)) => Err(Problem::bad_request("broken_body", "the body broke off")),
    }
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let json =
        essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    let utf8 = parts.all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
            value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        Some(_) | None => true,
    });
    if json && utf8 { Ok(()) } else { Err(wrong_type()) }
}

fn wrong_type() -> Problem {
    Problem::unsupported("send application/json in UTF-8")
}
