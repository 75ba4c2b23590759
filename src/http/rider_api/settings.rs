//! What riders set for themselves: for what ears their clips are levelled. A helmet and traffic want another sound than a
//! quiet kitchen, and nobody knows that better.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::dispatch::TokenRider;
use crate::domain::SoundProfile;
use crate::http::AppState;
use crate::http::auth::RiderCaller;
use crate::http::body::JsonValue;
use crate::http::problem::{Answer, Envelope, Success};
use crate::intake::Reader;
use crate::store::RiderPatch;

/// A rider's own settings.
#[derive(Serialize, ToSchema)]
pub struct RiderSettings {
    /// As it is set for them; `null` for what their app says.
    sound_profile: Option<SoundProfile>,
    /// What they hear.
    effective: SoundProfile,
}

/// Look at your settings.
///
/// What is set for the rider of the token, and what comes of it.
///
/// # Errors
/// 401, 503.
#[utoipa::path(
    get,
    path = "/v1/rider/settings",
    operation_id = "getRiderSettings",
    tag = "Rider",
    security(("riderToken" = [])),
    responses((status = 200, description = "Done", body = Envelope<RiderSettings>)),
)]
pub async fn get(State(state): State<AppState>, RiderCaller(rider): RiderCaller) -> Answer<RiderSettings> {
    let stored = state.dispatch.store().rider(rider.rider.clone()).await?;
    Ok(shown(&state, &rider, stored.and_then(|stored| stored.sound_profile)))
}

/// Change your settings.
///
/// `sound_profile` holds from the next session on, as with `PUT /v1/riders/{id}`; `null` takes what the app says.
///
/// # Errors
/// 400, 401, 503.
#[utoipa::path(
    put,
    path = "/v1/rider/settings",
    operation_id = "putRiderSettings",
    tag = "Rider",
    security(("riderToken" = [])),
    request_body(content = ref("#/components/schemas/RiderSettingsBody")),
    responses((status = 200, description = "Done", body = Envelope<RiderSettings>)),
)]
pub async fn put(
    State(state): State<AppState>,
    RiderCaller(rider): RiderCaller,
    JsonValue(body): JsonValue,
) -> Answer<RiderSettings> {
    let body = Reader::new(&body)?;
    body.only(&["sound_profile"])?;
    let profile = body.word("sound_profile", SoundProfile::parse, "plain, street")?;
    if profile.is_none() && !body.is_null("sound_profile") {
        return Err(body.missing("sound_profile").into());
    }
    let patch = RiderPatch { sound_profile: Some(profile), ..RiderPatch::default() };
    let stored = state.dispatch.put_rider(rider.rider.clone(), patch).await?;
    Ok(shown(&state, &rider, stored.sound_profile))
}

fn shown(state: &AppState, rider: &TokenRider, set: Option<SoundProfile>) -> Success<RiderSettings> {
    let effective = state.dispatch.sound_profile(&rider.app, set);
    Success(RiderSettings { sound_profile: set, effective })
}
