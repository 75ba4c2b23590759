//! Batches: one bad event spoils no other, each is answered at its place, and a rider hears them in the order of the list.

use std::time::Instant;

use orderbell::domain::app::Scope;
use serde_json::{Value, json};

use super::refusals::{ambiguous, with, wrong_types, wrong_values};
use crate::support::{NO_CAP, Reply, RiderSocket, TestServer, reply};

fn event(id: &str, rider: &str) -> Value {
    json!({"id": id, "kind": "order.new", "target": {"riders": [rider]}})
}

async fn post_as(server: &TestServer, media: &str, body: impl Into<reqwest::Body>) -> Reply {
    let request = server.request("POST", "/v1/events/batch").bearer_auth(&server.key);
    reply(request.header("content-type", media).body(body)).await
}

async fn post(server: &TestServer, body: impl Into<reqwest::Body>) -> Reply {
    post_as(server, "application/json", body).await
}

#[tokio::test]
async fn a_batch_is_answered_event_by_event_in_its_order() {
    let server = TestServer::start("").await;
    let _on_the_road = RiderSocket::connect(&server, "r1").await;
    let first = server.post_event(event("e-0", "r1")).await;
    let events = json!([
        event("e-0", "r1"),
        event("e-1", "r1"),
        {"id": "e-2", "kind": "order.sung", "target": {"riders": ["r1"]}},
        event("e-1", "r1"),
        event("e-1", "r2"),
        {"kind": "order.picked_up", "target": {"riders": ["r1"]}},
    ]);
    for body in [json!({"events": events}), events] {
        let again = body.is_array();
        let data = server.done("POST", "/v1/events/batch", body).await;
        let expected = if again { json!([1, 3, 2]) } else { json!([2, 2, 2]) };
        assert_eq!(json!([data["accepted"], data["duplicates"], data["failed"]]), expected);
        let results = data["results"].as_array().unwrap();
        let indexes: Vec<_> = results.iter().map(|one| one["index"].as_u64().unwrap()).collect();
        assert_eq!(indexes, [0, 1, 2, 3, 4, 5]);
        let statuses: Vec<_> = results.iter().map(|one| one["status"].as_u64().unwrap()).collect();
        assert_eq!(statuses, [200, 200, 400, 200, 409, 200]);
        assert_eq!((&results[0]["alert_id"], &results[0]["duplicate"]), (&first["alert_id"], &json!(true)));
        assert_eq!(results[1]["alert_id"], results[3]["alert_id"], "the same id twice is one event");
        assert_eq!((&results[1]["duplicate"], &results[3]["duplicate"]), (&json!(again), &json!(true)));
        assert_eq!(results[1]["reachable"], 1);
        let pointer = if again { "/2/kind" } else { "/events/2/kind" };
        assert_eq!((&results[2]["error"], &results[2]["pointer"]), (&json!("unknown_kind"), &json!(pointer)));
        assert!(!results[2]["detail"].as_str().unwrap().is_empty());
        assert_eq!(results[4]["error"], "event_id_conflict");
        assert_eq!(results[5]["outcome"], "remembered");
    }
    server.get("/v1/riders/r2").await.assert_problem(404, "not_found");
    server.stop().await;
}

