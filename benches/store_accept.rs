//! How many events a second the SQLite store keeps durably, beside what the same path to the same disk could do.
//! `cargo bench --bench store_accept`, or `--profile release` for a quicker build; `TMPDIR` chooses the disk.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench stops at the first surprise and prints"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use orderbell::domain::app::{App, AppLimits, KeyMode};
use orderbell::domain::kind::OrderPolicy;
use orderbell::domain::order::Stamp;
use orderbell::domain::settings::{Quiet, Rules};
use orderbell::domain::target::DutyRule;
use orderbell::domain::{
    Alert, AlertId, AppId, AppSettings, EpochMs, Head, OrderId, Presence, Repeat, RiderId, Target, Urgency,
};
use orderbell::store::sqlite::{SqliteOptions, SqliteStore};
use orderbell::store::{Accepted, AppStore, NewEvent, Store, World};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::task::JoinSet;

const CALLERS: [u64; 4] = [1, 16, 64, 256];
const SPAN: Duration = Duration::from_secs(3);
const RIDERS: u64 = 10_000;

struct Nobody;

impl Presence for Nobody {
    fn is_online(&self, _app: AppId, _rider: &RiderId) -> bool {
        false
    }

    fn is_audible(&self, _app: AppId, _rider: &RiderId) -> bool {
        false
    }
}

/// Whether events are about orders, as almost all are, and take the place of older ones.
#[derive(Clone, Copy)]
enum About {
    Orders,
    Nothing,
}

