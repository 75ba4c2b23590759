//! Every example of the OpenAPI document is posted to a server, and every route is called once.
//! What comes back is held to the document by the way it is asked for.

use orderbell::http::contract;
use serde_json::{Value, json};

use crate::access::routes::contract_success as success;
use crate::support::{RiderSocket, TestServer, delivered_callback, kept_delivery, only_hook, only_target};
use crate::wechat::{APPID, SECRET};
use crate::wechat_double::Wechat;

const OPERATOR: &str = "operator-operator-operator";
/// As many alerts as come, and an operator.
const CONFIG: &str = "[rider]\nalerts_per_minute = 0\n[callbacks]\nallow_private = true\n\
    [secrets]\noperator_key = \"operator-operator-operator\"\n";

/// An operation with its place.
fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = contract::openapi()["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().unwrap().iter();
        item.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

/// A server where the examples find what they speak of.
async fn server_of_the_examples(wechat: &Wechat) -> (TestServer, RiderSocket) {
    let program = format!("[wechat.programs.riders]\nappid = '{APPID}'\nsecret = '{SECRET}'\n");
    let wechat = format!("[wechat]\napi_url = '{}'\n{program}", wechat.url());
    let server = TestServer::start(&format!("{CONFIG}{wechat}")).await;
    let rider = RiderSocket::connect(&server, "r_1001").await;
    server.done("PUT", "/v1/groups/station-5", json!({"riders": ["r_1001"]})).await;
    (server, rider)
}

/// What is sent along: the token of a rider, or a key.
fn credential<'a>(operation: &Value, server: &'a TestServer, token: &'a str) -> &'a str {
    let goes_with = |scheme: &str| operation["security"][0].get(scheme).is_some();
    match (goes_with("riderToken"), goes_with("operatorKey")) {
        (true, _) => token,
        (_, true) => OPERATOR,
        (false, false) => &server.key,
    }
}

/// The path with what the examples speak of; things that can be used up are made anew.
async fn path_of(server: &TestServer, path: &str) -> String {
    let id = match path {
        path if path.starts_with("/v1/alerts/") => {
            let offer =
                json!({"kind": "order.offered", "target": {"riders": ["r_1001"]}, "offer": {"mode": "grab"}});
            server.post_event(offer).await["alert_id"].as_str().unwrap().to_owned()
        }
        path if path.starts_with("/v1/events/") => {
            let event = json!({"id": "looked-at", "kind": "announcement", "target": {"riders": ["r_1001"]}});
            server.post_event(event).await["event_id"].as_str().unwrap().to_owned()
        }
        path if path.starts_with("/v1/schedules/") => {
            let event = json!({"kind": "shift.reminder", "target": {"groups": ["station-5"]}, "recur": {"every_s": 3600}});
            server.post_event(event).await["schedule_id"].as_str().unwrap().to_owned()
        }
        path if path.starts_with("/v1/speech/warm/") => {
            let begun = server.call("POST", "/v1/speech/warm", json!({"texts": []})).await;
            begun.json["data"]["job"].as_str().unwrap().to_owned()
        }
        path if path.contains("{delivery}") => kept_delivery(server).await,
        path if path.starts_with("/v1/hooks/{id}") => only_hook(server).await,
        path if path.starts_with("/v1/callbacks/targets/") => {
            only_target(server, "https://backend.example.com/bell").await
        }
        path if path.starts_with("/v1/callbacks/") && path.contains("{id}") => {
            delivered_callback(server).await
        }
        path if path.starts_with("/v1/groups/") => "station-5".to_owned(),
        path if path.starts_with("/v1/orders/") => "M17".to_owned(),
        path if path.starts_with("/v1/apps/") => server.app("default").await.app.id.to_string(),
        path if path.starts_with("/v1/keys/") => {
            let name = server.state.dispatch.fresh_event_id().to_string();
            let made = server.done("POST", "/v1/keys", json!({"name": name, "scopes": ["read"]})).await;
            made["key_id"].as_str().unwrap().to_owned()
        }
        _ => "r_1001".to_owned(),
    };
    let kind = if path.contains("secrets") { "callback" } else { "order.assigned" };
    let path = path.replace("{id}/deliveries/{delivery}", &id).replace("{id}", &id);
    path.replace("{kind}", kind).replace("{name}", "dada").replace("{hook}", &id)
}

/// An example's body; what is given out for one use is given out here.
async fn body_of(server: &TestServer, wechat: &Wechat, example: &Value) -> String {
    let mut body = example.clone();
    if body.get("link").is_some() {
        wechat.add_code("for-a-link", APPID, "oSomebodyWithACode", None);
        let request = server.request("POST", "/v1/wechat/login").json(&json!({"code": "for-a-link"}));
        let mut told = crate::support::reply(request).await;
        body["link"] = told.json["data"]["link"].take();
    }
    if let Some(code) = body["code"].as_str() {
        wechat.add_code(code, APPID, "oSomebodyElse", None);
    }
    body.to_string()
}

#[tokio::test]
async fn every_example_is_taken() {
    let wechat = Wechat::with(APPID, SECRET).await;
    let (server, _rider) = server_of_the_examples(&wechat).await;
    let token = server.token("r_1001").await;
    let mut posted = 0;
    for (path, method, operation) in operations() {
        let Some(content) = operation["requestBody"]["content"].as_object() else { continue };
        let credential = credential(operation, &server, &token);
        for (media, content) in content {
            let examples = content["examples"].as_object();
            let examples = examples.unwrap_or_else(|| panic!("{method} {path} has no example for {media}"));
            for (name, example) in examples {
                let path = path_of(&server, path).await;
                let request = server.request(&method.to_uppercase(), &path).bearer_auth(credential);
                let body = body_of(&server, &wechat, &example["value"]).await;
                let request = request.header("content-type", media).body(body);
                let reply = crate::support::reply(request).await;
                assert_eq!(reply.status, success(operation), "{method} {path}, {name}: {}", reply.json);
                posted += 1;
            }
        }
    }
    assert!(posted >= 30, "only {posted}");
    server.stop().await;
}

#[tokio::test]
async fn what_takes_no_body_answers_as_described() {
    let wechat = Wechat::with(APPID, SECRET).await;
    let (server, _rider) = server_of_the_examples(&wechat).await;
    let mut asked = 0;
    for (path, method, operation) in operations() {
        let is_backends =
            ["apiKey", "operatorKey"].iter().any(|way| operation["security"][0].get(way).is_some());
        if !is_backends || operation.get("requestBody").is_some() {
            continue;
        }
        let credential = credential(operation, &server, "");
        if path == "/v1/groups/{id}" && method == "delete" {
            server.done("PUT", "/v1/groups/station-5", json!({"riders": ["r_1001"]})).await;
        }
        let path = path_of(&server, path).await;
        let reply = server.call_as(credential, &method.to_uppercase(), &path, Value::Null).await;
        let gone = path.starts_with("/v1/riders/r_1001") && method == "get" && reply.status == 404;
        let gone = gone || (path == "/v1/groups/station-5" && method == "get" && reply.status == 404);
        assert!(reply.status == 200 || gone, "{method} {path}: {}", reply.json);
        asked += 1;
    }
    assert!(asked >= 20, "only {asked}");
    server.stop().await;
}

/// A route answers as described to who has no credential, too.
#[tokio::test]
async fn without_a_credential_nothing_but_audio_and_descriptions_is_told() {
    let server = TestServer::start("").await;
    for (path, method, operation) in operations() {
        if operation["security"].as_array().is_none() || path == "/v1/rider/socket" {
            continue;
        }
        let path = path.replace("{id}", "x").replace("{kind}", "order.new");
        let reply = crate::support::reply(server.request(&method.to_uppercase(), &path)).await;
        assert_eq!(reply.status, 401, "{method} {path}");
    }
    server.stop().await;
}
