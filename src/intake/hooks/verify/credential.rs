//! Secrets that are sent along as they are: bearer, basic and token; and tokens that we hand out for a while.
//! What was sent is compared by its hash, so that the time taken tells neither its letters nor its length.

use std::borrow::Cow;

use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::AUTHORIZATION;

use super::place::Place;
use super::refusal;
use super::secrets::{self, NOBODYS, TRIED_MIN};
use super::section::Section;
use super::sent::Sent;
use crate::intake::hooks::{AgeRule, HookKeys, ProfileError, VerifyError};

/// A scheme `bearer`, `basic` or `token`.
pub(super) struct Credential {
    form: Form,
    place: Place,
    secret: String,
    /// Whether a hook that has no secret is protected by its path alone.
    optional: bool,
}

enum Form {
    /// `Bearer …`
    Bearer,
    /// `Basic …`, of `user:password`.
    Basic,
    /// By itself, or behind this prefix.
    Token { prefix: String, issued: bool },
}

/// The parameter that holds the hook's id.
const HOOK: &str = "hook";
/// What an issued token is signed over, so that no signature of a sender is ever one.
const ISSUED: &str = "orderbell hook token";
/// Seconds until the year 9999 have 12.
const DIGITS_MAX: usize = 12;

impl Credential {
    /// A scheme `bearer`.
    pub(super) fn bearer(section: &Section<'_>) -> Result<Self, ProfileError> {
        section.only(&["scheme", "secret", "optional"])?;
        Self::of(section, Form::Bearer, Place::Header(AUTHORIZATION))
    }

    /// A scheme `basic`.
    pub(super) fn basic(section: &Section<'_>) -> Result<Self, ProfileError> {
        section.only(&["scheme", "secret", "optional"])?;
        Self::of(section, Form::Basic, Place::Header(AUTHORIZATION))
    }

    /// A scheme `token`.
    pub(super) fn token(section: &Section<'_>) -> Result<Self, ProfileError> {
        section.only(&["scheme", "in", "prefix", "issued", "secret", "optional"])?;
        let form = Form::Token {
            prefix: section.text("prefix")?.unwrap_or_default().to_owned(),
            issued: section.flag("issued")?.unwrap_or(false),
        };
        Self::of(section, form, Place::read(section, "in")?)
    }

    fn of(section: &Section<'_>, form: Form, place: Place) -> Result<Self, ProfileError> {
        let optional = section.flag("optional")?.unwrap_or(false);
        Ok(Self { form, place, secret: secrets::name(section)?, optional })
    }

    /// Refuses a request that brings none of the secrets.
    pub(super) fn check(&self, sent: &Sent<'_>, keys: &HookKeys, age: AgeRule) -> Result<(), VerifyError> {
        let live = secrets::live(keys, &self.secret);
        if self.optional && live.is_empty() {
            return Ok(());
        }
        let missing = || refusal("missing_token", format!("{} is not there", self.place));
        let value = self.place.value(sent)?.ok_or_else(missing)?;
        let malformed = || refusal("bad_token", format!("{} is not written as the profile says", self.place));
        let given = self.given(&value).ok_or_else(malformed)?;
        let issued = match self.form {
            Form::Token { issued: true, .. } => Issued::read(&given, age),
            Form::Token { issued: false, .. } | Form::Bearer | Form::Basic => None,
        };
        let hook = keys.params.get(HOOK);
        let mut good = false;
        for place in 0..live.len().max(TRIED_MIN) {
            let secret = live.get(place).copied();
            let tried = secret.unwrap_or(NOBODYS);
            let mut right = are_equal(tried, &given);
            if let (Some(issued), Some(hook)) = (&issued, hook) {
                right |= issued.is_by(tried, hook);
            }
            good |= right && secret.is_some();
        }
        if good {
            return Ok(());
        }
        let detail = if live.is_empty() {
            format!("the hook has no {}", self.secret)
        } else {
            format!("{} is no {} that works", self.place, self.secret)
        };
        Err(refusal("bad_token", detail))
    }

    fn given<'v>(&self, value: &'v [u8]) -> Option<Cow<'v, [u8]>> {
        match &self.form {
            Form::Bearer => of_scheme(value, b"bearer").map(Cow::Borrowed),
            Form::Basic => STANDARD.decode(of_scheme(value, b"basic")?).ok().map(Cow::Owned),
            Form::Token { prefix, .. } => value.strip_prefix(prefix.as_bytes()).map(Cow::Borrowed),
        }
    }

    /// Refuses secrets that can never count.
    pub(super) fn fits(&self, keys: &HookKeys) -> Result<(), ProfileError> {
        secrets::check(keys, &self.secret, |secret| match self.form {
            Form::Basic if !secret.contains(&b':') => Err("is not user:password"),
            Form::Basic | Form::Bearer | Form::Token { .. } => Ok(()),
        })
    }

    /// The secret that it needs.
    pub(super) fn secret(&self) -> &str {
        &self.secret
    }
}

/// A token that this secret hands out, for one hook and until this moment.
pub(super) fn issue(secret: &[u8], hook: &str, until_s: i64) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), issued_text(hook, until_s).as_bytes());
    format!("{until_s}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn issued_text(hook: &str, until_s: i64) -> String {
    format!("{ISSUED}\n{hook}\n{until_s}")
}

/// A token of ours that is not over.
struct Issued {
    until_s: i64,
    tag: Vec<u8>,
}

impl Issued {
    fn read(token: &[u8], age: AgeRule) -> Option<Self> {
        let (until, tag) = std::str::from_utf8(token).ok()?.split_once('.')?;
        let digits =
            (1..=DIGITS_MAX).contains(&until.len()) && until.bytes().all(|byte| byte.is_ascii_digit());
        let until_s: i64 = until.parse().ok().filter(|_| digits && !until.starts_with('0'))?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        match age {
            AgeRule::At(now) if until_s.saturating_mul(1_000) <= now.0 => None,
            AgeRule::At(_) | AgeRule::Any => Some(Self { until_s, tag }),
        }
    }

    fn is_by(&self, secret: &[u8], hook: &str) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        hmac::verify(&key, issued_text(hook, self.until_s).as_bytes(), &self.tag).is_ok()
    }
}

/// What stands behind the scheme's name, which has no case.
fn of_scheme<'v>(value: &'v [u8], name: &[u8]) -> Option<&'v [u8]> {
    let (given, rest) = value.split_at_checked(name.len())?;
    let rest = rest.strip_prefix(b" ")?;
    given.eq_ignore_ascii_case(name).then(|| rest.trim_ascii())
}

fn are_equal(secret: &[u8], given: &[u8]) -> bool {
    let hash = |bytes| digest::digest(&digest::SHA256, bytes);
    constant_time::verify_slices_are_equal(hash(secret).as_ref(), hash(given).as_ref()).is_ok()
}
