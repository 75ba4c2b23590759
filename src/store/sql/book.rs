//! The way of a write: what it concerns is read into a book, the rules of the domain work, what has changed is written.
//! All of it happens in one transaction, and in PostgreSQL under locks, so nothing comes between.

mod ahead;
mod reading;
mod save;

pub(super) use reading::Reading;
pub(super) use save::{save, save_with};

/// Statements whose plans are tested.
#[cfg(test)]
pub(super) mod plans {
    pub(in crate::store::sql) use super::reading::{
        DUE, EMPTY_AND_DUE, HEADS_OF_ORDERS, OPEN_OF_RIDER, OPEN_THAT_MATCH,
    };
}
