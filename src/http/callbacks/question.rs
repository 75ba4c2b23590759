//! Which callbacks a query asks for, and how many of them.

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;

use super::cursor;
use crate::domain::callback::{CallbackState, is_kind};
use crate::domain::{AppId, EpochMs};
use crate::http::AppState;
use crate::http::problem::Problem;
use crate::store::CallbackFilter;

/// A question about callbacks.
pub struct Asked {
    pub(super) filter: CallbackFilter,
    /// Callbacks of one page, 1 to [`LIMIT_MAX`].
    pub(super) limit: u32,
    cursor: Option<String>,
}

/// Callbacks of one page unless asked for others.
const LIMIT: u32 = 50;
/// And at most: each may carry 2 KiB of `ext`, and its data.
const LIMIT_MAX: u32 = 200;

impl Asked {
    /// The number before which the page begins.
    pub(super) fn before(&self, app: AppId) -> Result<Option<i64>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let number = cursor::read(app, &self.filter, cursor);
        let wrong = || Problem::bad_request("bad_cursor", "cursor continues no such question; begin anew");
        number.map(Some).ok_or_else(wrong)
    }

    fn read(pairs: &[(String, String)]) -> Result<Self, Problem> {
        // The last of a name counts, and an empty value is none.
        let value = |name: &str| {
            let found = pairs.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
            found.filter(|value| !value.is_empty())
        };
        let kind = value("kind").map(str::to_owned);
        if kind.as_ref().is_some_and(|kind| !is_kind(kind)) {
            return Err(Problem::bad_request("unknown_callback_kind", "kind is no kind of callbacks"));
        }
        let state = value("state").map(|word| CallbackState::parse(word).ok_or_else(|| wrong("state")));
        let filter = CallbackFilter {
            alert: value("alert").map(|id| id.parse().map_err(|_| wrong("alert"))).transpose()?,
            target: value("target").map(|id| id.parse().map_err(|_| wrong("target"))).transpose()?,
            state: state.transpose()?,
            kind,
            since: value("since").map(|text| moment(text).ok_or_else(|| wrong("since"))).transpose()?,
            until: value("until").map(|text| moment(text).ok_or_else(|| wrong("until"))).transpose()?,
        };
        in_order(filter.since, filter.until)?;
        let limit = value("limit").map(|text| text.parse().map_err(|_| wrong("limit"))).transpose()?;
        let limit = limit.unwrap_or(LIMIT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Problem::bad_request("out_of_range", "limit is 1 to 200"));
        }
        Ok(Self { filter, limit, cursor: value("cursor").map(str::to_owned) })
    }
}

impl FromRequestParts<AppState> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &AppState) -> Result<Self, Problem> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let not_text = |_| Problem::bad_request("bad_query", "the query is not UTF-8, percent-encoded");
        let Query(pairs) = pairs.map_err(not_text)?;
        Self::read(&pairs)
    }
}

/// That a period does not end before it begins.
pub(super) fn in_order(since: Option<EpochMs>, until: Option<EpochMs>) -> Result<(), Problem> {
    match (since, until) {
        (Some(since), Some(until)) if since >= until => {
            Err(Problem::bad_request("bad_period", "until is not after since"))
        }
        _ => Ok(()),
    }
}

/// A moment as bodies write it; a `+` of an offset that was not encoded has become a space.
fn moment(text: &str) -> Option<EpochMs> {
    match text.parse::<i64>() {
        Ok(number) => EpochMs::from_number(number),
        Err(_) => EpochMs::from_rfc3339(&text.replace(' ', "+")),
    }
}

fn wrong(name: &str) -> Problem {
    Problem::bad_request("bad_query", &format!("{name} is not as described"))
}

#[cfg(test)]
mod tests {
    use super::{Asked, moment};
    use crate::domain::EpochMs;
    use crate::domain::callback::CallbackState;

    fn asked(query: &[(&str, &str)]) -> Result<Asked, String> {
        let pairs: Vec<_> =
            query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Asked::read(&pairs).map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn what_is_not_asked_for_is_not_filtered() {
        let all = asked(&[("kind", ""), ("unknown", "x")]).unwrap();
        assert_eq!((all.limit, all.cursor, all.filter.kind), (50, None, None));
        let some = asked(&[("state", "dead"), ("limit", "7"), ("limit", "200"), ("since", "1772339405")]);
        let some = some.unwrap();
        assert_eq!((some.limit, some.filter.state), (200, Some(CallbackState::Dead)));
        assert_eq!(some.filter.since, Some(EpochMs(1_772_339_405_000)));
    }

    #[test]
    fn what_is_not_as_described_is_refused_by_name() {
        for (name, value, error) in [
            ("limit", "0", "out_of_range"),
            ("limit", "201", "out_of_range"),
            ("limit", "-1", "bad_query"),
            ("limit", "99999999999", "bad_query"),
            ("limit", "many", "bad_query"),
            ("state", "DEAD", "bad_query"),
            ("state", "gone", "bad_query"),
            ("alert", "alr_1", "bad_query"),
            ("target", "url:1", "bad_query"),
            ("since", "yesterday", "bad_query"),
            ("until", "2026-03-01T04:30:05", "bad_query"),
            ("kind", "delivery.*", "unknown_callback_kind"),
            ("kind", "chat.message", "unknown_callback_kind"),
        ] {
            let problem = asked(&[(name, value)]).err().unwrap();
            assert!(problem.contains(error), "{name}={value}: {problem}");
        }
        let inverted = asked(&[("since", "2026-03-01T12:00:00Z"), ("until", "2026-03-01T12:00:00Z")]);
        assert!(inverted.err().unwrap().contains("bad_period"));
    }

    #[test]
    fn an_offset_whose_plus_was_not_encoded_is_understood() {
        assert_eq!(moment("2026-03-01T12:30:05 08:00"), moment("2026-03-01T04:30:05Z"));
    }
}
