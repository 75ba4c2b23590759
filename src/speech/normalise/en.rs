//! How English text is read: numbers become words, since engines differ on `5.80`, `0006` and `18:30`.
//! The yuan is the currency; Chinese units are understood because merchants' texts carry them.

mod words;

use std::sync::LazyLock;

use super::{Found, Rule, Rules};
use words::{clock, day, month, ordinal, year};
pub(super) use words::{digits, number};

pub(super) static RULES: LazyLock<Rules<()>> =
    LazyLock::new(|| Rules::compile(&[CODES, TIMES, AMOUNTS, REST]));

#[rustfmt::skip]
const CODES: &[Rule<()>] = &[
    Rule { pattern: r"(?i:https?://|ENDwww\.)[!-~]*[0-9A-Za-z/]", read: |_, ()| "link".to_owned() },
    Rule { pattern: r"(?:\+?86[- ]?)?1[3-9][0-9][- ]*[*xX]{2,8}[- ]*([0-9]{4})END", read: |found, ()| format!("ending {}", digits(found.text(1))) },
    Rule { pattern: r"(?:(?:\+|00)?86[- ]?)?(1[3-9][0-9])[- ]?([0-9]{4})[- ]?([0-9]{4})(?:\s*(?:(?i:ext)\.?|[-_,，转])\s*([0-9]{1,6}))?END", read: phone },
    // The brackets around an area code are pauses by now.
    Rule { pattern: r"(?:\+1\s*)?，([2-9][0-9]{2})，\s?([2-9][0-9]{2})[-. ]([0-9]{4})(?:\s*(?:(?i:ext)\.?|x)\s*([0-9]{1,6}))?END", read: phone },
    Rule { pattern: r"(?:\+1[-. ]?)?([2-9][0-9]{2})[-. ]([2-9][0-9]{2})[-. ]([0-9]{4})(?:\s*(?:(?i:ext)\.?|x)\s*([0-9]{1,6}))?END", read: phone },
    Rule { pattern: r"(?i:END(call|dial|phone|ring|emergency))\s+(11[0-9]|12[02]|911|999|[19][0-9]{4})END", read: |found, ()| format!("{} {}", found.text(1), digits(found.text(2))) },
    Rule { pattern: r"([48]00)[- ]?([0-9]{3})[- ]?([0-9]{4})END", read: phone },
    Rule { pattern: r"(0[0-9]{2,3})-([0-9]{7,8})(?:END()\s*(?i:ext\.?|-)\s*([0-9]{1,6}))?END", read: phone },
    Rule { pattern: r"(?:\+?852[- ]?)([0-9]{4})[- ]?([0-9]{4})END", read: phone },
    Rule { pattern: r"(?i:END((?:pickup |door |locker )?code|pin|password|passcode|ending(?: in)?|tail|last (?:four|4)(?: digits)?))\s*(?:is\s+)?[:#]?\s*((?:[A-Za-z]{1,3}-)?[0-9A-Za-z]?[0-9][0-9A-Za-z-]*)", read: |found, ()| format!("{} {}", found.text(1).replace('4', "four"), signs(found.text(2))) },
    Rule { pattern: r"([0-9]{1,3})-([0-9]{1,2})-([0-9]{3,4})END", read: |found, ()| format!("building {} unit {} room {}", number(found.text(1)), number(found.text(2)), digits(found.text(3))) },
    Rule { pattern: r"(?i:END(apt|apartment|room|rm|suite|unit|flat|bldg|building|house))\.?\s*#?\s*([A-Za-z]?[0-9]+)END", read: |found, ()| format!("{} {}", found.text(1), room(found.text(2))) },
    Rule { pattern: r"(?:#|END[Nn][Oo]\.)\s*([A-Za-z]?)([0-9]+)", read: |found, ()| format!(" number {} {}", found.text(1), order(found.text(2))) },
];

