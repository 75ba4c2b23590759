//! The clips of an alert, as paths and numbers, and how they sound on a rider's speaker.
//! Every clip exists in each profile; which one a rider hears is decided when they are told of it.

use serde::{Deserialize, Serialize};

/// The clips of an alert, as paths of the plain profile; [`super::AudioUrls`] makes URLs of them.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Sound {
    /// What to play.
    pub path: String,
    /// What to play if that fails: the canned clip of the kind.
    pub fallback_path: String,
    /// Media type of the clip.
    pub mime: String,
    /// Its size.
    pub bytes: u64,
    /// The whole file, in milliseconds.
    pub duration_ms: u32,
    /// The silence at its end, in milliseconds.
    pub tail_ms: u32,
    /// Whether this is the canned clip because speech was late or broken.
    pub canned: bool,
    /// What the clip can be made from again, kept by the store under the clip's name and not with the alert; `None` for
    /// what ships with the program, and for what was read back.
    #[serde(skip)]
    pub recipe: Option<String>,
}

/// For what ears a clip is levelled.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    Deserialize,
    Eq,
    Hash,
    Ord,
    PartialEq,
    PartialOrd,
    Serialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum SoundProfile {
    /// Indoors and on earphones: -16 LUFS.
    #[default]
    Plain,
    /// In traffic and under a helmet: about -11 LUFS, speech raised, after a lead-in that wakes the helmet's speaker.
    Street,
}

/// Frames of 24 ms with which a clip for the street begins: 408 ms, in which sleeping helmets wake up.
pub const LEAD_IN_FRAMES: u32 = 17;
/// How long that is.
pub const LEAD_IN_MS: u32 = LEAD_IN_FRAMES * 24;
/// How many bytes in an MP3: a frame of silence has 24.
pub const LEAD_IN_BYTES: u64 = 17 * 24;

impl SoundProfile {
    /// Every profile.
    pub const ALL: [Self; 2] = [Self::Plain, Self::Street];

    /// The word used in JSON, configuration and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Street => "street",
        }
    }

    /// The profile with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == word)
    }

    /// What stands before the extension in the file name of a clip of this profile.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Street => "-street",
        }
    }

    /// The path of a clip in a profile, as that of the plain one and the profile.
    #[must_use]
    pub fn of_path(path: &str) -> (String, Self) {
        let street = Self::Street.suffix();
        match path
            .rsplit_once('.')
            .and_then(|(stem, extension)| Some((stem.strip_suffix(street)?, extension)))
        {
            Some((stem, extension)) => (format!("{stem}.{extension}"), Self::Street),
            None => (path.to_owned(), Self::Plain),
        }
    }

    /// The path of a clip of the plain profile, in this one.
    #[must_use]
    pub fn path(self, plain: &str) -> String {
        match plain.rsplit_once('.') {
            Some((stem, extension)) => format!("{stem}{}.{extension}", self.suffix()),
            None => plain.to_owned(),
        }
    }
}

impl Sound {
    /// The name under which the store keeps what the clip is made of.
    #[must_use]
    pub fn clip_name(&self) -> &str {
        clip_name(&self.path)
    }

    /// The same sound in a profile; an MP3 of each has as many frames, a WAV as many samples, beside the lead-in.
    #[must_use]
    pub fn in_profile(&self, profile: SoundProfile) -> Self {
        match profile {
            SoundProfile::Plain => self.clone(),
            SoundProfile::Street => Self {
                path: profile.path(&self.path),
                fallback_path: profile.path(&self.fallback_path),
                bytes: self.bytes + lead_in_bytes(&self.mime),
                duration_ms: self.duration_ms + LEAD_IN_MS,
                ..self.clone()
            },
        }
    }
}

/// What of the path of a clip, in the plain profile, is its name.
#[must_use]
pub fn clip_name(path: &str) -> &str {
    path.strip_prefix("/audio/").unwrap_or(path)
}

/// A WAV is 48 bytes a millisecond: 24 kHz in 16 bits.
fn lead_in_bytes(mime: &str) -> u64 {
    if mime == "audio/wav" { u64::from(LEAD_IN_MS) * 48 } else { LEAD_IN_BYTES }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_for_the_street_has_a_name_of_its_own_and_a_lead_in() {
        let plain = Sound {
            path: "/audio/ab/cd.mp3".to_owned(),
            fallback_path: "/audio/canned/zh-CN/order_new-2.mp3".to_owned(),
            mime: "audio/mpeg".to_owned(),
            bytes: 50_000,
            duration_ms: 48_000,
            tail_ms: 45_000,
            canned: false,
            recipe: None,
        };
        let street = plain.in_profile(SoundProfile::Street);
        assert_eq!(street.path, "/audio/ab/cd-street.mp3");
        assert_eq!(street.fallback_path, "/audio/canned/zh-CN/order_new-2-street.mp3");
        assert_eq!((street.bytes, street.duration_ms, street.tail_ms), (50_408, 48_408, 45_000));
        assert_eq!(plain.in_profile(SoundProfile::Plain), plain);
        for profile in SoundProfile::ALL {
            assert_eq!(SoundProfile::of_path(&profile.path(&plain.path)), (plain.path.clone(), profile));
        }
        assert_eq!(clip_name(&plain.path), "ab/cd.mp3");
        let wav = Sound { path: "/audio/ab/cd.wav".to_owned(), mime: "audio/wav".to_owned(), ..plain };
        assert_eq!(wav.in_profile(SoundProfile::Street).bytes, 50_000 + 408 * 48);
    }
}
