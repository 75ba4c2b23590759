//! Callbacks of the model: a list of them, in the order of their numbers, looked through from end to end.
//! The first that waits in its lane of its destination has a moment when it is due; those behind it have none.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::ModelStore;
use super::state::State;
use crate::domain::app::KeyMode;
use crate::domain::callback::{
    Callback, CallbackState, CallbackTarget, Destination, Fact, Outgoing, TargetState, batch_id,
};
use crate::domain::{AppId, CallbackId, CallbackTargetId, EpochMs, RiderKey};
use crate::store::{
    AfterAttempt, CallbackAttempt, CallbackBatch, CallbackFilter, CallbackRecord, CallbackStore, Online,
    PRESENCE_SETTLES_MS, StoreResult, TARGETS_MAX,
};

/// Everything about callbacks.
#[derive(Default)]
pub(super) struct Outbox {
    /// Oldest first.
    targets: Vec<CallbackTarget>,
    rows: Vec<Row>,
    numbers: i64,
    /// When a rider's backend is told whether they are connected.
    presence_due: BTreeMap<RiderKey, EpochMs>,
    told: BTreeMap<RiderKey, Online>,
}

/// A callback and its place.
struct Row {
    record: CallbackRecord,
    lane: String,
    /// The id of the request that it is sent in with others.
    batch: Option<String>,
}

impl Row {
    fn waits_in(&self, destination: &Destination, lane: &str) -> bool {
        self.record.state == CallbackState::Waiting
            && self.record.callback.destination == *destination
            && self.lane == lane
    }
}

impl Outbox {
    fn target(&self, destination: &Destination) -> Option<&CallbackTarget> {
        let id = destination.target()?;
        self.targets.iter().find(|target| target.app == destination.app && target.id == id)
    }

    fn add(&mut self, outgoing: &Outgoing<'_>, fact: &Fact, told: &Callback) {
        let id = outgoing.id;
        if self.rows.iter().any(|row| row.record.callback.id == id) {
            return;
        }
        let (destination, url) = (outgoing.destination.clone(), outgoing.url.unwrap_or_default().to_owned());
        let callback = Callback { id, destination, url, ..told.clone() };
        let record = CallbackRecord {
            number: self.next_number(),
            callback,
            state: CallbackState::Waiting,
            due_at: None,
            ended_at: None,
            tries: Vec::new(),
        };
        self.rows.push(Row { record, lane: outgoing.lane.clone(), batch: None });
        self.promote(&outgoing.destination, &outgoing.lane, fact.at);
    }

    fn next_number(&mut self) -> i64 {
        self.numbers += 1;
        self.numbers
    }

    /// Makes the first that waits in a lane due at `at`, unless it has its moment.
    fn promote(&mut self, destination: &Destination, lane: &str, at: EpochMs) {
        if let Some(head) = self.rows.iter_mut().find(|row| row.waits_in(destination, lane)) {
            head.record.due_at.get_or_insert(at);
        }
    }

    /// The record as it is shown: the address is where it goes now.
    fn shown(&self, row: &Row) -> CallbackRecord {
        let mut record = row.record.clone();
        if record.callback.destination.target().is_some() {
            let target = self.target(&record.callback.destination);
            record.callback.url = target.map(|target| target.url.clone()).unwrap_or_default();
        }
        record
    }

    fn claim(
        &mut self,
        now: EpochMs,
        until: EpochMs,
        resting: &[Destination],
        per_destination: u32,
        limit: u32,
    ) -> Vec<CallbackBatch> {
        let mut heads: Vec<(EpochMs, i64)> = Vec::new();
        let mut counts: BTreeMap<&Destination, u32> = BTreeMap::new();
        let mut due: Vec<&Row> =
            self.rows.iter().filter(|row| row.record.due_at.is_some_and(|due| due <= now)).collect();
        due.sort_by_key(|row| (row.record.due_at, row.record.number));
        for row in due {
            let destination = &row.record.callback.destination;
            let target = self.target(destination);
            let stopped = target.is_some_and(|target| target.state != TargetState::Active);
            let count = counts.entry(destination).or_default();
            if !stopped && !resting.contains(destination) && *count < per_destination {
                *count += 1;
                heads.extend(row.record.due_at.map(|due| (due, row.record.number)));
            }
        }
        heads.truncate(limit as usize);
        heads.into_iter().filter_map(|(_, number)| self.take(number, until)).collect()
    }

