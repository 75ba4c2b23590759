//! One queue of everything clients say of their deliveries, committed in order and in groups.
//! Sessions wait only where the client waits for `got`; acknowledgements and writes are noted in passing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tracing::{debug, warn};

use super::Dispatch;
use crate::domain::app::KeyMode;
use crate::domain::delivery::{AnswerOutcome, Change};
use crate::domain::{AlertId, EpochMs, RiderKey};
use crate::hub::Ring;
use crate::session::Kept;
use crate::store::{Progress, Progressed, StoreError};
use crate::telemetry::{Metric, seconds};

/// The way in.
#[derive(Clone)]
pub struct ReceiptQueue(mpsc::Sender<Item>);

/// The way out, for the one committer.
pub struct ReceiptSource(mpsc::Receiver<Item>);

struct Item {
    progress: Progress,
    answer: Option<oneshot::Sender<Result<Kept, StoreError>>>,
    /// How often it could not be stored.
    failures: u32,
}

impl Item {
    fn is_answer(&self) -> bool {
        matches!(self.progress.change, Change::Answered(_))
    }
}

/// Most changes in one commit: a commit of 256 takes about 3 ms, so nobody waits long.
const BATCH_MAX: usize = 256;
/// How often a change that nobody waits for is tried again; each try waits for the store as long as it takes.
const FAILURES_MAX: u32 = 5;
/// How long changes wait for company: an `ack` follows its frame within a few round trips, and what is committed
/// together is one fsync, and one row once. Events wait less for the writer meanwhile. Only an answer does not wait:
/// its rider looks at the screen.
const COMPANY: Duration = Duration::from_millis(20);

impl ReceiptQueue {
    /// A queue of at most `capacity` waiting changes; beyond it sessions wait, and their clients with them.
    #[must_use]
    pub fn new(capacity: usize) -> (Self, ReceiptSource) {
        let (sender, receiver) = mpsc::channel(capacity);
        (Self(sender), ReceiptSource(receiver))
    }
}

impl ReceiptSource {
    /// Adds what comes within [`COMPANY`], unless there is a rider's answer among it or the batch is full.
    async fn gather(&mut self, items: &mut Vec<Item>) {
        let gathering = async {
            while items.len() < BATCH_MAX && !items.iter().any(Item::is_answer) {
                let room = BATCH_MAX - items.len();
                if self.0.recv_many(items, room).await == 0 {
                    break;
                }
            }
        };
        // Cut off or not, what was taken is in `items`: `recv_many` is cancel-safe.
        let _full_in_time = tokio::time::timeout(COMPANY, gathering).await.is_ok();
    }
}

impl Dispatch {
    /// Notes a change in passing.
    pub async fn note(&self, rider: &RiderKey, alert: AlertId, change: Change) {
        let progress = self.progress(rider, alert, change, self.wall());
        // Only a process that ends has no committer; what is lost then is said again in the next session.
        let _gone = self.receipts.0.send(Item { progress, answer: None, failures: 0 }).await.is_err();
    }

