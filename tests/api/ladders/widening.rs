//! Steps that bring other riders: the next candidate, the whole station.

use serde_json::{Value, json};

use super::{done, ladder, notices_of};
use crate::support::{QUICK, RiderSocket, TestServer, words};

async fn state_of(server: &TestServer, alert: &str, rider: &str) -> Value {
    let alert = server.alert(alert).await;
    let mut deliveries = alert["deliveries"].as_array().unwrap().iter();
    deliveries.find(|delivery| delivery["rider"] == rider).map_or(Value::Null, |found| found["state"].clone())
}

#[tokio::test]
async fn the_next_candidate_is_asked_when_the_first_lets_it_pass_or_declines() {
    let server = TestServer::start(QUICK).await;
    let mut one = RiderSocket::connect(&server, "r1").await;
    let mut two = RiderSocket::connect(&server, "r2").await;
    let mut three = RiderSocket::connect(&server, "r3").await;
    let steps = json!([{"after_s": 1, "do": "next"}, {"after_s": 50, "do": "next"}]);
    let offer = json!({"mode": "assign", "timeout_s": 40, "ladder": steps, "candidates": ["r2", "r3"]});
    let id = ladder(&server, "order.offered", &["r1"], offer).await;
    assert_eq!(one.alert().await["id"], id);
    // The first says nothing: it is taken from them at the step's time.
    let second = two.alert().await;
    assert_eq!(words(&second, ["id", "ring", "seq"]), json!([id, 1, 1]));
    let left_ms = second["answer_by"].as_i64().unwrap() - server.now_ms();
    assert!((35_000..=40_000).contains(&left_ms), "each has their own time: {left_ms}");
    assert_eq!(one.stopped(&id).await, "expired");
    assert_eq!(one.answer(&id, "accept").await, "gone");
    three.assert_no_alert().await;
    // The second declines: nobody has it, so the next is asked at once and not in 50 seconds.
    assert_eq!(two.answer(&id, "decline").await, "recorded");
    assert_eq!(three.alert().await["id"], id);
    assert_eq!(done(&server, &id).await, [true, true]);
    assert_eq!(three.answer(&id, "accept").await, "recorded");
    assert_eq!(words(&server.alert(&id).await, ["state", "winner"]), json!(["accepted", "r3"]));
    for (rider, state) in [("r1", "expired"), ("r2", "declined"), ("r3", "accepted")] {
        assert_eq!(state_of(&server, &id, rider).await, state, "{rider}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_candidate_who_is_off_duty_is_passed_over_and_the_last_ends_it() {
    let server = TestServer::start(QUICK).await;
    let mut one = RiderSocket::connect(&server, "r1").await;
    let mut three = RiderSocket::connect(&server, "r3").await;
    server.done("POST", "/v1/riders/r2/duty", json!({"on_duty": false})).await;
    let steps = json!([{"after_s": 30, "do": "next"}, {"after_s": 60, "do": "next"}]);
    let offer = json!({"mode": "assign", "timeout_s": 30, "ladder": steps, "candidates": ["r2", "r3"]});
    let id = ladder(&server, "order.offered", &["r1"], offer).await;
    one.alert().await;
    assert_eq!(one.answer(&id, "decline").await, "recorded");
    three.alert().await;
    assert_eq!(state_of(&server, &id, "r2").await, "suppressed");
    assert_eq!(three.answer(&id, "decline").await, "recorded");
    crate::support::eventually("nobody is left", async || {
        (server.alert(&id).await["state"] == "completed").then_some(())
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn the_whole_station_is_asked_by_its_group_or_by_the_riders_own() {
    for group in [json!({"group": "north"}), json!({"groups": ["north", "none"]}), json!({})] {
        let server = TestServer::start(QUICK).await;
        server.done("PUT", "/v1/groups/north", json!({"riders": ["r1", "r2", "r3"]})).await;
        server.done("PUT", "/v1/groups/south", json!({"riders": ["r4"]})).await;
        let mut one = RiderSocket::connect(&server, "r1").await;
        let mut two = RiderSocket::connect(&server, "r2").await;
        let mut four = RiderSocket::connect(&server, "r4").await;
        let mut step = json!({"after_s": 1, "do": "station"});
        step.as_object_mut().unwrap().extend(group.as_object().unwrap().clone());
        let id = ladder(
            &server,
            "order.available",
            &["r1"],
            json!({"mode": "grab", "timeout_s": 60, "ladder": [step]}),
        )
        .await;
        let mine = one.alert().await;
        one.ack(&mine).await;
        assert_eq!(two.alert().await["id"], id);
        four.assert_no_alert().await;
        one.assert_no_alert().await;
        assert_eq!(server.alert(&id).await["delivery_count"], 3);
        // Who had it first may still take it.
        assert_eq!(one.answer(&id, "accept").await, "won");
        assert_eq!(two.stopped(&id).await, "taken");
        assert_eq!(two.alert().await["kind"], "order.taken");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_ladder_that_brings_others_outlives_the_first_riders_time() {
    let server = TestServer::start(QUICK).await;
    let mut one = RiderSocket::connect(&server, "r1").await;
    let mut two = RiderSocket::connect(&server, "r2").await;
    let steps = json!([{"after_s": 1, "do": "next"}]);
    let offer = json!({"mode": "assign", "timeout_s": 1, "ladder": steps, "candidates": ["r2"]});
    let id = ladder(&server, "order.offered", &["r1"], offer).await;
    one.alert().await;
    two.alert().await;
    assert_eq!(two.stopped(&id).await, "expired");
    assert_eq!(notices_of(&server, 1).await, [json!(["alert.exhausted", id, null])]);
    assert_eq!(server.alert(&id).await["state"], "expired");
    server.stop().await;
}
