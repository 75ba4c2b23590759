//! The store as a model: plain collections behind a lock, obviously right rather than fast.
//! Simulations run on it, and every real store must behave as it does.

mod accept;
mod apps;
mod callbacks;
mod deliveries;
mod hooks;
mod records;
mod retention;
mod speech;
mod state;
mod steps;
mod wechat;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use self::state::State;
use super::{
    Accepted, Admission, Admitted, AlertRecord, Call, CallResult, Claim, DeviceCheck, DueStep, DueTarget,
    Duty, Ended, Merged, NewEvent, NumberedNotice, OpenDelivery, Progress, Progressed, Receipt, RiderPatch,
    Schedule, Settled, Stepped, Store, StoreError, StoreResult, Unrolled, When, World,
};
use crate::domain::Sound;
use crate::domain::app::KeyMode;
use crate::domain::book::{Book, Guard};
use crate::domain::delivery::EndReason;
use crate::domain::kind::OrderPolicy;
use crate::domain::{
    Alert, AlertId, AppId, CallId, EpochMs, EventId, GroupId, Head, OrderKey, Rider, RiderId, RiderKey,
    ScheduleId, Settlement, Target,
};

/// A store in memory.
pub struct ModelStore {
    epoch: String,
    now: Arc<dyn Fn() -> EpochMs + Send + Sync>,
    // A lock of std: no call holds it across an await. `None` once closed.
    state: Mutex<Option<State>>,
}

impl ModelStore {
    /// An empty store of this epoch; `now` reads the clock, for `stored_at`.
    #[must_use]
    pub fn new(epoch: impl Into<String>, now: Arc<dyn Fn() -> EpochMs + Send + Sync>) -> Self {
        Self { epoch: epoch.into(), now, state: Mutex::new(Some(State::default())) }
    }

