//! The rider page and its client, from the binary itself.
//! Nothing on it comes from elsewhere, and its content policy says so.

use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use rust_embed::RustEmbed;

use super::etag;
use super::path::Path;
use super::problem::Problem;

#[derive(RustEmbed)]
#[folder = "assets/rider"]
struct RiderFiles;

#[derive(RustEmbed)]
#[folder = "assets/miniprogram"]
#[include = "orderbell.browser.js"]
#[include = "orderbell.mjs"]
struct ClientFiles;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; \
    media-src 'self' http: https:; img-src 'self' data:; manifest-src 'self'; worker-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// The page itself is one step above its files: without this its worker could not answer for it. The value is relative,
/// because a proxy may have put a path before ours.
const WORKER_SCOPE: HeaderName = HeaderName::from_static("service-worker-allowed");
const WORKER: &str = "worker.js";

/// Of the hash of a file that tell it apart from every other, and from itself in every other version.
const TAG_BYTES: usize = 16;

/// The rider page.
///
/// A client for browsers.
///
/// # Errors
/// 404 if the page was built without its files.
#[utoipa::path(
    get,
    path = "/rider",
    operation_id = "riderPage",
    tag = "Rider",
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 304, description = "It is the one with that ETag"),
    ),
    extensions(("x-errors" = json!(["not_found"]))),
)]
pub async fn rider(headers: HeaderMap) -> Result<Response, Problem> {
    file("index.html", &headers)
}

/// A file of the rider page.
///
/// Scripts, styles, icons and the manifest.
///
/// # Errors
/// 404.
#[utoipa::path(
    get,
    path = "/rider/{file}",
    operation_id = "riderPageFile",
    tag = "Rider",
    params(("file" = String, Path, description = "A file of the page")),
    responses(
        (status = 200, description = "The file", content((String = "text/css"), (String = "text/javascript"), (String = "text/html"), (String = "image/svg+xml"), (serde_json::Value = "application/manifest+json"), (Vec<u8> = "image/png"), (Vec<u8> = "application/octet-stream"))),
        (status = 304, description = "It is the one with that ETag"),
    ),
    extensions(("x-errors" = json!(["not_found"]))),
)]
pub async fn rider_file(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let mut response = file(&name, &headers)?;
    if name == WORKER {
        response.headers_mut().insert(WORKER_SCOPE, HeaderValue::from_static("../rider"));
    }
    Ok(response)
}

fn file(name: &str, asked: &HeaderMap) -> Result<Response, Problem> {
    let found = RiderFiles::get(name).or_else(|| ClientFiles::get(name));
    let found = found.ok_or_else(|| Problem::not_found("page"))?;
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&found.metadata.sha256_hash()[..TAG_BYTES]));
    let mime = match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webmanifest") => "application/manifest+json",
        Some(_) | None => "application/octet-stream",
    };
    let headers: [(HeaderName, HeaderValue); 6] = [
        (CONTENT_TYPE, HeaderValue::from_static(mime)),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        // A rider must not run yesterday's client against today's server: it asks each time, and is sent what changed.
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (ETAG, HeaderValue::try_from(&tag).map_err(|error| Problem::internal(&error))?),
    ];
    if etag::is_held(asked, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Ok((headers, found.data.into_owned()).into_response())
}
