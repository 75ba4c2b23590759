//! Answers: one envelope for success, one problem document (RFC 9457) for everything else.
//! A 5xx never shows its cause; the log has it, once, under the same request id.

pub mod catalogue;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use tracing::error;
use utoipa::ToSchema;

use super::listener::Refusal;
use super::request_id;
use crate::dispatch::{
    AcceptError, KeyError, RedeliverError, ReportError, SettingsError, SettleError, TargetError, TokenError,
};
use crate::domain::IdError;
use crate::intake::InputError;
use crate::intake::signature::SignatureError;
use crate::store::StoreError;

/// Why a request was not done. docs/errors.md lists every `error`.
// In a box: it travels in the error half of every handler's result.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    status: StatusCode,
    /// Stable word.
    error: &'static str,
    detail: String,
    pointer: Option<String>,
    header: Option<(HeaderName, HeaderValue)>,
}

/// A problem as it is told of one item of many: without what is the same for all.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ItemProblem {
    /// What a request for this item alone would have been answered with.
    pub status: u16,
    /// Stable word.
    pub error: &'static str,
    /// For people.
    pub detail: String,
    /// The member at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

/// What handlers return.
pub type Answer<T> = Result<Success<T>, Problem>;

/// The envelope of success.
pub struct Success<T>(pub T);

/// Success.
#[derive(Serialize, ToSchema)]
pub struct Envelope<T> {
    /// 0.
    #[schema(minimum = 0, maximum = 0)]
    code: u32,
    /// `ok`.
    msg: &'static str,
    data: T,
    /// The id of this request, here and in our log.
    request_id: String,
}

/// A problem (RFC 9457), with the members that callers look for who do not know that standard.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Document {
    /// `urn:orderbell:problem:` and the word of `error`.
    r#type: String,
    /// The status in words.
    title: &'static str,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// For people: what is wrong with this request.
    detail: String,
    /// The status again, and never 0: callers who look at `code` alone see the failure.
    #[schema(minimum = 400, maximum = 599)]
    code: u16,
    /// The same as `detail`.
    msg: String,
    /// Stable word, listed with its meaning in the error catalogue.
    error: &'static str,
    /// JSON pointer (RFC 6901) of the member at fault, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    /// The id of this request, here and in our log.
    request_id: String,
}

impl<T: Serialize> IntoResponse for Success<T> {
    fn into_response(self) -> Response {
        Json(Envelope { code: 0, msg: "ok", data: self.0, request_id: request_id() }).into_response()
    }
}

