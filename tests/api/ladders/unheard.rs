//! A fallback step is taken at once where nobody can hear the alert, and at its time where somebody can.

use serde_json::{Value, json};

use super::{done, ladder, notices, notices_of};
use crate::support::{QUICK, RiderSocket, TestServer};

fn with_fallback() -> Value {
    json!({"mode": "ack", "ladder": [{"after_s": 300, "do": "repeat"}, {"after_s": 400, "do": "desk", "fallback": true}]})
}

#[tokio::test]
async fn nobody_is_connected() {
    let server = TestServer::start(QUICK).await;
    let id = ladder(&server, "order.assigned", &["r1", "r2"], with_fallback()).await;
    assert_eq!(notices_of(&server, 1).await, [json!(["alert.desk", id, null])]);
    assert_eq!(done(&server, &id).await, [false, true]);
    assert_eq!(server.alert(&id).await["state"], "active", "the rider may still come");
    server.stop().await;
}

#[tokio::test]
async fn somebody_else_hears_it() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r2").await;
    let id = ladder(&server, "order.assigned", &["r1", "r2"], with_fallback()).await;
    rider.alert().await;
    assert_eq!(done(&server, &id).await, [false, false]);
    assert!(notices(&server).await.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn the_player_has_gone_quiet_before_or_after_the_alert() {
    for audio in ["interrupted", "paused", "stolen", "blocked", "silent"] {
        let server = TestServer::start(QUICK).await;
        let mut rider = RiderSocket::connect(&server, "r1").await;
        rider.send(json!({"op": "state", "audio": "playing"})).await;
        let after = ladder(&server, "order.assigned", &["r1"], with_fallback()).await;
        rider.alert().await;
        assert_eq!(done(&server, &after).await, [false, false]);
        rider.send(json!({"op": "state", "audio": audio})).await;
        assert_eq!(notices_of(&server, 1).await, [json!(["alert.desk", after, null])], "{audio}");
        assert_eq!(done(&server, &after).await, [false, true]);
        let event = json!({"kind": "order.assigned", "target": {"riders": ["r1"]}, "offer": with_fallback()});
        let before = server.post_event(event).await["alert_id"].clone();
        assert_eq!(notices_of(&server, 2).await[1], json!(["alert.desk", before, null]));
        // Heard again, and quiet again: the step was taken.
        rider.send(json!({"op": "state", "audio": "playing"})).await;
        rider.send(json!({"op": "state", "audio": audio})).await;
        rider.so_far().await;
        assert_eq!(notices(&server).await.len(), 2);
        server.stop().await;
    }
}

#[tokio::test]
async fn one_of_two_players_still_sounds() {
    let server = TestServer::start(QUICK).await;
    let mut one = RiderSocket::connect(&server, "r1").await;
    let mut two = RiderSocket::connect(&server, "r2").await;
    let id = ladder(&server, "order.assigned", &["r1", "r2"], with_fallback()).await;
    one.alert().await;
    two.alert().await;
    one.send(json!({"op": "state", "audio": "stolen"})).await;
    one.so_far().await;
    assert_eq!(done(&server, &id).await, [false, false]);
    two.send(json!({"op": "state", "audio": "paused"})).await;
    notices_of(&server, 1).await;
    assert_eq!(done(&server, &id).await, [false, true]);
    server.stop().await;
}
