//! Offers: alerts that want an answer, and who decides when several riders give one.
//! The mode says what the rider has to do; the arbiter says whose word makes a winner.

use serde::{Deserialize, Serialize};

use super::{Ladder, Need, RiderId};

/// What an alert asks of its riders.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing: heard is enough.
    #[default]
    Notify,
    /// To confirm.
    Ack,
    /// To accept or decline, within a time.
    Assign,
    /// To be the first who accepts.
    Grab,
}

impl Mode {
    /// The word used in JSON and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Ack => "ack",
            Self::Assign => "assign",
            Self::Grab => "grab",
        }
    }

    /// The mode with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Notify, Self::Ack, Self::Assign, Self::Grab].into_iter().find(|mode| mode.as_str() == word)
    }

    /// The answer that ends a delivery of this mode.
    #[must_use]
    pub fn need(self) -> Need {
        match self {
            Self::Notify => Need::None,
            Self::Ack => Need::Confirm,
            Self::Assign | Self::Grab => Need::Accept,
        }
    }

    /// The mode of a kind that only says what it needs.
    #[must_use]
    pub fn of_need(need: Need) -> Self {
        match need {
            Need::None => Self::Notify,
            Need::Confirm => Self::Ack,
            Need::Accept => Self::Assign,
        }
    }
}

/// Who decides which of the riders that accept a grab has won.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Arbiter {
    /// Orderbell: the first accept that is committed.
    #[default]
    Service,
    /// The backend: it is asked, and may settle later.
    Backend,
}

impl Arbiter {
    /// The word used in JSON and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Backend => "backend",
        }
    }

    /// The arbiter with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Service, Self::Backend].into_iter().find(|arbiter| arbiter.as_str() == word)
    }
}

/// What an event says about the answer it wants.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Offer {
    /// What the rider has to do.
    pub mode: Mode,
    /// Seconds each rider has, from the moment the offer is theirs.
    pub timeout_s: Option<u32>,
    /// Who decides a grab; `None` leaves it to the backend if the event names a `callback_url`, else to us.
    pub arbiter: Option<Arbiter>,
    /// What happens while nobody answers; `None` leaves the kind's ladder.
    pub ladder: Option<Ladder>,
    /// Riders to ask one after the other, by the ladder's step `next`.
    pub candidates: Vec<RiderId>,
}

/// Most candidates an offer may name.
pub const MAX_CANDIDATES: usize = 50;

/// How an offer made to several riders ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Settlement {
    /// This rider has the order.
    Winner(RiderId),
    /// None of ours has it.
    Nobody,
    /// This rider does not have it; the others may still.
    Lost(RiderId),
}
