//! The engines: one file for each protocol.
//! What they share beside the trait is how they are set up.

pub mod espeak;

use crate::config::engines::CredentialError;

/// Why an engine cannot be set up; the operator has to change the configuration.
#[derive(Debug, thiserror::Error)]
pub enum EngineSetupError {
    /// A credential is missing, or cannot be read.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// Something else cannot be used.
    #[error("{0}")]
    Invalid(String),
}
