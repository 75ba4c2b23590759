//! The text that is signed, as a template: `{timestamp}.{body}`, `{url}{body}`, `{secret}{params}`.
//! It is read when a profile is saved, and written from the bytes of a request as they came.

use std::borrow::Cow;

use super::place::Place;
use super::refusal;
use super::section::Section;
use super::sent::Sent;
use crate::intake::hooks::{HookKeys, ProfileError, VerifyError};

/// A template.
pub(super) struct Text(Vec<Part>);

/// What stands for what.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Part {
    /// Itself.
    Literal(String),
    /// The body.
    Body,
    /// The URL without its query.
    Url,
    /// The URL without scheme, host and query.
    Path,
    /// `POST`.
    Method,
    /// The query as it came.
    Query,
    /// The time as it came.
    Timestamp,
    /// The secret in hand.
    Secret,
    /// The text of the parameters.
    Params,
    /// A parameter of the hook.
    Param(String),
    /// What stands at one place of the request; nothing if nothing does.
    At(Place),
}

/// A piece of the written text.
pub(super) enum Piece<'a> {
    /// These bytes.
    Known(Cow<'a, [u8]>),
    /// The secret in hand.
    Secret,
    /// The parameters, which may hold the secret.
    Params,
}

const KNOWN: &str = "body, url, path, method, query, timestamp, secret, params, param.NAME, header.NAME, query.NAME, body.NAME";

impl Text {
    /// The template in a member.
    pub(super) fn read(section: &Section<'_>, member: &str, text: &str) -> Result<Self, ProfileError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            literal.push_str(&rest[..open]);
            let behind = &rest[open + 1..];
            let Some(name) = placeholder(behind) else {
                literal.push('{');
                rest = behind;
                continue;
            };
            let Some(part) = Part::named(name) else {
                let detail = format!("there is no {{{name}}}; known are {KNOWN}");
                return Err(section.error(member, "bad_value", &detail));
            };
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(part);
            rest = &behind[name.len() + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self(parts))
    }

    /// Whether it names this.
    pub(super) fn names(&self, part: &Part) -> bool {
        self.0.contains(part)
    }

    /// Whether any of it stands in the body.
    pub(super) fn needs_body(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Body | Part::At(Place::Body(_))))
    }

    /// The parameters of the hook that it names.
    pub(super) fn params(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| if let Part::Param(name) = part { Some(&**name) } else { None })
    }

    /// The text of one request.
    pub(super) fn pieces<'a>(
        &'a self,
        sent: &'a Sent<'_>,
        keys: &'a HookKeys,
        timestamp: &'a [u8],
    ) -> Result<Vec<Piece<'a>>, VerifyError> {
        self.0.iter().map(|part| part.piece(sent, keys, timestamp)).collect()
    }
}

impl Part {
    fn named(name: &str) -> Option<Self> {
        match name {
            "body" => Some(Self::Body),
            "url" => Some(Self::Url),
            "path" => Some(Self::Path),
            "method" => Some(Self::Method),
            "query" => Some(Self::Query),
            "timestamp" => Some(Self::Timestamp),
            "secret" => Some(Self::Secret),
            "params" => Some(Self::Params),
            _ => match name.strip_prefix("param.") {
                Some(name) => (!name.is_empty()).then(|| Self::Param(name.to_owned())),
                None => Place::parse(name).map(Self::At),
            },
        }
    }

    fn piece<'a>(
        &'a self,
        sent: &'a Sent<'_>,
        keys: &'a HookKeys,
        timestamp: &'a [u8],
    ) -> Result<Piece<'a>, VerifyError> {
        let request = sent.request();
        let known = match self {
            Self::Secret => return Ok(Piece::Secret),
            Self::Params => return Ok(Piece::Params),
            Self::At(place) => return Ok(Piece::Known(place.value(sent)?.unwrap_or_default())),
            Self::Literal(text) => text.as_bytes(),
            Self::Body => request.body,
            Self::Url => request.url.as_bytes(),
            Self::Path => sent.path().as_bytes(),
            Self::Method => request.method.as_str().as_bytes(),
            Self::Query => request.query.as_bytes(),
            Self::Timestamp => timestamp,
            Self::Param(name) => param(keys, name)?.as_bytes(),
        };
        Ok(Piece::Known(Cow::Borrowed(known)))
    }
}

/// A parameter of the hook.
pub(super) fn param<'k>(keys: &'k HookKeys, name: &str) -> Result<&'k str, VerifyError> {
    let unset = || refusal("bad_signature", format!("the hook has no parameter {name}"));
    keys.params.get(name).map(String::as_str).ok_or_else(unset)
}

/// The name of the placeholder that was opened, if it is one: braces of JSON are not.
fn placeholder(behind: &str) -> Option<&str> {
    let name = &behind[..behind.find('}')?];
    let plain = |c: char| !c.is_whitespace() && !matches!(c, '{' | '"' | '\'' | ',');
    (name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(plain)).then_some(name)
}
