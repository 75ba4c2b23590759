//! Kills the real server with SIGKILL at random moments under load, and asks afterwards whether it kept its word:
//! whatever it said yes to is stored once, reached its rider, and ended. `KILLS` says how often (default 12).

#![expect(clippy::print_stdout, reason = "a test program reports to its caller")]

#[path = "kill/backend.rs"]
mod backend;
#[path = "kill/history.rs"]
mod history;
#[path = "kill/rider.rs"]
mod rider;
#[path = "kill/server.rs"]
mod server;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use history::History;
use orderbell::clock::random_bytes;
use server::Server;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Backends that post at the same time.
const BACKENDS: usize = 4;
/// Riders that listen.
const RIDERS: usize = 8;
/// A life of the server is at least this long, and at most this plus the spread.
const LIFE_MIN: Duration = Duration::from_millis(150);
const LIFE_SPREAD: Duration = Duration::from_millis(900);
/// Limit for the riders to hear all that is left when nobody kills any more.
const DRAIN_LIMIT: Duration = Duration::from_mins(2);

fn main() -> anyhow::Result<ExitCode> {
    let kills = std::env::var("KILLS").unwrap_or_else(|_| "12".to_owned()).parse().context("KILLS")?;
    tokio::runtime::Runtime::new()?.block_on(run(kills))
}

async fn run(kills: usize) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let folder = tempfile::tempdir()?;
    let database = folder.path().join("orderbell.db");
    let mut server = Server::start(folder.path()).await?;
    let key = server.command(&["keys", "create", "--name", "kill", "--scopes", "ingest,read"]).await?;
    let history = Arc::new(History::default());
    let (posting, listening) = (CancellationToken::new(), CancellationToken::new());
    let mut backends = JoinSet::new();
    for number in 0..BACKENDS {
        let backend = backend::Backend::new(number, server.address, &key, Arc::clone(&history))?;
        backends.spawn(backend.run(posting.clone()));
    }
    let mut riders = JoinSet::new();
    for number in 0..RIDERS {
        let name = rider_name(number);
        let token = server.command(&["token", "--rider", &name]).await?;
        let rider = rider::Rider::new(name, token, server.address, Arc::clone(&history));
        riders.spawn(rider.run(listening.clone()));
    }
    for _ in 0..kills {
        tokio::time::sleep(a_life()).await;
        server.kill().await?;
        server = server.restart().await?;
    }
    posting.cancel();
    backends.join_all().await.into_iter().collect::<anyhow::Result<()>>()?;
    drain(&database).await?;
    listening.cancel();
    riders.join_all().await.into_iter().collect::<anyhow::Result<()>>()?;
    server.stop().await?;
    let verdict = history.judge(&database).await?;
    println!("figures: {} s, {kills} kills, {verdict}", began.elapsed().as_secs());
    for fault in verdict.faults.iter().take(20) {
        println!("FAILED  {fault}");
    }
    let passed = verdict.checks - verdict.faults.len().min(verdict.checks);
    println!("{passed} passed, {} failed", verdict.faults.len());
    Ok(if verdict.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn rider_name(number: usize) -> String {
    format!("r_kill{number}")
}

/// The random moment of a kill.
fn a_life() -> Duration {
    LIFE_MIN + LIFE_SPREAD.mul_f64(f64::from(u16::from_be_bytes(random_bytes())) / f64::from(u16::MAX))
}

/// Waits until every delivery has ended.
async fn drain(database: &Path) -> anyhow::Result<()> {
    let end = Instant::now() + DRAIN_LIMIT;
    loop {
        let open = History::open_deliveries(database).await?;
        if open == 0 {
            return Ok(());
        }
        anyhow::ensure!(Instant::now() < end, "{open} deliveries have not ended");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
