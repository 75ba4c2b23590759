//! What can happen to a delivery, and what a rider may answer and be told.
//! Everything that ever changes a delivery is one of these.

use serde::{Deserialize, Serialize};

use super::{DeliveryState, EndReason};
use crate::domain::EpochMs;

/// What a rider may answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
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

    /// The state of a delivery that ends by it.
    pub(in crate::domain) fn end_state(self) -> DeliveryState {
        match self {
            Self::Confirm => DeliveryState::Acknowledged,
            Self::Accept => DeliveryState::Accepted,
            Self::Decline => DeliveryState::Declined,
        }
    }
}

/// What the rider is told of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnswerOutcome {
    /// Kept.
    Recorded,
    /// The order is theirs.
    Won,
    /// Another rider has it.
    Lost,
    /// The backend has been asked; a second answer follows.
    Pending,
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
    /// The rider accepts; the backend decides, and is waited for until then.
    Claimed {
        /// End of the wait.
        until: EpochMs,
    },
    /// The rider answered after the end.
    Late(Answer),
    /// A ladder step rings again, with the next number of the rider's sequence.
    Rung {
        /// That number.
        seq: i64,
    },
    /// It need not wait for company any longer.
    Released,
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
            Self::Claimed { .. } => "claimed",
            Self::Late(_) => "late",
            Self::Rung { .. } => "rung",
            Self::Released => "released",
            Self::Expired => "expired",
            Self::Withdrawn(reason) => reason.as_str(),
        }
    }
}
