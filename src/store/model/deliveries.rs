//! Deliveries and their alerts in the model: every question is answered by looking at all of them.
//! What a change does is the book's to say.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::state::State;
use crate::domain::Sound;
use crate::domain::delivery::EndReason;
use crate::domain::{
    Alert, AlertId, AlertState, AppId, Delivery, EpochMs, Head, OrderKey, RiderId, RiderKey,
};
use crate::store::{AlertRecord, Claim, DELIVERIES_SHOWN_MAX, Ended, OpenDelivery, Progress, Progressed};

impl State {
    /// The alert as it is now.
    pub(super) fn whole(&self, id: AlertId) -> Option<Alert> {
        let body = self.bodies.get(&id)?;
        Some(Alert { head: self.book.head(id)?.clone(), ..body.clone() })
    }

    fn rows(&self) -> impl Iterator<Item = &Delivery> {
        self.book.deliveries().map(|(delivery, _)| delivery)
    }

    pub(super) fn progress(&mut self, progress: &Progress) -> Option<Progressed> {
        let done = self.book.progress(progress);
        self.file();
        done
    }

    pub(super) fn mark_rendered(&mut self, id: AlertId, sound: Sound, at: EpochMs) -> bool {
        let open = self.book.head(id).is_some_and(Head::is_open);
        let Some(starts_at) = self.bodies.get(&id).map(|alert| alert.starts_at) else { return false };
        let sound = self.keep_recipe_of(sound, starts_at.max(at));
        let Some(alert) = self.bodies.get_mut(&id) else { return false };
        if open {
            alert.sound = Some(sound);
            alert.rendered_at = alert.rendered_at.or(Some(at));
        }
        true
    }

    /// The rider's open deliveries that may be sent, by seq.
    fn audible(&self, rider: &RiderKey) -> Vec<(&Delivery, Alert)> {
        let theirs = self.rows().filter(|d| d.app == rider.app && d.rider == rider.rider);
        let mut open: Vec<_> = theirs
            .filter(|d| d.is_open() && d.held_until.is_none())
            .filter_map(|d| Some((d, self.whole(d.alert)?)))
            .filter(|(_, alert)| alert.rendered_at.is_some() && self.book.may_be_sent(alert, rider))
            .collect();
        open.sort_by_key(|(delivery, _)| delivery.seq);
        open
    }

    pub(super) fn open_deliveries(&self, rider: &RiderKey, limit: u32) -> Vec<OpenDelivery> {
        let mut open = self.audible(rider);
        open.sort_by_key(|(_, alert)| Reverse(alert.urgency));
        open.into_iter()
            .take(limit as usize)
            .map(|(d, alert)| OpenDelivery { delivery: d.clone(), alert: Arc::new(alert) })
            .collect()
    }

    pub(super) fn open_ids(&self, rider: &RiderKey) -> Vec<(AlertId, u32)> {
        self.audible(rider).into_iter().map(|(delivery, _)| (delivery.alert, delivery.ring)).collect()
    }

    pub(super) fn ended_reasons(&self, rider: &RiderKey, alerts: &[AlertId]) -> Vec<(AlertId, EndReason)> {
        let theirs = self.rows().filter(|d| d.app == rider.app && d.rider == rider.rider);
        let mut ended: Vec<_> = theirs.filter(|d| alerts.contains(&d.alert) && !d.is_open()).collect();
        ended.sort_by_key(|delivery| delivery.seq);
        ended.into_iter().filter_map(|delivery| Some((delivery.alert, delivery.reason?))).collect()
    }

    pub(super) fn cancel_alert(&mut self, app: AppId, id: AlertId, at: EpochMs) -> Option<Vec<Ended>> {
        self.book.head(id).filter(|head| head.app == app)?;
        Some(self.book.cancel_alert(id, at))
    }

    pub(super) fn cancel_order(&mut self, order: &OrderKey, at: EpochMs) -> Vec<Ended> {
        self.book.cancel_order(order, at)
    }

    pub(super) fn expire_due(&mut self, now: EpochMs, unresponsive_after: u32, limit: u32) -> Vec<Ended> {
        let ended = self.book.expire(now, unresponsive_after, limit as usize);
        self.file();
        ended
    }

