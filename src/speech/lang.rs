//! The languages a sentence can be in, and which one to try when the wanted one has nothing to say.
//! Tags follow BCP 47 loosely: what phones, browsers and backends really send is understood.

/// A language Orderbell has phrases and reading rules for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lang {
    /// Mandarin, simplified characters.
    ZhCn,
    /// Cantonese, traditional characters.
    Yue,
    /// English.
    En,
}

/// Longest tag that is looked at (RFC 5646 section 4.4.1).
const TAG_BYTES_MAX: usize = 35;

impl Lang {
    /// Every language, in the order of the phrase files.
    pub const ALL: [Self; 3] = [Self::ZhCn, Self::Yue, Self::En];

    /// Reads a language tag such as `zh`, `zh-CN`, `zh_Hant_HK`, `yue` or `en-US`; `None` for a language
    /// without phrases.
    ///
    /// Hong Kong and Macau tags mean Cantonese; Taiwan speaks Mandarin, whatever it writes.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        if tag.len() > TAG_BYTES_MAX {
            return None;
        }
        let tag = tag.trim().to_ascii_lowercase();
        let mut parts = tag.split(['-', '_']);
        match parts.next()? {
            "yue" => Some(Self::Yue),
            "zh" => Some(Self::chinese(parts)),
            "cmn" => Some(Self::ZhCn),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    fn chinese<'a>(subtags: impl Iterator<Item = &'a str>) -> Self {
        let mut cantonese = false;
        for subtag in subtags {
            match subtag {
                "hk" | "mo" | "yue" => cantonese = true,
                "cn" | "tw" | "sg" | "cmn" | "hans" => return Self::ZhCn,
                _ => {}
            }
        }
        if cantonese { Self::Yue } else { Self::ZhCn }
    }

    /// The tag written in answers, in configuration and in the names of phrase files.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::ZhCn => "zh-CN",
            Self::Yue => "yue",
            Self::En => "en",
        }
    }

    /// The order in which languages are tried for a sentence: this one, then what its listeners most
    /// likely understand.
    #[must_use]
    pub fn fallbacks(self) -> [Self; 3] {
        match self {
            Self::ZhCn => [Self::ZhCn, Self::Yue, Self::En],
            Self::Yue => [Self::Yue, Self::ZhCn, Self::En],
            Self::En => [Self::En, Self::ZhCn, Self::Yue],
        }
    }
}

/// Whether a character is written in Han characters, or is one of their parts.
pub(super) fn is_han(c: char) -> bool {
    matches!(u32::from(c), 0x2e80..=0x2fdf | 0x3005..=0x3007 | 0x3400..=0x9fff | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_as_they_are_sent_are_understood() {
        let cases = [
            ("zh", Some(Lang::ZhCn)),
            ("zh-CN", Some(Lang::ZhCn)),
            ("ZH_cn", Some(Lang::ZhCn)),
            ("zh-Hans-HK", Some(Lang::ZhCn)),
            ("zh-Hant", Some(Lang::ZhCn)),
            ("zh-TW", Some(Lang::ZhCn)),
            ("cmn-Hans-CN", Some(Lang::ZhCn)),
            ("zh-HK", Some(Lang::Yue)),
            ("zh_Hant_HK", Some(Lang::Yue)),
            ("zh-MO", Some(Lang::Yue)),
            ("zh-yue", Some(Lang::Yue)),
            (" yue ", Some(Lang::Yue)),
            ("yue-Hant-HK", Some(Lang::Yue)),
            ("en", Some(Lang::En)),
            ("en-US", Some(Lang::En)),
            ("fr", None),
            ("", None),
            ("-", None),
            ("english", None),
        ];
        for (tag, lang) in cases {
            assert_eq!(Lang::parse(tag), lang, "{tag:?}");
        }
    }

    #[test]
    fn a_tag_reads_back_and_every_language_is_its_own_first_choice() {
        for lang in Lang::ALL {
            assert_eq!(Lang::parse(lang.tag()), Some(lang));
            let chain = lang.fallbacks();
            assert_eq!(chain[0], lang);
            assert!(Lang::ALL.iter().all(|any| chain.contains(any)));
        }
    }
}
