//! How much a rider's client may say: a bucket, out of which the acknowledgements of what it was sent do not come.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{RiderSocket, TestServer};

/// Ten frames at once and then one a second; as many alerts as a test wants.
const SMALL: &str = "[rider]\nmessages_per_second = 1\nmessages_burst = 10\nalerts_per_minute = 0\n";

#[tokio::test]
async fn acknowledging_what_was_sent_is_free() {
    let server = TestServer::start(SMALL).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    for n in 0..30 {
        let event = json!({"id": format!("e-{n}"), "kind": "order.new", "target": {"riders": ["r1"]}});
        server.post_event(event).await;
        let alert = rider.alert().await;
        rider.ack(&alert).await;
    }
    rider.assert_no_alert().await;
    server.stop().await;
}

#[tokio::test]
async fn everything_else_is_counted() {
    let server = TestServer::start(SMALL).await;
    let nothing = json!({"op": "ack", "seqs": [4711]}).to_string();
    let ping = json!({"op": "ping"}).to_string();
    for (what, message) in [
        ("acknowledgements of nothing", Message::text(nothing)),
        ("pings", Message::text(ping)),
        ("pings of the WebSocket", Message::Ping(vec![1].into())),
        ("pongs of the WebSocket", Message::Pong(vec![1].into())),
    ] {
        let mut rider = RiderSocket::connect(&server, "r1").await;
        for _ in 0..14 {
            rider.send_message(message.clone()).await;
        }
        let bye = rider.bye().await;
        assert_eq!(bye["code"], 4103, "{what}");
        assert!(bye["retry_after_ms"].as_u64().is_some_and(|wait| wait >= 5_000), "{what}: {bye}");
        assert_eq!(rider.op("error").await["code"], "too_many", "{what}");
    }
    server.stop().await;
}

#[tokio::test]
async fn acknowledging_the_same_again_is_free_and_acknowledging_more_is_not() {
    let server = TestServer::start(SMALL).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    server.alert_for("r1", "order.new").await;
    let alert = rider.alert().await;
    for _ in 0..100 {
        rider.ack(&alert).await;
    }
    rider.assert_no_alert().await;
    let more = json!({"op": "ack", "seqs": [alert["seq"], 4711]}).to_string();
    for _ in 0..15 {
        rider.send_message(Message::text(more.clone())).await;
    }
    assert_eq!(rider.bye().await["code"], 4103);
    server.stop().await;
}

#[tokio::test]
async fn before_the_hello_too() {
    let server = TestServer::start(SMALL).await;
    let mut stranger = RiderSocket::open(&server).await;
    for _ in 0..14 {
        stranger.send_message(Message::Ping(vec![1].into())).await;
    }
    assert_eq!(stranger.bye().await["code"], 4103);
    server.stop().await;
}
