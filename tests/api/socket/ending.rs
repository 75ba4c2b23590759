//! How sessions end, each with its code: silence, tokens, a server that drains, a client that does not read.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Minter, Process, RawSocket, RiderSocket, TestServer, eventually};

const SHORT_HEARTBEAT: &str = "[rider]\nheartbeat = \"1s\"\nsilence_max = \"1500ms\"\n";

#[tokio::test]
async fn a_heartbeat_comes_by_itself_and_keeps_who_answers_it() {
    let server = TestServer::start(SHORT_HEARTBEAT).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    assert_eq!(rider.welcome["heartbeat_ms"], 1000);
    for _ in 0..3 {
        let now = rider.op("ping").await["now"].as_i64().unwrap();
        assert!(server.now_ms() - now < 5_000);
    }
    server.stop().await;
}

#[tokio::test]
async fn who_is_silent_for_too_long_is_gone() {
    let server = TestServer::start(SHORT_HEARTBEAT).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    rider.answers_pings = false;
    let bye = rider.bye().await;
    assert_eq!((&bye["code"], bye["retry_after_ms"].is_u64()), (&json!(4102), true));
    server.stop().await;
}

#[tokio::test]
async fn who_neither_acknowledges_nor_answers_is_gone_sooner() {
    let server = TestServer::start("[rider]\nresend_after = \"200ms\"").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    rider.answers_pings = false;
    let id = server.alert_for("r1", "order.new").await;
    rider.alert().await;
    assert_eq!(rider.bye().await["code"], 4102);
    let mut again = RiderSocket::connect(&server, "r1").await;
    assert_eq!(again.alert().await["id"], id);
    server.stop().await;
}

#[tokio::test]
async fn a_token_that_ends_ends_its_session() {
    let server = TestServer::start("").await;
    let token = server.token_for("r1", 2_000).await;
    let mut rider = RiderSocket::hello(&server, json!({"token": token, "device": "phone"})).await;
    assert_eq!(rider.bye().await["code"], 4105);
    server.stop().await;
}

#[tokio::test]
async fn a_fresh_token_prolongs_the_session() {
    let server = TestServer::start("").await;
    let old = server.token_for("r1", 2_000).await;
    let mut rider = RiderSocket::hello(&server, json!({"token": old, "device": "phone"})).await;
    rider.send(json!({"op": "refresh", "token": server.token("r1").await})).await;
    // Until the old token is over.
    rider.assert_no_alert_for(&server, 2_300).await;
    let id = server.alert_for("r1", "order.new").await;
    assert_eq!(rider.alert().await["id"], id);
    server.stop().await;
}

