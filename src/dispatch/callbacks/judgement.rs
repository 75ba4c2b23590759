//! What a try has come to: for the callback, for its backend, and in words for who looks at it later.
//! Pure: the reply, the table, luck and time come in as values.

use std::time::Duration;

use super::circuit::Verdict;
use super::retry::{RetryTable, Urgency};
use crate::domain::EpochMs;
use crate::store::AfterAttempt;

/// What came back from a backend.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CallbackReply {
    /// An answer, whatever its body was.
    Answered {
        /// Its status.
        status: u16,
        /// How long it asks us to wait.
        retry_after: Option<Duration>,
    },
    /// The address may not be called. Nothing was sent.
    NotAllowed,
    /// There was no place for it. Nothing was sent.
    Busy,
    /// It could not be signed. Nothing was sent.
    Unsigned,
    /// There was no connection. Nothing was sent.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// The connection ended, or what came is not HTTP.
    Broken,
}

/// What follows from a reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Judgement {
    pub(super) status: Option<u16>,
    /// Why it was not taken; one of a few words.
    pub(super) error: Option<&'static str>,
    pub(super) after: AfterAttempt,
    pub(super) verdict: Verdict,
}

/// What was tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Try<'a> {
    pub(super) table: &'a RetryTable,
    pub(super) urgency: Urgency,
    /// Tries before this one.
    pub(super) tries: u32,
    /// Spreads what is tried again.
    pub(super) luck: u8,
    /// Longest wait that a backend may ask for.
    pub(super) retry_after_max_ms: i64,
    /// When it ended.
    pub(super) at: EpochMs,
}

/// Before something that found no place is looked at again.
const BUSY_MS: i64 = 1_000;

impl Judgement {
    pub(super) fn of(reply: CallbackReply, tried: Try<'_>) -> Self {
        let judged =
            |error, verdict| Self { status: None, error: Some(error), after: tried.again(0), verdict };
        match reply {
            CallbackReply::Answered { status, retry_after } => Self::of_answer(status, retry_after, tried),
            CallbackReply::NotAllowed => {
                Self { after: AfterAttempt::Dead, ..judged("not_allowed", Verdict::Unknown) }
            }
            CallbackReply::Busy => {
                let after = AfterAttempt::Postponed(tried.at.plus_ms(BUSY_MS));
                Self { after, ..judged("busy", Verdict::Unknown) }
            }
            CallbackReply::Unsigned => judged("unsigned", Verdict::Unknown),
            CallbackReply::Unreachable => judged("unreachable", Verdict::Unreached),
            CallbackReply::TimedOut => judged("timeout", Verdict::Mute),
            CallbackReply::Broken => judged("broken", Verdict::Mute),
        }
    }

