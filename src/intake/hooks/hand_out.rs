//! Tokens for senders that log in before they push: account and password come in, a token and its life go out.
//! What does not fit is answered in the sender's own words, in the same time whatever is wrong.

use aws_lc_rs::{constant_time, digest};
use serde_json::{Value, json};

use super::ack::{Ack, Answer};
use super::expression::Expression;
use super::pipeline::Reading;
use super::profile::{HookProfile, expression};
use super::verify::Verifier;
use super::{HookKeys, HookRequest, ProfileError};
use crate::domain::{EpochMs, HookVerdict};
use crate::intake::reader::Reader;

/// Life of a token where nothing is said: what most senders expect.
const TTL_S: i64 = 7_200;
/// Shortest and longest life.
const TTL_S_BOUNDS: (i64, i64) = (60, 2_592_000);
/// The parameter that the account must equal.
const ACCOUNT: &str = "account";
/// The secret that the password must equal.
const PASSWORD: &str = "password";
/// The secret that signs tokens.
const SIGNING: &str = "secret";

/// How tokens are handed out.
#[derive(Debug)]
pub struct TokenDoor {
    account: Expression,
    password: Expression,
    ttl_s: i64,
    granted: Answer,
    refused: Answer,
}

/// What became of asking for a token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HandOut {
    /// Here it is.
    Granted(Ack),
    /// Account or password are wrong, or the request cannot be read.
    Refused(Ack),
}

impl TokenDoor {
    /// Reads `[token]`.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(super) fn read(token: &Reader<'_>) -> Result<Self, ProfileError> {
        token.only(&["account", "password", "ttl_s", "content_type", "body", "refused", "refused_status"])?;
        let asked = |name: &str| {
            let text = token.text(name, usize::MAX)?.ok_or_else(|| token.missing(name))?;
            expression(&text, &token.pointer_of(name))
        };
        let (least, most) = TTL_S_BOUNDS;
        Ok(Self {
            account: asked("account")?,
            password: asked("password")?,
            ttl_s: token.integer("ttl_s", least, most)?.unwrap_or(TTL_S),
            granted: Answer::of_token(token, "body", 200)?,
            refused: Answer::of_token(token, "refused", read_refused_status(token)?)?,
        })
    }
}

impl HookProfile {
    /// Hands out a token for the hook with this id. `None` if the profile hands out none.
    #[must_use]
    pub fn hand_out(
        &self,
        hook: &str,
        request: &HookRequest<'_>,
        keys: &HookKeys,
        now: EpochMs,
    ) -> Option<HandOut> {
        let door = self.token()?;
        let mut reading = self.begin(request, keys);
        // What cannot be read has neither account nor password.
        reading.body = self.decoder.decode(request).unwrap_or_default();
        let signing = keys.secrets.get(SIGNING).and_then(|secrets| secrets.first());
        let token = signing.filter(|_| self.is_right(door, &reading, keys)).map(|secret| {
            let until_s = (now.0 / 1_000).saturating_add(door.ttl_s);
            Verifier::issue(secret, hook, until_s)
        });
        let Some(token) = token else {
            reading.verdict = HookVerdict::Refused;
            return Some(HandOut::Refused(door.refused.given(&self.scope(&reading, &Value::Null))));
        };
        let extra = json!({"token": token, "ttl_s": door.ttl_s});
        Some(HandOut::Granted(door.granted.given(&self.scope(&reading, &extra))))
    }

    fn is_right(&self, door: &TokenDoor, reading: &Reading, keys: &HookKeys) -> bool {
        let scope = self.scope(reading, &Value::Null);
        let said = |expression: &Expression| match expression.evaluate(&scope) {
            Ok(Value::String(text)) => text,
            Ok(Value::Number(number)) => number.to_string(),
            Ok(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | Err(_) => String::new(),
        };
        let account = keys.params.get(ACCOUNT).map(String::as_bytes).unwrap_or_default();
        let right_account = is_same(said(&door.account).as_bytes(), account);
        let password = said(&door.password);
        let mut right_password = false;
        for known in keys.secrets.get(PASSWORD).into_iter().flatten() {
            right_password |= is_same(password.as_bytes(), known);
        }
        right_account & right_password
    }
}

fn read_refused_status(token: &Reader<'_>) -> Result<u16, ProfileError> {
    let status = token.integer("refused_status", 200, 499)?;
    Ok(status.and_then(|status| u16::try_from(status).ok()).unwrap_or(401))
}

/// Compared by their hashes, so that not even a length is told by the time it takes. Nothing equals nothing.
fn is_same(given: &[u8], wanted: &[u8]) -> bool {
    let hash = |bytes: &[u8]| digest::digest(&digest::SHA256, bytes);
    let same = constant_time::verify_slices_are_equal(hash(given).as_ref(), hash(wanted).as_ref()).is_ok();
    same && !wanted.is_empty()
}

#[cfg(test)]
mod tests;
