//! What is shown of hooks and of what was sent to them. A secret is never shown, only how many there are.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::address;
use crate::dispatch::{HookLook, HookRefusal};
use crate::domain::{EventId, Hook, HookDelivery, HookDeliveryId, HookMode, HookVerdict};
use crate::http::PublicUrl;
use crate::http::moment::Moment;

/// A hook.
#[derive(Serialize, ToSchema)]
#[schema(as = Hook)]
pub struct HookView {
    /// Whoever knows it may send, where nothing else is verified.
    id: String,
    /// What it is called in log lines and metrics.
    name: String,
    /// Where its sender sends: absolute if the server knows its public URL.
    url: String,
    /// The preset that it stands on.
    preset: Option<String>,
    /// What its owner says over the preset, or all of it.
    #[schema(value_type = Object)]
    profile: Value,
    params: BTreeMap<String, String>,
    /// How many secrets of each name work.
    secrets: BTreeMap<String, usize>,
    mode: HookMode,
    /// In shadow mode: how many of a hundred stations are live.
    live_percent: u8,
    /// One more with every change; what `if_version` takes.
    version: i64,
    created_at: Moment,
    updated_at: Moment,
}

/// A hook, and what became of what was sent to it.
#[derive(Serialize, ToSchema)]
pub struct HookDetail {
    #[serde(flatten)]
    hook: HookView,
    /// Requests to this server since it started, by what became of them.
    counts: BTreeMap<&'static str, u64>,
    /// The last that were refused here, newest first.
    refusals: Vec<RefusalView>,
}

/// A request that was refused. Nothing else is kept of it.
#[derive(Serialize, ToSchema)]
#[schema(as = HookRefusal)]
pub struct RefusalView {
    at: Moment,
    /// `refused`, `unreadable` or `busy`.
    verdict: HookVerdict,
    /// Why, in one word.
    reason: String,
    /// For people.
    detail: String,
    /// The names of the headers that it had.
    headers: Vec<String>,
}

/// A request that is kept.
#[derive(Serialize, ToSchema)]
#[schema(as = HookDelivery)]
pub struct HookDeliveryView {
    delivery_id: HookDeliveryId,
    at: Moment,
    verdict: HookVerdict,
    /// Why, in one word; empty where the verdict says it all.
    reason: String,
    /// The events that it made or repeated.
    events: Vec<EventId>,
    /// Status of the answer.
    status: u16,
    /// One id from the request to the receipt.
    trace_id: String,
}

/// A request that is kept, whole, without what is private.
#[derive(Serialize, ToSchema)]
pub struct HookDeliveryDetail {
    #[serde(flatten)]
    delivery: HookDeliveryView,
    /// Method, event of the path, query, headers and body, redacted.
    #[schema(value_type = Object)]
    request: Value,
    /// What was made of it, one by one.
    #[schema(value_type = Vec<Object>)]
    items: Value,
}

impl HookView {
    pub(super) fn of(hook: Hook, public: &PublicUrl) -> Self {
        Self {
            url: address::of_hook(public, hook.id.as_str()),
            name: hook.name().to_owned(),
            id: hook.id.to_string(),
            preset: hook.preset,
            profile: serde_json::from_str(&hook.profile).unwrap_or_default(),
            params: hook.params,
            secrets: hook.secrets.into_iter().map(|(name, all)| (name, all.len())).collect(),
            mode: hook.mode,
            live_percent: hook.live_percent,
            version: hook.version,
            created_at: hook.created_at.into(),
            updated_at: hook.updated_at.into(),
        }
    }
}

impl HookDetail {
    pub(super) fn of(look: HookLook, public: &PublicUrl) -> Self {
        let counts = look.counts.into_iter().map(|(verdict, count)| (verdict.as_str(), count));
        Self {
            hook: HookView::of(look.hook, public),
            counts: counts.collect(),
            refusals: look.refusals.into_iter().map(RefusalView::from).collect(),
        }
    }
}

impl From<HookRefusal> for RefusalView {
    fn from(refusal: HookRefusal) -> Self {
        Self {
            at: refusal.at.into(),
            verdict: refusal.verdict,
            reason: refusal.reason,
            detail: refusal.detail,
            headers: refusal.headers,
        }
    }
}

impl From<&HookDelivery> for HookDeliveryView {
    fn from(delivery: &HookDelivery) -> Self {
        Self {
            delivery_id: delivery.id,
            at: delivery.at.into(),
            verdict: delivery.verdict,
            reason: delivery.reason.clone(),
            events: delivery.events.clone(),
            status: delivery.status,
            trace_id: delivery.trace_id.clone(),
        }
    }
}

impl From<&HookDelivery> for HookDeliveryDetail {
    fn from(delivery: &HookDelivery) -> Self {
        Self {
            request: serde_json::from_str(&delivery.request).unwrap_or_default(),
            items: serde_json::from_str(&delivery.items).unwrap_or_default(),
            delivery: delivery.into(),
        }
    }
}
