//! The settings of `[hooks]`: how large, how often and how much of it is kept.

use std::time::Duration;

use serde::Deserialize;

use super::section;

section!(
    /// Requests of foreign backends.
    Hooks {
        /// Largest body.
        max_body_bytes: usize,
        /// Events of one body.
        items_max: u32,
        /// Requests a second of one hook, for long; 0 is no limit.
        per_second: u32,
        /// Requests of one hook at once, after a pause.
        burst: u32,
        /// Requests of one hook that are worked on at one time.
        concurrency: usize,
        /// Requests that are kept of each hook.
        deliveries_kept: u32,
        /// Bytes of a body that are kept.
        kept_bytes_max: usize,
        /// How long a request is kept.
        @"super::duration" deliveries_age: Duration,
        /// Hooks of one app.
        per_app: u32,
        /// How long a sender waits for its answer, where its profile says nothing.
        @"super::duration" answer_within: Duration,
    }
);

impl Hooks {
    /// What must hold, the setting, and that in words.
    pub(super) fn rules(&self) -> [(bool, &'static str, &'static str); 9] {
        let within = Duration::from_millis(500)..=Duration::from_secs(30);
        let age = Duration::from_hours(1)..=Duration::from_hours(24 * 31);
        let bytes = 1_024..=4_194_304;
        [
            (bytes.contains(&self.max_body_bytes), "hooks.max_body_bytes", "is 1024 to 4194304"),
            ((1..=1_000).contains(&self.items_max), "hooks.items_max", "is 1 to 1000"),
            (self.per_second <= 100_000, "hooks.per_second", "is at most 100000"),
            ((1..=100_000).contains(&self.burst), "hooks.burst", "is 1 to 100000"),
            ((1..=10_000).contains(&self.concurrency), "hooks.concurrency", "is 1 to 10000"),
            ((1..=10_000).contains(&self.deliveries_kept), "hooks.deliveries_kept", "is 1 to 10000"),
            ((1..=1_000).contains(&self.per_app), "hooks.per_app", "is 1 to 1000"),
            (age.contains(&self.deliveries_age), "hooks.deliveries_age", "is 1h to 31 days"),
            (within.contains(&self.answer_within), "hooks.answer_within", "is 500ms to 30s"),
        ]
    }
}
