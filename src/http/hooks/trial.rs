//! A request tried on a hook: whether it verifies, what is made of it, what that would say, and what its sender would be
//! answered. Nothing is stored, spoken or counted.

use axum::extract::State;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{address, parse, wish};
use crate::dispatch::{
    DryRun, HookArrival, HookReply, HookTrial, HookTried, ItemOutcome, ItemTried, TrialProfile,
};
use crate::domain::{EpochMs, HookVerdict};
use crate::http::auth::MayHandleHooks;
use crate::http::body::JsonValue;
use crate::http::path::Path;
use crate::http::problem::{Answer, Envelope, Success};
use crate::http::{AppState, trace_id};
use crate::intake::{InputError, Reader};

/// Longest body that is tried, in characters.
const BODY_CHARS_MAX: usize = 49_152;
/// Longest query and longest header.
const LINE_CHARS_MAX: usize = 4_096;
/// Most headers: as many as a request may have.
const HEADERS_MAX: usize = 64;
/// Longest event of a path.
const EVENT_CHARS_MAX: usize = 128;
/// What an answer in our words is.
const PROBLEM: &str = "application/problem+json";

/// What would become of a request.
#[derive(Serialize, ToSchema)]
pub struct HookTested {
    /// Whether it counts as its sender's.
    verified: bool,
    verdict: HookVerdict,
    /// Why, in one word; empty where the verdict says it all.
    reason: String,
    /// For people.
    detail: String,
    /// What would be made of it, one by one.
    items: Vec<TestedItem>,
    /// What its sender would be answered.
    ack: AckView,
}

/// What would be made of one item.
#[derive(Serialize, ToSchema)]
#[schema(as = HookTestedItem)]
pub struct TestedItem {
    /// `alerted` or `remembered` of what would be an event; whether its id is known is not looked at.
    outcome: ItemOutcome,
    /// The event, as `POST /v1/events` takes it.
    #[schema(value_type = Option<Object>)]
    event: Option<Value>,
    /// What it would say, and to how many.
    says: Option<DryRun>,
    /// Members that would be left out, as they do not fit.
    left_out: Vec<String>,
    /// Why there would be no event, in one word.
    error: Option<String>,
    /// The same for people.
    detail: Option<String>,
}

/// An answer as a sender would get it.
#[derive(Serialize, ToSchema)]
#[schema(as = HookAck)]
pub struct AckView {
    status: u16,
    content_type: String,
    /// Of a problem document its `error` alone.
    body: String,
}

/// Try a hook.
///
/// A request as its sender would make it, to the hook as it is or with another profile: what it would become, what that would say, and what would be answered. Nothing of it
/// is stored, spoken or counted.
///
/// # Errors
/// 400 with the member at fault, 401, 403, 404, 503.
#[utoipa::path(
    post,
    path = "/v1/hooks/{id}/test",
    operation_id = "testHook",
    tag = "Hooks",
    security(("apiKey" = ["hooks"])),
    params(("id" = String, Path, description = "The hook")),
    request_body(content = ref("#/components/schemas/HookTestBody")),
    responses((status = 200, description = "Done", body = Envelope<HookTested>)),
    extensions(("x-errors" = json!(["not_found", "bad_value", "bad_expression", "unknown_kind", "unknown_preset"]))),
)]
pub async fn post(
    State(state): State<AppState>,
    MayHandleHooks(caller): MayHandleHooks,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonValue(body): JsonValue,
) -> Answer<HookTested> {
    let id = parse(&id)?;
    let url = address::of_hook(&state.public_url, id.as_str());
    let received_at = state.dispatch.clock().now().wall;
    let body = Reader::new(&body)?;
    body.only(&["method", "event", "query", "headers", "body", "verify", "preset", "profile"])?;
    let request = HookArrival { url, received_at, trace_id: trace_id(&headers), ..request(&body)? };
    let trial =
        HookTrial { request, instead: instead(&body)?, verify: body.boolean("verify")?.unwrap_or(true) };
    let tried = state.dispatch.try_hook(&caller.app, &id, trial).await?;
    Ok(Success(tried.into()))
}

/// The request that is described, without what is known of every request.
fn request(body: &Reader<'_>) -> Result<HookArrival, InputError> {
    let method = |word: &str| match word {
        "POST" => Some(Method::POST),
        "GET" => Some(Method::GET),
        _ => None,
    };
    Ok(HookArrival {
        method: body.word("method", method, "POST, GET")?.unwrap_or(Method::POST),
        url: String::new(),
        query: body.text("query", LINE_CHARS_MAX)?.unwrap_or_default(),
        headers: request_headers(body)?,
        body: Bytes::from(body.text("body", BODY_CHARS_MAX)?.unwrap_or_default()),
        event: body.text("event", EVENT_CHARS_MAX)?,
        peer: None,
        trace_id: String::new(),
        received_at: EpochMs(0),
    })
}

fn request_headers(body: &Reader<'_>) -> Result<HeaderMap, InputError> {
    let mut headers = HeaderMap::new();
    let Some(given) = body.object("headers")? else { return Ok(headers) };
    if given.names().count() > HEADERS_MAX {
        return Err(body.error("headers", "too_many", &format!("has more than {HEADERS_MAX} members")));
    }
    for name in given.names() {
        let wrong = |_| given.error(name, "bad_value", "is no header");
        let value = given.text(name, LINE_CHARS_MAX)?.unwrap_or_default();
        let known: HeaderName = name.parse().map_err(|_| given.error(name, "bad_value", "is no header"))?;
        headers.append(known, HeaderValue::from_str(&value).map_err(wrong)?);
    }
    Ok(headers)
}

/// A profile that is tried in place of the hook's own.
fn instead(body: &Reader<'_>) -> Result<Option<TrialProfile>, InputError> {
    let preset = wish::preset(body)?;
    let given = preset.is_some() || body.value("profile").is_some();
    let profile = Value::Object(wish::profile(body)?);
    Ok(given.then_some(TrialProfile { preset, profile }))
}

impl From<HookTried> for HookTested {
    fn from(tried: HookTried) -> Self {
        Self {
            verified: tried.verified,
            verdict: tried.verdict,
            reason: tried.reason,
            detail: tried.detail,
            items: tried.items.into_iter().map(TestedItem::from).collect(),
            ack: tried.reply.into(),
        }
    }
}

impl From<ItemTried> for TestedItem {
    fn from(tried: ItemTried) -> Self {
        let ItemTried { outcome, event, says, left_out, error, detail } = tried;
        Self { outcome, event, says, left_out, error, detail }
    }
}

impl From<HookReply> for AckView {
    fn from(reply: HookReply) -> Self {
        match reply {
            HookReply::Own { status, content_type, body } => Self { status, content_type, body },
            // What is said in our words has an id of its own each time.
            HookReply::Problem { status, error, .. } => {
                Self { status, content_type: PROBLEM.to_owned(), body: error.to_owned() }
            }
        }
    }
}
