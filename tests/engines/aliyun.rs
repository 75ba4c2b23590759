//! DashScope: a request whose answer names a place, and the sound that lies there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orderbell::config::engines::{EngineConfig, EngineKind};
use orderbell::domain::said::Part;
use orderbell::speech::Lang;
use orderbell::speech::engine::EngineFailure::{Auth, BadText, Broken, Configuration, Quota, Retry};
use orderbell::speech::engine::{BarePcm, Engine, EngineFailure, EngineRequest, Speed};
use orderbell::speech::engines::EngineSetupError;
use orderbell::speech::engines::aliyun::Aliyun;
use serde_json::json;

use crate::fake::{Answer, Fake, Request};
use crate::makers::{SECRET, SOUND, TEXT, TOO_MANY, assert_failures, failure_of, to_chongqing};
use crate::{config, outages, request, said, services};

fn made(config: &EngineConfig) -> Result<Aliyun, EngineSetupError> {
    let EngineKind::Aliyun(own) = &config.kind else { unreachable!("another kind of engine") };
    Aliyun::new(own, &config.common, services())
}

/// One that trusts its own host with the sound.
fn engine_at(url: &str, more: &str) -> Aliyun {
    let host = url.trim_start_matches("http://");
    wary_at(url, &format!("audio_hosts = ['{host}']\n{more}"))
}

fn wary_at(url: &str, more: &str) -> Aliyun {
    let table = format!(
        "kind = 'aliyun'\nbase_url = '{url}'\napi_key = '{SECRET}'\n\
         voices = {{ zh-CN = 'longanyang', en = 'loongabby' }}\n{more}"
    );
    made(&config(&table)).unwrap()
}

const COSYVOICE: &str = "/api/v1/services/audio/tts/SpeechSynthesizer";
const QWEN: &str = "/api/v1/services/aigc/multimodal-generation/generation";

fn refused(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"code": code, "message": message, "request_id": "r-1"}))
}

fn lies_at(url: &str) -> Answer {
    let audio = json!({"url": url, "data": "", "id": "audio_1", "expires_at": 1});
    Answer::json(
        200,
        &json!({"request_id": "r-1", "code": "", "message": "",
        "output": {"finish_reason": "stop", "audio": audio}, "usage": {"characters": 8}}),
    )
}

/// The service and the store behind it, on one address.
fn service(request: &Request) -> Answer {
    let host = request.header("host").unwrap();
    if request.target == "/result.mp3?Expires=1&Signature=x%3D" {
        let is_plain = request.method == "GET" && request.header("authorization").is_none();
        return if is_plain {
            Answer::ok("audio/mpeg", SOUND)
        } else {
            Answer::with(400, "application/xml", "<Error/>")
        };
    }
    if request.method != "POST" || request.header("content-type") != Some("application/json") {
        return refused(400, "BadRequest", "no");
    }
    if request.header("authorization") != Some(&format!("Bearer {SECRET}")) {
        return refused(401, "InvalidApiKey", "Invalid API-key provided.");
    }
    let body = request.json();
    let input = &body["input"];
    let is_right = match (request.target.as_str(), body["model"].as_str()) {
        (COSYVOICE, Some("cosyvoice-v3-flash" | "qwen-audio-3.0-tts-flash")) => {
            let rate = input["rate"].as_f64().unwrap_or_default();
            let is_ssml = input["text"].as_str().is_some_and(|text| text.starts_with("<speak>"));
            (0.5..=2.0).contains(&rate) && input["sample_rate"].is_u64() && input["enable_ssml"] == is_ssml
        }
        (QWEN, Some("qwen3-tts-flash")) => input.as_object().unwrap().len() == 3,
        _ => return refused(404, "ModelNotFound", "Model can not be found."),
    };
    if !is_right || !["longanyang", "loongabby"].contains(&input["voice"].as_str().unwrap_or_default()) {
        return refused(400, "InvalidParameter", "request timeout after 23 seconds.");
    }
    if input["text"].as_str().is_some_and(|text| text.contains("ph=\"xxx")) {
        return refused(400, "InvalidParameter", "ssml is invalid");
    }
    lies_at(&format!("http://{host}/result.mp3?Expires=1&Signature=x%3D"))
}

#[tokio::test]
async fn a_text_is_spoken_and_fetched_without_the_key() {
    let fake = Fake::start(service).await;
    let sound = said(&engine_at(&fake.url(), ""), TEXT).await.unwrap();
    assert_eq!((&sound.bytes[..], sound.bare), (SOUND, None));
    let requests = fake.requests();
    assert_eq!(requests.len(), 2);
    let expected = json!({"text": TEXT, "voice": "longanyang", "format": "mp3", "sample_rate": 24_000, "rate": 1.0,
        "enable_ssml": false});
    assert_eq!(requests[0].json(), json!({"model": "cosyvoice-v3-flash", "input": expected}));
}

