//! Kinds that are remembered without a sound, until an app gives them words of its own.

use serde_json::{Value, json};

use crate::support::TestServer;

fn picked_up(id: &str) -> Value {
    json!({"id": id, "kind": "order.picked_up", "target": {"riders": ["r1"]}, "order": {"short_no": "12"}})
}

#[tokio::test]
async fn a_silent_kind_is_remembered_and_nobody_is_told() {
    let server = TestServer::start("").await;
    let data = server.post_event(picked_up("e-1")).await;
    assert_eq!((&data["outcome"], &data["reachable"]), (&json!("remembered"), &json!(0)));
    assert_eq!(data["alerts"], json!([]));
    assert!(data.get("alert_id").is_none());
    assert_eq!(server.done("GET", "/v1/events/e-1", Value::Null).await["kind"], "order.picked_up");
    assert_eq!(server.post_event(picked_up("e-1")).await["duplicate"], true);
    server.stop().await;
}

#[tokio::test]
async fn an_app_with_a_phrase_of_its_own_hears_it() {
    let server = TestServer::start("").await;
    let phrases = json!(["{{ merchant|shop }}的餐已取", "{{ short_no|code }}号单已取餐", "已取餐"]);
    let template = json!({"lang": "zh-CN", "phrases": phrases});
    server.done("PUT", "/v1/templates/order.picked_up", template).await;
    let data = server.post_event(picked_up("e-1")).await;
    assert_eq!(data["outcome"], "alerted");
    let alert = server.rendered(data["alert_id"].as_str().unwrap()).await;
    assert_eq!(alert["text"], "12号单已取餐");
    assert_eq!(alert["audio"]["canned"], false);
    let listed = server.done("GET", "/v1/templates", Value::Null).await;
    assert_eq!(
        listed["templates"][0],
        json!({"kind": "order.picked_up", "lang": "zh-CN", "merchant": null, "version": 1,
            "saved_at": listed["templates"][0]["saved_at"], "phrases": phrases})
    );
    server.done("PUT", "/v1/templates/order.picked_up", json!({"lang": "zh-CN", "phrases": []})).await;
    assert_eq!(server.post_event(picked_up("e-2")).await["outcome"], "remembered");
    server.stop().await;
}

#[tokio::test]
async fn a_text_of_the_event_is_spoken_whatever_its_kind() {
    let server = TestServer::start("").await;
    let mut event = picked_up("e-1");
    event["alert"] = json!({"text": "餐已取，请出发"});
    let data = server.post_event(event).await;
    let alert = server.alert(data["alert_id"].as_str().unwrap()).await;
    assert_eq!(alert["text"], "餐已取，请出发");
    server.stop().await;
}

#[tokio::test]
async fn a_phrase_that_does_not_compile_is_refused_with_its_place() {
    let server = TestServer::start("").await;
    let put =
        async |kind: &str, body: Value| server.call("PUT", &format!("/v1/templates/{kind}"), body).await;
    for bad in ["{{ merchant", "{{ nobody|nothing }}", "{% for x in y %}", "{{ merchant|shop|upper }}"] {
        let refused = put("order.new", json!({"lang": "zh-CN", "phrases": ["新订单", bad]})).await;
        assert_eq!(refused.json["pointer"], "/phrases/1", "{bad}: {}", refused.json);
        refused.assert_problem(400, "bad_phrase");
    }
    put("order.new", json!({"phrases": []})).await.assert_problem(400, "missing_member");
    put("order.new", json!({"lang": "fr", "phrases": []})).await.assert_problem(400, "unknown_value");
    put("order.new", json!({"lang": "en"})).await.assert_problem(400, "missing_member");
    put("order.new", json!({"lang": "en", "phrases": [7]})).await.assert_problem(400, "wrong_type");
    put("order.new", json!({"lang": "en", "phrases": vec!["new"; 21]})).await.assert_problem(400, "too_many");
    put("order.sung", json!({"lang": "en", "phrases": []})).await.assert_problem(404, "not_found");
    assert_eq!(server.done("GET", "/v1/templates", Value::Null).await["templates"], json!([]));
    server.stop().await;
}
