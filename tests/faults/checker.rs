//! Judges a history: what the server said yes to, what riders got and said, and what its record tells afterwards.
//! The idea is Jepsen's total queue: what went in must come out, once, unchanged, and nothing else.

#[path = "checker/ends.rs"]
mod ends;
#[path = "checker/frames.rs"]
mod frames;
#[path = "checker/receipts.rs"]
mod receipts;

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::op::{Entry, Op};
use crate::plan::Plan;
use crate::record::Record;
use crate::verdict::{Figures, Finding, Verdict, Wrong};

/// A history in the order of what it is about.
pub(super) struct Seen<'a> {
    entries: &'a [Entry],
    posts: BTreeMap<&'a str, (&'a [String], Plan)>,
    /// Events answered with yes, and every alert they were answered with.
    told: BTreeMap<&'a str, Vec<&'a str>>,
    /// Alerts of events whose answer was lost.
    looked: BTreeMap<&'a str, &'a str>,
    /// Events of which at least one post went without an answer.
    untold: HashSet<&'a str>,
    /// Every record of an alert, in order; `None` where the server knew no such alert.
    records: HashMap<&'a str, Vec<Option<&'a Record>>>,
}

/// How the store commits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Commits {
    /// By one writer, in the order of the calls: SQLite.
    OneByOne,
    /// Each by itself: PostgreSQL.
    SideBySide,
}

/// Judges a whole history, from the first post to the last record.
pub(crate) fn judge(entries: &[Entry], commits: Commits) -> Verdict {
    let seen = Seen::of(entries);
    let mut findings = Vec::new();
    ends::check(&seen, &mut findings);
    frames::check(&seen, commits, &mut findings);
    receipts::check(&seen, &mut findings);
    for Entry { op, .. } in entries {
        match op {
            Op::Told { status: 200..=299 | 503, .. } | Op::Cancelled { status: 200..=299 | 503, .. } => {}
            Op::Told { event, status, .. } => {
                find(&mut findings, Wrong::BadAnswer, format!("{event} was answered with {status}"));
            }
            Op::Cancelled { alert, status, .. } => {
                find(
                    &mut findings,
                    Wrong::BadAnswer,
                    format!("cancel of {alert} was answered with {status}"),
                );
            }
            Op::Held { rider, alert } => {
                find(&mut findings, Wrong::Held, format!("{rider} holds {alert}, and all is over"));
            }
            Op::Bye { rider, session, code } if *code < 4100 => {
                find(
                    &mut findings,
                    Wrong::SentAway,
                    format!("{rider}'s connection {session} ended with {code}"),
                );
            }
            Op::Refused { rider, session, code } => {
                find(
                    &mut findings,
                    Wrong::SentAway,
                    format!("{rider} was told {code} in connection {session}"),
                );
            }
            Op::Stuck { what } => find(&mut findings, Wrong::Stuck, what.clone()),
            Op::Post { .. }
            | Op::Untold { .. }
            | Op::Hello { .. }
            | Op::Welcome { .. }
            | Op::Alert(_)
            | Op::Stop { .. }
            | Op::Receipt { .. }
            | Op::Got { .. }
            | Op::Answered { .. }
            | Op::Bye { .. }
            | Op::Record(_)
            | Op::Absent { .. }
            | Op::Looked { .. }
            | Op::Strikes
            | Op::Over => {}
        }
    }
    Verdict { figures: seen.figures(), findings }
}

pub(super) fn find(findings: &mut Vec<Finding>, wrong: Wrong, what: String) {
    findings.push(Finding { wrong, what });
}

impl<'a> Seen<'a> {
    fn of(entries: &'a [Entry]) -> Self {
        let mut seen = Self {
            entries,
            posts: BTreeMap::new(),
            told: BTreeMap::new(),
            looked: BTreeMap::new(),
            untold: HashSet::new(),
            records: HashMap::new(),
        };
        for Entry { op, .. } in entries {
            if let Op::Post { event, riders, plan } = op {
                seen.posts.insert(event, (riders, *plan));
            }
            if let Op::Told { event, alert: Some(alert), .. } = op {
                seen.told.entry(event).or_default().push(alert);
            }
            if let Op::Looked { event, alert: Some(alert) } = op {
                seen.looked.insert(event, alert);
            }
            if let Op::Untold { event } = op {
                seen.untold.insert(event);
            }
            if let Op::Record(record) = op {
                seen.records.entry(&record.alert).or_default().push(Some(record));
            }
            if let Op::Absent { alert } = op {
                seen.records.entry(alert).or_default().push(None);
            }
        }
        seen
    }

    /// The last thing the server said of an alert.
    fn record(&self, alert: &str) -> Option<&'a Record> {
        self.records.get(alert).and_then(|records| records.last().copied().flatten())
    }

    /// The plan of an alert's event, if the event is one of ours.
    fn plan(&self, event: &str) -> Option<Plan> {
        self.posts.get(event).map(|(_, plan)| *plan)
    }

    fn figures(&self) -> Figures {
        let mut figures =
            Figures { posted: self.posts.len(), accepted: self.told.len(), ..Figures::default() };
        figures.recovered = self.looked.keys().filter(|event| !self.told.contains_key(**event)).count();
        let mut stopped = HashSet::new();
        let mut kept: HashMap<&str, u64> = HashMap::new();
        let mut receipts: Vec<(&str, u64)> = Vec::new();
        for Entry { op, .. } in self.entries {
            figures.untold += usize::from(matches!(op, Op::Untold { .. }));
            figures.refused += usize::from(matches!(op, Op::Told { status: 503, .. }));
            figures.again += usize::from(matches!(op, Op::Told { duplicate: true, .. }));
            figures.frames += usize::from(matches!(op, Op::Alert(_)));
            figures.repeated += usize::from(matches!(op, Op::Alert(frame) if !frame.first));
            figures.welcomes += usize::from(matches!(op, Op::Welcome { .. }));
            figures.won += usize::from(matches!(op, Op::Answered { outcome, .. } if outcome == "won"));
            if let Op::Stop { rider, ids, .. } = op {
                stopped.extend(ids.iter().map(|id| (rider, id)));
            }
            if let Op::Got { rider, n } = op {
                kept.insert(rider, *n);
            }
            if let Op::Receipt { rider, n, .. } = op {
                receipts.push((rider, *n));
            }
        }
        figures.stops = stopped.len();
        figures.kept =
            receipts.iter().filter(|(rider, n)| kept.get(rider).is_some_and(|got| n <= got)).count();
        figures
    }
}
