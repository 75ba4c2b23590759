//! What a called service gets to see.

use std::time::Duration;

use bytes::Bytes;
use orderbell::outbound::template::{CallSpec, CallTemplate};
use orderbell::outbound::{Headers, Method, OutboundRequest, UrlPolicy};
use serde_json::json;

use crate::peer::Peer;
use crate::{Book, DEADLINE, answer_of, limits, outbound, outbound_with, post};

#[tokio::test]
async fn a_call_arrives_as_it_was_made() {
    let peer = Peer::answering("200 OK\r\n", b"ok").await;
    let (outbound, telemetry) =
        outbound_with(limits(UrlPolicy::PrivateToo), Book::with("hook.test", &[&["127.0.0.1"]]));
    let request = OutboundRequest {
        method: Method::Put,
        headers: Headers::parse([("X-Title", "新订单"), ("Authorization", "Bearer k3y")]).unwrap(),
        body: Bytes::from_static(b"{\"a\":1}"),
        ..post(&format!("http://HOOK.test:{}/a%20b?q={{}}", peer.address.port()))
    };
    let answer = outbound.send(request).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (200, &b"ok"[..]));
    let requests = peer.requests();
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "{\"a\":1}");
    let mut lines: Vec<&str> = head.lines().collect();
    assert_eq!(lines.remove(0), "PUT /a%20b?q={} HTTP/1.1");
    lines.sort_unstable();
    let host = format!("host: hook.test:{}", peer.address.port());
    let agent = format!("user-agent: Orderbell/{}", env!("CARGO_PKG_VERSION"));
    let expected =
        ["accept: */*", "authorization: Bearer k3y", "content-length: 7", &host, &agent, "x-title: 新订单"];
    assert_eq!(lines, expected);
    let metrics = telemetry.render();
    assert!(metrics.contains("orderbell_outbound_calls_total{outcome=\"success\"} 1"), "{metrics}");
    assert!(metrics.contains("orderbell_outbound_seconds_count 1"), "{metrics}");
}

#[tokio::test]
async fn a_ladders_call_arrives_filled_in() {
    let peer = Peer::answering("200 OK\r\n", b"").await;
    let spec: CallSpec = serde_json::from_value(json!({
        "url": format!("{}sms/{{{{ rider }}}}?n={{{{ short_no }}}}", peer.url()),
        "headers": {"X-Level": "{{ level }}"},
        "body": {"text": "{{ text }}", "urgency": "{{ urgency }}"},
    }))
    .unwrap();
    let template = CallTemplate::compile(&spec, outbound().policy()).unwrap();
    let values = json!({"rider": "r/1", "short_no": "#17", "text": "有\"新\"订单", "urgency": 3, "level": 2});
    let request = template.render(values.as_object().unwrap(), DEADLINE).unwrap();
    assert_eq!(outbound().send(request).await.unwrap().status, 200);
    let request = &peer.requests()[0];
    assert!(request.starts_with("POST /sms/r%2F1?n=%2317 HTTP/1.1\r\n"), "{request}");
    assert!(
        request.contains("\r\nx-level: 2\r\n") && request.contains("\r\ncontent-type: application/json\r\n")
    );
    assert!(request.ends_with("\r\n\r\n{\"text\":\"有\\\"新\\\"订单\",\"urgency\":3}"), "{request}");
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let peer = Peer::answering("200 OK\r\n", b"ok").await;
    let outbound = outbound();
    for _ in 0..3 {
        assert_eq!(outbound.send(post(&peer.url())).await.unwrap().status, 200);
    }
    assert_eq!((peer.requests().len(), peer.connections()), (3, 1));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let inside = Peer::answering("200 OK\r\n", b"secret").await;
    for status in
        ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
    {
        let peer = Peer::answering(&format!("{status}\r\nlocation: {}\r\n", inside.url()), b"gone").await;
        let answer = answer_of(&peer.url()).await;
        assert_eq!((&answer.status.to_string()[..], &answer.body[..]), (&status[..3], &b"gone"[..]));
    }
    assert_eq!(inside.connections(), 0);
}

/// Runs this test's calls once more in a process whose environment names a proxy that does not exist.
#[tokio::test]
async fn a_proxy_in_the_environment_is_not_used() {
    let peer = Peer::answering("200 OK\r\n", b"ok").await;
    if std::env::var_os("OUTBOUND_PROXIED").is_none() {
        let mut again = tokio::process::Command::new(std::env::current_exe().unwrap());
        again
            .args(["--exact", "arrival::a_proxy_in_the_environment_is_not_used"])
            .env("OUTBOUND_PROXIED", "1");
        for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            again.env(name, "http://127.0.0.1:1");
        }
        let output = again.kill_on_drop(true).output().await.unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && told.contains("1 passed"), "{told}");
    }
    assert_eq!(answer_of(&peer.url()).await.status, 200);
}

#[tokio::test]
async fn calls_to_a_slow_service_wait_for_each_other_and_no_longer_than_they_may() {
    let slow = Peer::start(crate::peer::Manner::SayAndHang(Vec::new())).await;
    let quick = Peer::answering("200 OK\r\n", b"").await;
    let mut limits = limits(UrlPolicy::PrivateToo);
    limits.per_origin = 1;
    let outbound = outbound_with(limits, Book::with("x", &[&[]])).0;
    let brief = |timeout| OutboundRequest { timeout, ..post(&slow.url()) };
    let (first, second, third) = tokio::join!(
        outbound.send(brief(Duration::from_millis(600))),
        outbound.send(brief(Duration::from_millis(200))),
        outbound.send(post(&quick.url())),
    );
    assert!(matches!(first, Err(orderbell::outbound::OutboundError::TimedOut)), "{first:?}");
    assert!(matches!(second, Err(orderbell::outbound::OutboundError::Busy)), "{second:?}");
    assert_eq!(third.unwrap().status, 200);
    assert_eq!(slow.requests().len(), 1, "what found no place was not sent");
}
