//! The attributes of a CloudEvent, from members or from `ce-` headers: names, types and required ones as the
//! specification has them. Extensions are let through unread, but for the trace.

use std::collections::BTreeMap;

use http::HeaderMap;
use serde_json::{Map, Value};

use super::super::places::Place;
use super::super::reader::{InputError, escape};
use super::{Read, WRONG};
use crate::domain::EpochMs;

/// What an event of ours is made of.
pub(super) struct Attributes<'a> {
    /// Where they stood.
    carrier: Carrier<'a>,
    /// One event of its source.
    pub(super) id: String,
    /// Where it happened.
    pub(super) source: String,
    /// What happened.
    pub(super) event_type: String,
    /// What it is about.
    pub(super) subject: Option<String>,
    /// When it happened, RFC 3339.
    pub(super) time: Option<String>,
    /// The trace it belongs to, as in the header of that name.
    pub(super) trace_parent: Option<String>,
}

enum Carrier<'a> {
    Members(&'a Map<String, Value>),
    Headers(BTreeMap<String, String>),
}

/// Longest type, in characters.
const TYPE_CHARS_MAX: usize = 200;
/// Before the name of an attribute in a header.
const PREFIX: &str = "ce-";
/// Members that are no attributes.
const DATA: [&str; 2] = ["data", "data_base64"];
/// Attributes of the specification; all of them are text.
const KNOWN: [&str; 8] =
    ["id", "source", "specversion", "type", "datacontenttype", "dataschema", "subject", "time"];

impl<'a> Attributes<'a> {
    /// The attributes of a structured event.
    ///
    /// # Errors
    /// `bad_cloudevent`.
    pub(super) fn of_members(members: &'a Map<String, Value>) -> Read<Self> {
        let carrier = Carrier::Members(members);
        for (name, value) in members.iter().filter(|(name, _)| !DATA.contains(&name.as_str())) {
            if !is_name(name) {
                return Err(carrier.wrong(name, "a name of an attribute is a-z and 0-9"));
            }
            let fits = match value {
                Value::Null | Value::String(_) => true,
                Value::Bool(_) => !KNOWN.contains(&name.as_str()),
                Value::Number(number) => {
                    let whole = number.as_i64().is_some_and(|number| i32::try_from(number).is_ok());
                    whole && !KNOWN.contains(&name.as_str())
                }
                Value::Array(_) | Value::Object(_) => false,
            };
            if !fits {
                let detail = if KNOWN.contains(&name.as_str()) {
                    "must be text"
                } else {
                    "an extension is text, true or false, or a whole number of 32 bits"
                };
                return Err(carrier.wrong(name, detail));
            }
        }
        let attributes = Self::read(carrier)?;
        // In headers it may have been decoded once too often: not every SDK encodes what it puts there.
        if attributes.source.contains(char::is_whitespace) {
            return Err(attributes.wrong("source", "is no URI reference"));
        }
        if let Some(media) = attributes.carrier.text("datacontenttype")?
            && !is_json(&media)
        {
            return Err(attributes.wrong("datacontenttype", "data is taken as JSON only"));
        }
        Ok(attributes)
    }

    /// The attributes of a binary event. The type of its data is the `Content-Type`, which was looked at before.
    ///
    /// # Errors
    /// `bad_cloudevent`.
    pub(super) fn of_headers(headers: &HeaderMap) -> Read<Self> {
        let mut attributes = BTreeMap::new();
        for (header, value) in headers {
            let Some(name) = header.as_str().strip_prefix(PREFIX) else { continue };
            let refused = |detail: &str| refused_header(header.as_str(), detail);
            if !is_name(name) {
                return Err(refused("a name of an attribute is a-z and 0-9"));
            }
            let text =
                value.to_str().map_err(|_| refused("must be ASCII, other characters percent-encoded"))?;
            let decoded = decode(text).map_err(refused)?;
            if attributes.insert(name.to_owned(), decoded).is_some() {
                return Err(refused("appears twice"));
            }
        }
        Self::read(Carrier::Headers(attributes))
    }

