//! MiniMax T2A v2, by its profile, against a service that is as strict as its documentation.

use orderbell::domain::said::{Part, Reading};
use orderbell::speech::Lang;
use orderbell::speech::engine::{BarePcm, Engine, EngineFailure, EngineRequest, Speed};
use orderbell::speech::engines::http::Http;
use serde_json::{Value, json};

use crate::bad_days::{SECRET, TEXT, engine, failure, survived};
use crate::fake::{Answer, Fake, Request};
use crate::{DEADLINE, said};

fn minimax(url: &str, more: &str) -> Http {
    let table = format!(
        "kind = 'http'\nprofile = 'minimax'\nvoices = {{ zh-CN = 'male-qn-qingse', yue = 'Cantonese_GentleLady' }}\n\
         params = {{ base_url = '{url}' {more} }}\nsecrets = {{ api_key = '{SECRET}' }}"
    );
    engine(&table).unwrap()
}

/// What the documentation asks of a request; the sound is the text in hexadecimal.
fn strict(request: &Request) -> Answer {
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/v1/t2a_v2"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    if request.header("authorization") != Some(&format!("Bearer {SECRET}")) {
        return Answer::json(200, &failed(1004, "login fail"));
    }
    let body = request.json();
    assert_eq!(body["stream"], json!(false));
    assert!(
        body["voice_setting"]["speed"].as_f64().is_some_and(|speed| (0.5..=2.0).contains(&speed)),
        "{body}"
    );
    assert!(body["voice_setting"]["vol"].as_f64().is_some_and(|volume| volume > 0.0 && volume <= 10.0));
    assert!(body["voice_setting"]["pitch"].as_i64().is_some());
    assert!(
        body["audio_setting"]["sample_rate"].as_u64().is_some()
            && body["audio_setting"]["bitrate"].as_u64().is_some()
    );
    assert_eq!(body["audio_setting"]["channel"], json!(1));
    let sound = body["text"].as_str().unwrap().bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    Answer::json(
        200,
        &json!({"data": {"audio": sound, "status": 2}, "trace_id": "t", "base_resp": {"status_code": 0, "status_msg": "success"}}),
    )
}

fn failed(code: u32, message: &str) -> Value {
    json!({"data": null, "trace_id": "t", "base_resp": {"status_code": code, "status_msg": message}})
}

#[tokio::test]
async fn a_text_is_sent_as_documented() {
    let fake = Fake::start(strict).await;
    let sound = said(&minimax(&fake.url(), ""), "请\"取餐\"\\，<#99#>").await.unwrap();
    assert_eq!(String::from_utf8(sound.bytes.to_vec()).unwrap(), "请\"取餐\"\\，  99  ");
    let body = fake.request().json();
    assert_eq!(body["model"], json!("speech-2.8-turbo"));
    assert_eq!(body["language_boost"], json!("Chinese"));
    assert_eq!(
        body["voice_setting"],
        json!({"voice_id": "male-qn-qingse", "speed": 1, "vol": 1, "pitch": 0})
    );
    assert_eq!(
        body["audio_setting"],
        json!({"sample_rate": 32000, "bitrate": 128000, "format": "mp3", "channel": 1})
    );
    // No readings, no list of them.
    assert_eq!(body.get("pronunciation_dict"), None);
}

#[tokio::test]
async fn readings_speed_language_and_format_are_told() {
    let fake = Fake::start(strict).await;
    let engine = minimax(&fake.url(), ", format = 'pcm', sample_rate = '24000', model = 'speech-2.8-hd'");
    let reading = Reading { word: "重庆".to_owned(), pinyin: "chong2 qing4".to_owned() };
    let part = Part::new("重庆小面", vec![reading]);
    let request =
        EngineRequest { part: &part, lang: Lang::Yue, speed: Speed::percent(125), deadline: DEADLINE };
    let sound = engine.speak(&request).await.unwrap();
    assert_eq!(sound.bare, Some(BarePcm { rate_hz: 24_000 }));
    let body = fake.request().json();
    assert_eq!(body["pronunciation_dict"], json!({"tone": ["重庆/(chong2)(qing4)"]}));
    assert_eq!(
        (&body["voice_setting"]["speed"], &body["language_boost"]),
        (&json!(1.25), &json!("Chinese,Yue"))
    );
    assert_eq!(
        (&body["voice_setting"]["voice_id"], &body["model"]),
        (&json!("Cantonese_GentleLady"), &json!("speech-2.8-hd"))
    );
}

#[tokio::test]
async fn documented_errors_mean_what_they_mean() {
    for (code, wanted) in [
        (1000, EngineFailure::Retry),
        (1001, EngineFailure::Retry),
        (1024, EngineFailure::Retry),
        (1033, EngineFailure::Retry),
        (1002, EngineFailure::RateLimited { retry_after: None }),
        (1039, EngineFailure::RateLimited { retry_after: None }),
        (1004, EngineFailure::Auth),
        (2049, EngineFailure::Auth),
        (1008, EngineFailure::Quota),
        (1026, EngineFailure::BadText),
        (1027, EngineFailure::BadText),
        (2013, EngineFailure::Configuration),
        (9999, EngineFailure::Broken),
    ] {
        let fake = Fake::always(Answer::json(200, &failed(code, "what is wrong"))).await;
        let error = failure(&minimax(&fake.url(), ""), TEXT).await;
        assert_eq!(error.failure, wanted, "{code}");
        assert!(error.detail.ends_with(&format!("{code}: what is wrong")), "{error}");
    }
}

#[tokio::test]
async fn sound_that_is_none_is_refused() {
    let ok = json!({"status_code": 0, "status_msg": "success"});
    for audio in [json!(""), json!("49443"), json!("zz"), Value::Null, json!({"x": 1})] {
        let fake = Fake::always(Answer::json(200, &json!({"data": {"audio": audio}, "base_resp": ok}))).await;
        assert_eq!(failure(&minimax(&fake.url(), ""), TEXT).await.failure, EngineFailure::Broken, "{audio}");
    }
}

#[tokio::test]
async fn bad_days_are_survived() {
    survived(|url| minimax(url, ""), |_| None).await;
}
