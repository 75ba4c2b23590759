//! Audio as players want it: Content-Length, one range, a true extension, never chunked or compressed.
//! Query parameters that are not ours are ignored, so that a client can make every `src` unique.

mod budget;
mod egress;
mod range;

use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG};
use http::{HeaderValue, StatusCode};

use self::budget::{Refusal, SilenceBudget};
use self::egress::{Content, Egress, What};
use self::range::Asked;
use super::AppState;
use super::listener::Connection;
use super::notices::word;
use super::path::Path;
use super::problem::Problem;
use crate::audio::Format;
use crate::audio::library::ClipName;
use crate::audio::silence::{KeepAlive, Kind, SilenceError};
use crate::clock::{Clock, EpochMs};
use crate::domain::audio_url::{Access, UrlFault};
use crate::domain::{SoundProfile, clip_name};
use crate::speech::ServedClip;
use crate::telemetry::{Metric, Telemetry};

/// What serving audio needs beside the voice.
pub struct AudioDesk {
    keep_alive: KeepAlive,
    telemetry: Telemetry,
    /// What an address may fetch of silence.
    pub budget: SilenceBudget,
    /// What was sent.
    pub egress: Egress,
}

/// A file to serve, whole or in part.
struct File {
    what: What,
    format: Format,
    etag: String,
    content: Content,
    caching: Caching,
}

/// For how long, and by whom, a file may be kept.
#[derive(Clone, Copy)]
enum Caching {
    /// By everybody, for ever: the bytes behind the URL never change.
    Forever,
    /// By the one who has the URL, for so many seconds: a shared cache would go on when the URL has ended.
    Private(i64),
}

impl AudioDesk {
    /// A desk that lets each address fetch so many bytes of silence an hour; 0 is no limit.
    #[must_use]
    pub fn new(
        keep_alive: KeepAlive,
        silence_bytes_per_ip: u64,
        clock: Arc<dyn Clock>,
        telemetry: Telemetry,
    ) -> Self {
        let budget = SilenceBudget::new(silence_bytes_per_ip, clock);
        Self { keep_alive, budget, egress: Egress::new(telemetry.clone()), telemetry }
    }

    fn refused(&self, why: &'static str) {
        self.telemetry.counter(Metric::AudioRefused, &[("why", why)]).increment(1);
    }
}

/// Play a clip.
///
/// Its URL comes in alerts and from `POST /v1/speech`, and is the capability to hear it. A clip that is gone is made again,
/// as long as what it is made of is remembered. `HEAD` as well.
///
/// # Errors
/// 403 where URLs are signed, 404, 416, 503.
#[utoipa::path(
    get,
    path = "/audio/{shard}/{file}",
    operation_id = "getClip",
    tag = "Audio",
    params(
        ("shard" = String, Path, description = "First half of the clip's name, or `canned`"), ("file" = String, Path, description = "Second half of the clip's name"),
        ("Range" = Option<String>, Header, description = "One range of bytes; several are answered with the whole file"),
        ("If-Range" = Option<String>, Header, description = "An ETag from before: the range of that file, or all of the new one"),
        ("If-None-Match" = Option<String>, Header, description = "An ETag from before"),
    ),
    responses(
        (status = 200, description = "The file", content((Vec<u8> = "audio/mpeg"), (Vec<u8> = "audio/wav")), headers(
            ("ETag" = String, description = "Of the content"),
            ("Accept-Ranges" = String, description = "`bytes`"),
            ("Cache-Control" = String, description = "Immutable; private until its end, of a signed URL"),
        )),
        (status = 206, description = "A range of it", content((Vec<u8> = "audio/mpeg"), (Vec<u8> = "audio/wav")), headers(
            ("Content-Range" = String, description = "Which bytes, of how many"),
        )),
        (status = 304, description = "It is the one with that ETag"),
    ),
    extensions(("x-errors" = json!(["bad_url_signature", "url_expired", "not_found", "bad_range", "unavailable"]))),
)]
pub async fn clip(
    State(state): State<AppState>,
    Path((shard, file)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let unknown = || Problem::not_found("clip");
    let speech = &state.speech;
    if shard == "canned" {
        let clip = speech.canned_file(&file).ok_or_else(unknown)?;
        // The name holds a hash of the content.
        let etag = format!("\"{file}\"");
        let content = Content::Bytes(clip.bytes());
        let file = File { what: What::Canned, format: Format::Mp3, etag, content, caching: Caching::Forever };
        return file.answer(&file.asked(&request), &state.audio);
    }
    let (plain, profile) = SoundProfile::of_path(&file);
    let name = ClipName::of_path(&shard, &plain).ok_or_else(unknown)?;
    // Before it is looked for: who cannot fetch a clip does not learn whether there is one.
    let caching = caching(&state, &profile.path(&name.url_path()), request.uri().query())?;
    let clip = found(&state, name, profile).await?.ok_or_else(unknown)?;
    let (etag, format) = (clip.etag, name.format().into());
    let file = File { what: What::Clip, format, etag, content: Content::Bytes(clip.bytes), caching };
    file.answer(&file.asked(&request), &state.audio)
}

/// A clip that was made lately, or is made again of what the store says it is made of.
async fn found(
    state: &AppState,
    name: ClipName,
    profile: SoundProfile,
) -> Result<Option<ServedClip>, Problem> {
    if let Some(clip) = state.speech.clip(name, profile).await {
        return Ok(Some(clip));
    }
    let recipe = state.dispatch.clip_recipe(clip_name(&name.url_path())).await?;
    let Some(recipe) = recipe else { return Ok(None) };
    state.speech.remake(&recipe, profile).await.map_err(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "A lost clip cannot be made again now.");
        Problem::unavailable()
    })
}

