//! The engines: one file for each protocol.
//! What they share beside the trait is how they are set up.

pub mod command;
pub mod espeak;
pub mod http;
mod pinyin;
pub mod recorded;
mod words;

use aws_lc_rs::digest::{SHA256, digest};

use crate::config::engines::CredentialError;

/// Why an engine cannot be set up; the operator has to change the configuration.
#[derive(Debug, thiserror::Error)]
pub enum EngineSetupError {
    /// A credential is missing.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// Something in its table cannot be.
    #[error("{0}")]
    Invalid(String),
}

/// A short print of a long text: another text, another print, as far as lines of voices go.
fn printed(text: &str) -> String {
    let print = digest(&SHA256, text.as_bytes());
    let print = print.as_ref().first_chunk::<4>().copied().unwrap_or_default();
    format!("{:08x}", u32::from_be_bytes(print))
}
