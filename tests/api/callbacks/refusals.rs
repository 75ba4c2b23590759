//! What is refused, member by member: URLs that lead inside, kinds that there are not, questions that mean nothing.

use serde_json::{Value, json};

use super::{test_of, willing};
use crate::support::{QUICK, TestServer, only_target};

const TARGETS: &str = "/v1/callbacks/targets";

/// Never, whatever the operator allows.
const NEVER: [&str; 20] = [
    "https://169.254.169.254/latest/meta-data",
    "https://169.254.169.254:443/",
    "https://0251.0376.0251.0376/",
    "https://2852039166/",
    "https://[fe80::1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://0.0.0.0/",
    "https://[::]/",
    "https://255.255.255.255/",
    "https://user@backend.example.com/",
    "https://user:secret@backend.example.com/",
    "https://backend.example.com/#part",
    "https://backend.example.com\\@127.0.0.1/",
    "file:///etc/passwd",
    "ftp://backend.example.com/",
    "gopher://backend.example.com/",
    "javascript:alert(1)",
    "backend.example.com",
    "https://",
    "https:///backend.example.com",
];

/// Not unless the operator allows what is inside.
const INSIDE: [&str; 18] = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://0x7f.0.0.0x1/",
    "https://127.000.000.001/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://localhost/",
    "https://localhost./",
    "https://bell.localhost/",
    "https://10.0.0.1/",
    "https://192.168.1.1:8443/",
    "http://backend.example.com/",
    "http://backend.example.com:25/",
];

async fn assert_refused(server: &TestServer, path: &str, body: &Value, error: &str, pointer: &str) {
    let method = if path == TARGETS || path.ends_with("redeliver") { "POST" } else { "PUT" };
    let refused = server.call(method, path, body.clone()).await;
    assert_eq!(refused.json["error"], error, "{method} {path} {body}: {}", refused.json);
    refused.assert_problem(400, error);
    assert_eq!(refused.json["pointer"].as_str().unwrap_or_default(), pointer, "{body}");
}

#[tokio::test]
async fn a_url_that_leads_inside_is_refused_when_it_is_saved() {
    let server = TestServer::start("").await;
    let target = only_target(&server, "https://backend.example.com/bell").await;
    let path = format!("{TARGETS}/{target}");
    for url in NEVER.iter().chain(&INSIDE) {
        for path in [TARGETS, &path] {
            assert_refused(&server, path, &json!({"url": url}), "url_not_allowed", "/url").await;
        }
    }
    let kept = server.done("GET", TARGETS, Value::Null).await;
    assert_eq!(kept["targets"].as_array().unwrap().len(), 1);
    assert_eq!(kept["targets"][0]["url"], "https://backend.example.com/bell");
    server.stop().await;
}

