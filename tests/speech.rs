//! The voice as a whole, with engines that do as they are told: order, time, failures, what is kept, and alerts.
//! Time is paused where a test is about time; files are real, and so is espeak-ng where it is named.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what it expects, and its helpers with it"
)]

#[path = "speech/alerts.rs"]
mod alerts;
#[path = "speech/chain.rs"]
mod chain;
#[path = "speech/house.rs"]
mod house;
#[path = "speech/keeping.rs"]
mod keeping;
#[path = "speech/orders.rs"]
mod orders;
#[path = "speech/recorded.rs"]
mod recorded;
#[path = "speech/replay.rs"]
mod replay;
#[path = "speech/resting.rs"]
mod resting;
#[path = "speech/studio.rs"]
mod studio;
