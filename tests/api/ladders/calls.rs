//! The step `http`: a voice-call or SMS service is asked once for each rider who has not answered.

use std::time::Duration;

use serde_json::{Value, json};

use super::ladder;
use crate::support::{Backend, QUICK, RiderSocket, TestServer, eventually, words};

fn call(url: &str) -> Value {
    json!({
        "url": format!("{url}?to={{{{rider}}}}&s={{{{merchant}}}}"),
        "headers": {"x-order": "{{order_id}}", "authorization": "Bearer k-1"},
        "body": {"template": "T1", "params": {"rider": "{{rider}}", "no": "{{short_no}}", "level": "{{level}}",
            "text": "请接单：{{text}}", "kind": "{{kind}}", "alert": "{{alert_id}}"}},
    })
}

#[tokio::test]
async fn a_call_is_made_once_with_its_slots_filled_in_and_a_key() {
    let service = Backend::start(200, &json!({"ok": true}), Duration::ZERO).await;
    let server = TestServer::start(QUICK).await;
    let mut one = RiderSocket::connect(&server, "r1").await;
    let steps = json!([{"after_s": 30, "do": "repeat"}, {"after_s": 60, "do": "desk"}]);
    let mut steps = steps.as_array().unwrap().clone();
    steps.insert(0, json!({"after_s": 0, "do": "http", "http": call(&service.url("/call"))}));
    let event = json!({"kind": "order.assigned", "target": {"riders": ["r1", "r2"]},
        "order": {"id": "o\"7", "short_no": "0017", "merchant": {"name": "张三\"面馆\"&"}},
        "offer": {"mode": "ack", "ladder": steps}});
    let refused = server.call("POST", "/v1/events", event.clone()).await;
    assert_eq!((refused.status, refused.json["error"].as_str()), (200, None), "{}", refused.json);
    let id = refused.json["data"]["alert_id"].as_str().unwrap().to_owned();
    one.alert().await;
    let asked = service.asked(2).await;
    let mut riders: Vec<_> = asked.iter().map(|one| one.body["params"]["rider"].as_str().unwrap()).collect();
    riders.sort_unstable();
    assert_eq!(riders, ["r1", "r2"]);
    let first = asked.iter().find(|one| one.body["params"]["rider"] == "r1").unwrap();
    assert_eq!(first.line(), "POST /call?to=r1&s=%E5%BC%A0%E4%B8%89%22%E9%9D%A2%E9%A6%86%22%26");
    assert_eq!(
        words(&first.body["params"], ["no", "level", "kind", "alert"]),
        json!(["0017", 0, "order.assigned", id])
    );
    let text = first.body["params"]["text"].as_str().unwrap();
    assert!(text.starts_with("请接单：") && text.contains("张三"), "{text}");
    assert_eq!(first.header("authorization"), Some("Bearer k-1"));
    assert_eq!(first.header("x-order"), Some("o\"7"));
    let keys: Vec<_> = asked.iter().map(|one| one.header("idempotency-key").unwrap()).collect();
    assert_ne!(keys[0], keys[1], "each call has its own key");
    let until = server.now_ms() + 500;
    eventually("a few sweeps later", async || (server.now_ms() > until).then_some(())).await;
    assert_eq!(service.heard().len(), 2, "once each");
    let shown = server.alert(&id).await.to_string();
    assert!(!shown.contains("k-1"), "what a call sends stays out of sight");
    server.stop().await;
}

#[tokio::test]
async fn a_call_is_made_again_with_the_same_key_until_it_is_taken() {
    let service = Backend::start(503, &Value::Null, Duration::ZERO).await;
    let server = TestServer::start(QUICK).await;
    let step = json!({"after_s": 0, "do": "http", "http": {"url": service.url("/")}});
    ladder(&server, "order.assigned", &["r1"], json!({"mode": "ack", "ladder": [step]})).await;
    service.asked(2).await;
    service.answer(200, &Value::Null, Duration::ZERO);
    let before = service.heard().len();
    let asked = service.asked(before + 1).await;
    let keys: std::collections::BTreeSet<_> = asked.iter().map(|one| one.header("idempotency-key")).collect();
    assert_eq!(keys.len(), 1);
    let until = server.now_ms() + 1_000;
    eventually("longer than the pause", async || (server.now_ms() > until).then_some(())).await;
    assert_eq!(service.heard().len(), before + 1, "taken is taken");
    server.stop().await;
}

