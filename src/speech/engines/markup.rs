//! Text as XML for engines that take it: escaped, with the readings of words that have one.
//! Nothing in a text can become markup, and nothing that XML forbids is left in it.

use super::pinyin::{is_han, written};
use crate::domain::said::{Part, Reading};

/// The text of a part as XML, in which each word that has a reading stands between what `tag` makes of its syllables
/// and `</phoneme>`.
pub(super) fn with_readings(part: &Part, tag: impl Fn(&[String]) -> String) -> String {
    // A word in letters could be found inside an entity.
    let of_han = |reading: &&Reading| reading.word.chars().all(is_han);
    let readings = part.readings().iter().filter(of_han).cloned().collect();
    let part = Part::new(&escaped(part.text()), readings);
    written(&part, |word, syllables| format!("{}{word}</phoneme>", tag(syllables)))
}

/// The whole of it as the SSML that Tencent and Aliyun share: pinyin with tone digits.
pub(super) fn speak_in_pinyin(part: &Part) -> String {
    let tag = |syllables: &[String]| format!("<phoneme alphabet=\"py\" ph=\"{}\">", syllables.join(" "));
    format!("<speak>{}</speak>", with_readings(part, tag))
}

/// A text in which nothing is markup.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
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
    out
}

/// A text without the characters that begin markup, for engines that look for it in everything.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if matches!(c, '<' | '>') { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str, readings: &[(&str, &str)]) -> String {
        let reading =
            |(word, pinyin): &(&str, &str)| Reading { word: (*word).into(), pinyin: (*pinyin).into() };
        let part = Part::new(text, readings.iter().map(reading).collect());
        with_readings(&part, |syllables| format!("<p {}>", syllables.join("+")))
    }

    #[test]
    fn readings_stand_around_their_words_and_nothing_else_is_markup() {
        for (text, readings, expected) in [
            ("去重庆", &[("重庆", "chong2 qing4")][..], "去<p chong2+qing4>重庆</phoneme>"),
            ("重庆银行", &[("重", "zhong4"), ("重庆", "Chong2 QING4")], "<p chong2+qing4>重庆</phoneme>银行"),
            ("重庆", &[("重庆", "\"/><x a=\"1 b2")], "重庆"),
            ("重庆", &[("重庆", "chong2 qing9")], "重庆"),
            ("\"重\"", &[("q", "qu1"), ("重", "zhong4")], "&quot;<p zhong4>重</phoneme>&quot;"),
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
