//! Callbacks as a backend sees them: what it is told, looks up, and has sent once more. That they arrive whatever happens is
//! tested in tests/callbacks.

mod kinds;
mod pages;
mod refusals;
mod secrecy;
mod targets;

use std::time::Duration;

use orderbell::domain::app::Scope;
use serde_json::{Value, json};

use crate::support::{Backend, QUICK, TestServer, eventually, only_target, words};

/// A backend that takes everything.
async fn willing() -> Backend {
    Backend::start(200, &Value::Null, Duration::ZERO).await
}

/// Tries a target; the callback's id.
async fn test_of(server: &TestServer, target: &str) -> String {
    let tested = server.done("POST", &format!("/v1/callbacks/targets/{target}/test"), Value::Null).await;
    tested["callback_id"].as_str().unwrap().to_owned()
}

/// Waits until a callback is in this state; the callback.
async fn in_state(server: &TestServer, id: &str, state: &str) -> Value {
    eventually(&format!("the callback is {state}"), async || {
        let callback = server.done("GET", &format!("/v1/callbacks/{id}"), Value::Null).await;
        (callback["state"] == state).then_some(callback)
    })
    .await
}

#[tokio::test]
async fn a_test_is_sent_and_told_with_its_body_and_its_tries() {
    let (server, backend) = (TestServer::start(QUICK).await, willing().await);
    let target = only_target(&server, &backend.url("/bell?key=k1")).await;
    let id = test_of(&server, &target).await;
    let told = backend.told_of("callback.test", 1).await;
    assert_eq!((told[0].line(), told[0].header("webhook-id")), ("POST /bell?key=k1", Some(id.as_str())));
    let callback = in_state(&server, &id, "delivered").await;
    assert_eq!(callback["body"], told[0].body, "shown as it was sent");
    assert_eq!(
        words(&callback, ["kind", "alert_id", "target_id", "url", "attempts", "due_at"]),
        json!(["callback.test", null, target, backend.url("/bell?key=k1"), 1, null])
    );
    let tries = callback["tries"].as_array().unwrap();
    assert_eq!((tries.len(), &tries[0]["status"], &tries[0]["error"]), (1, &json!(200), &Value::Null));
    assert_eq!(callback["last_try"], tries[0]);
    server.stop().await;
}

#[tokio::test]
async fn what_failed_says_why_and_is_sent_once_more_under_its_id() {
    let config = format!("{QUICK}retries = [\"50ms\"]\nurgent_retries = [\"50ms\"]\n");
    let (server, backend) = (TestServer::start(&config).await, willing().await);
    backend.answer(500, &Value::Null, Duration::ZERO);
    let target = only_target(&server, &backend.url("/bell")).await;
    let id = test_of(&server, &target).await;
    let dead = in_state(&server, &id, "dead").await;
    assert_eq!((dead["attempts"].clone(), dead["tries"].as_array().unwrap().len()), (json!(2), 2));
    assert_eq!(words(&dead["last_try"], ["status", "error"]), json!([500, "failed"]));
    assert!(dead["ended_at"].is_string());

    backend.answer(200, &Value::Null, Duration::ZERO);
    let again = server.done("POST", &format!("/v1/callbacks/{id}/redeliver"), Value::Null).await;
    assert_eq!(again, json!({"callback_id": id, "redelivered": true}));
    in_state(&server, &id, "delivered").await;
    let told = backend.told_of("callback.test", 3).await;
    assert!(told.iter().all(|one| one.header("webhook-id") == Some(&id) && one.body == told[0].body));
    server.stop().await;
}

