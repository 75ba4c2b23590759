//! Our walk beside the machine of the template language: the same answer, wherever both answer.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::super::budget::Budget;
use super::super::{filters, values};
use super::given;

/// What the language itself makes of an expression.
fn theirs(text: &str, body: &Value) -> Option<Value> {
    let expression = filters::environment().compile_expression(text).ok()?;
    let context =
        minijinja::context!(body => minijinja::value::Serde(body), item => minijinja::value::Serde(body));
    let value = expression.eval(context).ok()?;
    values::json_of(&value, &mut Budget::new()).ok()
}

fn body() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-20_i64..20).prop_map(Value::from),
        (-1000.0..1000.0).prop_map(|number: f64| json!(number)),
        select(vec!["", "1", "20", "4.00", "valid", "骑手 7", "a:b:c", "None"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(select(vec!["a", "b", "c"]).prop_map(str::to_owned), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn path() -> impl Strategy<Value = String> {
    let step = select(vec![".a", ".b", "['c']", "[0]", "[1]", "[-1]", "['0']"]);
    (select(vec!["body", "item"]), prop::collection::vec(step, 0..4))
        .prop_map(|(root, steps)| format!("{root}{}", steps.concat()))
}

fn expression() -> impl Strategy<Value = String> {
    let literal = select(vec![
        "'x'",
        "'1'",
        "''",
        "1",
        "-3",
        "2.5",
        "0",
        "true",
        "none",
        "[]",
        "[1, '1', none]",
        "{1: 'a', 'b': 2}",
    ]);
    let leaf = prop_oneof![3 => path(), 1 => literal.prop_map(str::to_owned)];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let operator = select(vec![
            "~", "~", "~", "==", "!=", "<", "<=", ">", ">=", "and", "or", "in", "not in", "+", "-", "*", "/", "//",
            "%",
        ]);
        let filter = select(vec![
            "string", "int", "float", "length", "first", "last", "default(0)", "default('x', true)", "upper",
            "trim", "abs", "round", "list", "join('-')", "split(':')", "replace('a', 'bb')", "sort", "tojson",
            "map(attribute='a')", "selectattr('a')", "sum", "min", "max", "reverse", "unique", "count", "bool",
        ]);
        let test = select(vec!["defined", "none", "string", "number", "mapping", "sequence", "eq(1)"]);
        let slice = select(vec!["[1:]", "[:2]", "[-4:]", "[::2]", "[1:-1]"]);
        prop_oneof![
            4 => (inner.clone(), operator, inner.clone()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            3 => (inner.clone(), filter).prop_map(|(a, filter)| format!("({a})|{filter}")),
            1 => (inner.clone(), test).prop_map(|(a, test)| format!("(({a}) is {test})")),
            1 => (inner.clone(), slice).prop_map(|(a, slice)| format!("({a}){slice}")),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} if {b} else {c})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a})[{b}]")),
            1 => inner.clone().prop_map(|a| format!("(not {a})")),
            1 => (inner.clone(), inner).prop_map(|(a, b)| format!("{{'k': {a}, 'l': [{b}]}}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn paths_give_what_the_language_gives(text in path(), body in body()) {
        prop_assert_eq!(given(&text, &body).ok(), theirs(&text, &body), "{}", text);
    }

    #[test]
    fn expressions_give_what_the_language_gives(text in expression(), body in body()) {
        // What we refuse and the language does not is bounded on purpose: lists and long texts multiplied.
        if let (Ok(ours), Some(theirs)) = (given(&text, &body), theirs(&text, &body)) {
            prop_assert_eq!(ours, theirs, "{}", text);
        }
    }
}
