//! Standard Webhooks signatures (version 1.0.0, symmetric): read strictly, verified in constant time, bounded in number.
//! Pure: headers, secrets, body and time come in as arguments. The libraries in use accept more than the specification
//! says (signs before timestamps, hundreds of signatures); what is refused here is refused by name of its part.

use aws_lc_rs::{constant_time, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::clock::EpochMs;
use crate::domain::KeyId;
use crate::domain::secret::LIVE_MAX;

/// Whose key signed; ours.
pub const KEY_ID: &str = "orderbell-key-id";
/// The sender's id of the message, the same on every retry.
pub const ID: &str = "webhook-id";
/// Epoch seconds of this attempt.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// One or more signatures.
pub const SIGNATURE: &str = "webhook-signature";

/// Every header of a signed request.
pub const HEADERS: [&str; 4] = [KEY_ID, ID, TIMESTAMP, SIGNATURE];
/// Signatures in one header: a sender that rotates has two, with two schemes four.
pub const SIGNATURES_MAX: usize = 8;

/// Longest id, in bytes: as long as any id a backend gives us.
const ID_BYTES_MAX: usize = 128;
/// Digits of a timestamp: until the year 33658.
const TIMESTAMP_DIGITS_MAX: usize = 12;
const SCHEME: &str = "v1";
/// Tried where a key has fewer secrets, so that all refusals cost the same; nothing matches it.
const NOBODYS: &[u8] = b"no key has this secret";

/// Why a request does not count as signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SignatureError {
    /// The message's id cannot be one.
    #[error("webhook-id is 1 to {ID_BYTES_MAX} visible ASCII characters without a dot")]
    BadId,
    /// A header is missing, doubled or malformed.
    #[error("{0}")]
    Malformed(&'static str),
    /// The timestamp is too far from our clock.
    #[error("webhook-timestamp is too far from our clock")]
    Expired,
}

/// What the headers of a signed request say. Nothing of it is believed before [`Signed::is_by`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signed {
    /// Whose key is said to have signed; `None` if that is no id of a key.
    pub key: Option<KeyId>,
    /// The sender's id of the message.
    pub id: String,
    timestamp: String,
    signatures: Vec<[u8; 32]>,
}

impl Signed {
    /// Reads the headers; `header` gives all values of one of [`HEADERS`].
    ///
    /// # Errors
    /// [`SignatureError`]; `Expired` if the timestamp is more than `tolerance_ms` before or after `now`.
    pub fn read<'a>(
        header: impl Fn(&'static str) -> Vec<&'a [u8]>,
        now: EpochMs,
        tolerance_ms: i64,
    ) -> Result<Self, SignatureError> {
        let key = only(&header(KEY_ID), "send one orderbell-key-id")?;
        let id = only(&header(ID), "send one webhook-id")?;
        let timestamp = only(&header(TIMESTAMP), "send one webhook-timestamp")?;
        let signatures = only(&header(SIGNATURE), "send one webhook-signature")?;
        let id = read_id(id)?;
        let (timestamp, at) = read_timestamp(timestamp)?;
        let signatures = read_signatures(signatures)?;
        if at.since_ms(now).saturating_abs() > tolerance_ms {
            return Err(SignatureError::Expired);
        }
        let key = std::str::from_utf8(key).ok().and_then(|key| key.parse().ok());
        Ok(Self { key, id, timestamp, signatures })
    }

    /// Whether one of these secrets has signed this body. As much is computed for no secret as for two.
    #[must_use]
    pub fn is_by(&self, secrets: &[&[u8]], body: &[u8]) -> bool {
        let mut good = false;
        for place in 0..LIVE_MAX {
            let secret = secrets.get(place).copied();
            let right = mac(secret.unwrap_or(NOBODYS), &self.id, &self.timestamp, body);
            for signature in &self.signatures {
                let equal = constant_time::verify_slices_are_equal(right.as_ref(), signature).is_ok();
                good |= equal && secret.is_some();
            }
        }
        good
    }
}

/// The value of `webhook-signature` for a message of ours, sent at `at_s` epoch seconds.
#[must_use]
pub fn sign(secret: &[u8], id: &str, at_s: i64, body: &[u8]) -> String {
    format!("{SCHEME},{}", STANDARD.encode(mac(secret, id, &at_s.to_string(), body)))
}

fn mac(secret: &[u8], id: &str, timestamp: &str, body: &[u8]) -> hmac::Tag {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut signing = hmac::Context::with_key(&key);
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        signing.update(part);
    }
    signing.sign()
}

fn only<'a>(values: &[&'a [u8]], otherwise: &'static str) -> Result<&'a [u8], SignatureError> {
    match values {
        [only] => Ok(only),
        _ => Err(SignatureError::Malformed(otherwise)),
    }
}

fn read_id(id: &[u8]) -> Result<String, SignatureError> {
    let good = (1..=ID_BYTES_MAX).contains(&id.len())
        && id.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'.');
    let id = good.then(|| std::str::from_utf8(id).ok()).flatten();
    id.map(str::to_owned).ok_or(SignatureError::BadId)
}

/// As it was written, which is what was signed, and what it means.
fn read_timestamp(timestamp: &[u8]) -> Result<(String, EpochMs), SignatureError> {
    let malformed = SignatureError::Malformed("webhook-timestamp is epoch seconds, digits only");
    let good = (1..=TIMESTAMP_DIGITS_MAX).contains(&timestamp.len())
        && timestamp.iter().all(u8::is_ascii_digit)
        && !timestamp.starts_with(b"0");
    let text = good.then(|| std::str::from_utf8(timestamp).ok()).flatten().ok_or(malformed)?;
    let seconds: i64 = text.parse().map_err(|_| malformed)?;
    let at = seconds.checked_mul(1_000).map(EpochMs).ok_or(malformed)?;
    Ok((text.to_owned(), at))
}

/// Signatures of other schemes count and are passed over; one of ours that is malformed spoils all.
fn read_signatures(list: &[u8]) -> Result<Vec<[u8; 32]>, SignatureError> {
    let malformed = SignatureError::Malformed("webhook-signature is a list of v1,<base64 of 32 bytes>");
    let list = std::str::from_utf8(list).map_err(|_| malformed)?;
    let tokens: Vec<&str> = list.splitn(SIGNATURES_MAX + 1, ' ').collect();
    if tokens.len() > SIGNATURES_MAX {
        return Err(SignatureError::Malformed("webhook-signature lists more than eight"));
    }
    let mut signatures = Vec::new();
    for token in tokens {
        let (scheme, signature) = token.split_once(',').ok_or(malformed)?;
        if scheme == SCHEME {
            let bytes = STANDARD.decode(signature).map_err(|_| malformed)?;
            signatures.push(bytes.try_into().map_err(|_| malformed)?);
        }
    }
    Ok(signatures)
}

#[cfg(test)]
mod tests;