#[rustfmt::skip]
const TIMES: &[Rule<()>] = &[
    Rule { pattern: r"((?:19|20)[0-9]{2})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?:T|END)", read: date },
    Rule { pattern: r"(?i:END(jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)[a-z]{0,6}\.?)\s+([0-9]{1,2})(?:st|nd|rd|th)?END", read: named_day },
    Rule { pattern: r"([0-9]{1,2}(?::[0-9]{2})?\s?[AaPp][Mm])\s?[-~]\s?([0-9]{1,2}(?::[0-9]{2})?\s?[AaPp][Mm])END", read: |found, ()| format!("{} to {}", RULES.apply(found.text(1), ()), RULES.apply(found.text(2), ())) },
    Rule { pattern: r"([0-9]{1,2}):([0-9]{2})\s*(?:-|~|to)\s*([0-9]{1,2}):([0-9]{2})\s?([AaPp])(?:[Mm]END|\.\s?[Mm]END\.?)", read: time },
    Rule { pattern: r"([0-9]{1,2}):([0-9]{2})(?::[0-9]{2})?(?:\s*(?:-|~|to)\s*([0-9]{1,2}):([0-9]{2})END|\s*([AaPp])(?:[Mm]END|\.\s?[Mm]END\.?)|END)", read: time },
    Rule { pattern: r"([0-9]{1,2})/([0-9]{1,2})/((?:19|20)[0-9]{2})END", read: short_date },
    Rule { pattern: r"([0-9]{1,2})\s?([AaPp])(?:[Mm]END|\.[Mm]END\.?)", read: |found, ()| format!("{} {} m ", number(found.text(1)), found.text(2).to_ascii_lowercase()) },
    Rule { pattern: r"END(Mon|Tue|Tues|Wed|Thu|Thur|Fri|Sat|Sun)\s?[-~]\s?(Mon|Tue|Tues|Wed|Thu|Thur|Fri|Sat|Sun)END", read: |found, ()| format!("{} to {}", found.text(1), found.text(2)) },
    Rule { pattern: r"([0-9]+)h\s?([0-9]{1,2})\s?(?:m|min|mins)?END", read: |found, ()| format!("{} {} ", plural(found.text(1), "hour"), plural(found.text(2), "minute")) },
    Rule { pattern: r"([0-9]+):([0-9]+)END", read: |found, ()| format!("{} to {}", number(found.text(1)), number(found.text(2))) },
    Rule { pattern: r"([0-9]{1,6})(?:st|nd|rd|th)(?:\s*[-~]\s*([0-9]{1,6})(?:st|nd|rd|th))?END", read: ranks },
];

