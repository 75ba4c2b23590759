//! Hooks over real sockets: senders' own bodies to their own answers and to a rider's ear, their management, what they keep,
//! and what is sent to break them.

mod fixture;
mod handshakes;
mod hook;
mod hostile;
mod lookback;
mod manage;
mod senders;
mod shadow;
mod survival;
