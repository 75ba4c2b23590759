//! CloudEvents as their SDKs send them: structured, binary and in batches; found again by source and id.

use serde_json::{Value, json};

use crate::support::{Reply, TestServer, reply};

const STRUCTURED: &str = "application/cloudevents+json; charset=UTF-8";
const BATCH: &str = "application/cloudevents-batch+json";
/// As a sender of this form writes it.
const URGED: &str = include_str!("../payloads/cloudevent.json");

async fn post(server: &TestServer, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut request = server.request("POST", path).bearer_auth(&server.key).body(body.to_owned());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    reply(request).await
}

async fn structured(server: &TestServer, event: &Value) -> Reply {
    post(server, "/v1/events", &[("content-type", STRUCTURED)], &event.to_string()).await
}

fn urged() -> Value {
    serde_json::from_str(URGED).unwrap()
}

#[tokio::test]
async fn a_structured_event_is_told_and_found_again() {
    let server = TestServer::start("").await;
    let told = post(&server, "/v1/events", &[("content-type", STRUCTURED)], URGED).await;
    assert_eq!(told.status, 200, "{}", told.text());
    let data = &told.json["data"];
    assert_eq!(data["event_id"], "/shops/42/orders#A234-0017");
    assert_eq!(data["alerts"][0]["deliveries"][0]["rider"], "r_1001");
    let alert = server.alert(data["alert_id"].as_str().unwrap()).await;
    assert_eq!((&alert["kind"], &alert["order_id"]), (&json!("order.urged"), &json!("M20260301000017")));
    assert_eq!(alert["event_id"], "/shops/42/orders#A234-0017");
    let found = server.done("GET", "/v1/events/%2Fshops%2F42%2Forders%23A234-0017", Value::Null).await;
    assert_eq!((&found["alert_id"], &found["kind"]), (&data["alert_id"], &json!("order.urged")));
    let mut again = structured(&server, &urged()).await.json["data"].take();
    assert_eq!(again["duplicate"].take(), true);
    assert_eq!(again["alert_id"], data["alert_id"]);
    let mut other = urged();
    other["data"]["times"] = json!(3);
    structured(&server, &other).await.assert_problem(409, "event_id_conflict");
    other["source"] = json!("/shops/43/orders");
    assert_eq!(structured(&server, &other).await.status, 200, "another source, another event");
    server.stop().await;
}

#[tokio::test]
async fn a_cloud_event_and_an_event_of_the_same_id_are_two() {
    let server = TestServer::start("").await;
    let plain =
        json!({"id": "/shops/42/orders#A234-0017", "kind": "order.new", "target": {"riders": ["r1"]}});
    let plain = server.post_event(plain).await;
    let cloud = structured(&server, &urged()).await;
    assert_eq!((cloud.status, &cloud.json["data"]["duplicate"]), (200, &json!(false)));
    assert_ne!(cloud.json["data"]["alert_id"], plain["alert_id"]);
    server.stop().await;
}

