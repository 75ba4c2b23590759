//! Hooks: what other backends send becomes events, as each hook's profile says.
//! A request is read in memory; what comes of it is committed before its sender is answered.

mod answer;
mod assignments;
mod directory;
mod gates;
mod kept;
mod making;
mod notes;
mod offline;
mod receive;
mod report;
mod saved;
mod trial;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::clock::Clock;
use crate::domain::app::KeyMode;
use crate::domain::{AppId, EpochMs, EventId, HookDelivery, HookDeliveryId, HookId, HookVerdict};
use crate::intake::hooks::HookRequest;
use crate::store::{Page, PageSize, Receipt, StoreResult};

use self::directory::Directory;
use self::gates::Gates;
use self::notes::Notes;
use super::Dispatch;

pub use answer::{HookAnswer, HookReply};
pub use gates::HookRefusal;
pub use receive::HookVisit;
pub use report::{ItemOutcome, ItemReport};
pub use saved::{HookError, HookLook, HookWish, SecretWish};
pub use trial::{HookTrial, HookTried, ItemTried, TrialProfile};

/// Numbers of `[hooks]`.
#[derive(Clone, Copy, Debug)]
pub struct HookLimits {
    /// Largest body, in bytes.
    pub max_body_bytes: usize,
    /// Events of one body.
    pub items_max: usize,
    /// Requests a second of one hook, for long; 0 is no limit.
    pub per_second: u32,
    /// Requests of one hook at once, after a pause.
    pub burst: u32,
    /// Requests of one hook that are worked on at one time.
    pub concurrency: usize,
    /// Requests that are kept of each hook and verdict.
    pub deliveries_kept: u32,
    /// Bytes of a body that are kept.
    pub kept_bytes_max: usize,
    /// How long a request is kept, in milliseconds.
    pub deliveries_age_ms: i64,
    /// Hooks of one app.
    pub per_app: u32,
    /// How long a sender waits for its answer, where its profile says nothing.
    pub answer_within: Duration,
}

/// A request to a hook, whole.
#[derive(Clone, Debug)]
pub struct HookArrival {
    /// `GET`, `HEAD` or `POST`.
    pub method: Method,
    /// The URL that the sender called, without its query.
    pub url: String,
    /// The query as it came, without its question mark.
    pub query: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Bytes,
    /// What stands behind the hook in the path.
    pub event: Option<String>,
    /// Who has sent it, behind the proxies that are trusted.
    pub peer: Option<IpAddr>,
    /// One id from the request to the receipt.
    pub trace_id: String,
    /// When it came in.
    pub received_at: EpochMs,
}

/// Why the body of a request was not taken.
#[derive(Clone, Debug)]
pub struct Unread {
    /// HTTP status.
    pub status: u16,
    /// Stable word.
    pub error: &'static str,
    /// For people.
    pub message: String,
}

/// What hooks are in memory: compiled, how much each is doing, and what is still to be kept.
pub(super) struct Hooks {
    directory: Directory,
    gates: Gates,
    notes: Notes,
}

impl Hooks {
    /// None is known yet.
    pub(super) fn new(clock: &Arc<dyn Clock>) -> Self {
        Self { directory: Directory::new(clock), gates: Gates::default(), notes: Notes::default() }
    }
}

impl HookArrival {
    /// As the profile reads it.
    fn request(&self) -> HookRequest<'_> {
        HookRequest {
            method: &self.method,
            url: &self.url,
            query: &self.query,
            headers: &self.headers,
            body: &self.body,
            event: self.event.as_deref(),
            peer: self.peer,
        }
    }
}

/// Where the events of a hook come from: with the app and the id, the scope in which an id is one event.
fn source_of(hook: &HookId) -> String {
    format!("hook:{hook}")
}

impl Dispatch {
    /// What is kept of requests to an app's hook, newest first, those before `before`.
    ///
    /// # Errors
    /// `Unknown`, or the store's.
    pub async fn hook_deliveries(
        &self,
        app: AppId,
        hook: &HookId,
        verdict: Option<HookVerdict>,
        before: Option<HookDeliveryId>,
        size: PageSize,
    ) -> Result<Page<HookDelivery, HookDeliveryId>, HookError> {
        self.hook_of(app, hook).await?;
        Ok(self.store.hook_deliveries(app, hook.clone(), verdict, before, size).await?)
    }

    /// One of them.
    ///
    /// # Errors
    /// `Unknown`, or the store's.
    pub async fn hook_delivery(
        &self,
        app: AppId,
        hook: &HookId,
        id: HookDeliveryId,
    ) -> Result<HookDelivery, HookError> {
        let found = self.store.hook_delivery(app, id).await?;
        found.filter(|delivery| delivery.hook == *hook).ok_or(HookError::Unknown("request"))
    }

    /// An event that one of an app's hooks made, looked for in these worlds in their order.
    ///
    /// # Errors
    /// The store's.
    pub async fn event_of_hooks(
        &self,
        app: AppId,
        worlds: [KeyMode; 2],
        id: &EventId,
    ) -> StoreResult<Option<(KeyMode, String, Receipt)>> {
        let hooks = self.store.hooks(app).await?;
        for key_mode in worlds {
            for hook in &hooks {
                let source = key_mode.source(&source_of(&hook.id));
                if let Some((kind, receipt)) = self.store.event(app, source, id.clone()).await? {
                    return Ok(Some((key_mode, kind, receipt)));
                }
            }
        }
        Ok(None)
    }
}
