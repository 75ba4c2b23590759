//! Messages go out: each after its wait, if its rider still does not know of the alert; again if WeChat was not reached.
//! A crash may repeat one that was under way. What is not sent gives its consent back.

use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, info, warn};

use super::Posted;
use crate::dispatch::{AppEntry, Dispatch};
use crate::domain::wechat::{Message, MessageEnd};
use crate::domain::{EpochMs, Presence, RiderKey};
use crate::store::{AlertRecord, MessageResult, StoreResult};
use crate::telemetry::Metric;

/// Longer than any sending takes: nobody sends it again while it is under way, and a crash costs no more.
const SENDING_MS: i64 = 60_000;

impl Dispatch {
    /// A rider can no longer be heard: where they, or others who have their alerts, have agreed to messages, consents are spent.
    /// Backends hear of an alert that nobody can hear when it is told; a rider who leaves later is told of here alone.
    pub(in crate::dispatch) async fn spend_unheard(&self, rider: &RiderKey) -> StoreResult<()> {
        let Some(world) = self.world_of(rider.app).await? else { return Ok(()) };
        if world.messaging.templates.is_empty() {
            return Ok(());
        }
        self.store.spend_unheard(rider.clone(), world, self.wall()).await
    }

    /// Sends what is due, each in a task of its own, no more at once than may be.
    pub(in crate::dispatch) async fn send_messages(self: &Arc<Self>, now: EpochMs) -> StoreResult<()> {
        let free = u32::try_from(self.wechat.places.available_permits()).unwrap_or(u32::MAX);
        if free == 0 {
            return Ok(());
        }
        for message in self.store.due_messages(now, free.min(self.limits.sweep_batch)).await? {
            let Ok(place) = Arc::clone(&self.wechat.places).try_acquire_owned() else { break };
            if self.store.take_message(message.clone(), now.plus_ms(SENDING_MS), now).await? {
                let dispatch = Arc::clone(self);
                self.lifecycle.spawn(async move {
                    dispatch.send_message(message).await;
                    drop(place);
                });
            }
        }
        Ok(())
    }

    async fn send_message(&self, message: Message) {
        let alert = message.alert;
        if let Err(error) = self.try_to_send(message).await {
            warn!(alert.id = %alert, error = &error as &dyn std::error::Error, "The end of a message was not stored.");
        }
    }

    async fn try_to_send(&self, message: Message) -> StoreResult<()> {
        let (word, result) = match self.look_at(&message).await? {
            Look::Send(record, app) => {
                let posted = self.wechat.courier.send(&message, &record.alert, &app.zone).await;
                self.after(&message, posted)
            }
            Look::Wait(ms) => ("put_off", MessageResult::PutOff(self.wall().plus_ms(ms))),
            Look::NotNeeded => over(MessageEnd::NotNeeded),
        };
        self.telemetry.counter(Metric::WechatMessages, &[("result", word)]).increment(1);
        match result {
            MessageResult::Over(_) => {
                info!(alert.id = %message.alert, rider.id = %message.rider, message.end = word, "Message to a rider over.");
            }
            MessageResult::Again(_) | MessageResult::PutOff(_) => {
                debug!(alert.id = %message.alert, message.result = word, "Message to a rider waits.");
            }
        }
        self.store.finish_message(message, result, self.wall()).await
    }

    /// Whether a message is to be sent, now that its time has come.
    async fn look_at(&self, message: &Message) -> StoreResult<Look> {
        let Some(record) = self.store.alert(message.app, message.alert).await? else {
            return Ok(Look::NotNeeded);
        };
        let rider = RiderKey { app: message.app, rider: message.rider.clone() };
        // A test is looked at once more, as its frames are: a fault elsewhere must not write to a real rider about it.
        let is_theirs = !record.alert.key_mode.is_test()
            || record.alert.is_for(self.store.rider(rider.clone()).await?.as_ref());
        let Some(app) = self.accounts.app(message.app).await? else { return Ok(Look::NotNeeded) };
        let still = is_wanted(message, &record, self.wall());
        if !still || !is_theirs || !self.wechat.courier.templates(&app.app.name).contains(&message.template) {
            return Ok(Look::NotNeeded);
        }
        let rest = self.wechat.rest_left(&message.template.program, self.clock.now().mono_ms);
        if rest > 0 {
            return Ok(Look::Wait(rest));
        }
        // They are back, and about to get the alert; should that fail, there is still the message.
        if self.hub.is_audible(rider.app, &rider.rider) {
            return Ok(Look::Wait(self.limits.wechat.wait_ms));
        }
        Ok(Look::Send(Box::new(record), app))
    }

    /// What follows from what WeChat said, and its word.
    fn after(&self, message: &Message, posted: Posted) -> (&'static str, MessageResult) {
        let last = message.attempts + 1 >= self.limits.call_attempts;
        match posted {
            Posted::Sent => over(MessageEnd::Sent),
            Posted::ConsentGone => over(MessageEnd::NoConsent),
            Posted::Refused => over(MessageEnd::Refused),
            Posted::Again(_) if last => over(MessageEnd::Unreached),
            Posted::Again(after) => {
                let asked = after.unwrap_or(Duration::ZERO).as_millis();
                let asked = i64::try_from(asked).unwrap_or(i64::MAX).min(self.limits.wechat.rest_ms);
                let wait_ms = (self.limits.again_ms << message.attempts.min(10)).max(asked);
                ("again", MessageResult::Again(self.wall().plus_ms(wait_ms)))
            }
            Posted::Misconfigured => {
                let (program, now) = (&message.template.program, self.clock.now().mono_ms);
                // Whoever was under way meanwhile says nothing new.
                if self.wechat.rest_left(program, now) == 0 {
                    warn!(wechat.program = ?program, "WeChat refuses what is configured for messages; they rest for a while.");
                    self.wechat.rest(program, now + self.limits.wechat.rest_ms);
                }
                let rest_ms = self.limits.wechat.rest_ms;
                ("misconfigured", MessageResult::PutOff(self.wall().plus_ms(rest_ms)))
            }
        }
    }
}

/// What a look at a message that is due says.
enum Look {
    /// It is to be sent, about this, in the words of this app.
    Send(Box<AlertRecord>, Arc<AppEntry>),
    /// Not yet; in so many milliseconds it is looked at again.
    Wait(i64),
    /// It is not to be sent at all.
    NotNeeded,
}

fn over(end: MessageEnd) -> (&'static str, MessageResult) {
    (end.as_str(), MessageResult::Over(end))
}

/// Whether the alert still waits for its rider, and the rider does not know of it.
fn is_wanted(message: &Message, record: &AlertRecord, now: EpochMs) -> bool {
    let mut theirs = record.deliveries.iter().filter(|delivery| delivery.rider == message.rider);
    let waits = theirs.next().is_some_and(|delivery| delivery.is_open() && delivery.received_at.is_none());
    record.alert.is_open() && record.alert.expires_at > now && waits
}
