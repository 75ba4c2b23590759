//! Amounts: numbers with a unit, and ranges of them.

use super::{Dialect, Found, Rule, read, rest, sign, unit_name};

/// Two amounts with a dash between: they come first, so that the dash is not taken for a sign.
#[rustfmt::skip]
pub(super) const SPANS: &[Rule<&'static Dialect>] = &[
    // 1000+ and 1.2万+ are more than that; 5+ is no such.
    Rule { pattern: r"([0-9]+0|NUM\s*(?:万|萬|千|[wW]))\+", read: more_than },
    Rule { pattern: r"([0-9]+(?:\.[0-9]+)?[块塊毛角毫蚊元][0-9]?)\s*[-~]\s*([0-9]+(?:\.[0-9]+)?(?:[块塊毛角毫蚊元](?:[0-9]END)?))", read: two_ends },
    Rule { pattern: r"((?:[0-9]+(?:\.[0-9]+)?|半)[斤两兩])\s*[-~]\s*((?:[0-9]+(?:\.[0-9]+)?|半)[斤两兩])", read: two_ends },
    Rule { pattern: r"(¥?NUM\s*(SPAN))\s*([-~])\s*(¥?NUM\s*(SPAN))", read: span },
];

#[rustfmt::skip]
pub(super) const RULES: &[Rule<&'static Dialect>] = &[
    Rule { pattern: r"(-?)(NUM)(?:TO(NUM))?\s*%", read: percent },
    Rule { pattern: r"(NUM)\s*‰", read: |found, d| format!("千分之{}", d.literal(found.text(1))) },
    Rule { pattern: r"(-?)(NUM)(?:\s*°?C?TO(-?)(NUM))?\s*(?:°C|°|度)", read: degrees },
    Rule { pattern: r"([-+]?)(NUM)(?:TO(NUM))?\s*(?:km/h|KM/H|Km/h|公里/小时|公里/时)", read: |found, d| counted(found, d, "公里") + "每" + d.hours },
    Rule { pattern: r"([-+]?)(NUM)(?:TO(NUM))?\s*(km|KM|Km|kg|KG|Kg|mins?|ml|mL|ML|H|cm|mm|mg|ms|hours?|m2|m3|secs?|s|m|g|h|L)END(/\s*COUNT|/\s*(?:kg|km|h)END)?", read: latin_unit },
    Rule { pattern: r"([0-3])米([0-9]{1,2})END", read: |found, d| format!("{}米{}", d.quantity(found.text(1)), Dialect::year(found.text(2))) },
    // 8.5折 and 85折 are one price in two spellings.
    Rule { pattern: r"([1-9])\.?([1-9])折", read: |found, _| format!("{}{}折", Dialect::year(found.text(1)), Dialect::year(found.text(2))) },
    Rule { pattern: r"([-+]?)(NUM)(?:TO(NUM))?\s*(公里|千米|公斤|千克|毫升|厘米|毫米|平方米|平米|英寸|英里|分钟|分鐘|小时|小時|人份|[大中小整]?COUNT|米|万|萬|千|百|亿|億)(/\s*COUNT)?", read: han_unit },
    Rule { pattern: r"([0-9])大([0-9])小", read: |found, d| format!("{}大{}小", d.quantity(found.text(1)), d.quantity(found.text(2))) },
    Rule { pattern: r"([0-9]+)(\*+|×|x)([0-9]+(?:\s*(?:cm|mm|ml|kg|m|g|L|寸)END)?)", read: product },
    Rule { pattern: r"([0-9]{1,2})(?:×|xEND)", read: copies_before },
    Rule { pattern: r"\s*(?:[×*]|END[xX]END|ENDx)\s*([0-9]{1,3}(?:\.[0-9]+)?)END(\s*COUNT)?", read: times },
    Rule { pattern: r"(\p{Han})\s*X([0-9]{1,2})END(\s*COUNT)?", read: |found, d| found.text(1).to_owned() + &copies(found.text(2), found.text(3), d) },
];

/// Units that a range may name twice.
pub(in crate::speech::normalise) const SPAN_UNITS: &str = "元|块|塊|公里|千米|米|kmEND|mEND|分钟|分鐘|小时|小時|天|楼|樓|层|層|号|號|日|月|年|份|个|個|度|°C|%|公斤|斤|克|kgEND|gEND|点|點|秒|单|單|人|岁|折";

/// What things are counted in. Of two that begin alike the longer comes first.
pub(in crate::speech::normalise) const COUNT_UNITS: &str = "(?:個鐘|个|個|份|单|單|件|位|人|次|天|瓶|杯|盒|袋|碗|箱|包|张|張|条|條|名|家|趟|岁|歲|周|週|折|倍|斤|套|双|雙|块|塊|桶|串|克|升|秒|分|款|种|種|枚|颗|顆|粒|片|根|支|只|隻|头|笔|筆|项|項|罐|听|盘|盤|碟|锅|鍋|笼|籠|屉|勺|间|間|辆|輛|台|臺|把|遍|顿|頓|轮|扎|捆|束|壶|壺|组|組|人|年|寸|吨|噸|毛|角|毫|里路|里地|成|餐|桶|打|例|节|枝|朵|荤|葷|素|菜|汤|湯|肉|饭|飯|夜|晚|星期|礼拜|禮拜)";