    /// The same, but its rules do not look at these. For simulations only: they show that they notice.
    #[must_use]
    pub fn without(self, guards: &[Guard]) -> Self {
        let state = State { book: Book::without(guards), ..State::default() };
        Self { state: Mutex::new(Some(state)), ..self }
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> StoreResult<T> {
        match self.lock().as_mut() {
            Some(state) => {
                let done = work(state);
                state.note_facts();
                state.spend();
                Ok(done)
            }
            None => Err(StoreError::Unavailable("the store is closed".into())),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for ModelStore {
    async fn epoch(&self) -> StoreResult<String> {
        self.with(|_| self.epoch.clone())
    }

    async fn put_rider(&self, rider: RiderKey, patch: RiderPatch, at: EpochMs) -> StoreResult<Rider> {
        self.with(|state| state.put_rider(&rider, patch, at))
    }

    async fn rider(&self, rider: RiderKey) -> StoreResult<Option<Rider>> {
        self.with(|state| state.book.rider(&rider).cloned())
    }

    async fn riders(&self, app: AppId, ids: Vec<RiderId>) -> StoreResult<Vec<Rider>> {
        self.with(|state| {
            let all = state.book.riders().map(|(rider, _)| rider);
            all.filter(|rider| rider.app == app && ids.contains(&rider.id)).cloned().collect()
        })
    }

    async fn touch_rider(&self, rider: RiderKey, at: EpochMs) -> StoreResult<Rider> {
        self.with(|state| {
            state.note_presence(&rider, at);
            let rider = state.known_rider(&rider, at);
            rider.last_seen_at = Some(at);
            rider.clone()
        })
    }

    async fn set_duty(&self, rider: RiderKey, duty: Duty, at: EpochMs) -> StoreResult<Vec<Ended>> {
        self.with(|state| state.set_duty(&rider, duty, at))
    }

    async fn admit(&self, rider: RiderKey, admission: Admission, at: EpochMs) -> StoreResult<Admitted> {
        self.with(|state| state.book.admit(&rider, admission, at))
    }

    async fn put_group(&self, app: AppId, group: GroupId, members: Vec<RiderId>) -> StoreResult<()> {
        self.with(|state| {
            state.groups.insert((app, group), members.into_iter().collect());
        })
    }

    async fn change_group(
        &self,
        app: AppId,
        group: GroupId,
        add: Vec<RiderId>,
        remove: Vec<RiderId>,
    ) -> StoreResult<()> {
        self.with(|state| {
            let members = state.groups.entry((app, group)).or_default();
            members.extend(add);
            members.retain(|member| !remove.contains(member));
        })
    }

    async fn group(&self, app: AppId, group: GroupId) -> StoreResult<Option<Vec<RiderId>>> {
        self.with(|state| state.groups.get(&(app, group)).map(|members| members.iter().cloned().collect()))
    }

    async fn groups(&self, app: AppId) -> StoreResult<Vec<GroupId>> {
        self.with(|state| {
            let groups = state.groups.keys().filter(|(of, _)| *of == app);
            groups.map(|(_, group)| group.clone()).collect()
        })
    }

    async fn delete_group(&self, app: AppId, group: GroupId) -> StoreResult<bool> {
        self.with(|state| state.groups.remove(&(app, group)).is_some())
    }

    async fn add_check(&self, rider: RiderKey, check: DeviceCheck) -> StoreResult<()> {
        self.with(|state| state.add_check(rider, check))
    }

    async fn checks(&self, rider: RiderKey) -> StoreResult<Vec<DeviceCheck>> {
        self.with(|state| state.checks.get(&rider).cloned().unwrap_or_default())
    }

    async fn accept(&self, event: NewEvent) -> StoreResult<Accepted> {
        let now = (self.now)();
        self.with(|state| state.accept(&event, now))
    }

    async fn audience(&self, app: AppId, target: Target) -> StoreResult<u64> {
        self.with(|state| state.audience(app, &target).len() as u64)
    }

    async fn mark_rendered(&self, alert: AlertId, sound: Sound, at: EpochMs) -> StoreResult<bool> {
        self.with(|state| state.mark_rendered(alert, sound, at))
    }

    async fn open_deliveries(&self, rider: RiderKey, limit: u32) -> StoreResult<Vec<OpenDelivery>> {
        self.with(|state| state.open_deliveries(&rider, limit))
    }

    async fn open_ids(&self, rider: RiderKey) -> StoreResult<Vec<(AlertId, u32)>> {
        self.with(|state| state.open_ids(&rider))
    }

    async fn ended_reasons(
        &self,
        rider: RiderKey,
        alerts: Vec<AlertId>,
    ) -> StoreResult<Vec<(AlertId, EndReason)>> {
        self.with(|state| state.ended_reasons(&rider, &alerts))
    }

    async fn progress(&self, changes: Vec<Progress>) -> StoreResult<Vec<Option<Progressed>>> {
        self.with(|state| changes.iter().map(|change| state.progress(change)).collect())
    }

    async fn cancel_alert(&self, app: AppId, alert: AlertId, at: EpochMs) -> StoreResult<Option<Vec<Ended>>> {
        self.with(|state| state.cancel_alert(app, alert, at))
    }

    async fn cancel_order(&self, order: OrderKey, at: EpochMs) -> StoreResult<Vec<Ended>> {
        self.with(|state| state.cancel_order(&order, at))
    }

    async fn settle(
        &self,
        app: AppId,
        alert: AlertId,
        settlement: Settlement,
        at: EpochMs,
    ) -> StoreResult<Option<Settled>> {
        self.with(|state| {
            state.book.head(alert).filter(|head| head.app == app)?;
            Some(state.book.settle(alert, &settlement, at))
        })
    }

    async fn expire_due(&self, now: EpochMs, unresponsive_after: u32, limit: u32) -> StoreResult<Vec<Ended>> {
        self.with(|state| state.expire_due(now, unresponsive_after, limit))
    }

    async fn due_steps(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<DueStep>> {
        self.with(|state| state.due_steps(now, limit))
    }

    async fn step(
        &self,
        alert: AlertId,
        level: u32,
        when: When,
        sound: Option<Sound>,
        world: World,
        at: EpochMs,
    ) -> StoreResult<Option<Stepped>> {
        self.with(|state| state.step(alert, level, when, sound, &world, at))
    }

    async fn laddered(&self, rider: RiderKey) -> StoreResult<Vec<(Head, Vec<RiderId>)>> {
        self.with(|state| state.laddered(&rider))
    }

    async fn due_targets(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<DueTarget>> {
        self.with(|state| state.due_targets(now, limit))
    }

    async fn unroll(
        &self,
        alert: AlertId,
        chunk: u32,
        policy: OrderPolicy,
        world: World,
        at: EpochMs,
    ) -> StoreResult<Unrolled> {
        self.with(|state| state.unroll(alert, chunk, &policy, &world, at))
    }

    async fn due_bursts(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<(RiderKey, usize)>> {
        self.with(|state| state.due_bursts(now, limit))
    }

    async fn merge(
        &self,
        rider: RiderKey,
        together: Option<(Alert, usize)>,
        world: World,
        at: EpochMs,
    ) -> StoreResult<Merged> {
        self.with(|state| state.merge(&rider, together, &world, at))
    }

    async fn due_asks(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<(AlertId, RiderKey)>> {
        self.with(|state| state.due_asks(now, limit))
    }

    async fn take_ask(
        &self,
        alert: AlertId,
        rider: RiderKey,
        again_at: EpochMs,
        at: EpochMs,
    ) -> StoreResult<Option<Claim>> {
        self.with(|state| state.take_ask(alert, &rider, again_at, at))
    }

    async fn ask_again(&self, alert: AlertId, rider: RiderKey, at: Option<EpochMs>) -> StoreResult<()> {
        self.with(|state| state.book.ask_again(alert, &rider.rider, at))
    }

    async fn due_calls(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<Call>> {
        self.with(|state| state.due_calls(now, limit))
    }

    async fn take_call(&self, id: CallId, again_at: EpochMs, at: EpochMs) -> StoreResult<bool> {
        self.with(|state| state.take_call(id, again_at, at))
    }

    async fn finish_call(&self, id: CallId, result: CallResult, at: EpochMs) -> StoreResult<()> {
        self.with(|state| state.finish_call(id, result, at))
    }

    async fn notices(&self, app: AppId, after: i64, limit: u32) -> StoreResult<Vec<NumberedNotice>> {
        self.with(|state| state.notices(app, after, limit))
    }

    async fn due_schedules(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<Schedule>> {
        self.with(|state| state.due_schedules(now, limit))
    }

    async fn advance_schedule(
        &self,
        id: ScheduleId,
        from: EpochMs,
        next_at: Option<EpochMs>,
    ) -> StoreResult<bool> {
        self.with(|state| state.advance_schedule(id, from, next_at))
    }

    async fn schedules(&self, app: AppId) -> StoreResult<Vec<Schedule>> {
        self.with(|state| state.schedules_of(app))
    }

    async fn end_schedule(&self, app: AppId, by: KeyMode, id: ScheduleId) -> StoreResult<bool> {
        self.with(|state| state.end_schedule(app, by, id))
    }

    async fn unrendered(&self, limit: u32) -> StoreResult<Vec<Alert>> {
        self.with(|state| state.unrendered(limit))
    }

    async fn pending_since(&self, since: EpochMs, limit: u32) -> StoreResult<Vec<RiderKey>> {
        self.with(|state| state.pending_since(since, limit))
    }

    async fn alert(&self, app: AppId, alert: AlertId) -> StoreResult<Option<AlertRecord>> {
        self.with(|state| state.record(app, alert))
    }

    async fn event(&self, app: AppId, source: String, id: EventId) -> StoreResult<Option<(String, Receipt)>> {
        self.with(|state| state.event(app, source, id))
    }

    async fn forget_events(&self, before: EpochMs, limit: u32) -> StoreResult<u64> {
        self.with(|state| state.forget_events(before, limit))
    }

    async fn forget_orders(&self, before: EpochMs, limit: u32) -> StoreResult<u64> {
        self.with(|state| state.book.forget_orders(before, limit as usize) as u64)
    }

    async fn close(&self) {
        *self.lock() = None;
    }
}
