//! Offers that the backend decides: it is asked about each accept, and it may settle by itself at any time.
//! Whatever way its word comes, it is committed once, and only then is a rider told that they have won.

use std::sync::Arc;

use serde_json::Map;
use tracing::{info, warn};

use super::Arrival;
use super::{CallbackSecrets, Dispatch, Question};
use crate::domain::app::KeyMode;
use crate::domain::delivery::EndReason;
use crate::domain::event::Order;
use crate::domain::target::DutyRule;
use crate::domain::{
    AlertId, AppId, EpochMs, Event, EventId, Overrides, RiderId, RiderKey, Settlement, Target,
};
use crate::intake::ParsedEvent;
use crate::outbound::Verdict;
use crate::store::{Ended, Settled, StoreError, StoreResult};

/// Why an offer could not be settled.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// There is no such alert.
    #[error("there is no such alert")]
    Unknown,
    /// It is no offer.
    #[error("the alert is no offer")]
    NoOffer,
    /// The winner was never offered it.
    #[error("the rider was not offered this alert")]
    NotOffered,
    /// It was decided otherwise before, or is void.
    #[error("the offer was decided otherwise, or is void")]
    Otherwise,
    /// The store could not; it may be tried again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who makes events of our own.
const SOURCE: &str = "orderbell";
/// The kind of what losers hear.
const TAKEN: &str = "order.taken";
/// Longest pause between two questions about one accept.
const ASK_AGAIN_MS_MAX: i64 = 15_000;

impl Dispatch {
    /// The backend's decision about an offer, told with a key of this mode; how many deliveries it ended.
    ///
    /// # Errors
    /// [`SettleError`].
    pub async fn settle(
        self: &Arc<Self>,
        app: AppId,
        by: KeyMode,
        alert: AlertId,
        winner: Option<RiderId>,
    ) -> Result<usize, SettleError> {
        if !self.may_touch(app, by, alert).await? {
            return Err(SettleError::Unknown);
        }
        let settlement = winner.map_or(Settlement::Nobody, Settlement::Winner);
        match self.store.settle(app, alert, settlement, self.wall()).await? {
            None => Err(SettleError::Unknown),
            Some(Settled::NoOffer) => Err(SettleError::NoOffer),
            Some(Settled::NotOffered) => Err(SettleError::NotOffered),
            Some(Settled::Otherwise) => Err(SettleError::Otherwise),
            Some(Settled::Already) => Ok(0),
            Some(Settled::Done(ended)) => {
                info!(alert.id = %alert, deliveries = ended.len(), "Offer settled.");
                Ok(self.tell_lost(alert, &ended))
            }
        }
    }

    /// Tells those whose deliveries a decision ended; who has lost hears the chime.
    pub(super) fn tell_lost(self: &Arc<Self>, alert: AlertId, ended: &[Ended]) -> usize {
        let lost = ended.iter().filter(|ended| ended.reason == EndReason::Taken);
        let lost: Vec<RiderId> = lost.map(|ended| ended.rider.rider.clone()).collect();
        if let (Some(first), false) = (ended.first(), lost.is_empty()) {
            let (dispatch, app) = (Arc::clone(self), first.rider.app);
            self.lifecycle.spawn(async move { dispatch.chime_for(app, alert, lost).await });
        }
        self.waiting.wake(alert);
        self.tell_ended(ended)
    }

    /// A short alert for those who were too late. It is a courtesy: the `stop` they get does not depend on it.
    async fn chime_for(self: Arc<Self>, app: AppId, alert: AlertId, riders: Vec<RiderId>) {
        let told = async {
            let Some(entry) = self.accounts.app(app).await? else { return Ok(()) };
            let Some(record) = self.store.alert(app, alert).await? else { return Ok(()) };
            // Who never got the offer need not hear that it is gone.
            let had =
                |rider: &RiderId| record.deliveries.iter().any(|d| d.rider == *rider && d.sent_at.is_some());
            let riders: Vec<RiderId> = riders.into_iter().filter(had).collect();
            if riders.is_empty() {
                return Ok(());
            }
            let order = record.alert.order_id.clone();
            // An id of its own: riders may lose one offer one after the other.
            let id = self.fresh_event_id();
            let parsed = taken(id, order.map(|id| Order { id: Some(id), ..Order::default() }), riders);
            let at = self.wall();
            let trace_id = record.alert.trace_id.clone();
            let key_mode = record.alert.key_mode;
            let arrival = Arrival { source: SOURCE.into(), key_mode, parsed, trace_id, received_at: at };
            self.accept(entry, arrival)
                .await
                .map(drop)
                .map_err(|error| StoreError::Unavailable(Box::new(error)))
        };
        if let Err(error) = told.await {
            warn!(alert.id = %alert, error = &error as &dyn std::error::Error, "No chime for a lost offer.");
        }
    }

