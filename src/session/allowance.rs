//! How many frames a client may send: a bucket that fills by time. Acknowledgements of frames that were sent here are
//! free, once for each time a frame was sent; otherwise a burst of alerts would use up what the rider's answers need.

use super::frame::ServerFrame;
use super::{Close, Output, Session, Settings, push};
use crate::clock::Now;

/// What a client may still send.
#[derive(Debug)]
pub(super) struct Allowance {
    /// Thousandths of a frame.
    left: u32,
    filled_ms: i64,
    /// Sent and not acknowledged, oldest first; a frame that was sent twice is in it twice.
    owed: Vec<i64>,
}

/// Acknowledgements that are waited for. More are out only if the client never acknowledges what has ended, and then
/// the oldest are forgotten.
const OWED_MAX: usize = 256;

impl Allowance {
    /// A full bucket.
    pub(super) fn new(burst: u32, now: Now) -> Self {
        Self { left: burst.saturating_mul(1000), filled_ms: now.mono_ms, owed: Vec::new() }
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
    pub(super) fn owe(&mut self, seq: i64) {
        if self.owed.len() >= OWED_MAX {
            self.owed.remove(0);
        }
        self.owed.push(seq);
    }

    /// Strikes out what is acknowledged; whether anything was.
    pub(super) fn settle(&mut self, seqs: &[i64]) -> bool {
        let owed = self.owed.len();
        // Once for each time it is named.
        for seq in seqs.iter().take(OWED_MAX) {
            if let Some(place) = self.owed.iter().position(|owed| owed == seq) {
                self.owed.remove(place);
            }
        }
        self.owed.len() < owed
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
    fn only_what_was_sent_is_free_and_only_as_often() {
        let mut allowance = Allowance::new(200, at(0));
        allowance.owe(7);
        allowance.owe(7);
        allowance.owe(8);
        assert!(allowance.settle(&[7]) && allowance.settle(&[9, 7, 8]));
        assert!(!allowance.settle(&[7]) && !allowance.settle(&[8]) && !allowance.settle(&[]));
        for seq in 0..1_000 {
            allowance.owe(seq);
        }
        assert!(!allowance.settle(&[0]) && allowance.settle(&[999]));
    }
}
