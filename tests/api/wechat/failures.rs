//! A WeChat that refuses, is slow, broken, or answers nonsense: each has its answer, and nothing is kept of it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{APPID, OPENID, both, config_with, program, sign_in, signed_in, wechat};
use crate::fake::Answer;
use crate::support::TestServer;
use crate::wechat_double::LOGIN;

#[tokio::test]
async fn each_code_of_wechat_has_its_answer() {
    let (wechat, server) = both().await;
    for (code, status, error) in [
        (40029, 400, "wechat_code"),
        (40163, 400, "wechat_code"),
        (41008, 400, "wechat_code"),
        (40226, 403, "wechat_refused"),
        (45011, 429, "too_many_requests"),
        (-1, 503, "wechat_unavailable"),
        (45009, 503, "wechat_unavailable"),
        (40013, 503, "wechat_unavailable"),
        (40125, 503, "wechat_unavailable"),
        (40164, 503, "wechat_unavailable"),
        (99_999_999, 503, "wechat_unavailable"),
    ] {
        wechat.refuse(LOGIN, code);
        let told = sign_in(&server, &json!({"code": "c1"})).await;
        told.assert_problem(status, error);
        let retry_after: Option<u32> = told.header("retry-after").parse().ok();
        assert_eq!(retry_after.is_some(), matches!(status, 429 | 503), "{code}");
        assert!(!told.text().contains("errcode") && !told.text().contains("rid"), "{}", told.text());
    }
    wechat.add_code("c1", APPID, OPENID, None);
    assert_eq!(signed_in(&server, "c1").await["status"], "unbound", "it is well again");
    server.stop().await;
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_none() {
    let (wechat, server) = both().await;
    let answers = [
        Answer::ok("text/html", "<html><body>Service Unavailable</body></html>"),
        Answer::with(502, "text/html", "<html></html>"),
        Answer::json(500, &json!({"openid": OPENID, "session_key": "x"})),
        Answer::ok("text/plain", ""),
        Answer::ok("text/plain", "[]"),
        Answer::ok("text/plain", "{\"openid\":\"o"),
        Answer::ok("text/plain", [b'{', 0xff, b'}']),
        Answer::json(200, &json!({})),
        Answer::json(200, &json!({"openid": ""})),
        Answer::json(200, &json!({"openid": 7})),
        Answer::json(200, &json!({"openid": "o".repeat(129)})),
        Answer::json(200, &json!({"openid": "o 1"})),
        Answer::json(200, &json!({"errcode": "0", "openid": OPENID})),
        Answer::json(200, &json!({"openid": OPENID, "padding": "x".repeat(20_000)})),
        Answer::json(302, &json!({"openid": OPENID})).and("location", "http://127.0.0.1:1/"),
        Answer::Bytes(Vec::new()),
        Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"openid\":\"o1\"}".to_vec()),
        Answer::Bytes(b"SSH-2.0-OpenSSH\r\n".to_vec()),
    ];
    let tried = answers.len();
    for answer in answers {
        let shown = format!("{answer:?}");
        wechat.instead(LOGIN, answer);
        let told = sign_in(&server, &json!({"code": "c1"})).await;
        assert_eq!(told.status, 503, "{shown}: {}", told.text());
        told.assert_problem(503, "wechat_unavailable");
    }
    assert_eq!(wechat.asked(LOGIN), tried, "a code is good once: it is not sent twice");
    server.done("PUT", "/v1/riders/r1/wechat", json!({"openid": OPENID})).await;
    let known = server.done("GET", "/v1/riders/r1/wechat", Value::Null).await;
    assert_eq!(known["identities"][0]["last_login_at"], Value::Null, "nothing was kept");
    server.stop().await;
}

#[tokio::test]
async fn a_slow_or_absent_wechat_is_waited_for_so_long() {
    let wechat = wechat().await;
    let programs = program("riders", APPID, "");
    let server = TestServer::start(&config_with(&wechat, "timeout = '300ms'", &programs)).await;
    for answer in [
        Answer::Stuck(Vec::new()),
        Answer::Stuck(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec()),
        Answer::Endless(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(),
            b"1\r\n \r\n".to_vec(),
            Duration::from_millis(20),
        ),
    ] {
        wechat.instead(LOGIN, answer);
        let began = Instant::now();
        sign_in(&server, &json!({"code": "c1"})).await.assert_problem(503, "wechat_unavailable");
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
    let line = "orderbell_wechat_calls_total{call=\"login\",result=\"unavailable\"}";
    assert_eq!(server.metric(line).await, 3);
    drop(wechat);
    sign_in(&server, &json!({"code": "c1"})).await.assert_problem(503, "wechat_unavailable");
    server.stop().await;
}
