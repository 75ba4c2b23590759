//! Frames that are not protocol v1: each is answered with a word, and five of them are enough.

use serde_json::json;

use crate::support::{RiderSocket, TestServer};

#[tokio::test]
async fn a_wrong_frame_is_told_and_the_session_goes_on() {
    let server = TestServer::start("[rider]\nviolations_max = 100").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let cases = [
        (r#"{"op":"sing"}"#, "unknown_op"),
        (r#"{"op":"HELLO"}"#, "unknown_op"),
        ("{", "malformed_frame"),
        ("[]", "malformed_frame"),
        ("", "malformed_frame"),
        (r#"{"seqs":[1]}"#, "malformed_frame"),
        (r#"{"op":7}"#, "malformed_frame"),
        (r#"{"op":"ping"} x"#, "malformed_frame"),
        (r#"{"op":"ack"}"#, "bad_frame"),
        (r#"{"op":"ack","seqs":"1"}"#, "bad_frame"),
        (r#"{"op":"ack","seqs":[1.5]}"#, "bad_frame"),
        (r#"{"op":"report","n":-1,"id":"x","status":"played"}"#, "bad_frame"),
        (r#"{"op":"report","n":1,"id":"x","status":"sung"}"#, "bad_frame"),
        (r#"{"op":"answer","n":1,"id":"x","answer":"maybe"}"#, "bad_frame"),
        (r#"{"op":"state","on_duty":"yes"}"#, "bad_frame"),
        (r#"{"op":"state","audio":"loud"}"#, "bad_frame"),
        (r#"{"op":"hello","device":"phone"}"#, "unexpected_hello"),
        (r#"{"op":"chat"}"#, "not_supported"),
        (r#"{"op":"subscribe"}"#, "not_supported"),
    ];
    for (frame, error) in cases {
        rider.send_text(frame).await;
        let told = rider.op("error").await;
        assert_eq!(told["code"], error, "{frame}");
        assert!(!told["message"].as_str().unwrap().is_empty());
    }
    let id = server.alert_for("r1", "order.new").await;
    assert_eq!(rider.alert().await["id"], id);
    server.stop().await;
}

#[tokio::test]
async fn five_wrong_frames_are_enough() {
    let server = TestServer::start("").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    for _ in 0..4 {
        rider.send_text("nonsense").await;
        rider.op("error").await;
        rider.assert_no_alert().await;
    }
    rider.send_text("nonsense").await;
    let bye = rider.bye().await;
    assert_eq!(bye["code"], 4104);
    assert!(bye["retry_after_ms"].is_u64());
    server.stop().await;
}

#[tokio::test]
async fn members_nobody_knows_are_ignored() {
    let server = TestServer::start("").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    rider.send(json!({"op": "state", "audio": "playing", "foreground": false, "battery": 0.7})).await;
    assert!(rider.so_far().await.is_empty());
    let seen = server.done("GET", "/v1/riders/r1", serde_json::Value::Null).await;
    assert_eq!(seen["audible"], true);
    assert_eq!(
        (&seen["sessions"][0]["audio"], &seen["sessions"][0]["foreground"]),
        (&json!("playing"), &json!(false))
    );
    server.stop().await;
}

#[tokio::test]
async fn a_ping_is_answered_with_the_servers_time() {
    let server = TestServer::start("").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let before = server.now_ms();
    rider.send(json!({"op": "ping"})).await;
    let now = rider.op("pong").await["now"].as_i64().unwrap();
    assert!((before..=server.now_ms()).contains(&now));
    server.stop().await;
}
