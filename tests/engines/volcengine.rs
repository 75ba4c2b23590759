//! Volcengine's two protocols: one object each way, and a row of objects.

use std::collections::HashSet;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orderbell::config::engines::{EngineConfig, EngineKind};
use orderbell::domain::said::Part;
use orderbell::speech::Lang;
use orderbell::speech::engine::EngineFailure::{Auth, BadText, Broken, Configuration, Quota, Retry};
use orderbell::speech::engine::{BarePcm, Engine, EngineFailure, EngineRequest, Speed};
use orderbell::speech::engines::EngineSetupError;
use orderbell::speech::engines::volcengine::Volcengine;
use serde_json::{Value, json};

use crate::fake::{Answer, Fake, Request};
use crate::makers::{SECRET, SOUND, TEXT, TOO_MANY, assert_failures};
use crate::{config, outages, request, said, services};

fn made(config: &EngineConfig) -> Result<Volcengine, EngineSetupError> {
    let EngineKind::Volcengine(own) = &config.kind else { unreachable!("another kind of engine") };
    Volcengine::new(own, &config.common, services())
}

fn engine_at(url: &str, more: &str) -> Volcengine {
    let table = format!(
        "kind = 'volcengine'\nbase_url = '{url}'\naccess_token = '{SECRET}'\n\
         voices = {{ zh-CN = 'zh_female_cancan_mars_bigtts' }}\n{more}"
    );
    made(&config(&table)).unwrap()
}

fn v1_at(url: &str) -> Volcengine {
    engine_at(url, "app_id = '7820115171'")
}

fn v3_at(url: &str) -> Volcengine {
    engine_at(url, "api = 'v3'\napp_id = '7820115171'")
}

fn v1_refused(code: i64, message: &str) -> Answer {
    Answer::json(200, &json!({"reqid": "r", "code": code, "message": message}))
}

/// The older service: strict in what it takes, and no request id twice.
async fn v1() -> Fake {
    let used = Mutex::new(HashSet::new());
    Fake::start(move |request| {
        if (request.method.as_str(), request.target.as_str()) != ("POST", "/api/v1/tts") {
            return Answer::with(404, "text/plain", "");
        }
        if request.header("authorization") != Some(&format!("Bearer;{SECRET}")) {
            return Answer::json(401, &json!({"code": 3001, "message": "authenticate request: load grant: requested grant not found"}));
        }
        let body = request.json();
        let speed = body["audio"]["speed_ratio"].as_f64().unwrap_or_default();
        let is_right = body["app"]["appid"] == "7820115171"
            && body["app"]["token"].is_string()
            && body["app"]["cluster"] == "volcano_tts"
            && body["user"]["uid"].is_string()
            && body["request"]["operation"] == "query"
            && (0.8..=2.0).contains(&speed);
        let id = body["request"]["reqid"].as_str().unwrap_or_default().to_owned();
        if !is_right || id.len() != 36 {
            return v1_refused(3001, "invalid request");
        }
        if !used.lock().unwrap().insert(id.clone()) {
            return v1_refused(3006, "reqid used");
        }
        if body["audio"]["voice_type"] != "zh_female_cancan_mars_bigtts" {
            return v1_refused(3050, "no such voice");
        }
        let data = STANDARD.encode(SOUND);
        Answer::json(200, &json!({"reqid": id, "code": 3000, "operation": "query", "message": "Success", "sequence": -1,
            "data": data, "addition": {"duration": "560"}}))
    })
    .await
}

/// A row of objects, a line each.
fn row(objects: &[Value]) -> Answer {
    let lines: Vec<String> = objects.iter().map(Value::to_string).collect();
    Answer::ok("application/json", lines.join("\n") + "\n")
}

fn sound_in_three() -> Vec<Value> {
    let piece = |bytes: &[u8]| json!({"code": 0, "message": "", "data": STANDARD.encode(bytes)});
    vec![
        piece(&SOUND[..5]),
        json!({"code": 0, "message": "", "data": null, "sentence": {"text": "", "words": []}}),
        piece(&SOUND[5..]),
    ]
}

fn ended() -> Value {
    json!({"code": 20_000_000, "message": "ok", "data": null})
}

