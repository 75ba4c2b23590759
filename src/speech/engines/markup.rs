//! Text as XML for engines that take it: escaped, with the readings of words that have one.
//! Nothing in a text can become markup, and nothing that XML forbids is left in it.

use crate::domain::said::{Part, Reading};

/// The text of a part as XML, in which each word that has a reading stands between what `tag` makes of its syllables
/// and `</phoneme>`. A reading that `tag` does not take, or that has not a syllable for each character, is left out.
pub(super) fn with_readings(part: &Part, tag: impl Fn(&[Syllable<'_>]) -> String) -> String {
    let mut words: Vec<(&str, String)> = Vec::new();
    for Reading { word, pinyin } in part.readings() {
        let syllables: Option<Vec<Syllable<'_>>> = pinyin.split_whitespace().map(Syllable::parse).collect();
        let Some(syllables) = syllables.filter(|found| found.len() == word.chars().count()) else { continue };
        if !syllables.is_empty() {
            words.push((word, tag(&syllables)));
        }
    }
    // Where two words begin at one place, the longer one is meant.
    words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
    let mut out = String::new();
    let mut rest = part.text();
    while let Some(first) = rest.chars().next() {
        if let Some((word, tag)) = words.iter().find(|(word, _)| rest.starts_with(word)) {
            out.extend([tag.as_str(), &escaped(word), "</phoneme>"]);
            rest = &rest[word.len()..];
        } else {
            escape(first, &mut out);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

/// The whole of it as the SSML that Tencent and Aliyun share: pinyin with tone digits.
pub(super) fn speak_in_pinyin(part: &Part) -> String {
    let body = with_readings(part, |syllables| {
        let written: Vec<String> = syllables.iter().map(|s| format!("{}{}", s.letters(), s.tone())).collect();
        format!("<phoneme alphabet=\"py\" ph=\"{}\">", written.join(" "))
    });
    format!("<speak>{body}</speak>")
}

/// A text in which nothing is markup.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| escape(c, &mut out));
    out
}

fn escape(c: char, out: &mut String) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        '\'' => out.push_str("&apos;"),
        // What XML 1.0 has no way to write.
        '\u{fffe}' | '\u{ffff}' => {}
        c if c.is_control() => out.push(' '),
        c => out.push(c),
    }
}

/// A text without the characters that begin markup, for engines that look for it in everything.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if matches!(c, '<' | '>') { ' ' } else { c }).collect()
}

/// A syllable of pinyin with its tone, 1 to 5.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Syllable<'a> {
    letters: &'a str,
    tone: char,
}

impl<'a> Syllable<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let tone = text.chars().next_back().filter(|tone| ('1'..='5').contains(tone))?;
        let letters = &text[..text.len() - 1];
        let is_letter = |c: char| c.is_ascii_alphabetic() || "üÜ:".contains(c);
        (!letters.is_empty() && letters.chars().all(is_letter)).then_some(Self { letters, tone })
    }

    /// In small letters, with `v` for ü, as engines write it.
    pub(super) fn letters(&self) -> String {
        self.letters.to_lowercase().replace("u:", "v").replace('ü', "v")
    }

    pub(super) fn tone(&self) -> char {
        self.tone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str, readings: &[(&str, &str)]) -> String {
        let reading =
            |(word, pinyin): &(&str, &str)| Reading { word: (*word).into(), pinyin: (*pinyin).into() };
        let part = Part::new(text, readings.iter().map(reading).collect());
        with_readings(&part, |syllables| {
            let written: Vec<String> =
                syllables.iter().map(|s| format!("{}{}", s.letters(), s.tone())).collect();
            format!("<p {}>", written.join("+"))
        })
    }

    #[test]
    fn readings_stand_around_their_words_and_nothing_else_is_markup() {
        for (text, readings, expected) in [
            ("去重庆", &[("重庆", "chong2 qing4")][..], "去<p chong2+qing4>重庆</phoneme>"),
            (
                "重庆重庆",
                &[("重庆", "chong2 qing4")],
                "<p chong2+qing4>重庆</phoneme><p chong2+qing4>重庆</phoneme>",
            ),
            ("重庆银行", &[("重", "zhong4"), ("重庆", "Chong2 QING4")], "<p chong2+qing4>重庆</phoneme>银行"),
            ("绿地", &[("绿", "lü4")], "<p lv4>绿</phoneme>地"),
            ("绿地", &[("绿", "lu:4")], "<p lv4>绿</phoneme>地"),
            ("重庆", &[("重庆", "chong2")], "重庆"),
            ("重庆", &[("重庆", "chong2 qing")], "重庆"),
            ("重庆", &[("重庆", "chong2 qing9")], "重庆"),
            ("重庆", &[("重庆", "\"/><x a=\"1 b2")], "重庆"),
            ("重庆", &[("重庆", "")], "重庆"),
            ("A&B <speak>'\"", &[], "A&amp;B &lt;speak&gt;&apos;&quot;"),
            ("a\u{ffff}b\u{fffe}", &[], "ab"),
        ] {
            assert_eq!(marked(text, readings), expected, "{text}");
        }
    }

    #[test]
    fn a_plain_text_has_no_brackets() {
        assert_eq!(plain("<speak>1</speak>"), " speak 1 /speak ");
    }
}
