//! A request tried on a hook without consequences, and a kept one done once more in earnest.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;

use super::directory::HookEntry;
use super::kept::KeptRequest;
use super::making::key_mode;
use super::report::ItemOutcome;
use super::saved::{HookError, check_given, in_profile, params_of};
use super::{HookArrival, HookReply, source_of};
use crate::dispatch::{AcceptError, AppEntry, Arrival, Dispatch, DryRun};
use crate::domain::{AppId, HookDelivery, HookDeliveryId, HookId, HookVerdict};
use crate::intake::hooks::{AgeRule, HookEvent, HookKeys, ItemReading};
use crate::store::StoreError;

/// A request to be tried.
#[derive(Clone, Debug)]
pub struct HookTrial {
    /// As its sender would make it.
    pub request: HookArrival,
    /// A profile that is tried in place of the hook's own, over this preset.
    pub instead: Option<TrialProfile>,
    /// Whether it ends where it does not count as its sender's; else the rest is tried all the same.
    pub verify: bool,
}

/// A profile that is not kept.
#[derive(Clone, Debug)]
pub struct TrialProfile {
    /// The preset that it stands on.
    pub preset: Option<String>,
    /// What is said over it.
    pub profile: Value,
}

/// What a request would become.
#[derive(Clone, Debug)]
pub struct HookTried {
    /// Whether it counts as its sender's. The age of what is signed with a time is not judged.
    pub verified: bool,
    /// What would become of it; whether its events are known is not looked at.
    pub verdict: HookVerdict,
    /// Why, in one of our words.
    pub reason: String,
    /// The same for people.
    pub detail: String,
    /// Item by item.
    pub items: Vec<ItemTried>,
    /// What its sender would be answered.
    pub reply: HookReply,
}

/// What one item would become.
#[derive(Clone, Debug)]
pub struct ItemTried {
    /// In a word: `alerted` and `remembered` of what would be one, else as it would be.
    pub outcome: ItemOutcome,
    /// The event, as `POST /v1/events` takes it.
    pub event: Option<Value>,
    /// What it would say, and to how many.
    pub says: Option<DryRun>,
    /// Members that would be left out.
    pub left_out: Vec<String>,
    /// Why there would be no event, in one word.
    pub error: Option<String>,
    /// The same for people.
    pub detail: Option<String>,
}

impl Dispatch {
    /// What a request would become. Nothing of it is stored, spoken or counted.
    ///
    /// # Errors
    /// `Unknown`; `Input` for a profile that cannot be; the store's.
    pub async fn try_hook(
        &self,
        app: &AppEntry,
        id: &HookId,
        trial: HookTrial,
    ) -> Result<HookTried, HookError> {
        let entry = self.entry_of(app.app.id, id).await?;
        let entry = match &trial.instead {
            None => entry,
            Some(instead) => Arc::new(self.instead_of(&entry, instead)?),
        };
        let arrival = trial.request;
        let mut reading = entry.profile.read(&arrival.request(), &entry.keys, AgeRule::Any);
        let verified = reading.verdict != HookVerdict::Refused;
        if !verified && !trial.verify {
            let open = self.open_of(&entry, trial.instead.as_ref())?;
            reading = open.profile.read(&arrival.request(), &open.keys, AgeRule::Any);
        }
        let mut items = Vec::with_capacity(reading.items.len());
        for item in reading.items.clone() {
            items.push(self.item_tried(app, &entry, item, &arrival).await?);
        }
        let mut verdict = reading.verdict;
        if verdict == HookVerdict::Mapped && items.iter().all(|item| item.says.is_none()) {
            verdict = HookVerdict::Unmapped;
        }
        let reply = entry.told(&reading, verdict).reply;
        Ok(HookTried { verified, verdict, reason: reading.reason, detail: reading.detail, items, reply })
    }

    /// Does a kept request once more, by the profile as it is now, and keeps what became of it. What is not kept of it is not
    /// there any more; events that are known stay as they are.
    ///
    /// # Errors
    /// `Unknown`; `Input` if its body was too large to be kept; the store's.
    pub async fn replay_hook_delivery(
        self: &Arc<Self>,
        app: AppId,
        hook: &HookId,
        id: HookDeliveryId,
    ) -> Result<HookDelivery, HookError> {
        let entry = self.entry_of(app, hook).await?;
        let before = self.hook_delivery(app, hook, id).await?;
        let kept: KeptRequest = serde_json::from_str(&before.request).map_err(|error| {
            StoreError::Inconsistent { table: "hook_deliveries", source: Box::new(error) }
        })?;
        if kept.body_left_out {
            return Err(HookError::NotKept);
        }
        let reading = entry.profile.read_kept(kept.into_scope(), &entry.keys);
        let arrival = HookArrival {
            method: Method::POST,
            url: String::new(),
            query: String::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            event: None,
            peer: None,
            trace_id: before.trace_id,
            received_at: self.wall(),
        };
        // A caller that leaves changes nothing.
        let (dispatch, entry_of_work) = (Arc::clone(self), Arc::clone(&entry));
        let work = self.lifecycle.spawn(async move {
            let report = dispatch.report_of(&entry_of_work, &arrival, &reading).await;
            report.map(|report| (report, arrival, reading))
        });
        let broken = |error| StoreError::Unavailable(Box::new(error));
        let done = work.await.map_err(broken)?;
        let Ok((report, arrival, reading)) = done else { return Err(HookError::Busy) };
        if report.verdict == HookVerdict::Busy {
            return Err(HookError::Busy);
        }
        let status = entry.told(&reading, report.verdict).reply.status();
        let delivery = self.delivery(&entry, &arrival, before.request, report, status);
        let most = self.limits.hooks.deliveries_kept;
        self.store.note_hook_deliveries(vec![delivery.clone()], most).await?;
        Ok(delivery)
    }

