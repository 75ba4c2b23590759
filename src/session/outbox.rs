//! Frames waiting for one socket: a lane for control and one per urgency, bounded in bytes.
//! Over the bound nothing is dropped silently: the session is closed and resumes from the store.

use std::collections::VecDeque;

use crate::domain::{AlertId, EpochMs, Urgency};

/// Which frames go first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lane {
    /// An alert, by its urgency.
    Alert(Waiting),
    /// Everything that is not an alert: short, and often about what is sounding now.
    Control,
}

/// The alert in a frame that waits, so that the frame can be taken back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Waiting {
    /// Which.
    pub alert: AlertId,
    /// How pressing.
    pub urgency: Urgency,
    /// From here on it must not be sent.
    pub expires_at: EpochMs,
}

impl Lane {
    fn rank(&self) -> u8 {
        match self {
            Self::Alert(waiting) => waiting.urgency.into(),
            Self::Control => u8::MAX,
        }
    }
}

/// Frames in the order they will be written.
#[derive(Debug, Default)]
pub struct Outbox {
    frames: VecDeque<(Lane, String)>,
    bytes: usize,
}

impl Outbox {
    /// Adds a frame behind those of its lane and of more pressing ones.
    pub fn push(&mut self, lane: Lane, frame: String) {
        self.bytes += frame.len();
        let place =
            self.frames.iter().rposition(|(other, _)| other.rank() >= lane.rank()).map_or(0, |last| last + 1);
        self.frames.insert(place, (lane, frame));
    }

    /// The next frame to write.
    pub fn pop(&mut self) -> Option<String> {
        let (_, frame) = self.frames.pop_front()?;
        self.bytes -= frame.len();
        if self.frames.is_empty() {
            // An idle session keeps no buffer.
            self.frames = VecDeque::new();
        }
        Some(frame)
    }

    /// Takes back alerts that must not be sent any more. Control frames overtake them: a `stop` that found its alert
    /// still waiting here would come first, and the alert would ring on.
    pub fn withdraw(&mut self, gone: impl Fn(&Waiting) -> bool) {
        self.frames.retain(|(lane, frame)| {
            let goes = matches!(lane, Lane::Alert(waiting) if gone(waiting));
            self.bytes -= if goes { frame.len() } else { 0 };
            !goes
        });
    }

    /// Bytes waiting.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{Lane, Outbox, Waiting};
    use crate::domain::{AlertId, EpochMs, Urgency};

    fn alert(number: u8, urgency: Urgency) -> Lane {
        let alert = AlertId::new(EpochMs(1), [number; 10]);
        Lane::Alert(Waiting { alert, urgency, expires_at: EpochMs(i64::from(number)) })
    }

    #[test]
    fn control_first_then_urgency_then_order_of_arrival() {
        let mut outbox = Outbox::default();
        for (lane, text) in [
            (alert(1, Urgency::Low), "low"),
            (alert(2, Urgency::Critical), "critical 1"),
            (Lane::Control, "stop"),
            (alert(3, Urgency::Critical), "critical 2"),
            (alert(4, Urgency::High), "high"),
        ] {
            outbox.push(lane, text.to_owned());
        }
        assert_eq!(outbox.bytes(), 31);
        let order: Vec<_> = std::iter::from_fn(|| outbox.pop()).collect();
        assert_eq!(order, ["stop", "critical 1", "critical 2", "high", "low"]);
        assert!(outbox.is_empty() && outbox.bytes() == 0);
    }

    #[test]
    fn an_alert_that_is_void_does_not_wait_any_longer() {
        let mut outbox = Outbox::default();
        outbox.push(alert(5, Urgency::High), "void".to_owned());
        outbox.push(alert(7, Urgency::High), "good".to_owned());
        outbox.push(Lane::Control, "stop".to_owned());
        outbox.withdraw(|waiting| waiting.expires_at <= EpochMs(5));
        assert_eq!(outbox.bytes(), 8);
        let order: Vec<_> = std::iter::from_fn(|| outbox.pop()).collect();
        assert_eq!(order, ["stop", "good"]);
    }
}
