//! What of an engine's own words may stand in an error: short, on one line, and nothing that is private.

use secrecy::{ExposeSecret, SecretString};

/// Characters that are told; the longest message that helped anybody had about 100.
const TOLD_MAX: usize = 200;
/// A run of the text this long is no accident: two Han characters are a name, six letters a word.
const HAN_RUN: usize = 2;
const LATIN_RUN: usize = 6;
/// A run of a secret this long is a part of it: services show the first and last letters of a key.
const SECRET_RUN: usize = 4;

/// What may stand in no error.
pub(super) struct Private<'a> {
    /// The text that was to be spoken.
    pub(super) text: &'a str,
    /// Everything that is secret.
    pub(super) secrets: &'a [SecretString],
}

/// The words as far as they may be told; none if they repeat a piece of what is private.
pub(super) fn quoted(words: &str, private: &Private<'_>) -> Option<String> {
    let line = |c: char| if c.is_control() { ' ' } else { c };
    let told: String = words.trim().chars().map(line).take(TOLD_MAX).collect();
    let (lower, text) = (told.to_lowercase(), private.text.to_lowercase());
    let repeats = private.secrets.iter().any(|secret| shares(&told, secret.expose_secret(), SECRET_RUN))
        || shares(&lower, &text, LATIN_RUN)
        || text.split(|c: char| c.is_ascii()).any(|han| shares(&lower, han, HAN_RUN));
    (!told.is_empty() && !repeats).then_some(told)
}

/// Whether so many characters of `hidden` in a row, or all of it if it is shorter, stand in `words`.
fn shares(words: &str, hidden: &str, run: usize) -> bool {
    let letters: Vec<char> = hidden.chars().collect();
    let run = run.min(letters.len());
    run > 0 && letters.windows(run).any(|piece| words.contains(&piece.iter().collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_repeat_what_is_private_are_not_told() {
        let secrets = [SecretString::from("sk-0123456789")];
        let private = Private { text: "请到银行取餐, Golden Dragon", secrets: &secrets };
        for words in ["bad key sk-0***", "银行 is bad", "at GOLDEN", "", "\n"] {
            assert_eq!(quoted(words, &private), None, "{words}");
        }
        assert_eq!(
            quoted(" voice\nnot found: 音色不存在 ", &private).as_deref(),
            Some("voice not found: 音色不存在")
        );
        assert_eq!(quoted(&"x".repeat(999), &private).map(|told| told.len()), Some(TOLD_MAX));
        let digit = Private { text: "一", secrets: &[] };
        assert_eq!(quoted("cannot speak 一", &digit), None);
        assert!(quoted("fine", &Private { text: "", secrets: &[] }).is_some());
    }
}
