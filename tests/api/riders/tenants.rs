//! Two apps on one server: what belongs to one does not exist for the other.

use orderbell::domain::app::Scope;
use serde_json::{Value, json};

use crate::support::{Minter, RiderSocket, TestServer};

#[tokio::test]
async fn another_apps_things_are_as_unknown_as_things_that_never_were() {
    let server = TestServer::start("").await;
    server.accounts().create_app("other").await.unwrap();
    let key = server.key_of("other", &[Scope::Admin]).await;
    let event =
        json!({"id": "e-1", "kind": "order.new", "order": {"id": "o-1"}, "target": {"riders": ["r1"]}});
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let data = server.post_event(event.clone()).await;
    let alert = data["alert_id"].as_str().unwrap();
    rider.alert().await;
    server.done("PUT", "/v1/groups/g1", json!({"riders": ["r1"]})).await;
    server.done("PUT", "/v1/templates/order.new", json!({"lang": "en", "phrases": ["New one"]})).await;

    let foreign =
        async |method: &str, path: &str, body: Value| server.call_as(&key, method, path, body).await;
    let never = "alr_00000000000070008000000000000000";
    for (method, path, other) in [
        ("GET", "/v1/events/e-1".to_owned(), "/v1/events/never".to_owned()),
        ("GET", format!("/v1/alerts/{alert}"), format!("/v1/alerts/{never}")),
        ("POST", format!("/v1/alerts/{alert}/cancel"), format!("/v1/alerts/{never}/cancel")),
        ("GET", "/v1/riders/r1".to_owned(), "/v1/riders/never".to_owned()),
        ("DELETE", "/v1/riders/r1".to_owned(), "/v1/riders/never".to_owned()),
        ("GET", "/v1/groups/g1".to_owned(), "/v1/groups/never".to_owned()),
        ("DELETE", "/v1/groups/g1".to_owned(), "/v1/groups/never".to_owned()),
    ] {
        let (mut theirs, mut nobodys) =
            (foreign(method, &path, Value::Null).await, foreign(method, &other, Value::Null).await);
        theirs.assert_problem(404, "not_found");
        theirs.json["request_id"].take();
        nobodys.json["request_id"].take();
        assert_eq!(theirs.json, nobodys.json, "{method} {path}");
    }
    let cancelled = foreign("POST", "/v1/orders/o-1/cancel", Value::Null).await;
    assert_eq!(cancelled.json["data"], json!({"cancelled": 0}));
    let found = foreign("POST", "/v1/riders/query", json!({"ids": ["r1"]})).await;
    assert_eq!(found.json["data"]["riders"], json!([]));
    for (path, name) in [("/v1/groups", "groups"), ("/v1/templates", "templates")] {
        assert_eq!(foreign("GET", path, Value::Null).await.json["data"][name], json!([]), "{path}");
    }
    // The same id is another event there, the same name another rider.
    let theirs = foreign("POST", "/v1/events", event).await.json["data"].clone();
    assert_eq!((&theirs["duplicate"], &theirs["reachable"]), (&json!(false), &json!(0)));
    assert_ne!(theirs["alert_id"], data["alert_id"]);
    rider.assert_no_alert().await;
    foreign("POST", "/v1/events", json!({"kind": "safety", "target": {"broadcast": true}})).await;
    rider.assert_no_alert().await;
    assert_eq!(server.delivery(alert).await["reason"], Value::Null);
    server.stop().await;
}

#[tokio::test]
async fn riders_of_one_name_in_two_apps_do_not_hear_each_other() {
    let server = TestServer::start("").await;
    server.accounts().create_app("other").await.unwrap();
    let token = Minter::of(&server, "other").await.token("r1", &json!({}));
    let mut theirs = RiderSocket::hello(&server, json!({"token": token, "device": "phone"})).await;
    let mut ours = RiderSocket::connect(&server, "r1").await;
    let id = server.alert_for("r1", "order.assigned").await;
    ours.alert().await;
    assert_eq!(theirs.answer(&id, "confirm").await, "gone");
    theirs.assert_no_alert().await;
    assert_eq!(ours.answer(&id, "confirm").await, "recorded");
    server.stop().await;
}