#[rustfmt::skip]
const AMOUNTS: &[Rule<()>] = &[
    Rule { pattern: r"([-+]?)\s*(?:¥|END(?i:rmb|cny)\s*)\s*(NUM)(?:\s*(?:[-~]|to)\s*¥?\s*(NUM))?(?:\s*(?:元|(?i:yuan)END))?(/(?:kmEND|kgEND)?)?", read: |found, ()| quantity(found, "yuan", "yuan") },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*(?:[-~]|to)\s*(NUM))?\s*(?:元|块|¥|(?i:yuan|rmb|cny)END)(/(?:kmEND|kgEND)?)?", read: |found, ()| quantity(found, "yuan", "yuan") },
    Rule { pattern: r"([-+]?)(?:HK|US|A)?([$£€])\s*([0-9]+(?:,[0-9]{3})*)(?:\.([0-9]+))?(\s*[-~]\s*[$£€]?NUM)?(/)?", read: coins },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*[-~]\s*(NUM))?\s*(?:km/h|kph)END()", read: |found, ()| quantity(found, "kilometer per hour", "kilometers per hour") },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*(?:[-~]|to)\s*(NUM))?\s*(?:公里|(?:km|KM|Km|kms)END)(/)?", read: |found, ()| quantity(found, "kilometer", "kilometers") },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*(?:[-~]|to)\s*(NUM))?\s*(?:mi|miles?)END()", read: |found, ()| quantity(found, "mile", "miles") },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*(?:[-~]|to)\s*(NUM))?\s*(?:ft|feet|foot)END()", read: |found, ()| quantity(found, "foot", "feet") },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*(?:[-~]|to)\s*(NUM))?\s*(?:米|mEND)()", read: |found, ()| quantity(found, "meter", "meters") },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*(?:[-~]|to)\s*(NUM))?\s*(?:分钟|(?i:mins?|minutes?)END\.?)()", read: |found, ()| quantity(found, "minute", "minutes") },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*(?:[-~]|to)\s*(NUM))?\s*(?:小时|(?:h|hrs?|hours?)END)()", read: |found, ()| quantity(found, "hour", "hours") },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*(?:[-~]|to)\s*(NUM))?\s*(?:秒|(?:s|secs?|seconds?)END)()", read: |found, ()| quantity(found, "second", "seconds") },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*[-~]\s*(NUM))?\s*(?:公斤|(?i:kg|kgs)END)(/)?", read: |found, ()| quantity(found, "kilogram", "kilograms") },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*[-~]\s*(NUM))?\s*(?:克|gEND)(/)?", read: |found, ()| quantity(found, "gram", "grams") },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*[-~]\s*(NUM))?\s*(?:毫升|(?:ml|mL)END)(/)?", read: |found, ()| quantity(found, "milliliter", "milliliters") },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*[-~]\s*(NUM))?\s*(?:升|LEND)(/)?", read: |found, ()| quantity(found, "liter", "liters") },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*[-~]\s*(NUM))?\s*(?:pcs?END\.?)()", read: |found, ()| quantity(found, "piece", "pieces") },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*[-~]\s*(NUM))?\s*%()", read: |found, ()| quantity(found, "percent", "percent") },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*[-~]\s*(NUM))?\s*(?:°CEND|°FEND|°)()", read: |found, ()| quantity(found, "degree", "degrees") },
    Rule { pattern: r"([0-9]{1,3})\s?x\s", read: |found, ()| format!("{} ", number(found.text(1))) },
    Rule { pattern: r"(?:[×*]|ENDx)\s*([0-9]{1,3})END", read: |found, ()| format!(" times {}", number(found.text(1))) },
];

#[rustfmt::skip]
const REST: &[Rule<()>] = &[
    // A shop, not a range.
    Rule { pattern: r"7-(?:11END|(?i:eleven)END)", read: |_, ()| "seven eleven".to_owned() },
    Rule { pattern: r"END24/7END", read: |_, ()| "twenty four seven".to_owned() },
    // Hong Kong counts its floors so.
    Rule { pattern: r"ENDG/FEND", read: |_, ()| "ground floor".to_owned() },
    Rule { pattern: r"([0-9]{1,3})/?FEND", read: |found, ()| format!("floor {}", number(found.text(1))) },
    Rule { pattern: r"END[Bb]([0-9])(?:/?FEND| floorEND)", read: |found, ()| format!("basement {}", number(found.text(1))) },
    Rule { pattern: r"([0-9]{1,2})/([0-9]{1,2})END", read: slashed },
    Rule { pattern: r"([0-9]+)\s*[-~]\s*([0-9]+)", read: range },
    Rule { pattern: r"([0-9]+)\+", read: |found, ()| format!("{} plus ", number(found.text(1))) },
    Rule { pattern: r"\+([0-9]+)", read: |found, ()| format!(" plus {}", number(found.text(1))) },
    Rule { pattern: r"-", read: dash },
    Rule { pattern: r"[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)*", read: |found, ()| format!(" {} ", number(found.whole())) },
    Rule { pattern: r"ENDw/o\s", read: |_, ()| "without ".to_owned() },
    Rule { pattern: r"ENDw/\s", read: |_, ()| "with ".to_owned() },
    Rule { pattern: r"\s\+\s", read: |_, ()| " plus ".to_owned() },
    Rule { pattern: r"&", read: |_, ()| " and ".to_owned() },
];

/// A code with its letters, sign by sign.
fn signs(code: &str) -> String {
    let signs = code.chars().filter(char::is_ascii_alphanumeric).map(|c| match c {
        digit if digit.is_ascii_digit() => digits(digit.encode_utf8(&mut [0; 4])),
        letter => letter.to_ascii_uppercase().to_string(),
    });
    signs.collect::<Vec<_>>().join(" ")
}

