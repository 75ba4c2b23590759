//! The operator of a server, by the one credential of its configuration: makes apps and sets their limits.
//! No key of an app is one, whatever its scopes.

use aws_lc_rs::{constant_time, digest};
use axum::extract::FromRequestParts;
use http::request::Parts;

use super::{Caller, bearer};
use crate::http::AppState;
use crate::http::problem::Problem;

/// The operator's credential, as its SHA-256.
#[derive(Clone)]
pub struct OperatorKey(digest::Digest);

/// Whoever has it.
pub struct MayOperate;

/// The word that stands for it where scopes are named; no key can have it.
const SCOPE: &str = "operator";

impl OperatorKey {
    /// The credential of the configuration; `None` if there is none, and then nobody is the operator over HTTP.
    #[must_use]
    pub fn new(secret: &str) -> Option<Self> {
        (!secret.is_empty()).then(|| Self(hash(secret)))
    }

    /// Compared as hashes, which are of one length, in constant time.
    fn is(&self, secret: &str) -> bool {
        constant_time::verify_slices_are_equal(self.0.as_ref(), hash(secret).as_ref()).is_ok()
    }
}

impl FromRequestParts<AppState> for MayOperate {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let secret = bearer(&parts.headers).unwrap_or_default();
        if state.operator.as_ref().is_some_and(|operator| operator.is(secret)) {
            return Ok(Self);
        }
        Caller::from_request_parts(parts, state).await?;
        Err(Problem::forbidden(SCOPE))
    }
}

fn hash(secret: &str) -> digest::Digest {
    digest::digest(&digest::SHA256, secret.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::OperatorKey;

    #[test]
    fn an_empty_credential_is_nobodys() {
        assert!(OperatorKey::new("").is_none());
        let key = OperatorKey::new("correct horse battery staple").unwrap();
        assert!(key.is("correct horse battery staple"));
        assert!(
            !key.is("") && !key.is("correct horse battery stapl") && !key.is("correct horse battery staplf")
        );
    }
}
