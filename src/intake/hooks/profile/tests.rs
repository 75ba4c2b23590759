//! Profiles are read strictly, merged over a preset, and refused with their place.
//! What is wrong in an expression is told with its line and column.

use serde_json::{Value, json};

use super::HookProfile;
use crate::domain::Kinds;

fn compile(profile: &Value) -> Result<HookProfile, (&'static str, String, String)> {
    let compiled = HookProfile::compile(profile, &Kinds::embedded().unwrap());
    compiled.map_err(|error| (error.error, error.pointer, error.detail))
}

/// The profile with this member set, at a pointer whose parents are made.
fn with(pointer: &str, value: Value) -> Value {
    let mut profile = json!({"map": {"kind": "body.kind"}});
    let mut place = &mut profile;
    for step in pointer.split('/').skip(1) {
        place = &mut place[step];
    }
    *place = value;
    profile
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (pointer, value, error, at) in [
        ("/titel", json!("x"), "unknown_member", "/titel"),
        ("/title", json!(5), "wrong_type", "/title"),
        ("/title", json!("x".repeat(101)), "out_of_range", "/title"),
        ("/about/sauce", json!("x"), "unknown_member", "/about/sauce"),
        ("/zone", json!("Nowhere/City"), "bad_value", "/zone"),
        ("/coord", json!("mercator"), "bad_value", "/coord"),
        ("/methods", json!(["PUT"]), "bad_value", "/methods/0"),
        ("/answer_within_ms", json!(5), "out_of_range", "/answer_within_ms"),
        ("/params/dev_id/kind", json!("x"), "unknown_member", "/params/dev_id/kind"),
        ("/params/a-b", json!({}), "bad_value", "/params/a-b"),
        ("/params/key", json!({"secret": true, "default": "x"}), "bad_value", "/params/key/default"),
        ("/verify", json!([{"scheme": "magic"}]), "bad_value", "/verify/0/scheme"),
        ("/decode/format", json!("yaml"), "bad_value", "/decode/format"),
        ("/tables/riders", json!({"a": []}), "wrong_type", "/tables/riders/a"),
        ("/tables/riders", json!("a"), "wrong_type", "/tables/riders"),
        ("/event", json!("headers["), "bad_expression", "/event"),
        ("/probe", json!("body.x =="), "bad_expression", "/probe"),
        ("/items", json!("body.x|unheard_of"), "bad_expression", "/items"),
        ("/when", json!("nobody.x"), "bad_expression", "/when"),
        ("/map", json!({}), "missing_member", "/map/kind"),
        ("/map", Value::Null, "missing_member", "/map"),
        ("/map/occurred_at", json!("body.x"), "unknown_member", "/map/occurred_at"),
        ("/map/order/number", json!("body.x"), "unknown_member", "/map/order/number"),
        ("/map/order/merchant/lat", json!("body.x | nothing"), "bad_expression", "/map/order/merchant/lat"),
        ("/map/target/near", json!("body.x"), "unknown_member", "/map/target/near"),
        ("/map/target/groups", json!(["body.a", "body."]), "bad_expression", "/map/target/groups/1"),
        ("/map/alert/text", json!("{{ body.x "), "bad_expression", "/map/alert/text"),
        ("/map/alert/vars", json!({"a/b": "body.("}), "bad_expression", "/map/alert/vars/a~1b"),
        ("/map/ext", json!(vec![1; 101]), "out_of_range", "/map/ext"),
        ("/kinds/20", json!("order.unheard_of"), "unknown_kind", "/kinds/20"),
        ("/target", json!({"groups": []}), "bad_value", "/target"),
        ("/target", json!({"riders": ["a b"]}), "bad_value", "/target/riders/0"),
        ("/target", json!({"near": {}}), "unknown_member", "/target/near"),
        ("/ack/status", json!(404), "out_of_range", "/ack/status"),
        ("/ack/content_type", json!("text/html"), "bad_value", "/ack/content_type"),
        ("/ack/body", json!("{{ body.x"), "bad_expression", "/ack/body"),
        ("/ack/body", json!("x".repeat(8_193)), "out_of_range", "/ack/body"),
        ("/ack/variants", json!([{"body": "x"}]), "missing_member", "/ack/variants/0/when"),
        ("/ack/error", json!({"status": 200}), "missing_member", "/ack/error/body"),
        ("/ack/error", json!({"status": 100, "body": ""}), "out_of_range", "/ack/error/status"),
        ("/ack/probe/boddy", json!("x"), "unknown_member", "/ack/probe/boddy"),
        (
            "/token",
            json!({"account": "body.a", "password": "body.b", "body": "x"}),
            "missing_member",
            "/token/refused",
        ),
        ("/token", json!({"account": "body.a"}), "missing_member", "/token/password"),
        ("/keep", json!(["body..a"]), "bad_value", "/keep/0"),
        ("/redact", json!("body.a"), "wrong_type", "/redact"),
    ] {
        let profile = with(pointer, value);
        let Err((word, place, detail)) = compile(&profile) else { panic!("{profile}") };
        assert_eq!((word, place.as_str()), (error, at), "{profile}: {detail}");
        assert!(!detail.is_empty());
        if error == "bad_expression" {
            assert!(detail.starts_with("line 1, column "), "{detail}");
        }
    }
    assert_eq!(compile(&json!([])).err().unwrap().0, "wrong_type");
}

