//! Charsets as they are declared: by the profile, the content type or the XML declaration.
//! Bytes that are none of the charset are refused; nothing is replaced, for a replaced id is another id.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};

use super::{DecodeError, refused};

/// A charset in which ASCII is ASCII.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Charset(&'static Encoding);

impl Charset {
    /// The charset of a label such as `gbk`; `None` if it is not known, or if ASCII is something else in it.
    pub(super) fn named(label: &str) -> Option<Self> {
        let encoding = Encoding::for_label_no_replacement(label.trim().as_bytes())?;
        encoding.is_ascii_compatible().then_some(Self(encoding))
    }

    /// What a content type says.
    pub(super) fn of_content_type(content_type: &str) -> Result<Option<Self>, DecodeError> {
        parameter(content_type, "charset").map(Self::declared).transpose()
    }

    /// What a sender says.
    pub(super) fn declared(label: &str) -> Result<Self, DecodeError> {
        // The label is the sender's: no more of it than a name is long.
        let shown: String = label.chars().filter(|c| !c.is_control()).take(40).collect();
        Self::named(label).ok_or_else(|| refused("bad_charset", format!("{shown:?} is not known here")))
    }

    /// Text of bytes. A byte order mark says more than anything that is declared, and is no part of the text.
    pub(super) fn text(self, bytes: &[u8]) -> Result<Cow<'_, str>, DecodeError> {
        let (encoding, bytes) = match Encoding::for_bom(bytes) {
            Some((encoding, mark)) => (encoding, bytes.get(mark..).unwrap_or_default()),
            None => (self.0, bytes),
        };
        if encoding == UTF_8 {
            return std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| {
                refused("bad_charset", format!("not UTF-8 at byte {}", error.valid_up_to()))
            });
        }
        let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
        text.ok_or_else(|| refused("bad_charset", format!("not {}", encoding.name())))
    }
}

impl Default for Charset {
    fn default() -> Self {
        Self(UTF_8)
    }
}

/// A parameter of a content type, without its quotation marks.
pub(super) fn parameter<'a>(content_type: &'a str, name: &str) -> Option<&'a str> {
    content_type.split(';').skip(1).find_map(|part| {
        let (key, value) = part.split_once('=')?;
        let value = value.trim();
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        key.trim().eq_ignore_ascii_case(name).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::Charset;

    #[test]
    fn bytes_are_read_in_their_charset_or_refused() {
        let gbk = Charset::named("GBK").unwrap();
        assert_eq!(gbk.text(b"\xb2\xe2\xca\xd4").unwrap(), "测试");
        assert_eq!(gbk.text(b"\xef\xbb\xbfa").unwrap(), "a");
        assert_eq!(gbk.text(b"\xb2").unwrap_err().reason, "bad_charset");
        assert_eq!(Charset::default().text(b"a\xff").unwrap_err().detail, "not UTF-8 at byte 1");
        assert_eq!(Charset::named("big5").unwrap().text(b"\xb4\xfa").unwrap(), "測");
        assert!(Charset::named("gb18030").is_some());
        for unfit in ["utf-7", "utf-16le", "iso-2022-jp", "hz-gb-2312", "", "klingon"] {
            assert_eq!(Charset::named(unfit), None, "{unfit}");
        }
    }

    #[test]
    fn a_content_type_declares_in_many_ways() {
        for content_type in
            ["text/xml;charset=gbk", "text/xml; Charset=\"GBK\"", "text/xml; a=b ; charset = gb2312"]
        {
            assert_eq!(Charset::of_content_type(content_type), Ok(Charset::named("gbk")), "{content_type}");
        }
        assert_eq!(Charset::of_content_type("application/json"), Ok(None));
        assert!(Charset::of_content_type("application/json; charset=none").is_err());
    }
}
