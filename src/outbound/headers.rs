//! Headers that users want with their calls: checked, bounded, and none that would change how a request is framed.

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// Most headers of one request.
pub const HEADERS_MAX: usize = 20;
/// Most bytes of them in all, names and values.
pub const HEADER_BYTES_MAX: usize = 4_096;

/// What decides where a message goes, where it ends and who carries it; ours to say. `accept-encoding` is among them
/// because an answer is never decompressed.
const OURS: [&str; 15] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// Why a header is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HeaderRefused {
    /// Not a name by HTTP.
    #[error("{0:?} is not a header name")]
    Name(String),
    /// A name that is not the user's to set.
    #[error("the header {0} is set by Orderbell itself")]
    Ours(String),
    /// The same name twice, in whatever case.
    #[error("the header {0} is given twice")]
    Twice(String),
    /// Control characters in the value.
    #[error("the value of the header {0} contains a control character")]
    Value(String),
    /// Over [`HEADERS_MAX`].
    #[error("there are more than {HEADERS_MAX} headers")]
    TooMany,
    /// Over [`HEADER_BYTES_MAX`].
    #[error("the headers are longer than {HEADER_BYTES_MAX} bytes")]
    TooLong,
}

/// Headers that passed the checks. Their values may be secret: they are not shown.
#[derive(Clone, Default)]
pub struct Headers(HeaderMap);

impl Headers {
    /// Checks names and values. Values may be UTF-8.
    ///
    /// # Errors
    /// [`HeaderRefused`] names the header.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, HeaderRefused> {
        let mut headers = HeaderMap::new();
        let mut bytes = 0;
        for (name, value) in pairs {
            bytes += name.len() + value.len();
            if bytes > HEADER_BYTES_MAX {
                return Err(HeaderRefused::TooLong);
            }
            if headers.len() == HEADERS_MAX {
                return Err(HeaderRefused::TooMany);
            }
            let key = HeaderName::from_bytes(name.as_bytes());
            let key = key.map_err(|_| HeaderRefused::Name(name.to_owned()))?;
            if OURS.contains(&key.as_str()) {
                return Err(HeaderRefused::Ours(name.to_owned()));
            }
            let value = HeaderValue::from_bytes(value.as_bytes())
                .map_err(|_| HeaderRefused::Value(name.to_owned()))?;
            if headers.insert(key, value).is_some() {
                return Err(HeaderRefused::Twice(name.to_owned()));
            }
        }
        Ok(Self(headers))
    }

    /// The value of a header, if it is readable text.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.0.get(name)?.as_bytes()).ok()
    }

    /// Says what the body is, unless the user has.
    pub(super) fn or_content_type(mut self, content_type: &'static str) -> Self {
        self.0.entry(http::header::CONTENT_TYPE).or_insert(HeaderValue::from_static(content_type));
        self
    }

    /// Sets the key by which the other end knows a call that is made twice, unless the user has.
    #[must_use]
    pub fn or_idempotency_key(mut self, key: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(key) {
            self.0.entry("idempotency-key").or_insert(value);
        }
        self
    }

    /// Tells the trace that a call belongs to, unless the user has.
    #[must_use]
    pub fn or_traceparent(mut self, header: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(header) {
            self.0.entry("traceparent").or_insert(value);
        }
        self
    }

    pub(super) fn into_map(self) -> HeaderMap {
        self.0
    }
}

impl std::fmt::Debug for Headers {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_list().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{HeaderRefused, Headers};

    fn refusal(name: &str, value: &str) -> HeaderRefused {
        Headers::parse([(name, value)]).unwrap_err()
    }

    #[test]
    fn a_users_headers_pass_as_they_are() {
        let given = [
            ("Authorization", "Bearer k3y"),
            ("X-Title", "新订单"),
            ("content-type", "text/plain"),
            ("X-E", ""),
        ];
        let headers = Headers::parse(given).unwrap();
        for (name, value) in given {
            assert_eq!(headers.get(name), Some(value));
        }
        assert!(!format!("{headers:?}").contains("k3y"));
    }

    #[test]
    fn framing_is_not_the_users() {
        for name in super::OURS {
            assert_eq!(refusal(name, "x"), HeaderRefused::Ours(name.to_owned()));
        }
        for name in ["Host", "HOST", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "TE"] {
            assert_eq!(refusal(name, "x"), HeaderRefused::Ours(name.to_owned()));
        }
    }

    #[test]
    fn names_and_values_cannot_break_out() {
        for name in ["", " ", "a b", "a:", "a\r\nb", "名", "a\0", "(x)", ":path"] {
            assert_eq!(refusal(name, "x"), HeaderRefused::Name(name.to_owned()), "{name:?}");
        }
        for value in ["a\r\nHost: b", "a\nb", "a\rb", "a\0b", "\u{7f}", "\u{1}"] {
            assert_eq!(refusal("x-a", value), HeaderRefused::Value("x-a".to_owned()), "{value:?}");
        }
        assert_eq!(
            Headers::parse([("X-A", "1"), ("x-a", "2")]).unwrap_err(),
            HeaderRefused::Twice("x-a".to_owned())
        );
    }

    #[test]
    fn there_are_not_too_many() {
        let names: Vec<String> = (0..21).map(|n| format!("x-{n}")).collect();
        let pairs = || names.iter().map(|name| (name.as_str(), "v"));
        assert!(Headers::parse(pairs().take(20)).is_ok());
        assert_eq!(Headers::parse(pairs()).unwrap_err(), HeaderRefused::TooMany);
        assert!(Headers::parse([("x", "v".repeat(4_095).as_str())]).is_ok());
        assert_eq!(refusal("x", &"v".repeat(4_096)), HeaderRefused::TooLong);
    }
}
