//! The settings of `[reports]`: how much a question about the record may cost, and what counts as in time.

use std::time::Duration;

use serde::Deserialize;

use super::section;

section!(
    /// Questions about the record.
    Reports {
        /// Longest time that a report is about.
        @"super::duration" span_max: Duration,
        /// Deliveries that one report looks at.
        deliveries_max: u32,
        /// Rows of one report.
        rows_max: u32,
        /// Rows that one page of a list looks at.
        page_looks: u32,
        /// Reports at one time.
        concurrency: usize,
        /// Within which an alert should be heard, unless the app says otherwise.
        @"super::duration" heard_within: Duration,
        /// Of a thousand alerts so many should be, unless the app says otherwise.
        heard_permille: u32,
    }
);

impl Reports {
    /// What must hold, the setting, and that in words.
    pub(super) fn rules(&self) -> [(bool, &'static str, &'static str); 7] {
        let days = Duration::from_hours(1)..=Duration::from_hours(24 * 366);
        let within = Duration::from_millis(100)..=Duration::from_hours(1);
        [
            (days.contains(&self.span_max), "reports.span_max", "is 1h to 366 days"),
            ((1..=10_000_000).contains(&self.deliveries_max), "reports.deliveries_max", "is 1 to 10000000"),
            ((1..=1_000_000).contains(&self.rows_max), "reports.rows_max", "is 1 to 1000000"),
            ((1..=100_000).contains(&self.page_looks), "reports.page_looks", "is 1 to 100000"),
            ((1..=64).contains(&self.concurrency), "reports.concurrency", "is 1 to 64"),
            (within.contains(&self.heard_within), "reports.heard_within", "is 100ms to 1h"),
            ((1..=1_000).contains(&self.heard_permille), "reports.heard_permille", "is 1 to 1000"),
        ]
    }
}
