//! How Chinese text is read: the ordered rules for Mandarin and Cantonese, which differ only in words.
//! A rule that knows more of its place stands before one that knows less; the last ones read whatever is left.

use std::sync::LazyLock;

use super::{Counting, Dialect, Found, Rule, Rules};

/// Simplified and traditional forms stand side by side: merchants write both.
pub(super) static RULES: LazyLock<Rules<&'static Dialect>> = LazyLock::new(|| Rules::compile(LIST));

#[rustfmt::skip]
const LIST: &[Rule<&'static Dialect>] = &[
    // Codes and phone numbers.
    Rule { pattern: r"((?:手机|手機)?尾号|尾號|[后後]四位|[取提收]货码|取餐[码碼]|[验驗][证證][码碼]|订单[编号]?号|订单编号|[单單][号號]|[编編][号號]|工号|口令|密[码碼])\s*(为|是|為|係)?[\s:#]*([0-9A-Za-z][0-9A-Za-z-]{0,31})", read: labelled_code },
    Rule { pattern: r"(?:\+?86[- ]?)?1[3-9][0-9]\*+([0-9]{4})END", read: masked_phone },
    Rule { pattern: r"(?:\+?86[- ]?)?(1[3-9][0-9])[- ]?([0-9]{4})[- ]?([0-9]{4})(?:\s*[转轉]\s*([0-9]{1,6}))?END", read: phone },
    Rule { pattern: r"([48]00)-?([0-9]{3,4})-?([0-9]{3,4})END", read: phone },
    Rule { pattern: r"(电话|電話|拨打|撥打|致电|致電|报警|報警|急救)[\s:]*(1[12][0-9]|1[12][0-9]{3})END", read: |found, d| format!("{}，{}", found.text(1), d.code(found.text(2))) },
    Rule { pattern: r"(0[0-9]{2,3})-([0-9]{7,8})END", read: phone },
    // Dates and times.
    Rule { pattern: r"([0-9]{4})年", read: |found, _| Dialect::year(found.text(1)) + "年" },
    Rule { pattern: r"((?:19|20)[0-9]{2})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})END", read: date },
    Rule { pattern: r"([0-9]+):([0-9]+)(?::[0-9]+)?(?:\s*[-~至到]\s*([0-9]+):([0-9]+)|\s*([AaPp])\.?[Mm])?END", read: time },
    Rule { pattern: r"([0-9]{1,2})(点|點)(?:([0-9]{1,2})分?)?", read: hour },
    // Money.
    Rule { pattern: r"([-+]?)\s*¥\s*(NUM)(?:\s*[-~至到]\s*¥?\s*(NUM))?\s*(万|萬)?\s*(?:元|块|塊)?(/?)", read: money },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*[-~至到]\s*(NUM))?\s*(万|萬)?\s*(?:元|蚊|(?i:rmb)END)(/?)", read: money },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*[-~至到]\s*(NUM))?\s*(块|塊)", read: |found, d| counted(found, d, found.text(4)) },
    // Addresses.
    Rule { pattern: r"([0-9]{1,3})-([0-9]{1,2})-([0-9]{3,4})END\s*(室|房)?", read: flat },
    Rule { pattern: r"(?:-|END[Bb])\s*([0-9]{1,2})\s*(层|層|楼|樓|F)END", read: basement },
    Rule { pattern: r"(?:-|END[Bb])\s*([0-9]{1,2})\s*(层|層|楼|樓)", read: basement },
    Rule { pattern: r"([0-9]{1,3})FEND", read: |found, d| d.name(found.text(1)) + d.floor },
    Rule { pattern: r"([0-9]+\s*)?(号楼|號樓|栋|棟|幢|座|单元|單元|楼|樓|层|層)\s*([0-9]{3,})(\s*[室房号號]|[，。、,;\s]|$)", read: room_of_building },
    Rule { pattern: r"([0-9]+)\s*([室房])", read: |found, d| room(found.text(1), d) + found.text(2) },
    Rule { pattern: r"#\s*([0-9]+)\s*[号號]?|([0-9]+)#", read: number_sign },
    Rule { pattern: r"(?:END[Nn][Oo]\.?\s*)([0-9]+)", read: |found, d| d.name(found.text(1)) + d.number },
    Rule { pattern: r"第\s*([0-9]+)", read: |found, d| format!("第{}", d.name(found.text(1))) },
    Rule { pattern: r"([0-9]+)\s*(号|號|栋|棟|幢|座|单元|單元|楼|樓|层|層|路|弄|巷|街|期|区|區|桌|台|班|排|级|級|月|日|年|届|站|线|線)", read: |found, d| d.name(found.text(1)) + found.text(2) },
    // Quantities.
    Rule { pattern: r"(-?)(NUM)(?:\s*[-~至到]\s*(NUM))?\s*%", read: percent },
    Rule { pattern: r"(-?)(NUM)(?:\s*°?C?\s*[-~至到]\s*(-?)(NUM))?\s*(?:°C|°|度)", read: degrees },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*[-~至到]\s*(NUM))?\s*(km|KM|Km|kg|KG|Kg|mins?|ml|mL|ML|cm|mm|hours?|m|g|h|L)END", read: latin_unit },
    Rule { pattern: r"([0-9])(\.[0-9])折", read: |found, _| Dialect::year(&found.whole().replace(['.', '折'], "")) + "折" },
    Rule { pattern: r"([-+]?)(NUM)(?:\s*[-~至到]\s*(NUM))?\s*(公里|千米|公斤|千克|毫升|厘米|毫米|平方米|分钟|分鐘|小时|小時|米|克|升|秒|分|份|单|單|个|個|件|位|人|次|天|瓶|杯|盒|袋|碗|箱|包|张|張|条|條|名|家|趟|岁|歲|周|折|倍|斤|套|双|雙|块|桶|串|万|萬)", read: |found, d| counted(found, d, found.text(4)) },
    Rule { pattern: r"(?:[×*]|END[x])\s*([0-9]{1,3})END", read: |found, d| d.quantity(found.text(1)) + "份" },
    // What is left.
    Rule { pattern: r"END([A-Za-z]{1,3})-?([0-9]+(?:\.[0-9]+)*)(?:-([0-9]{2,5}))?END", read: letter_code },
    Rule { pattern: r"([0-9]+)\s*[-~]\s*([0-9]+)", read: bare_range },
    Rule { pattern: r"([0-9]{1,2})/([0-9]{1,2})END", read: fraction },
    Rule { pattern: r"[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)*", read: |found, d| bare(found.whole(), d) },
    Rule { pattern: r"[A-Za-z]+(?:'[a-z]+)?", read: |found, _| letters(found.whole()) },
    Rule { pattern: r"&", read: |_, _| "和".to_owned() },
];

