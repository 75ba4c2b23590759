//! Receipts: what a client tells of an alert and may forget once it is kept.
//! The same from a socket and from a request, with moments believed only within reason.

use super::frame::{ClientFrame, Report, ReportStatus, ServerFrame};
use super::{Output, push};
use crate::clock::Now;
use crate::domain::delivery::{Answer, AnswerOutcome, Change};
use crate::domain::{AlertId, EpochMs};

/// Oldest moment a receipt may name, before now: a shift.
const RECEIPT_AGE_MAX_MS: i64 = 86_400_000;
/// Longest reason a client may give, in characters.
const REASON_CHARS_MAX: usize = 64;

/// A receipt that must be committed before the client may forget it.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipt {
    /// Number on the device.
    pub n: u64,
    /// The alert, as the client named it.
    pub id: String,
    /// What to commit; `None` if there is nothing to.
    pub what: Option<(AlertId, Change)>,
    /// The answer, if it is one.
    pub answer: Option<Answer>,
    /// When the client says it happened, within reason.
    pub at: EpochMs,
}

/// What became of a receipt in the store.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Kept {
    /// This receipt ended the delivery.
    pub ended: bool,
    /// For an answer: what the rider is told; `None` if there is no such delivery.
    pub outcome: Option<AnswerOutcome>,
}

impl Receipt {
    pub(super) fn reported(report: Report, now: Now) -> Self {
        let word = |word: &str| Change::Trouble(trouble(word, report.reason.as_deref()));
        let change = match report.status {
            ReportStatus::Queued => Change::Received,
            ReportStatus::Playing => Change::Playing,
            ReportStatus::Played => Change::Played { play: report.play.clamp(1, 1_000) },
            ReportStatus::Failed => word("failed"),
            ReportStatus::Skipped => word("skipped"),
        };
        let at = report.at.map_or(now.wall, |at| within_reason(EpochMs(at), now.wall));
        let what = report.id.parse().ok().map(|alert| (alert, change));
        Self { n: report.n, id: report.id, what, answer: None, at }
    }

    pub(super) fn answered(n: u64, id: String, answer: Answer, now: Now) -> Self {
        let what = id.parse().ok().map(|alert| (alert, Change::Answered(answer)));
        Self { n, id, what, answer: Some(answer), at: now.wall }
    }

    /// What the client is told once it is kept.
    pub fn answer_to(&self, kept: &Kept, out: &mut Vec<Output>) {
        if self.answer.is_some() {
            let outcome = kept.outcome.unwrap_or(AnswerOutcome::Gone);
            push(out, &ServerFrame::Answered { n: self.n, id: &self.id, outcome });
        }
        push(out, &ServerFrame::Got { n: self.n });
    }

    /// The receipt in a text frame, for clients without a socket. `None` if it is no report and no answer.
    #[must_use]
    pub fn of_text(text: &str, now: Now) -> Option<Self> {
        match ClientFrame::parse(text).ok()? {
            ClientFrame::Report(report) => Some(Self::reported(report, now)),
            ClientFrame::Answer { n, id, answer } => Some(Self::answered(n, id, answer, now)),
            ClientFrame::Hello(_)
            | ClientFrame::Ack { .. }
            | ClientFrame::State(_)
            | ClientFrame::Ping {}
            | ClientFrame::Pong {}
            | ClientFrame::Refresh { .. }
            | ClientFrame::Chat {}
            | ClientFrame::Read {}
            | ClientFrame::Subscribe {}
            | ClientFrame::Unsubscribe {} => None,
        }
    }
}

fn trouble(word: &str, reason: Option<&str>) -> String {
    let kept = reason.unwrap_or("unknown").chars().filter(|c| !c.is_control());
    let reason: String = kept.take(REASON_CHARS_MAX).collect();
    format!("{word}:{reason}")
}

/// A client's moment, unless it lies in the future or too far back.
fn within_reason(at: EpochMs, now: EpochMs) -> EpochMs {
    if at <= now && now.since_ms(at) <= RECEIPT_AGE_MAX_MS { at } else { now }
}

#[cfg(test)]
mod tests {
    use super::within_reason;
    use crate::domain::EpochMs;

    #[test]
    fn a_moment_in_the_future_or_long_ago_is_not_believed() {
        let wall = EpochMs(1_800_000_000_000);
        assert_eq!(within_reason(wall.plus_ms(1), wall), wall);
        assert_eq!(within_reason(wall.plus_ms(-1), wall), wall.plus_ms(-1));
        assert_eq!(within_reason(EpochMs(i64::MIN), wall), wall);
    }
}
