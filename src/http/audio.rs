//! Audio as players want it: Content-Length, one range, a true extension, immutable, never chunked or compressed.
//! Query parameters are ignored, so that a client can make every `src` unique.

use std::ops::Range;

use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RANGE,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::AppState;
use super::notices::word;
use super::path::Path;
use super::problem::Problem;
use crate::audio::library::ClipName;
use crate::audio::silence::{Kind, SilenceError};
use crate::audio::{Format, VirtualFile};

/// A file to serve, whole or in part.
struct File {
    mime: &'static str,
    etag: String,
    content: Content,
}

enum Content {
    Bytes(Bytes),
    Virtual(VirtualFile),
}

/// Play a clip.
///
/// Its URL comes in alerts and from `POST /v1/speech`, and is the capability to hear it. `HEAD` as well.
///
/// # Errors
/// 404, 416, 503.
#[utoipa::path(
    get,
    path = "/audio/{shard}/{file}",
    operation_id = "getClip",
    tag = "Audio",
    params(
        ("shard" = String, Path, description = "First half of the clip's name, or `canned`"), ("file" = String, Path, description = "Second half of the clip's name"),
        ("Range" = Option<String>, Header, description = "One range of bytes; several are answered with the whole file"),
        ("If-None-Match" = Option<String>, Header, description = "An ETag from before"),
    ),
    responses(
        (status = 200, description = "The file", content((Vec<u8> = "audio/mpeg")), headers(
            ("ETag" = String, description = "Of the content"),
            ("Accept-Ranges" = String, description = "`bytes`"),
            ("Cache-Control" = String, description = "Immutable"),
        )),
        (status = 206, description = "A range of it", content((Vec<u8> = "audio/mpeg")), headers(
            ("Content-Range" = String, description = "Which bytes, of how many"),
        )),
        (status = 304, description = "It is the one with that ETag"),
    ),
    extensions(("x-errors" = json!(["not_found", "bad_range", "unavailable"]))),
)]
pub async fn clip(
    State(state): State<AppState>,
    Path((shard, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let unknown = || Problem::not_found("clip");
    let speech = &state.speech;
    if shard == "canned" {
        let clip = speech.canned_file(&file).ok_or_else(unknown)?;
        let content = Content::Bytes(clip.bytes());
        // The name holds a hash of the content.
        return File { mime: Format::Mp3.mime(), etag: format!("\"{file}\""), content }.serve(&headers);
    }
    let name = ClipName::of_path(&shard, &file).ok_or_else(unknown)?;
    let found = speech.clip(name).await.map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "Clip folder failed.");
        Problem::unavailable()
    })?;
    let clip = found.ok_or_else(unknown)?;
    let etag = clip.etag();
    File { mime: Format::Mp3.mime(), etag, content: Content::Bytes(clip.bytes) }.serve(&headers)
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
    extensions(("x-errors" = json!(["bad_length", "bad_kind", "not_found", "bad_range"]))),
)]
pub async fn silence(
    State(state): State<AppState>,
    Path(file): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
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
    let virtual_file = state.keep_alive.file(format, kind, seconds).map_err(|error| match error {
        SilenceError::Length { .. } => Problem::bad_request("bad_length", "1 to 3600 seconds"),
        SilenceError::ZeroOnly => Problem::bad_request("bad_kind", "m4a is silent as zero only"),
    })?;
    let etag = format!("\"silence-{seconds}-{extension}-{kind:?}-1\"");
    File { mime: format.mime(), etag, content: Content::Virtual(virtual_file) }.serve(&headers)
}

impl File {
    fn len(&self) -> u64 {
        match &self.content {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Virtual(file) => file.len(),
        }
    }

    fn serve(self, request: &HeaderMap) -> Result<Response, Problem> {
        let known = request.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
        if known.is_some_and(|tags| tags.split(',').any(|tag| tag.trim() == self.etag || tag.trim() == "*")) {
            return Ok(self.head(StatusCode::NOT_MODIFIED, None, Body::empty()));
        }
        let len = self.len();
        let asked = request.get(RANGE).and_then(|range| range.to_str().ok());
        match asked.map_or(Asked::Whole, |range| asked_range(range, len)) {
            Asked::Whole => {
                let body = self.body(0..len);
                Ok(self.head(StatusCode::OK, None, body))
            }
            Asked::Part(range) => {
                let body = self.body(range.clone());
                Ok(self.head(StatusCode::PARTIAL_CONTENT, Some(range), body))
            }
            Asked::Impossible => Err(Problem::range_not_satisfiable(len)),
        }
    }

    fn body(&self, range: Range<u64>) -> Body {
        match &self.content {
            Content::Bytes(bytes) => {
                let within = |place: u64| usize::try_from(place).unwrap_or(bytes.len()).min(bytes.len());
                Body::from(bytes.slice(within(range.start)..within(range.end)))
            }
            Content::Virtual(file) => {
                let chunks = file.read(range).map(Ok::<_, std::convert::Infallible>);
                Body::from_stream(stream::iter(chunks))
            }
        }
    }

    fn head(&self, status: StatusCode, part: Option<Range<u64>>, body: Body) -> Response {
        let len = self.len();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.mime));
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
        if let Ok(etag) = HeaderValue::from_str(&self.etag) {
            headers.insert(ETAG, etag);
        }
        if status != StatusCode::NOT_MODIFIED {
            let sent = part.as_ref().map_or(len, |part| part.end - part.start);
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

enum Asked {
    Whole,
    Part(Range<u64>),
    Impossible,
}

/// One range is served; what is not a range at all is ignored (RFC 9110 section 14.2), and so are several: the whole
/// file answers them, since no player asks for several and adding them up is how servers are worn out.
fn asked_range(header: &str, len: u64) -> Asked {
    let Ok(parsed) = http_range_header::parse_range_header(header) else {
        return if header.starts_with("bytes=") { Asked::Impossible } else { Asked::Whole };
    };
    match parsed.validate(len) {
        Ok(ranges) => match &ranges[..] {
            [one] => Asked::Part(*one.start()..one.end() + 1),
            _ => Asked::Whole,
        },
        Err(_) if header.contains(',') => Asked::Whole,
        Err(_) => Asked::Impossible,
    }
}
