//! An event as a backend means it, after parsing: nothing in here can be out of bounds.
//! `intake` makes it from bytes; `dispatch` makes an alert of it.

use serde::{Deserialize, Serialize};

use super::{EpochMs, EventId, Offer, OrderId, Recurrence, RiderId, Target, Urgency};

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The backend's own id: the idempotency key.
    pub id: EventId,
    /// Name of a kind in the table.
    pub kind: String,
    /// When it happened at the backend, if it says so.
    pub occurred_at: Option<EpochMs>,
    /// The order it is about.
    pub order: Option<Order>,
    /// Who had the order before.
    pub previous_rider: Option<RiderId>,
    /// Whom to tell.
    pub target: Target,
    /// Asks for an answer.
    pub offer: Option<Offer>,
    /// What differs from the kind's policy.
    pub overrides: Overrides,
    /// Where the backend wants to hear what became of it.
    pub callback_url: Option<String>,
    /// Not before this moment.
    pub deliver_at: Option<EpochMs>,
    /// It comes again and again.
    pub recurrence: Option<Recurrence>,
    /// Handed to the client unread.
    pub ext: serde_json::Map<String, serde_json::Value>,
}

/// What a rider may see and hear of an order. No phone, no address, no customer's name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The backend's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<OrderId>,
    /// Rises with every change of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// The number the shop shouts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short_no: Option<String>,
    /// Where the order came from, such as `meituan`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The backend's word for its state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The backend's id of the shop; not shown.
    #[serde(skip)]
    pub merchant_id: Option<String>,
    /// Name of the shop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merchant: Option<String>,
    /// Where it goes, roughly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area: Option<String>,
    /// Last four digits of the phone to call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_tail: Option<String>,
    /// Way in metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance_m: Option<i64>,
    /// What the rider earns, in cents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee_cents: Option<i64>,
    /// How many things.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<i64>,
    /// When the customer expects it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promised_at: Option<EpochMs>,
    /// When the shop has it ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<EpochMs>,
    /// The customer's wish.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Why it was cancelled, changed or returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Whose orders an app may word otherwise: a merchant, as an order names it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct OrderMerchant<'a> {
    /// The backend's id.
    pub id: Option<&'a str>,
    /// The name.
    pub name: Option<&'a str>,
}

impl<'a> OrderMerchant<'a> {
    /// What the merchant is looked for by: the id, then the name.
    pub fn names(self) -> impl Iterator<Item = &'a str> {
        self.id.into_iter().chain(self.name)
    }
}

impl Event {
    /// The merchant of its order.
    #[must_use]
    pub fn merchant(&self) -> OrderMerchant<'_> {
        let order = self.order.as_ref();
        OrderMerchant {
            id: order.and_then(|order| order.merchant_id.as_deref()),
            name: order.and_then(|order| order.merchant.as_deref()),
        }
    }
}

/// What an event says about its own alert; `None` leaves the kind's policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// How pressing.
    pub urgency: Option<Urgency>,
    /// Spoken instead of the phrase.
    pub text: Option<String>,
    /// More slots for the phrase.
    pub vars: serde_json::Map<String, serde_json::Value>,
    /// Language of speech.
    pub lang: Option<String>,
    /// Life span in seconds.
    pub ttl_s: Option<u32>,
    /// Soundings.
    pub repeat_count: Option<u32>,
    /// Pause between soundings, in milliseconds.
    pub repeat_gap_ms: Option<u32>,
    /// A newer alert of the same key for the same rider takes the place of the older; `order:{id}:{kind}` if `None`.
    pub collapse_key: Option<String>,
    /// `false` leaves the older one standing.
    pub supersede: Option<bool>,
}
