//! Items become events as their profile says: ids, times, kinds, targets, and what is forgiven.
//! A row for each rule; what comes out is the canonical event.

use serde_json::{Value, json};

use super::super::{HookProfile, Scope};
use super::{HookEvent, ItemReading, is_member};
use crate::domain::Kinds;

fn read(profile: &Value, body: &Value) -> ItemReading {
    let profile =
        HookProfile::compile(profile, &Kinds::embedded().unwrap()).map_err(|e| e.to_string()).unwrap();
    let nothing = Value::Null;
    let scope = Scope {
        body,
        headers: &nothing,
        query: &nothing,
        event: &nothing,
        params: &nothing,
        tables: &nothing,
        item: body,
        index: 0,
        extra: &nothing,
    };
    profile.mapping.read(&scope)
}

fn event(profile: &Value, body: &Value) -> HookEvent {
    match read(profile, body) {
        ItemReading::Event(event) => *event,
        other => panic!("{other:?}"),
    }
}

/// One member of the order, mapped from `body.x`.
fn order_member(name: &str, sent: &Value) -> (Value, Vec<String>) {
    let event =
        event(&json!({"map": {"kind": "'order.paid'", "order": {name: "body.x"}}}), &json!({ "x": sent }));
    let member = event.canonical.get("order").and_then(|order| order.get(name)).cloned();
    (member.unwrap_or_default(), event.dropped)
}

#[test]
fn a_member_is_fitted_or_left_out_and_named() {
    let long = "长".repeat(600);
    for (name, sent, held) in [
        ("short_no", json!("17"), json!("17")),
        ("short_no", json!(17), json!("17")),
        ("short_no", json!(17.0), json!("17")),
        ("short_no", json!(" 1\u{7}7 "), json!("17")),
        ("short_no", json!(""), Value::Null),
        ("id", json!(820_982_911_946_154_508_u64), json!("820982911946154508")),
        ("id", json!("M1"), json!("M1")),
        ("id", json!(" M1 "), json!("M1")),
        ("note", json!("少放辣\n放前台"), json!("少放辣\n放前台")),
        ("note", json!(long), json!("长".repeat(500))),
        ("fee_cents", json!("580"), json!(580)),
        ("fee_cents", json!("4.6"), json!(5)),
        ("fee_cents", json!(579.999_999_9), json!(580)),
        ("items", json!(2.0), json!(2)),
        ("version", json!("1772339405"), json!(1_772_339_405)),
        ("promised_at", json!(0), Value::Null),
        ("promised_at", json!("0"), Value::Null),
        ("note", Value::Null, Value::Null),
    ] {
        assert_eq!(order_member(name, &sent), (held, vec![]), "{name} {sent}");
    }
    for (name, sent) in [
        ("note", json!(["a"])),
        ("note", json!(true)),
        ("id", json!({})),
        ("fee_cents", json!("many")),
        ("fee_cents", json!(-1)),
        ("items", json!("1e300")),
        ("promised_at", json!("soon")),
        ("merchant", json!("shop")),
    ] {
        let (held, dropped) = order_member(name, &sent);
        assert_eq!(held, Value::Null, "{name} {sent}");
        assert!(dropped[0].starts_with(&format!("/order/{name}: ")), "{dropped:?}");
    }
}

#[test]
fn an_order_id_that_cannot_be_one_is_hashed_and_a_riders_is_left_out() {
    let (id, dropped) = order_member("id", &json!("订单 17"));
    assert!(id.as_str().is_some_and(|id| id.starts_with("h:") && id.len() == 34), "{id}");
    assert_eq!(dropped, Vec::<String>::new());
    let profile = json!({"map": {"kind": "'order.paid'", "rider": "body.rider"}});
    for nobody in [json!(""), json!(0), json!("0"), Value::Null] {
        let event = event(&profile, &json!({ "rider": nobody }));
        assert!(event.canonical.get("target").is_none() && event.dropped.is_empty(), "{nobody}");
    }
    let bad = event(&profile, &json!({"rider": "a b"}));
    assert_eq!(bad.dropped, ["/rider: is no id"]);
}

