//! What an event may say and what it may not, each refusal with its word and its place.

use serde_json::{Value, json};

use crate::domain::target::DutyRule;
use crate::domain::{Arbiter, Kinds, Mode, Urgency};
use crate::intake::InputError;
use crate::intake::{ParsedEvent, parse_event};

fn parse(text: &str) -> Result<ParsedEvent, InputError> {
    let kinds = Kinds::embedded().unwrap();
    parse_event(text.as_bytes(), &kinds, || "fresh".parse().unwrap())
}

/// A small good event with one member changed.
fn with(pointer: &str, value: Value) -> Value {
    let mut event = json!({"kind": "order.new", "target": {"riders": ["r1"]}, "order": {}, "alert": {}, "offer": {"mode": "ack"}});
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    event.pointer_mut(parent).unwrap()[name] = value;
    event
}

#[test]
fn the_whole_canonical_event_is_read() {
    let text = r#"{
     "id": "evt-1", "kind": "order.offered", "occurred_at": "2026-03-01T12:30:05+08:00",
     "order": {"id":"M20260301000017","version":1772339405,"short_no":"17","platform":"meituan","status":"dispatched",
       "merchant":{"id":"m_42","name":"测试面馆","address":"测试路1号","location":{"lat":31.2304,"lng":121.4737,"coord":"gcj02"}},
       "dropoff":{"area":"测试小区","location":{"lat":31.24,"lng":121.48,"coord":"gcj02"},"phone_tail":"0006"},
       "distance_m":1200,"fee_cents":580,"items":2,"promised_at":"2026-03-01T13:05:00+08:00","ready_at":null,"note":"少放辣","reason":null},
     "previous_rider_id": null,
     "target": {"riders":["r_1001"],"groups":[],"near":null,"broadcast":false,"exclude":[],"on_duty":true},
     "offer": {"mode":"assign","timeout_s":30,"arbiter":"backend","ladder":[{"after_s":10,"do":"repeat"}]},
     "alert": {"urgency":null,"template":null,"text":null,"vars":{},"lang":null,"ttl_s":null,"repeat":null,"collapse_key":null,"supersede":true},
     "callback_url": null, "ext": {"a":[1]}
    }"#;
    let event = parse(text).unwrap().event;
    let order = event.order.unwrap();
    assert_eq!((event.id.as_str(), event.occurred_at.unwrap().0), ("evt-1", 1_772_339_405_000));
    assert_eq!(order.merchant_id.as_deref(), Some("m_42"));
    assert_eq!((order.merchant.as_deref(), order.phone_tail.as_deref()), (Some("测试面馆"), Some("0006")));
    let offer = event.offer.unwrap();
    assert_eq!((offer.mode, offer.arbiter), (Mode::Assign, Some(Arbiter::Backend)));
    assert_eq!(offer.ladder.unwrap().steps()[0].act.word(), "repeat");
    assert_eq!(event.target.duty, DutyRule::OnDutyOnly);
    assert_eq!(event.ext["a"][0], 1);
}

#[test]
fn ids_given_as_numbers_are_kept_exactly_or_refused() {
    let big = r#"{"id":900719925474099312,"kind":"order.new","order":{"id":18446744073709551615},"target":{"riders":[1001]}}"#;
    let event = parse(big).unwrap().event;
    assert_eq!(event.id.as_str(), "900719925474099312");
    assert_eq!(event.order.unwrap().id.unwrap().as_str(), "18446744073709551615");
    assert_eq!(event.target.riders[0].as_str(), "1001");
    let wider = big.replace("900719925474099312", "123456789012345678901");
    assert_eq!(parse(&wider).unwrap_err().error, "number_too_large");
    let fraction = big.replace("900719925474099312", "1.0");
    let error = parse(&fraction).unwrap_err();
    assert_eq!((error.error, error.pointer.as_deref()), ("wrong_type", Some("/id")));
}

#[test]
fn an_event_without_an_id_gets_a_fresh_one() {
    assert_eq!(
        parse(r#"{"kind":"order.new","target":{"broadcast":true}}"#).unwrap().event.id.as_str(),
        "fresh"
    );
}

#[test]
fn overrides_are_read_within_their_bounds() {
    let text = r#"{"kind":"announcement","target":{"groups":["g"],"on_duty":false},"alert":{"urgency":3,
        "text":" 今日有雨 ","lang":"yue","ttl_s":60,"repeat":{"count":5,"gap_ms":0},"vars":{"n":3}}}"#;
    let event = parse(text).unwrap().event;
    let overrides = event.overrides;
    assert_eq!((overrides.urgency, overrides.ttl_s), (Some(Urgency::Critical), Some(60)));
    assert_eq!((overrides.repeat_count, overrides.repeat_gap_ms), (Some(5), Some(0)));
    assert_eq!((overrides.text.as_deref(), event.target.duty), (Some("今日有雨"), DutyRule::Anyone));
}

