//! Frames waiting for one socket: a lane for control and one per urgency, bounded in bytes.
//! Over the bound nothing is dropped silently: the session is closed and resumes from the store.

use std::collections::VecDeque;

use crate::domain::Urgency;

/// Which frames go first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Lane {
    /// An alert of this urgency.
    Alert(Urgency),
    /// Everything that is not an alert: short, and often about what is sounding now.
    Control,
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
        let place = self.frames.iter().rposition(|(other, _)| *other >= lane).map_or(0, |last| last + 1);
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
    use super::{Lane, Outbox};
    use crate::domain::Urgency;

    #[test]
    fn control_first_then_urgency_then_order_of_arrival() {
        let mut outbox = Outbox::default();
        for (lane, text) in [
            (Lane::Alert(Urgency::Low), "low"),
            (Lane::Alert(Urgency::Critical), "critical 1"),
            (Lane::Control, "stop"),
            (Lane::Alert(Urgency::Critical), "critical 2"),
            (Lane::Alert(Urgency::High), "high"),
        ] {
            outbox.push(lane, text.to_owned());
        }
        assert_eq!(outbox.bytes(), 31);
        let order: Vec<_> = std::iter::from_fn(|| outbox.pop()).collect();
        assert_eq!(order, ["stop", "critical 1", "critical 2", "high", "low"]);
        assert!(outbox.is_empty() && outbox.bytes() == 0);
    }
}
