//! Ageing, erasure and export in the model.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;

use super::ModelStore;
use super::state::{CallState, State};
use crate::domain::callback::CallbackState;
use crate::domain::delivery::OpenDelivery;
use crate::domain::{Aged, Alert, AlertId, AppId, Delivery, EpochMs, RiderKey, Said};
use crate::store::body::{Without, without};
use crate::store::{
    CallTrace, ErasedPart, Erasure, FILE_ROWS_MAX, Gone, Leaving, NumberedNotice, RetentionStore, RiderFile,
    StoreResult, Traces,
};

#[async_trait]
impl RetentionStore for ModelStore {
    async fn age(&self, app: AppId, what: Aged, before: EpochMs, limit: u32) -> StoreResult<Gone> {
        self.with(|state| state.age(app, what, before, limit as usize))
    }

    async fn tidy(&self, before: EpochMs, _limit: u32) -> StoreResult<Gone> {
        self.with(|state| {
            let mut gone = Gone::default();
            gone.add("schedules", removed(&mut state.schedules, |schedule| schedule.next_at.is_none()));
            gone.add("callbacks", state.outbox.tidy());
            let marks = state.erasures.len();
            state.erasures.retain(|_, at| *at >= before);
            gone.add("erasures", (marks - state.erasures.len()) as u64);
            gone
        })
    }

    async fn delete_rider(&self, erasure: Erasure) -> StoreResult<Leaving> {
        self.with(|state| state.begin_erasure(&erasure))
    }

    async fn erase_traces(&self, erasure: Erasure, last_seq: i64, _limit: u32) -> StoreResult<ErasedPart> {
        self.with(|state| ErasedPart { traces: state.erase_traces(&erasure, last_seq), more: false })
    }

    async fn erased_at(&self, app: AppId, mark: [u8; 32]) -> StoreResult<Option<EpochMs>> {
        self.with(|state| state.erasures.get(&(app, mark)).copied())
    }

    async fn leave_rider(&self, rider: RiderKey, at: EpochMs) -> StoreResult<()> {
        self.with(|state| {
            if state.book.rider(&rider).is_some() {
                state.note_presence(&rider, at);
                state.book.rider_mut(&rider, at).last_seen_at = Some(at);
            }
        })
    }

    async fn rider_file(&self, rider: RiderKey, after: i64, limit: u32) -> StoreResult<RiderFile> {
        self.with(|state| state.rider_file(&rider, after, limit as usize))
    }
}

/// Takes out what is not wanted; how many.
fn removed<T>(list: &mut Vec<T>, mut goes: impl FnMut(&T) -> bool) -> u64 {
    let before = list.len();
    list.retain(|one| !goes(one));
    (before - list.len()) as u64
}

impl State {
    fn age(&mut self, app: AppId, what: Aged, before: EpochMs, limit: usize) -> Gone {
        let mut gone = Gone::default();
        match what {
            Aged::Texts => {
                let ended = self.book.ended_before(app, before).into_iter();
                let full = ended.filter(|id| !self.emptied.contains(id) && !self.outbox.waits_for(*id));
                let full: Vec<AlertId> = full.take(limit).collect();
                for id in &full {
                    self.empty(*id);
                }
                gone.add("texts", full.len() as u64);
            }
            Aged::Alerts => {
                let ended = self.book.ended_before(app, before).into_iter();
                let old = ended.filter(|id| self.emptied.contains(id) && !self.outbox.waits_for(*id));
                let old = old.take(limit).collect();
                self.remove_alerts(&old, &mut gone);
            }
            Aged::Notices => {
                let old = |notice: &crate::domain::book::Notice| notice.app == app && notice.at < before;
                let numbers: Vec<i64> = self
                    .notices
                    .iter()
                    .filter(|(_, notice)| old(notice))
                    .map(|(number, _)| *number)
                    .collect();
                for number in numbers.iter().take(limit) {
                    self.notices.remove(number);
                }
                gone.add("notices", numbers.len().min(limit) as u64);
            }
            Aged::Calls => {
                let calls = self.calls.len();
                let old = |state: &CallState| matches!(state, CallState::Over(at) if *at < before);
                self.calls.retain(|_, (call, state)| call.app != app || !old(state));
                gone.add("calls", (calls - self.calls.len()) as u64);
                gone.add("wechat_messages", self.age_messages(app, before));
            }
            Aged::Callbacks => {
                gone.add("callbacks", self.outbox.age(app, CallbackState::Delivered, before));
            }
            Aged::DeadCallbacks => {
                gone.add("callbacks", self.outbox.age(app, CallbackState::Dead, before));
            }
            Aged::Checks => {
                let checks = self.checks.iter_mut().filter(|(rider, _)| rider.app == app);
                let rows = checks.map(|(_, checks)| removed(checks, |check| check.at < before)).sum();
                gone.add("device_checks", rows);
            }
        }
        gone
    }

