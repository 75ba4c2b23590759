//! A signature over a text that the profile describes: keyed (`hmac`), or a hash with the secret in the text (`digest`).
//! Every live secret is tried, and as much is worked out for none as for two; no answer says what would have been right.

use std::borrow::Cow;

use aws_lc_rs::{constant_time, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::params::Params;
use super::place::Place;
use super::refusal;
use super::secrets::{self, NOBODYS, TRIED_MIN};
use super::section::Section;
use super::sent::Sent;
use super::stamp::Stamp;
use super::text::{Part, Piece, Text};
use super::work::{Encoding, Hash, Working, keyed, unhex};
use crate::intake::hooks::{AgeRule, HookKeys, ProfileError, VerifyError};

/// A scheme `hmac` or `digest`.
pub(super) struct Signature {
    mode: Mode,
    hash: Hash,
    over: Text,
    params: Option<Params>,
    encoding: Encoding,
    place: Place,
    prefix: String,
    several: bool,
    stamp: Option<Stamp>,
    secret: String,
    needs_secret: bool,
}

/// How the secret comes in.
#[derive(Clone, Copy)]
enum Mode {
    Keyed(hmac::Algorithm, KeyForm),
    Plain,
}

/// How a key is written.
#[derive(Clone, Copy)]
enum KeyForm {
    Text,
    Hex,
    Base64,
}

/// Signatures that one request may list.
const SIGNATURES_MAX: usize = 8;
/// All items of such a list: other schemes and the time stand there as well.
const ITEMS_MAX: usize = 16;
/// What begins the base64 text of a Standard Webhooks secret.
pub(super) const WHSEC: &str = "whsec_";

const COMMON: [&str; 12] = [
    "scheme",
    "hash",
    "over",
    "params",
    "encoding",
    "in",
    "prefix",
    "several",
    "timestamp",
    "timestamp_prefix",
    "tolerance_s",
    "secret",
];

impl Signature {
    /// A scheme `hmac`.
    pub(super) fn keyed(section: &Section<'_>) -> Result<Self, ProfileError> {
        section.only(&[&COMMON[..], &["key"]].concat())?;
        let hashes = [
            ("sha1", (Hash::Sha1, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY)),
            ("sha256", (Hash::Sha256, hmac::HMAC_SHA256)),
            ("sha512", (Hash::Sha512, hmac::HMAC_SHA512)),
        ];
        let keys = [("text", KeyForm::Text), ("hex", KeyForm::Hex), ("base64", KeyForm::Base64)];
        let (hash, algorithm) = section.word("hash", &hashes)?.unwrap_or(hashes[1].1);
        let key = section.word("key", &keys)?.unwrap_or(KeyForm::Text);
        Self::read(section, Mode::Keyed(algorithm, key), hash)
    }

    /// A scheme `digest`.
    pub(super) fn plain(section: &Section<'_>) -> Result<Self, ProfileError> {
        section.only(&[&COMMON[..], &["secret_required"]].concat())?;
        let hashes =
            [("md5", Hash::Md5), ("sha1", Hash::Sha1), ("sha256", Hash::Sha256), ("sha512", Hash::Sha512)];
        let missing = || section.error("hash", "missing_member", "is required");
        let hash = section.word("hash", &hashes)?.ok_or_else(missing)?;
        Self::read(section, Mode::Plain, hash)
    }

    fn read(section: &Section<'_>, mode: Mode, hash: Hash) -> Result<Self, ProfileError> {
        let params = Params::read(section)?;
        let over = section.text("over")?.or(params.is_some().then_some("{params}"));
        let over = match (over, mode) {
            (Some(over), _) => over,
            (None, Mode::Keyed(..)) => "{body}",
            (None, Mode::Plain) => return Err(section.error("over", "missing_member", "is required")),
        };
        let over = Text::read(section, "over", over)?;
        if over.names(&Part::Params) != params.is_some() {
            return Err(section.error("params", "missing_member", "the table and {params} go together"));
        }
        let stamp = Stamp::read(section)?;
        if let Some(wrong) = unsigned_time(&over, params.as_ref(), stamp.as_ref()) {
            return Err(section.error("timestamp", "bad_value", wrong));
        }
        let in_text = over.names(&Part::Secret) || params.as_ref().is_some_and(Params::names_secret);
        let needs_secret = match mode {
            Mode::Keyed(..) => true,
            Mode::Plain => section.flag("secret_required")?.unwrap_or(in_text),
        };
        if needs_secret && !in_text && matches!(mode, Mode::Plain) {
            return Err(section.error(
                "secret_required",
                "bad_value",
                "neither over nor params names the secret",
            ));
        }
        Ok(Self {
            mode,
            hash,
            over,
            params,
            encoding: section.word("encoding", &Encoding::WORDS)?.unwrap_or(Encoding::Hex),
            place: Place::read(section, "in")?,
            prefix: section.text("prefix")?.unwrap_or_default().to_owned(),
            several: section.flag("several")?.unwrap_or(false),
            stamp,
            secret: secrets::name(section)?,
            needs_secret,
        })
    }

    /// Refuses a request that nobody has signed who has one of the secrets.
    pub(super) fn check(&self, sent: &Sent<'_>, keys: &HookKeys, age: AgeRule) -> Result<(), VerifyError> {
        let given = self.given(sent)?;
        let stamp = self.stamp.as_ref().map(|stamp| stamp.of(sent, age)).transpose()?.unwrap_or_default();
        let pieces = self.over.pieces(sent, keys, &stamp)?;
        let chosen = self.params.as_ref().map(|params| params.chosen(sent, &self.place)).transpose()?;
        let secrets = self.secrets(keys);
        let mut good = false;
        for place in 0..secrets.len().max(TRIED_MIN) {
            let secret = secrets.get(place).and_then(|secret| self.key(secret));
            let params = self.params.as_ref().zip(chosen.as_ref());
            let (text, key) = secret.as_ref().map_or((NOBODYS, NOBODYS), |(text, key)| (*text, &**key));
            let params = params.map(|(params, chosen)| params.text(chosen, text)).unwrap_or_default();
            let right = self.right(&pieces, &params, text, key);
            for given in &given {
                let equal = constant_time::verify_slices_are_equal(&right, given).is_ok();
                good |= equal && secret.is_some();
            }
        }
        if good { Ok(()) } else { Err(refusal("bad_signature", self.why(&secrets))) }
    }

    fn why(&self, secrets: &[&[u8]]) -> String {
        if secrets.is_empty() {
            return format!("the hook has no {}", self.secret);
        }
        format!("{} is not by {} over this request", self.place, self.secret)
    }

    fn secrets<'k>(&self, keys: &'k HookKeys) -> Vec<&'k [u8]> {
        let live = secrets::live(keys, &self.secret);
        if live.is_empty() && !self.needs_secret { vec![&[]] } else { live }
    }

    /// The secret as it stands in a text and as the key that it is; `None` if it is no key.
    fn key<'k>(&self, secret: &'k [u8]) -> Option<(&'k [u8], Cow<'k, [u8]>)> {
        let key = match self.mode {
            Mode::Plain | Mode::Keyed(_, KeyForm::Text) => Cow::Borrowed(secret),
            Mode::Keyed(_, KeyForm::Hex) => Cow::Owned(unhex(secret)?),
            Mode::Keyed(_, KeyForm::Base64) => {
                Cow::Owned(STANDARD.decode(secret.strip_prefix(WHSEC.as_bytes()).unwrap_or(secret)).ok()?)
            }
        };
        Some((secret, key))
    }

    fn right(&self, pieces: &[Piece<'_>], params: &[u8], text: &[u8], key: &[u8]) -> Vec<u8> {
        let mut work: Working = match self.mode {
            Mode::Keyed(algorithm, _) => keyed(algorithm, key),
            Mode::Plain => self.hash.plain(),
        };
        for piece in pieces {
            work.update(match piece {
                Piece::Known(bytes) => bytes,
                Piece::Secret => text,
                Piece::Params => params,
            });
        }
        work.finish()
    }

    /// The signatures that stand in the request; none of them is malformed.
    fn given(&self, sent: &Sent<'_>) -> Result<Vec<Vec<u8>>, VerifyError> {
        let values = self.place.values(sent)?;
        let items: Vec<&[u8]> = match (&values[..], self.several) {
            ([], _) => return Err(refusal("missing_signature", format!("{} is not there", self.place))),
            ([one], false) => vec![&**one],
            (_, false) => return Err(refusal("ambiguous", format!("{} is there twice", self.place))),
            (values, true) => values.iter().flat_map(|value| self.items(value)).collect(),
        };
        if items.len() > ITEMS_MAX {
            return Err(refusal("bad_signature", format!("{} lists too many", self.place)));
        }
        let of_scheme: Vec<&[u8]> =
            items.into_iter().filter_map(|item| item.strip_prefix(self.prefix.as_bytes())).collect();
        if of_scheme.len() > SIGNATURES_MAX {
            return Err(refusal("bad_signature", format!("{} lists more than eight", self.place)));
        }
        let given: Vec<_> =
            of_scheme.into_iter().filter_map(|item| self.encoding.read(item, self.hash)).collect();
        if given.is_empty() {
            let detail = format!("{} is not written as the profile says", self.place);
            return Err(refusal("bad_signature", detail));
        }
        Ok(given)
    }

    /// What is listed, between commas and spaces; a prefix with a comma of its own leaves spaces.
    fn items<'v>(&self, value: &'v [u8]) -> Vec<&'v [u8]> {
        let commas = !self.prefix.contains(',');
        let is_between = |byte: &u8| *byte == b' ' || commas && *byte == b',';
        // One more than may be, so that it is seen.
        value.split(is_between).filter(|item| !item.is_empty()).take(ITEMS_MAX + 1).collect()
    }

    /// Refuses secrets that can never count.
    pub(super) fn fits(&self, keys: &HookKeys) -> Result<(), ProfileError> {
        let wrong = match self.mode {
            Mode::Keyed(_, KeyForm::Hex) => "is not hexadecimal of one case",
            Mode::Keyed(_, KeyForm::Base64) => "is not base64",
            Mode::Plain | Mode::Keyed(_, KeyForm::Text) => "is no key",
        };
        secrets::check(keys, &self.secret, |secret| self.key(secret).map(|_| ()).ok_or(wrong))
    }

    /// Whether somebody who does not have the secret cannot make it.
    pub(super) fn needs_secret(&self) -> bool {
        self.needs_secret
    }

    /// Whether it stands in the query, and needs nothing else.
    pub(super) fn is_of_query(&self) -> bool {
        let in_body = self.over.needs_body() || self.params.as_ref().is_some_and(Params::needs_body);
        matches!(self.place, Place::Query(_)) && !in_body
    }

    /// The secret and the parameters of the hook that it needs.
    pub(super) fn names(&self) -> Vec<String> {
        let secret = self.needs_secret.then(|| self.secret.clone());
        secret.into_iter().chain(self.over.params().map(str::to_owned)).collect()
    }
}

/// Why this time says nothing; `None` if it is signed, or there is none.
fn unsigned_time(over: &Text, params: Option<&Params>, stamp: Option<&Stamp>) -> Option<&'static str> {
    let Some(stamp) = stamp else {
        return over.names(&Part::Timestamp).then_some("{timestamp} needs it: where does the time stand?");
    };
    let in_whole = match stamp.place {
        Place::Header(_) => false,
        Place::Query(_) => over.names(&Part::Query),
        Place::Body(_) => over.names(&Part::Body),
    };
    let is_signed = in_whole
        || over.names(&Part::Timestamp)
        || over.names(&Part::At(stamp.place.clone()))
        || params.is_some_and(|params| params.names(&stamp.place));
    (!is_signed).then_some("is not part of what is signed: anybody could renew it")
}
