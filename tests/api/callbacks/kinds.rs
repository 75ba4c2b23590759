//! What backends are told of what happens to alerts and riders, each body held to its schema by the backend of the test.

use std::time::Duration;

use serde_json::{Value, json};

use super::willing;
use crate::support::{Backend, QUICK, RiderSocket, TestServer, eventually, only_target};

/// The kinds of what a backend was told about an alert, as they came in.
fn kinds_about(backend: &Backend, alert: &str) -> Vec<String> {
    let told = backend.told();
    let about = told.iter().filter(|heard| heard.body["data"]["alert_id"] == alert);
    about.map(|heard| heard.body["type"].as_str().unwrap().to_owned()).collect()
}

/// Waits until a backend was told exactly this about an alert.
async fn assert_told(backend: &Backend, alert: &str, kinds: &[&str]) {
    eventually(&format!("{kinds:?} are told"), async || {
        let told = kinds_about(backend, alert);
        (told.len() >= kinds.len()).then_some(())
    })
    .await;
    assert_eq!(kinds_about(backend, alert), kinds);
}

#[tokio::test]
async fn the_callback_url_of_an_event_gets_all_about_its_alert_without_any_set_up() {
    let (server, backend) = (TestServer::start(QUICK).await, willing().await);
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let event = json!({"id": "e-1", "kind": "order.assigned", "order": {"id": "o-1"}, "target": {"riders": ["r1"]},
        "callback_url": backend.url("/about"), "ext": {"shop": 7}});
    let alert = server.post_event(event).await["alert_id"].as_str().unwrap().to_owned();
    let heard = rider.alert().await;
    rider.ack(&heard).await;
    rider.report(&alert, "played").await;
    assert_eq!(rider.answer(&alert, "confirm").await, "recorded");
    let kinds = ["delivery.sent", "delivery.received", "delivery.played", "delivery.acknowledged"];
    assert_told(&backend, &alert, &kinds).await;
    let last = backend.told_of("delivery.acknowledged", 1).await.remove(0);
    let data = &last.body["data"];
    assert_eq!(last.line(), "POST /about");
    for (member, expected) in [
        ("event_id", json!("e-1")),
        ("order_id", json!("o-1")),
        ("rider", json!("r1")),
        ("alert_kind", json!("order.assigned")),
        ("reason", json!("answered")),
        ("answer", json!("confirm")),
        ("ext", json!({"shop": 7})),
    ] {
        assert_eq!(data[member], expected, "{data}");
    }
    let trace = server.alert(&alert).await["trace_id"].as_str().unwrap().to_owned();
    assert!(last.header("traceparent").unwrap().contains(&trace));
    server.alert_for("r1", "announcement").await;
    assert_eq!(backend.told().len(), kinds.len(), "nothing of other alerts");
    server.stop().await;
}

#[tokio::test]
async fn offers_are_told_with_their_winner_and_their_losers() {
    let (server, backend) = (TestServer::start(QUICK).await, willing().await);
    only_target(&server, &backend.url("/bell")).await;
    let mut one = RiderSocket::connect(&server, "r1").await;
    let mut two = RiderSocket::connect(&server, "r2").await;
    let offer = json!({"kind": "order.available", "target": {"riders": ["r1", "r2"]},
        "offer": {"mode": "grab", "timeout_s": 30}});
    let alert = server.post_event(offer).await["alert_id"].as_str().unwrap().to_owned();
    one.alert().await;
    two.alert().await;
    assert_eq!(one.answer(&alert, "accept").await, "won");
    let won = backend.told_of("offer.accepted", 1).await.remove(0);
    assert_eq!((&won.body["data"]["rider"], &won.body["data"]["alert_id"]), (&json!("r1"), &json!(alert)));
    let lost = backend.told_of("delivery.lost", 1).await.remove(0);
    assert_eq!((&lost.body["data"]["rider"], &lost.body["data"]["reason"]), (&json!("r2"), &json!("taken")));
    backend.told_of("delivery.accepted", 1).await;

    let offer = json!({"kind": "order.offered", "target": {"riders": ["r1"]},
        "offer": {"mode": "assign", "timeout_s": 30}});
    let alert = server.post_event(offer).await["alert_id"].as_str().unwrap().to_owned();
    one.frame("the offer", |frame| frame["id"] == alert.as_str()).await;
    one.answer(&alert, "decline").await;
    backend.told_of("delivery.declined", 1).await;
    let expired = backend.told_of("offer.expired", 1).await.remove(0);
    assert_eq!(expired.body["data"]["alert_id"], alert.as_str());
    server.stop().await;
}