    /// Takes from an alert what it says.
    fn empty(&mut self, id: AlertId) {
        self.emptied.insert(id);
        self.book.empty_head(id);
        if let Some(body) = self.bodies.get_mut(&id) {
            (body.text, body.said, body.sound) = (String::new(), Said::default(), None);
            (body.card, body.ext) = ("{}".to_owned(), "{}".to_owned());
        }
    }

    fn remove_alerts(&mut self, old: &BTreeSet<AlertId>, gone: &mut Gone) {
        gone.add("deliveries", self.book.remove_alerts(old));
        gone.add("alerts", old.len() as u64);
        let calls = self.calls.len();
        self.calls.retain(|_, (call, _)| !old.contains(&call.alert));
        gone.add("calls", (calls - self.calls.len()) as u64);
        gone.add("wechat_messages", self.forget_messages_of(old));
        self.bodies.retain(|id, _| !old.contains(id));
        self.targets.retain(|id, _| !old.contains(id));
        self.emptied.retain(|id| !old.contains(id));
        for entered in self.events.values_mut().flat_map(|event| &mut event.receipt.alerts) {
            if old.contains(&entered.alert) {
                entered.deliveries.clear();
            }
        }
    }

    fn begin_erasure(&mut self, erasure: &Erasure) -> Leaving {
        let Erasure { rider, mark, pseudonym: _, at } = erasure;
        let ended = self.book.erase(rider, *at);
        self.file();
        let row_seq = self.book.rider(rider).map(|rider| rider.seq);
        let told = self.theirs(rider).map(|delivery| delivery.seq).max();
        let last_seq = row_seq.unwrap_or(0).max(told.unwrap_or(0));
        self.book.raise_floor(rider.app, last_seq);
        self.book.remove_rider(rider);
        self.forget_presence(rider);
        let checks = self.checks.remove(rider).map_or(0, |checks| checks.len() as u64);
        let groups = self.groups.iter_mut().filter(|((app, _), _)| *app == rider.app);
        let memberships =
            groups.filter_map(|(_, members)| members.remove(&rider.rider).then_some(())).count();
        let wechat_identities = self.forget_persons(rider);
        let wechat_messages = self.forget_messages(rider);
        let known = row_seq.is_some()
            || last_seq > 0
            || wechat_identities > 0
            || self.erasures.contains_key(&(rider.app, *mark));
        if known {
            self.erasures.insert((rider.app, *mark), *at);
        }
        let memberships = memberships as u64;
        let traces = Traces { memberships, checks, wechat_identities, wechat_messages, ..Traces::default() };
        Leaving { ended, known, last_seq, traces }
    }

    fn erase_traces(&mut self, erasure: &Erasure, last_seq: i64) -> Traces {
        let Erasure { rider, pseudonym, .. } = erasure;
        let deliveries = self.theirs(rider).filter(|delivery| delivery.seq <= last_seq).count() as u64;
        let alerts = self.book.rename_rider(rider, pseudonym, last_seq);
        let calls = self.calls.len();
        let theirs =
            |call: &crate::domain::book::Call| call.rider == rider.rider && alerts.contains(&call.alert);
        self.calls.retain(|_, (call, _)| !theirs(call));
        let calls = (calls - self.calls.len()) as u64;
        let callbacks = self.outbox.erase(rider, &alerts);
        let alone: Vec<AlertId> = alerts.into_iter().filter(|id| self.was_for(*id, erasure)).collect();
        for id in &alone {
            self.empty(*id);
        }
        for first in self.events.values_mut().flat_map(|event| &mut event.receipt.alerts) {
            let of_app = self.bodies.get(&first.alert).is_some_and(|alert| alert.app == rider.app);
            let told = first.deliveries.iter_mut().filter(|first| of_app && first.rider == rider.rider);
            told.for_each(|first| first.rider = pseudonym.clone());
        }
        let mut notices = 0;
        for notice in self.notices.values_mut() {
            if notice.app == rider.app && notice.rider.as_ref() == Some(&rider.rider) {
                notice.rider = Some(pseudonym.clone());
                notices += 1;
            }
        }
        Traces {
            deliveries,
            texts: alone.len() as u64,
            calls,
            callbacks,
            notices,
            orders: self.book.forget_in_orders(rider),
            offers: self.book.forget_candidate(rider),
            audiences: self.forget_in_audiences(rider),
            hook_requests: self.forget_in_hooks(rider),
            memberships: 0,
            checks: 0,
            wechat_identities: 0,
            wechat_messages: 0,
        }
    }

