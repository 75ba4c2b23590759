//! Callbacks on their way: the worker over a real database and real sockets, to backends that are slow, fail, and lie.
//! Every test has a store and targets of its own; retries and rests are short, their order is that of the real ones.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what it expects, and its helpers with it"
)]

mod inside;
mod killed;
mod lists;
mod neighbours;
mod nodes;
mod order;
#[path = "../support/postgres.rs"]
#[expect(dead_code, reason = "the tests of stores use all of it")]
mod postgres_server;
mod presence;
mod retries;
mod signatures;
mod stage;
mod target;