impl Problem {
    pub(super) fn new(status: StatusCode, error: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Parts { status, error, detail: detail.into(), pointer: None, header: None }))
    }

    /// 400 with the member at fault.
    #[must_use]
    pub fn at(error: &'static str, pointer: &str, detail: impl Into<String>) -> Self {
        let mut problem = Self::new(StatusCode::BAD_REQUEST, error, detail);
        problem.0.pointer = Some(pointer.to_owned());
        problem
    }

    /// 400 without a member at fault.
    #[must_use]
    pub fn bad_request(error: &'static str, detail: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, detail)
    }

    /// 401.
    #[must_use]
    pub fn unauthorized(error: &'static str, detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, error, detail)
            .with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 401: no live key came with the request.
    #[must_use]
    pub fn bad_key() -> Self {
        Self::unauthorized("bad_key", "send a live API key as Authorization: Bearer")
    }

    /// 401: what claims to be signed is not, or by nobody known.
    #[must_use]
    pub fn bad_signature() -> Self {
        Self::unauthorized("bad_signature", "no live key has signed this")
    }

    /// 403: the key is good, but not for this.
    #[must_use]
    pub fn forbidden(scope: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "missing_scope", format!("the key lacks the scope {scope}"))
    }

    /// 403: a URL that this server has not made, or that has ended.
    #[must_use]
    pub fn bad_url(error: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, error, detail)
    }

    /// 403: this key is for tests, and this would change what real riders hear.
    #[must_use]
    pub fn test_key() -> Self {
        Self::new(StatusCode::FORBIDDEN, "test_key", "a test key does not change what real riders hear")
    }

    /// 409: this key is for tests, and this rider is not.
    #[must_use]
    pub fn not_a_test_rider() -> Self {
        Self::conflict("not_a_test_rider", "a test key writes test riders, and this rider is none")
    }

    /// 404.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no such {what}"))
    }

    /// 405. The router adds `Allow`.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this address takes other methods")
    }

    /// 408.
    #[must_use]
    pub fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body did not arrive in time")
    }

    /// 409.
    #[must_use]
    pub fn conflict(error: &'static str, detail: &str) -> Self {
        Self::new(StatusCode::CONFLICT, error, detail)
    }

    /// 413.
    #[must_use]
    pub fn too_large(bytes_max: usize) -> Self {
        let detail = format!("the body is larger than {bytes_max} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    }

    /// 415.
    #[must_use]
    pub fn unsupported(detail: &str) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
    }

    /// 429: not now; in so many seconds perhaps.
    #[must_use]
    pub fn too_many(error: &'static str, detail: impl Into<String>, retry_after_s: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, error, detail)
            .with(RETRY_AFTER, HeaderValue::from(retry_after_s))
    }

    /// A request that is not looked at: 400, 414, 431, 505.
    #[must_use]
    pub fn refused(refusal: Refusal) -> Self {
        let (status, detail) = match refusal {
            Refusal::RequestLine => (
                StatusCode::BAD_REQUEST,
                "a request begins with METHOD /path HTTP/1.1, the path percent-encoded; TLS and HTTP/2 are not spoken here",
            ),
            Refusal::Version => (StatusCode::HTTP_VERSION_NOT_SUPPORTED, "HTTP/1.1 and 1.0 are spoken here"),
            Refusal::UriTooLong => (StatusCode::URI_TOO_LONG, "the path with its query is too long"),
            Refusal::HeadTooLarge => {
                (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "too many headers, or too long ones")
            }
            Refusal::Header => (StatusCode::BAD_REQUEST, "a header line is not name: value"),
            Refusal::Host => (StatusCode::BAD_REQUEST, "send one Host header with a name or an address"),
            Refusal::Framing => {
                (StatusCode::BAD_REQUEST, "send one Content-Length, or Transfer-Encoding: chunked, not both")
            }
        };
        Self::new(status, refusal.word(), detail)
    }

    /// What a sender to a hook is told whose profile has no words for it.
    #[must_use]
    pub fn of_hook(status: u16, error: &'static str, detail: String) -> Self {
        Self::new(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), error, detail)
    }

    /// 426: this address speaks WebSocket, version 13.
    #[must_use]
    pub fn upgrade_required() -> Self {
        Self::new(
            StatusCode::UPGRADE_REQUIRED,
            "upgrade_required",
            "this address speaks WebSocket, version 13",
        )
        .with(http::header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))
    }

    /// 416 for a resource of `len` bytes.
    #[must_use]
    pub fn range_not_satisfiable(len: u64) -> Self {
        let problem = Self::new(StatusCode::RANGE_NOT_SATISFIABLE, "bad_range", "no such range of bytes");
        match HeaderValue::from_str(&format!("bytes */{len}")) {
            Ok(value) => problem.with(http::header::CONTENT_RANGE, value),
            Err(_) => problem,
        }
    }

    /// 503: nothing was done; try again.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "nothing was done; try again later")
            .with(RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// 503: it may be done or not; trying again finds out.
    #[must_use]
    pub fn unsure() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "outcome_unknown",
            "nobody knows whether it was done; try again later, with the same id",
        )
        .with(RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// 500 with the cause in the log only.
    #[must_use]
    pub fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        error!(request.id = request_id(), error = cause, "Request failed.");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong here")
    }

    /// 500 for a handler that panicked; the panic itself is in the log already.
    #[must_use]
    pub fn panicked() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong here")
    }

    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.header = Some((name, value));
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Parts { status, error, detail, pointer, header } = *self.0;
        let document = Document {
            r#type: format!("urn:orderbell:problem:{error}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            msg: detail.clone(),
            detail,
            code: status.as_u16(),
            error,
            pointer,
            request_id: request_id(),
        };
        let mut response = (status, Json(document)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some((name, value)) = header {
            headers.insert(name, value);
        }
        response
    }
}

impl From<Problem> for ItemProblem {
    fn from(problem: Problem) -> Self {
        let Parts { status, error, detail, pointer, .. } = *problem.0;
        Self { status: status.as_u16(), error, detail, pointer }
    }
}

impl From<InputError> for Problem {
    fn from(error: InputError) -> Self {
        let mut problem = Self::new(StatusCode::BAD_REQUEST, error.error, error.detail);
        problem.0.pointer = error.pointer;
        problem
    }
}

