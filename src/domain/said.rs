//! What a voice says: normalised text, cut into the parts that are spoken and kept one by one.
//! A part that has a reading tells an engine that can how a word in it is pronounced.

use std::fmt;

/// What is said, in parts; none where nothing is said and the chime alone sounds.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Said {
    parts: Vec<Part>,
}

/// A piece of a sentence that is spoken as one: a fixed run of a phrase, the value of a slot, one digit of a code.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Part {
    text: String,
    readings: Vec<Reading>,
}

/// How a word is pronounced, wherever it stands in its part.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Reading {
    /// The word, in Han characters.
    pub word: String,
    /// Its syllables in pinyin with tone digits, one for each character: `chong2 qing4`.
    pub pinyin: String,
}

/// Between parts, between readings, and within one, in the stored form: characters that no text contains.
const PART_END: char = '\u{1f}';
const READING: char = '\u{1e}';
const PINYIN: char = '\u{1d}';

impl Said {
    /// One part without readings; no part if there is nothing in it.
    #[must_use]
    pub fn whole(text: &str) -> Self {
        Self::of(vec![Part::new(text, Vec::new())])
    }

    /// These parts, in order, without empty ones.
    #[must_use]
    pub fn of(parts: Vec<Part>) -> Self {
        Self { parts: parts.into_iter().filter(|part| !part.text.is_empty()).collect() }
    }

    /// The parts, in order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The text alone.
    #[must_use]
    pub fn text(&self) -> String {
        self.parts.iter().map(Part::text).collect()
    }

    /// The same said in one piece.
    #[must_use]
    pub fn joined(&self) -> Self {
        let mut readings: Vec<Reading> = self.parts.iter().flat_map(|part| part.readings.clone()).collect();
        readings.sort();
        readings.dedup();
        Self::of(vec![Part::new(&self.text(), readings)])
    }

    /// How many characters an engine is asked for to say it.
    #[must_use]
    pub fn characters(&self) -> usize {
        self.parts.iter().map(Part::characters).sum()
    }

    /// The stored form, which [`Said::decoded`] reads; that of one part without readings is its text.
    #[must_use]
    pub fn encoded(&self) -> String {
        let parts: Vec<String> = self.parts.iter().map(Part::encoded).collect();
        parts.join(&PART_END.to_string())
    }

    /// Reads the stored form. Any text is one.
    #[must_use]
    pub fn decoded(stored: &str) -> Self {
        Self::of(stored.split(PART_END).map(Part::decoded).collect())
    }
}

impl Part {
    /// A text and the readings of words in it. Control characters go; readings of words that are not in it go as well.
    #[must_use]
    pub fn new(text: &str, readings: Vec<Reading>) -> Self {
        let text: String = text.chars().filter(|c| !c.is_control()).collect();
        let readings = readings.into_iter().filter(|reading| text.contains(&reading.word)).collect();
        Self { text, readings }
    }

    /// The text alone.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How its words are pronounced, where that is known.
    #[must_use]
    pub fn readings(&self) -> &[Reading] {
        &self.readings
    }

    /// How many characters it has.
    #[must_use]
    pub fn characters(&self) -> usize {
        self.text.chars().count()
    }

    /// Its stored form.
    #[must_use]
    pub fn encoded(&self) -> String {
        let mut stored = self.text.clone();
        for Reading { word, pinyin } in &self.readings {
            stored.extend([READING]);
            stored.push_str(word);
            stored.push(PINYIN);
            stored.push_str(pinyin);
        }
        stored
    }

    fn decoded(stored: &str) -> Self {
        let mut pieces = stored.split(READING);
        let text = pieces.next().unwrap_or_default();
        let reading = |piece: &str| {
            let (word, pinyin) = piece.split_once(PINYIN)?;
            Some(Reading { word: word.to_owned(), pinyin: pinyin.to_owned() })
        };
        Self::new(text, pieces.filter_map(reading).collect())
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| f.write_str(&part.text))
    }
}

impl From<&str> for Said {
    fn from(text: &str) -> Self {
        Self::whole(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_without_parts_is_stored_as_it_is() {
        let said = Said::whole("您有新的订单");
        assert_eq!(said.encoded(), "您有新的订单");
        assert_eq!(Said::decoded("您有新的订单"), said);
        assert!(Said::decoded("").is_empty());
    }

    #[test]
    fn parts_and_readings_come_back_and_readings_of_absent_words_do_not() {
        let reading = |word: &str| Reading { word: word.to_owned(), pinyin: "chong2 qing4".to_owned() };
        let name = Part::new("重庆小面", vec![reading("重庆"), reading("成都")]);
        let said = Said::of(vec![Part::new("您有新的订单，", vec![]), name, Part::new("", vec![])]);
        assert_eq!(said.parts().len(), 2);
        assert_eq!(said.parts()[1].readings(), [reading("重庆")]);
        assert_eq!(Said::decoded(&said.encoded()), said);
        assert_eq!((said.text().as_str(), said.characters()), ("您有新的订单，重庆小面", 11));
        assert_eq!(said.joined().parts().len(), 1);
        assert_eq!(said.joined().parts()[0].readings(), [reading("重庆")]);
    }

    proptest! {
        #[test]
        fn whatever_is_stored_is_read_without_control_characters(stored in any::<String>()) {
            let said = Said::decoded(&stored);
            prop_assert!(!said.text().contains(char::is_control));
            prop_assert_eq!(Said::decoded(&said.encoded()).text(), said.text());
        }
    }
}
