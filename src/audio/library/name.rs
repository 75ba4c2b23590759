//! Names of clips: a keyed hash over everything that made the clip.
//! Sentences are guessable ("order ending in 8607"), so a plain hash would let anyone try texts and find their URLs.

use std::fmt;

use aws_lc_rs::hmac;

use crate::audio::{ClipFormat, Format};

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

/// The name of a clip: 40 lowercase hexadecimal digits and its format. Knowing it is the right to hear the clip.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClipName {
    hash: [u8; LEN],
    format: ClipFormat,
}

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
    /// The name that `key` gives to `recipe`, a part of which is the format; another key gives another.
    pub(super) fn of(key: &hmac::Key, recipe: &Recipe, format: ClipFormat) -> Self {
        let tag = hmac::sign(key, &recipe.bytes);
        let mut hash = [0; LEN];
        for (to, from) in hash.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        Self { hash, format }
    }

    /// Reads 40 digits; anything else is `None`.
    #[must_use]
    pub fn of_hex(hex: &str, format: ClipFormat) -> Option<Self> {
        let digits = hex.as_bytes();
        if digits.len() != HEX_LEN {
            return None;
        }
        let mut hash = [0; LEN];
        for (to, pair) in hash.iter_mut().zip(digits.as_chunks::<2>().0) {
            let [high, low] = pair.map(value);
            *to = high? << 4 | low?;
        }
        Some(Self { hash, format })
    }

    /// Reads the last two segments of a path, `ab` and `cdef….mp3` or `….wav`; anything else is `None`.
    #[must_use]
    pub fn of_path(shard: &str, file: &str) -> Option<Self> {
        let (rest, extension) = file.split_once('.')?;
        if shard.len() != SHARD_LEN {
            return None;
        }
        Self::of_hex(&[shard, rest].concat(), ClipFormat::of_extension(extension)?)
    }

    /// The path of the clip's URL, `/audio/ab/cdef….mp3`.
    #[must_use]
    pub fn url_path(&self) -> String {
        format!("/audio/{}/{}", self.shard(), self.file_name())
    }

    /// What the clip's bytes are.
    #[must_use]
    pub fn format(&self) -> ClipFormat {
        self.format
    }

    /// A number that spreads names evenly.
    pub(super) fn stripe(&self) -> usize {
        usize::from(self.hash[LEN - 1])
    }

    /// The first two digits.
    pub(super) fn shard(&self) -> String {
        self.to_string().chars().take(SHARD_LEN).collect()
    }

    /// The last segment of the path.
    pub(super) fn file_name(&self) -> String {
        format!("{}.{}", self.rest(), Format::from(self.format).extension())
    }

    /// The other 38.
    pub(super) fn rest(&self) -> String {
        self.to_string().chars().skip(SHARD_LEN).collect()
    }
}

impl fmt::Display for ClipName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.hash))
    }
}

impl fmt::Debug for ClipName {
    // The name is a capability: logs show enough to tell clips apart, not enough to fetch one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClipName({}…)", hex(&self.hash).chars().take(8).collect::<String>())
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

    fn named(secret: u8, recipe: &Recipe) -> ClipName {
        ClipName::of(&hmac::Key::new(hmac::HMAC_SHA256, &[secret; 32]), recipe, ClipFormat::Mp3)
    }

    #[test]
    fn a_name_is_the_same_for_one_key_and_another_for_another() {
        let recipe = Recipe::new().text("您有新订单").number(3);
        let name = named(1, &recipe);
        assert_eq!(name, named(1, &recipe.clone()));
        assert_ne!(name, named(2, &recipe));
        assert_ne!(name, named(1, &Recipe::new().text("您有新订单").number(4)));
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let name = |recipe: Recipe| named(1, &recipe);
        assert_ne!(name(Recipe::new().text("ab").text("c")), name(Recipe::new().text("a").text("bc")));
        assert_ne!(name(Recipe::new().text("a")), name(Recipe::new().text("a").text("")));
    }

    #[test]
    fn a_path_is_read_back_and_nothing_else_is_a_path() {
        let name = named(1, &Recipe::new());
        let path = name.url_path();
        let mut segments = path.split('/').skip(2);
        let (shard, file) = (segments.next().unwrap(), segments.next().unwrap());
        assert_eq!(ClipName::of_path(shard, file), Some(name));
        assert_eq!(ClipName::of_hex(&name.to_string(), ClipFormat::Mp3), Some(name));
        assert_eq!(ClipName::of_path(shard, &file.to_uppercase()), None);
        assert_eq!(ClipName::of_path("..", file), None);
        assert_eq!(ClipName::of_path("", file), None);
        assert_eq!(ClipName::of_path(shard, &file[1..]), None);
        assert_eq!(ClipName::of_path(&path[7..10], &file[1..]), None);
        let wav = ClipName::of_path(shard, &file.replace("mp3", "wav")).unwrap();
        assert_eq!((wav.format(), wav == name), (ClipFormat::Wav, false));
        assert_eq!(wav.url_path(), path.replace("mp3", "wav"));
        for other in ["m4a", "json", "mp3.wav", "MP3", ""] {
            assert_eq!(ClipName::of_path(shard, &file.replace("mp3", other)), None, "{other}");
        }
    }

    #[test]
    fn a_log_line_does_not_hold_the_name() {
        let name = named(1, &Recipe::new());
        assert!(!format!("{name:?}").contains(&name.to_string()[..12]));
    }

    proptest! {
        #[test]
        fn no_text_makes_parsing_panic(shard in ".{0,4}", file in ".{0,50}") {
            let _outcome = ClipName::of_path(&shard, &file);
        }
    }
}