    /// Whether an alert has ended, says something still, and went to the one who is erased and nobody else.
    fn was_for(&self, id: AlertId, erasure: &Erasure) -> bool {
        let over = self.book.head(id).is_some_and(|head| head.ended_at.is_some() && head.open_count == 0);
        let all = self.book.deliveries().map(|(delivery, _)| delivery);
        let mut others = all.filter(|delivery| delivery.alert == id && delivery.rider != erasure.pseudonym);
        over && !self.emptied.contains(&id) && others.next().is_none()
    }

    fn forget_in_audiences(&mut self, rider: &RiderKey) -> u64 {
        let of_app = |alert: &Alert| alert.app == rider.app;
        // Of an alert that has ended nobody is told any more.
        let book = &self.book;
        let waits = |id: &AlertId| book.head(*id).is_some_and(crate::domain::Head::is_open);
        let waiting =
            self.targets.iter_mut().filter(|(id, _)| waits(id) && self.bodies.get(id).is_some_and(of_app));
        let mut changed = waiting
            .filter_map(|(_, waiting)| waiting.target.forget_rider(&rider.rider).then_some(()))
            .count();
        self.schedules.retain_mut(|schedule| {
            if schedule.app != rider.app || schedule.next_at.is_none() {
                return true;
            }
            let left = without(&schedule.body, &rider.rider);
            changed += usize::from(left != Without::Same);
            match left {
                Without::Same => true,
                Without::Body(body) => {
                    schedule.body = body;
                    true
                }
                Without::Nobody => false,
            }
        });
        changed as u64
    }

    fn theirs(&self, rider: &RiderKey) -> impl Iterator<Item = &Delivery> {
        let all = self.book.deliveries().map(|(delivery, _)| delivery);
        all.filter(move |delivery| delivery.app == rider.app && delivery.rider == rider.rider)
    }

    fn rider_file(&self, rider: &RiderKey, after: i64, limit: usize) -> RiderFile {
        let mut rows: Vec<&Delivery> = self.theirs(rider).filter(|delivery| delivery.seq > after).collect();
        rows.sort_by_key(|delivery| delivery.seq);
        let page = rows.into_iter().take(limit).filter_map(|delivery| {
            Some(OpenDelivery { delivery: delivery.clone(), alert: Arc::new(self.whole(delivery.alert)?) })
        });
        let deliveries = page.collect();
        if after > 0 {
            return RiderFile { deliveries, ..RiderFile::default() };
        }
        let most = FILE_ROWS_MAX as usize;
        let groups = self
            .groups
            .iter()
            .filter(|((app, _), members)| *app == rider.app && members.contains(&rider.rider));
        let named = |notice: &crate::domain::book::Notice| {
            notice.app == rider.app && notice.rider.as_ref() == Some(&rider.rider)
        };
        let notices = self.notices.iter().filter(|(_, notice)| named(notice));
        let calls =
            self.calls.values().filter(|(call, _)| call.app == rider.app && call.rider == rider.rider);
        let knows = |order: &crate::domain::OrderMemory| {
            order.rider.as_ref() == Some(&rider.rider) || order.riders.contains_key(&rider.rider)
        };
        let orders = self.book.orders().filter(|(key, order, _)| key.app == rider.app && knows(order));
        RiderFile {
            rider: self.book.rider(rider).cloned(),
            groups: groups.map(|((_, group), _)| group.clone()).take(most).collect(),
            checks: self.checks.get(rider).cloned().unwrap_or_default(),
            notices: notices
                .map(|(number, notice)| NumberedNotice { number: *number, notice: notice.clone() })
                .take(most)
                .collect(),
            calls: calls.map(|(call, state)| call_trace(call, *state)).take(most).collect(),
            orders: orders.map(|(key, ..)| key.clone()).take(most).collect(),
            wechat: self.identities_of(rider),
            messages: self.message_traces(rider),
            deliveries,
        }
    }
}

fn call_trace(call: &crate::domain::book::Call, state: CallState) -> CallTrace {
    let ended_at = match state {
        CallState::Open => None,
        CallState::Over(at) => Some(at),
    };
    CallTrace { id: call.id, alert: call.alert, level: call.level, attempts: call.attempts, ended_at }
}
