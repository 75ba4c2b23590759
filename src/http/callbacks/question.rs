//! Which callbacks a query asks for, and how many of them.

use axum::extract::FromRequestParts;
use http::request::Parts;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::callback::{CallbackState, KINDS, is_kind};
use crate::domain::{AppId, EpochMs};
use crate::http::AppState;
use crate::http::cursor::Walk;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::store::CallbackFilter;

/// A question about callbacks.
pub struct Asked {
    pub(super) filter: CallbackFilter,
    /// Callbacks of one page.
    pub(super) limit: u32,
    query: Query,
}

/// A kind of callbacks, as the document describes it.
pub(super) struct KindWord;

/// A moment as it is given, as the document describes it.
pub(super) struct GivenTime;

impl PartialSchema for KindWord {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(KINDS)).into()
    }
}

impl PartialSchema for GivenTime {
    fn schema() -> RefOr<Schema> {
        RefOr::Ref(Ref::from_schema_name("Time"))
    }
}

impl ToSchema for KindWord {}
impl ToSchema for GivenTime {}

/// What may be asked.
const KNOWN: [&str; 8] = ["alert", "target", "state", "kind", "since", "until", "limit", "cursor"];

impl Asked {
    /// The walk through the pages of this question.
    pub(super) fn walk(&self, app: AppId) -> Walk<'_> {
        Walk::new(app, "callbacks", &self.query)
    }

    fn read(raw: Option<&str>) -> Result<Self, Problem> {
        let query = Query::read(raw, &KNOWN)?;
        let kind = query.text("kind").map(str::to_owned);
        if kind.as_ref().is_some_and(|kind| !is_kind(kind)) {
            return Err(Problem::bad_request("unknown_callback_kind", "kind is no kind of callbacks"));
        }
        let (since, until) = query.period()?;
        let states = CallbackState::ALL.map(CallbackState::as_str);
        let filter = CallbackFilter {
            alert: query.id("alert")?,
            target: query.id("target")?,
            state: query.word("state", CallbackState::parse, &states)?,
            kind,
            since,
            until,
        };
        // A page may carry 200 times 2 KiB of `ext`, and the data beside it.
        let limit = query.page_size(0)?.rows;
        Ok(Self { filter, limit, query })
    }
}

impl FromRequestParts<AppState> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &AppState) -> Result<Self, Problem> {
        Self::read(parts.uri.query())
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

#[cfg(test)]
mod tests {
    use super::Asked;
    use crate::domain::EpochMs;
    use crate::domain::callback::CallbackState;

    fn asked(query: &str) -> Result<Asked, String> {
        Asked::read(Some(query)).map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn what_is_not_asked_for_is_not_filtered() {
        let all = asked("cursor=").unwrap();
        assert_eq!((all.limit, all.filter.state, all.filter.kind), (50, None, None));
        let some = asked("state=dead&limit=200&since=1772339405").unwrap();
        assert_eq!((some.limit, some.filter.state), (200, Some(CallbackState::Dead)));
        assert_eq!(some.filter.since, Some(EpochMs(1_772_339_405_000)));
    }

    #[test]
    fn what_is_not_as_described_is_refused_by_name() {
        for (query, error) in [
            ("limit=0", "out_of_range"),
            ("limit=201", "out_of_range"),
            ("limit=-1", "out_of_range"),
            ("limit=99999999999", "out_of_range"),
            ("limit=many", "out_of_range"),
            ("limit=7&limit=8", "bad_query"),
            ("stat=dead", "bad_query"),
            ("state=DEAD", "unknown_value"),
            ("state=gone", "unknown_value"),
            ("alert=alr_1", "bad_id"),
            ("target=url:1", "bad_id"),
            ("since=yesterday", "bad_time"),
            ("until=2026-03-01T04:30:05", "bad_time"),
            ("kind=delivery.*", "unknown_callback_kind"),
            ("kind=chat.message", "unknown_callback_kind"),
            ("since=2026-03-01T12:00:00Z&until=2026-03-01T12:00:00Z", "bad_period"),
        ] {
            let problem = asked(query).err().unwrap();
            assert!(problem.contains(error), "{query}: {problem}");
        }
    }
}
