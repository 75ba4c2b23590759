//! The working set of one write: some riders, orders, alerts and deliveries, and every rule by which they change together.
//! A store reads what a write concerns into a book, lets the rules work, and writes back what has changed.

mod accept;
mod answer;
mod deliver;
mod ends;
mod facts;
mod guard;
mod merge;
mod step;
mod test_riders;
mod traces;
mod unheard;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::alert::{AlertChange, AlertIsOver};
use super::app::KeyMode;
use super::callback::Fact;
use super::delivery::{Change, EndReason};
use super::id::IdEntropy;
use super::settings::Rules;
use super::wechat::Messaging;
use super::{
    AlertId, AlertState, AppId, CallId, Delivery, DeliveryId, EpochMs, FirstStatus, Head, OrderId, OrderKey,
    OrderMemory, Presence, Rider, RiderId, RiderKey,
};
use crate::domain::ladder::HttpCall;

pub use accept::{Audience, DropReason, Entered, EnteredAlert, Incoming, Outcome};
pub use answer::{Progress, Progressed, Settled};
pub use deliver::{Last, Part, Reached};
pub use ends::Duty;
pub use guard::Guard;
pub use merge::Merged;
pub use step::{Stepped, When};
pub use test_riders::{Admission, Admitted};
pub use unheard::{UNHEARD_MAX, Unheard};

/// Rows in hand, each with what has become of it.
#[derive(Debug, Default)]
pub struct Book {
    riders: BTreeMap<RiderKey, Kept<Rider>>,
    // The highest number ever given to a rider of the app who was erased: whoever has no row counts on from there.
    seq_floors: HashMap<AppId, i64>,
    orders: BTreeMap<OrderKey, Kept<OrderMemory>>,
    heads: BTreeMap<AlertId, Kept<Head>>,
    deliveries: Vec<Kept<Delivery>>,
    places: HashMap<(AlertId, RiderId), usize>,
    notices: Vec<Notice>,
    calls: Vec<Call>,
    facts: Vec<Fact>,
    unheard: Vec<Unheard>,
    /// Always empty but in a simulation.
    missing: Vec<Guard>,
}

/// A row and whether it must be written.
#[derive(Clone, Debug)]
struct Kept<T> {
    row: T,
    mark: Mark,
}

/// What has become of a row since it was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mark {
    /// Nothing.
    Clean,
    /// It says something else now.
    Changed,
    /// It was not there before.
    New,
}

/// What a rule may ask of the world.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The app's rules at this moment.
    pub rules: Rules,
    /// Who is connected.
    pub presence: &'a dyn Presence,
    /// What consents of riders may be spent on.
    pub messaging: &'a Arc<Messaging>,
    /// Random bytes for ids.
    pub entropy: &'a (dyn Fn() -> IdEntropy + Send + Sync),
    /// Now.
    pub at: EpochMs,
}

/// A delivery that has just ended without its rider's doing; its sessions must be told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ended {
    /// Whose.
    pub rider: RiderKey,
    /// Of which alert.
    pub alert: AlertId,
    /// Whose world that is in.
    pub key_mode: KeyMode,
    /// Why.
    pub reason: EndReason,
}

/// One rider of an event's first answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FirstDelivery {
    /// Our id.
    pub id: DeliveryId,
    /// Whom for.
    pub rider: RiderId,
    /// What the backend is told.
    pub status: FirstStatus,
    /// Why it was held back, if it was.
    pub reason: Option<EndReason>,
}

/// Something that dispatchers and the backend must hear of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notice {
    /// The tenant.
    pub app: AppId,
    /// Whose world it is of.
    pub key_mode: KeyMode,
    /// What it is about.
    pub kind: NoticeKind,
    /// The alert, if it is about one.
    pub alert: Option<AlertId>,
    /// Its order.
    pub order: Option<OrderId>,
    /// The rider, if it is about one.
    pub rider: Option<RiderId>,
    /// When.
    pub at: EpochMs,
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoticeKind {
    /// A ladder step tells the desk.
    Desk,
    /// Nobody answered, and the ladder or the time is at its end.
    Exhausted,
    /// A rider let too many offers pass.
    Unresponsive,
}

/// A request that a ladder step asks for, to be made after the commit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Call {
    /// Our id; also the request's idempotency key.
    pub id: CallId,
    /// The tenant.
    pub app: AppId,
    /// The alert.
    pub alert: AlertId,
    /// The rider it is about.
    pub rider: RiderId,
    /// The level of the ladder.
    pub level: u32,
    /// What to send.
    pub call: HttpCall,
    /// When it is (next) due.
    pub due_at: EpochMs,
    /// Tries so far.
    pub attempts: u32,
}

impl NoticeKind {
    const ALL: [Self; 3] = [Self::Desk, Self::Exhausted, Self::Unresponsive];

