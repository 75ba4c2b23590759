//! What ten million stored deliveries cost the hot path: the same calls on a small store and on a large one, in one run.
//! `cargo bench --profile release --bench growth -- --store sqlite --deliveries 10000000`; docs/benchmarks.md tells more.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench stops at the first surprise and prints"
)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use clap::{Parser, ValueEnum};
use orderbell::domain::EpochMs;

use self::database::Database;
use self::figures::{Laps, Rounds};
use self::measure::{Measure, Side};

#[path = "growth/database.rs"]
mod database;
#[path = "riders/figures.rs"]
mod figures;
#[path = "growth/fill.rs"]
mod fill;
#[path = "growth/measure.rs"]
mod measure;
#[path = "growth/multiply.rs"]
mod multiply;
#[path = "store/orders.rs"]
mod orders;
#[expect(dead_code, reason = "others need more of it")]
#[path = "../tests/support/postgres.rs"]
mod postgres;

/// What growth may cost, and what it should: the p50 of the large store over that of the small one.
const MUST: f64 = 1.5;
const GOAL: f64 = 1.1;

#[derive(Parser)]
struct Arguments {
    /// Which store.
    #[arg(long, default_value = "sqlite")]
    store: Kind,
    /// Deliveries of the large store.
    #[arg(long, default_value_t = 1_000_000)]
    deliveries: u64,
    /// Deliveries of the small store.
    #[arg(long, default_value_t = 10_000)]
    against: u64,
    /// Rounds; each takes both stores in turn.
    #[arg(long, default_value_t = 20)]
    rounds: u32,
    /// Where the databases are made; they are removed afterwards. Needs 1.2 GB for a million deliveries.
    #[arg(long)]
    data: Option<PathBuf>,
    /// What cargo tells every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Sqlite,
    Postgres,
}

/// Reads the clock of a store.
pub(crate) type Now = Arc<dyn Fn() -> EpochMs + Send + Sync>;

/// The clock that a store goes by: the machine's, when it was last set.
#[derive(Clone, Default)]
pub(crate) struct Clock(Arc<AtomicI64>);

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "a bench has no other clock")]
    pub(crate) fn set_to_real(&self) -> EpochMs {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        self.0.store(i64::try_from(now.as_millis()).unwrap(), Ordering::SeqCst);
        EpochMs(self.0.load(Ordering::SeqCst))
    }

    pub(crate) fn now(&self) -> Now {
        let clock = Arc::clone(&self.0);
        Arc::new(move || EpochMs(clock.load(Ordering::SeqCst)))
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(bench(&arguments))
}

async fn bench(arguments: &Arguments) -> ExitCode {
    let folder = match &arguments.data {
        Some(folder) => tempfile::tempdir_in(folder).unwrap(),
        None => tempfile::tempdir().unwrap(),
    };
    let (mut sides, mut server) = (Vec::new(), None);
    for deliveries in [arguments.against, arguments.deliveries] {
        let folder = folder.path().join(deliveries.to_string());
        std::fs::create_dir_all(&folder).unwrap();
        let database = match arguments.store {
            Kind::Sqlite => Database::in_folder(&folder),
            Kind::Postgres => Database::Postgres(server.get_or_insert_with(start).blank().await),
        };
        let clock = Clock::default();
        let filled = fill::fill(&database, deliveries, &clock).await;
        let store = database.store(clock.now()).await;
        sides.push(Side::new(store, filled, deliveries, clock));
    }
    let [small, large] = &mut sides[..] else { panic!("two stores are compared") };
    let mut results: Vec<Compared> = Measure::ALL.into_iter().map(Compared::new).collect();
    for round in 0..arguments.rounds {
        for result in &mut results {
            // In turns, so that being first is nobody's advantage.
            let (first, second) =
                if round % 2 == 0 { (&mut *small, &mut *large) } else { (&mut *large, &mut *small) };
            let laps = (first.run(result.measure).await, second.run(result.measure).await);
            let (of_small, of_large) = if round % 2 == 0 { laps } else { (laps.1, laps.0) };
            result.note(of_small, of_large);
        }
    }
    println!(
        "\ncalls, us a call: p50 and p99 of {} | of {} | p50 over p50, the median of {} rounds",
        small.name, large.name, arguments.rounds
    );
    let worst = results.iter_mut().map(Compared::print).fold(0.0, f64::max);
    let (read, took) = large.day().await;
    println!("{}: a day of one app, {read} outcomes, is read in {} ms", large.name, took.as_millis());
    for side in [small, large] {
        side.store.close().await;
    }
    println!("growth: worst p50 {worst:.2}x; must {MUST}x, goal {GOAL}x");
    if worst > MUST { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// A server of this run, as durable as servers are.
fn start() -> postgres::Server {
    tokio::task::block_in_place(|| postgres::Server::start(postgres::Durability::Durable))
}

/// A measure of both stores.
struct Compared {
    measure: Measure,
    small: (Laps, Rounds),
    large: (Laps, Rounds),
}

impl Compared {
    fn new(measure: Measure) -> Self {
        Self { measure, small: Default::default(), large: Default::default() }
    }

    fn note(&mut self, small: Laps, large: Laps) {
        for (side, mut laps) in [(&mut self.small, small), (&mut self.large, large)] {
            side.1.push(laps.quantile(500));
            side.0.append(laps);
        }
    }

    /// Prints a line and returns the ratio.
    fn print(&mut self) -> f64 {
        let ratio = self.large.1.median_over(&self.small.1);
        let [small, large] =
            [&mut self.small.0, &mut self.large.0].map(|laps| (laps.quantile(500), laps.quantile(990)));
        println!(
            "{:<32} {:>7} {:>7.0} {:>8.0} | {:>7.0} {:>8.0} | {ratio:>5.2}x{}",
            self.measure.name(),
            self.large.0.len(),
            small.0,
            small.1,
            large.0,
            large.1,
            if ratio > MUST { "  MISSED" } else { "" }
        );
        ratio
    }
}
