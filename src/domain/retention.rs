//! How long what is kept of an app stays: ages in hours, an app's own over the server's.
//! What has no age here goes with what it belongs to, or as soon as nothing needs it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::EpochMs;

/// What ages, each counted from its end, or from the moment it was noted where it has none.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aged {
    /// What alerts say and show, what they carry for the client, and what their calls send. Their rows stay.
    Texts,
    /// Alerts with their deliveries and receipts.
    Alerts,
    /// Notices.
    Notices,
    /// Requests of ladder steps, and messages through WeChat; what they send, or to whom, goes at their end.
    Calls,
    /// Callbacks that the backend has.
    Callbacks,
    /// Callbacks that were given up.
    DeadCallbacks,
    /// Self-checks of devices.
    Checks,
}

/// Ages in hours; what is missing is somebody else's to say.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ages(BTreeMap<Aged, u32>);

/// Longest age: ten years.
pub const HOURS_MAX: u32 = 87_600;
/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

impl Aged {
    /// All of them, in the order in which they are looked at: what refers goes before what it refers to.
    pub const ALL: [Self; 7] = [
        Self::Texts,
        Self::Calls,
        Self::Callbacks,
        Self::DeadCallbacks,
        Self::Alerts,
        Self::Notices,
        Self::Checks,
    ];

    /// The word used in JSON, in the configuration and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Texts => "texts",
            Self::Alerts => "alerts",
            Self::Notices => "notices",
            Self::Calls => "calls",
            Self::Callbacks => "callbacks",
            Self::DeadCallbacks => "dead_callbacks",
            Self::Checks => "checks",
        }
    }

    /// Shortest age, in hours. Alerts stay at least as long as the ids of their events, whose answers they are part of; a
    /// callback that failed must be there when somebody looks in the morning.
    #[must_use]
    pub fn hours_min(self) -> u32 {
        match self {
            Self::Texts | Self::Notices | Self::Calls | Self::Callbacks | Self::Checks => 1,
            Self::DeadCallbacks => 24,
            Self::Alerts => 168,
        }
    }
}

impl Ages {
    /// Nothing is said.
    #[must_use]
    pub const fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// These.
    pub fn of(ages: impl IntoIterator<Item = (Aged, u32)>) -> Self {
        Self(ages.into_iter().collect())
    }

    /// The age of one thing, in hours, if it is said.
    #[must_use]
    pub fn hours(&self, what: Aged) -> Option<u32> {
        self.0.get(&what).copied()
    }

    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What ended before this moment is too old at `now`, by these ages or, where they say nothing, by the server's.
    /// `None` where neither says anything: then it stays.
    #[must_use]
    pub fn too_old(&self, what: Aged, server: &Self, now: EpochMs) -> Option<EpochMs> {
        let hours = self.hours(what).or_else(|| server.hours(what))?;
        Some(now.plus_ms(-i64::from(hours) * HOUR_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_apps_own_age_goes_before_the_servers() {
        let server = Ages::of([(Aged::Texts, 72), (Aged::Calls, 168)]);
        let own = Ages::of([(Aged::Texts, 1)]);
        let now = EpochMs(1_000 * HOUR_MS);
        assert_eq!(own.too_old(Aged::Texts, &server, now), Some(EpochMs(999 * HOUR_MS)));
        assert_eq!(own.too_old(Aged::Calls, &server, now), Some(EpochMs(832 * HOUR_MS)));
        assert_eq!(own.too_old(Aged::Checks, &server, now), None, "nobody says anything");
    }

    #[test]
    fn ages_are_kept_by_their_words() {
        let ages = Ages::of(Aged::ALL.map(|what| (what, what.hours_min())));
        let text = serde_json::to_string(&ages).unwrap();
        for what in Aged::ALL {
            assert!(text.contains(&format!("\"{}\":{}", what.as_str(), what.hours_min())), "{text}");
        }
        assert_eq!(serde_json::from_str::<Ages>(&text).unwrap(), ages);
    }
}
