//! What every profile must survive: answers that no maker documents, and none at all.
//! Whatever comes, there is an error in time, of a sort that the chain can go by, and nothing private in it.

use std::time::{Duration, Instant};

use orderbell::config::engines::EngineKind;
use orderbell::domain::said::Part;
use orderbell::speech::engine::{Engine, EngineError, EngineFailure, Speed};
use orderbell::speech::engines::EngineSetupError;
use orderbell::speech::engines::http::Http;

use crate::fake::{Answer, Fake, Request};
use crate::{Lang, config, request, services};

/// A secret that stands in every configuration here, and in no error.
pub(crate) const SECRET: &str = "s3cret-0a1b2c3d4e5f";
/// A text that stands in no error either.
pub(crate) const TEXT: &str = "请到金龙饭店取餐，谢谢";

/// The engine of a table.
pub(crate) fn engine(table: &str) -> Result<Http, EngineSetupError> {
    let config = config(table);
    let EngineKind::Http(http) = &config.kind else { unreachable!("another kind of engine") };
    Http::new(http, &config.common, services())
}

/// An error with all that is below it, as a log would have it.
pub(crate) fn told(error: &EngineError) -> String {
    let mut told = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        told = format!("{told} {error} {error:?}");
        cause = error.source();
    }
    told
}

/// Speaks, and looks at the error for what may not be in it.
pub(crate) async fn failure(engine: &dyn Engine, text: &str) -> EngineError {
    let error = crate::said(engine, text).await.unwrap_err();
    let told = told(&error);
    assert!(!told.contains(SECRET), "{told}");
    assert!(!told.contains("金龙"), "{told}");
    error
}

/// The request with a deadline that a test can wait for.
async fn said_soon(engine: &dyn Engine) -> EngineError {
    let part = Part::new(TEXT, vec![]);
    let soon = Duration::from_millis(400);
    let began = Instant::now();
    let request =
        orderbell::speech::engine::EngineRequest { deadline: soon, speed: Speed::NORMAL, ..request(&part) };
    assert_eq!(request.lang, Lang::ZhCn);
    let error = engine.speak(&request).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(3), "{error}: {:?}", began.elapsed());
    assert!(!told(&error).contains(SECRET), "{error:?}");
    error
}

/// Everything that must be survived, for an engine whose service is at the given URL; `before` answers what is asked
/// before the text is.
pub(crate) async fn survived(
    engine: impl Fn(&str) -> Http,
    before: impl Fn(&Request) -> Option<Answer> + Copy + Send + Sync + 'static,
) {
    let serving =
        |answer: Answer| Fake::start(move |request| before(request).unwrap_or_else(|| answer.clone()));
    let page = "<!DOCTYPE html><html><title>Sign in</title></html>";
    let echo = format!("{{\"oops\":\"{SECRET} {TEXT}\"}}");
    let elsewhere = Answer::with(302, "text/html", "").and("location", "http://169.254.169.254/");
    let gzip = Answer::ok("audio/mpeg", vec![0x1f, 0x8b, 8, 0, 0, 0]).and("content-encoding", "gzip");
    for (what, answer, failure) in [
        ("a page", Answer::ok("text/html; charset=utf-8", page), EngineFailure::Broken),
        ("a page that is said to be JSON", Answer::ok("application/json", page), EngineFailure::Broken),
        ("nothing", Answer::ok("audio/mpeg", ""), EngineFailure::Broken),
        ("nothing, as JSON", Answer::ok("application/json", ""), EngineFailure::Broken),
        ("another JSON", Answer::ok("application/json", "[1,{\"a\":null}]"), EngineFailure::Broken),
        ("JSON with what is private", Answer::ok("application/json", echo), EngineFailure::Broken),
        ("a redirect", elsewhere, EngineFailure::Broken),
        ("compressed", gzip, EngineFailure::Broken),
        ("50 MB", Answer::ok("audio/mpeg", vec![0; 50 << 20]), EngineFailure::Broken),
        ("no HTTP", Answer::Bytes(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), EngineFailure::Retry),
        ("a connection that ends", Answer::Bytes(Vec::new()), EngineFailure::Retry),
        ("half an answer", Answer::Bytes(half("audio/mpeg", b"ID3")), EngineFailure::Retry),
        ("a gateway without its server", Answer::with(502, "text/html", page), EngineFailure::Retry),
        ("a wrong key, by status", Answer::with(401, "text/html", page), EngineFailure::Auth),
        (
            "too many, by status",
            Answer::with(429, "text/html", page),
            EngineFailure::RateLimited { retry_after: None },
        ),
    ] {
        let fake = serving(answer).await;
        let error = crate::bad_days::failure(&engine(&fake.url()), TEXT).await;
        assert_eq!(error.failure, failure, "{what}: {error}");
    }
    let fake = serving(Answer::with(429, "text/plain", "slow down").and("retry-after", "7")).await;
    let error = failure(&engine(&fake.url()), TEXT).await;
    assert_eq!(error.failure, EngineFailure::RateLimited { retry_after: Some(Duration::from_secs(7)) });
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ncontent-length: 9999\r\n\r\n".to_vec();
    for answer in [
        Answer::Stuck(Vec::new()),
        Answer::Stuck(head.clone()),
        Answer::Endless(head, vec![0], Duration::from_millis(20)),
    ] {
        let fake = serving(answer).await;
        let error = said_soon(&engine(&fake.url())).await;
        assert_eq!(error.failure, EngineFailure::Broken, "{error}");
    }
    let nobody = engine("http://127.0.0.1:9");
    assert_eq!(failure(&nobody, TEXT).await.failure, EngineFailure::Broken);
    assert!(!format!("{nobody:?}").contains(SECRET));
}

fn half(mime: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {mime}\r\ncontent-length: 999\r\n\r\n");
    [head.as_bytes(), bytes].concat()
}

/// A form as a server reads it: `+` is a space, and each value is decoded once.
pub(crate) fn form(body: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap();
        (decoded(name), decoded(value))
    };
    body.split('&').map(pair).collect()
}

/// Percent-decoding.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
                after
            }
            (b'+', _) => {
                bytes.push(b' ');
                after
            }
            (byte, _) => {
                bytes.push(*byte);
                after
            }
        };
    }
    String::from_utf8(bytes).unwrap()
}
