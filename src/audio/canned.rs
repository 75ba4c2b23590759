//! Canned sentences: the slotless phrase of each kind, shipped with the program, for when speech is late or broken.
//! They are held whole in memory, so that an alert makes a sound even when the disk does not answer.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::digest;
use bytes::Bytes;

use super::chime::{Chimes, URGENCY_MAX};
use super::clip::{AFTER_CHIME_FRAMES, ComposedClip, joined};
use super::decode::{DecodeError, decoded};
use super::library::name::hex;
use super::mp3::Mp3Frames;
use super::part::{self, SentenceError};
use crate::domain::SoundProfile;
use crate::domain::sound::{LEAD_IN_BYTES, LEAD_IN_MS};

/// Digits of the content's hash in a file name: enough that a name never stands for other bytes.
const HASH_LEN: usize = 16;
/// Raised when clips of other profiles are made in another way: they bear the hash of the plain one.
const MAKING: &[u8] = b"2";
/// Stands in the language's place for clips without words.
const WORDLESS: &str = "any";
const CHIME: &str = "chime";

/// A canned clip, ready to be served.
#[derive(Clone)]
pub struct CannedClip {
    /// The last segment of its path, `{lang}-{kind}-{hash}.mp3`; with its profile's suffix.
    pub file_name: String,
    /// Size of the MP3 file.
    pub len: u64,
    /// Length of the whole file in milliseconds.
    pub duration_ms: u32,
    /// Length of the silence at its end in milliseconds.
    pub tail_ms: u32,
    // Parts, not the file: six hundred files with their tails would be 35 MB, and joining one takes 10 us.
    chime: Mp3Frames,
    sentence: Option<Arc<CannedSentence>>,
    profile: SoundProfile,
}

/// The words of a canned clip, in every profile.
struct CannedSentence {
    plain: Mp3Frames,
    // Made when a rider hears it for the first time: 72 sentences at 20 ms would delay every start.
    street: OnceLock<Mp3Frames>,
}

/// All canned clips: each sentence behind each chime, and each chime alone, in every profile.
#[derive(Debug)]
pub struct CannedClips {
    // The plain ones, by language, kind and urgency.
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
    /// The file is no sound that we can decode: make it again.
    #[error("canned sentence {lang}/{kind}")]
    File {
        /// The language as given.
        lang: String,
        /// The kind as given.
        kind: String,
        /// What is wrong with it.
        #[source]
        source: DecodeError,
    },
    /// The file is a sound, but no sentence: make it again.
    #[error("canned sentence {lang}/{kind}")]
    Sentence {
        /// The language as given.
        lang: String,
        /// The kind as given.
        kind: String,
        /// What is wrong with it.
        #[source]
        source: SentenceError,
    },
}