#[tokio::test]
async fn what_is_inside_may_be_allowed_and_link_local_never() {
    let server = TestServer::start("[callbacks]\nallow_private = true\n").await;
    for url in NEVER {
        assert_refused(&server, TARGETS, &json!({"url": url}), "url_not_allowed", "/url").await;
    }
    for url in INSIDE {
        only_target(&server, url).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_bad_target_is_refused_with_the_member_at_fault() {
    let server = TestServer::start("").await;
    let url = "https://backend.example.com/bell";
    let many = vec!["delivery.sent"; 51];
    for (body, error, pointer) in [
        (json!({}), "missing_member", "/url"),
        (json!({"url": null}), "missing_member", "/url"),
        (json!({"url": ""}), "missing_member", "/url"),
        (json!({"url": 7}), "wrong_type", "/url"),
        (json!({"url": format!("{url}?{}", "a".repeat(2_048))}), "too_long", "/url"),
        (json!({"url": url, "secret": "s"}), "unknown_member", "/secret"),
        (json!({"url": url, "kinds": "delivery.*"}), "wrong_type", "/kinds"),
        (json!({"url": url, "kinds": []}), "out_of_range", "/kinds"),
        (json!({"url": url, "kinds": ["offer.*", 7]}), "wrong_type", "/kinds/1"),
        (json!({"url": url, "kinds": ["offer.*", "delivery.sung"]}), "unknown_callback_kind", "/kinds/1"),
        (json!({"url": url, "kinds": ["delivery"]}), "unknown_callback_kind", "/kinds/0"),
        (json!({"url": url, "kinds": ["sung.*"]}), "unknown_callback_kind", "/kinds/0"),
        (json!({"url": url, "kinds": ["**"]}), "unknown_callback_kind", "/kinds/0"),
        (json!({"url": url, "kinds": many}), "too_many", "/kinds"),
        (json!({"url": url, "batch_max": 0}), "out_of_range", "/batch_max"),
        (json!({"url": url, "batch_max": 101}), "out_of_range", "/batch_max"),
        (json!({"url": url, "batch_max": "1"}), "wrong_type", "/batch_max"),
        (json!([]), "wrong_type", ""),
    ] {
        assert_refused(&server, TARGETS, &body, error, pointer).await;
    }
    assert_eq!(server.done("GET", TARGETS, Value::Null).await, json!({"targets": []}));
    server.stop().await;
}

#[tokio::test]
async fn a_bad_period_is_refused_with_the_member_at_fault() {
    let server = TestServer::start("").await;
    let target = only_target(&server, "https://backend.example.com/bell").await;
    let path = format!("{TARGETS}/{target}/redeliver");
    let since = "2026-03-01T04:30:05Z";
    for (body, error, pointer) in [
        (json!({}), "missing_member", "/since"),
        (json!({"since": "yesterday"}), "bad_time", "/since"),
        (json!({"since": since, "until": "2026-03-01T04:30:05"}), "bad_time", "/until"),
        (json!({"since": since, "until": since}), "bad_period", ""),
        (json!({"since": since, "until": 1_772_000_000}), "bad_period", ""),
        (json!({"since": since, "kind": "delivery.*"}), "unknown_callback_kind", "/kind"),
        (json!({"since": since, "state": "waiting"}), "unknown_value", "/state"),
        (json!({"since": since, "limit": 5}), "unknown_member", "/limit"),
    ] {
        assert_refused(&server, &path, &body, error, pointer).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_question_that_means_nothing_is_refused() {
    let (server, backend) = (TestServer::start(QUICK).await, willing().await);
    let target = only_target(&server, &backend.url("/bell")).await;
    for _ in 0..2 {
        test_of(&server, &target).await;
    }
    let page = server.done("GET", "/v1/callbacks?limit=1", Value::Null).await;
    let cursor = page["next"].as_str().unwrap();
    for (query, error) in [
        ("limit=0".to_owned(), "out_of_range"),
        ("limit=201".to_owned(), "out_of_range"),
        ("limit=4294967296".to_owned(), "out_of_range"),
        ("limit=all".to_owned(), "out_of_range"),
        ("cursor=MQ".to_owned(), "bad_cursor"),
        (format!("cursor={}", &cursor[1..]), "bad_cursor"),
        (format!("cursor={cursor}&state=dead"), "bad_cursor"),
        (format!("cursor={cursor}&target={target}"), "bad_cursor"),
        ("cursor=%00".to_owned(), "bad_cursor"),
        ("state=gone".to_owned(), "unknown_value"),
        ("kind=delivery.sung".to_owned(), "unknown_callback_kind"),
        ("alert=17".to_owned(), "bad_id"),
        ("target=url:17".to_owned(), "bad_id"),
        ("since=soon".to_owned(), "bad_time"),
        ("since=1772339405&until=1772339404".to_owned(), "bad_period"),
        ("kind=%ff".to_owned(), "bad_query"),
        ("stat=dead".to_owned(), "bad_query"),
    ] {
        let refused = server.get(&format!("/v1/callbacks?{query}")).await;
        assert_eq!(refused.json["error"], error, "{query}: {}", refused.json);
        refused.assert_problem(400, error);
    }
    server.accounts().create_app("other").await.unwrap();
    let other = server.key_of("other", &[orderbell::domain::app::Scope::Read]).await;
    let path = format!("/v1/callbacks?cursor={cursor}");
    server.call_as(&other, "GET", &path, Value::Null).await.assert_problem(400, "bad_cursor");
    for id in ["cbk_1", "17", "targets%2f1"] {
        server.get(&format!("/v1/callbacks/{id}")).await.assert_problem(404, "not_found");
    }
    server.stop().await;
}
