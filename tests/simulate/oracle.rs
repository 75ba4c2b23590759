//! What the parts of a world tell the oracle: the store what it has committed, the server's end of a link what it sends,
//! the devices what they got and sounded, the backend what it was answered. The rules themselves are in `rules`.

use std::collections::BTreeSet;

use futures_util::FutureExt;
use orderbell::dispatch::EventAnswer;
use orderbell::domain::{AlertId, RiderId};
use orderbell::store::{AlertRecord, Store};
use serde_json::Value;

use crate::simulation::client::Fact;
use crate::simulation::ledger::{Broken, Ledger, Online};
use crate::simulation::node::APP;
use crate::simulation::plan::EventPlan;

impl Ledger {
    /// The store has just changed these alerts.
    pub(crate) fn audit(&self, alerts: impl IntoIterator<Item = AlertId>) {
        let now = self.time.ms();
        for alert in alerts {
            let Some(record) = self.record(alert) else { continue };
            self.seen().audit(now, &record);
        }
    }

    /// As the store has it now.
    pub(crate) fn record(&self, alert: AlertId) -> Option<AlertRecord> {
        // The model never waits.
        self.store.alert(*APP, alert).now_or_never().unwrap().unwrap()
    }

    /// Nothing that was seen may have gone, or have become another.
    pub(crate) fn audit_all(&self) {
        let all: Vec<(AlertId, RiderId)> = self.seen().known.keys().cloned().collect();
        for (alert, rider) in &all {
            let kept = self.record(*alert);
            let kept = kept.is_some_and(|record| record.deliveries.iter().any(|one| one.rider == *rider));
            if !kept {
                self.broken(Broken::Lost, format_args!("{alert} for {rider} is gone from the store"));
            }
        }
        let mut alerts: Vec<AlertId> = all.into_iter().map(|(alert, _)| alert).collect();
        alerts.extend(self.seen().heads.keys());
        alerts.sort_unstable();
        alerts.dedup();
        self.audit(alerts);
    }

    /// The server decides to send a frame.
    pub(crate) fn queued(&self, rider: &RiderId, text: &str) {
        let Some((alert, frame)) = alert_of(text) else { return };
        let (now, wall) = (self.time.ms(), self.time.wall());
        let mut seen = self.seen();
        seen.check_world(now, rider, alert, &frame);
        let Some(known) = seen.known.get(&(alert, rider.clone())) else { return };
        let (ended_ms, expires_at) = (known.ended_ms.or(known.claimed_ms), known.delivery.expires_at);
        if ended_ms.is_some() || wall >= expires_at {
            let name = seen.name(alert);
            let late_ms = ended_ms.map_or(wall.since_ms(expires_at), |ended| now - ended);
            seen.break_promise(
                now,
                Broken::SentAfterVoid,
                format_args!("{name} was to be sent {late_ms} ms after its end"),
            );
        }
    }

    /// A frame is handed to the network.
    pub(crate) fn sent(&self, rider: &RiderId, device: &str, text: &str) {
        let (now, wall) = (self.time.ms(), self.time.wall());
        let mut seen = self.seen();
        seen.frames_sent += 1;
        let Some((alert, frame)) = alert_of(text) else {
            seen.note(now, format_args!("{device} < {}", short(text)));
            seen.sent_stop(device, text);
            drop(seen);
            if text.starts_with(r#"{"op":"answered""#) {
                self.told(rider, text);
            }
            return;
        };
        seen.sent_alert(now, wall, device, &(alert, rider.clone()), &frame);
        let (name, seq, ring) = (seen.name(alert), &frame["seq"], &frame["ring"]);
        let attempt = &frame["attempt"];
        seen.note(now, format_args!("{device} < alert {name} seq {seq} ring {ring} attempt {attempt}"));
    }

    /// The backend was told yes.
    pub(crate) fn accepted(&self, plan: &EventPlan, answer: EventAnswer) {
        let (now, event) = (self.time.ms(), plan.id.as_str());
        let mut seen = self.seen();
        if answer.test != plan.key_mode.is_test() {
            seen.break_promise(
                now,
                Broken::WorldsMixed,
                format_args!("{event} was answered for another world"),
            );
        }
        seen.note(now, format_args!("{event} accepted, duplicate {}", answer.duplicate));
        let answer = EventAnswer { duplicate: false, ..answer };
        match seen.answers.get(event) {
            None => {
                seen.answers.insert(event.to_owned(), (now, answer));
            }
            Some((_, first)) if *first == answer => {}
            Some(_) => {
                seen.break_promise(now, Broken::TwoEffects, format_args!("{event} got another answer"));
            }
        }
    }

    /// A device did or learned something.
    pub(crate) fn fact(&self, rider: &RiderId, device: &str, fact: &Fact) {
        let now = self.time.ms();
        let kept = match fact {
            Fact::Confirmed(receipt) => self.record(receipt.alert),
            _ => None,
        };
        let mut seen = self.seen();
        match fact {
            Fact::Welcomed { wild } => {
                let wild = *wild && !self.is_calm();
                let (rider, stopped) = (rider.clone(), BTreeSet::new());
                let online = Online { rider, since_ms: now, fair_since_ms: Some(now), wild, stopped };
                seen.online.insert(device.to_owned(), online);
                seen.note(now, format_args!("{device} is welcome"));
            }
            Fact::Received { alert, ring, seq } => seen.received(now, rider, device, (*alert, *ring, *seq)),
            Fact::Started { alert, ring } => seen.started(now, rider, device, (*alert, *ring)),
            Fact::Completed { alert, play, of } => {
                seen.completed(now, rider, device, (*alert, *play, *of));
            }
            Fact::Confirmed(receipt) => seen.confirmed(now, rider, receipt, kept.as_ref()),
            Fact::Answered { alert, answer, outcome } => {
                let name = seen.name(*alert);
                seen.note(now, format_args!("{device} > {name} {answer}: {outcome}"));
                seen.answered(now, rider, (*alert, answer), outcome);
            }
        }
    }

    /// The connection of a device has ended.
    pub(crate) fn offline(&self, device: &str) {
        let now = self.time.ms();
        let mut seen = self.seen();
        if let Some(online) = seen.online.remove(device) {
            seen.note(now, format_args!("{device} is offline"));
            seen.check_brought(now, device, &online);
        }
    }

    /// Something is in the way of a device's connection, or no more.
    pub(crate) fn hindered(&self, device: &str, hindered: bool) {
        let now = self.time.ms();
        if let Some(online) = self.seen().online.get_mut(device) {
            online.fair_since_ms = (!hindered).then_some(now);
        }
    }

    /// The world ends: everything has had the time to end.
    pub(crate) fn judge_end(&self) {
        self.audit_all();
        self.judge_notices();
        let (now, wall) = (self.time.ms(), self.time.wall());
        self.seen().judge_end(now, wall);
    }
}

/// The alert in a frame, if it carries one.
fn alert_of(text: &str) -> Option<(AlertId, Value)> {
    if !text.starts_with(r#"{"op":"alert""#) {
        return None;
    }
    let frame: Value = serde_json::from_str(text).unwrap();
    let alert = frame["id"].as_str().unwrap().parse().unwrap();
    Some((alert, frame))
}

/// A frame in the trace: without ids of sessions and without what never matters.
fn short(text: &str) -> &str {
    text.get(..text.len().min(100)).unwrap_or(text)
}
