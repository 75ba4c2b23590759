//! What leaves a book for good: riders who are erased, alerts that say nothing any more, alerts that are too old.
//! For a store that keeps everything in one book; one that reads small books does the same by its own statements.

use std::collections::{BTreeMap, BTreeSet};

use super::Book;
use crate::domain::{AlertId, AppId, EpochMs, Head, RiderId, RiderKey};

impl Book {
    /// Gives a rider's deliveries, up to their number `last_seq`, to a pseudonym, and what they won. Returns the alerts.
    pub fn rename_rider(
        &mut self,
        rider: &RiderKey,
        pseudonym: &RiderId,
        last_seq: i64,
    ) -> BTreeSet<AlertId> {
        let mut alerts = BTreeSet::new();
        for (place, kept) in self.deliveries.iter_mut().enumerate() {
            let row = &mut kept.row;
            if row.app != rider.app || row.rider != rider.rider || row.seq > last_seq {
                continue;
            }
            row.rider = pseudonym.clone();
            alerts.insert(row.alert);
            self.places.remove(&(row.alert, rider.rider.clone()));
            self.places.insert((row.alert, pseudonym.clone()), place);
        }
        for alert in &alerts {
            if let Some(head) = self.head_mut(*alert)
                && head.winner.as_ref() == Some(&rider.rider)
            {
                head.winner = Some(pseudonym.clone());
            }
        }
        alerts
    }

    /// Takes a rider off the candidates of their app's offers; off how many.
    pub fn forget_candidate(&mut self, rider: &RiderKey) -> u64 {
        let heads = self.heads.values_mut().filter(|kept| kept.row.app == rider.app);
        heads.filter_map(|kept| kept.row.forget_candidate(&rider.rider).then_some(())).count() as u64
    }

    /// Takes a rider out of the memory of their app's orders; out of how many.
    pub fn forget_in_orders(&mut self, rider: &RiderKey) -> u64 {
        let orders = self.orders.iter_mut().filter(|(key, _)| key.app == rider.app);
        orders.filter_map(|(_, kept)| kept.row.forget_rider(&rider.rider).then_some(())).count() as u64
    }

    /// Takes from an alert's head what it says and sends.
    pub fn empty_head(&mut self, alert: AlertId) {
        let Some(head) = self.head_mut(alert) else { return };
        head.collapse_key = None;
        head.candidates.clear();
        if let Some(bare) = head.ladder.without_calls() {
            head.ladder = bare;
        }
    }

    /// Alerts of an app that ended before `before`, all of them, the longest over first.
    #[must_use]
    pub fn ended_before(&self, app: AppId, before: EpochMs) -> Vec<AlertId> {
        let heads = self.heads.values().map(|kept| &kept.row);
        let over = |head: &Head| head.app == app && head.open_count == 0;
        let ended = heads.filter(|head| over(head)).filter_map(|head| Some((head.ended_at?, head.id)));
        let ended: BTreeMap<(EpochMs, AlertId), AlertId> =
            ended.filter(|(at, _)| *at < before).map(|(at, id)| ((at, id), id)).collect();
        ended.into_values().collect()
    }

    /// Takes alerts and their deliveries out; how many deliveries.
    pub fn remove_alerts(&mut self, alerts: &BTreeSet<AlertId>) -> u64 {
        let before = self.deliveries.len();
        self.heads.retain(|id, _| !alerts.contains(id));
        self.deliveries.retain(|kept| !alerts.contains(&kept.row.alert));
        let places = self.deliveries.iter().enumerate();
        self.places = places.map(|(place, kept)| ((kept.row.alert, kept.row.rider.clone()), place)).collect();
        (before - self.deliveries.len()) as u64
    }
}
