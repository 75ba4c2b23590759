//! What an app may not exceed: events, sessions, speech. What is refused says when to come again, and other apps notice
//! nothing.

use orderbell::domain::app::{AppLimits, Scope};
use serde_json::{Value, json};

use crate::support::{RiderSocket, TestServer, eventually, raw, reply, upgrade_head};

#[tokio::test]
async fn events_over_the_rate_come_again_later() {
    let server = TestServer::start("[apps]\nevents_per_s = 1\nburst = 3\n").await;
    server.accounts().create_app("other").await.unwrap();
    let other = server.key_of("other", &[Scope::Ingest]).await;
    let event = || json!({"kind": "order.created", "target": {"riders": ["r1"]}});
    let mut statuses = Vec::new();
    for _ in 0..8 {
        let told = server.call("POST", "/v1/events", event()).await;
        if told.status == 429 {
            told.assert_problem(429, "too_many_requests");
            assert_eq!(told.header("retry-after"), "1");
        }
        statuses.push(told.status);
    }
    assert_eq!(statuses[..3], [200, 200, 200]);
    assert!(statuses.contains(&429), "{statuses:?}");
    assert_eq!(
        server.call_as(&other, "POST", "/v1/events", event()).await.status,
        200,
        "another app's bucket"
    );
    let let_in = statuses.iter().filter(|status| **status == 200).count();
    let seen = server.done("GET", "/v1/app", Value::Null).await["use"]["events_last_minute"].clone();
    assert_eq!(seen, json!(let_in), "what was refused is not counted");

    let app = server.app("default").await.app.id;
    let none = AppLimits { events_per_s: Some(0), ..AppLimits::default() };
    server.accounts().put_limits(app, none).await.unwrap();
    for _ in 0..8 {
        assert_eq!(server.call("POST", "/v1/events", event()).await.status, 200);
    }
    server.stop().await;
}

#[tokio::test]
async fn riders_over_the_number_are_kept_out_and_their_own_come_back() {
    let server = TestServer::start("[apps]\nsessions = 1\n").await;
    server.accounts().create_app("other").await.unwrap();
    let mut first = RiderSocket::connect(&server, "r1").await;
    let token = server.token("r2").await;
    let head = upgrade_head(&format!("Authorization: Bearer {token}\r\n")).replacen(
        "Upgrade\r\n",
        "Upgrade, close\r\n",
        1,
    );
    let told = raw(server.address, head.as_bytes()).await;
    assert!(told.starts_with("HTTP/1.1 429 ") && told.contains("too_many_connections"), "{told}");
    assert!(told.to_lowercase().contains("retry-after: "), "{told}");
    let mut second = RiderSocket::open(&server).await;
    second.say_hello(json!({"token": token, "device": "phone"})).await;
    let bye = second.bye().await;
    assert_eq!((&bye["code"], bye["retry_after_ms"].is_number()), (&json!(4103), true), "{bye}");
    // A rider who is here may come again: the older session makes room.
    let mut again = RiderSocket::connect(&server, "r1").await;
    assert_eq!(first.closed().await, 4001);
    server.alert_for("r1", "order.new").await;
    again.alert().await;
    let app = server.app("default").await.app.id;
    // What was replaced counts until its socket is gone.
    eventually("one is left", async || {
        let own = server.done("GET", "/v1/app", Value::Null).await;
        (own["use"]["sessions"] == 1).then_some(())
    })
    .await;
    let two = AppLimits { sessions: Some(2), ..AppLimits::default() };
    server.accounts().put_limits(app, two).await.unwrap();
    RiderSocket::connect(&server, "r2").await;
    server.stop().await;
}

#[tokio::test]
async fn speech_over_the_budget_is_the_canned_clip() {
    let config = "[apps]\nspeech_characters_per_day = 20\n";
    let server = TestServer::start(config).await;
    let say = async |server: &TestServer, text: &str| {
        server.call("POST", "/v1/speech", json!({"text": text})).await
    };
    let said = say(&server, "您有新的订单").await;
    let characters = said.json["data"]["characters"].as_u64().unwrap();
    let spent =
        async || server.done("GET", "/v1/app", Value::Null).await["use"]["speech_characters_today"].clone();
    assert_eq!(spent().await, json!(characters));
    assert_eq!(say(&server, "您有新的订单").await.json["data"]["cached"], json!(true));
    assert_eq!(spent().await, json!(characters), "what was made before costs nothing");
    let refused = say(&server, "请到人民广场的星巴克取餐送到南京西路").await;
    refused.assert_problem(429, "speech_budget");
    let wait_s: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=86_400).contains(&wait_s), "{wait_s}");
    assert_eq!(spent().await, json!(characters));

    let text = "前往静安寺地铁站二号口的肯德基取餐";
    let event = json!({"kind": "order.new", "target": {"riders": ["r1"]}, "alert": {"text": text}});
    let alert = server.post_event(event).await["alert_id"].as_str().unwrap().to_owned();
    assert_eq!(server.rendered(&alert).await["audio"]["canned"], json!(true));
    assert_eq!(server.metric("orderbell_speech_fallbacks_total{cause=\"budget\"}").await, 1);
    let key = server.key.clone();

    let server = TestServer::start_in(server.stop().await, config).await;
    let refused = server.call_as(&key, "POST", "/v1/speech", json!({"text": text})).await;
    refused.assert_problem(429, "speech_budget");
    server.accounts().create_app("other").await.unwrap();
    let other = server.key_of("other", &[Scope::Ingest]).await;
    let theirs = server.call_as(&other, "POST", "/v1/speech", json!({"text": "另一个应用"})).await;
    assert_eq!(theirs.status, 200, "another app's budget: {}", theirs.json);
    server.stop().await;
}

#[tokio::test]
async fn a_hundred_who_ask_for_one_sentence_pay_once() {
    let server = TestServer::start("").await;
    let ask = || {
        let request = server.request("POST", "/v1/speech").bearer_auth(&server.key);
        reply(request.json(&json!({"text": "请注意交通安全"})))
    };
    let told = futures_util::future::join_all((0..100).map(|_| ask())).await;
    let characters = told[0].json["data"]["characters"].clone();
    assert!(told.iter().all(|one| one.status == 200 && one.json["data"]["characters"] == characters));
    let seen = server.done("GET", "/v1/app", Value::Null).await["use"].clone();
    assert_eq!(seen["speech_characters_today"], characters);
    server.stop().await;
}
