//! Times as senders write them: seconds or milliseconds as number or text, RFC 3339, and wall clocks without a zone.
//! What has no offset of its own is read in the hook's zone.

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// Where a wall clock without a zone hangs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Zone(TimeZone);

/// A text that names no zone.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a zone is ±HH:MM or a name such as Asia/Shanghai")]
pub struct UnknownZone;

/// A moment with the offset in which it was told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Moment {
    /// When it was.
    pub at: Timestamp,
    /// How far the sender's clock is from UTC; `None` where it told seconds since 1970.
    offset: Option<Offset>,
}

/// Bounds of an epoch in seconds: from 2001 until 2128. Smaller numbers are no times of an order, and what is a
/// thousand times more are milliseconds.
const EPOCH_S: std::ops::RangeInclusive<i64> = 1_000_000_000..=5_000_000_000;

impl Default for Zone {
    /// `+08:00`, where most senders without a zone are.
    fn default() -> Self {
        Self(TimeZone::fixed(jiff::tz::offset(8)))
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(text: &str) -> Result<Self, UnknownZone> {
        if matches!(text, "Z" | "UTC") {
            return Ok(Self(TimeZone::UTC));
        }
        if text.starts_with(['+', '-']) {
            return offset_of(text).map(|offset| Self(TimeZone::fixed(offset))).ok_or(UnknownZone);
        }
        TimeZone::get(text).map(Self).map_err(|_| UnknownZone)
    }
}

impl fmt::Display for Moment {
    /// RFC 3339, in the offset in which it came.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset {
            Some(offset) if offset != Offset::UTC => {
                write!(f, "{}", self.at.display_with_offset(offset))
            }
            Some(_) | None => write!(f, "{}", self.at),
        }
    }
}

/// A time in any of the ways that senders have.
///
/// | | |
/// |---|---|
/// | `1772339407`, `"1772339407"`, `1772339407.5` | seconds since 1970 |
/// | `1772339407053` | milliseconds; also micro- and nanoseconds by their length |
/// | `2026-03-01T12:28:05.5+08:00`, `…Z`, `…+0800` | RFC 3339, also with a space |
/// | `2026-03-01T12:28:05`, `2026-03-01 12:28:05`, `2026/3/1 12:28`, `20260301122805`, `2026-03-01` | in `zone` |
#[must_use]
pub fn read(value: &Value, zone: &Zone) -> Option<Moment> {
    match value {
        Value::Number(number) => match number.as_i64() {
            Some(number) => epoch(number),
            None => fractional(number.as_f64()?),
        },
        Value::String(text) => text_time(text.trim(), zone),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn text_time(text: &str, zone: &Zone) -> Option<Moment> {
    if text.is_empty() || text.len() > 40 || !text.is_ascii() {
        return None;
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        // 14 digits that begin with 20 are a wall clock: as an epoch it would be no known unit.
        return match text.len() {
            14 => wall(text, zone),
            _ => epoch(text.parse().ok()?),
        };
    }
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_decimal {
        return fractional(text.parse().ok()?);
    }
    let (clock, offset) = split_offset(text)?;
    match offset {
        Some(offset) => {
            let at = offset.to_timestamp(clock_of(clock)?).ok()?;
            Some(Moment { at, offset: Some(offset) })
        }
        None => wall(clock, zone),
    }
}

/// Whole seconds, or what is so much more that it must be milli-, micro- or nanoseconds.
fn epoch(number: i64) -> Option<Moment> {
    let nanos_each = [1_i128, 1_000, 1_000_000, 1_000_000_000].into_iter().find(|scale| {
        i64::try_from(i128::from(number) / scale).is_ok_and(|seconds| EPOCH_S.contains(&seconds))
    })?;
    let nanos = i128::from(number) * (1_000_000_000 / nanos_each);
    Some(Moment { at: Timestamp::from_nanosecond(nanos).ok()?, offset: None })
}

fn fractional(number: f64) -> Option<Moment> {
    let whole = SignedDuration::try_from_secs_f64(number).ok()?;
    if let Some(moment) = epoch(whole.as_secs())
        && EPOCH_S.contains(&whole.as_secs())
    {
        let millis = i64::from(whole.subsec_millis());
        return Some(Moment {
            at: moment.at.checked_add(SignedDuration::from_millis(millis)).ok()?,
            offset: None,
        });
    }
    epoch(whole.as_secs())
}

/// A wall clock that hangs in a zone. In the hour that comes twice it is the first one.
fn wall(text: &str, zone: &Zone) -> Option<Moment> {
    let zoned = clock_of(text)?.to_zoned(zone.0.clone()).ok()?;
    Some(Moment { at: zoned.timestamp(), offset: Some(zoned.offset()) })
}

/// The offset at a text's end, if it has one. `-` and `+` of a date stand before its ninth byte.
fn split_offset(text: &str) -> Option<(&str, Option<Offset>)> {
    if let Some(clock) = text.strip_suffix(['Z', 'z']) {
        return Some((clock, Some(Offset::UTC)));
    }
    let sign = text.char_indices().skip(9).find(|(_, letter)| matches!(letter, '+' | '-'));
    match sign {
        Some((at, _)) => Some((text.get(..at)?.trim_end(), Some(offset_of(text.get(at..)?)?))),
        None => Some((text, None)),
    }
}

/// `+08:00`, `+0800` or `+08`.
fn offset_of(text: &str) -> Option<Offset> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match (digits.split_once(':'), digits.len()) {
        (Some(parts), 5) => parts,
        (None, 4) => digits.split_at_checked(2)?,
        (None, 2) => (digits, "0"),
        _ => return None,
    };
    let hours = number(hours).filter(|hours| *hours <= 14)?;
    let minutes = number(minutes).filter(|minutes| *minutes < 60)?;
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

fn number(digits: &str) -> Option<i32> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

/// Year, month and day, then hour, minute, second and its fraction as far as they are there.
fn clock_of(text: &str) -> Option<DateTime> {
    if text.len() == 14 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let part = |from: usize, to: usize| number(text.get(from..to)?);
        return civil([part(0, 4)?, part(4, 6)?, part(6, 8)?, part(8, 10)?, part(10, 12)?, part(12, 14)?], 0);
    }
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, time.trim()),
        None => (text, "00:00"),
    };
    let separator = if date.contains('/') { '/' } else { '-' };
    let mut date = date.split(separator).map(number);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut time = time.split(':').map(number);
    let (hour, minute, second) = (time.next()??, time.next()??, time.next().unwrap_or(Some(0))?);
    if date.next().is_some() || time.next().is_some() || year < 1000 {
        return None;
    }
    civil([year, month, day, hour, minute, second], nanos(fraction)?)
}

