//! Riders as backends manage them: describe, look, duty, token, test alert, erase.
//! A rider of another tenant is as unknown as one that never was.

pub mod file;
pub mod history;
pub mod view;
pub mod wechat;

use std::collections::HashMap;

use axum::extract::State;
use http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::{MayDescribeRiders, MayIngest, MayMakeTokens, MayRead};
use super::body::JsonValue;
use super::events::admit;
use super::moment::Moment;
use super::path::Path;
use super::problem::{Answer, Envelope, Problem, Success};
use super::test_mode::{may_erase, may_write};
use super::{AppState, trace_id};
use crate::dispatch::{Arrival, Duty, EventAnswer};
use crate::domain::app::KeyMode;
use crate::domain::book::Admission;
use crate::domain::target::DutyRule;
use crate::domain::{DevicePolicy, Event, Overrides, Rider, RiderId, RiderKey, SoundProfile, Target};
use crate::hub::SessionView;
use crate::intake::{ParsedEvent, Reader};
use crate::store::RiderPatch;
use view::{CheckView, ErasedRider, RiderView};

/// A rider's duty.
#[derive(Serialize, ToSchema)]
pub struct DutySet {
    on_duty: bool,
    /// Deliveries that ended by it.
    suppressed: usize,
}

/// A rider's token.
#[derive(Serialize, ToSchema)]
pub struct RiderToken {
    token: String,
    expires_at: Moment,
}

/// Riders.
#[derive(Serialize, ToSchema)]
pub struct RiderList {
    riders: Vec<RiderView>,
}

/// Self-checks.
#[derive(Serialize, ToSchema)]
pub struct CheckList {
    checks: Vec<CheckView>,
}

/// Most riders one query may name.
const QUERY_MAX: usize = 1_000;

/// Describe a rider.
///
/// What is not named stays as it is; `sound_profile` holds from their next session on, `null` takes the app's. `revoke_tokens` makes every token issued so far useless.
/// `test` makes a test rider of them, or takes it back; a test key writes test riders only.
///
/// # Errors
/// 400, 401, 403, 409, 503.
#[utoipa::path(
    put,
    path = "/v1/riders/{id}",
    operation_id = "putRider",
    tag = "Riders",
    security(("apiKey" = ["riders"])),
    params(("id" = RiderId, Path, description = "The rider, as you name them")),
    request_body(content = ref("#/components/schemas/RiderBody")),
    responses((status = 200, description = "Done", body = Envelope<RiderView>)),
    extensions(("x-errors" = json!(["bad_id", "not_a_test_rider", "test_key"]))),
)]
pub async fn put(
    State(state): State<AppState>,
    MayDescribeRiders(caller): MayDescribeRiders,
    Path(id): Path<String>,
    JsonValue(body): JsonValue,
) -> Answer<RiderView> {
    let rider = caller.rider(&id)?;
    let body = Reader::new(&body)?;
    body.only(&["devices", "on_duty", "revoke_tokens", "test", "sound_profile"])?;
    let revoke = body.boolean("revoke_tokens")?.unwrap_or(false);
    // Here `null` says something: that they hear what their app's riders hear.
    let clears = body.is_null("sound_profile");
    let profile = body.word("sound_profile", SoundProfile::parse, "plain, street")?;
    let patch = RiderPatch {
        lang: None,
        sound_profile: if clears { Some(None) } else { profile.map(Some) },
        devices: body.word("devices", DevicePolicy::parse, "latest, all")?,
        on_duty: body.boolean("on_duty")?,
        not_before: revoke.then(|| state.dispatch.clock().now().wall),
    };
    match (caller.mode(), body.boolean("test")?) {
        (KeyMode::Test, Some(false)) => return Err(Problem::test_key()),
        (KeyMode::Test, Some(true) | None) => may_write(&state, &caller, &rider).await?,
        (KeyMode::Live, Some(test)) => {
            let admission = if test { Admission::AsTest } else { Admission::AsReal };
            state.dispatch.admit(rider.clone(), admission).await?;
        }
        (KeyMode::Live, None) => {}
    }
    let stored = state.dispatch.put_rider(rider, patch).await?;
    let sessions = state.dispatch.hub().sessions_of(&stored.key());
    Ok(Success(RiderView::of(&state, &stored, sessions, None)))
}

