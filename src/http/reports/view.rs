//! Reports as they are shown.
//! A member that rows are not told apart by is not in them.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Zone;
use crate::dispatch::{MissReport, ObjectiveReport};
use crate::domain::RiderId;
use crate::domain::delivery::EndReason;
use crate::domain::report::{Cell, MissRow, Score};
use crate::http::moment::Moment;
use crate::store::Span;

/// Who missed what, counted.
#[derive(Serialize, ToSchema)]
#[schema(as = MissReport)]
pub struct MissReportView {
    /// The first moment it is about.
    since: Moment,
    /// The first moment after it.
    until: Moment,
    /// All deliveries of this time, by what became of them.
    totals: MissTotalsView,
    /// Rows with a miss, in the order of their members.
    rows: Vec<MissRowView>,
}

/// All deliveries of a report.
#[derive(Serialize, ToSchema)]
#[schema(as = MissTotals)]
pub struct MissTotalsView {
    deliveries: u64,
    /// Not ended yet.
    open: u64,
    /// Heard as far as they needed to be.
    heard: u64,
    /// Not heard, or not answered, by whoever should have.
    missed: u64,
    /// Kept from the rider: off duty, over the cap, quiet hours.
    held_back: u64,
    /// Nothing left to hear: cancelled, taken, superseded …
    void: u64,
}

/// Misses of one sort.
#[derive(Serialize, ToSchema)]
#[schema(as = MissRow)]
pub struct MissRowView {
    #[serde(flatten)]
    of: CellView,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<EndReason>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    misses: u64,
    /// Of how many deliveries here, whatever became of them.
    deliveries: u64,
}

/// What a row is about.
#[derive(Serialize, ToSchema)]
#[schema(as = ReportCell)]
pub struct CellView {
    /// A group; empty for riders who are in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    station: Option<String>,
    /// When the hour began, by your own clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    hour: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rider: Option<RiderId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
}

/// Deliveries measured by an objective.
#[derive(Serialize, ToSchema)]
#[schema(as = ObjectiveReport)]
pub struct ObjectiveView {
    /// The first moment it is about.
    since: Moment,
    /// The first moment after it.
    until: Moment,
    /// From the event to the ear.
    within_ms: u32,
    /// Of a thousand so many should be.
    target_permille: u32,
    /// Of all.
    total: ScoreView,
    /// In the order of their members.
    rows: Vec<ScoreRow>,
}

/// The score of one row.
#[derive(Serialize, ToSchema)]
pub struct ScoreRow {
    #[serde(flatten)]
    of: CellView,
    #[serde(flatten)]
    score: ScoreView,
}

/// How deliveries stand to the objective.
#[derive(Serialize, ToSchema)]
#[schema(as = Score)]
pub struct ScoreView {
    /// How many count.
    counted: u64,
    /// Of them heard in time.
    in_time: u64,
    /// Of a thousand that count, rounded down; `null` if none counts.
    share_permille: Option<u64>,
    /// Whether the target is met; `null` if none counts.
    met: Option<bool>,
    /// Why the others were not: `late` (heard, but later), `waiting` (not heard so far), or why they ended.
    rest: BTreeMap<&'static str, u64>,
    /// Not counted: `running` (the time is not over), or why they ended before it was.
    left_out: BTreeMap<&'static str, u64>,
}

impl MissReportView {
    pub(super) fn of(span: Span, report: MissReport, zone: &Zone) -> Self {
        let totals = report.totals;
        Self {
            since: span.since.into(),
            until: span.until.into(),
            totals: MissTotalsView {
                deliveries: totals.deliveries,
                open: totals.open,
                heard: totals.heard,
                missed: totals.missed,
                held_back: totals.held_back,
                void: totals.void,
            },
            rows: report.rows.into_iter().map(|row| MissRowView::of(row, zone)).collect(),
        }
    }
}

impl MissRowView {
    fn of(row: MissRow, zone: &Zone) -> Self {
        Self {
            of: CellView::of(row.cell, zone),
            reason: row.reason,
            why: row.reason.map(EndReason::why),
            misses: row.misses,
            deliveries: row.deliveries,
        }
    }
}

impl CellView {
    fn of(cell: Cell, zone: &Zone) -> Self {
        let Cell { station, hour, rider, kind } = cell;
        Self { station, hour: hour.map(|hour| zone.written(hour)), rider, kind }
    }
}

impl ObjectiveView {
    pub(super) fn of(span: Span, report: ObjectiveReport, zone: &Zone) -> Self {
        let target = report.objective.target_permille;
        let rows = report.rows.into_iter().map(|(cell, score)| ScoreRow {
            of: CellView::of(cell, zone),
            score: ScoreView::of(score, target),
        });
        Self {
            since: span.since.into(),
            until: span.until.into(),
            within_ms: report.objective.within_ms,
            target_permille: target,
            rows: rows.collect(),
            total: ScoreView::of(report.total, target),
        }
    }
}

impl ScoreView {
    fn of(score: Score, target_permille: u32) -> Self {
        Self {
            counted: score.counted(),
            in_time: score.in_time,
            share_permille: score.share_permille(),
            met: score.meets(target_permille),
            rest: score.rest,
            left_out: score.left_out,
        }
    }
}
