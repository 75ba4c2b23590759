//! How an alert ends without having been heard: cancelled, expired, off duty, erased. The rider is told to be silent,
//! the backend is told why, and no later session hears of it.

use serde_json::{Value, json};

use crate::support::{QUICK_SWEEP, RiderSocket, TestServer, eventually};

/// That a later session of the rider knows nothing of any alert.
async fn assert_forgotten(server: &TestServer, rider: &str) {
    let mut later = RiderSocket::connect(server, rider).await;
    assert_eq!(later.welcome["open"], json!([]));
    later.assert_no_alert().await;
}

/// Waits for the end of a delivery: its state and reason.
async fn end_of(server: &TestServer, alert: &str) -> (String, String) {
    eventually("the delivery ends", async || {
        let delivery = server.delivery(alert).await;
        let word = |name: &str| delivery[name].as_str().map(str::to_owned);
        Some((word("state")?, word("reason")?))
    })
    .await
}

fn words(state: &str, reason: &str) -> (String, String) {
    (state.to_owned(), reason.to_owned())
}

#[tokio::test]
async fn a_cancelled_alert_is_stopped() {
    let server = TestServer::start("").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let id = server.alert_for("r1", "order.new").await;
    rider.alert().await;
    let path = format!("/v1/alerts/{id}/cancel");
    assert_eq!(server.done("POST", &path, Value::Null).await, json!({"cancelled": 1}));
    let stop = rider.op("stop").await;
    assert_eq!((&stop["ids"], &stop["reason"]), (&json!([id]), &json!("cancelled")));
    assert_eq!(end_of(&server, &id).await, words("cancelled", "cancelled_by_alert"));
    assert_eq!(server.done("POST", &path, Value::Null).await, json!({"cancelled": 0}), "once more");
    // A receipt that comes too late is kept as a fact and changes no end.
    rider.report(&id, "played").await;
    assert_eq!(end_of(&server, &id).await, words("cancelled", "cancelled_by_alert"));
    assert_forgotten(&server, "r1").await;
    let unknown = server.call("POST", "/v1/alerts/alr_00000000000070008000000000000000/cancel", Value::Null);
    unknown.await.assert_problem(404, "not_found");
    server.stop().await;
}

#[tokio::test]
async fn a_cancelled_order_stops_all_its_alerts_and_no_other() {
    let server = TestServer::start("").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let mut ids = Vec::new();
    for (order, kind) in [("o-1", "order.new"), ("o-1", "order.urged"), ("o-2", "order.new")] {
        let event = json!({"kind": kind, "order": {"id": order}, "target": {"riders": ["r1"]}});
        ids.push(server.post_event(event).await["alert_id"].as_str().unwrap().to_owned());
        rider.alert().await;
    }
    assert_eq!(server.done("POST", "/v1/orders/o-1/cancel", Value::Null).await, json!({"cancelled": 2}));
    let mut stopped = Vec::new();
    while stopped.len() < 2 {
        let stop = rider.op("stop").await;
        assert_eq!(stop["reason"], "cancelled");
        stopped.extend(stop["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()));
    }
    stopped.sort();
    ids[..2].sort();
    assert_eq!(stopped, ids[..2]);
    assert_eq!(end_of(&server, &ids[0]).await, words("cancelled", "cancelled_by_order"));
    assert_eq!(server.delivery(&ids[2]).await["reason"], Value::Null);
    assert_eq!(
        server.done("POST", "/v1/orders/unheard-of/cancel", Value::Null).await,
        json!({"cancelled": 0})
    );
    server.stop().await;
}

#[tokio::test]
async fn an_alert_is_void_after_its_life_span() {
    let server = TestServer::start(QUICK_SWEEP).await;
    let short = |rider: &str| {
        let target = json!({"riders": [rider]});
        server.post_event(json!({"kind": "order.new", "target": target, "alert": {"ttl_s": 1}}))
    };
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let received = short("r1").await["alert_id"].as_str().unwrap().to_owned();
    let never_sent = short("nobody").await["alert_id"].as_str().unwrap().to_owned();
    let alert = rider.alert().await;
    rider.ack(&alert).await;
    let stop = rider.op("stop").await;
    assert_eq!((&stop["ids"], &stop["reason"]), (&json!([received]), &json!("expired")));
    assert!(server.now_ms() >= alert["expires_at"].as_i64().unwrap());
    assert_eq!(end_of(&server, &received).await, words("expired", "not_played"));
    assert_eq!(end_of(&server, &never_sent).await, words("expired", "never_sent"));
    assert_eq!(rider.answer(&received, "confirm").await, "gone");
    assert_forgotten(&server, "r1").await;
    assert_forgotten(&server, "nobody").await;
    server.stop().await;
}

#[tokio::test]
async fn each_void_alert_says_how_far_it_came() {
    let server = TestServer::start(QUICK_SWEEP).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let event = json!({"kind": "order.assigned", "target": {"riders": ["r1"]}, "alert": {"ttl_s": 1}});
    let sent = server.post_event(event.clone()).await["alert_id"].as_str().unwrap().to_owned();
    rider.alert().await;
    assert_eq!(end_of(&server, &sent).await, words("expired", "not_received"));
    let played = server.post_event(event).await["alert_id"].as_str().unwrap().to_owned();
    rider.alert().await;
    rider.report(&played, "played").await;
    assert_eq!(end_of(&server, &played).await, words("expired", "not_answered"));
    server.stop().await;
}

#[tokio::test]
async fn a_rider_off_duty_is_passed_over_at_once() {
    let server = TestServer::start("").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let open = server.alert_for("r1", "order.new").await;
    rider.alert().await;
    rider.send(json!({"op": "state", "on_duty": false})).await;
    let stop = rider.op("stop").await;
    assert_eq!((&stop["ids"], &stop["reason"]), (&json!([open]), &json!("off_duty")));
    assert_eq!(end_of(&server, &open).await, words("suppressed", "off_duty"));

    let data = server.post_event(json!({"kind": "order.new", "target": {"riders": ["r1"]}})).await;
    assert_eq!((&data["reachable"], &data["outcome"]), (&json!(0), &json!("alerted")));
    assert_eq!(data["alerts"][0]["deliveries"][0]["status"], "off_duty");
    let id = data["alert_id"].as_str().unwrap();
    assert_eq!(end_of(&server, id).await, words("suppressed", "off_duty"));
    rider.assert_no_alert().await;

    let anyone = json!({"kind": "order.new", "target": {"riders": ["r1"], "on_duty": false}});
    assert_eq!(server.post_event(anyone).await["reachable"], 1);
    rider.alert().await;
    server.stop().await;
}

#[tokio::test]
async fn a_duty_set_by_the_backend_counts_as_one_set_by_the_rider() {
    let server = TestServer::start("").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let id = server.alert_for("r1", "order.new").await;
    rider.alert().await;
    let off = server.done("POST", "/v1/riders/r1/duty", json!({"on_duty": false})).await;
    assert_eq!(off, json!({"on_duty": false, "suppressed": 1}));
    assert_eq!(rider.op("stop").await["reason"], "off_duty");
    assert_eq!(end_of(&server, &id).await, words("suppressed", "off_duty"));
    server.done("POST", "/v1/riders/r1/duty", json!({"on_duty": true})).await;
    server.alert_for("r1", "order.new").await;
    rider.alert().await;
    server.stop().await;
}
