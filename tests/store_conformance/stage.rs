//! The stage of a story: a fresh store, a clock set by hand, riders who are online, and short ways to say things.
//! Ids and entropy come from counters, so that two stages tell the same story in the same words.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use orderbell::domain::Sound;
use orderbell::domain::app::{App, AppLimits, KeyMode};
use orderbell::domain::delivery::Change;
use orderbell::domain::delivery::EndReason;
use orderbell::domain::settings::Rules;
use orderbell::domain::wechat::{Messaging, Template};
use orderbell::domain::{
    Aged, AlertId, AlertState, AppId, AppSettings, Delivery, EpochMs, OrderKey, Presence, RiderId, RiderKey,
    Secret, SecretKind,
};
use orderbell::store::model::ModelStore;
use orderbell::store::postgres::{PostgresOptions, PostgresStore};
use orderbell::store::sqlite::{SqliteOptions, SqliteStore};
use orderbell::store::{
    Accepted, AlertRecord, Ended, Erasure, FirstDelivery, Gone, Leaving, NewEvent, OpenDelivery, Progress,
    Progressed, Receipt, Store, World,
};

use crate::postgres_server::{self, Server};
use crate::told::{Told, rules};

pub(crate) struct Stage {
    pub(crate) store: Arc<dyn Store>,
    /// The app of most stories.
    pub(crate) app: AppId,
    /// The app that must see nothing of it.
    pub(crate) other: AppId,
    clock: Arc<AtomicI64>,
    ids: AtomicU64,
    entropy: Arc<AtomicU64>,
    online: Arc<Online>,
    messaging: Mutex<Arc<Messaging>>,
    _dir: Option<tempfile::TempDir>,
}

#[derive(Default)]
struct Online(Mutex<BTreeSet<RiderId>>);

impl Presence for Online {
    fn is_online(&self, _app: AppId, rider: &RiderId) -> bool {
        self.0.lock().unwrap().contains(rider)
    }

    fn is_audible(&self, app: AppId, rider: &RiderId) -> bool {
        self.is_online(app, rider)
    }
}

impl Stage {
    pub(crate) async fn on_model() -> Self {
        let clock = Arc::new(AtomicI64::new(100));
        let store = Arc::new(ModelStore::new("epoch-1", now(&clock)));
        Self::with(store, clock, None).await
    }

