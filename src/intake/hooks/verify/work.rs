//! The hashes that senders use, keyed or not, and how they write the result.
//! MD5 and SHA-1 are here because senders use them; nothing of ours does.

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};

use super::letters::Letters;

/// A hash.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Hash {
    /// 16 bytes.
    Md5,
    /// 20 bytes.
    Sha1,
    /// 32 bytes.
    Sha256,
    /// 64 bytes.
    Sha512,
}

/// A hash that is being made.
pub(super) enum Working {
    /// By a crate of its own: the others' library has none.
    Md5(Md5),
    /// Without a key.
    Plain(digest::Context),
    /// With one.
    Keyed(Box<hmac::Context>),
}

impl Hash {
    /// Without a key.
    pub(super) fn plain(self) -> Working {
        let algorithm = match self {
            Self::Md5 => return Working::Md5(Md5::new()),
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha512 => &digest::SHA512,
        };
        Working::Plain(digest::Context::new(algorithm))
    }

    fn bytes(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// With a key.
pub(super) fn keyed(algorithm: hmac::Algorithm, key: &[u8]) -> Working {
    Working::Keyed(Box::new(hmac::Context::with_key(&hmac::Key::new(algorithm, key))))
}

impl Working {
    /// Takes in more.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(work) => work.update(bytes),
            Self::Plain(work) => work.update(bytes),
            Self::Keyed(work) => work.update(bytes),
        }
    }

    /// The result.
    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::Md5(work) => work.finalize().to_vec(),
            Self::Plain(work) => work.finish().as_ref().to_vec(),
            Self::Keyed(work) => work.sign().as_ref().to_vec(),
        }
    }
}

/// How a signature is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Encoding {
    /// Hexadecimal, small or capital.
    Hex,
    /// Hexadecimal in capitals.
    CapitalHex,
    /// Base64 with its padding.
    Base64,
    /// Base64 of the hexadecimal text.
    Base64OfHex,
}

impl Encoding {
    /// The names in a profile.
    pub(super) const WORDS: [(&'static str, Self); 4] = [
        ("hex", Self::Hex),
        ("HEX", Self::CapitalHex),
        ("base64", Self::Base64),
        ("base64_of_hex", Self::Base64OfHex),
    ];

    /// The bytes of a signature of this hash; `None` if it is not written so. Each has one way to be written, or two.
    pub(super) fn read(self, text: &[u8], hash: Hash) -> Option<Vec<u8>> {
        let bytes = match self {
            Self::Hex => unhex(text),
            Self::CapitalHex => unhex(text).filter(|_| !Letters::of(text).has_small()),
            Self::Base64 => STANDARD.decode(text).ok(),
            Self::Base64OfHex => STANDARD.decode(text).ok().and_then(|text| unhex(&text)),
        };
        bytes.filter(|bytes| bytes.len() == hash.bytes())
    }
}

/// The bytes that hexadecimal of one case stands for.
pub(super) fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || Letters::of(text).are_mixed() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    text.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}
