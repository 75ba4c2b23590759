//! The store on a PostgreSQL server, which several nodes may share.

mod inspect;
mod schema;

pub use inspect::{Inspection, inspect};
pub(in crate::store) use schema::{connect, found, migrations};
pub use schema::{migrate, schema, sessions};

/// The oldest server that we have tried ourselves on.
pub const OLDEST_SERVER: u32 = 130_000;
