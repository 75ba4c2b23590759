//! The statements of a store that speaks SQL: one set of them for every database, and the calls that run them.
//! What differs from one database to the other stands with the statement, as its text, or in the engine.

mod accept;
mod aging;
mod alerts;
mod app_store;
mod apps;
mod audience;
mod book;
mod bursts;
mod callback_store;
mod callbacks;
mod calls;
pub(in crate::store) mod db;
mod deliveries;
pub(in crate::store) mod engine;
mod erasing;
pub(in crate::store) mod error;
mod events;
#[cfg(test)]
pub(in crate::store) mod everyday;
mod groups;
mod hook_store;
mod hooks;
mod keys;
mod locks;
mod notices;
mod offers;
mod orders;
mod recipes;
pub(in crate::store) mod records;
mod retention_store;
mod rider_file;
mod riders;
mod rows;
mod schedules;
mod secrets;
mod speech_store;
mod steps;
#[cfg(test)]
pub(in crate::store) mod swept;
mod targets;
mod wechat;
mod wechat_store;
mod wordings;

use std::sync::Arc;

use async_trait::async_trait;

use self::accept::Arrival;
use self::engine::{Engine, RunAll};
use super::{
    Accepted, Admission, Admitted, AlertRecord, CallResult, Claim, DeviceCheck, DueStep, DueTarget, Duty,
    Ended, Merged, NewEvent, NumberedNotice, OpenDelivery, Progress, Progressed, Receipt, RiderPatch,
    Schedule, Settled, Stepped, Store, StoreError, StoreResult, Unrolled, When, World,
};
use crate::domain::Sound;
use crate::domain::app::KeyMode;
use crate::domain::delivery::EndReason;
use crate::domain::kind::OrderPolicy;
use crate::domain::{
    Alert, AlertId, AppId, CallId, EpochMs, EventId, GroupId, Head, OrderKey, Rider, RiderId, RiderKey,
    ScheduleId, Settlement, Target,
};

/// How events are accepted: all that wait, together.
const ACCEPT: RunAll<Arc<Arrival>, Accepted> = |db, arrivals| Box::pin(accept::accept_all(db, arrivals));

/// A store in a database that speaks SQL, behind its engine.
pub struct SqlStore<E> {
    engine: E,
}

impl<E> SqlStore<E> {
    /// A store on this engine.
    pub(super) fn new(engine: E) -> Self {
        Self { engine }
    }
}

fn arrival(engine: &impl Engine, event: NewEvent) -> Arc<Arrival> {
    Arc::new(Arrival { event, now: engine.now() })
}

/// Whoever does not know whether an event was committed asks once more, by its id: it is there, or comes in now.
async fn make_sure(
    engine: &impl Engine,
    accepted: StoreResult<Accepted>,
    arrival: &Arc<Arrival>,
) -> StoreResult<Accepted> {
    let Err(StoreError::Unsure(why)) = accepted else { return accepted };
    match engine.write_with_others(Arc::clone(arrival), ACCEPT).await {
        Ok(Accepted::Duplicate(receipt)) if arrival.was_told(&receipt) => Ok(Accepted::New(receipt)),
        Ok(accepted) => Ok(accepted),
        Err(_) => Err(StoreError::Unsure(why)),
    }
}

#[async_trait]
impl<E: Engine> Store for SqlStore<E> {
    async fn epoch(&self) -> StoreResult<String> {
        self.engine.epoch()
    }

    async fn put_rider(&self, rider: RiderKey, patch: RiderPatch, at: EpochMs) -> StoreResult<Rider> {
        self.engine
            .write((rider, patch, at), |db, (rider, patch, at)| Box::pin(riders::put(db, rider, patch, *at)))
            .await
    }

    async fn rider(&self, rider: RiderKey) -> StoreResult<Option<Rider>> {
        riders::one(&mut self.engine.reader().await?.db(), &rider).await
    }

