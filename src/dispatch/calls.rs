//! Making the calls that ladder steps ask for: after the commit, again if nobody answered, a bounded number of times.
//! A crash may repeat a call that was under way; it carries the same idempotency key then.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tracing::{info, warn};

use super::{CallEnd, Dispatch};
use crate::domain::{Alert, DeliveryState, EpochMs, RiderKey};
use crate::store::{AlertRecord, Call, CallResult, StoreResult};

impl Dispatch {
    /// Makes every call that is due, each in a task of its own.
    pub(super) async fn call_due(self: &Arc<Self>, now: EpochMs) -> StoreResult<()> {
        for call in self.store.due_calls(now, self.limits.sweep_batch).await? {
            let again_at = now.plus_ms(TRY_MS);
            if self.store.take_call(call.id, again_at, now).await? {
                let dispatch = Arc::clone(self);
                self.lifecycle.spawn(async move { dispatch.make(call).await });
            }
        }
        Ok(())
    }

    async fn make(&self, call: Call) {
        if let Err(error) = self.try_to_make(&call).await {
            warn!(call.id = %call.id, error = &error as &dyn std::error::Error, "The end of a call was not stored.");
        }
    }

    async fn try_to_make(&self, call: &Call) -> StoreResult<()> {
        let Some(record) = self.store.alert(call.app, call.alert).await? else { return Ok(()) };
        if !is_wanted(call, &record) || !self.may_be_called(call, &record.alert).await? {
            info!(alert.id = %call.alert, call.id = %call.id, "Ladder call not needed any more.");
            return self.store.finish_call(call.id, CallResult::Failed(None), self.wall()).await;
        }
        let values = values(call, &record.alert);
        let end = self.caller.call(call.id, &call.call, &values, &record.alert.trace_id).await;
        let last = call.attempts + 1 >= self.limits.call_attempts;
        let result = match end {
            CallEnd::Done(status) => CallResult::Done(status),
            CallEnd::Refused(status) => CallResult::Failed(status),
            CallEnd::Again if last => CallResult::Failed(None),
            CallEnd::Again => {
                let wait_ms = self.limits.again_ms << call.attempts.min(10);
                CallResult::Again(self.wall().plus_ms(wait_ms))
            }
        };
        info!(alert.id = %call.alert, call.id = %call.id, call.end = ?end, test = record.alert.key_mode.is_test(), "Ladder call made.");
        self.store.finish_call(call.id, result, self.wall()).await
    }

    /// A test is looked at once more, as its frames are: a fault elsewhere must not call a real rider about it.
    async fn may_be_called(&self, call: &Call, alert: &Alert) -> StoreResult<bool> {
        if !alert.key_mode.is_test() {
            return Ok(true);
        }
        let rider = RiderKey { app: call.app, rider: call.rider.clone() };
        Ok(alert.is_for(self.store.rider(rider).await?.as_ref()))
    }
}

/// Whether its rider has still not answered; a service that was down must not call who has answered meanwhile.
fn is_wanted(call: &Call, record: &AlertRecord) -> bool {
    let mut theirs = record.deliveries.iter().filter(|delivery| delivery.rider == call.rider);
    record.alert.is_open()
        && theirs.all(|delivery| delivery.is_open() && delivery.state != DeliveryState::Claimed)
}

/// Longer than any call takes: nobody makes it again while it is under way, and a crash costs no more.
const TRY_MS: i64 = 15_000;

/// What the slots of a call may name.
fn values(call: &Call, alert: &Alert) -> Map<String, Value> {
    let card: Map<String, Value> = serde_json::from_str(&alert.card).unwrap_or_default();
    let of_card = |name: &str| card.get(name).cloned().unwrap_or_default();
    let values = [
        ("rider", json!(call.rider)),
        ("order_id", json!(alert.order_id)),
        ("short_no", of_card("short_no")),
        ("merchant", of_card("merchant")),
        ("kind", json!(alert.kind)),
        ("alert_id", json!(alert.id)),
        ("event_id", json!(alert.event_id)),
        ("text", json!(alert.text)),
        ("urgency", json!(u8::from(alert.urgency))),
        ("app", json!(call.app)),
        ("level", json!(call.level)),
        ("test", json!(alert.key_mode.is_test())),
    ];
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