/// The newer service.
fn v3(request: &Request) -> Answer {
    let refused = |status, code: i64, message: &str| {
        Answer::json(status, &json!({"header": {"reqid": "", "code": code, "message": message}}))
    };
    if (request.method.as_str(), request.target.as_str()) != ("POST", "/api/v3/tts/unidirectional") {
        return Answer::with(404, "text/plain", "");
    }
    let of_application = request.header("x-api-app-id") == Some("7820115171")
        && request.header("x-api-access-key") == Some(SECRET)
        && request.header("x-api-key").is_none();
    let of_key = request.header("x-api-key") == Some(SECRET) && request.header("x-api-app-id").is_none();
    if !of_application && !of_key {
        return refused(401, 45_000_010, "load grant: requested grant not found in SaaS storage");
    }
    if request.header("x-api-resource-id") != Some("seed-tts-1.0") {
        return refused(400, 55_000_000, "resource ID is mismatched with speaker related resource");
    }
    let body = request.json();
    let params = &body["req_params"];
    let additions = &params["additions"];
    let is_json = additions.as_str().is_some_and(|text| serde_json::from_str::<Value>(text).is_ok());
    let rate = params["audio_params"]["speech_rate"].as_i64().unwrap_or(-1_000);
    let is_right = (additions.is_null() || is_json)
        && (-50..=100).contains(&rate)
        && request.header("x-api-request-id").is_some_and(|id| id.len() == 36)
        && params["text"].is_string();
    if !is_right {
        return refused(400, 45_000_001, "[Invalid argument]");
    }
    row(&[sound_in_three(), vec![ended()]].concat())
}

#[tokio::test]
async fn a_text_is_spoken_in_one_object() {
    let fake = v1().await;
    let engine = v1_at(&fake.url());
    for percent in [100, 50, 200] {
        let part = Part::new(TEXT, vec![]);
        let asked = EngineRequest { speed: Speed::percent(percent), ..request(&part) };
        let sound = engine.speak(&asked).await.unwrap();
        assert_eq!((&sound.bytes[..], sound.bare), (SOUND, None));
    }
    let body = fake.requests()[0].json();
    assert_eq!((&body["request"]["text"], &body["audio"]["encoding"]), (&json!(TEXT), &json!("mp3")));
    let bodies: Vec<String> =
        fake.requests().iter().map(|request| String::from_utf8_lossy(&request.body).into_owned()).collect();
    assert!(bodies.iter().all(|body| !body.contains(SECRET)), "the token is in the header alone");
}

#[tokio::test]
async fn a_text_is_spoken_in_a_row_of_objects() {
    let fake = Fake::start(v3).await;
    let engine = v3_at(&fake.url());
    for percent in [100, 50, 200] {
        let part = Part::new(TEXT, vec![]);
        let asked = EngineRequest { speed: Speed::percent(percent), ..request(&part) };
        assert_eq!(&engine.speak(&asked).await.unwrap().bytes[..], SOUND);
    }
    let rates: Vec<Value> = fake
        .requests()
        .iter()
        .map(|r| r.json()["req_params"]["audio_params"]["speech_rate"].clone())
        .collect();
    assert_eq!(rates, [json!(0), json!(-50), json!(100)]);
}

#[tokio::test]
async fn a_key_of_the_new_console_goes_alone_and_additions_are_json_in_a_string() {
    let fake = Fake::start(v3).await;
    let more = "api = 'v3'\nadditions = { explicit_language = 'zh-cn', silence_duration = 0 }";
    said(&engine_at(&fake.url(), more), TEXT).await.unwrap();
    let additions = fake.request().json()["req_params"]["additions"].as_str().unwrap().to_owned();
    let expected = json!({"explicit_language": "zh-cn", "silence_duration": 0});
    assert_eq!(serde_json::from_str::<Value>(&additions).unwrap(), expected);
}

#[tokio::test]
async fn bare_samples_have_the_rate_that_was_asked_for() {
    let data = STANDARD.encode([1, 0, 2, 0]);
    let one = Answer::json(200, &json!({"code": 3000, "message": "Success", "data": data}));
    let many = row(&[json!({"code": 0, "data": data}), ended()]);
    for (answer, api) in [(one, "v1"), (many, "v3")] {
        let fake = Fake::always(answer).await;
        let more = format!("api = '{api}'\napp_id = 'a'\nformat = 'pcm'\nsample_rate = 16000");
        let sound = said(&engine_at(&fake.url(), &more), TEXT).await.unwrap();
        assert_eq!((&sound.bytes[..], sound.bare), (&[1, 0, 2, 0][..], Some(BarePcm { rate_hz: 16_000 })));
    }
}