#[test]
fn the_last_four_digits_of_a_phone_are_all_that_is_taken() {
    let profile =
        json!({"map": {"kind": "'order.paid'", "order": {"dropoff": {"phone_tail": "body.phone"}}}});
    for (phone, tail) in [
        (json!("13000000006"), json!("0006")),
        (json!(13_000_000_006_u64), json!("0006")),
        (json!("+86 130-0000-0006"), json!("0006")),
        (json!("0006"), json!("0006")),
        (json!("保密"), Value::Null),
    ] {
        let event = event(&profile, &json!({ "phone": phone }));
        let pointer = "/order/dropoff/phone_tail";
        assert_eq!(event.canonical.pointer(pointer).cloned().unwrap_or_default(), tail, "{phone}");
    }
}

#[test]
fn times_keep_the_offset_they_came_in() {
    let profile = json!({"zone": "+09:00", "map": {"kind": "'order.paid'", "changed_at": "body.at"}});
    for (sent, written) in [
        (json!(1_772_339_405), json!("2026-03-01T04:30:05Z")),
        (json!("1772339405"), json!("2026-03-01T04:30:05Z")),
        (json!(1_772_339_405_053_u64), json!("2026-03-01T04:30:05.053Z")),
        (json!("2026-03-01T12:30:05+08:00"), json!("2026-03-01T12:30:05+08:00")),
        (json!("2026-03-01 13:30:05"), json!("2026-03-01T13:30:05+09:00")),
        (json!("20260301133005"), json!("2026-03-01T13:30:05+09:00")),
        (json!("never"), Value::Null),
    ] {
        let event = event(&profile, &json!({ "at": sent }));
        assert_eq!(event.canonical.get("occurred_at").cloned().unwrap_or_default(), written, "{sent}");
    }
}

#[test]
fn the_time_of_the_call_is_no_part_of_an_id() {
    let profile = json!({"map": {"kind": "body.status", "order": {"id": "body.id"}, "rider": "body.rider",
        "changed_at": "body.changed", "called_at": "body.called"}, "kinds": {"20": "order.assigned"}});
    let base = json!({"status": 20, "id": 5, "rider": 7, "called": 1_772_339_405});
    let first = event(&profile, &base);
    assert_eq!(first.canonical["id"], "5:20:7:-");
    assert!(first.id_is_derived);
    assert_eq!(first.canonical["occurred_at"], "2026-03-01T04:30:05Z");
    assert_eq!(first.called_at.map(|at| at.0), Some(1_772_339_405_000));
    let mut again = base.clone();
    again["called"] = json!(1_772_339_999);
    assert_eq!(event(&profile, &again).canonical["id"], "5:20:7:-");
    let mut changed = base.clone();
    changed["changed"] = json!(1_772_339_400);
    let changed = event(&profile, &changed);
    assert_eq!(changed.canonical["id"], "5:20:7:1772339400000");
    assert_eq!(changed.canonical["occurred_at"], "2026-03-01T04:30:00Z");
    let mut other = base;
    other["rider"] = json!(8);
    assert_eq!(event(&profile, &other).canonical["id"], "5:20:8:-", "a reassignment is an event of its own");
}

#[test]
fn a_mapped_id_stands_unless_there_is_none() {
    let profile = json!({"map": {"id": "body.key", "kind": "'order.paid'", "order": {"id": "'o1'"}}});
    for (key, id, derived) in [
        (json!("evt 1"), None, false),
        (json!("evt-1"), Some("evt-1"), false),
        (json!(100_020_260_301_000_012_u64), Some("100020260301000012"), false),
        (json!(""), Some("o1:order.paid:-:-"), true),
        (Value::Null, Some("o1:order.paid:-:-"), true),
        (json!(["x"]), Some("o1:order.paid:-:-"), true),
    ] {
        let event = event(&profile, &json!({ "key": key }));
        assert_eq!(event.id_is_derived, derived, "{key}");
        match id {
            Some(id) => assert_eq!(event.canonical["id"], id, "{key}"),
            None => assert!(event.canonical["id"].as_str().unwrap().starts_with("h:"), "{key}"),
        }
    }
}