fn labelled_code(found: &Found<'_>, dialect: &Dialect) -> String {
    let code = found.text(3);
    // `密码please` names no code.
    if !code.contains(|c: char| c.is_ascii_digit()) {
        let words: Vec<String> = code.split('-').map(letters).collect();
        return found.whole().replacen(code, &words.join("-"), 1);
    }
    format!("{}{}{}", found.text(1), found.text(2), dialect.code(code))
}

fn masked_phone(found: &Found<'_>, dialect: &Dialect) -> String {
    format!("{}{}", dialect.tail, dialect.code(found.text(1)))
}

fn phone(found: &Found<'_>, dialect: &Dialect) -> String {
    let groups: Vec<String> = (1..=3).filter_map(|n| found.opt(n)).map(|part| dialect.code(part)).collect();
    let extension = found.opt(4).map(|digits| format!("转{}", dialect.code(digits))).unwrap_or_default();
    format!("，{}{extension}，", groups.join("，"))
}

fn date(found: &Found<'_>, dialect: &Dialect) -> String {
    let [year, month, day] = [1, 2, 3].map(|n| found.text(n));
    let named = |digits| dialect.cardinal(digits, Counting::Names);
    format!("{}年{}月{}日", Dialect::year(year), named(month), named(day))
}

fn time(found: &Found<'_>, dialect: &Dialect) -> String {
    let clock = |hour: &str, minute: &str| {
        let valid = hour.len() <= 2 && minute.len() == 2;
        match (hour.parse(), minute.parse()) {
            (Ok(hour @ 0..=24), Ok(minute @ 0..=59)) if valid => dialect.clock(hour, minute),
            // A score or a ratio.
            _ => format!("{}比{}", bare(hour, dialect), bare(minute, dialect)),
        }
    };
    let from = clock(found.text(1), found.text(2));
    match (found.opt(3), found.opt(4)) {
        (Some(hour), Some(minute)) => format!("{from}到{}", clock(hour, minute)),
        _ => match found.text(5) {
            "" => from,
            "a" | "A" => format!("上午{from}"),
            _ => format!("下午{from}"),
        },
    }
}

fn hour(found: &Found<'_>, dialect: &Dialect) -> String {
    let minutes = match found.opt(3) {
        Some(minutes) if minutes.starts_with('0') => dialect.code(minutes) + "分",
        Some(minutes) => dialect.cardinal(minutes, Counting::Names) + "分",
        None => String::new(),
    };
    dialect.quantity(found.text(1)) + found.text(2) + &minutes
}

fn money(found: &Found<'_>, dialect: &Dialect) -> String {
    let sign = sign(found.text(1), dialect);
    let (low, high, myriad, per) = (found.text(2), found.opt(3), found.text(4), found.text(5));
    let per = if per.is_empty() { "" } else { "每" };
    if let (None, "") = (high, myriad) {
        return sign + &dialect.money(low) + per;
    }
    let high = high.map(|high| format!("到{}", dialect.quantity(high))).unwrap_or_default();
    let yuan = dialect.money("1");
    let yuan = yuan.trim_start_matches('一');
    format!("{sign}{}{high}{myriad}{yuan}{per}", dialect.quantity(low))
}

