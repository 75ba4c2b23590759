//! Accepting an event: draft its alerts, commit everything in one transaction, answer, and only then see to the sound.
//! A sentence that is already in the cache goes into that same transaction, so that the riders can be rung at once.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use tracing::info;

use super::Dispatch;
use super::announce::Audience;
use super::answer::{Again, EventAnswer};
use super::directory::AppEntry;
use super::prepare::Prepared;
use crate::domain::app::KeyMode;
use crate::domain::{Alert, AppId, EpochMs, FirstStatus, Presence, RiderId, RiderKey, Target};
use crate::intake::{InputError, ParsedEvent};
use crate::speech::Sentence;
use crate::store::{Accepted, DueTarget, Outcome, Receipt, StoreError, StoreResult};
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

/// An event as it came in.
pub struct Arrival {
    /// Who posted it: a door of ours, or a hook.
    pub source: Cow<'static, str>,
    /// Whose world it is in.
    pub key_mode: KeyMode,
    /// The event.
    pub parsed: ParsedEvent,
    /// One id from the request to the receipt.
    pub trace_id: String,
    /// When its request came in.
    pub received_at: EpochMs,
}

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
        // A handler dies with its client; this must not. Boxed: accepting tells losers, which is accepting again.
        let work: std::pin::Pin<Box<dyn Future<Output = _> + Send>> =
            Box::pin(async move { dispatch.accept_whole(&app, arrival).await });
        let work = self.lifecycle.spawn(work);
        work.await.unwrap_or_else(|error| Err(AcceptError::Store(StoreError::Unavailable(Box::new(error)))))
    }

    /// Accepts events in their order, each by itself: one that is refused leaves the others alone. The work goes on to its
    /// end even if the caller leaves.
    ///
    /// # Errors
    /// For each event its own; for all of them only if the work itself broke off.
    pub async fn accept_all(
        self: &Arc<Self>,
        app: Arc<AppEntry>,
        arrivals: Vec<Arrival>,
    ) -> StoreResult<Vec<Result<EventAnswer, AcceptError>>> {
        let dispatch = Arc::clone(self);
        let work = self.lifecycle.spawn(async move { dispatch.accept_each(&app, arrivals).await });
        work.await.map_err(|error| StoreError::Unavailable(Box::new(error)))
    }

    async fn accept_whole(
        self: &Arc<Self>,
        app: &AppEntry,
        arrival: Arrival,
    ) -> Result<EventAnswer, AcceptError> {
        let (prepared, new) = self.prepare(app, arrival).await?;
        let stored = self.store.accept(new).await;
        self.tell(app, prepared, stored).await
    }

    async fn accept_each(
        self: &Arc<Self>,
        app: &AppEntry,
        arrivals: Vec<Arrival>,
    ) -> Vec<Result<EventAnswer, AcceptError>> {
        let (mut prepared, mut new) =
            (Vec::with_capacity(arrivals.len()), Vec::with_capacity(arrivals.len()));
        for arrival in arrivals {
            prepared.push(match self.prepare(app, arrival).await {
                Ok((one, event)) => {
                    new.push(event);
                    Ok(one)
                }
                Err(error) => Err(error),
            });
            // Drafting hundreds takes a while, and others wait for this thread as well.
            tokio::task::yield_now().await;
        }
        let mut stored = self.store.accept_all(new).await.into_iter();
        let mut answers = Vec::with_capacity(prepared.len());
        for one in prepared {
            answers.push(match one {
                Ok(one) => {
                    let missing = || Err(StoreError::Unavailable("the store gave too few answers".into()));
                    self.tell(app, one, stored.next().unwrap_or_else(missing)).await
                }
                Err(error) => Err(error),
            });
        }
        answers
    }

    /// What is told of an event when the store has spoken.
    async fn tell(
        self: &Arc<Self>,
        app: &AppEntry,
        prepared: Prepared,
        stored: StoreResult<Accepted>,
    ) -> Result<EventAnswer, AcceptError> {
        let Prepared { arrival, drafts, schedule } = prepared;
        let mut answer = self.answer(&arrival, drafts, stored).await?;
        answer.schedule_id = if answer.duplicate && schedule.is_some() {
            self.schedule_by_event(app.app.id, arrival.key_mode, &answer.event_id).await?
        } else {
            schedule
        };
        Ok(answer)
    }

    /// Gives the alert its sound if that has been made before.
    pub(super) async fn find_sound(&self, alert: &mut Alert, app: &AppEntry, at: EpochMs) {
        let sentence = Sentence::of(alert, &app.app.settings.speech);
        alert.sound = self.speech.cached(&sentence).await.map(|spoken| spoken.sound);
        alert.rendered_at = alert.sound.is_some().then_some(at);
    }

    async fn answer(
        self: &Arc<Self>,
        arrival: &Arrival,
        drafts: Vec<Arc<Alert>>,
        stored: Result<Accepted, StoreError>,
    ) -> Result<EventAnswer, AcceptError> {
        let (event, key_mode) = (&arrival.parsed.event, arrival.key_mode);
        let app = drafts.first().map(|alert| alert.app);
        let (outcome, result) = match stored {
            Ok(Accepted::New(receipt)) => {
                let later = receipt.audience.is_some() && receipt.outcome == Outcome::Alerted;
                self.after_commit(arrival, drafts, &receipt);
                let mut answer = EventAnswer::of(event.id.clone(), key_mode, receipt, Again::No);
                if let (Some(app), true) = (app, later) {
                    answer.reachable += self.connected(app, key_mode, &event.target).await?.len();
                }
                (answer.outcome.as_str(), Ok(answer))
            }
            Ok(Accepted::Duplicate(receipt)) => {
                ("duplicate", Ok(EventAnswer::of(event.id.clone(), key_mode, receipt, Again::Yes)))
            }
            Ok(Accepted::Conflict) => ("conflict", Err(AcceptError::Conflict)),
            Err(error) => ("failed", Err(error.into())),
        };
        let outcome = if outcome == "alerted" || outcome == "remembered" { "stored" } else { outcome };
        let metric = if key_mode.is_test() { Metric::TestEvents } else { Metric::Events };
        self.telemetry.counter(metric, &[("outcome", outcome)]).increment(1);
        result
    }

    /// The riders of an audience who are connected here, and may be told in this world.
    pub(super) async fn connected(
        &self,
        app: AppId,
        key_mode: KeyMode,
        target: &Target,
    ) -> StoreResult<HashSet<RiderId>> {
        let mut riders: HashSet<RiderId> = target.riders.iter().cloned().collect();
        for group in &target.groups {
            riders.extend(self.store.group(app, group.clone()).await?.unwrap_or_default());
        }
        if target.broadcast {
            riders.extend(self.hub.riders_of(app));
        }
        riders.retain(|rider| !target.exclude.contains(rider) && self.hub.is_online(app, rider));
        match key_mode {
            KeyMode::Live => Ok(riders),
            KeyMode::Test => {
                let riders = self.store.riders(app, riders.into_iter().collect()).await?;
                Ok(riders.into_iter().filter(|rider| rider.test).map(|rider| rider.id).collect())
            }
        }
    }

    fn after_commit(self: &Arc<Self>, arrival: &Arrival, drafts: Vec<Arc<Alert>>, receipt: &Receipt) {
        self.tell_ended(&receipt.ended);
        for alert in drafts {
            let Some(entered) = receipt.alerts.iter().find(|entered| entered.alert == alert.id) else {
                continue;
            };
            let spent_ms = self.wall().since_ms(alert.created_at);
            if !alert.key_mode.is_test() {
                self.telemetry.histogram(Metric::EventStoredSeconds, &[]).record(seconds(spent_ms));
            }
            info!(
                trace.id = alert.trace_id,
                event.id = %arrival.parsed.event.id,
                alert.id = %alert.id,
                alert.kind = alert.kind,
                test = alert.key_mode.is_test(),
                deliveries = entered.deliveries.len(),
                stored_ms = spent_ms,
                "Event stored."
            );
            for reason in entered.deliveries.iter().filter_map(|delivery| delivery.reason) {
                self.count_end(reason, alert.key_mode);
            }
            let later = receipt.audience.is_some() && receipt.alerts.first() == Some(entered);
            if later {
                self.tell_later(&alert, receipt.outcome);
                continue;
            }
            let held = |status| matches!(status, FirstStatus::OffDuty | FirstStatus::Suppressed);
            let open = entered.deliveries.iter().filter(|delivery| !held(delivery.status));
            // Also those who were offline when the event was committed: they may have come since.
            let riders: Vec<RiderKey> =
                open.map(|delivery| RiderKey { app: alert.app, rider: delivery.rider.clone() }).collect();
            self.see_to_fallback(&alert, &riders);
            self.see_to_sound(alert, riders);
        }
    }

    /// A large audience is told in parts, beginning now; a scheduled one when its time has come.
    fn tell_later(self: &Arc<Self>, alert: &Arc<Alert>, outcome: Outcome) {
        if outcome != Outcome::Alerted {
            return;
        }
        if alert.sound.is_none() {
            self.announce(Arc::clone(alert), Audience::Stored);
        }
        let due = DueTarget { app: alert.app, alert: alert.id, kind: alert.kind.clone() };
        self.begin(due);
    }

    /// An alert that nobody can hear takes its fallback step at once.
    fn see_to_fallback(self: &Arc<Self>, alert: &Arc<Alert>, riders: &[RiderKey]) {
        let heard = riders.iter().any(|rider| self.hub.is_audible(rider.app, &rider.rider));
        if heard || riders.is_empty() || alert.ladder.fallback(0).is_none() {
            return;
        }
        let (dispatch, alert) = (Arc::clone(self), Arc::clone(alert));
        let riders: Vec<RiderId> = riders.iter().map(|rider| rider.rider.clone()).collect();
        self.lifecycle.spawn(async move {
            if let Err(error) = dispatch.fall_back(&alert.head, &riders).await {
                tracing::warn!(alert.id = %alert.id, error = &error as &dyn std::error::Error, "A fallback step waits for its time.");
            }
        });
    }
}
