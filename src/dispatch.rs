//! The use cases, and the only writer of the store: accept, announce, receive, answer, cancel, expire.
//! Each commits first and rings later; nothing here waits for a rider or for a voice before it answers.

mod accept;
mod accounts;
mod announce;
mod directory;
mod draft;
mod groups;
mod keys;
mod receipts;
mod tokens;
mod vault;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;
use tracing::info;

use crate::clock::Clock;
use crate::domain::delivery::EndReason;
use crate::domain::{AlertId, AppId, EpochMs, EventId, Kinds, OrderId, Rider, RiderKey};
use crate::hub::{Hub, Ring};
use crate::lifecycle::Lifecycle;
use crate::speech::Voice;
use crate::store::{Ended, RiderPatch, Store, StoreResult};
use crate::telemetry::{Metric, Telemetry};

pub use accept::{AcceptError, Arrival, EventAnswer};
pub use accounts::Accounts;
pub use directory::AppEntry;
pub use keys::{KeyError, NewKey};
pub use receipts::{ReceiptQueue, ReceiptSource};
pub use tokens::{Token, TokenError, TokenRider};
pub use vault::{NodeKey, Vault, VaultError};

/// Everything a use case needs. Shared by all handlers, sessions and workers.
pub struct Dispatch {
    store: Arc<dyn Store>,
    hub: Arc<Hub>,
    speech: Arc<dyn Voice>,
    clock: Arc<dyn Clock>,
    kinds: Arc<Kinds>,
    lifecycle: Lifecycle,
    telemetry: Telemetry,
    accounts: Accounts,
    receipts: ReceiptQueue,
    limits: Limits,
    /// Sentences being made at one time.
    renders: Arc<Semaphore>,
    // Std mutex: one insert or remove a section. Alerts being rendered here, so that the sweep leaves them alone.
    rendering: Mutex<HashSet<AlertId>>,
}

/// Numbers of the configuration that use cases go by.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Longest delay of an alert for its speech.
    pub speech_budget: std::time::Duration,
    /// Sentences being made at one time.
    pub render_concurrency: usize,
    /// Rows ended by one look of a sweep.
    pub sweep_batch: u32,
    /// How long an event's id is remembered, in milliseconds.
    pub event_memory_ms: i64,
}

/// What [`Dispatch::new`] is made of.
pub struct Parts {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Who is connected here.
    pub hub: Arc<Hub>,
    /// The voice.
    pub speech: Arc<dyn Voice>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The kinds.
    pub kinds: Arc<Kinds>,
    /// Where tasks run.
    pub lifecycle: Lifecycle,
    /// Metrics.
    pub telemetry: Telemetry,
    /// Apps, keys and tokens.
    pub accounts: Accounts,
    /// The way to the committer of receipts.
    pub receipts: ReceiptQueue,
    /// Numbers of the configuration.
    pub limits: Limits,
}

