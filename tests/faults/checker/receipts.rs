//! What riders said: kept where that was confirmed, in the record only what was said, one winner, one outcome.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Seen, find};
use crate::op::{Entry, Op, What};
use crate::record::Standing;
use crate::verdict::{Finding, Wrong};

pub(super) fn check(seen: &Seen<'_>, findings: &mut Vec<Finding>) {
    let said = Said::of(seen.entries);
    for ((rider, n), (alert, what)) in &said.receipts {
        if said.got.get(rider).is_some_and(|got| n <= got) {
            let standing = seen.record(alert).and_then(|record| record.of(rider));
            // What is lost as a whole is told of elsewhere.
            let Some(standing) = standing else { continue };
            if let Some(missing) = said.missing(rider, *n, *what, standing) {
                find(
                    findings,
                    Wrong::Forgotten,
                    format!("{rider} was told that {n} is kept: {alert} {missing}"),
                );
            }
        }
    }
    check_inventions(seen, &said, findings);
    check_outcomes(seen, findings);
}

/// Everything riders said and were told of it.
struct Said<'a> {
    receipts: BTreeMap<(&'a str, u64), (&'a str, What)>,
    /// What was said of each alert.
    words: HashSet<(&'a str, &'a str, &'a str)>,
    /// Alerts each rider got.
    reached: HashSet<(&'a str, &'a str)>,
    got: HashMap<&'a str, u64>,
    outcomes: HashMap<(&'a str, u64), &'a str>,
}

impl<'a> Said<'a> {
    fn of(entries: &'a [Entry]) -> Self {
        let (receipts, words, reached) = (BTreeMap::new(), HashSet::new(), HashSet::new());
        let mut said = Self { receipts, words, reached, got: HashMap::new(), outcomes: HashMap::new() };
        for Entry { op, .. } in entries {
            if let Op::Receipt { rider, n, alert, what } = op {
                said.receipts.insert((rider, *n), (alert, *what));
                said.words.insert((rider, alert, what.word()));
            }
            if let Op::Alert(frame) = op {
                said.reached.insert((&frame.rider, &frame.alert));
            }
            if let Op::Got { rider, n } = op {
                let got = said.got.entry(rider).or_default();
                *got = (*got).max(*n);
            }
            if let Op::Answered { rider, n, outcome, .. } = op {
                said.outcomes.insert((rider, *n), outcome);
            }
        }
        said
    }

    /// What of a confirmed receipt is not in the record.
    fn missing(&self, rider: &str, n: u64, what: What, standing: &Standing) -> Option<String> {
        if !what.is_answer() {
            let kept = standing.steps.contains_key(what.word());
            return (!kept).then(|| format!("was {}, and the record does not say so", what.word()));
        }
        match self.outcomes.get(&(rider, n)).copied() {
            None => Some(format!("was answered with {}, and no outcome was told", what.word())),
            Some("recorded" | "won") if standing.answer.as_deref() != Some(what.word()) => {
                Some(format!("was answered with {}, and the record says {:?}", what.word(), standing.answer))
            }
            Some(_) => None,
        }
    }
}

/// The record holds no receipt that no rider gave.
fn check_inventions(seen: &Seen<'_>, said: &Said<'_>, findings: &mut Vec<Finding>) {
    for record in seen.records.values().filter_map(|records| records.last().copied().flatten()) {
        for Standing { rider, answer, steps, .. } in &record.deliveries {
            let alert = &*record.alert;
            let told: Vec<&str> =
                ["playing", "played"].into_iter().filter(|step| steps.contains_key(*step)).collect();
            for word in told.into_iter().chain(answer.as_deref()) {
                let implied = word == "playing" && said.words.contains(&(rider, alert, "played"));
                if !implied && !said.words.contains(&(rider, alert, word)) {
                    find(
                        findings,
                        Wrong::Invented,
                        format!("{alert} is {word} by {rider}, who never said so"),
                    );
                }
            }
            if steps.contains_key("received") && !said.reached.contains(&(&**rider, alert)) {
                find(findings, Wrong::Invented, format!("{alert} is received by {rider}, who never got it"));
            }
        }
    }
}

/// One winner of each order, and one outcome of each answer that was given again and again.
fn check_outcomes(seen: &Seen<'_>, findings: &mut Vec<Finding>) {
    let mut winners: HashMap<&str, HashSet<&str>> = HashMap::new();
    let mut given: HashMap<(&str, u64), What> = HashMap::new();
    let mut outcomes: HashMap<(&str, &str, &str), &str> = HashMap::new();
    for Entry { op, .. } in seen.entries {
        if let Op::Receipt { rider, n, what, .. } = op {
            given.insert((rider, *n), *what);
        }
        let Op::Answered { rider, n, alert, outcome } = op else { continue };
        if outcome == "won" {
            winners.entry(alert).or_default().insert(rider);
        }
        let Some(what) = given.get(&(&**rider, *n)) else { continue };
        if outcome == "pending" {
            continue;
        }
        let before = *outcomes.entry((rider, alert, what.word())).or_insert(outcome);
        if before != outcome {
            find(
                findings,
                Wrong::TwoOutcomes,
                format!("{rider}'s answer to {alert}: {before}, then {outcome}"),
            );
        }
    }
    for (alert, riders) in winners.iter().filter(|(_, riders)| riders.len() > 1) {
        find(findings, Wrong::TwoWinners, format!("{alert} was won by {riders:?}"));
    }
}
