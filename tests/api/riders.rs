//! Riders, groups and templates as backends manage them, and what riders may ask over HTTP.

mod tenants;

use serde_json::{Value, json};

use crate::support::{RiderSocket, TestServer};

#[tokio::test]
async fn a_rider_is_described_seen_and_erased() {
    let server = TestServer::start("").await;
    server.get("/v1/riders/r1").await.assert_problem(404, "not_found");
    let made = server.done("PUT", "/v1/riders/r1", json!({"devices": "all", "on_duty": false})).await;
    assert_eq!(
        (&made["id"], &made["devices"], &made["on_duty"]),
        (&json!("r1"), &json!("all"), &json!(false))
    );
    assert_eq!((&made["known"], &made["online"]), (&json!(true), &json!(false)));
    let changed = server.done("PUT", "/v1/riders/r1", json!({"on_duty": true})).await;
    assert_eq!((&changed["devices"], &changed["on_duty"]), (&json!("all"), &json!(true)), "the rest stays");
    let mut socket = RiderSocket::connect(&server, "r1").await;
    server.alert_for("r1", "order.new").await;
    socket.alert().await;
    let seen = server.done("GET", "/v1/riders/r1", Value::Null).await;
    assert_eq!((&seen["online"], &seen["open_alerts"]), (&json!(true), &json!(1)));
    assert_eq!(seen["sessions"][0]["device"], "phone");
    assert!(seen["last_seen_at"].is_string());

    let erased = server.done("DELETE", "/v1/riders/r1", Value::Null).await;
    assert_eq!((&erased["ended"], &erased["erased"]["deliveries"]), (&json!(1), &json!(1)));
    assert_eq!(socket.bye().await["code"], 4000);
    server.call("DELETE", "/v1/riders/none", Value::Null).await.assert_problem(404, "not_found");
    for (body, error) in [
        (json!({"devices": "some"}), "unknown_value"),
        (json!({"on_duty": "yes"}), "wrong_type"),
        (json!({"name": "x"}), "unknown_member"),
    ] {
        server.call("PUT", "/v1/riders/r1", body).await.assert_problem(400, error);
    }
    server.stop().await;
}

