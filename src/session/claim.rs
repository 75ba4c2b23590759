//! Accepts that the backend decides about: said to be pending only if its word takes long, and told in the end.
//! Nobody is told that they have won before that is committed.

use super::frame::ServerFrame;
use super::{Live, Output, Session, push};
use crate::clock::Now;
use crate::domain::delivery::{AnswerOutcome, EndReason};
use crate::domain::{AlertId, Delivery};

/// An accept that waits for the backend's word.
#[derive(Debug)]
pub(super) struct Claim {
    /// Number of the answer; 0 if it was given elsewhere.
    n: u64,
    /// When the rider is told that it is pending; `None` once they were told, or need not be.
    tell_ms: Option<i64>,
}

impl Session {
    /// An accept was committed here, and the backend is being asked.
    pub(super) fn on_claimed(&mut self, alert: AlertId, n: u64, now: Now) {
        let claim = Claim { n, tell_ms: Some(now.mono_ms + self.settings.arbiter_wait_ms) };
        match self.live.iter_mut().find(|live| live.alert == alert) {
            Some(live) => live.claim_it(claim),
            None => self.live.push(Live::claimed(alert, claim)),
        }
    }

    /// A row whose rider has accepted: it rings no more, on no device.
    pub(super) fn on_claimed_row(&mut self, delivery: &Delivery, out: &mut Vec<Output>) {
        let elsewhere = Claim { n: 0, tell_ms: None };
        match self.live.iter_mut().find(|live| live.alert == delivery.alert) {
            Some(live) if live.claim.is_some() => {}
            Some(live) => {
                live.claim_it(elsewhere);
                let ids = vec![delivery.alert];
                out.push(Output::Withdraw(ids.clone()));
                push(out, &ServerFrame::Stop { ids, reason: "answered_elsewhere" });
            }
            None => self.live.push(Live::claimed(delivery.alert, elsewhere)),
        }
    }

    /// Tells those who have waited long enough that it is pending.
    pub(super) fn tell_pending(&mut self, now: Now, out: &mut Vec<Output>) {
        for live in &mut self.live {
            let Some(claim) = &mut live.claim else { continue };
            if claim.tell_ms.is_some_and(|tell_ms| now.mono_ms >= tell_ms) {
                claim.tell_ms = None;
                let id = live.alert.to_string();
                push(out, &ServerFrame::Answered { n: claim.n, id: &id, outcome: AnswerOutcome::Pending });
            }
        }
    }

    /// When the next of them has waited long enough.
    pub(super) fn next_pending_ms(&self) -> Option<i64> {
        self.live.iter().filter_map(|live| live.claim.as_ref()?.tell_ms).min()
    }

    /// Tells what became of claims. Returns those that are done with: the winner needs no `stop`.
    pub(super) fn tell_settled(&self, ended: &[(AlertId, EndReason)], out: &mut Vec<Output>) -> Vec<AlertId> {
        let mut won = Vec::new();
        for (alert, why) in ended {
            let live = self.live.iter().find(|live| live.alert == *alert);
            let Some(claim) = live.and_then(|live| live.claim.as_ref()) else { continue };
            let outcome = match why {
                EndReason::Answered => AnswerOutcome::Won,
                EndReason::Taken => AnswerOutcome::Lost,
                EndReason::Played
                | EndReason::NeverSent
                | EndReason::NotReceived
                | EndReason::NotPlayed
                | EndReason::NotAnswered
                | EndReason::NotSettled
                | EndReason::CancelledByAlert
                | EndReason::CancelledByOrder
                | EndReason::CancelledBefore
                | EndReason::Reassigned
                | EndReason::OrderEnded
                | EndReason::Superseded
                | EndReason::Merged
                | EndReason::OffDuty
                | EndReason::RateLimited
                | EndReason::QuietHours
                | EndReason::TestMode
                | EndReason::Erased => AnswerOutcome::Gone,
            };
            if outcome == AnswerOutcome::Won {
                won.push(*alert);
            }
            let id = alert.to_string();
            push(out, &ServerFrame::Answered { n: claim.n, id: &id, outcome });
        }
        won
    }
}

impl Live {
    /// A claim whose alert was not sent on this session.
    fn claimed(alert: AlertId, claim: Claim) -> Self {
        Self {
            alert,
            trace: Box::default(),
            seq: 0,
            ring: 0,
            attempt: 0,
            tries: 0,
            sent_ms: 0,
            acked: true,
            canned: false,
            resend: false,
            claim: Some(claim),
        }
    }

    fn claim_it(&mut self, claim: Claim) {
        self.claim = Some(claim);
        self.acked = true;
        self.resend = false;
    }
}