    fn read(carrier: Carrier<'a>) -> Read<Self> {
        let required = |name| carrier.text(name)?.ok_or_else(|| carrier.wrong(name, "is required"));
        let version = required("specversion")?;
        if version != "1.0" {
            return Err(carrier.wrong("specversion", "only 1.0 is spoken here"));
        }
        let (id, source, event_type) = (required("id")?, required("source")?, required("type")?);
        if event_type.chars().count() > TYPE_CHARS_MAX {
            return Err(carrier.wrong("type", "is longer than 200 characters"));
        }
        let time = carrier.text("time")?;
        if time.as_deref().is_some_and(|time| EpochMs::from_rfc3339(time).is_none()) {
            return Err(carrier.wrong("time", "is not RFC 3339 with an offset"));
        }
        let (subject, trace_parent) = (carrier.text("subject")?, carrier.text("traceparent")?);
        carrier.text("dataschema")?;
        Ok(Self { carrier, id, source, event_type, subject, time, trace_parent })
    }

    /// Where the attribute stood.
    pub(super) fn place(&self, name: &str) -> Place {
        match self.carrier {
            Carrier::Members(_) => Place::Member(format!("/{}", escape(name))),
            Carrier::Headers(_) => Place::Header(format!("{PREFIX}{name}")),
        }
    }

    /// An error of the envelope.
    pub(super) fn wrong(&self, name: &str, detail: &str) -> InputError {
        self.carrier.wrong(name, detail)
    }

    /// An error about one attribute.
    pub(super) fn error(&self, name: &str, error: &'static str, detail: &str) -> InputError {
        InputError { error, ..self.carrier.wrong(name, detail) }
    }
}

impl Carrier<'_> {
    /// The attribute as text. A null is as good as none; an empty text is not.
    fn text(&self, name: &str) -> Read<Option<String>> {
        let text = match self {
            Self::Members(members) => members.get(name).and_then(Value::as_str),
            Self::Headers(headers) => headers.get(name).map(String::as_str),
        };
        match text {
            Some("") => Err(self.wrong(name, "must not be empty")),
            Some(text) if text.chars().any(char::is_control) => {
                Err(self.wrong(name, "must not contain control characters"))
            }
            Some(text) => Ok(Some(text.to_owned())),
            None => Ok(None),
        }
    }

    fn wrong(&self, name: &str, detail: &str) -> InputError {
        match self {
            Self::Members(_) => InputError {
                error: WRONG,
                pointer: Some(format!("/{}", escape(name))),
                detail: detail.to_owned(),
            },
            Self::Headers(_) => refused_header(&format!("{PREFIX}{name}"), detail),
        }
    }
}

fn refused_header(header: &str, detail: &str) -> InputError {
    InputError { error: WRONG, pointer: None, detail: format!("{header}: {detail}") }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn is_json(media: &str) -> bool {
    let essence = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.ends_with("/json") || essence.ends_with("+json")
}

/// A header's value as it was meant: quotes taken off, then percent-decoded once (HTTP binding, 3.1.3.2).
fn decode(value: &str) -> Result<String, &'static str> {
    let bytes = unquote(value)?;
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes.as_slice();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            decoded.push(*first);
            continue;
        }
        let digit = |place: usize| after.get(place).and_then(|byte| char::from(*byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(0), digit(1)) else {
            return Err("a percent sign stands before two hexadecimal digits");
        };
        decoded.push(u8::try_from(high * 16 + low).unwrap_or_default());
        rest = &after[2..];
    }
    String::from_utf8(decoded).map_err(|_| "is not UTF-8 when decoded")
}

fn unquote(value: &str) -> Result<Vec<u8>, &'static str> {
    let Some(inner) = value.strip_prefix('"') else { return Ok(value.as_bytes().to_vec()) };
    let mut text = Vec::with_capacity(inner.len());
    let mut bytes = inner.bytes();
    loop {
        match bytes.next() {
            Some(b'"') if bytes.len() == 0 => return Ok(text),
            Some(b'\\') => text.push(bytes.next().ok_or("is quoted and does not end")?),
            Some(b'"') | None => return Err("is quoted and does not end"),
            Some(byte) => text.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn header_values_are_unquoted_and_percent_decoded_once() {
        for (value, meant) in [
            ("plain", "plain"),
            ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
            ("%2520", "%20"),
            (r#""a \"b\" %41""#, "a \"b\" A"),
            (r#"a"b"#, "a\"b"),
            ("", ""),
        ] {
            assert_eq!(decode(value).as_deref(), Ok(meant), "{value}");
        }
        for bad in ["%", "%4", "%zz", "%ff", "\"open", "\"a\"b", "\"a\\"] {
            assert!(decode(bad).is_err(), "{bad}");
        }
    }
}
