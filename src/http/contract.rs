//! What the API promises, in documents that machines read: OpenAPI for requests, AsyncAPI for the rider's socket.
//! Both are made of the code once, and are the same for `GET`, for the command line and for the page at `/docs`.

mod asyncapi;
mod openapi;
pub mod page;
mod webhooks;

use std::sync::OnceLock;

use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::Value;

/// The OpenAPI document.
#[must_use]
pub fn openapi() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(openapi::document)
}

/// The AsyncAPI document.
#[must_use]
pub fn asyncapi() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(asyncapi::document)
}

/// The document as it is served, printed and checked in.
#[must_use]
pub fn text(document: &Value) -> String {
    format!("{document:#}\n")
}

/// Read this document.
///
/// OpenAPI 3.1 of every route but those of the admin listener.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "getOpenApi",
    tag = "Service",
    responses((status = 200, description = "The document", body = Value, content_type = "application/json")),
)]
pub async fn get_openapi() -> Response {
    json(openapi())
}

/// Read the description of the rider's socket.
///
/// AsyncAPI 3.0.
#[utoipa::path(
    get,
    path = "/asyncapi.json",
    operation_id = "getAsyncApi",
    tag = "Service",
    responses((status = 200, description = "The document", body = Value, content_type = "application/json")),
)]
pub async fn get_asyncapi() -> Response {
    json(asyncapi())
}

fn json(document: &Value) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, text(document)).into_response()
}
