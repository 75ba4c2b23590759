//! What is sent to break a hook, or to drown it: refused in the sender's own words, while other hooks go on.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::hook::TestHook;
use crate::support::{NO_CAP, Reply, RiderSocket, TestServer, reply};

/// A sender whose every answer has a shape of its own.
fn shaped(more: &Value) -> Value {
    let mut profile = json!({"ack": {"body": "{\"code\":0}",
        "error": {"body": "{\"code\":{{ error.status }},\"why\":{{ error.code|tojson }}}"}}});
    for (name, value) in more.as_object().unwrap() {
        profile[name] = value.clone();
    }
    profile
}

/// That it is the sender's shape, with this status in it, and none of ours.
#[track_caller]
fn assert_shaped(told: &Reply, status: u16) {
    assert_eq!(told.status, status, "{}", told.text());
    assert_eq!(told.json["code"], status, "{}", told.text());
    assert!(told.json.get("type").is_none(), "{}", told.text());
    assert_eq!(told.header("content-type"), "application/json");
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_in_the_senders_shape() {
    let server = TestServer::start(NO_CAP).await;
    let json = TestHook::plain(&server, "json", shaped(&json!({"decode": {"format": "json"}}))).await;
    let xml = TestHook::plain(&server, "xml", shaped(&json!({"decode": {"format": "xml"}}))).await;
    let gbk =
        TestHook::plain(&server, "gbk", shaped(&json!({"decode": {"format": "json", "charset": "gbk"}})))
            .await;
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let many = format!("[{}1]", "1,".repeat(50_000));
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaaaaaaaaaaaa\">\
        <!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]><x>&c;</x>";
    let external = "<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><x>&a;</x>";
    let nested = "<x>".repeat(5_000);
    let cases: [(&TestHook<'_>, &[u8]); 11] = [
        (&json, b"{"),
        (&json, b"\xff\xfe{}"),
        (&json, b"{\"kind\":\"\xff\"}"),
        (&json, b"{\"id\":1,\"id\":2}"),
        (&json, deep.as_bytes()),
        (&json, many.as_bytes()),
        (&xml, bomb.as_bytes()),
        (&xml, external.as_bytes()),
        (&xml, nested.as_bytes()),
        (&xml, b"<a></b>"),
        (&gbk, b"{\"kind\":\"\x81\x00\"}"),
    ];
    for (place, (hook, body)) in cases.into_iter().enumerate() {
        let told = hook.send("application/octet-stream", body).await;
        assert_shaped(&told, 400);
        assert_eq!(hook.look().await["refusals"][0]["verdict"], "unreadable", "{place}");
    }
    for hook in [&json, &xml, &gbk] {
        assert!(hook.kept().await.is_empty());
    }
    server.stop().await;
}

#[tokio::test]
async fn a_giant_a_compressed_and_a_broken_body_are_refused_in_the_senders_shape() {
    let server = TestServer::start("[hooks]\nmax_body_bytes = 4096\n").await;
    let hook = TestHook::plain(&server, "giant", shaped(&json!({}))).await;
    assert_shaped(&hook.send("application/json", vec![b' '; 4_097]).await, 413);
    let compressed = server.request("POST", &hook.path()).header("content-encoding", "gzip");
    assert_shaped(&reply(compressed.body("x")).await, 415);
    // In pieces, without a length told before.
    let pieces = futures_util::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1_000])));
    let told = reply(server.request("POST", &hook.path()).body(reqwest::Body::wrap_stream(pieces))).await;
    assert_shaped(&told, 413);
    // Nobody's hook costs no reading.
    let unknown = server.request("POST", "/in/dada-aaaaaaaaaaaaaaaaaaaa").body(vec![b' '; 4_097]);
    reply(unknown).await.assert_problem(404, "not_found");
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_refused_in_the_senders_shape() {
    let server = TestServer::start("[server]\nbody_timeout = \"300ms\"\n").await;
    let hook = TestHook::plain(&server, "slow", shaped(&json!({}))).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!("POST {} HTTP/1.1\r\nHost: bell\r\nContent-Length: 100\r\n\r\n{{", hook.path());
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.ends_with("\"why\":\"too_slow\"}"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_flood_on_one_hook_is_told_to_come_again_and_another_is_served() {
    let server = TestServer::start(&format!("[hooks]\nper_second = 5\nburst = 5\n{NO_CAP}")).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let flooded = TestHook::plain(&server, "flooded", shaped(&json!({}))).await;
    let other = TestHook::plain(&server, "other", json!({})).await;
    let event =
        |n: usize| json!({"id": format!("e{n}"), "kind": "order.updated", "order": "o1", "rider": "r1"});
    let flood = futures_util::future::join_all((0..40).map(async |n| flooded.send_json(&event(n)).await));
    let told = flood.await;
    let (busy, taken): (Vec<_>, Vec<_>) = told.iter().partition(|told| told.status == 429);
    assert!(busy.len() >= 20 && taken.len() >= 5, "{} busy, {} taken", busy.len(), taken.len());
    for told in &busy {
        assert_shaped(told, 429);
        assert!(told.header("retry-after").parse::<u64>().is_ok_and(|after| after >= 1));
    }
    assert!(taken.iter().all(|told| told.status == 200));
    let mut heard = event(1);
    heard["kind"] = json!("order.new");
    assert_eq!(other.send_json(&heard).await.status, 200);
    assert_eq!(rider.alert().await["kind"], "order.new");
    assert!(flooded.count("busy").await >= 20);
    server.stop().await;
}

#[tokio::test]
async fn the_address_of_a_hook_is_in_no_metric_and_no_problem() {
    let server = TestServer::start("").await;
    let hook = TestHook::plain(&server, "secret-path", json!({})).await;
    hook.send_json(&json!({"id": "e1", "kind": "order.new", "order": "o", "rider": "r1"})).await;
    let refused = hook.send("application/json", "{").await;
    assert_eq!(refused.status, 400);
    let random = hook.id.rsplit_once('-').unwrap().1;
    assert!(!refused.text().contains(random), "{}", refused.text());
    let metrics = server.metrics().await;
    assert!(!metrics.contains(random));
    assert!(metrics.contains("route=\"/in/{hook}\""));
    server.stop().await;
}
