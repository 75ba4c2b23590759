//! What an app may set for itself: its time zone, its quiet hours, and how much its riders are told.
//! Kept as JSON with the app; what is missing there has the value given here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::report::Objective;
use super::{Ladder, SoundProfile, Urgency};

/// The settings of one app.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AppSettings {
    /// Name in the IANA time zone database.
    pub time_zone: String,
    /// When alerts that are not pressing are held back.
    pub quiet_hours: Option<QuietHours>,
    /// Whether new orders that come within two seconds are told in one sentence.
    pub merge: bool,
    /// Most alerts for one rider within a minute; 0 for no limit, `None` for the server's own. Urgency 3 is exempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alerts_per_minute: Option<u32>,
    /// Cut off types of webhooks and CloudEvents before they are taken for a kind; `None` for the server's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_prefix: Option<String>,
    /// How it speaks.
    #[serde(skip_serializing_if = "SpeechSettings::is_default")]
    pub speech: SpeechSettings,
    /// Within which time how many alerts should be heard; `None` for the server's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objective: Option<Objective>,
    /// The app's own ladders, by kind.
    pub ladders: BTreeMap<String, Ladder>,
}

impl Default for AppSettings {
    fn default() -> Self {
        Self {
            time_zone: "Asia/Shanghai".to_owned(),
            quiet_hours: None,
            merge: false,
            alerts_per_minute: None,
            type_prefix: None,
            speech: SpeechSettings::default(),
            objective: None,
            ladders: BTreeMap::new(),
        }
    }
}

/// How an app speaks; what is missing is the server's own.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SpeechSettings {
    /// The voice for each language, by the name of its engine.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub voices: BTreeMap<String, String>,
    /// Speed in percent of normal speech, 50 to 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed_percent: Option<u32>,
    /// For what ears clips are levelled, unless a rider has their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<SoundProfile>,
}

impl SpeechSettings {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A part of the day, in minutes after midnight of the app's own time; it may run over midnight.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct QuietHours {
    /// First minute, 0 to 1439.
    pub from_min: u16,
    /// First minute after it, 0 to 1439.
    pub to_min: u16,
}

impl QuietHours {
    /// Whether this minute of the day lies in it.
    #[must_use]
    pub fn holds(&self, minute: u16) -> bool {
        if self.from_min <= self.to_min {
            (self.from_min..self.to_min).contains(&minute)
        } else {
            minute >= self.from_min || minute < self.to_min
        }
    }
}

/// The rules for one event, at one moment: its app's settings and the server's numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rules {
    /// Most alerts for one rider within a minute; 0 for no limit.
    pub alerts_per_minute: u32,
    /// Whether it is quiet at this moment.
    pub quiet: Quiet,
    /// How long new orders wait for company, in milliseconds; 0 for not at all.
    pub merge_ms: i64,
    /// How long a cancellation stops what cannot be compared with it, in milliseconds.
    pub tombstone_ms: i64,
    /// How long the backend may take to decide, in milliseconds.
    pub settle_ms: i64,
    /// Unanswered offers in a row after which a rider counts as unresponsive; 0 for never.
    pub unresponsive_after: u32,
}

/// Whether an app's quiet hours hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Quiet {
    /// Low and normal alerts are held back.
    Yes,
    /// Everything is said.
    No,
}

impl Rules {
    /// Whether an alert of this urgency is held back now.
    #[must_use]
    pub fn hushes(&self, urgency: Urgency) -> bool {
        self.quiet == Quiet::Yes && urgency <= Urgency::Normal
    }

    /// Whether an alert of this urgency counts against the cap.
    #[must_use]
    pub fn caps(&self, urgency: Urgency) -> bool {
        self.alerts_per_minute > 0 && urgency < Urgency::Critical
    }
}

#[cfg(test)]
mod tests {
    use super::QuietHours;

    #[test]
    fn quiet_hours_may_run_over_midnight() {
        let night = QuietHours { from_min: 23 * 60, to_min: 6 * 60 };
        assert!(night.holds(23 * 60) && night.holds(0) && night.holds(5 * 60 + 59));
        assert!(!night.holds(6 * 60) && !night.holds(12 * 60));
        let noon = QuietHours { from_min: 12 * 60, to_min: 13 * 60 };
        assert!(noon.holds(12 * 60) && !noon.holds(13 * 60) && !noon.holds(0));
        assert!(!QuietHours { from_min: 60, to_min: 60 }.holds(60));
    }
}
