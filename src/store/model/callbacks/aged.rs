//! Callbacks that leave the model: too old, or of riders who were erased.

use std::collections::BTreeSet;

use super::{Outbox, Row};
use crate::domain::callback::CallbackState;
use crate::domain::{AlertId, AppId, EpochMs, RiderKey};

impl Outbox {
    /// Whether the backend is still to be told of an alert.
    pub(in crate::store::model) fn waits_for(&self, alert: AlertId) -> bool {
        let mut about = self.rows.iter().filter(|row| row.record.callback.alert == Some(alert));
        about.any(|row| row.record.state == CallbackState::Waiting)
    }

    /// Removes callbacks of an app that ended in this state before `before`; how many.
    pub(in crate::store::model) fn age(&mut self, app: AppId, state: CallbackState, before: EpochMs) -> u64 {
        self.remove(|row| {
            let old = row.record.ended_at.is_some_and(|at| at < before);
            row.record.callback.app == app && row.record.state == state && old
        })
    }

    /// Removes callbacks of riders who were erased that have ended since; how many.
    pub(in crate::store::model) fn tidy(&mut self) -> u64 {
        self.remove(|row| row.of_erased && row.record.state != CallbackState::Waiting)
    }

    /// Removes what has ended of callbacks about a rider: of these alerts, and of no alert; how many. What waits goes later.
    pub(in crate::store::model) fn erase(&mut self, rider: &RiderKey, alerts: &BTreeSet<AlertId>) -> u64 {
        let theirs = |row: &Row| {
            let callback = &row.record.callback;
            let about = callback.alert.is_none_or(|alert| alerts.contains(&alert));
            about && callback.app == rider.app && callback.rider.as_ref() == Some(&rider.rider)
        };
        let gone = self.remove(|row| theirs(row) && row.record.state != CallbackState::Waiting);
        self.rows.iter_mut().filter(|row| theirs(row)).for_each(|row| row.of_erased = true);
        gone
    }

    fn remove(&mut self, goes: impl Fn(&Row) -> bool) -> u64 {
        let before = self.rows.len();
        self.rows.retain(|row| !goes(row));
        (before - self.rows.len()) as u64
    }
}
