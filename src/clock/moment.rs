//! One moment, as the database keeps it and as people read it.
//! Stored as whole milliseconds UTC; RFC 3339 outside; RFC 3339 or epoch seconds or milliseconds coming in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A moment in milliseconds since 1970-01-01T00:00:00Z. Bounded by what RFC 3339 can write (years 0 to 9999).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EpochMs(pub i64);

/// A reading of both clocks: the wall's for what people and backends mean, the monotonic one for waiting.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Now {
    /// Wall time; may jump.
    pub wall: EpochMs,
    /// Milliseconds since this process began; never goes back.
    pub mono_ms: i64,
}

/// From here up a number is milliseconds, below it seconds: 10^11 s is the year 5138, 10^11 ms is 1973.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

impl EpochMs {
    /// This moment plus `ms` milliseconds, saturating.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; negative if this one is earlier.
    #[must_use]
    pub fn since_ms(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// A number as senders write it: seconds or milliseconds, told apart by magnitude.
    /// `None` for zero, for negative numbers and for what lies beyond the year 9999.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        let ms = if number >= MILLISECONDS_FROM { number } else { number.checked_mul(1000)? };
        (ms > 0 && jiff::Timestamp::from_millisecond(ms).is_ok()).then_some(Self(ms))
    }

    /// An RFC 3339 date and time with its offset. `None` if it is anything else.
    #[must_use]
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let at: jiff::Timestamp = text.parse().ok()?;
        Some(Self(at.as_millisecond()))
    }
}

/// RFC 3339 in UTC with milliseconds, `2026-03-01T04:30:05.000Z`.
impl fmt::Display for EpochMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(f, "{at:.3}"),
            Err(_) => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::EpochMs;

    #[test]
    fn seconds_and_milliseconds_are_told_apart_by_magnitude() {
        assert_eq!(EpochMs::from_number(1_772_339_405), Some(EpochMs(1_772_339_405_000)));
        assert_eq!(EpochMs::from_number(1_772_339_405_123), Some(EpochMs(1_772_339_405_123)));
        assert_eq!(EpochMs::from_number(0), None);
        assert_eq!(EpochMs::from_number(-5), None);
        assert_eq!(EpochMs::from_number(i64::MAX), None);
    }

    #[test]
    fn rfc3339_keeps_its_offset_and_prints_utc() {
        let at = EpochMs::from_rfc3339("2026-03-01T12:30:05+08:00").unwrap();
        assert_eq!(at.to_string(), "2026-03-01T04:30:05.000Z");
        assert_eq!(EpochMs::from_rfc3339("2026-03-01 12:30"), None);
    }
}
