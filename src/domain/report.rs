//! What became of deliveries, counted: who missed what and why, and how many were heard in time.
//! Each table takes outcomes one by one, in any order, and holds nothing but counts.

mod grouping;
mod misses;
mod objective;
mod outcome;

pub use grouping::{Cell, Dimension, Grouping};
pub use misses::{MissRow, MissTable, MissTotals};
pub use objective::{Objective, ObjectiveTable, Score};
pub use outcome::{Outcome, Timeliness};

#[cfg(test)]
mod tests;
