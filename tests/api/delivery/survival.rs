//! Stops, starts and deaths of the server: what was accepted is delivered all the same.

use serde_json::json;
use tempfile::TempDir;

use crate::support::{Process, QUICK_SWEEP, RiderSocket, TestServer, cli, client, eventually, slow_espeak};

#[tokio::test]
async fn after_a_restart_an_open_alert_is_delivered_and_counting_goes_on() {
    let server = TestServer::start("[speech]\nbudget = \"15s\"").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let epoch = rider.welcome["epoch"].clone();
    let id = server.alert_for("r1", "order.new").await;
    let first = rider.alert().await;
    rider.ack(&first).await;
    drop(rider);
    let folder = server.stop().await;

    let server = TestServer::start_in(folder, "").await;
    let token = server.token("r1").await;
    let hello = json!({"token": token, "device": "phone", "epoch": epoch, "cursor": 1});
    let mut rider = RiderSocket::hello(&server, hello).await;
    assert_eq!((&rider.welcome["epoch"], &rider.welcome["resumed"]), (&epoch, &json!(true)));
    let again = rider.alert().await;
    assert_eq!((again["id"].as_str(), &again["seq"]), (Some(id.as_str()), &json!(1)));
    assert_eq!(again["audio"]["url"], first["audio"]["url"]);
    let clip = crate::support::reply(server.request("GET", again["audio"]["url"].as_str().unwrap())).await;
    assert_eq!(clip.status, 200);
    let next = server.alert_for("r1", "order.urged").await;
    let alert = rider.alert().await;
    assert_eq!((alert["id"].as_str(), &alert["seq"]), (Some(next.as_str()), &json!(2)));
    server.stop().await;
}

#[tokio::test]
async fn an_alert_that_had_no_sound_yet_when_the_server_died_is_sounded_by_the_next_one() {
    let folder = TempDir::new().unwrap();
    let espeak = slow_espeak(folder.path(), 30);
    let changes =
        format!("[speech]\nbudget = \"60s\"\nengine_timeout = \"60s\"\nespeak = \"{}\"\n", espeak.display());
    let process = Process::serve(folder.path(), &changes).await;
    let made = cli(folder.path(), &["keys", "create", "--name", "k", "--scopes", "ingest,read"]).await;
    let key = String::from_utf8(made.stdout).unwrap();
    let event = json!({"id": "e-1", "kind": "order.new", "target": {"riders": ["r1"]}});
    let post = client().post(format!("{}/v1/events", process.url)).bearer_auth(key.trim());
    let posted = crate::support::reply(post.json(&event)).await;
    assert_eq!(posted.status, 200, "{}", posted.json);
    process.kill().await;

    let server = TestServer::start_in(folder, QUICK_SWEEP).await;
    let id = posted.json["data"]["alert_id"].as_str().unwrap();
    let alert = server.rendered(id).await;
    assert_eq!(alert["audio"]["canned"], false);
    let mut rider = RiderSocket::connect(&server, "r1").await;
    assert_eq!(rider.alert().await["id"], id);
    let again = server.post_event(event).await;
    assert_eq!((&again["duplicate"], again["alert_id"].as_str()), (&json!(true), Some(id)));
    server.stop().await;
}

#[tokio::test]
async fn what_was_accepted_before_a_death_is_there_after_it() {
    let folder = TempDir::new().unwrap();
    let process = Process::serve(folder.path(), "").await;
    let made = cli(folder.path(), &["keys", "create", "--name", "k", "--scopes", "ingest"]).await;
    let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let client = client();
    let url = format!("{}/v1/events", process.url);
    let posting = (0..200).map(async |n: usize| {
        let event = json!({"id": format!("e-{n}"), "kind": "order.new", "target": {"riders": ["r1"]}});
        let sent = client.post(&url).bearer_auth(&key).json(&event).send().await;
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
    let accepted: Vec<usize> = answers.into_iter().flatten().collect();
    let server = TestServer::start_in(folder, "").await;
    for n in accepted {
        assert_eq!(server.get(&format!("/v1/events/e-{n}")).await.status, 200, "e-{n} was accepted");
    }
    server.stop().await;
}
