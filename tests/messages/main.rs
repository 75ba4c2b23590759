//! Riders in WeChat over a real database: who logs in, what they agree to, and what is written to them when they cannot hear.
//! WeChat itself is a double here that says what it is told to; its own words are tried elsewhere.

#![expect(clippy::unwrap_used, reason = "a test says what it expects, and its helpers with it")]

mod identities;
mod postman;
mod sending;
#[expect(dead_code, reason = "others need more of it")]
#[path = "../receiving/stage.rs"]
mod stage;