    /// The word used in JSON and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Desk => "alert.desk",
            Self::Exhausted => "alert.exhausted",
            Self::Unresponsive => "rider.unresponsive",
        }
    }

    /// The kind with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What a store reads into a book, and writes back from it.
impl Book {
    /// Takes in a rider's row, unless it is here.
    pub fn keep_rider(&mut self, rider: Rider) {
        self.riders.entry(rider.key()).or_insert(Kept { row: rider, mark: Mark::Clean });
    }

    /// Riders of the app without a row count on from `seq`, or from where it was said before if that is higher.
    pub fn raise_floor(&mut self, app: AppId, seq: i64) {
        let floor = self.seq_floors.entry(app).or_default();
        *floor = seq.max(*floor);
    }

    /// Takes in an order's row, unless it is here.
    pub fn keep_order(&mut self, key: OrderKey, order: OrderMemory) {
        self.orders.entry(key).or_insert(Kept { row: order, mark: Mark::Clean });
    }

    /// Takes in an alert's row, unless it is here.
    pub fn keep_head(&mut self, head: Head) {
        self.heads.entry(head.id).or_insert(Kept { row: head, mark: Mark::Clean });
    }

    /// Takes in a delivery's row, unless it is here; its alert must be here too.
    pub fn keep_delivery(&mut self, delivery: Delivery) {
        let key = (delivery.alert, delivery.rider.clone());
        if let std::collections::hash_map::Entry::Vacant(place) = self.places.entry(key) {
            place.insert(self.deliveries.len());
            self.deliveries.push(Kept { row: delivery, mark: Mark::Clean });
        }
    }

    /// The rider.
    #[must_use]
    pub fn rider(&self, rider: &RiderKey) -> Option<&Rider> {
        self.riders.get(rider).map(|kept| &kept.row)
    }

    /// The order.
    #[must_use]
    pub fn order(&self, order: &OrderKey) -> Option<&OrderMemory> {
        self.orders.get(order).map(|kept| &kept.row)
    }

    /// The alert.
    #[must_use]
    pub fn head(&self, alert: AlertId) -> Option<&Head> {
        self.heads.get(&alert).map(|kept| &kept.row)
    }

    /// The rider's delivery of an alert.
    #[must_use]
    pub fn delivery(&self, alert: AlertId, rider: &RiderId) -> Option<&Delivery> {
        let place = self.places.get(&(alert, rider.clone()))?;
        self.deliveries.get(*place).map(|kept| &kept.row)
    }

    /// All riders.
    pub fn riders(&self) -> impl Iterator<Item = (&Rider, Mark)> {
        self.riders.values().map(|kept| (&kept.row, kept.mark))
    }

    /// All orders.
    pub fn orders(&self) -> impl Iterator<Item = (&OrderKey, &OrderMemory, Mark)> {
        self.orders.iter().map(|(key, kept)| (key, &kept.row, kept.mark))
    }

    /// All alerts.
    pub fn heads(&self) -> impl Iterator<Item = (&Head, Mark)> {
        self.heads.values().map(|kept| (&kept.row, kept.mark))
    }

    /// All deliveries, in the order they were read or made.
    pub fn deliveries(&self) -> impl Iterator<Item = (&Delivery, Mark)> {
        self.deliveries.iter().map(|kept| (&kept.row, kept.mark))
    }

    /// What must be told to desks and backends; taken out of the book.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// What ladder steps ask for; taken out of the book.
    pub fn take_calls(&mut self) -> Vec<Call> {
        std::mem::take(&mut self.calls)
    }

    /// Takes a rider's row out; their deliveries stay.
    pub fn remove_rider(&mut self, rider: &RiderKey) -> Option<Rider> {
        self.riders.remove(rider).map(|kept| kept.row)
    }

    /// Takes orders out that were last heard of before `before`, the longest silent first, at most `limit`; how many.
    pub fn forget_orders(&mut self, before: EpochMs, limit: usize) -> usize {
        let old = self.orders.iter().map(|(key, kept)| (kept.row.touched_at, key.clone()));
        let mut old: Vec<_> = old.filter(|(touched_at, _)| *touched_at < before).collect();
        old.sort();
        old.truncate(limit);
        for (_, key) in &old {
            self.orders.remove(key);
        }
        old.len()
    }
}

impl<T> Kept<T> {
    /// The row, to be changed.
    fn edit(&mut self) -> &mut T {
        if self.mark == Mark::Clean {
            self.mark = Mark::Changed;
        }
        &mut self.row
    }
}

/// What the rules are made of.
impl Book {
    /// The rider's row, made if need be; to be changed.
    pub fn rider_mut(&mut self, key: &RiderKey, at: EpochMs) -> &mut Rider {
        let seq = self.seq_floors.get(&key.app).copied().unwrap_or(0);
        let new = || Kept { row: Rider::unknown(key.clone(), seq, at), mark: Mark::New };
        self.riders.entry(key.clone()).or_insert_with(new).edit()
    }

