//! Accepting events: the row that remembers each, its alerts, a delivery for each rider; one transaction.
//! All events that wait are accepted together, in a few statements that take lists: a statement costs more than a row.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::audience::{Resolved, resolve};
use super::book::{Reading, save_with};
use super::db::Db;
use super::events::{self, Remembered};
use super::{schedules, targets};
use crate::domain::book::{Audience, Incoming};
use crate::domain::{Alert, AppId, EpochMs, OrderKey, RiderKey};
use crate::store::{Accepted, NewEvent, Outcome, Receipt, StoreResult};

/// An event that waits to be stored.
pub(super) struct Arrival {
    /// The event.
    pub(super) event: NewEvent,
    /// Reads the clock when its turn has come.
    pub(super) now: Arc<dyn Fn() -> EpochMs + Send + Sync>,
}

impl Arrival {
    /// Whether this is the answer that this very event was given, and not another of the same id.
    pub(super) fn was_told(&self, receipt: &Receipt) -> bool {
        let own = self.event.alert.as_ref().map(|alert| alert.id);
        own.is_some() && own == receipt.alerts.first().map(|told| told.alert)
    }
}

/// What an event is known by.
type EventKey<'a> = (AppId, &'a str, &'a str);

fn key(event: &NewEvent) -> EventKey<'_> {
    (event.app, &event.source, event.id.as_str())
}

/// Accepts events in their order. Those of one id among them are one event.
pub(super) async fn accept_all(db: &mut Db<'_>, arrivals: &[Arc<Arrival>]) -> StoreResult<Vec<Accepted>> {
    let Some(now) = arrivals.first().map(|arrival| (arrival.now)()) else { return Ok(Vec::new()) };
    let all: Vec<&NewEvent> = arrivals.iter().map(|arrival| &arrival.event).collect();
    let before = events::find_all(db, all.iter().map(|event| key(event))).await?;
    let mut new: Vec<&NewEvent> = Vec::with_capacity(all.len());
    let mut places: HashMap<EventKey<'_>, usize> = HashMap::with_capacity(all.len());
    for event in &all {
        let key = key(event);
        if !before.contains_key(&key) && !places.contains_key(&key) {
            places.insert(key, new.len());
            new.push(event);
        }
    }
    let receipts = enter_all(db, &new, now).await?;
    events::remember_all(db, &new, &receipts).await?;
    let mut accepted = Vec::with_capacity(all.len());
    for event in all {
        let key = key(event);
        accepted.push(match (places.get(&key), before.get(&key)) {
            (Some(&place), _) if std::ptr::eq(new[place], event) => Accepted::New(receipts[place].clone()),
            (Some(&place), _) if new[place].body_hash == event.body_hash => {
                Accepted::Duplicate(Receipt { ended: Vec::new(), ..receipts[place].clone() })
            }
            (None, Some(before)) if before.body_hash == event.body_hash => {
                Accepted::Duplicate(Remembered::receipt(before, db).await?)
            }
            _another => Accepted::Conflict,
        });
    }
    Ok(accepted)
}

/// Lets new events in, in their order.
async fn enter_all(db: &mut Db<'_>, new: &[&NewEvent], now: EpochMs) -> StoreResult<Vec<Receipt>> {
    let mut resolved = Vec::with_capacity(new.len());
    for event in new {
        resolved.push(resolve(db, event, now).await?);
    }
    let mut book = read(db, new, &resolved).await?.into_book();
    let mut receipts = Vec::with_capacity(new.len());
    let (mut later, mut recurring) = (Vec::new(), Vec::new());
    for (event, Resolved { audience, means }) in new.iter().zip(resolved) {
        if let Some(schedule) = &event.schedule {
            recurring.push(schedule);
            receipts.push(Receipt { outcome: Outcome::Scheduled, ..Receipt::default() });
            continue;
        }
        let is_told_later = audience == Audience::Later;
        let entered = book.accept(&incoming(event, audience), &event.world.context(now));
        let own = event.alert.as_ref().map(|alert| alert.id);
        let told_later = own.filter(|_| is_told_later && !matches!(entered.outcome, Outcome::Dropped(_)));
        later.extend(told_later.map(|alert| (*event, alert)));
        receipts.push(Receipt {
            outcome: entered.outcome,
            alerts: entered.alerts,
            audience: told_later.map(|_| means),
            ended: entered.ended,
        });
    }
    let bodies = new.iter().flat_map(|event| [&event.alert, &event.away].into_iter().flatten());
    let bodies: Vec<&Alert> = bodies.collect();
    save_with(db, &mut book, &bodies, now).await?;
    targets::add_all(db, &later).await?;
    schedules::add_all(db, &recurring).await?;
    Ok(receipts)
}

fn incoming(event: &NewEvent, audience: Audience) -> Incoming<'_> {
    Incoming {
        app: event.app,
        key_mode: event.key_mode,
        order: event.order_id.as_ref(),
        stamp: event.stamp,
        policy: &event.policy,
        alert: event.alert.as_ref().map(|alert| &alert.head),
        away: event.away.as_ref().map(|alert| &alert.head),
        previous_rider: event.previous_rider.as_ref(),
        audience,
    }
}

/// Reads what these events concern: their orders, everyone who may be told, and what of theirs they may end.
async fn read(db: &mut Db<'_>, new: &[&NewEvent], resolved: &[Resolved]) -> StoreResult<Reading> {
    let mut reading = Reading::default();
    let order_of = |event: &&NewEvent| {
        let order = event.order_id.clone()?;
        Some(OrderKey { app: event.app, key_mode: event.key_mode, order })
    };
    let orders: BTreeSet<OrderKey> = new.iter().filter_map(order_of).collect();
    reading.orders(db, &orders).await?;
    let mut riders: BTreeSet<RiderKey> = BTreeSet::new();
    let mut ended: BTreeSet<OrderKey> = BTreeSet::new();
    for (event, Resolved { audience, .. }) in new.iter().zip(resolved) {
        let app = event.app;
        match audience {
            Audience::Now(now) => {
                let now = now.iter().chain(&event.previous_rider);
                riders.extend(now.map(|rider| RiderKey { app, rider: rider.clone() }));
            }
            Audience::Later if event.policy.ends.is_some() => ended.extend(order_of(event)),
            Audience::Later => {}
        }
        riders.extend(order_of(event).and_then(|order| reading.rider_of(&order)));
    }
    reading.riders(db, &riders).await?;
    let ids = orders.iter().map(|key| &key.order).collect();
    let alerts = new.iter().flat_map(|event| [&event.alert, &event.away].into_iter().flatten());
    let keys = alerts.filter_map(|alert| alert.collapse_key.as_deref()).collect();
    reading.open_that_match(db, &riders, &ids, &keys).await?;
    reading.open_of_orders(db, &ended).await?;
    Ok(reading)
}
