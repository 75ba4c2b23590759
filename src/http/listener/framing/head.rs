//! A request head: the request line, the header lines, and of their values those that say where the request ends and
//! for whom it is. All others are only looked at for bytes that may not stand there.

use super::body::{Body, Chunked};
use super::bytes::{is_host, is_target, is_token, is_value};
use super::{FramingLimits, Refusal, Step};

/// Bytes of a method: the longest that is registered has 17.
const METHOD_BYTES_MAX: usize = 24;
/// Bytes of a name that are kept: the longest one of interest is `transfer-encoding`.
const NAME_BYTES: usize = 17;
/// Bytes of a value of interest: a host has 253 at most, a port 6, the rest is white space.
const VALUE_BYTES_MAX: usize = 300;
/// Digits of a length that is surely a number of 64 bits.
const LENGTH_DIGITS_MAX: usize = 18;

/// A head that has not ended.
#[derive(Debug, Default)]
pub(super) struct Head {
    at: At,
    bytes: usize,
    /// Bytes of the part in hand: method, target or name.
    part: usize,
    name: [u8; NAME_BYTES],
    value: Vec<u8>,
    lines: usize,
    old: bool,
    host: bool,
    length: Option<u64>,
    chunked: bool,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum At {
    #[default]
    Start,
    StartLf,
    Method,
    Target,
    /// So many bytes of the version have come.
    Version(usize),
    VersionLf,
    /// The first byte of a line.
    Line,
    Name,
    Value(Field),
    ValueLf(Field),
    EndLf,
}

/// What a header line is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Field {
    Host,
    Length,
    Encoding,
    Other,
}

impl Head {
    /// How many of these bytes belong to the head, and what it has come to behind them.
    pub(super) fn follow(&mut self, bytes: &[u8], limits: &FramingLimits) -> Result<(usize, Step), Refusal> {
        let mut used = 0;
        while used < bytes.len() {
            // What is long at once: that is most of a head.
            let room = limits.head_bytes_max.saturating_sub(self.bytes).min(bytes.len() - used);
            let run = self.run(&bytes[used..used + room], limits)?;
            self.bytes += run;
            used += run;
            if used == bytes.len() {
                break;
            }
            self.bytes += 1;
            if self.bytes > limits.head_bytes_max {
                return Err(Refusal::HeadTooLarge);
            }
            let byte = bytes[used];
            used += 1;
            if self.at == At::EndLf {
                return if byte == b'\n' { Ok((used, self.end()?)) } else { Err(Refusal::Header) };
            }
            self.at = self.byte(byte, limits)?;
        }
        Ok((used, Step::More))
    }

    /// Takes the bytes that only go on with what has begun; how many these are.
    fn run(&mut self, bytes: &[u8], limits: &FramingLimits) -> Result<usize, Refusal> {
        Ok(match self.at {
            At::Target if self.part > 0 => {
                let room = (limits.uri_bytes_max - self.part).min(bytes.len());
                let len = count(&bytes[..room], is_target);
                self.part += len;
                len
            }
            At::Name => {
                let len = count(bytes, is_token);
                let kept = self.name.get_mut(self.part..).unwrap_or_default();
                for (place, byte) in kept.iter_mut().zip(&bytes[..len]) {
                    *place = byte.to_ascii_lowercase();
                }
                self.part += len;
                len
            }
            At::Value(field) => {
                let len = values(bytes);
                self.keep(field, &bytes[..len])?;
                len
            }
            _ => 0,
        })
    }

    fn byte(&mut self, byte: u8, limits: &FramingLimits) -> Result<At, Refusal> {
        match self.at {
            At::Start | At::StartLf | At::Method | At::Target | At::Version(_) | At::VersionLf => {
                self.request_line(byte, limits)
            }
            At::Line | At::Name | At::Value(_) | At::ValueLf(_) | At::EndLf => self.header_line(byte, limits),
        }
    }

    fn request_line(&mut self, byte: u8, limits: &FramingLimits) -> Result<At, Refusal> {
        match (self.at, byte) {
            // One empty line may stand before it: old clients end a body with one too many (RFC 9112, 2.2).
            (At::Start, b'\r') if self.bytes == 1 => Ok(At::StartLf),
            (At::StartLf, b'\n') => Ok(At::Start),
            (At::Start, _) if is_token(byte) => Ok(self.begin(byte, At::Method)),
            (At::Method, _) if is_token(byte) && self.part < METHOD_BYTES_MAX => Ok(self.go_on(byte)),
            // A tunnel is not a request to us, whatever its target.
            (At::Method, b' ') if self.part_is(b"connect") => Err(Refusal::RequestLine),
            (At::Method, b' ') => {
                self.part = 0;
                Ok(At::Target)
            }
            (At::Target, b' ') if self.part > 0 => Ok(At::Version(0)),
            (At::Target, _) if self.part == limits.uri_bytes_max => Err(Refusal::UriTooLong),
            // What follows is taken by `run`.
            (At::Target, b'/') if self.part == 0 => Ok(self.go_on(byte)),
            (At::Version(at), _) => self.version(at, byte),
            (At::VersionLf, b'\n') => Ok(At::Line),
            _ => Err(Refusal::RequestLine),
        }
    }

