//! Recurring events: each time is an event of its own, with an id made of the first one's and the time.
//! A time that was stored before a crash is a duplicate after it; one that was missed for long is passed over.

use std::sync::Arc;

use tracing::{info, warn};

use super::{AcceptError, AppEntry, Arrival, Dispatch};
use crate::domain::app::KeyMode;
use crate::domain::{AppId, EpochMs, EventId, Recurrence, ScheduleId};
use crate::intake::{InputError, parse_event};
use crate::store::{Schedule, StoreError, StoreResult};

/// A time that is later than this is not told any more: a minute-old reminder is only noise.
const LATE_MS_MAX: i64 = 60_000;

impl Dispatch {
    /// The recurring event that an event asks to be; `None` if it comes once.
    pub(super) fn schedule_of(
        &self,
        arrival: &Arrival,
        app: &AppEntry,
    ) -> Result<Option<Schedule>, AcceptError> {
        let Arrival { parsed, key_mode, received_at: at, .. } = arrival;
        let at = *at;
        let (Some(recurrence), Some(body)) = (&parsed.event.recurrence, &parsed.recurring_body) else {
            return Ok(None);
        };
        let first = recurrence.first(&app.app.settings.time_zone, at).map_err(|error| InputError {
            error: "bad_recurrence",
            pointer: Some("/recur".to_owned()),
            detail: error.to_string(),
        })?;
        let recurrence = serde_json::to_string(recurrence);
        let inconsistent = |error| StoreError::Inconsistent { table: "schedules", source: Box::new(error) };
        Ok(Some(Schedule {
            id: ScheduleId::new(at, self.clock.entropy()),
            app: app.app.id,
            event_id: parsed.event.id.clone(),
            key_mode: *key_mode,
            body: body.clone(),
            recurrence: recurrence.map_err(inconsistent)?,
            next_at: Some(first),
            fired: 0,
            created_at: at,
        }))
    }

    /// Lets every recurring event in whose time has come.
    pub(super) async fn repeat_due(self: &Arc<Self>, now: EpochMs) -> StoreResult<()> {
        for schedule in self.store.due_schedules(now, self.limits.sweep_batch).await? {
            self.repeat(&schedule, now).await?;
        }
        Ok(())
    }

    async fn repeat(self: &Arc<Self>, schedule: &Schedule, now: EpochMs) -> StoreResult<()> {
        let Some(due) = schedule.next_at else { return Ok(()) };
        let Some(app) = self.accounts.app(schedule.app).await? else { return Ok(()) };
        if now.since_ms(due) <= LATE_MS_MAX {
            match self.once(schedule, &app, due, now).await {
                Ok(()) => {}
                Err(AcceptError::Store(error)) => return Err(error),
                Err(AcceptError::Input(error)) => {
                    warn!(schedule.id = %schedule.id, %error, "A recurring event is no longer good; it was left out.");
                }
                Err(AcceptError::Conflict) => {
                    warn!(schedule.id = %schedule.id, "A recurring event's id was used otherwise; it was left out.");
                }
            }
        }
        let recurrence: Option<Recurrence> = serde_json::from_str(&schedule.recurrence).ok();
        let next =
            recurrence.and_then(|rule| rule.after(&app.app.settings.time_zone, due, now, schedule.fired + 1));
        self.store.advance_schedule(schedule.id, due, next).await?;
        Ok(())
    }

    async fn once(
        self: &Arc<Self>,
        schedule: &Schedule,
        app: &Arc<AppEntry>,
        due: EpochMs,
        now: EpochMs,
    ) -> Result<(), AcceptError> {
        let mut parsed = parse_event(schedule.body.as_bytes(), &self.kinds, || schedule.event_id.clone())?;
        let id: Result<EventId, _> = format!("{}@{}", schedule.id, due.0).parse();
        parsed.event.id = id.map_err(InputError::of_id)?;
        let (key_mode, trace_id) = (schedule.key_mode, schedule.id.hex());
        let arrival = Arrival { source: SOURCE.into(), key_mode, parsed, trace_id, received_at: now };
        let answer = self.accept(Arc::clone(app), arrival).await?;
        info!(schedule.id = %schedule.id, event.id = %answer.event_id, test = key_mode.is_test(), "Recurring event told.");
        Ok(())
    }

    /// The recurring event that an event of this id has made, unless it has ended.
    pub(super) async fn schedule_by_event(
        &self,
        app: AppId,
        key_mode: KeyMode,
        event: &EventId,
    ) -> StoreResult<Option<ScheduleId>> {
        let schedules = self.store.schedules(app).await?;
        let made = |schedule: &Schedule| schedule.key_mode == key_mode && schedule.event_id == *event;
        Ok(schedules.into_iter().find(made).map(|schedule| schedule.id))
    }

    /// An app's recurring events.
    ///
    /// # Errors
    /// The store's.
    pub async fn schedules(&self, app: AppId) -> StoreResult<Vec<Schedule>> {
        self.store.schedules(app).await
    }

    /// Ends a recurring event, for a key of this mode. False if there is none that the key may touch.
    ///
    /// # Errors
    /// The store's.
    pub async fn end_schedule(&self, app: AppId, by: KeyMode, id: ScheduleId) -> StoreResult<bool> {
        self.store.end_schedule(app, by, id).await
    }
}

/// Who makes each time of a recurring event.
const SOURCE: &str = "schedule";
