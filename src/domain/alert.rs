//! An alert: what one event says to its riders, and until when.
//! It is active until every delivery has ended, or until it is cancelled or expires; an ended alert never changes.

use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize};

use super::app::KeyMode;
use super::delivery::{Change, EndReason};
use super::ladder::Act;
use super::target::DutyRule;
use super::{
    AlertId, AppId, Arbiter, EpochMs, EventId, Ladder, Mode, Need, OrderId, OrderKey, Repeat, Rider, RiderId,
    Said, Sound, Urgency,
};

/// One alert as stored: what decisions go by, and what is shown and heard.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// What decisions go by.
    pub head: Head,
    /// The backend's id of the event.
    pub event_id: EventId,
    /// The order's version.
    pub version: Option<i64>,
    /// Whether it is heard before alerts that wait.
    pub interrupt: bool,
    /// Soundings of one ring.
    pub repeat: Repeat,
    /// Language of speech.
    pub lang: String,
    /// Short label.
    pub title: String,
    /// What the card shows.
    pub text: String,
    /// What the voice says.
    pub said: Said,
    /// The order as the card shows it, JSON.
    pub card: String,
    /// Handed to the client unread, JSON.
    pub ext: String,
    /// One id from the request to the receipt.
    pub trace_id: String,
    /// Where the backend wants to hear what became of it.
    pub callback_url: Option<String>,
    /// Clients wait a random time up to this before they fetch the clip: a large audience must not ask at once.
    pub jitter_ms: u32,
    /// When it became durable.
    pub stored_at: EpochMs,
    /// When its sound was decided; not sent before.
    pub rendered_at: Option<EpochMs>,
    /// Its sound.
    pub sound: Option<Sound>,
}

/// What of an alert decisions go by.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// Our id.
    pub id: AlertId,
    /// The tenant.
    pub app: AppId,
    /// Whose world it is in: an alert of a test is told to test riders only.
    pub key_mode: KeyMode,
    /// The order it is about.
    pub order_id: Option<OrderId>,
    /// Name of its kind.
    pub kind: String,
    /// How pressing.
    pub urgency: Urgency,
    /// What answer ends a delivery.
    pub need: Need,
    /// What it asks of its riders.
    pub mode: Mode,
    /// Who decides a grab.
    pub arbiter: Arbiter,
    /// Whether going off duty ends its deliveries.
    pub duty: DutyRule,
    /// A newer alert of the same key for the same rider takes its place.
    pub collapse_key: Option<String>,
    /// When the event came in.
    pub created_at: EpochMs,
    /// When it becomes active: at once, or later for a scheduled event.
    pub starts_at: EpochMs,
    /// From here on it is void.
    pub expires_at: EpochMs,
    /// Milliseconds each rider has to answer an offer.
    pub answer_ms: Option<i64>,
    /// What happens while nobody answers.
    pub ladder: Ladder,
    /// Riders to ask one after the other.
    pub candidates: Vec<RiderId>,
    /// Where it stands.
    pub state: AlertState,
    /// When it ended.
    pub ended_at: Option<EpochMs>,
    /// Who won an offer.
    pub winner: Option<RiderId>,
    /// Ladder steps taken, a bit for each level.
    pub steps_done: u32,
    /// When the next step is due.
    pub step_due_at: Option<EpochMs>,
    /// How far the ladder is behind, in milliseconds: after a stop or a jump of the clock its steps keep their distance.
    pub ladder_late_ms: i64,
    /// Candidates asked so far.
    pub candidates_asked: u32,
    /// Deliveries that have not ended.
    pub open_count: u64,
    /// Whether riders of its target are still without their delivery.
    pub unrolling: bool,
}

impl Deref for Alert {
    type Target = Head;
    fn deref(&self) -> &Head {
        &self.head
    }
}

impl DerefMut for Alert {
    fn deref_mut(&mut self) -> &mut Head {
        &mut self.head
    }
}

impl Head {
    /// An alert that only tells something, for one moment on: what others are made from.
    #[must_use]
    pub fn notice(id: AlertId, app: AppId, kind: &str, at: EpochMs, expires_at: EpochMs) -> Self {
        Self {
            id,
            app,
            key_mode: KeyMode::Live,
            order_id: None,
            kind: kind.to_owned(),
            urgency: Urgency::Normal,
            need: Need::None,
            mode: Mode::Notify,
            arbiter: Arbiter::Service,
            duty: DutyRule::OnDutyOnly,
            collapse_key: None,
            created_at: at,
            starts_at: at,
            expires_at,
            answer_ms: None,
            ladder: Ladder::default(),
            candidates: Vec::new(),
            state: AlertState::Active,
            ended_at: None,
            winner: None,
            steps_done: 0,
            step_due_at: None,
            ladder_late_ms: 0,
            candidates_asked: 0,
            open_count: 0,
            unrolling: false,
        }
    }

    /// Whether this rider may be told of it; `None` is a rider without a row.
    #[must_use]
    pub fn is_for(&self, rider: Option<&Rider>) -> bool {
        self.key_mode == KeyMode::Live || rider.is_some_and(|rider| rider.test)
    }

