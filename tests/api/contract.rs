//! The documents of the API: that they are those checked in, that every example in them works, and that they are whole.
//! Every other test holds its own answers to them as well (support/contract.rs).

mod catalogue;
mod examples;
mod frames;
mod mended;
mod names;
mod sent;

use std::path::Path;

use orderbell::http::contract;
use serde_json::Value;

use crate::support::{TestServer, cli};

/// Compares with a file that is checked in.
fn assert_checked_in(file: &str, document: &Value, command: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(file);
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == contract::text(document),
        "docs/{file} is not what the code says; run: orderbell {command} > docs/{file}"
    );
}

#[test]
fn the_documents_checked_in_are_those_of_the_code() {
    assert_checked_in("openapi.json", contract::openapi(), "openapi");
    assert_checked_in("asyncapi.json", contract::asyncapi(), "asyncapi");
}

#[tokio::test]
async fn the_documents_are_served_and_printed() {
    let server = TestServer::start("").await;
    for (path, command, document) in [
        ("/openapi.json", "openapi", contract::openapi()),
        ("/asyncapi.json", "asyncapi", contract::asyncapi()),
    ] {
        let reply = server.get(path).await;
        assert_eq!((reply.status, &reply.json), (200, document), "{path}");
        assert_eq!(reply.header("content-type"), "application/json");
        let folder = tempfile::tempdir().unwrap();
        let printed = cli(folder.path(), &[command]).await;
        assert!(printed.status.success());
        assert_eq!(String::from_utf8(printed.stdout).unwrap(), contract::text(document));
    }
    server.stop().await;
}

#[tokio::test]
async fn the_reference_shows_every_route_and_takes_nothing_from_elsewhere() {
    let server = TestServer::start("").await;
    let page = server.get("/docs").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy =
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    assert_eq!(page.header("content-security-policy"), policy);
    let text = page.text();
    for operation in contract::openapi()["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|item| item.as_object().unwrap().values())
    {
        let id = operation["operationId"].as_str().unwrap();
        assert!(text.contains(&format!("id=\"{id}\"")), "{id}");
    }
    // Relative to /docs, also where a proxy puts a folder in front of it.
    for link in ["href=\"docs/docs.css\"", "href=\"openapi.json\"", "href=\"asyncapi.json\""] {
        assert!(text.contains(link), "{link}");
    }
    assert!(!text.contains("href=\"/"), "no link from the root");
    let style = server.get("/docs/docs.css").await;
    assert_eq!((style.status, style.header("content-type")), (200, "text/css; charset=utf-8"));
    server.stop().await;
}

/// Every route stands in the router by way of its description: there is no other way in.
#[test]
fn no_route_is_without_its_description() {
    let router = include_str!("../../src/http.rs");
    assert!(!router.contains(".route("), "use .routes(routes!(…)), with a description at the handler");
    let registered = router.matches(".routes(routes!(").count();
    assert!(registered > 30, "only {registered}");
}

/// What a document refers to is in it.
#[test]
fn every_reference_leads_somewhere() {
    fn walk(part: &Value, document: &Value) {
        if let Some(path) = part["$ref"].as_str() {
            assert!(document.pointer(path.trim_start_matches('#')).is_some(), "{path}");
        }
        match part {
            Value::Object(members) => members.values().for_each(|part| walk(part, document)),
            Value::Array(parts) => parts.iter().for_each(|part| walk(part, document)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    for document in [contract::openapi(), contract::asyncapi()] {
        walk(document, document);
    }
}

#[test]
fn every_operation_says_who_may_and_what_it_is() {
    let mut ids = std::collections::BTreeSet::new();
    for (path, item) in contract::openapi()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} is there twice");
            let summary = operation["summary"].as_str().unwrap();
            assert!(summary.ends_with('.') && summary.len() < 60, "{method} {path}: {summary}");
            assert!(!operation["description"].as_str().unwrap().is_empty(), "{method} {path}");
            assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{method} {path}");
            let is_riders = path.starts_with("/v1/rider/") || path == "/v1/wechat/login";
            let is_backends = path.starts_with("/v1/") && !is_riders;
            let way = &operation["security"][0];
            let listed = way.get("apiKey").or_else(|| way.get("operatorKey")).is_some();
            assert_eq!(is_backends, listed, "{method} {path}");
            let members = operation.as_object().unwrap();
            assert!(members.values().all(|member| !member.is_null()), "{method} {path}");
            let bytes = operation.to_string();
            assert!(!bytes.contains("x-errors") && !bytes.contains("# Errors"), "{method} {path}");
        }
    }
}
