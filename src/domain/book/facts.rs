//! What backends are told: facts, noted as the rows of the book change, whether or not anybody wants them.
//! A delivery is told of when it reaches a step for the first time and when it ends; its kind of fact is the word of that.

use serde_json::{Map, Value};

use super::{Book, Context, Notice, NoticeKind};
use crate::domain::alert::AlertChange;
use crate::domain::callback::Fact;
use crate::domain::{AlertId, AlertState, Delivery, DeliveryState, EpochMs, Head, RiderId, RiderKey};

impl Book {
    /// What has become true, in its order; taken out of the book.
    pub fn take_facts(&mut self) -> Vec<Fact> {
        std::mem::take(&mut self.facts)
    }

    /// Tells what is new of the delivery at `place` by a change at `at`.
    pub(super) fn tell_delivery(&mut self, place: usize, before: &Delivery, at: EpochMs) {
        let Some(now) = self.deliveries.get(place).map(|kept| &kept.row) else { return };
        let Some(head) = self.heads.get(&now.alert).map(|kept| &kept.row) else { return };
        for (word, at) in news(before, now, at).into_iter().flatten() {
            let on_the_way = before.is_open() && before.state != DeliveryState::Claimed;
            let is_step = on_the_way && word != now.state.as_str() && STEPS.contains(&word);
            self.facts.push(if is_step {
                step(head, now, word, at)
            } else {
                about_delivery(head, now, word, at)
            });
        }
    }

    /// Tells of a delivery that was held back from the start.
    pub(super) fn tell_held_back(&mut self, delivery: &Delivery) {
        let Some(head) = self.heads.get(&delivery.alert).map(|kept| &kept.row) else { return };
        if let Some(at) = delivery.ended_at {
            self.facts.push(about_delivery(head, delivery, delivery.state.as_str(), at));
        }
    }

    /// Tells who has won an offer.
    pub(super) fn tell_winner(&mut self, alert: AlertId, rider: &RiderId, at: EpochMs) {
        let (Some(head), Some(delivery)) = (self.head(alert), self.delivery(alert, rider)) else { return };
        let mut fact = about(head, "offer.accepted".to_owned(), at);
        fact.rider = Some(rider.clone());
        put(&mut fact.data, "delivery_id", delivery.id.to_string());
        self.facts.push(fact);
    }

    /// Tells of an offer that ended by `change` and that nobody has, where it was not the backend who ended it.
    pub(super) fn tell_untaken(&mut self, head: &Head, change: AlertChange, at: EpochMs) {
        let by_itself = match head.state {
            AlertState::Expired | AlertState::Exhausted => true,
            AlertState::Completed => matches!(change, AlertChange::DeliveryEnded { .. }),
            AlertState::Scheduled | AlertState::Active | AlertState::Accepted | AlertState::Cancelled => {
                false
            }
        };
        if by_itself && head.is_offer() && head.winner.is_none() {
            let mut fact = about(head, "offer.expired".to_owned(), at);
            put(&mut fact.data, "state", head.state.as_str());
            self.facts.push(fact);
        }
    }

    /// Tells of an alert that none of its riders can hear now: the backend by a fact, and the riders, where they have agreed to
    /// it, by a message. Both are of this write, so that neither can be lost nor come without the other.
    pub(super) fn tell_unreachable(&mut self, alert: AlertId, context: &Context<'_>) {
        self.note_unheard(alert, context);
        let Some(head) = self.head(alert) else { return };
        let mut fact = about(head, "alert.unreachable".to_owned(), context.at);
        put(&mut fact.data, "open", head.open_count);
        self.facts.push(fact);
    }

