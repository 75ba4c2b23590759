//! How much one rider is told: urges, the cap for each minute, quiet hours in the app's own time.

use jiff::ToSpan;
use serde_json::{Value, json};

use super::of_order;
use crate::support::{QUICK, RiderSocket, TestServer, now_ms, words};

/// What the first rider of an answer is told.
fn first(data: &Value) -> Value {
    words(&data["alerts"][0]["deliveries"][0], ["status", "reason"])
}

#[tokio::test]
async fn an_order_is_urged_at_most_once_in_three_minutes() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let urge = async |order: &str, rider: &str| {
        first(&server.post_event(of_order("order.urged", rider, json!({"id": order}), Value::Null)).await)
    };
    assert_eq!(urge("o-1", "r1").await, json!(["queued", null]));
    for _ in 0..2 {
        assert_eq!(urge("o-1", "r1").await, json!(["suppressed", "rate_limited"]));
    }
    assert_eq!(urge("o-2", "r1").await, json!(["queued", null]), "another order");
    assert_eq!(urge("o-1", "r2").await, json!(["unknown", null]), "another rider");
    for order in ["o-1", "o-2"] {
        assert_eq!(rider.alert().await["order_id"], order);
    }
    rider.assert_no_alert().await;
    server.stop().await;
}

#[tokio::test]
async fn a_rider_is_told_so_much_a_minute_and_what_is_critical_always() {
    let server = TestServer::start("").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let post = async |kind: &str, rider: &str, alert: Value| {
        let event = json!({"kind": kind, "target": {"riders": [rider]}, "alert": alert});
        server.post_event(event).await
    };
    for n in 0..12 {
        assert_eq!(first(&post("order.new", "r1", Value::Null).await), json!(["queued", null]), "{n}");
    }
    let over = post("order.new", "r1", Value::Null).await;
    assert_eq!(first(&over), json!(["suppressed", "rate_limited"]));
    assert_eq!((&over["reachable"], &over["outcome"]), (&json!(0), &json!("alerted")));
    let delivery = server.delivery(over["alert_id"].as_str().unwrap()).await;
    assert_eq!(words(&delivery, ["state", "reason"]), json!(["suppressed", "rate_limited"]));
    assert_eq!(first(&post("order.overdue", "r1", Value::Null).await), json!(["queued", null]));
    assert_eq!(first(&post("order.new", "r1", json!({"urgency": 3})).await), json!(["queued", null]));
    assert_eq!(
        first(&post("order.new", "r2", Value::Null).await),
        json!(["unknown", null]),
        "each has their own"
    );
    for _ in 0..14 {
        rider.alert().await;
    }
    rider.assert_no_alert().await;
    for (cap, status) in [(0, "queued"), (1, "suppressed"), (1_000, "queued")] {
        server.done("PUT", "/v1/settings", json!({"alerts_per_minute": cap})).await;
        assert_eq!(first(&post("order.new", "r1", Value::Null).await)[0], status, "{cap}");
    }
    server.stop().await;
}

/// `HH:MM` in a zone, so many minutes from now.
fn clock(zone: &str, minutes: i64) -> String {
    let now = jiff::Timestamp::from_millisecond(now_ms()).unwrap().in_tz(zone).unwrap();
    now.checked_add(minutes.minutes()).unwrap().strftime("%H:%M").to_string()
}

#[tokio::test]
async fn quiet_hours_hold_back_what_is_not_pressing_by_the_apps_own_clock() {
    let server = TestServer::start(QUICK).await;
    let _online = RiderSocket::connect(&server, "r1").await;
    let told = async || {
        let mut told = Vec::new();
        for kind in ["announcement", "order.ready", "order.new", "order.overdue"] {
            told.push(first(&server.post_event(json!({"kind": kind, "target": {"riders": ["r1"]}})).await));
        }
        told
    };
    let (said, hushed) = (json!(["queued", null]), json!(["suppressed", "quiet_hours"]));
    let quiet = [hushed.clone(), hushed, said.clone(), said.clone()];
    let loud = [said.clone(), said.clone(), said.clone(), said.clone()];
    // Around now, all but now (which runs over midnight in some zone or other), and none at all.
    for (zone, from, to, expected) in [
        ("Asia/Shanghai", -60, 60, &quiet),
        ("America/New_York", -60, 60, &quiet),
        ("Asia/Kolkata", 60, -60, &loud),
        ("Pacific/Auckland", -700, 700, &quiet),
        ("America/Los_Angeles", -700, 700, &quiet),
        ("Europe/London", 5, 1_430, &loud),
    ] {
        let hours = json!({"from": clock(zone, from), "to": clock(zone, to)});
        server.done("PUT", "/v1/settings", json!({"time_zone": zone, "quiet_hours": hours})).await;
        assert_eq!(told().await, expected.as_slice(), "{zone} {hours}");
    }
    // The same hours by another clock: quiet there, not here.
    let hours = json!({"from": clock("Asia/Tokyo", -60), "to": clock("Asia/Tokyo", 60)});
    server.done("PUT", "/v1/settings", json!({"time_zone": "Asia/Tokyo", "quiet_hours": hours})).await;
    assert_eq!(told().await, quiet);
    server.done("PUT", "/v1/settings", json!({"time_zone": "America/Lima", "quiet_hours": hours})).await;
    assert_eq!(told().await, loud);
    server.done("PUT", "/v1/settings", json!({})).await;
    assert_eq!(told().await, loud);
    server.stop().await;
}

#[tokio::test]
async fn a_test_of_the_device_is_heard_whatever_holds_others_back() {
    let server = TestServer::start("[rider]\nalerts_per_minute = 1\n").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let hours = json!({"from": clock("Asia/Shanghai", -60), "to": clock("Asia/Shanghai", 60)});
    server.done("PUT", "/v1/settings", json!({"quiet_hours": hours})).await;
    server.alert_for("r1", "order.new").await;
    for _ in 0..2 {
        let told = server.done("POST", "/v1/riders/r1/test", Value::Null).await;
        assert_eq!(first(&told), json!(["queued", null]), "its rider waits for it");
        rider.frame("the test", |frame| frame["kind"] == "device.test").await;
    }
    server.stop().await;
}