    /// The order it is about, among all.
    #[must_use]
    pub fn order(&self) -> Option<OrderKey> {
        Some(OrderKey { app: self.app, key_mode: self.key_mode, order: self.order_id.clone()? })
    }

    /// Whether it is about this order.
    #[must_use]
    pub fn is_about(&self, order: &OrderKey) -> bool {
        self.app == order.app
            && self.key_mode == order.key_mode
            && self.order_id.as_ref() == Some(&order.order)
    }

    /// Whether it waits for answers of its riders, and only one of them can have it.
    #[must_use]
    pub fn is_offer(&self) -> bool {
        self.need == Need::Accept
    }

    /// Whether whoever gets it is told that they have won it: several were asked, or the backend decided.
    #[must_use]
    pub fn has_winner(&self) -> bool {
        self.mode == Mode::Grab || (self.is_offer() && self.arbiter == Arbiter::Backend)
    }

    /// Whether it has not ended.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state, AlertState::Active | AlertState::Scheduled)
    }

    /// The level that is taken at once because nobody has the offer: the next that may bring somebody, or tells of it.
    /// To ring those who have it would be idle.
    fn pulled(&self) -> Option<u32> {
        if !self.is_offer() || self.open_count > 0 || self.unrolling {
            return None;
        }
        let asked_all = self.candidates_asked as usize >= self.candidates.len();
        let idle = |act: &Act| act.rings() || (asked_all && *act == Act::Next);
        let mut left = self.ladder.left(self.steps_done).filter(|(_, step)| !idle(&step.act));
        left.next().map(|(level, _)| level)
    }

    /// The state after `change`; `None` if nothing changes. An alert without an open delivery lives on while it may
    /// still come to other riders, or its ladder has something left to tell.
    #[must_use]
    pub fn after(&self, change: AlertChange) -> Option<AlertState> {
        let waits = self.unrolling || self.pulled().is_some();
        match change {
            AlertChange::DeliveryEnded { still_open: 0 } if waits => None,
            _other => self.state.after(change),
        }
    }

    /// Moves on by `change` at `at`.
    pub fn apply(&mut self, change: AlertChange, at: EpochMs) {
        if let Some(state) = self.after(change) {
            self.state = state;
            if !self.is_open() {
                self.ended_at = Some(at);
                self.step_due_at = None;
            }
        }
    }

    /// When its ladder began, less what it is behind.
    fn ladder_began(&self) -> EpochMs {
        self.starts_at.plus_ms(self.ladder_late_ms)
    }

    /// Sets when the next step is due: now, if nobody has the offer.
    pub fn plan_step(&mut self, now: EpochMs) {
        let due_at = self.ladder.due_at(self.steps_done, self.ladder_began());
        self.step_due_at = if self.pulled().is_some() { Some(now) } else { due_at };
    }

    /// The level to take at `now`, if one is due.
    #[must_use]
    pub fn due_level(&self, now: EpochMs) -> Option<u32> {
        if self.state != AlertState::Active || self.step_due_at.is_none_or(|due| due > now) {
            return None;
        }
        self.pulled().or_else(|| self.ladder.due(self.steps_done, self.ladder_began(), now))
    }

    /// Notes that the step of this level was taken at `at`. If that is so late that the next would follow on its heels, those
    /// after it are as late: after a stop or a jump of the clock nobody is rung twice in one breath.
    pub fn take_step(&mut self, level: u32, at: EpochMs) {
        self.steps_done |= 1 << level;
        let Some(step) = self.ladder.steps().get(level as usize) else { return };
        let late_ms = at.since_ms(step.due_at(self.ladder_began()));
        let next_s = self.ladder.left(self.steps_done).map(|(_, next)| next.after_s).min();
        let gap_ms = next_s.map_or(0, |next_s| i64::from(next_s.saturating_sub(step.after_s)) * 1000);
        if gap_ms > 0 && late_ms > gap_ms / 2 {
            self.ladder_late_ms = self.ladder_late_ms.saturating_add(late_ms);
        }
    }
}

/// Where an alert stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Waits for its time.
    Scheduled,
    /// At least one delivery is open, or may still come.
    Active,
    /// Every delivery reached its own end.
    Completed,
    /// An offer that a rider has won.
    Accepted,
    /// Its life span ran out with a delivery open.
    Expired,
    /// The backend took it back.
    Cancelled,
    /// The ladder came to its end without an answer.
    Exhausted,
}

