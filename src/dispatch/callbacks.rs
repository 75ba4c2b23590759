//! Callbacks on their way to backends: claimed, signed, sent, and tried again until they are there or given up.
//! The store says what is due and in which order; a crash in between sends once more, with the same id.

pub(super) mod body;
mod circuit;
mod courier;
mod judgement;
mod retry;
mod sent;
mod traffic;

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;
use tracing::{info, warn};

use super::{CallbackSecrets, Dispatch};
use crate::clock::random_bytes;
use crate::domain::EpochMs;
use crate::domain::callback::{Callback, Destination};
use crate::store::{AfterAttempt, CallbackAttempt, CallbackBatch, StoreResult};
use crate::telemetry::trace::TraceParent;
use circuit::{Admission, Change, Verdict};
use judgement::{Judgement, Try};
use retry::Urgency;
use traffic::{Backend, Traffic};

pub use circuit::CircuitLimits;
pub use courier::{Courier, SignedCallback};
pub use judgement::CallbackReply;
pub use retry::RetryTable;
pub use traffic::TrafficLimits;

/// Numbers of the configuration that callbacks go by.
#[derive(Clone, Debug)]
pub struct CallbackLimits {
    /// How much may be under way, and who rests.
    pub traffic: TrafficLimits,
    /// When they are tried again.
    pub retries: RetryTable,
    /// Longest wait that a backend may ask for, in milliseconds.
    pub retry_after_max_ms: i64,
    /// Limit of one try, in milliseconds.
    pub timeout_ms: i64,
}

/// What a look has found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Claimed {
    /// Nothing that is due and may go.
    Nothing,
    /// All there was.
    Some,
    /// There may be more.
    Much,
}

/// What sends them, and what of it is under way.
pub(super) struct Post {
    courier: Arc<dyn Courier>,
    limits: CallbackLimits,
    // Std mutex: a look at some counters, never held across a wait.
    traffic: Mutex<Traffic>,
    ended: Notify,
}

/// A claim outlives its try by this, which is longer than the notes of its end take. After a crash it is sent again so late.
const LEASE_BESIDE_MS: i64 = 5_000;
/// How often the end of a try is noted before it is left to the lease.
const NOTES_MAX: u32 = 3;
/// Between two of these.
const NOTE_AGAIN: std::time::Duration = std::time::Duration::from_millis(500);

