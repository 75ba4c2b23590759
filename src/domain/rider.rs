//! A rider: whose ear it is, whether on duty, and which devices may ring.
//! The server creates a rider when a valid token names them or when an event does; the backend may describe them.

use serde::{Deserialize, Serialize};

use super::{AppId, EpochMs, RiderId, SoundProfile};

/// A rider among all apps.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RiderKey {
    /// The tenant.
    pub app: AppId,
    /// The tenant's name for the rider.
    pub rider: RiderId,
}

/// What happens when a second device connects.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DevicePolicy {
    /// The newest device rings, the older one is told and closed.
    #[default]
    Latest,
    /// All devices ring; the first answer silences the others.
    All,
}

impl DevicePolicy {
    /// The word used in JSON and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::All => "all",
        }
    }

    /// The policy with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Latest, Self::All].into_iter().find(|policy| policy.as_str() == word)
    }
}

/// A rider as stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rider {
    /// The tenant.
    pub app: AppId,
    /// The tenant's name for the rider.
    pub id: RiderId,
    /// False while only events have named this rider: no token was used and the backend has not described them.
    pub known: bool,
    /// Whether they are there for tests: nobody else is told what a test key says.
    pub test: bool,
    /// Off only after the client or the backend has said so.
    pub on_duty: bool,
    /// Language of speech, a tag such as `zh-CN`; the app's own if `None`.
    pub lang: Option<String>,
    /// What a second device does.
    pub devices: DevicePolicy,
    /// For what ears their clips are levelled; as the app says if `None`.
    pub sound_profile: Option<SoundProfile>,
    /// Tokens issued before this moment are refused.
    pub not_before: EpochMs,
    /// Highest sequence number given so far.
    pub seq: i64,
    /// When the row was made.
    pub created_at: EpochMs,
    /// When a session of this rider last opened or closed.
    pub last_seen_at: Option<EpochMs>,
    /// When duty was last set.
    pub duty_at: Option<EpochMs>,
    /// Offers in a row that ended without an answer.
    pub unanswered: u32,
    /// When the last of these ended.
    pub unanswered_at: Option<EpochMs>,
    /// When the rider last answered anything.
    pub answered_at: Option<EpochMs>,
    /// Alerts of the last minute.
    pub pace: Pace,
}

/// How much a rider has been told lately.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Pace {
    /// When the minute in hand began.
    pub minute_at: EpochMs,
    /// Alerts in it.
    pub count: u32,
    /// Until when new orders are gathered for one sentence.
    pub burst_until: EpochMs,
}

/// The length of a minute.
const MINUTE_MS: i64 = 60_000;

impl Pace {
    /// Whether one more alert would be more than `cap` within a minute; a cap of 0 is none.
    #[must_use]
    pub fn is_full(&self, cap: u32, now: EpochMs) -> bool {
        cap > 0 && now.since_ms(self.minute_at) < MINUTE_MS && self.count >= cap
    }

    /// Counts one alert.
    pub fn count_one(&mut self, now: EpochMs) {
        if now.since_ms(self.minute_at) >= MINUTE_MS {
            (self.minute_at, self.count) = (now, 0);
        }
        self.count = self.count.saturating_add(1);
    }

    /// Whether new orders are held for company at this moment.
    #[must_use]
    pub fn is_gathering(&self, now: EpochMs) -> bool {
        now < self.burst_until
    }

    /// Until when a new order is held for company; `None` for the first of a burst, which goes out at once.
    pub fn gather(&mut self, window_ms: i64, now: EpochMs) -> Option<EpochMs> {
        if self.is_gathering(now) {
            return Some(self.burst_until);
        }
        self.burst_until = now.plus_ms(window_ms);
        None
    }
}

impl Rider {
    /// A rider nobody has described yet, who goes on counting after `seq`.
    #[must_use]
    pub fn unknown(key: RiderKey, seq: i64, at: EpochMs) -> Self {
        Self {
            app: key.app,
            id: key.rider,
            known: false,
            test: false,
            on_duty: true,
            lang: None,
            devices: DevicePolicy::default(),
            sound_profile: None,
            not_before: EpochMs(0),
            seq,
            created_at: at,
            last_seen_at: None,
            duty_at: None,
            unanswered: 0,
            unanswered_at: None,
            answered_at: None,
            pace: Pace::default(),
        }
    }

    /// Who this is among all apps.
    #[must_use]
    pub fn key(&self) -> RiderKey {
        RiderKey { app: self.app, rider: self.id.clone() }
    }

    /// Notes an answer: whoever answers is responsive.
    pub fn note_answer(&mut self, at: EpochMs) {
        self.unanswered = 0;
        self.answered_at = Some(at);
    }
}
