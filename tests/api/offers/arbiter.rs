//! Offers that the backend decides: it is asked at once, its word is committed, and only then is a rider told of it.

use std::time::Duration;

use orderbell::intake::signature::sign;
use serde_json::{Value, json};

use super::{delivery_of, riders};
use crate::support::{Backend, QUICK, RiderSocket, TestServer, bytes_of, eventually, words};

/// Posts a grab that this backend decides; the alert.
async fn grab(server: &TestServer, backend: &Backend, riders: &[&str]) -> String {
    let event = json!({"id": "e-1", "kind": "order.available", "order": {"id": "o-1"},
        "target": {"riders": riders}, "offer": {"mode": "grab", "arbiter": "backend"},
        "callback_url": backend.url("/accepts?k=1")});
    server.post_event(event).await["alert_id"].as_str().unwrap().to_owned()
}

fn quick_to_say_pending() -> String {
    format!("{QUICK}arbiter_wait = \"300ms\"\n")
}

#[tokio::test]
async fn the_backend_is_asked_with_all_it_needs_and_its_word_counts_at_once() {
    for (said, outcome, state, winner) in [
        (json!({"outcome": "won"}), "won", "accepted", json!("r1")),
        (json!({"winner": "r1"}), "won", "accepted", json!("r1")),
        (json!({"code": 0, "data": {"winner": "r7"}}), "lost", "lost", Value::Null),
        (json!({"outcome": "lost"}), "lost", "lost", Value::Null),
    ] {
        let backend = Backend::start(200, &said, Duration::ZERO).await;
        let server = TestServer::start(QUICK).await;
        let [mut one, mut two]: [RiderSocket; 2] = riders(&server).await;
        let id = grab(&server, &backend, &["r1", "r2"]).await;
        one.alert().await;
        two.alert().await;
        let before = server.now_ms();
        assert_eq!(one.answer(&id, "accept").await, outcome, "at once, without a word of pending");
        let alert = server.alert(&id).await;
        assert_eq!(words(&alert, ["arbiter", "winner"]), json!(["backend", winner]));
        let delivery = delivery_of(&server, &id, "r1").await;
        assert_eq!(words(&delivery, ["state", "answer"]), json!([state, "accept"]));

        let asked = backend.asked(1).await;
        assert_eq!(asked[0].line(), "POST /accepts?k=1");
        assert_eq!(asked[0].header("content-type"), Some("application/json"));
        assert_eq!(asked[0].header("idempotency-key"), delivery["delivery_id"].as_str());
        let body = &asked[0].body;
        assert_eq!(
            words(body, ["type", "alert_id", "event_id", "order_id", "rider", "delivery_id"]),
            json!(["offer.accept", id, "e-1", "o-1", "r1", delivery["delivery_id"]])
        );
        let at: jiff::Timestamp = body["at"].as_str().unwrap().parse().unwrap();
        assert!((before..=server.now_ms()).contains(&at.as_millisecond()), "{body}");

        if outcome == "won" {
            assert_eq!(two.stopped(&id).await, "taken");
            assert_eq!(two.alert().await["kind"], "order.taken");
            assert!(one.so_far().await.is_empty(), "it knows that it has won");
        } else {
            assert_eq!(one.stopped(&id).await, "taken");
            assert_eq!(one.alert().await["kind"], "order.taken");
            assert_eq!(alert["state"], "active");
            two.assert_no_alert().await;
        }
        assert_eq!(backend.heard().len(), 1, "asked once");
        server.stop().await;
    }
}

#[tokio::test]
async fn the_question_is_signed_with_every_live_callback_secret() {
    let backend = Backend::start(500, &Value::Null, Duration::ZERO).await;
    let server = TestServer::start(&quick_to_say_pending()).await;
    let rotate = async || {
        let made = server.done("POST", "/v1/secrets/callback/rotate", json!({})).await;
        made["secret"].as_str().unwrap().to_owned()
    };
    let (old, new) = (rotate().await, rotate().await);
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let id = grab(&server, &backend, &["r1"]).await;
    rider.alert().await;
    rider.say_answer(&id, "accept").await;
    for asked in backend.asked(2).await {
        let message = asked.header("webhook-id").unwrap();
        assert_eq!(Some(message), asked.header("idempotency-key"), "the same with every try");
        let at_s: i64 = asked.header("webhook-timestamp").unwrap().parse().unwrap();
        assert!((at_s - server.now_ms() / 1_000).abs() < 30, "{at_s}");
        let signatures: Vec<&str> = asked.header("webhook-signature").unwrap().split(' ').collect();
        let right = [&new, &old].map(|secret| sign(&bytes_of(secret), message, at_s, asked.raw.as_bytes()));
        assert_eq!(signatures, right);
    }
    server.stop().await;
}

#[tokio::test]
async fn each_of_those_the_backend_refuses_hears_the_chime() {
    let backend = Backend::start(409, &Value::Null, Duration::ZERO).await;
    let server = TestServer::start(QUICK).await;
    let mut sockets: [RiderSocket; 3] = riders(&server).await;
    let id = grab(&server, &backend, &["r1", "r2", "r3"]).await;
    for socket in &mut sockets {
        socket.alert().await;
    }
    for socket in &mut sockets {
        assert_eq!(socket.answer(&id, "accept").await, "lost");
        assert_eq!(socket.alert().await["kind"], "order.taken");
    }
    assert_eq!(words(&server.alert(&id).await, ["state", "winner"]), json!(["completed", null]));
    server.stop().await;
}

