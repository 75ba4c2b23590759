//! How many frames a client may send: a bucket that fills by time. Acknowledgements of frames that were sent here are
//! free, however often they come: otherwise a burst of alerts would use up what the rider's answers need.

use super::frame::ServerFrame;
use super::{Close, Output, Session, Settings, push};
use crate::clock::Now;

/// What a client may still send.
#[derive(Debug)]
pub(super) struct Allowance {
    /// Thousandths of a frame.
    left: u32,
    filled_ms: i64,
    /// The lowest and the highest number of a frame that was sent here.
    sent: Option<(i64, i64)>,
}

impl Allowance {
    /// A full bucket.
    pub(super) fn new(burst: u32, now: Now) -> Self {
        Self { left: burst.saturating_mul(1000), filled_ms: now.mono_ms, sent: None }
    }

    /// Takes one frame out of a bucket that holds `burst` and fills `per_second`; false if none is left.
    pub(super) fn spend(&mut self, per_second: u32, burst: u32, now: Now) -> bool {
        let passed_ms = now.mono_ms.saturating_sub(self.filled_ms);
        self.filled_ms = now.mono_ms;
        // A thousandth of a frame is worth a millisecond at one frame a second.
        let gained = u32::try_from(passed_ms.max(0)).unwrap_or(u32::MAX).saturating_mul(per_second);
        self.left = self.left.saturating_add(gained).min(burst.saturating_mul(1000));
        match self.left.checked_sub(1000) {
            Some(left) => self.left = left,
            None => return false,
        }
        true
    }

    /// A frame with this number was sent.
    pub(super) fn note_sent(&mut self, seq: i64) {
        let (lowest, highest) = self.sent.unwrap_or((seq, seq));
        self.sent = Some((lowest.min(seq), highest.max(seq)));
    }

    /// Whether these are numbers of frames that were sent here, and nothing else.
    pub(super) fn is_of_sent(&self, seqs: &[i64]) -> bool {
        let Some((lowest, highest)) = self.sent else { return false };
        !seqs.is_empty() && seqs.iter().all(|seq| (lowest..=highest).contains(seq))
    }
}

impl Session {
    /// A ping or pong of the WebSocket's own has come.
    pub fn on_alive(&mut self, now: Now, out: &mut Vec<Output>) {
        self.on_heard(now);
        self.spend(now, out);
    }

    /// Counts what the client sends; false if that is too much, and the session ends.
    pub(super) fn spend(&mut self, now: Now, out: &mut Vec<Output>) -> bool {
        let Settings { messages_per_second, messages_burst, .. } = *self.settings;
        let allowed = self.allowance.spend(messages_per_second, messages_burst, now);
        if !allowed {
            push(out, &ServerFrame::Error { code: "too_many", message: "too many frames" });
            out.push(Output::Close(Close::TooMany));
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::{Allowance, Now};
    use crate::domain::EpochMs;

    fn at(mono_ms: i64) -> Now {
        Now { wall: EpochMs(1_800_000_000_000), mono_ms }
    }

    fn burst(allowance: &mut Allowance, mono_ms: i64) -> usize {
        (0..10_000).take_while(|_| allowance.spend(20, 200, at(mono_ms))).count()
    }

    #[test]
    fn a_burst_and_then_what_time_brings() {
        let mut allowance = Allowance::new(200, at(0));
        assert_eq!(burst(&mut allowance, 0), 200);
        assert_eq!(burst(&mut allowance, 49), 0);
        assert_eq!(burst(&mut allowance, 50), 1);
        assert_eq!(burst(&mut allowance, 1_050), 20);
        assert_eq!(burst(&mut allowance, 3_600_000), 200, "no more than the bucket holds");
        assert_eq!(burst(&mut allowance, 3_599_000), 0, "a clock that steps back brings nothing");
    }

    #[test]
    fn what_was_sent_is_free_however_often_and_nothing_else_is() {
        let mut allowance = Allowance::new(200, at(0));
        assert!(!allowance.is_of_sent(&[7]));
        for seq in 7..1_000 {
            allowance.note_sent(seq);
        }
        for _ in 0..1_000 {
            assert!(allowance.is_of_sent(&[7]) && allowance.is_of_sent(&[999, 8]));
        }
        for strange in [&[6][..], &[1_000], &[7, 1_000], &[]] {
            assert!(!allowance.is_of_sent(strange), "{strange:?}");
        }
    }
}
