//! Two devices of one rider: the latest takes over, or all of them ring until one has answered.

use serde_json::{Value, json};

use crate::support::{RiderSocket, TestServer};

async fn join(server: &TestServer, device: &str) -> RiderSocket {
    RiderSocket::hello(server, json!({"token": server.token("r1").await, "device": device})).await
}

#[tokio::test]
async fn the_latest_device_takes_over_and_the_older_one_is_told() {
    let server = TestServer::start("").await;
    let mut old = join(&server, "phone").await;
    let mut new = join(&server, "tablet").await;
    let bye = old.bye().await;
    assert_eq!(bye, json!({"op": "bye", "code": 4001}), "it must not come back by itself");
    let id = server.alert_for("r1", "order.new").await;
    assert_eq!(new.alert().await["id"], id);
    server.stop().await;
}

#[tokio::test]
async fn all_devices_ring_until_one_has_answered() {
    let server = TestServer::start("").await;
    server.done("PUT", "/v1/riders/r1", json!({"devices": "all"})).await;
    let (mut phone, mut tablet) = (join(&server, "phone").await, join(&server, "tablet").await);
    let id = server.alert_for("r1", "order.assigned").await;
    let (one, two) = (phone.alert().await, tablet.alert().await);
    assert_eq!((&one["id"], &one["seq"]), (&two["id"], &two["seq"]));
    let rider = server.done("GET", "/v1/riders/r1", Value::Null).await;
    assert_eq!(rider["sessions"].as_array().unwrap().len(), 2);
    assert_eq!(phone.answer(&id, "confirm").await, "recorded");
    let stop = tablet.op("stop").await;
    assert_eq!((&stop["ids"], &stop["reason"]), (&json!([id]), &json!("answered_elsewhere")));
    assert_eq!(tablet.answer(&id, "decline").await, "gone");
    let told = phone.so_far().await;
    assert!(told.is_empty(), "it knows what it did itself: {told:?}");
    server.stop().await;
}

#[tokio::test]
async fn one_device_has_one_socket_and_a_rider_a_few() {
    let server = TestServer::start("[rider]\nsessions_max = 2").await;
    server.done("PUT", "/v1/riders/r1", json!({"devices": "all"})).await;
    let mut first = join(&server, "phone").await;
    let _again = join(&server, "phone").await;
    assert_eq!(first.bye().await["code"], 4001);
    let mut tablet = join(&server, "tablet").await;
    tablet.assert_no_alert().await;
    let _page = join(&server, "page").await;
    let rider = crate::support::eventually("the oldest leaves", async || {
        let rider = server.done("GET", "/v1/riders/r1", Value::Null).await;
        (rider["sessions"].as_array().unwrap().len() == 2).then_some(rider)
    });
    let devices: Vec<Value> =
        rider.await["sessions"].as_array().unwrap().iter().map(|one| one["device"].clone()).collect();
    assert_eq!(devices, ["tablet", "page"]);
    server.stop().await;
}