#[tokio::test]
async fn qwen_is_asked_in_its_own_way_and_qwen_audio_is_not() {
    let fake = Fake::start(service).await;
    let part = Part::new("New order", vec![]);
    let english = EngineRequest { lang: Lang::En, speed: Speed::percent(150), ..request(&part) };
    let qwen = engine_at(&fake.url(), "model = 'qwen3-tts-flash'");
    assert_eq!(&qwen.speak(&english).await.unwrap().bytes[..], SOUND);
    let input = json!({"text": "New order", "voice": "loongabby", "language_type": "English"});
    assert_eq!(fake.requests()[0].json(), json!({"model": "qwen3-tts-flash", "input": input}));
    engine_at(&fake.url(), "model = 'qwen-audio-3.0-tts-flash'").speak(&english).await.unwrap();
    assert_eq!(fake.requests()[2].json()["input"]["rate"], 1.5);
}

#[tokio::test]
async fn readings_go_as_ssml_where_the_operator_says_so_and_never_silence_the_text() {
    let fake = Fake::start(service).await;
    let texts = || -> Vec<String> {
        let posts = fake.requests().into_iter().filter(|request| request.method == "POST");
        posts.map(|request| request.json()["input"]["text"].as_str().unwrap().to_owned()).collect()
    };
    engine_at(&fake.url(), "").speak(&request(&to_chongqing("chong2 qing4"))).await.unwrap();
    let engine = engine_at(&fake.url(), "ssml = true");
    engine.speak(&request(&to_chongqing("chong2 qing4"))).await.unwrap();
    engine.speak(&request(&to_chongqing("xxx2 qing4"))).await.unwrap();
    let marked =
        "<speak>去<phoneme alphabet=\"py\" ph=\"chong2 qing4\">重庆</phoneme> &amp; &lt;取餐&gt;</speak>";
    let texts = texts();
    assert_eq!((texts.len(), texts[0].as_str(), texts[1].as_str()), (4, "去重庆 & <取餐>", marked));
    assert_eq!(texts[3], texts[0]);
}

#[tokio::test]
async fn a_sound_in_the_answer_itself_needs_no_second_call() {
    let audio = json!({"url": null, "data": STANDARD.encode([1, 0])});
    let fake = Fake::always(Answer::json(200, &json!({"output": {"audio": audio}}))).await;
    let sound = said(&engine_at(&fake.url(), "format = 'pcm'"), TEXT).await.unwrap();
    assert_eq!((&sound.bytes[..], sound.bare), (&[1, 0][..], Some(BarePcm { rate_hz: 24_000 })));
}

