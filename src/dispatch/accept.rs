//! Accepting an event: draft its alerts, commit everything in one transaction, answer, and only then see to the sound.
//! A sentence that is already in the cache goes into that same transaction, so that the riders can be rung at once.

use std::collections::HashSet;
use std::sync::Arc;

use tracing::info;

use super::Dispatch;
use super::announce::Audience;
use super::answer::{Again, EventAnswer};
use super::directory::AppEntry;
use super::draft::{self, Made};
use crate::domain::order::Stamp;
use crate::domain::{
    Alert, AlertId, AppId, EpochMs, Event, FirstStatus, Kind, Presence, RiderId, RiderKey, Target, Urgency,
};
use crate::intake::{InputError, ParsedEvent, is_too_far};
use crate::speech::Sentence;
use crate::store::{Accepted, DueTarget, NewEvent, Outcome, Receipt, StoreError, StoreResult};
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
/// What those are told who lose an order to another rider.
const REASSIGNED_AWAY: &str = "order.reassigned_away";
/// Fetches of one clip are spread over this much for each connected rider: 500 a second.
const JITTER_MS_EACH: usize = 2;
/// Longest wait before a fetch.
const JITTER_MS_MAX: usize = 30_000;

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

    async fn accept_whole(
        self: &Arc<Self>,
        app: &AppEntry,
        arrival: Arrival,
    ) -> Result<EventAnswer, AcceptError> {
        let (event, at) = (&arrival.parsed.event, arrival.received_at);
        let kind = self.kinds.get(&event.kind).ok_or_else(|| {
            let detail = "there is no such kind";
            wrong("unknown_kind", "/kind", detail)
        })?;
        self.check(event, kind, at)?;
        let schedule = self.schedule_of(&arrival.parsed, app, at)?;
        // Made for a recurring event as well: what cannot be said is refused now, not when its time comes.
        let mut alert = self.alert_of(event, kind, app, &arrival).await?;
        let mut away = None;
        if schedule.is_some() {
            alert = None;
        } else {
            away = self.away_of(event, kind, app, &arrival).await?;
        }
        let schedule_id = schedule.as_ref().map(|schedule| schedule.id);
        let order = event.order.clone().unwrap_or_default();
        let new = NewEvent {
            app: app.app.id,
            source: arrival.source.to_owned(),
            id: event.id.clone(),
            body_hash: arrival.parsed.body_hash,
            kind: event.kind.clone(),
            policy: kind.order.clone(),
            order_id: order.id,
            stamp: Stamp { version: order.version, occurred_at: event.occurred_at },
            previous_rider: event.previous_rider.clone(),
            target: event.target.clone(),
            trace_id: arrival.trace_id.clone(),
            received_at: at,
            alert: alert.clone(),
            away: away.clone(),
            schedule,
            world: self.world(app, at),
        };
        let stored = self.store.accept(new).await;
        let drafts = [alert, away].into_iter().flatten().map(Arc::new).collect();
        let mut answer = self.answer(&arrival, drafts, stored).await?;
        answer.schedule_id = if answer.duplicate && schedule_id.is_some() {
            self.schedule_by_event(app.app.id, &answer.event_id).await?
        } else {
            schedule_id
        };
        Ok(answer)
    }

    /// What only the clock and the configuration can tell of an event.
    fn check(&self, event: &Event, kind: &Kind, at: EpochMs) -> Result<(), InputError> {
        if event.occurred_at.is_some_and(|occurred| occurred.since_ms(at) > FUTURE_MS_MAX) {
            return Err(wrong("bad_time", "/occurred_at", "lies more than five minutes in the future"));
        }
        let moves_order = kind.order.ends.is_some() || kind.order.assigns;
        if event.deliver_at.is_some() && moves_order {
            let detail =
                "does not go with a kind that ends or assigns an order: that happens when it is told";
            return Err(wrong("not_together", "/deliver_at", detail));
        }
        if event.deliver_at.is_some_and(|deliver_at| is_too_far(deliver_at, at)) {
            return Err(wrong("bad_time", "/deliver_at", "lies more than 31 days in the future"));
        }
        if let Some(url) = &event.callback_url {
            self.caller.check_url(url, "/callback_url")?;
        }
        match event.offer.as_ref().and_then(|offer| offer.ladder.as_ref()) {
            Some(ladder) => self.check_ladder(ladder, "/offer/ladder"),
            None => Ok(()),
        }
    }

    async fn alert_of(
        &self,
        event: &Event,
        kind: &Kind,
        app: &AppEntry,
        arrival: &Arrival,
    ) -> Result<Option<Alert>, InputError> {
        let alert = draft::draft(event, kind, app, self.speech.phrases(), self.made(arrival))?;
        let Some(mut alert) = alert else { return Ok(None) };
        let wide = event.target.broadcast || !event.target.groups.is_empty();
        if wide && alert.urgency <= Urgency::Normal {
            let jitter_ms = (self.hub.session_count() * JITTER_MS_EACH).min(JITTER_MS_MAX);
            alert.jitter_ms = u32::try_from(jitter_ms).unwrap_or(u32::MAX);
        }
        if alert.starts_at <= arrival.received_at {
            self.find_sound(&mut alert, arrival.received_at).await;
        }
        Ok(Some(alert))
    }

    /// What whoever loses the order by this event is told.
    async fn away_of(
        &self,
        event: &Event,
        kind: &Kind,
        app: &AppEntry,
        arrival: &Arrival,
    ) -> Result<Option<Alert>, InputError> {
        let of_order = kind.order.assigns && event.order.as_ref().is_some_and(|order| order.id.is_some());
        let Some(kind) = self.kinds.get(REASSIGNED_AWAY).filter(|_| of_order) else { return Ok(None) };
        let away = draft::away(event, kind);
        let alert = draft::draft(&away, kind, app, self.speech.phrases(), self.made(arrival))?;
        let Some(mut alert) = alert else { return Ok(None) };
        self.find_sound(&mut alert, arrival.received_at).await;
        Ok(Some(alert))
    }

    fn made(&self, arrival: &Arrival) -> Made {
        Made {
            id: AlertId::new(arrival.received_at, self.clock.entropy()),
            at: arrival.received_at,
            trace_id: arrival.trace_id.clone(),
        }
    }

    /// Gives the alert its sound if that has been made before.
    pub(super) async fn find_sound(&self, alert: &mut Alert, at: EpochMs) {
        alert.sound = self.speech.cached(&Sentence::of(alert)).await.map(|spoken| spoken.sound);
        alert.rendered_at = alert.sound.is_some().then_some(at);
    }

    async fn answer(
        self: &Arc<Self>,
        arrival: &Arrival,
        drafts: Vec<Arc<Alert>>,
        stored: Result<Accepted, StoreError>,
    ) -> Result<EventAnswer, AcceptError> {
        let event = &arrival.parsed.event;
        let app = drafts.first().map(|alert| alert.app);
        let (outcome, result) = match stored {
            Ok(Accepted::New(receipt)) => {
                let later = receipt.audience.is_some() && receipt.outcome == Outcome::Alerted;
                self.after_commit(arrival, drafts, &receipt);
                let mut answer = EventAnswer::of(event.id.clone(), receipt, Again::No);
                if let (Some(app), true) = (app, later) {
                    answer.reachable += self.reachable(app, &event.target).await?;
                }
                (answer.outcome.as_str(), Ok(answer))
            }
            Ok(Accepted::Duplicate(receipt)) => {
                ("duplicate", Ok(EventAnswer::of(event.id.clone(), receipt, Again::Yes)))
            }
            Ok(Accepted::Conflict) => ("conflict", Err(AcceptError::Conflict)),
            Err(error) => ("failed", Err(error.into())),
        };
        let outcome = if outcome == "alerted" || outcome == "remembered" { "stored" } else { outcome };
        self.telemetry.counter(Metric::Events, &[("outcome", outcome)]).increment(1);
        result
    }

    /// How many riders of a large audience are connected here.
    async fn reachable(&self, app: AppId, target: &Target) -> StoreResult<usize> {
        let mut riders: HashSet<RiderId> = target.riders.iter().cloned().collect();
        for group in &target.groups {
            riders.extend(self.store.group(app, group.clone()).await?.unwrap_or_default());
        }
        if target.broadcast {
            riders.extend(self.hub.riders_of(app));
        }
        riders.retain(|rider| !target.exclude.contains(rider) && self.hub.is_online(app, rider));
        Ok(riders.len())
    }

    fn after_commit(self: &Arc<Self>, arrival: &Arrival, drafts: Vec<Arc<Alert>>, receipt: &Receipt) {
        self.tell_ended(&receipt.ended);
        for alert in drafts {
            let Some(entered) = receipt.alerts.iter().find(|entered| entered.alert == alert.id) else {
                continue;
            };
            let spent_ms = self.wall().since_ms(alert.created_at);
            self.telemetry.histogram(Metric::EventStoredSeconds, &[]).record(seconds(spent_ms));
            info!(
                trace.id = alert.trace_id,
                event.id = %arrival.parsed.event.id,
                alert.id = %alert.id,
                alert.kind = alert.kind,
                deliveries = entered.deliveries.len(),
                stored_ms = spent_ms,
                "Event stored."
            );
            for reason in entered.deliveries.iter().filter_map(|delivery| delivery.reason) {
                self.count_end(reason);
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

fn wrong(error: &'static str, pointer: &str, detail: &str) -> InputError {
    InputError { error, pointer: Some(pointer.to_owned()), detail: detail.to_owned() }
}
