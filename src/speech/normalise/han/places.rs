//! Addresses: buildings, units, floors and rooms as riders say them.
//! A room of three digits and more is read out digit by digit, like a code; all else is counted.

use super::{Dialect, Found, Rule, codes::listed, read, rest::bare, room};

#[rustfmt::skip]
pub(super) const RULES: &[Rule<&'static Dialect>] = &[
    Rule { pattern: r"(送到|送至|送往|送去|送上|住在?|住址|门牌|門牌|(?:公司|家|我|人|就|放|单位|学校)在|放到|拿到|车位|車位|工位|泊位)\s*:?\s*([0-9]{3,4}ENDTAIL)((?:[、/和与與][0-9]{3,4}ENDTAIL)*)", read: door_at },
    Rule { pattern: r"([0-9]{3,4})(\s*(?:敲门|敲門|门口|門口|门外|門外|按门铃)|，?\s*(?:电梯|電梯))", read: door_before },
    Rule { pattern: r"([0-9]{1,2})\s*(层|層|楼|樓)\s*([0-9]{3,4})\s*(户|戶)", read: household },
    Rule { pattern: r"([0-9]{1,2})([A-EG-Z])-([0-9]{2,4})END", read: |found, d| format!("{}{}{}", d.name(found.text(1)), found.text(2), room(found.text(3), d)) },
    Rule { pattern: r"END([A-Z])([0-9]{1,2})-([0-9]{1,2})-([0-9]{3,4})END", read: |found, d| format!("{}{}{}{}{}{}", found.text(1), d.name(found.text(2)), d.building, d.name(found.text(3)), d.unit, d.code(found.text(4))) },
    Rule { pattern: r"([0-9]{1,3})-([0-9]{1,2})-([0-9]{3,4})END\s*(室|房)?", read: flat },
    Rule { pattern: r"([0-9]{1,3})-([A-Z])-([0-9]{3,4})END", read: |found, d| format!("{}{}{}{}{}", d.name(found.text(1)), d.building, found.text(2), d.unit, d.code(found.text(3))) },
    Rule { pattern: r"([0-9A-Za-z]{1,3})(栋|棟|幢|号楼|號樓|座|#楼?)\s*-?\s*([0-9]{1,2})(?:单元|單元)?-([0-9]{3,4})END\s*(室|房)?", read: flat_of_building },
    Rule { pattern: r"(?:-|END[Bb])\s*([0-9]{1,2})\s*(层|層|楼|樓|F)END", read: basement },
    Rule { pattern: r"(?:-|END[Bb])\s*([0-9]{1,2})\s*(层|層|楼|樓)", read: basement },
    Rule { pattern: r"地下\s*[Bb]?([0-9]{1,2})(?:\s*(层|層|楼|樓)|END)", read: |found, d| format!("地下{}{}", d.name(found.text(1)), found.opt(2).unwrap_or(d.storey())) },
    // A mall writes 3F or F3 for its third floor.
    Rule { pattern: r"([0-9]{1,3})F\s*-?\s*([0-9]{3,5})END", read: |found, d| format!("{}{}{}", d.name(found.text(1)), d.floor, d.code(found.text(2))) },
    Rule { pattern: r"([0-9]{1,3})(?:TO([0-9]{1,3}))?FEND", read: |found, d| span_of(found, d) + d.floor },
    Rule { pattern: r"ENDF([0-9]{1,2})(?:\s*(层|層|楼|樓)|END)", read: |found, d| d.name(found.text(1)) + found.opt(2).unwrap_or(d.floor) },
    Rule { pattern: r"([0-9]+|END[A-Za-z])#\s*(楼|樓|栋|棟)?(?:\s*-?\s*([0-9]{3,4})END)?", read: sharp },
    Rule { pattern: r"#\s*([0-9]+)(?:TO#?([0-9]+))?(?:\s*[号號])?", read: |found, d| span_of(found, d) + d.number },
    Rule { pattern: r"([0-9]{3,5}(?:[、，,/][0-9]{3,5})+)\s*([室房])", read: rooms },
    Rule { pattern: r"([0-9]{3,5})TO([0-9]{3,5})\s*([室房])", read: |found, d| format!("{}到{}{}", d.code(found.text(1)), d.code(found.text(2)), found.text(3)) },
    Rule { pattern: r"([0-9])\s*[室房]\s*([0-9])\s*[厅廳]", read: |found, d| format!("{}室{}厅", d.quantity(found.text(1)), d.quantity(found.text(2))) },
    Rule { pattern: r"([0-9]+\s*)?(号楼|號樓|号院|號院|栋|棟|幢|座|塔|单元|單元|楼|樓|层|層|门|門|梯|期|区|區|弄|号|號|巷|村|组|組|阁|苑|轩|公寓|大厦|大廈|广场|廣場|小区|小區|酒店|宾馆|宿舍|舍|写字楼|寫字樓|包间|包厢|包房|办公室|会议室|教室|病房|学院)\s*[-/]?\s*([0-9]{3,5}(?:\.[0-9]+)?(?:TONUM)?)END(\s*[室房])?", read: room_of_building },
    Rule { pattern: r"([0-9]+)\s*(室|房间|房間|房|号房|號房|教室|病房|包间|包厢|包房|宿舍|寝室|办公室|会议室)", read: single_room },
    // A flat with a letter behind its number.
    Rule { pattern: r"([0-9]{3,4})([A-D])END", read: |found, d| d.code(found.text(1)) + found.text(2) },
    Rule { pattern: r"(公交车?)\s*([0-9]{3})END", read: |found, d| found.text(1).to_owned() + &d.code(found.text(2)) },
    Rule { pattern: r"END(?i:(room|rm|apt|suite|unit))\.?\s*([0-9]{3,5})END", read: |found, d| format!("{} {}", read(found.text(1), d), d.code(found.text(2))) },
    Rule { pattern: r"END[Nn][Oo][.:]?\s*([0-9]+)", read: |found, d| d.name(found.text(1)) + d.number },
    Rule { pattern: r"第\s*([0-9]{1,4})\s*/\s*([0-9]{1,4})\s*(COUNT|页|頁|名|步|关|集|层|站)", read: |found, d| format!("第{}{},共{}{}", d.name(found.text(1)), found.text(3), d.quantity(found.text(2)), found.text(3)) },
    Rule { pattern: r"第\s*([0-9]+)(?:TO([0-9]+)|((?:、[0-9]+)+))?\s*", read: ordinal },
    Rule { pattern: r"END(II|III|IV|VI|VII|VIII|IX)\s*(期|区|區|号|號|座|栋|棟)", read: roman },
    // Bus 302 and road 318 are read out, bus 18 is counted.
    Rule { pattern: r"([0-9]{3})(路|国道|國道|省道|县道|縣道)", read: |found, d| d.code(found.text(1)) + found.text(2) },
    Rule { pattern: r"([0-9]+)(?:[-~]([0-9]+))?\s*(号|號|栋|棟|幢|座|单元|單元|楼|樓|层|層|路|弄|巷|街|期|区|區|桌|班|排|级|級|月|日|年级|年級|届|站|线|線|门|門|梯)", read: named },
];