    /// Takes what goes into one request, behind its first one.
    fn take(&mut self, head: i64, until: EpochMs) -> Option<CallbackBatch> {
        let first = self.rows.iter().find(|row| row.record.number == head)?;
        let destination = first.record.callback.destination.clone();
        let most = self.target(&destination).map_or(1, |target| target.batch_max);
        let (lane, batch) = (first.lane.clone(), first.batch.clone());
        let is_list = most > 1 || batch.is_some();
        let waiting = self.rows.iter().filter(|row| row.waits_in(&destination, &lane));
        let together = waiting.take_while(|row| row.batch == batch);
        let most = if batch.is_some() { usize::MAX } else { most as usize };
        let together: Vec<CallbackRecord> = together.take(most).map(|row| self.shown(row)).collect();
        let callbacks: Vec<Callback> = together.into_iter().map(|record| record.callback).collect();
        let ids: Vec<CallbackId> = callbacks.iter().map(|callback| callback.id).collect();
        let first = *ids.first()?;
        let webhook_id = match batch {
            Some(batch) => batch,
            None if is_list => batch_id(first, ids.iter().skip(1).copied()).to_string(),
            None => first.to_string(),
        };
        for row in self.rows.iter_mut().filter(|row| ids.contains(&row.record.callback.id)) {
            row.batch = is_list.then(|| webhook_id.clone());
            row.record.due_at = row.record.due_at.map(|_| until);
        }
        Some(CallbackBatch { webhook_id, is_list, callbacks })
    }

    fn finish(&mut self, batch: &CallbackBatch, attempt: &CallbackAttempt, after: AfterAttempt, at: EpochMs) {
        let ids: Vec<CallbackId> = batch.callbacks.iter().map(|callback| callback.id).collect();
        let waits = |row: &&mut Row| {
            row.record.state == CallbackState::Waiting && ids.contains(&row.record.callback.id)
        };
        let mut lanes = Vec::new();
        for row in self.rows.iter_mut().filter(waits) {
            row.record.note(attempt, after, at);
            lanes.push((row.record.callback.destination.clone(), row.lane.clone()));
        }
        if let (AfterAttempt::Gone, Some((destination, _))) = (after, lanes.first()) {
            self.give_up(destination, at);
            self.stop(destination, at);
        }
        for (destination, lane) in &lanes {
            self.promote(destination, lane, at);
        }
    }

    /// Everything that waits for a destination is over.
    fn give_up(&mut self, destination: &Destination, at: EpochMs) {
        for row in &mut self.rows {
            if row.record.callback.destination == *destination && row.record.state == CallbackState::Waiting {
                row.record.end(CallbackState::Dead, at);
            }
        }
    }

    fn stop(&mut self, destination: &Destination, at: EpochMs) {
        let Some(id) = destination.target() else { return };
        for target in &mut self.targets {
            if target.id == id && target.state == TargetState::Active {
                target.state = TargetState::Stopped { at };
            }
        }
    }

    /// Sends those of these numbers once more that have ended and whose destination is there.
    fn again(&mut self, numbers: &[i64], at: EpochMs) -> u64 {
        let mut sent = 0;
        for number in numbers {
            let Some(place) = self.rows.iter().position(|row| row.record.number == *number) else { continue };
            let mut row = self.rows.remove(place);
            row.record.number = self.next_number();
            row.record.state = CallbackState::Waiting;
            (row.record.ended_at, row.record.callback.attempts, row.batch) = (None, 0, None);
            let (destination, lane) = (row.record.callback.destination.clone(), row.lane.clone());
            self.rows.push(row);
            self.promote(&destination, &lane, at);
            sent += 1;
        }
        sent
    }

    fn may_go_again(&self, row: &Row) -> bool {
        let destination = &row.record.callback.destination;
        let there = destination.target().is_none() || self.target(destination).is_some();
        row.record.state != CallbackState::Waiting && there
    }
}

impl State {
    /// Makes callbacks of what has become true, for those who want to hear it.
    pub(super) fn note_facts(&mut self) {
        for fact in self.book.take_facts() {
            self.note_fact(&fact);
        }
    }

    fn note_fact(&mut self, fact: &Fact) {
        let told = self.told_of(fact);
        let body = fact.alert.and_then(|alert| self.bodies.get(&alert));
        let url = body.and_then(|alert| alert.callback_url.as_deref());
        for outgoing in fact.outgoing(&self.outbox.targets, url) {
            self.outbox.add(&outgoing, fact, &told);
        }
    }

