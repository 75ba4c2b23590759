//! Readings in pinyin, as engines take them: one syllable with its tone for each character, in ASCII.

use crate::domain::said::{Part, Reading};

/// The syllables of a reading, one for each character of its word, with `v` for ü; `None` if it is not written so.
pub(super) fn syllables(reading: &Reading) -> Option<Vec<String>> {
    let syllables: Vec<String> = reading.pinyin.split_whitespace().map(syllable).collect::<Option<_>>()?;
    let characters = reading.word.chars().count();
    (characters > 0 && characters == syllables.len()).then_some(syllables)
}

/// The text of a part, its words with readings written by `write`, the longest first where they overlap.
pub(super) fn written(part: &Part, write: impl Fn(&str, &[String]) -> String) -> String {
    let known =
        part.readings().iter().filter_map(|reading| Some((reading.word.as_str(), syllables(reading)?)));
    let mut known: Vec<(&str, Vec<String>)> = known.collect();
    known.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
    let mut written = String::with_capacity(part.text().len());
    let mut rest = part.text();
    while let Some(letter) = rest.chars().next() {
        if let Some((word, syllables)) = known.iter().find(|(word, _)| rest.starts_with(word)) {
            written.push_str(&write(word, syllables));
            rest = &rest[word.len()..];
        } else {
            written.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    written
}

/// Whether a character is Han.
pub(super) fn is_han(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// `lü4`, `lu:4` and `LV4` are `lv4`; the neutral tone is 5 (0 to some).
fn syllable(written: &str) -> Option<String> {
    let written = written.to_lowercase().replace("u:", "v").replace('ü', "v");
    let tone = written.chars().next_back().filter(|tone| ('0'..='5').contains(tone))?;
    let letters = &written[..written.len() - 1];
    let fits = (1..=6).contains(&letters.len()) && letters.bytes().all(|letter| letter.is_ascii_lowercase());
    let tone = if tone == '0' { '5' } else { tone };
    fits.then(|| format!("{letters}{tone}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(word: &str, pinyin: &str) -> Reading {
        Reading { word: word.to_owned(), pinyin: pinyin.to_owned() }
    }

    #[test]
    fn a_reading_has_a_syllable_for_each_character() {
        let read = |word, pinyin| syllables(&reading(word, pinyin)).map(|syllables| syllables.join(" "));
        assert_eq!(read("重庆", "chong2 qing4").as_deref(), Some("chong2 qing4"));
        assert_eq!(read("绿", "lü4").as_deref(), Some("lv4"));
        assert_eq!(read("女儿", "NU:3 er0").as_deref(), Some("nv3 er5"));
        for (word, pinyin) in [
            ("重庆", "chong2"),
            ("重", "chong"),
            ("重", "chong9"),
            ("重", "重2"),
            ("重", "2"),
            ("", ""),
            ("重", "[[2"),
        ] {
            assert_eq!(read(word, pinyin), None, "{word} {pinyin}");
        }
    }

    #[test]
    fn the_longest_word_is_written_first() {
        let readings = vec![reading("银", "yin2"), reading("银行", "yin2 hang2")];
        let part = Part::new("银行和银", readings);
        assert_eq!(
            written(&part, |word, syllables| format!("<{word} {}>", syllables.join(" "))),
            "<银行 yin2 hang2>和<银 yin2>"
        );
    }
}
