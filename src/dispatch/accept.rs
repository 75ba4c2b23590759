//! Accepting an event: draft the alert, commit everything in one transaction, answer, and only then see to its sound.
//! A sentence that is already in the cache goes into that same transaction, so that the riders can be rung at once.

use std::sync::Arc;

use serde::Serialize;
use tracing::info;

use super::Dispatch;
use super::announce::Audience;
use super::directory::AppEntry;
use super::draft::{self, Made};
use crate::domain::{
    Alert, AlertId, DeliveryId, EpochMs, EventId, FirstStatus, Presence, RiderId, RiderKey, Target,
};
use crate::hub::Ring;
use crate::intake::{InputError, ParsedEvent};
use crate::speech::Sentence;
use crate::store::{Accepted, NewAlert, NewEvent, Receipt, StoreError};
use crate::telemetry::{Metric, seconds};

/// Why an event was not accepted. Nothing of it was stored.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The event says something that cannot be.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The id was used for another event within the last seven days.
    #[error("the event id was used for another event")]
    Conflict,
    /// The store could not keep it; the same event may be sent again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the backend is told of an event.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventAnswer {
    /// The backend's id, or the one given to it.
    pub event_id: EventId,
    /// `alerted`, or `remembered` for a kind that is silent here.
    pub outcome: &'static str,
    /// The first alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert_id: Option<AlertId>,
    /// What it became.
    pub alerts: Vec<AlertAnswer>,
    /// Riders who will hear it now. Zero is visible.
    pub reachable: usize,
    /// Whether this event was stored before and this is its first answer again.
    pub duplicate: bool,
}

/// One alert of an event.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertAnswer {
    /// The alert.
    pub alert_id: AlertId,
    /// Its riders.
    pub deliveries: Vec<DeliveryAnswer>,
}

/// One rider of an alert.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeliveryAnswer {
    /// Whom for.
    pub rider: RiderId,
    /// Our id.
    pub delivery_id: DeliveryId,
    /// What becomes of it.
    pub status: FirstStatus,
}

/// An event as it came in.
pub struct Arrival {
    /// Who posted it.
    pub source: &'static str,
    /// The event.
    pub parsed: ParsedEvent,
    /// One id from the request to the receipt.
    pub trace_id: String,
    /// When its request came in.
    pub received_at: EpochMs,
}

/// How far the backend's clock may be ahead of ours.
const FUTURE_MS_MAX: i64 = 300_000;

impl Dispatch {
    /// Accepts one event. The work goes on to its end even if the caller leaves: what was sent is stored or not,
    /// never half told.
    ///
    /// # Errors
    /// [`AcceptError`]; nothing was stored then.
    pub async fn accept(
        self: &Arc<Self>,
        app: Arc<AppEntry>,
        arrival: Arrival,
    ) -> Result<EventAnswer, AcceptError> {
        let dispatch = Arc::clone(self);
        // A handler dies with its client; this must not.
        let work = self.lifecycle.spawn(async move { dispatch.accept_whole(&app, arrival).await });
        work.await.unwrap_or_else(|error| Err(AcceptError::Store(StoreError::Unavailable(Box::new(error)))))
    }

