//! Periodic work: each worker is one loop with a stop branch, run under `lifecycle`.
//! They look at due columns; bells make things prompt, these make them certain.

mod retention;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use crate::dispatch::{Claimed, Dispatch};
use crate::lifecycle::Lifecycle;

pub use retention::{Rhythm, retention};

/// Ends what is due, renders what nobody renders, rings again where a bell may have been lost.
pub async fn sweep(dispatch: Arc<Dispatch>, every: Duration, lifecycle: Lifecycle) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut doubts = true;
    loop {
        tokio::select! {
            biased;
            () = lifecycle.stopped() => return,
            _tick = ticks.tick() => {}
        }
        if doubts {
            match dispatch.doubt_presence().await {
                Ok(_) => doubts = false,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    warn!(
                        error,
                        "Who was connected before the start is not doubted yet; the next sweep tries again."
                    );
                }
            }
        }
        loop {
            match dispatch.sweep().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    warn!(
                        error = &error as &dyn std::error::Error,
                        "A sweep failed; the next one tries again."
                    );
                    break;
                }
            }
        }
    }
}

/// Between two looks at callbacks after a commit that brought none, and at most, after one more and one more of them:
/// commits come by the hundred, and most apps want no callbacks.
const CALLBACKS_PAUSES: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(50)];

/// Sends callbacks that are due: soon after the commit that made them, and every `every` in any case. Draining ends it; what
/// is under way has tasks of its own.
pub async fn callbacks(dispatch: Arc<Dispatch>, every: Duration, lifecycle: Lifecycle) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let [shortest, longest] = CALLBACKS_PAUSES;
    let mut pause = shortest;
    while !lifecycle.is_draining() {
        match dispatch.send_callbacks().await {
            Ok(Claimed::Much) => {
                pause = shortest;
                continue;
            }
            Ok(Claimed::Some) => pause = shortest,
            Ok(Claimed::Nothing) => {
                tokio::select! {
                    () = lifecycle.draining() => return,
                    () = dispatch.callbacks_ended() => continue,
                    () = tokio::time::sleep(pause) => pause = (pause * 2).min(longest),
                }
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                warn!(error, "Callbacks were not claimed; the next look tries again.");
            }
        }
        tokio::select! {
            () = lifecycle.draining() => return,
            () = dispatch.callbacks_ended() => {}
            () = dispatch.callbacks_due() => {}
            _tick = ticks.tick() => {}
        }
    }
}

/// Between two rounds of forgetting: ids live for days, an hour more or less is nothing.
const FORGET_EVERY: Duration = Duration::from_hours(1);

/// Forgets ids of events that are older than promised, and orders nobody speaks of any more, in slices.
pub async fn forget(dispatch: Arc<Dispatch>, lifecycle: Lifecycle) {
    let mut ticks = interval(FORGET_EVERY);
    loop {
        tokio::select! {
            biased;
            () = lifecycle.stopped() => return,
            _tick = ticks.tick() => {}
        }
        loop {
            match dispatch.forget().await {
                Ok(0) => break,
                Ok(_more) => {}
                Err(error) => {
                    warn!(error = &error as &dyn std::error::Error, "Old rows were not forgotten.");
                    break;
                }
            }
        }
    }
}

/// Does something again and again that takes a while.
pub async fn chore<F: Future<Output = ()> + Send>(
    every: Duration,
    work: impl Fn() -> F + Send,
    lifecycle: Lifecycle,
) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = lifecycle.stopped() => return,
            _tick = ticks.tick() => {}
        }
        tokio::select! {
            biased;
            () = lifecycle.stopped() => return,
            () = work() => {}
        }
    }
}

/// Does something small again and again, that no promise hangs on.
pub async fn upkeep(every: Duration, work: impl Fn() + Send, lifecycle: Lifecycle) {
    let mut ticks = interval(every);
    loop {
        tokio::select! {
            _tick = ticks.tick() => work(),
            () = lifecycle.stopped() => return,
        }
    }
}
