//! `GET /v1/misses`: misses one by one, the newest first, page by page or as a file.
//! What counts as one is said with the report.

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::auth::{Caller, MayRead};
use super::csv::{Bom, Csv, CsvFile};
use super::cursor::{Place, Walk};
use super::moment::Moment;
use super::problem::{Envelope, Problem, Success};
use super::query::Query;
use super::reports::{Format, SCOPE, file_name, read_format, read_scope};
use crate::dispatch::Miss;
use crate::domain::app::KeyMode;
use crate::domain::delivery::EndReason;
use crate::domain::{AlertId, DeliveryId, EpochMs, GroupId, Need, OrderId, RiderId};
use crate::store::{DeliveryPlace, PageSize};

/// A page of misses.
#[derive(Serialize, ToSchema)]
pub struct MissList {
    /// The first moment it is about.
    since: Moment,
    /// The newest first. May be fewer than asked for, even none, while `next` is there.
    misses: Vec<MissView>,
    /// The cursor of the next page; `null` if this is the last one.
    next: Option<String>,
}

/// One miss.
#[derive(Serialize, ToSchema)]
#[schema(as = Miss)]
pub struct MissView {
    /// From when on it might have been heard.
    at: Moment,
    rider: RiderId,
    /// The rider's groups, as they are now.
    stations: Vec<GroupId>,
    kind: String,
    order_id: Option<OrderId>,
    need: Need,
    /// Why.
    reason: EndReason,
    /// The same in words.
    why: &'static str,
    /// The last trouble the client told, such as `failed:network`.
    trouble: Option<String>,
    /// First written to a socket.
    sent_at: Option<Moment>,
    /// First acknowledged by a client.
    received_at: Option<Moment>,
    /// First sounded to its end.
    played_at: Option<Moment>,
    ended_at: Option<Moment>,
    alert_id: AlertId,
    delivery_id: DeliveryId,
}

/// Columns of the file.
const COLUMNS: [&str; 15] = [
    "at",
    "rider",
    "stations",
    "kind",
    "order_id",
    "need",
    "reason",
    "why",
    "trouble",
    "sent_at",
    "received_at",
    "played_at",
    "ended_at",
    "alert_id",
    "delivery_id",
];

/// Where a page ends, and since when the list goes on: without `since` it would begin later with every page.
struct MissPlace {
    since: EpochMs,
    after: DeliveryPlace,
}

impl Place for MissPlace {
    fn write(&self) -> String {
        format!("{} {}", self.since.0, self.after.write())
    }

    fn read(text: &str) -> Option<Self> {
        let (since, after) = text.split_once(' ')?;
        Some(Self { since: EpochMs(since.parse().ok()?), after: DeliveryPlace::read(after)? })
    }
}

