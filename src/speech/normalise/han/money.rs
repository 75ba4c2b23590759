//! Money: yuan in coins as people say them, and the many ways to write a price.

use super::{Dialect, Found, Phones, Rule, read, sign, unit_name};

#[rustfmt::skip]
pub(super) const RULES: &[Rule<&'static Dialect>] = &[
    // 满30-5 is a discount, no range.
    Rule { pattern: r"(满|滿)\s*¥?\s*(NUM)\s*(元|块|塊)?\s*[-减減]\s*¥?\s*(NUM)", read: |found, d| format!("{}{}{}{}{}", found.text(1), d.quantity(found.text(2)), found.text(3), d.off, d.quantity(found.text(4))) },
    Rule { pattern: r"(满|滿)([0-9]{3,})(可用|即可|免|送|返|赠|立)", read: |found, d| format!("{}{}{}", found.text(1), d.quantity(found.text(2)), found.text(3)) },
    Rule { pattern: r"(优惠|優惠|满减|滿減|立减|立減|红包|紅包|折扣|减免|抵扣|优惠券|补贴|活动|返现)\s*:?\s*-\s*¥?\s*(NUM)(?:\s*元)?", read: |found, d| format!("{}{}{}", found.text(1).trim_end_matches(['减', '減']), d.off, d.money(found.text(2))) },
    Rule { pattern: r"(实付|實付|应付|应收|实收|合计|合計|总价|總價|总计|總計|共计|总额|金额|金額|配送费|配送費|打包费|包装费|跑腿费|小费|小費|运费|運費|单价|單價|起送价|到手价|到手|原价|现价|收入|到账|到賬)\s*:?\s*(NUM)(?:\s*元|([，。、！,;\s)]|$))", read: |found, d| format!("{}{}{}", found.text(1), d.money(found.text(2)), found.text(3)) },
    Rule { pattern: r"([-+]?)\s*(?:¥|END(?i:rmb|cny)\s*)\s*([-+]?)\s*([0-9]{1,3}(?:，[0-9]{3})+(?:\.[0-9]+)?|NUM)(?:TO¥?\s*(NUM))?(?:\s*(万|萬|[wW]END))?(?:\s*(?:元|块|塊))?(/\s*(?:(kg|KG|g|km|KM|h|min|L|m)END)?)?", read: marked },
    Rule { pattern: r"(?:(HK|US|A)?\$|END(HKD|USD|AUD))\s*(NUM)", read: dollars },
    Rule { pattern: r"([-+]?)()([0-9]{1,3}(?:，[0-9]{3}){2,}(?:\.[0-9]+)?|NUM)(?:TO¥?(NUM))?\s*(万|萬|[wW]END)?\s*(?:元|蚊|圆|圓|¥|(?i:rmb|cny)END)(/\s*(?:(kg|KG|g|km|KM|h|min|L|m)END)?)?", read: unmarked },
    Rule { pattern: r"([0-9]+)\s*([块塊毛角毫蚊])\s*([0-9])END", read: |found, d| format!("{}{}{}", d.quantity(found.text(1)), found.text(2), d.name(found.text(3))) },
    Rule { pattern: r"([+-]?)([0-9]+)\.([0-9]{1,2})\s*([块塊])", read: pieces },
    Rule { pattern: r"([0-9]+)\s*-\s*([0-9]+)\s*(块|塊)", read: |found, d| format!("{}到{}{}", d.quantity(found.text(1)), d.quantity(found.text(2)), found.text(3)) },
];

/// With the sign before the number.
fn marked(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let before = if found.text(1).is_empty() { found.text(2) } else { found.text(1) };
    sign(before, dialect) + &amount(found, dialect)
}

/// With the unit after it. A dash that hangs on a word is a dash.
fn unmarked(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let hangs = found.before().ends_with(char::is_alphanumeric);
    match found.text(1) {
        "-" if hangs => format!(" {}", amount(found, dialect)),
        written => sign(written, dialect) + &amount(found, dialect),
    }
}

/// Groups 3 to 7: the number, the higher one of a range, ten thousands, a slash, and what for.
fn amount(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let low = found.text(3).replace('，', "");
    let myriad = match found.text(5) {
        "w" | "W" => dialect.ten_thousand(),
        written => written,
    };
    let per = match (found.opt(6), found.opt(7)) {
        (None, _) => String::new(),
        (Some(_), None) => "每".to_owned(),
        (Some(_), Some(unit)) => format!("每{}", unit_name(unit, dialect).unwrap_or(unit)),
    };
    let Some(high) = found.opt(4) else {
        if myriad.is_empty() {
            return dialect.money(&low) + &per;
        }
        return format!("{}{myriad}{}{per}", dialect.quantity(&low), dialect.yuan());
    };
    // 20-5元 takes five off.
    let falls = high.parse::<f64>().ok() < low.parse::<f64>().ok();
    let coins = high.contains('.') || low.contains('.') && found.whole().contains('¥');
    if coins && !falls && myriad.is_empty() {
        return format!("{}到{}{per}", dialect.money(&low), dialect.money(high));
    }
    let between = if falls { dialect.off } else { "到" };
    format!("{}{between}{}{myriad}{}{per}", dialect.quantity(&low), dialect.quantity(high), dialect.yuan())
}

fn dollars(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let (number, country) = (found.text(3), found.opt(1).unwrap_or(found.text(2)));
    // In Hong Kong the dollar is the currency.
    if dialect.phones == Phones::TwoFours && !country.starts_with(['U', 'A']) {
        return dialect.money(number);
    }
    let currency = match country {
        "HK" | "HKD" => "港元",
        "A" | "AUD" => "澳元",
        _ => "美元",
    };
    dialect.quantity(number) + currency
}

/// 5.8块 is 五块八.
fn pieces(found: &Found<'_>, dialect: &'static Dialect) -> String {
    let sign = sign(found.text(1), dialect);
    let (whole, fraction, unit) = (found.text(2), found.text(3).trim_end_matches('0'), found.text(4));
    let yuan = format!("{sign}{}{unit}", dialect.quantity(whole));
    let tens = |digit: &str| dialect.name(digit);
    match (fraction.as_bytes(), whole.trim_start_matches('0').is_empty()) {
        ([], _) => yuan,
        ([_], true) => format!("{sign}{}毛", dialect.quantity(fraction)),
        ([_], false) => yuan + &tens(fraction),
        ([b'0', _], _) => format!("{yuan}零{}", tens(&fraction[1..])),
        ([_, _], true) => format!("{sign}{}毛{}", dialect.quantity(&fraction[..1]), tens(&fraction[1..])),
        _ => read(&format!("{yuan}{}毛{}", tens(&fraction[..1]), tens(&fraction[1..])), dialect),
    }
}
