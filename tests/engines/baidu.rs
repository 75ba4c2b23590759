//! Baidu's short text synthesis, by its profile, against a service that is as strict as its documentation.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use orderbell::domain::said::{Part, Reading};
use orderbell::speech::Lang;
use orderbell::speech::engine::{BarePcm, Engine, EngineFailure, EngineRequest, Speed};
use orderbell::speech::engines::http::Http;
use serde_json::json;

use crate::bad_days::{SECRET, TEXT, decoded, engine, failure, form, survived};
use crate::fake::{Answer, Fake, Request};
use crate::{DEADLINE, said};

fn baidu(url: &str, more: &str) -> Http {
    let table = format!(
        "kind = 'http'\nprofile = 'baidu'\nvoices = {{ zh-CN = '5118' }}\n\
         params = {{ base_url = '{url}', token_url = '{url}/' {more} }}\n\
         secrets = {{ api_key = 'ak-1', secret_key = '{SECRET}' }}"
    );
    engine(&table).unwrap()
}

/// The token service: `tok-1`, `tok-2` and so on.
fn token(request: &Request, given: &AtomicUsize) -> Option<Answer> {
    let query = request.target.strip_prefix("/oauth/2.0/token?")?;
    let asked = form(query);
    let asked = |name: &str| asked.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!(asked("grant_type"), Some("client_credentials"));
    if (asked("client_id"), asked("client_secret")) != (Some("ak-1"), Some(SECRET)) {
        return Some(Answer::json(
            401,
            &json!({"error": "invalid_client", "error_description": "unknown client id"}),
        ));
    }
    let number = given.fetch_add(1, Ordering::SeqCst) + 1;
    Some(Answer::json(200, &json!({"access_token": format!("tok-{number}"), "expires_in": 2_592_000})))
}

/// What the documentation asks of a request.
fn strict(request: &Request, good: &str) -> Answer {
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/text2audio"));
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    let fields = form(std::str::from_utf8(&request.body).unwrap());
    let field =
        |name: &str| &fields.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no {name}")).1;
    let text = decoded(field("tex"));
    assert!(text.len() <= 1_600, "{text}");
    assert_eq!((field("ctp").as_str(), field("lan").as_str(), field("per").as_str()), ("1", "zh", "5118"));
    assert!(field("cuid").len() <= 60);
    for name in ["spd", "pit", "vol"] {
        assert!((0..=15).contains(&field(name).parse::<i32>().unwrap()), "{name}");
    }
    assert_eq!(fields.len(), 10, "{fields:?}");
    if field("tok") != good {
        let error = json!({"err_detail": "Access token invalid or no longer valid", "err_msg": "authentication failed.", "err_no": 502, "err_subcode": 50004});
        return Answer::json(200, &error);
    }
    Answer::ok("audio/mp3", format!("ID3 spd={} aue={} {text}", field("spd"), field("aue")))
}

#[tokio::test]
async fn a_text_is_sent_as_documented_and_the_token_is_kept() {
    let given = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&given);
    let fake =
        Fake::start(move |request| token(request, &counting).unwrap_or_else(|| strict(request, "tok-1")))
            .await;
    let engine = baidu(&fake.url(), "");
    for text in ["您有新的订单，请及时接单", "100% & a+b = c?"] {
        let sound = said(&engine, text).await.unwrap();
        assert_eq!(String::from_utf8(sound.bytes.to_vec()).unwrap(), format!("ID3 spd=5 aue=3 {text}"));
        assert_eq!(sound.bare, None);
    }
    assert_eq!(given.load(Ordering::SeqCst), 1);
    assert_eq!(engine.voice(Lang::Yue), None);
}

