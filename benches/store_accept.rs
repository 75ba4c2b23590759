//! How many events a second the SQLite store keeps durably, beside what the same path to the same disk could do.
//! `cargo bench --bench store_accept`, or `--profile release` for a quicker build; `TMPDIR` chooses the disk.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench stops at the first surprise and prints"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use orderbell::domain::{AppId, EpochMs};
use orderbell::store::sqlite::{SqliteOptions, SqliteStore};
use orderbell::store::{Accepted, AppStore, Store};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::task::JoinSet;

use self::orders::{About, an_app, event, to};

#[path = "store/orders.rs"]
mod orders;

const CALLERS: [u64; 4] = [1, 16, 64, 256];
const SPAN: Duration = Duration::from_secs(3);
const RIDERS: u64 = 10_000;

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
    let app = an_app(1);
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
                let order = format!("order-{}", (caller << 40) | n);
                let event = event(app, &order, EpochMs(1), to(&[&rider], &[]), about);
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
        let order = format!("order-{round}");
        let event = event(app, &order, EpochMs(1), to(&[], &["city"]), About::Nothing);
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
