//! Many seeds, one after another, on one core, and a crash at every step of a small world. `SEEDS` says how many (default
//! 2000), `FROM` where to begin; `SEED` plays one seed, `STEP` one step, and prints its trace; `GUARD=resend`, `step`,
//! `winner`, `tombstone`, `test` or `frames` takes that guard away. The last line is `violations N`.

#![expect(clippy::print_stdout, reason = "a test program reports to its caller")]
#![expect(clippy::unwrap_used, reason = "a simulation that cannot go on has found something")]

#[path = "simulation.rs"]
mod simulation;

use std::process::ExitCode;
use std::time::Instant;

use orderbell::domain::book;
use simulation::figures::Figures;
use simulation::plan::Plan;
use simulation::store::CrashAt;
use simulation::{Guard, play};

/// What the caller wants.
struct Asked {
    guard: Guard,
    seeds: std::ops::Range<u64>,
    steps: std::ops::Range<u64>,
    traces: bool,
}

fn main() -> ExitCode {
    let asked = asked();
    let began = Instant::now();
    let mut figures = Figures::default();
    let mut play = |name: &str, seed: u64, plan: Plan| {
        let seen = play(seed, plan, asked.guard);
        if asked.traces {
            print!("{}", seen.trace());
        }
        for (how, what) in &seen.broken {
            println!("{name}: {how:?}: {what}");
        }
        figures.add(&seen);
        seen.store_calls
    };
    for seed in asked.seeds {
        play(&format!("SEED={seed}"), seed, Plan::of(seed));
    }
    for step in asked.steps {
        let calls = play(&format!("STEP={step} (before)"), 0, Plan::with_crash(CrashAt::Before(step)));
        play(&format!("STEP={step} (after)"), 0, Plan::with_crash(CrashAt::After(step)));
        // The world has ended before it came to this step: there are no more.
        if calls < step {
            break;
        }
    }
    println!("{}", figures.told(began.elapsed()));
    println!("violations {}", figures.violations());
    if figures.violations() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn asked() -> Asked {
    let said = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let number = |name: &str| said(name).map(|text| text.parse::<u64>().unwrap());
    let guard = said("GUARD").map_or(Guard::All, |word| without(&word));
    let from = number("FROM").unwrap_or_default();
    let (seeds, steps) = match (number("SEED"), number("STEP")) {
        (Some(seed), _) => (seed..seed + 1, 0..0),
        (None, Some(step)) => (0..0, step..step + 1),
        (None, None) => (from..from + number("SEEDS").unwrap_or(2_000), 1..u64::MAX),
    };
    let traces = number("SEED").or(number("STEP")).is_some();
    Asked { guard, seeds, steps, traces }
}

/// Everything but the guard with this name.
fn without(word: &str) -> Guard {
    let guards = [
        ("resend", Guard::WithoutResend),
        ("step", Guard::Without(&[book::Guard::StepOnce])),
        ("winner", Guard::Without(&[book::Guard::OneWinner])),
        ("tombstone", Guard::Without(&[book::Guard::Tombstone])),
        ("test", Guard::Without(&[book::Guard::TestMode])),
        ("frames", Guard::Without(&[book::Guard::TestMode, book::Guard::TestFrames])),
    ];
    guards.into_iter().find(|(name, _)| *name == word).unwrap().1
}
