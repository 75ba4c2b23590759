//! Orderbell turns an order event into a voice in the rider's ear, within a second, and can prove it.
//!
//! This page is the map, top to bottom; a module imports only from those below it (ARCHITECTURE.md, and
//! `tests/architecture.rs` which enforces it).

// What a process is: its command line, and the one place that puts everything together.
pub mod app;
pub mod cli;
pub mod doctor;

// The public surface, and what reads its bodies.
pub mod http;
pub mod intake;

// Periodic work, and the use cases it and the handlers share.
pub mod dispatch;
pub mod workers;

// What the use cases stand on.
pub mod audio;
pub mod hub;
pub mod outbound;
pub mod session;
pub mod speech;
pub mod store;

// Pure values.
pub mod domain;

// Know nothing of orders.
pub mod clock;
pub mod config;
pub mod lifecycle;
pub mod telemetry;

// What tests of ours share with tests from outside names this crate as they do.
#[cfg(test)]
extern crate self as orderbell;