#[tokio::test]
async fn a_slow_backend_makes_the_rider_wait_and_nobody_is_told_won_before_it_is_committed() {
    let backend = Backend::start(200, &json!({"outcome": "won"}), Duration::from_millis(1_500)).await;
    let server = TestServer::start(&quick_to_say_pending()).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let id = grab(&server, &backend, &["r1"]).await;
    rider.alert().await;
    let n = rider.say_answer(&id, "accept").await;
    assert_eq!(rider.outcome(n, &id).await, "pending");
    let alert = server.alert(&id).await;
    assert_eq!(words(&alert, ["state", "winner"]), json!(["active", null]));
    assert_eq!(
        words(&alert["deliveries"][0], ["state", "answer", "reason"]),
        json!(["claimed", "accept", null])
    );
    assert_eq!(rider.outcome(n, &id).await, "won");
    assert_eq!(words(&server.alert(&id).await, ["state", "winner"]), json!(["accepted", "r1"]));
    assert_eq!(rider.answer(&id, "accept").await, "won", "the same again");
    assert_eq!(backend.heard().len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn a_backend_that_is_down_is_asked_again_with_the_same_key() {
    let backend = Backend::start(500, &Value::Null, Duration::ZERO).await;
    let server = TestServer::start(&quick_to_say_pending()).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let id = grab(&server, &backend, &["r1"]).await;
    rider.alert().await;
    let n = rider.say_answer(&id, "accept").await;
    assert_eq!(rider.outcome(n, &id).await, "pending");
    let asked = backend.asked(3).await;
    assert!(asked.iter().all(|one| one.header("idempotency-key") == asked[0].header("idempotency-key")));
    assert_eq!(server.delivery(&id).await["state"], "claimed");
    backend.answer(200, &json!({"outcome": "won"}), Duration::ZERO);
    assert_eq!(rider.outcome(n, &id).await, "won");
    let asked = backend.heard().len();
    assert_eq!(rider.answer(&id, "accept").await, "won");
    assert_eq!(backend.heard().len(), asked, "what is decided is not asked about");
    server.stop().await;
}

#[tokio::test]
async fn a_backend_that_will_tell_later_is_asked_once_and_settles() {
    for said in [json!({"outcome": "pending"}), json!({"code": 0}), Value::Null] {
        let backend = Backend::start(200, &said, Duration::ZERO).await;
        let server = TestServer::start(&quick_to_say_pending()).await;
        let [mut one, mut two]: [RiderSocket; 2] = riders(&server).await;
        let id = grab(&server, &backend, &["r1", "r2"]).await;
        one.alert().await;
        two.alert().await;
        let n = one.say_answer(&id, "accept").await;
        assert_eq!(one.outcome(n, &id).await, "pending");
        let path = format!("/v1/alerts/{id}/settle");
        let settled = server.done("POST", &path, json!({"winner": "r1"})).await;
        assert_eq!(words(&settled, ["winner"]), json!(["r1"]));
        assert_eq!(one.outcome(n, &id).await, "won");
        assert_eq!(two.stopped(&id).await, "taken");
        assert_eq!(backend.heard().len(), 1);
        server.stop().await;
    }
}

#[tokio::test]
async fn an_accept_that_nobody_decides_is_gone_in_the_end() {
    let backend = Backend::start(202, &Value::Null, Duration::ZERO).await;
    let config = format!("{}[offers]\nsettle_timeout = \"2s\"\n", quick_to_say_pending());
    let server = TestServer::start(&config).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let event = json!({"kind": "order.available", "target": {"riders": ["r1"]},
        "offer": {"mode": "grab", "timeout_s": 1}, "callback_url": backend.url("/")});
    let id = server.post_event(event).await["alert_id"].as_str().unwrap().to_owned();
    let alert = rider.alert().await;
    let n = rider.say_answer(&id, "accept").await;
    assert_eq!(rider.outcome(n, &id).await, "pending");
    eventually("the offer's own time is over", async || {
        (server.now_ms() > alert["expires_at"].as_i64().unwrap() + 200).then_some(())
    })
    .await;
    assert_eq!(server.delivery(&id).await["state"], "claimed", "the accept outlives it");
    assert_eq!(rider.outcome(n, &id).await, "gone");
    assert_eq!(words(&server.delivery(&id).await, ["state", "reason"]), json!(["expired", "not_settled"]));
    server
        .call("POST", &format!("/v1/alerts/{id}/settle"), json!({"winner": "r1"}))
        .await
        .assert_problem(409, "already_settled");
    server.stop().await;
}

#[tokio::test]
async fn a_call_inside_is_refused_when_the_event_is_posted() {
    let server = TestServer::start("").await;
    for url in [
        "http://127.0.0.1:1/x",
        "https://127.0.0.1/x",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest",
        "http://example.com/",
    ] {
        let event = json!({"id": "bad", "kind": "order.available", "target": {"riders": ["r1"]}, "callback_url": url});
        let refused = server.call("POST", "/v1/events", event).await;
        refused.assert_problem(400, "url_not_allowed");
        assert_eq!(refused.json["pointer"], "/callback_url", "{url}");
    }
    server.get("/v1/events/bad").await.assert_problem(404, "not_found");
    server.stop().await;
}
