//! Hooks at work over a real database: what becomes of requests, whoever sends them twice, late, wrong or too often.
//! Nobody listens on a socket here; the whole way from a sender's HTTP to a rider's ear is tried elsewhere.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what it expects, and its helpers with it"
)]

mod assignments;
mod saved;
mod shadow;
mod stage;
mod taken;
mod trials;
mod turned_away;
