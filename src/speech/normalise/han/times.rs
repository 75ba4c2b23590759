//! Dates and times.
//! A ratio looks like a time; only its numbers tell.

use super::{Counting, Dialect, Found, Rule, read, rest::bare};

#[rustfmt::skip]
pub(super) const RULES: &[Rule<&'static Dialect>] = &[
    // What is left on a clock that runs is no time of day.
    Rule { pattern: r"((?:剩余|剩餘|剩下|还剩|還剩|仅剩|超时|超時|倒计时|倒計時|用时|用時|耗时|耗時)(?:时间|時間)?)\s*:?\s*(?:([0-9]{1,2}):)?([0-9]{1,2}):([0-5][0-9])END", read: countdown },
    Rule { pattern: r"()()([0-9]{1,3})'([0-5][0-9])(?:''|END)", read: countdown },
    Rule { pattern: r"([0-9]{1,2})/([0-9]{1,2})TO([0-9]{1,2})/([0-9]{1,2})END", read: days },
    Rule { pattern: r"([0-9]{1,2})\.([0-9]{1,2})TO([0-9]{1,2})\.([0-9]{1,2})(\s*(?:日|号)?\s*(?:放假|休息|休假|假期|期间|活动|停业|打烊|休业|歇业|不营业))", read: |found, d| days(found, d) + found.text(5) },
    Rule { pattern: r"([0-9]{1,2}(?::[0-9]{2}|[点點]半?))\s*[-~]\s*((?:次日|第二天|当天)?(?:早|晚|上午|下午|中午|傍晚|夜|凌晨|次日|明早|明晚)[上间里]?)\s*([0-9]{1,2}(?::[0-9]{2}|[点點]半?))", read: |found, d| format!("{}到{}{}", read(found.text(1), d), found.text(2), read(found.text(3), d)) },
    Rule { pattern: r"([12][0-9]{3})TO([12][0-9]{3})年", read: |found, _| format!("{}到{}年", Dialect::year(found.text(1)), Dialect::year(found.text(2))) },
    Rule { pattern: r"([0-9]{2})年([0-9]{1,2})(月份?)", read: |found, d| format!("{}年{}{}", Dialect::year(found.text(1)), d.name(found.text(2)), found.text(3)) },
    Rule { pattern: r"([0-9]{4})年", read: |found, _| Dialect::year(found.text(1)) + "年" },
    Rule { pattern: r"((?:19|20)[0-9]{2})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?:T|END)", read: date },
    Rule { pattern: r"((?:19|20)[0-9]{2})[-/](0[1-9]|1[0-2])END", read: |found, d| format!("{}年{}月", Dialect::year(found.text(1)), d.cardinal(found.text(2), Counting::Names)) },
    Rule { pattern: r"([01]?[0-9])[-/.]([0-3]?[0-9])\s+([0-9]{1,2}:[0-9]{2}(?:TO[0-9]{1,2}:[0-9]{2})?)END", read: day_and_time },
    Rule { pattern: r"(比分|比数)\s*:?\s*([0-9]{1,3})\s*[-:]\s*([0-9]{1,3})", read: |found, d| format!("{}{}比{}", found.text(1), d.name(found.text(2)), d.name(found.text(3))) },
    Rule { pattern: r"([0-9]+):([0-9]+)(?::[0-9]+(?:\.[0-9]+)?)?(?:TO([0-9]+):([0-9]+)(?::[0-9]{2})?END|\s*([AaPp])(?:[Mm]END|\.\s?[Mm]END\.?)|(?:Z|\+0[0-9]:?[0-9]{2})?END)(整)?", read: time },
    Rule { pattern: r"([0-9]{1,2})\s?([AaPp])(?:[Mm]END|\.[Mm]END\.?)", read: half_day },
    Rule { pattern: r"([0-9]{1,2})TO([0-9]{1,2})(点|點)", read: |found, d| format!("{}到{}{}", d.quantity(found.text(1)), d.quantity(found.text(2)), found.text(3)) },
    Rule { pattern: r"([0-9]{1,2})(点|點)(?:([0-5][0-9])END分?|([0-9])分)?", read: hour },
    Rule { pattern: r"((?:周|星期|礼拜|週|禮拜)[一二三四五六日天1-7])\s*[-~]\s*(周|星期|礼拜|週|禮拜)?([一二三四五六日天1-7])", read: |found, d| format!("{}到{}{}", read(found.text(1), d), found.text(2), read(found.text(3), d)) },
    Rule { pattern: r"([0-9]+)[hH]([0-9]{1,2})(?:mins?|m)?END", read: |found, d| format!("{}{}{}{}", d.quantity(found.text(1)), d.hours, d.quantity(found.text(2)), d.minute) },
    // Born in those years; 满60后 is no such.
    Rule { pattern: r"(00|05|[6-9][05])(后|後)", read: |found, d| (if found.before().ends_with('满') { d.name(found.text(1)) } else { Dialect::year(found.text(1)) }) + found.text(2) },
];