fn flat(found: &Found<'_>, dialect: &Dialect) -> String {
    let [building, unit, number] = [1, 2, 3].map(|n| found.text(n));
    let (building, unit) = (dialect.name(building), dialect.name(unit));
    format!("{building}{}{unit}{}{}{}", dialect.building, dialect.unit, room(number, dialect), found.text(4))
}

fn basement(found: &Found<'_>, dialect: &Dialect) -> String {
    let floor = if found.text(2) == "F" { dialect.floor } else { found.text(2) };
    format!("{}{}{floor}", dialect.negative(), dialect.name(found.text(1)))
}

fn room_of_building(found: &Found<'_>, dialect: &Dialect) -> String {
    let building = found.opt(1).map(|digits| dialect.name(digits.trim_end())).unwrap_or_default();
    format!("{building}{}{}{}", found.text(2), room(found.text(3), dialect), found.text(4).trim_start())
}

/// A room: 305 is read out like a code, 12 as a number.
fn room(digits: &str, dialect: &Dialect) -> String {
    if digits.len() >= 3 { dialect.code(digits) } else { dialect.name(digits) }
}

fn number_sign(found: &Found<'_>, dialect: &Dialect) -> String {
    let digits = found.opt(1).or(found.opt(2)).unwrap_or_default();
    dialect.name(digits) + dialect.number
}

fn percent(found: &Found<'_>, dialect: &Dialect) -> String {
    let high = found.opt(3).map(|high| format!("到{}", dialect.literal(high))).unwrap_or_default();
    format!("{}百分之{}{high}", sign(found.text(1), dialect), dialect.literal(found.text(2)))
}

fn degrees(found: &Found<'_>, dialect: &Dialect) -> String {
    let below = |sign: &str| if sign.is_empty() { "" } else { dialect.below_zero };
    let low = format!("{}{}度", below(found.text(1)), dialect.quantity(found.text(2)));
    match found.opt(4) {
        Some(high) => format!("{low}到{}{}度", below(found.text(3)), dialect.quantity(high)),
        None => low,
    }
}

fn latin_unit(found: &Found<'_>, dialect: &Dialect) -> String {
    let unit = match found.text(4) {
        "km" | "KM" | "Km" => "公里",
        "kg" | "KG" | "Kg" => "公斤",
        "min" | "mins" => dialect.minute,
        "h" | "hour" | "hours" => dialect.hours,
        "ml" | "mL" | "ML" => "毫升",
        "cm" => "厘米",
        "mm" => "毫米",
        "g" => "克",
        "L" => "升",
        _ => "米",
    };
    counted(found, dialect, unit)
}

/// Sign, number, perhaps a second number, unit.
fn counted(found: &Found<'_>, dialect: &Dialect, unit: &str) -> String {
    let sign = sign(found.text(1), dialect);
    let high = found.opt(3).map(|high| format!("到{}", dialect.quantity(high))).unwrap_or_default();
    format!("{sign}{}{high}{unit}", dialect.quantity(found.text(2)))
}

/// `A17` is said as letter and number, `G1024` digit by digit.
fn letter_code(found: &Found<'_>, dialect: &Dialect) -> String {
    let number = found.text(2);
    let version = number.contains('.');
    let number = if version { dialect.literal(number) } else { room(number, dialect) };
    let flat = found.opt(3).map(|flat| format!("杠{}", room(flat, dialect))).unwrap_or_default();
    format!("{}{number}{flat}", dialect.code(found.text(1)))
}

/// Two numbers with a dash are a range if they rise, else something like a house number.
fn bare_range(found: &Found<'_>, dialect: &Dialect) -> String {
    let (low, high) = (found.text(1), found.text(2));
    let short = low.len() <= 4 && high.len() <= 4 && !low.starts_with('0') && !high.starts_with('0');
    let rises = low.parse::<u32>().ok() < high.parse::<u32>().ok();
    if short && rises && high.len() <= low.len() + 1 {
        format!("{}到{}", dialect.name(low), dialect.name(high))
    } else {
        format!("{}杠{}", room(low, dialect), room(high, dialect))
    }
}

fn fraction(found: &Found<'_>, dialect: &Dialect) -> String {
    let (over, under) = (dialect.name(found.text(1)), dialect.name(found.text(2)));
    format!("{under}分之{over}")
}

/// A number without a clue.
fn bare(number: &str, dialect: &Dialect) -> String {
    let phone = number.len() == 11 && number.starts_with('1') && !number.contains('.');
    if phone || number.len() > 32 { dialect.code(number) } else { dialect.literal(number) }
}

fn sign(sign: &str, dialect: &Dialect) -> String {
    match sign {
        "-" => dialect.negative().to_owned(),
        "+" => dialect.plus.to_owned(),
        _ => String::new(),
    }
}

/// Short capitals are spelled: engines would read KFC as a syllable.
fn letters(word: &str) -> String {
    let capitals = word.chars().all(|c| c.is_ascii_uppercase());
    if !capitals || !(2..=5).contains(&word.len()) {
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
