//! Follows the framing of HTTP/1 requests, byte by byte, and refuses whatever two readers could read differently.
//! Pure: bytes go in; how many of them belong to the request in hand, and what has come to its end, comes out.

mod body;
mod bytes;
mod head;

use body::Body;
use head::Head;

/// Bounds of one request head, from the configuration.
#[derive(Clone, Copy, Debug)]
pub struct FramingLimits {
    /// Bytes of a request target.
    pub uri_bytes_max: usize,
    /// Header lines.
    pub headers_max: usize,
    /// Bytes of a head, its empty line included.
    pub head_bytes_max: usize,
}

/// Why a request is not looked at any further. docs/errors.md lists the words.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// The request line is not `METHOD /target HTTP/1.x` with a CRLF.
    RequestLine,
    /// A version that is not spoken here.
    Version,
    /// The target is too long.
    UriTooLong,
    /// Too many header lines, or too many bytes.
    HeadTooLarge,
    /// A header line that is not `name: value` with a CRLF.
    Header,
    /// No host, two hosts, or something that is none.
    Host,
    /// Where the body ends is not said in exactly one way.
    Framing,
}

/// How far the bytes have led.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mark {
    /// Into the middle of a head or a body: all bytes are used.
    More,
    /// To the end of a head that has a body.
    Head,
    /// To the end of the request.
    End,
}

/// Where a connection is in its requests.
#[derive(Debug)]
pub(super) struct Framing {
    limits: FramingLimits,
    at: At,
}

/// What a head or a body comes to.
#[derive(Debug)]
enum Step {
    More,
    Body(Body),
    End,
}

#[derive(Debug)]
enum At {
    Head(Head),
    Body(Body),
    Refused(Refusal),
}

impl Refusal {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::RequestLine,
        Self::Version,
        Self::UriTooLong,
        Self::HeadTooLarge,
        Self::Header,
        Self::Host,
        Self::Framing,
    ];

    /// The stable word of the answer.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::RequestLine => "bad_request_line",
            Self::Version => "http_version",
            Self::UriTooLong => "uri_too_long",
            Self::HeadTooLarge => "headers_too_large",
            Self::Header => "bad_header",
            Self::Host => "bad_host",
            Self::Framing => "bad_framing",
        }
    }
}

impl Framing {
    /// A connection before its first byte.
    pub(super) fn new(limits: FramingLimits) -> Self {
        Self { limits, at: At::Head(Head::default()) }
    }

    /// Follows these bytes to the next mark: how many were used, and the mark. Behind the end of a request the next
    /// one begins.
    ///
    /// # Errors
    /// Why nothing of this connection is looked at any more; the same for every further call.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Result<(usize, Mark), Refusal> {
        let followed = match &mut self.at {
            At::Head(head) => head.follow(bytes, &self.limits),
            At::Body(body) => body.follow(bytes),
            At::Refused(refusal) => Err(*refusal),
        };
        match followed {
            Ok((used, Step::More)) => Ok((used, Mark::More)),
            Ok((used, Step::Body(body))) => {
                self.at = At::Body(body);
                Ok((used, Mark::Head))
            }
            Ok((used, Step::End)) => {
                self.at = At::Head(Head::default());
                Ok((used, Mark::End))
            }
            Err(refusal) => {
                self.at = At::Refused(refusal);
                Err(refusal)
            }
        }
    }
}

#[cfg(test)]
mod tests;
