//! Callbacks in pages, newest first, by what is asked for.

use serde_json::{Value, json};

use super::{in_state, test_of, willing};
use crate::support::{QUICK, RiderSocket, TestServer, eventually, only_target};

/// The pages of a question, each of so many; the ids in their order.
async fn walk(server: &TestServer, question: &str, limit: usize) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/callbacks?{question}&limit={limit}{cursor}");
        let page = server.done("GET", &path, Value::Null).await;
        let callbacks = page["callbacks"].as_array().unwrap();
        assert!(callbacks.len() <= limit, "{path}");
        ids.extend(callbacks.iter().map(|one| one["callback_id"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}

#[tokio::test]
async fn pages_of_any_size_show_everything_once_and_in_the_same_order() {
    let (server, backend) = (TestServer::start(QUICK).await, willing().await);
    let target = only_target(&server, &backend.url("/bell")).await;
    let mut ids = Vec::new();
    for _ in 0..7 {
        ids.insert(0, test_of(&server, &target).await);
    }
    for limit in [1, 2, 3, 6, 7, 8, 200] {
        assert_eq!(walk(&server, "", limit).await, ids, "pages of {limit}");
    }
    let begun = server.done("GET", "/v1/callbacks?limit=3", Value::Null).await;
    test_of(&server, &target).await;
    let next = begun["next"].as_str().unwrap();
    let rest = server.done("GET", &format!("/v1/callbacks?cursor={next}"), Value::Null).await;
    let rest: Vec<&Value> =
        rest["callbacks"].as_array().unwrap().iter().map(|one| &one["callback_id"]).collect();
    assert_eq!(rest, ids[3..].iter().collect::<Vec<_>>(), "what comes meanwhile moves nothing");
    server.stop().await;
}

#[tokio::test]
async fn only_what_is_asked_for_is_shown() {
    let (server, backend) = (TestServer::start(QUICK).await, willing().await);
    let target = only_target(&server, &backend.url("/bell")).await;
    let tested = test_of(&server, &target).await;
    in_state(&server, &tested, "delivered").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let alert = server.alert_for("r1", "announcement").await;
    let heard = rider.alert().await;
    rider.ack(&heard).await;
    rider.report(&alert, "played").await;
    let count = async |question: &str| walk(&server, question, 50).await.len();
    eventually("all is told and delivered", async || {
        let question = format!("alert={alert}&state=delivered&kind=delivery.played");
        (count(&question).await == 1).then_some(())
    })
    .await;
    let about = count(&format!("alert={alert}")).await;
    assert!(about >= 3, "sent, received, played: {about}");
    for (question, expected) in [
        (format!("alert={alert}&kind=delivery.sent"), 1),
        (format!("alert={alert}&kind=callback.test"), 0),
        ("kind=callback.test".to_owned(), 1),
        (format!("target={target}&kind=callback.test&state=delivered"), 1),
        ("kind=callback.test&state=dead".to_owned(), 0),
        ("target=cbt_00000000000070008000000000000000".to_owned(), 0),
        (format!("kind=callback.test&since={}", server.now_ms() + 60_000), 0),
        (format!("kind=callback.test&until={}", server.now_ms() - 60_000), 0),
        (format!("kind=callback.test&since={}&until={}", server.now_ms() - 60_000, server.now_ms() + 1), 1),
        ("kind=callback.test&since=2026-01-01T00:00:00%2B08:00".to_owned(), 1),
        ("kind=callback.test&since=2026-01-01T00:00:00+08:00".to_owned(), 1),
    ] {
        assert_eq!(count(&question).await, expected, "{question}");
    }
    let page =
        server.done("GET", &format!("/v1/callbacks?alert={alert}&kind=delivery.played"), Value::Null).await;
    let shown = &page["callbacks"][0];
    assert_eq!((&shown["rider"], &shown["target_id"]), (&json!("r1"), &json!(target)));
    assert!(shown["event_id"].is_string() && shown.get("tries").is_none(), "{shown}");
    server.stop().await;
}
