//! A delivery: one alert for one rider, and the only ways it may change.
//! Progress never goes back, an ended delivery never changes its state, and every end has a reason.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

mod change;
mod end_reason;
mod first;

pub use change::{Answer, AnswerOutcome, Change};
pub use end_reason::{EndReason, Meaning};
pub use first::Listener;

use super::{Alert, AlertId, AppId, DeliveryId, EpochMs, FirstStatus, Head, Need, RiderId};

/// One delivery as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Our id.
    pub id: DeliveryId,
    /// The alert it carries.
    pub alert: AlertId,
    /// The tenant.
    pub app: AppId,
    /// Whose ear.
    pub rider: RiderId,
    /// Position in the rider's own sequence; rises by one with every delivery.
    pub seq: i64,
    /// What ends it.
    pub need: Need,
    /// From here on it is void.
    pub expires_at: EpochMs,
    /// What the backend was told at once.
    pub first_status: FirstStatus,
    /// Where it stands.
    pub state: DeliveryState,
    /// Why it ended, a stable word; `None` while open.
    pub reason: Option<EndReason>,
    /// Which time it is sounded: 1, and one more with every ladder step that rings again.
    pub ring: u32,
    /// How often its frame was written to a socket.
    pub attempts: u32,
    /// Soundings completed in this ring.
    pub plays: u32,
    /// The highest ring whose frame was written to a socket.
    pub sent_ring: u32,
    /// When its last ring was asked for, where that was not with its alert.
    pub rung_at: Option<EpochMs>,
    /// Not sent before: it waits for company, to be merged.
    pub held_until: Option<EpochMs>,
    /// The rider's answer.
    pub answer: Option<Answer>,
    /// An answer that came after the end.
    pub late_answer: Option<Answer>,
    /// When the backend is to be asked for its verdict (again).
    pub ask_due_at: Option<EpochMs>,
    /// The last trouble the client told, such as `failed:network`.
    pub trouble: Option<String>,
    /// First written to a socket.
    pub sent_at: Option<EpochMs>,
    /// First acknowledged by a client.
    pub received_at: Option<EpochMs>,
    /// First began to sound.
    pub playing_at: Option<EpochMs>,
    /// First sounded to the end of its sentence.
    pub played_at: Option<EpochMs>,
    /// Answered.
    pub answered_at: Option<EpochMs>,
    /// Ended.
    pub ended_at: Option<EpochMs>,
}

/// An open delivery with the alert it carries, as a session needs them.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenDelivery {
    /// The delivery.
    pub delivery: Delivery,
    /// Its alert.
    pub alert: Arc<Alert>,
}

/// Where a delivery stands. `Played` is the end where nothing more is needed, and open where an answer is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Durable, not sent yet.
    Pending,
    /// Written to a socket.
    Sent,
    /// The client has it.
    Received,
    /// The client sounds it.
    Playing,
    /// The sentence was heard to its end.
    Played,
    /// The rider accepts; the backend has not decided.
    Claimed,
    /// The rider confirmed.
    Acknowledged,
    /// The rider accepted.
    Accepted,
    /// The rider declined.
    Declined,
    /// Another rider has the order.
    Lost,
    /// Its life span ran out.
    Expired,
    /// Taken back.
    Cancelled,
    /// A newer alert took its place.
    Superseded,
    /// Held back on purpose.
    Suppressed,
}

impl DeliveryState {
    /// All of them, as they follow each other.
    pub const ALL: [Self; 14] = [
        Self::Pending,
        Self::Sent,
        Self::Received,
        Self::Playing,
        Self::Played,
        Self::Claimed,
        Self::Acknowledged,
        Self::Accepted,
        Self::Declined,
        Self::Lost,
        Self::Expired,
        Self::Cancelled,
        Self::Superseded,
        Self::Suppressed,
    ];

    /// The word used in JSON and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Playing => "playing",
            Self::Played => "played",
            Self::Claimed => "claimed",
            Self::Acknowledged => "acknowledged",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Lost => "lost",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
            Self::Suppressed => "suppressed",
        }
    }

    /// The state with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// How far along the way to the ear; states past `Played` are all the same distance.
    fn progress(self) -> u8 {
        match self {
            Self::Pending => 0,
            Self::Sent => 1,
            Self::Received => 2,
            Self::Playing => 3,
            Self::Played => 4,
            Self::Claimed => 5,
            Self::Acknowledged
            | Self::Accepted
            | Self::Declined
            | Self::Lost
            | Self::Expired
            | Self::Cancelled
            | Self::Superseded
            | Self::Suppressed => 6,
        }
    }
}