impl Dispatch {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts { store, hub, speech, clock, kinds, lifecycle, telemetry, accounts, receipts, limits } =
            parts;
        let renders = Arc::new(Semaphore::new(limits.render_concurrency));
        let rendering = Mutex::default();
        Arc::new(Self {
            store,
            hub,
            speech,
            clock,
            kinds,
            lifecycle,
            telemetry,
            accounts,
            receipts,
            limits,
            renders,
            rendering,
        })
    }

    /// The store, for reading. Writes go through the use cases.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Apps, keys and tokens.
    #[must_use]
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Who is connected here.
    #[must_use]
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// The time.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// The kinds.
    #[must_use]
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// Takes an alert back. `None` if there is no such alert; else how many deliveries it ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn cancel_alert(&self, app: AppId, alert: AlertId) -> StoreResult<Option<usize>> {
        let ended = self.store.cancel_alert(app, alert, self.wall()).await?;
        Ok(ended.map(|ended| {
            info!(alert.id = %alert, deliveries = ended.len(), "Alert cancelled.");
            self.tell_ended(&ended)
        }))
    }

    /// Takes back every active alert of an order; how many deliveries that ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn cancel_order(&self, app: AppId, order: OrderId) -> StoreResult<usize> {
        let ended = self.store.cancel_order(app, order, self.wall()).await?;
        info!(app.id = %app, deliveries = ended.len(), "Alerts of an order cancelled.");
        Ok(self.tell_ended(&ended))
    }

    /// Sets duty; going off duty ends what asks for duty.
    ///
    /// # Errors
    /// The store's.
    pub async fn set_duty(&self, rider: RiderKey, duty: Duty) -> StoreResult<usize> {
        let on_duty = matches!(duty, Duty::On);
        let ended = self.store.set_duty(rider, on_duty, self.wall()).await?;
        Ok(self.tell_ended(&ended))
    }

    /// Notes that a session of the rider opened or closed; the rider is known from now on.
    ///
    /// # Errors
    /// The store's.
    pub async fn touch(&self, rider: RiderKey) -> StoreResult<Rider> {
        self.store.touch_rider(rider, self.wall()).await
    }

    /// Creates or changes a rider.
    ///
    /// # Errors
    /// The store's.
    pub async fn put_rider(&self, rider: RiderKey, patch: RiderPatch) -> StoreResult<Rider> {
        let revokes = patch.not_before.is_some();
        let duty = patch.on_duty;
        let patch = RiderPatch { on_duty: None, ..patch };
        let mut stored = self.store.put_rider(rider.clone(), patch, self.wall()).await?;
        if let Some(on_duty) = duty {
            // By its own way, so that going off duty ends what asks for duty.
            self.set_duty(rider.clone(), if on_duty { Duty::On } else { Duty::Off }).await?;
            stored.on_duty = on_duty;
        }
        if revokes {
            self.hub.ring(&rider, Ring::Revoked);
        }
        Ok(stored)
    }

    /// Erases a rider and ends their sessions. False if there is none.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_rider(&self, rider: RiderKey) -> StoreResult<bool> {
        let Some(ended) = self.store.delete_rider(rider.clone(), self.wall()).await? else {
            return Ok(false);
        };
        self.tell_ended(&ended);
        self.hub.ring(&rider, Ring::Revoked);
        Ok(true)
    }

    /// Ends what is due, renders what nobody renders, rings again where a bell may have been lost.
    /// True if there is more of the first to do at once.
    ///
    /// # Errors
    /// The store's; the next look tries again.
    pub async fn sweep(self: &Arc<Self>) -> StoreResult<bool> {
        let now = self.wall();
        let ended = self.store.expire_due(now, self.limits.sweep_batch).await?;
        let more = ended.len() >= self.limits.sweep_batch as usize;
        self.tell_ended(&ended);
        for alert in self.store.unrendered(self.limits.sweep_batch).await? {
            self.announce(Arc::new(alert), announce::Audience::Stored);
        }
        for rider in self.store.pending_since(now.plus_ms(-RING_AGAIN_MS), self.limits.sweep_batch).await? {
            self.hub.ring(&rider, Ring::Look);
        }
        Ok(more)
    }

    /// Forgets ids of events that are older than promised.
    ///
    /// # Errors
    /// The store's.
    pub async fn forget_events(&self) -> StoreResult<u64> {
        let before = self.wall().plus_ms(-self.limits.event_memory_ms);
        self.store.forget_events(before, FORGET_BATCH).await
    }

    /// An id for an event whose sender gave it none.
    #[must_use]
    pub fn fresh_event_id(&self) -> EventId {
        EventId::fresh(self.wall(), self.clock.entropy())
    }

    fn wall(&self) -> EpochMs {
        self.clock.now().wall
    }

    fn tell_ended(&self, ended: &[Ended]) -> usize {
        for Ended { rider, reason, .. } in ended {
            self.hub.ring(rider, Ring::Look);
            self.count_end(*reason);
        }
        ended.len()
    }

    fn count_end(&self, reason: EndReason) {
        self.telemetry.counter(Metric::DeliveriesEnded, &[("reason", reason.as_str())]).increment(1);
    }
}

/// Whether a rider takes orders.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Duty {
    /// Takes orders.
    On,
    /// Does not.
    Off,
}

/// How far back a lost bell is made good: a few sweeps, so that one late sweep loses none.
const RING_AGAIN_MS: i64 = 10_000;
/// Event ids forgotten in one statement.
const FORGET_BATCH: u32 = 1_000;
