//! `POST /v1/audio/speech`, as OpenAI documents it and as others speak it.

use orderbell::config::engines::{EngineConfig, EngineKind};
use orderbell::domain::said::Part;
use orderbell::speech::Lang;
use orderbell::speech::engine::EngineFailure::{Auth, BadText, Broken, Configuration, Quota, Retry};
use orderbell::speech::engine::{BarePcm, Engine, EngineFailure, EngineRequest, Speed};
use orderbell::speech::engines::EngineSetupError;
use orderbell::speech::engines::openai::Openai;
use serde_json::{Value, json};

use crate::fake::{Answer, Fake, Request};
use crate::makers::{SECRET, SOUND, TEXT, TOO_MANY, assert_failures};
use crate::{config, outages, request, said, services};

fn made(config: &EngineConfig) -> Result<Openai, EngineSetupError> {
    let EngineKind::Openai(own) = &config.kind else { unreachable!("another kind of engine") };
    Openai::new(own, &config.common, services())
}

fn engine_at(url: &str, more: &str) -> Openai {
    let table = format!(
        "kind = 'openai'\nbase_url = '{url}'\nmodel = 'gpt-4o-mini-tts'\napi_key = '{SECRET}'\n\
         voices = {{ zh-CN = 'nova', en = 'alloy' }}\n{more}"
    );
    made(&config(&table)).unwrap()
}

/// The service as it is documented: strict in what it takes.
fn service(request: &Request) -> Answer {
    let refused = |status, code: &str, param: &str| {
        Answer::json(status, &json!({"error": {"message": "no", "type": "e", "param": param, "code": code}}))
    };
    if (request.method.as_str(), request.target.as_str()) != ("POST", "/v1/audio/speech") {
        return refused(404, "unknown_url", "");
    }
    if request.header("authorization") != Some(&format!("Bearer {SECRET}")) {
        return refused(401, "invalid_api_key", "");
    }
    let body = request.json();
    let known = ["model", "input", "voice", "response_format", "speed", "instructions"];
    let stranger =
        body.as_object().and_then(|members| members.keys().find(|key| !known.contains(&key.as_str())));
    if stranger.is_some() || request.header("content-type") != Some("application/json") {
        return refused(400, "unknown_parameter", "body");
    }
    match (body["model"].as_str(), body["voice"].as_str(), body["input"].as_str()) {
        (Some("gpt-4o-mini-tts"), Some("alloy" | "nova"), Some(text)) if !text.is_empty() => {}
        _ => return refused(400, "invalid_value", "model"),
    }
    let mime = match body["response_format"].as_str() {
        Some("mp3") => "audio/mpeg",
        Some("pcm") => "audio/pcm",
        _ => return refused(400, "invalid_value", "response_format"),
    };
    Answer::ok(mime, SOUND)
}

#[tokio::test]
async fn a_text_is_spoken() {
    let fake = Fake::start(service).await;
    let sound = said(&engine_at(&fake.url(), ""), TEXT).await.unwrap();
    assert_eq!((&sound.bytes[..], sound.bare), (SOUND, None));
    let body = fake.request().json();
    let expected =
        json!({"model": "gpt-4o-mini-tts", "input": TEXT, "voice": "nova", "response_format": "mp3"});
    assert_eq!(body, expected, "nothing that a lesser server might refuse");
}

#[tokio::test]
async fn speed_language_and_instructions_go_along() {
    let fake = Fake::start(service).await;
    let engine = engine_at(&fake.url(), "instructions = 'calm, like a dispatcher'");
    let part = Part::new("New order", vec![]);
    let speed = Speed::percent(125);
    engine.speak(&EngineRequest { lang: Lang::En, speed, ..request(&part) }).await.unwrap();
    let body = fake.request().json();
    assert_eq!((&body["speed"], &body["voice"]), (&json!(1.25), &json!("alloy")));
    assert_eq!(body["instructions"], "calm, like a dispatcher");
}

#[tokio::test]
async fn a_server_of_ones_own_needs_no_key_and_may_answer_another_format() {
    let wav = b"RIFF\xff\xff\xff\x7fWAVEfmt ";
    let fake = Fake::always(Answer::ok("audio/wav", *wav)).await;
    let table = format!(
        "kind = 'openai'\nbase_url = '{}/v3/audio/speech'\nformat = 'pcm'\nvoices = {{ zh-CN = 'a' }}",
        fake.url()
    );
    let engine = made(&config(&table)).unwrap();
    let sound = said(&engine, TEXT).await.unwrap();
    assert_eq!((&sound.bytes[..], sound.bare), (&wav[..], None), "a file says itself what it is");
    let request = fake.request();
    assert_eq!((request.target.as_str(), request.header("authorization")), ("/v3/audio/speech", None));
    assert!(engine.is_local());
}

#[tokio::test]
async fn bare_samples_have_the_rate_of_the_protocol() {
    let samples = [b'{', 0xff, b'<', 0xfe, 1, 2];
    for mime in ["audio/pcm", "application/octet-stream", "binary/x-samples"] {
        let fake = Fake::always(Answer::ok(mime, samples)).await;
        let sound = said(&engine_at(&fake.url(), "format = 'pcm'"), TEXT).await.unwrap();
        assert_eq!((&sound.bytes[..], sound.bare), (&samples[..], Some(BarePcm { rate_hz: 24_000 })));
    }
}

fn openai_error(status: u16, kind: &str, code: &Value, param: &Value, message: &str) -> Answer {
    Answer::json(status, &json!({"error": {"type": kind, "code": code, "param": param, "message": message}}))
}

