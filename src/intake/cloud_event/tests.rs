//! CloudEvents in both modes: what they become, and each refusal with its place.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::domain::Kinds;
use crate::intake::{Form, InputError, Origin, ParsedEvent, Types, parse_item, parse_posted};

fn structured(body: &Value) -> Result<ParsedEvent, InputError> {
    let kinds = Kinds::embedded().unwrap();
    let types = Types { kinds: &kinds, prefix: "" };
    parse_item(Form::CloudEvent, body.to_string().as_bytes(), &types, || "fresh".parse().unwrap())
}

fn binary(headers: &[(&str, &str)], body: &str) -> Result<ParsedEvent, InputError> {
    let kinds = Kinds::embedded().unwrap();
    let types = Types { kinds: &kinds, prefix: "" };
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap()))
        .collect();
    parse_posted(Form::Json, &headers, body.as_bytes(), &types, || "fresh".parse().unwrap())
}

fn good() -> Value {
    json!({"specversion": "1.0", "id": "A-1", "source": "/shops/42", "type": "com.example.order.urged",
        "subject": "M17", "time": "2026-03-01T04:55:00Z", "datacontenttype": "application/json",
        "data": {"rider_id": "r1", "times": 2}})
}

const HEADERS: [(&str, &str); 5] = [
    ("ce-specversion", "1.0"),
    ("ce-id", "A-1"),
    ("ce-source", "/shops/42"),
    ("ce-type", "com.example.order.urged"),
    ("ce-subject", "M17"),
];