#[tokio::test]
async fn a_bad_event_spoils_no_other_whatever_is_wrong_with_it() {
    let server = TestServer::start(NO_CAP).await;
    let mut bad: Vec<_> = ambiguous();
    bad.extend(wrong_types().into_iter().chain(wrong_values()));
    let deep = format!(r#"{{"ext":{}1{}}}"#, "[".repeat(10_000), "]".repeat(10_000)).into_bytes();
    let place = format!("/ext{}", "/0".repeat(16));
    bad.push((deep, "too_deep", place));
    bad.push((br#"{"id":"bad","ext":"\ud800"}"#.to_vec(), "malformed_json", String::new()));
    bad.push((b"{\"id\":\"\xff\xfe\",\"kind\":\"order.new\"}".to_vec(), "malformed_json", String::new()));
    bad.push((br#"{"id":1e400}"#.to_vec(), "malformed_json", String::new()));
    let mut body = b"{\"events\":[".to_vec();
    for (place, (one, ..)) in bad.iter().enumerate() {
        body.extend(event(&format!("good-{place}"), "r9").to_string().into_bytes());
        body.push(b',');
        body.extend(one);
        body.push(b',');
    }
    body.extend(event("good-last", "r9").to_string().into_bytes());
    body.extend(b"]}");
    let reply = post(&server, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let data = &reply.json["data"];
    assert_eq!((&data["accepted"], &data["failed"]), (&json!(bad.len() + 1), &json!(bad.len())));
    for (place, (one, error, pointer)) in bad.iter().enumerate() {
        let index = 2 * place + 1;
        let told = &data["results"][index];
        let shown = String::from_utf8_lossy(&one[..one.len().min(200)]);
        assert_eq!((&told["status"], &told["error"]), (&json!(400), &json!(error)), "{shown}: {told}");
        assert_eq!(told["pointer"], format!("/events/{index}{pointer}"), "{shown}");
    }
    server.get("/v1/riders/r1").await.assert_problem(404, "not_found");
    server.get("/v1/events/bad").await.assert_problem(404, "not_found");
    server.stop().await;
}

#[tokio::test]
async fn an_event_over_its_own_bound_is_refused_for_itself() {
    let server = TestServer::start("").await;
    let long = event(&"x".repeat(65_536), "r1");
    let data =
        server.done("POST", "/v1/events/batch", json!([event("e-1", "r1"), long, event("e-2", "r1")])).await;
    let told: Vec<_> = (0..3).map(|index| data["results"][index]["status"].clone()).collect();
    assert_eq!(told, [200, 413, 200]);
    assert_eq!(data["results"][1]["error"], "too_large");
    let padded = |len: usize| {
        format!("[{}{}]", event("e-1", "r1"), " ".repeat(len - 2 - event("e-1", "r1").to_string().len()))
    };
    assert_eq!(post(&server, padded(2_097_152)).await.status, 200);
    post(&server, padded(2_097_153)).await.assert_problem(413, "too_large");
    server.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_the_batch_refuses_all_of_it() {
    let server = TestServer::start("").await;
    let good = event("e-1", "r1").to_string();
    let many = format!("[{}]", vec![good.as_str(); 501].join(","));
    for (body, error, pointer) in [
        ("{}", "missing_member", Some("/events")),
        (r#"{"events":[]}"#, "out_of_range", Some("/events")),
        ("[]", "out_of_range", Some("")),
        (&many, "too_many", Some("")),
        (&format!(r#"{{"events":{many}}}"#), "too_many", Some("/events")),
        (&format!(r#"{{"events":[{good}],"wait":true}}"#), "unknown_member", Some("/wait")),
        (&format!(r#"{{"events":[{good}],"events":[]}}"#), "duplicate_member", Some("/events")),
        (r#"{"events":"all"}"#, "wrong_type", Some("/events")),
        ("7", "wrong_type", Some("")),
        (&format!("[{good}"), "malformed_json", None),
        (&format!("[{good}] {good}"), "malformed_json", None),
        (&format!("\u{feff}[{good}]"), "malformed_json", None),
        ("", "malformed_json", None),
    ] {
        let refused = post(&server, body.to_owned()).await;
        assert_eq!(refused.json["error"], error, "{:.100}: {}", body, refused.json);
        refused.assert_problem(400, error);
        assert_eq!(refused.json["pointer"].as_str(), pointer, "{body:.100}");
    }
    let batch = || {
        server.request("POST", "/v1/events/batch").bearer_auth(&server.key).json(&json!([event("e-1", "r1")]))
    };
    let keyed = reply(batch().header("idempotency-key", "k")).await;
    keyed.assert_problem(400, "not_together");
    for query in ["wait=played", "timeout_ms=5"] {
        let path = format!("/v1/events/batch?{query}");
        server.call("POST", &path, json!([event("e-1", "r1")])).await.assert_problem(400, "bad_query");
    }
    post_as(&server, "text/plain", good.clone()).await.assert_problem(415, "unsupported_media_type");
    post_as(&server, "application/cloudevents+json", good)
        .await
        .assert_problem(415, "unsupported_media_type");
    let reader = server.key_with(&[Scope::Read]).await;
    let refused = server.call_as(&reader, "POST", "/v1/events/batch", json!([event("e-1", "r1")])).await;
    refused.assert_problem(403, "missing_scope");
    server.call_as("", "POST", "/v1/events/batch", json!([])).await.assert_problem(401, "bad_key");
    server.get("/v1/events/e-1").await.assert_problem(404, "not_found");
    server.stop().await;
}

#[tokio::test]
async fn five_hundred_events_of_one_rider_keep_their_order_and_share_commits() {
    let server = TestServer::start(NO_CAP).await;
    let events: Vec<_> = (0..500).map(|n| event(&format!("e-{n}"), "r1")).collect();
    let began = Instant::now();
    let data = server.done("POST", "/v1/events/batch", json!({"events": events})).await;
    let spent_ms = began.elapsed().as_millis();
    println!("500 events of one rider in one batch: {spent_ms} ms");
    assert_eq!((&data["accepted"], &data["failed"]), (&json!(500), &json!(0)));
    // Five hundred commits of their own would take longer than this on most disks, and so would drafting twice.
    assert!(spent_ms < 5_000, "{spent_ms} ms");
    let mut last = 0;
    for (place, told) in data["results"].as_array().unwrap().iter().enumerate() {
        assert_eq!(told["event_id"], format!("e-{place}"));
        let alert = server.alert(told["alert_id"].as_str().unwrap()).await;
        let seq = alert["deliveries"][0]["seq"].as_i64().unwrap();
        assert!(seq > last, "event {place} has seq {seq} after {last}");
        last = seq;
    }
    server.stop().await;
}

#[tokio::test]
async fn news_of_one_order_in_a_batch_is_taken_in_turn() {
    let server = TestServer::start("").await;
    let news = |id: &str, kind: &str, version: u32| json!({"id": id, "kind": kind, "order": {"id": "o1", "version": version}, "target": {"riders": ["r1"]}});
    let batch =
        json!([news("a", "order.new", 1), news("c", "order.cancelled", 3), news("b", "order.changed", 2)]);
    let data = server.done("POST", "/v1/events/batch", batch).await;
    let outcomes: Vec<_> = (0..3).map(|index| data["results"][index]["outcome"].clone()).collect();
    assert_eq!(outcomes, ["alerted", "alerted", "dropped"]);
    let first = server.alert(data["results"][0]["alert_id"].as_str().unwrap()).await;
    assert_eq!(first["deliveries"][0]["reason"], "cancelled_by_order");
    server.stop().await;
}

#[tokio::test]
async fn events_of_every_form_may_stand_in_one_batch() {
    let server = TestServer::start("").await;
    let message = json!({"type": "order.new", "data": {"rider_id": "r1"}});
    let bad = json!({"type": "order.sung", "data": {"rider_id": "r1"}});
    let wrong: Value = serde_json::from_slice(&with("/order/fee_cents", json!(-1))).unwrap();
    let data =
        server.done("POST", "/v1/events/batch", json!([event("e-1", "r1"), message, bad, wrong])).await;
    assert_eq!((&data["accepted"], &data["failed"]), (&json!(2), &json!(2)));
    assert_eq!(data["results"][2]["pointer"], "/2/type");
    assert_eq!(data["results"][3]["pointer"], "/3/order/fee_cents");
    server.stop().await;
}
