//! How Chinese text is read: the ordered rules for Mandarin and Cantonese, which differ only in words.
//! A rule that knows more of its place stands before one that knows less; the last ones read whatever is left.

mod amounts;
mod codes;
mod money;
mod places;
mod rest;
mod times;

use std::sync::LazyLock;

pub(super) use amounts::{COUNT_UNITS, SPAN_UNITS, TAIL};

use super::{Counting, Dialect, Found, Numbers, Phones, Rule, Rules};

/// Simplified and traditional forms stand side by side: merchants write both.
pub(super) static RULES: LazyLock<Rules<&'static Dialect>> = LazyLock::new(|| {
    Rules::compile(&[
        codes::RULES,
        amounts::SPANS,
        times::RULES,
        money::RULES,
        places::RULES,
        amounts::RULES,
        rest::RULES,
    ])
});

/// Reads a part of what a rule found by the other rules.
fn read(text: &str, dialect: &'static Dialect) -> String {
    RULES.apply(text, dialect)
}

/// A room: 305 is read out like a code, 12 as a number.
fn room(digits: &str, dialect: &Dialect) -> String {
    if digits.len() >= 3 { dialect.code(digits) } else { dialect.name(digits) }
}

fn sign(sign: &str, dialect: &Dialect) -> String {
    match sign {
        "-" => dialect.negative().to_owned(),
        "+" => dialect.plus.to_owned(),
        _ => String::new(),
    }
}

/// A unit in Latin letters, in words; `None` for one that is a word already.
fn unit_name(unit: &str, dialect: &Dialect) -> Option<&'static str> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "km" => "公里",
        "kg" => "公斤",
        "min" | "mins" => dialect.minute,
        "h" | "hour" | "hours" => dialect.hours,
        "s" | "sec" | "secs" => "秒",
        "ml" => "毫升",
        "cm" => "厘米",
        "mm" => "毫米",
        "mg" => "毫克",
        "ms" => "毫秒",
        "m" => "米",
        "m2" => "平方米",
        "m3" => "立方米",
        "g" => "克",
        "l" => "升",
        _ => return None,
    })
}
