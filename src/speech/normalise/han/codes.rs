//! Codes and phone numbers: what is read out sign by sign.
//! Whether a number is one, only the word before it tells.

use super::{Dialect, Found, Rule, places::counts, read, room};

#[rustfmt::skip]
pub(super) const RULES: &[Rule<&'static Dialect>] = &[
    // Nobody can note down an address on the web by ear.
    Rule { pattern: r"(?i:https?://|ENDwww\.)[!-~]*[0-9A-Za-z/]", read: |_, d| d.link.to_owned() },
    Rule { pattern: r"([京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼])\s?([A-Z])\s?([0-9A-Z]{5,6})END", read: plate },
    Rule { pattern: r"(?:((?:手机|手機)?尾[号號]|(?:手机|手機|电话|電話)(?:[号號][码碼]?)?)(?:为|是)?[\s:]*)?(?:\+?86[- ]?)?1[3-9][0-9][- ]*(?:[*xX]{2,8}|\s{4})[- ]*([0-9]{4})END", read: masked_phone },
    Rule { pattern: r"((?:手机|手機|订单|訂單)?尾[号數数號]|[后後末尾][四4]位|(?:取餐|取件|取货|取貨|取单|取單|提货|提貨|提取|收货|收貨|送货|自提|验证|驗證|校验|动态|核销|核銷|兑换|优惠|邀请|识别|配送|开柜|开箱|开门|门禁|交接|确认|確認|付款|团购|退款|条|條|编|編|券|密|代)[码碼]|(?:订单编?|訂單編?|运单|快递单|单|單|编|編|工|会员|會員|卡|账|帳|帐|手机|手機|电话|電話|微信|车牌|車牌|身份证|虚拟|隐私|中间)[号號][码碼]?|邮编|口令)\s*(为|是|為|係)?[\s:#*]*([0-9A-Za-z][0-9A-Za-z-]{0,31}END#?)((?: [0-9]{4}END){2,}|(?:\s?[、/，,和与與及跟]\s?(?:[A-Za-z][0-9]{2,8}|[0-9]{3,8})ENDTAIL)*)(?:\s*(?:[转轉]|分机)\s*([0-9]{1,6})END)?", read: labelled_code },
    Rule { pattern: r"(尾[号數数號]|[后後末尾][四4]位|[\p{Han}]{2}[码碼])，\s*([0-9]{3,8})END", read: |found, d| format!("{}{}", label(found.text(1)), d.code(found.text(2))) },
    // A number that is shouted across a shop is a number while it is short.
    Rule { pattern: r"((?:取餐|取单|取單|流水|排队|排隊|排|叫|桌|台|序|房间|房間|房|门牌|門牌|柜|格口|箱)[号號])\s*(为|是|為|係)?[\s:#]*([0-9A-Za-z][0-9A-Za-z-]{0,15}END)", read: shouted },
    Rule { pattern: r"(?:(?:\+|00)?86[- ，]?)?(1[3-9][0-9])[-. ]?([0-9]{4})[-. ]?([0-9]{4})(?:\s*(?:[转轉_,，-]|分机|(?i:ext)\.?)\s*([0-9]{1,6}))?END", read: phone },
    Rule { pattern: r"([48]00)[- ]?([0-9]{3})[- ]?([0-9]{4})(?:\s*(?:[转轉-]|分机)\s*([0-9]{1,6}))?END", read: phone },
    Rule { pattern: r"([48]00)-?([0-9]{4})-?([0-9]{3})END", read: phone },
    Rule { pattern: r"\+86[- ]?([1-9][0-9]{1,2})[- ]([0-9]{3,4})[- ]?([0-9]{4})END", read: phone },
    Rule { pattern: r"(?:\+?86[- ])?(0[0-9]{2,3})[- ]([0-9]{3,4})[- ]([0-9]{4})(?:\s*(?:[转轉]|分机)\s*([0-9]{1,6}))?END", read: phone },
    Rule { pattern: r"(?:\+?86[- ])?(0[0-9]{2,3})[- ]([0-9]{7,8})(?:END()\s*(?:[转轉-]|分机)\s*([0-9]{1,6}))?END", read: phone },
    Rule { pattern: r"([0-9]{7,8}|9[0-9]{4})\s*(?:[转轉]|分机)\s*([0-9]{1,6})END", read: |found, d| format!("，{}{}{}，", d.code(found.text(1)), d.extension, d.code(found.text(2))) },
    Rule { pattern: r"(电话|電話|拨打|撥打|致电|致電|报警|報警|急救|打|拨|呼叫|叫|手机|手機|微信|客服)[\s:]*(1[12][0-9]|999|911|1[12][0-9]{3}|[0-9]{5,8})END", read: hotline },
    Rule { pattern: r"(11[0289]|12[02]|999|911)(急救|报警|報警|火警|救护|救護)", read: |found, d| d.code(found.text(1)) + found.text(2) },
    Rule { pattern: r"(0[0-9]{2,3})-(1[12][0-9])END", read: phone },
    // What a visitor presses at a door.
    Rule { pattern: r"\*\s*([号號]?[键鍵])", read: |found, _| format!("星{}", key_name(found.text(1))) },
    Rule { pattern: r"#\s*([号號]?[键鍵])", read: |found, _| format!("井{}", key_name(found.text(1))) },
    Rule { pattern: r"(门禁|门锁|密码锁|输入|呼叫|呼|按)\s*:?\s*([*#]?)([0-9]{3,8})END(#?)", read: door },
    Rule { pattern: r"([48]00)(电话|電話|热线|熱線|客服)", read: |found, d| d.code(found.text(1)) + found.text(2) },
    Rule { pattern: r"ENDQQ(号?)[\s:]*([0-9]{5,12})END", read: |found, d| format!("Q Q{}{}", found.text(1), d.code(found.text(2))) },
    Rule { pattern: r"([0-9]{3,})\s*(尾号|尾號)", read: |found, d| d.code(found.text(1)) + found.text(2) },
];

