//! By what a report counts: each way of grouping, and the cell of a table that a delivery falls into.
//! A rider in two stations is counted in each; one in none, in the station without a name.

use super::Outcome;
use crate::clock::Zone;
use crate::domain::{EpochMs, GroupId, RiderId};

/// One way of grouping.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dimension {
    /// The groups of the rider, as they are now.
    Station,
    /// The hour in which it began, by the app's own clock.
    Hour,
    /// The rider.
    Rider,
    /// The kind.
    Kind,
    /// Why it ended.
    Reason,
}

/// Ways of grouping, each once; none is one row for all.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Grouping(Vec<Dimension>);

/// A row's place in a table; a member is there if it is grouped by.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Cell {
    /// The station; empty for riders in none.
    pub station: Option<String>,
    /// When its hour began.
    pub hour: Option<EpochMs>,
    /// The rider.
    pub rider: Option<RiderId>,
    /// The kind.
    pub kind: Option<String>,
}

impl Dimension {
    /// All of them, in the order of columns.
    pub const ALL: [Self; 5] = [Self::Station, Self::Hour, Self::Rider, Self::Kind, Self::Reason];

    /// The word used in queries.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Station => "station",
            Self::Hour => "hour",
            Self::Rider => "rider",
            Self::Kind => "kind",
            Self::Reason => "reason",
        }
    }
}

impl Grouping {
    /// Words of `allowed` with commas between them, each once. `None` if it is anything else.
    #[must_use]
    pub fn parse(text: &str, allowed: &[Dimension]) -> Option<Self> {
        let mut all = Vec::new();
        for word in text.split(',').filter(|_| !text.is_empty()) {
            let found = allowed.iter().copied().find(|dimension| dimension.as_str() == word)?;
            if all.contains(&found) {
                return None;
            }
            all.push(found);
        }
        Some(Self(all))
    }

    /// Whether rows are told apart by this.
    #[must_use]
    pub fn has(&self, dimension: Dimension) -> bool {
        self.0.contains(&dimension)
    }

    /// The cells into which a delivery to a rider of these stations falls.
    pub(super) fn cells(&self, outcome: &Outcome, stations: &[GroupId], zone: &Zone) -> Vec<Cell> {
        let cell = Cell {
            station: None,
            hour: self.has(Dimension::Hour).then(|| zone.hour(outcome.asked_at())),
            rider: self.has(Dimension::Rider).then(|| outcome.rider.clone()),
            kind: self.has(Dimension::Kind).then(|| outcome.kind.clone()),
        };
        if !self.has(Dimension::Station) {
            return vec![cell];
        }
        if stations.is_empty() {
            return vec![Cell { station: Some(String::new()), ..cell }];
        }
        let named = stations.iter().map(|station| Some(station.to_string()));
        named.map(|station| Cell { station, ..cell.clone() }).collect()
    }
}
