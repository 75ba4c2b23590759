//! Standard Webhooks of a foreign sender: the same signature as on our own events, with the hook's secrets.
//! A secret is `whsec_` and base64, as the specification writes it, or text.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::refusal;
use super::secrets;
use super::section::Section;
use super::sent::Sent;
use super::signature::WHSEC;
use super::stamp::tolerance_ms;
use crate::domain::EpochMs;
use crate::domain::secret::LIVE_MAX;
use crate::intake::hooks::{AgeRule, HookKeys, ProfileError, VerifyError};
use crate::intake::signature::{KEY_ID, SignatureError, Signed};

/// A scheme `standard_webhooks`.
pub(super) struct StandardWebhooks {
    tolerance_ms: i64,
    secret: String,
}

impl StandardWebhooks {
    /// The member `tolerance_s`.
    pub(super) fn read(section: &Section<'_>) -> Result<Self, ProfileError> {
        section.only(&["scheme", "tolerance_s", "secret"])?;
        Ok(Self { tolerance_ms: tolerance_ms(section)?, secret: secrets::name(section)? })
    }

    /// Refuses a request that none of the secrets has signed.
    pub(super) fn check(&self, sent: &Sent<'_>, keys: &HookKeys, age: AgeRule) -> Result<(), VerifyError> {
        let headers = sent.request().headers;
        // Whose key has signed is said by the hook's address.
        let values = |name: &'static str| match name {
            KEY_ID => vec![&b""[..]],
            _ => headers.get_all(name).iter().map(http::HeaderValue::as_bytes).collect(),
        };
        let (now, tolerance_ms) = match age {
            AgeRule::At(now) => (now, self.tolerance_ms),
            AgeRule::Any => (EpochMs(0), i64::MAX),
        };
        let signed = Signed::read(values, now, tolerance_ms).map_err(told)?;
        let live = secrets::live(keys, &self.secret);
        let secrets: Vec<Cow<'_, [u8]>> = live.into_iter().filter_map(key).collect();
        let secrets: Vec<&[u8]> = secrets.iter().map(|secret| &**secret).collect();
        // No secret at all is tried as well, and takes as long as two.
        let mut good = false;
        for place in 0..secrets.len().div_ceil(LIVE_MAX).max(1) {
            let some = secrets.get(place * LIVE_MAX..).unwrap_or_default();
            good |= signed.is_by(&some[..some.len().min(LIVE_MAX)], sent.request().body);
        }
        let detail = || format!("webhook-signature is not by {} over this request", self.secret);
        if good { Ok(()) } else { Err(refusal("bad_signature", detail())) }
    }

    /// Refuses secrets that can never count.
    pub(super) fn fits(&self, keys: &HookKeys) -> Result<(), ProfileError> {
        let wrong = "is not base64 behind whsec_";
        secrets::check(keys, &self.secret, |secret| key(secret).map(|_| ()).ok_or(wrong))
    }

    /// The secret that it needs.
    pub(super) fn secret(&self) -> &str {
        &self.secret
    }
}

/// The key that a secret is; `None` if it says that it is base64, and is not.
fn key(secret: &[u8]) -> Option<Cow<'_, [u8]>> {
    match secret.strip_prefix(WHSEC.as_bytes()) {
        Some(base64) => STANDARD.decode(base64).ok().filter(|key| !key.is_empty()).map(Cow::Owned),
        None => Some(Cow::Borrowed(secret)),
    }
}

fn told(error: SignatureError) -> VerifyError {
    let reason = match error {
        SignatureError::BadId | SignatureError::Malformed(_) => "bad_signature",
        SignatureError::Expired => "too_old",
    };
    refusal(reason, error.to_string())
}