    fn order_mut(&mut self, key: &OrderKey, at: EpochMs) -> &mut OrderMemory {
        let new = || Kept { row: OrderMemory::default(), mark: Mark::New };
        let order = self.orders.entry(key.clone()).or_insert_with(new).edit();
        order.touched_at = at;
        order
    }

    fn head_mut(&mut self, alert: AlertId) -> Option<&mut Head> {
        self.heads.get_mut(&alert).map(Kept::edit)
    }

    fn place(&self, alert: AlertId, rider: &RiderId) -> Option<usize> {
        self.places.get(&(alert, rider.clone())).copied()
    }

    /// Places of the open deliveries that are asked for, in their order.
    fn open_places(&self, wanted: impl Fn(&Delivery, &Head) -> bool) -> Vec<usize> {
        let all = self.deliveries.iter().enumerate();
        all.filter(|(_, kept)| {
            let delivery = &kept.row;
            delivery.is_open() && self.head(delivery.alert).is_some_and(|head| wanted(delivery, head))
        })
        .map(|(place, _)| place)
        .collect()
    }

    fn open_of(&self, alert: AlertId) -> Vec<usize> {
        self.open_places(|delivery, _| delivery.alert == alert)
    }

    /// Places of a rider's open deliveries of the alerts that are asked for. Asked for every rider of an audience, so
    /// an alert is looked at only if the delivery is theirs.
    fn open_of_rider(&self, rider: &RiderKey, wanted: impl Fn(&Head) -> bool) -> Vec<usize> {
        let all = self.deliveries.iter().enumerate();
        all.filter(|(_, Kept { row, .. })| {
            let theirs = row.rider == rider.rider && row.app == rider.app && row.is_open();
            theirs && self.head(row.alert).is_some_and(&wanted)
        })
        .map(|(place, _)| place)
        .collect()
    }

    /// Applies a change to the delivery at `place`, and what follows for its alert. False if it says nothing new.
    fn change(&mut self, place: usize, change: &Change, at: EpochMs) -> bool {
        let Some(kept) = self.deliveries.get_mut(place) else { return false };
        let Some(next) = kept.row.after(change, at) else { return false };
        let ends = kept.row.is_open() && !next.is_open();
        let alert = next.alert;
        let before = std::mem::replace(kept.edit(), next);
        self.tell_delivery(place, &before, at);
        if ends && let Some(head) = self.head_mut(alert) {
            head.open_count = head.open_count.saturating_sub(1);
            // While somebody may still answer, the alert lives: a claim outlives its time.
            let last = head.open_count == 0
                && (head.expires_at <= at
                    || head.after(AlertChange::DeliveryEnded { still_open: 0 }).is_some());
            let over = if last { AlertIsOver::Yes } else { AlertIsOver::No };
            let change = AlertChange::of(change, head.open_count, over);
            self.move_on(alert, change, at);
        }
        true
    }

    /// Moves an alert on, plans its next step, and tells of one that ended without an answer though it had a ladder.
    fn move_on(&mut self, alert: AlertId, change: AlertChange, at: EpochMs) {
        let Some(head) = self.head_mut(alert) else { return };
        let was_open = head.is_open();
        head.apply(change, at);
        if head.state == AlertState::Active {
            head.plan_step(at);
        }
        if !was_open || head.is_open() {
            return;
        }
        let unanswered = matches!(head.state, AlertState::Expired | AlertState::Exhausted);
        let head = head.clone();
        if unanswered && !head.ladder.is_empty() {
            self.notice(NoticeKind::Exhausted, &head, None, at);
        }
        self.tell_untaken(&head, change, at);
    }

    /// Ends the deliveries at these places by `change`. Returns those that ended, in order.
    fn end_all(&mut self, places: &[usize], change: &Change, at: EpochMs) -> Vec<Ended> {
        let mut ended = Vec::with_capacity(places.len());
        for place in places {
            if self.change(*place, change, at) {
                ended.extend(self.ended(*place));
            }
        }
        ended
    }

    fn ended(&self, place: usize) -> Option<Ended> {
        let delivery = &self.deliveries.get(place)?.row;
        let rider = RiderKey { app: delivery.app, rider: delivery.rider.clone() };
        let key_mode = self.head(delivery.alert)?.key_mode;
        Some(Ended { rider, alert: delivery.alert, key_mode, reason: delivery.reason? })
    }

    fn notice(&mut self, kind: NoticeKind, head: &Head, rider: Option<RiderId>, at: EpochMs) {
        let (app, key_mode, order) = (head.app, head.key_mode, head.order_id.clone());
        let notice = Notice { app, key_mode, kind, alert: Some(head.id), order, rider, at };
        self.tell_notice(&notice, head);
        self.notices.push(notice);
    }
}

#[cfg(test)]
mod tests;
