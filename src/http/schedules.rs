//! Recurring events of an app: which there are, and ending one.
//! They are made by `POST /v1/events` with `recur`.

use axum::extract::State;
use serde_json::{Value, json};

use super::AppState;
use super::auth::{MayIngest, MayRead};
use super::path::Path;
use super::problem::{Answer, Problem, Success};
use crate::domain::ScheduleId;
use crate::store::Schedule;

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
    responses((status = 200, description = "Done")),
)]
pub async fn list(State(state): State<AppState>, MayRead(caller): MayRead) -> Answer<Value> {
    let schedules = state.dispatch.schedules(caller.app_id()).await?;
    Ok(Success(json!({"schedules": schedules.iter().map(view).collect::<Vec<_>>()})))
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
    params(("id" = String, Path, description = "The recurring event")),
    responses((status = 200, description = "Done")),
    extensions(("x-errors" = json!(["not_found"]))),
)]
pub async fn delete(
    State(state): State<AppState>,
    MayIngest(caller): MayIngest,
    Path(id): Path<String>,
) -> Answer<Value> {
    let id: ScheduleId = id.parse().map_err(|_| Problem::not_found("schedule"))?;
    let ended = state.dispatch.end_schedule(caller.app_id(), caller.mode(), id).await?;
    if ended { Ok(Success(json!({"ended": true}))) } else { Err(Problem::not_found("schedule")) }
}

fn view(schedule: &Schedule) -> Value {
    let recurrence: Value = serde_json::from_str(&schedule.recurrence).unwrap_or_default();
    let mut view = json!({
        "schedule_id": schedule.id,
        "event_id": schedule.event_id,
        "recur": recurrence,
        "next_at": schedule.next_at.map(|at| at.to_string()),
        "fired": schedule.fired,
        "created_at": schedule.created_at.to_string(),
    });
    if schedule.key_mode.is_test() {
        view["test"] = json!(true);
    }
    view
}
