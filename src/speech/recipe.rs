//! What a clip can be made from again: who said what in which voice, behind which chime.
//! Its text is kept by the store under the clip's name, and the name is a keyed hash of it.

use serde::{Deserialize, Serialize};

use super::Lang;
use super::engine::Speed;
use super::sentence::Chime;
use crate::audio::ClipFormat;
use crate::audio::library::{ClipLibrary, ClipName, Recipe};
use crate::domain::{Said, Urgency};

/// Everything that is heard in a clip, but for whose ears it is levelled.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct ClipRecipe {
    /// The engine's name, for the answer and to find it again.
    pub(super) voice: String,
    /// The engine's voice line.
    pub(super) line: String,
    pub(super) lang: Lang,
    pub(super) speed: Speed,
    /// What is said, cut as it was made.
    pub(super) said: Said,
    /// The line of the recording that stands for a part, for each part; empty where the engine speaks.
    pub(super) recorded: Vec<String>,
    pub(super) chime: ChimeOf,
    pub(super) tail_ms: u32,
    pub(super) format: ClipFormat,
}

/// The chime of a clip.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ChimeOf {
    /// Of an urgency, 0 to 3.
    Urgency(u8),
    Louder,
}

/// Raised when the joining of clips changes, so that old ones are not taken for new ones.
const VERSION: u32 = 2;

/// The text of a recipe.
#[derive(Deserialize, Serialize)]
struct Written {
    v: u32,
    voice: String,
    line: String,
    lang: String,
    speed: u32,
    said: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    recorded: Vec<String>,
    chime: String,
    tail_ms: u32,
    format: String,
}

impl ClipRecipe {
    /// The text that the store keeps.
    pub(super) fn text(&self) -> String {
        let written = Written {
            v: VERSION,
            voice: self.voice.clone(),
            line: self.line.clone(),
            lang: self.lang.tag().to_owned(),
            speed: self.speed.as_percent(),
            said: self.said.encoded(),
            recorded: self.recorded.clone(),
            chime: self.chime.word(),
            tail_ms: self.tail_ms,
            format: format_word(self.format).to_owned(),
        };
        // Strings and numbers: nothing in it can fail to be written.
        serde_json::to_string(&written).unwrap_or_default()
    }

    /// Reads such a text; `None` for what another version has written.
    pub(super) fn read(text: &str) -> Option<Self> {
        let written: Written = serde_json::from_str(text).ok()?;
        (written.v == VERSION).then_some(())?;
        Some(Self {
            lang: Lang::parse(&written.lang)?,
            speed: Speed::percent(written.speed),
            said: Said::decoded(&written.said),
            chime: ChimeOf::read(&written.chime)?,
            format: ClipFormat::of_extension(&written.format)?,
            voice: written.voice,
            line: written.line,
            recorded: written.recorded,
            tail_ms: written.tail_ms,
        })
    }

    /// The line of the recording that stands for a part, if one does.
    pub(super) fn recording(&self, part: usize) -> Option<&str> {
        self.recorded.get(part).map(String::as_str).filter(|line| !line.is_empty())
    }
}

/// The name of the clip that this text makes.
pub(super) fn clip_name(library: &ClipLibrary, text: &str, format: ClipFormat) -> ClipName {
    library.name(&Recipe::new().text("clip").text(text), format)
}

impl ChimeOf {
    pub(super) fn of(urgency: Urgency, chime: Chime) -> Self {
        match chime {
            Chime::Usual => Self::Urgency(urgency.into()),
            Chime::Louder => Self::Louder,
        }
    }

    fn word(self) -> String {
        match self {
            Self::Urgency(urgency) => urgency.to_string(),
            Self::Louder => LOUDER.to_owned(),
        }
    }

    fn read(word: &str) -> Option<Self> {
        if word == LOUDER { Some(Self::Louder) } else { word.parse().ok().map(Self::Urgency) }
    }
}

const LOUDER: &str = "louder";

fn format_word(format: ClipFormat) -> &'static str {
    match format {
        ClipFormat::Mp3 => "mp3",
        ClipFormat::Wav => "wav",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::said::{Part, Reading};

    #[test]
    fn what_is_written_is_read_again_and_another_version_is_not() {
        let reading = Reading { word: "重庆".to_owned(), pinyin: "chong2 qing4".to_owned() };
        let said = Said::of(vec![Part::new("您有新的订单，", vec![]), Part::new("重庆小面", vec![reading])]);
        let recipe = ClipRecipe {
            voice: "espeak-ng".to_owned(),
            line: "espeak \"cmn\"".to_owned(),
            lang: Lang::ZhCn,
            speed: Speed::percent(120),
            said,
            recorded: vec![String::new(), "r1".to_owned()],
            chime: ChimeOf::Louder,
            tail_ms: 45_000,
            format: ClipFormat::Wav,
        };
        assert_eq!(ClipRecipe::read(&recipe.text()), Some(recipe.clone()));
        assert_eq!((recipe.recording(0), recipe.recording(1), recipe.recording(2)), (None, Some("r1"), None));
        assert_eq!(ClipRecipe::read(&recipe.text().replace("\"v\":2", "\"v\":1")), None);
        assert_eq!(ClipRecipe::read("{}"), None);
    }
}
