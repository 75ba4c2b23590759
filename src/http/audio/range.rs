//! What of a file a request wants: all, one part, only the head, or nothing because it has it already (RFC 9110).
//! Pure: method, headers, tag and length in; what to send out.

use std::ops::Range;

use http::header::{IF_RANGE, RANGE};
use http::{HeaderMap, Method};

use crate::http::etag;

/// What to send of a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Asked {
    /// Nothing: the client has it.
    NotModified,
    /// The head alone, as of the whole.
    Head,
    /// Everything.
    Whole,
    /// These bytes, at least one.
    Part(Range<u64>),
    /// There are no such bytes.
    Impossible,
}

impl Asked {
    /// What this request wants of a file of `len` bytes with this strong tag, quotes included.
    pub(super) fn of(method: &Method, headers: &HeaderMap, etag: &str, len: u64) -> Self {
        if etag::is_held(headers, etag) {
            return Self::NotModified;
        }
        // A range is defined for GET alone (section 14.2): what HEAD tells is what a GET without it would be.
        if method == Method::HEAD {
            return Self::Head;
        }
        let range = headers.get(RANGE).filter(|_| is_of_this(headers, etag));
        range.and_then(|range| range.to_str().ok()).map_or(Self::Whole, |range| one_range(range, len))
    }

    /// How many bytes of a file of `len` go out.
    pub(super) fn bytes(&self, len: u64) -> u64 {
        match self {
            Self::NotModified | Self::Head | Self::Impossible => 0,
            Self::Whole => len,
            Self::Part(part) => part.end - part.start,
        }
    }
}

/// Without `If-Range` a part may always be sent; with it, only of the file whose strong tag it names (section 13.1.5). A
/// date never matches: we tell none.
fn is_of_this(headers: &HeaderMap, etag: &str) -> bool {
    headers.get(IF_RANGE).is_none_or(|validator| validator.as_bytes() == etag.as_bytes())
}

/// One range is served; what is not a range at all is ignored (section 14.2), and so are several: the whole file answers
/// them, since no player asks for several and adding them up is how servers are worn out.
fn one_range(header: &str, len: u64) -> Asked {
    let Some((unit, set)) = header.split_once('=') else { return Asked::Whole };
    if !unit.eq_ignore_ascii_case("bytes") || set.contains(',') {
        return Asked::Whole;
    }
    let within = |from: u64, to: u64| if from < to { Asked::Part(from..to) } else { Asked::Impossible };
    let Some((first, last)) = set.trim().split_once('-') else { return Asked::Impossible };
    match (Place::read(first), Place::read(last)) {
        // The last so many bytes; all of them, if there are fewer (section 14.1.2).
        (Place::None, Place::At(count)) => within(len.saturating_sub(count), len),
        (Place::At(from), Place::None) => within(from, len),
        (Place::At(from), Place::At(last)) => within(from, last.saturating_add(1).min(len)),
        (Place::None, Place::None) | (Place::Wrong, _) | (_, Place::Wrong) => Asked::Impossible,
    }
}

/// One side of a range.
#[derive(Clone, Copy)]
enum Place {
    None,
    At(u64),
    Wrong,
}

impl Place {
    /// Digits; what no number holds lies behind the end of every file.
    fn read(text: &str) -> Self {
        if text.is_empty() {
            Self::None
        } else if text.bytes().all(|digit| digit.is_ascii_digit()) {
            Self::At(text.parse().unwrap_or(u64::MAX))
        } else {
            Self::Wrong
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header::IF_NONE_MATCH;

    use super::*;

    const ETAG: &str = "\"tag\"";
    const LEN: u64 = 1_000;

    fn asked(method: &Method, headers: &[(http::HeaderName, &str)]) -> Asked {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.clone(), value.parse().unwrap());
        }
        Asked::of(method, &map, ETAG, LEN)
    }

