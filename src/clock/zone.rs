//! Time zones by their IANA name: what the clock on the wall says at one moment.
//! The database of zones is in the binary, so that every machine means the same by a name.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::EpochMs;

/// One time zone.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

impl Zone {
    /// The zone with this name, such as `Asia/Shanghai`. `None` if there is none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(Self)
    }

    /// Minutes after midnight there, 0 to 1439.
    #[must_use]
    pub fn minute_of_day(&self, at: EpochMs) -> u16 {
        let Ok(at) = Timestamp::from_millisecond(at.0) else { return 0 };
        let there = at.to_zoned(self.0.clone());
        u16::try_from(i32::from(there.hour()) * 60 + i32::from(there.minute())).unwrap_or(0)
    }

    /// Seconds its clocks are ahead of UTC.
    #[must_use]
    pub fn offset_s(&self, at: EpochMs) -> i32 {
        let Ok(at) = Timestamp::from_millisecond(at.0) else { return 0 };
        self.0.to_offset(at).seconds()
    }
}

#[cfg(test)]
mod tests {
    use super::Zone;
    use crate::clock::EpochMs;

    #[test]
    fn the_same_moment_is_another_minute_elsewhere() {
        let noon_utc = EpochMs::from_rfc3339("2026-07-01T12:00:00Z").unwrap();
        let shanghai = Zone::named("Asia/Shanghai").unwrap();
        assert_eq!((shanghai.minute_of_day(noon_utc), shanghai.offset_s(noon_utc)), (20 * 60, 8 * 3600));
        // Summer time.
        assert_eq!(Zone::named("Europe/London").unwrap().minute_of_day(noon_utc), 13 * 60);
        assert!(Zone::named("Asia/Nowhere").is_none());
    }
}
