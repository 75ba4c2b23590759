//! What became of a request and of each of its items, as it is kept, counted and shown.

use serde::Serialize;
use utoipa::ToSchema;

use crate::dispatch::{EventAnswer, OutcomeWord};
use crate::domain::{AlertId, EventId, HookVerdict, RiderId};
use crate::intake::InputError;

/// What became of one item, in a word.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemOutcome {
    /// Riders are told.
    Alerted,
    /// Its kind is silent here.
    Remembered,
    /// It comes later.
    Scheduled,
    /// It is old news.
    Dropped,
    /// It was known.
    Duplicate,
    /// Its id was known, and it said something else then: taken for the same.
    Conflict,
    /// A status that says nothing to riders.
    Ignored,
    /// Dropped by the profile's `when`.
    Filtered,
    /// No event can be made of it.
    Unmapped,
    /// The store did not take it; its sender sends it again.
    Failed,
}

/// What became of one item of a request.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ItemReport {
    /// In a word.
    pub outcome: ItemOutcome,
    /// The kind of its event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// The event's first alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert_id: Option<AlertId>,
    /// It is a test's, as the hook is in shadow mode.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
    /// Riders who will hear it now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reachable: Option<usize>,
    /// Members that were left out, as they did not fit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// Why there is no event, in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The same for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What became of a request.
#[derive(Clone, Debug)]
pub(super) struct HookReport {
    pub(super) verdict: HookVerdict,
    /// Why, in one of our words.
    pub(super) reason: String,
    pub(super) items: Vec<ItemReport>,
    pub(super) events: Vec<EventId>,
    /// Whom they are for, or were.
    pub(super) riders: Vec<RiderId>,
}

/// Longest text of why, in characters.
const DETAIL_CHARS_MAX: usize = 300;

impl ItemOutcome {
    /// The word used in JSON and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alerted => "alerted",
            Self::Remembered => "remembered",
            Self::Scheduled => "scheduled",
            Self::Dropped => "dropped",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
            Self::Ignored => "ignored",
            Self::Filtered => "filtered",
            Self::Unmapped => "unmapped",
            Self::Failed => "failed",
        }
    }

    fn of(answer: &EventAnswer) -> Self {
        if answer.duplicate {
            return Self::Duplicate;
        }
        match answer.outcome {
            OutcomeWord::Alerted => Self::Alerted,
            OutcomeWord::Remembered => Self::Remembered,
            OutcomeWord::Scheduled => Self::Scheduled,
            OutcomeWord::Dropped => Self::Dropped,
        }
    }
}

impl ItemReport {
    pub(super) fn new(outcome: ItemOutcome) -> Self {
        Self {
            outcome,
            kind: None,
            event_id: None,
            alert_id: None,
            test: false,
            reachable: None,
            left_out: Vec::new(),
            error: None,
            detail: None,
        }
    }

    pub(super) fn unmapped(error: &str, detail: &str) -> Self {
        let detail = (!detail.is_empty()).then(|| detail.chars().take(DETAIL_CHARS_MAX).collect());
        Self { error: Some(error.to_owned()), detail, ..Self::new(ItemOutcome::Unmapped) }
    }

    /// The event is one, but it cannot be taken as it is.
    pub(super) fn refuse(&mut self, error: &InputError) {
        let pointer = error.pointer.as_deref().unwrap_or_default();
        let told = Self::unmapped(error.error, format!("{pointer} {}", error.detail).trim());
        (self.outcome, self.error, self.detail) = (told.outcome, told.error, told.detail);
    }

    pub(super) fn tell(&mut self, answer: &EventAnswer) {
        self.outcome = ItemOutcome::of(answer);
        self.event_id = Some(answer.event_id.clone());
        self.alert_id = answer.alert_id;
        self.reachable = Some(answer.reachable);
    }
}

impl HookReport {
    pub(super) fn of(items: Vec<ItemReport>, mut riders: Vec<RiderId>) -> Self {
        use ItemOutcome as O;
        let has = |wanted: &[O]| items.iter().any(|item| wanted.contains(&item.outcome));
        let unmapped = items.iter().find(|item| item.outcome == O::Unmapped);
        let verdict = if has(&[O::Failed]) {
            HookVerdict::Busy
        } else if has(&[O::Alerted, O::Remembered, O::Scheduled, O::Dropped]) {
            HookVerdict::Mapped
        } else if unmapped.is_some() {
            HookVerdict::Unmapped
        } else if has(&[O::Duplicate, O::Conflict]) {
            HookVerdict::Duplicate
        } else if has(&[O::Ignored]) || items.is_empty() {
            HookVerdict::Ignored
        } else {
            HookVerdict::Filtered
        };
        let why = unmapped.or_else(|| items.iter().find(|item| item.error.is_some()));
        let reason = why.and_then(|item| item.error.clone()).unwrap_or_default();
        let events = items.iter().filter_map(|item| item.event_id.clone()).collect();
        riders.sort();
        riders.dedup();
        Self { verdict, reason, items, events, riders }
    }

    /// Whether there is something in it that nobody made an event of, and somebody should see.
    pub(super) fn must_be_seen(&self) -> bool {
        self.items.iter().any(|item| item.outcome == ItemOutcome::Unmapped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(outcome: ItemOutcome) -> ItemReport {
        ItemReport::new(outcome)
    }

    #[test]
    fn the_verdict_is_the_best_that_became_of_an_item() {
        use ItemOutcome as O;
        for (items, verdict, seen) in [
            (vec![O::Alerted, O::Unmapped], HookVerdict::Mapped, true),
            (vec![O::Dropped, O::Duplicate], HookVerdict::Mapped, false),
            (vec![O::Duplicate, O::Conflict], HookVerdict::Duplicate, false),
            (vec![O::Duplicate, O::Unmapped], HookVerdict::Unmapped, true),
            (vec![O::Ignored, O::Filtered], HookVerdict::Ignored, false),
            (vec![O::Filtered], HookVerdict::Filtered, false),
            (vec![], HookVerdict::Ignored, false),
            (vec![O::Alerted, O::Failed], HookVerdict::Busy, false),
        ] {
            let report = HookReport::of(items.iter().copied().map(item).collect(), Vec::new());
            assert_eq!((report.verdict, report.must_be_seen()), (verdict, seen), "{items:?}");
        }
    }
}
