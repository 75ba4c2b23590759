//! The delivery objective: such a share of all alerts is heard within such a time of the event.
//! What was held back, or void before the time was over, is left out and told apart; all else counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Cell, Grouping, Outcome, Timeliness};
use crate::clock::Zone;
use crate::domain::{EpochMs, GroupId};

/// What an app has set itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// Milliseconds from the event to the ear.
    pub within_ms: u32,
    /// Of a thousand deliveries so many.
    pub target_permille: u32,
}

/// Scores by cell, and of all.
pub struct ObjectiveTable {
    grouping: Grouping,
    zone: Zone,
    within_ms: i64,
    now: EpochMs,
    cells: BTreeMap<Cell, Score>,
    total: Score,
}

/// How deliveries stand to the objective.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Score {
    /// Heard in time.
    pub in_time: u64,
    /// Not heard in time, by why: `late`, `waiting`, or the word of its end.
    pub rest: BTreeMap<&'static str, u64>,
    /// Left out, by why: `running`, or the word of its end.
    pub left_out: BTreeMap<&'static str, u64>,
}

impl ObjectiveTable {
    /// An empty table for this time, as of `now`; hours are those of `zone`.
    #[must_use]
    pub fn new(grouping: Grouping, zone: Zone, within_ms: i64, now: EpochMs) -> Self {
        Self { grouping, zone, within_ms, now, cells: BTreeMap::new(), total: Score::default() }
    }

    /// Counts one delivery to a rider of these stations.
    pub fn count(&mut self, outcome: &Outcome, stations: &[GroupId]) {
        let timeliness = outcome.timeliness(self.within_ms, self.now);
        self.total.count(timeliness);
        for cell in self.grouping.cells(outcome, stations, &self.zone) {
            self.cells.entry(cell).or_default().count(timeliness);
        }
    }

    /// The score of each cell, by station, hour, rider and kind; and that of all.
    #[must_use]
    pub fn into_scores(self) -> (Vec<(Cell, Score)>, Score) {
        (self.cells.into_iter().collect(), self.total)
    }
}

impl Score {
    /// How many count: in time, and the rest.
    #[must_use]
    pub fn counted(&self) -> u64 {
        self.in_time + self.rest.values().sum::<u64>()
    }

    /// Of a thousand that count so many in time, rounded down; `None` if none counts.
    #[must_use]
    pub fn share_permille(&self) -> Option<u64> {
        (self.in_time * 1_000).checked_div(self.counted())
    }

    /// Whether the target is met; `None` if none counts.
    #[must_use]
    pub fn meets(&self, target_permille: u32) -> Option<bool> {
        let counted = self.counted();
        (counted > 0).then(|| self.in_time * 1_000 >= counted * u64::from(target_permille))
    }

    fn count(&mut self, timeliness: Timeliness) {
        let (of, why) = match timeliness {
            Timeliness::InTime => {
                self.in_time += 1;
                return;
            }
            Timeliness::Late => (&mut self.rest, "late"),
            Timeliness::Waiting => (&mut self.rest, "waiting"),
            Timeliness::NotHeard(reason) => (&mut self.rest, reason.as_str()),
            Timeliness::Running => (&mut self.left_out, "running"),
            Timeliness::Exempt(reason) => (&mut self.left_out, reason.as_str()),
        };
        *of.entry(why).or_default() += 1;
    }
}
