//! Who is a test rider, who says so, and what else a test key may not change.

use serde_json::{Value, json};

use super::Tests;
use crate::support::{RiderSocket, words};

#[tokio::test]
async fn a_test_key_makes_test_riders_and_leaves_real_ones_alone() {
    let tests = Tests::start().await;
    let server = &tests.server;
    let is_test = async |rider: &str| {
        server.done("GET", &format!("/v1/riders/{rider}"), Value::Null).await["test"].clone()
    };
    server.done("PUT", "/v1/riders/real", json!({})).await;
    server.alert_for("named", "order.new").await;
    for rider in ["real", "named"] {
        for (method, path, body) in [
            ("POST", "/token", json!({})),
            ("POST", "/duty", json!({"on_duty": false})),
            ("PUT", "", json!({"test": true})),
            ("PUT", "", json!({"devices": "all"})),
            ("DELETE", "", Value::Null),
        ] {
            let reply = tests.call(method, &format!("/v1/riders/{rider}{path}"), body).await;
            reply.assert_problem(409, "not_a_test_rider");
        }
        assert_eq!(is_test(rider).await, false, "{rider}");
    }
    assert_eq!(server.done("GET", "/v1/riders/real", Value::Null).await["on_duty"], true);

    for (rider, method, path, body) in [
        ("t1", "POST", "/token", json!({})),
        ("t2", "PUT", "", json!({"test": true, "devices": "all"})),
        ("t3", "PUT", "", json!({"on_duty": false})),
        ("t4", "POST", "/duty", json!({"on_duty": true})),
    ] {
        for _again in 0..2 {
            tests.done(method, &format!("/v1/riders/{rider}{path}"), body.clone()).await;
        }
        assert_eq!(is_test(rider).await, true, "{rider}");
    }
    tests.call("PUT", "/v1/riders/t1", json!({"test": false})).await.assert_problem(403, "test_key");
    tests.call("PUT", "/v1/riders/t1", json!({"test": "yes"})).await.assert_problem(400, "wrong_type");
    tests.done("DELETE", "/v1/riders/t4", Value::Null).await;
    tests.done("DELETE", "/v1/riders/t4", Value::Null).await;
    tests.call("DELETE", "/v1/riders/t5", Value::Null).await.assert_problem(404, "not_found");
    // A live key describes a test rider without making a real one of them.
    server.done("PUT", "/v1/riders/t1", json!({"devices": "all"})).await;
    server.done("POST", "/v1/riders/t1/token", json!({})).await;
    assert_eq!(is_test("t1").await, true);
    let listed = server.done("POST", "/v1/riders/query", json!({"ids": ["t1", "real"]})).await;
    let mut marks: Vec<_> =
        listed["riders"].as_array().unwrap().iter().map(|row| words(row, ["id", "test"])).collect();
    marks.sort_by_key(ToString::to_string);
    assert_eq!(marks, [json!(["real", false]), json!(["t1", true])]);
    tests.server.stop().await;
}

#[tokio::test]
async fn a_live_key_says_who_is_a_test_rider_and_who_is_one_no_more() {
    let tests = Tests::start().await;
    let server = &tests.server;
    let mut rider = RiderSocket::connect(server, "r1").await;
    let event = json!({"kind": "order.offered", "target": {"riders": ["r1"]}});
    assert_eq!(tests.post(event.clone()).await["alerts"][0]["deliveries"][0]["reason"], "test_mode");
    let made = server.done("PUT", "/v1/riders/r1", json!({"test": true})).await;
    assert_eq!(made["test"], true);
    let id = tests.post(event.clone()).await["alert_id"].as_str().unwrap().to_owned();
    assert_eq!(words(&rider.alert().await, ["id", "test"]), json!([id, true]));
    let live = server.alert_for("r1", "order.offered").await;
    assert_eq!(words(&rider.alert().await, ["id", "test"]), json!([live, Value::Null]), "they hear both");
    assert_eq!(server.done("PUT", "/v1/riders/r1", json!({"test": false})).await["test"], false);
    assert_eq!(rider.stopped(&id).await, "cancelled");
    assert_eq!(words(&server.delivery(&id).await, ["state", "reason"]), json!(["suppressed", "test_mode"]));
    assert_eq!(server.delivery(&live).await["reason"], Value::Null);
    let late = tests.post(event).await;
    assert_eq!(late["alerts"][0]["deliveries"][0]["status"], "suppressed");
    assert_eq!(server.metric("orderbell_test_deliveries_ended_total{reason=\"test_mode\"}").await, 3);
    assert_eq!(server.metric("orderbell_deliveries_ended_total{reason=\"test_mode\"}").await, 0);
    tests.server.stop().await;
}

#[tokio::test]
async fn a_live_broadcast_reaches_test_riders_like_any_other() {
    let tests = Tests::start().await;
    let [mut mine] = tests.riders().await;
    let answer = tests
        .server
        .post_event(json!({"kind": "announcement", "alert": {"text": "下雨"}, "target": {"broadcast": true}}))
        .await;
    assert_eq!(words(&answer, ["reachable", "test"]), json!([1, Value::Null]));
    assert_eq!(words(&mine.alert().await, ["id", "test"]), json!([answer["alert_id"], Value::Null]));
    tests.server.stop().await;
}

#[tokio::test]
async fn a_test_key_changes_nothing_that_real_riders_hear() {
    let tests = Tests::start().await;
    let server = &tests.server;
    server.done("PUT", "/v1/groups/east", json!({"riders": ["r1"]})).await;
    let phrases = json!({"lang": "zh-CN", "phrases": ["您有新的订单"]});
    for (method, path, body) in [
        ("PUT", "/v1/groups/east", json!({"riders": []})),
        ("PUT", "/v1/groups/west", json!("not even a good body")),
        ("POST", "/v1/groups/east/members", json!({"remove": ["r1"]})),
        ("DELETE", "/v1/groups/east", Value::Null),
        ("PUT", "/v1/settings", json!({"merge": true})),
        ("PUT", "/v1/templates/order.new", phrases),
    ] {
        tests.call(method, path, body).await.assert_problem(403, "test_key");
    }
    for path in
        ["/v1/groups", "/v1/groups/east", "/v1/settings", "/v1/templates", "/v1/schedules", "/v1/notices"]
    {
        tests.done("GET", path, Value::Null).await;
    }
    assert_eq!(server.done("GET", "/v1/groups/east", Value::Null).await["riders"], json!(["r1"]));
    let tested = tests.done("POST", "/v1/riders/r1/test", Value::Null).await;
    assert_eq!(tested["alerts"][0]["deliveries"][0]["reason"], "test_mode", "it rings test riders only");
    tests.server.stop().await;
}
