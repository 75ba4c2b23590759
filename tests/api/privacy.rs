//! What is kept, for how long, and what is left of whoever is erased: looked for in every file of the data folder.

mod canary;
mod export;

use serde_json::{Value, json};

use crate::support::{RiderSocket, TestServer, data_of, eventually};

const NOTHING: [&str; 13] = [
    "memberships",
    "checks",
    "deliveries",
    "texts",
    "notices",
    "callbacks",
    "orders",
    "calls",
    "offers",
    "audiences",
    "hook_requests",
    "wechat_identities",
    "wechat_messages",
];

/// An answer in which nothing was found.
fn nothing(rider: &str) -> Value {
    let erased: serde_json::Map<String, Value> =
        NOTHING.iter().map(|name| ((*name).to_owned(), json!(0))).collect();
    json!({"rider": rider, "ended": 0, "erased": erased})
}

#[tokio::test]
async fn an_erasure_says_what_it_erased_and_may_be_done_again() {
    let server = TestServer::start("").await;
    server.done("PUT", "/v1/groups/east", json!({"riders": ["r1", "r2"]})).await;
    let mut socket = RiderSocket::connect(&server, "r1").await;
    let both = server.post_event(json!({"kind": "order.new", "target": {"riders": ["r1", "r2"]}})).await;
    let event =
        json!({"id": "e1", "kind": "order.assigned", "order": {"id": "o1"}, "target": {"riders": ["r1"]}});
    let alone = server.post_event(event.clone()).await["alert_id"].as_str().unwrap().to_owned();
    socket.alert().await;

    let erased = server.done("DELETE", "/v1/riders/r1", Value::Null).await;
    let mut expected = nothing("r1");
    expected["ended"] = json!(2);
    for (name, rows) in [("memberships", 1), ("deliveries", 2), ("texts", 1), ("orders", 1)] {
        expected["erased"][name] = json!(rows);
    }
    assert_eq!(erased, expected);
    assert_eq!(socket.bye().await["code"], 4000);
    let record = server.alert(&alone).await;
    let left = &record["deliveries"][0];
    assert!(left["rider"].as_str().unwrap().starts_with("erased_"), "{left}");
    assert_eq!((&left["state"], &left["reason"]), (&json!("suppressed"), &json!("erased")));
    assert_eq!((&record["text"], &record["said"], &record["audio"]), (&json!(""), &json!(""), &Value::Null));
    let both = server.alert(both["alert_id"].as_str().unwrap()).await;
    assert_ne!(both["text"], "", "the other rider has it as well");
    let again = server.post_event(event).await;
    assert_eq!(
        (&again["duplicate"], &again["alerts"][0]["deliveries"][0]["rider"]),
        (&json!(true), &left["rider"])
    );

    assert_eq!(server.done("DELETE", "/v1/riders/r1", Value::Null).await, nothing("r1"), "again");
    server.get("/v1/riders/r1").await.assert_problem(404, "not_found");
    server.call("DELETE", "/v1/riders/nobody", Value::Null).await.assert_problem(404, "not_found");
    server.stop().await;
}

#[tokio::test]
async fn tokens_of_an_erased_rider_are_dead_and_their_session_brings_nothing_back() {
    let server = TestServer::start("").await;
    let token = server.token("r1").await;
    let mut socket = RiderSocket::hello(&server, json!({"token": token.clone(), "device": "phone"})).await;
    for _ in 0..3 {
        server.alert_for("r1", "order.new").await;
    }
    let before = socket.alert().await["seq"].as_i64().unwrap();
    server.done("DELETE", "/v1/riders/r1", Value::Null).await;
    assert_eq!(socket.bye().await["code"], 4000);
    eventually("the session is over", async || {
        (server.metric("orderbell_sessions").await == 0).then_some(())
    })
    .await;
    server.get("/v1/riders/r1").await.assert_problem(404, "not_found");
    server.call_as(&token, "GET", "/v1/rider/alerts", Value::Null).await.assert_problem(401, "bad_token");
    // An event names them again: that makes the row, and not the token.
    server.alert_for("r1", "order.new").await;
    server.call_as(&token, "GET", "/v1/rider/alerts", Value::Null).await.assert_problem(401, "bad_token");
    let back = eventually("a token of the next second is good", async || {
        let fresh = server.token("r1").await;
        let open = server.call_as(&fresh, "GET", "/v1/rider/alerts", Value::Null).await;
        (open.status == 200).then_some(fresh)
    })
    .await;
    let mut socket = RiderSocket::hello(&server, json!({"token": back, "device": "phone"})).await;
    let seq = socket.alert().await["seq"].as_i64().unwrap();
    assert!(seq > before + 1, "who comes back meets no number twice: {seq}");
    server.stop().await;
}