    fn of_answer(status: u16, retry_after: Option<Duration>, tried: Try<'_>) -> Self {
        let asked_ms = retry_after.map(|wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
        let asked_ms = asked_ms.map(|wait| wait.min(tried.retry_after_max_ms)).filter(|wait| *wait > 0);
        let judged = |error, verdict| Self {
            status: Some(status),
            error: Some(error),
            after: tried.again(0),
            verdict,
        };
        match (status, asked_ms) {
            (200..=299, _) => Self {
                status: Some(status),
                error: None,
                after: AfterAttempt::Delivered,
                verdict: Verdict::Well,
            },
            (410, _) => Self { after: AfterAttempt::Gone, ..judged("gone", Verdict::Well) },
            (429 | 503, Some(wait)) => {
                Self { after: tried.again(wait), ..judged("asked_to_wait", Verdict::Away(wait)) }
            }
            (300..=399, _) => judged("redirect", Verdict::Ill),
            // These two are about load and time; the others blame the request, and the next one may be fine.
            (408 | 429, _) => judged("refused", Verdict::Ill),
            (400..=499, _) => judged("refused", Verdict::Well),
            (_, _) => judged("failed", Verdict::Ill),
        }
    }
}

impl Try<'_> {
    /// As the table has it, and not before the backend wants it.
    fn again(self, asked_ms: i64) -> AfterAttempt {
        match self.table.pause_ms(self.urgency, self.tries, self.luck) {
            Some(pause_ms) => AfterAttempt::Again(self.at.plus_ms(pause_ms.max(asked_ms))),
            None => AfterAttempt::Dead,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{CallbackReply, Judgement, Try};
    use crate::dispatch::callbacks::circuit::Verdict;
    use crate::dispatch::callbacks::retry::{RetryTable, Urgency};
    use crate::domain::EpochMs;
    use crate::store::AfterAttempt;

    fn judged_after(tries: u32, reply: CallbackReply) -> (AfterAttempt, Verdict, Option<&'static str>) {
        let table = RetryTable::new(vec![1_000, 5_000], &[]);
        let at = EpochMs(100);
        let urgency = Urgency::Usual;
        let attempt = Try { table: &table, urgency, tries, luck: 0, retry_after_max_ms: 3_600_000, at };
        let judgement = Judgement::of(reply, attempt);
        (judgement.after, judgement.verdict, judgement.error)
    }

    fn answered(status: u16, retry_after: Option<u64>) -> CallbackReply {
        CallbackReply::Answered { status, retry_after: retry_after.map(Duration::from_secs) }
    }

    #[test]
    fn each_reply_has_its_consequences() {
        let again = AfterAttempt::Again(EpochMs(1_100));
        for (reply, after, verdict, error) in [
            (answered(200, None), AfterAttempt::Delivered, Verdict::Well, None),
            (answered(204, Some(60)), AfterAttempt::Delivered, Verdict::Well, None),
            (answered(410, None), AfterAttempt::Gone, Verdict::Well, Some("gone")),
            (answered(301, None), again, Verdict::Ill, Some("redirect")),
            (answered(302, None), again, Verdict::Ill, Some("redirect")),
            (answered(304, None), again, Verdict::Ill, Some("redirect")),
            (answered(400, None), again, Verdict::Well, Some("refused")),
            (answered(422, None), again, Verdict::Well, Some("refused")),
            (answered(401, None), again, Verdict::Well, Some("refused")),
            (answered(404, None), again, Verdict::Well, Some("refused")),
            (answered(408, None), again, Verdict::Ill, Some("refused")),
            (answered(429, None), again, Verdict::Ill, Some("refused")),
            (answered(500, Some(60)), again, Verdict::Ill, Some("failed")),
            (answered(503, None), again, Verdict::Ill, Some("failed")),
            (answered(999, None), again, Verdict::Ill, Some("failed")),
            (CallbackReply::NotAllowed, AfterAttempt::Dead, Verdict::Unknown, Some("not_allowed")),
            (CallbackReply::Busy, AfterAttempt::Postponed(EpochMs(1_100)), Verdict::Unknown, Some("busy")),
            (CallbackReply::Unsigned, again, Verdict::Unknown, Some("unsigned")),
            (CallbackReply::Unreachable, again, Verdict::Unreached, Some("unreachable")),
            (CallbackReply::TimedOut, again, Verdict::Mute, Some("timeout")),
            (CallbackReply::Broken, again, Verdict::Mute, Some("broken")),
        ] {
            assert_eq!(judged_after(0, reply), (after, verdict, error), "{reply:?}");
        }
    }

    #[test]
    fn a_backend_that_asks_to_wait_is_heeded_within_the_hour() {
        for status in [429, 503] {
            for (asked, waits) in [(30, 30_000), (7_200, 3_600_000)] {
                let (after, verdict, _) = judged_after(0, answered(status, Some(asked)));
                assert_eq!(
                    (after, verdict),
                    (AfterAttempt::Again(EpochMs(100 + waits)), Verdict::Away(waits))
                );
            }
            // Nothing is no time to wait.
            let (after, verdict, _) = judged_after(0, answered(status, Some(0)));
            assert_eq!((after, verdict), (AfterAttempt::Again(EpochMs(1_100)), Verdict::Ill));
        }
        let (after, ..) = judged_after(1, answered(429, Some(2)));
        assert_eq!(after, AfterAttempt::Again(EpochMs(5_100)), "the table's pause is the longer one");
    }

    #[test]
    fn when_the_table_is_used_up_it_is_dead_and_what_was_not_sent_is_not() {
        assert_eq!(judged_after(1, answered(500, None)).0, AfterAttempt::Again(EpochMs(5_100)));
        for reply in
            [answered(500, None), answered(503, Some(9)), answered(404, None), CallbackReply::TimedOut]
        {
            assert_eq!(judged_after(2, reply).0, AfterAttempt::Dead, "{reply:?}");
        }
        assert_eq!(judged_after(2, answered(200, None)).0, AfterAttempt::Delivered);
        assert_eq!(judged_after(9, CallbackReply::Busy).0, AfterAttempt::Postponed(EpochMs(1_100)));
    }
}