impl Post {
    pub(super) fn new(courier: Arc<dyn Courier>, limits: CallbackLimits) -> Self {
        let traffic = Mutex::new(Traffic::new(limits.traffic));
        Self { courier, limits, traffic, ended: Notify::new() }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Traffic) -> T) -> T {
        look(&mut self.traffic.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Dispatch {
    /// Ends when a callback has ended, so that the next of its order may go and a place is free.
    pub async fn callbacks_ended(&self) {
        self.post.ended.notified().await;
    }

    /// Ends when callbacks may have come up by a commit.
    pub async fn callbacks_due(&self) {
        self.callbacks_due.notified().await;
    }

    /// Callbacks may have come up.
    pub(super) fn ring_callbacks(&self) {
        self.callbacks_due.notify_one();
    }

    /// Sends what is due, each request in a task of its own. Says whether there may be more to claim at once.
    ///
    /// # Errors
    /// The store's; the next look tries again.
    pub async fn send_callbacks(self: &Arc<Self>) -> StoreResult<Claimed> {
        let now = self.clock.now();
        let Some(look) = self.post.with(|traffic| traffic.look(now.mono_ms)) else {
            return Ok(Claimed::Nothing);
        };
        let portion = usize::try_from(look.per_destination).unwrap_or(usize::MAX);
        let until = now.wall.plus_ms(self.post.limits.timeout_ms + LEASE_BESIDE_MS);
        let mut claimed = self
            .store
            .claim_callbacks(now.wall, until, look.resting, look.per_destination, look.room)
            .await?;
        let found = match claimed.len() {
            0 => Claimed::Nothing,
            few if few < portion => Claimed::Some,
            _ => Claimed::Much,
        };
        // After a rest one finds out: rather one that has not failed yet.
        claimed.sort_by_key(tries);
        let mut put_off = Vec::new();
        for batch in claimed {
            let (Some(backend), Some(first)) = (Backend::of(&batch), batch.callbacks.first()) else {
                continue;
            };
            let destination = first.destination.clone();
            let admission = self.post.with(|traffic| traffic.admit(&backend, &destination, now.mono_ms));
            let dispatch = Arc::clone(self);
            match admission {
                Admission::Go => {
                    let flight = Flight { dispatch, backend, destination, verdict: Verdict::Unknown };
                    self.lifecycle.spawn(flight.fly(batch));
                }
                Admission::NotBefore(mono_ms) => {
                    put_off.push((batch, now.wall.plus_ms(mono_ms - now.mono_ms)));
                }
            }
        }
        for (batch, until) in put_off {
            let attempt = CallbackAttempt { at: now.wall, took_ms: 0, status: None, error: None };
            self.store.finish_callbacks(batch, attempt, AfterAttempt::Postponed(until), now.wall).await?;
        }
        Ok(found)
    }

    /// Signs a request and posts it. `None` if the store could not say whose secrets sign it, or the process stops.
    async fn posted(&self, batch: &CallbackBatch, at: EpochMs) -> Option<CallbackReply> {
        let first = batch.callbacks.first()?;
        let app = match self.accounts.app(first.app).await {
            Ok(Some(app)) => app,
            Ok(None) => return Some(CallbackReply::Unsigned),
            Err(error) => {
                warn!(callback.id = %first.id, error = &error as &dyn std::error::Error, "A callback waits: its app was not read.");
                return None;
            }
        };
        let (id, timestamp_s) = (&batch.webhook_id, at.0.div_euclid(1_000));
        let body = Bytes::from(body::of_batch(batch).to_string());
        let signatures = CallbackSecrets::of(&app, at).sign(id, timestamp_s, &body);
        if signatures.is_empty() {
            return Some(CallbackReply::Unsigned);
        }
        let signed = SignedCallback {
            url: first.url.clone(),
            webhook_id: id.clone(),
            timestamp_s,
            signatures,
            traceparent: traceparent(&batch.callbacks),
            body,
        };
        tokio::select! {
            biased;
            () = self.lifecycle.stopped() => None,
            reply = self.post.courier.post(signed) => Some(reply),
        }
    }

    /// Notes how a try ended. Should the store not take it for a moment, it is told again: what has arrived is not to be
    /// sent twice for that.
    async fn note_callbacks(&self, batch: CallbackBatch, attempt: CallbackAttempt, after: AfterAttempt) {
        let id = batch.webhook_id.clone();
        for _ in 1..NOTES_MAX {
            let noted = self.store.finish_callbacks(batch.clone(), attempt.clone(), after, self.wall()).await;
            if noted.is_ok() {
                return;
            }
            tokio::select! {
                biased;
                () = self.lifecycle.stopped() => {}
                () = tokio::time::sleep(NOTE_AGAIN) => {}
            }
        }
        if let Err(error) = self.store.finish_callbacks(batch, attempt, after, self.wall()).await {
            let error = &error as &dyn std::error::Error;
            warn!(callback.id = id, error, "The end of a callback was not stored; it will be sent again.");
        }
    }
}

/// How often it was tried.
fn tries(batch: &CallbackBatch) -> u32 {
    batch.callbacks.iter().map(|callback| callback.attempts).max().unwrap_or(0)
}

/// That of a single callback; a list may tell of many.
fn traceparent(callbacks: &[Callback]) -> Option<String> {
    let [only] = callbacks else { return None };
    let trace = TraceParent::of_trace(only.trace_id.as_deref()?)?;
    Some(trace.header(random_bytes()))
}

/// A request under way. Its place is given back when it is dropped, however it ends.
struct Flight {
    dispatch: Arc<Dispatch>,
    backend: Backend,
    destination: Destination,
    verdict: Verdict,
}

impl Flight {
    async fn fly(mut self, batch: CallbackBatch) {
        let dispatch = Arc::clone(&self.dispatch);
        let began = dispatch.clock.now();
        // Without a reply nothing is noted: the lease ends, and it is sent again.
        let Some(reply) = dispatch.posted(&batch, began.wall).await else { return };
        let (limits, ended) = (&dispatch.post.limits, dispatch.clock.now());
        let tried = Try {
            table: &limits.retries,
            urgency: Urgency::of(batch.callbacks.iter().map(|callback| callback.kind.as_str())),
            tries: tries(&batch),
            luck: dispatch.clock.entropy().last().copied().unwrap_or(0),
            retry_after_max_ms: limits.retry_after_max_ms,
            at: ended.wall,
        };
        let judgement = Judgement::of(reply, tried);
        self.verdict = judgement.verdict;
        let attempt = CallbackAttempt {
            at: began.wall,
            took_ms: ended.mono_ms - began.mono_ms,
            status: judgement.status,
            error: judgement.error.map(str::to_owned),
        };
        dispatch.tell_attempt(&batch, &judgement, ended.wall);
        dispatch.note_callbacks(batch, attempt, judgement.after).await;
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let (dispatch, now_ms) = (&self.dispatch, self.dispatch.clock.now().mono_ms);
        let change = dispatch
            .post
            .with(|traffic| traffic.ended(&self.backend, &self.destination, self.verdict, now_ms));
        let Destination { app, name } = &self.destination;
        match change {
            Change::None => {}
            Change::Rests(rest_ms) => {
                warn!(app.id = %app, destination = name, rest_ms, "A backend does not take callbacks; they wait.");
            }
            Change::Back => info!(app.id = %app, destination = name, "A backend takes callbacks again."),
        }
        if change != Change::None {
            dispatch.gauge_resting();
        }
        dispatch.post.ended.notify_one();
    }
}