#[tokio::test]
async fn a_place_inside_is_never_called() {
    let inside = Fake::always(Answer::ok("audio/mpeg", SOUND)).await;
    let host = inside.url().replace("http://", "");
    let port = host.split(':').nth(1).unwrap().to_owned();
    for place in [
        format!("http://{host}/x.mp3"),
        format!("https://{host}/x.mp3"),
        format!("http://localhost:{port}/x.mp3"),
        format!("http://2130706433:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "https://10.0.0.1/x.mp3".to_owned(),
        "file:///etc/passwd".to_owned(),
        "https://user:word@example.com/x.mp3".to_owned(),
        "no url".to_owned(),
    ] {
        let fake = Fake::always(lies_at(&place)).await;
        let failure =
            failure_of(&wary_at(&fake.url(), "audio_hosts = ['oss.example.com', '127.0.0.1:1']")).await;
        assert_eq!(failure, Configuration, "{place}");
    }
    assert!(inside.requests().is_empty());
    // Not even a host that is trusted may be where clouds keep their secrets.
    let fake = Fake::always(lies_at("http://169.254.169.254/latest/meta-data/")).await;
    let failure = failure_of(&wary_at(&fake.url(), "audio_hosts = ['169.254.169.254']")).await;
    assert_eq!(failure, Configuration);
}

#[tokio::test]
async fn what_is_wrong_with_the_place_is_told() {
    let page = "<Error><Code>AccessDenied</Code></Error>";
    for (name, answer, expected) in [
        ("gone", Answer::with(404, "application/xml", page), Broken),
        ("denied", Answer::with(403, "application/xml", page), Broken),
        ("down", Answer::with(503, "application/xml", page), Retry),
        ("a page", Answer::ok("text/html", page), Broken),
        ("empty", Answer::ok("audio/mpeg", ""), Broken),
        ("elsewhere", Answer::with(302, "text/plain", "").and("location", "http://127.0.0.1/"), Broken),
        ("packed", Answer::ok("audio/mpeg", "x").and("content-encoding", "gzip"), Broken),
        ("half", Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nID3".to_vec()), Retry),
    ] {
        let store = Fake::always(answer).await;
        let fake = Fake::always(lies_at(&format!("{}/result.mp3", store.url()))).await;
        let host = store.url().replace("http://", "");
        assert_eq!(
            failure_of(&wary_at(&fake.url(), &format!("audio_hosts = ['{host}']"))).await,
            expected,
            "{name}"
        );
        assert_eq!(store.requests().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn both_calls_share_one_deadline() {
    let store = Fake::always(Answer::Stuck(Vec::new())).await;
    let fake = Fake::always(lies_at(&format!("{}/result.mp3", store.url()))).await;
    let engine = wary_at(&fake.url(), &format!("audio_hosts = ['{}']", store.url().replace("http://", "")));
    let part = Part::new(TEXT, vec![]);
    let began = std::time::Instant::now();
    let brief = EngineRequest { deadline: std::time::Duration::from_secs(1), ..request(&part) };
    assert_eq!(engine.speak(&brief).await.unwrap_err().failure, Broken);
    assert!(began.elapsed() < std::time::Duration::from_secs(6), "{:?}", began.elapsed());
    assert_eq!(store.requests().len(), 1);
}

#[tokio::test]
async fn every_refusal_says_what_to_do() {
    let minute = EngineFailure::RateLimited { retry_after: Some(std::time::Duration::from_mins(1)) };
    let quoting = format!("{TEXT} with {SECRET}");
    let table = vec![
        ("throttled", refused(429, "Throttling", &quoting), TOO_MANY),
        ("rate", refused(429, "Throttling.RateQuota", "Requests rate limit exceeded"), TOO_MANY),
        ("allowance", refused(429, "Throttling.AllocationQuota", "Allocated quota exceeded"), minute),
        (
            "free allowance",
            refused(429, "Throttling.AllocationQuota", "Free allocated quota exceeded."),
            Quota,
        ),
        ("free tier", refused(403, "AllocationQuota.FreeTierOnly", "no"), Quota),
        (
            "arrears",
            refused(400, "Arrearage", "Access denied, please make sure your account is in good standing."),
            Quota,
        ),
        ("not bought", refused(403, "AccessDenied.Unpurchased", "no"), Quota),
        ("key", refused(401, "InvalidApiKey", "Invalid API-key provided."), Auth),
        ("denied", refused(403, "AccessDenied", "no"), Auth),
        ("inspected", refused(400, "DataInspectionFailed", &quoting), BadText),
        ("parameter", refused(400, "InvalidParameter", "input text is invalid"), BadText),
        ("voice", refused(400, "InvalidParameter", "Engine return error code: 418"), Configuration),
        ("model", refused(404, "ModelNotFound", "Model can not be found."), Configuration),
        ("internal", refused(500, "InternalError", "no"), Retry),
        ("internal algorithm", refused(500, "InternalError.Algo", "no"), Retry),
        ("unknown, by status", refused(502, "Whatever", "no"), Retry),
        ("200 and an error", refused(200, "Throttling.RateQuota", "no"), TOO_MANY),
        ("200 and who knows", refused(200, "Whatever", "no"), Broken),
        ("no place", Answer::json(200, &json!({"output": {"audio": {}}})), Broken),
        ("no output", Answer::json(200, &json!({"request_id": "r"})), Broken),
        ("cut off", Answer::ok("application/json", "{\"output\":{\"audio\":{\"url\":\"htt"), Broken),
        ("no base64", Answer::json(200, &json!({"output": {"audio": {"data": "*"}}})), Broken),
        ("a status alone", Answer::with(401, "text/plain", ""), Auth),
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
    let engine = wary_at("https://dashscope.aliyuncs.com", "");
    assert_eq!(engine.voice(Lang::ZhCn).as_deref(), Some("aliyun/1/cosyvoice-v3-flash/longanyang/mp3/24000"));
    assert!(!format!("{engine:?}").contains(SECRET));
}

#[test]
fn what_cannot_work_is_told_at_once() {
    let told = |more: &str| {
        let table = format!("kind = 'aliyun'\nvoices = {{ zh-CN = 'a' }}\n{more}");
        made(&config(&table)).unwrap_err().to_string()
    };
    assert!(told("").contains("api_key is missing"));
    assert!(told("api_key = 'k'\nformat = 'opus'").contains("format"));
    assert!(told("api_key = 'k'\nsample_rate = 1").contains("sample_rate"));
}
