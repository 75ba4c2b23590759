//! A claim over the end of its session: it is not rung again, and its outcome is told on the next one.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Backend, QUICK, RiderSocket, TestServer, words};

/// A backend that will tell later, its server, and a rider with a claim.
async fn claimed() -> (Backend, TestServer, RiderSocket, String) {
    let backend = Backend::start(202, &Value::Null, Duration::ZERO).await;
    let server = TestServer::start(&format!("{QUICK}arbiter_wait = \"100ms\"\n")).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let event = json!({"kind": "order.available", "target": {"riders": ["r1"]}, "callback_url": backend.url("/"),
        "offer": {"mode": "grab", "timeout_s": 60, "ladder": [{"after_s": 1, "do": "repeat"}]}});
    let id = server.post_event(event).await["alert_id"].as_str().unwrap().to_owned();
    let alert = rider.alert().await;
    assert_eq!(server.alert(&id).await["arbiter"], "backend", "as a callback_url is named");
    rider.ack(&alert).await;
    let n = rider.say_answer(&id, "accept").await;
    assert_eq!(rider.outcome(n, &id).await, "pending");
    (backend, server, rider, id)
}

#[tokio::test]
async fn a_claim_is_not_rung_again_and_its_end_is_told_on_the_next_session() {
    let (_backend, server, rider, id) = claimed().await;
    drop(rider);
    let mut again = RiderSocket::connect(&server, "r1").await;
    assert_eq!(again.welcome["open"], json!([{"id": id, "ring": 1}]));
    // Past the ladder's step: whoever has accepted is not rung.
    again.assert_no_alert_for(&server, 1_500).await;
    assert_eq!(server.alert(&id).await["ladder"][0]["done"], true);
    server.done("POST", &format!("/v1/alerts/{id}/settle"), json!({"winner": "r1"})).await;
    assert_eq!(again.outcome(0, &id).await, "won");
    assert!(again.so_far().await.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn the_same_answer_on_the_next_session_has_the_present_outcome() {
    for (winner, outcome) in [(json!("r1"), "won"), (Value::Null, "lost")] {
        let (backend, server, rider, id) = claimed().await;
        drop(rider);
        let mut again = RiderSocket::connect(&server, "r1").await;
        let n = again.say_answer(&id, "accept").await;
        assert_eq!(again.outcome(n, &id).await, "pending", "not decided yet");
        server.done("POST", &format!("/v1/alerts/{id}/settle"), json!({"winner": winner})).await;
        assert_eq!(again.outcome(n, &id).await, outcome, "told of the answer it has given");
        drop(again);
        let mut third = RiderSocket::connect(&server, "r1").await;
        assert!(third.welcome["open"].as_array().unwrap().iter().all(|open| open["id"] != json!(id)));
        assert_eq!(third.answer(&id, "accept").await, outcome);
        assert_eq!(backend.heard().len(), 1);
        server.stop().await;
    }
}

#[tokio::test]
async fn a_claim_silences_the_riders_other_devices() {
    let backend = Backend::start(202, &Value::Null, Duration::ZERO).await;
    let server = TestServer::start(&format!("{QUICK}arbiter_wait = \"100ms\"\n")).await;
    server.done("PUT", "/v1/riders/r1", json!({"devices": "all"})).await;
    let token = server.token("r1").await;
    let mut phone = RiderSocket::hello(&server, json!({"token": token, "device": "phone"})).await;
    let mut tablet = RiderSocket::hello(&server, json!({"token": token, "device": "tablet"})).await;
    let event =
        json!({"kind": "order.available", "target": {"riders": ["r1"]}, "callback_url": backend.url("/")});
    let id = server.post_event(event).await["alert_id"].as_str().unwrap().to_owned();
    phone.alert().await;
    tablet.alert().await;
    let n = phone.say_answer(&id, "accept").await;
    assert_eq!(tablet.stopped(&id).await, "answered_elsewhere");
    assert_eq!(phone.outcome(n, &id).await, "pending");
    server.done("POST", &format!("/v1/alerts/{id}/settle"), json!({"winner": "r1"})).await;
    assert_eq!(phone.outcome(n, &id).await, "won");
    server.stop().await;
}

#[tokio::test]
async fn a_claim_outlives_a_restart_of_the_server() {
    let (backend, server, rider, id) = claimed().await;
    drop(rider);
    let folder = server.stop().await;
    let server = TestServer::start_in(folder, &format!("{QUICK}arbiter_wait = \"100ms\"\n")).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    assert_eq!(words(&server.delivery(&id).await, ["state", "ring"]), json!(["claimed", 1]));
    rider.assert_no_alert().await;
    server.done("POST", &format!("/v1/alerts/{id}/settle"), json!({"winner": "r1"})).await;
    assert_eq!(rider.outcome(0, &id).await, "won");
    assert_eq!(backend.heard().len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn who_fetches_what_is_open_is_not_given_what_they_have_accepted() {
    let (_backend, server, _rider, id) = claimed().await;
    let token = server.token("r1").await;
    let open = server.call_as(&token, "GET", "/v1/rider/alerts", Value::Null).await;
    assert_eq!(open.json["data"]["alerts"], json!([]), "it must not be sounded again");
    let receipts = json!({"receipts": [{"op": "answer", "n": 1, "id": id, "answer": "accept"}]});
    let reply = server.call_as(&token, "POST", "/v1/rider/receipts", receipts).await;
    assert_eq!(reply.json["data"]["frames"][0]["outcome"], "pending");
    server.stop().await;
}
