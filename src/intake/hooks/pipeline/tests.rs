//! A request from its bytes to its verdict: probes, refusals, several items, and what cannot be read.
//! Nothing that is sent makes it fail or panic.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use http::{HeaderMap, Method};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{AckKind, AgeRule, HookEvent, HookKeys, HookProfile, HookRequest, ItemReading, Reading};
use crate::domain::{HookVerdict, Kinds};

fn profile(profile: &Value) -> HookProfile {
    HookProfile::compile(profile, &KINDS).map_err(|error| error.to_string()).unwrap()
}

fn keys() -> HookKeys {
    let secrets = BTreeMap::from([("secret".to_owned(), vec![b"top".to_vec()])]);
    let params = BTreeMap::from([("shop".to_owned(), "s1".to_owned())]);
    HookKeys { secrets, params: Arc::new(params) }
}

fn request<'a>(
    method: &'a Method,
    query: &'a str,
    headers: &'a HeaderMap,
    body: &'a [u8],
) -> HookRequest<'a> {
    HookRequest {
        method,
        url: "https://hook.example.com/in/x",
        query,
        headers,
        body,
        event: None,
        peer: None,
    }
}

fn read(profile: &HookProfile, body: &str) -> Reading {
    profile.read(&request(&Method::POST, "", &HeaderMap::new(), body.as_bytes()), &keys(), AgeRule::Any)
}

fn events(reading: &Reading) -> Vec<&HookEvent> {
    let events = reading.items.iter().filter_map(|item| match item {
        ItemReading::Event(event) => Some(&**event),
        ItemReading::Ignored { .. } | ItemReading::Filtered | ItemReading::Unmapped { .. } => None,
    });
    events.collect()
}

fn plain() -> Value {
    json!({
        "map": {"kind": "body.status", "order": {"id": "body.order_id"}, "rider": "body.rider"},
        "kinds": {"20": "order.assigned", "99": "ignore"},
        "when": "body.noise is not defined",
        "probe": "body.test == true",
    })
}

