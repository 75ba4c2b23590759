//! Targets: made, looked at, changed, stopped, resumed, deleted; ten of them.

use serde_json::{Value, json};

use super::{in_state, test_of, willing};
use crate::support::{QUICK, TestServer, words};

const TARGETS: &str = "/v1/callbacks/targets";

#[tokio::test]
async fn a_target_is_made_changed_and_deleted() {
    let server = TestServer::start("").await;
    let url = "https://backend.example.com/bell?tenant=7";
    let made = server.done("POST", TARGETS, json!({"url": url})).await;
    assert_eq!(
        words(&made, ["url", "kinds", "batch_max", "state", "stopped_at"]),
        json!([url, ["*"], 1, "active", null])
    );
    let path = format!("{TARGETS}/{}", made["target_id"].as_str().unwrap());
    assert_eq!(server.done("GET", &path, Value::Null).await, made);

    let wish = json!({"url": "https://other.example.com", "kinds": ["offer.expired", "delivery.*", "delivery.*"],
        "batch_max": 100});
    let put = server.done("PUT", &path, wish).await;
    assert_eq!(
        words(&put, ["target_id", "url", "kinds", "batch_max", "created_at"]),
        json!([
            made["target_id"],
            "https://other.example.com",
            ["delivery.*", "offer.expired"],
            100,
            made["created_at"]
        ])
    );
    assert_eq!(server.done("GET", TARGETS, Value::Null).await, json!({"targets": [put]}));
    let whole = server.done("PUT", &path, json!({"url": url, "kinds": null, "batch_max": null})).await;
    assert_eq!(whole, made, "what is not named has its default again");

    assert_eq!(server.done("DELETE", &path, Value::Null).await, json!({"deleted": true}));
    for (method, body) in [("GET", Value::Null), ("DELETE", Value::Null), ("PUT", json!({"url": url}))] {
        server.call(method, &path, body).await.assert_problem(404, "not_found");
    }
    for action in ["test", "stop", "resume"] {
        server.call("POST", &format!("{path}/{action}"), Value::Null).await.assert_problem(404, "not_found");
    }
    let all = format!("{path}/redeliver");
    server.call("POST", &all, json!({"since": 1_772_339_405})).await.assert_problem(404, "not_found");
    server.stop().await;
}

#[tokio::test]
async fn an_app_has_ten_and_each_app_its_own() {
    let server = TestServer::start("").await;
    let body = json!({"url": "https://backend.example.com/bell"});
    let mut ids = Vec::new();
    for _ in 0..10 {
        let made = server.done("POST", TARGETS, body.clone()).await;
        ids.push(made["target_id"].as_str().unwrap().to_owned());
    }
    server.call("POST", TARGETS, body.clone()).await.assert_problem(409, "too_many_targets");
    let listed = server.done("GET", TARGETS, Value::Null).await;
    let listed: Vec<&str> =
        listed["targets"].as_array().unwrap().iter().map(|one| one["target_id"].as_str().unwrap()).collect();
    assert_eq!(listed, ids, "oldest first");
    server.done("PUT", &format!("{TARGETS}/{}", ids[3]), body.clone()).await;

    server.accounts().create_app("other").await.unwrap();
    let key = server.key_of("other", &[orderbell::domain::app::Scope::Callbacks]).await;
    let other = server.call_as(&key, "GET", TARGETS, Value::Null).await;
    assert_eq!(other.json["data"], json!({"targets": []}));
    assert_eq!(server.call_as(&key, "POST", TARGETS, body.clone()).await.status, 200);

    server.done("DELETE", &format!("{TARGETS}/{}", ids[0]), Value::Null).await;
    server.done("POST", TARGETS, body).await;
    server.stop().await;
}

#[tokio::test]
async fn a_stopped_target_stays_so_until_it_is_resumed() {
    let (server, backend) = (TestServer::start(QUICK).await, willing().await);
    let body = json!({"url": backend.url("/bell"), "kinds": ["delivery.*"]});
    let made = server.done("POST", TARGETS, body.clone()).await;
    let target = made["target_id"].as_str().unwrap();
    let path = format!("{TARGETS}/{target}");
    let stopped = server.done("POST", &format!("{path}/stop"), Value::Null).await;
    assert_eq!(
        server.done("POST", &format!("{path}/stop"), Value::Null).await,
        stopped,
        "since when as well"
    );
    assert_eq!(server.done("PUT", &path, body).await, stopped);
    server.alert_for("r1", "announcement").await;
    assert_eq!(server.done("POST", &format!("{path}/resume"), Value::Null).await, made);
    let id = test_of(&server, target).await;
    in_state(&server, &id, "delivered").await;
    assert!(
        backend.told().iter().all(|told| told.body["type"] == "callback.test"),
        "nothing was kept for it"
    );
    server.stop().await;
}

#[tokio::test]
async fn who_answers_410_is_told_nothing_more() {
    let (server, backend) = (TestServer::start(QUICK).await, willing().await);
    backend.answer(410, &Value::Null, std::time::Duration::ZERO);
    let made = server.done("POST", TARGETS, json!({"url": backend.url("/bell")})).await;
    let target = made["target_id"].as_str().unwrap();
    let id = test_of(&server, target).await;
    assert_eq!(
        words(&in_state(&server, &id, "dead").await["last_try"], ["status", "error"]),
        json!([410, "gone"])
    );
    let stopped = server.done("GET", &format!("{TARGETS}/{target}"), Value::Null).await;
    assert_eq!((&stopped["state"], stopped["stopped_at"].is_string()), (&json!("stopped"), true));
    server.stop().await;
}
