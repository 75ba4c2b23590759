//! Ladder steps, what they ask for, and what comes again: the model's side of everything that is due.
//! Due is what is found by looking at all of it.

use super::state::{CallState, State};
use crate::domain::Sound;
use crate::domain::app::KeyMode;
use crate::domain::ladder::Act;
use crate::domain::{Alert, AlertId, AppId, CallId, EpochMs, RiderId, RiderKey, ScheduleId};
use crate::store::{Call, CallResult, DueStep, Merged, NumberedNotice, Schedule, Stepped, When, World};

impl State {
    pub(super) fn due_steps(&self, now: EpochMs, limit: u32) -> Vec<DueStep> {
        let mut due: Vec<_> = self
            .book
            .heads()
            .map(|(head, _)| head)
            .filter(|head| self.bodies.get(&head.id).is_some_and(|body| body.rendered_at.is_some()))
            .filter_map(|head| Some(DueStep { head: head.clone(), level: head.due_level(now)? }))
            .collect();
        due.sort_by_key(|step| (step.head.step_due_at, step.head.id));
        due.truncate(limit as usize);
        due
    }

    pub(super) fn step(
        &mut self,
        alert: AlertId,
        level: u32,
        when: When,
        sound: Option<Sound>,
        world: &World,
        at: EpochMs,
    ) -> Option<Stepped> {
        let station = self.station(alert, level);
        let stepped = self.book.step(alert, level, when, &station, &world.context(at))?;
        self.file();
        let sound = sound.map(|sound| self.keep_recipe_of(sound, at));
        if let (Some(sound), Some(body)) = (sound, self.bodies.get_mut(&alert)) {
            body.sound = Some(sound);
        }
        Some(stepped)
    }

    /// Who a step for a station means: its groups, else those of the riders who have the alert.
    fn station(&self, alert: AlertId, level: u32) -> Vec<RiderId> {
        let Some(head) = self.book.head(alert) else { return Vec::new() };
        let Some(step) = head.ladder.steps().get(level as usize) else { return Vec::new() };
        let Act::Station { groups } = &step.act else { return Vec::new() };
        let theirs = self.book.deliveries().map(|(d, _)| d).filter(|d| d.alert == alert);
        let theirs: Vec<&RiderId> = theirs.map(|d| &d.rider).collect();
        let mut riders = Vec::new();
        for ((app, group), members) in &self.groups {
            let named = groups.contains(group);
            let own = groups.is_empty() && theirs.iter().any(|rider| members.contains(*rider));
            if *app == head.app && (named || own) {
                riders.extend(members.iter().cloned());
            }
        }
        riders.sort();
        riders.dedup();
        riders
    }

    pub(super) fn merge(
        &mut self,
        rider: &RiderKey,
        together: Option<(Alert, usize)>,
        world: &World,
        at: EpochMs,
    ) -> Merged {
        let head = together.as_ref().map(|(alert, count)| (&alert.head, *count));
        let merged = self.book.merge(rider, head, &world.context(at));
        self.file();
        if let (Merged::Together(..), Some((alert, _))) = (&merged, together) {
            self.insert_body(alert, at);
        }
        merged
    }

    pub(super) fn due_calls(&self, now: EpochMs, limit: u32) -> Vec<Call> {
        let open = self.calls.values().filter(|(_, state)| *state == CallState::Open);
        let mut due: Vec<Call> =
            open.map(|(call, _)| call.clone()).filter(|call| call.due_at <= now).collect();
        due.sort_by_key(|call| (call.due_at, call.id));
        due.truncate(limit as usize);
        due
    }

    pub(super) fn take_call(&mut self, id: CallId, again_at: EpochMs, at: EpochMs) -> bool {
        let Some((call, CallState::Open)) = self.calls.get_mut(&id) else { return false };
        let due = call.due_at <= at;
        if due {
            call.due_at = again_at;
            call.attempts += 1;
        }
        due
    }

    pub(super) fn finish_call(&mut self, id: CallId, result: CallResult, at: EpochMs) {
        let Some((call, state)) = self.calls.get_mut(&id) else { return };
        match (result, &state) {
            (CallResult::Again(due_at), CallState::Open) => call.due_at = due_at,
            (CallResult::Done(_) | CallResult::Failed(_), CallState::Open) => *state = CallState::Over(at),
            (_, CallState::Over(_)) => {}
        }
    }

    pub(super) fn notices(&self, app: AppId, after: i64, limit: u32) -> Vec<NumberedNotice> {
        let numbered = self.notices.iter().filter(|(number, notice)| **number > after && notice.app == app);
        let numbered = numbered.take(limit as usize);
        numbered.map(|(number, notice)| NumberedNotice { number: *number, notice: notice.clone() }).collect()
    }

    pub(super) fn due_schedules(&self, now: EpochMs, limit: u32) -> Vec<Schedule> {
        let due = self.schedules.iter().filter(|schedule| schedule.next_at.is_some_and(|next| next <= now));
        let mut due: Vec<Schedule> = due.cloned().collect();
        due.sort_by_key(|schedule| (schedule.next_at, schedule.id));
        due.truncate(limit as usize);
        due
    }

    pub(super) fn advance_schedule(
        &mut self,
        id: ScheduleId,
        from: EpochMs,
        next_at: Option<EpochMs>,
    ) -> bool {
        let here = |schedule: &&mut Schedule| schedule.id == id && schedule.next_at == Some(from);
        let Some(schedule) = self.schedules.iter_mut().find(here) else { return false };
        schedule.next_at = next_at;
        schedule.fired += 1;
        true
    }

    pub(super) fn schedules_of(&self, app: AppId) -> Vec<Schedule> {
        let live = |schedule: &&Schedule| schedule.app == app && schedule.next_at.is_some();
        let mut schedules: Vec<Schedule> = self.schedules.iter().filter(live).cloned().collect();
        schedules.sort_by_key(|schedule| (schedule.created_at, schedule.id));
        schedules
    }

    pub(super) fn end_schedule(&mut self, app: AppId, by: KeyMode, id: ScheduleId) -> bool {
        let live =
            |schedule: &&mut Schedule| schedule.app == app && schedule.id == id && schedule.next_at.is_some();
        let schedule =
            self.schedules.iter_mut().find(live).filter(|schedule| by.may_touch(schedule.key_mode));
        schedule.map(|schedule| schedule.next_at = None).is_some()
    }
}
