//! Apps, their API keys and their riders' tokens: all that decides who may ask.
//! Apart from the rest of `dispatch`, so that the command line can use it beside a running server.

use std::sync::Arc;

use super::directory::Directory;
use super::vault::Vault;
use super::wordings::Lexicons;
use crate::clock::Clock;
use crate::store::Store;

/// The use cases of keys and tokens.
pub struct Accounts {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) vault: Vault,
    pub(super) directory: Directory,
    pub(super) token_ttl_max_ms: i64,
    pub(super) lexicons: Lexicons,
}

impl Accounts {
    /// Puts the parts together; no token lives longer than `token_ttl_max_ms` milliseconds.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, vault: Vault, token_ttl_max_ms: i64) -> Self {
        let directory = Directory::new(&clock);
        Self { store, clock, vault, directory, token_ttl_max_ms, lexicons: Lexicons::default() }
    }

    /// The same, where the operator says how words are read; apps may say otherwise.
    #[must_use]
    pub fn with_lexicons(self, lexicons: Lexicons) -> Self {
        Self { lexicons, ..self }
    }
}