fn caching(state: &AppState, path: &str, query: Option<&str>) -> Result<Caching, Problem> {
    let now = state.dispatch.clock().now().wall;
    match state.sessions.urls.judge(path, query, now) {
        Ok(Access::Open) => Ok(Caching::Forever),
        Ok(Access::Until(end)) => Ok(Caching::Private(whole_seconds(now, end))),
        Err(fault @ UrlFault::BadSignature) => {
            state.audio.refused("bad_signature");
            Err(Problem::bad_url("bad_url_signature", fault.to_string()))
        }
        Err(fault @ UrlFault::Expired) => {
            state.audio.refused("expired");
            Err(Problem::bad_url("url_expired", fault.to_string()))
        }
    }
}

/// Rounded down: nobody keeps it longer than its URL is good.
fn whole_seconds(now: EpochMs, end: EpochMs) -> i64 {
    end.since_ms(now) / 1000
}

/// Play silence of any length.
///
/// Keep-alive clips for players that must not stop. `HEAD` as well.
///
/// # Errors
/// 400, 404, 416.
#[utoipa::path(
    get,
    path = "/audio/silence/{file}",
    operation_id = "getSilence",
    tag = "Audio",
    params(
        ("file" = String, Path, description = "Seconds and format, such as `600.m4a`: 1 to 3,600 seconds, `mp3`, `m4a` or `wav`", pattern = r"^[1-9][0-9]{0,3}\.(mp3|m4a|wav)$"),
        ("kind" = Option<String>, Query, description = "`zero` (also without it), `noise` or `tone`; `m4a` is `zero` only", pattern = "^(zero|noise|tone)$"),
        ("Range" = Option<String>, Header, description = "One range of bytes; several are answered with the whole file"),
        ("If-Range" = Option<String>, Header, description = "An ETag from before: the range of that file, or all of the new one"),
        ("If-None-Match" = Option<String>, Header, description = "An ETag from before"),
    ),
    responses(
        (status = 200, description = "The file", content((Vec<u8> = "audio/mpeg"), (Vec<u8> = "audio/mp4"), (Vec<u8> = "audio/wav")), headers(
            ("ETag" = String, description = "Of the content"),
            ("Accept-Ranges" = String, description = "`bytes`"),
            ("Cache-Control" = String, description = "Immutable"),
        )),
        (status = 206, description = "A range of it", content((Vec<u8> = "audio/mpeg"), (Vec<u8> = "audio/mp4"), (Vec<u8> = "audio/wav")), headers(
            ("Content-Range" = String, description = "Which bytes, of how many"),
        )),
        (status = 304, description = "It is the one with that ETag"),
    ),
    extensions(("x-errors" = json!(["bad_length", "bad_kind", "not_found", "bad_range", "byte_budget"]))),
)]
pub async fn silence(
    State(state): State<AppState>,
    Path(file): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response, Problem> {
    let unknown = || Problem::not_found("clip");
    let (seconds, extension) = file.split_once('.').ok_or_else(unknown)?;
    let format = Format::of_extension(extension).ok_or_else(unknown)?;
    let plain = !seconds.is_empty()
        && seconds.bytes().all(|digit| digit.is_ascii_digit())
        && !seconds.starts_with('0');
    let seconds: u32 = seconds.parse().ok().filter(|_| plain).ok_or_else(unknown)?;
    let kind = match word(&query.unwrap_or_default(), "kind") {
        None => Kind::Zero,
        Some(name) => Kind::of_name(name)
            .ok_or_else(|| Problem::bad_request("bad_kind", "kind is zero, noise or tone"))?,
    };
    let desk = &state.audio;
    let virtual_file = desk.keep_alive.file(format, kind, seconds).map_err(|error| match error {
        SilenceError::Length { .. } => Problem::bad_request("bad_length", "1 to 3600 seconds"),
        SilenceError::ZeroOnly => Problem::bad_request("bad_kind", "m4a is silent as zero only"),
    })?;
    // The last number rises when the bytes change.
    let etag = format!("\"silence-{seconds}-{extension}-{kind:?}-2\"");
    let content = Content::Virtual(virtual_file);
    let file = File { what: What::KeepAlive, format, etag, content, caching: Caching::Forever };
    let asked = file.asked(&request);
    pay(desk, client(&request), asked.bytes(file.content.len()))?;
    file.answer(&asked, desk)
}

/// Who asks; nobody if a proxy does not say for whom it does.
fn client(request: &Request) -> Option<IpAddr> {
    let connection = request.extensions().get::<Connection>()?;
    connection.client_known.then_some(connection.client)
}

fn pay(desk: &AudioDesk, client: Option<IpAddr>, bytes: u64) -> Result<(), Problem> {
    let Some(client) = client else { return Ok(()) };
    desk.budget.take(client, bytes).map_err(|refusal| {
        desk.refused("byte_budget");
        match refusal {
            Refusal::Later(retry_after_s) => Problem::too_many(
                "byte_budget",
                "this address has fetched its hour's silence; m4a is the smallest",
                retry_after_s,
            ),
            Refusal::Never => Problem::bad_request(
                "bad_length",
                "this is more silence than one address may fetch in an hour; ask for a shorter one, or m4a",
            ),
        }
    })
}

impl File {
    fn asked(&self, request: &Request) -> Asked {
        Asked::of(request.method(), request.headers(), &self.etag, self.content.len())
    }

    fn answer(&self, asked: &Asked, desk: &AudioDesk) -> Result<Response, Problem> {
        let len = self.content.len();
        let body = |range| Body::new(desk.egress.outgoing(self.what, self.format, &self.content, range));
        match asked {
            Asked::NotModified => Ok(self.head(StatusCode::NOT_MODIFIED, None, Body::empty())),
            Asked::Head => Ok(self.head(StatusCode::OK, None, Body::empty())),
            Asked::Whole => Ok(self.head(StatusCode::OK, None, body(0..len))),
            Asked::Part(part) => Ok(self.head(StatusCode::PARTIAL_CONTENT, Some(part), body(part.clone()))),
            Asked::Impossible => Err(Problem::range_not_satisfiable(len)),
        }
    }

    fn head(&self, status: StatusCode, part: Option<&Range<u64>>, body: Body) -> Response {
        let len = self.content.len();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.format.mime()));
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if let Some(caching) = self.caching.header() {
            headers.insert(CACHE_CONTROL, caching);
        }
        if let Ok(etag) = HeaderValue::from_str(&self.etag) {
            headers.insert(ETAG, etag);
        }
        if status != StatusCode::NOT_MODIFIED {
            let sent = part.map_or(len, |part| part.end - part.start);
            headers.insert(CONTENT_LENGTH, HeaderValue::from(sent));
        }
        if let Some(part) = part {
            let text = format!("bytes {}-{}/{len}", part.start, part.end - 1);
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(CONTENT_RANGE, value);
            }
        }
        response
    }
}

impl Caching {
    fn header(self) -> Option<HeaderValue> {
        match self {
            Self::Forever => Some(HeaderValue::from_static("public, max-age=31536000, immutable")),
            Self::Private(seconds) => HeaderValue::from_str(&format!("private, max-age={seconds}")).ok(),
        }
    }
}
