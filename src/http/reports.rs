//! Reports: who missed what and why, counted; and how many deliveries were heard in time.
//! Each is about a bounded time and looks at a bounded number of deliveries; what is more is refused, never cut off.

pub mod view;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};

use super::AppState;
use super::auth::{Caller, MayRead};
use super::csv::{Bom, Csv, CsvFile};
use super::problem::{Answer, Envelope, Problem, Success};
use super::query::Query;
use crate::dispatch::{MissReport, ReportScope};
use crate::domain::app::KeyMode;
use crate::domain::delivery::EndReason;
use crate::domain::report::{Cell, Dimension, Grouping};
use crate::domain::{EpochMs, GroupId, RiderId};
use crate::store::Span;
use view::{MissReportView, ObjectiveView};

/// What a report is about unless it says: the last day.
const DAY_MS: i64 = 86_400_000;
/// What every report takes.
pub(super) const SCOPE: [&str; 6] = ["since", "until", "rider", "station", "kind", "mode"];
/// By what the objective is told apart: whoever was not in time has no one reason.
const SCORED_BY: [Dimension; 4] = [Dimension::Station, Dimension::Hour, Dimension::Rider, Dimension::Kind];

/// How a report is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Format {
    Json,
    Csv(Bom),
}

/// Count who missed what, and why.
///
/// A miss is a delivery that ended without being heard or answered by whoever should have, or that was kept from the rider by
/// duty, the cap or quiet hours. What became void (cancelled, taken, superseded …) is none. Rows are told apart `by` station (the rider's groups
/// as they are now; a rider in two counts in each), hour (of your own clock), rider, kind and reason. Without `since` and
/// `until` it is about the last 24 hours; by when events came in.
///
/// # Errors
/// 400, 401, 403, 404 for a station that there is not, 503.
#[utoipa::path(
    get,
    path = "/v1/reports/misses",
    operation_id = "reportMisses",
    tag = "Reports",
    security(("apiKey" = ["read"])),
    params(
        ("by" = Option<String>, Query, description = "`station`, `hour`, `rider`, `kind` and `reason`, with commas between them; `reason` unless said otherwise", pattern = "^((station|hour|rider|kind|reason)(,(station|hour|rider|kind|reason)){0,4})$"),
        ("since" = Option<String>, Query, description = "Came in at or after this moment: RFC 3339, epoch seconds or milliseconds"),
        ("until" = Option<String>, Query, description = "Came in before this moment; at most 31 days later"),
        ("station" = Option<GroupId>, Query, description = "Of the riders of this group alone"),
        ("rider" = Option<RiderId>, Query, description = "Of this rider alone"),
        ("kind" = Option<String>, Query, description = "Of this kind alone"),
        ("mode" = Option<KeyMode>, Query, description = "`test` for what test keys have said instead of what live ones have"),
        ("format" = Option<String>, Query, description = "`json` or `csv`", pattern = "^(json|csv)?$"),
        ("bom" = Option<String>, Query, description = "1: the CSV begins with a byte order mark, for Excel", pattern = "^[01]$"),
    ),
    responses((
        status = 200,
        description = "Done",
        content((Envelope<MissReportView> = "application/json"), (String = "text/csv")),
        headers(("Content-Disposition" = Option<String>, description = "A name for the file, of CSV"))
    )),
    extensions(("x-errors" = json!([
        "bad_query", "bad_id", "bad_time", "bad_period", "too_wide", "unknown_value", "unknown_kind", "not_found"
    ]))),
)]
pub async fn misses(
    State(state): State<AppState>,
    MayRead(caller): MayRead,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let known: Vec<&str> = SCOPE.into_iter().chain(["by", "format", "bom"]).collect();
    let query = Query::read(query.as_deref(), &known)?;
    let scope = read_scope(&state, &query, None)?;
    let grouping = read_grouping(&query, &Dimension::ALL, "reason")?;
    let format = read_format(&query)?;
    let report = state.dispatch.miss_report(&caller.app, &scope, grouping.clone()).await?;
    Ok(match format {
        Format::Json => Success(MissReportView::of(scope.span, report, &caller.app.zone)).into_response(),
        Format::Csv(bom) => {
            let name = file_name("misses", &caller, &scope);
            let csv = written(report, &grouping, bom, &caller);
            CsvFile { csv, name, next: None }.into_response()
        }
    })
}

