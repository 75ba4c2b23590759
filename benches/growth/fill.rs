//! A month of ended deliveries: a few are told through the store as a backend and a rider would, and then multiplied.
//! What Orderbell forgets after a week is there for the last week only.

use std::time::Instant;

use orderbell::domain::callback::{CallbackTarget, TargetState, WantedKinds};
use orderbell::domain::delivery::Change;
use orderbell::domain::{
    AlertId, AppId, CallbackTargetId, Delivery, EpochMs, Head, Mode, Need, RiderKey, Sound,
};
use orderbell::store::{Accepted, AfterAttempt, CallbackAttempt, NewEvent, Progress, Store};

use super::Clock;
use super::database::{Database, Raw};
use super::multiply::{APPS, Copies, PAST_MS, Past, RIDERS, Story, TOLD, rider};
use super::orders::{About, an_app, event, to};

/// Which of the copies of a table are still kept.
#[derive(Clone, Copy)]
enum Kept {
    AMonth,
    AWeek,
}

/// A table that grows with deliveries, and how its real row is found.
struct Growing {
    table: &'static str,
    key: &'static str,
    kept: Kept,
    /// Each so manieth alert leaves one.
    every: u64,
}

/// What an order that is delivered and heard leaves behind; tables that are not there yet are passed over.
const OF_AN_ORDER: [Growing; 5] = [
    Growing { table: "alerts", key: "id", kept: Kept::AMonth, every: 1 },
    Growing { table: "deliveries", key: "alert_id", kept: Kept::AMonth, every: 1 },
    Growing { table: "events", key: "alert_id", kept: Kept::AWeek, every: 1 },
    // The first app has them sent.
    Growing { table: "callbacks", key: "alert_id", kept: Kept::AWeek, every: APPS },
    Growing { table: "orders", key: "id", kept: Kept::AWeek, every: 1 },
];
/// What a rider's silence leaves behind.
const NOTICES: Growing = Growing { table: "notices", key: "alert_id", kept: Kept::AMonth, every: 50 };
const HEARD: &str = "heard";
const LAPSED: &str = "lapsed";

/// What the bench knows of a store that is filled.
pub(crate) struct Filled {
    /// Its apps.
    pub(crate) apps: Vec<AppId>,
    /// Stored alerts of all its past, each with its app.
    pub(crate) alerts: Vec<(AppId, AlertId)>,
}

/// Fills an empty database with so many deliveries of the 30 days before the clock's `now`.
pub(crate) async fn fill(database: &Database, deliveries: u64, clock: &Clock) -> Filled {
    let began = Instant::now();
    let told_at = clock.set_to_real();
    let store = database.store(clock.now()).await;
    let mut apps = Vec::new();
    for number in 0..APPS {
        let app = an_app(u8::try_from(number).unwrap() + 1);
        apps.push(app.id);
        store.create_app(app).await.unwrap();
        let members = (0..RIDERS).filter(|rider| rider % APPS == number);
        let members = members.map(|number| rider(number).parse().unwrap()).collect();
        store.put_group(apps[apps.len() - 1], "station".parse().unwrap(), members).await.unwrap();
    }
    let target = CallbackTarget {
        id: CallbackTargetId::new(told_at, [1; 10]),
        app: apps[0],
        url: "https://backend.example/orderbell".to_owned(),
        kinds: WantedKinds::These(["delivery.played".to_owned()].into()),
        batch_max: 1,
        state: TargetState::Active,
        created_at: told_at,
    };
    assert!(store.put_callback_target(target).await.unwrap());
    let heard = hear(&*store, apps[0], told_at).await;
    let lapsed = lapse(&*store, apps[0], told_at).await;
    store.close().await;
    drop(store);

    let mut raw = database.raw().await;
    let ids: Vec<String> = apps.iter().map(AppId::to_string).collect();
    let past = Past { apps: &ids, alerts: deliveries / TOLD, began_at: told_at.0 - PAST_MS };
    multiply_riders(&mut raw, &ids[0], &past, told_at).await;
    let of_heard = OF_AN_ORDER.iter().collect::<Vec<_>>();
    multiply(&mut raw, (HEARD, heard), &of_heard, &past).await;
    multiply(&mut raw, (LAPSED, lapsed), &[&NOTICES], &past).await;
    let alerts = samples(&mut raw, &past).await;
    raw.settle().await;
    let (megabytes, seconds) = (database.bytes().await / 1_000_000, began.elapsed().as_secs());
    println!("{deliveries} deliveries: {megabytes} MB, filled in {seconds} s");
    Filled { apps, alerts }
}

/// An order that is told, made to sound, sent, and heard.
async fn hear(store: &dyn Store, app: AppId, at: EpochMs) -> AlertId {
    let told = event(app, &order_of(HEARD), at, to(&[&rider_of(HEARD)], &[]), About::Orders);
    let alert = accept(store, told).await;
    assert!(store.mark_rendered(alert, a_sound(), at).await.unwrap());
    let rider = RiderKey { app, rider: rider_of(HEARD).parse().unwrap() };
    for change in [Change::Sent, Change::Received, Change::Playing, Change::Played { play: 1 }] {
        let done = progress(store, &rider, alert, change, at).await;
        assert!(done.is_open() == done.played_at.is_none());
    }
    send_callbacks(store, at).await;
    alert
}

