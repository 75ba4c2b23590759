//! Events as webhook messages, `{type, timestamp, data}`, and how their types become kinds.

use serde_json::{Value, json};

use crate::support::{TestServer, reply};

/// As a sender of this form writes it.
const OFFERED: &str = include_str!("../payloads/webhook.json");

fn message(data: &Value) -> Value {
    json!({"type": "order.new", "timestamp": "2026-03-01T04:30:05Z", "data": data})
}

#[tokio::test]
async fn a_message_with_canonical_data_is_that_event() {
    let server = TestServer::start("").await;
    let post = |id: &'static str| {
        let request = server.request("POST", "/v1/events").bearer_auth(&server.key).body(OFFERED);
        reply(request.header("content-type", "application/json").header("webhook-id", id))
    };
    let told = post("msg_2KWPBgDEMO").await;
    assert_eq!(told.status, 200, "{}", told.text());
    let data = &told.json["data"];
    assert_eq!((&data["event_id"], &data["duplicate"]), (&json!("msg_2KWPBgDEMO"), &json!(false)));
    let alert = server.alert(data["alert_id"].as_str().unwrap()).await;
    assert_eq!(alert["kind"], "order.offered");
    assert_eq!((&alert["mode"], &alert["order_id"]), (&json!("assign"), &json!("M20260301000017")));
    assert!(alert["text"].as_str().unwrap().contains("测试面馆"), "{}", alert["text"]);
    assert_eq!(alert["deliveries"][0]["rider"], "r_1001");
    assert_eq!(post("msg_2KWPBgDEMO").await.json["data"]["duplicate"], true);
    assert_eq!(post("msg_other").await.json["data"]["duplicate"], false);
    server.get("/v1/events/msg_2KWPBgDEMO").await;
    server.stop().await;
}

#[tokio::test]
async fn plain_data_names_a_rider_an_order_and_slots() {
    let server = TestServer::start("").await;
    let own = json!({"lang": "zh-CN", "phrases": ["{{ shop|text }}第{{ times|count }}次，{{ short_no|code }}号单", "新订单"]});
    server.done("PUT", "/v1/templates/order.new", own).await;
    let data = json!({"id": 7, "rider_id": "r1", "order_id": "o1", "short_no": 17, "merchant": "测试面馆", "times": 2,
        "shop": "一店", "customer_phone": "13000000000", "lines": [{"sku": 1}]});
    let told = server.post_event(message(&data)).await;
    assert_ne!(told["event_id"], "7", "the id of plain data is that of the thing it tells of");
    let alert = server.alert(told["alert_id"].as_str().unwrap()).await;
    assert_eq!((&alert["order_id"], &alert["text"]), (&json!("o1"), &json!("一店第2次，17号单")));
    server.stop().await;
}

#[tokio::test]
async fn an_id_of_the_message_is_the_id_of_the_event() {
    let server = TestServer::start("").await;
    let mut top = message(&json!({"rider_id": "r1"}));
    top["id"] = json!("m-1");
    assert_eq!(server.post_event(top).await["event_id"], "m-1");
    let inner = message(&json!({"id": "m-2", "target": {"riders": ["r1"]}}));
    assert_eq!(server.post_event(inner).await["event_id"], "m-2");
    server.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_named_where_it_stands_in_the_message() {
    let server = TestServer::start("").await;
    let future = server.now_ms() + 600_000;
    let cases = [
        ("/type", json!("order.sung"), "unknown_kind", "/type"),
        ("/type", json!(7), "wrong_type", "/type"),
        ("/type", json!(""), "missing_member", "/type"),
        ("/timestamp", json!("yesterday"), "bad_time", "/timestamp"),
        ("/timestamp", json!(future), "bad_time", "/timestamp"),
        ("/data", json!([]), "wrong_type", "/data"),
        ("/data", Value::Null, "missing_member", "/data"),
        ("/data", json!({}), "missing_member", "/data/target"),
        ("/data/order", json!({"fee_cents": -1}), "out_of_range", "/data/order/fee_cents"),
        ("/data/fee_cents", json!(-1), "out_of_range", "/data/fee_cents"),
        ("/data/riders", json!(["r2"]), "not_together", "/data/riders"),
        ("/data/recur", json!({"cron": "x"}), "bad_recurrence", "/data/recur"),
        ("/id", json!("a b"), "bad_id", "/id"),
        ("/version", json!(1), "unknown_member", "/version"),
    ];
    for (place, value, error, pointer) in cases {
        let mut body = message(&json!({"rider_id": "r1"}));
        let (parent, name) = place.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[name] = value.clone();
        let refused = server.call("POST", "/v1/events", body).await;
        assert_eq!(refused.json["error"], error, "{place} = {value}: {}", refused.json);
        refused.assert_problem(400, error);
        assert_eq!(refused.json["pointer"], pointer, "{place} = {value}");
    }
    server.get("/v1/riders/r1").await.assert_problem(404, "not_found");
    server.stop().await;
}

#[tokio::test]
async fn a_prefix_is_cut_off_types_and_an_app_has_its_own() {
    let server = TestServer::start("[intake]\ntype_prefix = \"shop-\"\n").await;
    let post = async |event_type: &str| {
        let body = json!({"type": event_type, "data": {"rider_id": "r1"}});
        server.call("POST", "/v1/events", body).await.status
    };
    assert_eq!(
        [post("shop-order.new").await, post("a.b/order.new").await, post("x-order.new").await],
        [200, 200, 400]
    );
    server.done("PUT", "/v1/settings", json!({"type_prefix": "x-"})).await;
    assert_eq!([post("shop-order.new").await, post("x-order.new").await], [400, 200]);
    let kind = json!({"kind": "x-order.new", "target": {"riders": ["r1"]}});
    server.call("POST", "/v1/events", kind).await.assert_problem(400, "unknown_kind");
    server.stop().await;
}

#[tokio::test]
async fn a_recurring_event_comes_again_whatever_form_it_was_sent_in() {
    let server = TestServer::start(crate::support::QUICK_SWEEP).await;
    let data = json!({"rider_id": "r1", "recur": {"every_s": 1, "times": 1}, "note_to_rider": "hi"});
    let told = server.post_event(message(&data)).await;
    assert_eq!(told["outcome"], "scheduled");
    crate::support::eventually("it has come", async || {
        let rider = server.get("/v1/riders/r1").await;
        (rider.status == 200 && rider.json["data"]["open_alerts"] == 1).then_some(())
    })
    .await;
    server.stop().await;
}