/// `送到1702`, `车位1502`; `送到1000米外` is a way.
fn door_at(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let number = found.text(2);
    let digits = number.bytes().all(|b| b.is_ascii_digit());
    let said = match digits {
        true if found.text(3).is_empty() && counts(found.after()) => dialect.quantity(number),
        true => dialect.code(number),
        false => read(number, dialect),
    };
    format!("{}{said}{}", found.text(1), listed(number, found.text(3), dialect))
}

/// `1503门口`, `1502（电梯右手边）`; a round number before a pause may be anything.
fn door_before(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let (digits, place) = (found.text(1), found.text(2));
    let door = !(place.starts_with('，') && digits.ends_with("00"));
    let number = if door { dialect.code(digits) } else { bare(digits, dialect) };
    number + place
}

/// `15层1502户` is a door of that floor, `15层300户` are so many.
fn household(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let (floor, digits) = (found.text(1), found.text(3));
    let door = digits.len() == floor.len() + 2 && digits.starts_with(floor);
    let number = if door { dialect.code(digits) } else { dialect.quantity(digits) };
    format!("{}{}{number}{}", dialect.name(floor), found.text(2), found.text(4))
}

fn flat(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let [building, unit, number] = [1, 2, 3].map(|n| found.text(n));
    let (building, unit) = (dialect.name(building), dialect.name(unit));
    format!("{building}{}{unit}{}{}{}", dialect.building, dialect.unit, room(number, dialect), found.text(4))
}