/// `02:30` of a countdown: minutes and seconds, or hours before them.
fn countdown(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let zero = |digits: &str| digits.bytes().all(|b| b == b'0');
    let [hours, minutes, seconds] = [2, 3, 4].map(|n| found.text(n));
    let mut said = found.text(1).to_owned();
    if !zero(hours) {
        said += &(dialect.quantity(hours) + dialect.hours);
    }
    if !zero(minutes) {
        let unit = if zero(seconds) { dialect.minute } else { "分" };
        said += &(dialect.quantity(minutes) + unit);
    }
    if !zero(seconds) || (zero(hours) && zero(minutes)) {
        said += &(dialect.quantity(seconds) + "秒");
    }
    said
}

/// `10/1-10/7`: the days between, unless they are parts of something.
fn days(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let [month, day, last_month, last_day] = [1, 2, 3, 4].map(|n| found.text(n));
    if as_date(month, day) && as_date(last_month, last_day) && !is_part(found) {
        let [first, last] =
            [(month, day), (last_month, last_day)].map(|(month, day)| month_and_day(month, day, dialect));
        return format!("{first}到{last}");
    }
    let part = |over: &str, under: &str| format!("{}分之{}", dialect.name(under), dialect.name(over));
    format!("{}到{}", part(month, day), part(last_month, last_day))
}

fn date(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let [year, month, day] = [1, 2, 3].map(|n| found.text(n));
    let gap = if found.whole().ends_with('T') { " " } else { "" };
    format!("{}年{}{gap}", Dialect::year(year), month_and_day(month, day, dialect))
}

fn month_and_day(month: &str, day: &str, dialect: &Dialect) -> String {
    let named = |digits| dialect.cardinal(digits, Counting::Names);
    format!("{}月{}日", named(month), named(day))
}

fn day_and_time(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let (month, day) = (found.text(1), found.text(2));
    let date = if as_date(month, day) {
        month_and_day(month, day, dialect)
    } else {
        read(found.whole().split(char::is_whitespace).next().unwrap_or_default(), dialect)
    };
    format!("{date} {}", read(found.text(3), dialect))
}

fn as_date(month: &str, day: &str) -> bool {
    matches!((month.parse(), day.parse()), (Ok(1..=12_u8), Ok(1..=31_u8)))
}

fn time(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let clock = |hour: &str, minute: &str| {
        let valid = hour.len() <= 2 && minute.len() == 2;
        match (hour.parse(), minute.parse()) {
            (Ok(hour @ 0..=24), Ok(minute @ 0..=59)) if valid => dialect.clock(hour, minute),
            // A score or a ratio.
            _ => format!("{}比{}", bare(hour, dialect), bare(minute, dialect)),
        }
    };
    let from = clock(found.text(1), found.text(2));
    if let (Some(hour), Some(minute)) = (found.opt(3), found.opt(4)) {
        return format!("{from}到{}", clock(hour, minute));
    }
    let sharp = if from.ends_with(['整', '正']) { "" } else { found.text(6) };
    format!("{}{from}{sharp}", part_of_day(found.text(1), found.text(5), dialect))
}

fn half_day(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let hour = found.text(1);
    format!("{}{}{}", part_of_day(hour, found.text(2), dialect), dialect.quantity(hour), dialect.hour())
}

/// What people say for a.m. and p.m.: nobody calls eight in the evening afternoon.
fn part_of_day(hour: &str, half: &str, dialect: &Dialect) -> &'static str {
    let [night, morning, noon, afternoon, evening] = dialect.parts_of_day;
    let hour = hour.parse::<u8>().unwrap_or_default();
    match (half, hour) {
        ("", _) => "",
        ("a" | "A", 12 | 0..=4) => night,
        ("a" | "A", _) => morning,
        (_, 12) => noon,
        (_, 7..=11) => evening,
        _ => afternoon,
    }
}

fn hour(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let minutes = match found.opt(3).or(found.opt(4)) {
        Some(minutes) if minutes.starts_with('0') => dialect.code(minutes) + "分",
        Some(minutes) => dialect.cardinal(minutes, Counting::Names) + "分",
        None => String::new(),
    };
    dialect.quantity(found.text(1)) + found.text(2) + &minutes
}

/// `1/2` is a half, `11/21` a day in November.
pub(super) fn slashed(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let (over, under) = (found.text(1), found.text(2));
    let small = under
        .parse::<u8>()
        .is_ok_and(|under| under <= 10 && over.parse::<u8>().is_ok_and(|over| over <= under));
    if !small && !is_part(found) && as_date(over, under) {
        return month_and_day(over, under, dialect);
    }
    format!("{}分之{}", dialect.name(under), dialect.name(over))
}

/// Whether the words around a fraction say that it is one.
fn is_part(found: &Found<'_>) -> bool {
    found.before().ends_with(['的', '约', '占', '于', '剩', '满'])
        || ["以上", "以下", "的", "左右", "杯", "份", "个", "瓶", "满"]
            .iter()
            .any(|word| found.after().starts_with(word))
}
