//! Orders have a memory: old news is dropped, cancellations outlive what they cancel, a reassignment is two alerts.

mod bursts;
mod pace;
mod reassigned;

use serde_json::{Value, json};

use crate::support::{QUICK, RiderSocket, TestServer, words};

/// An event of an order for one rider; members of the order and of the event over it.
fn of_order(kind: &str, rider: &str, order: Value, event: Value) -> Value {
    let mut whole = json!({"kind": kind, "order": {"id": "o-1"}, "target": {"riders": [rider]}});
    for (place, more) in [("/order", order), ("", event)] {
        let members = whole.pointer_mut(place).unwrap().as_object_mut().unwrap();
        members.extend(more.as_object().cloned().unwrap_or_default());
    }
    whole
}

async fn told(server: &TestServer, kind: &str, rider: &str, order: Value) -> Value {
    let data = server.post_event(of_order(kind, rider, order, Value::Null)).await;
    words(&data, ["outcome", "reason"])
}

#[tokio::test]
async fn older_news_is_dropped_and_the_same_again_has_the_same_answer() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let alerted = json!(["alerted", null]);
    assert_eq!(told(&server, "order.new", "r1", json!({"version": 5})).await, alerted);
    let old = of_order("order.urged", "r1", json!({"version": 4}), json!({"id": "old"}));
    let first = server.post_event(old.clone()).await;
    assert_eq!(
        words(&first, ["outcome", "reason", "alerts", "reachable", "duplicate"]),
        json!(["dropped", "older_version", [], 0, false])
    );
    assert!(first.get("alert_id").is_none());
    let mut again = server.post_event(old).await;
    assert_eq!(again["duplicate"], true);
    again["duplicate"] = json!(false);
    assert_eq!(again, first);
    let kept = server.done("GET", "/v1/events/old", Value::Null).await;
    assert_eq!(words(&kept, ["outcome", "reason"]), json!(["dropped", "older_version"]));
    assert_eq!(told(&server, "order.ready", "r1", json!({"version": 5})).await, alerted, "as new");
    assert_eq!(told(&server, "order.changed", "r1", json!({})).await, alerted, "no telling how new");
    rider.frame("the last", |frame| frame["kind"] == "order.changed").await;
    assert!(rider.so_far().await.iter().all(|frame| frame["kind"] != "order.urged"));
    server.stop().await;
}

#[tokio::test]
async fn the_moment_it_happened_tells_old_from_new_where_there_are_no_versions() {
    let server = TestServer::start(QUICK).await;
    let at = |seconds: i64| json!({"occurred_at": server.now_ms() - 60_000 + seconds * 1_000});
    let post = async |kind: &str, event: Value| {
        let data = server.post_event(of_order(kind, "r1", Value::Null, event)).await;
        words(&data, ["outcome", "reason"])
    };
    assert_eq!(post("order.new", at(30)).await, json!(["alerted", null]));
    assert_eq!(post("order.ready", at(20)).await, json!(["dropped", "older_version"]));
    assert_eq!(post("order.ready", at(40)).await, json!(["alerted", null]));
    server.stop().await;
}

#[tokio::test]
async fn a_cancellation_that_overtakes_its_offer_stops_it() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    // By its address, of an order nobody has heard of.
    assert_eq!(server.done("POST", "/v1/orders/o-1/cancel", Value::Null).await, json!({"cancelled": 0}));
    let dropped = json!(["dropped", "order_cancelled"]);
    assert_eq!(told(&server, "order.offered", "r1", json!({"version": 1})).await, dropped);
    assert_eq!(told(&server, "order.new", "r2", json!({})).await, dropped);
    // By an event: for its riders, and for the rest the order goes on.
    let other = json!({"id": "o-2", "version": 7});
    assert_eq!(told(&server, "order.cancelled", "r1", other).await, json!(["alerted", null]));
    assert_eq!(rider.alert().await["kind"], "order.cancelled");
    for version in [6, 7] {
        let late = json!({"id": "o-2", "version": version});
        let reason = told(&server, "order.offered", "r1", late).await;
        assert_eq!(reason[0], "dropped", "{reason}");
    }
    assert_eq!(
        told(&server, "order.offered", "r2", json!({"id": "o-2", "version": 7})).await,
        json!(["alerted", null])
    );
    assert_eq!(
        told(&server, "order.offered", "r1", json!({"id": "o-2", "version": 8})).await,
        json!(["alerted", null]),
        "a new life"
    );
    assert_eq!(rider.alert().await["kind"], "order.offered");
    rider.assert_no_alert().await;
    server.stop().await;
}

