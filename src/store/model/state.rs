//! What the model holds, and its rows that stand still: apps, keys, riders, phrases, checks.
//! Lists are kept in order of insertion; what is asked for in another order is sorted when asked.

use std::collections::{BTreeMap, BTreeSet};

use super::callbacks::Outbox;
use super::wechat::{Kept, Person, Place};
use crate::domain::app::{ApiKey, App};
use crate::domain::book::{Book, Call, Duty, Notice, Reached};
use crate::domain::order::Stamp;
use crate::domain::{
    Alert, AlertId, AppId, CallId, EpochMs, EventId, GroupId, Hook, HookDelivery, HookDeliveryId, HookId,
    Rider, RiderId, RiderKey, Target,
};
use crate::store::{DeviceCheck, Ended, Receipt, RiderPatch, Schedule, SpeechUse, Wording, WordingKey};

/// Self-checks kept of one rider.
const CHECKS_MAX: usize = 20;

/// Everything.
#[derive(Default)]
pub(super) struct State {
    pub(super) apps: Vec<App>,
    pub(super) keys: Vec<ApiKey>,
    pub(super) speech_use: BTreeMap<AppId, SpeechUse>,
    pub(super) groups: BTreeMap<(AppId, GroupId), BTreeSet<RiderId>>,
    /// The versions of each, the oldest first.
    pub(super) wordings: BTreeMap<(AppId, WordingKey), Vec<Wording>>,
    pub(super) wordings_saved: i64,
    pub(super) wording_stamps: BTreeMap<AppId, i64>,
    /// With their last use.
    pub(super) recipes: BTreeMap<String, (String, EpochMs)>,
    pub(super) checks: BTreeMap<RiderKey, Vec<DeviceCheck>>,
    pub(super) events: BTreeMap<(AppId, String, EventId), Remembered>,
    /// Riders, orders, the moving part of alerts, deliveries.
    pub(super) book: Book,
    /// The part of alerts that stands still; their head here is of their first moment.
    pub(super) bodies: BTreeMap<AlertId, Alert>,
    pub(super) targets: BTreeMap<AlertId, Waiting>,
    /// By number; numbers are never used again.
    pub(super) notices: BTreeMap<i64, Notice>,
    pub(super) notices_numbered: i64,
    pub(super) calls: BTreeMap<CallId, (Call, CallState)>,
    pub(super) schedules: Vec<Schedule>,
    /// Alerts that say nothing any more.
    pub(super) emptied: BTreeSet<AlertId>,
    /// Marks of riders who were erased, and when.
    pub(super) erasures: BTreeMap<(AppId, [u8; 32]), EpochMs>,
    pub(super) outbox: Outbox,
    pub(super) hooks: BTreeMap<HookId, Hook>,
    pub(super) hook_deliveries: BTreeMap<HookDeliveryId, HookDelivery>,
    pub(super) persons: BTreeMap<(AppId, Place), Person>,
    pub(super) messages: BTreeMap<(AlertId, RiderId), Kept>,
}

/// What is remembered of an event.
pub(super) struct Remembered {
    pub(super) body_hash: [u8; 32],
    pub(super) kind: String,
    pub(super) received_at: EpochMs,
    pub(super) receipt: Receipt,
}

/// An audience that is told later.
pub(super) struct Waiting {
    pub(super) target: Target,
    pub(super) stamp: Stamp,
    pub(super) after: Option<RiderId>,
    pub(super) reached: Reached,
}

/// Whether a request is still to be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum CallState {
    Open,
    /// Since then.
    Over(EpochMs),
}

impl State {
    pub(super) fn known_rider(&mut self, key: &RiderKey, at: EpochMs) -> &mut Rider {
        let rider = self.book.rider_mut(key, at);
        rider.known = true;
        rider
    }

    pub(super) fn put_rider(&mut self, key: &RiderKey, patch: RiderPatch, at: EpochMs) -> Rider {
        let rider = self.known_rider(key, at);
        if let Some(lang) = patch.lang {
            rider.lang = lang;
        }
        rider.devices = patch.devices.unwrap_or(rider.devices);
        rider.on_duty = patch.on_duty.unwrap_or(rider.on_duty);
        rider.not_before = patch.not_before.unwrap_or(rider.not_before);
        rider.sound_profile = patch.sound_profile.unwrap_or(rider.sound_profile);
        rider.clone()
    }

    pub(super) fn set_duty(&mut self, key: &RiderKey, duty: Duty, at: EpochMs) -> Vec<Ended> {
        self.book.set_duty(key, duty, at)
    }

    pub(super) fn add_check(&mut self, rider: RiderKey, check: DeviceCheck) {
        let checks = self.checks.entry(rider).or_default();
        checks.insert(0, check);
        checks.truncate(CHECKS_MAX);
    }

    /// Takes out of the book what is not kept there.
    pub(super) fn file(&mut self) {
        for notice in self.book.take_notices() {
            self.notices_numbered += 1;
            self.notices.insert(self.notices_numbered, notice);
        }
        let calls = self.book.take_calls().into_iter();
        self.calls.extend(calls.map(|call| (call.id, (call, CallState::Open))));
    }
}
