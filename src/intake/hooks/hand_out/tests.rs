//! Tokens are handed out to who knows account and password, and to nobody else.
//! What is handed out is taken by the verifier until its end.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::super::{Ack, AgeRule, HookKeys, HookProfile, HookRequest};
use super::HandOut;
use crate::domain::{EpochMs, HookVerdict, Kinds};

const HOOK: &str = "crmeb-aaaaaaaaaaaaaaaaaaaa";
const NOW: EpochMs = EpochMs(1_772_339_405_000);

fn profile() -> HookProfile {
    let profile = json!({
        "map": {"kind": "'order.paid'"},
        "verify": [{"scheme": "token", "in": "query.pushToken", "issued": true}],
        "token": {"account": "body.push_account", "password": "body.push_password", "ttl_s": 7200,
            "body": r#"{"code":0,"token":{{ token|tojson }},"time":{{ ttl_s }}}"#,
            "refused": r#"{"code":400,"msg":"wrong"}"#},
    });
    HookProfile::compile(&profile, &Kinds::embedded().unwrap()).map_err(|error| error.to_string()).unwrap()
}

fn keys() -> HookKeys {
    let secret = |text: &str| text.as_bytes().to_vec();
    let secrets = BTreeMap::from([
        ("secret".to_owned(), vec![secret("signing-secret")]),
        ("password".to_owned(), vec![secret("new"), secret("old")]),
    ]);
    let params =
        [("account", "shop"), ("hook", HOOK)].map(|(name, value)| (name.to_owned(), value.to_owned()));
    HookKeys { secrets, params: Arc::new(params.into()) }
}

fn request<'a>(query: &'a str, headers: &'a HeaderMap, body: &'a str) -> HookRequest<'a> {
    let url = "https://hook.example.com/in/x";
    HookRequest { method: &Method::POST, url, query, headers, body: body.as_bytes(), event: None, peer: None }
}

fn asked(body: &str, keys: &HookKeys) -> HandOut {
    profile().hand_out(HOOK, &request("", &HeaderMap::new(), body), keys, NOW).unwrap()
}

#[test]
fn a_token_that_was_handed_out_opens_the_hook_for_its_life() {
    let body = r#"{"push_account":"shop","push_password":"old"}"#;
    let HandOut::Granted(Ack { status, body: Some(body), .. }) = asked(body, &keys()) else { panic!() };
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &answer["code"], &answer["time"]), (200, &json!(0), &json!(7200)));
    let query = format!("pushToken={}", answer["token"].as_str().unwrap());
    let headers = HeaderMap::new();
    let verdict =
        |at: i64| profile().read(&request(&query, &headers, "{}"), &keys(), AgeRule::At(EpochMs(at))).verdict;
    assert_eq!(verdict(NOW.0), HookVerdict::Mapped);
    assert_eq!(verdict(NOW.0 + 7_300_000), HookVerdict::Refused);
}

#[test]
fn wrong_account_or_password_is_answered_in_the_senders_words() {
    let refused = HandOut::Refused(Ack {
        status: 401,
        content_type: "application/json".to_owned(),
        body: Some(r#"{"code":400,"msg":"wrong"}"#.to_owned()),
    });
    for body in [
        r#"{"push_account":"shop","push_password":"wrong"}"#,
        r#"{"push_account":"other","push_password":"new"}"#,
        r#"{"push_account":"shop","push_password":""}"#,
        r#"{"push_account":"shop","push_password":["new"]}"#,
        r#"{"push_account":"shop"}"#,
        "{}",
        "",
        "{",
    ] {
        assert_eq!(asked(body, &keys()), refused, "{body}");
    }
    let right = r#"{"push_account":"shop","push_password":"new"}"#;
    for missing in ["secret", "password"] {
        let mut keys = keys();
        keys.secrets.remove(missing);
        assert_eq!(asked(right, &keys), refused, "{missing}");
    }
    // No account and no password are no way in.
    let nothing = HookKeys { secrets: keys().secrets, params: Arc::default() };
    assert_eq!(asked(r#"{"push_account":"","push_password":"new"}"#, &nothing), refused);
}

#[test]
fn who_hands_out_no_tokens_says_so() {
    let plain = json!({"map": {"kind": "'order.paid'"}});
    let plain = HookProfile::compile(&plain, &Kinds::embedded().unwrap()).map_err(|e| e.to_string()).unwrap();
    assert_eq!(plain.hand_out(HOOK, &request("", &HeaderMap::new(), "{}"), &keys(), NOW), None);
}
