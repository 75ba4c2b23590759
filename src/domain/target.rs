//! Who an event is for: riders by name, groups, or everyone, less those excluded.
//! Only riders on duty, unless the event says otherwise.

use super::{GroupId, RiderId};

/// A target that names at least someone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// Riders by id. May be unknown to us: their alert waits.
    pub riders: Vec<RiderId>,
    /// Groups, as they are when the event is committed.
    pub groups: Vec<GroupId>,
    /// Every known rider of the app.
    pub broadcast: bool,
    /// Never these.
    pub exclude: Vec<RiderId>,
    /// Whether riders off duty are passed over.
    pub duty: DutyRule,
}

/// Whether duty matters for an event.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum DutyRule {
    /// Riders off duty are suppressed.
    #[default]
    OnDutyOnly,
    /// Duty does not matter.
    Anyone,
}

impl DutyRule {
    /// The word used in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnDutyOnly => "on_duty_only",
            Self::Anyone => "anyone",
        }
    }

    /// The rule with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::OnDutyOnly, Self::Anyone].into_iter().find(|rule| rule.as_str() == word)
    }
}

/// Most riders one event may name.
pub const MAX_RIDERS: usize = 1_000;
/// Most groups one event may name.
pub const MAX_GROUPS: usize = 100;

impl Target {
    /// Takes a rider who is erased out of it. True if they were named.
    pub fn forget_rider(&mut self, rider: &RiderId) -> bool {
        let named = self.riders.len() + self.exclude.len();
        self.riders.retain(|named| named != rider);
        self.exclude.retain(|named| named != rider);
        self.riders.len() + self.exclude.len() < named
    }

    /// Whether it names nobody at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.riders.is_empty() && self.groups.is_empty() && !self.broadcast
    }
}
