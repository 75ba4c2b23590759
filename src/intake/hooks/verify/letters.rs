//! Whether hexadecimal letters are all small or all capital, as every library writes them.
//! A signature or an escape with both is one that somebody has changed: it would mean the same, and must not count.

/// The cases that were seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Letters {
    small: bool,
    capital: bool,
}

impl Letters {
    /// Those of a text.
    pub(super) fn of(text: &[u8]) -> Self {
        let mut letters = Self::default();
        for byte in text {
            letters.see(*byte);
        }
        letters
    }

    /// Those in the `\u` escapes of a JSON text.
    pub(super) fn of_json(text: &[u8]) -> Self {
        let mut letters = Self::default();
        let mut rest = text;
        while let Some(place) = rest.iter().position(|byte| *byte == b'\\') {
            let behind = rest.get(place + 1..).unwrap_or_default();
            if let [b'u', digits @ ..] = behind {
                digits.iter().take(4).for_each(|byte| letters.see(*byte));
            }
            rest = behind.get(1..).unwrap_or_default();
        }
        letters
    }

    /// One more.
    pub(super) fn see(&mut self, byte: u8) {
        self.small |= byte.is_ascii_lowercase();
        self.capital |= byte.is_ascii_uppercase();
    }

    /// Whether there are small ones.
    pub(super) fn has_small(self) -> bool {
        self.small
    }

    /// Whether there are both.
    pub(super) fn are_mixed(self) -> bool {
        self.small && self.capital
    }
}
