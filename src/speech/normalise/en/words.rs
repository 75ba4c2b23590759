//! Numbers in English words: cardinals, ordinals, digit strings, the clock, dates.

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
pub(in crate::speech::normalise) fn number(text: &str) -> String {
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
pub(super) fn clock(hour: u32, minute: u32) -> String {
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
pub(in crate::speech::normalise) fn digits(text: &str) -> String {
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

/// 1 to 999 999 as a rank: 2 is second, 21 twenty first.
pub(super) fn ordinal(n: u32) -> String {
    let words = cardinal(n);
    let (head, last) = words.rsplit_once(' ').map_or(("", words.as_str()), |(head, last)| (head, last));
    let last = match last {
        "one" => "first".to_owned(),
        "two" => "second".to_owned(),
        "three" => "third".to_owned(),
        "five" => "fifth".to_owned(),
        "eight" => "eighth".to_owned(),
        "nine" => "ninth".to_owned(),
        "twelve" => "twelfth".to_owned(),
        ty if ty.ends_with('y') => format!("{}ieth", ty.trim_end_matches('y')),
        other => format!("{other}th"),
    };
    if head.is_empty() { last } else { format!("{head} {last}") }
}

/// A day of a month; `None` where the calendar has none.
pub(super) fn day(month: &str, day: &str) -> Option<String> {
    let name = MONTHS.get(month.parse::<usize>().ok()?.checked_sub(1)?)?;
    let day = day.parse().ok().filter(|day| (1..=31).contains(day))?;
    Some(format!("{name} {}", ordinal(day)))
}

/// The month that begins with these letters.
pub(super) fn month(begin: &str) -> Option<&'static str> {
    let begin: String = begin.chars().take(3).collect();
    MONTHS.into_iter().find(|month| month[..3].eq_ignore_ascii_case(&begin))
}

/// A year as it is said: 2026 is twenty twenty six, 2005 two thousand five.
pub(super) fn year(year: &str) -> String {
    match year.parse::<u32>() {
        Ok(n @ 1_000..=9_999) if n % 1_000 >= 10 => match n % 100 {
            0 => format!("{} hundred", cardinal(n / 100)),
            rest @ 1..=9 => format!("{} oh {}", cardinal(n / 100), cardinal(rest)),
            rest => format!("{} {}", cardinal(n / 100), cardinal(rest)),
        },
        _ => number(year),
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