    /// A fact with what is kept of its alert, without a destination as yet.
    fn told_of(&self, fact: &Fact) -> Callback {
        let body = fact.alert.and_then(|alert| self.bodies.get(&alert));
        Callback {
            id: CallbackId::new(fact.at, [0; 10]),
            app: fact.app,
            destination: Destination { app: fact.app, name: String::new() },
            url: String::new(),
            key_mode: fact.key_mode,
            kind: fact.kind.clone(),
            alert: fact.alert,
            event: body.map(|alert| alert.event_id.clone()),
            order: fact.order.clone(),
            rider: fact.rider.clone(),
            ext: None,
            trace_id: None,
            data: fact.data.clone(),
            at: fact.at,
            attempts: 0,
        }
    }

    /// With what is read from its alert.
    fn filled(&self, callback: Callback) -> Callback {
        let body = callback.alert.and_then(|alert| self.bodies.get(&alert));
        let (ext, trace_id) = (body.map(|alert| alert.ext.clone()), body.map(|alert| alert.trace_id.clone()));
        Callback { ext, trace_id, ..callback }
    }

    fn shown(&self, row: &Row) -> CallbackRecord {
        let record = self.outbox.shown(row);
        CallbackRecord { callback: self.filled(record.callback), ..record }
    }

    fn add_callback(&mut self, id: CallbackId, fact: &Fact, target: CallbackTargetId) -> bool {
        let active = |one: &&CallbackTarget| {
            one.id == target && one.app == fact.app && one.state == TargetState::Active
        };
        let Some(target) = self.outbox.targets.iter().find(active) else { return false };
        let outgoing = Outgoing { id, ..fact.to_target(target) };
        let told = self.told_of(fact);
        self.outbox.add(&outgoing, fact, &told);
        true
    }

    /// A rider's session opened or closed at `at`.
    pub(super) fn note_presence(&mut self, rider: &RiderKey, at: EpochMs) {
        if self.outbox.targets.iter().any(|target| target.app == rider.app && target.hears_presence()) {
            let due_at = at.plus_ms(PRESENCE_SETTLES_MS);
            let due = self.outbox.presence_due.entry(rider.clone()).or_insert(due_at);
            *due = (*due).min(due_at);
        }
    }

    /// An erased rider is told of no more.
    pub(super) fn forget_presence(&mut self, rider: &RiderKey) {
        self.outbox.presence_due.remove(rider);
        self.outbox.told.remove(rider);
    }

    fn tell_presence(&mut self, rider: &RiderKey, online: Online, at: EpochMs) -> bool {
        let Some(row) = self.book.rider(rider) else { return false };
        let key_mode = if row.test { KeyMode::Test } else { KeyMode::Live };
        self.outbox.presence_due.retain(|key, due| key != rider || *due > at);
        if self.outbox.told.insert(rider.clone(), online) == Some(online) {
            return false;
        }
        self.note_fact(&online.fact(rider, key_mode, at));
        true
    }
}

#[async_trait]
impl CallbackStore for ModelStore {
    async fn put_callback_target(&self, target: CallbackTarget) -> StoreResult<bool> {
        self.with(|state| {
            let targets = &mut state.outbox.targets;
            if let Some(old) = targets.iter_mut().find(|old| old.id == target.id) {
                *old = CallbackTarget { created_at: old.created_at, ..target };
                return true;
            }
            let room = targets.iter().filter(|old| old.app == target.app).count() < TARGETS_MAX as usize;
            if room {
                targets.push(target);
                targets.sort_by_key(|target| (target.created_at, target.id));
            }
            room
        })
    }

    async fn callback_targets(&self, app: AppId) -> StoreResult<Vec<CallbackTarget>> {
        self.with(|state| {
            let theirs = state.outbox.targets.iter().filter(|target| target.app == app);
            theirs.cloned().collect()
        })
    }

    async fn delete_callback_target(
        &self,
        app: AppId,
        id: CallbackTargetId,
        at: EpochMs,
    ) -> StoreResult<bool> {
        self.with(|state| {
            let before = state.outbox.targets.len();
            state.outbox.targets.retain(|target| target.app != app || target.id != id);
            let gone = state.outbox.targets.len() < before;
            if gone {
                state.outbox.give_up(&Destination::of_target(app, id), at);
            }
            gone
        })
    }

    async fn set_callback_target_state(
        &self,
        app: AppId,
        id: CallbackTargetId,
        to: TargetState,
    ) -> StoreResult<bool> {
        self.with(|state| {
            let mut targets = state.outbox.targets.iter_mut();
            let target = targets.find(|target| target.app == app && target.id == id);
            target.map(|target| target.state = to).is_some()
        })
    }

