//! What is remembered of an order: how new its news is, who has it, and what was cancelled before it came.
//! Backends repeat, reorder and skip; the memory is what tells old news from new.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::app::KeyMode;
use super::{AppId, EpochMs, OrderId, RiderId};

/// An order among all apps.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct OrderKey {
    /// The tenant.
    pub app: AppId,
    /// Whose world it is in: an order of a test is another one than the real order of that name.
    pub key_mode: KeyMode,
    /// The tenant's name for the order.
    pub order: OrderId,
}

/// How new one piece of news about an order is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Stamp {
    /// The backend's count of changes, if it gives one.
    pub version: Option<i64>,
    /// When it happened at the backend, if it says so.
    pub occurred_at: Option<EpochMs>,
}

/// What is remembered of one order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OrderMemory {
    /// The newest news.
    pub stamp: Stamp,
    /// Who has it, as the last assignment said.
    pub rider: Option<RiderId>,
    /// Assignments so far; going back to an earlier rider is one more.
    pub assignments: u32,
    /// Set when the whole order was cancelled.
    pub tombstone: Option<Tombstone>,
    /// What concerns single riders.
    pub riders: BTreeMap<RiderId, OrderRider>,
    /// When anything was last heard of it.
    pub touched_at: EpochMs,
}

/// What is remembered of an order for one rider.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct OrderRider {
    /// Set when it was cancelled for this rider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tombstone: Option<Tombstone>,
    /// When a kind that is held to a gap was last said, by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub said: BTreeMap<String, EpochMs>,
}

/// A cancellation that outlives what it cancelled, for news that comes late.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Tombstone {
    /// How new the cancellation is.
    pub stamp: Stamp,
    /// When we heard of it.
    pub at: EpochMs,
}

/// Riders of one order that are remembered by name; a cancellation for more counts for the whole order.
pub const RIDERS_MAX: usize = 200;

impl Stamp {
    /// Whether this is older news than `other`: by version where both have one, else by time where both have one.
    #[must_use]
    pub fn is_older_than(&self, other: &Self) -> bool {
        self.compare(other) == Some(std::cmp::Ordering::Less)
    }

    fn compare(&self, other: &Self) -> Option<std::cmp::Ordering> {
        let by = |mine: Option<i64>, theirs: Option<i64>| Some(mine?.cmp(&theirs?));
        let time = |stamp: &Self| stamp.occurred_at.map(|at| at.0);
        by(self.version, other.version).or_else(|| by(time(self), time(other)))
    }

    /// The newer of each member.
    #[must_use]
    pub fn newest(self, other: Self) -> Self {
        Self {
            version: self.version.max(other.version),
            occurred_at: self.occurred_at.max(other.occurred_at),
        }
    }
}

impl Tombstone {
    /// Whether news of this stamp, heard at `now`, is about what was cancelled. News that cannot be compared is, for
    /// `lasts_ms`: an offer that was overtaken by its cancellation comes within minutes.
    #[must_use]
    pub fn covers(&self, stamp: &Stamp, now: EpochMs, lasts_ms: i64) -> bool {
        match stamp.compare(&self.stamp) {
            Some(order) => order != std::cmp::Ordering::Greater,
            None => now.since_ms(self.at) < lasts_ms,
        }
    }
}

impl OrderMemory {
    /// Whether news of this stamp for this rider was cancelled before it came.
    #[must_use]
    pub fn is_cancelled(&self, rider: &RiderId, stamp: &Stamp, now: EpochMs, lasts_ms: i64) -> bool {
        let of_rider = self.riders.get(rider).and_then(|rider| rider.tombstone);
        [self.tombstone, of_rider]
            .into_iter()
            .flatten()
            .any(|tombstone| tombstone.covers(stamp, now, lasts_ms))
    }

    /// Whether the whole order was cancelled before news of this stamp came.
    #[must_use]
    pub fn is_cancelled_whole(&self, stamp: &Stamp, now: EpochMs, lasts_ms: i64) -> bool {
        self.tombstone.is_some_and(|tombstone| tombstone.covers(stamp, now, lasts_ms))
    }

