//! Recurring events of an app: which there are, and ending one.
//! They are made by `POST /v1/events` with `recur`.

use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::AppState;
use super::auth::{MayIngest, MayRead};
use super::moment::Moment;
use super::path::Path;
use super::problem::{Answer, Envelope, Problem, Success};
use crate::domain::{EventId, ScheduleId};
use crate::store::Schedule;

/// Recurring events.
#[derive(Serialize, ToSchema)]
pub struct ScheduleList {
    schedules: Vec<ScheduleView>,
}

/// A recurring event.
#[derive(Serialize, ToSchema)]
pub struct ScheduleView {
    schedule_id: ScheduleId,
    event_id: EventId,
    /// As it was posted.
    #[schema(value_type = Object)]
    recur: Value,
    next_at: Option<Moment>,
    /// How often it came.
    fired: u64,
    created_at: Moment,
    /// It is a test's: test riders alone hear of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    test: bool,
}

/// A recurring event that comes no more.
#[derive(Serialize, ToSchema)]
pub struct ScheduleEnded {
    /// `true`.
    ended: bool,
}

/// List recurring events.
///
/// Those that have not ended, oldest first.
///
/// # Errors
/// 401, 403, 503.
#[utoipa::path(
    get,
    path = "/v1/schedules",
    operation_id = "listSchedules",
    tag = "Schedules",
    security(("apiKey" = ["read"])),
    responses((status = 200, description = "Done", body = Envelope<ScheduleList>)),
)]
pub async fn list(State(state): State<AppState>, MayRead(caller): MayRead) -> Answer<ScheduleList> {
    let schedules = state.dispatch.schedules(caller.app_id()).await?;
    Ok(Success(ScheduleList { schedules: schedules.into_iter().map(ScheduleView::of).collect() }))
}

/// End a recurring event.
///
/// It does not come again. What has come stays. A test key finds those of tests only.
///
/// # Errors
/// 401, 403, 404, 503.
#[utoipa::path(
    delete,
    path = "/v1/schedules/{id}",
    operation_id = "endSchedule",
    tag = "Schedules",
    security(("apiKey" = ["ingest"])),
    params(("id" = ScheduleId, Path, description = "The recurring event")),
    responses((status = 200, description = "Done", body = Envelope<ScheduleEnded>)),
    extensions(("x-errors" = json!(["not_found"]))),
)]
pub async fn delete(
    State(state): State<AppState>,
    MayIngest(caller): MayIngest,
    Path(id): Path<String>,
) -> Answer<ScheduleEnded> {
    let id: ScheduleId = id.parse().map_err(|_| Problem::not_found("schedule"))?;
    let ended = state.dispatch.end_schedule(caller.app_id(), caller.mode(), id).await?;
    if ended { Ok(Success(ScheduleEnded { ended: true })) } else { Err(Problem::not_found("schedule")) }
}

impl ScheduleView {
    fn of(schedule: Schedule) -> Self {
        Self {
            schedule_id: schedule.id,
            event_id: schedule.event_id,
            recur: serde_json::from_str(&schedule.recurrence).unwrap_or_default(),
            next_at: schedule.next_at.map(Moment),
            fired: schedule.fired,
            created_at: schedule.created_at.into(),
            test: schedule.key_mode.is_test(),
        }
    }
}
