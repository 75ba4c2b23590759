//! API keys over HTTP: shown once, rotated with a grace, revoked at once.

use orderbell::domain::app::{KeyMode, Scope};
use serde_json::{Value, json};

use crate::support::{TestServer, eventually};

async fn post(server: &TestServer, key: &str) -> u16 {
    let event = json!({"id": "e-1", "kind": "order.new", "target": {"riders": ["r1"]}});
    server.call_as(key, "POST", "/v1/events", event).await.status
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The listed key with this name.
async fn listed(server: &TestServer, name: &str) -> Option<Value> {
    let list = server.done("GET", "/v1/keys", Value::Null).await;
    list["keys"].as_array().unwrap().iter().find(|key| key["name"] == name).cloned()
}

#[tokio::test]
async fn a_key_is_shown_once_and_listed_without_its_secrets() {
    let server = TestServer::start("").await;
    let wish = json!({"name": "shop", "scopes": ["ingest", "read", "ingest"], "signing": true});
    let made = server.done("POST", "/v1/keys", wish.clone()).await;
    let (secret, signing) = (text(&made["secret"]), text(&made["signing_secret"]));
    assert!(secret.starts_with("obk_") && signing.starts_with("whsec_"), "{made}");
    let key = listed(&server, "shop").await.unwrap();
    assert_eq!((&key["id"], &key["mode"]), (&made["key_id"], &json!("live")));
    assert_eq!((&key["scopes"], &key["last_used_at"]), (&json!(["ingest", "read"]), &Value::Null));
    let kinds: Vec<&str> =
        key["secrets"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["signing", "bearer"]);
    assert!(!key.to_string().contains(&secret[4..]) && !key.to_string().contains(&signing[6..]));

    assert_eq!(post(&server, &secret).await, 200);
    let used = eventually("the use is noted", async || {
        listed(&server, "shop").await.filter(|key| key["last_used_at"].is_string())
    });
    let used = used.await["last_used_at"].clone();
    assert_eq!(post(&server, &secret).await, 200);
    assert_eq!(listed(&server, "shop").await.unwrap()["last_used_at"], used, "once in ten minutes");

    server.call("POST", "/v1/keys", wish).await.assert_problem(409, "taken");
    let revoked = server.done("DELETE", &format!("/v1/keys/{}", text(&made["key_id"])), Value::Null).await;
    assert_eq!(revoked, json!({"revoked": made["key_id"]}));
    assert_eq!(post(&server, &secret).await, 401, "at once");
    assert_eq!(listed(&server, "shop").await, None);
    let path = format!("/v1/keys/{}", text(&made["key_id"]));
    server.call("DELETE", &path, Value::Null).await.assert_problem(404, "not_found");
    server.call("POST", &format!("{path}/rotate"), json!({})).await.assert_problem(404, "not_found");
    server.stop().await;
}

#[tokio::test]
async fn two_secrets_of_a_key_are_live_at_most() {
    let server = TestServer::start("").await;
    let made = server.done("POST", "/v1/keys", json!({"name": "shop", "scopes": ["ingest"]})).await;
    assert!(made.get("signing_secret").is_none(), "{made}");
    let first = text(&made["secret"]);
    let path = format!("/v1/keys/{}/rotate", text(&made["key_id"]));
    let rotate = async |body: Value| text(&server.done("POST", &path, body).await["secret"]);
    let second = rotate(Value::Null).await;
    assert_eq!([post(&server, &first).await, post(&server, &second).await], [200, 200], "24 hours");
    let third = rotate(json!({"grace_s": 1})).await;
    assert_eq!(post(&server, &first).await, 401, "the oldest ends at once");
    assert_eq!([post(&server, &second).await, post(&server, &third).await], [200, 200]);
    let until = listed(&server, "shop").await.unwrap()["secrets"][1]["until"].clone();
    assert!(until.is_string());
    eventually("the grace ends", async || (post(&server, &second).await == 401).then_some(())).await;
    let fourth = rotate(json!({"grace_s": 0})).await;
    assert_eq!([post(&server, &third).await, post(&server, &fourth).await], [401, 200]);
    let live = listed(&server, "shop").await.unwrap()["secrets"].as_array().unwrap().len();
    assert_eq!(live, 1);
    server.stop().await;
}

#[tokio::test]
async fn a_key_that_cannot_be_is_refused_by_the_member_at_fault() {
    let server = TestServer::start("").await;
    for (body, error, pointer) in [
        (json!({"scopes": ["read"]}), "missing_member", "/name"),
        (json!({"name": "k"}), "missing_member", "/scopes"),
        (json!({"name": "k", "scopes": []}), "missing_member", "/scopes"),
        (json!({"name": "k", "scopes": "read"}), "wrong_type", "/scopes"),
        (json!({"name": "k", "scopes": ["read", "operator"]}), "unknown_value", "/scopes/1"),
        (json!({"name": "k", "scopes": [7]}), "unknown_value", "/scopes/0"),
        (json!({"name": "k", "scopes": ["read"], "mode": "dry"}), "unknown_value", "/mode"),
        (json!({"name": "k", "scopes": ["read"], "signing": 1}), "wrong_type", "/signing"),
        (json!({"name": "k", "scopes": ["read"], "app": "default"}), "unknown_member", "/app"),
        (json!({"name": "key_1", "scopes": ["read"]}), "bad_value", "/name"),
        (json!({"name": "a\u{7}b", "scopes": ["read"]}), "control_character", "/name"),
        (json!({"name": "x".repeat(65), "scopes": ["read"]}), "bad_value", "/name"),
    ] {
        let told = server.call("POST", "/v1/keys", body.clone()).await;
        told.assert_problem(400, error);
        assert_eq!(told.json["pointer"], pointer, "{body}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_test_key_leaves_live_keys_alone() {
    let server = TestServer::start("").await;
    let app = server.app("default").await.app.id;
    let tester =
        server.accounts().create_key(app, "tester", vec![Scope::Admin], KeyMode::Test).await.unwrap();
    let live = server.done("POST", "/v1/keys", json!({"name": "live", "scopes": ["read"]})).await;
    let call = async |method: &str, path: &str, body: Value| {
        server.call_as(&tester.secret, method, path, body).await
    };
    let live = format!("/v1/keys/{}", text(&live["key_id"]));
    let forbidden = [
        ("POST", "/v1/keys".to_owned(), json!({"name": "x", "scopes": ["read"], "mode": "live"})),
        ("POST", format!("{live}/rotate"), json!({})),
        ("POST", format!("{live}/signing/rotate"), json!({})),
        ("DELETE", live, Value::Null),
    ];
    for (method, path, body) in forbidden {
        call(method, &path, body).await.assert_problem(403, "test_key");
    }
    let made = call("POST", "/v1/keys", json!({"name": "x", "scopes": ["read"]})).await;
    assert_eq!(made.status, 200, "{}", made.json);
    assert_eq!(listed(&server, "x").await.unwrap()["mode"], "test", "as the key that made it");
    let own = call("POST", &format!("/v1/keys/{}/rotate", tester.id), json!({"grace_s": 60})).await;
    assert_eq!(own.status, 200, "{}", own.json);
    server.stop().await;
}

#[tokio::test]
async fn the_last_admin_key_may_go() {
    let server = TestServer::start("").await;
    let keys = server.done("GET", "/v1/keys", Value::Null).await["keys"].clone();
    assert_eq!(keys.as_array().unwrap().len(), 1);
    server.done("DELETE", &format!("/v1/keys/{}", text(&keys[0]["id"])), Value::Null).await;
    server.get("/v1/keys").await.assert_problem(401, "bad_key");
    server.stop().await;
}
