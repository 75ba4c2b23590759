//! Whether a phrase can be said at all: it is rendered with values that its slots could have.
//! One that compiles may still fall silent for ever, and then its riders would hear the next one without a word why.

use serde_json::{Map, Value as Json, json};

use super::template::{Piece, SlotUse};
use super::{Phrase, Rendered, slots};
use crate::speech::Lang;
use crate::speech::lexicon::Lexicon;

/// Why a phrase can never be said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SampleError {
    /// No value suits all the filters that a slot is used with.
    #[error("no value fits the slot {{{{ {0} }}}} as it is used")]
    Slot(String),
    /// Nothing of it can be spoken in its language, or too much.
    #[error("a voice of this language has nothing to say of it, or too much")]
    Sentence,
}

/// For every sort of slot a value that has its usual length, and some that suit several sorts.
fn values() -> [Json; 7] {
    [
        json!(12),
        json!("12"),
        json!("meituan"),
        json!("测试面馆"),
        json!("Noodle House"),
        json!("A17"),
        json!("2026-03-01T13:05:00+08:00"),
    ]
}

impl Phrase {
    /// The sentence with values that its slots could have.
    ///
    /// # Errors
    /// [`SampleError`] where there are none.
    pub fn sample(&self) -> Result<Rendered, SampleError> {
        let slots = self.template.pieces().iter().filter_map(|piece| match piece {
            Piece::Slot(slot) => Some(slot),
            Piece::Fixed(_) => None,
        });
        let slots: Vec<&SlotUse> = slots.collect();
        let mut vars = Map::new();
        for slot in &slots {
            let alike = || slots.iter().filter(|other| other.path == slot.path);
            let fits = |value: &Json| alike().all(|slot| can_say(slot, value, self.lang));
            let value = values().into_iter().find(fits);
            let put = value.is_some_and(|value| put(&mut vars, &slot.path, value));
            if !put {
                return Err(SampleError::Slot(slot.path.join(".")));
            }
        }
        self.render(&vars, 0, &Lexicon::none()).ok_or(SampleError::Sentence)
    }
}

fn can_say(slot: &SlotUse, value: &Json, lang: Lang) -> bool {
    let shown = slots::shown(slot.sort, value, lang, 0);
    shown.is_some_and(|shown| slots::said(slot.sort, &shown, lang, &Lexicon::none()).is_some())
}

/// Puts a value in its place; false where a part of the path is a value already, or the place has parts.
fn put(vars: &mut Map<String, Json>, path: &[String], value: Json) -> bool {
    let Some((first, rest)) = path.split_first() else { return false };
    if rest.is_empty() {
        let there = vars.entry(first.clone()).or_insert_with(|| value.clone());
        return *there == value;
    }
    let there = vars.entry(first.clone()).or_insert_with(|| Json::Object(Map::new()));
    there.as_object_mut().is_some_and(|there| put(there, rest, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(template: &str, lang: Lang) -> Result<String, SampleError> {
        Phrase::compile(template, lang).unwrap().sample().map(|rendered| rendered.said.text())
    }

    #[test]
    fn every_embedded_phrase_can_be_said() {
        let phrases = super::super::Phrases::embedded();
        for lang in Lang::ALL {
            for kind in phrases.kinds() {
                for phrase in phrases.of(kind, lang) {
                    assert!(phrase.sample().is_ok(), "{}: {:?}", phrase.template(), phrase.sample());
                }
            }
        }
    }

    #[test]
    fn what_can_never_be_said_is_told_with_its_slot() {
        assert_eq!(sample("{{ n|count }}单", Lang::ZhCn).unwrap(), "十二单");
        assert!(sample("{{ shop.name|shop }}的{{ shop.fee|money }}", Lang::ZhCn).is_ok());
        let slot = |name: &str| Err(SampleError::Slot(name.to_owned()));
        assert_eq!(sample("{{ x|platform }}{{ x|money }}", Lang::ZhCn), slot("x"));
        assert_eq!(sample("{{ x|shop }}{{ x.y|shop }}", Lang::ZhCn), slot("x.y"));
        assert_eq!(sample("！！！", Lang::ZhCn), Err(SampleError::Sentence));
    }
}
