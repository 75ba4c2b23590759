//! Google Cloud Text-to-Speech, by its profile, against a service that is as strict as its documentation.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orderbell::domain::said::Part;
use orderbell::speech::Lang;
use orderbell::speech::engine::{Engine, EngineFailure, EngineRequest, Speed};
use orderbell::speech::engines::http::Http;
use serde_json::json;

use crate::bad_days::{SECRET, TEXT, engine, failure, survived};
use crate::fake::{Answer, Fake, Request};
use crate::{DEADLINE, said};

fn google(url: &str) -> Http {
    let table = format!(
        "kind = 'http'\nprofile = 'google'\nvoices = {{ zh-CN = 'cmn-CN-Wavenet-A', yue = 'yue-HK-Standard-A' }}\n\
         params = {{ base_url = '{url}' }}\nsecrets = {{ api_key = '{SECRET}' }}"
    );
    engine(&table).unwrap()
}

fn strict(request: &Request) -> Answer {
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/v1/text:synthesize"));
    assert_eq!(request.header("x-goog-api-key"), Some(SECRET));
    let body = request.json();
    let text = body["input"]["text"].as_str().unwrap();
    let lang = body["voice"]["languageCode"].as_str().unwrap();
    assert!(body["voice"]["name"].as_str().unwrap().starts_with(lang), "{body}");
    assert_eq!(body["audioConfig"]["audioEncoding"], json!("MP3"));
    assert_eq!(body["audioConfig"]["sampleRateHertz"], json!(24000));
    assert!((0.25..=4.0).contains(&body["audioConfig"]["speakingRate"].as_f64().unwrap()));
    assert_eq!(body.as_object().unwrap().len(), 3, "{body}");
    Answer::json(
        200,
        &json!({"audioContent": STANDARD.encode(format!("{text} at {}", body["audioConfig"]["speakingRate"]))}),
    )
}

#[tokio::test]
async fn a_text_is_sent_as_documented() {
    let fake = Fake::start(strict).await;
    let engine = google(&fake.url());
    let sound = said(&engine, "您有新的订单").await.unwrap();
    assert_eq!(sound.bytes, "您有新的订单 at 1");
    let part = Part::new("有新订单", vec![]);
    let request =
        EngineRequest { part: &part, lang: Lang::Yue, speed: Speed::percent(110), deadline: DEADLINE };
    assert_eq!(engine.speak(&request).await.unwrap().bytes, "有新订单 at 1.1");
}

#[tokio::test]
async fn documented_errors_mean_what_they_mean() {
    for (status, name, message, wanted) in [
        (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", EngineFailure::Auth),
        (
            400,
            "INVALID_ARGUMENT",
            "Either `input.text` or `input.ssml` is longer than the limit of 5000 bytes.",
            EngineFailure::BadText,
        ),
        (
            400,
            "INVALID_ARGUMENT",
            "This request contains sentences that are too long.",
            EngineFailure::BadText,
        ),
        (
            400,
            "INVALID_ARGUMENT",
            "Voice 'x' does not exist. Is it misspelled?",
            EngineFailure::Configuration,
        ),
        (401, "UNAUTHENTICATED", "Request had invalid authentication credentials.", EngineFailure::Auth),
        (403, "PERMISSION_DENIED", "Cloud Text-to-Speech API has not been used", EngineFailure::Auth),
        (
            429,
            "RESOURCE_EXHAUSTED",
            "Quota exceeded: requests per minute",
            EngineFailure::RateLimited { retry_after: None },
        ),
        (429, "RESOURCE_EXHAUSTED", "Quota exceeded: characters per day", EngineFailure::Quota),
        (500, "INTERNAL", "", EngineFailure::Retry),
        (503, "UNAVAILABLE", "The service is currently unavailable.", EngineFailure::Retry),
        (504, "DEADLINE_EXCEEDED", "", EngineFailure::Retry),
    ] {
        let body = json!({"error": {"code": status, "status": name, "message": message}});
        let fake = Fake::always(Answer::json(status, &body)).await;
        let error = failure(&google(&fake.url()), TEXT).await;
        assert_eq!(error.failure, wanted, "{status} {message}");
        assert!(error.detail.starts_with(&format!("answered {status}: {name}")), "{error}");
    }
}

#[tokio::test]
async fn a_text_is_measured_in_bytes() {
    let fake = Fake::start(strict).await;
    let engine = google(&fake.url());
    assert_eq!(failure(&engine, &"好".repeat(1_667)).await.failure, EngineFailure::BadText);
    assert!(said(&engine, &"好".repeat(1_666)).await.is_ok());
}

#[tokio::test]
async fn bad_days_are_survived() {
    survived(google, |_| None).await;
}
