//! What a rider's client may ask over HTTP when its socket is down: what is open, and a place for its receipts.
//! And the self-check of its device, whose result is posted here.

pub mod settings;
pub mod subscriptions;

use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::AppState;
use super::auth::RiderCaller;
use super::body::JsonValue;
use super::problem::{Answer, Envelope, Problem, Success};
use crate::domain::{Delivery, DeliveryState};
use crate::session::frame::ServerFrame;
use crate::session::{Output, Receipt, Session};

/// What is open.
#[derive(Serialize, ToSchema)]
pub struct OpenAlerts {
    /// One life of the data; a change means: forget your cursor.
    epoch: String,
    /// Server time, epoch milliseconds.
    now: i64,
    /// `alert` frames, as the socket sends them.
    #[schema(value_type = Vec<ServerFrame<'static>>)]
    alerts: Vec<Value>,
}

/// What the socket would answer.
#[derive(Serialize, ToSchema)]
pub struct ReceiptAnswers {
    /// `got` and `answered` frames.
    #[schema(value_type = Vec<ServerFrame<'static>>)]
    frames: Vec<Value>,
}

/// A self-check that was kept.
#[derive(Serialize, ToSchema)]
pub struct CheckKept {
    /// `true`.
    kept: bool,
}

/// Most receipts in one request.
const RECEIPTS_MAX: usize = 200;
/// Largest self-check, in bytes of JSON.
const CHECK_BYTES_MAX: usize = 4_096;

/// List what is open, without a socket.
///
/// Every open alert, as its socket frame.
///
/// # Errors
/// 401, 503.
#[utoipa::path(
    get,
    path = "/v1/rider/alerts",
    operation_id = "listOpenAlerts",
    tag = "Rider",
    security(("riderToken" = [])),
    responses((status = 200, description = "Done", body = Envelope<OpenAlerts>)),
)]
pub async fn alerts(State(state): State<AppState>, RiderCaller(rider): RiderCaller) -> Answer<OpenAlerts> {
    let dispatch = &state.dispatch;
    let now = dispatch.clock().now();
    let described = dispatch.store().rider(rider.rider.clone()).await?.and_then(|rider| rider.sound_profile);
    let profile = dispatch.sound_profile(&rider.app, described);
    let rows = dispatch.store().open_deliveries(rider.rider, crate::session::LOOK_LIMIT).await?;
    // What the rider has accepted sounds no more, whoever decides about it.
    let sounds =
        |delivery: &Delivery| delivery.expires_at > now.wall && delivery.state != DeliveryState::Claimed;
    let live = rows.into_iter().filter(|row| sounds(&row.delivery));
    let frames: Vec<Value> = live
        .filter_map(|row| Session::frame_of(&state.sessions, &row, profile, now))
        .filter_map(|frame| serde_json::from_str(&frame).ok())
        .collect();
    Ok(Success(OpenAlerts { epoch: state.sessions.epoch.clone(), now: now.wall.0, alerts: frames }))
}

/// Give receipts, without a socket.
///
/// Report and answer frames, each answered as the socket would answer it.
///
/// # Errors
/// 400, 401, 503.
#[utoipa::path(
    post,
    path = "/v1/rider/receipts",
    operation_id = "postReceipts",
    tag = "Rider",
    security(("riderToken" = [])),
    request_body(content = ref("#/components/schemas/ReceiptsBody")),
    responses((status = 200, description = "Done", body = Envelope<ReceiptAnswers>)),
    extensions(("x-errors" = json!(["bad_frame"]))),
)]
pub async fn receipts(
    State(state): State<AppState>,
    RiderCaller(rider): RiderCaller,
    JsonValue(body): JsonValue,
) -> Answer<ReceiptAnswers> {
    let list =
        body["receipts"].as_array().ok_or_else(|| Problem::at("wrong_type", "/receipts", "is not a list"))?;
    if list.len() > RECEIPTS_MAX {
        return Err(Problem::at("too_many", "/receipts", "lists more than 200"));
    }
    let now = state.dispatch.clock().now();
    let mut receipts = Vec::with_capacity(list.len());
    for (place, frame) in list.iter().enumerate() {
        let pointer = format!("/receipts/{place}");
        let wrong = || Problem::at("bad_frame", &pointer, "is not a report or an answer");
        receipts.push(Receipt::of_text(&frame.to_string(), now).ok_or_else(wrong)?);
    }
    let mut answers = Vec::with_capacity(receipts.len());
    for receipt in receipts {
        answers.extend(keep(&state, &rider.rider, &receipt).await?);
    }
    Ok(Success(ReceiptAnswers { frames: answers }))
}

async fn keep(
    state: &AppState,
    rider: &crate::domain::RiderKey,
    receipt: &Receipt,
) -> Result<Vec<Value>, Problem> {
    let kept = match &receipt.what {
        Some((alert, change)) => state.dispatch.keep(rider, *alert, change.clone(), receipt.at).await?,
        None => crate::session::Kept::default(),
    };
    let mut out = Vec::new();
    receipt.answer_to(&kept, &mut out);
    Ok(out.into_iter().filter_map(frame_of).collect())
}

fn frame_of(output: Output) -> Option<Value> {
    match output {
        Output::Send(_, frame) => serde_json::from_str(&frame).ok(),
        Output::Note(..)
        | Output::Keep(_)
        | Output::State(_)
        | Output::Refresh(_)
        | Output::Look
        | Output::AskEnded(_)
        | Output::Withdraw(_)
        | Output::Close(_) => None,
    }
}

/// Keep the self-check of a device.
///
/// Its result is for people: any object of at most 4,096 bytes of JSON.
///
/// # Errors
/// 400, 401, 503.
#[utoipa::path(
    post,
    path = "/v1/rider/checks",
    operation_id = "postCheck",
    tag = "Rider",
    security(("riderToken" = [])),
    request_body(content = ref("#/components/schemas/CheckBody")),
    responses((status = 200, description = "Done", body = Envelope<CheckKept>)),
)]
pub async fn check(
    State(state): State<AppState>,
    RiderCaller(rider): RiderCaller,
    JsonValue(body): JsonValue,
) -> Answer<CheckKept> {
    let result = body.to_string();
    if !body.is_object() || result.len() > CHECK_BYTES_MAX {
        return Err(Problem::at("too_long", "", "is an object of at most 4096 bytes of JSON"));
    }
    state.dispatch.add_check(rider.rider, result).await?;
    Ok(Success(CheckKept { kept: true }))
}