impl CannedClips {
    /// Composes all clips from (language, kind, file) of each sentence. Takes some milliseconds a dozen; a recording of
    /// another encoder is levelled and encoded again, 20 ms each.
    ///
    /// # Errors
    /// [`CannedError`] for the first file that cannot be used.
    pub fn new(
        files: impl IntoIterator<Item = (String, String, Bytes)>,
        chimes: &Chimes,
        tail_ms: u32,
    ) -> Result<Self, CannedError> {
        let mut by_file_name = HashMap::new();
        let mut family = |lang: &str, kind: &str, sentence: Option<&Arc<CannedSentence>>| {
            [0, 1, 2, URGENCY_MAX].map(|urgency| {
                let chime = |profile| chimes.of(urgency, profile).frames.clone();
                let plain = CannedClip::plain(lang, kind, chime(SoundProfile::Plain), sentence, tail_ms);
                let street = Arc::new(plain.in_street(chime(SoundProfile::Street)));
                by_file_name.insert(street.file_name.clone(), street);
                let plain = Arc::new(plain);
                by_file_name.insert(plain.file_name.clone(), Arc::clone(&plain));
                plain
            })
        };
        let wordless = family(WORDLESS, CHIME, None);
        let mut sentences = HashMap::new();
        for (lang, kind, file) in files {
            if !is_plain(&lang) || !is_plain(&kind) {
                return Err(CannedError::Name { lang, kind });
            }
            let sentence = Arc::new(CannedSentence::read(&lang, &kind, &file)?);
            let clips = family(&lang, &kind, Some(&sentence));
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

    /// The MP3 file, about 60 kB with a tail of 45 s. For the street, the first call for a sentence levels it: 20 ms.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        self.composed().bytes
    }

    fn composed(&self) -> ComposedClip {
        let words = self.sentence.as_ref().map(|sentence| sentence.frames(self.profile));
        let mut pieces = vec![(&self.chime, AFTER_CHIME_FRAMES)];
        pieces.extend(words.map(|words| (words, 0)));
        joined(self.profile, &pieces, self.tail_ms)
    }

    fn plain(
        lang: &str,
        kind: &str,
        chime: Mp3Frames,
        sentence: Option<&Arc<CannedSentence>>,
        tail_ms: u32,
    ) -> Self {
        let unnamed = Self {
            file_name: String::new(),
            len: 0,
            duration_ms: 0,
            tail_ms,
            chime,
            sentence: sentence.map(Arc::clone),
            profile: SoundProfile::Plain,
        };
        let clip = unnamed.composed();
        let mut content = digest::Context::new(&digest::SHA256);
        content.update(MAKING);
        content.update(&clip.bytes);
        let mut hash = hex(content.finish().as_ref());
        hash.truncate(HASH_LEN);
        Self {
            file_name: format!("{lang}-{kind}-{hash}.mp3"),
            len: clip.bytes.len() as u64,
            duration_ms: clip.duration_ms,
            tail_ms: clip.tail_ms,
            ..unnamed
        }
    }

    /// The same for the street: it has as many frames, and a lead-in.
    fn in_street(&self, chime: Mp3Frames) -> Self {
        let profile = SoundProfile::Street;
        Self {
            file_name: profile.path(&self.file_name),
            len: self.len + LEAD_IN_BYTES,
            duration_ms: self.duration_ms + LEAD_IN_MS,
            tail_ms: self.tail_ms,
            chime,
            sentence: self.sentence.clone(),
            profile,
        }
    }
}

impl CannedSentence {
    /// A file of ours is taken as it is; any other sound is brought to the loudness and the frames of ours.
    fn read(lang: &str, kind: &str, file: &Bytes) -> Result<Self, CannedError> {
        let named = || (lang.to_owned(), kind.to_owned());
        let street = OnceLock::new();
        if let Some(plain) = Mp3Frames::from_file(file).ok().filter(Mp3Frames::is_of_parts) {
            return Ok(Self { plain, street });
        }
        let sound = decoded(file, None).map_err(|source| {
            let (lang, kind) = named();
            CannedError::File { lang, kind, source }
        })?;
        let plain = part::dry(sound).and_then(|dry| part::frames(&dry, SoundProfile::Plain));
        let plain = plain.map_err(|source| {
            let (lang, kind) = named();
            CannedError::Sentence { lang, kind, source }
        })?;
        Ok(Self { plain, street })
    }

    fn frames(&self, profile: SoundProfile) -> &Mp3Frames {
        match profile {
            SoundProfile::Plain => &self.plain,
            // What no input causes shall not silence a rider: then the words are softer.
            SoundProfile::Street => self.street.get_or_init(|| {
                part::reprofiled(&self.plain, SoundProfile::Street).unwrap_or_else(|_| self.plain.clone())
            }),
        }
    }
}

/// The name holds a hash of all that is heard.
impl PartialEq for CannedClip {
    fn eq(&self, other: &Self) -> bool {
        self.file_name == other.file_name
    }
}

impl Eq for CannedClip {}

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
    use super::super::pcm::{Pcm, sixteen_bit};
    use super::*;

    const PLAIN: SoundProfile = SoundProfile::Plain;

    /// A buzz of so many milliseconds, as our encoder writes it.
    fn file(ms: i16) -> Bytes {
        let samples = (0..ms * 24).map(|n| if n / 30 % 2 == 0 { 3_000 } else { -3_000 });
        Mp3Frames::encoded(&Pcm::new(samples.collect(), 24_000).unwrap()).unwrap().bytes().clone()
    }

