//! What a slot makes of its value, for the eye and for the ear: a filter for each sort of value.
//! Values come from foreign systems: one that is no such thing, or must not be said aloud, counts as absent.

use std::sync::LazyLock;

use jiff::{Timestamp, tz::Offset};
use regex::Regex;
use serde_json::Value as Json;

use super::{FREE_TEXT_CHARS_MAX, Lang, table, visible};
use crate::speech::{
    lexicon::Lexicon,
    normalise::{address, called, counted, normalise, spelled},
};

/// Longest name of a shop or an area that is said.
const NAME_CHARS_MAX: usize = 20;
/// Longest address that is said.
const ADDRESS_CHARS_MAX: usize = 60;
/// Longest name of a rider that is said.
const PERSON_CHARS_MAX: usize = 8;
/// Longest code that is called out, such as `A17` or `M-0017`.
const CODE_CHARS_MAX: usize = 12;
/// Longest digit string: a pick-up code, never a phone number.
const DIGITS_MAX: usize = 8;
/// Most money in one sentence, in cents: ten million yuan.
const CENTS_MAX: i64 = 1_000_000_000;
/// Longest way in metres: no rider goes farther.
const METRES_MAX: i64 = 1_000_000;
/// Most minutes: a day.
const MINUTES_MAX: i64 = 1_440;

/// The sorts of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Digits,
    Money,
    Distance,
    Minutes,
    Clock,
    Count,
    Shop,
    Area,
    Address,
    Platform,
    Name,
    Code,
    Spoken,
}

const SLOTS: [(&str, Slot); 14] = [
    ("digits", Slot::Digits),
    ("money", Slot::Money),
    ("distance", Slot::Distance),
    ("minutes", Slot::Minutes),
    ("clock", Slot::Clock),
    ("count", Slot::Count),
    ("shop", Slot::Shop),
    ("area", Slot::Area),
    ("address", Slot::Address),
    ("platform", Slot::Platform),
    ("name", Slot::Name),
    ("code", Slot::Code),
    ("text", Slot::Spoken),
    ("spoken", Slot::Spoken),
];

/// The filters a template may use.
pub(super) fn names() -> [&'static str; 14] {
    SLOTS.map(|(name, _)| name)
}

/// The sort that a filter of this name makes; `None` for an unknown filter.
pub(super) fn named(filter: &str) -> Option<Slot> {
    SLOTS.iter().find(|(name, _)| *name == filter).map(|(_, slot)| *slot)
}

/// Whether an English voice would fail at it.
pub(super) fn has_han(text: &str) -> bool {
    text.chars().any(|c| matches!(u32::from(c), 0x2e80..=0x9fff | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff))
}

/// The value as it is shown, on the clock that is `offset_s` seconds ahead of UTC; `None` where it is no such
/// value.
pub(super) fn shown(slot: Slot, value: &Json, lang: Lang, offset_s: i32) -> Option<String> {
    let shown = match slot {
        Slot::Digits => digits(&text(value)?),
        Slot::Money => money(integer(value)?, lang),
        Slot::Distance => distance(integer(value)?, lang),
        Slot::Minutes => minutes(integer(value)?, lang),
        Slot::Clock => clock(value, offset_s),
        Slot::Count => u32::try_from(integer(value)?).ok().map(|count| count.to_string()),
        Slot::Shop => shop(&text(value)?),
        Slot::Area => area(&text(value)?),
        Slot::Address => place(&text(value)?),
        Slot::Platform => platform(&text(value)?, lang),
        Slot::Name => person(&text(value)?),
        Slot::Code => code(&text(value)?),
        Slot::Spoken => text(value).filter(|text| text.chars().count() <= FREE_TEXT_CHARS_MAX),
    }?;
    // Names in Han characters are no names to an English voice.
    let sayable = lang != Lang::En || !has_han(&shown);
    sayable.then_some(shown)
}

/// What is said of a value.
pub(super) struct SaidValue {
    pub(super) whole: String,
    /// The pieces it is spoken in: one, but for codes that are read out sign by sign.
    pub(super) pieces: Vec<String>,
}

