//! Accepting an event in the model: the same rules as everywhere, on plain collections.
//! The riders are found here and now; what each is told is decided by the domain.

use super::state::{Remembered, State};
use crate::domain::alert::AlertChange;
use crate::domain::delivery::Listener;
use crate::domain::{
    Alert, AlertId, AppId, Delivery, DeliveryId, EpochMs, EventId, RiderId, RiderKey, Target,
};
use crate::store::{Accepted, FirstDelivery, NewAlert, NewEvent, Receipt};

impl State {
    pub(super) fn accept(&mut self, event: &NewEvent, now: EpochMs) -> Accepted {
        let key = (event.app, event.source.clone(), event.id.clone());
        if let Some(before) = self.events.get(&key) {
            if before.body_hash != event.body_hash {
                return Accepted::Conflict;
            }
            return Accepted::Duplicate(self.receipt(before.alert));
        }
        let alert = event.alert.as_ref().map(|new| self.add_alert(new, now));
        let remembered = Remembered {
            body_hash: event.body_hash,
            kind: event.kind.clone(),
            received_at: event.received_at,
            alert,
        };
        self.events.insert(key, remembered);
        Accepted::New(self.receipt(alert))
    }

    pub(super) fn event(&self, app: AppId, source: String, id: EventId) -> Option<(String, Receipt)> {
        let remembered = self.events.get(&(app, source, id))?;
        Some((remembered.kind.clone(), self.receipt(remembered.alert)))
    }

    pub(super) fn forget_events(&mut self, before: EpochMs, limit: u32) -> u64 {
        let mut old: Vec<_> = self.events.iter().filter(|(_, event)| event.received_at < before).collect();
        old.sort_by_key(|(_, event)| event.received_at);
        let old: Vec<_> = old.into_iter().take(limit as usize).map(|(key, _)| key.clone()).collect();
        old.iter().filter(|key| self.events.remove(key).is_some()).count() as u64
    }

    fn receipt(&self, alert: Option<AlertId>) -> Receipt {
        let theirs = self.deliveries.iter().filter(|delivery| Some(delivery.alert) == alert);
        let first = theirs.map(|delivery| FirstDelivery {
            id: delivery.id,
            rider: delivery.rider.clone(),
            status: delivery.first_status,
        });
        Receipt { alert, deliveries: first.collect() }
    }

    fn add_alert(&mut self, new: &NewAlert, now: EpochMs) -> AlertId {
        let mut alert = Alert { stored_at: now, ..new.alert.clone() };
        let mut still_open = 0;
        for rider in self.audience(alert.app, &new.target) {
            let row = self.rider(RiderKey { app: alert.app, rider: rider.clone() }, now);
            row.seq += 1;
            let (known, on_duty, seq) = (row.known, row.on_duty, row.seq);
            let online = new.presence.is_online(alert.app, &rider);
            let id = DeliveryId::new(now, (new.entropy)());
            let listener = Listener { rider, known, on_duty, online, seq };
            let delivery = Delivery::first(id, &alert, listener, now);
            still_open += u64::from(delivery.is_open());
            self.deliveries.push(delivery);
        }
        if let Some(end) = alert.state.after(AlertChange::DeliveryEnded { still_open }) {
            (alert.state, alert.ended_at) = (end, Some(now));
        }
        let id = alert.id;
        self.alerts.insert(id, alert);
        id
    }

    fn audience(&self, app: AppId, target: &Target) -> Vec<RiderId> {
        let members = target.groups.iter().filter_map(|group| self.groups.get(&(app, group.clone())));
        let known = self.riders.values().filter(|rider| target.broadcast && rider.app == app && rider.known);
        let all = target.riders.iter().chain(members.flatten()).chain(known.map(|rider| &rider.id));
        let mut riders: Vec<RiderId> = Vec::new();
        for rider in all {
            if !riders.contains(rider) && !target.exclude.contains(rider) {
                riders.push(rider.clone());
            }
        }
        riders
    }
}