    fn clips() -> CannedClips {
        let files = [("zh", "order_new", 500), ("zh-HK", "order_new", 600), ("zh", "order_cancelled", 700)];
        let files = files.map(|(lang, kind, ms)| (lang.to_owned(), kind.to_owned(), file(ms)));
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
    fn every_clip_is_there_for_the_street_with_the_numbers_that_its_sound_foretells() {
        let clips = clips();
        let louder = |clip: &CannedClip| {
            let level = |profile| {
                let frames = clip.sentence.as_ref().unwrap().frames(profile).decoded().unwrap();
                frames.iter().map(|sample| f64::from(sample * sample)).sum::<f64>()
            };
            level(SoundProfile::Street) / level(PLAIN)
        };
        for (lang, kind) in [("zh", "order_new"), ("zh-HK", "order_new"), ("en", "order_new")] {
            let plain = clips.of(lang, kind, 2);
            let street = clips.by_file_name(&SoundProfile::Street.path(&plain.file_name)).unwrap();
            assert!(street.file_name.ends_with("-street.mp3"));
            assert_eq!(street.bytes().len() as u64, plain.len + 408);
            assert_eq!((street.len, street.tail_ms), (plain.len + 408, plain.tail_ms));
            let whole = Mp3Frames::from_file(&street.bytes()).unwrap();
            assert_eq!(
                (whole.duration_ms(), street.duration_ms),
                (plain.duration_ms + 408, plain.duration_ms + 408)
            );
            if lang != "en" {
                assert!(louder(plain) > 1.5, "{}", louder(plain));
            }
        }
    }

    #[test]
    fn a_recording_at_another_rate_becomes_a_sentence_like_ours() {
        let hum = (0..44_100_u32).map(|n| sixteen_bit((f64::from(n) * 0.05).sin() * 0.02));
        let wav = Pcm::new(hum.collect(), 44_100).unwrap().to_wav_bytes();
        let files = [("zh".to_owned(), "order_new".to_owned(), Bytes::from(wav))];
        let clips = CannedClips::new(files, &Chimes::new().unwrap(), 0).unwrap();
        let frames = clips.of("zh", "order_new", 1).sentence.as_ref().unwrap().plain.clone();
        assert!(
            frames.is_of_parts() && (1_000..1_080).contains(&frames.duration_ms()),
            "{}",
            frames.duration_ms()
        );
    }

    #[test]
    fn the_base_language_and_at_last_the_chime_stand_in() {
        let clips = clips();
        assert_ne!(clips.of("zh-HK", "order_new", 1), clips.of("zh", "order_new", 1));
        assert_eq!(clips.of("zh-TW", "order_new", 1), clips.of("zh", "order_new", 1));
        assert!(clips.has("zh", "order_new") && !clips.has("zh-TW", "order_new"));
        let chime = clips.of("en", "order_new", 2);
        assert!(chime.file_name.starts_with("any-chime-"));
        let chime_alone = Chimes::new().unwrap().of(2, PLAIN).frames.duration_ms();
        assert_eq!(chime.duration_ms - chime.tail_ms, chime_alone + (AFTER_CHIME_FRAMES + 3) * 24);
        assert_eq!(clips.by_file_name(&chime.file_name), Some(chime));
    }

    #[test]
    fn files_that_cannot_be_shipped_are_named() {
        let chimes = Chimes::new().unwrap();
        let refused = |lang: &str, kind: &str, file: Bytes| {
            CannedClips::new([(lang.to_owned(), kind.to_owned(), file)], &chimes, 0).unwrap_err().to_string()
        };
        assert!(refused("中", "new", file(100)).contains("中/new"));
        assert!(refused("zh", "../new", file(100)).contains("zh/../new"));
        assert!(refused("zh", "new", Bytes::from_static(b"RIFF")).contains("zh/new"));
        assert!(refused("zh", "new", Mp3Frames::silence(50).bytes().clone()).contains("zh/new"));
    }
}
