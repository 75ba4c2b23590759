//! The rider socket as strangers meet it: who gets in, what is refused, how a session ends.
//! The close codes are a contract: below 4100 a client does not come back by itself.

mod ending;
mod entering;
mod frames;
mod secrecy;
mod wire;
