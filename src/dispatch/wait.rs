//! Waiting for what becomes of an alert, for backends that ask and have no address of their own to be told at.
//! The event is committed before anybody waits; who waits is woken by what is committed, and looks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Notify;

use super::Dispatch;
use crate::domain::{AlertId, AppId, Delivery, DeliveryState, EpochMs, FirstStatus, RiderId};
use crate::store::{AlertRecord, StoreResult};

/// What is waited for, of every rider who could be reached at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reached {
    /// A client has it.
    Received,
    /// It was heard.
    Played,
    /// It was answered; of an offer to several, by one of them.
    Answered,
}

/// A wait.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    /// For what.
    pub reached: Reached,
    /// How long at most.
    pub limit: Duration,
}

/// What had become of it when the wait ended.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Awaited {
    /// Whether it was reached in time.
    pub reached: bool,
    /// Each rider's state.
    pub riders: Vec<RiderState>,
}

/// One rider's state.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RiderState {
    /// The rider.
    pub rider: RiderId,
    /// Where the delivery stands.
    pub state: DeliveryState,
}

/// Who waits for which alert.
#[derive(Default)]
pub(super) struct Waiting {
    // Std mutex: one map access a section.
    alerts: Mutex<HashMap<AlertId, Arc<Notify>>>,
}

impl Reached {
    /// The wait with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "received" => Some(Self::Received),
            "played" => Some(Self::Played),
            "answered" => Some(Self::Answered),
            _ => None,
        }
    }

    /// Whether it was reached: by all who could be at the commit, and at least by one; an offer is answered by one.
    fn is_reached(self, record: &AlertRecord) -> bool {
        if self == Self::Answered && record.alert.winner.is_some() {
            return true;
        }
        let mut awaited = awaited(record).peekable();
        awaited.peek().is_some() && awaited.all(|delivery| self.moment(delivery).is_some())
    }

    /// Whether it can still be: the alert is open, and so is what is waited for. Where nobody could be reached there is
    /// nothing to wait for but somebody who comes.
    fn is_open(self, record: &AlertRecord) -> bool {
        let mut awaited = awaited(record).peekable();
        let nobody = awaited.peek().is_none();
        let waits = |delivery: &Delivery| self.moment(delivery).is_none() && delivery.is_open();
        record.alert.is_open() && (nobody || awaited.any(waits))
    }

    fn moment(self, delivery: &Delivery) -> Option<EpochMs> {
        match self {
            Self::Received => delivery.received_at,
            Self::Played => delivery.played_at,
            Self::Answered => delivery.answered_at,
        }
    }
}

/// Those who could be reached when the event was committed.
fn awaited(record: &AlertRecord) -> impl Iterator<Item = &Delivery> {
    record.deliveries.iter().filter(|delivery| delivery.first_status == FirstStatus::Queued)
}

impl Dispatch {
    /// Waits until `wait` is reached for this alert, or its limit has passed.
    ///
    /// # Errors
    /// The store's.
    pub async fn wait(&self, app: AppId, alert: AlertId, wait: Wait) -> StoreResult<Awaited> {
        let place = self.waiting.enter(alert);
        let deadline = tokio::time::Instant::now() + wait.limit;
        loop {
            let woken = place.notify.notified();
            tokio::pin!(woken);
            // Registered before the look, so that what is committed in between wakes us.
            woken.as_mut().enable();
            let Some(record) = self.store.alert(app, alert).await? else { return Ok(Awaited::nothing()) };
            let reached = wait.reached.is_reached(&record);
            let over = reached || !wait.reached.is_open(&record);
            if over || tokio::time::timeout_at(deadline, woken).await.is_err() {
                return Ok(Awaited::of(reached, &record));
            }
        }
    }
}

impl Awaited {
    /// Of an event that told nobody.
    #[must_use]
    pub fn nothing() -> Self {
        Self { reached: false, riders: Vec::new() }
    }

    fn of(reached: bool, record: &AlertRecord) -> Self {
        let riders = record.deliveries.iter();
        let riders = riders.map(|d| RiderState { rider: d.rider.clone(), state: d.state });
        Self { reached, riders: riders.collect() }
    }
}

/// Somebody waits; dropping it takes the alert off the list if nobody else does.
struct Place<'a> {
    waiting: &'a Waiting,
    alert: AlertId,
    notify: Arc<Notify>,
}

impl Waiting {
    fn enter(&self, alert: AlertId) -> Place<'_> {
        let mut alerts = self.alerts.lock().unwrap_or_else(PoisonError::into_inner);
        let notify = Arc::clone(alerts.entry(alert).or_default());
        Place { waiting: self, alert, notify }
    }

    /// Something about this alert was committed.
    pub(super) fn wake(&self, alert: AlertId) {
        let alerts = self.alerts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(notify) = alerts.get(&alert) {
            notify.notify_waiters();
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut alerts = self.waiting.alerts.lock().unwrap_or_else(PoisonError::into_inner);
        // The map's and ours: nobody else waits.
        if Arc::strong_count(&self.notify) <= 2 {
            alerts.remove(&self.alert);
        }
    }
}
