//! What a hostile text or body may cost: neither a panic, nor a stack, nor more than some megabytes.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::Expression;
use super::{given, rendered, scope};

/// A thread with the stack of the server's own, whatever the test runner gives.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(work).unwrap().join().unwrap();
}

#[test]
fn deep_and_long_texts_do_not_overflow_the_stack() {
    on_a_small_stack(|| {
        let many = |part: &str| part.repeat(8000 / part.len());
        for text in [
            many("("),
            format!("{}1{}", "(".repeat(24), ")".repeat(24)),
            many("["),
            many("{'a':"),
            many("- "),
            many("not "),
            format!("{}1", "not ".repeat(64)),
            format!("{}1", "- ".repeat(64)),
            format!("1{}", many(" ~ 1")),
            format!("1{}", many(" + 1")),
            format!("1{}", many(" or 1")),
            format!("1{}", many(" < 1")),
            format!("1{}", many(" if 1")),
            format!("1{}", many(" if 1 else 1")),
            format!("1{}", " if 1 else 1".repeat(64)),
            format!("body{}", many(".a")),
            format!("body{}", many("[0]")),
            format!("body{}", many("[-1:]")),
            format!("body{}", many("|list")),
            format!("body{}", many("|list(")),
            format!("body{}", many(" is not none")),
            many("body["),
            many("'"),
            many("range("),
            many("a if b else "),
        ] {
            let body = json!([[1]]);
            if let Ok(expression) = Expression::compile(&text) {
                let _ = expression.evaluate(&scope(&body));
            }
        }
        for text in [
            many("{% if 1 %}"),
            many("{% for a in [1] %}"),
            many("{{"),
            many("{{ - "),
            many("{#"),
            format!("{}{}", "{% if 1 %}".repeat(30), "{% endif %}".repeat(30)),
            format!("{}{}", "{% for a in [1,2] %}".repeat(30), "{% endfor %}".repeat(30)),
        ] {
            let body = json!([[1]]);
            if let Ok(template) = Expression::template(&text) {
                let _ = template.evaluate(&scope(&body));
            }
        }
    });
}

#[test]
fn nothing_grows_without_bound() {
    let long = "x".repeat(200_000);
    let body = json!({"long": long, "n": 100_000_000, "list": vec![1; 20_000], "texts": vec!["y".repeat(100); 2000],
        "deep": vec![json!({"a": "z"}); 4000]});
    let started = Instant::now();
    for text in [
        "'a' * 100000000",
        "'a' * body.n",
        "body.long * 400",
        "[0] * 100000000",
        "body.list * 1000",
        "body.long ~ body.long ~ body.long",
        "body.long + body.long",
        "body.long|replace('x', body.long)",
        "body.long|replace('', 'yyyyyyyyyy')",
        "body.list|join(body.long)",
        "body.texts|map('replace', 'y', 'yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy')|list",
        "range(100000000)",
        "2 ** 100000",
        "10 ** 30 ** 5",
        &format!("body.long|length{}", " + (body.long|upper)|length".repeat(50)),
        &format!("0{}", " + body.deep|map(attribute='a')|join|length".repeat(75)),
        "body.list|select('in', body.list)|list|length",
        "body.long|upper",
        "body.long|trim(body.long)",
        "body.list|map('tojson', 100000000)|list",
        "body.long|tojson",
        "body.long|split('')|length",
    ] {
        assert!(given(text, &body).is_err(), "{text}");
    }
    for text in [
        format!("{{% set a = [1, 1] %}}{}{{{{ a }}}}", "{% set a = [a, a] %}".repeat(50)),
        format!("{{% set a = 'xxxxxxxxxx' %}}{}{{{{ a }}}}", "{% set a = a ~ a %}".repeat(50)),
        format!("{{% set a = {{'a': 1}} %}}{}{{{{ a }}}}", "{% set a = {'a': a, 'b': a} %}".repeat(50)),
        format!("{{% set a = [1] %}}{}{{{{ a|length }}}}", "{% set a = a + a %}".repeat(50)),
        "{% for a in body.list %}{% for b in body.list %}{{ a }}{% endfor %}{% endfor %}".to_owned(),
        "{% for a in body.list %}{% for b in body.list %}{% endfor %}{% endfor %}".to_owned(),
        "{% for a in body.list %}{{ body.texts|length }}{{ body.long }}{% endfor %}".to_owned(),
    ] {
        assert!(rendered(&text, &body).is_err(), "{text}");
    }
    // Generous: it runs without optimisation, on a busy machine.
    assert!(started.elapsed() < Duration::from_mins(1), "{:?}", started.elapsed());
}

#[test]
fn a_long_text_is_read_where_it_stands() {
    let body = json!({"long": "x".repeat(200_000)});
    assert_eq!(given("body.long|tail(2)", &body), Ok(json!("xx")));
    assert_eq!(given("body.long[:3]", &body), Ok(json!("xxx")));
    assert_eq!(given("body.long", &body), Ok(body["long"].clone()));
    assert!(Expression::compile(&format!("'{}'", "x".repeat(9000))).is_err());
}

/// What expressions and templates are made of.
const TOKENS: &str = "body item event .a ['b'] [0] [-1] ( ) [ ] { } : , | ~ + - * ** / // % == < in is not and or if else 'x' '' 1 0 \
    1.5 9223372036854775807 170141183460469231731687303715884105727 none true int abs round float string length first last \
    default join split replace sort sum min max list map select tojson cents metres digits tail named moment parse_json \
    percent_decode between matches range defined {{ }} {% %} for set endfor endif 测";

fn token() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(TOKENS.split_whitespace().collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_fall(tokens in prop::collection::vec(token(), 0..14), wild in "\\PC{0,30}") {
        let body: Value = json!({"a": [1, "x", -2.5, i64::MIN], "b": {"a": "4.00"}});
        for text in [tokens.concat(), tokens.join(" "), wild] {
            if let Ok(expression) = Expression::compile(&text) {
                let _ = expression.evaluate(&scope(&body));
                let _ = expression.is_true(&scope(&body));
            }
            for text in [text.clone(), format!("{{{{ {text} }}}}"), format!("{{% for x in {text} %}}{{{{ x }}}}{{% endfor %}}")] {
                if let Ok(template) = Expression::template(&text) {
                    let _ = template.evaluate(&scope(&body));
                }
            }
        }
    }

    #[test]
    fn no_number_makes_a_filter_fall(
        filter in proptest::sample::select(vec!["int", "abs", "round", "round(2)", "round(-400)", "float", "cents", "metres",
            "string", "moment", "digits", "tail(5)", "sum", "tojson", "bool", "trim"]),
        number in prop_oneof![any::<i64>().prop_map(Value::from), any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(|number| json!(number)), "[-+0-9.e]{0,40}".prop_map(Value::from)],
        sign in proptest::sample::select(vec!["", "-"]),
    ) {
        let _ = given(&format!("({sign}body)|{filter}"), &number);
        let _ = given(&format!("(body * 3 - body // 7 + body % 5)|{filter}"), &number);
    }
}
