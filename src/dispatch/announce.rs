//! Seeing to the sound of a committed alert: the sentence within its budget, else the canned clip and the sentence
//! later. Until its sound is decided an alert is not sent; a crash in between is made good by the sweep.

use std::sync::{Arc, PoisonError};

use tokio::task::JoinError;
use tokio::time::{Instant, timeout_at};
use tracing::{info, warn};

use super::{Dispatch, SayError};
use crate::domain::Sound;
use crate::domain::{Alert, AlertId, Delivery, RiderKey};
use crate::hub::Ring;
use crate::speech::{SayBudget, Sentence, Spoken};
use crate::store::DELIVERIES_SHOWN_MAX;
use crate::telemetry::{Metric, seconds};

/// Whose bells to ring for an alert.
pub(super) enum Audience {
    /// These, as its commit told.
    Told(Vec<RiderKey>),
    /// Whoever its open deliveries name.
    Stored,
}

impl Dispatch {
    /// Renders and rings, in a task of its own. Does nothing for an alert that is being rendered here already.
    pub(super) fn announce(self: &Arc<Self>, alert: Arc<Alert>, audience: Audience) {
        let mut rendering = self.rendering.lock().unwrap_or_else(PoisonError::into_inner);
        if !rendering.insert(alert.id) {
            return;
        }
        drop(rendering);
        let dispatch = Arc::clone(self);
        let guard = Rendering { dispatch: Arc::clone(self), alert: alert.id };
        self.lifecycle.spawn(async move {
            dispatch.render(&alert, &audience).await;
            drop(guard);
        });
    }

    async fn render(self: &Arc<Self>, alert: &Alert, audience: &Audience) {
        let due = Instant::now() + self.limits.speech_budget;
        let sentence = self.sentence_of(alert).await;
        let (dispatch, app) = (Arc::clone(self), alert.app);
        let renders = Arc::clone(&self.renders);
        let wanted = sentence.clone();
        // In a task of its own: past the budget it goes on, and what it makes is sent as an update.
        let mut making = self.lifecycle.spawn(async move {
            let _permit = renders.acquire().await;
            let left = due.saturating_duration_since(Instant::now());
            dispatch.say_within(app, &wanted, SayBudget::Within(left)).await
        });
        match timeout_at(due, &mut making).await {
            Ok(made) => {
                let sound = self.made_or_canned(&sentence, alert, made);
                self.send_out(alert, sound, audience).await;
            }
            Err(_late) => {
                self.telemetry.counter(Metric::SpeechFallbacks, &[("cause", "late")]).increment(1);
                info!(trace.id = alert.trace_id, alert.id = %alert.id, "Speech is late; the canned clip goes out.");
                self.send_out(alert, self.speech.canned(&sentence), audience).await;
                if let Ok(Ok(spoken)) = making.await {
                    self.send_out(alert, spoken.sound, audience).await;
                }
            }
        }
    }

    fn made_or_canned(
        &self,
        sentence: &Sentence,
        alert: &Alert,
        made: Result<Result<Spoken, SayError>, JoinError>,
    ) -> Sound {
        let cause = match made {
            Ok(Ok(spoken)) => return spoken.sound,
            Ok(Err(error)) => {
                let cause = error.cause();
                warn!(
                    trace.id = alert.trace_id,
                    alert.id = %alert.id,
                    error = &error as &dyn std::error::Error,
                    "No speech; the canned clip goes out."
                );
                cause
            }
            Err(error) => {
                warn!(alert.id = %alert.id, error = &error as &dyn std::error::Error, "Speech task died.");
                "failed"
            }
        };
        self.telemetry.counter(Metric::SpeechFallbacks, &[("cause", cause)]).increment(1);
        self.speech.canned(sentence)
    }

    /// Commits the sound, then rings. If the store fails, the sweep finds the alert unrendered and starts over.
    async fn send_out(&self, alert: &Alert, sound: Sound, audience: &Audience) {
        let at = self.wall();
        if let Err(error) = self.store.mark_rendered(alert.id, sound, at).await {
            warn!(alert.id = %alert.id, error = &error as &dyn std::error::Error, "Sound not stored.");
            return;
        }
        let rendered_ms = at.since_ms(alert.created_at);
        tracing::debug!(trace.id = alert.trace_id, alert.id = %alert.id, rendered_s = seconds(rendered_ms), "Rendered.");
        match audience {
            Audience::Told(riders) => {
                for rider in riders {
                    self.hub.ring(rider, Ring::Look);
                }
            }
            Audience::Stored => self.ring_stored(alert).await,
        }
    }

    async fn ring_stored(&self, alert: &Alert) {
        match self.store.alert(alert.app, alert.id).await {
            // More than are read at once: everyone here looks, which is what a broadcast means anyway.
            Ok(Some(record)) if record.delivery_count > u64::from(DELIVERIES_SHOWN_MAX) => {
                self.hub.ring_all(Ring::Look);
            }
            Ok(Some(record)) => {
                for delivery in record.deliveries.into_iter().filter(Delivery::is_open) {
                    self.hub.ring(&RiderKey { app: alert.app, rider: delivery.rider }, Ring::Look);
                }
            }
            Ok(None) => {}
            Err(error) => {
                warn!(alert.id = %alert.id, error = &error as &dyn std::error::Error, "Riders rung by the sweep.");
            }
        }
    }
}

/// Takes the alert off the list when rendering ends, however it ends.
struct Rendering {
    dispatch: Arc<Dispatch>,
    alert: AlertId,
}

impl Drop for Rendering {
    fn drop(&mut self) {
        let mut rendering = self.dispatch.rendering.lock().unwrap_or_else(PoisonError::into_inner);
        rendering.remove(&self.alert);
    }
}
