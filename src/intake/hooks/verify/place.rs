//! Where a signature, a token or a time stands in a request: `header.X`, `query.X` or `body.X`.
//! A value that is there twice is nobody's: which of the two counts would be a guess.

use std::borrow::Cow;

use http::HeaderName;

use super::section::Section;
use super::sent::Sent;
use crate::intake::hooks::{ProfileError, VerifyError};

/// A place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// A header.
    Header(HeaderName),
    /// A parameter of the query.
    Query(String),
    /// A member of the body; of one inside another, both names with a dot between them.
    Body(String),
}

/// Longest name of a parameter, in bytes.
const NAME_BYTES_MAX: usize = 128;

impl Place {
    /// The place that this member names; it must be there.
    pub(super) fn read(section: &Section<'_>, member: &str) -> Result<Self, ProfileError> {
        let text = section.required(member)?;
        Self::parse(text).ok_or_else(|| {
            section.error(member, "bad_value", "is no place: write header.NAME, query.NAME or body.NAME")
        })
    }

    /// The place with this text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once('.')?;
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return None;
        }
        match kind {
            "header" => HeaderName::from_bytes(name.as_bytes()).ok().map(Self::Header),
            "query" => Some(Self::Query(name.to_owned())),
            "body" => Some(Self::Body(name.to_owned())),
            _ => None,
        }
    }

    /// All that stands there: of a header every line.
    pub(super) fn values<'a>(&self, sent: &'a Sent<'_>) -> Result<Vec<Cow<'a, [u8]>>, VerifyError> {
        match self {
            Self::Header(name) => {
                let lines = sent.request().headers.get_all(name).iter();
                Ok(lines.map(|line| Cow::Borrowed(line.as_bytes())).collect())
            }
            Self::Query(name) => Ok(sent.query()?.named(name.as_bytes())),
            Self::Body(name) => sent.body_values(name),
        }
    }

    /// What stands there once; `None` if nothing does.
    pub(super) fn value<'a>(&self, sent: &'a Sent<'_>) -> Result<Option<Cow<'a, [u8]>>, VerifyError> {
        let mut values = self.values(sent)?;
        match values.len() {
            0 | 1 => Ok(values.pop()),
            _ => Err(super::refusal("ambiguous", format!("{self} is there twice"))),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header.{name}"),
            Self::Query(name) => write!(f, "query.{name}"),
            Self::Body(name) => write!(f, "body.{name}"),
        }
    }
}
