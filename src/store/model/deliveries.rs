//! Deliveries and their alerts in the model: every question is answered by looking at all of them.
//! What a change does is the domain's to say.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::state::State;
use crate::domain::alert::{AlertChange, Sound};
use crate::domain::delivery::{Change, EndReason};
use crate::domain::{Alert, AlertId, AlertState, AppId, Delivery, DeliveryState, EpochMs, OrderId, RiderKey};
use crate::store::{AlertRecord, DELIVERIES_SHOWN_MAX, Ended, OpenDelivery, Progress, Progressed};

impl State {
    /// Places of the deliveries that are asked for, in order of insertion.
    pub(super) fn places(&self, wanted: impl Fn(&Self, &Delivery) -> bool) -> Vec<usize> {
        let all = self.deliveries.iter().enumerate();
        all.filter(|(_, delivery)| wanted(self, delivery)).map(|(place, _)| place).collect()
    }

    /// Ends the deliveries at these places by `change`. Returns those that ended, in order.
    pub(super) fn end_all(&mut self, places: &[usize], change: &Change, at: EpochMs) -> Vec<Ended> {
        let mut ended = Vec::new();
        for &place in places {
            self.apply(place, change, at);
            let delivery = &self.deliveries[place];
            if let Some(reason) = delivery.reason {
                let rider = RiderKey { app: delivery.app, rider: delivery.rider.clone() };
                ended.push(Ended { rider, alert: delivery.alert, reason });
            }
        }
        ended
    }

    /// Applies a change to one delivery, and what follows for its alert. False if it says nothing new.
    fn apply(&mut self, place: usize, change: &Change, at: EpochMs) -> bool {
        let Some(next) = self.deliveries[place].after(change, at) else { return false };
        let ends = self.deliveries[place].is_open() && !next.is_open();
        let id = next.alert;
        self.deliveries[place] = next;
        let still_open = self.deliveries.iter().filter(|d| d.alert == id && d.is_open()).count() as u64;
        if ends
            && let Some(alert) = self.alerts.get_mut(&id)
            && let Some(end) = alert.state.after(AlertChange::of(change, still_open))
        {
            (alert.state, alert.ended_at) = (end, Some(at));
        }
        true
    }

    pub(super) fn progress(&mut self, progress: &Progress) -> Option<Progressed> {
        let RiderKey { app, rider } = &progress.rider;
        let place = self
            .deliveries
            .iter()
            .position(|d| d.alert == progress.alert && d.app == *app && d.rider == *rider)?;
        let outcome = if let Change::Answered(answer) = &progress.change {
            Some(self.deliveries[place].outcome_of(*answer))
        } else {
            None
        };
        let was_open = self.deliveries[place].is_open();
        let changed = self.apply(place, &progress.change, progress.at);
        let delivery = self.deliveries[place].clone();
        let ended_now = was_open && !delivery.is_open();
        Some(Progressed { delivery, changed, ended_now, outcome })
    }

    pub(super) fn mark_rendered(&mut self, id: AlertId, sound: Sound, at: EpochMs) -> bool {
        let Some(alert) = self.alerts.get_mut(&id) else { return false };
        if alert.state == AlertState::Active {
            alert.sound = Some(sound);
            alert.rendered_at = alert.rendered_at.or(Some(at));
        }
        true
    }

    /// The rider's open deliveries whose alert has its sound, by seq.
    fn audible(&self, rider: &RiderKey) -> Vec<(&Delivery, &Alert)> {
        let theirs = self.deliveries.iter().filter(|d| d.app == rider.app && d.rider == rider.rider);
        let mut open: Vec<_> = theirs
            .filter(|d| d.is_open())
            .filter_map(|d| Some((d, self.alerts.get(&d.alert)?)))
            .filter(|(_, alert)| alert.rendered_at.is_some())
            .collect();
        open.sort_by_key(|(delivery, _)| delivery.seq);
        open
    }

    pub(super) fn open_deliveries(&self, rider: &RiderKey, limit: u32) -> Vec<OpenDelivery> {
        let mut open = self.audible(rider);
        open.sort_by_key(|(_, alert)| Reverse(alert.urgency));
        open.into_iter()
            .take(limit as usize)
            .map(|(d, alert)| OpenDelivery { delivery: d.clone(), alert: Arc::new(alert.clone()) })
            .collect()
    }