    /// `HTTP/1.0` or `HTTP/1.1`, and the CR behind it.
    fn version(&mut self, at: usize, byte: u8) -> Result<At, Refusal> {
        const BEGIN: &[u8] = b"HTTP/";
        match (at, byte) {
            (0..=4, _) if byte == BEGIN[at] => Ok(At::Version(at + 1)),
            (5, b'1') | (6, b'.') => Ok(At::Version(at + 1)),
            (7, b'0' | b'1') => {
                self.old = byte == b'0';
                Ok(At::Version(8))
            }
            (5 | 7, b'0'..=b'9') => Err(Refusal::Version),
            (8, b'\r') => Ok(At::VersionLf),
            _ => Err(Refusal::RequestLine),
        }
    }

    fn header_line(&mut self, byte: u8, limits: &FramingLimits) -> Result<At, Refusal> {
        match (self.at, byte) {
            (At::Line, b'\r') => Ok(At::EndLf),
            (At::Line, _) if is_token(byte) => {
                self.lines += 1;
                if self.lines > limits.headers_max {
                    return Err(Refusal::HeadTooLarge);
                }
                Ok(self.begin(byte, At::Name))
            }
            (At::Name, b':') => {
                self.value.clear();
                Ok(At::Value(self.field()))
            }
            (At::Value(field), b'\r') => Ok(At::ValueLf(field)),
            (At::ValueLf(field), b'\n') => {
                self.judge(field)?;
                Ok(At::Line)
            }
            _ => Err(Refusal::Header),
        }
    }

    fn begin(&mut self, byte: u8, at: At) -> At {
        self.part = 0;
        self.at = at;
        self.go_on(byte)
    }

    /// One more byte of the part in hand.
    fn go_on(&mut self, byte: u8) -> At {
        if let Some(place) = self.name.get_mut(self.part) {
            *place = byte.to_ascii_lowercase();
        }
        self.part += 1;
        self.at
    }

    fn part_is(&self, name: &[u8]) -> bool {
        self.name.get(..self.part) == Some(name)
    }

    fn field(&self) -> Field {
        match self.name.get(..self.part) {
            Some(b"host") => Field::Host,
            Some(b"content-length") => Field::Length,
            Some(b"transfer-encoding") => Field::Encoding,
            Some(_) | None => Field::Other,
        }
    }

    fn keep(&mut self, field: Field, run: &[u8]) -> Result<(), Refusal> {
        let refusal = match field {
            Field::Other => return Ok(()),
            Field::Host => Refusal::Host,
            Field::Length | Field::Encoding => Refusal::Framing,
        };
        if self.value.len() + run.len() > VALUE_BYTES_MAX {
            return Err(refusal);
        }
        self.value.extend_from_slice(run);
        Ok(())
    }

    /// A header line has ended.
    fn judge(&mut self, field: Field) -> Result<(), Refusal> {
        let value = trimmed(&self.value);
        match field {
            Field::Host => {
                if self.host || !is_authority(value) {
                    return Err(Refusal::Host);
                }
                self.host = true;
            }
            Field::Length => {
                let digits = value.len() <= LENGTH_DIGITS_MAX && value.iter().all(u8::is_ascii_digit);
                let length = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok());
                if !digits || length.is_none() || self.length.is_some() {
                    return Err(Refusal::Framing);
                }
                self.length = length;
            }
            Field::Encoding => {
                if self.old || self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(Refusal::Framing);
                }
                self.chunked = true;
            }
            Field::Other => {}
        }
        Ok(())
    }

    /// The head has ended: what follows it.
    fn end(&self) -> Result<Step, Refusal> {
        if !self.old && !self.host {
            return Err(Refusal::Host);
        }
        match (self.chunked, self.length) {
            (true, Some(_)) => Err(Refusal::Framing),
            (true, None) => Ok(Step::Body(Body::Chunked(Chunked::default()))),
            (false, Some(0) | None) => Ok(Step::End),
            (false, Some(length)) => Ok(Step::Body(Body::Sized(length))),
        }
    }
}

/// How many bytes at the beginning are of this kind.
fn count(bytes: &[u8], is: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| !is(*byte)).unwrap_or(bytes.len())
}

/// How many bytes at the beginning may stand in a value: blocks without a branch in them first, which is quick.
fn values(bytes: &[u8]) -> usize {
    let mut blocks = bytes.chunks_exact(VALUE_BLOCK);
    let good = |block: &&[u8]| block.iter().fold(true, |good, byte| good & is_value(*byte));
    let quick = blocks.by_ref().take_while(good).count() * VALUE_BLOCK;
    quick + count(&bytes[quick..], is_value)
}

const VALUE_BLOCK: usize = 16;

/// Without the white space around it.
fn trimmed(value: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let begin = value.iter().position(|byte| !blank(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !blank(byte)).map_or(begin, |last| last + 1);
    &value[begin..end]
}

/// `name`, `1.2.3.4` or `[::1]`, and perhaps a port.
fn is_authority(value: &[u8]) -> bool {
    let (host_is_good, port) = if let Some(rest) = value.strip_prefix(b"[") {
        let Some(end) = rest.iter().position(|byte| *byte == b']') else { return false };
        let address = std::str::from_utf8(&rest[..end]).ok();
        let address = address.and_then(|address| address.parse::<std::net::Ipv6Addr>().ok());
        (address.is_some(), &rest[end + 1..])
    } else {
        let end = value.iter().position(|byte| *byte == b':').unwrap_or(value.len());
        (end > 0 && value[..end].iter().all(|byte| is_host(*byte)), &value[end..])
    };
    let port_is_good = match port {
        [] | [b':'] => true,
        [b':', digits @ ..] => {
            let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<u16>().ok());
            digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit) && number.is_some()
        }
        _ => false,
    };
    host_is_good && port_is_good
}
