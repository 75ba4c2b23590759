//! What a backend is told of an event, at once: its alerts, and for each rider what becomes of it.
//! The same event posted again is told the same again.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::app::KeyMode;
use crate::domain::book::{DropReason, Outcome};
use crate::domain::delivery::EndReason;
use crate::domain::{AlertId, DeliveryId, EventId, FirstStatus, RiderId, ScheduleId};
use crate::store::{FirstDelivery, Receipt};

/// What the backend is told of an event.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EventAnswer {
    /// The backend's id, or the one given to it.
    pub event_id: EventId,
    /// It was posted with a test key: test riders alone hear of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
    /// What became of it.
    pub outcome: OutcomeWord,
    /// Why it was dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<DropReason>,
    /// The first alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert_id: Option<AlertId>,
    /// The recurring event it made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule_id: Option<ScheduleId>,
    /// What it became, the event's own alert first.
    pub alerts: Vec<AlertAnswer>,
    /// How many riders it is for, where they are told in parts and not listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<u64>,
    /// Riders who will hear it now. Zero is visible.
    pub reachable: usize,
    /// Whether this event was stored before and this is its first answer again.
    pub duplicate: bool,
}

/// What became of an event, in a word.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeWord {
    /// Riders are told.
    Alerted,
    /// Its kind is silent here.
    Remembered,
    /// It comes later, or again and again.
    Scheduled,
    /// It is old news.
    Dropped,
}

/// One alert of an event.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AlertAnswer {
    /// The alert.
    pub alert_id: AlertId,
    /// Its riders.
    pub deliveries: Vec<DeliveryAnswer>,
}

/// One rider of an alert.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct DeliveryAnswer {
    /// Whom for.
    pub rider: RiderId,
    /// Our id.
    pub delivery_id: DeliveryId,
    /// What becomes of it.
    pub status: FirstStatus,
    /// Why it was held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<EndReason>,
}

impl EventAnswer {
    /// The answer for what was stored.
    pub(super) fn of(event_id: EventId, key_mode: KeyMode, receipt: Receipt, duplicate: Again) -> Self {
        let (outcome, reason) = OutcomeWord::of(receipt.outcome);
        let all = receipt.alerts.iter().flat_map(|alert| &alert.deliveries);
        let reachable = all.filter(|delivery| delivery.status == FirstStatus::Queued).count();
        let alerts = receipt.alerts.into_iter().map(|entered| AlertAnswer {
            alert_id: entered.alert,
            deliveries: entered.deliveries.into_iter().map(DeliveryAnswer::of).collect(),
        });
        let alerts: Vec<AlertAnswer> = alerts.collect();
        Self {
            event_id,
            test: key_mode.is_test(),
            outcome,
            reason,
            alert_id: alerts.first().map(|alert| alert.alert_id),
            schedule_id: None,
            alerts,
            audience: receipt.audience,
            reachable,
            duplicate: duplicate == Again::Yes,
        }
    }
}

impl OutcomeWord {
    /// The word itself.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alerted => "alerted",
            Self::Remembered => "remembered",
            Self::Scheduled => "scheduled",
            Self::Dropped => "dropped",
        }
    }

    /// The word, and why it was dropped if it was.
    #[must_use]
    pub fn of(outcome: Outcome) -> (Self, Option<DropReason>) {
        match outcome {
            Outcome::Alerted => (Self::Alerted, None),
            Outcome::Remembered => (Self::Remembered, None),
            Outcome::Scheduled => (Self::Scheduled, None),
            Outcome::Dropped(reason) => (Self::Dropped, Some(reason)),
        }
    }
}

impl DeliveryAnswer {
    fn of(first: FirstDelivery) -> Self {
        let FirstDelivery { id, rider, status, reason } = first;
        let reason = reason.filter(|_| status == FirstStatus::Suppressed);
        Self { rider, delivery_id: id, status, reason }
    }
}

/// Whether an event was stored before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Again {
    /// It was.
    Yes,
    /// It is new.
    No,
}
