//! Whole numbers that 64 bits cannot hold are put into quotation marks before the text is parsed: the parser would round them.

use std::borrow::Cow;

/// Fewer digits always fit.
const DIGITS_MAX: usize = 18;

/// The text with numbers that would be rounded as texts. What is no JSON stays what it is.
pub(super) fn quoted(text: &str) -> Cow<'_, str> {
    if !has_long_digits(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut quoted = String::with_capacity(text.len() + 32);
    let (mut copied, mut at) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_text(bytes, at),
            b'-' | b'0'..=b'9' => {
                let end = at
                    + length(&bytes[at..], |byte| {
                        matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E' | b'0'..=b'9')
                    });
                let number = &text[at..end];
                if is_too_large(number) && !is_name(&bytes[end..]) {
                    quoted.push_str(&text[copied..at]);
                    quoted.extend(["\"", number, "\""]);
                    copied = end;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    quoted.push_str(&text[copied..]);
    Cow::Owned(quoted)
}

/// Whether so many digits stand in a row. Every nineteenth byte of such a row is looked at, so most bodies cost little.
fn has_long_digits(bytes: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    (DIGITS_MAX..bytes.len()).step_by(DIGITS_MAX + 1).any(|at| {
        let before = bytes[..at].iter().rev().take_while(|byte| is_digit(byte)).count();
        bytes[at].is_ascii_digit() && before + length(&bytes[at..], |byte| byte.is_ascii_digit()) > DIGITS_MAX
    })
}

fn length(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| belongs(**byte)).count()
}

/// Behind the text that begins here.
fn end_of_text(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        at += match byte {
            b'"' => return at + 1,
            b'\\' => 2,
            _ => 1,
        };
    }
    bytes.len()
}

/// A whole number, or the whole part of one, that would be rounded; nothing that is no number in JSON.
fn is_too_large(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    let whole = length(digits.as_bytes(), |byte| byte.is_ascii_digit());
    let (whole, rest) = digits.split_at(whole);
    if whole.len() <= DIGITS_MAX || whole.starts_with('0') {
        return false;
    }
    if rest.is_empty() {
        return number.parse::<i64>().is_err() && number.parse::<u64>().is_err();
    }
    serde_json::from_str::<serde::de::IgnoredAny>(number).is_ok()
}

/// A number in front of a colon stands where a name must be: JSON has no such names.
fn is_name(rest: &[u8]) -> bool {
    rest.trim_ascii_start().starts_with(b":")
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn numbers_that_fit_stay_and_others_become_text() {
        let same = [
            "9223372036854775807",
            "-9223372036854775808",
            "18446744073709551615",
            r#"{"a":"99999999999999999999"}"#,
            r#"{"a\"":"\\","b":"x\"99999999999999999999"}"#,
            "0.99999999999999999999",
            "012345678901234567890123",
            "99999999999999999999.",
            "99999999999999999999e",
            "--99999999999999999999",
            "{99999999999999999999 : 1}",
            "\"99999999999999999999",
            "\"\\",
        ];
        for text in same {
            assert_eq!(quoted(text), text);
        }
        let cases = [
            ("18446744073709551616", r#""18446744073709551616""#),
            ("-9223372036854775809", r#""-9223372036854775809""#),
            (r#"{"测":[99999999999999999999,"x",1]}"#, r#"{"测":["99999999999999999999","x",1]}"#),
            ("[ 99999999999999999999.50 ]", r#"[ "99999999999999999999.50" ]"#),
            ("[99999999999999999999e2]", r#"["99999999999999999999e2"]"#),
        ];
        for (text, expected) in cases {
            assert_eq!(quoted(text), expected);
        }
    }

    #[test]
    fn a_long_number_is_found_wherever_it_stands() {
        for before in 0..60 {
            let text = format!("{}99999999999999999999", " ".repeat(before));
            assert_ne!(quoted(&text), text, "{before}");
        }
    }
}