#[test]
fn the_default_kind_stands_in_an_id_where_there_is_no_status() {
    let profile = json!({"map": {"kind": "body.status", "order": {"id": "'o1'"}}, "kinds": {"default": "order.updated"}});
    assert_eq!(event(&profile, &json!({})).canonical["id"], "o1:order.updated:-:-");
    assert_eq!(event(&profile, &json!({"status": 5})).canonical["id"], "o1:5:-:-");
}

#[test]
fn whom_an_event_is_for_is_the_bodys_word_else_the_profiles() {
    let with = |map: Value| {
        let mut map = map;
        map["kind"] = json!("'order.paid'");
        json!({"map": map, "target": {"groups": ["station-1"], "on_duty": true}})
    };
    let body = json!({"rider": "r1", "riders": ["r1", 2, "r1", "a b", null], "group": "g1", "none": [], "yes": "1", "no": false});
    for (map, target) in [
        (json!({}), json!({"groups": ["station-1"], "on_duty": true})),
        (json!({"rider": "body.rider"}), json!({"riders": ["r1"]})),
        (json!({"rider": "body.absent"}), json!({"groups": ["station-1"], "on_duty": true})),
        (json!({"target": {"riders": "body.riders"}}), json!({"riders": ["r1", "2", "r1"]})),
        (json!({"target": {"riders": "body.none"}}), json!({"groups": ["station-1"], "on_duty": true})),
        (
            json!({"target": {"groups": ["body.group", "'g2'", "body.absent"]}}),
            json!({"groups": ["g1", "g2"]}),
        ),
        (json!({"target": {"groups": "body.group"}}), json!({"groups": ["g1"]})),
        (json!({"target": {"broadcast": "body.yes"}}), json!({"broadcast": true})),
        (json!({"target": {"broadcast": "body.no"}}), json!({"groups": ["station-1"], "on_duty": true})),
        (json!({"target": {"on_duty": false}}), json!({"groups": ["station-1"], "on_duty": false})),
        (
            json!({"rider": "body.rider", "target": {"riders": "body.riders"}}),
            json!({"riders": ["r1", "2", "r1"]}),
        ),
    ] {
        assert_eq!(event(&with(map.clone()), &body).canonical["target"], target, "{map}");
    }
}

#[test]
fn an_event_for_nobody_is_read_and_refused_only_as_an_event() {
    let kinds = Kinds::embedded().unwrap();
    for map in
        [json!({"kind": "'order.paid'"}), json!({"kind": "'order.paid'", "target": {"on_duty": false}})]
    {
        let event = event(&json!({ "map": map }), &json!({}));
        assert!(event.canonical.get("target").is_none());
        let refused = event.parsed(&kinds).unwrap_err();
        assert_eq!((refused.error, refused.pointer.as_deref()), ("empty_target", Some("/target")));
    }
}

#[test]
fn a_station_is_the_shop_else_whom_it_is_for() {
    let of = |map: Value| {
        let mut map = map;
        map["kind"] = json!("'order.paid'");
        event(&json!({ "map": map }), &json!({"shop": 7})).station
    };
    for (map, station) in [
        (json!({"station": "body.shop", "rider": "'r1'"}), Some("7")),
        (json!({"order": {"merchant": {"id": "body.shop", "name": "'面馆'"}}, "rider": "'r1'"}), Some("7")),
        (json!({"order": {"merchant": {"name": "'面馆'"}}, "rider": "'r1'"}), Some("面馆")),
        (json!({"target": {"groups": ["'g1'"], "riders": ["'r1'"]}}), Some("g1")),
        (json!({"rider": "'r1'"}), Some("r1")),
        (json!({}), None),
    ] {
        assert_eq!(of(map.clone()).as_deref(), station, "{map}");
    }
}

