//! The messages in WeChat that a rider agrees to, one by one: what `wx.requestSubscribeMessage` said is counted here, since
//! WeChat tells nobody how many are left.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::dispatch::TokenRider;
use crate::http::AppState;
use crate::http::auth::RiderCaller;
use crate::http::body::JsonValue;
use crate::http::problem::{Answer, Envelope, Problem, Success};
use crate::http::wechat::AgreedTemplate;
use crate::intake::Reader;

/// What a rider may agree to.
#[derive(Serialize, ToSchema)]
pub struct Subscriptions {
    /// Empty where no messages are sent.
    templates: Vec<AgreedTemplate>,
}

/// Most templates in one request of WeChat's.
const RESULTS_MAX: usize = 20;

/// What the rider said to a template, as WeChat tells it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Agreed {
    Yes,
    No,
}

impl Agreed {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "accept" | "acceptWithAudio" => Some(Self::Yes),
            // Not now; never again; the template is off, or has a twin.
            "reject" | "ban" | "filter" => Some(Self::No),
            _ => None,
        }
    }
}

/// Look at what you may agree to.
///
/// The templates of messages that tell a rider of an alert which reaches nobody, and how many of each they have agreed to.
///
/// # Errors
/// 401, 503.
#[utoipa::path(
    get,
    path = "/v1/rider/subscriptions",
    operation_id = "getSubscriptions",
    tag = "Rider",
    security(("riderToken" = [])),
    responses((status = 200, description = "Done", body = Envelope<Subscriptions>)),
)]
pub async fn get(State(state): State<AppState>, RiderCaller(rider): RiderCaller) -> Answer<Subscriptions> {
    list(&state, rider).await
}

/// Say what was agreed to.
///
/// The result of `wx.requestSubscribeMessage`, by template: each `accept` is good for one message, up to 100. Templates that
/// are not configured (any more) are passed over. Say it once: the same again counts again.
///
/// # Errors
/// 400, 401, 503.
#[utoipa::path(
    post,
    path = "/v1/rider/subscriptions",
    operation_id = "postSubscriptions",
    tag = "Rider",
    security(("riderToken" = [])),
    request_body(content = ref("#/components/schemas/SubscriptionsBody")),
    responses((status = 200, description = "Done", body = Envelope<Subscriptions>)),
)]
pub async fn post(
    State(state): State<AppState>,
    RiderCaller(rider): RiderCaller,
    JsonValue(body): JsonValue,
) -> Answer<Subscriptions> {
    let body = Reader::new(&body)?;
    body.only(&["results"])?;
    let results = body.object("results")?.ok_or_else(|| body.missing("results"))?;
    if results.names().count() > RESULTS_MAX {
        return Err(Problem::at("too_many", "/results", "has more than 20 templates"));
    }
    let mut accepted = Vec::new();
    for template in results.names() {
        let agreed = results.word(template, Agreed::parse, "accept, acceptWithAudio, reject, ban, filter")?;
        if agreed == Some(Agreed::Yes) {
            accepted.push(template);
        }
    }
    for (template, _) in state.dispatch.wechat_banked(&rider.app, rider.rider.clone()).await? {
        if accepted.contains(&template.id.as_str()) {
            state.dispatch.wechat_bank(rider.rider.clone(), template, 1).await?;
        }
    }
    list(&state, rider).await
}

async fn list(state: &AppState, rider: TokenRider) -> Answer<Subscriptions> {
    let banked = state.dispatch.wechat_banked(&rider.app, rider.rider).await?;
    let templates =
        banked.iter().map(|(template, banked)| AgreedTemplate::new(template.id.as_str(), *banked));
    Ok(Success(Subscriptions { templates: templates.collect() }))
}