fn nanos(fraction: &str) -> Option<i32> {
    if fraction.is_empty() {
        return Some(0);
    }
    let digits = fraction.get(..9).unwrap_or(fraction);
    let scale = u32::try_from(9 - digits.len()).ok()?;
    Some(number(digits)? * 10_i32.pow(scale))
}

fn civil([year, month, day, hour, minute, second]: [i32; 6], nanos: i32) -> Option<DateTime> {
    let small = |number: i32| i8::try_from(number).ok();
    DateTime::new(
        i16::try_from(year).ok()?,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        nanos,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::{Zone, read};
    use serde_json::{Value, json};

    fn shown(value: &Value, zone: &str) -> Option<String> {
        read(value, &zone.parse::<Zone>().unwrap()).map(|time| time.to_string())
    }

    #[test]
    fn each_way_of_writing_is_the_same_moment() {
        let zone = "+08:00";
        for (value, expected) in [
            (json!(1_772_339_285), "2026-03-01T04:28:05Z"),
            (json!("1772339285"), "2026-03-01T04:28:05Z"),
            (json!(1_772_339_285_053_i64), "2026-03-01T04:28:05.053Z"),
            (json!("1772339285053"), "2026-03-01T04:28:05.053Z"),
            (json!(1_772_339_285_053_001_i64), "2026-03-01T04:28:05.053001Z"),
            (json!(1_772_339_285.5), "2026-03-01T04:28:05.5Z"),
            (json!("1772339285.25"), "2026-03-01T04:28:05.25Z"),
            (json!("2026-03-01 12:28:05"), "2026-03-01T12:28:05+08:00"),
            (json!(" 2026-03-01T12:28:05 "), "2026-03-01T12:28:05+08:00"),
            (json!("2026/03/01 12:28"), "2026-03-01T12:28:00+08:00"),
            (json!("2026/3/1 12:28:05"), "2026-03-01T12:28:05+08:00"),
            (json!("2026-03-01"), "2026-03-01T00:00:00+08:00"),
            (json!("20260301122805"), "2026-03-01T12:28:05+08:00"),
            (json!("2026-03-01T04:28:05Z"), "2026-03-01T04:28:05Z"),
            (json!("2026-03-01T04:28:05.100Z"), "2026-03-01T04:28:05.1Z"),
            (json!("2026-03-01T12:28:05+08:00"), "2026-03-01T12:28:05+08:00"),
            (json!("2026-03-01T12:28:05+0800"), "2026-03-01T12:28:05+08:00"),
            (json!("2026-03-01 12:28:05 -05:30"), "2026-03-01T12:28:05-05:30"),
        ] {
            assert_eq!(shown(&value, zone).as_deref(), Some(expected), "{value}");
        }
    }

    #[test]
    fn zones_have_names_and_summers() {
        let clock = json!("2026-07-01 12:00:00");
        assert_eq!(shown(&clock, "Europe/Berlin").as_deref(), Some("2026-07-01T12:00:00+02:00"));
        assert_eq!(shown(&clock, "Asia/Shanghai").as_deref(), Some("2026-07-01T12:00:00+08:00"));
        assert_eq!(shown(&clock, "-03:00").as_deref(), Some("2026-07-01T12:00:00-03:00"));
        for bad in ["", "+8", "+25:00", "Mars/Base", "8:00", "+08:60"] {
            assert!(bad.parse::<Zone>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for bad in [
            json!(""),
            json!("soon"),
            json!(0),
            json!(20),
            json!(-1_772_339_285),
            json!("2026-13-01 00:00:00"),
            json!("2026-02-30"),
            json!("2026-03-01 25:00"),
            json!("26-03-01 12:00"),
            json!("2026-03-01T12:00:00+99:00"),
            json!("2026-03-01T12"),
            json!("١٢٣"),
            json!(1e300),
            json!(i64::MAX),
            json!(i64::MIN),
            json!(null),
            json!(true),
            json!([1]),
            json!({}),
        ] {
            assert_eq!(shown(&bad, "+08:00"), None, "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_fall(text in "[0-9TZ:+ ./-]{0,40}|\\PC{0,40}") {
            let _ = shown(&json!(text), "+08:00");
        }
    }
}