    async fn riders(&self, app: AppId, ids: Vec<RiderId>) -> StoreResult<Vec<Rider>> {
        riders::some(&mut self.engine.reader().await?.db(), app, &ids).await
    }

    async fn touch_rider(&self, rider: RiderKey, at: EpochMs) -> StoreResult<Rider> {
        self.engine.write((rider, at), |db, (rider, at)| Box::pin(riders::touch(db, rider, *at))).await
    }

    async fn set_duty(&self, rider: RiderKey, duty: Duty, at: EpochMs) -> StoreResult<Vec<Ended>> {
        self.engine
            .write((rider, duty, at), |db, (rider, duty, at)| {
                Box::pin(riders::set_duty(db, rider, *duty, *at))
            })
            .await
    }

    async fn admit(&self, rider: RiderKey, admission: Admission, at: EpochMs) -> StoreResult<Admitted> {
        self.engine
            .write((rider, admission, at), |db, (rider, admission, at)| {
                Box::pin(riders::admit(db, rider, *admission, *at))
            })
            .await
    }

    async fn put_group(&self, app: AppId, group: GroupId, members: Vec<RiderId>) -> StoreResult<()> {
        self.engine
            .write((app, group, members), |db, (app, group, members)| {
                Box::pin(groups::put(db, *app, group, members))
            })
            .await
    }

    async fn change_group(
        &self,
        app: AppId,
        group: GroupId,
        add: Vec<RiderId>,
        remove: Vec<RiderId>,
    ) -> StoreResult<()> {
        self.engine
            .write((app, group, add, remove), |db, (app, group, add, remove)| {
                Box::pin(groups::change(db, *app, group, add, remove))
            })
            .await
    }

    async fn group(&self, app: AppId, group: GroupId) -> StoreResult<Option<Vec<RiderId>>> {
        groups::members(&mut self.engine.reader().await?.db(), app, &group).await
    }

    async fn groups(&self, app: AppId) -> StoreResult<Vec<GroupId>> {
        groups::all(&mut self.engine.reader().await?.db(), app).await
    }

    async fn delete_group(&self, app: AppId, group: GroupId) -> StoreResult<bool> {
        self.engine.write((app, group), |db, (app, group)| Box::pin(groups::delete(db, *app, group))).await
    }

    async fn add_check(&self, rider: RiderKey, check: DeviceCheck) -> StoreResult<()> {
        self.engine
            .write((rider, check), |db, (rider, check)| Box::pin(riders::add_check(db, rider, check)))
            .await
    }

    async fn checks(&self, rider: RiderKey) -> StoreResult<Vec<DeviceCheck>> {
        riders::checks(&mut self.engine.reader().await?.db(), &rider).await
    }

    async fn accept(&self, event: NewEvent) -> StoreResult<Accepted> {
        let arrival = arrival(&self.engine, event);
        let accepted = self.engine.write_with_others(Arc::clone(&arrival), ACCEPT).await;
        make_sure(&self.engine, accepted, &arrival).await
    }

    async fn accept_all(&self, events: Vec<NewEvent>) -> Vec<StoreResult<Accepted>> {
        let arrivals: Vec<_> = events.into_iter().map(|event| arrival(&self.engine, event)).collect();
        let mut answers = self.engine.write_all_with_others(arrivals.clone(), ACCEPT).await;
        for (answer, arrival) in answers.iter_mut().zip(&arrivals) {
            if matches!(answer, Err(StoreError::Unsure(_))) {
                let unsure = std::mem::replace(answer, Ok(Accepted::Conflict));
                *answer = make_sure(&self.engine, unsure, arrival).await;
            }
        }
        answers
    }

    async fn audience(&self, app: AppId, target: Target) -> StoreResult<u64> {
        audience::count(&mut self.engine.reader().await?.db(), app, &target).await
    }

    async fn mark_rendered(&self, alert: AlertId, sound: Sound, at: EpochMs) -> StoreResult<bool> {
        let mark = (alert, sound, at);
        self.engine.write_with_others(mark, |db, marks| Box::pin(alerts::mark_all_rendered(db, marks))).await
    }

