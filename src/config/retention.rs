//! The settings of `[retention]`: how long what is kept of apps stays, where an app says nothing else.
//! And how it is deleted: in slices, with pauses, so that no order waits for it.

use std::time::Duration;

use serde::Deserialize;

use super::section;

section!(
    /// How long what is kept stays.
    Retention {
        /// What ended alerts say and show.
        @"super::duration" texts: Duration,
        /// Ended alerts with their deliveries.
        @"super::duration" alerts: Duration,
        /// Notices.
        @"super::duration" notices: Duration,
        /// Requests of ladder steps that are over.
        @"super::duration" calls: Duration,
        /// Callbacks that the backend has.
        @"super::duration" callbacks: Duration,
        /// Callbacks that were given up.
        @"super::duration" dead_callbacks: Duration,
        /// Self-checks of devices.
        @"super::duration" checks: Duration,
        /// Between two rounds of deleting.
        @"super::duration" every: Duration,
        /// Rows deleted in one transaction.
        slice: u32,
        /// Between two slices.
        @"super::duration" pause: Duration,
    }
);

/// Shortest and longest age of anything.
const AGES: (Duration, Duration) = (Duration::from_hours(1), Duration::from_hours(87_600));
const HOURS: &str = "is whole hours, 1h to 87600h";

impl Retention {
    /// What must hold, the setting, and that in words.
    pub(super) fn rules(&self) -> [(bool, &'static str, &'static str); 12] {
        let good = |age: Duration| age >= AGES.0 && age <= AGES.1 && age.as_secs().is_multiple_of(3600);
        let (week, day) = (Duration::from_hours(168), Duration::from_hours(24));
        [
            (good(self.texts), "retention.texts", HOURS),
            (self.texts <= self.alerts, "retention.texts", "is not longer than alerts"),
            (good(self.alerts) && self.alerts >= week, "retention.alerts", "is whole hours, 168h to 87600h"),
            (good(self.notices), "retention.notices", HOURS),
            (good(self.calls), "retention.calls", HOURS),
            (good(self.callbacks), "retention.callbacks", HOURS),
            (
                good(self.dead_callbacks) && self.dead_callbacks >= day,
                "retention.dead_callbacks",
                "is whole hours, 24h to 87600h",
            ),
            (good(self.checks), "retention.checks", HOURS),
            ((Duration::from_secs(1)..=day).contains(&self.every), "retention.every", "is 1s to 24h"),
            ((1..=5_000).contains(&self.slice), "retention.slice", "is 1 to 5000"),
            (self.pause <= Duration::from_secs(10), "retention.pause", "is at most 10s"),
            (self.pause > Duration::ZERO, "retention.pause", "is more than nothing"),
        ]
    }
}