#[tokio::test]
async fn a_test_key_erases_test_riders_alone() {
    let server = TestServer::start("").await;
    server.done("PUT", "/v1/riders/real", json!({})).await;
    server.done("PUT", "/v1/riders/test", json!({"test": true})).await;
    let key = server.test_key().await;
    let refused = server.call_as(&key, "DELETE", "/v1/riders/real", Value::Null).await;
    refused.assert_problem(409, "not_a_test_rider");
    let erased = server.call_as(&key, "DELETE", "/v1/riders/test", Value::Null).await;
    assert_eq!((erased.status, &erased.json["data"]), (200, &nothing("test")));
    server.stop().await;
}

#[tokio::test]
async fn what_an_app_says_of_ages_holds_and_what_cannot_be_is_refused() {
    let server = TestServer::start("").await;
    let ages = json!({"texts_h": 24, "alerts_h": 168, "dead_callbacks_h": 24});
    let kept = server.done("PUT", "/v1/settings", json!({"retention": ages})).await;
    assert_eq!((&kept["retention"]["texts_h"], &kept["retention"]["notices_h"]), (&json!(24), &Value::Null));
    for (ages, place) in [
        (json!({"texts_h": 0}), "/retention/texts_h"),
        (json!({"alerts_h": 167}), "/retention/alerts_h"),
        (json!({"dead_callbacks_h": 23}), "/retention/dead_callbacks_h"),
        (json!({"calls_h": 87_601}), "/retention/calls_h"),
    ] {
        let refused = server.call("PUT", "/v1/settings", json!({"retention": ages})).await;
        refused.assert_problem(400, "out_of_range");
        assert_eq!(refused.json["pointer"], place);
    }
    let longer = json!({"retention": {"texts_h": 200, "alerts_h": 168}});
    let refused = server.call("PUT", "/v1/settings", longer).await;
    refused.assert_problem(400, "out_of_order");
    assert_eq!(refused.json["pointer"], "/retention/texts_h");
    let refused = server.call("PUT", "/v1/settings", json!({"retention": {"clips_h": 1}})).await;
    refused.assert_problem(400, "unknown_member");
    server.stop().await;
}

#[tokio::test]
async fn the_server_lets_things_age_by_itself() {
    let server = TestServer::start("").await;
    let young = server.alert_for("r1", "order.new").await;
    let old = server.alert_for("r1", "order.new").await;
    let ancient = server.alert_for("r1", "order.new").await;
    for alert in [&young, &old, &ancient] {
        server.done("POST", &format!("/v1/alerts/{alert}/cancel"), Value::Null).await;
    }
    let folder = server.stop().await;
    let file = data_of(folder.path()).join("orderbell.db");
    let mut db = canary::database(&file).await;
    for (alert, hours) in [(&young, 71), (&old, 73), (&ancient, 721)] {
        let back = format!("UPDATE alerts SET ended_at = ended_at - {hours} * 3600000 WHERE id = '{alert}'");
        canary::run(&mut db, &back).await;
    }
    drop(db);
    let server = TestServer::start_in(folder, "").await;
    eventually("the ancient one is gone", async || {
        let reply = server.get(&format!("/v1/alerts/{ancient}")).await;
        (reply.status == 404).then_some(())
    })
    .await;
    let emptied = server.alert(&old).await;
    assert_eq!((&emptied["text"], &emptied["deliveries"][0]["rider"]), (&json!(""), &json!("r1")));
    assert_ne!(server.alert(&young).await["text"], "");
    assert_eq!(server.metric("orderbell_rows_aged_total{table=\"texts\"}").await, 2);
    assert_eq!(server.metric("orderbell_rows_aged_total{table=\"deliveries\"}").await, 1);
    server.stop().await;
}
