//! The stage of a story: a fresh store, a clock set by hand, riders who are online, and short ways to say things.
//! Ids and entropy come from counters, so that two stages tell the same story in the same words.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use orderbell::domain::alert::Sound;
use orderbell::domain::app::App;
use orderbell::domain::delivery::Change;
use orderbell::domain::target::DutyRule;
use orderbell::domain::{
    Alert, AlertId, AlertState, AppId, EpochMs, Need, Presence, Repeat, RiderId, RiderKey, Target, Urgency,
};
use orderbell::store::model::ModelStore;
use orderbell::store::sqlite::{SqliteOptions, SqliteStore};
use orderbell::store::{
    Accepted, AlertRecord, NewAlert, NewEvent, OpenDelivery, Progress, Progressed, Receipt, Store,
};

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
    _dir: Option<tempfile::TempDir>,
}

#[derive(Default)]
struct Online(Mutex<BTreeSet<RiderId>>);

impl Presence for Online {
    fn is_online(&self, _app: AppId, rider: &RiderId) -> bool {
        self.0.lock().unwrap().contains(rider)
    }
}

/// An event in few words.
#[derive(Clone)]
pub(crate) struct Told<'a> {
    pub(crate) id: &'a str,
    pub(crate) source: &'a str,
    pub(crate) body: u8,
    pub(crate) silent: Silent,
    pub(crate) order: Option<&'a str>,
    pub(crate) riders: &'a [&'a str],
    pub(crate) groups: &'a [&'a str],
    pub(crate) exclude: &'a [&'a str],
    pub(crate) everyone: Everyone,
    pub(crate) duty: DutyRule,
    pub(crate) urgency: Urgency,
    pub(crate) need: Need,
    pub(crate) expires_at: i64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Silent {
    Yes,
    No,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Everyone {
    Yes,
    No,
}

impl Default for Told<'_> {
    fn default() -> Self {
        Self {
            id: "e1",
            source: "backend",
            body: 1,
            silent: Silent::No,
            order: None,
            riders: &[],
            groups: &[],
            exclude: &[],
            everyone: Everyone::No,
            duty: DutyRule::OnDutyOnly,
            urgency: Urgency::Normal,
            need: Need::None,
            expires_at: 1_000_000,
        }
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

    pub(crate) fn rider(&self, rider: &str) -> RiderKey {
        RiderKey { app: self.app, rider: rider.parse().unwrap() }
    }

    /// Ten bytes nobody had before.
    pub(crate) fn fresh(&self) -> [u8; 10] {
        entropy(self.ids.fetch_add(1, Ordering::SeqCst))
    }

    pub(crate) fn event(&self, told: &Told<'_>) -> NewEvent {
        self.event_of(self.app, told)
    }

    pub(crate) fn event_of(&self, app: AppId, told: &Told<'_>) -> NewEvent {
        let received_at = EpochMs(self.clock.load(Ordering::SeqCst));
        let counter = Arc::clone(&self.entropy);
        let alert = (told.silent == Silent::No).then(|| NewAlert {
            alert: self.alert_of(app, told, received_at),
            target: Target {
                riders: parsed(told.riders),
                groups: parsed(told.groups),
                broadcast: told.everyone == Everyone::Yes,
                exclude: parsed(told.exclude),
                duty: told.duty,
            },
            entropy: Arc::new(move || entropy(counter.fetch_add(1, Ordering::SeqCst))),
            presence: Arc::clone(&self.online) as Arc<dyn Presence>,
        });
        NewEvent {
            app,
            source: told.source.to_owned(),
            id: told.id.parse().unwrap(),
            body_hash: [told.body; 32],
            kind: "order.new".to_owned(),
            order_id: told.order.map(|order| order.parse().unwrap()),
            trace_id: format!("trace-{}", told.id),
            received_at,
            alert,
        }
    }

    fn alert_of(&self, app: AppId, told: &Told<'_>, created_at: EpochMs) -> Alert {
        Alert {
            id: AlertId::new(created_at, self.fresh()),
            app,
            event_id: told.id.parse().unwrap(),
            order_id: told.order.map(|order| order.parse().unwrap()),
            version: Some(7),
            kind: "order.new".to_owned(),
            urgency: told.urgency,
            interrupt: told.urgency == Urgency::Critical,
            repeat: Repeat { count: 3, gap_ms: 5_000 },
            need: told.need,
            duty: told.duty,
            lang: "zh-CN".to_owned(),
            title: "新订单".to_owned(),
            text: "it's new; --".to_owned(),
            said: "您有新的订单".to_owned(),
            card: r#"{"short_no":"12"}"#.to_owned(),
            ext: "{}".to_owned(),
            trace_id: format!("trace-{}", told.id),
            created_at,
            stored_at: EpochMs(0),
            expires_at: EpochMs(told.expires_at),
            rendered_at: None,
            sound: None,
            state: AlertState::Active,
            ended_at: None,
        }
    }

    /// Accepts an event that must be new.
    pub(crate) async fn accept(&self, told: Told<'_>) -> Receipt {
        match self.store.accept(self.event(&told)).await.unwrap() {
            Accepted::New(receipt) => receipt,
            other => panic!("{other:?} is not new"),
        }
    }

    /// Accepts an event that speaks, and gives its alert a sound.
    pub(crate) async fn accept_aloud(&self, told: Told<'_>) -> AlertId {
        let id = self.accept(told).await.alert.unwrap();
        assert!(self.store.mark_rendered(id, a_sound("clip"), EpochMs(110)).await.unwrap());
        id
    }

    pub(crate) async fn progress(&self, rider: &str, alert: AlertId, change: Change, at: i64) -> Progressed {
        let progress = Progress { rider: self.rider(rider), alert, change, at: EpochMs(at) };
        self.store.progress(vec![progress]).await.unwrap().remove(0).unwrap()
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
        utc_offset_s: 28_800,
        rider_secrets: vec![vec![1, 2, 3], vec![0, 255]],
        created_at: EpochMs(1),
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
    }
}

pub(crate) fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(texts: &[&str]) -> Vec<T> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

pub(crate) fn names(receipt: &Receipt) -> Vec<&str> {
    receipt.deliveries.iter().map(|delivery| delivery.rider.as_str()).collect()
}