/// Look at a rider.
///
/// Online, on duty, audible, responsive: four facts, each with what it is known by and since when.
///
/// # Errors
/// 400, 401, 403, 404, 503.
#[utoipa::path(
    get,
    path = "/v1/riders/{id}",
    operation_id = "getRider",
    tag = "Riders",
    security(("apiKey" = ["read"])),
    params(("id" = RiderId, Path, description = "The rider, as you name them")),
    responses((status = 200, description = "Done", body = Envelope<RiderView>)),
    extensions(("x-errors" = json!(["bad_id", "not_found"]))),
)]
pub async fn get(
    State(state): State<AppState>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
) -> Answer<RiderView> {
    let rider = caller.rider(&id)?;
    let store = state.dispatch.store();
    // Asked for before the row: who leaves is noted there before they are off the list.
    let sessions = state.dispatch.hub().sessions_of(&rider);
    let stored = store.rider(rider.clone()).await?.ok_or_else(|| Problem::not_found("rider"))?;
    let open = store.open_ids(rider).await?.len();
    Ok(Success(RiderView::of(&state, &stored, sessions, Some(open))))
}

/// Erase a rider.
///
/// Everything of theirs goes; what is open ends as `erased`. Ended deliveries stay as your record, under a pseudonym that leads
/// back to nobody, and alerts that went to them alone say nothing any more. Their tokens are good no more, and their sockets
/// are closed. Asked again it does what is left; 404 where nothing was ever known.
///
/// # Errors
/// 400, 401, 403, 404, 409, 503.
#[utoipa::path(
    delete,
    path = "/v1/riders/{id}",
    operation_id = "deleteRider",
    tag = "Riders",
    security(("apiKey" = ["riders"])),
    params(("id" = RiderId, Path, description = "The rider, as you name them")),
    responses((status = 200, description = "Done", body = Envelope<ErasedRider>)),
    extensions(("x-errors" = json!(["bad_id", "not_found", "not_a_test_rider"]))),
)]
pub async fn delete(
    State(state): State<AppState>,
    MayDescribeRiders(caller): MayDescribeRiders,
    Path(id): Path<String>,
) -> Answer<ErasedRider> {
    let rider = caller.rider(&id)?;
    may_erase(&state, &caller, &rider).await?;
    match state.dispatch.erase_rider(rider.clone()).await? {
        Some(erased) => Ok(Success(ErasedRider::of(rider.rider, &erased))),
        None => Err(Problem::not_found("rider")),
    }
}

/// Put a rider on duty or off.
///
/// Off duty ends at once what asks for duty.
///
/// # Errors
/// 400, 401, 403, 409, 503.
#[utoipa::path(
    post,
    path = "/v1/riders/{id}/duty",
    operation_id = "setDuty",
    tag = "Riders",
    security(("apiKey" = ["riders"])),
    params(("id" = RiderId, Path, description = "The rider, as you name them")),
    request_body(content = ref("#/components/schemas/DutyBody")),
    responses((status = 200, description = "Done", body = Envelope<DutySet>)),
    extensions(("x-errors" = json!(["bad_id", "not_a_test_rider"]))),
)]
pub async fn duty(
    State(state): State<AppState>,
    MayDescribeRiders(caller): MayDescribeRiders,
    Path(id): Path<String>,
    JsonValue(body): JsonValue,
) -> Answer<DutySet> {
    let rider = caller.rider(&id)?;
    let body = Reader::new(&body)?;
    body.only(&["on_duty"])?;
    let on_duty = body.boolean("on_duty")?.ok_or_else(|| body.missing("on_duty"))?;
    may_write(&state, &caller, &rider).await?;
    let ended = state.dispatch.set_duty(rider, if on_duty { Duty::On } else { Duty::Off }).await?;
    Ok(Success(DutySet { on_duty, suppressed: ended }))
}

/// Make a token for a rider's client.
///
/// It opens the rider's socket. It lasts 12 hours unless said otherwise, 24 hours at most. With a
/// test key for test riders: one nobody has heard of becomes one.
///
/// # Errors
/// 400, 401, 403, 409, 503.
#[utoipa::path(
    post,
    path = "/v1/riders/{id}/token",
    operation_id = "makeRiderToken",
    tag = "Riders",
    security(("apiKey" = ["rider-token"])),
    params(("id" = RiderId, Path, description = "The rider, as you name them")),
    request_body(content = ref("#/components/schemas/TokenBody")),
    responses((status = 200, description = "Done", body = Envelope<RiderToken>)),
    extensions(("x-errors" = json!(["bad_id", "not_a_test_rider"]))),
)]
pub async fn token(
    State(state): State<AppState>,
    MayMakeTokens(caller): MayMakeTokens,
    Path(id): Path<String>,
    JsonValue(body): JsonValue,
) -> Answer<RiderToken> {
    let rider = caller.rider(&id)?;
    let body = Reader::new(&body)?;
    body.only(&["ttl_s"])?;
    let ttl_s = body.integer("ttl_s", 1, 86_400)?.unwrap_or(12 * 3600);
    may_write(&state, &caller, &rider).await?;
    let token = state.dispatch.accounts().token(&caller.app, &rider.rider, ttl_s * 1000)?;
    Ok(Success(RiderToken { token: token.token, expires_at: token.expires_at.into() }))
}