    /// Commits a receipt and says what became of it.
    ///
    /// # Errors
    /// The store's: the client keeps the receipt and sends it again.
    pub async fn keep(
        &self,
        rider: &RiderKey,
        alert: AlertId,
        change: Change,
        at: EpochMs,
    ) -> Result<Kept, StoreError> {
        let (sender, answer) = oneshot::channel();
        let progress = self.progress(rider, alert, change, at);
        let gone = || StoreError::Unavailable("no committer".into());
        self.receipts
            .0
            .send(Item { progress, answer: Some(sender), failures: 0 })
            .await
            .map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    fn progress(&self, rider: &RiderKey, alert: AlertId, change: Change, at: EpochMs) -> Progress {
        Progress { rider: rider.clone(), alert, change, at, settle_ms: self.limits.settle_ms }
    }

    /// Ends when the committer has taken everything and left.
    pub async fn receipts_done(&self) {
        self.receipts.0.closed().await;
    }

    /// Commits what comes in, until the process stops.
    pub async fn commit_receipts(self: Arc<Self>, mut source: ReceiptSource) {
        let mut items = Vec::with_capacity(BATCH_MAX);
        loop {
            tokio::select! {
                biased;
                count = source.0.recv_many(&mut items, BATCH_MAX) => {
                    if count == 0 {
                        return;
                    }
                    source.gather(&mut items).await;
                    self.commit(&mut items).await;
                }
                () = self.lifecycle.stopped() => break,
            }
        }
        // Nobody sends any more; what waits is committed before the store closes.
        while let Ok(item) = source.0.try_recv() {
            items.push(item);
        }
        if !items.is_empty() {
            self.commit(&mut items).await;
        }
    }

    async fn commit(self: &Arc<Self>, items: &mut Vec<Item>) {
        let changes = items.iter().map(|item| item.progress.clone()).collect();
        match self.store.progress(changes).await {
            Ok(results) => {
                self.ring_callbacks();
                for (item, progressed) in items.drain(..).zip(results) {
                    self.told(&item.progress, progressed.as_ref());
                    if let Some(answer) = item.answer {
                        let kept = progressed.map_or_else(Kept::default, |done| Kept {
                            ended: done.ended_now,
                            outcome: done.outcome,
                        });
                        let _left = answer.send(Ok(kept)).is_err();
                    }
                }
            }
            Err(error) => {
                warn!(
                    receipts = items.len(),
                    error = &error as &dyn std::error::Error,
                    "Receipts not stored."
                );
                self.telemetry.counter(Metric::StoreFailures, &[("operation", "progress")]).increment(1);
                for item in items.drain(..) {
                    self.put_back(item);
                }
            }
        }
    }

    /// What could not be stored: who waits is told and says it again; what nobody waits for, an `ack` that its client
    /// will not repeat, is tried again here while there is room.
    fn put_back(&self, item: Item) {
        match item.answer {
            Some(answer) => {
                let again = StoreError::Unavailable("receipts not stored".into());
                let _left = answer.send(Err(again)).is_err();
            }
            None if item.failures < FAILURES_MAX => {
                let again = Item { failures: item.failures + 1, ..item };
                let _no_room = self.receipts.0.try_send(again).is_err();
            }
            None => {}
        }
    }

    /// Counts and logs a change, rings the rider's other sessions if it was an end, and those who lost by it.
    fn told(self: &Arc<Self>, progress: &Progress, progressed: Option<&Progressed>) {
        let Some(Progressed { delivery, key_mode, changed: true, others, outcome, .. }) = progressed else {
            return;
        };
        if !others.is_empty() {
            self.tell_lost(progress.alert, others);
        }
        let claimed = *outcome == Some(AnswerOutcome::Pending);
        if claimed {
            self.ask(progress.alert, progress.rider.clone());
        }
        self.waiting.wake(progress.alert);
        let metric = match &progress.change {
            Change::Sent => (delivery.attempts == 1).then_some(Metric::EventSentSeconds),
            Change::Received => Some(Metric::EventReceivedSeconds),
            Change::Played { .. } => (delivery.plays <= 1).then_some(Metric::EventPlayedSeconds),
            Change::Playing
            | Change::Trouble(_)
            | Change::Answered(_)
            | Change::Claimed { .. }
            | Change::Late(_)
            | Change::Rung { .. }
            | Change::Released
            | Change::Expired
            | Change::Withdrawn(_) => None,
        };
        if let (Some(metric), KeyMode::Live) = (metric, key_mode) {
            let spent_ms = progress.at.since_ms(progress.alert.made_at());
            self.telemetry.histogram(metric, &[]).record(seconds(spent_ms));
        }
        debug!(
            alert.id = %progress.alert,
            delivery.id = %delivery.id,
            delivery.state = delivery.state.as_str(),
            test = key_mode.is_test(),
            "Delivery moved on."
        );
        if let (Some(reason), true) = (delivery.reason, progressed.is_some_and(|done| done.ended_now)) {
            self.count_end(reason, *key_mode);
            self.ring_others(&progress.rider);
        } else if claimed {
            self.ring_others(&progress.rider);
        }
    }

    /// A rider with one session has told it themselves.
    fn ring_others(&self, rider: &RiderKey) {
        if self.hub.sessions_of(rider).len() > 1 {
            self.hub.ring(rider, Ring::Look);
        }
    }
}
