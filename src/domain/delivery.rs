//! A delivery: one alert for one rider, and the only ways it may change.
//! Progress never goes back, an ended delivery never changes its state, and every end has a reason.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

mod first;

pub use first::Listener;

use super::{Alert, AlertId, AppId, DeliveryId, EpochMs, FirstStatus, Need, RiderId};

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
    /// The rider's answer.
    pub answer: Option<Answer>,
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
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
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
    /// The rider confirmed.
    Acknowledged,
    /// The rider accepted.
    Accepted,
    /// The rider declined.
    Declined,
    /// Its life span ran out.
    Expired,
    /// The backend took it back.
    Cancelled,
    /// Held back on purpose.
    Suppressed,
}

impl DeliveryState {
    const ALL: [Self; 11] = [
        Self::Pending,
        Self::Sent,
        Self::Received,
        Self::Playing,
        Self::Played,
        Self::Acknowledged,
        Self::Accepted,
        Self::Declined,
        Self::Expired,
        Self::Cancelled,
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
            Self::Acknowledged => "acknowledged",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
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
            Self::Acknowledged
            | Self::Accepted
            | Self::Declined
            | Self::Expired
            | Self::Cancelled
            | Self::Suppressed => 5,
        }
    }
}

/// Why a delivery ended. The words are a contract with backends.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Heard, and nothing more was needed.
    Played,
    /// The rider answered.
    Answered,
    /// Void before it could be sent: the rider was never connected in time.
    NeverSent,
    /// Void after it was sent; no client ever said it has it.
    NotReceived,
    /// Void after a client had it; it never sounded to its end.
    NotPlayed,
    /// Void after it was heard; the answer never came.
    NotAnswered,
    /// The backend cancelled the alert.
    CancelledByAlert,
    /// The backend cancelled everything of the order.
    CancelledByOrder,
    /// The rider was off duty, or went off duty.
    OffDuty,
    /// The rider was erased.
    Erased,
}

impl EndReason {
    const ALL: [Self; 10] = [
        Self::Played,
        Self::Answered,
        Self::NeverSent,
        Self::NotReceived,
        Self::NotPlayed,
        Self::NotAnswered,
        Self::CancelledByAlert,
        Self::CancelledByOrder,
        Self::OffDuty,
        Self::Erased,
    ];

    /// The word used in JSON and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Played => "played",
            Self::Answered => "answered",
            Self::NeverSent => "never_sent",
            Self::NotReceived => "not_received",
            Self::NotPlayed => "not_played",
            Self::NotAnswered => "not_answered",
            Self::CancelledByAlert => "cancelled_by_alert",
            Self::CancelledByOrder => "cancelled_by_order",
            Self::OffDuty => "off_duty",
            Self::Erased => "erased",
        }
    }

    /// The reason with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

/// What a rider may answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// I have heard it.
    Confirm,
    /// I take it.
    Accept,
    /// I do not.
    Decline,
}

impl Answer {
    /// The word used in JSON and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Accept => "accept",
            Self::Decline => "decline",
        }
    }

    /// The answer with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Confirm, Self::Accept, Self::Decline].into_iter().find(|answer| answer.as_str() == word)
    }

    fn end_state(self) -> DeliveryState {
        match self {
            Self::Confirm => DeliveryState::Acknowledged,
            Self::Accept => DeliveryState::Accepted,
            Self::Decline => DeliveryState::Declined,
        }
    }
}

/// What the rider is told of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerOutcome {
    /// Kept.
    Recorded,
    /// Too late: the alert is void, or was answered otherwise.
    Gone,
}

/// What can happen to a delivery.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Change {
    /// Its frame was written to a socket.
    Sent,
    /// A client said it has it.
    Received,
    /// A client began to sound it.
    Playing,
    /// A client sounded it to the end of its sentence, for the `play`-th time (1-based).
    Played {
        /// Which sounding of this ring.
        play: u32,
    },
    /// A client could not, or would not, sound it.
    Trouble(String),
    /// The rider answered.
    Answered(Answer),
    /// Its life span ran out.
    Expired,
    /// Taken back, held back or erased, for this reason.
    Withdrawn(EndReason),
}

impl Change {
    /// One word for log lines.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Playing => "playing",
            Self::Played { .. } => "played",
            Self::Trouble(_) => "trouble",
            Self::Answered(answer) => answer.as_str(),
            Self::Expired => "expired",
            Self::Withdrawn(reason) => reason.as_str(),
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
            Change::Expired => next.end(DeliveryState::Expired, self.expiry_reason(), at),
            Change::Withdrawn(reason) => next.end(withdrawn_state(*reason), *reason, at),
        }
        (next != *self).then_some(next)
    }

    /// What the rider is told after answering `answer`, judged on the delivery as it stood before.
    #[must_use]
    pub fn outcome_of(&self, answer: Answer) -> AnswerOutcome {
        let same = self.answer == Some(answer);
        let heard = self.state == DeliveryState::Played && self.answer.is_none();
        if self.is_open() || same || heard { AnswerOutcome::Recorded } else { AnswerOutcome::Gone }
    }

    fn note_sent(&mut self, at: EpochMs) {
        if self.is_open() {
            self.attempts = self.attempts.saturating_add(1);
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

    fn note_answer(&mut self, answer: Answer, at: EpochMs) {
        if self.outcome_of(answer) == AnswerOutcome::Gone || self.answer.is_some() {
            return;
        }
        self.answer = Some(answer);
        self.answered_at = Some(at);
        self.received_at.get_or_insert(at);
        self.end(answer.end_state(), EndReason::Answered, at);
    }

    fn end(&mut self, state: DeliveryState, reason: EndReason, at: EpochMs) {
        if self.is_open() {
            self.state = state;
            self.reason = Some(reason);
            self.ended_at = Some(at);
        }
    }

    fn expiry_reason(&self) -> EndReason {
        if self.played_at.is_some() {
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

fn withdrawn_state(reason: EndReason) -> DeliveryState {
    match reason {
        EndReason::CancelledByAlert | EndReason::CancelledByOrder => DeliveryState::Cancelled,
        EndReason::OffDuty | EndReason::Erased => DeliveryState::Suppressed,
        EndReason::Played => DeliveryState::Played,
        EndReason::Answered => DeliveryState::Acknowledged,
        EndReason::NeverSent | EndReason::NotReceived | EndReason::NotPlayed | EndReason::NotAnswered => {
            DeliveryState::Expired
        }
    }
}

#[cfg(test)]
mod tests;
