//! Whom an alert reaches: riders by name, groups, everyone, less those excluded; now or when they come.

use serde_json::{Value, json};

use crate::support::{RiderSocket, TestServer};

fn riders_of(data: &Value) -> Vec<&str> {
    let deliveries = data["alerts"][0]["deliveries"].as_array().unwrap();
    deliveries.iter().map(|delivery| delivery["rider"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_broadcast_reaches_every_known_rider_but_the_excluded() {
    let server = TestServer::start("").await;
    let mut one = RiderSocket::connect(&server, "r1").await;
    let mut two = RiderSocket::connect(&server, "r2").await;
    server.done("PUT", "/v1/riders/r3", json!({})).await;
    // Only named by an event: nobody has ever come with that name.
    server.alert_for("ghost", "order.new").await;
    let target = json!({"broadcast": true, "exclude": ["r2"]});
    let data = server.post_event(json!({"kind": "announcement", "target": target})).await;
    assert_eq!(riders_of(&data), ["r1", "r3"]);
    assert_eq!(data["reachable"], 1);
    assert_eq!(one.alert().await["id"], data["alert_id"]);
    two.assert_no_alert().await;
    server.stop().await;
}

#[tokio::test]
async fn a_group_is_its_members_at_that_moment_each_once() {
    let server = TestServer::start("").await;
    server.done("PUT", "/v1/groups/north", json!({"riders": ["r1", "r2"]})).await;
    server.done("PUT", "/v1/groups/night", json!({"riders": ["r2", "r3"]})).await;
    let target = json!({"riders": ["r3"], "groups": ["north", "night", "nobody"], "exclude": ["r1"]});
    let event = json!({"kind": "announcement", "target": target});
    let data = server.post_event(event.clone()).await;
    assert_eq!(riders_of(&data), ["r3", "r2"]);
    server.done("POST", "/v1/groups/north/members", json!({"add": ["r4"], "remove": ["r2"]})).await;
    server.done("DELETE", "/v1/groups/night", Value::Null).await;
    assert_eq!(riders_of(&server.post_event(event).await), ["r3", "r4"]);
    server.stop().await;
}

#[tokio::test]
async fn an_event_for_nobody_is_kept_and_reaches_nobody() {
    let server = TestServer::start("").await;
    let target = json!({"groups": ["empty"]});
    let data = server.post_event(json!({"kind": "announcement", "target": target})).await;
    assert_eq!((&data["reachable"], riders_of(&data).len()), (&json!(0), 0));
    server.stop().await;
}

#[tokio::test]
async fn a_rider_who_comes_later_gets_what_waits() {
    let server = TestServer::start("").await;
    server.done("PUT", "/v1/riders/known", json!({})).await;
    for (rider, status) in [("known", "offline"), ("unknown", "unknown")] {
        let data = server.post_event(json!({"kind": "order.new", "target": {"riders": [rider]}})).await;
        assert_eq!(data["alerts"][0]["deliveries"][0]["status"], status);
        let id = data["alert_id"].as_str().unwrap();
        server.rendered(id).await;
        let mut socket = RiderSocket::connect(&server, rider).await;
        assert_eq!(socket.welcome["open"], json!([{"id": id, "ring": 1}]));
        assert_eq!(socket.alert().await["id"], id);
        let known = server.done("GET", &format!("/v1/riders/{rider}"), Value::Null).await;
        assert_eq!((&known["known"], &known["online"]), (&json!(true), &json!(true)));
    }
    server.stop().await;
}
