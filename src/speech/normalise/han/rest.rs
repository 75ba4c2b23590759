//! What no other rule knows: letters with numbers, sums, ranges and bare numbers.

use super::{Dialect, Found, Numbers, Phones, Rule, room, times::slashed};

#[rustfmt::skip]
pub(super) const RULES: &[Rule<&'static Dialect>] = &[
    // The shop is called by its two numbers, 柒 and 拾壹; 711 is read out.
    Rule { pattern: r"7-(?:11END|(?i:eleven)END)", read: |_, _| "七 十一".to_owned() },
    Rule { pattern: r"END(711|999|1919)(便利|感冒|酒)", read: |found, d| d.code(found.text(1)) + found.text(2) },
    Rule { pattern: r"END([A-Z])([0-9]{1,4})\s*[-~]\s*([A-Z])([0-9]{1,4})END", read: letter_range },
    Rule { pattern: r"END([A-Za-z]{1,3})-?([0-9]+(?:\.[0-9]+)*)(?:-([0-9]{1,5}))?END", read: letter_code },
    Rule { pattern: r"[0-9]{1,4}(?:-[0-9]{1,4}){2,4}END", read: |found, d| found.whole().split('-').map(|number| room(number, d)).collect::<Vec<_>>().join("杠") },
    Rule { pattern: r"([0-9]+(?:\.[0-9]+)?)\s*(?:[-~]|--)\s*([0-9]+(?:\.[0-9]+)?)", read: bare_range },
    // Hong Kong counts its floors so, and writes its telephones in two fours.
    Rule { pattern: r"([0-9]{1,2})/FEND", read: |found, d| d.name(found.text(1)) + d.floor },
    Rule { pattern: r"ENDG/FEND", read: |_, d| d.ground.to_owned() },
    Rule { pattern: r"([235-9][0-9]{3}) ([0-9]{4})END", read: two_fours },
    Rule { pattern: r"END24/7END", read: |_, d| format!("七天二十四{}", d.hours) },
    // So many are done of so many, which is no day.
    Rule { pattern: r"(进度|進度|完成|已完成|已送|已送达|已接|得分|评分|答对)\s*:?\s*([0-9]{1,4})/([0-9]{1,4})END(?:\s*(COUNT))?", read: progress },
    Rule { pattern: r"((?:排名|名次|排行|排队)第?|排第)\s*:?\s*([0-9]{1,4})/([0-9]{1,5})END", read: |found, d| format!("{}{}，共{}", found.text(1), d.name(found.text(2)), d.quantity(found.text(3))) },
    Rule { pattern: r"([0-9]{1,2})/([0-9]{1,2})END", read: slashed },
    Rule { pattern: r"END([Ll][Vv]|[Vv]ol|[Vv]er|[Vv]|[Pp])\.\s?([0-9]+)END", read: |found, d| letters(found.text(1)) + &d.name(found.text(2)) },
    // The number of a line in a list.
    Rule { pattern: r"([0-9]{1,2})\.\s?(\p{Han})", read: |found, d| format!("{}、{}", d.name(found.text(1)), found.text(2)) },
    Rule { pattern: r"([0-9]+)\s+([1-9])/([2-9])END", read: |found, d| format!("{}又{}分之{}", d.name(found.text(1)), d.name(found.text(3)), d.name(found.text(2))) },
    Rule { pattern: r"(NUM)\s*[wW]END", read: |found, d| d.quantity(found.text(1)) + d.ten_thousand() },
    Rule { pattern: r"\s*\+\s*", read: plus },
    Rule { pattern: r"-", read: dash },
    Rule { pattern: r"[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)*", read: |found, d| bare(found.whole(), d) },
    Rule { pattern: r"END(?:WIFI|Wi-Fi|WI-FI|wi-fi)END", read: |_, _| "WiFi".to_owned() },
    Rule { pattern: r"[A-Za-z]+(?:'[a-z]+)?", read: |found, _| letters(found.whole()) },
    Rule { pattern: r"\s*&\s*", read: |_, _| "和".to_owned() },
    Rule { pattern: r"≈", read: |_, d| d.about.to_owned() },
    Rule { pattern: r"±", read: |_, _| "正负".to_owned() },
    Rule { pattern: r"\s*=\s*", read: equals },
    Rule { pattern: r"≥", read: |_, _| "不少于".to_owned() },
    Rule { pattern: r"≤", read: |_, _| "不超过".to_owned() },
];

/// `A17` is said as letter and number, `G1024` digit by digit.
fn letter_code(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let number = found.text(2);
    let version = number.contains('.');
    let number = if version { dialect.literal(number) } else { room(number, dialect) };
    let flat = found.opt(3).map(|flat| format!("杠{}", room(flat, dialect))).unwrap_or_default();
    format!("{}{number}{flat}", dialect.code(found.text(1)))
}