/// Ring a rider for a test.
///
/// A test alert for this rider alone, on duty or not. It takes no body.
///
/// # Errors
/// 400, 401, 403, 429, 503.
#[utoipa::path(
    post,
    path = "/v1/riders/{id}/test",
    operation_id = "testRider",
    tag = "Riders",
    security(("apiKey" = ["ingest"])),
    params(("id" = RiderId, Path, description = "The rider, as you name them")),
    responses((status = 200, description = "Done", body = Envelope<EventAnswer>)),
    extensions(("x-errors" = json!(["bad_id", "too_many_requests"]))),
)]
pub async fn test(
    State(state): State<AppState>,
    MayIngest(caller): MayIngest,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer<EventAnswer> {
    let rider = caller.rider(&id)?;
    admit(&state, &caller, 1)?;
    let dispatch = &state.dispatch;
    let target = Target {
        riders: vec![rider.rider],
        groups: Vec::new(),
        broadcast: false,
        exclude: Vec::new(),
        duty: DutyRule::Anyone,
    };
    let event = Event {
        id: dispatch.fresh_event_id(),
        kind: "device.test".to_owned(),
        occurred_at: None,
        order: None,
        previous_rider: None,
        target,
        offer: None,
        overrides: Overrides::default(),
        callback_url: None,
        deliver_at: None,
        recurrence: None,
        ext: serde_json::Map::new(),
    };
    let received_at = dispatch.clock().now().wall;
    let parsed = ParsedEvent::own(event);
    let arrival = Arrival {
        source: "test".into(),
        key_mode: caller.mode(),
        parsed,
        trace_id: trace_id(&headers),
        received_at,
    };
    Ok(Success(dispatch.accept(caller.app, arrival).await?))
}

/// Look at many riders.
///
/// Presence of up to 1,000 riders. Who is not known is not listed.
///
/// # Errors
/// 400, 401, 403, 503.
#[utoipa::path(
    post,
    path = "/v1/riders/query",
    operation_id = "queryRiders",
    tag = "Riders",
    security(("apiKey" = ["read"])),
    request_body(content = ref("#/components/schemas/RiderQueryBody")),
    responses((status = 200, description = "Done", body = Envelope<RiderList>)),
    extensions(("x-errors" = json!(["bad_id"]))),
)]
pub async fn query(
    State(state): State<AppState>,
    MayRead(caller): MayRead,
    JsonValue(body): JsonValue,
) -> Answer<RiderList> {
    let body = Reader::new(&body)?;
    body.only(&["ids"])?;
    let ids: Vec<RiderId> = body.ids("ids", QUERY_MAX)?;
    // Asked for before the rows, as in `get`.
    let hub = state.dispatch.hub();
    let sessions_of = |id: &RiderId| hub.sessions_of(&RiderKey { app: caller.app_id(), rider: id.clone() });
    let mut sessions: HashMap<RiderId, Vec<SessionView>> =
        ids.iter().map(|id| (id.clone(), sessions_of(id))).collect();
    let riders = state.dispatch.store().riders(caller.app_id(), ids).await?;
    let view =
        |rider: &Rider| RiderView::of(&state, rider, sessions.remove(&rider.id).unwrap_or_default(), None);
    let riders = riders.iter().map(view).collect();
    Ok(Success(RiderList { riders }))
}

/// Look at the self-checks of a rider's devices.
///
/// Newest first.
///
/// # Errors
/// 400, 401, 403, 503.
#[utoipa::path(
    get,
    path = "/v1/riders/{id}/checks",
    operation_id = "listChecks",
    tag = "Riders",
    security(("apiKey" = ["read"])),
    params(("id" = RiderId, Path, description = "The rider, as you name them")),
    responses((status = 200, description = "Done", body = Envelope<CheckList>)),
    extensions(("x-errors" = json!(["bad_id"]))),
)]
pub async fn checks(
    State(state): State<AppState>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
) -> Answer<CheckList> {
    let checks = state.dispatch.store().checks(caller.rider(&id)?).await?;
    Ok(Success(CheckList { checks: checks.iter().map(CheckView::of).collect() }))
}
