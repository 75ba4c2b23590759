//! The store on a PostgreSQL server, which several nodes may share.

mod schema;

pub(in crate::store) use schema::{connect, found, migrations};
pub use schema::{migrate, schema};
