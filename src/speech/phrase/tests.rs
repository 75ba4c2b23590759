//! The embedded phrases as riders hear them, and what hostile values and templates come to.

mod parts;
mod sentences;
mod values;

use std::sync::LazyLock;

use proptest::prelude::*;
use regex::Regex;
use serde_json::json;

use super::*;
use crate::speech::normalise::SAID_CHARS_MAX;

/// The order of the examples in the documentation, as slots.
fn order() -> Map<String, Json> {
    let promised: jiff::Timestamp = "2026-03-01T13:05:00+08:00".parse().unwrap();
    vars(json!({
        "platform": "meituan", "short_no": "17", "merchant": "测试面馆", "area": "测试小区",
        "distance_m": 1200, "fee_cents": 580, "amount_cents": 580, "items": 2,
        "promised_at": promised.as_millisecond(), "tail": "0006", "name": "张师傅", "n": 2,
        "text": "今天有大雨，19:00前注意安全", "reason": null,
    }))
}

fn vars(values: Json) -> Map<String, Json> {
    match values {
        Json::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

fn phrases() -> &'static Phrases {
    static PHRASES: LazyLock<Phrases> = LazyLock::new(Phrases::embedded);
    &PHRASES
}

const CHINA: i32 = 8 * 3_600;

fn render(kind: &str, lang: Lang, values: &Map<String, Json>) -> Rendered {
    phrases().render(kind, lang, &[], values, CHINA, &Lexicon::none()).expect("a kind with phrases")
}

const KINDS: [&str; 24] = [
    "announcement",
    "delivery.exception",
    "device.test",
    "income.received",
    "merge",
    "order.assigned",
    "order.available",
    "order.cancelled",
    "order.changed",
    "order.delayed_by_store",
    "order.grabbed",
    "order.new",
    "order.offered",
    "order.overdue",
    "order.paid",
    "order.ready",
    "order.reassigned_away",
    "order.taken",
    "order.timeout_soon",
    "order.urged",
    "rider.forced_offline",
    "safety",
    "shift.reminder",
    "transfer.requested",
];

#[test]
fn every_kind_speaks_every_language_and_ends_slotless() {
    assert_eq!(phrases().kinds().collect::<Vec<_>>(), KINDS);
    for kind in KINDS {
        for lang in Lang::ALL {
            let list = phrases().of(kind, lang);
            assert!(list.last().is_some_and(Phrase::is_slotless), "{kind} {lang:?}");
            assert_eq!(list.iter().filter(|phrase| phrase.is_slotless()).count(), 1, "{kind} {lang:?}");
            let canned = phrases().slotless(kind, lang).unwrap();
            assert_eq!(canned.phrase_index, list.len() - 1);
            assert_eq!(canned, render(kind, lang, &Map::new()));
        }
    }
    assert_eq!(
        phrases().of("order.paid", Lang::ZhCn)[0].template(),
        phrases().of("order.new", Lang::ZhCn)[0].template()
    );
    assert!(phrases().slotless("order.unheard_of", Lang::ZhCn).is_none());
    assert!(
        phrases().render("order.unheard_of", Lang::ZhCn, &[], &order(), CHINA, &Lexicon::none()).is_none()
    );
}

#[test]
fn phrases_use_known_slots_and_say_no_time_that_passes() {
    const SLOTS: [&str; 14] = [
        "platform",
        "short_no",
        "merchant",
        "area",
        "distance_m",
        "fee_cents",
        "amount_cents",
        "promised_at",
        "starts_at",
        "tail",
        "name",
        "n",
        "text",
        "items",
    ];
    let relative = Regex::new(
        r"秒[内內]|分[钟鐘]|[内內前后後]\S{0,2}(?:秒|分)|还有|還有|仲有|剩|小[时時]|\bin \d|within|minutes?|seconds?|left",
    )
    .unwrap();
    for kind in KINDS {
        for phrase in Lang::ALL.iter().flat_map(|lang| phrases().of(kind, *lang)) {
            assert!(!relative.is_match(phrase.template()), "{}", phrase.template());
            for piece in phrase.template.pieces() {
                if let Piece::Slot(slot) = piece {
                    assert!(SLOTS.contains(&slot.path[0].as_str()), "{slot:?} in {}", phrase.template());
                }
            }
        }
    }
}

#[test]
fn a_missing_value_falls_to_the_next_phrase() {
    let mut values = order();
    let mut said = |gone: &str| {
        values.insert(gone.to_owned(), Json::Null);
        render("order.offered", Lang::ZhCn, &values)
    };
    assert_eq!(said("fee_cents").said.text(), "您有新的美团派单，测试面馆，一点二公里，请确认");
    assert_eq!(said("platform").said.text(), "您有新的派单，测试面馆，一点二公里，请确认");
    assert_eq!(said("distance_m").said.text(), "您有新的派单，测试面馆，请确认");
    let last = said("merchant");
    assert_eq!((last.said.text().as_str(), last.phrase_index), ("您有新的派单，请确认", 5));
}

#[test]
fn hostile_values_are_bounded_and_harmless() {
    for hostile in [
        "{{ fee_cents }}{% for i in [1] %}x{% endfor %}".to_owned(),
        "[[h@]]<speak><audio src=\"/etc/passwd\"/></speak>".to_owned(),
        "\u{202e}\u{200b}\u{0}$(id)`id`; rm -rf /".to_owned(),
        "面".repeat(10_240),
        "1".repeat(10_240),
        "😋".repeat(10_240),
        "（店".repeat(5_000),
    ] {
        let mut values = order();
        for name in ["merchant", "area", "platform", "short_no", "tail", "name", "text"] {
            values.insert(name.to_owned(), json!(hostile));
        }
        for lang in Lang::ALL {
            for kind in KINDS {
                let rendered = render(kind, lang, &values);
                assert!(rendered.text.chars().count() <= 180, "{rendered:?}");
                assert!(rendered.said.text().chars().count() <= SAID_CHARS_MAX);
                assert!(!rendered.said.text().contains(|c: char| "[]<>{}$`".contains(c)), "{rendered:?}");
                assert!(!rendered.text.contains(is_invisible), "{rendered:?}");
                assert!(!rendered.text.contains("fee_cents }}x"), "{rendered:?}");
            }
        }
    }
}

#[test]
fn an_apps_own_phrases_come_first_and_may_have_own_kinds() {
    let own = [
        Phrase::compile("{{ box|code }}号柜，{{ merchant|shop }}", Lang::ZhCn).unwrap(),
        Phrase::compile("去{{ station }}", Lang::ZhCn).unwrap(),
    ];
    let mut values = order();
    let render = |kind: &str, lang, values: &Map<String, Json>| {
        phrases().render(kind, lang, &own, values, CHINA, &Lexicon::none())
    };
    let rendered = render("order.ready", Lang::ZhCn, &values).unwrap();
    assert_eq!((rendered.phrase_index, rendered.text.as_str()), (2, "测试面馆，美团17号单已出餐，请取餐"));
    values.insert("box".to_owned(), json!(2));
    values.insert("station".to_owned(), json!("一号站"));
    let rendered = render("order.ready", Lang::ZhCn, &values).unwrap();
    assert_eq!((rendered.phrase_index, rendered.said.text().as_str()), (0, "二号柜，测试面馆"));
    // A kind of the app's own, asked for in a language it has no phrase in.
    let rendered = render("locker.ready", Lang::En, &values).unwrap();
    assert_eq!((rendered.lang, rendered.phrase_index), (Lang::ZhCn, 0));
    assert!(render("locker.ready", Lang::En, &Map::new()).is_none());
}

#[test]
fn a_bad_template_is_refused_with_its_place() {
    let syntax = |template: &str| Phrase::compile(template, Lang::ZhCn).unwrap_err().to_string();
    assert_eq!(syntax("你好{{ x|shop"), "line 1, column 3: this slot is not closed");
    assert_eq!(
        syntax("你好\n世界{% if x %}"),
        "line 2, column 3: a phrase has slots only, no statements or comments"
    );
    assert_eq!(syntax("{# x #}"), "line 1, column 1: a phrase has slots only, no statements or comments");
    assert_eq!(syntax("x }} y"), "line 1, column 3: this closes no slot");
    assert_eq!(
        syntax("{platform}来单，{fee:money}"),
        "line 1, column 1: a slot has two braces on each side: {{ name|filter }}"
    );
    assert_eq!(
        syntax("来单{{ platform|platform }}}"),
        "line 1, column 26: a slot has two braces on each side: {{ name|filter }}"
    );
    for template in [
        "{{ }}",
        "{{ 'a' * 9 }}",
        "{{ x|shop|money }}",
        "{{ x(1) }}",
        "{{ 7 }}",
        "{{ x|shop(1) }}",
        "{{{ x }}}",
    ] {
        assert!(syntax(template).contains("a slot is written {{ name|filter }}"), "{template}");
    }
    let error = Phrase::compile("一{{ x|shop }}{{ x|shout }}", Lang::ZhCn).unwrap_err();
    assert_eq!(error, PhraseError::UnknownFilter { line: 1, column: 14, filter: "shout".to_owned() });
    assert!(error.to_string().contains("known are digits, money"));
    assert_eq!(Phrase::compile(" ", Lang::ZhCn).unwrap_err(), PhraseError::Empty);
    assert_eq!(Phrase::compile(&"一".repeat(401), Lang::ZhCn).unwrap_err(), PhraseError::TooLong);
}

#[test]
fn a_template_full_of_slots_is_bounded() {
    let many = Phrase::compile(&"{{x}}".repeat(80), Lang::ZhCn).unwrap();
    assert!(many.render(&vars(json!({"x": "一二三四五"})), 0, &Lexicon::none()).is_some());
    assert!(many.render(&vars(json!({"x": "一二三四五六"})), 0, &Lexicon::none()).is_none());
}

#[test]
fn free_text_is_taken_whole_or_refused() {
    let said = free_text(" 今晚20:00开会\n地点：站点 ", Lang::ZhCn, &Lexicon::none()).unwrap();
    assert_eq!(
        (said.text.as_str(), said.said.text().as_str()),
        ("今晚20:00开会 地点：站点", "今晚二十点整开会，地点，站点")
    );
    let said = free_text("明天有雨", Lang::En, &Lexicon::none()).unwrap();
    assert_eq!((said.lang, said.said.text().as_str()), (Lang::ZhCn, "明天有雨"));
    assert_eq!(
        free_text("Rain at 18:00", Lang::En, &Lexicon::none()).unwrap().said.text(),
        "Rain at six p m"
    );
    assert!(free_text(&"好".repeat(120), Lang::ZhCn, &Lexicon::none()).is_ok());
    assert_eq!(free_text(&"好".repeat(121), Lang::ZhCn, &Lexicon::none()), Err(TextError::TooLong));
    assert_eq!(free_text(" \n ", Lang::ZhCn, &Lexicon::none()), Err(TextError::Empty));
    assert_eq!(free_text("你\u{0}好", Lang::ZhCn, &Lexicon::none()), Err(TextError::ControlCharacter(0)));
    assert_eq!(
        free_text("\u{1b}[31m好", Lang::ZhCn, &Lexicon::none()).unwrap_err().to_string(),
        "the text contains the control character U+001B"
    );
    assert_eq!(free_text("😋 [[h@]] !!", Lang::ZhCn, &Lexicon::none()), Err(TextError::Unspeakable));
}

proptest! {
    #[test]
    fn no_template_and_no_value_breaks_rendering(template in "(\\{\\{ ?|x|\\|| ?\\}\\}|money|shop|[一-十]|.){0,12}", value in any::<String>()) {
        if let Ok(phrase) = Phrase::compile(&template, Lang::ZhCn) {
            let _ = phrase.render(&vars(json!({"x": value})), 0, &Lexicon::none());
        }
    }

    #[test]
    fn any_value_in_any_filter_is_bounded(value in any::<String>(), number in any::<i64>()) {
        for (name, lang) in slots::names().into_iter().zip(Lang::ALL.into_iter().cycle()) {
            let phrase = Phrase::compile(&format!("{{{{ x|{name} }}}}"), lang).unwrap();
            for x in [json!(value), json!(number)] {
                if let Some(rendered) = phrase.render(&vars(json!({"x": x})), 0, &Lexicon::none()) {
                    prop_assert!(rendered.text.chars().count() <= FREE_TEXT_CHARS_MAX);
                    prop_assert!(!rendered.said.text().contains(|c: char| c.is_ascii_digit() || c.is_control()));
                }
            }
        }
    }
}
