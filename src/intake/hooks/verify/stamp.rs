//! The time that a sender signs along, so that what was once overheard does not count for ever.
//! Epoch seconds or milliseconds, as text; it is judged only because it is part of what is signed.

use std::borrow::Cow;

use super::place::Place;
use super::refusal;
use super::section::Section;
use super::sent::Sent;
use crate::domain::EpochMs;
use crate::intake::hooks::{AgeRule, ProfileError, VerifyError};

/// Where the time stands, and how far from ours it may be.
pub(super) struct Stamp {
    /// Where it stands.
    pub(super) place: Place,
    /// What stands before it in a list such as `t=1772339407,v1=…`; empty where it stands alone.
    prefix: String,
    tolerance_ms: i64,
}

/// A sender that retries signs anew; its clock and ours differ by seconds.
const TOLERANCE_S: i64 = 300;
const TOLERANCE_S_MAX: i64 = 86_400;
/// Milliseconds until the year 9999 have 15.
const DIGITS_MAX: usize = 15;

impl Stamp {
    /// The members `timestamp`, `timestamp_prefix` and `tolerance_s`; `None` if no time is named.
    pub(super) fn read(section: &Section<'_>) -> Result<Option<Self>, ProfileError> {
        let tolerance_ms = tolerance_ms(section)?;
        let prefix = section.text("timestamp_prefix")?.unwrap_or_default().to_owned();
        if section.text("timestamp")?.is_none() {
            return Ok(None);
        }
        Ok(Some(Self { place: Place::read(section, "timestamp")?, prefix, tolerance_ms }))
    }

    /// The time of a request as it came, which is what was signed.
    pub(super) fn of<'a>(&self, sent: &'a Sent<'_>, age: AgeRule) -> Result<Cow<'a, [u8]>, VerifyError> {
        let missing = || refusal("missing_timestamp", format!("{} is not there", self.place));
        let value = self.place.value(sent)?.ok_or_else(missing)?;
        let text = if self.prefix.is_empty() {
            value
        } else {
            let mut items = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            let item = items.find_map(|item| item.strip_prefix(self.prefix.as_bytes()));
            Cow::Owned(item.ok_or_else(missing)?.to_vec())
        };
        let Some(at) = moment(&text) else {
            return Err(refusal(
                "bad_timestamp",
                format!("{} is no epoch seconds or milliseconds", self.place),
            ));
        };
        match age {
            AgeRule::Any => Ok(text),
            AgeRule::At(now) if at.since_ms(now).saturating_abs() <= self.tolerance_ms => Ok(text),
            AgeRule::At(_) => Err(refusal("too_old", format!("{} is too far from our clock", self.place))),
        }
    }
}

/// The member `tolerance_s`.
pub(super) fn tolerance_ms(section: &Section<'_>) -> Result<i64, ProfileError> {
    Ok(section.integer("tolerance_s", 1, TOLERANCE_S_MAX)?.unwrap_or(TOLERANCE_S) * 1_000)
}

fn moment(text: &[u8]) -> Option<EpochMs> {
    let digits = (1..=DIGITS_MAX).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    let text = digits.then(|| std::str::from_utf8(text).ok()).flatten()?;
    text.parse().ok().and_then(EpochMs::from_number)
}
