//! A hook where a test needs one that is there, whatever it is.

use serde_json::{Value, json};

use super::{TestServer, eventually, reply};

/// A fresh hook of the app `default`; its id.
pub(crate) async fn only_hook(server: &TestServer) -> String {
    let hooks = server.done("GET", "/v1/hooks", Value::Null).await;
    for hook in hooks["hooks"].as_array().unwrap() {
        server.done("DELETE", &format!("/v1/hooks/{}", hook["id"].as_str().unwrap()), Value::Null).await;
    }
    let profile = json!({"map": {"kind": "body.kind"}, "target": {"riders": ["r_1001"]}});
    let made = server.done("POST", "/v1/hooks", json!({"name": "some", "profile": profile})).await;
    made["id"].as_str().unwrap().to_owned()
}

/// A request to a fresh hook that is kept, by its path below `/v1/hooks/`.
pub(crate) async fn kept_delivery(server: &TestServer) -> String {
    let hook = only_hook(server).await;
    let sent = server.request("POST", &format!("/in/{hook}")).json(&json!({"kind": "order.updated"}));
    assert_eq!(reply(sent).await.status, 200);
    let path = format!("{hook}/deliveries");
    let kept = eventually("the request is kept", async || {
        let kept = server.done("GET", &format!("/v1/hooks/{path}"), Value::Null).await;
        kept["deliveries"][0]["delivery_id"].as_str().map(str::to_owned)
    })
    .await;
    format!("{path}/{kept}")
}