    /// Tells the same as a notice, which goes to the desk.
    pub(super) fn tell_notice(&mut self, notice: &Notice, head: &Head) {
        let mut fact = about(head, notice.kind.as_str().to_owned(), notice.at);
        match (notice.kind, &notice.rider) {
            (NoticeKind::Desk | NoticeKind::Exhausted, _) => {
                put(&mut fact.data, "state", head.state.as_str());
            }
            (NoticeKind::Unresponsive, rider) => {
                fact.rider.clone_from(rider);
                let key = rider.clone().map(|rider| RiderKey { app: notice.app, rider });
                let row = key.and_then(|key| self.rider(&key));
                put(&mut fact.data, "unanswered", row.map_or(0, |row| row.unanswered));
            }
        }
        self.facts.push(fact);
    }
}

/// What is new of a delivery, in its order, each with its moment: all steps at once at most, and an end.
fn news(before: &Delivery, now: &Delivery, at: EpochMs) -> [Option<(&'static str, EpochMs)>; 5] {
    let reached = |word, before: Option<EpochMs>, now: Option<EpochMs>| {
        now.filter(|_| before.is_none()).map(|at| (word, at))
    };
    let ended = now.ended_at.filter(|_| before.is_open());
    // Its end and its being heard are one fact where nothing more was needed.
    let end = ended.filter(|_| now.state != DeliveryState::Played).map(|at| (now.state.as_str(), at));
    // What was heard and needed nothing may still be answered.
    let answer = now.answer.filter(|_| before.answer.is_none() && !before.is_open());
    let answer = answer.zip(now.answered_at).map(|(answer, at)| (answer.end_state().as_str(), at));
    let trouble = now.trouble.as_deref().filter(|_| now.trouble != before.trouble);
    [
        reached("sent", before.sent_at, now.sent_at),
        reached("received", before.received_at, now.received_at),
        reached("played", before.played_at, now.played_at),
        end.or(answer),
        trouble.map(|trouble| (word_of_trouble(trouble), at)),
    ]
}

/// A client says why it did not sound an alert in two words: whether it could not or would not, and why.
fn word_of_trouble(trouble: &str) -> &'static str {
    if trouble.starts_with("skipped") { "skipped" } else { "failed" }
}

/// The steps on the way to the ear.
const STEPS: [&str; 3] = ["sent", "received", "played"];

/// A fact about a delivery that has just come so far, even if it has gone on at the same moment.
fn step(head: &Head, delivery: &Delivery, word: &str, at: EpochMs) -> Fact {
    let mut fact = about(head, format!("delivery.{word}"), at);
    fact.rider = Some(delivery.rider.clone());
    put(&mut fact.data, "delivery_id", delivery.id.to_string());
    put(&mut fact.data, "state", word);
    put(&mut fact.data, "ring", delivery.ring);
    fact
}

/// A fact about a delivery as it stands. It has a reason if, and only if, the delivery has ended.
fn about_delivery(head: &Head, delivery: &Delivery, word: &str, at: EpochMs) -> Fact {
    let mut fact = step(head, delivery, word, at);
    let data = &mut fact.data;
    put(data, "state", delivery.state.as_str());
    if let Some(reason) = delivery.reason {
        put(data, "reason", reason.as_str());
    }
    if let Some(answer) = delivery.answer {
        put(data, "answer", answer.as_str());
    }
    if let Some(trouble) = &delivery.trouble {
        put(data, "trouble", trouble.as_str());
    }
    fact
}

/// A fact about an alert: whose world it is in, what kind of alert, and how long after its event.
fn about(head: &Head, kind: String, at: EpochMs) -> Fact {
    let mut data = Map::new();
    put(&mut data, "alert_kind", head.kind.as_str());
    put(&mut data, "after_ms", at.since_ms(head.created_at));
    Fact {
        app: head.app,
        key_mode: head.key_mode,
        kind,
        alert: Some(head.id),
        order: head.order_id.clone(),
        rider: None,
        at,
        data,
    }
}

fn put(data: &mut Map<String, Value>, member: &str, value: impl Into<Value>) {
    data.insert(member.to_owned(), value.into());
}
