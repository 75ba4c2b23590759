//! The server as backends, riders and operators meet it: real sockets, a real database, a real voice.
//! Every test has a server of its own in a folder of its own; espeak-ng and ffmpeg must be installed.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects, and its helpers with it"
)]

mod access;
mod apps;
mod audiences;
mod audio;
mod callbacks;
mod cli;
mod contract;
mod delivery;
mod door;
#[path = "../engines/fake.rs"]
#[expect(dead_code, reason = "the tests of engines use all of it")]
mod fake;
mod health;
mod hooks;
mod intake;
mod keys;
mod ladders;
mod limits;
mod offers;
mod orders;
mod pages;
#[path = "../support/postgres.rs"]
#[expect(dead_code, reason = "the tests of stores use all of it")]
mod postgres_server;
mod presence;
mod privacy;
mod records;
mod riders;
mod schedules;
mod secrets;
mod settings;
mod signatures;
mod socket;
mod speech;
mod support;
mod test_mode;
mod wait;
mod wechat;
#[path = "../support/wechat.rs"]
mod wechat_double;