/// `进度3/20`, `完成3/20单`.
fn progress(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let (label, done, all) = (found.text(1), found.text(2), found.text(3));
    match found.opt(4) {
        Some(unit) => {
            format!("{label}{}{unit}，共{}{unit}", dialect.quantity(done), dialect.quantity(all))
        }
        None => format!("{label}{}分之{}", dialect.name(all), dialect.name(done)),
    }
}

fn two_fours(found: &Found<'_>, dialect: &'static Dialect) -> String {
    match dialect.phones {
        Phones::TwoFours => format!("，{}，{}，", dialect.code(found.text(1)), dialect.code(found.text(2))),
        Phones::Mainland => format!("{} {}", bare(found.text(1), dialect), bare(found.text(2), dialect)),
    }
}

/// `A12-A15` is a range; `A12-B3` are two doors.
fn letter_range(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let between = if found.text(1) == found.text(3) { "到" } else { " " };
    let (first, last) = (room(found.text(2), dialect), room(found.text(4), dialect));
    format!("{}{first}{between}{}{last}", found.text(1), found.text(3))
}

/// Two numbers with a dash are a range if they rise, else something like a house number.
fn bare_range(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let (low, high) = (found.text(1), found.text(2));
    if found.whole().contains('.') {
        return format!("{}到{}", dialect.literal(low), dialect.literal(high));
    }
    let short = low.len() <= 4 && high.len() <= 4 && !low.starts_with('0') && !high.starts_with('0');
    let rises = low.parse::<u32>().ok() < high.parse::<u32>().ok();
    if short && rises && high.len() <= low.len() + 1 {
        format!("{}到{}", dialect.name(low), dialect.name(high))
    } else {
        format!("{}杠{}", room(low, dialect), room(high, dialect))
    }
}

/// Between two things, before a number or after a grade it is said; after a word it is a mark.
fn plus(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let before = found.before().ends_with(char::is_alphanumeric);
    let grade = found.before().ends_with(|c: char| c.is_ascii_alphanumeric());
    let number = found.after().starts_with(|c: char| c.is_ascii_digit());
    let word = found.after().starts_with(char::is_alphanumeric);
    if number || grade || (before && word) { dialect.plus.to_owned() } else { " ".to_owned() }
}

fn equals(found: &Found<'_>, _: &'static Dialect) -> String {
    let digit = |c: char| c.is_ascii_digit();
    let sum = found.before().ends_with(digit) && found.after().starts_with(digit);
    if sum { "等于".to_owned() } else { " ".to_owned() }
}

/// Only a number that stands alone is below zero: after a word the dash is a dash.
fn dash(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let hangs = found.before().ends_with(|c: char| c.is_alphanumeric() || c == '-');
    let number = found.after().starts_with(|c: char| c.is_ascii_digit());
    if number && !hangs { dialect.negative().to_owned() } else { " ".to_owned() }
}

/// A number without a clue.
pub(super) fn bare(number: &str, dialect: &Dialect) -> String {
    // The police and the fire brigade; any other number of an emergency needs a word before it.
    if dialect.counting == Numbers::Rooms
        && (3..=5).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
    {
        return dialect.code(number);
    }
    let emergency = matches!(number, "110" | "119");
    let phone = number.len() == 11 && number.starts_with('1') && !number.contains('.');
    if emergency || phone { dialect.code(number) } else { dialect.literal(number) }
}

/// Capitals that are a word: an engine reads them as one.
const WORDS: [&str; 36] = [
    "PIZZA", "CAFE", "COCO", "SOHO", "MALL", "PLAZA", "HOTEL", "TEA", "CITY", "PARK", "FOOD", "MILK", "COLA",
    "BAR", "SPA", "ZARA", "IKEA", "NIKE", "LUCKY", "HAPPY", "HELLO", "FRESH", "SUN", "MINI", "HUT", "KING",
    "STAR", "BOX", "HOUSE", "LIFE", "LOVE", "BABY", "LAB", "TOP", "MAX", "PLUS",
];

/// Short capitals are spelled: engines would read KFC as a syllable.
fn letters(word: &str) -> String {
    let capitals = word.chars().all(|c| c.is_ascii_uppercase());
    if !capitals || !(2..=5).contains(&word.len()) || WORDS.contains(&word) {
        return word.to_owned();
    }
    let mut spelled = String::with_capacity(word.len() * 2);
    for (at, letter) in word.chars().enumerate() {
        if at > 0 {
            spelled.push(' ');
        }
        spelled.push(letter);
    }
    spelled
}
