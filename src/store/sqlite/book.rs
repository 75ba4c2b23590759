//! The way of a write: what it concerns is read into a book, the rules of the domain work, what has changed is written.
//! All of it happens within the writer's transaction, so nothing comes between.

mod reading;
mod save;

pub(super) use reading::Reading;
pub(super) use save::{save, save_with};
