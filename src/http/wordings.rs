//! What templates and lexicons have in common: for whose orders they are, their versions, and how one is saved.

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;

use super::AppState;
use super::problem::Problem;
use crate::intake::{InputError, Reader};
use crate::speech::Lang;
use crate::store::Saved;

/// Longest id or name of a merchant, in characters.
const MERCHANT_CHARS_MAX: usize = 128;

/// Which wording a query asks for.
pub struct Asked {
    lang: Option<Lang>,
    /// The merchant; `None` for the one for all.
    pub merchant: Option<String>,
}

/// Which wording a body is about, and what its sender knows of it.
pub(super) struct Named {
    pub(super) lang: Lang,
    pub(super) merchant: Option<String>,
    pub(super) if_version: Option<u32>,
}

impl Asked {
    /// The language; that of the app if none is asked for.
    #[must_use]
    pub fn lang(&self, app: Lang) -> Lang {
        self.lang.unwrap_or(app)
    }
}

impl FromRequestParts<AppState> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &AppState) -> Result<Self, Problem> {
        let wrong = |what: &str| Problem::bad_request("bad_query", what);
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let Query(pairs) = pairs.map_err(|_| wrong("the query is not UTF-8, percent-encoded"))?;
        // The last of a name counts.
        let value = |name: &str| pairs.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value);
        let lang =
            value("lang").map(|tag| Lang::parse(tag).ok_or_else(|| wrong("lang is none of zh-CN, yue, en")));
        let merchant = value("merchant").filter(|merchant| !merchant.is_empty());
        if merchant.is_some_and(|merchant| merchant.chars().count() > MERCHANT_CHARS_MAX) {
            return Err(wrong("merchant is longer than 128 characters"));
        }
        Ok(Self { lang: lang.transpose()?, merchant: merchant.cloned() })
    }
}

impl Named {
    pub(super) fn read(body: &Reader<'_>) -> Result<Self, InputError> {
        let lang = body.word("lang", Lang::parse, "zh-CN, yue, en")?.ok_or_else(|| body.missing("lang"))?;
        let if_version = body.integer("if_version", 0, i64::from(u32::MAX))?;
        Ok(Self {
            lang,
            merchant: read_merchant(body)?,
            if_version: if_version.and_then(|version| u32::try_from(version).ok()),
        })
    }
}

/// The merchant of a body, by id or by name.
pub(super) fn read_merchant(body: &Reader<'_>) -> Result<Option<String>, InputError> {
    let merchant = body.text("merchant", MERCHANT_CHARS_MAX)?;
    if merchant.as_ref().is_some_and(|merchant| merchant.trim().is_empty()) {
        return Err(body.error("merchant", "bad_value", "is empty; leave it out for all merchants"));
    }
    Ok(merchant)
}

/// The version that was to be restored.
pub(super) fn read_version(body: &Reader<'_>) -> Result<u32, InputError> {
    let version = body.integer("version", 1, i64::from(u32::MAX))?;
    version.and_then(|version| u32::try_from(version).ok()).ok_or_else(|| body.missing("version"))
}

/// The version as which it was saved.
pub(super) fn saved_as(saved: Saved) -> Result<u32, Problem> {
    match saved {
        Saved::As(version) => Ok(version),
        Saved::Conflict(newest) => {
            let detail = format!("the newest version is {newest}: look at it, and save on top of it");
            Err(Problem::conflict("version_conflict", &detail))
        }
        Saved::Full => {
            let detail = "the app has as many of these for its merchants as it may";
            Err(Problem::at("too_many", "/merchant", detail))
        }
    }
}
