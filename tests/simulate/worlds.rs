//! The rules of tests: what a test key says is heard by test riders alone, carries its mark, and changes nothing real.

use orderbell::domain::delivery::EndReason;
use orderbell::domain::{AlertId, Delivery, Head, RiderId};
use serde_json::Value;

use crate::simulation::ledger::{Broken, Seen};

impl Seen {
    /// A delivery as it was first stored.
    pub(crate) fn check_admitted(&mut self, now: i64, head: &Head, delivery: &Delivery) {
        let real = !self.testers.contains(&delivery.rider);
        if head.key_mode.is_test() && real && delivery.reason != Some(EndReason::TestMode) {
            let (name, rider, reason) = (self.name(head.id), &delivery.rider, delivery.reason);
            self.break_promise(
                now,
                Broken::TestDelivered,
                format_args!("{name} is for {rider}, who is no test rider: {reason:?}"),
            );
        }
        if !head.key_mode.is_test() && delivery.reason == Some(EndReason::TestMode) {
            let (name, rider) = (self.name(head.id), &delivery.rider);
            self.break_promise(
                now,
                Broken::WorldsMixed,
                format_args!("{name} is real, and kept from {rider}"),
            );
        }
    }

    /// A frame is chosen for a rider.
    pub(crate) fn check_world(&mut self, now: i64, rider: &RiderId, alert: AlertId, frame: &Value) {
        let test = self.heads.get(&alert).is_some_and(|head| head.key_mode.is_test());
        let marked = frame["test"] == true;
        if marked != test || (test && !self.testers.contains(rider)) {
            let name = self.name(alert);
            self.break_promise(
                now,
                Broken::TestHeard,
                format_args!("{name} is to be sent to {rider}, test {test}, marked {marked}"),
            );
        }
    }

    /// A voice-call service is asked to call a rider.
    pub(crate) fn check_call(&mut self, now: i64, rider: &str, alert: AlertId, marked: bool) {
        let test = self.heads.get(&alert).is_some_and(|head| head.key_mode.is_test());
        let real = !self.testers.iter().any(|tester| tester.as_str() == rider);
        if marked != test || (test && real) {
            let name = self.name(alert);
            self.break_promise(
                now,
                Broken::TestHeard,
                format_args!("{name} calls {rider}, test {test}, marked {marked}"),
            );
        }
    }

    /// An order is cancelled by who has asked for that, in its own world.
    pub(crate) fn check_taken_back(&mut self, now: i64, delivery: &Delivery) {
        if delivery.reason != Some(EndReason::CancelledByOrder) {
            return;
        }
        let order = self.heads.get(&delivery.alert).and_then(Head::order);
        if order.is_none_or(|order| !self.taken_back.contains(&order)) {
            let (name, rider) = (self.name(delivery.alert), &delivery.rider);
            self.break_promise(
                now,
                Broken::WorldsMixed,
                format_args!("{name} for {rider} was cancelled with an order that nobody cancelled"),
            );
        }
    }
}