#[tokio::test]
async fn a_token_that_is_not_good_refreshes_nothing() {
    let server = TestServer::start("").await;
    let of_another = server.token("r2").await;
    for token in [of_another.as_str(), "nonsense"] {
        let mut rider = RiderSocket::connect(&server, "r1").await;
        rider.send(json!({"op": "refresh", "token": token})).await;
        assert_eq!(rider.bye().await["code"], 4000);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_revoked_token_ends_its_session_and_opens_no_other() {
    let server = TestServer::start("").await;
    let minter = Minter::of(&server, "default").await;
    let token = minter.token("r1", &json!({}));
    let hello = json!({"token": token, "device": "phone"});
    let mut rider = RiderSocket::hello(&server, hello.clone()).await;
    server.done("PUT", "/v1/riders/r1", json!({"revoke_tokens": true})).await;
    assert_eq!(rider.bye().await, json!({"op": "bye", "code": 4000}));
    let mut again = RiderSocket::open(&server).await;
    again.say_hello(hello).await;
    assert_eq!(again.bye().await["code"], 4000);
    let refused = server.call_as(&token, "GET", "/v1/rider/alerts", Value::Null).await;
    refused.assert_problem(401, "bad_token");
    let fresh = RiderSocket::connect(&server, "r1").await;
    assert_eq!(fresh.welcome["op"], "welcome");
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_tells_its_riders_when_to_come_back() {
    let server = TestServer::start("[rider]\nreturn_spread = \"2s\"").await;
    let mut riders =
        vec![RiderSocket::connect(&server, "r1").await, RiderSocket::connect(&server, "r2").await];
    let mut stranger = RawSocket::open(server.address).await;
    let stopping = server.stop_with_riders();
    let leaving = async {
        for rider in &mut riders {
            let bye = rider.bye().await;
            assert_eq!(bye["code"], 4100);
            assert!(bye["retry_after_ms"].as_u64().unwrap() <= 2_000, "{bye}");
        }
        // It has said no hello yet; it is not kept waiting either.
        while stranger.next().await.is_some() {}
    };
    futures_util::future::join(stopping, leaving).await;
}

#[tokio::test]
async fn a_process_that_is_told_to_stop_says_so_and_ends_well() {
    let folder = tempfile::TempDir::new().unwrap();
    let process = Process::serve(folder.path(), "").await;
    let made = crate::support::cli(folder.path(), &["token", "--rider", "r1"]).await;
    let token = String::from_utf8(made.stdout).unwrap();
    let mut socket = RawSocket::open(process.address()).await;
    let hello = json!({"op": "hello", "token": token.trim(), "device": "phone"});
    socket.frame(0x81, hello.to_string().as_bytes()).await;
    socket.next().await.unwrap();
    let reading = async {
        let (opcode, bye) = socket.next().await.unwrap();
        let bye: Value = serde_json::from_slice(&bye).unwrap();
        assert_eq!((opcode, &bye["op"], &bye["code"]), (1, &json!("bye"), &json!(4100)));
        assert_eq!(socket.close_code().await, 4100);
        socket.frame(0x88, b"\x10\x04").await;
    };
    let (code, ()) = futures_util::future::join(process.terminate(), reading).await;
    assert_eq!(code, 0);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed_and_comes_back_to_everything() {
    const ALERTS: usize = 250;
    let changes =
        "[rider]\nalerts_per_minute = 0\nwindow = 1000\nsend_timeout = \"1s\"\n[store]\nqueue = 4096\n";
    let server = TestServer::start(changes).await;
    let deaf = tokio::net::TcpSocket::new_v4().unwrap();
    deaf.set_recv_buffer_size(4096).unwrap();
    let deaf = deaf.connect(server.address).await.unwrap();
    let mut deaf = RawSocket::upgrade(deaf, "").await;
    let hello = json!({"op": "hello", "token": server.token("r1").await, "device": "phone"});
    deaf.frame(0x81, hello.to_string().as_bytes()).await;
    deaf.next().await.unwrap();
    let mut waiting = BTreeSet::new();
    let event = json!({"kind": "announcement", "target": {"riders": ["r1"]}, "ext": {"x": "y".repeat(2000)},
        "alert": {"text": "请看通知"}});
    for _ in 0..ALERTS {
        waiting.insert(server.post_event(event.clone()).await["alert_id"].as_str().unwrap().to_owned());
    }
    // Which comes first is a matter of how much the kernel takes: its queue, a write that hangs, or its silence.
    eventually("its session is closed", async || {
        let metrics = server.metrics().await;
        let closed = ["slow", "gone", "heartbeat_lost"]
            .map(|why| format!("orderbell_sessions_closed_total{{why=\"{why}\"}} 1"));
        closed.iter().any(|line| metrics.contains(line)).then_some(())
    })
    .await;
    for id in &waiting {
        server.rendered(id).await;
    }
    let mut rider = RiderSocket::connect(&server, "r1").await;
    assert_eq!(rider.welcome["open"].as_array().unwrap().len(), ALERTS);
    while !waiting.is_empty() {
        let alert = rider.alert().await;
        rider.ack(&alert).await;
        waiting.remove(alert["id"].as_str().unwrap());
    }
    drop((deaf, rider));
    tokio::time::timeout(Duration::from_secs(15), server.stop()).await.expect("it stops all the same");
}
