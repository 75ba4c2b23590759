//! What riders say of their deliveries, and who wins an offer: one decision, made where it is committed.
//! Whoever says the same again is told the same again; what comes after the end is noted and changes nothing.

use super::{Book, Ended, Guard};
use crate::domain::alert::AlertChange;
use crate::domain::app::KeyMode;
use crate::domain::delivery::{Answer, AnswerOutcome, Change, EndReason};
use crate::domain::{
    AlertId, AlertState, Arbiter, Delivery, DeliveryState, EpochMs, Head, RiderId, RiderKey, Settlement,
};

/// A change to one delivery, told by a rider's session. A delivery of another rider is not found.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Whose session says so.
    pub rider: RiderKey,
    /// Which alert, as the client names it.
    pub alert: AlertId,
    /// What happened.
    pub change: Change,
    /// When, by the server's clock.
    pub at: EpochMs,
    /// How long the backend may take to decide a claim, in milliseconds.
    pub settle_ms: i64,
}

/// What a progress did.
#[derive(Clone, Debug, PartialEq)]
pub struct Progressed {
    /// The delivery afterwards.
    pub delivery: Delivery,
    /// Whose world its alert is in.
    pub key_mode: KeyMode,
    /// Whether anything changed.
    pub changed: bool,
    /// Whether this change ended it.
    pub ended_now: bool,
    /// For an answer: what the rider is told.
    pub outcome: Option<AnswerOutcome>,
    /// Deliveries of other riders that ended with it.
    pub others: Vec<Ended>,
}

/// What a settlement did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Settled {
    /// It is decided; these deliveries ended.
    Done(Vec<Ended>),
    /// It was decided so before.
    Already,
    /// It was decided otherwise, or is void.
    Otherwise,
    /// The winner was never offered it.
    NotOffered,
    /// It is no offer.
    NoOffer,
}

impl Book {
    /// Applies what a session says. `None` if the rider has no such delivery.
    pub fn progress(&mut self, progress: &Progress) -> Option<Progressed> {
        let place = self.place(progress.alert, &progress.rider.rider)?;
        let before = self.at(place)?.clone();
        if before.app != progress.rider.app {
            return None;
        }
        let mut others = Vec::new();
        let mut outcome = None;
        if let Change::Answered(answer) = progress.change {
            outcome = Some(self.answer(place, answer, progress, &mut others));
        } else {
            self.change(place, &progress.change, progress.at);
        }
        let delivery = self.at(place)?.clone();
        let key_mode = self.head(delivery.alert)?.key_mode;
        let ended_now = before.is_open() && !delivery.is_open();
        Some(Progressed { changed: delivery != before, key_mode, ended_now, outcome, others, delivery })
    }

    fn at(&self, place: usize) -> Option<&Delivery> {
        self.deliveries.get(place).map(|kept| &kept.row)
    }

    fn answer(
        &mut self,
        place: usize,
        answer: Answer,
        progress: &Progress,
        others: &mut Vec<Ended>,
    ) -> AnswerOutcome {
        let at = progress.at;
        // Judged by the clock, not by whether a sweep has been there.
        if self.at(place).is_some_and(|delivery| delivery.is_open() && delivery.expires_at <= at) {
            self.change(place, &Change::Expired, at);
        }
        let Some(delivery) = self.at(place) else { return AnswerOutcome::Gone };
        let Some(head) = self.head(delivery.alert) else { return AnswerOutcome::Gone };
        let (offer, arbiter, has_winner) = (head.is_offer(), head.arbiter, head.has_winner());
        if delivery.answer == Some(answer) {
            return delivery.outcome(head);
        }
        let only_heard = delivery.state == DeliveryState::Played && delivery.answer.is_none();
        let lost = delivery.state == DeliveryState::Lost;
        // Who has accepted has given their word; while the backend decides they cannot take it back.
        let takes_back = delivery.state == DeliveryState::Claimed && answer == Answer::Decline;
        let may_answer =
            (delivery.is_open() && !takes_back) || only_heard || (lost && !self.looks_at(Guard::OneWinner));
        if !may_answer {
            self.change(place, &Change::Late(answer), at);
            // Who did not want it has not lost it.
            let lost = lost && answer == Answer::Accept;
            return if lost { AnswerOutcome::Lost } else { AnswerOutcome::Gone };
        }
        let rider = RiderKey { app: delivery.app, rider: delivery.rider.clone() };
        if self.riders.contains_key(&rider) {
            self.rider_mut(&rider, at).note_answer(at);
        }
        match (answer, offer) {
            (Answer::Accept, true) if arbiter == Arbiter::Backend => {
                let until = at.plus_ms(progress.settle_ms);
                self.change(place, &Change::Claimed { until }, at);
                AnswerOutcome::Pending
            }
            (Answer::Accept, true) => {
                others.extend(self.win(place, at));
                if has_winner { AnswerOutcome::Won } else { AnswerOutcome::Recorded }
            }
            // Heard, but neither taken nor refused: the offer stands.
            (Answer::Confirm, true) => {
                self.change(place, &Change::Received, at);
                AnswerOutcome::Recorded
            }
            (Answer::Decline, true) | (_, false) => {
                self.change(place, &Change::Answered(answer), at);
                AnswerOutcome::Recorded
            }
        }
    }

