//! A part as a service wants it written: without signs that mean something to it, with readings where it takes them, and
//! no longer than it takes.

use serde::Deserialize;

use crate::domain::said::Part;
use crate::speech::engine::{EngineError, EngineFailure};
use crate::speech::engines::pinyin;

/// How texts are written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TextSpec {
    /// Longest text that the service speaks whole; 0 for any.
    pub(super) max: usize,
    /// In what it is counted.
    pub(super) measure: Measure,
    /// Characters that mean something to the service and become spaces.
    pub(super) strip: String,
    /// How readings are told to it.
    pub(super) readings: Notation,
}

/// In what services count.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Measure {
    /// Characters.
    #[default]
    Chars,
    /// Bytes of UTF-8.
    Utf8,
    /// Bytes of GBK, in which everything but ASCII has two. What GBK has not counts two as well, or four in GB18030.
    Gbk,
    /// Characters, of which Han characters count two.
    Han2,
}

/// How readings are told.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Notation {
    /// Not at all.
    #[default]
    None,
    /// Behind each character: `重(chong2)庆(qing4)`.
    AfterCharacters,
    /// As a list beside the text, `{{ readings }}`: `重庆/(chong2)(qing4)`.
    ToneList,
}

/// A part, written for a service.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Wording {
    pub(super) text: String,
    pub(super) readings: Vec<String>,
}

impl TextSpec {
    /// Writes a part; one that is empty or too long is bad text. It is not cut up: sentences are, before they come here.
    pub(super) fn write(&self, part: &Part) -> Result<Wording, EngineError> {
        let strip = |text: &str| -> String {
            text.chars().map(|c| if c.is_control() || self.strip.contains(c) { ' ' } else { c }).collect()
        };
        let wording = match self.readings {
            Notation::None => Wording { text: strip(part.text()), readings: Vec::new() },
            Notation::AfterCharacters => {
                let stripped = Part::new(&strip(part.text()), part.readings().to_vec());
                let text = pinyin::written(&stripped, |word, syllables| {
                    let each = word.chars().zip(syllables).map(|(c, syllable)| format!("{c}({syllable})"));
                    each.collect::<Vec<_>>().concat()
                });
                Wording { text, readings: Vec::new() }
            }
            Notation::ToneList => Wording {
                text: strip(part.text()),
                readings: part.readings().iter().filter_map(tones).collect(),
            },
        };
        if !wording.text.contains(char::is_alphanumeric) {
            return Err(EngineError::new(EngineFailure::BadText, "there is nothing to speak"));
        }
        let length = self.measure.of(&wording.text);
        if self.max > 0 && length > self.max {
            let detail = format!("the text is {length} {} long, {} are taken", self.measure.unit(), self.max);
            return Err(EngineError::new(EngineFailure::BadText, detail));
        }
        Ok(wording)
    }
}

fn tones(reading: &crate::domain::said::Reading) -> Option<String> {
    let syllables = pinyin::syllables(reading)?;
    Some(format!("{}/({})", reading.word, syllables.join(")(")))
}

impl Measure {
    fn of(self, text: &str) -> usize {
        match self {
            Self::Chars => text.chars().count(),
            Self::Utf8 => text.len(),
            Self::Gbk => text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum(),
            Self::Han2 => text.chars().map(|c| if pinyin::is_han(c) { 2 } else { 1 }).sum(),
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Chars => "characters",
            Self::Utf8 => "bytes of UTF-8",
            Self::Gbk => "bytes of GBK",
            Self::Han2 => "characters (Han two)",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::said::Reading;

    fn part(text: &str) -> Part {
        let reading = |word: &str, pinyin: &str| Reading { word: word.to_owned(), pinyin: pinyin.to_owned() };
        Part::new(text, vec![reading("重庆", "chong2 qing4"), reading("长", "chang2 sha1")])
    }

    #[test]
    fn readings_are_written_as_the_service_wants_them() {
        let written =
            |readings| TextSpec { readings, ..TextSpec::default() }.write(&part("重庆小面，长沙")).unwrap();
        assert_eq!(written(Notation::None).text, "重庆小面，长沙");
        // A reading with more syllables than characters is none.
        assert_eq!(written(Notation::AfterCharacters).text, "重(chong2)庆(qing4)小面，长沙");
        let listed = written(Notation::ToneList);
        assert_eq!(
            (listed.text.as_str(), listed.readings),
            ("重庆小面，长沙", vec!["重庆/(chong2)(qing4)".to_owned()])
        );
    }

    #[test]
    fn lengths_are_counted_as_the_service_counts() {
        for (measure, length) in
            [(Measure::Chars, 5), (Measure::Utf8, 11), (Measure::Gbk, 8), (Measure::Han2, 7)]
        {
            assert_eq!(measure.of("KF重庆，"), length, "{measure:?}");
            let spec = TextSpec { max: length, measure, ..TextSpec::default() };
            assert!(spec.write(&part("KF重庆，")).is_ok());
            let error = TextSpec { max: length - 1, ..spec }.write(&part("KF重庆，")).unwrap_err();
            assert_eq!(error.failure, EngineFailure::BadText);
            assert!(error.detail.starts_with(&format!("the text is {length} ")), "{error}");
        }
    }

    #[test]
    fn signs_that_mean_something_are_spaces_and_nothing_is_no_text() {
        let spec = TextSpec { strip: "<#>".to_owned(), ..TextSpec::default() };
        assert_eq!(spec.write(&part("你好<#99#>重庆")).unwrap().text, "你好  99  重庆");
        for empty in ["", "，。", "<#>"] {
            assert_eq!(spec.write(&part(empty)).unwrap_err().failure, EngineFailure::BadText);
        }
    }
}
