//! `?wait=`: a backend without an address of its own asks with its event what becomes of it.

use std::time::Instant;

use serde_json::{Value, json};

use crate::support::{QUICK, Reply, RiderSocket, TestServer, words};

async fn post(server: &TestServer, query: &str, event: Value) -> (Reply, u128) {
    let began = Instant::now();
    let reply = server.call("POST", &format!("/v1/events?{query}"), event).await;
    (reply, began.elapsed().as_millis())
}

fn event(kind: &str, riders: &[&str]) -> Value {
    json!({"kind": kind, "target": {"riders": riders}})
}

#[tokio::test]
async fn it_returns_as_soon_as_it_is_reached() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    for (what, kind, state) in [
        ("received", "order.new", "received"),
        ("played", "order.new", "played"),
        ("answered", "order.assigned", "acknowledged"),
    ] {
        let query = format!("wait={what}&timeout_ms=10000");
        let waiting = post(&server, &query, event(kind, &["r1"]));
        let telling = async {
            let alert = rider.alert().await;
            let id = alert["id"].as_str().unwrap().to_owned();
            // Who else looks sees it already: the event was committed before anybody waited.
            assert_eq!(server.alert(&id).await["state"], "active");
            match what {
                "received" => rider.ack(&alert).await,
                "played" => rider.report(&id, "played").await,
                _ => assert_eq!(rider.answer(&id, "confirm").await, "recorded"),
            }
        };
        let ((reply, took_ms), ()) = futures_util::future::join(waiting, telling).await;
        assert_eq!(reply.status, 200);
        let waited = &reply.json["data"]["waited"];
        assert_eq!(waited, &json!({"reached": true, "riders": [{"rider": "r1", "state": state}]}), "{what}");
        assert!(took_ms < 8_000, "{what}: {took_ms}");
    }
    server.stop().await;
}

#[tokio::test]
async fn it_returns_at_its_time_with_what_there_is() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let (reply, took_ms) =
        post(&server, "wait=played&timeout_ms=700", event("order.new", &["r1", "r2"])).await;
    assert_eq!(reply.status, 200);
    assert!((700..5_000).contains(&took_ms), "{took_ms}");
    let data = &reply.json["data"];
    assert_eq!(words(data, ["outcome", "reachable", "duplicate"]), json!(["alerted", 1, false]));
    assert_eq!(data["waited"]["reached"], false);
    assert_eq!(
        data["waited"]["riders"],
        json!([{"rider": "r1", "state": "sent"}, {"rider": "r2", "state": "pending"}])
    );
    rider.alert().await;
    server.stop().await;
}

#[tokio::test]
async fn one_of_several_who_takes_an_offer_is_an_answer() {
    let server = TestServer::start(QUICK).await;
    let mut one = RiderSocket::connect(&server, "r1").await;
    let _two = RiderSocket::connect(&server, "r2").await;
    let waiting = post(&server, "wait=answered&timeout_ms=10000", event("order.available", &["r1", "r2"]));
    let taking = async {
        let id = one.alert().await["id"].as_str().unwrap().to_owned();
        assert_eq!(one.answer(&id, "accept").await, "won");
    };
    let ((reply, took_ms), ()) = futures_util::future::join(waiting, taking).await;
    let waited = &reply.json["data"]["waited"];
    assert_eq!(waited["reached"], true);
    assert_eq!(
        waited["riders"],
        json!([{"rider": "r1", "state": "accepted"}, {"rider": "r2", "state": "lost"}])
    );
    assert!(took_ms < 8_000, "{took_ms}");
    server.stop().await;
}

#[tokio::test]
async fn an_end_that_is_not_what_was_waited_for_ends_the_wait_and_is_not_called_reached() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let waiting = post(&server, "wait=played&timeout_ms=10000", event("order.new", &["r1"]));
    let cancelling = async {
        let id = rider.alert().await["id"].as_str().unwrap().to_owned();
        server.done("POST", &format!("/v1/alerts/{id}/cancel"), Value::Null).await;
    };
    let ((reply, took_ms), ()) = futures_util::future::join(waiting, cancelling).await;
    let waited = &reply.json["data"]["waited"];
    assert_eq!(waited, &json!({"reached": false, "riders": [{"rider": "r1", "state": "cancelled"}]}));
    assert!(took_ms < 8_000, "{took_ms}");

    server.done("POST", "/v1/riders/r1/duty", json!({"on_duty": false})).await;
    let (reply, took_ms) = post(&server, "wait=received", event("order.new", &["r1"])).await;
    assert_eq!(
        reply.json["data"]["waited"],
        json!({"reached": false, "riders": [{"rider": "r1", "state": "suppressed"}]})
    );
    assert!(took_ms < 8_000, "nobody will ever receive it: {took_ms}");
    server.stop().await;
}

#[tokio::test]
async fn an_event_that_tells_nobody_is_not_waited_for() {
    let server = TestServer::start(QUICK).await;
    let (reply, took_ms) = post(&server, "wait=played", event("order.picked_up", &["r1"])).await;
    assert_eq!(reply.json["data"]["waited"], json!({"reached": false, "riders": []}));
    assert!(took_ms < 8_000, "{took_ms}");
    let (reply, _) = post(&server, "", event("order.new", &["r1"])).await;
    assert!(reply.json["data"].get("waited").is_none());
    server.stop().await;
}

#[tokio::test]
async fn a_wait_that_cannot_be_is_refused_and_nothing_is_stored() {
    let server = TestServer::start("").await;
    for (query, error) in [
        ("wait=heard", "bad_query"),
        ("wait=", "bad_query"),
        ("timeout_ms=100", "bad_query"),
        ("wait=played&timeout_ms=0", "out_of_range"),
        ("wait=played&timeout_ms=10001", "out_of_range"),
        ("wait=played&timeout_ms=-1", "bad_query"),
        ("wait=played&timeout_ms=soon", "bad_query"),
        ("wait=played&timeout_ms=1.5", "bad_query"),
    ] {
        let mut bad = event("order.new", &["r1"]);
        bad["id"] = json!("bad");
        post(&server, query, bad).await.0.assert_problem(400, error);
    }
    server.get("/v1/events/bad").await.assert_problem(404, "not_found");
    server.stop().await;
}
