//! What senders are answered: fixed words, words of their own request, errors in their own shape.
//! A template that fails never becomes an error of ours.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::super::{AgeRule, HookKeys, HookProfile, HookRequest, Reading};
use super::{Ack, AckKind};
use crate::domain::{HookVerdict, Kinds};

fn profile(ack: Value) -> HookProfile {
    let mut profile = json!({"map": {"kind": "body.kind"}});
    profile["ack"] = ack;
    HookProfile::compile(&profile, &Kinds::embedded().unwrap()).map_err(|error| error.to_string()).unwrap()
}

fn reading(profile: &HookProfile, query: &str, body: &str) -> Reading {
    let request = HookRequest {
        method: &Method::POST,
        url: "https://hook.example.com/in/x",
        query,
        headers: &HeaderMap::new(),
        body: body.as_bytes(),
        event: None,
        peer: None,
    };
    let keys = HookKeys { secrets: BTreeMap::new(), params: Arc::default() };
    profile.read(&request, &keys, AgeRule::Any)
}

fn answer(ack: Value, body: &str, kind: AckKind) -> Ack {
    let profile = profile(ack);
    profile.ack(&reading(&profile, "echostr=hello", body), kind)
}

fn ack(status: u16, content_type: &str, body: &str) -> Ack {
    Ack { status, content_type: content_type.to_owned(), body: Some(body.to_owned()) }
}

fn error() -> AckKind {
    AckKind::Error { status: 413, code: "body_too_large", message: "too \"large\"".to_owned() }
}

fn busy() -> AckKind {
    AckKind::Busy { status: 429, code: "too_many_requests", message: "later".to_owned() }
}

#[test]
fn an_answer_is_what_the_profile_says() {
    let swapped = json!({"body": r#"{"ToUserName":{{ body.From|tojson }},"code":0}"#});
    let variants = json!({"body": "{}", "status": 202, "variants": [
        {"when": "body.x + {}", "body": "never"},
        {"when": "body.Event == 'add'", "body": "success", "content_type": "text/plain"},
        {"when": "body.Event", "body": "event {{ body.Event }}", "status": 200}]});
    let json = "application/json";
    for (said, body, kind, wanted) in [
        (Value::Null, "{}", AckKind::Done, ack(200, json, r#"{"code":0,"msg":"ok"}"#)),
        (Value::Null, "", AckKind::Probe, ack(200, json, r#"{"code":0,"msg":"ok"}"#)),
        (json!({"body": ""}), "{}", AckKind::Done, ack(200, json, "")),
        (
            json!({"content_type": "Text/Plain;charset=UTF-8", "body": "SUCCESS"}),
            "{}",
            AckKind::Done,
            ack(200, "text/plain; charset=utf-8", "SUCCESS"),
        ),
        (swapped, r#"{"From":"a\"b"}"#, AckKind::Done, ack(200, json, r#"{"ToUserName":"a\"b","code":0}"#)),
        (variants.clone(), r#"{"Event":"add"}"#, AckKind::Done, ack(202, "text/plain", "success")),
        (variants.clone(), r#"{"Event":"x"}"#, AckKind::Done, ack(200, json, "event x")),
        (variants, "{}", AckKind::Done, ack(202, json, "{}")),
        (json!({"probe": {"body": "{{ query.echostr }}"}}), "", AckKind::Probe, ack(200, json, "hello")),
        (json!({"body": "yes"}), "", AckKind::Probe, ack(200, json, "yes")),
    ] {
        assert_eq!(answer(said.clone(), body, kind), wanted, "{said} {body}");
    }
}

#[test]
fn a_template_that_fails_gives_a_good_answer_all_the_same() {
    let broken =
        json!({"body": "{{ body.a + body.b }}", "probe": {"body": "{{ body.a + body.b }}"}, "status": 201});
    let body = r#"{"a":{},"b":1}"#;
    let good = ack(201, "application/json", r#"{"code":0,"msg":"ok"}"#);
    assert_eq!(answer(broken.clone(), body, AckKind::Done), good);
    assert_eq!(answer(broken, body, AckKind::Probe), good);
    let ours = Ack { status: 413, content_type: String::new(), body: None };
    assert_eq!(answer(json!({"error": {"body": "{{ body.a + body.b }}"}}), body, error()), ours);
}

#[test]
fn an_error_has_the_senders_shape_where_it_has_one() {
    let shape = r#"{"code":{{ error.status }},"word":"{{ error.code }}","msg":{{ error.message|tojson }}}"#;
    let told = r#"{"code":413,"word":"body_too_large","msg":"too \"large\""}"#;
    let later = r#"{"code":429,"word":"too_many_requests","msg":"later"}"#;
    let json = "application/json";
    let ours = |status| Ack { status, content_type: String::new(), body: None };
    assert_eq!(answer(Value::Null, "{}", error()), ours(413));
    assert_eq!(answer(Value::Null, "{}", busy()), ours(429));
    assert_eq!(answer(json!({"error": {"body": shape}}), "{}", error()), ack(413, json, told));
    assert_eq!(answer(json!({"error": {"body": shape, "status": 200}}), "{}", error()), ack(200, json, told));
    assert_eq!(answer(json!({"error": {"body": shape}}), "{}", busy()), ack(429, json, later));
    let both = json!({"error": {"body": shape}, "busy": {"status": 503}});
    assert_eq!(answer(both, "{}", busy()), ack(503, json, later));
    assert_eq!(answer(json!({"busy": {"body": "wait"}}), "{}", error()), ours(413));
    assert_eq!(answer(json!({"busy": {"body": "wait"}}), "{}", busy()), ack(429, json, "wait"));
}

#[test]
fn a_request_that_nobody_looked_at_is_answered_as_well() {
    let profile = profile(json!({"error": {"body": "{{ body.x }}{{ error.code }}"}}));
    let unread = Reading::unread(HookVerdict::Busy, "too_many");
    assert_eq!(profile.ack(&unread, busy()).body.as_deref(), Some("too_many_requests"));
}
