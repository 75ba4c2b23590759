//! Deletes what has become too old, every hour, in slices with pauses between them.
//! A round that is cut off leaves the rest to the next.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, sleep};
use tracing::warn;

use crate::dispatch::Dispatch;
use crate::lifecycle::Lifecycle;

/// How often a round begins, and how long the writer is left alone between two slices.
#[derive(Clone, Copy, Debug)]
pub struct Rhythm {
    /// From one round to the next.
    pub every: Duration,
    /// From one slice to the next.
    pub pause: Duration,
}

/// Runs rounds until the server stops.
pub async fn retention(dispatch: Arc<Dispatch>, rhythm: Rhythm, lifecycle: Lifecycle) {
    let mut ticks = interval(rhythm.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = lifecycle.stopped() => return,
            _tick = ticks.tick() => {}
        }
        let mut round = match dispatch.begin_ageing().await {
            Ok(round) => round,
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "Old rows are looked for in the next round.");
                continue;
            }
        };
        while let Some(rows) = dispatch.age_slice(&mut round).await {
            let pause = if rows > 0 { rhythm.pause } else { Duration::ZERO };
            tokio::select! {
                biased;
                () = lifecycle.stopped() => return,
                () = sleep(pause) => {}
            }
        }
    }
}
