//! Tencent Cloud's `TextToVoice`. The fake computes every signature again from what arrived.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use orderbell::clock::{EpochMs, ManualClock, SystemClock};
use orderbell::config::engines::{EngineConfig, EngineKind};
use orderbell::domain::said::Part;
use orderbell::outbound::SystemLookup;
use orderbell::outbound::service::Services;
use orderbell::speech::Lang;
use orderbell::speech::engine::EngineFailure::{Auth, BadText, Broken, Configuration, Quota, Retry};
use orderbell::speech::engine::{BarePcm, Engine, EngineRequest, Speed};
use orderbell::speech::engines::EngineSetupError;
use orderbell::speech::engines::tencent::Tencent;
use serde_json::{Value, json};

use crate::fake::{Answer, Fake, Request};
use crate::makers::{SECRET, SOUND, TEXT, TOO_MANY, assert_failures, failure_of, to_chongqing};
use crate::{config, outages, request, said, services};

const ID: &str = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE";
/// 25 February 2019, the day of the documentation's example.
const NOW_S: i64 = 1_551_113_065;

fn made(config: &EngineConfig, services: Arc<Services>) -> Result<Tencent, EngineSetupError> {
    let EngineKind::Tencent(own) = &config.kind else { unreachable!("another kind of engine") };
    Tencent::new(own, &config.common, services)
}

fn table(url: &str, more: &str) -> EngineConfig {
    config(&format!(
        "kind = 'tencent'\nbase_url = '{url}'\nsecret_id = '{ID}'\nsecret_key = '{SECRET}'\n\
         voices = {{ zh-CN = '101001', en = '101050' }}\n{more}"
    ))
}

fn engine_at(url: &str, more: &str) -> Tencent {
    made(&table(url, more), services()).unwrap()
}

/// One whose clock shows this.
fn engine_at_time(url: &str, now_s: i64) -> Tencent {
    let clock = Arc::new(ManualClock::at(EpochMs(now_s * 1_000)));
    made(&table(url, ""), Arc::new(Services::new(Arc::new(SystemLookup::new(4)), clock).unwrap())).unwrap()
}

fn refused(code: &str, message: &str) -> Answer {
    Answer::json(200, &json!({"Response": {"Error": {"Code": code, "Message": message}, "RequestId": "r-1"}}))
}

/// The service as it is documented, at its own time.
fn service(request: &Request, now_s: i64) -> Answer {
    let date = Timestamp::from_second(now_s).unwrap().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    answered(request, now_s).and("date", &date)
}

fn answered(request: &Request, now_s: i64) -> Answer {
    if (request.method.as_str(), request.target.as_str()) != ("POST", "/") {
        return refused("InvalidRequest", "not here");
    }
    if request.header("x-tc-action") != Some("TextToVoice") {
        return refused("InvalidAction", "which?");
    }
    if request.header("x-tc-version") != Some("2019-08-23") {
        return refused("NoSuchVersion", "which?");
    }
    let at_s: i64 = request.header("x-tc-timestamp").unwrap().parse().unwrap();
    if (at_s - now_s).abs() > 300 {
        return refused("AuthFailure.SignatureExpire", "The signature has expired.");
    }
    if request.header("authorization") != Some(signed(request, at_s).as_str()) {
        return refused("AuthFailure.SignatureFailure", "The provided credentials could not be validated.");
    }
    let body = request.json();
    let text = body["Text"].as_str().unwrap_or_default();
    if text.is_empty() {
        return refused("InvalidParameterValue.TextEmpty", "empty");
    }
    if text.contains("ph=\"xxx") {
        return refused("InvalidParameterValue.SSMLInvalid", text);
    }
    let session = body["SessionId"].as_str().unwrap_or_default();
    let is_known = [101_001, 101_050].contains(&body["VoiceType"].as_i64().unwrap_or_default());
    if !is_known || session.len() != 36 || body["ModelType"] != 1 {
        return refused("InvalidParameterValue.VoiceType", "no such voice");
    }
    Answer::json(
        200,
        &json!({"Response": {"Audio": STANDARD.encode(SOUND), "SessionId": session, "RequestId": "r-1"}}),
    )
}