    async fn entry_of(&self, app: AppId, id: &HookId) -> Result<Arc<HookEntry>, HookError> {
        let entry = self.hook_entry(id).await?;
        entry.filter(|entry| entry.hook.app == app).ok_or(HookError::Unknown("hook"))
    }

    /// The hook with another profile, for a try.
    fn instead_of(&self, entry: &HookEntry, instead: &TrialProfile) -> Result<HookEntry, HookError> {
        let profile = self.profile_of(instead.preset.as_deref(), &instead.profile).map_err(in_profile)?;
        let has_secret = |name: &str| entry.keys.secrets.contains_key(name);
        check_given(&profile, &entry.hook.params, &has_secret)?;
        let params = Arc::new(params_of(&profile, &entry.hook.params, &entry.hook.id));
        let keys = HookKeys { params, ..entry.keys.clone() };
        Ok(HookEntry { hook: entry.hook.clone(), profile, keys, gate: Arc::clone(&entry.gate) })
    }

    /// The hook as it would be for everybody who knows its address.
    fn open_of(&self, entry: &HookEntry, instead: Option<&TrialProfile>) -> Result<HookEntry, HookError> {
        let own = || TrialProfile {
            preset: entry.hook.preset.clone(),
            profile: serde_json::from_str(&entry.hook.profile).unwrap_or_default(),
        };
        let mut open = instead.cloned().unwrap_or_else(own);
        if let Some(profile) = open.profile.as_object_mut() {
            profile.insert("verify".to_owned(), Value::Array(Vec::new()));
        }
        self.instead_of(entry, &open)
    }

    async fn item_tried(
        &self,
        app: &AppEntry,
        entry: &HookEntry,
        item: ItemReading,
        arrival: &HookArrival,
    ) -> Result<ItemTried, HookError> {
        let tried = |outcome| ItemTried {
            outcome,
            event: None,
            says: None,
            left_out: Vec::new(),
            error: None,
            detail: None,
        };
        let why = |outcome, error: &str, detail: String| ItemTried {
            error: Some(error.to_owned()),
            detail: Some(detail),
            ..tried(outcome)
        };
        Ok(match item {
            ItemReading::Event(event) => self.event_tried(app, entry, *event, arrival).await?,
            ItemReading::Filtered => tried(ItemOutcome::Filtered),
            ItemReading::Ignored { why: error, status } => why(ItemOutcome::Ignored, error, status),
            ItemReading::Unmapped { error, detail } => why(ItemOutcome::Unmapped, error, detail),
        })
    }

    async fn event_tried(
        &self,
        app: &AppEntry,
        entry: &HookEntry,
        event: HookEvent,
        arrival: &HookArrival,
    ) -> Result<ItemTried, HookError> {
        let key_mode = key_mode(&entry.hook, event.station.as_deref());
        let run = match event.parsed(&self.kinds) {
            Err(error) => Err(AcceptError::Input(error)),
            Ok(parsed) => {
                let arrival = Arrival {
                    source: source_of(&entry.hook.id).into(),
                    key_mode,
                    parsed,
                    trace_id: arrival.trace_id.clone(),
                    received_at: arrival.received_at,
                };
                self.dry_run(app, &arrival).await
            }
        };
        let (outcome, says, error) = match run {
            Ok(run) if run.silent => (ItemOutcome::Remembered, Some(run), None),
            Ok(run) => (ItemOutcome::Alerted, Some(run), None),
            Err(AcceptError::Input(error)) => (ItemOutcome::Unmapped, None, Some(error)),
            // A dry run looks at no id.
            Err(AcceptError::Conflict) => (ItemOutcome::Conflict, None, None),
            Err(AcceptError::Store(error)) => return Err(error.into()),
        };
        let detail = error.as_ref().map(|error| {
            let pointer = error.pointer.as_deref().unwrap_or_default();
            format!("{pointer} {}", error.detail).trim().to_owned()
        });
        Ok(ItemTried {
            outcome,
            event: Some(event.canonical),
            says,
            left_out: event.dropped,
            error: error.map(|error| error.error.to_owned()),
            detail,
        })
    }
}
