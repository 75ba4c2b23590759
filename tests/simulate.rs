//! Dispatch and its sessions under simulation: thousands of worlds in which frames get lost and servers crash, each of
//! them the same again for the same seed. `make simulate` plays more; the oracle is shown to bite.

#![expect(clippy::unwrap_used, reason = "a simulation that cannot go on has found something")]

#[path = "simulate/simulation.rs"]
mod simulation;

use std::time::Instant;

use orderbell::domain::book;
use simulation::figures::Figures;
use simulation::ledger::Broken;
use simulation::plan::Plan;
use simulation::store::CrashAt;
use simulation::{Guard, play};

/// Worlds in one run of the tests; `make simulate` plays as many as it is told.
const SEEDS: u64 = 60;
/// Worlds in which a missing guard must show at least once. The rarest shows in three to four of four hundred, so that
/// a thousand leave room for worlds that change; counted in worlds, since seconds depend on the machine.
const UNGUARDED: u64 = 1_000;

#[test]
fn no_promise_is_broken_in_any_world() {
    let began = Instant::now();
    let mut figures = Figures::default();
    for seed in 0..SEEDS {
        let seen = play(seed, Plan::of(seed), Guard::All);
        assert!(seen.broken.is_empty(), "SEED={seed} make simulate: {:#?}", seen.broken);
        figures.add(&seen);
    }
    assert_eq!(figures.violations(), 0, "{}", figures.told(began.elapsed()));
}

#[test]
fn a_crash_at_any_step_breaks_no_promise() {
    let quiet = play(0, Plan::with_crash(CrashAt::Before(u64::MAX)), Guard::All);
    assert!(quiet.broken.is_empty(), "{:#?}", quiet.broken);
    assert!(quiet.store_calls > 100, "only {} steps", quiet.store_calls);
    for step in 1..=quiet.store_calls {
        for at in [CrashAt::Before(step), CrashAt::After(step)] {
            let seen = play(0, Plan::with_crash(at), Guard::All);
            assert!(seen.broken.is_empty(), "{at:?}: {:#?}", seen.broken);
        }
    }
}

#[test]
fn a_seed_gives_the_same_world_again() {
    for seed in 1_000..1_020 {
        let [one, two] = [(), ()].map(|()| play(seed, Plan::of(seed), Guard::All));
        assert!(one.trace().lines().count() > 50, "{}", one.trace());
        assert_eq!(one.trace(), two.trace(), "seed {seed}");
    }
}

/// Whether some world shows that this guard is missing, and in which way.
fn is_noticed(guard: Guard, how: Broken) -> bool {
    (0..UNGUARDED)
        .any(|seed| play(seed, Plan::of(seed), guard).broken.iter().any(|(broken, _)| *broken == how))
}

#[test]
fn without_sending_again_alerts_get_lost_and_the_oracle_notices() {
    assert!(is_noticed(Guard::WithoutResend, Broken::Lost));
}

#[test]
fn without_looking_at_the_mask_of_a_ladder_a_step_is_taken_twice_and_the_oracle_notices() {
    assert!(is_noticed(Guard::Without(&[book::Guard::StepOnce]), Broken::LevelTwice));
}

#[test]
fn without_looking_for_a_winner_an_offer_has_two_and_the_oracle_notices() {
    assert!(is_noticed(Guard::Without(&[book::Guard::OneWinner]), Broken::TwoWinners));
}

#[test]
fn without_tombstones_what_was_cancelled_is_sent_and_the_oracle_notices() {
    assert!(is_noticed(Guard::Without(&[book::Guard::Tombstone]), Broken::SentAfterVoid));
}

#[test]
fn without_looking_who_is_a_test_rider_tests_wait_for_real_ones_and_the_oracle_notices() {
    let guard = Guard::Without(&[book::Guard::TestMode]);
    assert!(is_noticed(guard, Broken::TestDelivered));
    let heard = (0..SEEDS).flat_map(|seed| play(seed, Plan::of(seed), guard).broken);
    let heard: Vec<_> = heard.filter(|(broken, _)| *broken == Broken::TestHeard).collect();
    assert!(heard.is_empty(), "frames are looked at once more: {heard:?}");
}

#[test]
fn without_the_second_look_tests_are_heard_by_real_riders_and_the_oracle_notices() {
    let guard = Guard::Without(&[book::Guard::TestMode, book::Guard::TestFrames]);
    assert!(is_noticed(guard, Broken::TestHeard));
}
