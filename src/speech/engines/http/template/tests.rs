//! Slots: what is put in, how it is changed on the way, and every mistake found before anything is sent.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::*;

fn known() -> Known<'static> {
    Known {
        params: vec![("region", Kind::Text), ("volume", Kind::Number), ("format", Kind::Text)],
        secrets: vec!["key"],
        call: Call::Sentence,
    }
}

/// A text with its values, not escaped for any place.
fn filled(text: &str) -> String {
    let params = BTreeMap::from([
        ("region".to_owned(), Value::Text("eastasia".to_owned())),
        ("volume".to_owned(), Value::Number(0.1 + 0.2)),
        ("format".to_owned(), Value::Text("mp3".to_owned())),
    ]);
    let secrets = BTreeMap::from([("key".to_owned(), SecretString::from("k3y"))]);
    let values = Values {
        text: "a \"b\" & <c> 重",
        readings: &["重/(chong2)".to_owned()],
        voice: "xiaoyun",
        lang: "cmn-CN",
        speed: 1.5,
        uuid: "u-1",
        unix_ts: "1700000000",
        token: None,
        params: &params,
        secrets: &secrets,
    };
    let text = Text::parse(text, Place::Json, &known()).unwrap();
    match text.alone(&values) {
        Some(Value::Number(number)) => format!("number {number}"),
        Some(Value::List(items)) => format!("list {items:?}"),
        Some(Value::Text(_)) | None => text.fill(&values, as_it_is),
    }
}

#[test]
fn slots_are_filled_and_nothing_in_a_value_is_a_slot() {
    assert_eq!(filled("{{ voice }}-{{lang}}/{{ param:region }}/{{format}}"), "xiaoyun-cmn-CN/eastasia/mp3");
    assert_eq!(filled("{{ secret:key }} {{ uuid }} {{ unix_ts }}"), "k3y u-1 1700000000");
    assert_eq!(filled("{{ speed }}"), "number 1.5");
    assert_eq!(filled("x{{ speed }}"), "x1.5");
    assert_eq!(filled("{{ readings }}"), "list [\"重/(chong2)\"]");
    assert_eq!(filled("{ no slot }"), "{ no slot }");
}

#[test]
fn filters_write_a_value_for_where_it_goes() {
    assert_eq!(filled("{{ text|json }}!"), "\"a \\\"b\\\" & <c> 重\"!");
    assert_eq!(filled("{{ text|xml }}!"), "a &quot;b&quot; &amp; &lt;c&gt; 重!");
    assert_eq!(filled("{{ text|url }}!"), "a%20%22b%22%20%26%20%3Cc%3E%20%E9%87%8D!");
    assert_eq!(filled("{{ voice|base64 }}!"), "eGlhb3l1bg==!");
    assert_eq!(filled("{{ text|url2 }}!").matches("%25").count(), 12);
    assert_eq!(filled("{{ speed|json }}!"), "1.5!");
}

#[test]
fn numbers_run_along_lines_and_no_further() {
    assert_eq!(filled("{{ speed|num(0.5=0,1=5,2=15)|int }}"), "number 10");
    assert_eq!(filled("{{ speed|num(0.5=-500,1=0,2=500) }}"), "number 250");
    assert_eq!(filled("{{ speed|num(0.5=0.5,1.2=1.2) }}"), "number 1.2");
    assert_eq!(filled("{{ speed|num(2=7,3=8) }}"), "number 7");
    assert_eq!(filled("{{ volume|num(0=0,1=1) }}"), "number 0.3");
}

#[test]
fn mistakes_are_found_with_their_column() {
    for (text, place, problem) in [
        ("重{{ sped }}", Place::Json, "column 2: unknown name \"sped\", known are text, voice"),
        ("{{ voice", Place::Json, "column 1: this slot is not closed"),
        ("voice }}", Place::Json, "column 7: this closes no slot"),
        ("{% if %}", Place::Json, "column 1: there are slots only"),
        ("{{ text|shout }}", Place::Json, "unknown filter \"shout\""),
        ("{{ text|int }}", Place::Json, "int is for numbers"),
        ("{{ speed|json|int }}", Place::Json, "int is for numbers"),
        ("{{ speed|num(1=1) }}", Place::Json, "two points or more"),
        ("{{ speed|num(2=1,1=2) }}", Place::Json, "rising left sides"),
        ("{{ speed|num(a=1,b=2) }}", Place::Json, "unknown filter"),
        ("{{ param:regio }}", Place::Json, "known are text, voice"),
        ("{{ sample_rate }}", Place::Json, "param:volume"),
        ("{{ secret:kex }}", Place::Json, "secret:key"),
        ("{{ token }}", Place::Json, "unknown name \"token\""),
        ("https://{{ voice }}", Place::Origin, "no slots but parameters"),
        ("<p>{{ text }}</p>", Place::Raw, "must be escaped"),
        ("{{ readings }}", Place::Escaped, "a list can only stand in JSON"),
        ("a{{ readings }}", Place::Json, "a list must stand alone"),
        ("{{ readings|json }}", Place::Json, "a list has no filter"),
    ] {
        let error = Text::parse(text, place, &known()).unwrap_err();
        assert!(error.contains(problem), "{text}: {error}");
    }
    assert!(Text::parse("{{ text }}", Place::Raw, &known()).is_ok());
    assert!(Text::parse("<p>{{ text|xml }}</p>", Place::Raw, &known()).is_ok());
    let call = Known { call: Call::Token, ..known() };
    assert!(
        Text::parse("{{ text }}", Place::Json, &call)
            .unwrap_err()
            .contains("known are uuid, unix_ts, param:")
    );
}
