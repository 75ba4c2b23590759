//! An alert is said again until it is heard: on the same socket while it is not acknowledged, on the next one while
//! it is not played.

use serde_json::{Value, json};

use crate::support::{NO_CAP, RiderSocket, TestServer};

#[tokio::test]
async fn an_unacknowledged_alert_is_sent_again_with_the_same_seq() {
    let server = TestServer::start("[rider]\nresend_after = \"200ms\"").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let id = server.alert_for("r1", "order.new").await;
    let first = rider.alert().await;
    let second = rider.alert().await;
    assert_eq!((&first["attempt"], &second["attempt"]), (&json!(1), &json!(2)));
    assert_eq!((&first["seq"], &first["ring"]), (&second["seq"], &second["ring"]));
    rider.ack(&second).await;
    rider.report(&id, "queued").await;
    // Beyond the next wait.
    rider.assert_no_alert_for(&server, 1_500).await;
    assert_eq!(server.delivery(&id).await["attempts"], 2);
    server.stop().await;
}

#[tokio::test]
async fn what_was_received_and_not_heard_comes_again_on_the_next_session() {
    let server = TestServer::start("").await;
    let mut phone = RiderSocket::connect(&server, "r1").await;
    let id = server.alert_for("r1", "order.assigned").await;
    let first = phone.alert().await;
    assert_eq!(first["repeat"]["remaining"], 3);
    phone.ack(&first).await;
    phone.report(&id, "playing").await;
    drop(phone);
    let mut again = RiderSocket::connect(&server, "r1").await;
    assert_eq!(again.welcome["open"], json!([{"id": id, "ring": 1}]));
    let second = again.alert().await;
    assert_eq!((&second["id"], &second["seq"]), (&first["id"], &first["seq"]));
    assert!(second["attempt"].as_u64() > first["attempt"].as_u64());
    assert_eq!(second["repeat"]["remaining"], 3);
    again.report_with(&id, "played", json!({"play": 2})).await;
    drop(again);
    let mut third = RiderSocket::connect(&server, "r1").await;
    assert_eq!(third.alert().await["repeat"], json!({"count": 3, "remaining": 1, "gap_ms": 10_000}));
    server.stop().await;
}

#[tokio::test]
async fn what_was_heard_is_not_sent_again() {
    let server = TestServer::start("").await;
    let mut phone = RiderSocket::connect(&server, "r1").await;
    let id = server.alert_for("r1", "order.new").await;
    phone.alert().await;
    phone.report(&id, "played").await;
    drop(phone);
    let mut again = RiderSocket::connect(&server, "r1").await;
    assert_eq!(again.welcome["open"], json!([]));
    again.assert_no_alert().await;
    server.stop().await;
}

#[tokio::test]
async fn a_welcome_tells_whether_the_client_has_missed_anything() {
    let server = TestServer::start("").await;
    let mut phone = RiderSocket::connect(&server, "r1").await;
    let epoch = phone.welcome["epoch"].clone();
    assert_eq!((&phone.welcome["seq"], &phone.welcome["resumed"]), (&json!(0), &json!(false)));
    assert_eq!(phone.welcome["keepalive"]["clips"][0], "/audio/silence/600.m4a");
    assert!(phone.welcome["session"].as_str().unwrap().starts_with("ses_"));
    assert!(phone.welcome["limits"]["frame_bytes_max"].is_u64());
    server.alert_for("r1", "order.new").await;
    phone.alert().await;
    drop(phone);
    let cases = [
        (json!(1), epoch.clone(), true),
        (json!(0), epoch.clone(), true),
        (json!(2), epoch.clone(), false),
        (json!(-1), epoch.clone(), false),
        (json!(1), json!("another"), false),
        (Value::Null, epoch, false),
    ];
    for (cursor, epoch, resumed) in cases {
        let token = server.token("r1").await;
        let hello = json!({"token": token, "device": "phone", "cursor": cursor, "epoch": epoch});
        let mut again = RiderSocket::hello(&server, hello).await;
        assert_eq!((&again.welcome["resumed"], &again.welcome["seq"]), (&json!(resumed), &json!(1)));
        // Whatever the client says it has seen: what is open comes.
        assert_eq!(again.alert().await["seq"], 1);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_queue_longer_than_one_look_is_heard_to_its_end() {
    const ALERTS: usize = 300;
    let server = TestServer::start(NO_CAP).await;
    let event = json!({"kind": "device.test", "target": {"riders": ["r1"]}, "alert": {"ttl_s": 600}});
    for _ in 0..ALERTS {
        server.post_event(event.clone()).await;
    }
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let mut heard = std::collections::BTreeSet::new();
    // As a phone does: everything is acknowledged at once, and heard one after the other.
    while heard.len() < ALERTS {
        let alert = rider.alert().await;
        rider.ack(&alert).await;
        let id = alert["id"].as_str().unwrap().to_owned();
        // What waited long for its turn here was sent again meanwhile; a phone drops that.
        if heard.insert(id.clone()) {
            rider.report(&id, "played").await;
        }
    }
    assert_eq!(server.done("GET", "/v1/riders/r1", Value::Null).await["open_alerts"], 0);
    server.stop().await;
}

#[tokio::test]
async fn a_queue_longer_than_one_look_that_is_acknowledged_before_it_is_heard_goes_on() {
    const ALERTS: usize = 270;
    let server = TestServer::start(NO_CAP).await;
    let event = json!({"kind": "device.test", "target": {"riders": ["r1"]}, "alert": {"ttl_s": 600}});
    for _ in 0..ALERTS {
        let data = server.post_event(event.clone()).await;
        server.rendered(data["alert_id"].as_str().unwrap()).await;
    }
    let mut rider = RiderSocket::connect(&server, "r1").await;
    assert_eq!(rider.welcome["open"].as_array().unwrap().len(), ALERTS);
    let mut waiting = std::collections::VecDeque::new();
    for _ in 0..256 {
        let alert = rider.alert().await;
        rider.ack(&alert).await;
        waiting.push_back(alert["id"].as_str().unwrap().to_owned());
    }
    // What is heard makes room for what has not been read yet.
    for _ in 256..ALERTS {
        let id = waiting.pop_front().unwrap();
        rider.report(&id, "played").await;
        let alert = rider.alert().await;
        rider.ack(&alert).await;
        waiting.push_back(alert["id"].as_str().unwrap().to_owned());
    }
    server.stop().await;
}

#[tokio::test]
async fn who_still_has_much_to_tell_hears_what_is_new_meanwhile() {
    // A commit each, some four seconds of them.
    const RECEIPTS: usize = 180;
    let server = TestServer::start("").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let old = server.alert_for("r1", "order.new").await;
    rider.alert().await;
    for n in 1..=RECEIPTS {
        rider.send(json!({"op": "report", "n": n, "id": old, "ring": 1, "status": "playing"})).await;
    }
    let new = server.alert_for("r1", "order.urged").await;
    let is_new = |frame: &Value| frame["op"] == "alert" && frame["id"] == new;
    let is_last = |frame: &Value| frame["op"] == "got" && frame["n"] == RECEIPTS;
    let first = rider.frame("new alert or last receipt", |frame| is_new(frame) || is_last(frame)).await;
    assert_eq!(first["op"], "alert");
    rider.frame("last receipt", is_last).await;
    server.stop().await;
}
