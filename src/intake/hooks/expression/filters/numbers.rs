//! Money and distance, exactly: senders write 4, 4.0, "4.00" and "¥4.00" for the same sum.
//! Decimal digits are moved, never multiplied, so that no binary fraction rounds them.

use minijinja::value::ValueKind;
use minijinja::{Environment, Error, Value};

use super::{text_of, unfit};

/// Adds the filters.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("cents", |value: &Value| scaled(value, 2));
    environment.add_filter("metres", metres);
}

fn metres(value: &Value) -> Result<Value, Error> {
    let Some(text) = value.as_str() else { return scaled(value, 3) };
    let text = text.trim();
    for unit in ["km", "KM", "公里", "千米"] {
        if let Some(number) = text.strip_suffix(unit) {
            return scaled(&Value::from(number), 3);
        }
    }
    for unit in ["m", "M", "米"] {
        if let Some(number) = text.strip_suffix(unit) {
            return scaled(&Value::from(number), 0);
        }
    }
    scaled(value, 3)
}

/// A decimal number times a power of ten, as a whole number. What is not there, or empty, stays away.
fn scaled(value: &Value, places: u32) -> Result<Value, Error> {
    if matches!(value.kind(), ValueKind::Bool) {
        return Err(unfit("it takes a number"));
    }
    let Some(text) = text_of(value)? else { return Ok(Value::UNDEFINED) };
    let text = text.trim().trim_start_matches(['¥', '￥', '$', '€', '£']).trim();
    if text.is_empty() {
        return Ok(Value::UNDEFINED);
    }
    shifted(text, places).map(Value::from).ok_or_else(|| unfit("it takes a decimal number"))
}

/// `"12.345"` with two places is 1235: half is rounded away from zero.
fn shifted(text: &str, places: u32) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.replace(',', "");
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(&whole) || !plain(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let places = usize::try_from(places).ok()?;
    let kept = fraction.get(..places).unwrap_or(fraction);
    let moved = format!("0{whole}{kept}{}", "0".repeat(places - kept.len()));
    let rounds_up = fraction.as_bytes().get(places).is_some_and(|digit| *digit >= b'5');
    let amount = moved.parse::<i64>().ok()?.checked_add(i64::from(rounds_up))?;
    Some(if negative { -amount } else { amount })
}

#[cfg(test)]
mod tests {
    use super::{metres, scaled, shifted};
    use minijinja::Value;

    #[test]
    fn money_does_not_drift() {
        for (text, cents) in [
            ("4.00", 400),
            ("4", 400),
            ("4.5", 450),
            ("0.29", 29),
            ("1.005", 101),
            ("1.004999", 100),
            (".5", 50),
            ("5.", 500),
            ("-1.255", -126),
            ("+3", 300),
            ("1,234.50", 123_450),
            ("90071992547409.93", 9_007_199_254_740_993),
        ] {
            assert_eq!(shifted(text, 2), Some(cents), "{text}");
        }
        for bad in ["", ".", "-", "1e3", "4.0.0", "四", "0x10", "99999999999999999999"] {
            assert_eq!(shifted(bad, 2), None, "{bad}");
        }
    }

    #[test]
    fn numbers_come_as_they_like() {
        let cents = |value: Value| scaled(&value, 2).map(|value| value.as_i64());
        assert_eq!(cents(Value::from(4.0)).unwrap(), Some(400));
        assert_eq!(cents(Value::from(4.35)).unwrap(), Some(435));
        assert_eq!(cents(Value::from(4)).unwrap(), Some(400));
        assert_eq!(cents(Value::from("￥4.00")).unwrap(), Some(400));
        assert_eq!(cents(Value::from(" ")).unwrap(), None);
        assert_eq!(cents(Value::from(())).unwrap(), None);
        assert!(cents(Value::from("four")).is_err());
        assert!(cents(Value::from(true)).is_err());
        assert!(cents(Value::from(vec![1])).is_err());
        let far = |value: Value| metres(&value).unwrap().as_i64();
        assert_eq!(far(Value::from("1.2")), Some(1200));
        assert_eq!(far(Value::from(0.35)), Some(350));
        assert_eq!(far(Value::from("1.2km")), Some(1200));
        assert_eq!(far(Value::from("800 米")), Some(800));
        assert_eq!(far(Value::from("3公里")), Some(3000));
    }
}
