//! The settings of `[callbacks]`: how far calls to users' URLs may reach, how many there are at one time, and when they are
//! made again.

use std::time::Duration;

use serde::de::IntoDeserializer;
use serde::{Deserialize, Deserializer};

use super::section;

section!(
    /// What is sent to URLs that users give: questions, calls of ladders, callbacks.
    Callbacks {
        /// Whether private and loopback addresses may be called, and plain http.
        allow_private: bool,
        /// Limit of one call.
        @"super::duration" timeout: Duration,
        /// Limit for a connection.
        @"super::duration" connect_timeout: Duration,
        /// Bytes of an answer that are read.
        answer_bytes_max: usize,
        /// Calls at one time.
        concurrency: usize,
        /// Calls to one origin at one time.
        per_origin: usize,
        /// Limit for a backend's verdict on an accept.
        @"super::duration" arbiter_wait: Duration,
        /// First pause before a call of a ladder is made again.
        @"super::duration" again: Duration,
        /// Calls made in all for one rider and step.
        attempts: u32,
        /// Callbacks under way at one time.
        places: u32,
        /// The same of one app.
        per_app: u32,
        /// The same to one target.
        per_target: u32,
        /// Pauses after tries of a callback that failed; then it is given up.
        @"durations" retries: Vec<Duration>,
        /// Pauses of what an order hangs on, before those of `retries` that are longer.
        @"durations" urgent_retries: Vec<Duration>,
        /// Longest wait that a backend may ask for.
        @"super::duration" retry_after_max: Duration,
        /// Failures in a row after which a target rests.
        rest_after: u32,
        /// Its first rest; the next is twice as long.
        @"super::duration" rest: Duration,
        /// Its longest rest.
        @"super::duration" rest_max: Duration,
    }
);

impl Callbacks {
    /// What must hold, the setting, and that in words.
    pub(super) fn rules(&self) -> [(bool, &'static str, &'static str); 12] {
        let waits = Duration::from_millis(10)..=self.timeout;
        let pauses = Duration::from_millis(10)..=DAY;
        let timeouts = Duration::from_millis(100)..=Duration::from_secs(10);
        [
            (timeouts.contains(&self.timeout), "callbacks.timeout", "is 100ms to 10s"),
            (waits.contains(&self.connect_timeout), "callbacks.connect_timeout", "is 10ms to timeout"),
            (waits.contains(&self.arbiter_wait), "callbacks.arbiter_wait", "is 10ms to timeout"),
            (self.answer_bytes_max >= 1024, "callbacks.answer_bytes_max", "is at least 1024"),
            (self.per_origin > 0, "callbacks.per_origin", "is at least 1"),
            (
                (self.per_origin..=10_000).contains(&self.concurrency),
                "callbacks.concurrency",
                "is per_origin to 10000",
            ),
            ((1..=10_000).contains(&self.places), "callbacks.places", "is 1 to 10000"),
            ((1..=self.places).contains(&self.per_app), "callbacks.per_app", "is 1 to places"),
            ((1..=self.per_app).contains(&self.per_target), "callbacks.per_target", "is 1 to per_app"),
            (
                self.retries_are_good(),
                "callbacks.retries",
                "and urgent_retries rise, and have 1 to 11 pauses together, each of 10ms to 24h",
            ),
            (pauses.contains(&self.retry_after_max), "callbacks.retry_after_max", "is 10ms to 24h"),
            (
                self.rest_after > 0
                    && pauses.contains(&self.rest)
                    && (self.rest..=DAY).contains(&self.rest_max),
                "callbacks.rest",
                "and rest_after are more than nothing, and rest_max is rest to 24h",
            ),
        ]
    }

    /// The store keeps twelve tries of a callback: one, and one after each pause.
    fn retries_are_good(&self) -> bool {
        let (usual, urgent) = (&self.retries, &self.urgent_retries);
        let rises = |pauses: &[Duration]| pauses.is_sorted();
        let all = || usual.iter().chain(urgent);
        !usual.is_empty()
            && usual.len() + urgent.len() <= 11
            && rises(usual)
            && rises(urgent)
            && all().all(|pause| (Duration::from_millis(10)..=DAY).contains(pause))
    }
}

const DAY: Duration = Duration::from_hours(24);

/// A list of durations; in an environment variable with commas between them.
fn durations<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Duration>, D::Error> {
    let texts = super::speech::list(deserializer)?;
    texts.iter().map(|text| super::duration(text.as_str().into_deserializer())).collect()
}
