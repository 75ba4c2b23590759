//! Apps over HTTP: the operator makes and bounds them, and each sees itself.

use orderbell::domain::app::Scope;
use serde_json::{Value, json};

use crate::support::{RiderSocket, Signer, TestServer, reply};

const OPERATOR: &str = "operator-operator-operator";
const CONFIG: &str = "[secrets]\noperator_key = \"operator-operator-operator\"\n\
    [apps]\nevents_per_s = 20\nburst = 40\nsessions = 7\nspeech_characters_per_day = 0\n";

#[tokio::test]
async fn the_operator_makes_an_app_with_its_first_key() {
    let server = TestServer::start(CONFIG).await;
    let call =
        async |method: &str, path: &str, body: Value| server.call_as(OPERATOR, method, path, body).await;
    let made = call("POST", "/v1/apps", json!({"name": " 美团 ", "lang": "en"})).await.json["data"].clone();
    assert_eq!(made["name"], "美团");
    let key = made["secret"].as_str().unwrap();
    let own = server.call_as(key, "GET", "/v1/app", Value::Null).await.json["data"].clone();
    let expected = json!({
        "id": made["id"], "name": "美团", "lang": "en", "mode": "live", "scopes": ["admin"],
        "limits": {"events_per_s": 20, "burst": 40, "sessions": 7, "speech_characters_per_day": 0},
        "use": {"events_last_minute": 0, "sessions": 0, "speech_characters_today": 0},
    });
    assert_eq!(own, expected);
    call("POST", "/v1/apps", json!({"name": "美团"})).await.assert_problem(409, "taken");
    for (body, error, pointer) in [
        (json!({}), "missing_member", "/name"),
        (json!({"name": "  "}), "bad_value", "/name"),
        (json!({"name": "app_x"}), "bad_value", "/name"),
        (json!({"name": "x", "lang": "fr"}), "unknown_value", "/lang"),
        (json!({"name": "x", "limits": {}}), "unknown_member", "/limits"),
    ] {
        let told = call("POST", "/v1/apps", body).await;
        told.assert_problem(400, error);
        assert_eq!(told.json["pointer"], pointer);
    }
    let apps = call("GET", "/v1/apps", Value::Null).await.json["data"]["apps"].clone();
    let names: Vec<&str> = apps.as_array().unwrap().iter().map(|app| app["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["default", "美团"]);
    let one = call("GET", &format!("/v1/apps/{}", made["id"].as_str().unwrap()), Value::Null).await;
    assert_eq!(one.json["data"], apps[1]);
    for unknown in ["app_00000000000070008000000000000000", "default", "x"] {
        call("GET", &format!("/v1/apps/{unknown}"), Value::Null).await.assert_problem(404, "not_found");
    }
    server.stop().await;
}

#[tokio::test]
async fn nobody_else_is_the_operator() {
    let server = TestServer::start(CONFIG).await;
    let signer = Signer::of(&server, "default", &[Scope::Admin]).await;
    let id = server.app("default").await.app.id;
    let routes = [
        ("GET", "/v1/apps".to_owned()),
        ("POST", "/v1/apps".to_owned()),
        ("GET", format!("/v1/apps/{id}")),
        ("PUT", format!("/v1/apps/{id}/limits")),
    ];
    for (method, path) in &routes {
        let told = server.call(method, path, Value::Null).await;
        told.assert_problem(403, "missing_scope");
        assert!(told.json["detail"].as_str().unwrap().contains("operator"));
        signer.call(&server, method, path, &Value::Null).await.assert_problem(403, "missing_scope");
        for wrong in ["operator-operator-operato", "operator-operator-operatos", "x"] {
            server.call_as(wrong, method, path, Value::Null).await.assert_problem(401, "bad_key");
        }
        reply(server.request(method, path)).await.assert_problem(401, "bad_key");
    }
    server.call_as(OPERATOR, "GET", "/v1/app", Value::Null).await.assert_problem(401, "bad_key");
    server.stop().await;

    let server = TestServer::start("").await;
    for credential in ["", OPERATOR] {
        server.call_as(credential, "GET", "/v1/apps", Value::Null).await.assert_problem(401, "bad_key");
    }
    server.call("GET", "/v1/apps", Value::Null).await.assert_problem(403, "missing_scope");
    server.stop().await;
}

#[tokio::test]
async fn limits_are_the_servers_until_an_app_has_its_own() {
    let server = TestServer::start(CONFIG).await;
    let id = server.app("default").await.app.id;
    let path = format!("/v1/apps/{id}/limits");
    let put = async |body: Value| server.call_as(OPERATOR, "PUT", &path, body).await;
    let limits = put(json!({"sessions": 0, "burst": 5})).await.json["data"].clone();
    assert_eq!(limits["own_limits"], json!({"sessions": 0, "burst": 5}));
    let holds = json!({"events_per_s": 20, "burst": 5, "sessions": 0, "speech_characters_per_day": 0});
    assert_eq!(limits["limits"], holds);
    assert_eq!(server.get("/v1/app").await.json["data"]["limits"], holds, "at once");
    let limits = put(json!({"events_per_s": null})).await.json["data"].clone();
    assert_eq!((&limits["own_limits"], &limits["limits"]["burst"]), (&json!({}), &json!(40)), "all replaced");
    for (body, error) in [
        (json!({"sessions": -1}), "out_of_range"),
        (json!({"sessions": 1_000_000_001_i64}), "out_of_range"),
        (json!({"burst": "many"}), "wrong_type"),
        (json!({"riders": 1}), "unknown_member"),
    ] {
        put(body).await.assert_problem(400, error);
    }
    server.stop().await;
}

#[tokio::test]
async fn an_app_sees_what_it_uses() {
    let server = TestServer::start("").await;
    let usage = async || server.done("GET", "/v1/app", Value::Null).await["use"].clone();
    let _rider = RiderSocket::connect(&server, "r1").await;
    server.alert_for("r1", "order.new").await;
    server.post_event(json!({"kind": "order.created", "target": {"riders": ["r1"]}})).await;
    let said = server.done("POST", "/v1/speech", json!({"text": "有一个新的订单"})).await;
    let spoken = said["characters"].as_u64().unwrap();
    let seen = usage().await;
    assert_eq!((&seen["events_last_minute"], &seen["sessions"]), (&json!(2), &json!(1)));
    assert!(seen["speech_characters_today"].as_u64().unwrap() >= spoken, "{seen}");
    server.accounts().create_app("other").await.unwrap();
    let key = server.key_of("other", &[Scope::Read]).await;
    let other = server.call_as(&key, "GET", "/v1/app", Value::Null).await.json["data"].clone();
    assert_eq!(other["use"], json!({"events_last_minute": 0, "sessions": 0, "speech_characters_today": 0}));
    assert_eq!((&other["name"], &other["scopes"]), (&json!("other"), &json!(["read"])));
    server.stop().await;
}