#[test]
fn both_modes_say_the_same() {
    let mut event = good();
    event["time"].take();
    let one = structured(&event).unwrap();
    let two = binary(&HEADERS, r#"{"rider_id":"r1","times":2}"#).unwrap();
    assert_eq!(one.event, two.event);
    assert_eq!(one.body_hash, two.body_hash);
    assert_eq!((one.origin, two.origin), (Origin::CloudEvent, Origin::CloudEvent));
    let event = one.event;
    assert_eq!((event.id.as_str(), event.kind.as_str()), ("/shops/42#A-1", "order.urged"));
    assert_eq!(event.order.unwrap().id.unwrap().as_str(), "M17");
    assert_eq!(event.target.riders[0].as_str(), "r1");
    assert_eq!(event.overrides.vars["times"], 2);
}

#[test]
fn data_may_be_base64_and_may_name_the_order_itself() {
    let mut event = good();
    event["data"].take();
    // {"rider_id":"r2","order_id":"o1"}
    event["data_base64"] = json!("eyJyaWRlcl9pZCI6InIyIiwib3JkZXJfaWQiOiJvMSJ9");
    let event = structured(&event).unwrap().event;
    assert_eq!(event.order.unwrap().id.unwrap().as_str(), "o1");
    assert_eq!(event.occurred_at.unwrap().0, 1_772_340_900_000);
    assert_eq!(event.target.riders[0].as_str(), "r2");
}

#[test]
fn ids_that_cannot_be_ours_are_named_by_their_digest() {
    let id = |id: &str| {
        structured(&{
            let mut event = good();
            event["id"] = json!(id);
            event
        })
        .unwrap()
        .event
        .id
    };
    let (long, spaced) = (id(&"x".repeat(200)), id("a b"));
    assert_eq!(long.as_str().len(), 67);
    assert!(long.as_str().starts_with("ce-") && spaced.as_str().starts_with("ce-"));
    assert_ne!(long, spaced);
    assert_eq!(spaced, id("a b"));
}

#[test]
fn extensions_are_let_through_and_the_trace_is_kept() {
    let mut event = good();
    event["traceparent"] = json!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    event["shop"] = json!(42);
    event["vip"] = json!(true);
    event["gone"] = Value::Null;
    let parsed = structured(&event).unwrap();
    assert_eq!(parsed.trace_parent.as_deref(), event["traceparent"].as_str());
    assert_eq!(parsed.body_hash, structured(&good()).unwrap().body_hash, "the same event on another trace");
}

#[test]
fn what_is_wrong_with_the_envelope_is_named() {
    let cases = [
        ("specversion", Value::Null, "bad_cloudevent"),
        ("specversion", json!("0.3"), "bad_cloudevent"),
        ("specversion", json!(1.0), "bad_cloudevent"),
        ("id", Value::Null, "bad_cloudevent"),
        ("id", json!(""), "bad_cloudevent"),
        ("id", json!(17), "bad_cloudevent"),
        ("id", json!("a\nb"), "bad_cloudevent"),
        ("source", Value::Null, "bad_cloudevent"),
        ("source", json!("two words"), "bad_cloudevent"),
        ("type", Value::Null, "bad_cloudevent"),
        ("type", json!(["order.new"]), "bad_cloudevent"),
        ("type", json!("com.example.order.sung"), "unknown_kind"),
        ("subject", json!(""), "bad_cloudevent"),
        ("subject", json!(17), "bad_cloudevent"),
        ("subject", json!("a b"), "bad_id"),
        ("time", json!("yesterday"), "bad_cloudevent"),
        ("time", json!(1_772_340_900), "bad_cloudevent"),
        ("datacontenttype", json!("text/xml"), "bad_cloudevent"),
        ("dataschema", json!(""), "bad_cloudevent"),
        ("data", json!("text"), "bad_cloudevent"),
        ("data", json!([1]), "bad_cloudevent"),
        ("data_base64", json!("e30="), "bad_cloudevent"),
        ("camelCase", json!("x"), "bad_cloudevent"),
        ("with-dash", json!("x"), "bad_cloudevent"),
        ("nested", json!({"a": 1}), "bad_cloudevent"),
        ("big", json!(2_147_483_648_u64), "bad_cloudevent"),
        ("half", json!(0.5), "bad_cloudevent"),
    ];
    for (name, value, word) in cases {
        let mut event = good();
        event[name] = value.clone();
        let error = structured(&event).unwrap_err();
        assert_eq!((error.error, error.pointer), (word, Some(format!("/{name}"))), "{name} = {value}");
    }
}

#[test]
fn what_is_wrong_with_the_data_is_told_where_it_stands() {
    let cases = [
        (json!({}), "missing_member", "/data/target"),
        (json!({"rider_id": "a b"}), "bad_id", "/data/rider_id"),
        (json!({"riders": ["a", "b c"]}), "bad_id", "/data/riders/1"),
        (json!({"rider_id": "r", "fee_cents": "580"}), "wrong_type", "/data/fee_cents"),
        (json!({"rider_id": "r", "area": 7}), "wrong_type", "/data/area"),
        (json!({"rider_id": "r", "order": {"colour": 1}}), "unknown_member", "/data/order/colour"),
        (json!({"rider_id": "r", "order": "M17"}), "wrong_type", "/data/order"),
        (json!({"target": {"riders": []}}), "empty_target", "/data/target"),
        (json!({"rider_id": "r", "why": "x".repeat(2100)}), "too_long", "/data"),
        (
            json!({"rider_id": "r", "alert": {"vars": {"x": "x".repeat(2100)}}}),
            "too_long",
            "/data/alert/vars",
        ),
    ];
    for (data, word, pointer) in cases {
        let mut event = good();
        event["data"] = data.clone();
        let error = structured(&event).unwrap_err();
        assert_eq!((error.error, error.pointer.as_deref()), (word, Some(pointer)), "{data}");
    }
    let mut event = good();
    event["data"].take();
    for (encoded, word) in [
        ("!", "bad_cloudevent"),
        ("W10=", "bad_cloudevent"),
        ("eyJh", "malformed_json"),
        ("e30=", "missing_member"),
    ] {
        event["data_base64"] = json!(encoded);
        let error = structured(&event).unwrap_err();
        assert_eq!((error.error, error.pointer.as_deref()), (word, Some("/data_base64")), "{encoded}");
    }
}

#[test]
fn a_header_at_fault_is_named() {
    let with = |name: &'static str, value: &'static str| {
        let others = HEADERS.into_iter().filter(|(known, _)| *known != name);
        let headers: Vec<_> = others.chain((!value.is_empty()).then_some((name, value))).collect();
        binary(&headers, r#"{"rider_id":"r1"}"#)
    };
    for (name, value, word) in [
        ("ce-specversion", "", "bad_cloudevent"),
        ("ce-id", "", "bad_cloudevent"),
        ("ce-source", "", "bad_cloudevent"),
        ("ce-type", "", "bad_cloudevent"),
        ("ce-specversion", "2.0", "bad_cloudevent"),
        ("ce-type", "order.sung", "unknown_kind"),
        ("ce-time", "now", "bad_cloudevent"),
        ("ce-subject", "a%20b", "bad_id"),
        ("ce-subject", "%zz", "bad_cloudevent"),
        ("ce-subject", "%00", "bad_cloudevent"),
        ("ce-with-dash", "x", "bad_cloudevent"),
    ] {
        let error = with(name, value).unwrap_err();
        assert_eq!((error.error, &error.pointer), (word, &None), "{name}: {value}: {error}");
        assert!(error.detail.starts_with(&format!("{name}: ")), "{error}");
    }
    let spelled = with("ce-subject", "%E8%AE%A2%E5%8D%9517").unwrap();
    assert_eq!(spelled.event.order.unwrap().id.unwrap().as_str(), "订单17");
    let decoded = with("ce-source", "/shops/42?x=1%20a").unwrap();
    assert!(decoded.event.id.as_str().starts_with("ce-"), "{}", decoded.event.id);
    let error = binary(&HEADERS, r#"{"rider_id":"r1","fee_cents":-1}"#).unwrap_err();
    assert_eq!((error.error, error.pointer.as_deref()), ("out_of_range", Some("/fee_cents")));
    assert_eq!(binary(&HEADERS, "[]").unwrap_err().error, "wrong_type");
    assert_eq!(binary(&HEADERS, "").unwrap_err().error, "missing_member");
}
