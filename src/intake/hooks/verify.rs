//! Whether a request is its sender's, by the schemes that its hook's profile lists: all of them must hold.
//! Judged on the bytes as they came, before anything is decoded; pure, in constant time where a secret is compared.

mod address;
mod credential;
mod letters;
mod parameters;
mod params;
mod place;
mod secrets;
mod section;
mod sent;
mod signature;
mod stamp;
mod standard;
mod text;
mod work;
mod xml;

#[cfg(test)]
mod tests;

use serde_json::Value;

use self::address::Addresses;
use self::credential::Credential;
use self::section::{Section, wrong};
use self::sent::Sent;
use self::signature::Signature;
use self::standard::StandardWebhooks;
use super::{AgeRule, HookKeys, HookRequest, ProfileError, VerifyError};

/// The list `verify` of a profile. An empty one holds for everybody who knows the hook's address.
pub struct Verifier(Vec<Scheme>);

enum Scheme {
    Path,
    Addresses(Addresses),
    Credential(Credential),
    Signature(Box<Signature>),
    StandardWebhooks(StandardWebhooks),
}

/// Schemes of one profile: an address, a token and a signature are three.
const SCHEMES_MAX: usize = 8;

impl Verifier {
    /// Reads the list; null is an empty one.
    ///
    /// # Errors
    /// [`ProfileError`] with the pointer of the member at fault, such as `/verify/0/over`.
    pub fn read(profile: &Value) -> Result<Self, ProfileError> {
        let at = |pointer: &str| pointer.to_owned();
        let list = match profile {
            Value::Null => return Ok(Self(Vec::new())),
            Value::Array(list) => list,
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                return Err(wrong("wrong_type", at("/verify"), "is not a list of tables"));
            }
        };
        if list.len() > SCHEMES_MAX {
            return Err(wrong("out_of_range", at("/verify"), "lists more than 8"));
        }
        let schemes = list.iter().enumerate().map(|(place, scheme)| {
            Section::at(scheme, format!("/verify/{place}")).and_then(|section| Scheme::read(&section))
        });
        Ok(Self(schemes.collect::<Result<_, _>>()?))
    }

    /// Refuses a request that is not its sender's.
    ///
    /// # Errors
    /// [`VerifyError`] of the first scheme that does not hold.
    pub fn check(&self, request: &HookRequest<'_>, keys: &HookKeys, age: AgeRule) -> Result<(), VerifyError> {
        let sent = Sent::new(request);
        self.0.iter().try_for_each(|scheme| scheme.check(&sent, keys, age))
    }

    /// A token for the scheme `token` with `issued`, made by one of the hook's secrets: it counts for the hook with this
    /// id until this moment, in epoch seconds.
    #[must_use]
    pub fn issue(secret: &[u8], hook: &str, until_s: i64) -> String {
        credential::issue(secret, hook, until_s)
    }

    /// Refuses what a hook's owner has given it and can never count: an empty secret, one that is not written as the
    /// profile says, addresses that are none. What is missing is no fault here, see [`Self::names`].
    ///
    /// # Errors
    /// [`ProfileError`] with its place among the hook's own members, such as `/secrets/secret/0` or `/params/ips`.
    pub fn fits(&self, keys: &HookKeys) -> Result<(), ProfileError> {
        self.0.iter().try_for_each(|scheme| scheme.fits(keys))
    }

    /// The secrets and parameters of the hook that it needs, each once, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.0.iter().flat_map(Scheme::names).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether one of the schemes is a signature that nobody can make without a secret.
    #[must_use]
    pub fn signs(&self) -> bool {
        self.0.iter().any(|scheme| match scheme {
            Scheme::Signature(signature) => signature.needs_secret(),
            Scheme::StandardWebhooks(_) => true,
            Scheme::Path | Scheme::Addresses(_) | Scheme::Credential(_) => false,
        })
    }

    /// Whether one of the signatures stands in the query and is over the query alone, so that a request without a body
    /// has one as well: such as the one that asks whether this address is the owner's.
    #[must_use]
    pub fn signs_query(&self) -> bool {
        self.0.iter().any(|scheme| match scheme {
            Scheme::Signature(signature) => signature.needs_secret() && signature.is_of_query(),
            Scheme::Path | Scheme::Addresses(_) | Scheme::Credential(_) | Scheme::StandardWebhooks(_) => {
                false
            }
        })
    }
}

impl Scheme {
    fn read(section: &Section<'_>) -> Result<Self, ProfileError> {
        match section.required("scheme")? {
            "path" => section.only(&["scheme"]).map(|()| Self::Path),
            "ip" => Addresses::read(section).map(Self::Addresses),
            "bearer" => Credential::bearer(section).map(Self::Credential),
            "basic" => Credential::basic(section).map(Self::Credential),
            "token" => Credential::token(section).map(Self::Credential),
            "hmac" => Signature::keyed(section).map(Box::new).map(Self::Signature),
            "digest" => Signature::plain(section).map(Box::new).map(Self::Signature),
            "standard_webhooks" => StandardWebhooks::read(section).map(Self::StandardWebhooks),
            _ => {
                let known = "path, bearer, basic, ip, token, hmac, digest, standard_webhooks";
                Err(section.error("scheme", "bad_value", &format!("is none of {known}")))
            }
        }
    }

    fn check(&self, sent: &Sent<'_>, keys: &HookKeys, age: AgeRule) -> Result<(), VerifyError> {
        match self {
            Self::Path => Ok(()),
            Self::Addresses(addresses) => addresses.check(sent.request(), keys, age),
            Self::Credential(credential) => credential.check(sent, keys, age),
            Self::Signature(signature) => signature.check(sent, keys, age),
            Self::StandardWebhooks(standard) => standard.check(sent, keys, age),
        }
    }

    fn fits(&self, keys: &HookKeys) -> Result<(), ProfileError> {
        match self {
            Self::Path => Ok(()),
            Self::Addresses(addresses) => addresses.fits(keys),
            Self::Credential(credential) => credential.fits(keys),
            Self::Signature(signature) => signature.fits(keys),
            Self::StandardWebhooks(standard) => standard.fits(keys),
        }
    }

    fn names(&self) -> Vec<String> {
        match self {
            Self::Path => Vec::new(),
            Self::Addresses(addresses) => addresses.params().map(str::to_owned).collect(),
            Self::Credential(credential) => vec![credential.secret().to_owned()],
            Self::Signature(signature) => signature.names(),
            Self::StandardWebhooks(standard) => vec![standard.secret().to_owned()],
        }
    }
}

/// A request that is not its sender's, for this reason; the detail is for the hook's owner.
fn refusal(reason: &'static str, detail: String) -> VerifyError {
    VerifyError { reason, detail, forbidden: false }
}