/// The signature of what arrived, by the steps of the documentation.
fn signed(request: &Request, at_s: i64) -> String {
    let hex = |bytes: &[u8]| bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let hash = |bytes: &[u8]| hex(digest(&SHA256, bytes).as_ref());
    let mac = |key: &[u8], text: &str| sign(&Key::new(HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec();
    let (kind, host) = (request.header("content-type").unwrap(), request.header("host").unwrap());
    let canonical =
        format!("POST\n/\n\ncontent-type:{kind}\nhost:{host}\n\ncontent-type;host\n{}", hash(&request.body));
    let date = Timestamp::from_second(at_s).unwrap().strftime("%F").to_string();
    let text = format!("TC3-HMAC-SHA256\n{at_s}\n{date}/tts/tc3_request\n{}", hash(canonical.as_bytes()));
    let day = mac(format!("TC3{SECRET}").as_bytes(), &date);
    let key = mac(&mac(&day, "tts"), "tc3_request");
    format!(
        "TC3-HMAC-SHA256 Credential={ID}/{date}/tts/tc3_request, SignedHeaders=content-type;host, Signature={}",
        hex(&mac(&key, &text))
    )
}

async fn tencent() -> Fake {
    Fake::start(|request| service(request, now_s())).await
}

fn now_s() -> i64 {
    use orderbell::clock::Clock as _;
    SystemClock::new().now().wall.0 / 1_000
}

#[tokio::test]
async fn a_text_is_spoken() {
    let fake = tencent().await;
    let sound = said(&engine_at(&fake.url(), "region = 'ap-shanghai'"), TEXT).await.unwrap();
    assert_eq!((&sound.bytes[..], sound.bare), (SOUND, None));
    let request = fake.request();
    assert_eq!(request.header("x-tc-region"), Some("ap-shanghai"));
    let mut body = request.json();
    body["SessionId"] = Value::Null;
    let expected = json!({
        "Text": TEXT, "SessionId": null, "VoiceType": 101_001, "Codec": "mp3", "SampleRate": 16_000, "Speed": 0.0,
        "PrimaryLanguage": 1, "ModelType": 1,
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn speed_language_and_format_are_asked_for_and_every_request_has_an_id_of_its_own() {
    let fake = tencent().await;
    let engine = engine_at(&fake.url(), "format = 'pcm'\nsample_rate = 24000");
    let part = Part::new("New order", vec![]);
    for _ in 0..2 {
        let english = EngineRequest { lang: Lang::En, speed: Speed::percent(150), ..request(&part) };
        let sound = engine.speak(&english).await.unwrap();
        assert_eq!(sound.bare, None, "it is a file whatever was asked for");
    }
    let bodies: Vec<Value> = fake.requests().iter().map(Request::json).collect();
    assert_eq!((&bodies[0]["Speed"], &bodies[0]["PrimaryLanguage"]), (&json!(2.0), &json!(2)));
    assert_eq!((&bodies[0]["Codec"], &bodies[0]["SampleRate"]), (&json!("pcm"), &json!(24_000)));
    assert_ne!(bodies[0]["SessionId"], bodies[1]["SessionId"]);
}

#[tokio::test]
async fn bare_samples_have_the_rate_that_was_asked_for() {
    let fake =
        Fake::always(Answer::json(200, &json!({"Response": {"Audio": STANDARD.encode([1, 0, 2, 0])}}))).await;
    let sound = said(&engine_at(&fake.url(), "format = 'pcm'"), TEXT).await.unwrap();
    assert_eq!((&sound.bytes[..], sound.bare), (&[1, 0, 2, 0][..], Some(BarePcm { rate_hz: 16_000 })));
}

#[tokio::test]
async fn readings_are_said_in_ssml_and_a_text_without_has_no_brackets() {
    let fake = tencent().await;
    let engine = engine_at(&fake.url(), "");
    engine.speak(&request(&to_chongqing("chong2 qing4"))).await.unwrap();
    said(&engine, "<speak><audio src='x'/></speak>好").await.unwrap();
    let texts: Vec<String> =
        fake.requests().iter().map(|request| request.json()["Text"].as_str().unwrap().to_owned()).collect();
    let marked =
        "<speak>去<phoneme alphabet=\"py\" ph=\"chong2 qing4\">重庆</phoneme> &amp; &lt;取餐&gt;</speak>";
    assert_eq!(texts[0], marked);
    assert!(!texts[1].contains(['<', '>']) && texts[1].ends_with('好'), "{}", texts[1]);
}

#[tokio::test]
async fn a_reading_that_is_refused_does_not_silence_the_text() {
    let fake = tencent().await;
    let sound = engine_at(&fake.url(), "").speak(&request(&to_chongqing("xxx2 qing4"))).await.unwrap();
    assert_eq!((&sound.bytes[..], fake.requests().len()), (SOUND, 2));
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_set_by_theirs_once_and_for_all() {
    for ours_s in [NOW_S - 3_600, NOW_S + 86_400, 0] {
        let fake = Fake::start(|request| service(request, NOW_S)).await;
        let engine = engine_at_time(&fake.url(), ours_s);
        assert_eq!(&said(&engine, TEXT).await.unwrap().bytes[..], SOUND);
        assert_eq!(fake.requests().len(), 2);
        said(&engine, TEXT).await.unwrap();
        assert_eq!(fake.requests().len(), 3, "the next request goes by what was learnt");
    }
}

#[tokio::test]
async fn a_signature_that_stays_out_of_date_is_not_sent_for_ever() {
    let told_s = Arc::new(AtomicI64::new(NOW_S));
    let theirs = Arc::clone(&told_s);
    // A service whose clock runs away: whatever is learnt is wrong again.
    let fake = Fake::start(move |request| service(request, theirs.fetch_add(7_200, Ordering::SeqCst))).await;
    assert_eq!(failure_of(&engine_at_time(&fake.url(), 0)).await, Auth);
    assert_eq!(fake.requests().len(), 2);
    let silent = Fake::always(refused("AuthFailure.SignatureExpire", "expired")).await;
    assert_eq!(failure_of(&engine_at_time(&silent.url(), 0)).await, Auth);
    assert_eq!(silent.requests().len(), 1, "without a date there is nothing to learn");
}

#[tokio::test]
async fn a_wrong_key_is_found_out() {
    let fake = tencent().await;
    let wrong = config(&format!(
        "kind = 'tencent'\nbase_url = '{}'\nsecret_id = '{ID}'\nsecret_key = 'other'\nvoices = {{ zh-CN = '101001' }}",
        fake.url()
    ));
    assert_eq!(failure_of(&made(&wrong, services()).unwrap()).await, Auth);
}

#[tokio::test]
async fn every_refusal_says_what_to_do() {
    let table = [
        ("LimitExceeded.AccessLimit", TOO_MANY),
        ("RequestLimitExceeded", TOO_MANY),
        ("RequestLimitExceeded.UinLimitExceeded", TOO_MANY),
        ("InternalError", Retry),
        ("InternalError.ExceedMaxLimit", Retry),
        ("InternalError.NoResource", Retry),
        ("InternalError.ErrorGetRoute", Retry),
        ("ServiceUnavailable", Retry),
        ("InvalidParameter.InvalidText", BadText),
        ("InvalidParameterValue.InvalidText", BadText),
        ("InvalidParameterValue.TextEmpty", BadText),
        ("InvalidParameterValue.TextNotUtf8", BadText),
        ("InvalidParameterValue.SSMLInvalid", BadText),
        ("UnsupportedOperation.TextTooLong", BadText),
        ("AuthFailure.SignatureFailure", Auth),
        ("AuthFailure.SecretIdNotFound", Auth),
        ("AuthFailure.InvalidAuthorization", Auth),
        ("UnauthorizedOperation", Auth),
        ("UnsupportedOperation.AccountArrears", Quota),
        ("UnsupportedOperation.NoBanlance", Quota),
        ("UnsupportedOperation.NoFreeAccount", Quota),
        ("UnsupportedOperation.PkgExhausted", Quota),
        ("UnsupportedOperation.ServerNotOpen", Quota),
        ("InvalidParameterValue.VoiceType", Configuration),
        ("InvalidParameterValue.SampleRate", Configuration),
        ("InvalidParameterValue.AppIdNotRegistered", Configuration),
        ("MissingParameter", Configuration),
        ("Something.New", Broken),
    ];
    let quoting = format!("bad text: {TEXT}, key {SECRET}, id {ID}");
    let coded = table.map(|(code, failure)| (code, refused(code, &quoting), failure));
    let mut table = coded.to_vec();
    let audio = |audio: &str| Answer::json(200, &json!({"Response": {"Audio": audio, "RequestId": "r"}}));
    table.extend([
        ("no sound", audio(""), Broken),
        ("no base64", audio("*not base64*"), Broken),
        ("cut off", Answer::ok("application/json", "{\"Response\":{\"Audio\":\"SUQz"), Broken),
        ("too many for the gateway", Answer::with(429, "text/plain", ""), TOO_MANY),
        ("down", Answer::with(503, "text/plain", ""), Retry),
    ]);
    assert_failures(|url| Box::new(engine_at(url, "")), table).await;
}

#[tokio::test]
async fn outages_are_survived() {
    outages::are_survived(|url| Box::new(engine_at(url, "")), Broken).await;
}

#[tokio::test]
async fn a_text_beyond_the_limit_is_not_even_sent() {
    let fake = tencent().await;
    let engine = engine_at(&fake.url(), "");
    said(&engine, &"好".repeat(150)).await.unwrap();
    let error = said(&engine, &"好".repeat(151)).await.unwrap_err();
    assert_eq!((error.failure, fake.requests().len()), (BadText, 1));
}

#[test]
fn a_voice_is_what_is_heard_and_no_credential() {
    let engine = engine_at("https://tts.tencentcloudapi.com", "");
    assert_eq!(engine.voice(Lang::ZhCn).as_deref(), Some("tencent/1/101001/mp3/16000"));
    assert_eq!(engine.voice(Lang::Yue), None);
    let debugged = format!("{engine:?}");
    assert!(!debugged.contains(SECRET) && !debugged.contains(ID), "{debugged}");
}

#[test]
fn what_cannot_work_is_told_at_once() {
    let told = |more: &str| {
        let table = format!("kind = 'tencent'\nsecret_id = 'a'\n{more}");
        made(&config(&table), services()).unwrap_err().to_string()
    };
    let voices = "voices = { zh-CN = '101001' }";
    assert!(told(voices).contains("secret_key is missing"));
    assert!(told("secret_key = 'b'\nvoices = { zh-CN = 'zhiyu' }").contains("zhiyu"));
    assert!(told(&format!("secret_key = 'b'\nsample_rate = 44100\n{voices}")).contains("sample_rate"));
    assert!(told(&format!("secret_key = 'b'\nbase_url = 'https://x.example/y'\n{voices}")).contains("path"));
}
