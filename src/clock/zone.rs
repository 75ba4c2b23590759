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

    /// Days since 1970-01-01 there.
    #[must_use]
    pub fn day(&self, at: EpochMs) -> i64 {
        (at.0.div_euclid(1_000) + i64::from(self.offset_s(at))).div_euclid(86_400)
    }

    /// Milliseconds until the next day begins there.
    #[must_use]
    pub fn ms_to_next_day(&self, at: EpochMs) -> i64 {
        let Ok(moment) = Timestamp::from_millisecond(at.0) else { return 0 };
        let tomorrow = moment.to_zoned(self.0.clone()).tomorrow().and_then(|there| there.start_of_day());
        tomorrow.map_or(0, |begins| begins.timestamp().as_millisecond().saturating_sub(at.0))
    }

    /// When the hour began in which this moment lies there.
    #[must_use]
    pub fn hour(&self, at: EpochMs) -> EpochMs {
        let there_ms = at.0.saturating_add(i64::from(self.offset_s(at)).saturating_mul(1_000));
        at.plus_ms(-there_ms.rem_euclid(3_600_000))
    }

    /// The moment as the clocks there show it: RFC 3339 to the second, with its offset.
    #[must_use]
    pub fn written(&self, at: EpochMs) -> String {
        self.strftime(at, "%Y-%m-%dT%H:%M:%S%:z")
    }

    /// The moment as the clocks there show it, in WeChat's way: `2026年7月1日 20:44`.
    #[must_use]
    pub fn dated(&self, at: EpochMs) -> String {
        self.strftime(at, "%Y年%-m月%-d日 %H:%M")
    }

    /// The same without the day: `20:44`.
    #[must_use]
    pub fn hour_and_minute(&self, at: EpochMs) -> String {
        self.strftime(at, "%H:%M")
    }

    fn strftime(&self, at: EpochMs, format: &str) -> String {
        let Ok(at) = Timestamp::from_millisecond(at.0) else { return at.0.to_string() };
        at.to_zoned(self.0.clone()).strftime(format).to_string()
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
        assert_eq!(shanghai.dated(noon_utc), "2026年7月1日 20:00");
        assert_eq!(shanghai.hour_and_minute(noon_utc), "20:00");
    }

    #[test]
    fn hours_are_those_of_the_clocks_there() {
        let at = EpochMs::from_rfc3339("2026-07-01T12:44:05.678Z").unwrap();
        for (zone, hour) in [
            ("Asia/Shanghai", "2026-07-01T20:00:00+08:00"),
            ("Asia/Kolkata", "2026-07-01T18:00:00+05:30"),
            ("America/St_Johns", "2026-07-01T10:00:00-02:30"),
            ("UTC", "2026-07-01T12:00:00+00:00"),
        ] {
            let zone = Zone::named(zone).unwrap();
            assert_eq!(zone.written(zone.hour(at)), hour);
            assert_eq!(zone.hour(zone.hour(at)), zone.hour(at));
        }
        // The hour that comes twice is two.
        let london = Zone::named("Europe/London").unwrap();
        let [first, second] = ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"]
            .map(|at| london.written(london.hour(EpochMs::from_rfc3339(at).unwrap())));
        assert_eq!((&*first, &*second), ("2026-10-25T01:00:00+01:00", "2026-10-25T01:00:00+00:00"));
    }

    #[test]
    fn a_day_ends_at_its_own_midnight() {
        let evening = EpochMs::from_rfc3339("2026-07-01T15:59:59Z").unwrap();
        let (shanghai, utc) = (Zone::named("Asia/Shanghai").unwrap(), Zone::named("UTC").unwrap());
        assert_eq!(shanghai.ms_to_next_day(evening), 1_000);
        assert_eq!(utc.ms_to_next_day(evening), 8 * 3_600_000 + 1_000);
        assert_eq!(shanghai.day(evening), utc.day(evening));
        assert_eq!(shanghai.day(evening.plus_ms(1_000)), utc.day(evening) + 1);
        // The day on which summer time ends has 25 hours.
        let midnight = EpochMs::from_rfc3339("2026-10-25T00:00:00+01:00").unwrap();
        assert_eq!(Zone::named("Europe/London").unwrap().ms_to_next_day(midnight), 25 * 3_600_000);
    }
}