    /// The rider of this delivery has the order; all others have lost it.
    fn win(&mut self, place: usize, at: EpochMs) -> Vec<Ended> {
        let Some(delivery) = self.at(place) else { return Vec::new() };
        let (alert, rider) = (delivery.alert, delivery.rider.clone());
        // Before its delivery ends, so that the alert ends as won and not as answered by all.
        if let Some(head) = self.head_mut(alert) {
            head.winner = Some(rider.clone());
            head.apply(AlertChange::Won, at);
        }
        self.change(place, &Change::Answered(Answer::Accept), at);
        self.tell_winner(alert, &rider, at);
        if let Some(key) = self.head(alert).and_then(Head::order)
            && self.orders.contains_key(&key)
        {
            let memory = self.order_mut(&key, at);
            if memory.rider.replace(rider.clone()) != Some(rider) {
                memory.assignments = memory.assignments.saturating_add(1);
            }
        }
        let others = self.open_of(alert);
        self.end_all(&others, &Change::Withdrawn(EndReason::Taken), at)
    }

    /// The backend's decision about an offer.
    pub fn settle(&mut self, alert: AlertId, settlement: &Settlement, at: EpochMs) -> Settled {
        let Some(head) = self.head(alert) else { return Settled::NoOffer };
        if !head.is_offer() {
            return Settled::NoOffer;
        }
        let (active, winner) = (head.state == AlertState::Active, head.winner.clone());
        match settlement {
            Settlement::Winner(rider) => match self.place(alert, rider) {
                None => Settled::NotOffered,
                Some(_) if winner.as_ref() == Some(rider) => Settled::Already,
                Some(place) if active && self.at(place).is_some_and(Delivery::is_open) => {
                    let mut ended = self.win(place, at);
                    ended.extend(self.ended(place));
                    Settled::Done(ended)
                }
                Some(_) => Settled::Otherwise,
            },
            Settlement::Nobody if active => {
                if let Some(head) = self.head_mut(alert) {
                    head.apply(AlertChange::Cancelled, at);
                }
                let open = self.open_of(alert);
                Settled::Done(self.end_all(&open, &Change::Withdrawn(EndReason::Taken), at))
            }
            Settlement::Nobody if winner.is_none() => Settled::Already,
            Settlement::Nobody => Settled::Otherwise,
            Settlement::Lost(rider) => self.lose_claim(alert, rider, at),
        }
    }

    fn lose_claim(&mut self, alert: AlertId, rider: &RiderId, at: EpochMs) -> Settled {
        let Some(place) = self.place(alert, rider) else { return Settled::NotOffered };
        match self.at(place).map(|delivery| delivery.state) {
            Some(DeliveryState::Claimed) => {
                Settled::Done(self.end_all(&[place], &Change::Withdrawn(EndReason::Taken), at))
            }
            Some(DeliveryState::Lost) => Settled::Already,
            Some(_) | None => Settled::Otherwise,
        }
    }

    /// Takes the right to ask the backend about a claim: true for one asker at a time, until `again_at`.
    pub fn take_ask(&mut self, alert: AlertId, rider: &RiderId, again_at: EpochMs, at: EpochMs) -> bool {
        let Some(place) = self.place(alert, rider) else { return false };
        let Some(kept) = self.deliveries.get_mut(place) else { return false };
        let due = kept.row.ask_due_at.is_some_and(|due| due <= at);
        let takes = due && kept.row.state == DeliveryState::Claimed && kept.row.expires_at > at;
        if takes {
            kept.edit().ask_due_at = Some(again_at);
        }
        takes
    }

    /// Sets when the backend is asked about a claim again; `None` if it has heard of it and will settle it.
    pub fn ask_again(&mut self, alert: AlertId, rider: &RiderId, at: Option<EpochMs>) {
        let kept = self.place(alert, rider).and_then(|place| self.deliveries.get_mut(place));
        if let Some(kept) = kept.filter(|kept| kept.row.state == DeliveryState::Claimed) {
            kept.edit().ask_due_at = at;
        }
    }
}