fn main() {
    let threads = std::env::var("BENCH_THREADS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap();
    runtime.block_on(async {
        println!("runtime threads {threads}, {} s a line", SPAN.as_secs());
        println!("one accept = 1 event, 1 rider updated, 1 alert, 1 delivery; 4 rows and their indexes");
        println!("about orders: 1 order as well, and a look at what the rider has open");
        for callers in CALLERS {
            let dir = tempfile::tempdir().unwrap();
            let floor = floor(dir.path(), callers).await;
            let plain = accepts(dir.path(), callers, About::Nothing).await;
            let dir = tempfile::tempdir().unwrap();
            let accepts = accepts(dir.path(), callers, About::Orders).await;
            println!(
                "callers {callers:>3}: {accepts} accepts about orders | {plain} about nothing | floor, {callers} tiny rows a commit: {floor} rows | {:.2}x",
                accepts.rate / floor.rate
            );
        }
        broadcast().await;
    });
}

struct Figures {
    rate: f64,
    p50_us: f64,
    p99_us: f64,
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:>6.0}/s p50 {:>6.0} us p99 {:>6.0} us", self.rate, self.p50_us, self.p99_us)
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn figures(mut laps: Vec<Duration>, took: Duration) -> Figures {
    laps.sort_unstable();
    let at = |share: usize| laps.get(laps.len() * share / 100).map_or(0.0, |lap| lap.as_secs_f64() * 1e6);
    Figures { rate: laps.len() as f64 / took.as_secs_f64(), p50_us: at(50), p99_us: at(99) }
}

/// The same driver, the same settings, one table; `batch` rows a commit, as if all callers shared each.
async fn floor(dir: &Path, batch: u64) -> Figures {
    let mut db: SqliteConnection = SqliteConnectOptions::new()
        .filename(dir.join("floor.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging()
        .connect()
        .await
        .unwrap();
    sqlx::query("CREATE TABLE tiny (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
        .execute(&mut db)
        .await
        .unwrap();
    let (begun, mut laps) = (Instant::now(), Vec::new());
    while begun.elapsed() < SPAN {
        let lap = Instant::now();
        sqlx::query("BEGIN IMMEDIATE").execute(&mut db).await.unwrap();
        for _ in 0..batch {
            sqlx::query("INSERT INTO tiny (text) VALUES ($1)").bind("a row").execute(&mut db).await.unwrap();
        }
        sqlx::query("COMMIT").execute(&mut db).await.unwrap();
        laps.extend((0..batch).map(|_| lap.elapsed()));
    }
    figures(laps, begun.elapsed())
}

#[expect(clippy::disallowed_methods, reason = "a bench has no lifecycle")]
async fn store(dir: &Path) -> (Arc<SqliteStore>, AppId) {
    let options = SqliteOptions::new(dir.join("store.db"), "bench", Arc::new(|| EpochMs(1)));
    let (store, writer) = SqliteStore::open(options).await.unwrap();
    tokio::spawn(writer);
    let app = App {
        id: AppId::new(EpochMs(1), [1; 10]),
        name: "bench".to_owned(),
        lang: "zh-CN".to_owned(),
        secrets: Vec::new(),
        limits: AppLimits::default(),
        created_at: EpochMs(1),
        settings: AppSettings::default(),
    };
    let id = app.id;
    store.create_app(app).await.unwrap();
    let riders = (0..RIDERS).map(|n| format!("rider-{n}").parse().unwrap()).collect();
    store.put_group(id, "city".parse().unwrap(), riders).await.unwrap();
    (store, id)
}

async fn accepts(dir: &Path, callers: u64, about: About) -> Figures {
    let (store, app) = store(dir).await;
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let mut laps = Vec::new();
            for n in 0.. {
                if begun.elapsed() >= SPAN {
                    break;
                }
                let rider = format!("rider-{}", (caller * 7919 + n) % RIDERS);
                let event = event(app, (caller << 40) | n, to(&[&rider], &[]), about);
                let lap = Instant::now();
                assert!(matches!(store.accept(event).await.unwrap(), Accepted::New(_)));
                laps.push(lap.elapsed());
            }
            laps
        });
    }
    let mut laps = Vec::new();
    while let Some(one) = tasks.join_next().await {
        laps.extend(one.unwrap());
    }
    let figures = figures(laps, begun.elapsed());
    store.close().await;
    figures
}

async fn broadcast() {
    let dir = tempfile::tempdir().unwrap();
    let (store, app) = store(dir.path()).await;
    for round in 0..3 {
        let lap = Instant::now();
        let event = event(app, round, to(&[], &["city"]), About::Nothing);
        let accepted = store.accept(event.clone()).await.unwrap();
        let took = lap.elapsed();
        let Accepted::New(receipt) = accepted else { return };
        let alert = receipt.alerts[0].alert;
        let (mut told, mut parts) = (0, Vec::new());
        loop {
            let lap = Instant::now();
            let (policy, world) = (event.policy.clone(), event.world.clone());
            let part = store.unroll(alert, 500, policy, world, EpochMs(1)).await.unwrap();
            parts.push(lap.elapsed().as_millis());
            told += part.riders.len();
            if !part.more {
                break;
            }
        }
        let lap = Instant::now();
        store.cancel_alert(app, alert, EpochMs(2)).await.unwrap();
        println!(
            "one event to {told} riders: accepted in {} ms, told in {} parts of {} ms at most, cancelled in {} ms",
            took.as_millis(),
            parts.len(),
            parts.iter().max().unwrap(),
            lap.elapsed().as_millis()
        );
    }
    store.close().await;
}

fn to(riders: &[&str], groups: &[&str]) -> Target {
    Target {
        riders: riders.iter().map(|rider| rider.parse().unwrap()).collect(),
        groups: groups.iter().map(|group| group.parse().unwrap()).collect(),
        broadcast: false,
        exclude: Vec::new(),
        duty: DutyRule::OnDutyOnly,
    }
}

fn entropy() -> [u8; 10] {
    static COUNTER: AtomicU64 = AtomicU64::new(1);
    let mut bytes = [0; 10];
    bytes[2..].copy_from_slice(&COUNTER.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    bytes
}

fn event(app: AppId, number: u64, target: Target, about: About) -> NewEvent {
    let order = format!("order-{number}");
    let (order_id, collapse_key): (Option<OrderId>, _) = match about {
        About::Orders => (order.parse().ok(), Some(format!("order:{order}:order.new"))),
        About::Nothing => (None, None),
    };
    let head = Head {
        order_id: order_id.clone(),
        urgency: Urgency::High,
        duty: target.duty,
        collapse_key,
        ..Head::notice(AlertId::new(EpochMs(1), entropy()), app, "order.new", EpochMs(1), EpochMs(600_000))
    };
    let alert = Alert {
        head,
        event_id: format!("{order}-created").parse().unwrap(),
        version: Some(1),
        interrupt: false,
        repeat: Repeat { count: 2, gap_ms: 5_000 },
        lang: "zh-CN".to_owned(),
        title: "新订单".to_owned(),
        text: "您有新的订单，请及时处理".to_owned(),
        said: "您有新的订单，请及时处理".into(),
        card: r#"{"short_no":"12","merchant":"川味小馆","area":"望京","distance_m":1800,"fee_cents":650}"#
            .to_owned(),
        ext: "{}".to_owned(),
        trace_id: format!("trace-{number}"),
        callback_url: None,
        jitter_ms: 0,
        stored_at: EpochMs(1),
        rendered_at: None,
        sound: None,
    };
    NewEvent {
        app,
        key_mode: KeyMode::Live,
        source: "backend".to_owned(),
        id: alert.event_id.clone(),
        body_hash: [7; 32],
        kind: alert.kind.clone(),
        policy: OrderPolicy::default(),
        order_id,
        stamp: Stamp { version: Some(1), occurred_at: None },
        previous_rider: None,
        target,
        trace_id: format!("trace-{number}"),
        received_at: EpochMs(1),
        alert: Some(alert),
        away: None,
        schedule: None,
        world: World { rules: RULES, presence: Arc::new(Nobody), entropy: Arc::new(entropy) },
    }
}

const RULES: Rules = Rules {
    alerts_per_minute: 0,
    quiet: Quiet::No,
    merge_ms: 0,
    tombstone_ms: 600_000,
    settle_ms: 30_000,
    unresponsive_after: 3,
};
