//! Bodies by their outside: type, encoding, size and pace are judged before anything is parsed.

use serde_json::json;

use crate::support::{TestServer, raw, reply};

const GOOD: &str = r#"{"kind":"order.new","target":{"riders":["r1"]}}"#;

#[tokio::test]
async fn only_json_in_utf8_is_read() {
    let server = TestServer::start("").await;
    let post = || server.request("POST", "/v1/events").bearer_auth(&server.key).body(GOOD);
    for wrong in [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=gbk",
        "application/json;charset=\"iso-8859-1\"",
        "application/cloudevents+xml",
        "application/cloudevents-batch+xml",
        "application/cloudevents+json; charset=utf-16",
        "application/",
        "json",
    ] {
        let refused = reply(post().header("content-type", wrong)).await;
        assert_eq!(refused.status, 415, "{wrong}");
        refused.assert_problem(415, "unsupported_media_type");
    }
    reply(post()).await.assert_problem(415, "unsupported_media_type");
    let twice = post().header("content-type", "application/json").header("content-type", "text/plain");
    reply(twice).await.assert_problem(415, "unsupported_media_type");
    assert_eq!(server.get("/v1/riders/r1").await.status, 404);
    for right in ["application/json", "application/json; charset=UTF-8", "application/vnd.example+json"] {
        assert_eq!(reply(post().header("content-type", right)).await.status, 200, "{right}");
    }
    server.stop().await;
}

#[tokio::test]
async fn compressed_bodies_are_refused() {
    let server = TestServer::start("").await;
    for coding in ["gzip", "br", "zstd", "identity, gzip"] {
        let request = server.request("POST", "/v1/events").bearer_auth(&server.key);
        let request = request.header("content-type", "application/json").header("content-encoding", coding);
        reply(request.body(GOOD)).await.assert_problem(415, "unsupported_media_type");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_body_may_have_64_kib_and_not_one_byte_more() {
    let server = TestServer::start("").await;
    let padded = |len: usize| format!("{GOOD}{}", " ".repeat(len - GOOD.len()));
    let post = |body| {
        let request = server.request("POST", "/v1/events").bearer_auth(&server.key);
        reply(request.header("content-type", "application/json").body(body))
    };
    assert_eq!(post(padded(65_536)).await.status, 200);
    let cloud = server.request("POST", "/v1/events").bearer_auth(&server.key).body(padded(65_537));
    let cloud = reply(cloud.header("content-type", "application/cloudevents+json")).await;
    cloud.assert_problem(413, "too_large");
    post(padded(65_537)).await.assert_problem(413, "too_large");
    server.stop().await;
}

/// The head of an ingest request, with more header lines.
fn head(server: &TestServer, more: &str) -> String {
    format!(
        "POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\n{more}\r\n",
        server.key
    )
}

#[tokio::test]
async fn a_body_that_says_it_is_huge_is_refused_before_it_comes() {
    let server = TestServer::start("[server]\nbody_timeout = \"300s\"").await;
    let answer = raw(server.address, head(&server, "Content-Length: 10000000000\r\n").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_chunked_body_is_counted_as_it_comes() {
    let server = TestServer::start("").await;
    let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
    let request = head(&server, "Transfer-Encoding: chunked\r\n") + &chunk.repeat(5);
    let answer = raw(server.address, request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_stops_half_way_is_not_waited_for() {
    let server = TestServer::start("[server]\nbody_timeout = \"300ms\"").await;
    let half = head(&server, "Content-Length: 1000\r\n") + &GOOD[..20];
    let answer = raw(server.address, half.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("\"too_slow\""), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn other_methods_are_told_which_one_is_taken() {
    let server = TestServer::start("").await;
    for path in ["/v1/events", "/v1/events/batch", "/v1/events/validate"] {
        for method in ["GET", "PUT", "DELETE", "PATCH"] {
            let reply = server.call(method, path, json!({})).await;
            reply.assert_problem(405, "method_not_allowed");
            assert_eq!(reply.header("allow"), "POST", "{method} {path}");
        }
    }
    server.stop().await;
}
