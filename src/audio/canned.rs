//! Canned sentences: the slotless phrase of each kind, shipped with the program, for when speech is late or broken.
//! They are held whole in memory, so that an alert makes a sound even when the disk does not answer.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest;
use bytes::Bytes;

use super::chime::{Chimes, URGENCY_MAX};
use super::clip::compose;
use super::library::name::hex;
use super::mp3::{Mp3Error, Mp3Frames};

/// Digits of the content's hash in a file name: enough that a name never stands for other bytes.
const HASH_LEN: usize = 16;
/// Stands in the language's place for clips without words.
const WORDLESS: &str = "any";
const CHIME: &str = "chime";

/// A canned clip, ready to be served.
#[derive(Clone, PartialEq, Eq)]
pub struct CannedClip {
    /// The last segment of its path, `{lang}-{kind}-{hash}.mp3`.
    pub file_name: String,
    /// Size of the MP3 file.
    pub len: u64,
    /// Length of the whole file in milliseconds.
    pub duration_ms: u32,
    /// Length of the silence at its end in milliseconds.
    pub tail_ms: u32,
    // Parts, not the file: three hundred files with their tails would be 17 MB, and joining one takes 30 us.
    chime: Mp3Frames,
    sentence: Mp3Frames,
}

/// All canned clips: each sentence behind each chime, and each chime alone.
#[derive(Debug)]
pub struct CannedClips {
    // By language, kind and urgency.
    sentences: HashMap<(String, String), [Arc<CannedClip>; 4]>,
    chimes: [Arc<CannedClip>; 4],
    by_file_name: HashMap<String, Arc<CannedClip>>,
}

/// A canned sentence that cannot be shipped.
#[derive(Debug, thiserror::Error)]
pub enum CannedError {
    /// Language or kind would not survive in a URL: rename the file.
    #[error("canned sentence {lang}/{kind}: only ASCII letters, digits, - and _ may stand in its name")]
    Name {
        /// The language as given.
        lang: String,
        /// The kind as given.
        kind: String,
    },
    /// The file is not an MP3 that can stand behind a chime: make it again.
    #[error("canned sentence {lang}/{kind}")]
    Mp3 {
        /// The language as given.
        lang: String,
        /// The kind as given.
        kind: String,
        /// What is wrong with it.
        #[source]
        source: Mp3Error,
    },
}

impl CannedClips {
    /// Composes all clips from (language, kind, MP3 file) of each sentence. Takes some milliseconds a dozen.
    ///
    /// # Errors
    /// [`CannedError`] for the first file that cannot be used.
    pub fn new(
        files: impl IntoIterator<Item = (String, String, Bytes)>,
        chimes: &Chimes,
        tail_ms: u32,
    ) -> Result<Self, CannedError> {
        let mut by_file_name = HashMap::new();
        let mut family = |lang: &str, kind: &str, sentence: &Mp3Frames| {
            [0, 1, 2, URGENCY_MAX].map(|urgency| {
                let clip =
                    Arc::new(CannedClip::composed(lang, kind, &chimes.of(urgency).frames, sentence, tail_ms));
                by_file_name.insert(clip.file_name.clone(), Arc::clone(&clip));
                clip
            })
        };
        let wordless = family(WORDLESS, CHIME, &Mp3Frames::silence(0));
        let mut sentences = HashMap::new();
        for (lang, kind, file) in files {
            if !is_plain(&lang) || !is_plain(&kind) {
                return Err(CannedError::Name { lang, kind });
            }
            let frames = match Mp3Frames::from_file(&file) {
                Ok(frames) => frames,
                Err(source) => return Err(CannedError::Mp3 { lang, kind, source }),
            };
            let clips = family(&lang, &kind, &frames);
            sentences.insert((lang, kind), clips);
        }
        Ok(Self { sentences, chimes: wordless, by_file_name })
    }

    /// The clip for a kind in a language: in that language, else in its base language (`zh` for `zh-TW`), else the chime
    /// alone. There is always one.
    #[must_use]
    pub fn of(&self, lang: &str, kind: &str, urgency: u8) -> &Arc<CannedClip> {
        let base = lang.split(['-', '_']).next().unwrap_or(lang);
        let spoken = [lang, base].into_iter().find_map(|lang| {
            // The map's keys are owned pairs; this is the rare path, and two short strings are cheap.
            self.sentences.get(&(lang.to_owned(), kind.to_owned()))
        });
        let [low, normal, high, critical] = spoken.unwrap_or(&self.chimes);
        match urgency {
            0 => low,
            1 => normal,
            2 => high,
            URGENCY_MAX.. => critical,
        }
    }