    async fn open_deliveries(&self, rider: RiderKey, limit: u32) -> StoreResult<Vec<OpenDelivery>> {
        deliveries::open(&mut self.engine.reader().await?.db(), &rider, limit).await
    }

    async fn open_ids(&self, rider: RiderKey) -> StoreResult<Vec<(AlertId, u32)>> {
        deliveries::open_ids(&mut self.engine.reader().await?.db(), &rider).await
    }

    async fn ended_reasons(
        &self,
        rider: RiderKey,
        alerts: Vec<AlertId>,
    ) -> StoreResult<Vec<(AlertId, EndReason)>> {
        deliveries::ended_reasons(&mut self.engine.reader().await?.db(), &rider, &alerts).await
    }

    async fn progress(&self, changes: Vec<Progress>) -> StoreResult<Vec<Option<Progressed>>> {
        self.engine
            .write_with_others(changes, |db, calls| Box::pin(deliveries::progress_all(db, calls)))
            .await
    }

    async fn cancel_alert(&self, app: AppId, alert: AlertId, at: EpochMs) -> StoreResult<Option<Vec<Ended>>> {
        self.engine
            .write((app, alert, at), |db, (app, alert, at)| Box::pin(alerts::cancel(db, *app, *alert, *at)))
            .await
    }

    async fn cancel_order(&self, order: OrderKey, at: EpochMs) -> StoreResult<Vec<Ended>> {
        self.engine.write((order, at), |db, (order, at)| Box::pin(orders::cancel(db, order, *at))).await
    }

    async fn settle(
        &self,
        app: AppId,
        alert: AlertId,
        settlement: Settlement,
        at: EpochMs,
    ) -> StoreResult<Option<Settled>> {
        self.engine
            .write((app, alert, settlement, at), |db, (app, alert, settlement, at)| {
                Box::pin(offers::settle(db, *app, *alert, settlement, *at))
            })
            .await
    }

    async fn expire_due(&self, now: EpochMs, unresponsive_after: u32, limit: u32) -> StoreResult<Vec<Ended>> {
        self.engine
            .write((now, unresponsive_after, limit), |db, (now, unresponsive_after, limit)| {
                Box::pin(alerts::expire_due(db, *now, *unresponsive_after, *limit))
            })
            .await
    }