/// `京A12B45`: the signs one by one.
fn plate(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let (province, letter, rest) = (found.text(1), found.text(2), found.text(3));
    if rest.chars().filter(char::is_ascii_digit).count() < 3 {
        return format!("{province}{}", read(&format!("{letter}{rest}"), dialect));
    }
    format!("{province}{}", dialect.code(&format!("{letter}{rest}")))
}

fn labelled_code(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let code = found.text(3);
    let label = read(found.text(1), dialect);
    // `密码please` names no code.
    if !code.contains(|c: char| c.is_ascii_digit()) {
        let rest = &found.whole()[found.text(1).len()..];
        return format!("{label}{}", read(rest, dialect));
    }
    let digits = code.bytes().filter(u8::is_ascii_digit).count();
    if code.starts_with('1') && digits >= 11 && code.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        let number = found.opt(5).map_or_else(|| code.to_owned(), |extension| format!("{code}转{extension}"));
        let more = listed(code, found.text(4), dialect);
        return format!("{label}{}{}{more}", found.text(2), read(&number, dialect));
    }
    let extension = found
        .opt(5)
        .map(|digits| format!("{}{}", dialect.extension, dialect.code(digits)))
        .unwrap_or_default();
    // A door wants the key with the sign at the end.
    let key = if code.ends_with('#') && !found.after().starts_with(|c: char| c.is_ascii_digit()) {
        "井号键"
    } else {
        ""
    };
    format!("{label}{}{}{key}{}", found.text(2), dialect.code(code), listed(code, found.text(4), dialect))
        + &extension
}

/// What follows the first code. A long number in groups of four is one code, numbers in a list are several; one
/// that is written like the first is a code, any other is what it is without it.
pub(super) fn listed(first: &str, list: &str, dialect: &'static Dialect) -> String {
    // The slashes of a date stand inside.
    let apart = |after: &str| after.chars().take_while(char::is_ascii_alphanumeric).count() > 2;
    let marks = list.match_indices(SEPARATORS);
    let starts: Vec<usize> = marks
        .filter(|(at, mark)| *mark != "/" || apart(list[at + 1..].trim_start()))
        .map(|(at, _)| at)
        .collect();
    if starts.is_empty() {
        return dialect.code(list);
    }
    let ends = starts.iter().skip(1).copied().chain([list.len()]);
    let mut said = String::new();
    for (start, end) in starts.iter().copied().zip(ends) {
        let part = list[start..end].trim_start_matches(SEPARATORS).trim();
        let alike = part.len() == first.len() && part.bytes().all(|b| b.is_ascii_alphanumeric());
        let mark = list[start..].chars().next().filter(|mark| *mark != '/');
        said.push(mark.unwrap_or('、'));
        said += &if alike { dialect.code(part) } else { read(part, dialect) };
    }
    said
}

/// What stands between two codes.
const SEPARATORS: [char; 9] = ['、', '/', '，', ',', '和', '与', '與', '及', '跟'];

/// The key of a sign has its full name.
fn key_name(written: &str) -> String {
    if written.starts_with(['键', '鍵']) { format!("号{written}") } else { written.to_owned() }
}

/// `按1234#`: the keys of a door. `按100元` is no key.
fn door(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let (label, digits) = (found.text(1), found.text(3));
    let keyed = !found.text(2).is_empty() || !found.text(4).is_empty();
    let pressed =
        keyed || ["呼", "开", "開", "进", "進", "确"].iter().any(|verb| found.after().starts_with(verb));
    if (label == "按" && !pressed) || counts(found.after()) {
        return format!("{label}{}", read(&found.whole()[label.len()..], dialect));
    }
    let hash = |key: &str| if key == "#" { "井号键" } else { "" };
    format!("{label}{}{}{}", hash(found.text(2)), dialect.code(digits), hash(found.text(4)))
}

/// A label as it is said: 后4位 has a number of its own.
fn label(written: &str) -> String {
    written.replace('4', "四")
}

fn shouted(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let code = found.text(3);
    let digits = code.chars().all(|c| c.is_ascii_digit());
    let code = if digits { room(code, dialect) } else { read(code, dialect) };
    format!("{}{}{code}", found.text(1), found.text(2))
}

fn masked_phone(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let label = found.text(1);
    let tail = if label.contains('尾') { "" } else { dialect.tail };
    format!("{label}{tail}{}", dialect.code(found.text(2)))
}

fn phone(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let groups = (1..=3).filter_map(|n| found.opt(n)).filter(|part| !part.is_empty());
    let groups: Vec<String> = groups.map(|part| dialect.code(part)).collect();
    let extension = found.opt(4).map(|digits| format!("{}{}", dialect.extension, dialect.code(digits)));
    format!("，{}{}，", groups.join("，"), extension.unwrap_or_default())
}

fn hotline(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let pause = if found.text(1).chars().count() > 1 { "，" } else { "" };
    format!("{}{pause}{}", found.text(1), dialect.code(found.text(2)))
}