/// `3栋-2-1201`, `3号楼2-502`: the unit stands before the dash.
fn flat_of_building(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let building = read(found.text(1), dialect);
    let (unit, number) = (dialect.name(found.text(3)), room(found.text(4), dialect));
    let kind = if found.text(2).starts_with('#') { dialect.building } else { found.text(2) };
    format!("{building}{kind}{unit}{}{number}{}", dialect.unit, found.text(5))
}

fn basement(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let floor = if found.text(2) == "F" { dialect.floor } else { found.text(2) };
    let below = if found.before().ends_with(['负', '負']) { "" } else { dialect.negative() };
    format!("{below}{}{floor}", dialect.name(found.text(1)))
}

/// `12#`, `12#楼`, `10#301`, `A#1201`.
fn sharp(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let name = found.text(1);
    let name = if name.starts_with(|c: char| c.is_ascii_digit()) {
        dialect.name(name)
    } else {
        name.to_ascii_uppercase()
    };
    let number = found.opt(3).map(|number| room(number, dialect)).unwrap_or_default();
    format!("{name}{}{}{number}", dialect.number, found.text(2))
}

fn rooms(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let numbers = found.text(1).split(['、', '，', ',', '/']).map(|number| dialect.code(number));
    numbers.collect::<Vec<_>>().join("、") + found.text(2)
}

/// What cannot stand after a room: `2楼100米` is a way.
const COUNTED: [&str; 42] = [
    "米", "公里", "千米", "m", "km", "元", "块", "塊", "¥", "份", "单", "單", "个", "個", "人", "位", "分",
    "克", "g", "kg", "斤", "公斤", "平", "户", "家", "件", "瓶", "杯", "%", "折", "年", "月", "点", "點",
    "度", "天", "号楼", "号院", "弄", "毫升", "ml", ":",
];

/// Whether a number before this text is an amount.
pub(super) fn counts(after: &str) -> bool {
    let after = after.trim_start();
    COUNTED.iter().any(|unit| after.starts_with(unit))
}

fn room_of_building(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let building = found.opt(1).map(|digits| dialect.name(digits.trim_end())).unwrap_or_default();
    let (kind, number) = (found.text(2), found.text(3));
    let is_room = found.opt(4).is_some() || !counts(found.after());
    let number = match number.bytes().all(|b| b.is_ascii_digit()) {
        true if is_room => room(number, dialect),
        // Not enough is known here: 100 becomes 一百, its unit stays behind it.
        true => dialect.quantity(number),
        false => match number.split_once(['-', '~', '至', '到']) {
            Some((first, last)) if is_room && !number.contains('.') => {
                let [first, last] = [first, last].map(|number| number.trim_matches(['-', ' ']));
                let between = if last.len() < first.len() { "杠" } else { "到" };
                format!("{}{between}{}", room(first, dialect), room(last, dialect))
            }
            _ => read(number, dialect),
        },
    };
    format!("{building}{kind}{number}{}", found.text(4).trim_start())
}

fn single_room(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let (digits, kind) = (found.text(1), found.text(2));
    let counted = digits.len() <= 2 && kind != "室" && !kind.starts_with(['号', '號']);
    let number = if counted { dialect.quantity(digits) } else { room(digits, dialect) };
    number + kind
}

fn ordinal(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let last = found.opt(2).map(|last| format!("到{}", dialect.name(last))).unwrap_or_default();
    let listed: Vec<String> = found
        .text(3)
        .split('、')
        .map(|number| if number.is_empty() { String::new() } else { dialect.name(number) })
        .collect();
    let listed = listed.join("、");
    format!("第{}{last}{listed}", dialect.name(found.text(1)))
}

fn roman(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let number = match found.text(1) {
        "II" => "2",
        "III" => "3",
        "IV" => "4",
        "VI" => "6",
        "VII" => "7",
        "VIII" => "8",
        _ => "9",
    };
    dialect.name(number) + found.text(2)
}

/// `12号`, `2楼`, `1-3层`, `2-15号`; the house `12-3号` is no range.
fn named(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let falls =
        found.opt(2).is_some_and(|last| last.parse::<u32>().ok() <= found.text(1).parse::<u32>().ok());
    if falls {
        return format!("{}杠{}{}", dialect.name(found.text(1)), dialect.name(found.text(2)), found.text(3));
    }
    span_of(found, dialect) + found.text(3)
}

/// One name, or the first and the last of several.
fn span_of(found: &Found<'_>, dialect: &Dialect) -> String {
    let last = found.opt(2).map(|last| format!("到{}", dialect.name(last))).unwrap_or_default();
    dialect.name(found.text(1)) + &last
}