#[test]
fn each_request_has_its_verdict() {
    let profile = profile(&plain());
    for (body, verdict, reason) in [
        (r#"{"status":20,"order_id":1}"#, HookVerdict::Mapped, ""),
        (r#"{"status":99,"order_id":1}"#, HookVerdict::Ignored, "ignored"),
        (r#"{"status":98,"order_id":1}"#, HookVerdict::Ignored, "unknown_status"),
        (r#"{"status":"","order_id":1}"#, HookVerdict::Ignored, "ignored"),
        (r#"{"status":20,"noise":1}"#, HookVerdict::Filtered, ""),
        (r#"{"status":20,"test":true}"#, HookVerdict::Probe, ""),
        (r#"{"order_id":1}"#, HookVerdict::Unmapped, "no_kind"),
        (r#"{"status":[20]}"#, HookVerdict::Unmapped, "bad_kind"),
        ("[5]", HookVerdict::Unmapped, "no_kind"),
        ("", HookVerdict::Probe, ""),
        (" \r\n", HookVerdict::Probe, ""),
        ("{", HookVerdict::Unreadable, "malformed_json"),
    ] {
        let reading = read(&profile, body);
        assert_eq!((reading.verdict, reading.reason.as_str()), (verdict, reason), "{body}");
        assert_eq!(events(&reading).len(), usize::from(verdict == HookVerdict::Mapped), "{body}");
    }
}

#[test]
fn a_call_without_a_body_is_a_probe_unless_the_profile_takes_it() {
    let headers = HeaderMap::new();
    let asking = profile(&plain());
    let mut taking = plain();
    taking["methods"] = json!(["GET", "POST"]);
    let taking = profile(&taking);
    for (profile, method, query, verdict) in [
        (&asking, Method::GET, "", HookVerdict::Probe),
        (&asking, Method::GET, "status=20&order_id=1", HookVerdict::Probe),
        (&asking, Method::HEAD, "status=20", HookVerdict::Probe),
        (&taking, Method::GET, "", HookVerdict::Probe),
        (&taking, Method::HEAD, "status=20", HookVerdict::Probe),
        (&taking, Method::POST, "status=20", HookVerdict::Probe),
        (&taking, Method::GET, "status=20&order_id=1", HookVerdict::Mapped),
    ] {
        let reading = profile.read(&request(&method, query, &headers, b""), &keys(), AgeRule::Any);
        assert_eq!(reading.verdict, verdict, "{method} {query}");
    }
    let by_get =
        taking.read(&request(&Method::GET, "status=20&order_id=1", &headers, b""), &keys(), AgeRule::Any);
    assert_eq!(events(&by_get)[0].canonical["order"]["id"], "1");
}

#[test]
fn what_is_not_its_senders_is_refused_before_it_is_read() {
    let mut signed = plain();
    signed["verify"] = json!([{"scheme": "bearer"}]);
    let signed = profile(&signed);
    for body in ["{", r#"{"status":20,"test":true}"#, r#"{"status":20}"#] {
        let reading = read(&signed, body);
        assert_eq!((reading.verdict, reading.forbidden), (HookVerdict::Refused, false), "{body}");
        assert!(!reading.reason.is_empty() && reading.items.is_empty() && reading.body.is_null(), "{body}");
    }
    // Whoever asks whether we are here needs no credentials.
    assert_eq!(read(&signed, "").verdict, HookVerdict::Probe);
    let headers = HeaderMap::from_iter([(http::header::AUTHORIZATION, "Bearer top".parse().unwrap())]);
    let right =
        signed.read(&request(&Method::POST, "", &headers, br#"{"status":20}"#), &keys(), AgeRule::Any);
    assert_eq!(right.verdict, HookVerdict::Mapped);
}

#[test]
fn a_call_that_wants_an_echo_must_be_signed_where_the_query_is() {
    let mut echo = plain();
    echo["verify"] = json!([{"scheme": "digest", "hash": "sha1", "over": "{params}", "encoding": "hex",
        "in": "query.signature",
        "params": {"from": "query", "fields": ["timestamp", "nonce"], "sort": "value", "pair": "{value}", "join": "",
            "secret_as": "value"}}]);
    echo["ack"] = json!({"probe": {"body": "{{ query.echostr }}", "content_type": "text/plain"}});
    let echo = profile(&echo);
    let headers = HeaderMap::new();
    let wrong = "signature=00&timestamp=1&nonce=2&echostr=hello";
    let reading = echo.read(&request(&Method::GET, wrong, &headers, b""), &keys(), AgeRule::Any);
    assert_eq!(reading.verdict, HookVerdict::Refused);
    let nothing = echo.read(&request(&Method::GET, "", &headers, b""), &keys(), AgeRule::Any);
    assert_eq!(nothing.verdict, HookVerdict::Probe);
}

#[test]
fn the_items_of_a_body_are_judged_each_by_itself() {
    let list = profile(&json!({
        "items": "body.orders",
        "when": "item.kind != 'noise'",
        "map": {"kind": "item.status", "order": {"id": "item.id", "short_no": "index"}},
        "kinds": {"20": "order.assigned", "99": "ignore"},
    }));
    let body = json!({"orders": [{"id": 1, "status": 20}, {"id": 2, "status": 99}, {"kind": "noise"}, {"id": 3},
        "text", 5, null, {"id": 1, "status": "20"}, {"id": 4, "status": 20.0}]});
    let reading = read(&list, &body.to_string());
    assert_eq!(reading.verdict, HookVerdict::Mapped);
    let words: Vec<&str> = reading.items.iter().map(word).collect();
    assert_eq!(
        words,
        ["event", "ignored", "filtered", "no_kind", "no_kind", "no_kind", "no_kind", "event", "event"]
    );
    let ids: Vec<&Value> = events(&reading).iter().map(|event| &event.canonical["id"]).collect();
    assert_eq!(ids, ["1:20:-:-", "1:20:-:-", "4:20:-:-"], "a repeat within a body is the same event");
    assert_eq!(events(&reading)[2].canonical["order"]["short_no"], "8");
}

fn word(item: &ItemReading) -> &'static str {
    match item {
        ItemReading::Event(_) => "event",
        ItemReading::Ignored { .. } => "ignored",
        ItemReading::Filtered => "filtered",
        ItemReading::Unmapped { error, .. } => error,
    }
}

#[test]
fn items_that_are_no_list_or_too_many_are_told() {
    let mut list = plain();
    list["items"] = json!("body.orders");
    let list = profile(&list).with_items_max(2);
    for (body, verdict, reason) in [
        (json!({"orders": "x"}), HookVerdict::Unmapped, "no_items"),
        (json!({"orders": {"status": 20}}), HookVerdict::Unmapped, "no_kind"),
        (json!({}), HookVerdict::Unmapped, "no_items"),
        (json!({"orders": []}), HookVerdict::Ignored, "no_items"),
        (json!({"orders": [1, 2, 3]}), HookVerdict::Unreadable, "too_many"),
        (json!({"orders": [1, 2]}), HookVerdict::Unmapped, "no_kind"),
    ] {
        let reading = read(&list, &body.to_string());
        assert_eq!((reading.verdict, reading.reason.as_str()), (verdict, reason), "{body}");
    }
}

#[test]
fn an_expression_that_fails_is_the_verdict_and_no_failure() {
    let mut broken = plain();
    broken["when"] = json!("(body.n + body.order_id) == 1");
    let reading = read(&profile(&broken), r#"{"status":20,"n":{},"order_id":1}"#);
    assert_eq!((reading.verdict, reading.reason.as_str()), (HookVerdict::Unmapped, "bad_when"));
    // A probe that cannot be told is none.
    let mut broken = plain();
    broken["probe"] = json!("(body.n + body.order_id) == 1");
    let reading = read(&profile(&broken), r#"{"status":20,"n":{},"order_id":1}"#);
    assert_eq!(reading.verdict, HookVerdict::Mapped);
}

#[test]
fn the_events_name_is_the_paths_or_what_the_profile_says() {
    let named = profile(&json!({"event": "headers['x-topic']", "map": {"kind": "event"}}));
    let headers = HeaderMap::from_iter([(
        "x-topic".parse::<http::HeaderName>().unwrap(),
        "order.paid".parse().unwrap(),
    )]);
    let by_header = request(&Method::POST, "", &headers, b"{}");
    let by_path = HookRequest { event: Some("order.urged"), ..by_header };
    for (request, kind) in [(by_header, "order.paid"), (by_path, "order.urged")] {
        let reading = named.read(&request, &keys(), AgeRule::Any);
        assert_eq!(events(&reading)[0].canonical["kind"], kind);
        assert_eq!(reading.event, kind);
    }
}

#[test]
fn parameters_and_tables_are_seen() {
    let asking = profile(&json!({
        "tables": {"riders": {"13000000002": "r_17", "13000000003": 18}},
        "map": {"kind": "'order.assigned'", "rider": "tables.riders[body.phone]", "target": {"groups": ["params.shop"]}},
    }));
    for (phone, rider) in [("13000000002", json!("r_17")), ("13000000003", json!("18"))] {
        let reading = read(&asking, &json!({ "phone": phone }).to_string());
        assert_eq!(events(&reading)[0].canonical["target"], json!({"riders": [rider], "groups": ["s1"]}));
    }
}

/// Any JSON of a few levels, with the names that the profiles below look at.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        prop_oneof!["20", "order.paid", "2026-03-01 12:28:05", "31.2", "r 1"].prop_map(Value::from),
        prop_oneof![Just(20), Just(1_772_339_405)].prop_map(Value::from),
    ];
    let name =
        prop_oneof!["status", "id", "at", "place", "lat", "lng", "riders", "offer", "mode", "note", ".{0,6}"];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Every member is asked for, of whatever is there.
fn greedy() -> HookProfile {
    profile(&json!({
        "items": "body.list or [body]", "when": "item.note != 'x'", "probe": "body.at == true", "event": "body.id",
        "map": {"id": "item.note", "kind": "item.status", "changed_at": "item.at", "called_at": "body.at",
            "rider": "item.id", "station": "item.place",
            "order": {"id": "item.id", "version": "item.at", "short_no": "item.id", "platform": "item.note", "status": "item.status",
                "merchant": {"id": "item.id", "name": "item.note", "location": "item.place", "lat": "item.lat", "lng": "item.lng"},
                "dropoff": {"area": "item.note", "phone_tail": "item.at", "location": {"lat": "item.lat", "lng": "item.lng"}},
                "distance_m": "item.lat", "fee_cents": "item.at", "items": "item.lng", "promised_at": "item.at",
                "note": "item.note", "reason": "item.riders"},
            "target": {"riders": "item.riders", "groups": ["item.id", "item.note"], "exclude": "item.riders",
                "broadcast": "item.mode", "on_duty": "item.mode"},
            "previous_rider_id": "item.id", "callback_url": "item.note", "deliver_at": "item.at",
            "offer": "item.offer", "alert": {"text": "{{ item.note }}", "vars": "item.place", "urgency": "item.lat",
                "ttl_s": "item.at", "lang": "item.id", "collapse_key": "item.note", "repeat": "item.offer"},
            "ext": "item"},
        "kinds": {"20": "order.assigned", "default": "order.updated"},
    }))
}

fn whole() -> HookProfile {
    profile(
        &json!({"map": {"kind": "'order.offered'", "order": "body", "target": "body.place", "offer": "body.offer",
        "alert": "body", "ext": "body", "rider": "body.id"}}),
    )
}

static KINDS: LazyLock<Kinds> = LazyLock::new(|| Kinds::embedded().unwrap());
static PROFILES: LazyLock<[HookProfile; 3]> = LazyLock::new(|| [greedy(), whole(), profile(&plain())]);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_made_of_any_body_is_an_event_once_it_is_for_somebody(body in any_json()) {
        for profile in &*PROFILES {
            let reading = read(profile, &body.to_string());
            for made in events(&reading) {
                let mut made = made.clone();
                if made.canonical.get("target").is_none() {
                    made.canonical["target"] = json!({"broadcast": true});
                }
                let parsed = made.parsed(&KINDS);
                prop_assert!(parsed.is_ok(), "{:?} of {}", parsed.err(), made.canonical);
            }
            let _answer = profile.ack(&reading, AckKind::Done);
            let _kept = profile.redacted(&reading);
        }
    }

    #[test]
    fn no_bytes_make_it_fall(body in prop::collection::vec(any::<u8>(), 0..200), query in ".{0,60}") {
        let headers = HeaderMap::new();
        for profile in &*PROFILES {
            for method in [Method::POST, Method::GET, Method::HEAD] {
                let reading = profile.read(&request(&method, &query, &headers, &body), &keys(), AgeRule::Any);
                let _answer = profile.ack(&reading, AckKind::Done);
            }
        }
    }
}
