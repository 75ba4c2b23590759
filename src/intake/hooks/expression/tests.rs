//! What expressions give: for real senders, beside the template language's own machine, and when they are hostile.

mod bounds;
mod same;

use serde_json::{Value, json};

use super::{EvalError, Expression};
use crate::intake::hooks::Scope;

/// Bodies of real senders, decoded and cut to what is read of them, with the expressions that read it.
const SENDERS: &str = include_str!("tests/senders.jsonl");

static NOTHING: Value = Value::Null;

fn scope(body: &Value) -> Scope<'_> {
    Scope {
        body,
        headers: &NOTHING,
        query: &NOTHING,
        event: &NOTHING,
        params: &NOTHING,
        tables: &NOTHING,
        item: body,
        index: 0,
        extra: &NOTHING,
    }
}

fn given(text: &str, body: &Value) -> Result<Value, EvalError> {
    Expression::compile(text).unwrap_or_else(|error| panic!("{text}: {error}")).evaluate(&scope(body))
}

fn rendered(text: &str, body: &Value) -> Result<Value, EvalError> {
    Expression::template(text).unwrap_or_else(|error| panic!("{text}: {error}")).evaluate(&scope(body))
}

/// Where and why a text is refused.
fn refused(text: &str) -> (usize, usize, String) {
    let error = Expression::compile(text).map(|_| ()).unwrap_err();
    (error.line, error.column, error.detail)
}

#[test]
fn every_sender_is_read_as_its_documents_say() {
    let mut cases = 0;
    for line in SENDERS.lines() {
        let sender: Value = serde_json::from_str(line).unwrap();
        let body = &sender["body"];
        let scope = Scope { headers: &sender["headers"], event: &sender["event"], ..scope(body) };
        for (name, case) in sender["cases"].as_object().unwrap() {
            let found = Expression::compile(case[0].as_str().unwrap()).unwrap().evaluate(&scope);
            assert_eq!(found.as_ref(), Ok(&case[1]), "{}: {name}", sender["name"]);
            cases += 1;
        }
    }
    assert_eq!(cases, 92);
}

