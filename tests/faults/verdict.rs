//! What the checker says of a history: figures, and everything that was wrong, by kind.
//! A kind without a finding is one thing that held.

use std::fmt;

/// The kinds of what can be wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wrong {
    /// Answered with yes, and not there afterwards.
    Lost,
    /// Stored, and has not ended though everybody is done.
    Endless,
    /// Ended in a way its plan does not allow.
    OtherEnd,
    /// Stored for others than it was for, or not for all of them.
    Halved,
    /// A post or cancel was answered with neither yes nor "later".
    BadAnswer,
    /// Every answer was "later, nothing was done", and it is there.
    Denied,
    /// One event became two alerts.
    TwoAlerts,
    /// A rider got what nobody posted for them, or under another number than the record has.
    Uncalled,
    /// The same alert and ring came with another content.
    Rewritten,
    /// New alerts of one urgency came out of their order.
    Disordered,
    /// Sent when it was void already.
    Stale,
    /// Sent after the backend was told that it is cancelled.
    AfterCancel,
    /// Two ends were told of one delivery.
    TwoEnds,
    /// A record went back: a state fell, a step went away or moved.
    WentBack,
    /// A receipt was confirmed and is not in the record.
    Forgotten,
    /// The record tells of a receipt that no rider gave.
    Invented,
    /// Ended, and yet in the next welcome.
    Ghost,
    /// Ended, and a rider was never told.
    Held,
    /// Two riders won one order.
    TwoWinners,
    /// One answer of one rider had two outcomes.
    TwoOutcomes,
    /// A good client was told not to come back, or a good frame was refused.
    SentAway,
    /// Things did not flow again after a fault.
    Stuck,
}

impl Wrong {
    /// Every kind.
    pub(crate) const ALL: [Self; 22] = [
        Self::Lost,
        Self::Endless,
        Self::OtherEnd,
        Self::Halved,
        Self::BadAnswer,
        Self::Denied,
        Self::TwoAlerts,
        Self::Uncalled,
        Self::Rewritten,
        Self::Disordered,
        Self::Stale,
        Self::AfterCancel,
        Self::TwoEnds,
        Self::WentBack,
        Self::Forgotten,
        Self::Invented,
        Self::Ghost,
        Self::Held,
        Self::TwoWinners,
        Self::TwoOutcomes,
        Self::SentAway,
        Self::Stuck,
    ];
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) wrong: Wrong,
    pub(crate) what: String,
}

/// How much there was to judge.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    /// Events.
    pub(crate) posted: usize,
    /// Events answered with yes.
    pub(crate) accepted: usize,
    /// Posts without any answer.
    pub(crate) untold: usize,
    /// Posts answered with "later".
    pub(crate) refused: usize,
    /// Yeses that said they were not the first.
    pub(crate) again: usize,
    /// Events that are there though nobody was told.
    pub(crate) recovered: usize,
    /// Alert frames.
    pub(crate) frames: usize,
    /// Those that repeated one on the same device.
    pub(crate) repeated: usize,
    /// Alerts stopped.
    pub(crate) stops: usize,
    /// Receipts confirmed.
    pub(crate) kept: usize,
    /// Orders won.
    pub(crate) won: usize,
    /// Welcomes.
    pub(crate) welcomes: usize,
}

/// The judgement of one history.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) figures: Figures,
    pub(crate) findings: Vec<Finding>,
}

impl Verdict {
    /// How many findings there are of a kind.
    pub(crate) fn count(&self, wrong: Wrong) -> usize {
        self.findings.iter().filter(|finding| finding.wrong == wrong).count()
    }

    /// How many kinds have a finding.
    pub(crate) fn kinds_found(&self) -> usize {
        Wrong::ALL.into_iter().filter(|wrong| self.count(*wrong) > 0).count()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figures { posted, accepted, untold, refused, again, recovered, .. } = &self.figures;
        let Figures { frames, repeated, stops, kept, won, welcomes, .. } = &self.figures;
        let lost = self.count(Wrong::Lost);
        let violations = self.findings.len() - lost;
        write!(
            f,
            "{posted} posted, {accepted} accepted, {untold} without answer, {refused} refused, {again} answered \
             again, {recovered} recovered, {welcomes} welcomes, {frames} frames ({repeated} repeated), {stops} stops, \
             {kept} receipts kept, {won} won, lost {lost}, violations {violations}"
        )
    }
}
