//! Requests that are kept for their hook's owner to see, and how they come into the store without anybody waiting.
//! What waits is bounded: under a flood some are not kept, which is counted, and no event is later for it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::warn;

use crate::dispatch::Dispatch;
use crate::domain::HookDelivery;
use crate::telemetry::Metric;

/// Requests that wait: with 20 KiB each, 10 MiB; the store takes thousands a second.
const WAITING_MAX: usize = 512;
/// Requests of one write.
const BATCH_MAX: usize = 64;

/// What waits.
#[derive(Default)]
pub(super) struct Notes(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    deliveries: VecDeque<HookDelivery>,
    /// Whether somebody is at it.
    keeping: bool,
}

/// What to do with one more.
#[derive(Debug, Eq, PartialEq)]
enum Added {
    /// It goes along with the others.
    Waits,
    /// Somebody must begin.
    Begin,
    /// There was no room for it.
    Lost,
}

impl Notes {
    /// Whether one more would have room.
    pub(super) fn has_room(&self) -> bool {
        self.lock().deliveries.len() < WAITING_MAX
    }

    fn add(&self, delivery: HookDelivery) -> Added {
        let mut waiting = self.lock();
        if waiting.deliveries.len() >= WAITING_MAX {
            return Added::Lost;
        }
        waiting.deliveries.push_back(delivery);
        if std::mem::replace(&mut waiting.keeping, true) { Added::Waits } else { Added::Begin }
    }

    /// The next to be kept; none if all are, and nobody is at it then.
    fn next(&self) -> Vec<HookDelivery> {
        let mut waiting = self.lock();
        let count = waiting.deliveries.len().min(BATCH_MAX);
        waiting.keeping = count > 0;
        waiting.deliveries.drain(..count).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dispatch {
    /// Keeps a request soon.
    pub(super) fn note_hook_delivery(self: &Arc<Self>, delivery: HookDelivery) {
        match self.hooks.notes.add(delivery) {
            Added::Waits => {}
            Added::Begin => {
                let dispatch = Arc::clone(self);
                // It ends when nothing waits, so that a server that stops has kept what came in.
                self.lifecycle.spawn(async move { dispatch.keep_notes().await });
            }
            Added::Lost => self.count_lost(1),
        }
    }

    /// A request could not be kept.
    pub(super) fn count_lost(&self, requests: usize) {
        self.telemetry.counter(Metric::HookDeliveriesLost, &[]).increment(requests as u64);
    }

    async fn keep_notes(&self) {
        loop {
            let batch = self.hooks.notes.next();
            if batch.is_empty() {
                return;
            }
            let count = batch.len();
            if let Err(error) =
                self.store.note_hook_deliveries(batch, self.limits.hooks.deliveries_kept).await
            {
                warn!(
                    requests = count,
                    error = &error as &dyn std::error::Error,
                    "Requests to hooks were not kept; their events are."
                );
                self.count_lost(count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AppId, EpochMs, HookDeliveryId, HookId, HookVerdict};

    fn a_request() -> HookDelivery {
        HookDelivery {
            id: HookDeliveryId::new(EpochMs(1), [1; 10]),
            hook: HookId::new("dada", [1; 20]).unwrap(),
            app: AppId::new(EpochMs(1), [1; 10]),
            at: EpochMs(1),
            verdict: HookVerdict::Mapped,
            reason: String::new(),
            request: "{}".to_owned(),
            items: "[]".to_owned(),
            events: Vec::new(),
            riders: Vec::new(),
            status: 200,
            trace_id: String::new(),
        }
    }

    #[test]
    fn what_waits_is_bounded_and_one_is_at_it() {
        let notes = Notes::default();
        assert_eq!(notes.add(a_request()), Added::Begin);
        for _ in 1..WAITING_MAX {
            assert_eq!(notes.add(a_request()), Added::Waits);
        }
        assert!(!notes.has_room());
        assert_eq!(notes.add(a_request()), Added::Lost);
        let mut kept = 0;
        loop {
            let batch = notes.next();
            if batch.is_empty() {
                break;
            }
            assert!(batch.len() <= BATCH_MAX);
            kept += batch.len();
        }
        assert_eq!(kept, WAITING_MAX);
        assert_eq!(notes.add(a_request()), Added::Begin, "and the next begins anew");
    }
}