    pub(super) fn open_ids(&self, rider: &RiderKey) -> Vec<(AlertId, u32)> {
        self.audible(rider).into_iter().map(|(delivery, _)| (delivery.alert, delivery.ring)).collect()
    }

    pub(super) fn ended_reasons(&self, rider: &RiderKey, alerts: &[AlertId]) -> Vec<(AlertId, EndReason)> {
        let theirs = self.deliveries.iter().filter(|d| d.app == rider.app && d.rider == rider.rider);
        let mut ended: Vec<_> = theirs.filter(|d| alerts.contains(&d.alert) && !d.is_open()).collect();
        ended.sort_by_key(|delivery| delivery.seq);
        ended.into_iter().filter_map(|delivery| Some((delivery.alert, delivery.reason?))).collect()
    }

    pub(super) fn cancel_alert(&mut self, app: AppId, id: AlertId, at: EpochMs) -> Option<Vec<Ended>> {
        let alert = self.alerts.get(&id).filter(|alert| alert.app == app)?;
        if alert.state != AlertState::Active {
            return Some(Vec::new());
        }
        let open = self.places(|_, d| d.alert == id && d.is_open());
        Some(self.end_all(&open, &Change::Withdrawn(EndReason::CancelledByAlert), at))
    }

    pub(super) fn cancel_order(&mut self, app: AppId, order: &OrderId, at: EpochMs) -> Vec<Ended> {
        let of_order = |alert: &Alert| {
            alert.app == app && alert.order_id.as_ref() == Some(order) && alert.state == AlertState::Active
        };
        let open = self.places(|state, d| d.is_open() && state.alerts.get(&d.alert).is_some_and(of_order));
        self.end_all(&open, &Change::Withdrawn(EndReason::CancelledByOrder), at)
    }

    /// Places of up to `limit` open deliveries whose time is over, the longest over first.
    pub(super) fn due(&self, now: EpochMs, limit: u32) -> Vec<usize> {
        let mut due = self.places(|_, d| d.is_open() && d.expires_at <= now);
        due.sort_by_key(|&place| self.deliveries[place].expires_at);
        due.truncate(limit as usize);
        due
    }

    pub(super) fn unrendered(&self, limit: u32) -> Vec<Alert> {
        let silent = |alert: &&Alert| alert.state == AlertState::Active && alert.rendered_at.is_none();
        let mut alerts: Vec<_> = self.alerts.values().filter(silent).cloned().collect();
        alerts.sort_by_key(|alert| (alert.created_at, alert.id));
        alerts.truncate(limit as usize);
        alerts
    }

    pub(super) fn pending_since(&self, since: EpochMs, limit: u32) -> Vec<RiderKey> {
        let mut first: BTreeMap<RiderKey, EpochMs> = BTreeMap::new();
        for delivery in self.deliveries.iter().filter(|d| d.state == DeliveryState::Pending) {
            let alert = self.alerts.get(&delivery.alert).filter(|alert| alert.state == AlertState::Active);
            if let Some(at) = alert.and_then(|alert| alert.rendered_at).filter(|at| *at >= since) {
                let rider = RiderKey { app: delivery.app, rider: delivery.rider.clone() };
                first.entry(rider).and_modify(|first| *first = at.min(*first)).or_insert(at);
            }
        }
        let mut riders: Vec<_> = first.into_iter().collect();
        riders.sort_by_key(|(_, first)| *first);
        riders.into_iter().take(limit as usize).map(|(rider, _)| rider).collect()
    }

    pub(super) fn record(&self, app: AppId, id: AlertId) -> Option<AlertRecord> {
        let alert = self.alerts.get(&id).filter(|alert| alert.app == app)?;
        let all: Vec<&Delivery> = self.deliveries.iter().filter(|d| d.alert == id).collect();
        let shown = all.iter().take(DELIVERIES_SHOWN_MAX as usize);
        Some(AlertRecord {
            alert: alert.clone(),
            deliveries: shown.map(|delivery| (*delivery).clone()).collect(),
            delivery_count: all.len() as u64,
        })
    }
}