    /// Remembers a cancellation for these riders; for all if they are too many to name.
    pub fn cancel_for(&mut self, riders: &[RiderId], tombstone: Tombstone) {
        let new = riders.iter().filter(|rider| !self.riders.contains_key(*rider)).count();
        if self.riders.len() + new > RIDERS_MAX {
            self.tombstone = Some(tombstone);
            return;
        }
        for rider in riders {
            self.riders.entry(rider.clone()).or_default().tombstone = Some(tombstone);
        }
    }

    /// Forgets a rider who is erased. True if they were known here.
    pub fn forget_rider(&mut self, rider: &RiderId) -> bool {
        let had_it = self.rider.take_if(|who| who == rider).is_some();
        self.riders.remove(rider).is_some() || had_it
    }

    /// Whether `kind` was said to this rider less than `gap_ms` ago; notes it as said now if not.
    pub fn is_too_soon(&mut self, kind: &str, rider: &RiderId, gap_ms: i64, now: EpochMs) -> bool {
        if self.riders.len() >= RIDERS_MAX && !self.riders.contains_key(rider) {
            return false;
        }
        let said = &mut self.riders.entry(rider.clone()).or_default().said;
        if said.get(kind).is_some_and(|last| now.since_ms(*last) < gap_ms) {
            return true;
        }
        said.insert(kind.to_owned(), now);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::{OrderMemory, Stamp, Tombstone};
    use crate::domain::EpochMs;

    fn version(version: i64) -> Stamp {
        Stamp { version: Some(version), occurred_at: None }
    }

    fn time(at: i64) -> Stamp {
        Stamp { version: None, occurred_at: Some(EpochMs(at)) }
    }

    #[test]
    fn versions_are_compared_first_and_times_where_a_version_is_missing() {
        assert!(version(1).is_older_than(&version(2)));
        assert!(!version(2).is_older_than(&version(2)));
        assert!(time(1).is_older_than(&time(2)));
        assert!(!time(1).is_older_than(&version(2)));
        let both = Stamp { version: Some(3), occurred_at: Some(EpochMs(1)) };
        assert!(!both.is_older_than(&Stamp { version: Some(2), occurred_at: Some(EpochMs(9)) }));
    }

    #[test]
    fn a_tombstone_covers_what_is_not_newer_and_for_a_while_what_cannot_be_compared() {
        let tombstone = Tombstone { stamp: version(5), at: EpochMs(1_000) };
        assert!(tombstone.covers(&version(5), EpochMs(9_000_000), 600));
        assert!(!tombstone.covers(&version(6), EpochMs(1_001), 600));
        assert!(tombstone.covers(&Stamp::default(), EpochMs(1_599), 600));
        assert!(!tombstone.covers(&Stamp::default(), EpochMs(1_600), 600));
    }

    #[test]
    fn a_cancellation_for_one_rider_leaves_the_others() {
        let mut memory = OrderMemory::default();
        let (one, other) = ("r1".parse().unwrap(), "r2".parse().unwrap());
        memory.cancel_for(&[one], Tombstone { stamp: version(1), at: EpochMs(0) });
        assert!(memory.is_cancelled(&"r1".parse().unwrap(), &version(1), EpochMs(1), 600));
        assert!(!memory.is_cancelled(&other, &version(1), EpochMs(1), 600));
        assert!(!memory.is_cancelled_whole(&version(1), EpochMs(1), 600));
    }

    #[test]
    fn the_same_is_not_said_again_too_soon() {
        let mut memory = OrderMemory::default();
        let rider = "r1".parse().unwrap();
        assert!(!memory.is_too_soon("order.urged", &rider, 180, EpochMs(0)));
        assert!(memory.is_too_soon("order.urged", &rider, 180, EpochMs(179)));
        assert!(!memory.is_too_soon("order.urged", &rider, 180, EpochMs(180)));
    }
}
