//! Four facts of a rider, each with its evidence and time; and what follows from them.

mod logout;

use serde_json::{Value, json};

use crate::support::{QUICK, RiderSocket, TestServer, eventually, words};

async fn facts(server: &TestServer, rider: &str) -> Value {
    server.done("GET", &format!("/v1/riders/{rider}"), Value::Null).await["presence"].clone()
}

fn fact(facts: &Value, name: &str) -> Value {
    words(&facts[name], ["is", "evidence"])
}

fn at(facts: &Value, name: &str) -> i64 {
    facts[name]["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

/// Waits until a fact says so.
async fn becomes(server: &TestServer, name: &str, expected: Value) -> Value {
    eventually(&format!("{name} becomes {expected}"), async || {
        let facts = facts(server, "r1").await;
        (fact(&facts, name) == expected).then_some(facts)
    })
    .await
}

#[tokio::test]
async fn each_fact_has_its_evidence_and_its_time() {
    let server = TestServer::start("").await;
    server.done("PUT", "/v1/riders/r1", json!({})).await;
    let new = facts(&server, "r1").await;
    assert_eq!(fact(&new, "online"), json!([false, "never_connected"]));
    assert_eq!(fact(&new, "on_duty"), json!([true, "default"]));
    assert_eq!(fact(&new, "audible")[0], false);
    assert_eq!(fact(&new, "responsive"), json!([true, "nothing_missed"]));

    let before = server.now_ms();
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let online = facts(&server, "r1").await;
    assert_eq!(fact(&online, "online"), json!([true, "session"]));
    assert!((before..=server.now_ms()).contains(&at(&online, "online")));
    for (audio, heard) in [
        ("playing", true),
        ("interrupted", false),
        ("playing", true),
        ("paused", false),
        ("stolen", false),
        ("blocked", false),
        ("silent", false),
    ] {
        let before = server.now_ms();
        rider.send(json!({"op": "state", "audio": audio})).await;
        let told = becomes(&server, "audible", json!([heard, audio])).await;
        assert!((before..=server.now_ms()).contains(&at(&told, "audible")), "{audio}");
        assert_eq!(fact(&told, "online"), json!([true, "session"]), "none is derived from another");
    }
    let before = server.now_ms();
    rider.send(json!({"op": "state", "on_duty": false})).await;
    let off = becomes(&server, "on_duty", json!([false, "told"])).await;
    assert!((before..=server.now_ms()).contains(&at(&off, "on_duty")));
    server.done("POST", "/v1/riders/r1/duty", json!({"on_duty": true})).await;
    becomes(&server, "on_duty", json!([true, "told"])).await;
    let whole = server.done("GET", "/v1/riders/r1", Value::Null).await;
    assert_eq!(
        words(&whole, ["online", "on_duty", "audible", "responsive"]),
        json!([true, true, false, true])
    );
    server.stop().await;
}

#[tokio::test]
async fn a_rider_is_offline_only_after_a_while() {
    let server = TestServer::start("[rider]\noffline_grace = \"2s\"\n").await;
    let rider = RiderSocket::connect(&server, "r1").await;
    drop(rider);
    let gone = becomes(&server, "online", json!([true, "grace"])).await;
    let left_at = at(&gone, "online");
    let off = becomes(&server, "online", json!([false, "session_closed"])).await;
    assert_eq!(at(&off, "online"), left_at, "since it has left");
    assert!(server.now_ms() - left_at >= 2_000);
    let _back = RiderSocket::connect(&server, "r1").await;
    assert_eq!(fact(&facts(&server, "r1").await, "online"), json!([true, "session"]));
    server.stop().await;
}

#[tokio::test]
async fn who_is_looked_at_while_they_leave_was_seen_just_now() {
    let server = TestServer::start("").await;
    for _ in 0..30 {
        let rider = RiderSocket::connect(&server, "r1").await;
        let before = server.now_ms();
        drop(rider);
        let gone = becomes(&server, "online", json!([true, "grace"])).await;
        assert!(at(&gone, "online") >= before, "seen when they left, not when they came");
    }
    server.stop().await;
}

/// Lets one offer pass.
async fn miss_one(server: &TestServer, rider: &mut RiderSocket) {
    let event = json!({"kind": "order.offered", "target": {"riders": ["r1"]}, "offer": {"mode": "assign", "timeout_s": 1}});
    let id = server.post_event(event).await["alert_id"].as_str().unwrap().to_owned();
    let alert = rider.alert().await;
    assert_eq!(alert["id"], id);
    rider.ack(&alert).await;
    assert_eq!(rider.stopped(&id).await, "expired");
}

async fn unresponsive(server: &TestServer) -> Vec<Value> {
    let told = server.done("GET", "/v1/notices", Value::Null).await;
    told["notices"].as_array().unwrap().iter().map(|one| words(one, ["kind", "rider"])).collect()
}

#[tokio::test]
async fn who_lets_three_offers_pass_is_unresponsive_until_they_answer_or_come_on_duty() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    for _ in 0..2 {
        miss_one(&server, &mut rider).await;
    }
    assert_eq!(fact(&facts(&server, "r1").await, "responsive"), json!([true, "nothing_missed"]));
    assert!(unresponsive(&server).await.is_empty());
    miss_one(&server, &mut rider).await;
    let silent = facts(&server, "r1").await;
    assert_eq!(fact(&silent, "responsive"), json!([false, "unanswered_offers"]));
    assert!(server.now_ms() - at(&silent, "responsive") < 5_000);
    let notice = json!(["rider.unresponsive", "r1"]);
    assert_eq!(unresponsive(&server).await, std::slice::from_ref(&notice));
    miss_one(&server, &mut rider).await;
    assert_eq!(unresponsive(&server).await, std::slice::from_ref(&notice), "told once");

    let id = server.alert_for("r1", "order.offered").await;
    rider.alert().await;
    assert_eq!(rider.answer(&id, "decline").await, "recorded");
    let answers = facts(&server, "r1").await;
    assert_eq!(fact(&answers, "responsive"), json!([true, "answered"]), "a no is an answer");
    for _ in 0..3 {
        miss_one(&server, &mut rider).await;
    }
    assert_eq!(unresponsive(&server).await, [notice.clone(), notice]);
    server.done("POST", "/v1/riders/r1/duty", json!({"on_duty": false})).await;
    assert_eq!(facts(&server, "r1").await["responsive"]["is"], false);
    server.done("POST", "/v1/riders/r1/duty", json!({"on_duty": true})).await;
    assert_eq!(facts(&server, "r1").await["responsive"]["is"], true, "a new shift, a clean sheet");
    server.stop().await;
}

#[tokio::test]
async fn offers_that_never_came_to_a_rider_do_not_count() {
    let server = TestServer::start(QUICK).await;
    server.done("PUT", "/v1/riders/r1", json!({})).await;
    for _ in 0..3 {
        let event = json!({"kind": "order.offered", "target": {"riders": ["r1"]}, "offer": {"mode": "assign", "timeout_s": 1}});
        let id = server.post_event(event).await["alert_id"].as_str().unwrap().to_owned();
        eventually("it is over", async || (server.alert(&id).await["state"] == "expired").then_some(()))
            .await;
    }
    assert_eq!(facts(&server, "r1").await["responsive"]["is"], true);
    assert!(unresponsive(&server).await.is_empty());
    server.stop().await;
}
