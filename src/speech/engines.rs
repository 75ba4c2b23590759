//! The engines: one file for each protocol.
//! What they share beside the trait is how they are set up.

pub mod command;
pub mod espeak;
pub mod http;
mod pinyin;
pub mod recorded;
mod words;

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
