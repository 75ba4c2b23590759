//! Hooks as their owner makes, mends and tries them: what is refused is refused with its place, and a secret is never shown.

use serde_json::{Value, json};

use super::fixture::hmac_sha256;
use super::hook::TestHook;
use crate::support::{NO_CAP, RiderSocket, TestServer, reply};

#[tokio::test]
async fn a_hook_is_made_looked_at_changed_and_deleted() {
    let server = TestServer::start("[server]\npublic_url = \"https://bell.example.cn/x\"\n").await;
    let wish = json!({"name": "north", "preset": "shopify", "secrets": {"secret": ["shopify-demo"]},
        "profile": {"target": {"groups": ["s1"]}}});
    let made = server.done("POST", "/v1/hooks", wish.clone()).await;
    let id = made["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("north-") && id.len() == "north-".len() + 20, "{id}");
    assert_eq!(made["url"], format!("https://bell.example.cn/x/in/{id}"));
    assert_eq!((&made["name"], &made["preset"]), (&json!("north"), &json!("shopify")));
    assert_eq!((&made["mode"], &made["version"]), (&json!("live"), &json!(1)));
    assert_eq!(made["secrets"], json!({"secret": 1}));
    assert!(!made.to_string().contains("shopify-demo"), "{made}");

    let another = server.done("POST", "/v1/hooks", wish).await;
    assert_ne!(another["id"], made["id"], "a name is no address");
    let listed = server.done("GET", "/v1/hooks", Value::Null).await;
    assert_eq!(listed["hooks"].as_array().unwrap().len(), 2);

    let path = format!("/v1/hooks/{id}");
    let wish = json!({"preset": "shopify", "profile": {"target": {"groups": ["s2"]}}, "mode": "shadow", "live_percent": 20});
    let changed = server.done("PUT", &path, wish.clone()).await;
    assert_eq!((&changed["version"], &changed["live_percent"]), (&json!(2), &json!(20)));
    assert_eq!(changed["secrets"], json!({"secret": 1}), "what is not named stays");
    let mut late = wish;
    late["if_version"] = json!(1);
    server.call("PUT", &path, late).await.assert_problem(409, "version_conflict");

    assert_eq!(server.done("DELETE", &path, Value::Null).await, json!({"deleted": true}));
    server.get(&path).await.assert_problem(404, "not_found");
    reply(server.request("POST", &format!("/in/{id}")).json(&json!({})))
        .await
        .assert_problem(404, "not_found");
    server.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_profile_is_told_with_its_place() {
    let server = TestServer::start("").await;
    let good =
        || json!({"name": "bad", "profile": {"map": {"kind": "body.kind"}, "target": {"groups": ["s1"]}}});
    let cases = [
        ("/profile/map/order/id", json!("body.order | nonsense"), "bad_expression"),
        ("/profile/map/order/id", json!("body.order +"), "bad_expression"),
        ("/profile/map/order/id", json!("boddy.order"), "bad_expression"),
        ("/profile/when", json!("body.a =="), "bad_expression"),
        ("/profile/ack/body", json!("{{ body.a | nonsense }}"), "bad_expression"),
        ("/profile/map/colour", json!("body.colour"), "unknown_member"),
        ("/profile/nonsense", json!(true), "unknown_member"),
        ("/profile/verify/0/scheme", json!("rot13"), "bad_value"),
        ("/profile/kinds/2", json!("order.eaten"), "unknown_kind"),
        ("/profile/zone", json!("Mars/Olympus"), "bad_value"),
        ("/profile/decode/charset", json!("morse"), "bad_value"),
        ("/profile/answer_within_ms", json!("soon"), "wrong_type"),
        ("/preset", json!("nonsense"), "unknown_preset"),
    ];
    for (pointer, value, error) in cases {
        let mut wish = good();
        put(&mut wish, pointer, value.clone());
        let told = server.call("POST", "/v1/hooks", wish).await;
        assert_eq!(told.json["error"], error, "{pointer} {value}: {}", told.text());
        told.assert_problem(400, error);
        let place = told.json["pointer"].as_str().unwrap();
        assert!(place == pointer || pointer.starts_with(&format!("{place}/")), "{place} for {pointer}");
        if error == "bad_expression" {
            let detail = told.json["detail"].as_str().unwrap();
            assert!(detail.contains("line 1") && detail.contains("column"), "{detail}");
        }
    }
    assert_eq!(server.done("GET", "/v1/hooks", Value::Null).await["hooks"], json!([]));
    server.stop().await;
}

/// Puts a value where the pointer leads, and makes what is not there.
fn put(at: &mut Value, pointer: &str, value: Value) {
    let mut at = at;
    for step in pointer.split('/').skip(1) {
        at = if step == "0" {
            if at.is_null() {
                *at = json!([{}]);
            }
            &mut at[0]
        } else {
            &mut at[step]
        };
    }
    *at = value;
}

#[tokio::test]
async fn of_two_secrets_both_open_while_they_are_changed() {
    let server = TestServer::start(NO_CAP).await;
    let profile = json!({"verify": [{"scheme": "hmac", "hash": "sha256", "encoding": "base64", "in": "header.X-Sign"}],
        "map": {"kind": "'order.updated'", "order": {"id": "body.order"}}, "target": {"groups": ["s1"]}});
    let wish = json!({"name": "rotated", "profile": profile, "secrets": {"secret": ["first"]}});
    let hook = TestHook::make(&server, wish).await;
    let send = async |secret: &str, order: &str| {
        let body = json!({"order": order}).to_string();
        let request = server.request("POST", &hook.path()).header("content-type", "application/json");
        let request = request.header("X-Sign", hmac_sha256(secret, body.as_bytes()));
        reply(request.body(body)).await.status
    };
    assert_eq!((send("first", "1").await, send("second", "2").await), (200, 401));
    let path = format!("/v1/hooks/{}/secrets", hook.id);
    let rotated = server.done("POST", &path, json!({"secret": "second"})).await;
    assert!(!rotated.to_string().contains("second"), "{rotated}");
    assert_eq!((send("first", "3").await, send("second", "4").await), (200, 200));
    assert_eq!(send("third", "5").await, 401);
    server.done("POST", &path, json!({"secret": "third", "drop_others": true})).await;
    assert_eq!(
        (send("first", "6").await, send("second", "7").await, send("third", "8").await),
        (401, 401, 200)
    );
    let told = hook.look().await;
    assert_eq!(told["secrets"], json!({"secret": 1}));
    assert_eq!(told["refusals"][0]["reason"], "bad_signature", "{told}");
    assert!(!told.to_string().contains("third"), "{told}");
    server.stop().await;
}

#[tokio::test]
async fn a_body_is_tried_and_nothing_of_it_is_kept() {
    let server = TestServer::start(NO_CAP).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let hook = TestHook::plain(&server, "tried", json!({})).await;
    let path = format!("/v1/hooks/{}/test", hook.id);
    let body = json!({"id": "e1", "kind": "order.new", "order": "o1", "rider": "r1"}).to_string();
    let told = server.done("POST", &path, json!({"body": body})).await;
    assert_eq!((&told["verified"], &told["verdict"]), (&json!(true), &json!("mapped")), "{told}");
    assert_eq!(told["items"][0]["event"]["order"]["id"], "o1", "{told}");
    assert!(
        told["items"][0]["says"]["alert"]["said"].as_str().is_some_and(|said| !said.is_empty()),
        "{told}"
    );
    assert_eq!(told["ack"]["status"], 200);
    let told = server.done("POST", &path, json!({"body": "{"})).await;
    assert_eq!(told["verdict"], "unreadable", "{told}");
    rider.assert_no_alert().await;
    assert!(hook.kept().await.is_empty());
    server.get("/v1/events/e1").await.assert_problem(404, "not_found");
    assert_eq!(hook.count("mapped").await + hook.count("unreadable").await, 0);
    server.stop().await;
}

#[tokio::test]
async fn presets_tell_what_they_are_and_what_they_want() {
    let server = TestServer::start("").await;
    let told = server.done("GET", "/v1/hooks/presets", Value::Null).await;
    let presets = told["presets"].as_array().unwrap();
    assert!(presets.len() >= 19, "{told}");
    for preset in presets {
        let path = format!("/v1/hooks/presets/{}", preset["name"].as_str().unwrap());
        let whole = server.done("GET", &path, Value::Null).await;
        for member in ["title", "source", "covers", "not_covered", "setup"] {
            assert!(whole[member].as_str().is_some_and(|text| !text.is_empty()), "{path} {member}");
        }
        assert!(whole["profile"]["map"].is_object(), "{path}");
    }
    server.get("/v1/hooks/presets/nonsense").await.assert_problem(404, "not_found");
    server.stop().await;
}

#[tokio::test]
async fn a_test_key_looks_and_tries_and_changes_no_hook() {
    let server = TestServer::start("").await;
    let hook = TestHook::plain(&server, "real", json!({})).await;
    let (key, path) = (server.test_key().await, format!("/v1/hooks/{}", hook.id));
    let wish = json!({"name": "a", "profile": {"map": {"kind": "body.kind"}, "target": {"groups": ["s"]}}});
    server.call_as(&key, "POST", "/v1/hooks", wish).await.assert_problem(403, "test_key");
    server.call_as(&key, "PUT", &path, json!({})).await.assert_problem(403, "test_key");
    server.call_as(&key, "DELETE", &path, Value::Null).await.assert_problem(403, "test_key");
    let rotate = server.call_as(&key, "POST", &format!("{path}/secrets"), json!({"secret": "x"})).await;
    rotate.assert_problem(403, "test_key");
    assert_eq!(server.call_as(&key, "GET", &path, Value::Null).await.status, 200);
    let tried = server.call_as(&key, "POST", &format!("{path}/test"), json!({"body": "{}"})).await;
    assert_eq!(tried.status, 200, "{}", tried.text());
    server.stop().await;
}

#[tokio::test]
async fn an_app_has_no_more_hooks_than_it_may() {
    let server = TestServer::start("[hooks]\nper_app = 2\n").await;
    TestHook::plain(&server, "one", json!({})).await;
    TestHook::plain(&server, "two", json!({})).await;
    let wish =
        json!({"name": "three", "profile": {"map": {"kind": "body.kind"}, "target": {"groups": ["s"]}}});
    server.call("POST", "/v1/hooks", wish).await.assert_problem(409, "too_many_hooks");
    server.stop().await;
}
