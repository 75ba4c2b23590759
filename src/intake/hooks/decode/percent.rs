//! Percent-encoding, as forms have it: `+` is a space.

use std::borrow::Cow;

/// What a percent that is none means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stray {
    /// The body is cut off or broken: `None`.
    Refused,
    /// A percent: text that was not encoded at all.
    Kept,
}

/// Decodes once; `None` where a percent has no two digits behind it and that is refused.
pub(super) fn decode(bytes: &[u8], stray: Stray) -> Option<Cow<'_, [u8]>> {
    if !bytes.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return Some(Cow::Borrowed(bytes));
    }
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail) {
            (b'+', _) => decoded.push(b' '),
            (b'%', [high, low, tail @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                decoded.push(digit(*high) << 4 | digit(*low));
                rest = tail;
            }
            (b'%', _) if stray == Stray::Refused => return None,
            (byte, _) => decoded.push(*byte),
        }
    }
    Some(Cow::Owned(decoded))
}

fn digit(hex: u8) -> u8 {
    match hex {
        b'0'..=b'9' => hex - b'0',
        b'a'..=b'f' => hex - b'a' + 10,
        _ => hex.wrapping_sub(b'A').wrapping_add(10),
    }
}

#[cfg(test)]
mod tests {
    use super::{Stray, decode};

    #[test]
    fn percents_and_pluses_are_decoded_once() {
        let once = |text: &str| decode(text.as_bytes(), Stray::Refused).map(std::borrow::Cow::into_owned);
        assert_eq!(once("a%2Bb+c%2b%25%32%35").unwrap(), b"a+b c+%25");
        assert_eq!(once("plain").unwrap(), b"plain");
        for cut in ["%", "a%2", "%zz", "%+1"] {
            assert_eq!(once(cut), None, "{cut}");
            assert!(decode(cut.as_bytes(), Stray::Kept).is_some(), "{cut}");
        }
        assert_eq!(decode("打折50%".as_bytes(), Stray::Kept).unwrap(), "打折50%".as_bytes());
    }
}