#[tokio::test]
async fn all_that_was_given_up_in_a_period_is_sent_once_more() {
    let config = format!("{QUICK}retries = [\"10ms\"]\nurgent_retries = [\"10ms\"]\nrest_after = 100\n");
    let (server, backend) = (TestServer::start(&config).await, willing().await);
    backend.answer(500, &Value::Null, Duration::ZERO);
    let target = only_target(&server, &backend.url("/bell")).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let id = test_of(&server, &target).await;
        in_state(&server, &id, "dead").await;
        ids.push(id);
    }
    let path = format!("/v1/callbacks/targets/{target}/redeliver");
    let since = server.now_ms() - 60_000;
    for (body, count) in [
        (json!({"since": since, "kind": "offer.expired"}), 0),
        (json!({"since": since, "state": "delivered"}), 0),
        (json!({"since": since - 60_000, "until": since}), 0),
    ] {
        let sent = server.done("POST", &path, body.clone()).await;
        assert_eq!(sent, json!({"redelivered": count, "more": false}), "{body}");
    }
    backend.answer(200, &Value::Null, Duration::ZERO);
    let sent = server.done("POST", &path, json!({"since": since, "kind": "callback.test"})).await;
    assert_eq!(sent, json!({"redelivered": 3, "more": false}));
    for id in &ids {
        in_state(&server, id, "delivered").await;
    }
    assert_eq!(server.done("POST", &path, json!({"since": since})).await["redelivered"], 0, "none is dead");
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_sent_once_more_says_why() {
    let config = format!("{QUICK}retries = [\"1h\"]\nurgent_retries = [\"1h\"]\n");
    let (server, backend) = (TestServer::start(&config).await, willing().await);
    let target = only_target(&server, &backend.url("/bell")).await;
    let delivered = test_of(&server, &target).await;
    in_state(&server, &delivered, "delivered").await;
    backend.answer(500, &Value::Null, Duration::ZERO);
    let waiting = test_of(&server, &target).await;
    backend.told_of("callback.test", 2).await;
    let path = format!("/v1/callbacks/{waiting}/redeliver");
    server.call("POST", &path, Value::Null).await.assert_problem(409, "callback_waiting");

    let stop = server.done("POST", &format!("/v1/callbacks/targets/{target}/stop"), Value::Null).await;
    assert_eq!((&stop["state"], stop["stopped_at"].is_string()), (&json!("stopped"), true));
    let test = format!("/v1/callbacks/targets/{target}/test");
    server.call("POST", &test, Value::Null).await.assert_problem(409, "target_stopped");
    let all = format!("/v1/callbacks/targets/{target}/redeliver");
    server.call("POST", &all, json!({"since": 1_772_339_405})).await.assert_problem(409, "target_stopped");

    server.done("DELETE", &format!("/v1/callbacks/targets/{target}"), Value::Null).await;
    let gone = in_state(&server, &waiting, "dead").await;
    assert_eq!(gone["target_id"], target.as_str());
    for id in [waiting, delivered] {
        let path = format!("/v1/callbacks/{id}/redeliver");
        server.call("POST", &path, Value::Null).await.assert_problem(409, "target_gone");
    }
    server.stop().await;
}

#[tokio::test]
async fn who_may_only_read_sees_no_query_and_changes_nothing() {
    let (server, backend) = (TestServer::start(QUICK).await, willing().await);
    let target = only_target(&server, &backend.url("/bell?key=k1")).await;
    let id = test_of(&server, &target).await;
    in_state(&server, &id, "delivered").await;
    let reader = server.key_with(&[Scope::Read]).await;
    let callbacks = server.key_with(&[Scope::Callbacks]).await;
    for path in [
        "/v1/callbacks".to_owned(),
        "/v1/callbacks/targets".to_owned(),
        format!("/v1/callbacks/{id}"),
        format!("/v1/callbacks/targets/{target}"),
    ] {
        let seen = server.call_as(&reader, "GET", &path, Value::Null).await;
        assert!(seen.status == 200 && seen.text().contains("/bell") && !seen.text().contains("k1"), "{path}");
        let seen = server.call_as(&callbacks, "GET", &path, Value::Null).await;
        assert!(seen.text().contains("/bell?key=k1"), "{path}");
    }
    let test = format!("/v1/callbacks/targets/{target}/test");
    server.call_as(&reader, "POST", &test, Value::Null).await.assert_problem(403, "missing_scope");

    let for_tests = server.test_key().await;
    let body = json!({"url": backend.url("/other")});
    let make = server.call_as(&for_tests, "POST", "/v1/callbacks/targets", body.clone()).await;
    make.assert_problem(403, "test_key");
    let path = format!("/v1/callbacks/targets/{target}");
    server.call_as(&for_tests, "PUT", &path, body).await.assert_problem(403, "test_key");
    server.call_as(&for_tests, "DELETE", &path, Value::Null).await.assert_problem(403, "test_key");
    let again = format!("/v1/callbacks/{id}/redeliver");
    server.call_as(&for_tests, "POST", &again, Value::Null).await.assert_problem(403, "test_key");
    let answer = server.call_as(&for_tests, "POST", &test, Value::Null).await;
    let callback = answer.json["data"]["callback_id"].as_str().unwrap().to_owned();
    assert_eq!(in_state(&server, &callback, "delivered").await["body"]["data"]["test"], true);
    assert_eq!(in_state(&server, &callback, "delivered").await["test"], true);
    server.stop().await;
}