#[tokio::test]
async fn what_nobody_can_hear_is_told_at_once_and_what_was_taken_back_too() {
    let (server, backend) = (TestServer::start(QUICK).await, willing().await);
    only_target(&server, &backend.url("/bell")).await;
    let offer = json!({"kind": "order.offered", "order": {"id": "o-9"}, "target": {"riders": ["nobody"]},
        "offer": {"mode": "assign", "timeout_s": 600}});
    let alert = server.post_event(offer).await["alert_id"].as_str().unwrap().to_owned();
    let told = backend.told_of("alert.unreachable", 1).await.remove(0);
    assert_eq!((&told.body["data"]["alert_id"], &told.body["data"]["open"]), (&json!(alert), &json!(1)));
    server.done("POST", "/v1/orders/o-9/cancel", Value::Null).await;
    let told = backend.told_of("delivery.cancelled", 1).await.remove(0);
    assert_eq!(told.body["data"]["reason"], "cancelled_by_order");

    server.done("POST", "/v1/riders/r5/duty", json!({"on_duty": false})).await;
    server.alert_for("r5", "order.assigned").await;
    let told = backend.told_of("delivery.suppressed", 1).await.remove(0);
    assert_eq!(told.body["data"]["reason"], "off_duty");
    server.stop().await;
}

#[tokio::test]
async fn a_list_target_gets_lists_and_only_what_it_wants() {
    let (server, backend) = (TestServer::start(QUICK).await, willing().await);
    let body = json!({"url": backend.url("/facts"), "kinds": ["delivery.suppressed"], "batch_max": 100});
    server.done("POST", "/v1/callbacks/targets", body).await;
    server.done("POST", "/v1/riders/r5/duty", json!({"on_duty": false})).await;
    for _ in 0..5 {
        server.alert_for("r5", "order.assigned").await;
    }
    let told = eventually("five are told", async || {
        let told = backend.told();
        let bodies: Vec<Value> =
            told.iter().flat_map(|heard| heard.body.as_array().expect("a list").clone()).collect();
        (bodies.len() >= 5).then_some(bodies)
    })
    .await;
    assert_eq!(told.len(), 5);
    assert!(told.iter().all(|one| one["type"] == "delivery.suppressed"));
    server.stop().await;
}

#[tokio::test]
async fn a_test_says_so_in_every_body() {
    let (server, backend) = (TestServer::start(QUICK).await, willing().await);
    only_target(&server, &backend.url("/bell")).await;
    let key = server.test_key().await;
    let event = json!({"kind": "announcement", "target": {"riders": ["r1"]}});
    assert_eq!(server.call_as(&key, "POST", "/v1/events", event).await.status, 200);
    let told = eventually("it is told", async || backend.told().into_iter().next()).await;
    assert_eq!(told.body["data"]["test"], true, "{}", told.body);
    server.stop().await;
}

#[tokio::test]
async fn who_comes_and_goes_is_told_after_a_while() {
    let config = QUICK.replace("[rider]\n", "[rider]\noffline_grace = \"1s\"\n");
    let (server, backend) = (TestServer::start(&config).await, willing().await);
    backend.answer(200, &Value::Null, Duration::ZERO);
    let body = json!({"url": backend.url("/riders"), "kinds": ["rider.*"]});
    server.done("POST", "/v1/callbacks/targets", body).await;
    let rider = RiderSocket::connect(&server, "r1").await;
    let online = backend.told_of("rider.online", 1).await.remove(0);
    assert_eq!(online.body["data"]["rider"], "r1");
    drop(rider);
    let offline = backend.told_of("rider.offline", 1).await.remove(0);
    assert_eq!(offline.body["data"]["rider"], "r1");
    server.stop().await;
}