#[tokio::test]
async fn a_call_that_is_refused_or_never_taken_is_given_up() {
    for (status, calls) in [(400, 1), (302, 1), (500, 3)] {
        let service = Backend::start(status, &Value::Null, Duration::ZERO).await;
        let server = TestServer::start(&format!("{QUICK}attempts = 3\n")).await;
        let step = json!({"after_s": 0, "do": "http", "http": {"url": service.url("/"), "method": "GET"}});
        ladder(&server, "order.assigned", &["r1"], json!({"mode": "ack", "ladder": [step]})).await;
        let asked = service.asked(calls).await;
        assert_eq!(asked[0].line(), "GET /");
        let until = server.now_ms() + 1_200;
        eventually("longer than the pauses", async || (server.now_ms() > until).then_some(())).await;
        assert_eq!(service.heard().len(), calls, "{status}");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_call_that_cannot_be_is_refused_when_the_event_is_posted() {
    let server = TestServer::start("").await;
    let cases = [
        (json!({"url": "http://127.0.0.1:9/x"}), "bad_call", "/offer/ladder/1/http/url"),
        (json!({"url": "https://192.168.1.1/x"}), "bad_call", "/offer/ladder/1/http/url"),
        (json!({"url": "https://169.254.169.254/"}), "bad_call", "/offer/ladder/1/http/url"),
        (json!({"url": "https://{{rider}}.example.com/"}), "bad_call", "/offer/ladder/1/http/url"),
        (json!({"url": "https://a.example/{{nothing}}"}), "bad_call", "/offer/ladder/1/http/url"),
        (
            json!({"url": "https://a.example/", "headers": {"host": "b"}}),
            "bad_call",
            "/offer/ladder/1/http/headers",
        ),
        (
            json!({"url": "https://a.example/", "body": {"a": "{{ rider"}}),
            "bad_call",
            "/offer/ladder/1/http/body/a",
        ),
        (
            json!({"url": "https://a.example/", "method": "PATCH"}),
            "unknown_value",
            "/offer/ladder/1/http/method",
        ),
        (json!({"method": "GET"}), "missing_member", "/offer/ladder/1/http/url"),
        (json!({"url": "https://a.example/", "proxy": "x"}), "unknown_member", "/offer/ladder/1/http/proxy"),
    ];
    for (http, error, pointer) in cases {
        let ladder = json!([{"after_s": 0, "do": "repeat"}, {"after_s": 1, "do": "http", "http": http}]);
        let event = json!({"id": "bad", "kind": "order.assigned", "target": {"riders": ["r1"]},
            "offer": {"mode": "ack", "ladder": ladder}});
        let refused = server.call("POST", "/v1/events", event).await;
        assert_eq!(
            (refused.json["error"].as_str(), refused.json["pointer"].as_str()),
            (Some(error), Some(pointer)),
            "{}",
            refused.json
        );
        refused.assert_problem(400, error);
    }
    server.get("/v1/events/bad").await.assert_problem(404, "not_found");
    server.stop().await;
}

#[tokio::test]
async fn who_has_answered_meanwhile_is_not_called_any_more() {
    let service = Backend::start(503, &Value::Null, Duration::ZERO).await;
    let server = TestServer::start(&QUICK.replace("100ms", "1s")).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let step = json!({"after_s": 0, "do": "http", "http": {"url": service.url("/")}});
    let id = ladder(&server, "order.assigned", &["r1"], json!({"mode": "ack", "ladder": [step]})).await;
    service.asked(1).await;
    rider.alert().await;
    assert_eq!(rider.answer(&id, "confirm").await, "recorded");
    let (before, until) = (service.heard().len(), server.now_ms() + 2_500);
    eventually("longer than the pause", async || (server.now_ms() > until).then_some(())).await;
    assert_eq!(service.heard().len(), before);
    server.stop().await;
}