/// What goes on behind the first digits of an amount, a range, a date or a room.
pub(in crate::speech::normalise) const TAIL: &str = r"(?:(?:[.:~-]|到|至)[0-9]+)*(?:/[0-9]{1,2}/[0-9]{1,2}END)?(?:\s*(?:SPAN|COUNT|室|房|路|弄|栋|棟|座|户|戶|多|余|平|寸))?";

fn span(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let (left, unit, dash, right, other) =
        (found.text(1), found.text(2), found.text(3), found.text(4), found.text(5));
    let place = |unit: &str| matches!(unit, "号" | "號" | "楼" | "樓" | "层" | "層");
    let apart = dash == "-" && unit != other && (place(unit) || place(other));
    let between = if apart { " " } else { "到" };
    format!("{}{between}{}", read(left, dialect), read(right, dialect))
}

fn two_ends(found: &Found<'_>, dialect: &'static Dialect) -> String {
    format!("{}到{}", read(found.text(1), dialect), read(found.text(2), dialect))
}

fn more_than(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let number = found.text(1).trim_end_matches(['w', 'W', '万', '萬', '千']).trim_end();
    let unit = match &found.text(1)[number.len()..] {
        unit if unit.ends_with(['w', 'W']) => dialect.ten_thousand(),
        unit => unit.trim_start(),
    };
    let more =
        if found.after().starts_with(|c: char| c.is_ascii_alphanumeric()) { dialect.plus } else { "多" };
    format!("{}{unit}{more}", dialect.quantity(number))
}

fn percent(found: &Found<'_>, dialect: &'static Dialect) -> String {
    // Two per cent are 百分之二; 5.0 is five.
    let part = |number: &str| dialect.literal(number.strip_suffix(".0").unwrap_or(number));
    let high = found.opt(3).map(|high| format!("到{}", part(high))).unwrap_or_default();
    format!("{}百分之{}{high}", sign(found.text(1), dialect), part(found.text(2)))
}

fn degrees(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let below = |sign: &str| if sign.is_empty() { "" } else { dialect.below_zero };
    let low = format!("{}{}度", below(found.text(1)), dialect.quantity(found.text(2)));
    match found.opt(4) {
        Some(high) => format!("{low}到{}{}度", below(found.text(3)), dialect.quantity(high)),
        None => low,
    }
}

fn latin_unit(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let unit = unit_name(found.text(4), dialect).unwrap_or(found.text(4));
    counted(found, dialect, unit) + &per(found.text(5), dialect)
}

fn han_unit(found: &Found<'_>, dialect: &'static Dialect) -> String {
    counted(found, dialect, found.text(4)) + &per(found.text(5), dialect)
}

fn per(written: &str, dialect: &Dialect) -> String {
    let unit = written.trim_start_matches('/').trim_start();
    if unit.is_empty() { String::new() } else { format!("每{}", unit_name(unit, dialect).unwrap_or(unit)) }
}

/// Sign, number, perhaps a second number, unit. There is nothing less than none of: a dash is a dash.
fn counted(found: &Found<'_>, dialect: &Dialect, unit: &str) -> String {
    let sign = if found.text(1) == "-" { " ".to_owned() } else { sign(found.text(1), dialect) };
    let high = found.opt(3).map(|high| format!("到{}", dialect.quantity(high))).unwrap_or_default();
    format!("{sign}{}{high}{unit}", dialect.quantity(found.text(2)))
}

/// `550*12`, `30×40`; stars in a long number hide digits.
fn product(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let (left, right) = (found.text(1), found.text(3));
    if right.ends_with(['m', 'l', 'g', 'L', '寸']) {
        return format!("{}乘{}", dialect.name(left), read(right, dialect));
    }
    if found.text(2).len() > 1 && found.text(2).starts_with('*') || left.len() > 4 {
        return format!("{} {}", rest::bare(left, dialect), dialect.code(right));
    }
    format!("{}乘{}", dialect.name(left), dialect.name(right))
}

fn times(found: &Found<'_>, dialect: &'static Dialect) -> String {
    copies(found.text(1), found.text(2), dialect)
}

/// `2×可乐`: so many of what follows. Of two crosses the first says nothing.
fn copies_before(found: &Found<'_>, dialect: &'static Dialect) -> String {
    if found.after().starts_with(['×', '*', 'x']) {
        return rest::bare(found.text(1), dialect);
    }
    copies(found.text(1), "", dialect)
}

fn copies(number: &str, unit: &str, dialect: &'static Dialect) -> String {
    let unit = match unit.trim() {
        // Nobody orders a part of a thing: ×1.2 makes more of it.
        "" if number.contains('.') => "倍",
        "" => "份",
        unit => unit,
    };
    dialect.quantity(number) + unit
}
