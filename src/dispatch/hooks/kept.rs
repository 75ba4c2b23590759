//! A request as it is kept: redacted, bounded, and good enough to be done once more when its hook's profile was mended.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::HookArrival;
use super::directory::HookEntry;
use super::report::HookReport;
use crate::dispatch::Dispatch;
use crate::domain::{HookDelivery, HookDeliveryId};
use crate::intake::hooks::decode::{headers_value, query_value};
use crate::intake::hooks::redact::{redact_headers, redact_query, redact_within};
use crate::intake::hooks::{KeptScope, Reading};

/// What is kept of a request.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeptRequest {
    /// Its method.
    pub(super) method: String,
    /// What stood behind the hook in the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) event: Option<String>,
    /// The decoded query.
    pub(super) query: Value,
    /// Header values by lower-case name.
    pub(super) headers: Value,
    /// The decoded body; null if it was too large.
    pub(super) body: Value,
    /// Whether there was a body that is not kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) body_left_out: bool,
}

/// Items that are told of one request: the first ones, enough to see what went wrong.
const ITEMS_KEPT: usize = 50;
/// Longest name of an event that is kept, in characters.
const EVENT_CHARS_MAX: usize = 128;

impl KeptRequest {
    fn of(entry: &HookEntry, arrival: &HookArrival, reading: &Reading, bytes_max: usize) -> Self {
        let profile = &entry.profile;
        let body = redact_within(&reading.body, profile.keep(), profile.redact(), bytes_max);
        let event = arrival.event.as_ref();
        Self {
            method: arrival.method.to_string(),
            event: event.map(|event| event.chars().take(EVENT_CHARS_MAX).collect()),
            query: redact_query(&query_value(&arrival.query)),
            headers: redact_headers(&headers_value(&arrival.headers)),
            body_left_out: body.is_none(),
            body: body.unwrap_or_default(),
        }
    }

    /// What a profile sees of it.
    pub(super) fn into_scope(self) -> KeptScope {
        let event = self.event.map(Value::from).unwrap_or_default();
        KeptScope { event, query: self.query, headers: self.headers, body: self.body }
    }
}

impl Dispatch {
    /// What is kept of a request.
    pub(super) fn delivery_of(
        &self,
        entry: &HookEntry,
        arrival: &HookArrival,
        reading: &Reading,
        report: HookReport,
        status: u16,
    ) -> HookDelivery {
        let request = KeptRequest::of(entry, arrival, reading, self.limits.hooks.kept_bytes_max);
        let request = serde_json::to_string(&request).unwrap_or_else(|_| "{}".to_owned());
        self.delivery(entry, arrival, request, report, status)
    }

    /// The same, of a request that was kept before.
    pub(super) fn delivery(
        &self,
        entry: &HookEntry,
        arrival: &HookArrival,
        request: String,
        report: HookReport,
        status: u16,
    ) -> HookDelivery {
        let HookReport { verdict, reason, mut items, events, riders } = report;
        items.truncate(ITEMS_KEPT);
        HookDelivery {
            id: HookDeliveryId::new(arrival.received_at, self.clock.entropy()),
            hook: entry.hook.id.clone(),
            app: entry.hook.app,
            at: arrival.received_at,
            verdict,
            reason,
            request,
            items: serde_json::to_string(&items).unwrap_or_else(|_| "[]".to_owned()),
            events,
            riders,
            status,
            trace_id: arrival.trace_id.clone(),
        }
    }
}
