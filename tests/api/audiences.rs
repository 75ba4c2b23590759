//! Big audiences: told in parts while others are served, and to the end whatever happens in between.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    NO_CAP, Process, QUICK, RiderSocket, TestServer, cli, client, eventually, reply, words,
};

const RIDERS: usize = 3_000;

fn name(n: usize) -> String {
    format!("r{n:04}")
}

/// A group of many, as large bodies allow: a thousand at a time.
async fn fill(server: &TestServer, group: &str) {
    server.done("PUT", &format!("/v1/groups/{group}"), json!({"riders": []})).await;
    for part in (0..RIDERS).collect::<Vec<_>>().chunks(1_000) {
        let add: Vec<String> = part.iter().map(|n| name(*n)).collect();
        server.done("POST", &format!("/v1/groups/{group}/members"), json!({"add": add})).await;
    }
}

/// How many deliveries there are of an alert.
async fn told(server: &TestServer, alert: &str) -> u64 {
    server.alert(alert).await["delivery_count"].as_u64().unwrap()
}

async fn all_told(server: &TestServer, alert: &str) {
    eventually("all are told", async || (told(server, alert).await == RIDERS as u64).then_some(())).await;
}

#[tokio::test]
async fn a_big_group_is_told_in_parts_and_others_are_served_meanwhile() {
    let server = TestServer::start(&QUICK.replacen("sweep", "unroll_chunk = 100\nsweep", 1)).await;
    fill(&server, "city").await;
    let mut first = RiderSocket::connect(&server, &name(0)).await;
    let mut last = RiderSocket::connect(&server, &name(RIDERS - 1)).await;
    let mut excluded = RiderSocket::connect(&server, &name(7)).await;
    let event = json!({"id": "big", "kind": "announcement", "alert": {"text": "今天下午有暴雨"},
        "target": {"groups": ["city"], "exclude": [name(7)], "riders": ["guest"]}});
    let data = server.post_event(event.clone()).await;
    let id = data["alert_id"].as_str().unwrap();
    assert_eq!(words(&data, ["outcome", "audience", "reachable"]), json!(["alerted", RIDERS, 2]));
    assert_eq!(data["alerts"], json!([{"alert_id": id, "deliveries": []}]));
    // While they are told, an order comes through.
    let mut slowest = Duration::ZERO;
    while told(&server, id).await < RIDERS as u64 {
        let began = Instant::now();
        server.alert_for("courier", "order.new").await;
        slowest = slowest.max(began.elapsed());
    }
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    for rider in [&mut first, &mut last] {
        let alert = rider.alert().await;
        assert_eq!(alert["id"], id);
        assert!(alert["audio"]["fetch_jitter_ms"].as_u64().is_some_and(|jitter| jitter > 0), "{alert}");
    }
    excluded.assert_no_alert().await;
    let mut again = server.post_event(event).await;
    assert_eq!(
        words(&again, ["alert_id", "audience", "outcome", "duplicate"]),
        json!([id, RIDERS, "alerted", true])
    );
    assert_eq!(again["alerts"].take(), data["alerts"]);
    let later = RiderSocket::connect(&server, &name(1_234)).await;
    assert_eq!(later.welcome["open"][0]["id"], id);
    server.stop().await;
}

#[tokio::test]
async fn only_low_urgency_waits_before_it_fetches() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    server.done("PUT", "/v1/groups/g", json!({"riders": ["r1"]})).await;
    for (target, urgency, waits) in [
        (json!({"groups": ["g"]}), 0, true),
        (json!({"broadcast": true}), 1, true),
        (json!({"groups": ["g"]}), 2, false),
        (json!({"broadcast": true}), 3, false),
        (json!({"riders": ["r1"]}), 0, false),
    ] {
        let event = json!({"kind": "announcement", "target": target, "alert": {"urgency": urgency}});
        server.post_event(event).await;
        let alert = rider.alert().await;
        assert_eq!(alert["audio"].get("fetch_jitter_ms").is_some(), waits, "{target} {urgency}");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_cancelled_half_way_goes_no_further() {
    let server = TestServer::start(&QUICK.replacen("sweep", "unroll_chunk = 20\nsweep", 1)).await;
    fill(&server, "city").await;
    let event = json!({"kind": "announcement", "target": {"groups": ["city"]}});
    let id = server.post_event(event).await["alert_id"].as_str().unwrap().to_owned();
    eventually("some are told", async || (told(&server, &id).await > 0).then_some(())).await;
    let cancelled = server.done("POST", &format!("/v1/alerts/{id}/cancel"), Value::Null).await;
    let ended = cancelled["cancelled"].as_u64().unwrap();
    assert!((1..RIDERS as u64).contains(&ended), "in the middle: {ended}");
    assert_eq!(told(&server, &id).await, ended, "and nobody after it");
    let until = server.now_ms() + 500;
    eventually("a few sweeps later", async || (server.now_ms() > until).then_some(())).await;
    assert_eq!(told(&server, &id).await, ended);
    let later = RiderSocket::connect(&server, &name(RIDERS - 1)).await;
    assert_eq!(later.welcome["open"], json!([]));
    server.stop().await;
}

#[tokio::test]
async fn a_death_half_way_is_made_good_and_nobody_is_told_twice() {
    let folder = TempDir::new().unwrap();
    let server = TestServer::start_in(folder, NO_CAP).await;
    fill(&server, "city").await;
    let folder = server.stop().await;
    let process = Process::serve(folder.path(), "[dispatch]\nunroll_chunk = 10\n").await;
    let made = cli(folder.path(), &["keys", "create", "--name", "k", "--scopes", "ingest,read"]).await;
    let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let event = json!({"kind": "announcement", "target": {"groups": ["city"]}});
    let post = client().post(format!("{}/v1/events", process.url)).bearer_auth(&key).json(&event);
    let id = reply(post).await.json["data"]["alert_id"].as_str().unwrap().to_owned();
    let path = format!("{}/v1/alerts/{id}", process.url);
    let before = eventually("some are told", async || {
        let seen = reply(client().get(&path).bearer_auth(&key)).await;
        seen.json["data"]["delivery_count"].as_u64().filter(|count| *count > 0)
    })
    .await;
    process.kill().await;
    assert!(before < RIDERS as u64, "it died in the middle: {before}");

    let server = TestServer::start_in(folder, QUICK).await;
    all_told(&server, &id).await;
    for n in [0, 1_500, RIDERS - 1] {
        let mut rider = RiderSocket::connect(&server, &name(n)).await;
        assert_eq!(rider.alert().await["id"], id);
        assert_eq!(rider.welcome["seq"], 1, "one delivery each");
    }
    assert_eq!(told(&server, &id).await, RIDERS as u64);
    server.stop().await;
}

#[tokio::test]
async fn a_broadcast_to_many_reaches_everyone_known() {
    let server = TestServer::start(QUICK).await;
    for part in (0..1_200).collect::<Vec<_>>().chunks(100) {
        let puts = part
            .iter()
            .map(async |n| server.done("PUT", &format!("/v1/riders/{}", name(*n)), json!({})).await);
        futures_util::future::join_all(puts).await;
    }
    let mut rider = RiderSocket::connect(&server, &name(1_100)).await;
    let data = server.post_event(json!({"kind": "safety", "target": {"broadcast": true}})).await;
    assert_eq!(words(&data, ["audience", "reachable"]), json!([1_200, 1]));
    let alert = rider.alert().await;
    assert_eq!(alert["id"], data["alert_id"]);
    assert!(alert["audio"].get("fetch_jitter_ms").is_none(), "a warning does not wait");
    server.stop().await;
}