/// A room: 305 is read out, 12 is counted.
fn room(number_of: &str) -> String {
    let (letter, rest) =
        number_of.split_at(usize::from(number_of.starts_with(|c: char| c.is_ascii_alphabetic())));
    let rest = if rest.len() >= 3 { digits(rest) } else { number(rest) };
    if letter.is_empty() { rest } else { format!("{} {rest}", letter.to_ascii_uppercase()) }
}

/// The number of an order: 17 is counted, 1029 read out.
fn order(code: &str) -> String {
    if code.len() >= 4 { digits(code) } else { number(code) }
}

fn phone(found: &Found<'_>, (): ()) -> String {
    let groups = (1..=3).filter_map(|n| found.opt(n)).filter(|part| !part.is_empty());
    let groups: Vec<String> = groups.map(digits).collect();
    let extension = found.opt(4).map(|part| format!(", extension {}", digits(part))).unwrap_or_default();
    groups.join(", ") + &extension
}

fn date(found: &Found<'_>, (): ()) -> String {
    let gap = if found.whole().ends_with('T') { ", " } else { "" };
    match day(found.text(2), found.text(3)) {
        Some(day) => format!("{day}, {}{gap}", year(found.text(1))),
        None => [1, 2, 3].map(|n| number(found.text(n))).join(" "),
    }
}

/// The month first, as the language has it, unless that cannot be.
fn short_date(found: &Found<'_>, (): ()) -> String {
    let (first, second) = (found.text(1), found.text(2));
    match day(first, second).or_else(|| day(second, first)) {
        Some(day) => format!("{day}, {}", year(found.text(3))),
        None => [1, 2, 3].map(|n| number(found.text(n))).join(" "),
    }
}

fn named_day(found: &Found<'_>, (): ()) -> String {
    let name = month(found.text(1)).unwrap_or(found.text(1));
    match found.text(2).parse() {
        Ok(day @ 1..=31) => format!("{name} {}", ordinal(day)),
        _ => format!("{name} {}", number(found.text(2))),
    }
}

fn time(found: &Found<'_>, (): ()) -> String {
    let clock = |hour: &str, minute: &str| match (hour.parse(), minute.parse()) {
        // It already has its half of the day.
        (Ok(1..=12_u32), Ok(0_u32)) if found.opt(5).is_some() => number(hour),
        (Ok(1..=12_u32), Ok(0..=9_u32)) if found.opt(5).is_some() => {
            format!("{} oh {}", number(hour), number(minute.trim_start_matches('0')))
        }
        (Ok(1..=12_u32), Ok(0..=59_u32)) if found.opt(5).is_some() => {
            format!("{} {}", number(hour), number(minute))
        }
        (Ok(hour @ 0..=24), Ok(minute @ 0..=59)) => clock(hour, minute),
        _ => format!("{} to {}", number(hour), number(minute)),
    };
    let from = clock(found.text(1), found.text(2));
    match (found.opt(3), found.opt(4)) {
        (Some(hour), Some(minute)) => {
            let half = found.opt(5).map(|half| format!(" {} m ", half.to_ascii_lowercase()));
            format!("{from} to {}{}", clock(hour, minute), half.unwrap_or_default())
        }
        _ => match found.opt(5) {
            Some(half) => format!("{from} {} m ", half.to_ascii_lowercase()),
            None => from,
        },
    }
}

/// Sign, number, perhaps a second number, unit in its right number, perhaps what it is for.
fn quantity(found: &Found<'_>, one: &str, many: &str) -> String {
    let hangs = found.before().ends_with(char::is_alphanumeric);
    let sign = match found.text(1) {
        "-" if hangs => " ",
        "-" => "minus ",
        "+" => " plus ",
        _ => "",
    };
    let low = trim_fraction(found.text(2));
    let high = found.opt(3).map(|high| format!(" to {}", number(trim_fraction(high)))).unwrap_or_default();
    let unit = if low == "1" && high.is_empty() { one } else { many };
    let per = match found.text(4) {
        "" => "",
        "/km" => "per kilometer",
        "/kg" => "per kilogram",
        _ => "per ",
    };
    format!(" {sign}{}{high} {unit} {per}", number(low))
}