    async fn accept_whole(
        self: &Arc<Self>,
        app: &AppEntry,
        arrival: Arrival,
    ) -> Result<EventAnswer, AcceptError> {
        let Arrival { source, parsed, trace_id, received_at } = arrival;
        let ParsedEvent { event, body_hash } = parsed;
        if event.occurred_at.is_some_and(|at| at.since_ms(received_at) > FUTURE_MS_MAX) {
            let pointer = Some("/occurred_at".to_owned());
            let detail = "lies more than five minutes in the future".to_owned();
            return Err(InputError { error: "bad_time", pointer, detail }.into());
        }
        let Some(kind) = self.kinds.get(&event.kind) else {
            let pointer = Some("/kind".to_owned());
            return Err(InputError {
                error: "unknown_kind",
                pointer,
                detail: "there is no such kind".to_owned(),
            }
            .into());
        };
        let made = Made {
            id: AlertId::new(received_at, self.clock.entropy()),
            at: received_at,
            trace_id: trace_id.clone(),
        };
        let mut alert = draft::draft(&event, kind, app, self.speech.phrases(), made)?;
        if let Some(alert) = &mut alert {
            alert.sound = self.speech.cached(&Sentence::of(alert)).await.map(|spoken| spoken.sound);
            alert.rendered_at = alert.sound.is_some().then_some(received_at);
        }
        let alert = alert.map(Arc::new);
        let new = NewEvent {
            app: app.app.id,
            source: source.to_owned(),
            id: event.id.clone(),
            body_hash,
            kind: event.kind,
            order_id: event.order.and_then(|order| order.id),
            trace_id,
            received_at,
            alert: alert.as_ref().map(|alert| self.new_alert((**alert).clone(), event.target)),
        };
        let stored = self.store.accept(new).await;
        self.answer(event.id, alert, stored)
    }

    fn new_alert(&self, alert: Alert, target: Target) -> NewAlert {
        let clock = Arc::clone(&self.clock);
        let presence: Arc<dyn Presence> = Arc::clone(&self.hub) as Arc<dyn Presence>;
        NewAlert { alert, target, entropy: Arc::new(move || clock.entropy()), presence }
    }

    fn answer(
        self: &Arc<Self>,
        event_id: EventId,
        alert: Option<Arc<Alert>>,
        stored: Result<Accepted, StoreError>,
    ) -> Result<EventAnswer, AcceptError> {
        let (outcome, result) = match stored {
            Ok(Accepted::New(receipt)) => {
                if let Some(alert) = alert {
                    self.after_commit(&event_id, &alert, &receipt);
                }
                ("stored", Ok(answer_of(event_id, receipt, false)))
            }
            Ok(Accepted::Duplicate(receipt)) => ("duplicate", Ok(answer_of(event_id, receipt, true))),
            Ok(Accepted::Conflict) => ("conflict", Err(AcceptError::Conflict)),
            Err(error) => ("failed", Err(error.into())),
        };
        self.telemetry.counter(Metric::Events, &[("outcome", outcome)]).increment(1);
        result
    }

    fn after_commit(self: &Arc<Self>, event_id: &EventId, alert: &Arc<Alert>, receipt: &Receipt) {
        let spent_ms = self.wall().since_ms(alert.created_at);
        self.telemetry.histogram(Metric::EventStoredSeconds, &[]).record(seconds(spent_ms));
        info!(
            trace.id = alert.trace_id,
            event.id = %event_id,
            alert.id = %alert.id,
            alert.kind = alert.kind,
            deliveries = receipt.deliveries.len(),
            stored_ms = spent_ms,
            "Event stored."
        );
        let open = receipt.deliveries.iter().filter(|delivery| delivery.status != FirstStatus::OffDuty);
        // Also those who were offline when the event was committed: they may have come since.
        let riders: Vec<RiderKey> =
            open.map(|delivery| RiderKey { app: alert.app, rider: delivery.rider.clone() }).collect();
        if alert.sound.is_some() {
            for rider in &riders {
                self.hub.ring(rider, Ring::Look);
            }
        } else if !riders.is_empty() {
            self.announce(Arc::clone(alert), Audience::Told(riders));
        }
    }
}

fn answer_of(event_id: EventId, receipt: Receipt, duplicate: bool) -> EventAnswer {
    let Receipt { alert, deliveries } = receipt;
    let reachable = deliveries.iter().filter(|delivery| delivery.status == FirstStatus::Queued).count();
    let deliveries = deliveries.into_iter().map(|delivery| DeliveryAnswer {
        rider: delivery.rider,
        delivery_id: delivery.id,
        status: delivery.status,
    });
    EventAnswer {
        event_id,
        outcome: if alert.is_some() { "alerted" } else { "remembered" },
        alert_id: alert,
        alerts: alert
            .map(|alert_id| AlertAnswer { alert_id, deliveries: deliveries.collect() })
            .into_iter()
            .collect(),
        reachable,
        duplicate,
    }
}
