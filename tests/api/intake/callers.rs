//! Who may post: a live key with the scope. Whatever else comes as a credential gets one and the same answer.

use orderbell::domain::app::{KeyMode, Scope};
use serde_json::{Value, json};

use crate::support::{Reply, TestServer, reply};

fn event() -> Value {
    json!({"id": "e-1", "kind": "order.new", "target": {"riders": ["r1"]}})
}

/// What is left of a refusal without the id of its request.
fn same_in_all(mut reply: Reply) -> Value {
    reply.assert_problem(401, "bad_key");
    assert_eq!(reply.header("www-authenticate"), "Bearer");
    reply.json["request_id"].take();
    reply.json
}

#[tokio::test]
async fn without_a_live_key_every_answer_is_the_same() {
    let server = TestServer::start("").await;
    let app = server.app("default").await.app.id;
    let revoked = server.accounts().create_key(app, "old", vec![Scope::Ingest], KeyMode::Live).await.unwrap();
    assert!(server.accounts().revoke_key(app, revoked.id).await.unwrap());
    let post = || server.request("POST", "/v1/events").json(&event());
    let nothing = same_in_all(reply(post()).await);
    let unknown = format!("obk_{}", "A".repeat(43));
    let basic = "Basic b3JkZXJiZWxsOng=".to_owned();
    let wrong = ["Bearer".to_owned(), "Bearer ".to_owned(), "Bearer x".to_owned(), basic, server.key.clone()];
    let known = [&unknown, &revoked.secret, &server.key.to_lowercase(), &server.key[4..].to_owned()];
    let all = wrong.into_iter().chain(known.into_iter().map(|key| format!("Bearer {key}")));
    for credential in all {
        let refused = same_in_all(reply(post().header("authorization", &credential)).await);
        assert_eq!(refused, nothing, "{credential}");
    }
    let two = post().bearer_auth(&server.key).header("authorization", format!("Bearer {}", server.key));
    assert_eq!(same_in_all(reply(two).await), nothing, "two credentials");
    assert_eq!(server.get("/v1/events/e-1").await.status, 404);
    server.stop().await;
}

#[tokio::test]
async fn a_rider_token_is_no_key() {
    let server = TestServer::start("").await;
    let token = server.token("r1").await;
    same_in_all(server.call_as(&token, "POST", "/v1/events", event()).await);
    server.stop().await;
}

#[tokio::test]
async fn a_key_without_the_scope_is_told_which_one_it_lacks() {
    let server = TestServer::start("").await;
    for scopes in [vec![Scope::Read], vec![Scope::RiderToken], vec![Scope::Read, Scope::RiderToken]] {
        let key = server.key_with(&scopes).await;
        let refused = server.call_as(&key, "POST", "/v1/events", event()).await;
        refused.assert_problem(403, "missing_scope");
        assert!(refused.json["detail"].as_str().unwrap().contains("ingest"));
    }
    assert_eq!(server.get("/v1/events/e-1").await.status, 404);
    let key = server.key_with(&[Scope::Ingest]).await;
    assert_eq!(server.call_as(&key, "POST", "/v1/events", event()).await.status, 200);
    server.stop().await;
}