impl AlertState {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Scheduled,
        Self::Active,
        Self::Completed,
        Self::Accepted,
        Self::Expired,
        Self::Cancelled,
        Self::Exhausted,
    ];

    /// The word used in JSON and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Active => "active",
            Self::Completed => "completed",
            Self::Accepted => "accepted",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Exhausted => "exhausted",
        }
    }

    /// The state with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// The state after `change`; `None` if the alert has ended or nothing changes.
    #[must_use]
    pub fn after(self, change: AlertChange) -> Option<Self> {
        match (self, change) {
            (Self::Scheduled, AlertChange::Began) => Some(Self::Active),
            (Self::Active, AlertChange::DeliveryEnded { still_open: 0 } | AlertChange::OrderGone) => {
                Some(Self::Completed)
            }
            (Self::Active, AlertChange::Won) => Some(Self::Accepted),
            (Self::Scheduled | Self::Active, AlertChange::Expired) => Some(Self::Expired),
            (Self::Scheduled | Self::Active, AlertChange::Cancelled) => Some(Self::Cancelled),
            (Self::Active, AlertChange::Exhausted) => Some(Self::Exhausted),
            (
                Self::Scheduled,
                AlertChange::DeliveryEnded { .. }
                | AlertChange::OrderGone
                | AlertChange::Won
                | AlertChange::Exhausted,
            )
            | (Self::Active, AlertChange::DeliveryEnded { .. } | AlertChange::Began)
            | (Self::Completed | Self::Accepted | Self::Expired | Self::Cancelled | Self::Exhausted, _) => {
                None
            }
        }
    }
}

/// What can happen to an alert.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AlertChange {
    /// Its time has come.
    Began,
    /// One of its deliveries ended by itself; so many are still open.
    DeliveryEnded {
        /// Deliveries of this alert that have not ended.
        still_open: u64,
    },
    /// A rider has won it.
    Won,
    /// Its life span ran out.
    Expired,
    /// The backend took it back.
    Cancelled,
    /// The order is no longer to be had by anybody.
    OrderGone,
    /// Its ladder came to its end.
    Exhausted,
}

impl AlertChange {
    /// What it means for the alert that `change` has just ended one of its deliveries at `at` and `still_open` are left.
    /// The end of one rider's time is not the end of an alert that lives longer.
    #[must_use]
    pub fn of(change: &Change, still_open: u64, alert_is_over: AlertIsOver) -> Self {
        match (change, alert_is_over) {
            (Change::Expired, AlertIsOver::Yes) => Self::Expired,
            // Taken back from one rider, it may still be another's.
            (Change::Withdrawn(EndReason::CancelledByAlert | EndReason::CancelledByOrder), _)
                if still_open == 0 =>
            {
                Self::Cancelled
            }
            (
                Change::Withdrawn(
                    EndReason::Reassigned
                    | EndReason::OrderEnded
                    | EndReason::Superseded
                    | EndReason::Merged
                    | EndReason::Taken,
                ),
                _,
            ) if still_open == 0 => Self::OrderGone,
            (
                Change::Expired
                | Change::Sent
                | Change::Received
                | Change::Playing
                | Change::Played { .. }
                | Change::Trouble(_)
                | Change::Answered(_)
                | Change::Claimed { .. }
                | Change::Late(_)
                | Change::Rung { .. }
                | Change::Released
                | Change::Withdrawn(_),
                _,
            ) => Self::DeliveryEnded { still_open },
        }
    }
}

/// Whether an alert's own time has run out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AlertIsOver {
    /// It has.
    Yes,
    /// It has not.
    No,
}

#[cfg(test)]
mod tests {
    use super::{AlertChange, AlertIsOver, AlertState};
    use crate::domain::delivery::{Change, EndReason};

    #[test]
    fn the_end_of_a_delivery_tells_what_becomes_of_its_alert() {
        let told = |change| AlertChange::of(&change, 2, AlertIsOver::Yes);
        assert_eq!(told(Change::Expired), AlertChange::Expired);
        let cancelled = Change::Withdrawn(EndReason::CancelledByOrder);
        assert_eq!(told(cancelled.clone()), AlertChange::DeliveryEnded { still_open: 2 });
        assert_eq!(AlertChange::of(&cancelled, 0, AlertIsOver::No), AlertChange::Cancelled);
        assert_eq!(told(Change::Withdrawn(EndReason::OffDuty)), AlertChange::DeliveryEnded { still_open: 2 });
        assert_eq!(told(Change::Played { play: 1 }), AlertChange::DeliveryEnded { still_open: 2 });
        let one_window = AlertChange::of(&Change::Expired, 0, AlertIsOver::No);
        assert_eq!(one_window, AlertChange::DeliveryEnded { still_open: 0 });
    }

    #[test]
    fn an_alert_ends_once_and_then_never_changes() {
        let ends = [
            (AlertChange::DeliveryEnded { still_open: 0 }, AlertState::Completed),
            (AlertChange::OrderGone, AlertState::Completed),
            (AlertChange::Won, AlertState::Accepted),
            (AlertChange::Expired, AlertState::Expired),
            (AlertChange::Cancelled, AlertState::Cancelled),
            (AlertChange::Exhausted, AlertState::Exhausted),
        ];
        for (change, end) in ends {
            assert_eq!(AlertState::Active.after(change), Some(end));
            for (another, _) in ends {
                assert_eq!(end.after(another), None);
            }
        }
        assert_eq!(AlertState::Active.after(AlertChange::DeliveryEnded { still_open: 1 }), None);
        assert_eq!(AlertState::Scheduled.after(AlertChange::Began), Some(AlertState::Active));
    }
}
