//! The rider page and its client, from the binary itself.
//! Nothing on it comes from elsewhere, and its content policy says so.

use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue};
use rust_embed::RustEmbed;

use super::path::Path;
use super::problem::Problem;

#[derive(RustEmbed)]
#[folder = "assets/rider"]
struct RiderFiles;

#[derive(RustEmbed)]
#[folder = "assets/miniprogram"]
#[include = "orderbell.js"]
struct ClientFiles;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; \
    media-src 'self' http: https:; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

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
    responses((status = 200, description = "The page", body = String, content_type = "text/html")),
    extensions(("x-errors" = json!(["not_found"]))),
)]
pub async fn rider() -> Result<Response, Problem> {
    file("index.html")
}

/// A file of the rider page.
///
/// Scripts and styles.
///
/// # Errors
/// 404.
#[utoipa::path(
    get,
    path = "/rider/{file}",
    operation_id = "riderPageFile",
    tag = "Rider",
    params(("file" = String, Path, description = "A file of the page")),
    responses((status = 200, description = "The file", content((String = "text/css"), (String = "text/javascript"), (String = "text/html"), (String = "image/svg+xml"), (Vec<u8> = "application/octet-stream")))),
    extensions(("x-errors" = json!(["not_found"]))),
)]
pub async fn rider_file(Path(name): Path<String>) -> Result<Response, Problem> {
    file(&name)
}

fn file(name: &str) -> Result<Response, Problem> {
    let found = RiderFiles::get(name).or_else(|| ClientFiles::get(name));
    let data = found.ok_or_else(|| Problem::not_found("page"))?.data;
    let mime = match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some(_) | None => "application/octet-stream",
    };
    let headers: [(HeaderName, HeaderValue); 5] = [
        (CONTENT_TYPE, HeaderValue::from_static(mime)),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        // A rider must not run yesterday's client against today's server.
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    Ok((headers, data.into_owned()).into_response())
}