    /// Whether there is a sentence for a kind in exactly this language.
    #[must_use]
    pub fn has(&self, lang: &str, kind: &str) -> bool {
        self.sentences.contains_key(&(lang.to_owned(), kind.to_owned()))
    }

    /// The clip behind `/audio/canned/{file_name}`; anything that is not exactly a name of ours is `None`.
    #[must_use]
    pub fn by_file_name(&self, file_name: &str) -> Option<&Arc<CannedClip>> {
        self.by_file_name.get(file_name)
    }
}

impl CannedClip {
    /// The path of its URL.
    #[must_use]
    pub fn url_path(&self) -> String {
        format!("/audio/canned/{}", self.file_name)
    }

    /// The MP3 file, about 60 kB with a tail of 45 s.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        compose(&self.chime, &self.sentence, self.tail_ms).bytes
    }

    fn composed(lang: &str, kind: &str, chime: &Mp3Frames, sentence: &Mp3Frames, tail_ms: u32) -> Self {
        let clip = compose(chime, sentence, tail_ms);
        let mut hash = hex(digest::digest(&digest::SHA256, &clip.bytes).as_ref());
        hash.truncate(HASH_LEN);
        Self {
            file_name: format!("{lang}-{kind}-{hash}.mp3"),
            len: clip.bytes.len() as u64,
            duration_ms: clip.duration_ms,
            tail_ms: clip.tail_ms,
            chime: chime.clone(),
            sentence: sentence.clone(),
        }
    }
}

impl fmt::Debug for CannedClip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CannedClip {{ {}, {} bytes }}", self.file_name, self.len)
    }
}

fn is_plain(part: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !part.is_empty() && part.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(frames: u32) -> Bytes {
        Mp3Frames::silence(frames).bytes().clone()
    }

    fn clips() -> CannedClips {
        let files = [("zh", "order_new", 50), ("zh-HK", "order_new", 60), ("zh", "order_cancelled", 70)];
        let files = files.map(|(lang, kind, frames)| (lang.to_owned(), kind.to_owned(), file(frames)));
        CannedClips::new(files, &Chimes::new().unwrap(), 4_800).unwrap()
    }

    #[test]
    fn a_clip_is_found_by_kind_and_by_the_name_in_its_url() {
        let clips = clips();
        let clip = clips.of("zh", "order_new", 1);
        assert!(clip.file_name.starts_with("zh-order_new-") && clip.file_name.len() == 33);
        assert_eq!(clips.by_file_name(clip.url_path().strip_prefix("/audio/canned/").unwrap()), Some(clip));
        assert_eq!(clips.by_file_name("zh-order_new-0000000000000000.mp3"), None);
        assert_eq!((clip.tail_ms, clip.len), (4_800, clip.bytes().len() as u64));
        assert_eq!(Mp3Frames::from_file(&clip.bytes()).unwrap().duration_ms(), clip.duration_ms);
    }

    #[test]
    fn names_are_the_same_at_every_start_and_differ_by_urgency() {
        let (one, two) = (clips(), clips());
        for urgency in 0..=URGENCY_MAX {
            assert_eq!(one.of("zh", "order_new", urgency), two.of("zh", "order_new", urgency));
        }
        assert_ne!(one.of("zh", "order_new", 0).file_name, one.of("zh", "order_new", 3).file_name);
        assert_eq!(one.of("zh", "order_new", 3), one.of("zh", "order_new", 9));
    }

    #[test]
    fn the_base_language_and_at_last_the_chime_stand_in() {
        let clips = clips();
        assert_ne!(clips.of("zh-HK", "order_new", 1), clips.of("zh", "order_new", 1));
        assert_eq!(clips.of("zh-TW", "order_new", 1), clips.of("zh", "order_new", 1));
        assert!(clips.has("zh", "order_new") && !clips.has("zh-TW", "order_new"));
        let chime = clips.of("en", "order_new", 2);
        assert!(chime.file_name.starts_with("any-chime-"));
        assert_eq!(chime.duration_ms - chime.tail_ms, Chimes::new().unwrap().of(2).frames.duration_ms());
        assert_eq!(clips.by_file_name(&chime.file_name), Some(chime));
    }

    #[test]
    fn files_that_cannot_be_shipped_are_named() {
        let chimes = Chimes::new().unwrap();
        let refused = |lang: &str, kind: &str, file: Bytes| {
            CannedClips::new([(lang.to_owned(), kind.to_owned(), file)], &chimes, 0).unwrap_err().to_string()
        };
        assert!(refused("中", "new", file(1)).contains("中/new"));
        assert!(refused("zh", "../new", file(1)).contains("zh/../new"));
        assert!(refused("zh", "new", Bytes::from_static(b"RIFF")).contains("zh/new"));
    }
}