    pub(crate) async fn on_sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicI64::new(100));
        let options = SqliteOptions::new(dir.path().join("orderbell.db"), "epoch-1", now(&clock));
        let store = open(options).await;
        Self::with(store, clock, Some(dir)).await
    }

    pub(crate) async fn on_postgres() -> Self {
        Self::on_postgres_at(&Server::shared().database().await).await
    }

    pub(crate) async fn on_postgres_at(url: &str) -> Self {
        let clock = Arc::new(AtomicI64::new(100));
        let options = PostgresOptions { now: now(&clock), ..postgres_server::options(url) };
        Self::with(PostgresStore::open(options).await.unwrap(), clock, None).await
    }

    async fn with(store: Arc<dyn Store>, clock: Arc<AtomicI64>, dir: Option<tempfile::TempDir>) -> Self {
        let [app, other] = [1, 2].map(|n| AppId::new(EpochMs(1), entropy(n)));
        for (id, name) in [(app, "first"), (other, "second")] {
            store.create_app(an_app(id, name)).await.unwrap();
        }
        Self {
            store,
            app,
            other,
            clock,
            ids: AtomicU64::new(1_000),
            entropy: Arc::new(AtomicU64::new(1)),
            online: Arc::default(),
            messaging: Mutex::default(),
            _dir: dir,
        }
    }

    pub(crate) async fn strike(&self) {
        self.store.close().await;
    }

    pub(crate) fn set_clock(&self, now: i64) {
        self.clock.store(now, Ordering::SeqCst);
    }

    pub(crate) fn online(&self, rider: &str) {
        self.online.0.lock().unwrap().insert(rider.parse().unwrap());
    }

    pub(crate) fn offline(&self, rider: &str) {
        self.online.0.lock().unwrap().remove(&rider.parse().unwrap());
    }

    /// From now on consents to these templates are spent.
    pub(crate) fn messages_by(&self, templates: &[Template], wait_ms: i64) {
        let messaging = Messaging { templates: templates.to_vec(), wait_ms };
        *self.messaging.lock().unwrap() = Arc::new(messaging);
    }

    pub(crate) fn rider(&self, rider: &str) -> RiderKey {
        RiderKey { app: self.app, rider: rider.parse().unwrap() }
    }

    /// A real order.
    pub(crate) fn order(&self, order: &str) -> OrderKey {
        OrderKey { app: self.app, key_mode: KeyMode::Live, order: order.parse().unwrap() }
    }

    /// Ten bytes nobody had before.
    pub(crate) fn fresh(&self) -> [u8; 10] {
        entropy(self.ids.fetch_add(1, Ordering::SeqCst))
    }

    pub(crate) fn event(&self, told: &Told<'_>) -> NewEvent {
        self.event_of(self.app, told)
    }

    pub(crate) fn event_of(&self, app: AppId, told: &Told<'_>) -> NewEvent {
        let at = EpochMs(self.clock.load(Ordering::SeqCst));
        told.event(app, at, self.world(told.rules), &|| AlertId::new(at, self.fresh()))
    }

    pub(crate) fn world(&self, rules: Rules) -> World {
        let counter = Arc::clone(&self.entropy);
        World {
            rules,
            presence: Arc::clone(&self.online) as Arc<dyn Presence>,
            messaging: Arc::clone(&self.messaging.lock().unwrap()),
            entropy: Arc::new(move || entropy(counter.fetch_add(1, Ordering::SeqCst))),
        }
    }

    /// Accepts an event that must be new.
    pub(crate) async fn accept(&self, told: Told<'_>) -> Receipt {
        match self.store.accept(self.event(&told)).await.unwrap() {
            Accepted::New(receipt) => receipt,
            other => panic!("{other:?} is not new"),
        }
    }

    /// Accepts an event that speaks, without a sound as yet.
    pub(crate) async fn accept_mute(&self, told: Told<'_>) -> AlertId {
        own(&self.accept(told).await)
    }

    /// Accepts an event that speaks, and gives its alert a sound.
    pub(crate) async fn accept_aloud(&self, told: Told<'_>) -> AlertId {
        let id = self.accept_mute(told).await;
        assert!(self.store.mark_rendered(id, a_sound("clip"), EpochMs(110)).await.unwrap());
        id
    }

    /// Erases a rider, in slices of three rows.
    pub(crate) async fn erase(&self, rider: RiderKey, at: i64) -> Leaving {
        let erasure = Erasure {
            mark: mark_of(&rider),
            pseudonym: RiderId::pseudonym(self.fresh()),
            at: EpochMs(at),
            rider,
        };
        let mut leaving = self.store.delete_rider(erasure.clone()).await.unwrap();
        loop {
            let part = self.store.erase_traces(erasure.clone(), leaving.last_seq, 3).await.unwrap();
            leaving.traces += part.traces;
            if !part.more {
                return leaving;
            }
        }
    }

    /// Lets things age, in slices of three rows, until nothing goes any more.
    pub(crate) async fn age(&self, what: Aged, before: i64) -> Gone {
        let mut gone = Gone::default();
        loop {
            let slice = self.store.age(self.app, what, EpochMs(before), 3).await.unwrap();
            if slice.rows() == 0 {
                return gone;
            }
            gone.add_all(&slice);
        }
    }

    pub(crate) async fn progress(&self, rider: &str, alert: AlertId, change: Change, at: i64) -> Progressed {
        let progress = self.says(rider, alert, change, at);
        self.store.progress(vec![progress]).await.unwrap().remove(0).unwrap()
    }

    /// What a rider's session says.
    pub(crate) fn says(&self, rider: &str, alert: AlertId, change: Change, at: i64) -> Progress {
        Progress { rider: self.rider(rider), alert, change, at: EpochMs(at), settle_ms: rules().settle_ms }
    }

    /// The delivery of an alert to a rider.
    pub(crate) async fn delivery(&self, alert: AlertId, rider: &str) -> Delivery {
        let deliveries = self.record(alert).await.deliveries;
        deliveries.into_iter().find(|delivery| delivery.rider.as_str() == rider).unwrap()
    }

    pub(crate) async fn record(&self, alert: AlertId) -> AlertRecord {
        self.store.alert(self.app, alert).await.unwrap().unwrap()
    }

    pub(crate) async fn state(&self, alert: AlertId) -> AlertState {
        self.record(alert).await.alert.state
    }

    pub(crate) async fn open(&self, rider: &str) -> Vec<OpenDelivery> {
        self.store.open_deliveries(self.rider(rider), 100).await.unwrap()
    }
}

