//! Hooks by the program itself: what real senders POST, read by `orderbell hook test` with the presets, and other senders
//! by configuration alone. No server, no data folder.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what it expects, and its helpers with it"
)]

mod fixtures;
mod others;
mod presets;
mod program;
mod shops;
mod stage;
mod wechat;