impl Delivery {
    /// Whether it has not ended.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.ended_at.is_none()
    }

    /// Soundings left of `count` in this ring; at least one while it is open, so that it can be heard.
    #[must_use]
    pub fn remaining(&self, count: u32) -> u32 {
        count.saturating_sub(self.plays).max(1)
    }

    /// This delivery after `change` at `at`; `None` if the change says nothing new.
    /// After the end only facts that were missing are noted (a late receipt); state and reason stay.
    #[must_use]
    pub fn after(&self, change: &Change, at: EpochMs) -> Option<Self> {
        let mut next = self.clone();
        // A client's clock may say that it played before we sent; the timeline never runs backwards.
        let at =
            [self.sent_at, self.received_at, self.playing_at].into_iter().flatten().fold(at, EpochMs::max);
        match change {
            Change::Sent => next.note_sent(at),
            Change::Received => next.note_progress(DeliveryState::Received, at),
            Change::Playing => next.note_progress(DeliveryState::Playing, at),
            Change::Played { play } => next.note_played(*play, at),
            Change::Trouble(what) => next.trouble = Some(what.clone()),
            Change::Answered(answer) => next.note_answer(*answer, at),
            Change::Claimed { until } => next.note_claim(*until, at),
            Change::Late(answer) => {
                next.late_answer.get_or_insert(*answer);
            }
            Change::Rung { seq } => next.note_ring(*seq, at),
            Change::Released => {
                if next.held_until.take().is_some() {
                    next.rung_at = Some(at);
                }
            }
            Change::Expired => next.end(DeliveryState::Expired, self.expiry_reason(), at),
            Change::Withdrawn(reason) => next.end(reason.withdrawn_state(), *reason, at),
        }
        (next != *self).then_some(next)
    }

    /// What the rider is told who gives the same answer again, judged on the delivery as it stands.
    #[must_use]
    pub fn outcome(&self, alert: &Head) -> AnswerOutcome {
        match self.state {
            DeliveryState::Claimed => AnswerOutcome::Pending,
            DeliveryState::Accepted if alert.has_winner() => AnswerOutcome::Won,
            DeliveryState::Lost => AnswerOutcome::Lost,
            DeliveryState::Accepted
            | DeliveryState::Acknowledged
            | DeliveryState::Declined
            | DeliveryState::Pending
            | DeliveryState::Sent
            | DeliveryState::Received
            | DeliveryState::Playing
            | DeliveryState::Played => AnswerOutcome::Recorded,
            DeliveryState::Expired
            | DeliveryState::Cancelled
            | DeliveryState::Superseded
            | DeliveryState::Suppressed => AnswerOutcome::Gone,
        }
    }

    fn note_sent(&mut self, at: EpochMs) {
        if self.is_open() {
            self.attempts = self.attempts.saturating_add(1);
            self.sent_ring = self.ring;
            self.note_progress(DeliveryState::Sent, at);
        }
    }

    /// Marks the way up to `reached`; what comes later implies what comes before.
    fn note_progress(&mut self, reached: DeliveryState, at: EpochMs) {
        let steps = [
            (DeliveryState::Sent, &mut self.sent_at),
            (DeliveryState::Received, &mut self.received_at),
            (DeliveryState::Playing, &mut self.playing_at),
            (DeliveryState::Played, &mut self.played_at),
        ];
        for (step, moment) in steps {
            if step.progress() <= reached.progress() {
                moment.get_or_insert(at);
            }
        }
        if self.is_open() && self.state.progress() < reached.progress() {
            self.state = reached;
        }
    }

    fn note_played(&mut self, play: u32, at: EpochMs) {
        self.note_progress(DeliveryState::Played, at);
        if self.is_open() {
            self.plays = self.plays.max(play);
            if self.need == Need::None {
                self.end(DeliveryState::Played, EndReason::Played, at);
            }
        }
    }

    /// What was heard and needed nothing may still be answered; any other end stands.
    fn note_answer(&mut self, answer: Answer, at: EpochMs) {
        let decided = self.answer.is_some() && self.state != DeliveryState::Claimed;
        if decided || !(self.is_open() || self.state == DeliveryState::Played) {
            return;
        }
        self.answer = Some(answer);
        self.answered_at.get_or_insert(at);
        self.received_at.get_or_insert(at);
        self.end(answer.end_state(), EndReason::Answered, at);
    }

    fn note_claim(&mut self, until: EpochMs, at: EpochMs) {
        if self.need == Need::Accept && self.is_open() && self.state != DeliveryState::Claimed {
            self.answer = Some(Answer::Accept);
            self.answered_at = Some(at);
            self.received_at.get_or_insert(at);
            self.state = DeliveryState::Claimed;
            self.expires_at = self.expires_at.max(until);
            self.ask_due_at = Some(at);
        }
    }

    /// A claim rings no more: its rider has answered.
    fn note_ring(&mut self, seq: i64, at: EpochMs) {
        if self.is_open() && self.state != DeliveryState::Claimed {
            self.ring = self.ring.saturating_add(1);
            self.seq = seq;
            self.plays = 0;
            self.rung_at = Some(at);
        }
    }

    fn end(&mut self, state: DeliveryState, reason: EndReason, at: EpochMs) {
        if self.is_open() {
            self.state = state;
            self.reason = Some(reason);
            self.ended_at = Some(at);
            self.held_until = None;
            self.ask_due_at = None;
        }
    }

    fn expiry_reason(&self) -> EndReason {
        if self.state == DeliveryState::Claimed {
            EndReason::NotSettled
        } else if self.played_at.is_some() {
            EndReason::NotAnswered
        } else if self.received_at.is_some() {
            EndReason::NotPlayed
        } else if self.sent_at.is_some() {
            EndReason::NotReceived
        } else {
            EndReason::NeverSent
        }
    }
}

#[cfg(test)]
mod tests;
