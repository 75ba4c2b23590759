//! The frames of the AsyncAPI document: its examples are understood, and what the server says is as it says.

use jsonschema::{Registry, Validator};
use orderbell::http::contract;
use serde_json::{Value, json};

use crate::support::{QUICK, RiderSocket, TestServer};

const HOME: &str = "urn:orderbell:asyncapi";

/// The messages of one side: `client` or `server`.
fn messages(side: &str) -> Vec<(String, &'static Value)> {
    let messages = contract::asyncapi()["components"]["messages"].as_object().unwrap();
    let of_side = messages.iter().filter(|(name, _)| name.split('.').next() == Some(side));
    of_side.map(|(_, message)| (message["name"].as_str().unwrap().to_owned(), message)).collect()
}

fn validator(side: &str, op: &str) -> Validator {
    let registry = Registry::new().add(HOME, contract::asyncapi()).unwrap().prepare().unwrap();
    let schema = json!({"$ref": format!("{HOME}#/components/messages/{side}.{op}/payload")});
    jsonschema::options().with_registry(&registry).build(&schema).unwrap()
}

#[track_caller]
fn assert_described(side: &str, frame: &Value) {
    let op = frame["op"].as_str().unwrap();
    let faults: Vec<String> = validator(side, op).iter_errors(frame).map(|error| error.to_string()).collect();
    assert!(faults.is_empty(), "{side} {op}: {faults:?}\n{frame:#}");
}

#[test]
fn every_example_fits_its_schema() {
    for side in ["client", "server"] {
        let messages = messages(side);
        assert!(messages.len() >= 10, "{side}: {}", messages.len());
        for (op, message) in messages {
            let example = &message["examples"][0]["payload"];
            assert_eq!(example["op"], op, "{side} {op} has no example");
            assert_described(side, example);
        }
    }
}

#[tokio::test]
async fn every_example_of_a_client_is_understood() {
    let server = TestServer::start("").await;
    let token = server.token("r_1001").await;
    for (op, message) in messages("client") {
        let mut frame = message["examples"][0]["payload"].clone();
        if frame.get("token").is_some() {
            frame["token"] = json!(token);
        }
        let mut rider = if op == "hello" {
            RiderSocket::open(&server).await
        } else {
            RiderSocket::connect(&server, "r_1001").await
        };
        rider.send(frame).await;
        if op == "hello" {
            rider.op("welcome").await;
        }
        let frames = rider.so_far().await;
        let refused: Vec<_> = frames.iter().filter(|frame| frame["op"] == "error").collect();
        let reserved = ["chat", "read", "subscribe", "unsubscribe"].contains(&op.as_str());
        assert!(
            refused.iter().all(|frame| reserved && frame["code"] == "not_supported"),
            "{op}: {refused:?}"
        );
        assert_eq!(!refused.is_empty(), reserved, "{op}: {frames:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_the_server_says_is_as_described() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r_1001").await;
    let mut seen = vec![rider.welcome.clone()];
    let alert = server.alert_for("r_1001", "order.assigned").await;
    let frame = rider.alert().await;
    rider.ack(&frame).await;
    seen.push(frame);
    rider.send(json!({"op": "answer", "n": 50, "id": alert, "answer": "confirm"})).await;
    seen.push(rider.op("answered").await);
    seen.push(rider.op("got").await);
    let offer = json!({"kind": "order.offered", "target": {"riders": ["r_1001"]}, "offer": {"mode": "grab", "timeout_s": 60}});
    let offer = server.post_event(offer).await;
    seen.push(rider.alert().await);
    server
        .done("POST", &format!("/v1/alerts/{}/cancel", offer["alert_id"].as_str().unwrap()), json!({}))
        .await;
    seen.push(rider.op("stop").await);
    rider.send(json!({"op": "ping"})).await;
    seen.push(rider.op("pong").await);
    rider.send(json!({"op": "sing"})).await;
    seen.push(rider.op("error").await);
    server.done("PUT", "/v1/riders/r_1001", json!({"revoke_tokens": true})).await;
    seen.push(rider.bye().await);
    for frame in &seen {
        assert_described("server", frame);
    }
    let mut ops: Vec<&str> = seen.iter().map(|frame| frame["op"].as_str().unwrap()).collect();
    ops.sort_unstable();
    ops.dedup();
    assert_eq!(ops, ["alert", "answered", "bye", "error", "got", "pong", "stop", "welcome"]);
    server.stop().await;
}
