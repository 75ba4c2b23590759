//! A request to a hook, from its first line to its answer: let in, read, made into events, kept, answered.
//! What was begun goes on to its end, whoever leaves; who has waited long enough is asked to send it again.

use std::sync::Arc;

use http::HeaderMap;
use tokio::sync::OwnedSemaphorePermit;

use super::answer::Fault;
use super::directory::HookEntry;
use super::gates::{HookRefusal, names};
use super::making::Maker;
use super::report::HookReport;
use super::{HookAnswer, HookArrival, HookReply, Unread};
use crate::dispatch::Dispatch;
use crate::domain::HookVerdict;
use crate::intake::hooks::{AgeRule, HandOut, Reading};

/// A request whose hook there is, and that was let in.
pub struct HookVisit {
    pub(super) entry: Arc<HookEntry>,
    /// When it came, by the monotonic clock.
    pub(super) began_ms: i64,
}

impl Dispatch {
    /// Lets a request in, before its body is read.
    ///
    /// # Errors
    /// The answer for who is not: there is no such hook, it has come too often, or the store does not say.
    pub async fn enter_hook(&self, hook: &str) -> Result<HookVisit, HookAnswer> {
        let began_ms = self.clock.now().mono_ms;
        let id = hook.parse().map_err(|_| HookAnswer::unknown())?;
        let entry = match self.hook_entry(&id).await {
            Ok(Some(entry)) => entry,
            Ok(None) => return Err(HookAnswer::unknown()),
            Err(error) => {
                tracing::warn!(
                    hook.name = id.name(),
                    error = &error as &dyn std::error::Error,
                    "A hook cannot be looked up now."
                );
                return Err(HookAnswer::unavailable());
            }
        };
        let visit = HookVisit { entry, began_ms };
        match visit.entry.gate.admit() {
            Ok(()) => Ok(visit),
            Err(too_many) => Err(self.count_hook(&visit, busy(&visit.entry, &Fault::too_many(too_many)))),
        }
    }

    /// Answers a request whose body was not taken: too large, too slow, compressed, or cut off.
    #[must_use]
    pub fn refuse_unread(&self, visit: &HookVisit, headers: &HeaderMap, unread: Unread) -> HookAnswer {
        let verdict = HookVerdict::Unreadable;
        visit.entry.gate.remember(HookRefusal {
            at: self.wall(),
            verdict,
            reason: unread.error.to_owned(),
            detail: unread.message.clone(),
            headers: names(headers),
        });
        let fault = Fault::unread(unread);
        let answer = visit.entry.fault(&Reading::unread(verdict, fault.error), verdict, &fault);
        self.count_hook(visit, answer)
    }

    /// Answers a request: what it brought is committed by then, or its sender is asked to send it again.
    pub async fn receive(self: &Arc<Self>, visit: HookVisit, arrival: HookArrival) -> HookAnswer {
        let answer = self.received(&visit, arrival).await;
        self.count_hook(&visit, answer)
    }

    /// Hands out a token, to a sender who asks for one before it sends.
    #[must_use]
    pub fn hook_token(&self, visit: &HookVisit, arrival: &HookArrival) -> HookAnswer {
        let HookEntry { hook, profile, keys, .. } = &*visit.entry;
        let (verdict, ack) =
            match profile.hand_out(hook.id.as_str(), &arrival.request(), keys, arrival.received_at) {
                None => return self.count_hook(visit, HookAnswer::unknown()),
                Some(HandOut::Granted(ack)) => (HookVerdict::Probe, ack),
                Some(HandOut::Refused(ack)) => {
                    let reading = Reading::unread(HookVerdict::Refused, "bad_account");
                    visit.entry.remember(&reading, arrival);
                    (HookVerdict::Refused, ack)
                }
            };
        let body = ack.body.unwrap_or_default();
        let reply = HookReply::Own { status: ack.status, content_type: ack.content_type, body };
        self.count_hook(visit, HookAnswer { verdict: Some(verdict), reply, retry_after_s: None })
    }

