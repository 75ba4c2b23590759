//! What of a maker's words may stand in an error: not the text that was to be spoken, and no credential.
//! Makers quote both in their answers, so that words which share a piece with either are left out as a whole.

use secrecy::{ExposeSecret, SecretString};

/// Longest message that is quoted, in characters; the longest that helped anybody had about 100.
const MESSAGE_MAX: usize = 200;
/// Longest code or request id, in characters; a UUID has 36.
const CODE_MAX: usize = 64;
/// A run of the text this long tells what it says: two Han characters are a name, six letters a word.
const HAN_RUN: usize = 2;
const LATIN_RUN: usize = 6;
/// A run of a credential this long is a part of it; makers show its first and last letters.
const SECRET_RUN: usize = 4;

/// What may not be quoted.
pub(super) struct Hidden<'a> {
    /// The text that was to be spoken.
    pub(super) text: &'a str,
    /// The credentials of the engine.
    pub(super) secrets: &'a [SecretString],
}

impl Hidden<'_> {
    /// A message on one line, cut short; empty if it holds a piece of what is hidden.
    pub(super) fn message(&self, message: &str) -> String {
        let one_line = |c: char| if c.is_control() { ' ' } else { c };
        let short: String = message.trim().chars().map(one_line).take(MESSAGE_MAX).collect();
        if self.is_told_by(&short) { String::new() } else { short }
    }

    /// A code or a request id; empty if it is none, or holds a piece of what is hidden.
    pub(super) fn code(&self, code: &str) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-:".contains(c);
        let is_code = code.len() <= CODE_MAX && code.chars().all(plain);
        let is_secret = self.secrets.iter().any(|secret| shares(code, secret.expose_secret(), SECRET_RUN));
        if is_code && !is_secret { code.to_owned() } else { String::new() }
    }

    fn is_told_by(&self, message: &str) -> bool {
        let lower = message.to_lowercase();
        let text = self.text.to_lowercase();
        self.secrets.iter().any(|secret| shares(message, secret.expose_secret(), SECRET_RUN))
            || shares(&lower, &text, LATIN_RUN)
            || text.split(|c: char| c.is_ascii()).any(|han| shares(&lower, han, HAN_RUN))
    }
}

/// Whether a run of `hidden` this many characters long, or all of it if it is shorter, stands in `words`.
fn shares(words: &str, hidden: &str, run: usize) -> bool {
    let starts: Vec<usize> = hidden.char_indices().map(|(at, _)| at).chain([hidden.len()]).collect();
    let run = run.min(starts.len() - 1);
    run > 0
        && (0..starts.len() - run).any(|first| words.contains(&hidden[starts[first]..starts[first + run]]))
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::{CODE_MAX, Hidden, MESSAGE_MAX};

    #[test]
    fn what_tells_nothing_is_quoted_on_one_line_and_cut() {
        let secrets = [SecretString::from("AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE")];
        let hidden = Hidden { text: "您有新的美团订单", secrets: &secrets };
        assert_eq!(hidden.message(" voice\nnot found: 音色不存在 "), "voice not found: 音色不存在");
        assert_eq!(hidden.message(&"é".repeat(1_000)).chars().count(), MESSAGE_MAX);
        assert_eq!(hidden.code("InvalidParameterValue.VoiceType"), "InvalidParameterValue.VoiceType");
        assert_eq!(hidden.code("3001"), "3001");
        assert_eq!(hidden.code("<script>"), "");
        assert_eq!(hidden.code(&"a".repeat(CODE_MAX + 1)), "");
    }

    #[test]
    fn a_piece_of_the_text_or_of_a_credential_is_not() {
        let secrets = [SecretString::from("sk-proj-1234567890abcdef")];
        let hidden = Hidden { text: "Pick up at Golden Dragon, 张三", secrets: &secrets };
        for message in [
            "cannot speak \"pick up at golden\"",
            "bad input near 'Dragon'",
            "unknown character in 张三丰",
            "Incorrect API key provided: sk-p****cdef",
        ] {
            assert_eq!(hidden.message(message), "", "{message}");
        }
        assert_eq!(hidden.code("req-7890"), "");
        let digit = Hidden { text: "一", secrets: &[] };
        assert_eq!(digit.message("cannot speak 一"), "");
        assert_eq!(Hidden { text: "", secrets: &[] }.message("no text"), "no text");
    }
}