    /// Asks about every accept whose answer is due.
    pub(super) async fn ask_due(self: &Arc<Self>, now: EpochMs) -> StoreResult<()> {
        for (alert, rider) in self.store.due_asks(now, self.limits.sweep_batch).await? {
            self.ask(alert, rider);
        }
        Ok(())
    }

    /// Asks the backend about an accept, in a task of its own.
    pub(super) fn ask(self: &Arc<Self>, alert: AlertId, rider: RiderKey) {
        let dispatch = Arc::clone(self);
        self.lifecycle.spawn(async move {
            if let Err(error) = dispatch.ask_and_settle(alert, &rider).await {
                warn!(alert.id = %alert, error = &error as &dyn std::error::Error, "An accept is asked about again.");
            }
        });
    }

    async fn ask_and_settle(self: &Arc<Self>, alert: AlertId, rider: &RiderKey) -> StoreResult<()> {
        let at = self.wall();
        let again_at = at.plus_ms(ASK_AGAIN_MS_MAX);
        let Some(claim) = self.store.take_ask(alert, rider.clone(), again_at, at).await? else {
            return Ok(());
        };
        let Some(url) = claim.alert.callback_url.clone() else {
            // The backend settles by itself.
            return self.store.ask_again(alert, rider.clone(), None).await;
        };
        let app = self.accounts.app(rider.app).await?;
        let question = Question {
            url,
            key_mode: claim.alert.key_mode,
            alert,
            event: claim.alert.event_id.clone(),
            order: claim.alert.order_id.clone(),
            rider: rider.rider.clone(),
            delivery: claim.delivery.id,
            at: claim.delivery.answered_at.unwrap_or(at),
            trace_id: claim.alert.trace_id.clone(),
            asked_at: at,
            signed_with: app.map(|app| CallbackSecrets::of(&app, at)).unwrap_or_default(),
        };
        let verdict = self.caller.ask(&question).await;
        let settlement = match verdict {
            Some(Verdict::Won) => Settlement::Winner(rider.rider.clone()),
            Some(Verdict::Lost) => Settlement::Lost(rider.rider.clone()),
            Some(Verdict::Pending) => return self.store.ask_again(alert, rider.clone(), None).await,
            None => {
                // As long again as the rider has waited already: quickly at first.
                let (now, since) = (self.wall(), claim.delivery.answered_at.unwrap_or(at));
                let pause_ms = now.since_ms(since).clamp(self.limits.again_ms, ASK_AGAIN_MS_MAX);
                return self.store.ask_again(alert, rider.clone(), Some(now.plus_ms(pause_ms))).await;
            }
        };
        let settled = self.store.settle(rider.app, alert, settlement, self.wall()).await?;
        if let Some(Settled::Done(ended)) = settled {
            info!(alert.id = %alert, deliveries = ended.len(), "Offer decided by the backend.");
            self.tell_lost(alert, &ended);
        }
        Ok(())
    }
}

fn taken(id: EventId, order: Option<Order>, riders: Vec<RiderId>) -> ParsedEvent {
    let target = Target {
        riders,
        groups: Vec::new(),
        broadcast: false,
        exclude: Vec::new(),
        duty: DutyRule::OnDutyOnly,
    };
    let event = Event {
        id,
        kind: TAKEN.to_owned(),
        occurred_at: None,
        order,
        previous_rider: None,
        target,
        offer: None,
        overrides: Overrides::default(),
        callback_url: None,
        deliver_at: None,
        recurrence: None,
        ext: Map::new(),
    };
    ParsedEvent::own(event)
}
