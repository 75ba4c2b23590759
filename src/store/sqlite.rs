//! The embedded store: one SQLite file, one writer that shares its commits among callers, a few readers.
//! Nothing is answered before it is on disk: WAL with synchronous FULL, and the answer after the commit.

mod accept;
mod alerts;
mod app_store;
mod apps;
mod audience;
mod book;
mod bursts;
mod callback_store;
mod calls;
mod deliveries;
mod error;
mod events;
mod groups;
mod inspect;
mod keys;
mod notices;
mod offers;
mod open;
mod orders;
#[cfg(test)]
mod plans;
mod recipes;
mod riders;
mod rows;
mod schedules;
mod secrets;
mod speech_store;
mod steps;
mod targets;
mod wordings;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::SqlitePool;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use inspect::{Beside, Inspection, Soundness, inspect};
pub use open::SqliteOptions;

use self::accept::Arrival;
use self::error::unavailable;
use self::writer::{Call, Calls, Run, RunAll, Work};
use super::{
    Accepted, Admission, Admitted, AlertRecord, CallResult, Claim, DeviceCheck, DueStep, DueTarget, Duty,
    Ended, Merged, NewEvent, NumberedNotice, OpenDelivery, Progress, Progressed, Receipt, RiderPatch,
    Schedule, Settled, Stepped, Store, StoreResult, Unrolled, When, World,
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
const ACCEPT: RunAll<Arrival, Accepted> = |db, arrivals| Box::pin(accept::accept_all(db, arrivals));

/// A store in one SQLite file.
pub struct SqliteStore {
    queue: mpsc::Sender<Box<dyn Work>>,
    readers: SqlitePool,
    epoch: String,
    now: Arc<dyn Fn() -> EpochMs + Send + Sync>,
    wait_max: Duration,
    closing: CancellationToken,
    ended: CancellationToken,
}

impl SqliteStore {
    /// Queues a write and waits until it is on disk. Once queued it is done even if the caller goes away.
    async fn write<A, T>(&self, args: A, run: Run<A, T>) -> StoreResult<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let (call, result) = Call::new(args, run);
        self.queue(call).await?;
        result.await.map_err(unavailable)?
    }

    /// As `write`, together with other calls of the kind that wait.
    async fn write_with_others<A, T>(&self, args: A, run: RunAll<A, T>) -> StoreResult<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let (call, result) = Calls::new(args, run);
        self.queue(call).await?;
        result.await.map_err(unavailable)?
    }

    async fn queue(&self, work: impl Work) -> StoreResult<()> {
        self.refuse_if_closed()?;
        let place = tokio::time::timeout(self.wait_max, self.queue.reserve());
        let place = place.await.map_err(unavailable)?.map_err(unavailable)?;
        place.send(Box::new(work));
        Ok(())
    }

    fn arrival(&self, event: NewEvent) -> Arrival {
        Arrival { event, now: Arc::clone(&self.now) }
    }

    fn read(&self) -> StoreResult<&SqlitePool> {
        self.refuse_if_closed()?;
        Ok(&self.readers)
    }

    fn refuse_if_closed(&self) -> StoreResult<()> {
        if self.closing.is_cancelled() { Err(unavailable("the store is closed")) } else { Ok(()) }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn epoch(&self) -> StoreResult<String> {
        self.refuse_if_closed()?;
        Ok(self.epoch.clone())
    }

    async fn put_rider(&self, rider: RiderKey, patch: RiderPatch, at: EpochMs) -> StoreResult<Rider> {
        self.write((rider, patch, at), |db, (rider, patch, at)| Box::pin(riders::put(db, rider, patch, *at)))
            .await
    }

    async fn rider(&self, rider: RiderKey) -> StoreResult<Option<Rider>> {
        riders::one(self.read()?, &rider).await
    }

    async fn riders(&self, app: AppId, ids: Vec<RiderId>) -> StoreResult<Vec<Rider>> {
        riders::some(self.read()?, app, &ids).await
    }

    async fn touch_rider(&self, rider: RiderKey, at: EpochMs) -> StoreResult<Rider> {
        self.write((rider, at), |db, (rider, at)| Box::pin(riders::touch(db, rider, *at))).await
    }

    async fn set_duty(&self, rider: RiderKey, duty: Duty, at: EpochMs) -> StoreResult<Vec<Ended>> {
        self.write((rider, duty, at), |db, (rider, duty, at)| {
            Box::pin(riders::set_duty(db, rider, *duty, *at))
        })
        .await
    }

    async fn admit(&self, rider: RiderKey, admission: Admission, at: EpochMs) -> StoreResult<Admitted> {
        self.write((rider, admission, at), |db, (rider, admission, at)| {
            Box::pin(riders::admit(db, rider, *admission, *at))
        })
        .await
    }

    async fn delete_rider(&self, rider: RiderKey, at: EpochMs) -> StoreResult<Option<Vec<Ended>>> {
        self.write((rider, at), |db, (rider, at)| Box::pin(riders::delete(db, rider, *at))).await
    }

    async fn put_group(&self, app: AppId, group: GroupId, members: Vec<RiderId>) -> StoreResult<()> {
        self.write((app, group, members), |db, (app, group, members)| {
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
        self.write((app, group, add, remove), |db, (app, group, add, remove)| {
            Box::pin(groups::change(db, *app, group, add, remove))
        })
        .await
    }

    async fn group(&self, app: AppId, group: GroupId) -> StoreResult<Option<Vec<RiderId>>> {
        groups::members(self.read()?, app, &group).await
    }

    async fn groups(&self, app: AppId) -> StoreResult<Vec<GroupId>> {
        groups::all(self.read()?, app).await
    }

    async fn delete_group(&self, app: AppId, group: GroupId) -> StoreResult<bool> {
        self.write((app, group), |db, (app, group)| Box::pin(groups::delete(db, *app, group))).await
    }

    async fn add_check(&self, rider: RiderKey, check: DeviceCheck) -> StoreResult<()> {
        self.write((rider, check), |db, (rider, check)| Box::pin(riders::add_check(db, rider, check))).await
    }

    async fn checks(&self, rider: RiderKey) -> StoreResult<Vec<DeviceCheck>> {
        riders::checks(self.read()?, &rider).await
    }

    async fn accept(&self, event: NewEvent) -> StoreResult<Accepted> {
        self.write_with_others(self.arrival(event), ACCEPT).await
    }

    async fn accept_all(&self, events: Vec<NewEvent>) -> Vec<StoreResult<Accepted>> {
        // All are in the queue before any is waited for: so they keep their order and share their commits.
        let (mut waiting, mut refused) = (Vec::with_capacity(events.len()), None);
        for event in events {
            let (call, result) = Calls::new(self.arrival(event), ACCEPT);
            if refused.is_none() {
                refused = self.queue(call).await.err().map(Arc::new);
            }
            waiting.push(match &refused {
                None => Ok(result),
                Some(error) => Err(Arc::clone(error)),
            });
        }
        let mut answers = Vec::with_capacity(waiting.len());
        for one in waiting {
            answers.push(match one {
                Ok(result) => result.await.map_err(unavailable).flatten(),
                Err(error) => Err(unavailable(error)),
            });
        }
        answers
    }

    async fn audience(&self, app: AppId, target: Target) -> StoreResult<u64> {
        audience::count(self.read()?, app, &target).await
    }

    async fn mark_rendered(&self, alert: AlertId, sound: Sound, at: EpochMs) -> StoreResult<bool> {
        let mark = (alert, sound, at);
        self.write_with_others(mark, |db, marks| Box::pin(alerts::mark_all_rendered(db, marks))).await
    }

    async fn open_deliveries(&self, rider: RiderKey, limit: u32) -> StoreResult<Vec<OpenDelivery>> {
        deliveries::open(self.read()?, &rider, limit).await
    }

    async fn open_ids(&self, rider: RiderKey) -> StoreResult<Vec<(AlertId, u32)>> {
        deliveries::open_ids(self.read()?, &rider).await
    }

    async fn ended_reasons(
        &self,
        rider: RiderKey,
        alerts: Vec<AlertId>,
    ) -> StoreResult<Vec<(AlertId, EndReason)>> {
        deliveries::ended_reasons(self.read()?, &rider, &alerts).await
    }

    async fn progress(&self, changes: Vec<Progress>) -> StoreResult<Vec<Option<Progressed>>> {
        self.write_with_others(changes, |db, calls| Box::pin(deliveries::progress_all(db, calls))).await
    }

    async fn cancel_alert(&self, app: AppId, alert: AlertId, at: EpochMs) -> StoreResult<Option<Vec<Ended>>> {
        self.write((app, alert, at), |db, (app, alert, at)| Box::pin(alerts::cancel(db, *app, *alert, *at)))
            .await
    }

    async fn cancel_order(&self, order: OrderKey, at: EpochMs) -> StoreResult<Vec<Ended>> {
        self.write((order, at), |db, (order, at)| Box::pin(orders::cancel(db, order, *at))).await
    }

    async fn settle(
        &self,
        app: AppId,
        alert: AlertId,
        settlement: Settlement,
        at: EpochMs,
    ) -> StoreResult<Option<Settled>> {
        self.write((app, alert, settlement, at), |db, (app, alert, settlement, at)| {
            Box::pin(offers::settle(db, *app, *alert, settlement, *at))
        })
        .await
    }

    async fn expire_due(&self, now: EpochMs, unresponsive_after: u32, limit: u32) -> StoreResult<Vec<Ended>> {
        self.write((now, unresponsive_after, limit), |db, (now, unresponsive_after, limit)| {
            Box::pin(alerts::expire_due(db, *now, *unresponsive_after, *limit))
        })
        .await
    }

    async fn due_steps(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<DueStep>> {
        steps::due(self.read()?, now, limit).await
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
        self.write(ask, |db, ask| Box::pin(steps::step(db, ask))).await
    }

    async fn laddered(&self, rider: RiderKey) -> StoreResult<Vec<(Head, Vec<RiderId>)>> {
        let mut db = self.read()?.acquire().await?;
        steps::laddered(&mut db, rider.app, &rider.rider).await
    }

    async fn due_targets(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<DueTarget>> {
        targets::due(self.read()?, now, limit).await
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
        self.write(part, |db, part| Box::pin(targets::unroll(db, part))).await
    }

    async fn due_bursts(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<(RiderKey, usize)>> {
        bursts::due(self.read()?, now, limit).await
    }

    async fn merge(
        &self,
        rider: RiderKey,
        together: Option<(Alert, usize)>,
        world: World,
        at: EpochMs,
    ) -> StoreResult<Merged> {
        let burst = bursts::Burst { rider, together, world, at };
        self.write(burst, |db, burst| Box::pin(bursts::merge(db, burst))).await
    }

    async fn due_asks(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<(AlertId, RiderKey)>> {
        offers::due_asks(self.read()?, now, limit).await
    }

    async fn take_ask(
        &self,
        alert: AlertId,
        rider: RiderKey,
        again_at: EpochMs,
        at: EpochMs,
    ) -> StoreResult<Option<Claim>> {
        self.write((alert, rider, again_at, at), |db, (alert, rider, again_at, at)| {
            Box::pin(offers::take_ask(db, *alert, rider, *again_at, *at))
        })
        .await
    }

    async fn ask_again(&self, alert: AlertId, rider: RiderKey, at: Option<EpochMs>) -> StoreResult<()> {
        self.write((alert, rider, at), |db, (alert, rider, at)| {
            Box::pin(offers::ask_again(db, *alert, rider, *at))
        })
        .await
    }

    async fn due_calls(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<super::Call>> {
        calls::due(self.read()?, now, limit).await
    }

    async fn take_call(&self, id: CallId, again_at: EpochMs, at: EpochMs) -> StoreResult<bool> {
        self.write((id, again_at, at), |db, (id, again_at, at)| {
            Box::pin(calls::take(db, *id, *again_at, *at))
        })
        .await
    }

    async fn finish_call(&self, id: CallId, result: CallResult, at: EpochMs) -> StoreResult<()> {
        self.write((id, result, at), |db, (id, result, at)| Box::pin(calls::finish(db, *id, *result, *at)))
            .await
    }

    async fn notices(&self, app: AppId, after: i64, limit: u32) -> StoreResult<Vec<NumberedNotice>> {
        notices::after(self.read()?, app, after, limit).await
    }

    async fn due_schedules(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<Schedule>> {
        schedules::due(self.read()?, now, limit).await
    }

    async fn advance_schedule(
        &self,
        id: ScheduleId,
        from: EpochMs,
        next_at: Option<EpochMs>,
    ) -> StoreResult<bool> {
        self.write((id, from, next_at), |db, (id, from, next_at)| {
            Box::pin(schedules::advance(db, *id, *from, *next_at))
        })
        .await
    }

    async fn schedules(&self, app: AppId) -> StoreResult<Vec<Schedule>> {
        schedules::live(self.read()?, app).await
    }

    async fn end_schedule(&self, app: AppId, by: KeyMode, id: ScheduleId) -> StoreResult<bool> {
        self.write((app, by, id), |db, (app, by, id)| Box::pin(schedules::end(db, *app, *by, *id))).await
    }

    async fn unrendered(&self, limit: u32) -> StoreResult<Vec<Alert>> {
        alerts::unrendered(self.read()?, limit).await
    }

    async fn pending_since(&self, since: EpochMs, limit: u32) -> StoreResult<Vec<RiderKey>> {
        deliveries::pending_since(self.read()?, since, limit).await
    }

    async fn alert(&self, app: AppId, alert: AlertId) -> StoreResult<Option<AlertRecord>> {
        let mut db = self.read()?.acquire().await?;
        alerts::record(&mut db, app, alert).await
    }

    async fn event(&self, app: AppId, source: String, id: EventId) -> StoreResult<Option<(String, Receipt)>> {
        let mut db = self.read()?.acquire().await?;
        events::told(&mut db, app, &source, &id).await
    }

    async fn forget_events(&self, before: EpochMs, limit: u32) -> StoreResult<u64> {
        self.write((before, limit), |db, (before, limit)| Box::pin(events::forget(db, *before, *limit))).await
    }

    async fn forget_orders(&self, before: EpochMs, limit: u32) -> StoreResult<u64> {
        self.write((before, limit), |db, (before, limit)| Box::pin(orders::forget(db, *before, *limit))).await
    }

    async fn close(&self) {
        self.closing.cancel();
        self.ended.cancelled().await;
        self.readers.close().await;
    }
}
