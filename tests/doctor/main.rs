//! `orderbell check` as operators run it: the program itself, on folders that are well and on folders that are not, and
//! through fronts that treat a real server of ours well or badly. espeak-ng must be installed.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects, and its helpers with it"
)]

mod certificates;
mod folder;
mod front;
mod lies;
mod machine;
mod outside;
mod program;