    async fn received(self: &Arc<Self>, visit: &HookVisit, arrival: HookArrival) -> HookAnswer {
        let entry = &visit.entry;
        let place = match entry.gate.place() {
            Ok(place) => place,
            Err(too_many) => return busy(entry, &Fault::too_many(too_many)),
        };
        let age = AgeRule::At(arrival.received_at);
        let reading = entry.profile.read(&arrival.request(), &entry.keys, age);
        match reading.verdict {
            HookVerdict::Refused | HookVerdict::Unreadable => {
                entry.remember(&reading, &arrival);
                entry.told(&reading, reading.verdict)
            }
            HookVerdict::Probe | HookVerdict::Filtered => entry.told(&reading, reading.verdict),
            HookVerdict::Mapped
            | HookVerdict::Duplicate
            | HookVerdict::Ignored
            | HookVerdict::Unmapped
            | HookVerdict::Busy => self.made_in_time(visit, arrival, reading, place).await,
        }
    }

    /// Makes events of a reading, in a task of its own; its sender is told in time.
    async fn made_in_time(
        self: &Arc<Self>,
        visit: &HookVisit,
        arrival: HookArrival,
        reading: Reading,
        place: OwnedSemaphorePermit,
    ) -> HookAnswer {
        let (entry, reading) = (Arc::clone(&visit.entry), Arc::new(reading));
        let (dispatch, read) = (Arc::clone(self), Arc::clone(&reading));
        let work = self.lifecycle.spawn(async move {
            let answer = dispatch.made_of_hook(&entry, &arrival, &read).await;
            drop(place);
            answer
        });
        match tokio::time::timeout(self.patience(visit), work).await {
            Ok(Ok(answer)) => answer,
            // It broke off, or it goes on: what it commits is known when it is sent again.
            Ok(Err(_)) | Err(_) => visit.entry.fault(&reading, HookVerdict::Busy, &Fault::unavailable()),
        }
    }

    async fn made_of_hook(
        self: &Arc<Self>,
        entry: &Arc<HookEntry>,
        arrival: &HookArrival,
        reading: &Reading,
    ) -> HookAnswer {
        let report = match self.report_of(entry, arrival, reading).await {
            Ok(report) => report,
            Err(fault) => return entry.fault(reading, HookVerdict::Busy, &fault),
        };
        if report.verdict == HookVerdict::Busy {
            return entry.told(reading, HookVerdict::Busy);
        }
        let answer = entry.told(reading, report.verdict);
        if report.must_be_seen() || report.verdict == HookVerdict::Unmapped {
            let delivery = self.delivery_of(entry, arrival, reading, report, answer.reply.status());
            let kept = self.limits.hooks.deliveries_kept;
            if let Err(error) = self.store.note_hook_deliveries(vec![delivery], kept).await {
                entry.warn(&error);
                return entry.told(reading, HookVerdict::Busy);
            }
        } else if self.hooks.notes.has_room() {
            let delivery = self.delivery_of(entry, arrival, reading, report, answer.reply.status());
            self.note_hook_delivery(delivery);
        } else {
            self.count_lost(1);
        }
        answer
    }

    /// What became of a reading.
    pub(super) async fn report_of(
        self: &Arc<Self>,
        entry: &HookEntry,
        arrival: &HookArrival,
        reading: &Reading,
    ) -> Result<HookReport, Fault> {
        let app = match self.accounts.app(entry.hook.app).await {
            Ok(Some(app)) => app,
            Ok(None) => return Err(Fault::unavailable()),
            Err(error) => {
                entry.warn(&error);
                return Err(Fault::unavailable());
            }
        };
        let (trace_id, received_at) = (&arrival.trace_id, arrival.received_at);
        let maker = Maker { app: &app, entry, trace_id, received_at };
        let made = self.make_of_hook(&maker, reading.items.clone()).await;
        let report = made.map_err(Fault::too_many)?;
        if reading.items.is_empty() {
            // There was nothing to take apart: the reading itself says why.
            return Ok(HookReport { verdict: reading.verdict, reason: reading.reason.clone(), ..report });
        }
        Ok(report)
    }
}

/// The answer for a request that was not looked at.
fn busy(entry: &HookEntry, fault: &Fault) -> HookAnswer {
    entry.fault(&Reading::unread(HookVerdict::Busy, fault.error), HookVerdict::Busy, fault)
}
