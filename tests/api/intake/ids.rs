//! `Idempotency-Key`: an id for an event that has none, and never for one that has.

use serde_json::{Value, json};

use crate::support::{Reply, TestServer, reply};

async fn post(server: &TestServer, event: &Value, headers: &[(&str, &str)]) -> Reply {
    let mut request = server.request("POST", "/v1/events").bearer_auth(&server.key).json(event);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    reply(request).await
}

fn event(rider: &str) -> Value {
    json!({"kind": "order.new", "target": {"riders": [rider]}})
}

#[tokio::test]
async fn a_key_makes_an_event_without_an_id_one_event() {
    let server = TestServer::start("").await;
    let first = post(&server, &event("r1"), &[("idempotency-key", "8e03978e-40d5")]).await;
    assert_eq!(first.json["data"]["event_id"], "8e03978e-40d5");
    let again = post(&server, &event("r1"), &[("Idempotency-Key", "\"8e03978e-40d5\"")]).await;
    assert_eq!(again.json["data"]["duplicate"], true, "quoted or bare, it is one key");
    assert_eq!(again.json["data"]["alert_id"], first.json["data"]["alert_id"]);
    let other = post(&server, &event("r2"), &[("idempotency-key", "8e03978e-40d5")]).await;
    other.assert_problem(409, "event_id_conflict");
    assert_eq!(server.done("GET", "/v1/events/8e03978e-40d5", Value::Null).await["kind"], "order.new");
    server.stop().await;
}

#[tokio::test]
async fn the_id_of_the_event_stands_above_the_key_and_that_above_the_webhook_id() {
    let server = TestServer::start("").await;
    let both = [("idempotency-key", "key-1"), ("webhook-id", "msg-1")];
    let mut named = event("r1");
    named["id"] = json!("own-1");
    assert_eq!(post(&server, &named, &both).await.json["data"]["event_id"], "own-1");
    assert_eq!(post(&server, &event("r1"), &both).await.json["data"]["event_id"], "key-1");
    assert_eq!(post(&server, &event("r1"), &both[1..]).await.json["data"]["event_id"], "msg-1");
    let fresh = post(&server, &event("r1"), &[]).await;
    assert!(fresh.json["data"]["event_id"].as_str().unwrap().starts_with("evt_"));
    server.stop().await;
}

#[tokio::test]
async fn a_key_that_is_no_id_is_refused() {
    let server = TestServer::start("").await;
    let long = "x".repeat(129);
    for bad in ["", "a b", "\"\"", "\"open", "\"a\"b", long.as_str()] {
        let refused = post(&server, &event("r1"), &[("idempotency-key", bad)]).await;
        refused.assert_problem(400, "bad_id");
        let detail = refused.json["detail"].as_str().unwrap();
        assert!(detail.starts_with("idempotency-key: "), "{bad}: {detail}");
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "a")];
    post(&server, &event("r1"), &twice).await.assert_problem(400, "bad_id");
    post(&server, &event("r1"), &[("webhook-id", "a b")]).await.assert_problem(400, "bad_id");
    server.get("/v1/riders/r1").await.assert_problem(404, "not_found");
    server.stop().await;
}
