//! What a sender is answered, in its own words where its profile has some, and what is noted of that.

use std::time::Duration;

use tracing::{info, warn};

use super::directory::HookEntry;
use super::gates::{HookRefusal, names};
use super::{HookArrival, HookVisit, Unread};
use crate::dispatch::{Dispatch, TooMany};
use crate::domain::HookVerdict;
use crate::intake::hooks::{Ack, AckKind, Reading};
use crate::telemetry::{Metric, seconds};

/// What a sender is answered.
#[derive(Clone, Debug, PartialEq)]
pub struct HookAnswer {
    /// What became of its request; `None` if there is no such hook.
    pub verdict: Option<HookVerdict>,
    /// Its answer.
    pub reply: HookReply,
    /// When it may come again, in seconds, if it came too fast or we cannot now.
    pub retry_after_s: Option<u64>,
}

/// An answer to a sender.
#[derive(Clone, Debug, PartialEq)]
pub enum HookReply {
    /// In its own words.
    Own {
        /// HTTP status.
        status: u16,
        /// Content type.
        content_type: String,
        /// The body.
        body: String,
    },
    /// It has no words for this: in ours.
    Problem {
        /// HTTP status.
        status: u16,
        /// Stable word.
        error: &'static str,
        /// For people; no cause of ours.
        message: String,
    },
}

/// Why a request was not taken, as its sender is told.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) status: u16,
    pub(super) error: &'static str,
    pub(super) message: String,
    pub(super) retry_after_s: Option<u64>,
}

/// When a sender may come again where the store or the time was not enough.
const AGAIN_S: u64 = 2;

impl Fault {
    pub(super) fn too_many(too_many: TooMany) -> Self {
        let message = "too many requests; come again later".to_owned();
        let retry_after_s = Some(too_many.retry_after_s);
        Self { status: 429, error: "too_many_requests", message, retry_after_s }
    }

    pub(super) fn unavailable() -> Self {
        let message = "it cannot be taken now; send it again".to_owned();
        Self { status: 503, error: "unavailable", message, retry_after_s: Some(AGAIN_S) }
    }

    /// A body that was not taken.
    pub(super) fn unread(unread: Unread) -> Self {
        let Unread { status, error, message } = unread;
        Self { status, error, message, retry_after_s: None }
    }

    /// What was refused: the sender hears that, and not what a right signature would be.
    fn refused(reading: &Reading) -> Self {
        let (status, error, message) = if reading.forbidden {
            (403, "not_allowed", "this sender is not allowed here")
        } else {
            (401, "bad_signature", "the signature, token or address is not right")
        };
        Self { status, error, message: message.to_owned(), retry_after_s: None }
    }

    fn unreadable(reading: &Reading) -> Self {
        Self { status: 400, error: "unreadable", message: reading.detail.clone(), retry_after_s: None }
    }
}

impl HookReply {
    /// Its status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Own { status, .. } | Self::Problem { status, .. } => *status,
        }
    }

    fn of(ack: Ack, fault: Option<&Fault>) -> Self {
        match (ack.body, fault) {
            (Some(body), _) => Self::Own { status: ack.status, content_type: ack.content_type, body },
            (None, Some(fault)) => {
                Self::Problem { status: ack.status, error: fault.error, message: fault.message.clone() }
            }
            // Nothing was wrong, and there is nothing to say.
            (None, None) => {
                Self::Own { status: ack.status, content_type: ack.content_type, body: String::new() }
            }
        }
    }
}

impl HookAnswer {
    /// There is no such hook.
    pub(super) fn unknown() -> Self {
        let (error, message) = ("not_found", "there is no such hook".to_owned());
        Self { verdict: None, reply: HookReply::Problem { status: 404, error, message }, retry_after_s: None }
    }

    /// Nothing is known of the hook, as the store does not answer.
    pub(super) fn unavailable() -> Self {
        let Fault { status, error, message, retry_after_s } = Fault::unavailable();
        let reply = HookReply::Problem { status, error, message };
        Self { verdict: Some(HookVerdict::Busy), reply, retry_after_s }
    }
}

