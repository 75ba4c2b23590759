//! Aliyun NLS, by its profile, against a service that is as strict as its documentation.

use std::sync::{Arc, Mutex};

use orderbell::domain::said::Part;
use orderbell::speech::Lang;
use orderbell::speech::engine::{BarePcm, Engine, EngineFailure, EngineRequest, Speed};
use orderbell::speech::engines::http::Http;
use serde_json::{Value, json};

use crate::bad_days::{SECRET, TEXT, engine, failure, survived};
use crate::fake::{Answer, Fake, Request};
use crate::{DEADLINE, said};

fn nls(url: &str, more: &str) -> Http {
    let table = format!(
        "kind = 'http'\nprofile = 'aliyun_nls'\nvoices = {{ zh-CN = 'xiaoyun' }}\n\
         params = {{ base_url = '{url}', appkey = 'app-1' {more} }}\nsecrets = {{ token = '{SECRET}' }}"
    );
    engine(&table).unwrap()
}

fn strict(request: &Request, good: &str) -> Answer {
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/stream/v1/tts"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    if request.header("x-nls-token") != Some(good) {
        return Answer::json(401, &failed(40_000_001, "Gateway:ACCESS_DENIED:The token 'x' has expired!"));
    }
    let body = request.json();
    let text = body["text"].as_str().unwrap();
    assert!(text.chars().count() <= 300);
    assert_eq!(
        (&body["appkey"], &body["voice"], &body["volume"]),
        (&json!("app-1"), &json!("xiaoyun"), &json!(50))
    );
    for name in ["speech_rate", "pitch_rate"] {
        assert!(body[name].as_i64().is_some_and(|rate| (-500..=500).contains(&rate)), "{body}");
    }
    Answer::ok("audio/mpeg", format!("{} {} {text}", body["format"], body["speech_rate"]))
}

fn failed(status: u32, message: &str) -> Value {
    json!({"task_id": "8f95d0b9b6e948bc98e8d0ce64b0cf57", "status": status, "message": message})
}

#[tokio::test]
async fn a_text_is_sent_as_documented() {
    let fake = Fake::start(|request| strict(request, SECRET)).await;
    let engine = nls(&fake.url(), "");
    assert_eq!(said(&engine, "您有新的订单").await.unwrap().bytes, "\"mp3\" 0 您有新的订单");
    let part = Part::new("请取餐", vec![]);
    for (percent, rate) in [(50, -500), (80, -125), (125, 200), (200, 500)] {
        let request = EngineRequest {
            part: &part,
            lang: Lang::ZhCn,
            speed: Speed::percent(percent),
            deadline: DEADLINE,
        };
        assert_eq!(engine.speak(&request).await.unwrap().bytes, format!("\"mp3\" {rate} 请取餐"));
    }
    let sound = said(&nls(&fake.url(), ", format = 'pcm'"), TEXT).await.unwrap();
    assert_eq!(sound.bare, Some(BarePcm { rate_hz: 16_000 }));
}

#[tokio::test]
async fn what_the_service_would_cut_off_is_refused() {
    let fake = Fake::start(|request| strict(request, SECRET)).await;
    let engine = nls(&fake.url(), "");
    assert_eq!(failure(&engine, &"好".repeat(301)).await.failure, EngineFailure::BadText);
    assert!(said(&engine, &"好".repeat(300)).await.is_ok());
}

#[tokio::test]
async fn a_token_in_a_file_is_read_again_when_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "tok-1\n").unwrap();
    let good = Arc::new(Mutex::new("tok-1".to_owned()));
    let asked = Arc::clone(&good);
    let fake = Fake::start(move |request| strict(request, &asked.lock().unwrap())).await;
    let table = format!(
        "kind = 'http'\nprofile = 'aliyun_nls'\nvoices = {{ zh-CN = 'xiaoyun' }}\n\
         params = {{ base_url = '{}', appkey = 'app-1' }}\nsecret_files = {{ token = '{}' }}",
        fake.url(),
        file.display()
    );
    let engine = engine(&table).unwrap();
    said(&engine, TEXT).await.unwrap();
    *good.lock().unwrap() = "tok-2".to_owned();
    // Nothing new in the file: it is not asked again.
    assert_eq!(failure(&engine, TEXT).await.failure, EngineFailure::Auth);
    assert_eq!(fake.requests().len(), 2);
    std::fs::write(&file, "tok-2\n").unwrap();
    said(&engine, TEXT).await.unwrap();
    assert_eq!(fake.requests().len(), 4);
}

#[tokio::test]
async fn documented_errors_mean_what_they_mean() {
    for (http, status, wanted) in [
        (400, 40_000_000, EngineFailure::Broken),
        (401, 40_000_001, EngineFailure::Auth),
        (400, 40_000_003, EngineFailure::Configuration),
        (429, 40_000_005, EngineFailure::RateLimited { retry_after: None }),
        (400, 40_000_010, EngineFailure::Quota),
        (400, 40_020_105, EngineFailure::Auth),
        (400, 41_020_001, EngineFailure::Configuration),
        (500, 50_000_000, EngineFailure::Retry),
        (200, 51_020_001, EngineFailure::Retry),
    ] {
        let fake = Fake::always(Answer::json(http, &failed(status, "what is wrong"))).await;
        let error = failure(&nls(&fake.url(), ""), TEXT).await;
        assert_eq!(error.failure, wanted, "{status}: {error}");
        assert_eq!(error.detail.split(": ").nth(1), Some(status.to_string().as_str()), "{error}");
    }
}

#[tokio::test]
async fn bad_days_are_survived() {
    survived(|url| nls(url, ""), |_| None).await;
}
