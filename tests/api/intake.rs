//! Posting events: what is accepted and what the backend is told, what is refused and with which words.
//! A refusal stores nothing, names the member at fault, and reads the same to every kind of caller.

mod batches;
mod bodies;
mod callers;
mod cloud_events;
mod dry_runs;
mod ids;
mod offers;
mod refusals;
mod silent_kinds;
mod webhooks;

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{RiderSocket, TestServer};

#[tokio::test]
async fn an_event_is_answered_in_an_envelope_with_its_alert() {
    let server = TestServer::start("").await;
    let event = json!({"id": "e-1", "kind": "order.new", "target": {"riders": ["r1"]}});
    let reply = server.call("POST", "/v1/events", event).await;
    assert_eq!(reply.status, 200, "{}", reply.json);
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!((&reply.json["code"], &reply.json["msg"]), (&json!(0), &json!("ok")));
    assert_eq!(reply.json["request_id"].as_str(), Some(reply.header("x-request-id")));
    let data = &reply.json["data"];
    assert_eq!(data["event_id"], "e-1");
    assert_eq!(data["outcome"], "alerted");
    assert_eq!(data["duplicate"], false);
    assert_eq!(data["alerts"][0]["alert_id"], data["alert_id"]);
    let delivery = &data["alerts"][0]["deliveries"][0];
    assert_eq!(delivery["rider"], "r1");
    assert!(delivery["delivery_id"].as_str().unwrap().starts_with("dlv_"));
    let found = server.done("GET", "/v1/events/e-1", Value::Null).await;
    assert_eq!((&found["alert_id"], &found["kind"]), (&data["alert_id"], &json!("order.new")));
    server.stop().await;
}

#[tokio::test]
async fn an_event_without_an_id_is_given_one_and_is_never_a_duplicate() {
    let server = TestServer::start("").await;
    let event = json!({"kind": "order.new", "target": {"riders": ["r1"]}});
    let (one, two) = (server.post_event(event.clone()).await, server.post_event(event).await);
    assert_ne!(one["event_id"], two["event_id"]);
    assert_ne!(one["alert_id"], two["alert_id"]);
    assert_eq!((&one["duplicate"], &two["duplicate"]), (&json!(false), &json!(false)));
    server.stop().await;
}

#[tokio::test]
async fn the_same_event_again_gets_the_same_answer() {
    let server = TestServer::start("").await;
    let event =
        json!({"id": "e-1", "kind": "order.new", "target": {"riders": ["r1"]}, "ext": {"a": 1, "b": 2}});
    let mut first = server.post_event(event).await;
    // The same members in another order and with other white space are the same event.
    let spelled = "{ \"ext\":{\"b\":2,\"a\":1},\n\"target\":{\"riders\":[\"r1\"]},\"kind\":\"order.new\",\"id\":\"e-1\"}";
    let request = server.request("POST", "/v1/events").bearer_auth(&server.key);
    let again = crate::support::reply(request.header("content-type", "application/json").body(spelled)).await;
    assert_eq!(again.json["data"]["duplicate"], true);
    first["duplicate"] = json!(true);
    assert_eq!(again.json["data"], first);
    server.stop().await;
}

#[tokio::test]
async fn fifty_at_once_are_one_alert() {
    let server = TestServer::start("").await;
    let event = json!({"id": "e-1", "kind": "order.new", "target": {"riders": ["r1"]}});
    let answers = join_all((0..50).map(|_| server.post_event(event.clone()))).await;
    let alerts: BTreeSet<_> = answers.iter().map(|answer| answer["alert_id"].to_string()).collect();
    assert_eq!(alerts.len(), 1);
    assert_eq!(answers.iter().filter(|answer| answer["duplicate"] == false).count(), 1);
    server.rendered(answers[0]["alert_id"].as_str().unwrap()).await;
    let rider = server.done("GET", "/v1/riders/r1", Value::Null).await;
    assert_eq!(rider["open_alerts"], 1);
    server.stop().await;
}

#[tokio::test]
async fn the_same_id_with_another_body_is_a_conflict_and_the_first_stays() {
    let server = TestServer::start("").await;
    let first = json!({"id": "e-1", "kind": "order.new", "target": {"riders": ["r1"]}});
    let told = server.post_event(first.clone()).await;
    let other = json!({"id": "e-1", "kind": "order.new", "target": {"riders": ["r2"]}});
    server.call("POST", "/v1/events", other).await.assert_problem(409, "event_id_conflict");
    assert_eq!(server.get("/v1/riders/r2").await.status, 404);
    let again = server.post_event(first).await;
    assert_eq!((&again["alert_id"], &again["duplicate"]), (&told["alert_id"], &json!(true)));
    server.stop().await;
}

#[tokio::test]
async fn every_rider_is_listed_with_what_is_known_of_them() {
    let server = TestServer::start("").await;
    let _on_the_road = RiderSocket::connect(&server, "online").await;
    server.done("PUT", "/v1/riders/away", json!({})).await;
    server.done("PUT", "/v1/riders/resting", json!({"on_duty": false})).await;
    let riders = ["online", "away", "resting", "nobody"];
    let data = server.post_event(json!({"kind": "order.new", "target": {"riders": riders}})).await;
    let told: Vec<_> = data["alerts"][0]["deliveries"].as_array().unwrap().iter().collect();
    let told: Vec<_> =
        told.iter().map(|one| (one["rider"].as_str().unwrap(), one["status"].clone())).collect();
    let expected =
        [("online", "queued"), ("away", "offline"), ("resting", "off_duty"), ("nobody", "unknown")];
    assert_eq!(told, expected.map(|(rider, status)| (rider, json!(status))));
    assert_eq!(data["reachable"], 1);
    server.stop().await;
}

#[tokio::test]
async fn ids_that_are_numbers_are_kept_to_the_last_digit() {
    let server = TestServer::start("").await;
    let data = server
        .post_event(json!({
            "id": 900_719_925_474_099_312_u64,
            "kind": "order.new",
            "order": {"id": 123_456_789_012_345_678_u64},
            "target": {"riders": [987_654_321_098_765_432_u64]},
        }))
        .await;
    assert_eq!(data["event_id"], "900719925474099312");
    assert_eq!(data["alerts"][0]["deliveries"][0]["rider"], "987654321098765432");
    let alert = server.alert(data["alert_id"].as_str().unwrap()).await;
    assert_eq!(alert["order_id"], "123456789012345678");
    server.stop().await;
}
