//! The rules of offers and ladders: one winner, each step once, each ring from a step, each call once, and nothing said
//! of an answer that is not kept.

use futures_util::FutureExt;
use orderbell::dispatch::EventAnswer;
use orderbell::domain::{AlertId, AlertState, CallId, Delivery, DeliveryState, EpochMs, RiderId};
use orderbell::store::{AlertRecord, NoticeKind, Stepped, Store};
use serde_json::{Map, Value};

use crate::simulation::ledger::{Broken, Ledger, Seen};
use crate::simulation::node::APP;

/// More notices than a world has.
const NOTICES_MAX: u32 = 100_000;

impl Ledger {
    /// The store has just taken a step of a ladder.
    pub(crate) fn stepped(&self, alert: AlertId, level: u32, stepped: &Stepped) {
        let now = self.time.ms();
        let mut seen = self.seen();
        let name = seen.name(alert);
        seen.note(now, format_args!("store: step {level} of {name}, {}", stepped.act));
        if seen.steps.insert((alert, level), stepped.act).is_some() {
            seen.break_promise(now, Broken::LevelTwice, format_args!("{name} took step {level} again"));
        }
        if matches!(stepped.act, "repeat" | "louder") {
            seen.rings = Some(alert);
        }
    }

    /// A voice-call service was called.
    pub(crate) fn called(&self, id: CallId, values: &Map<String, Value>) {
        let now = self.time.ms();
        let alert: AlertId = values["alert_id"].as_str().unwrap().parse().unwrap();
        let (level, rider) = (values["level"].as_u64().unwrap(), values["rider"].as_str().unwrap());
        let mut seen = self.seen();
        seen.check_call(now, rider, alert, values["test"] == true);
        let name = seen.name(alert);
        seen.note(now, format_args!("call for {rider} of {name} at {level}"));
        let ids = seen.calls.entry((alert, level, rider.to_owned())).or_default();
        ids.insert(id);
        if ids.len() > 1 {
            seen.break_promise(
                now,
                Broken::LevelTwice,
                format_args!("{name} called {rider} twice at {level}"),
            );
        }
    }

    /// A rider is told what became of an answer.
    pub(crate) fn told(&self, rider: &RiderId, text: &str) {
        let frame: Value = serde_json::from_str(text).unwrap();
        let Ok(alert) = frame["id"].as_str().unwrap().parse::<AlertId>() else { return };
        let Some(record) = self.record(alert) else { return };
        let theirs = record.deliveries.iter().find(|delivery| delivery.rider == *rider);
        let state = theirs.map(|delivery| delivery.state);
        let outcome = frame["outcome"].as_str().unwrap();
        let holds = match outcome {
            "won" => record.alert.winner.as_ref() == Some(rider) && state == Some(DeliveryState::Accepted),
            "lost" => state == Some(DeliveryState::Lost),
            _ => true,
        };
        if !holds {
            let winner = &record.alert.winner;
            self.broken(
                Broken::WonTooSoon,
                format_args!("{rider} is told {outcome}, and is {state:?}; the winner is {winner:?}"),
            );
        }
    }

    /// Alerts whose time is over and which are open as far as was seen.
    pub(crate) fn overdue(&self, at: EpochMs) -> Vec<AlertId> {
        let seen = self.seen();
        let over = seen.heads.values().filter(|head| head.is_open() && head.expires_at <= at);
        over.map(|head| head.id).collect()
    }

    /// A rider's alerts that wait for company.
    pub(crate) fn held(&self, rider: &RiderId) -> Vec<AlertId> {
        let seen = self.seen();
        let theirs = seen.known.iter().filter(|((_, whose), known)| {
            whose == rider && known.ended_ms.is_none() && known.delivery.held_until.is_some()
        });
        theirs.map(|((alert, _), _)| *alert).collect()
    }

    /// Each desk step was told once, and each alert came to its end once.
    pub(crate) fn judge_notices(&self) {
        let now = self.time.ms();
        let notices = self.store.notices(*APP, 0, NOTICES_MAX).now_or_never().unwrap().unwrap();
        let mut seen = self.seen();
        let told = |alert: AlertId, kind: NoticeKind| {
            let all = notices.iter().map(|numbered| &numbered.notice);
            all.filter(|notice| notice.alert == Some(alert) && notice.kind == kind).count()
        };
        let alerts: Vec<AlertId> = seen.heads.keys().copied().collect();
        for alert in alerts {
            let steps = seen.steps.iter().filter(|((of, _), act)| *of == alert && **act == "desk").count();
            let (desks, ends) = (told(alert, NoticeKind::Desk), told(alert, NoticeKind::Exhausted));
            if desks != steps || ends > 1 {
                let name = seen.name(alert);
                seen.break_promise(
                    now,
                    Broken::LevelTwice,
                    format_args!("{name}: {steps} desk steps, {desks} told, {ends} ends"),
                );
            }
        }
    }
}

