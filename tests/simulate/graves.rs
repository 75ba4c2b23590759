//! Cancellations as the backend knows them, and the news that came after them: what must never be sent any more.
//! Only what is certain is judged: where two requests were under way at one time, either may have been first.

use orderbell::domain::{OrderKey, RiderId};

use crate::simulation::ledger::{Broken, Ledger, Seen};
use crate::simulation::plan::EventPlan;

/// What the backend has said of an order.
#[derive(Default)]
pub(crate) struct OrderSeen {
    /// Highest version it has posted.
    posted: Option<i64>,
    /// Highest version it knows to be stored.
    known: Option<i64>,
    graves: Vec<Grave>,
}

/// A cancellation that was answered.
struct Grave {
    /// For this rider only.
    rider: Option<RiderId>,
    /// How new it is: at least this,
    least: Option<i64>,
    /// and at most this.
    most: Option<i64>,
}

impl Grave {
    /// News that cannot be compared is covered for longer than a world lasts.
    fn covers(&self, version: Option<i64>) -> bool {
        match (version, self.most) {
            (None, _) | (_, None) => true,
            (Some(version), Some(_)) => self.least.is_some_and(|least| version <= least),
        }
    }
}

impl Ledger {
    /// The backend posts an event, for the first time or again.
    pub(crate) fn posted(&self, event: &EventPlan) {
        let now = self.time.ms();
        let mut seen = self.seen();
        seen.note(now, format_args!("{} posted", event.id));
        let Some(order) = event.order_key() else { return };
        if event.cancels {
            seen.taken_back.insert(order.clone());
        }
        if !seen.posted.insert(event.id.clone()) {
            return;
        }
        let known = seen.orders.entry(order).or_default();
        known.posted = known.posted.max(event.version);
        let cover = known.graves.iter().filter(|grave| grave.covers(event.version));
        let cover: Vec<Option<RiderId>> = cover.map(|grave| grave.rider.clone()).collect();
        if event.cancels || cover.is_empty() {
            return;
        }
        let whole = cover.iter().any(Option::is_none);
        let riders = if whole { None } else { Some(cover.into_iter().flatten().collect()) };
        seen.buried.insert(event.id.clone(), riders);
    }

    /// The backend was told that an event is stored.
    pub(crate) fn stored(&self, event: &EventPlan, outcome: &str) {
        let Some(order) = event.order_key().filter(|_| outcome != "dropped") else { return };
        let mut seen = self.seen();
        let known = seen.orders.entry(order).or_default();
        known.known = known.known.max(event.version);
        if event.cancels {
            let graves = event.riders.iter().map(|rider| Grave {
                rider: Some(rider.clone()),
                least: event.version,
                most: event.version,
            });
            known.graves.extend(graves);
        }
    }

    /// The backend asks for an order to be cancelled. The highest version of it that it knows to be stored.
    pub(crate) fn cancelling(&self, order: &OrderKey) -> Option<i64> {
        let mut seen = self.seen();
        seen.taken_back.insert(order.clone());
        seen.orders.get(order)?.known
    }

    /// The backend was told that an order is cancelled; it had known of this version when it asked for that.
    pub(crate) fn cancelled(&self, order: &OrderKey, least: Option<i64>) {
        let mut seen = self.seen();
        let known = seen.orders.entry(order.clone()).or_default();
        let most = known.posted;
        known.graves.push(Grave { rider: None, least, most });
    }
}

/// An order as people read it.
pub(crate) fn named(order: &OrderKey) -> String {
    order.key_mode.source(order.order.as_str())
}

impl Seen {
    /// What came after its cancellation is not sent.
    pub(crate) fn check_buried(&mut self, now: i64, event: &str, rider: &RiderId) {
        let buried = self
            .buried
            .get(event)
            .is_some_and(|riders| riders.as_ref().is_none_or(|riders: &Vec<RiderId>| riders.contains(rider)));
        if buried {
            self.break_promise(
                now,
                Broken::SentAfterVoid,
                format_args!(
                    "{event} was sent to {rider} though its order had been cancelled before it came"
                ),
            );
        }
    }
}
