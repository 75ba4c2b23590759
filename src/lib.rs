//! Orderbell turns an order event into a voice in the rider's ear, within a second, and can prove it.
//!
//! This page is the map, top to bottom; a module imports only from those below it (ARCHITECTURE.md, and
//! `tests/architecture.rs` which enforces it).

pub mod http;

pub mod dispatch;
pub mod intake;

pub mod speech;

pub mod audio;
pub mod hub;
pub mod store;

pub mod session;

pub mod domain;

pub mod clock;
pub mod config;
pub mod lifecycle;
pub mod telemetry;
