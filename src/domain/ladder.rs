//! Ladders: what happens, step by step, while nobody answers an alert.
//! A ladder is data and has no timers: which steps were taken is a mask kept with the alert, and each is taken once.

use serde::{Deserialize, Serialize};

use super::{EpochMs, GroupId};

/// Steps in the order of their time.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ladder(Vec<Step>);

/// One step.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Seconds after the alert became active.
    pub after_s: u32,
    /// What is done.
    #[serde(flatten)]
    pub act: Act,
    /// Whether it is taken at once when no rider of the alert can hear it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fallback: bool,
}

/// What a step does.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Act {
    /// Rings every rider who has not answered once more.
    Repeat,
    /// Rings them once more, with the louder chime.
    Louder,
    /// Takes the offer from who has it and gives it to the next candidate.
    Next,
    /// Gives it to everyone of these groups as well; without groups, to the groups of the riders it was for.
    Station {
        /// The groups.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        groups: Vec<GroupId>,
    },
    /// Tells the desk.
    Desk,
    /// Calls a voice-call or SMS service.
    Http(HttpCall),
    /// Gives up: the alert ends.
    Exhausted,
}

/// A request to somebody else's service. The path and query of the URL, the header values and the body may name slots.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct HttpCall {
    /// Where to.
    pub url: String,
    /// `POST` unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Names and values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// JSON whose texts may name slots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<serde_json::Value>,
}

/// Most steps of one ladder; the mask of steps taken has 32 bits.
pub const MAX_STEPS: usize = 16;

impl Ladder {
    /// A ladder of these steps; `None` if there are too many or they are not in the order of their time.
    #[must_use]
    pub fn new(steps: Vec<Step>) -> Option<Self> {
        let rising = steps.is_sorted_by_key(|step| step.after_s);
        (steps.len() <= MAX_STEPS && rising).then_some(Self(steps))
    }

    /// The steps.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether it has no steps.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same steps without what their calls send, which may hold keys; `None` if no step calls.
    #[must_use]
    pub fn without_calls(&self) -> Option<Self> {
        if !self.0.iter().any(|step| matches!(step.act, Act::Http(_))) {
            return None;
        }
        let bare = |step: &Step| match &step.act {
            Act::Http(_) => Step { act: Act::Http(HttpCall::default()), ..step.clone() },
            Act::Repeat | Act::Louder | Act::Next | Act::Station { .. } | Act::Desk | Act::Exhausted => {
                step.clone()
            }
        };
        Some(Self(self.0.iter().map(bare).collect()))
    }

    /// The steps that are not in the mask `done`, with their level.
    pub fn left(&self, done: u32) -> impl Iterator<Item = (u32, &Step)> {
        (0..).zip(&self.0).filter(move |(level, _)| !is_done(done, *level))
    }

    /// When the next step is due, of an alert that became active at `began`.
    #[must_use]
    pub fn due_at(&self, done: u32, began: EpochMs) -> Option<EpochMs> {
        self.left(done).map(|(_, step)| step.due_at(began)).min()
    }

    /// The first level that is due at `now`.
    #[must_use]
    pub fn due(&self, done: u32, began: EpochMs, now: EpochMs) -> Option<u32> {
        self.left(done).find(|(_, step)| step.due_at(began) <= now).map(|(level, _)| level)
    }

    /// The fallback level that was not taken yet.
    #[must_use]
    pub fn fallback(&self, done: u32) -> Option<u32> {
        self.left(done).find(|(_, step)| step.fallback).map(|(level, _)| level)
    }

    /// Seconds until the last rider a step brings has had `timeout_s` to answer.
    #[must_use]
    pub fn span_s(&self, timeout_s: u32) -> u32 {
        let ends = self.0.iter().map(|step| {
            let window_s = if step.act.widens() { timeout_s } else { 0 };
            step.after_s.saturating_add(window_s)
        });
        ends.max().unwrap_or(0).max(timeout_s)
    }
}

impl Step {
    /// When it is due on a ladder that began at `began`.
    #[must_use]
    pub fn due_at(&self, began: EpochMs) -> EpochMs {
        began.plus_ms(i64::from(self.after_s) * 1000)
    }
}

impl Act {
    /// Its word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Repeat => "repeat",
            Self::Louder => "louder",
            Self::Next => "next",
            Self::Station { .. } => "station",
            Self::Desk => "desk",
            Self::Http(_) => "http",
            Self::Exhausted => "exhausted",
        }
    }

    /// Whether it rings those who have the alert already.
    #[must_use]
    pub fn rings(&self) -> bool {
        match self {
            Self::Repeat | Self::Louder => true,
            Self::Next | Self::Station { .. } | Self::Desk | Self::Http(_) | Self::Exhausted => false,
        }
    }

    /// Whether it may bring riders who do not have the alert yet.
    #[must_use]
    pub fn widens(&self) -> bool {
        match self {
            Self::Next | Self::Station { .. } => true,
            Self::Repeat | Self::Louder | Self::Desk | Self::Http(_) | Self::Exhausted => false,
        }
    }
}

/// Whether a level is in the mask.
#[must_use]
pub fn is_done(done: u32, level: u32) -> bool {
    done & (1 << level) != 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape serde wants")]
fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::{Act, Ladder, Step};
    use crate::domain::EpochMs;

    fn step(after_s: u32, act: Act) -> Step {
        Step { after_s, act, fallback: false }
    }

    #[test]
    fn each_step_is_due_once_and_in_its_order() {
        let steps = vec![step(10, Act::Repeat), step(20, Act::Next), step(30, Act::Exhausted)];
        let ladder = Ladder::new(steps).unwrap();
        let began = EpochMs(1_000);
        assert_eq!(ladder.due(0, began, EpochMs(10_999)), None);
        assert_eq!(ladder.due(0, began, EpochMs(11_000)), Some(0));
        assert_eq!(ladder.due(1, began, EpochMs(11_000)), None);
        assert_eq!(ladder.due_at(1, began), Some(EpochMs(21_000)));
        assert_eq!(ladder.due_at(7, began), None);
        assert_eq!(ladder.span_s(15), 35);
    }

    #[test]
    fn steps_that_run_backwards_are_no_ladder() {
        assert!(Ladder::new(vec![step(20, Act::Repeat), step(10, Act::Repeat)]).is_none());
        assert!(Ladder::new(vec![step(1, Act::Repeat); 17]).is_none());
    }

    #[test]
    fn a_ladder_is_stored_as_it_is_written() {
        let text = r#"[{"after_s":10,"do":"repeat"},{"after_s":20,"do":"http","url":"https://a.example","fallback":true}]"#;
        let ladder: Ladder = serde_json::from_str(text).unwrap();
        assert_eq!(ladder.fallback(0), Some(1));
        assert_eq!(serde_json::to_string(&ladder).unwrap(), text);
    }
}