#[test]
fn places_become_gcj02() {
    let mapped = |coord: &str, merchant: Value, body: Value| {
        let map = json!({"kind": "'order.paid'", "order": {"merchant": merchant}});
        let event = event(&json!({"coord": coord, "map": map}), &body);
        (event.canonical.pointer("/order/merchant/location").cloned(), event.dropped)
    };
    let at = json!({"lat": "body.lat", "lng": "body.lng"});
    let near = |place: &Value, lat: f64, lng: f64| {
        let off = |name: &str, wanted: f64| (place[name].as_f64().unwrap() - wanted).abs();
        place["coord"] == "gcj02" && off("lat", lat) < 1e-4 && off("lng", lng) < 1e-4
    };
    let sent = json!({"lat": "31.230416", "lng": 121.473_701});
    let (same, _) = mapped("gcj02", json!({ "location": at }), sent.clone());
    assert_eq!(same, Some(json!({"lat": 31.230_416, "lng": 121.473_701, "coord": "gcj02"})));
    let (beside, _) = mapped("gcj02", at.clone(), sent.clone());
    assert_eq!(beside, same, "lat and lng beside the name");
    let (baidu, _) =
        mapped("bd09", json!({ "location": at }), json!({"lat": 31.236_305, "lng": 121.480_256}));
    assert!(near(&baidu.unwrap(), 31.230_4, 121.473_7));
    let (own, _) =
        mapped("bd09", json!("body.shop"), json!({"shop": {"lat": 31.0, "lng": 121.0, "coord": "gcj02"}}));
    assert!(near(&own.unwrap(), 31.0, 121.0), "what the place says of itself stands above the profile");
    for nowhere in [json!({"lat": 0, "lng": 0}), json!({}), json!({"lat": null, "lng": null})] {
        assert_eq!(mapped("gcj02", json!({ "location": at }), nowhere.clone()), (None, vec![]), "{nowhere}");
    }
    for bad in [json!({"lat": "north", "lng": 121}), json!({"lat": 310, "lng": 121})] {
        let (place, dropped) = mapped("gcj02", json!({ "location": at }), bad.clone());
        assert_eq!((place, dropped.len()), (None, 1), "{bad}");
    }
}

#[test]
fn a_body_that_holds_canonical_members_is_mapped_as_a_whole() {
    let map = json!({"kind": "body.type", "order": "body.data.order", "target": "body.data.target",
        "offer": "body.data.offer", "alert": "body.data.alert", "ext": "body.data.ext"});
    let body = json!({"type": "order.offered", "data": {
        "order": {"id": "M1", "fee_cents": "580", "platform": "meituan", "unheard_of": 1,
            "merchant": {"name": "测试面馆", "lat": 31.2304, "lng": 121.4737, "coord": "gcj02"}},
        "target": {"riders": ["r_1001"]}, "offer": {"mode": "assign", "timeout_s": "30", "ladder": [{"after_s": 10, "do": "repeat"}]},
        "alert": {"vars": {"n": 1, "gone": null}, "repeat": {"count": "2"}, "text": " 好 "}, "ext": {"a": [1]}}});
    let event = event(&json!({ "map": map }), &body);
    assert_eq!(event.dropped, Vec::<String>::new());
    let mut canonical = event.canonical.clone();
    canonical.as_object_mut().unwrap().remove("id");
    assert_eq!(
        canonical,
        json!({"kind": "order.offered", "target": {"riders": ["r_1001"]},
            "order": {"id": "M1", "fee_cents": 580, "platform": "meituan",
                "merchant": {"name": "测试面馆", "location": {"lat": 31.2304, "lng": 121.4737, "coord": "gcj02"}}},
            "offer": {"mode": "assign", "timeout_s": 30, "ladder": [{"after_s": 10, "do": "repeat"}]},
            "alert": {"vars": {"n": 1, "gone": null}, "repeat": {"count": 2}, "text": "好"}, "ext": {"a": [1]}})
    );
    let parsed = event.parsed(&Kinds::embedded().unwrap()).unwrap();
    assert_eq!(parsed.event.kind, "order.offered");
}

