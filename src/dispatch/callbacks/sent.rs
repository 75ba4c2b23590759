//! What operators see of callbacks: counts, seconds, and a line for each one that is given up.
//! No address is shown: paths and queries may hold keys.

use tracing::{debug, warn};

use super::judgement::Judgement;
use crate::dispatch::Dispatch;
use crate::domain::EpochMs;
use crate::store::{AfterAttempt, CallbackBatch};
use crate::telemetry::{Metric, seconds};

impl Dispatch {
    /// Counts and logs a try.
    pub(super) fn tell_attempt(&self, batch: &CallbackBatch, judgement: &Judgement, at: EpochMs) {
        let outcome = judgement.error.unwrap_or("delivered");
        self.telemetry.counter(Metric::CallbackAttempts, &[("outcome", outcome)]).increment(1);
        match judgement.after {
            AfterAttempt::Delivered => {
                let waited = self.telemetry.histogram(Metric::CallbackSeconds, &[]);
                for callback in &batch.callbacks {
                    waited.record(seconds(at.since_ms(callback.at)));
                }
                debug!(
                    callback.id = batch.webhook_id,
                    callbacks = batch.callbacks.len(),
                    "Callback delivered."
                );
            }
            AfterAttempt::Again(again_at) | AfterAttempt::Postponed(again_at) => {
                let again_ms = again_at.since_ms(at);
                debug!(
                    callback.id = batch.webhook_id,
                    error = outcome,
                    again_ms,
                    "Callback not delivered yet."
                );
            }
            AfterAttempt::Dead | AfterAttempt::Gone => self.tell_dead(batch, judgement),
        }
    }

    fn tell_dead(&self, batch: &CallbackBatch, judgement: &Judgement) {
        let dead = u64::try_from(batch.callbacks.len()).unwrap_or(u64::MAX);
        self.telemetry.counter(Metric::CallbacksDead, &[]).increment(dead);
        for callback in &batch.callbacks {
            warn!(
                callback.id = %callback.id,
                callback.kind,
                destination = callback.destination.name,
                app.id = %callback.app,
                test = callback.key_mode.is_test(),
                tries = callback.attempts + 1,
                status = judgement.status,
                error = judgement.error,
                "Callback given up; it can be sent again by redeliver."
            );
        }
    }

    /// Measures how many backends rest.
    pub(super) fn gauge_resting(&self) {
        let resting = self.post.with(|traffic| traffic.resting());
        let resting = u32::try_from(resting).unwrap_or(u32::MAX);
        self.telemetry.gauge(Metric::CallbackBackendsResting).set(f64::from(resting));
    }
}