#[test]
fn every_refusal_names_its_member() {
    let long = "长".repeat(121);
    let many: Vec<u32> = (0..1001).collect();
    let cases = [
        ("/kind", json!("order.unheard_of"), "unknown_kind"),
        ("/kind", json!(7), "wrong_type"),
        ("/kind", Value::Null, "missing_member"),
        ("/colour", json!("blue"), "unknown_member"),
        ("/order/colour", json!("blue"), "unknown_member"),
        ("/target/station", json!("s"), "unknown_member"),
        ("/id", json!(""), "bad_id"),
        ("/id", json!("a b"), "bad_id"),
        ("/id", json!({}), "wrong_type"),
        ("/id", json!("x".repeat(129)), "bad_id"),
        ("/target", Value::Null, "missing_member"),
        ("/target", json!([]), "wrong_type"),
        ("/target/riders", json!("r1"), "wrong_type"),
        ("/target/riders", json!(many), "too_many"),
        ("/target/near", json!({"lat": 1}), "not_supported"),
        ("/target/on_duty", json!("yes"), "wrong_type"),
        ("/order/fee_cents", json!(-1), "out_of_range"),
        ("/order/fee_cents", json!(5.8), "wrong_type"),
        ("/order/distance_m", json!("1200"), "wrong_type"),
        ("/order/promised_at", json!("2026-03-01 13:05"), "bad_time"),
        ("/order/promised_at", json!(-1), "bad_time"),
        ("/occurred_at", json!("yesterday"), "bad_time"),
        ("/alert/text", json!(long), "too_long"),
        ("/alert/urgency", json!(4), "out_of_range"),
        ("/alert/ttl_s", json!(86_401), "out_of_range"),
        ("/alert/ttl_s", json!(0), "out_of_range"),
        ("/alert/repeat", json!({"count": 21}), "out_of_range"),
        ("/alert/vars", json!({"v": "x".repeat(2100)}), "too_long"),
        ("/ext", json!({"v": "x".repeat(2100)}), "too_long"),
        ("/ext", json!([]), "wrong_type"),
        ("/offer/mode", json!("auction"), "unknown_value"),
        ("/callback_url", json!("file:///etc/passwd"), "bad_url"),
        ("/callback_url", json!("not a url"), "bad_url"),
    ];
    for (pointer, value, word) in cases {
        let error = parse(&with(pointer, value.clone()).to_string()).unwrap_err();
        assert_eq!(error.error, word, "{pointer} = {value}");
        assert!(error.pointer.as_deref().unwrap().starts_with(pointer), "{pointer}: {error}");
    }
}

#[test]
fn places_inside_lists_and_objects_are_exact() {
    let cases = [
        (with("/target/riders", json!(["r1", "a b"])), "/target/riders/1", "bad_id"),
        (with("/target/riders", json!([])), "/target", "empty_target"),
        (with("/order/dropoff", json!({"phone_tail": "12a4"})), "/order/dropoff/phone_tail", "bad_value"),
        (with("/order/merchant", json!({"name": 7})), "/order/merchant/name", "wrong_type"),
        (with("/alert/repeat", json!({"times": 2})), "/alert/repeat/times", "unknown_member"),
    ];
    for (event, pointer, word) in cases {
        let error = parse(&event.to_string()).unwrap_err();
        assert_eq!((error.pointer.as_deref(), error.error), (Some(pointer), word));
    }
}

#[test]
fn the_hash_knows_no_white_space_and_no_order_of_members() {
    let one = parse(r#"{"kind":"order.new","target":{"riders":["r1"]}}"#).unwrap().body_hash;
    let same = parse("{ \"target\" : {\"riders\":[\"r1\"]},\n \"kind\":\"order.new\"}").unwrap().body_hash;
    let other = parse(r#"{"kind":"order.new","target":{"riders":["r2"]}}"#).unwrap().body_hash;
    assert_eq!(one, same);
    assert_ne!(one, other);
}
