//! What a backend is told of its alerts and riders: facts, each noted in the commit that made it true.
//! Which of them somebody wants to hear is the store's to look up; how they are sent is not known here.

mod fact;
mod kinds;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::app::KeyMode;
use super::{AlertId, AppId, CallbackId, CallbackTargetId, EpochMs, EventId, OrderId, RiderId};

pub use fact::{Outgoing, batch_id};
pub use kinds::{EVERY_KIND, FAMILIES, KINDS, is_kind};

/// Something that became true, as a backend may be told of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// The tenant.
    pub app: AppId,
    /// Whose world it is in.
    pub key_mode: KeyMode,
    /// What happened: `delivery.played`, `offer.accepted`, `rider.offline` … The list is open.
    pub kind: String,
    /// The alert, if it is about one. Facts of one alert are told in their order.
    pub alert: Option<AlertId>,
    /// Its order.
    pub order: Option<OrderId>,
    /// The rider, if it is about one. Facts of a rider without an alert are told in their order.
    pub rider: Option<RiderId>,
    /// When it became true.
    pub at: EpochMs,
    /// What is said of it beside the ids above: members of the body's `data`.
    pub data: Map<String, Value>,
}

/// An address that an app has its callbacks sent to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CallbackTarget {
    /// Our id.
    pub id: CallbackTargetId,
    /// The tenant.
    pub app: AppId,
    /// Where to send.
    pub url: String,
    /// Which kinds.
    pub kinds: WantedKinds,
    /// Most callbacks in one request, 1 to 100. With 1 each alert is told in order and alerts do not wait for each other; with
    /// more the whole target is told in one order.
    pub batch_max: u32,
    /// Whether anything is sent.
    pub state: TargetState,
    /// When it was made.
    pub created_at: EpochMs,
}

/// Which kinds a target hears of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WantedKinds {
    /// All there are, and those to come.
    All,
    /// These: whole words (`offer.expired`) or families (`delivery.*`).
    These(BTreeSet<String>),
}

/// Whether callbacks are sent to a target.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TargetState {
    /// They are.
    Active,
    /// The target answered 410, or an operator stopped it: what comes up is not kept for it until it is resumed.
    Stopped {
        /// Since when.
        at: EpochMs,
    },
}

/// Where a callback goes, among all of an app: the unit of circuits and of order.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Destination {
    /// The tenant.
    pub app: AppId,
    /// The id of a target, or `url:` and a hash of the address that an event named itself.
    pub name: String,
}

/// Where a callback stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CallbackState {
    /// It is to be sent (again).
    Waiting,
    /// The backend has it.
    Delivered,
    /// It is not tried any more unless somebody asks.
    Dead,
}

/// A callback that is to be sent now, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Callback {
    /// Its id: `webhook-id`, the same with every try.
    pub id: CallbackId,
    /// The app.
    pub app: AppId,
    /// Where to.
    pub destination: Destination,
    /// The address.
    pub url: String,
    /// Whose world it is in.
    pub key_mode: KeyMode,
    /// What happened.
    pub kind: String,
    /// The alert.
    pub alert: Option<AlertId>,
    /// The backend's id of the alert's event.
    pub event: Option<EventId>,
    /// The order.
    pub order: Option<OrderId>,
    /// The rider.
    pub rider: Option<RiderId>,
    /// What the event carried for its own sender, JSON.
    pub ext: Option<String>,
    /// The alert's trace.
    pub trace_id: Option<String>,
    /// Members of the body's `data`.
    pub data: Map<String, Value>,
    /// When it became true.
    pub at: EpochMs,
    /// Tries so far.
    pub attempts: u32,
}

impl WantedKinds {
    /// Whether this kind is among them.
    #[must_use]
    pub fn include(&self, kind: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(kinds) => {
                let family = kind.split_once('.').map(|(family, _)| format!("{family}.*"));
                kinds.contains(kind) || family.is_some_and(|family| kinds.contains(&family))
            }
        }
    }
}

impl CallbackState {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Delivered, Self::Dead];

    /// The word used in JSON and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// The state with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}