impl HookEntry {
    /// What a sender is told of what was taken, or of a probe.
    pub(super) fn told(&self, reading: &Reading, verdict: HookVerdict) -> HookAnswer {
        let kind = match verdict {
            HookVerdict::Probe => AckKind::Probe,
            HookVerdict::Mapped
            | HookVerdict::Duplicate
            | HookVerdict::Ignored
            | HookVerdict::Filtered
            | HookVerdict::Unmapped => AckKind::Done,
            HookVerdict::Refused => return self.fault(reading, verdict, &Fault::refused(reading)),
            HookVerdict::Unreadable => return self.fault(reading, verdict, &Fault::unreadable(reading)),
            HookVerdict::Busy => return self.fault(reading, verdict, &Fault::unavailable()),
        };
        let reply = HookReply::of(self.profile.ack(reading, kind), None);
        HookAnswer { verdict: Some(verdict), reply, retry_after_s: None }
    }

    /// What a sender is told of what was not taken.
    pub(super) fn fault(&self, reading: &Reading, verdict: HookVerdict, fault: &Fault) -> HookAnswer {
        let (status, code, message) = (fault.status, fault.error, fault.message.clone());
        let kind = match verdict {
            HookVerdict::Busy => AckKind::Busy { status, code, message },
            HookVerdict::Mapped
            | HookVerdict::Duplicate
            | HookVerdict::Ignored
            | HookVerdict::Filtered
            | HookVerdict::Probe
            | HookVerdict::Unmapped
            | HookVerdict::Refused
            | HookVerdict::Unreadable => AckKind::Error { status, code, message },
        };
        let reply = HookReply::of(self.profile.ack(reading, kind), Some(fault));
        HookAnswer { verdict: Some(verdict), reply, retry_after_s: fault.retry_after_s }
    }

    /// Remembers a request that was refused or could not be read, for the hook's owner.
    pub(super) fn remember(&self, reading: &Reading, arrival: &HookArrival) {
        info!(
            hook.name = self.hook.name(),
            app.id = %self.hook.app,
            reason = reading.reason,
            trace.id = arrival.trace_id,
            "Request to a hook refused."
        );
        self.gate.remember(HookRefusal {
            at: arrival.received_at,
            verdict: reading.verdict,
            reason: reading.reason.clone(),
            detail: reading.detail.clone(),
            headers: names(&arrival.headers),
        });
    }

    /// Says that what a hook was sent could not be taken now.
    pub(super) fn warn(&self, error: &(dyn std::error::Error + 'static)) {
        warn!(hook.name = self.hook.name(), app.id = %self.hook.app, error, "A hook's sender is asked to send again.");
    }
}

impl Dispatch {
    /// Counts a request that has its answer.
    pub(super) fn count_hook(&self, visit: &HookVisit, answer: HookAnswer) -> HookAnswer {
        let name = visit.entry.hook.name();
        if let Some(verdict) = answer.verdict {
            visit.entry.gate.count(verdict);
            let labels = [("hook", name), ("verdict", verdict.as_str())];
            self.telemetry.counter_named(Metric::HookRequests, &labels).increment(1);
        }
        let took_ms = self.clock.now().mono_ms - visit.began_ms;
        self.telemetry.histogram_named(Metric::HookSeconds, &[("hook", name)]).record(seconds(took_ms));
        answer
    }

    /// How long a sender waits that called at `received_at` on its way here.
    pub(super) fn patience(&self, visit: &HookVisit) -> Duration {
        let within = visit.entry.profile.answer_within_ms().map(Duration::from_millis);
        let within = within.unwrap_or(self.limits.hooks.answer_within);
        let spent_ms = self.clock.now().mono_ms - visit.began_ms;
        within.saturating_sub(Duration::from_millis(u64::try_from(spent_ms).unwrap_or_default()))
    }
}
