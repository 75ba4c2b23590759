//! Bodies and queries that were taken against the document, or refused against it, until schemathesis sent them.

use serde_json::{Value, json};

use crate::support::{TestServer, reply};

#[tokio::test]
async fn what_the_document_forbids_is_refused() {
    let server = TestServer::start("").await;
    let offer = |step: Value| json!({"kind": "order.offered", "target": {"riders": ["r_1"]}, "offer": {"mode": "grab", "ladder": [step]}});
    let long = format!("ZH_{}", "0".repeat(33));
    let refused = [
        (
            "/v1/events",
            json!({"kind": "order.new", "target": {"riders": ["r_1"]}, "offer": {"mode": ""}}),
            "unknown_value",
        ),
        ("/v1/events", offer(json!({"after_s": 0, "do": "repeat", "groups": "s5"})), "wrong_type"),
        ("/v1/speech", json!({"text": "您有新的订单", "vars": [null]}), "wrong_type"),
        ("/v1/speech", json!({"text": "您有新的订单", "kind": "order.invented"}), "unknown_kind"),
        ("/v1/speech", json!({"text": "您有新的订单", "lang": long}), "unknown_value"),
        // Was 503 and "send it again": the voice makes a silent sound of it each time.
        ("/v1/speech", json!({"text": "𐄇"}), "bad_text"),
    ];
    for (path, body, error) in refused {
        server.call("POST", path, body).await.assert_problem(400, error);
    }
    server.get("/audio/silence/1.mp3?kind=zero&kind=loud").await.assert_problem(400, "bad_kind");
    server.stop().await;
}

/// Each answer and each body that was taken is held to the document on its way (support/contract.rs).
#[tokio::test]
async fn what_is_taken_is_allowed_by_the_document() {
    let server = TestServer::start("").await;
    let empty = json!({"kind": "order.new", "target": {"riders": ["r_1"]}, "callback_url": "", "alert": {"lang": ""}});
    server.post_event(empty).await;
    let event = json!({"specversion": "1.0", "id": "1", "source": "/shops/42", "type": "order.new",
        "traceparent": false, "data": {"rider_id": "r_1"}});
    let posted = server.request("POST", "/v1/events").bearer_auth(&server.key);
    let posted = posted.header("content-type", "application/cloudevents+json").body(event.to_string());
    let told = reply(posted).await;
    assert_eq!(told.status, 200, "{}", told.text());
    server.stop().await;
}
