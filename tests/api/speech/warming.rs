//! Speech that is made before it is needed: a job in the background, its progress, its price, its bounds.

use orderbell::domain::app::Scope;
use serde_json::{Value, json};

use crate::support::{Reply, TestServer, eventually, slow_espeak};

const PATH: &str = "/v1/speech/warm";

async fn begin(server: &TestServer, wish: Value) -> Value {
    let begun: Reply = server.call("POST", PATH, wish).await;
    assert_eq!(begun.status, 202, "{}", begun.json);
    begun.json["data"].clone()
}

async fn ended(server: &TestServer, begun: &Value) -> Value {
    let path = format!("{PATH}/{}", begun["job"].as_str().unwrap());
    eventually("the job ends", async || {
        let job = server.done("GET", &path, Value::Null).await;
        (job["state"] != "running").then_some(job)
    })
    .await
}

async fn used(server: &TestServer) -> i64 {
    server.done("GET", "/v1/app", Value::Null).await["use"]["speech_characters_today"].as_i64().unwrap()
}

#[tokio::test]
async fn texts_are_made_once_and_paid_once() {
    let server = TestServer::start("").await;
    let wish = json!({"texts": ["今日有雨，注意安全", "明日有雪", "明日有雪"]});
    let begun = begin(&server, wish.clone()).await;
    assert_eq!((&begun["lang"], &begun["failed"]), (&json!("zh-CN"), &json!(0)));
    let job = ended(&server, &begun).await;
    assert_eq!((&job["state"], &job["asked"], &job["made"]), (&json!("done"), &json!(2), &json!(2)));
    assert_eq!((&job["left"], &job["kept"]), (&json!(0), &json!(0)));
    let characters = job["characters"].as_i64().unwrap();
    assert!(characters > 0 && job["ended_at"].is_string());
    assert_eq!(used(&server).await, characters);
    let again = ended(&server, &begin(&server, wish).await).await;
    assert_eq!((&again["kept"], &again["made"], &again["characters"]), (&json!(2), &json!(0), &json!(0)));
    let spoken = server.done("POST", "/v1/speech", json!({"text": "明日有雪"})).await;
    assert_eq!(spoken["said"], "明日有雪");
    assert_eq!(used(&server).await, characters, "what is made already costs nothing");
    server.stop().await;
}

#[tokio::test]
async fn a_job_is_one_of_its_app_at_a_time_and_an_apps_own() {
    let folder = tempfile::TempDir::new().unwrap();
    let espeak = slow_espeak(folder.path(), 1);
    let changes = format!("[speech]\nespeak = \"{}\"\nengine_timeout = \"15s\"\n", espeak.display());
    let server = TestServer::start_in(folder, &changes).await;
    let begun = begin(&server, json!({"texts": ["今日有雨"]})).await;
    assert_eq!(begun["state"], "running");
    server.call("POST", PATH, json!({"texts": ["明日有雪"]})).await.assert_problem(409, "already_warming");
    server.accounts().create_app("other").await.unwrap();
    let theirs = server.key_of("other", &[Scope::Admin]).await;
    let path = format!("{PATH}/{}", begun["job"].as_str().unwrap());
    server.call_as(&theirs, "GET", &path, Value::Null).await.assert_problem(404, "not_found");
    let other = server.call_as(&theirs, "POST", PATH, json!({"texts": []})).await;
    assert_eq!((other.status, &other.json["data"]["state"]), (202, &json!("done")));
    assert_eq!(ended(&server, &begun).await["made"], 1);
    begin(&server, json!({"texts": []})).await;
    server.stop().await;
}

#[tokio::test]
async fn a_job_ends_with_the_budget_of_the_day() {
    let server = TestServer::start("[apps]\nspeech_characters_per_day = 150\n").await;
    let texts: Vec<String> = (0..120).map(|n| format!("第{n}次提醒，请注意")).collect();
    let job = ended(&server, &begin(&server, json!({"texts": texts})).await).await;
    assert_eq!((&job["state"], &job["made"], &job["left"]), (&json!("over_budget"), &json!(20), &json!(100)));
    assert_eq!(used(&server).await, job["characters"].as_i64().unwrap());
    let refused = server.call("POST", "/v1/speech", json!({"text": "另外一句话"})).await;
    refused.assert_problem(429, "speech_budget");
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_wish_is_refused() {
    let server = TestServer::start("").await;
    let many: Vec<String> = (0..5_001).map(|n| n.to_string()).collect();
    for (body, error, pointer) in [
        (json!({"texts": ["今日有雨", "。"]}), "bad_text", "/texts/1"),
        (json!({"texts": "今日有雨"}), "wrong_type", "/texts"),
        (json!({"texts": [7]}), "wrong_type", "/texts/0"),
        (json!({"texts": ["长".repeat(121)]}), "too_long", "/texts/0"),
        (json!({"texts": many}), "too_many", "/texts"),
        (json!({"merchants": [""], "fees": {"from_cents": 100}}), "missing_member", "/fees/to_cents"),
        (json!({"fees": {"from_cents": 100, "to_cents": 50}}), "bad_value", "/fees/to_cents"),
        (json!({"fees": {"from_cents": 0, "to_cents": 100_001}}), "out_of_range", "/fees/to_cents"),
        (json!({"voice": "bass"}), "unknown_voice", "/voice"),
        (json!({"lang": "fr"}), "unknown_value", "/lang"),
        (json!({"speed_percent": 100}), "unknown_member", "/speed_percent"),
    ] {
        let refused = server.call("POST", PATH, body.clone()).await;
        refused.assert_problem(400, error);
        assert_eq!(refused.json["pointer"], pointer, "{body}");
    }
    server.get("/v1/speech/warm/wrm_0").await.assert_problem(404, "not_found");
    server.stop().await;
}