/// What is kept of a rider who is erased; a store does not know how it is made.
pub(crate) fn mark_of(rider: &RiderKey) -> [u8; 32] {
    let mut mark = [0; 32];
    for (place, byte) in rider.rider.as_str().bytes().enumerate() {
        mark[place % 32] ^= byte;
    }
    mark
}

/// Opens a SQLite store and drives its writer.
pub(crate) async fn open(options: SqliteOptions) -> Arc<SqliteStore> {
    let (store, writer) = SqliteStore::open(options).await.unwrap();
    drive(writer);
    store
}

#[expect(clippy::disallowed_methods, reason = "a test has no lifecycle; its runtime ends with it")]
pub(crate) fn drive<F>(future: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(future)
}

pub(crate) fn options(path: &Path) -> SqliteOptions {
    SqliteOptions::new(path, "epoch-1", Arc::new(|| EpochMs(100)))
}

fn now(clock: &Arc<AtomicI64>) -> Arc<dyn Fn() -> EpochMs + Send + Sync> {
    let clock = Arc::clone(clock);
    Arc::new(move || EpochMs(clock.load(Ordering::SeqCst)))
}

pub(crate) fn entropy(number: u64) -> [u8; 10] {
    let mut bytes = [0; 10];
    bytes[2..].copy_from_slice(&number.to_be_bytes());
    bytes
}

pub(crate) fn an_app(id: AppId, name: &str) -> App {
    App {
        id,
        name: name.to_owned(),
        lang: "zh-CN".to_owned(),
        secrets: vec![
            Secret::new(SecretKind::Rider, vec![0, 255], EpochMs(1)),
            Secret::new(SecretKind::Rider, vec![1, 2, 3], EpochMs(1)),
        ],
        limits: AppLimits::default(),
        created_at: EpochMs(1),
        settings: AppSettings::default(),
    }
}

pub(crate) fn a_sound(name: &str) -> Sound {
    Sound {
        path: format!("/audio/{name}.mp3"),
        fallback_path: "/audio/canned.mp3".to_owned(),
        mime: "audio/mpeg".to_owned(),
        bytes: 12_345,
        duration_ms: 48_000,
        tail_ms: 45_000,
        canned: false,
        recipe: None,
    }
}

/// A sound that says what its clip is made of.
pub(crate) fn made_of(name: &str, recipe: &str) -> Sound {
    Sound { recipe: Some(recipe.to_owned()), ..a_sound(name) }
}

pub(crate) fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(texts: &[&str]) -> Vec<T> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// The event's own alert.
pub(crate) fn own(receipt: &Receipt) -> AlertId {
    receipt.alerts[0].alert
}

/// The first deliveries of the event's own alert.
pub(crate) fn firsts(receipt: &Receipt) -> &[FirstDelivery] {
    &receipt.alerts[0].deliveries
}

pub(crate) fn names(receipt: &Receipt) -> Vec<&str> {
    firsts(receipt).iter().map(|delivery| delivery.rider.as_str()).collect()
}

pub(crate) fn ended(stage: &Stage, rider: &str, alert: AlertId, reason: EndReason) -> Ended {
    Ended { rider: stage.rider(rider), alert, key_mode: KeyMode::Live, reason }
}