#[tokio::test]
async fn every_refusal_of_the_older_service_says_what_to_do() {
    let quoting = format!("{TEXT} {SECRET}");
    let mut table: Vec<(&str, Answer, EngineFailure)> = [
        ("3001", 3001, Configuration),
        ("3003", 3003, TOO_MANY),
        ("3005", 3005, Retry),
        ("3006", 3006, Broken),
        ("3010", 3010, BadText),
        ("3011", 3011, BadText),
        ("3030", 3030, Retry),
        ("3031", 3031, Retry),
        ("3032", 3032, Retry),
        ("3040", 3040, Retry),
        ("3050", 3050, Configuration),
        ("9999", 9999, Broken),
    ]
    .map(|(name, code, failure)| (name, v1_refused(code, &quoting), failure))
    .to_vec();
    table.extend([
        ("concurrency", v1_refused(3001, "quota exceeded for types: concurrency"), TOO_MANY),
        ("lifetime", v1_refused(3001, "quota exceeded for types: text_words_lifetime"), Quota),
        ("grant", v1_refused(3001, "authenticate request: load grant: requested grant not found"), Auth),
        ("access", v1_refused(3001, "extract request resource id: get resource id: access denied"), Auth),
        ("text", v1_refused(3001, "illegal input text!"), BadText),
        ("voice", v1_refused(3031, "Fail to feed text, reason Init Engine Instance failed"), Configuration),
        ("no sound", Answer::json(200, &json!({"code": 3000, "message": "Success"})), Broken),
        ("no base64", Answer::json(200, &json!({"code": 3000, "data": "*"})), Broken),
        ("cut off", Answer::ok("application/json", "{\"code\":3000,\"data\":\"SUQz"), Broken),
        ("a status alone", Answer::with(401, "text/plain", ""), Auth),
    ]);
    assert_failures(|url| Box::new(v1_at(url)), table).await;
}

#[tokio::test]
async fn every_refusal_of_the_newer_service_says_what_to_do() {
    let refused = |code: i64, message: &str| row(&[json!({"code": code, "message": message, "data": null})]);
    let late = |object: Value| row(&[sound_in_three(), vec![object]].concat());
    let denied = "speaker permission denied: get resource id: access denied";
    let concurrency = "quota exceeded for types: concurrency";
    let gateway = json!({"header": {"reqid": "", "code": 45_000_010, "message": "load grant: requested grant not found"}});
    let whole = [sound_in_three(), vec![ended()]].concat().iter().map(Value::to_string).collect::<String>();
    let table = vec![
        ("long text", refused(40_402_003, "TTSExceededTextLimit:exceed max limit"), BadText),
        ("risky text", refused(40_000_022, "IllegalPayload:TextRiskAuditFailed"), BadText),
        ("voice not bought", refused(45_000_000, denied), Auth),
        ("concurrency", refused(45_000_000, concurrency), TOO_MANY),
        ("concurrency by code", refused(45_000_292, ""), TOO_MANY),
        ("no such voice", refused(45_000_001, "[Invalid argument] speaker not found"), Configuration),
        ("trial over", refused(45_000_000, "quota exceeded for types: text_words_lifetime"), Quota),
        ("server", refused(55_000_000, "server error"), Retry),
        (
            "resource",
            refused(55_000_000, "resource ID is mismatched with speaker related resource"),
            Configuration,
        ),
        ("in the middle", late(json!({"code": 55_000_000, "message": format!("{TEXT} {SECRET}")})), Retry),
        ("of the gateway", Answer::json(401, &gateway), Auth),
        ("without an end", row(&sound_in_three()), Retry),
        ("cut in the end", Answer::ok("application/json", &whole.as_bytes()[..whole.len() - 3]), Retry),
        ("cut in a piece", Answer::ok("application/json", &whole.as_bytes()[..20]), Retry),
        ("no sound", row(&[ended()]), Broken),
        ("no base64", row(&[json!({"code": 0, "data": "*"}), ended()]), Broken),
        ("unknown", refused(1, ""), Broken),
    ];
    assert_failures(|url| Box::new(v3_at(url)), table).await;
}

#[tokio::test]
async fn outages_are_survived() {
    outages::are_survived(|url| Box::new(v1_at(url)), Broken).await;
    outages::are_survived(|url| Box::new(v3_at(url)), Retry).await;
}

#[tokio::test]
async fn a_text_beyond_the_limit_is_not_even_sent() {
    let fake = v1().await;
    let error = said(&v1_at(&fake.url()), &"好".repeat(342)).await.unwrap_err();
    assert_eq!((error.failure, fake.requests().len()), (BadText, 0));
}

#[test]
fn a_voice_is_what_is_heard_and_no_credential() {
    let engine = v1_at("https://openspeech.bytedance.com");
    let line = "volcengine/v1/volcano_tts/zh_female_cancan_mars_bigtts/mp3/24000/";
    assert_eq!(engine.voice(Lang::ZhCn).as_deref(), Some(line));
    assert_eq!(engine.voice(Lang::En), None);
    assert!(!format!("{engine:?} {:?}", v3_at("https://x.example")).contains(SECRET));
}

#[test]
fn what_cannot_work_is_told_at_once() {
    let told = |more: &str| {
        let table = format!("kind = 'volcengine'\nvoices = {{ zh-CN = 'a' }}\n{more}");
        made(&config(&table)).unwrap_err().to_string()
    };
    assert!(told("app_id = 'a'").contains("access_token is missing"));
    assert!(told("access_token = 'a'").contains("app_id"));
    assert!(told("access_token = 'a'\napi = 'v2'").contains("v1, v3"));
    assert!(told("access_token = 'a'\napi = 'v3'\nformat = 'wav'").contains("format"));
}