    async fn due_steps(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<DueStep>> {
        steps::due(&mut self.engine.reader().await?.db(), now, limit).await
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
        let ask = steps::Ask { alert, level, when, sound, world, at };
        self.engine.write(ask, |db, ask| Box::pin(steps::step(db, ask))).await
    }

    async fn laddered(&self, rider: RiderKey) -> StoreResult<Vec<(Head, Vec<RiderId>)>> {
        steps::laddered(&mut self.engine.snapshot().await?.db(), rider.app, &rider.rider).await
    }

    async fn due_targets(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<DueTarget>> {
        targets::due(&mut self.engine.reader().await?.db(), now, limit).await
    }

    async fn unroll(
        &self,
        alert: AlertId,
        chunk: u32,
        policy: OrderPolicy,
        world: World,
        at: EpochMs,
    ) -> StoreResult<Unrolled> {
        let part = targets::Part { alert, chunk, policy, world, at };
        self.engine.write(part, |db, part| Box::pin(targets::unroll(db, part))).await
    }

    async fn due_bursts(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<(RiderKey, usize)>> {
        bursts::due(&mut self.engine.reader().await?.db(), now, limit).await
    }

    async fn merge(
        &self,
        rider: RiderKey,
        together: Option<(Alert, usize)>,
        world: World,
        at: EpochMs,
    ) -> StoreResult<Merged> {
        let burst = bursts::Burst { rider, together, world, at };
        self.engine.write(burst, |db, burst| Box::pin(bursts::merge(db, burst))).await
    }

    async fn due_asks(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<(AlertId, RiderKey)>> {
        offers::due_asks(&mut self.engine.reader().await?.db(), now, limit).await
    }

    async fn take_ask(
        &self,
        alert: AlertId,
        rider: RiderKey,
        again_at: EpochMs,
        at: EpochMs,
    ) -> StoreResult<Option<Claim>> {
        self.engine
            .write((alert, rider, again_at, at), |db, (alert, rider, again_at, at)| {
                Box::pin(offers::take_ask(db, *alert, rider, *again_at, *at))
            })
            .await
    }

    async fn ask_again(&self, alert: AlertId, rider: RiderKey, at: Option<EpochMs>) -> StoreResult<()> {
        self.engine
            .write((alert, rider, at), |db, (alert, rider, at)| {
                Box::pin(offers::ask_again(db, *alert, rider, *at))
            })
            .await
    }

    async fn due_calls(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<super::Call>> {
        calls::due(&mut self.engine.reader().await?.db(), now, limit).await
    }

    async fn take_call(&self, id: CallId, again_at: EpochMs, at: EpochMs) -> StoreResult<bool> {
        self.engine
            .write((id, again_at, at), |db, (id, again_at, at)| {
                Box::pin(calls::take(db, *id, *again_at, *at))
            })
            .await
    }

    async fn finish_call(&self, id: CallId, result: CallResult, at: EpochMs) -> StoreResult<()> {
        self.engine
            .write((id, result, at), |db, (id, result, at)| Box::pin(calls::finish(db, *id, *result, *at)))
            .await
    }

    async fn notices(&self, app: AppId, after: i64, limit: u32) -> StoreResult<Vec<NumberedNotice>> {
        notices::after(&mut self.engine.reader().await?.db(), app, after, limit).await
    }

    async fn due_schedules(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<Schedule>> {
        schedules::due(&mut self.engine.reader().await?.db(), now, limit).await
    }

    async fn advance_schedule(
        &self,
        id: ScheduleId,
        from: EpochMs,
        next_at: Option<EpochMs>,
    ) -> StoreResult<bool> {
        self.engine
            .write((id, from, next_at), |db, (id, from, next_at)| {
                Box::pin(schedules::advance(db, *id, *from, *next_at))
            })
            .await
    }

    async fn schedules(&self, app: AppId) -> StoreResult<Vec<Schedule>> {
        schedules::live(&mut self.engine.reader().await?.db(), app).await
    }

    async fn end_schedule(&self, app: AppId, by: KeyMode, id: ScheduleId) -> StoreResult<bool> {
        self.engine
            .write((app, by, id), |db, (app, by, id)| Box::pin(schedules::end(db, *app, *by, *id)))
            .await
    }

    async fn unrendered(&self, limit: u32) -> StoreResult<Vec<Alert>> {
        alerts::unrendered(&mut self.engine.reader().await?.db(), limit).await
    }

    async fn pending_since(&self, since: EpochMs, limit: u32) -> StoreResult<Vec<RiderKey>> {
        deliveries::pending_since(&mut self.engine.reader().await?.db(), since, limit).await
    }

    async fn alert(&self, app: AppId, alert: AlertId) -> StoreResult<Option<AlertRecord>> {
        alerts::record(&mut self.engine.snapshot().await?.db(), app, alert).await
    }

    async fn event(&self, app: AppId, source: String, id: EventId) -> StoreResult<Option<(String, Receipt)>> {
        events::told(&mut self.engine.reader().await?.db(), app, &source, &id).await
    }

    async fn forget_events(&self, before: EpochMs, limit: u32) -> StoreResult<u64> {
        self.engine
            .write((before, limit), |db, (before, limit)| Box::pin(events::forget(db, *before, *limit)))
            .await
    }

    async fn forget_orders(&self, before: EpochMs, limit: u32) -> StoreResult<u64> {
        self.engine
            .write((before, limit), |db, (before, limit)| Box::pin(orders::forget(db, *before, *limit)))
            .await
    }

    async fn close(&self) {
        self.engine.close().await;
    }
}