    pub(super) fn unrendered(&self, limit: u32) -> Vec<Alert> {
        let silent = |alert: &Alert| alert.state == AlertState::Active && alert.rendered_at.is_none();
        let all = self.bodies.keys().filter_map(|id| self.whole(*id));
        let mut alerts: Vec<_> = all.filter(silent).collect();
        alerts.sort_by_key(|alert| (alert.created_at, alert.id));
        alerts.truncate(limit as usize);
        alerts
    }

    pub(super) fn pending_since(&self, since: EpochMs, limit: u32) -> Vec<RiderKey> {
        let mut first: BTreeMap<RiderKey, EpochMs> = BTreeMap::new();
        for delivery in self.rows().filter(|d| d.is_open() && d.sent_ring < d.ring && d.held_until.is_none())
        {
            let Some(alert) = self.whole(delivery.alert) else { continue };
            let asked = delivery.rung_at.max(alert.rendered_at);
            let asked = asked.filter(|_| alert.state == AlertState::Active && alert.rendered_at.is_some());
            if let Some(at) = asked.filter(|at| *at >= since) {
                let rider = RiderKey { app: delivery.app, rider: delivery.rider.clone() };
                first.entry(rider).and_modify(|first| *first = at.min(*first)).or_insert(at);
            }
        }
        let mut riders: Vec<_> = first.into_iter().collect();
        riders.sort_by_key(|(_, first)| *first);
        riders.into_iter().take(limit as usize).map(|(rider, _)| rider).collect()
    }

    pub(super) fn record(&self, app: AppId, id: AlertId) -> Option<AlertRecord> {
        let alert = self.whole(id).filter(|alert| alert.app == app)?;
        let all: Vec<&Delivery> = self.rows().filter(|d| d.alert == id).collect();
        let shown = all.iter().take(DELIVERIES_SHOWN_MAX as usize);
        Some(AlertRecord {
            alert,
            deliveries: shown.map(|delivery| (*delivery).clone()).collect(),
            delivery_count: all.len() as u64,
        })
    }

    pub(super) fn laddered(&self, rider: &RiderKey) -> Vec<(Head, Vec<RiderId>)> {
        let open = |d: &&Delivery| d.is_open() && d.app == rider.app && d.rider == rider.rider;
        let heads = self.rows().filter(open).filter_map(|d| self.book.head(d.alert));
        let heads = heads.filter(|head| head.state == AlertState::Active && !head.ladder.is_empty());
        heads.map(|head| (head.clone(), self.open_riders(head.id))).collect()
    }

    pub(super) fn open_riders(&self, alert: AlertId) -> Vec<RiderId> {
        let open = self.rows().filter(|d| d.alert == alert && d.is_open());
        open.map(|d| d.rider.clone()).collect()
    }

    pub(super) fn due_asks(&self, now: EpochMs, limit: u32) -> Vec<(AlertId, RiderKey)> {
        let due = self.rows().filter(|d| d.is_open() && d.ask_due_at.is_some_and(|due| due <= now));
        let mut due: Vec<_> = due.collect();
        due.sort_by_key(|d| d.ask_due_at);
        let due = due.into_iter().take(limit as usize);
        due.map(|d| (d.alert, RiderKey { app: d.app, rider: d.rider.clone() })).collect()
    }

    pub(super) fn take_ask(
        &mut self,
        alert: AlertId,
        rider: &RiderKey,
        again_at: EpochMs,
        at: EpochMs,
    ) -> Option<Claim> {
        let taken = self.book.take_ask(alert, &rider.rider, again_at, at);
        let delivery = self.book.delivery(alert, &rider.rider)?.clone();
        taken.then_some(Claim { alert: self.whole(alert)?, delivery })
    }

    pub(super) fn due_bursts(&self, now: EpochMs, limit: u32) -> Vec<(RiderKey, usize)> {
        let mut counts: BTreeMap<RiderKey, usize> = BTreeMap::new();
        for d in self.rows().filter(|d| d.is_open() && d.held_until.is_some_and(|until| until <= now)) {
            *counts.entry(RiderKey { app: d.app, rider: d.rider.clone() }).or_default() += 1;
        }
        counts.into_iter().take(limit as usize).collect()
    }
}