#[test]
fn a_fault_is_found_in_the_line_where_it_stands() {
    let (_, _, detail) = compile(&with("/when", json!("body.a == 1\n  and body.b | nothing"))).err().unwrap();
    assert!(detail.starts_with("line 2, column "), "{detail}");
}

#[test]
fn a_profile_that_is_too_large_is_refused() {
    let table: serde_json::Map<String, Value> =
        (0..4_000).map(|row| (format!("rider-{row}"), json!("x".repeat(40)))).collect();
    let (error, pointer, _) = compile(&with("/tables/riders", Value::Object(table))).err().unwrap();
    assert_eq!((error, pointer.as_str()), ("out_of_range", ""));
}

/// A profile that says all that may be said.
const EVERYTHING: &str = r#"
        title = "达达"
        zone = "Asia/Shanghai"
        coord = "bd09"
        methods = ["POST", "GET"]
        answer_within_ms = 2000
        event = "headers['x-topic']"
        probe = "body.test == true"
        items = "body.orders"
        when = "item.kind != 'noise'"
        keep = ["body.shop.phone"]
        redact = ["door_code"]
        tables.riders = { "13000000002" = "r_17", "13000000003" = 18 }
        [about]
        source = "https://example.com"
        covers = "orders"
        not_covered = "refunds"
        setup = "1. Log in"
        [params.dev_id]
        about = "The developer's id"
        required = true
        [params.zone]
        default = "north"
        [params.key]
        secret = true
        [[verify]]
        scheme = "hmac"
        hash = "sha256"
        over = "{body}"
        encoding = "hex"
        in = "header.X-Signature"
        [decode]
        format = "json"
        embedded_json = ["message"]
        [map]
        id = "'dada:' ~ item.id"
        kind = "item.status"
        changed_at = "item.at"
        called_at = "body.at"
        rider = "tables.riders[item.phone]"
        station = "item.shop"
        order.id = "item.id"
        order.merchant.location = { lat = "item.lat", lng = "item.lng" }
        target.groups = ["params.zone"]
        alert.vars.times = "item.n"
        [kinds]
        "1" = "order.available"
        default = "ignore"
        [target]
        groups = ["station-1"]
        [ack]
        body = '{"status":"ok"}'
        [[ack.variants]]
        when = "body.Event == 'add'"
        body = "success"
        content_type = "text/plain"
        [ack.probe]
        body = "{{ query.echostr }}"
        [ack.error]
        status = 0
        body = '{"code":{{ error.status }},"msg":{{ error.message|tojson }}}'
        [ack.busy]
        status = 200
        [token]
        account = "body.push_account"
        password = "body.push_password"
        ttl_s = 7200
        body = '{"code":0,"token":{{ token|tojson }},"time":{{ ttl_s }}}'
        refused = '{"code":400,"msg":"no"}'
    "#;

#[test]
fn everything_a_profile_may_say_is_understood() {
    let profile =
        compile(&HookProfile::of_toml(EVERYTHING).unwrap()).map_err(|error| format!("{error:?}")).unwrap();
    assert_eq!(profile.title(), Some("达达"));
    assert_eq!(profile.about().unwrap().not_covered.as_deref(), Some("refunds"));
    assert_eq!(profile.answer_within_ms(), Some(2_000));
    assert!(profile.takes_get() && profile.token().is_some() && profile.verifier().signs());
    let wishes: Vec<(&str, bool, bool)> =
        profile.params().iter().map(|wish| (wish.name.as_str(), wish.secret, wish.required)).collect();
    assert_eq!(wishes, [("dev_id", false, true), ("key", true, false), ("zone", false, false)]);
    let filled = profile.with_defaults([("dev_id".to_owned(), "7".to_owned())].into());
    assert_eq!(
        filled,
        [("dev_id".to_owned(), "7".to_owned()), ("zone".to_owned(), "north".to_owned())].into()
    );
    assert_eq!((profile.keep().len(), profile.redact().len()), (1, 1));
}

#[test]
fn null_is_absent() {
    let mut profile = with("/when", Value::Null);
    profile["map"]["order"] = json!({"id": null});
    profile["kinds"] = json!({"1": null});
    assert!(compile(&profile).is_ok());
}
