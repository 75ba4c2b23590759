//! Who missed what, and why: deliveries that ended without being heard or answered, counted.
//! What was held back on purpose counts as well, by its own reason; what became void does not.

use std::collections::BTreeMap;

use super::{Cell, Dimension, Grouping, Outcome};
use crate::clock::Zone;
use crate::domain::GroupId;
use crate::domain::delivery::{EndReason, Meaning};

/// Misses by cell and reason.
pub struct MissTable {
    grouping: Grouping,
    zone: Zone,
    cells: BTreeMap<Cell, Misses>,
    totals: MissTotals,
}

/// All deliveries of a report, by what became of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct MissTotals {
    /// All of them.
    pub deliveries: u64,
    /// Not ended yet.
    pub open: u64,
    /// Heard as far as needed.
    pub heard: u64,
    /// Not heard, or not answered, by whoever should have.
    pub missed: u64,
    /// Kept from the rider on purpose.
    pub held_back: u64,
    /// Void: there was nothing left to hear.
    pub void: u64,
}

/// One row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MissRow {
    /// Whose.
    pub cell: Cell,
    /// Why, if it is grouped by that.
    pub reason: Option<EndReason>,
    /// How many.
    pub misses: u64,
    /// Of how many deliveries of the cell, whatever became of them.
    pub deliveries: u64,
}

#[derive(Default)]
struct Misses {
    deliveries: u64,
    reasons: BTreeMap<EndReason, u64>,
}

impl MissTable {
    /// An empty table; hours are those of `zone`.
    #[must_use]
    pub fn new(grouping: Grouping, zone: Zone) -> Self {
        Self { grouping, zone, cells: BTreeMap::new(), totals: MissTotals::default() }
    }

    /// Counts one delivery to a rider of these stations.
    pub fn count(&mut self, outcome: &Outcome, stations: &[GroupId]) {
        self.totals.count(outcome.reason);
        let missed = outcome.missed();
        for cell in self.grouping.cells(outcome, stations, &self.zone) {
            let misses = self.cells.entry(cell).or_default();
            misses.deliveries += 1;
            if let Some(reason) = missed {
                *misses.reasons.entry(reason).or_default() += 1;
            }
        }
    }

    /// All deliveries.
    #[must_use]
    pub fn totals(&self) -> MissTotals {
        self.totals
    }

    /// The rows with a miss, by station, hour, rider, kind and reason.
    #[must_use]
    pub fn into_rows(self) -> Vec<MissRow> {
        let by_reason = self.grouping.has(Dimension::Reason);
        let mut rows = Vec::new();
        for (cell, Misses { deliveries, reasons }) in self.cells {
            if by_reason {
                rows.extend(reasons.into_iter().map(|(reason, misses)| MissRow {
                    cell: cell.clone(),
                    reason: Some(reason),
                    misses,
                    deliveries,
                }));
            } else if !reasons.is_empty() {
                rows.push(MissRow { cell, reason: None, misses: reasons.values().sum(), deliveries });
            }
        }
        rows
    }
}

impl MissTotals {
    fn count(&mut self, reason: Option<EndReason>) {
        self.deliveries += 1;
        let of = match reason.map(EndReason::meaning) {
            None => &mut self.open,
            Some(Meaning::Heard) => &mut self.heard,
            Some(Meaning::Missed) => &mut self.missed,
            Some(Meaning::HeldBack) => &mut self.held_back,
            Some(Meaning::Void) => &mut self.void,
        };
        *of += 1;
    }
}