#[tokio::test]
async fn a_binary_event_has_its_attributes_in_headers() {
    let server = TestServer::start("").await;
    let headers = [
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-id", "A234-0017"),
        ("ce-source", "/shops/42/orders"),
        ("ce-type", "com.example.order.urged"),
        ("ce-subject", "M20260301000017"),
        ("ce-time", "2026-03-01T04:55:00Z"),
        ("ce-shop", "%E6%B5%8B%E8%AF%95"),
        ("ce-traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ];
    let told = post(&server, "/v1/events", &headers, r#"{"rider_id":"r_1001","times":2}"#).await;
    assert_eq!(told.status, 200, "{}", told.text());
    let alert = server.alert(told.json["data"]["alert_id"].as_str().unwrap()).await;
    assert_eq!((&alert["kind"], &alert["order_id"]), (&json!("order.urged"), &json!("M20260301000017")));
    assert_eq!(alert["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    let again = structured(&server, &urged()).await;
    assert_eq!(again.json["data"]["duplicate"], true, "the same event in the other mode");
    let untyped = post(&server, "/v1/events", &headers[1..], r#"{"rider_id":"r_1001","times":2}"#).await;
    assert_eq!(untyped.json["data"]["duplicate"], true, "no type is JSON: {}", untyped.text());
    let xml = [&[("content-type", "text/xml")], &headers[1..]].concat();
    post(&server, "/v1/events", &xml, "<a/>").await.assert_problem(415, "unsupported_media_type");
    let without = |name: &str| headers.into_iter().filter(|(known, _)| *known != name).collect::<Vec<_>>();
    for name in ["ce-specversion", "ce-id", "ce-source", "ce-type"] {
        let refused = post(&server, "/v1/events", &without(name), r#"{"rider_id":"r1"}"#).await;
        refused.assert_problem(400, "bad_cloudevent");
        assert!(refused.json["detail"].as_str().unwrap().starts_with(name), "{}", refused.json);
        assert!(refused.json.get("pointer").is_none());
    }
    let mut twice = headers.to_vec();
    twice.push(("ce-id", "B"));
    post(&server, "/v1/events", &twice, r#"{"rider_id":"r1"}"#).await.assert_problem(400, "bad_cloudevent");
    let wrong = post(&server, "/v1/events", &headers, r#"{"rider_id":"r1","fee_cents":"1"}"#).await;
    wrong.assert_problem(400, "wrong_type");
    assert_eq!(wrong.json["pointer"], "/fee_cents");
    server.stop().await;
}

#[tokio::test]
async fn the_trace_that_an_event_brings_counts_more_than_that_of_its_request() {
    let server = TestServer::start("").await;
    let header = "00-11111111111111111111111111111111-b7ad6b7169203331-01";
    let own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (extension, trace) in [
        (Some(own), "0af7651916cd43dd8448eb211c80319c"),
        (Some("00-zz"), "11111111111111111111111111111111"),
        (None, "11111111111111111111111111111111"),
    ] {
        let mut event = urged();
        event["id"] = json!(format!("trace-{extension:?}").replace('"', ""));
        if let Some(extension) = extension {
            event["traceparent"] = json!(extension);
        }
        let headers = [("content-type", STRUCTURED), ("traceparent", header)];
        let told = post(&server, "/v1/events", &headers, &event.to_string()).await;
        let alert = server.alert(told.json["data"]["alert_id"].as_str().unwrap()).await;
        assert_eq!(alert["trace_id"], trace, "{extension:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn batches_are_taken_at_both_addresses() {
    let server = TestServer::start("").await;
    let mut other = urged();
    other["id"] = json!("A234-0018");
    let mut bad = urged();
    bad["specversion"] = json!("0.3");
    let batch = json!([urged(), bad, other]).to_string();
    for (path, duplicates) in [("/v1/events", 0), ("/v1/events/batch", 2)] {
        let told = post(&server, path, &[("content-type", BATCH)], &batch).await;
        assert_eq!(told.status, 200, "{}", told.text());
        let data = &told.json["data"];
        assert_eq!((&data["duplicates"], &data["failed"]), (&json!(duplicates), &json!(1)));
        let refused = &data["results"][1];
        assert_eq!(json!([refused["status"], refused["error"]]), json!([400, "bad_cloudevent"]));
        assert_eq!(refused["pointer"], "/1/specversion");
    }
    let wrapped = json!({"events": [urged()]}).to_string();
    for (body, word) in [(wrapped.as_str(), "wrong_type"), ("[]", "out_of_range"), (URGED, "wrong_type")] {
        post(&server, "/v1/events", &[("content-type", BATCH)], body).await.assert_problem(400, word);
    }
    let waiting = post(&server, "/v1/events?wait=played", &[("content-type", BATCH)], &batch).await;
    waiting.assert_problem(400, "bad_query");
    server.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_named_where_the_sender_wrote_it() {
    let server = TestServer::start("").await;
    let in_ten_minutes = jiff_of(server.now_ms() + 600_000);
    let cases = [
        ("/id", Value::Null, "bad_cloudevent", "/id"),
        ("/id", json!(17), "bad_cloudevent", "/id"),
        ("/source", json!(""), "bad_cloudevent", "/source"),
        ("/specversion", json!("1.1"), "bad_cloudevent", "/specversion"),
        ("/type", Value::Null, "bad_cloudevent", "/type"),
        ("/type", json!("com.example.order.sung"), "unknown_kind", "/type"),
        ("/type", json!("com.example.Order.urged"), "unknown_kind", "/type"),
        ("/time", json!("2026-03-01 04:55"), "bad_cloudevent", "/time"),
        ("/time", json!(in_ten_minutes), "bad_time", "/time"),
        ("/subject", json!("two words"), "bad_id", "/subject"),
        ("/datacontenttype", json!("application/xml"), "bad_cloudevent", "/datacontenttype"),
        ("/data", json!("<xml/>"), "bad_cloudevent", "/data"),
        ("/data", Value::Null, "missing_member", "/data/target"),
        ("/data/rider_id", json!(""), "bad_id", "/data/rider_id"),
        ("/data/rider_id", json!(["r1"]), "wrong_type", "/data/rider_id"),
        ("/data/alert", json!({"text": "。、！"}), "bad_text", "/data/alert/text"),
        ("/data/alert", json!({"lang": "fr"}), "unknown_value", "/data/alert/lang"),
        ("/data/callback_url", json!("http://127.0.0.1/"), "url_not_allowed", "/data/callback_url"),
    ];
    for (place, value, error, pointer) in cases {
        let mut event = urged();
        let (parent, name) = place.rsplit_once('/').unwrap();
        event.pointer_mut(parent).unwrap()[name] = value.clone();
        let refused = structured(&server, &event).await;
        assert_eq!(refused.json["error"], error, "{place} = {value}: {}", refused.json);
        refused.assert_problem(400, error);
        assert_eq!(refused.json["pointer"], pointer, "{place} = {value}");
    }
    let doubled = URGED.replacen("\"id\":", "\"id\":\"x\",\"id\":", 1);
    let refused = post(&server, "/v1/events", &[("content-type", STRUCTURED)], &doubled).await;
    refused.assert_problem(400, "duplicate_member");
    server.get("/v1/riders/r_1001").await.assert_problem(404, "not_found");
    server.stop().await;
}

fn jiff_of(ms: i64) -> String {
    orderbell::domain::EpochMs(ms).to_string()
}

#[tokio::test]
async fn a_plain_body_that_looks_like_one_is_told_how_to_be_sent() {
    let server = TestServer::start("").await;
    let refused = post(&server, "/v1/events", &[("content-type", "application/json")], URGED).await;
    refused.assert_problem(400, "unknown_member");
    assert!(refused.json["detail"].as_str().unwrap().contains("application/cloudevents+json"));
    server.stop().await;
}
