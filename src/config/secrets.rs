//! The settings of `[secrets]`, which no answer and no log ever shows.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::section;

section!(
    /// Secrets.
    Secrets {
        /// The key that seals secrets at rest, base64; empty for the one in the data folder.
        node_key: SecretString,
        /// The operator's credential over HTTP; empty for none.
        operator_key: SecretString,
    }
);

impl Secrets {
    /// Nobody guesses it, and it fits into a header.
    pub(super) fn operator_key_is_good(&self) -> bool {
        let key = self.operator_key.expose_secret().as_bytes();
        let varied = key.iter().any(|byte| Some(byte) != key.first());
        key.is_empty() || (key.len() >= 24 && varied && key.iter().all(u8::is_ascii_graphic))
    }
}
