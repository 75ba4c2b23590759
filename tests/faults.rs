//! The real binary under faults from outside, with backends and riders on real sockets: everything they see goes into
//! one history, and one checker judges it. `FAULT` names one run (kill, sigstop, disk, locked, half-open, database; default all),
//! `ROUNDS` how often it strikes, `FAULT_SECONDS` how long it goes on at least, `SEED` its plans and moments.

#![expect(clippy::print_stdout, reason = "a test program reports to its caller")]

#[path = "faults/backend.rs"]
mod backend;
#[path = "faults/checker.rs"]
mod checker;
#[path = "faults/database.rs"]
mod database;
#[path = "faults/dice.rs"]
mod dice;
#[path = "faults/disk.rs"]
mod disk;
#[path = "faults/history.rs"]
mod history;
#[path = "faults/lock.rs"]
mod lock;
#[path = "faults/op.rs"]
mod op;
#[path = "faults/plan.rs"]
mod plan;
#[expect(dead_code, reason = "others need more of it")]
#[path = "support/postgres.rs"]
mod postgres;
#[path = "faults/proxy.rs"]
mod proxy;
#[path = "faults/record.rs"]
mod record;
#[path = "faults/rider.rs"]
mod rider;
#[path = "faults/server.rs"]
mod server;
#[path = "faults/stage.rs"]
mod stage;
#[path = "faults/strike.rs"]
mod strike;
#[path = "faults/verdict.rs"]
mod verdict;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use dice::Dice;
use orderbell::clock::random_bytes;
use stage::{Return, Stage};
use strike::Fault;
use verdict::{Verdict, Wrong};

/// How long and how often.
#[derive(Clone, Copy)]
struct Extent {
    rounds: Option<usize>,
    at_least: Duration,
    seed: u64,
}

/// Findings that are printed; the rest is in the history.
const FINDINGS_SHOWN: usize = 20;

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|role| role == lock::ROLE) {
        let database = arguments.next().context("no database to hold")?;
        tokio::runtime::Runtime::new()?.block_on(lock::hold(Path::new(&database)))?;
        return Ok(ExitCode::SUCCESS);
    }
    let faults = chosen(setting("FAULT").as_deref().unwrap_or("all"))?;
    if faults.contains(&Fault::Disk) {
        disk::enter_namespace()?;
    }
    let extent = Extent {
        rounds: number("ROUNDS")?.map(usize::try_from).transpose()?,
        at_least: Duration::from_secs(number("FAULT_SECONDS")?.unwrap_or(0)),
        seed: number("SEED")?.unwrap_or_else(|| u64::from(u32::from_be_bytes(random_bytes()))),
    };
    tokio::runtime::Runtime::new()?.block_on(run_all(&faults, extent))
}

fn chosen(name: &str) -> anyhow::Result<Vec<Fault>> {
    if name == "all" {
        return Ok(Fault::ALL.to_vec());
    }
    let fault = Fault::ALL.into_iter().find(|fault| fault.name() == name);
    Ok(vec![fault.with_context(|| format!("FAULT is all or one of {:?}", Fault::ALL.map(Fault::name)))?])
}

/// A variable that says something.
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn number(name: &str) -> anyhow::Result<Option<u64>> {
    setting(name).map(|value| value.parse().with_context(|| format!("{name} is a number"))).transpose()
}

async fn run_all(faults: &[Fault], extent: Extent) -> anyhow::Result<ExitCode> {
    let (mut passed, mut failed) = (0, 0);
    for fault in faults {
        match run(*fault, extent).await {
            Ok(wrong) => {
                // Each kind of wrong is one thing to hold, and to have seen the fault at all is one more.
                failed += wrong;
                passed += Wrong::ALL.len() + 1 - wrong;
            }
            Err(error) => {
                println!("FAILED  {}: {error:#}", fault.name());
                failed += 1;
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One fault, from an empty folder to the judgement; how many things did not hold.
async fn run(fault: Fault, extent: Extent) -> anyhow::Result<usize> {
    let began = Instant::now();
    let name = fault.name();
    let kept = |kind: &str| Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("faults-{name}.{kind}"));
    let (log, file) = (kept("log"), kept("ndjson"));
    let mut stage = Stage::open(extent.seed, fault.ground(), &log).await?;
    let mut dice = Dice::new(extent.seed, name);
    let mut round = 0;
    while round < extent.rounds.unwrap_or(fault.rounds()) || began.elapsed() < extent.at_least {
        if let Err(error) = fault.strike(&mut stage, round, &mut dice).await {
            println!("{}", server::log_tail(&log));
            return Err(error.context(format!("round {round} of seed {}", extent.seed)));
        }
        round += 1;
    }
    let (gave_up, slowest_s) = (stage.gave_up, stage.slowest.as_secs_f32());
    let (riders, returns) = (stage.rider_count(), std::mem::take(&mut stage.returns));
    let history = std::sync::Arc::clone(&stage.history);
    let settled = stage.settle().await;
    history.write(&file)?;
    let commits = match fault.ground() {
        strike::Ground::Folder(_) => checker::Commits::OneByOne,
        strike::Ground::Database => checker::Commits::SideBySide,
    };
    let settled = settled.with_context(|| format!("seed {}, {}", extent.seed, file.display()))?;
    let verdict = checker::judge(&settled, commits);
    let spent_s = began.elapsed().as_secs();
    println!(
        "faults: {name}: {verdict}, {round} strikes in {spent_s} s, flowing again after {slowest_s:.1} s at most, \
         ended by itself {gave_up} times, seed {}",
        extent.seed
    );
    tell_returns(name, &returns);
    let unseen = fault.unseen(&verdict.figures, riders);
    if let Some(unseen) = unseen {
        println!("FAILED  {name}: {unseen}");
    }
    tell(&verdict, name, &file);
    Ok(verdict.kinds_found() + usize::from(unseen.is_some()))
}

/// How soon it went on, counted from the moment at which the database answers again.
fn tell_returns(name: &str, returns: &[Return]) {
    let of = |soon: fn(&Return) -> Duration| {
        let mut all: Vec<Duration> = returns.iter().map(soon).collect();
        all.sort_unstable();
        Some((all.get(all.len() / 2)?.as_secs_f32(), all.last()?.as_secs_f32()))
    };
    if let (Some((accepted, accepted_at_most)), Some((heard, heard_at_most))) =
        (of(|back| back.accepted), of(|back| back.heard))
    {
        println!(
            "faults: {name}: after each return an event was accepted within {accepted:.2} s (at most \
             {accepted_at_most:.2}), an alert at a rider within {heard:.2} s (at most {heard_at_most:.2})"
        );
    }
}

fn tell(verdict: &Verdict, name: &str, history: &Path) {
    for finding in verdict.findings.iter().take(FINDINGS_SHOWN) {
        println!("FAILED  {name}: {:?}: {}", finding.wrong, finding.what);
    }
    if !verdict.findings.is_empty() {
        println!("the history is in {}, the log beside it", history.display());
    }
}