    async fn add_callback(&self, id: CallbackId, fact: Fact, target: CallbackTargetId) -> StoreResult<bool> {
        self.with(|state| state.add_callback(id, &fact, target))
    }

    async fn claim_callbacks(
        &self,
        now: EpochMs,
        until: EpochMs,
        resting: Vec<Destination>,
        per_destination: u32,
        limit: u32,
    ) -> StoreResult<Vec<CallbackBatch>> {
        self.with(|state| {
            let mut claimed = state.outbox.claim(now, until, &resting, per_destination, limit);
            for batch in &mut claimed {
                let callbacks = std::mem::take(&mut batch.callbacks);
                batch.callbacks = callbacks.into_iter().map(|callback| state.filled(callback)).collect();
            }
            claimed
        })
    }

    async fn finish_callbacks(
        &self,
        batch: CallbackBatch,
        attempt: CallbackAttempt,
        after: AfterAttempt,
        at: EpochMs,
    ) -> StoreResult<()> {
        self.with(|state| state.outbox.finish(&batch, &attempt, after, at))
    }

    async fn callbacks(
        &self,
        app: AppId,
        filter: CallbackFilter,
        before: Option<i64>,
        limit: u32,
    ) -> StoreResult<Vec<CallbackRecord>> {
        self.with(|state| {
            let rows = state.outbox.rows.iter().rev();
            let rows = rows.filter(|row| row.record.callback.app == app && filter.matches(&row.record));
            let rows = rows.filter(|row| before.is_none_or(|before| row.record.number < before));
            rows.take(limit as usize).map(|row| state.shown(row)).collect()
        })
    }

    async fn callback(&self, app: AppId, id: CallbackId) -> StoreResult<Option<CallbackRecord>> {
        self.with(|state| {
            let mut rows = state.outbox.rows.iter();
            let row = rows.find(|row| row.record.callback.app == app && row.record.callback.id == id);
            row.map(|row| state.shown(row))
        })
    }

    async fn redeliver_callbacks(
        &self,
        app: AppId,
        filter: CallbackFilter,
        at: EpochMs,
        limit: u32,
    ) -> StoreResult<u64> {
        self.with(|state| {
            let rows = state.outbox.rows.iter();
            let rows = rows.filter(|row| row.record.callback.app == app && filter.matches(&row.record));
            let rows = rows.filter(|row| state.outbox.may_go_again(row)).take(limit as usize);
            let numbers: Vec<i64> = rows.map(|row| row.record.number).collect();
            state.outbox.again(&numbers, at)
        })
    }

    async fn redeliver_callback(&self, app: AppId, id: CallbackId, at: EpochMs) -> StoreResult<bool> {
        self.with(|state| {
            let mut rows = state.outbox.rows.iter();
            let row = rows.find(|row| row.record.callback.app == app && row.record.callback.id == id);
            let number = row.filter(|row| state.outbox.may_go_again(row)).map(|row| row.record.number);
            let numbers: Vec<i64> = number.into_iter().collect();
            state.outbox.again(&numbers, at) > 0
        })
    }

    async fn presence_changed(&self, rider: RiderKey, due_at: EpochMs) -> StoreResult<()> {
        self.with(|state| {
            if let Some(due) = state.outbox.presence_due.get_mut(&rider) {
                *due = due_at;
            }
        })
    }

    async fn doubt_presence(&self, due_at: EpochMs) -> StoreResult<u64> {
        self.with(|state| {
            let told = state.outbox.told.iter().filter(|(_, told)| **told == Online::Yes);
            let told: Vec<RiderKey> = told.map(|(rider, _)| rider.clone()).collect();
            let count = told.len() as u64;
            state.outbox.presence_due.extend(told.into_iter().map(|rider| (rider, due_at)));
            count
        })
    }

    async fn due_presence(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<RiderKey>> {
        self.with(|state| {
            let due = state.outbox.presence_due.iter().filter(|(_, due)| **due <= now);
            let mut due: Vec<(EpochMs, RiderKey)> = due.map(|(rider, due)| (*due, rider.clone())).collect();
            due.sort();
            due.into_iter().take(limit as usize).map(|(_, rider)| rider).collect()
        })
    }

    async fn tell_presence(&self, rider: RiderKey, online: Online, at: EpochMs) -> StoreResult<bool> {
        self.with(|state| state.tell_presence(&rider, online, at))
    }
}