impl Seen {
    /// An alert as the store has it now.
    pub(crate) fn audit_head(&mut self, now: i64, record: &AlertRecord) {
        let head = &record.alert.head;
        let name = self.name(head.id);
        if let Some(before) = self.heads.insert(head.id, head.clone()) {
            if before.state != head.state {
                self.note(now, format_args!("store: {name} is {:?}", head.state));
            }
            if !before.is_open() && (before.state, before.ended_at) != (head.state, head.ended_at) {
                let (was, is) = (before.state, head.state);
                self.break_promise(
                    now,
                    Broken::TwoTerminalStates,
                    format_args!("{name} was {was:?} and is {is:?}"),
                );
            }
            if before.winner.is_some() && before.winner != head.winner {
                let (was, is) = (&before.winner, &head.winner);
                self.break_promise(now, Broken::TwoWinners, format_args!("{name}: {was:?}, then {is:?}"));
            }
            if before.steps_done & !head.steps_done != 0 {
                self.break_promise(now, Broken::LevelTwice, format_args!("{name} forgot a step"));
            }
        }
        self.audit_winner(now, &name, record);
        let open = record.deliveries.iter().filter(|delivery| delivery.is_open()).count() as u64;
        if open != head.open_count {
            let count = head.open_count;
            self.break_promise(
                now,
                Broken::Miscounted,
                format_args!("{name} has {open} open, and says {count}"),
            );
        }
        if !head.is_open() && open > 0 {
            self.break_promise(
                now,
                Broken::NeverEnded,
                format_args!("{name} is {:?} with {open} open deliveries", head.state),
            );
        }
    }

    fn audit_winner(&mut self, now: i64, name: &str, record: &AlertRecord) {
        let head = &record.alert.head;
        if !head.is_offer() {
            return;
        }
        let accepted = record.deliveries.iter().filter(|delivery| delivery.state == DeliveryState::Accepted);
        let accepted: Vec<&RiderId> = accepted.map(|delivery: &Delivery| &delivery.rider).collect();
        let fits = match accepted.as_slice() {
            [] => head.winner.is_none() && head.state != AlertState::Accepted,
            [only] => head.winner.as_ref() == Some(*only) && head.state == AlertState::Accepted,
            _ => false,
        };
        if !fits {
            let (state, winner) = (head.state, &head.winner);
            self.break_promise(
                now,
                Broken::TwoWinners,
                format_args!("{name} is {state:?}, its winner is {winner:?}, accepted by {accepted:?}"),
            );
        }
    }

    /// A rider has learned what became of an answer.
    pub(crate) fn answered(
        &mut self,
        now: i64,
        rider: &RiderId,
        (alert, answer): (AlertId, &'static str),
        outcome: &str,
    ) {
        if outcome == "won" {
            self.won(now, alert, rider);
        }
        if outcome == "pending" {
            return;
        }
        let key = (alert, rider.clone(), answer);
        let before = self.outcomes.insert(key, outcome.to_owned());
        if let Some(before) = before.filter(|before| before != outcome) {
            let name = self.name(alert);
            self.break_promise(
                now,
                Broken::TwoTerminalStates,
                format_args!("{rider}'s {answer} of {name} was {before}, and is {outcome}"),
            );
        }
    }

    fn won(&mut self, now: i64, alert: AlertId, rider: &RiderId) {
        let winners = self.winners.entry(alert).or_default();
        winners.insert(rider.clone());
        if winners.len() > 1 {
            let all = format!("{winners:?}");
            let name = self.name(alert);
            self.break_promise(now, Broken::TwoWinners, format_args!("{name}: {all}"));
        }
    }

    /// Whether everything that an answer spoke of is in the store.
    pub(crate) fn has(&self, answer: &EventAnswer) -> bool {
        answer.alerts.iter().all(|alert| {
            self.heads.contains_key(&alert.alert_id)
                && alert
                    .deliveries
                    .iter()
                    .all(|one| self.known.contains_key(&(alert.alert_id, one.rider.clone())))
        })
    }
}
