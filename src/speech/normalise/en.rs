//! How English text is read: numbers become words, since engines differ on `5.80`, `0006` and `18:30`.
//! The yuan is the only currency; Chinese units are understood because merchants' texts carry them.

use std::sync::LazyLock;

use super::{Found, Rule, Rules};

pub(super) static RULES: LazyLock<Rules<()>> = LazyLock::new(|| Rules::compile(LIST));

#[rustfmt::skip]
const LIST: &[Rule<()>] = &[
    Rule { pattern: r"(?:\+?86[- ]?)?1[3-9][0-9]\*+([0-9]{4})END", read: |found, ()| format!("ending {}", digits(found.text(1))) },
    Rule { pattern: r"(?:\+?86[- ]?)?(1[3-9][0-9])[- ]?([0-9]{4})[- ]?([0-9]{4})END", read: phone },
    Rule { pattern: r"(?i:END(code|pin|ending(?: in)?|tail))\s*[:#]?\s*([0-9]{2,})", read: |found, ()| format!("{} {}", found.text(1), digits(found.text(2))) },
    Rule { pattern: r"([0-9]{1,2}):([0-9]{2})(?::[0-9]{2})?(?:\s*(?:-|~|to)\s*([0-9]{1,2}):([0-9]{2})|\s*([AaPp])\.?[Mm]\.?)?END", read: time },
    Rule { pattern: r"([-+]?)\s*(?:¥|END(?i:rmb|cny)\s*)\s*(NUM)(?:\s*[-~]\s*¥?\s*(NUM))?(?:\s*(?:元|(?i:yuan)END))?", read: |found, ()| quantity(found, "yuan", "yuan") },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*[-~]\s*(NUM))?\s*(?:元|(?i:yuan|rmb|cny)END)", read: |found, ()| quantity(found, "yuan", "yuan") },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*[-~]\s*(NUM))?\s*(?:公里|(?:km|KM|Km|kms)END)", read: |found, ()| quantity(found, "kilometer", "kilometers") },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*[-~]\s*(NUM))?\s*(?:米|mEND)", read: |found, ()| quantity(found, "meter", "meters") },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*[-~]\s*(NUM))?\s*(?:分钟|(?:mins?|minutes?)END)", read: |found, ()| quantity(found, "minute", "minutes") },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*[-~]\s*(NUM))?\s*(?:kgEND)", read: |found, ()| quantity(found, "kilogram", "kilograms") },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*[-~]\s*(NUM))?\s*%", read: |found, ()| quantity(found, "percent", "percent") },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*[-~]\s*(NUM))?\s*°C", read: |found, ()| quantity(found, "degree", "degrees") },
    Rule { pattern: r"(?:#|END[Nn][Oo]\.)\s*([0-9]+)", read: |found, ()| format!(" number {}", number(found.text(1))) },
    Rule { pattern: r"(?:[×*]|ENDx)\s*([0-9]{1,3})END", read: |found, ()| format!(" times {}", number(found.text(1))) },
    Rule { pattern: r"([0-9]+)\s*[-~]\s*([0-9]+)", read: |found, ()| format!("{} to {}", number(found.text(1)), number(found.text(2))) },
    Rule { pattern: r"[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)*", read: |found, ()| format!(" {} ", number(found.whole())) },
    Rule { pattern: r"&", read: |_, ()| " and ".to_owned() },
];

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];

const TENS: [&str; 10] =
    ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// A decimal string in words: a quantity while it is short, digit by digit when it is long or begins with
/// zero.
pub(super) fn number(text: &str) -> String {
    let plain = text.replace(',', "");
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain.as_str(), ""));
    let zero_led = whole.len() > 1 && whole.starts_with('0');
    let mut out = match whole.parse() {
        Ok(n) if !zero_led && whole.len() <= 6 => cardinal(n),
        _ => digits(whole),
    };
    for part in fraction.split('.').filter(|part| !part.is_empty()) {
        out.push_str(" point ");
        out.push_str(&digits(part));
    }
    out
}

/// A time of day on a twelve-hour clock, which is what English ears expect.
fn clock(hour: u32, minute: u32) -> String {
    let half = if hour % 24 < 12 { "a m" } else { "p m" };
    let hour = match hour % 12 {
        0 => 12,
        hour => hour,
    };
    let hour = cardinal(hour);
    match minute {
        0 => format!("{hour} {half}"),
        1..=9 => format!("{hour} oh {} {half}", cardinal(minute)),
        _ => format!("{hour} {} {half}", cardinal(minute)),
    }
}

/// Digit by digit.
pub(super) fn digits(text: &str) -> String {
    let words: Vec<&str> =
        text.chars().filter_map(|c| c.to_digit(10)).filter_map(|d| SMALL.get(d as usize)).copied().collect();
    words.join(" ")
}

/// 0 to 999 999 in words.
fn cardinal(n: u32) -> String {
    let small = |n: u32| SMALL.get(n as usize).copied().unwrap_or_default();
    let join = |head: String, rest: u32| match rest {
        0 => head,
        rest => format!("{head} {}", cardinal(rest)),
    };
    match n {
        0..=19 => small(n).to_owned(),
        20..=99 => join(TENS.get(n as usize / 10).copied().unwrap_or_default().to_owned(), n % 10),
        100..=999 => join(format!("{} hundred", small(n / 100)), n % 100),
        _ => join(format!("{} thousand", cardinal(n / 1_000)), n % 1_000),
    }
}

fn phone(found: &Found<'_>, (): ()) -> String {
    let groups = [1, 2, 3].map(|n| digits(found.text(n)));
    groups.join(", ")
}

fn time(found: &Found<'_>, (): ()) -> String {
    let clock = |hour: &str, minute: &str| match (hour.parse(), minute.parse()) {
        // It already has its half of the day.
        (Ok(1..=12_u32), Ok(0_u32)) if found.opt(5).is_some() => number(hour),
        (Ok(1..=12_u32), Ok(0..=59_u32)) if found.opt(5).is_some() => {
            format!("{} {}", number(hour), number(minute))
        }
        (Ok(hour @ 0..=24), Ok(minute @ 0..=59)) => clock(hour, minute),
        _ => format!("{} to {}", number(hour), number(minute)),
    };
    let from = clock(found.text(1), found.text(2));
    match (found.opt(3), found.opt(4)) {
        (Some(hour), Some(minute)) => format!("{from} to {}", clock(hour, minute)),
        _ => match found.opt(5) {
            Some(half) => format!("{from} {} m ", half.to_ascii_lowercase()),
            None => from,
        },
    }
}

/// Sign, number, perhaps a second number, unit in its right number.
fn quantity(found: &Found<'_>, one: &str, many: &str) -> String {
    let sign = match found.text(1) {
        "-" => "minus ",
        "+" => "plus ",
        _ => "",
    };
    let low = trim_fraction(found.text(2));
    let high = found.opt(3).map(|high| format!(" to {}", number(trim_fraction(high)))).unwrap_or_default();
    let unit = if low == "1" && high.is_empty() { one } else { many };
    format!("{sign}{}{high} {unit} ", number(low))
}

/// 5.80 is five point eight; 1.0 is one.
fn trim_fraction(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}