#[tokio::test]
async fn every_refusal_says_what_to_do() {
    let null = Value::Null;
    let quota = "You exceeded your current quota, please check your plan and billing details.";
    let in_20_s = EngineFailure::RateLimited { retry_after: Some(std::time::Duration::from_secs(20)) };
    let limited = |message| openai_error(429, "requests", &json!("rate_limit_exceeded"), &null, message);
    let loc = |member| json!({"detail": [{"loc": ["body", member], "msg": "bad", "type": "value_error"}]});
    let quoting = format!("cannot say '{TEXT}' with key {SECRET}");
    let bad = |param: &str, message: &str| {
        openai_error(400, "invalid_request_error", &null, &json!(param), message)
    };
    let table = vec![
        ("limited", limited("Rate limit reached for tts-1"), TOO_MANY),
        ("limited for a while", limited("slow down").and("retry-after", "20"), in_20_s),
        ("quota", openai_error(429, "insufficient_quota", &json!("insufficient_quota"), &null, quota), Quota),
        ("quota by words", openai_error(429, "e", &null, &null, quota), Quota),
        (
            "no credits",
            Answer::json(402, &json!({"error": {"code": 402, "message": "Insufficient credits"}})),
            Quota,
        ),
        (
            "no key",
            openai_error(401, "invalid_request_error", &json!("invalid_api_key"), &null, &quoting),
            Auth,
        ),
        ("no country", openai_error(403, "e", &json!("unsupported_country"), &null, "Country"), Auth),
        ("model", openai_error(404, "e", &json!("model_not_found"), &null, "no such model"), Configuration),
        ("no such path", Answer::json(404, &json!({"detail": "Not Found"})), Configuration),
        ("voice", bad("voice", "Input should be 'nova'"), Configuration),
        ("format", bad("response_format", "bad"), Configuration),
        ("text", bad("input", &quoting), BadText),
        ("long text", openai_error(400, "e", &json!("string_above_max_length"), &null, "too long"), BadText),
        ("policy", openai_error(400, "e", &json!("content_policy_violation"), &null, "no"), BadText),
        ("who knows", Answer::with(400, "text/plain", "no"), Configuration),
        ("FastAPI: text", Answer::json(422, &loc("input")), BadText),
        ("FastAPI: voice", Answer::json(422, &loc("voice")), Configuration),
        (
            "Kokoro: voice",
            Answer::json(
                400,
                &json!({"detail": {"error": "validation_error", "message": "Voice 'x' not found"}}),
            ),
            Configuration,
        ),
        (
            "SiliconFlow: text",
            Answer::json(400, &json!({"code": 20015, "message": "the input is empty", "data": null})),
            BadText,
        ),
        (
            "LocalAI: model",
            Answer::json(500, &json!({"error": {"code": 500, "message": "could not load model"}})),
            Retry,
        ),
        ("down", openai_error(500, "server_error", &null, &null, "The server had an error"), Retry),
        ("overloaded", Answer::with(503, "text/plain", "overloaded"), Retry),
        ("overloaded for a while", Answer::with(503, "text/plain", "").and("retry-after", "20"), in_20_s),
        ("200 and an error", Answer::json(200, &json!({"error": {"message": quota}})), Quota),
        ("200 and who knows", Answer::json(200, &json!({"error": {"message": quoting}})), Broken),
        (
            "200 and out of breath",
            Answer::json(200, &json!({"error": {"message": "model overloaded", "code": 500}})),
            Retry,
        ),
        ("200 and a wrong key", Answer::json(200, &json!({"error": "invalid api key"})), Auth),
    ];
    assert_failures(|url| Box::new(engine_at(url, "")), table).await;
}

#[tokio::test]
async fn outages_are_survived() {
    outages::are_survived(|url| Box::new(engine_at(url, "")), Broken).await;
}

#[tokio::test]
async fn a_text_beyond_the_limit_is_not_even_sent() {
    let fake = Fake::start(service).await;
    let error = said(&engine_at(&fake.url(), ""), &"好".repeat(10_000)).await.unwrap_err();
    assert_eq!((error.failure, fake.requests().len()), (BadText, 0));
}

#[test]
fn a_voice_is_what_is_heard_and_no_credential() {
    let engine = engine_at("https://api.openai.com", "instructions = 'calm'");
    let line = engine.voice(Lang::ZhCn).unwrap();
    assert!(line.starts_with("openai/1/api.openai.com/gpt-4o-mini-tts/nova/mp3/"), "{line}");
    assert_ne!(Some(line), engine_at("https://api.openai.com", "").voice(Lang::ZhCn));
    assert_eq!(engine.voice(Lang::Yue), None);
    assert!(!engine.is_local());
    assert!(!format!("{engine:?}").contains(SECRET));
}

#[test]
fn what_cannot_work_is_told_at_once() {
    let told = |table: &str| made(&config(table)).unwrap_err().to_string();
    let voices = "voices = { zh-CN = 'a' }";
    assert!(told("kind = 'openai'").contains("voices is empty"));
    assert!(told(&format!("kind = 'openai'\nformat = 'opus'\n{voices}")).contains("format"));
    assert!(told(&format!("kind = 'openai'\nbase_url = 'api.openai.com'\n{voices}")).contains("base_url"));
    assert!(told(&format!("kind = 'openai'\nmodel = ''\n{voices}")).contains("model"));
    assert!(told(&format!("kind = 'openai'\napi_key_file = '/nowhere'\n{voices}")).contains("api_key_file"));
    assert!(!told(&format!("kind = 'openai'\napi_key = \"{SECRET}\\nx\"\n{voices}")).contains(SECRET));
}