/// What is said of a value that is shown like this; `None` where nothing is left to say.
pub(super) fn said(slot: Slot, shown: &str, lang: Lang, lexicon: &Lexicon) -> Option<SaidValue> {
    let whole = match slot {
        Slot::Digits => spelled(shown, lang),
        Slot::Code => called(shown, lang),
        Slot::Count => counted(shown.parse().ok()?, lang),
        Slot::Money | Slot::Distance | Slot::Minutes | Slot::Clock => normalise(shown, lang),
        Slot::Shop | Slot::Area | Slot::Platform | Slot::Name | Slot::Spoken => {
            normalise(&lexicon.respelled(shown, lang), lang)
        }
        Slot::Address => address(&lexicon.respelled(shown, lang), lang),
    };
    let sign_by_sign = match slot {
        Slot::Digits => true,
        Slot::Code => whole == spelled(shown, lang),
        Slot::Count
        | Slot::Money
        | Slot::Distance
        | Slot::Minutes
        | Slot::Clock
        | Slot::Shop
        | Slot::Area
        | Slot::Address
        | Slot::Platform
        | Slot::Name
        | Slot::Spoken => false,
    };
    let pieces = if sign_by_sign { signs(&whole, lang) } else { vec![whole.clone()] };
    (!whole.is_empty()).then_some(SaidValue { whole, pieces })
}

/// A code in the pieces of its signs.
fn signs(code: &str, lang: Lang) -> Vec<String> {
    match lang {
        Lang::ZhCn | Lang::Yue => code.chars().filter(|c| *c != ' ').map(String::from).collect(),
        Lang::En => code.split_whitespace().map(str::to_owned).collect(),
    }
}

