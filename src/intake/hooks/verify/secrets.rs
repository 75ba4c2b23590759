//! The live secrets of a hook, under the name that a scheme uses.
//! An empty one is none: everybody knows it.

use super::section::{Section, escape, wrong};
use crate::intake::hooks::{HookKeys, ProfileError};

/// Live secrets of one name that are tried, the newest first.
pub(super) const SECRETS_MAX: usize = 8;
/// Tried at least, so that a hook without a secret takes as long as one with.
pub(super) const TRIED_MIN: usize = 2;
/// Tried where there are fewer; nothing matches it.
pub(super) const NOBODYS: &[u8] = b"no hook has this secret";

/// The name that a scheme's secret has among the hook's.
pub(super) fn name(section: &Section<'_>) -> Result<String, ProfileError> {
    Ok(section.text("secret")?.filter(|name| !name.is_empty()).unwrap_or("secret").to_owned())
}

/// Refuses secrets that are there and can never count; `usable` says why one cannot.
pub(super) fn check(
    keys: &HookKeys,
    name: &str,
    usable: impl Fn(&[u8]) -> Result<(), &'static str>,
) -> Result<(), ProfileError> {
    let Some(all) = keys.secrets.get(name) else { return Ok(()) };
    let pointer = format!("/secrets/{}", escape(name));
    if all.len() > SECRETS_MAX {
        return Err(wrong("out_of_range", pointer, "lists more than 8"));
    }
    for (place, secret) in all.iter().enumerate() {
        let checked = if secret.is_empty() { Err("is empty: anybody has that") } else { usable(secret) };
        checked.map_err(|detail| wrong("bad_value", format!("{pointer}/{place}"), detail))?;
    }
    Ok(())
}

/// Those that work.
pub(super) fn live<'k>(keys: &'k HookKeys, name: &str) -> Vec<&'k [u8]> {
    let all = keys.secrets.get(name).into_iter().flatten();
    all.map(Vec::as_slice).filter(|secret| !secret.is_empty()).take(SECRETS_MAX).collect()
}
