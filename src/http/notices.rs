//! `GET /v1/notices`: what the desk must hear of, in the order it happened.
//! A reader keeps the number of the last one it has seen and asks for what came after.

use axum::extract::{RawQuery, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::auth::MayRead;
use super::moment::Moment;
use super::problem::{Answer, Envelope, Problem, Success};
use crate::domain::{AlertId, OrderId, RiderId};
use crate::store::NumberedNotice;

/// Notices.
#[derive(Serialize, ToSchema)]
pub struct NoticeList {
    notices: Vec<NoticeView>,
}

/// Something the desk must hear of.
#[derive(Serialize, ToSchema)]
pub struct NoticeView {
    /// Rises with every notice.
    number: i64,
    /// `alert.desk`, `alert.exhausted` or `rider.unresponsive`; more may come.
    kind: &'static str,
    alert_id: Option<AlertId>,
    order_id: Option<OrderId>,
    rider: Option<RiderId>,
    at: Moment,
    /// It is a test's: test riders alone hear of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    test: bool,
}

/// Notices of one answer unless asked for fewer, and at most.
const LIMIT_MAX: u32 = 200;

/// Hear what the desk must hear of.
///
/// In the order it happened. Keep the number of the last one you have seen and ask for what came after.
///
/// # Errors
/// 400, 401, 403, 503.
#[utoipa::path(
    get,
    path = "/v1/notices",
    operation_id = "listNotices",
    tag = "Notices",
    security(("apiKey" = ["read"])),
    params(
        ("after" = Option<i64>, Query, description = "Number of the last one seen"),
        ("limit" = Option<u32>, Query, description = "How many at most", minimum = 1, maximum = 200),
    ),
    responses((status = 200, description = "Done", body = Envelope<NoticeList>)),
    extensions(("x-errors" = json!(["bad_query", "out_of_range"]))),
)]
pub async fn list(
    State(state): State<AppState>,
    MayRead(caller): MayRead,
    RawQuery(query): RawQuery,
) -> Answer<NoticeList> {
    let query = query.unwrap_or_default();
    let after: i64 = number(&query, "after")?.unwrap_or(0);
    let limit: u32 = number(&query, "limit")?.unwrap_or(LIMIT_MAX);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::bad_request("out_of_range", "limit is 1 to 200"));
    }
    let notices = state.dispatch.store().notices(caller.app_id(), after, limit).await?;
    Ok(Success(NoticeList { notices: notices.into_iter().map(NoticeView::of).collect() }))
}

/// A number of the query; the last of that name counts.
pub(super) fn number<T: std::str::FromStr>(query: &str, name: &str) -> Result<Option<T>, Problem> {
    let wrong = || Problem::bad_request("bad_query", &format!("{name} is not a number in its bounds"));
    word(query, name).map(|text| text.parse().map_err(|_| wrong())).transpose()
}

/// A value of the query; the last of that name counts.
pub(super) fn word<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.rev().find(|(key, _)| *key == name).map(|(_, value)| value)
}

impl NoticeView {
    fn of(numbered: NumberedNotice) -> Self {
        let NumberedNotice { number, notice } = numbered;
        Self {
            number,
            kind: notice.kind.as_str(),
            alert_id: notice.alert,
            order_id: notice.order,
            rider: notice.rider,
            at: notice.at.into(),
            test: notice.key_mode.is_test(),
        }
    }
}