#[tokio::test]
async fn strange_names_are_kept_exactly_or_refused() {
    let server = TestServer::start("").await;
    for name in ["骑手七", "%2e%2e%2fx", "a:b", "%F0%9F%9B%B5", "' OR 1=1--".replace(' ', "+").as_str()] {
        let path = format!("/v1/riders/{name}");
        let made = server.done("PUT", &path, json!({})).await;
        assert_eq!(server.done("GET", &path, Value::Null).await["id"], made["id"]);
    }
    for name in ["%20", "a%20b", "a%00", &"x".repeat(129)] {
        let refused = server.call("PUT", &format!("/v1/riders/{name}"), json!({})).await;
        refused.assert_problem(400, "bad_id");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_token_is_made_for_a_rider_and_lives_as_long_as_asked() {
    let server = TestServer::start("[rider]\ntoken_ttl_max = \"2h\"").await;
    let life_of = async |body: Value| {
        let made = server.done("POST", "/v1/riders/r1/token", body).await;
        let ends: jiff::Timestamp = made["expires_at"].as_str().unwrap().parse().unwrap();
        (made["token"].as_str().unwrap().to_owned(), ends.as_millisecond() - server.now_ms())
    };
    let (token, life_ms) = life_of(json!({"ttl_s": 60})).await;
    assert!((50_000..=60_000).contains(&life_ms), "{life_ms}");
    let socket = RiderSocket::hello(&server, json!({"token": token, "device": "phone"})).await;
    assert_eq!(socket.welcome["op"], "welcome");
    let (_, longest_ms) = life_of(Value::Null).await;
    assert!((7_100_000..=7_200_000).contains(&longest_ms), "never longer than configured: {longest_ms}");
    for ttl in [json!(0), json!(86_401), json!("1h")] {
        assert_eq!(
            server.call("POST", "/v1/riders/r1/token", json!({"ttl_s": ttl})).await.status,
            400,
            "{ttl}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_test_alert_rings_on_duty_or_not() {
    let server = TestServer::start("").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    server.done("POST", "/v1/riders/r1/duty", json!({"on_duty": false})).await;
    let told = server.done("POST", "/v1/riders/r1/test", Value::Null).await;
    assert_eq!(told["reachable"], 1);
    let alert = rider.alert().await;
    assert_eq!((&alert["kind"], &alert["id"]), (&json!("device.test"), &told["alert_id"]));
    server.stop().await;
}

#[tokio::test]
async fn many_riders_are_looked_up_at_once() {
    let server = TestServer::start("").await;
    let _online = RiderSocket::connect(&server, "r1").await;
    server.done("PUT", "/v1/riders/r2", json!({})).await;
    let found = server.done("POST", "/v1/riders/query", json!({"ids": ["r2", "r1", "nobody", "r1"]})).await;
    let mut found: Vec<_> =
        found["riders"].as_array().unwrap().iter().map(|one| (&one["id"], &one["online"])).collect();
    found.sort_by_key(|(id, _)| id.to_string());
    assert_eq!(found, [(&json!("r1"), &json!(true)), (&json!("r2"), &json!(false))]);
    let many: Vec<String> = (0..1001).map(|n| format!("r{n}")).collect();
    server.call("POST", "/v1/riders/query", json!({"ids": many})).await.assert_problem(400, "too_many");
    server.stop().await;
}

#[tokio::test]
async fn groups_are_filled_changed_and_listed() {
    let server = TestServer::start("").await;
    let put = server.done("PUT", "/v1/groups/north", json!({"riders": ["r2", "r1", "r2"]})).await;
    assert_eq!(put, json!({"id": "north", "count": 2}));
    let mut group = server.done("GET", "/v1/groups/north", Value::Null).await;
    group["riders"].as_array_mut().unwrap().sort_by_key(ToString::to_string);
    assert_eq!(group, json!({"id": "north", "riders": ["r1", "r2"]}));
    let change = json!({"add": ["r3"], "remove": ["r1"]});
    server.done("POST", "/v1/groups/north/members", change).await;
    let group = server.done("GET", "/v1/groups/north", Value::Null).await;
    assert_eq!(group["riders"].as_array().unwrap().len(), 2);
    let listed = server.done("GET", "/v1/groups", Value::Null).await;
    assert!(listed["groups"].to_string().contains("north"), "{listed}");
    assert_eq!(server.done("DELETE", "/v1/groups/north", Value::Null).await, json!({"deleted": true}));
    server.get("/v1/groups/north").await.assert_problem(404, "not_found");
    server.call("PUT", "/v1/groups/a%20b", json!({"riders": []})).await.assert_problem(400, "bad_id");
    server.stop().await;
}

#[tokio::test]
async fn a_rider_without_a_socket_can_fetch_and_answer() {
    let server = TestServer::start("").await;
    let token = server.token("r1").await;
    let (one, two) =
        (server.alert_for("r1", "order.new").await, server.alert_for("r1", "order.assigned").await);
    let foreign = server.alert_for("r2", "order.assigned").await;
    for id in [&one, &two, &foreign] {
        server.rendered(id).await;
    }
    let waiting = server.call_as(&token, "GET", "/v1/rider/alerts", Value::Null).await;
    let alerts = waiting.json["data"]["alerts"].as_array().unwrap().clone();
    let ids: Vec<_> = alerts.iter().map(|alert| alert["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [&two, &one], "most pressing first");
    assert_eq!((&alerts[0]["op"], &alerts[0]["need"]), (&json!("alert"), &json!("confirm")));
    assert!(waiting.json["data"]["epoch"].is_string());

    let receipts = json!({"receipts": [
        {"op": "report", "n": 1, "id": one, "status": "played"},
        {"op": "answer", "n": 2, "id": two, "answer": "confirm"},
        {"op": "answer", "n": 3, "id": foreign, "answer": "confirm"},
    ]});
    let kept = server.call_as(&token, "POST", "/v1/rider/receipts", receipts).await;
    assert_eq!(
        kept.json["data"]["frames"],
        json!([
            {"op": "got", "n": 1},
            {"op": "answered", "n": 2, "id": two, "outcome": "recorded"},
            {"op": "got", "n": 2},
            {"op": "answered", "n": 3, "id": foreign, "outcome": "gone"},
            {"op": "got", "n": 3},
        ])
    );
    assert_eq!(server.delivery(&one).await["reason"], "played");
    assert_eq!(server.delivery(&two).await["state"], "acknowledged");
    assert_eq!(server.delivery(&foreign).await["reason"], Value::Null);
    let waiting = server.call_as(&token, "GET", "/v1/rider/alerts", Value::Null).await;
    assert_eq!(waiting.json["data"]["alerts"], json!([]));
    for (body, pointer) in [
        (json!({}), "/receipts"),
        (json!([1]), "/receipts"),
        (json!({"receipts": [{"op": "ack", "seqs": [1]}]}), "/receipts/0"),
        (json!({"receipts": vec![json!({}); 201]}), "/receipts"),
    ] {
        let refused = server.call_as(&token, "POST", "/v1/rider/receipts", body.clone()).await;
        assert_eq!((refused.status, refused.json["pointer"].as_str()), (400, Some(pointer)), "{body}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_self_check_is_kept_for_the_backend() {
    let server = TestServer::start("").await;
    let token = server.token("r1").await;
    for n in 1..=2 {
        let check = json!({"n": n, "background": true});
        let kept = server.call_as(&token, "POST", "/v1/rider/checks", check).await;
        assert_eq!(kept.json["data"], json!({"kept": true}));
    }
    let checks = server.done("GET", "/v1/riders/r1/checks", Value::Null).await["checks"].take();
    let order: Vec<_> = checks.as_array().unwrap().iter().map(|check| check["result"]["n"].clone()).collect();
    assert_eq!(order, [2, 1], "newest first");
    let large = server.call_as(&token, "POST", "/v1/rider/checks", json!({"x": "y".repeat(4096)})).await;
    large.assert_problem(400, "too_long");
    server.stop().await;
}

#[tokio::test]
async fn a_key_is_no_rider_token() {
    let server = TestServer::start("").await;
    for (method, path) in
        [("GET", "/v1/rider/alerts"), ("POST", "/v1/rider/receipts"), ("POST", "/v1/rider/checks")]
    {
        server.call(method, path, json!({})).await.assert_problem(401, "bad_token");
    }
    server.stop().await;
}