#[tokio::test]
async fn readings_speed_and_format_are_told() {
    let given = AtomicUsize::new(0);
    let fake =
        Fake::start(move |request| token(request, &given).unwrap_or_else(|| strict(request, "tok-1"))).await;
    let engine = baidu(&fake.url(), ", format = '4'");
    let reading = Reading { word: "重庆".to_owned(), pinyin: "chong2 qing4".to_owned() };
    let part = Part::new("重庆小面", vec![reading]);
    let request =
        EngineRequest { part: &part, lang: Lang::ZhCn, speed: Speed::percent(150), deadline: DEADLINE };
    let sound = engine.speak(&request).await.unwrap();
    assert_eq!(String::from_utf8(sound.bytes.to_vec()).unwrap(), "ID3 spd=10 aue=4 重(chong2)庆(qing4)小面");
    assert_eq!(sound.bare, Some(BarePcm { rate_hz: 16_000 }));
    let line = engine.voice(Lang::ZhCn).unwrap();
    assert!(line.contains("5118") && line.contains("format=4") && !line.contains(SECRET), "{line}");
    assert_ne!(Some(line), baidu(&fake.url(), "").voice(Lang::ZhCn));
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_once() {
    let given = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&given);
    let fake =
        Fake::start(move |request| token(request, &counting).unwrap_or_else(|| strict(request, "tok-2")))
            .await;
    let engine = baidu(&fake.url(), "");
    said(&engine, TEXT).await.unwrap();
    said(&engine, TEXT).await.unwrap();
    assert_eq!((given.load(Ordering::SeqCst), fake.requests().len()), (2, 5));
    // None is good enough: the token is replaced once, and that is all.
    let given = AtomicUsize::new(0);
    let fake =
        Fake::start(move |request| token(request, &given).unwrap_or_else(|| strict(request, "none"))).await;
    let error = failure(&baidu(&fake.url(), ""), TEXT).await;
    assert_eq!((error.failure, fake.requests().len()), (EngineFailure::Auth, 4));
    assert!(error.detail.contains("502: authentication failed."), "{error}");
}

#[tokio::test]
async fn many_at_once_fetch_one_token() {
    let given = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&given);
    let fake =
        Fake::start(move |request| token(request, &counting).unwrap_or_else(|| strict(request, "tok-1")))
            .await;
    let engine = baidu(&fake.url(), "");
    let said = (0..20).map(|_| said(&engine, TEXT));
    let said = futures_util::future::join_all(said).await;
    assert!(said.iter().all(Result::is_ok));
    assert_eq!(given.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn keys_that_are_wrong_are_told_by_the_token_service() {
    let given = AtomicUsize::new(0);
    let fake = Fake::start(move |request| token(request, &given).unwrap()).await;
    let url = fake.url();
    let table = format!(
        "kind = 'http'\nprofile = 'baidu'\nvoices = {{ zh-CN = '4' }}\nparams = {{ base_url = '{url}', token_url = '{url}' }}\n\
         secrets = {{ api_key = 'another', secret_key = '{SECRET}' }}"
    );
    let error = failure(&engine(&table).unwrap(), TEXT).await;
    assert_eq!(
        (error.failure, error.detail.as_str()),
        (EngineFailure::Auth, "no token was given, answered 401")
    );
}

#[tokio::test]
async fn documented_errors_mean_what_they_mean() {
    for (number, subcode, detail, wanted) in [
        (500, 0, "not support input", EngineFailure::Retry),
        (501, 50101, "Invalid params per or lan!", EngineFailure::Configuration),
        (502, 13, "Open api qps request limit reached", EngineFailure::RateLimited { retry_after: None }),
        (502, 0, "Open api qps request limit reached", EngineFailure::RateLimited { retry_after: None }),
        (502, 15, "", EngineFailure::RateLimited { retry_after: None }),
        (502, 18, "", EngineFailure::RateLimited { retry_after: None }),
        (502, 16, "Open api characters limit reached", EngineFailure::Quota),
        (502, 0, "Open api daily request limit reached", EngineFailure::Quota),
        (502, 6, "No permission to access data", EngineFailure::Auth),
        (502, 50004, "passport not logged in", EngineFailure::Auth),
        (503, 0, "", EngineFailure::BadText),
        (513, 0, "", EngineFailure::BadText),
        (599, 0, "", EngineFailure::Broken),
    ] {
        let error = json!({"err_no": number, "err_subcode": subcode, "err_detail": detail, "err_msg": format!("words {TEXT}")});
        let given = AtomicUsize::new(0);
        let fake =
            Fake::start(move |request| token(request, &given).unwrap_or_else(|| Answer::json(200, &error)))
                .await;
        let error = failure(&baidu(&fake.url(), ""), TEXT).await;
        assert_eq!(error.failure, wanted, "{number} {subcode} {detail}: {error}");
        assert!(error.detail.contains(&number.to_string()), "{error}");
    }
}

#[tokio::test]
async fn a_text_that_is_too_long_is_not_sent() {
    let fake = Fake::always(Answer::with(500, "text/plain", "")).await;
    let engine = baidu(&fake.url(), "");
    for text in ["好".repeat(513), "a".repeat(1_025), "好".repeat(10_000)] {
        assert_eq!(failure(&engine, &text).await.failure, EngineFailure::BadText);
    }
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn bad_days_are_survived() {
    survived(|url| baidu(url, ""), |_| None).await;
    // The token is good, and what follows is not.
    survived(|url| baidu(url, ""), |request| token(request, &AtomicUsize::new(0))).await;
}
