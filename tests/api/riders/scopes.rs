//! Every address with every scope: each opens its own doors, and `admin` opens all of its app.

use orderbell::domain::app::Scope;
use serde_json::{Value, json};

use crate::support::TestServer;

/// Every address for backends, a body that is good there, and the scope it needs.
fn routes(alert: &str) -> Vec<(&'static str, String, Value, Scope)> {
    let event = json!({"kind": "order.new", "target": {"riders": ["r1"]}});
    let path = str::to_owned;
    vec![
        ("POST", path("/v1/events"), event, Scope::Ingest),
        ("GET", path("/v1/events/e-1"), Value::Null, Scope::Read),
        ("GET", format!("/v1/alerts/{alert}"), Value::Null, Scope::Read),
        ("POST", format!("/v1/alerts/{alert}/cancel"), Value::Null, Scope::Ingest),
        ("POST", path("/v1/orders/o-1/cancel"), Value::Null, Scope::Ingest),
        ("POST", path("/v1/riders/query"), json!({"ids": ["r1"]}), Scope::Read),
        ("PUT", path("/v1/riders/r1"), json!({}), Scope::Riders),
        ("GET", path("/v1/riders/r1"), Value::Null, Scope::Read),
        ("POST", path("/v1/riders/r1/duty"), json!({"on_duty": true}), Scope::Riders),
        ("POST", path("/v1/riders/r1/token"), Value::Null, Scope::RiderToken),
        ("POST", path("/v1/riders/r1/test"), Value::Null, Scope::Ingest),
        ("GET", path("/v1/riders/r1/checks"), Value::Null, Scope::Read),
        ("GET", path("/v1/groups"), Value::Null, Scope::Read),
        ("PUT", path("/v1/groups/g1"), json!({"riders": ["r1"]}), Scope::Riders),
        ("GET", path("/v1/groups/g1"), Value::Null, Scope::Read),
        ("POST", path("/v1/groups/g1/members"), json!({"add": ["r2"]}), Scope::Riders),
        ("GET", path("/v1/templates"), Value::Null, Scope::Read),
        ("PUT", path("/v1/templates/order.new"), json!({"lang": "en", "phrases": []}), Scope::Admin),
        ("POST", path("/v1/speech"), json!({"text": "你好"}), Scope::Ingest),
        ("DELETE", path("/v1/groups/g1"), Value::Null, Scope::Riders),
        ("DELETE", path("/v1/riders/r1"), Value::Null, Scope::Riders),
    ]
}

#[tokio::test]
async fn a_scope_opens_its_own_doors() {
    let server = TestServer::start("").await;
    server.done("PUT", "/v1/riders/r1", json!({})).await;
    server.done("PUT", "/v1/groups/g1", json!({"riders": ["r1"]})).await;
    let event = json!({"id": "e-1", "kind": "order.new", "target": {"riders": ["r1"]}});
    let alert = server.post_event(event).await["alert_id"].as_str().unwrap().to_owned();
    let mut keys = Vec::new();
    for scope in Scope::ALL {
        keys.push((scope, server.key_with(&[scope]).await));
    }
    for (method, path, body, needed) in routes(&alert) {
        for (scope, key) in &keys {
            let reply = server.call_as(key, method, &path, body.clone()).await;
            let allowed = *scope == needed || *scope == Scope::Admin;
            // What one key has deleted is 404 for the next, which may do it too.
            let expected: &[u16] = if allowed { &[200, 404] } else { &[403] };
            assert!(
                expected.contains(&reply.status),
                "{method} {path} with {}: {}",
                scope.as_str(),
                reply.json
            );
        }
        let nobody = server.request(method, &path);
        crate::support::reply(nobody).await.assert_problem(401, "bad_key");
    }
    server.stop().await;
}