/// A string or a number as visible text.
fn text(value: &Json) -> Option<String> {
    let text = match value {
        Json::String(text) => visible(text),
        Json::Number(number) => number.to_string(),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// A whole number, or a string of one.
fn integer(value: &Json) -> Option<i64> {
    match value {
        // 580.0 is what some languages write for 580.
        Json::Number(number) => number.as_i64().or_else(|| {
            let text = number.to_string();
            text.strip_suffix(".0")?.parse().ok()
        }),
        Json::String(text) => text.trim().parse().ok(),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

/// Digits only, and few: a phone number is refused, not read out.
fn digits(text: &str) -> Option<String> {
    let valid = !text.is_empty() && text.len() <= DIGITS_MAX && text.bytes().all(|b| b.is_ascii_digit());
    valid.then(|| text.to_owned())
}

/// 580 is 5.8元.
fn money(cents: i64, lang: Lang) -> Option<String> {
    if cents.abs() > CENTS_MAX {
        return None;
    }
    let sign = if cents < 0 { "-" } else { "" };
    let (yuan, rest) = (cents.abs() / 100, cents.abs() % 100);
    let number = match (rest, rest % 10) {
        (0, _) => format!("{sign}{yuan}"),
        (_, 0) => format!("{sign}{yuan}.{}", rest / 10),
        _ => format!("{sign}{yuan}.{rest:02}"),
    };
    Some(match lang {
        Lang::ZhCn | Lang::Yue => number + "元",
        Lang::En => number + " yuan",
    })
}

/// Rounded as people say it: to ten metres, to a tenth of a kilometre, above ten to a kilometre.
fn distance(metres: i64, lang: Lang) -> Option<String> {
    if !(0..=METRES_MAX).contains(&metres) {
        return None;
    }
    let (metre, kilometre) = match lang {
        Lang::ZhCn | Lang::Yue => ("米", "公里"),
        Lang::En => (" m", " km"),
    };
    let tens = (metres + 5) / 10 * 10;
    let tenths = (metres + 50) / 100;
    Some(match metres {
        // Nearer than it can be known.
        0..10 => format!("10{metre}"),
        _ if tens < 1_000 => format!("{tens}{metre}"),
        _ if tenths >= 100 => format!("{}{kilometre}", (metres + 500) / 1_000),
        _ if tenths % 10 == 0 => format!("{}{kilometre}", tenths / 10),
        _ => format!("{}.{}{kilometre}", tenths / 10, tenths % 10),
    })
}

fn minutes(minutes: i64, lang: Lang) -> Option<String> {
    if !(0..=MINUTES_MAX).contains(&minutes) {
        return None;
    }
    Some(match lang {
        Lang::ZhCn => format!("{minutes}分钟"),
        Lang::Yue => format!("{minutes}分鐘"),
        Lang::En => format!("{minutes} min"),
    })
}

/// Epoch milliseconds, or a time with its zone as text, on the app's clock.
fn clock(value: &Json, offset_s: i32) -> Option<String> {
    let time: Timestamp = match value.as_i64() {
        Some(ms) => Timestamp::from_millisecond(ms).ok()?,
        None => value.as_str()?.trim().parse().ok()?,
    };
    let time = Offset::from_seconds(offset_s).unwrap_or(Offset::UTC).to_datetime(time);
    Some(format!("{}:{:02}", time.hour(), time.minute()))
}

/// A shop without its branch: 测试面馆（人民路店） is 测试面馆.
fn shop(name: &str) -> Option<String> {
    let without = BRANCH.replace(name, "");
    let name = if without.trim().is_empty() { name } else { without.as_ref() };
    short(&LONG_NUMBER.replace_all(name, ""), NAME_CHARS_MAX)
}

/// An area without what would make it an address: 测试小区3栋1201室 is 测试小区.
fn area(name: &str) -> Option<String> {
    let general = HOUSE.find(name).map_or(name, |house| &name[..house.start()]);
    short(&LONG_NUMBER.replace_all(general, ""), NAME_CHARS_MAX)
}

/// An address to the door, without a telephone number in it. One that is too long is not said: its end, which
/// says most, would be lost.
fn place(address: &str) -> Option<String> {
    let bare = PHONE.replace_all(address, "");
    let bare = bare.trim();
    let short = bare.chars().count() <= ADDRESS_CHARS_MAX;
    (short && bare.contains(char::is_alphanumeric)).then(|| bare.to_owned())
}

fn person(name: &str) -> Option<String> {
    let name: String = name.chars().filter(|c| !c.is_ascii_digit()).collect();
    short(&name, PERSON_CHARS_MAX)
}

fn short(name: &str, chars_max: usize) -> Option<String> {
    let name: String = name.trim().chars().take(chars_max).collect();
    let name = name.trim().to_owned();
    // Brackets and symbols alone are no name.
    name.contains(char::is_alphanumeric).then_some(name)
}

/// The spoken name of a known platform; an unknown one is said if it is a name already, not a code.
fn platform(code: &str, lang: Lang) -> Option<String> {
    let name = table::platform(&code.to_ascii_lowercase(), lang).map(str::to_owned);
    name.or_else(|| if has_han(code) { short(code, PERSON_CHARS_MAX) } else { None })
}

/// `#17`, `A17`, `0017`: ASCII letters and digits, at least one digit.
fn code(text: &str) -> Option<String> {
    let code = text.trim_start_matches(['#', '＃']).trim_end_matches('号').trim();
    let plain = code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let valid = plain && code.len() <= CODE_CHARS_MAX && code.bytes().any(|b| b.is_ascii_digit());
    valid.then(|| code.to_owned())
}

#[expect(clippy::expect_used, reason = "the patterns are constants that every test compiles")]
fn pattern(source: &str) -> Regex {
    Regex::new(source).expect("a valid pattern")
}

static BRANCH: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\s*[（(\[【][^（）()\[\]【】]*[店铺鋪][）)\]】]\s*$"));

/// Long enough to be a phone number or a shop's licence.
static LONG_NUMBER: LazyLock<Regex> = LazyLock::new(|| pattern(r"\+?[0-9０-９](?:[- ]?[0-9０-９]){6,}"));

/// A telephone number, whole or masked.
static PHONE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\+?[0-9０-９](?:[- ]?[0-9０-９]){6,}|[0-9]{3}[-* ]*\*{2,}[-* ]*[0-9]{2,4}"));

static HOUSE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"[A-Za-z]?[0-9０-９]+\s*(?:栋|棟|幢|座|号|號|单元|單元|室|房|层|層|楼|樓|#|-[0-9])")
});