/// Tells the backend what waits to be told, and that it was taken.
pub(crate) async fn send_callbacks(store: &dyn Store, at: EpochMs) {
    let again_at = at.plus_ms(60_000);
    loop {
        let batches = store.claim_callbacks(at, again_at, Vec::new(), 100, 100).await.unwrap();
        if batches.is_empty() {
            return;
        }
        for batch in batches {
            let attempt = CallbackAttempt { at, took_ms: 20, status: Some(200), error: None };
            store.finish_callbacks(batch, attempt, AfterAttempt::Delivered, at).await.unwrap();
        }
    }
}

/// An offer that nobody answers, which is noticed.
async fn lapse(store: &dyn Store, app: AppId, at: EpochMs) -> AlertId {
    let mut told = event(app, &order_of(LAPSED), at, to(&[&rider_of(LAPSED)], &[]), About::Orders);
    if let Some(alert) = &mut told.alert {
        let head = alert.head.clone();
        alert.head = Head { mode: Mode::Assign, need: Need::Accept, expires_at: at.plus_ms(1), ..head };
    }
    let alert = accept(store, told).await;
    assert_eq!(store.expire_due(at.plus_ms(2), 1, 10).await.unwrap().len(), 1);
    alert
}

async fn accept(store: &dyn Store, told: NewEvent) -> AlertId {
    match store.accept(told).await.unwrap() {
        Accepted::New(receipt) => receipt.alerts[0].alert,
        other => panic!("{other:?} is not new"),
    }
}

/// What a rider's session says of an alert.
pub(crate) async fn progress(
    store: &dyn Store,
    rider: &RiderKey,
    alert: AlertId,
    change: Change,
    at: EpochMs,
) -> Delivery {
    let progress = Progress { rider: rider.clone(), alert, change, at, settle_ms: 30_000 };
    store.progress(vec![progress]).await.unwrap().remove(0).unwrap().delivery
}

/// The sound of an alert, with names of a usual length.
pub(crate) fn a_sound() -> Sound {
    Sound {
        path: "/audio/0123456789abcdef0123456789abcdef.mp3".to_owned(),
        fallback_path: "/audio/canned/zh-CN/order.new.mp3".to_owned(),
        mime: "audio/mpeg".to_owned(),
        bytes: 65_432,
        duration_ms: 50_000,
        tail_ms: 45_000,
        canned: false,
        recipe: None,
    }
}

fn rider_of(story: &str) -> String {
    format!("rider-who-{story}")
}

fn order_of(story: &str) -> String {
    format!("order-that-was-{story}")
}

async fn multiply_riders(raw: &mut Raw, app: &str, past: &Past<'_>, told_at: EpochMs) {
    let (order, rider) = (order_of(HEARD), rider_of(HEARD));
    let story = Story { app, order: &order, rider: &rider, told_at: told_at.0 };
    let real = Copies::of(raw, "riders", &format!("id = '{rider}'")).await.unwrap();
    // So many of one after the other as there are deliveries of each.
    let seq = past.alerts * TOLD / RIDERS + 1;
    real.make(raw, (&story, past), &[], (0, RIDERS, 1), &seq.to_string()).await;
}

async fn multiply(raw: &mut Raw, (name, alert): (&str, AlertId), tables: &[&Growing], past: &Past<'_>) {
    let (order, rider) = (order_of(name), rider_of(name));
    let story = Story { app: &past.apps[0], order: &order, rider: &rider, told_at: alert.made_at().0 };
    let mut real = Vec::new();
    for growing in tables {
        let row = if growing.table == "orders" { order.clone() } else { alert.to_string() };
        let copies = Copies::of(raw, growing.table, &format!("{} = '{row}'", growing.key)).await;
        real.extend(copies.map(|copies| (growing, copies)));
    }
    let mut ids: Vec<String> = real.iter().flat_map(|(_, copies)| copies.ids()).cloned().collect();
    ids.sort_unstable();
    ids.dedup();
    for (growing, copies) in real {
        let from = match growing.kept {
            Kept::AMonth => 0,
            Kept::AWeek => last_week(past.alerts).start,
        };
        let seq = format!("n.i / {RIDERS} * {TOLD} + p.place + 1");
        copies.make(raw, (&story, past), &ids, (from, past.alerts, growing.every), &seq).await;
    }
}

/// Alerts from all over the past.
async fn samples(raw: &mut Raw, past: &Past<'_>) -> Vec<(AppId, AlertId)> {
    const SAMPLES: u64 = 200;
    let mut alerts = Vec::new();
    for sample in 0..SAMPLES {
        // Steps of a prime, so that one after the other lies elsewhere.
        let at = past.moment(past.alerts * (sample * 73 % SAMPLES) / SAMPLES);
        let next = format!("SELECT app_id, id FROM alerts WHERE id > 'alr_{at:012x}' ORDER BY id LIMIT 1");
        let found = raw.texts(&next).await.remove(0);
        let [app, alert] = <[Option<String>; 2]>::try_from(found).unwrap().map(Option::unwrap);
        alerts.push((app.parse().unwrap(), alert.parse().unwrap()));
    }
    alerts
}

/// The last week of so many alerts, by their numbers.
pub(crate) fn last_week(alerts: u64) -> std::ops::Range<u64> {
    alerts * 23 / 30..alerts
}
