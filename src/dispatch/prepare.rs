//! What happens to an event before it is stored: checked against the clock, the configuration and its kind, and its alerts
//! drafted. Nothing is written here.

use std::sync::Arc;

use super::Dispatch;
use super::accept::{AcceptError, Arrival};
use super::directory::AppEntry;
use super::draft::{self, Made};
use crate::domain::order::Stamp;
use crate::domain::{Alert, AlertId, EpochMs, Event, Kind, ScheduleId, Urgency};
use crate::intake::{InputError, is_too_far};
use crate::store::{NewEvent, Schedule};

/// An event that is ready to be stored, and what is needed when it is.
pub(super) struct Prepared {
    /// As it came in.
    pub(super) arrival: Arrival,
    /// What it says, and what is said to who loses an order by it.
    pub(super) drafts: Vec<Arc<Alert>>,
    /// The recurring event that it makes.
    pub(super) schedule: Option<ScheduleId>,
}

/// What an event was found to be.
pub(super) struct Checked<'a> {
    /// Its kind.
    pub(super) kind: &'a Kind,
    /// When it comes again.
    pub(super) schedule: Option<Schedule>,
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
    /// Makes an event ready for the store. A refusal names the place in what was sent.
    pub(super) async fn prepare(
        &self,
        app: &AppEntry,
        arrival: Arrival,
    ) -> Result<(Prepared, NewEvent), AcceptError> {
        match self.new_event(app, &arrival).await {
            Ok((new, drafts)) => {
                let schedule = new.schedule.as_ref().map(|schedule| schedule.id);
                Ok((Prepared { arrival, drafts, schedule }, new))
            }
            Err(AcceptError::Input(error)) => Err(arrival.parsed.places.tell(error).into()),
            Err(error @ (AcceptError::Conflict | AcceptError::Store(_))) => Err(error),
        }
    }

    async fn new_event(
        &self,
        app: &AppEntry,
        arrival: &Arrival,
    ) -> Result<(NewEvent, Vec<Arc<Alert>>), AcceptError> {
        let (event, at) = (&arrival.parsed.event, arrival.received_at);
        let Checked { kind, schedule } = self.checked(app, arrival)?;
        // Made for a recurring event as well: what cannot be said is refused now, not when its time comes.
        let mut alert = self.alert_of(event, kind, app, arrival).await?;
        let mut away = None;
        if schedule.is_some() {
            alert = None;
        } else {
            away = self.away_of(event, kind, app, arrival).await?;
        }
        let drafts = [&alert, &away].into_iter().flatten().cloned().map(Arc::new).collect();
        let order = event.order.clone().unwrap_or_default();
        let new = NewEvent {
            app: app.app.id,
            key_mode: arrival.key_mode,
            source: arrival.key_mode.source(&arrival.source),
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
            alert,
            away,
            schedule,
            world: self.world(app, at),
        };
        Ok((new, drafts))
    }

    /// Finds the event's kind, and refuses what cannot be.
    pub(super) fn checked(&self, app: &AppEntry, arrival: &Arrival) -> Result<Checked<'_>, AcceptError> {
        let event = &arrival.parsed.event;
        let unknown = || wrong("unknown_kind", "/kind", "there is no such kind");
        let kind = self.kinds.get(&event.kind).ok_or_else(unknown)?;
        self.check(event, kind, arrival.received_at)?;
        let schedule = self.schedule_of(arrival, app)?;
        Ok(Checked { kind, schedule })
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
            self.find_sound(&mut alert, app, arrival.received_at).await;
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
        self.find_sound(&mut alert, app, arrival.received_at).await;
        Ok(Some(alert))
    }

    pub(super) fn made(&self, arrival: &Arrival) -> Made {
        Made {
            id: AlertId::new(arrival.received_at, self.clock.entropy()),
            at: arrival.received_at,
            key_mode: arrival.key_mode,
            trace_id: arrival.trace_id.clone(),
        }
    }
}

fn wrong(error: &'static str, pointer: &str, detail: &str) -> InputError {
    InputError { error, pointer: Some(pointer.to_owned()), detail: detail.to_owned() }
}