#[test]
fn what_would_be_refused_as_a_whole_is_left_out_and_named() {
    for (name, map, body) in [
        ("offer", json!("body.offer"), json!({"offer": {"mode": "shout"}})),
        ("offer", json!("body.offer"), json!({"offer": {"timeout_s": 5}})),
        ("offer", json!("body.offer"), json!({"offer": {"mode": "assign", "ladder": "x"}})),
        ("offer", json!({"mode": "'ack'", "arbiter": "'backend'"}), json!({})),
        ("callback_url", json!("body.url"), json!({"url": "ftp://x"})),
        ("ext", json!("body.ext"), json!({"ext": {"a": "x".repeat(3_000)}})),
    ] {
        let profile = json!({"map": {"kind": "'order.paid'", "rider": "'r1'", name: map}});
        let event = event(&profile, &body);
        assert!(event.canonical.get(name).is_none(), "{name}");
        assert!(event.dropped[0].starts_with(&format!("/{name}: ")), "{:?}", event.dropped);
        assert!(event.parsed(&Kinds::embedded().unwrap()).is_ok());
    }
}

#[test]
fn literals_templates_and_lists_are_leaves_as_well() {
    let profile = json!({"map": {"kind": "'order.paid'", "rider": "'r1'",
        "alert": {"urgency": 2, "supersede": false, "text": "第{{ body.n }}号", "vars": {"n": "body.n", "no": "body.absent"}},
        "offer": {"mode": "'assign'", "timeout_s": 30, "ladder": [{"after_s": 10, "do": "'repeat'"}]}}});
    let event = event(&profile, &json!({"n": 17}));
    assert_eq!(event.dropped, Vec::<String>::new());
    assert_eq!(
        event.canonical["alert"],
        json!({"urgency": 2, "supersede": false, "text": "第17号", "vars": {"n": 17}})
    );
    assert_eq!(event.canonical["offer"]["ladder"], json!([{"after_s": 10, "do": "repeat"}]));
}

#[test]
fn a_leaf_that_fails_costs_that_leaf_alone() {
    let profile = json!({"map": {"kind": "'order.paid'", "rider": "'r1'", "order": {"id": "body.id", "note": "body.id + body.x"},
        "alert": {"vars": {"good": "body.id", "bad": "body.id + body.x"}}}});
    let event = event(&profile, &json!({"id": "o1", "x": {}}));
    assert_eq!(event.canonical["order"], json!({"id": "o1"}));
    assert_eq!(event.canonical["alert"]["vars"], json!({"good": "o1"}));
    let places: Vec<&str> = event.dropped.iter().filter_map(|line| line.split(": ").next()).collect();
    assert_eq!(places, ["/order/note", "/alert/vars/bad"]);
}

#[test]
fn a_status_that_a_lookup_does_not_know_is_ignored_and_one_that_is_not_there_is_unmapped() {
    let lookup = json!({"map": {"kind": "{1: 'order.paid'}[body.type]"}});
    assert!(matches!(read(&lookup, &json!({"type": 9})), ItemReading::Ignored { why: "unknown_status", .. }));
    assert!(matches!(read(&lookup, &json!({"type": 1})), ItemReading::Event(_)));
    let member = json!({"map": {"kind": "body.type"}});
    assert!(matches!(read(&member, &json!({})), ItemReading::Unmapped { error: "no_kind", .. }));
    for (text, member) in [
        ("body.a", true),
        (" headers['x-topic'] ", true),
        ("event", true),
        ("item.orders[0].状态", true),
        ("tables.kinds[body.a]", false),
        ("body.a|int", false),
        ("{1: 2}[body.a]", false),
        ("bodyguard", false),
        ("'order.paid'", false),
    ] {
        assert_eq!(is_member(text), member, "{text}");
    }
}

#[test]
fn the_same_event_hashes_as_if_it_had_been_posted() {
    let kinds = Kinds::embedded().unwrap();
    let event = event(
        &json!({"map": {"kind": "'order.paid'", "rider": "'r1'", "order": {"id": "body.id"}}}),
        &json!({"id": 1}),
    );
    let posted =
        crate::intake::parse_event(event.canonical.to_string().as_bytes(), &kinds, || unreachable!());
    let (posted, parsed) = (posted.unwrap(), event.parsed(&kinds).unwrap());
    assert_eq!((posted.body_hash, posted.event), (parsed.body_hash, parsed.event));
}