#[test]
fn paths_find_what_is_there_and_nothing_else() {
    let body = json!({"a": {"b": [{"c": 7}, {"c": null}]}, "big": 820_982_911_946_154_508_u64, "t": "骑手",
        "max": u64::MAX, "min": i64::MIN, "of": 1.5, "x-y": true});
    for (text, expected) in [
        ("body.a.b[0].c", json!(7)),
        ("body['a']['b'][0]['c']", json!(7)),
        ("body.a.b[-2].c", json!(7)),
        ("body.a.b[1].c", json!(null)),
        ("body.a.b[2].c", json!(null)),
        ("body.nobody.at.home", json!(null)),
        ("body.t.inside", json!(null)),
        ("body.t[1]", json!("手")),
        ("body.big", json!(820_982_911_946_154_508_u64)),
        ("body.big|string", json!("820982911946154508")),
        ("body.max", json!(u64::MAX)),
        ("body.min ~ ''", json!("-9223372036854775808")),
        ("body['x-y']", json!(true)),
        ("body.of", json!(1.5)),
        ("item.t", json!("骑手")),
        ("index", json!(0)),
        ("'text'", json!("text")),
        ("7", json!(7)),
        ("none", json!(null)),
        ("340282366920938463463374607431768211455", json!("340282366920938463463374607431768211455")),
    ] {
        assert_eq!(given(text, &body), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_not_there_is_named_with_its_place() {
    for (text, line, column, part) in [
        ("bdoy.id", 1, 1, "`bdoy`"),
        ("'测' ~ bdoy.id[1:]", 1, 7, "`bdoy`"),
        ("body.id\n  ~ hedaers.x", 2, 5, "`hedaers`"),
        ("body.id|strng", 1, 9, "`strng`"),
        ("body.id is fine", 1, 12, "`fine`"),
        ("cycler(1)", 1, 1, "`cycler`"),
        ("body.id.split(':')", 1, 8, "methods"),
        ("body.id ~", 1, 9, ""),
        ("body.", 1, 5, ""),
        ("body.a|map('indent')", 1, 8, "map"),
        ("body.a|selectattr('x', 'near')", 1, 8, "selectattr"),
        ("body.a|matches('(')", 1, 8, "regular"),
        ("body.a|matches(body.b)", 1, 8, "quotes"),
        ("body.a|moment('Mars')", 1, 8, "zone"),
        ("body.a|indent(5)", 1, 8, "`indent`"),
        (" ", 1, 1, "empty"),
    ] {
        let (at_line, at_column, detail) = refused(text);
        assert_eq!((at_line, at_column), (line, column), "{text}: {detail}");
        assert!(detail.contains(part), "{text}: {detail}");
    }
    for bad in [
        "{% include 'x' %}",
        "{% macro a() %}{% endmacro %}",
        "{{ bdoy }}",
        "{% for a in body recursive %}{% endfor %}",
        "{% with a = 1 %}{% endwith %}",
        "{% set body.a = 1 %}",
        "{{ loop.index }}",
        "{% for a in body %}",
        "{{ a }}{% set a = 1 %}",
    ] {
        assert!(Expression::template(bad).is_err(), "{bad}");
    }
}

#[test]
fn our_own_filters() {
    let body = json!({"fee": "4.00", "km": 1.25, "tel": "尾号 0-0-0-2", "s": "订单[17]已取消", "at": "2026-03-01 12:28:05",
        "list": [{"key": "slot", "value": "12:30"}, {"name": "spice", "value": "微辣"}], "json": "{\"a\":[1,2]}", "none": null});
    for (text, expected) in [
        ("body.fee|cents", json!(400)),
        ("body.nothing|cents", json!(null)),
        ("body.km|metres", json!(1250)),
        ("body.tel|digits", json!("0002")),
        ("body.tel|tail(3)", json!("0-2")),
        ("body.list|named('slot')", json!("12:30")),
        ("body.list|named('spice')", json!("微辣")),
        ("body.list|named('other')", json!(null)),
        ("body.nothing|named('other')", json!(null)),
        ("body.at|moment", json!("2026-03-01T12:28:05+08:00")),
        ("body.at|moment('Asia/Tokyo')", json!("2026-03-01T12:28:05+09:00")),
        ("1772339285|moment", json!("2026-03-01T04:28:05Z")),
        ("body.none|moment", json!(null)),
        ("(body.json|parse_json).a[1]", json!(2)),
        ("'%E6%B5%8B'|percent_decode", json!("测")),
        ("'abc'|sha256|tail(8)", json!("f20015ad")),
        ("body.s|between('[', ']')", json!("17")),
        ("body.s|after(']')", json!("已取消")),
        ("body.s|before('[')", json!("订单")),
        ("body.s|before('?')", json!(null)),
        ("body.s|matches('已取消$')", json!(true)),
        ("body.s|matches('\\\\[(\\\\d+)\\\\]')", json!("17")),
        ("body.nothing|matches('x') or 'no'", json!("no")),
        ("body.list|map(attribute='value')|join('、')", json!("12:30、微辣")),
        ("body.tel|split('-')|last", json!("2")),
        ("body.tel|replace('0', '')|length", json!(7)),
        ("body.list|default([])|length", json!(2)),
        ("body.nothing|default('x')", json!("x")),
        ("(body.fee|float * 100)|int", json!(400)),
        ("[1, 2, 3]|sum + body.list|length", json!(8)),
        ("body.list|rejectattr('key')|map(attribute='name')|first", json!("spice")),
        ("{'a': body.fee}", json!({"a": "4.00"})),
    ] {
        assert_eq!(given(text, &body), Ok(expected), "{text}");
    }
}

#[test]
fn templates_give_text() {
    let body = json!({"code": 0, "msg": "说\"好\"", "n": [{"a": 1}, {"a": 2}], "none": null});
    for (text, expected) in [
        ("success", "success"),
        (r#"{"code":{{ body.code }},"msg":{{ body.msg|tojson }}}"#, r#"{"code":0,"msg":"说\"好\""}"#),
        ("{% for x in body.n %}{{ x.a }}{% if not loop.last %},{% endif %}{% endfor %}", "1,2"),
        ("{% for x in body.n if x.a > 1 %}{{ loop.index }}:{{ x.a }}{% else %}-{% endfor %}", "1:2"),
        ("{% for x in body.nothing %}{{ x }}{% else %}-{% endfor %}", "-"),
        ("{% set a = body.code ~ '!' %}{{ a }}{% for x in [1] %}{% set a = 5 %}{% endfor %}{{ a }}", "0!0!"),
        ("{% for k, v in {'a': 1}|items %}{{ k }}={{ v }}{% endfor %}", "a=1"),
        ("{{ body.nothing }}{# quiet #}", ""),
    ] {
        assert_eq!(rendered(text, &body), Ok(json!(expected)), "{text}");
    }
    let answer = json!({"error": {"status": 401, "message": "no"}, "token": "t", "ttl_s": 7200});
    let template = Expression::template("{{ error.status }} {{ token }} {{ ttl_s }}").unwrap();
    let with_answer = Scope { extra: &answer, ..scope(&body) };
    assert_eq!(template.evaluate(&with_answer), Ok(json!("401 t 7200")));
    assert_eq!(template.evaluate(&scope(&body)), Ok(json!("  ")));
}

#[test]
fn truth_is_what_is_not_empty() {
    let body = json!({"yes": 1, "no": 0, "text": "", "list": [], "none": null, "word": "false"});
    let truth = |text| Expression::compile(text).unwrap().is_true(&scope(&body)).unwrap();
    for text in ["body.yes", "body.word", "body.kind != 'x'", "not body.none", "1 < 2 < 3", "'a' in ['a']"] {
        assert!(truth(text), "{text}");
    }
    for text in
        ["body.no", "body.text", "body.list", "body.none", "body.nothing", "1 < 2 < 2", "'b' in body.nothing"]
    {
        assert!(!truth(text), "{text}");
    }
}

#[test]
fn what_stands_in_the_body_is_not_copied() {
    let body = json!({"orders": [1, 2, 3]});
    let expression = Expression::compile("body.orders").unwrap();
    let scope = scope(&body);
    assert!(std::ptr::eq(&raw const *expression.look(&scope).unwrap(), &raw const body["orders"]));
}

#[test]
fn errors_never_say_what_was_in_the_body() {
    let body = json!({"secret": "13800001111", "n": 13_800_001_111_u64, "list": ["13800001111"]});
    for text in [
        "body.secret - 1",
        "body.n // 0",
        "body.n % 0",
        "body.n ** body.n",
        "-body.secret",
        "body.list * 5",
        "body.secret + body.n",
        "body.secret|abs",
        "body.secret|cents|abs ~ (body.secret ~ 'x')|cents",
        "(body.secret ~ 'x')|int",
        "body.list|int",
        "body.list|cents",
        "body.secret|moment",
        "body.secret|sum",
        "body.list|float",
        "(body.secret ~ '{')|parse_json",
        "body.list|tail(3)",
        "body.secret|round('x')",
        "body.secret[body.list:]",
        "body.list|map('abs')",
        "body.n[1:]",
        "body.secret in body.n",
        "range(body.n)",
    ] {
        let error = given(text, &body).map_err(|error| error.0);
        let told = error.expect_err(text);
        assert!(!told.contains("1380000"), "{text}: {told}");
    }
}
