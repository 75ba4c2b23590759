//! The engines: one file for each protocol.
//! What they share beside the trait is how they are set up.
//!
//! - [`openai`], [`tencent`], [`volcengine`], [`aliyun`], [`azure`]: makers' services
//! - [`http`]: any other service, by a profile
//! - [`command`], [`espeak`], [`recorded`]: what speaks on this machine
//! - `maker`: one call of a maker's service, and what its failure means
//! - `setup`: what of a table is checked before the first call
//! - `words`: what of an engine's words may stand in an error
//! - `pinyin`, `markup`: text with readings, in general and as XML

pub mod aliyun;
pub mod azure;
pub mod command;
pub mod espeak;
pub mod http;
mod maker;
mod markup;
pub mod openai;
mod pinyin;
pub mod recorded;
mod setup;
pub mod tencent;
pub mod volcengine;
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
