//! The server dies while hooks are sent to: what was acknowledged is there after it, and the hooks are as well.

use serde_json::json;
use tempfile::TempDir;

use crate::support::{Process, TestServer, cli, client, eventually, reply};

#[tokio::test]
async fn what_was_acknowledged_before_a_death_is_there_after_it() {
    let folder = TempDir::new().unwrap();
    let process = Process::serve(folder.path(), "").await;
    let made = cli(folder.path(), &["keys", "create", "--name", "k", "--scopes", "hooks"]).await;
    let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let client = client();
    let wish = json!({"name": "dying", "profile": {"map": {"id": "body.id", "kind": "body.kind", "order": {"id": "body.id"}},
        "target": {"riders": ["r1"]}}});
    let made = client.post(format!("{}/v1/hooks", process.url)).bearer_auth(&key).json(&wish);
    let made = reply(made).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let path = format!("/in/{}", made.json["data"]["id"].as_str().unwrap());
    let url = format!("{}{path}", process.url);
    let posting = (0..200).map(async |n: usize| {
        let body = json!({"id": format!("e-{n}"), "kind": "order.updated"});
        let sent = client.post(&url).json(&body).send().await;
        sent.is_ok_and(|answer| answer.status() == 200).then_some(n)
    });
    let dying = async {
        // Some are in, some are on their way.
        eventually("a few are stored", async || {
            let db = std::fs::metadata(folder.path().join("data/orderbell.db-wal"));
            db.is_ok_and(|db| db.len() > 100_000).then_some(())
        })
        .await;
        process.kill().await;
    };
    let (answers, ()) = futures_util::future::join(futures_util::future::join_all(posting), dying).await;
    let acknowledged: Vec<usize> = answers.into_iter().flatten().collect();
    let server = TestServer::start_in(folder, "").await;
    for n in acknowledged {
        assert_eq!(server.get(&format!("/v1/events/e-{n}")).await.status, 200, "e-{n} was acknowledged");
        // Its sender, who may not have heard it, sends it again.
        let again =
            server.request("POST", &path).json(&json!({"id": format!("e-{n}"), "kind": "order.updated"}));
        assert_eq!(reply(again).await.status, 200);
    }
    assert_eq!(server.metric("orderbell_events_total{outcome=\"stored\"}").await, 0, "all were known");
    server.stop().await;
}
