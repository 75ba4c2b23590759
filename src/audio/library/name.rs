//! Names of clips: a keyed hash over everything that made the clip.
//! Sentences are guessable ("order ending in 8607"), so a plain hash would let anyone try texts and find their URLs.

use std::fmt;

use aws_lc_rs::hmac;

/// Bytes of a name: 160 bits, so that neither guessing nor collision is a matter.
const LEN: usize = 20;
/// Hexadecimal digits of a name.
const HEX_LEN: usize = LEN * 2;
/// Digits that name the folder: 256 folders keep each small.
const SHARD_LEN: usize = 2;
const HEX: [u8; 16] = *b"0123456789abcdef";

/// Everything that makes a clip what it is, as a list of parts: text, voice, levels, versions.
///
/// Each part is written with its length, so that two lists never run together into the same bytes.
#[derive(Debug, Clone, Default)]
pub struct Recipe {
    bytes: Vec<u8>,
}

/// The name of a clip: 40 lowercase hexadecimal digits. Knowing it is the right to hear the clip.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClipName([u8; LEN]);

impl Recipe {
    /// A recipe without parts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text.
    #[must_use]
    pub fn text(self, part: &str) -> Self {
        self.bytes(part.as_bytes())
    }

    /// Adds a number.
    #[must_use]
    pub fn number(self, part: u64) -> Self {
        self.bytes(&part.to_be_bytes())
    }

    /// Adds bytes, as they are.
    #[must_use]
    pub fn bytes(mut self, part: &[u8]) -> Self {
        self.bytes.extend((part.len() as u64).to_be_bytes());
        self.bytes.extend(part);
        self
    }
}

impl ClipName {
    /// The name that `key` gives to `recipe`; another key gives another.
    pub(super) fn of(key: &hmac::Key, recipe: &Recipe) -> Self {
        let tag = hmac::sign(key, &recipe.bytes);
        let mut name = [0; LEN];
        for (to, from) in name.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        Self(name)
    }

    /// Reads the 40 digits that [`fmt::Display`] writes; anything else is `None`.
    #[must_use]
    pub fn of_hex(hex: &str) -> Option<Self> {
        let digits = hex.as_bytes();
        if digits.len() != HEX_LEN {
            return None;
        }
        let mut name = [0; LEN];
        for (to, pair) in name.iter_mut().zip(digits.as_chunks::<2>().0) {
            let [high, low] = pair.map(value);
            *to = high? << 4 | low?;
        }
        Some(Self(name))
    }

    /// Reads the last two segments of a path, `ab` and `cdef….mp3`; anything else is `None`.
    #[must_use]
    pub fn of_path(shard: &str, file: &str) -> Option<Self> {
        let rest = file.strip_suffix(".mp3")?;
        if shard.len() != SHARD_LEN {
            return None;
        }
        Self::of_hex(&[shard, rest].concat())
    }

    /// The path of the clip's URL, `/audio/ab/cdef….mp3`.
    #[must_use]
    pub fn url_path(&self) -> String {
        format!("/audio/{}/{}.mp3", self.shard(), self.rest())
    }

    /// A number that spreads names evenly.
    pub(super) fn stripe(&self) -> usize {
        usize::from(self.0[LEN - 1])
    }

    /// The first two digits.
    pub(super) fn shard(&self) -> String {
        self.to_string().chars().take(SHARD_LEN).collect()
    }

    /// The other 38.
    pub(super) fn rest(&self) -> String {
        self.to_string().chars().skip(SHARD_LEN).collect()
    }
}

impl fmt::Display for ClipName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for ClipName {
    // The name is a capability: logs show enough to tell clips apart, not enough to fetch one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClipName({}…)", hex(&self.0).chars().take(8).collect::<String>())
    }
}

/// Bytes as lowercase hexadecimal digits.
pub(in crate::audio) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(HEX.get(usize::from(nibble)).copied().unwrap_or(b'0'));
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The value of a lowercase hexadecimal digit.
fn value(digit: u8) -> Option<u8> {
    let place = HEX.iter().position(|known| *known == digit)?;
    u8::try_from(place).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(secret: u8) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &[secret; 32])
    }

    #[test]
    fn a_name_is_the_same_for_one_key_and_another_for_another() {
        let recipe = Recipe::new().text("您有新订单").number(3);
        let name = ClipName::of(&key(1), &recipe);
        assert_eq!(name, ClipName::of(&key(1), &recipe.clone()));
        assert_ne!(name, ClipName::of(&key(2), &recipe));
        assert_ne!(name, ClipName::of(&key(1), &Recipe::new().text("您有新订单").number(4)));
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let name = |recipe: Recipe| ClipName::of(&key(1), &recipe);
        assert_ne!(name(Recipe::new().text("ab").text("c")), name(Recipe::new().text("a").text("bc")));
        assert_ne!(name(Recipe::new().text("a")), name(Recipe::new().text("a").text("")));
    }

    #[test]
    fn a_path_is_read_back_and_nothing_else_is_a_path() {
        let name = ClipName::of(&key(1), &Recipe::new());
        let path = name.url_path();
        let mut segments = path.split('/').skip(2);
        let (shard, file) = (segments.next().unwrap(), segments.next().unwrap());
        assert_eq!(ClipName::of_path(shard, file), Some(name));
        assert_eq!(ClipName::of_hex(&name.to_string()), Some(name));
        assert_eq!(ClipName::of_path(shard, &file.to_uppercase()), None);
        assert_eq!(ClipName::of_path("..", file), None);
        assert_eq!(ClipName::of_path("", file), None);
        assert_eq!(ClipName::of_path(shard, &file[1..]), None);
        assert_eq!(ClipName::of_path(&path[7..10], &file[1..]), None);
        assert_eq!(ClipName::of_path(shard, &file.replace("mp3", "wav")), None);
    }

    #[test]
    fn a_log_line_does_not_hold_the_name() {
        let name = ClipName::of(&key(1), &Recipe::new());
        assert!(!format!("{name:?}").contains(&name.to_string()[..12]));
    }

    proptest! {
        #[test]
        fn no_text_makes_parsing_panic(shard in ".{0,4}", file in ".{0,50}") {
            let _outcome = ClipName::of_path(&shard, &file);
        }
    }
}