impl From<IdError> for Problem {
    fn from(error: IdError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_id", format!("the id in the path {error}"))
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => {
                error!(
                    request.id = request_id(),
                    error = &error as &dyn std::error::Error,
                    "Store unavailable."
                );
                Self::unavailable()
            }
            StoreError::Unsure(_) => {
                error!(
                    request.id = request_id(),
                    error = &error as &dyn std::error::Error,
                    "Store failed during a commit."
                );
                Self::unsure()
            }
            StoreError::Taken(what) => Self::conflict("taken", &format!("{what} exists already")),
            StoreError::Inconsistent { .. } | StoreError::Unusable(_) => Self::internal(&error),
        }
    }
}

impl From<AcceptError> for Problem {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::Input(error) => error.into(),
            AcceptError::Conflict => Self::conflict(
                "event_id_conflict",
                "this event id was used for another event in the last 7 days",
            ),
            AcceptError::Store(error) => error.into(),
        }
    }
}

impl From<SettleError> for Problem {
    fn from(error: SettleError) -> Self {
        match error {
            SettleError::Unknown => Self::not_found("alert"),
            SettleError::NoOffer => Self::conflict("no_offer", "this alert is no offer"),
            SettleError::NotOffered => Self::at("not_offered", "/winner", "was not offered this alert"),
            SettleError::Otherwise => {
                Self::conflict("already_settled", "the offer was decided otherwise, or is void")
            }
            SettleError::Store(error) => error.into(),
        }
    }
}

impl From<SettingsError> for Problem {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::Input(error) => error.into(),
            SettingsError::Store(error) => error.into(),
        }
    }
}

impl From<TargetError> for Problem {
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::Input(error) => error.into(),
            TargetError::Unknown => Self::not_found("target"),
            TargetError::Full => Self::conflict("too_many_targets", "an app has ten targets at most"),
            TargetError::Stopped => {
                Self::conflict("target_stopped", "the target is stopped: resume it first")
            }
            TargetError::Store(error) => error.into(),
        }
    }
}

impl From<RedeliverError> for Problem {
    fn from(error: RedeliverError) -> Self {
        match error {
            RedeliverError::Unknown => Self::not_found("callback"),
            RedeliverError::Waiting => {
                Self::conflict("callback_waiting", "it has not ended: it is sent anyway")
            }
            RedeliverError::TargetGone => Self::conflict("target_gone", "the target it was for was deleted"),
            RedeliverError::Store(error) => error.into(),
        }
    }
}

impl From<ReportError> for Problem {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::TooWide(most) => Self::bad_request(
                "too_wide",
                &format!(
                    "this would look at more than {most} deliveries: ask for less time, one station or one rider"
                ),
            ),
            ReportError::TooLong(most) => Self::bad_request(
                "too_wide",
                &format!("this would have more than {most} rows: group by less, or ask for less time"),
            ),
            ReportError::NoStation => Self::not_found("station"),
            ReportError::Store(error) => error.into(),
        }
    }
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Name(error) => Self::at("bad_value", "/name", error.to_string()),
            KeyError::Unknown(what) => Self::not_found(what),
            KeyError::Store(error) => error.into(),
            KeyError::Vault(error) => Self::internal(&error),
        }
    }
}

impl From<SignatureError> for Problem {
    fn from(error: SignatureError) -> Self {
        match error {
            SignatureError::BadId => Self::bad_request("bad_id", &error.to_string()),
            SignatureError::Malformed(_) => Self::unauthorized("bad_signature", &error.to_string()),
            SignatureError::Expired => Self::unauthorized("signature_expired", &error.to_string()),
        }
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Bad => Self::unauthorized("bad_token", "the rider token is missing or not good"),
            TokenError::Expired => Self::unauthorized("token_expired", "the rider token has expired"),
            TokenError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Problem;
    use crate::store::StoreError;

    #[test]
    fn what_may_have_been_done_is_not_called_undone() {
        let told = |error: StoreError| Problem::from(error).0;
        let unsure = told(StoreError::Unsure("the disk".into()));
        assert_eq!((unsure.status.as_u16(), unsure.error), (503, "outcome_unknown"));
        let undone = told(StoreError::Unavailable("the lock".into()));
        assert_eq!((undone.status.as_u16(), undone.error), (503, "unavailable"));
    }
}