/// `$12.50`, `£5.05`: the coins have their own name.
fn coins(found: &Found<'_>, (): ()) -> String {
    let ([one, many], [cent, cents]) = match found.text(2) {
        "£" => (["pound", "pounds"], ["penny", "pence"]),
        "€" => (["euro", "euros"], ["cent", "cents"]),
        _ => (["dollar", "dollars"], ["cent", "cents"]),
    };
    let sign = match found.text(1) {
        "-" if found.before().ends_with(char::is_alphanumeric) => " ",
        "-" => "minus ",
        "+" => " plus ",
        _ => "",
    };
    let per = if found.opt(6).is_some() { " per " } else { " " };
    let (whole, part) = (found.text(3), found.text(4));
    let part = if part.len() == 1 { format!("{part}0") } else { part.to_owned() };
    let low = format!("{whole}.{part}");
    let low = number(trim_fraction(&low));
    if let Some(high) = found.opt(5) {
        let high = trim_fraction(high.trim_start_matches(|c: char| !c.is_ascii_digit()));
        return format!(" {sign}{low} to {} {many}{per}", number(high));
    }
    if part.len() > 2 {
        return format!(" {sign}{low} {many}{per}");
    }
    let named = |count: &str, one: &str, many: &str| {
        let said = number(count);
        if said == "one" { format!("one {one}") } else { format!("{said} {many}") }
    };
    let part = part.trim_start_matches('0');
    let said = match (whole, part) {
        (whole, "") => named(whole, one, many),
        ("0", part) => named(part, cent, cents),
        (whole, part) => format!("{} and {}", named(whole, one, many), named(part, cent, cents)),
    };
    format!(" {sign}{said}{per}")
}

/// `1 hour`, `2 hours`.
fn plural(count: &str, unit: &str) -> String {
    let number = number(count);
    if number == "one" { format!("one {unit}") } else { format!("{number} {unit}s") }
}

/// `2nd`, `1st-3rd`.
fn ranks(found: &Found<'_>, (): ()) -> String {
    let rank = |digits: &str| digits.parse().map_or_else(|_| number(digits), ordinal);
    let last = found.opt(2).map(|last| format!(" to {}", rank(last))).unwrap_or_default();
    rank(found.text(1)) + &last
}

/// A fraction, or a day of a month.
fn slashed(found: &Found<'_>, (): ()) -> String {
    let (over, under) = (found.text(1), found.text(2));
    let fraction = match (over.parse::<u32>(), under.parse::<u32>()) {
        (Ok(1), Ok(2)) => Some("one half".to_owned()),
        (Ok(over), Ok(4)) if over < 4 => Some(plural(&over.to_string(), "quarter")),
        (Ok(over), Ok(under @ 3..=10)) if over < under => {
            let part = ordinal(under);
            Some(if over == 1 {
                format!("one {part}")
            } else {
                format!("{} {part}s", number(&over.to_string()))
            })
        }
        _ => None,
    };
    fraction
        .or_else(|| day(over, under))
        .unwrap_or_else(|| format!("{} over {}", number(over), number(under)))
}

/// Two numbers with a dash are a range if they rise.
fn range(found: &Found<'_>, (): ()) -> String {
    let (low, high) = (found.text(1), found.text(2));
    let rises = low.parse::<u64>().ok() < high.parse::<u64>().ok() && high.len() <= low.len() + 1;
    if rises && !low.starts_with('0') {
        format!(" {} to {} ", number(low), number(high))
    } else {
        format!(" {} dash {} ", room(low), room(high))
    }
}

/// Only a number that stands alone is below zero: after a word the dash is a dash.
fn dash(found: &Found<'_>, (): ()) -> String {
    let hangs = found.before().ends_with(|c: char| c.is_alphanumeric() || c == '-');
    let number = found.after().starts_with(|c: char| c.is_ascii_digit());
    if number && !hangs { " minus ".to_owned() } else { " ".to_owned() }
}

/// 5.80 is five point eight; 1.0 is one.
fn trim_fraction(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}
