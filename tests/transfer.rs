//! Data that move from one store to the other, whole or not at all, and backups of either, put back into either.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what it expects, and its helpers with it"
)]

#[path = "transfer/backups.rs"]
mod backups;
#[path = "transfer/copies.rs"]
mod copies;
#[path = "transfer/everything.rs"]
mod everything;
#[path = "transfer/nodes.rs"]
mod nodes;
#[path = "support/postgres.rs"]
mod postgres_server;
#[path = "transfer/program.rs"]
mod program;