#[tokio::test]
async fn a_rider_for_whom_it_was_cancelled_is_passed_over_among_others() {
    let server = TestServer::start(QUICK).await;
    told(&server, "order.cancelled", "r1", json!({"version": 3})).await;
    let mut event = of_order("order.available", "r1", json!({"version": 3}), Value::Null);
    event["target"]["riders"] = json!(["r1", "r2"]);
    let data = server.post_event(event.clone()).await;
    let deliveries = &data["alerts"][0]["deliveries"];
    assert_eq!(
        words(&deliveries[0], ["rider", "status", "reason"]),
        json!(["r1", "suppressed", "cancelled_before"])
    );
    assert_eq!(words(&deliveries[1], ["rider", "status", "reason"]), json!(["r2", "unknown", null]));
    server.stop().await;
}

#[tokio::test]
async fn every_kind_that_ends_an_order_stops_its_open_alerts_for_its_riders() {
    for (kind, reason, speaks) in [
        ("order.cancelled", "cancelled_by_order", true),
        ("order.reassigned_away", "reassigned", true),
        ("order.taken", "taken", true),
        ("order.delivered", "order_ended", false),
        ("order.returned", "order_ended", false),
        ("order.expired", "order_ended", false),
        ("order.unassigned", "reassigned", false),
    ] {
        let server = TestServer::start(QUICK).await;
        let mut one = RiderSocket::connect(&server, "r1").await;
        let mut two = RiderSocket::connect(&server, "r2").await;
        let mut ids = Vec::new();
        for (rider, order, about) in [
            ("r1", "o-1", "order.new"),
            ("r1", "o-1", "order.changed"),
            ("r1", "o-9", "order.new"),
            ("r2", "o-1", "order.new"),
        ] {
            let data = server.post_event(of_order(about, rider, json!({"id": order}), Value::Null)).await;
            ids.push(data["alert_id"].as_str().unwrap().to_owned());
        }
        one.alert().await;
        one.alert().await;
        one.alert().await;
        two.alert().await;
        let outcome = told(&server, kind, "r1", Value::Null).await;
        assert_eq!(outcome[0], if speaks { "alerted" } else { "remembered" }, "{kind}");
        for id in &ids[..2] {
            let said = one.stopped(id).await;
            assert_eq!(said, if kind == "order.taken" { "taken" } else { "cancelled" }, "{kind}");
            assert_eq!(server.delivery(id).await["reason"], reason, "{kind}");
        }
        if speaks {
            assert_eq!(one.alert().await["kind"], kind);
        }
        for id in &ids[2..] {
            assert_eq!(server.delivery(id).await["reason"], Value::Null, "another order, another rider");
        }
        two.assert_no_alert().await;
        server.stop().await;
    }
}

#[tokio::test]
async fn a_newer_alert_takes_the_place_of_an_older_one_of_its_key() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let post = async |kind: &str, order: &str, alert: Value| {
        let event = of_order(kind, "r1", json!({"id": order}), json!({"alert": alert}));
        server.post_event(event).await["alert_id"].as_str().unwrap().to_owned()
    };
    let first = post("order.changed", "o-1", json!({})).await;
    let other_order = post("order.changed", "o-2", json!({})).await;
    let other_kind = post("order.ready", "o-1", json!({})).await;
    for _ in 0..3 {
        rider.alert().await;
    }
    let second = post("order.changed", "o-1", json!({})).await;
    assert_eq!(rider.stopped(&first).await, "superseded");
    assert_eq!(rider.alert().await["id"], second);
    assert_eq!(
        words(&server.delivery(&first).await, ["state", "reason"]),
        json!(["superseded", "superseded"])
    );
    let beside = post("order.changed", "o-1", json!({"supersede": false})).await;
    assert_eq!(rider.alert().await["id"], beside);
    for id in [&second, &beside, &other_order, &other_kind] {
        assert_eq!(server.delivery(id).await["reason"], Value::Null);
    }
    let keyed = post("announcement", "o-3", json!({"collapse_key": "weather"})).await;
    assert_eq!(rider.alert().await["id"], keyed);
    post("safety", "o-4", json!({"collapse_key": "weather"})).await;
    assert_eq!(rider.stopped(&keyed).await, "superseded", "a key of the event's own holds for all kinds");
    server.stop().await;
}