/// Measure deliveries by your objective.
///
/// How many of all deliveries were heard within the time that you have set (`objective` of your settings), with the reasons of the rest.
/// The time runs from the event, or from `deliver_at`, to the first sound or an answer; for an offer that a ladder brought to
/// another rider, from when they got it. What was held back, or void before the time was over, is left out and told apart.
///
/// # Errors
/// 400, 401, 403, 404 for a station that there is not, 503.
#[utoipa::path(
    get,
    path = "/v1/reports/objective",
    operation_id = "reportObjective",
    tag = "Reports",
    security(("apiKey" = ["read"])),
    params(
        ("by" = Option<String>, Query, description = "`station`, `hour`, `rider` and `kind`, with commas between them; `station` unless said otherwise", pattern = "^((station|hour|rider|kind)(,(station|hour|rider|kind)){0,3})$"),
        ("within_ms" = Option<u32>, Query, description = "Another time than that of your objective", minimum = 100, maximum = 3_600_000),
        ("since" = Option<String>, Query, description = "Came in at or after this moment: RFC 3339, epoch seconds or milliseconds"),
        ("until" = Option<String>, Query, description = "Came in before this moment; at most 31 days later"),
        ("station" = Option<GroupId>, Query, description = "Of the riders of this group alone"),
        ("rider" = Option<RiderId>, Query, description = "Of this rider alone"),
        ("kind" = Option<String>, Query, description = "Of this kind alone"),
        ("mode" = Option<KeyMode>, Query, description = "`test` for what test keys have said instead of what live ones have"),
    ),
    responses((status = 200, description = "Done", body = Envelope<ObjectiveView>)),
    extensions(("x-errors" = json!([
        "bad_query", "bad_id", "bad_time", "bad_period", "too_wide", "out_of_range", "unknown_value", "unknown_kind",
        "not_found"
    ]))),
)]
pub async fn objective(
    State(state): State<AppState>,
    MayRead(caller): MayRead,
    RawQuery(query): RawQuery,
) -> Answer<ObjectiveView> {
    let known: Vec<&str> = SCOPE.into_iter().chain(["by", "within_ms"]).collect();
    let query = Query::read(query.as_deref(), &known)?;
    let scope = read_scope(&state, &query, None)?;
    let grouping = read_grouping(&query, &SCORED_BY, "station")?;
    let within_ms = query.number("within_ms", 100, 3_600_000)?;
    let report = state.dispatch.objective_report(&caller.app, &scope, grouping, within_ms).await?;
    Ok(Success(ObjectiveView::of(scope.span, report, &caller.app.zone)))
}

/// What a report is about; `since` is what it goes on from, if it does.
pub(super) fn read_scope(
    state: &AppState,
    query: &Query,
    since: Option<EpochMs>,
) -> Result<ReportScope, Problem> {
    let now = state.dispatch.clock().now().wall;
    let span = query.span(|until| {
        // What has come in this very moment belongs to it.
        let until = until.unwrap_or(now.plus_ms(1));
        Span { since: since.unwrap_or(until.plus_ms(-DAY_MS)), until }
    })?;
    let most = state.dispatch.limits().reports.span_max_ms;
    if span.until.since_ms(span.since) > most {
        let days = most / DAY_MS;
        return Err(Problem::bad_request("too_wide", &format!("a report is about {days} days at most")));
    }
    let modes = [KeyMode::Live, KeyMode::Test].map(KeyMode::as_str);
    Ok(ReportScope {
        span,
        key_mode: query.word("mode", KeyMode::parse, &modes)?.unwrap_or(KeyMode::Live),
        rider: query.id("rider")?,
        station: query.id("station")?,
        kind: query.kind(state.dispatch.kinds())?,
    })
}

/// `format` and `bom`.
pub(super) fn read_format(query: &Query) -> Result<Format, Problem> {
    let flag = |word: &str| match word {
        "0" => Some(Bom::No),
        "1" => Some(Bom::Yes),
        _other => None,
    };
    let bom = query.word("bom", flag, &["0", "1"])?.unwrap_or(Bom::No);
    let format = |word: &str| match word {
        "json" => Some(Format::Json),
        "csv" => Some(Format::Csv(bom)),
        _other => None,
    };
    Ok(query.word("format", format, &["json", "csv"])?.unwrap_or(Format::Json))
}

/// The name of a report's file: what it is, and the day it begins.
pub(super) fn file_name(what: &str, caller: &Caller, scope: &ReportScope) -> String {
    let day = caller.app.zone.written(scope.span.since);
    format!("{what}-{}.csv", day.get(..10).unwrap_or("report"))
}

fn read_grouping(query: &Query, allowed: &[Dimension], otherwise: &str) -> Result<Grouping, Problem> {
    let words: Vec<&str> = allowed.iter().map(|dimension| dimension.as_str()).collect();
    let grouping = Grouping::parse(query.text("by").unwrap_or(otherwise), allowed);
    let detail = || format!("by is some of {}, each once, with commas between them", words.join(", "));
    grouping.ok_or_else(|| Problem::bad_request("unknown_value", &detail()))
}

/// The report as a table: a column for each way it is grouped by, then the counts.
fn written(report: MissReport, grouping: &Grouping, bom: Bom, caller: &Caller) -> Csv {
    let by = Dimension::ALL.into_iter().filter(|dimension| grouping.has(*dimension));
    let by: Vec<Dimension> = by.collect();
    let mut columns: Vec<&str> = by.iter().map(|dimension| dimension.as_str()).collect();
    columns.extend(grouping.has(Dimension::Reason).then_some("why"));
    columns.extend(["misses", "deliveries"]);
    let mut csv = Csv::new(&columns, bom);
    for row in report.rows {
        let Cell { station, hour, rider, kind } = row.cell;
        let reason = row.reason;
        let cells = [
            station,
            hour.map(|hour| caller.app.zone.written(hour)),
            rider.map(|rider| rider.to_string()),
            kind,
            reason.map(|reason| reason.as_str().to_owned()),
            reason.map(|reason: EndReason| reason.why().to_owned()),
        ];
        let counts = [row.misses.to_string(), row.deliveries.to_string()];
        csv.row(cells.into_iter().flatten().chain(counts));
    }
    csv
}
