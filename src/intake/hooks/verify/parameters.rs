//! A query, form, JSON object or XML element as a list of names and texts, exactly as they were sent.
//! Bytes, not characters: a sender that writes GBK has signed GBK.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::letters::Letters;
use super::xml;

/// Most parameters of one request: an order of a platform has 60.
pub(super) const PARAMETERS_MAX: usize = 200;

/// A name and its text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Parameter<'a> {
    /// As it is after decoding.
    pub(super) name: Cow<'a, [u8]>,
    /// Of text the text, of anything else in JSON what is written there.
    pub(super) value: Cow<'a, [u8]>,
    /// Whether it says nothing: no text, or null.
    pub(super) is_empty: bool,
}

/// The parameters in the order they came in.
#[derive(Debug, Default)]
pub(super) struct Parameters<'a> {
    list: Vec<Parameter<'a>>,
    letters: Letters,
    /// A name without `=`: no value, and not an empty one either.
    has_bare_name: bool,
}

const TOO_MANY: &str = "more than 200 parameters";
const NOT_JSON: &str = "not a JSON object with each name once";
const NOT_XML: &str = "not XML of at most 200 plain elements inside one root";
const BOM: &[u8] = b"\xef\xbb\xbf";

impl<'a> Parameters<'a> {
    /// Of `a=1&b=2`, each percent-decoded once.
    pub(super) fn of_form(text: &'a [u8]) -> Result<Self, &'static str> {
        let mut all = Self::default();
        for pair in text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            if all.list.len() == PARAMETERS_MAX {
                return Err(TOO_MANY);
            }
            let equals = pair.iter().position(|byte| *byte == b'=');
            all.has_bare_name |= equals.is_none();
            let (name, value) =
                equals.map_or((pair, &pair[..0]), |place| (&pair[..place], &pair[place + 1..]));
            let name = percent_decoded(Cow::Borrowed(name), &mut all.letters);
            let value = percent_decoded(Cow::Borrowed(value), &mut all.letters);
            all.list.push(Parameter { name, is_empty: value.is_empty(), value });
        }
        Ok(all)
    }

    /// Of a body by its first byte: what it is called is often wrong.
    pub(super) fn of_body(body: &'a [u8]) -> Result<Self, &'static str> {
        let body = body.strip_prefix(BOM).unwrap_or(body);
        match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{' | b'[') => Self::of_json(body),
            Some(b'<') => Self::of_xml(body),
            Some(_) | None => Self::of_form(body),
        }
    }

    /// Of a JSON object: its own members.
    pub(super) fn of_json(text: &'a [u8]) -> Result<Self, &'static str> {
        let mut reader = serde_json::Deserializer::from_slice(text);
        let members = reader.deserialize_map(Members).map_err(|_| NOT_JSON)?;
        reader.end().map_err(|_| NOT_JSON)?;
        let mut all = Self { letters: Letters::of_json(text), ..Self::default() };
        for (name, raw) in members {
            if all.list.len() == PARAMETERS_MAX {
                return Err(TOO_MANY);
            }
            let raw = raw.get();
            let value = if raw.starts_with('"') {
                into_bytes(serde_json::from_str::<Text<'a>>(raw).map_err(|_| NOT_JSON)?.0)
            } else {
                Cow::Borrowed(raw.as_bytes())
            };
            let is_empty = value.is_empty() || raw == "null";
            all.list.push(Parameter { name: into_bytes(name), value, is_empty });
        }
        Ok(all)
    }

    /// Of an XML document: the elements inside its root.
    fn of_xml(text: &[u8]) -> Result<Self, &'static str> {
        let members = xml::members(text.trim_ascii_start(), PARAMETERS_MAX).ok_or(NOT_XML)?;
        let list = members.into_iter().map(|(name, value)| {
            let is_empty = value.is_empty();
            let (name, value) = (name.into_bytes().into(), value.into_bytes().into());
            Parameter { name, value, is_empty }
        });
        Ok(Self { list: list.collect(), ..Self::default() })
    }

    /// All of them.
    pub(super) fn list(&self) -> &[Parameter<'a>] {
        &self.list
    }

    /// The texts with this name.
    pub(super) fn named(&self, name: &[u8]) -> Vec<Cow<'_, [u8]>> {
        let of_name = self.list.iter().filter(|parameter| *parameter.name == *name);
        of_name.map(|parameter| Cow::Borrowed(&*parameter.value)).collect()
    }

    /// The members of the JSON object with this name; `None` if there is none.
    pub(super) fn within(&self, name: &[u8]) -> Option<Result<Parameters<'_>, &'static str>> {
        let outer = self.list.iter().find(|parameter| *parameter.name == *name)?;
        outer.value.starts_with(b"{").then(|| Parameters::of_json(&outer.value))
    }

    /// Why these cannot be what was signed; `None` if they can.
    pub(super) fn ambiguity(&self) -> Option<&'static str> {
        if self.has_bare_name {
            return Some("a name without =");
        }
        self.letters.are_mixed().then_some("escapes with letters of both cases")
    }
}

/// What a form writes for these bytes, read once. What is no escape stays as it is.
pub(super) fn percent_decoded<'a>(text: Cow<'a, [u8]>, letters: &mut Letters) -> Cow<'a, [u8]> {
    if !text.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return text;
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = &*text;
    while let Some((first, behind)) = rest.split_first() {
        let escaped = match (first, behind) {
            (b'%', [high, low, ..]) => Some((high, low)).zip(nibble(*high).zip(nibble(*low))),
            _ => None,
        };
        if let Some(((high, low), (high_bits, low_bits))) = escaped {
            letters.see(*high);
            letters.see(*low);
            decoded.push(high_bits << 4 | low_bits);
            rest = &behind[2..];
        } else {
            decoded.push(if *first == b'+' { b' ' } else { *first });
            rest = behind;
        }
    }
    Cow::Owned(decoded)
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn into_bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// Text that is borrowed where it holds no escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut all: Self::Value = Vec::new();
        while let Some((name, raw)) = members.next_entry::<Text<'de>, &'de RawValue>()? {
            if all.iter().any(|(known, _)| *known == name.0) {
                return Err(serde::de::Error::custom("a name twice"));
            }
            all.push((name.0, raw));
            // One more than may be, so that it is seen.
            if all.len() > PARAMETERS_MAX {
                return Err(serde::de::Error::custom("too many"));
            }
        }
        Ok(all)
    }
}