/// List who missed what, one by one.
///
/// The newest alert first, as JSON, or as CSV for a spreadsheet. A CSV holds up to 10,000 rows; where there is more, the header `Link` names the
/// next file. Without `since` and `until` it is about the last 24 hours; by when events came in.
///
/// # Errors
/// 400, 401, 403, 404 for a station that there is not, 503.
#[utoipa::path(
    get,
    path = "/v1/misses",
    operation_id = "listMisses",
    tag = "Reports",
    security(("apiKey" = ["read"])),
    params(
        ("since" = Option<String>, Query, description = "Came in at or after this moment: RFC 3339, epoch seconds or milliseconds"),
        ("until" = Option<String>, Query, description = "Came in before this moment; at most 31 days later"),
        ("station" = Option<GroupId>, Query, description = "Of the riders of this group alone"),
        ("rider" = Option<RiderId>, Query, description = "Of this rider alone"),
        ("kind" = Option<String>, Query, description = "Of this kind alone"),
        ("reason" = Option<EndReason>, Query, description = "For this reason alone"),
        ("mode" = Option<KeyMode>, Query, description = "`test` for what test keys have said instead of what live ones have"),
        ("limit" = Option<u32>, Query, description = "How many at most; 50 unless said otherwise, and all that a file holds of CSV", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before, with the same parameters otherwise"),
        ("format" = Option<String>, Query, description = "`json` or `csv`", pattern = "^(json|csv)?$"),
        ("bom" = Option<String>, Query, description = "1: the CSV begins with a byte order mark, for Excel", pattern = "^[01]?$"),
    ),
    responses((
        status = 200,
        description = "Done",
        content((Envelope<MissList> = "application/json"), (String = "text/csv")),
        headers(
            ("Content-Disposition" = Option<String>, description = "A name for the file, of CSV"),
            ("Link" = Option<String>, description = "Of CSV: the query of the next file, `rel=\"next\"`")
        )
    )),
    extensions(("x-errors" = json!([
        "bad_query", "bad_id", "bad_time", "bad_period", "bad_cursor", "too_wide", "out_of_range", "unknown_value",
        "unknown_kind", "not_found"
    ]))),
)]
pub async fn list(
    State(state): State<AppState>,
    MayRead(caller): MayRead,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let known: Vec<&str> = SCOPE.into_iter().chain(["reason", "limit", "cursor", "format", "bom"]).collect();
    let query = Query::read(query.as_deref(), &known)?;
    let walk = Walk::new(caller.app_id(), "misses", &query);
    let place: Option<MissPlace> = walk.place()?;
    let scope = read_scope(&state, &query, place.as_ref().map(|place| place.since))?;
    let reason = query.word("reason", EndReason::parse, &EndReason::ALL.map(EndReason::as_str))?;
    let format = read_format(&query)?;
    let size = page_size(&state, &query, format)?;
    let after = place.map(|place| place.after);
    let page = state.dispatch.misses(&caller.app, &scope, reason, after, size).await?;
    let since = scope.span.since;
    let next = page.next.map(|after| walk.cursor(&MissPlace { since, after }));
    Ok(match format {
        Format::Json => {
            let misses = page.rows.into_iter().map(MissView::of).collect();
            Success(MissList { since: since.into(), misses, next }).into_response()
        }
        Format::Csv(bom) => {
            let asked = query.without(&["cursor"]).map(|(name, value)| format!("{name}={}", encoded(value)));
            let asked: Vec<String> = asked.collect();
            let next = next.map(|next| format!("{}&cursor={next}", asked.join("&")));
            let csv = written(page.rows, bom, &caller);
            CsvFile { csv, name: file_name("missed", &caller, &scope), next }.into_response()
        }
    })
}

/// A page has its usual size, a file as many rows as one may have.
fn page_size(state: &AppState, query: &Query, format: Format) -> Result<PageSize, Problem> {
    let limits = &state.dispatch.limits().reports;
    let size = query.page_size(limits.page_looks)?;
    Ok(match format {
        Format::Csv(_) if query.text("limit").is_none() => {
            PageSize { rows: limits.rows_max, looks: limits.deliveries_max.max(limits.rows_max) }
        }
        Format::Csv(_) | Format::Json => size,
    })
}

impl MissView {
    fn of(miss: Miss) -> Self {
        let Miss { outcome, reason, stations } = miss;
        Self {
            at: outcome.asked_at().into(),
            rider: outcome.rider,
            stations,
            kind: outcome.kind,
            order_id: outcome.order_id,
            need: outcome.need,
            reason,
            why: reason.why(),
            trouble: outcome.trouble,
            sent_at: outcome.sent_at.map(Moment),
            received_at: outcome.received_at.map(Moment),
            played_at: outcome.played_at.map(Moment),
            ended_at: outcome.ended_at.map(Moment),
            alert_id: outcome.alert,
            delivery_id: outcome.delivery,
        }
    }
}

/// A line for each miss; times by the app's own clock.
fn written(misses: Vec<Miss>, bom: Bom, caller: &Caller) -> Csv {
    let mut csv = Csv::new(&COLUMNS, bom);
    let time = |at: EpochMs| caller.app.zone.written(at);
    let or_empty = |at: Option<EpochMs>| at.map(time).unwrap_or_default();
    for Miss { outcome, reason, stations } in misses {
        let stations: Vec<&str> = stations.iter().map(GroupId::as_str).collect();
        csv.row([
            time(outcome.asked_at()),
            outcome.rider.to_string(),
            stations.join(" "),
            outcome.kind.clone(),
            outcome.order_id.as_ref().map(ToString::to_string).unwrap_or_default(),
            outcome.need.as_str().to_owned(),
            reason.as_str().to_owned(),
            reason.why().to_owned(),
            outcome.trouble.clone().unwrap_or_default(),
            or_empty(outcome.sent_at),
            or_empty(outcome.received_at),
            or_empty(outcome.played_at),
            or_empty(outcome.ended_at),
            outcome.alert.to_string(),
            outcome.delivery.to_string(),
        ]);
    }
    csv
}

/// Percent-encoding of everything that is not plain.
fn encoded(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:,".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}
