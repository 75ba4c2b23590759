//! Speech as backends shape it: their own phrases and lexicons in versions, voices, profiles, and clips that come back.

mod lexicon;
mod profiles;
mod remade;
mod templates;
mod warming;

use serde_json::{Value, json};

use crate::support::TestServer;

/// What is said for an order of this merchant.
async fn said(server: &TestServer, merchant: Value) -> String {
    let event = json!({"kind": "order.new", "target": {"riders": ["r1"]}, "order": {"merchant": merchant}});
    let told = server.done("POST", "/v1/events/validate", event).await;
    told["alert"]["said"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn voices_are_listed_and_chosen_by_name() {
    let server = TestServer::start("").await;
    let listed = server.done("GET", "/v1/voices", Value::Null).await;
    let voice = &listed["voices"][0];
    assert_eq!((&voice["name"], &voice["local"]), (&json!("espeak-ng"), &json!(true)));
    assert_eq!(voice["langs"], json!(["zh-CN", "yue", "en"]));
    assert_eq!(voice["state"], "available");
    let settings = json!({"speech": {"voices": {"zh-HK": "espeak-ng"}}});
    let kept = server.done("PUT", "/v1/settings", settings).await;
    assert_eq!(kept["speech"]["voices"], json!({"yue": "espeak-ng"}), "by the tag of the language");
    let asked = json!({"text": "您有新的订单", "voice": "espeak-ng"});
    let spoken = server.done("POST", "/v1/speech", asked).await;
    assert_eq!(spoken["engine"], "espeak-ng");
    server.stop().await;
}

#[tokio::test]
async fn a_faster_voice_takes_less_time() {
    let server = TestServer::start("").await;
    let speech = async |more: Value| {
        let mut body = json!({"text": "您有新的订单，请及时接单"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.done("POST", "/v1/speech", body).await["duration_ms"].as_i64().unwrap()
    };
    let (usual, fast) = (speech(json!({})).await, speech(json!({"speed_percent": 160})).await);
    assert!(fast + 300 < usual, "{fast} ms and {usual} ms");
    server.done("PUT", "/v1/settings", json!({"speech": {"speed_percent": 160}})).await;
    assert_eq!(speech(json!({})).await, fast, "as the settings say");
    assert_eq!(speech(json!({"speed_percent": 100})).await, usual, "unless the request does");
    server.stop().await;
}