    #[test]
    fn ranges_are_read_as_the_rfc_says_and_never_panic() {
        let whole = format!("bytes={}", vec!["0-1"; 1_000].join(","));
        let huge = u64::MAX;
        for (range, expected) in [
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=5-", Asked::Part(5..1_000)),
            ("bytes=-1", Asked::Part(999..1_000)),
            ("bytes=999-5000", Asked::Part(999..1_000)),
            ("bytes=0-9223372036854775808", Asked::Part(0..1_000)),
            (&format!("bytes=0-{huge}"), Asked::Part(0..1_000)),
            ("bytes=1000-", Asked::Impossible),
            ("bytes=9223372036854775808-", Asked::Impossible),
            (&format!("bytes={huge}-"), Asked::Impossible),
            ("bytes=0-99999999999999999999999", Asked::Part(0..1_000)),
            ("Bytes=00-01", Asked::Part(0..2)),
            ("bytes=99999999999999999999999-", Asked::Impossible),
            ("bytes=-1000", Asked::Part(0..1_000)),
            // A suffix longer than the file is the whole of it (section 14.1.2).
            ("bytes=-5000", Asked::Part(0..1_000)),
            ("bytes=-9223372036854775808", Asked::Part(0..1_000)),
            ("bytes=-0", Asked::Impossible),
            ("bytes=5-4", Asked::Impossible),
            ("bytes=-", Asked::Impossible),
            ("bytes=+0-1", Asked::Impossible),
            ("bytes=0x0-1", Asked::Impossible),
            ("bytes=--1", Asked::Impossible),
            ("bytes=", Asked::Impossible),
            ("bytes=0-,0-", Asked::Whole),
            ("bytes=0-1,5-6", Asked::Whole),
            (&whole, Asked::Whole),
            ("items=0-1", Asked::Whole),
            ("nonsense", Asked::Whole),
            ("", Asked::Whole),
        ] {
            let got = asked(&Method::GET, &[(RANGE, range)]);
            assert_eq!(got, expected, "{}", &range[..range.len().min(40)]);
        }
        assert_eq!(one_range("bytes=0-", 0), Asked::Impossible);
        assert_eq!(one_range("bytes=-5", 0), Asked::Impossible);
    }

    #[test]
    fn a_part_is_sent_only_of_the_file_that_if_range_names() {
        let with = |validator: &str| asked(&Method::GET, &[(RANGE, "bytes=0-1"), (IF_RANGE, validator)]);
        assert_eq!(with(ETAG), Asked::Part(0..2));
        for other in
            ["\"other\"", "W/\"tag\"", "tag", "", "Sat, 01 Jan 2028 00:00:00 GMT", "\"tag\", \"x\"", "*"]
        {
            assert_eq!(with(other), Asked::Whole, "{other}");
        }
        // The tag of another file makes even a range that cannot be had harmless.
        let beyond = asked(&Method::GET, &[(RANGE, "bytes=5000-"), (IF_RANGE, "\"other\"")]);
        assert_eq!(beyond, Asked::Whole);
    }

    #[test]
    fn who_has_the_file_gets_nothing_and_head_knows_no_ranges() {
        for tags in [ETAG, "W/\"tag\"", "\"other\" , \"tag\"", "*"] {
            let headers = [(RANGE, "bytes=0-1"), (IF_NONE_MATCH, tags)];
            assert_eq!(asked(&Method::GET, &headers), Asked::NotModified, "{tags}");
            assert_eq!(asked(&Method::HEAD, &headers), Asked::NotModified, "{tags}");
        }
        let second_line = [(IF_NONE_MATCH, "\"other\""), (IF_NONE_MATCH, ETAG)];
        assert_eq!(asked(&Method::GET, &second_line), Asked::NotModified);
        assert_eq!(asked(&Method::GET, &[(IF_NONE_MATCH, "\"other\"")]), Asked::Whole);
        assert_eq!(asked(&Method::HEAD, &[(RANGE, "bytes=0-1")]), Asked::Head);
        assert_eq!(asked(&Method::HEAD, &[(RANGE, "bytes=5000-")]), Asked::Head);
    }

    #[test]
    fn what_goes_out_is_counted_by_what_is_sent() {
        for (asked, bytes) in [
            (Asked::NotModified, 0),
            (Asked::Head, 0),
            (Asked::Impossible, 0),
            (Asked::Whole, LEN),
            (Asked::Part(10..30), 20),
        ] {
            assert_eq!(asked.bytes(LEN), bytes, "{asked:?}");
        }
    }
}
