//! What riders got: theirs, always the same, in order, and never when it was void, cancelled or over.
//! What is in flight is nobody's fault, so each rule says from when on a frame is late.

use std::collections::{HashMap, HashSet};

use super::{Commits, Seen, find};
use crate::op::{Entry, Frame, Op};
use crate::verdict::{Finding, Wrong};

/// A session that was looking at the store when a cancel was committed may still send what it saw there.
const LOOK_MS: i64 = 500;
/// Longest flight of a frame from the making to the rider where nothing disturbs it.
const FLIGHT_MS: i64 = 3_000;
/// So long after a fault the way may still be disturbed: a lost packet is sent again by the kernel, a queue empties.
const AFTERMATH_MS: i64 = 5_000;
/// The moment that a sentence is ready is read before it is committed, and PostgreSQL commits side by side: what was ready within
/// so long of each other may come either way.
const COMMIT_MS: i64 = 100;
/// Kinds that follow from an event beside its own alert.
const FOLLOWERS: [&str; 2] = ["order.taken", "merge"];

pub(super) fn check(seen: &Seen<'_>, commits: Commits, findings: &mut Vec<Finding>) {
    let frames: Vec<(i64, &Frame)> = seen.entries.iter().filter_map(frame).collect();
    check_calls(seen, &frames, findings);
    check_contents(&frames, findings);
    check_order(seen, commits, &frames, findings);
    check_life(seen, &frames, findings);
    check_cancelled(seen, findings);
    check_welcomes(seen, findings);
}

fn frame(entry: &Entry) -> Option<(i64, &Frame)> {
    if let Op::Alert(frame) = &entry.op { Some((entry.at, frame)) } else { None }
}

/// Each was posted for this rider, is one alert of its event, and stands in the record under its number.
fn check_calls(seen: &Seen<'_>, frames: &[(i64, &Frame)], findings: &mut Vec<Finding>) {
    let mut alerts: HashMap<&str, &str> = HashMap::new();
    for (_, Frame { rider, event, alert, seq, kind, .. }) in frames {
        if FOLLOWERS.contains(&&**kind) {
            continue;
        }
        let posted = seen.posts.get(&**event).is_some_and(|(riders, _)| riders.contains(rider));
        let number = seen.record(alert).and_then(|record| record.of(rider)).map(|standing| standing.seq);
        if !posted || number != Some(*seq) {
            let what =
                format!("{rider} got {event} as {seq}; posted for them: {posted}, recorded as {number:?}");
            find(findings, Wrong::Uncalled, what);
        }
        if *alerts.entry(event).or_insert(alert) != alert {
            find(findings, Wrong::TwoAlerts, format!("{event} came as two alerts"));
        }
    }
}

fn check_contents(frames: &[(i64, &Frame)], findings: &mut Vec<Finding>) {
    let mut first: HashMap<(&str, &str, u64), &str> = HashMap::new();
    for (_, Frame { rider, alert, ring, content, .. }) in frames {
        let before = *first.entry((rider, alert, *ring)).or_insert(content);
        if before != content {
            find(findings, Wrong::Rewritten, format!("{rider} got {before} and then {content}"));
        }
    }
}

/// New alerts of one urgency come in order within a connection: a later one first is right only where the sentence of
/// the earlier one was not made before its own.
fn check_order(seen: &Seen<'_>, commits: Commits, frames: &[(i64, &Frame)], findings: &mut Vec<Finding>) {
    let slack_ms = match commits {
        Commits::OneByOne => 0,
        Commits::SideBySide => COMMIT_MS,
    };
    let mut last: HashMap<(&str, usize, u64), (i64, Option<i64>)> = HashMap::new();
    let mut in_session: HashSet<(&str, usize, i64)> = HashSet::new();
    for (_, Frame { rider, session, seq, alert, urgency, .. }) in frames {
        if !in_session.insert((rider, *session, *seq)) {
            continue;
        }
        let standing = seen.record(alert).and_then(|record| record.of(rider));
        let rendered = standing.and_then(|standing| standing.steps.get("rendered"));
        let rendered = rendered.and_then(|text| text.parse::<jiff::Timestamp>().ok());
        let ready = rendered.map(jiff::Timestamp::as_millisecond);
        let before = last.insert((rider, *session, *urgency), (*seq, ready));
        let was_ready = |at: Option<i64>| match (ready, at) {
            (Some(ready), Some(at)) => ready + slack_ms < at,
            (ready, at) => ready < at,
        };
        if before.is_some_and(|(before, at)| before > *seq && was_ready(at)) {
            let what = format!("{rider} got {seq} after {before:?} in connection {session}");
            find(findings, Wrong::Disordered, what);
        }
    }
}

/// No frame was made when its alert was void, and none came late over an undisturbed way.
fn check_life(seen: &Seen<'_>, frames: &[(i64, &Frame)], findings: &mut Vec<Finding>) {
    let mut disturbed: Vec<(i64, i64)> = Vec::new();
    for Entry { at, op } in seen.entries {
        if let Op::Strikes = op {
            disturbed.push((*at, i64::MAX));
        }
        if let (Op::Over, Some(last)) = (op, disturbed.last_mut()) {
            last.1 = at + AFTERMATH_MS;
        }
    }
    for (at, frame) in frames {
        let Frame { rider, event, expires_at, ttl_ms, .. } = frame;
        let calm = disturbed.iter().all(|(from, to)| *at < *from || *to < frame.made_at());
        if *ttl_ms <= 0 || (calm && *at > expires_at + FLIGHT_MS) {
            let what =
                format!("{rider} got {event} with {ttl_ms} ms left, {} ms after its end", at - expires_at);
            find(findings, Wrong::Stale, what);
        }
    }
}

/// No frame was made after the cancel was answered.
fn check_cancelled(seen: &Seen<'_>, findings: &mut Vec<Finding>) {
    let mut cancelled: HashMap<&str, i64> = HashMap::new();
    for Entry { at, op } in seen.entries {
        if let Op::Cancelled { alert, status: 200..=299, .. } = op {
            cancelled.entry(alert).or_insert(*at);
        }
        let Op::Alert(frame) = op else { continue };
        let late_ms = cancelled.get(&*frame.alert).map(|cancelled_at| frame.made_at() - cancelled_at);
        if late_ms.is_some_and(|late_ms| late_ms > LOOK_MS) {
            let what = format!("{} got {} made {late_ms:?} ms after its cancel", frame.rider, frame.event);
            find(findings, Wrong::AfterCancel, what);
        }
    }
}

/// What was known to have ended when the rider said hello is not open in the welcome.
fn check_welcomes(seen: &Seen<'_>, findings: &mut Vec<Finding>) {
    let mut ended = Ended::default();
    let mut hellos: HashMap<&str, HashSet<(&str, &str)>> = HashMap::new();
    for Entry { op, .. } in seen.entries {
        ended.learn(seen, op);
        if let Op::Hello { rider, .. } = op {
            let known = ended.of_rider.iter().filter(|(whose, _)| whose == rider).copied();
            hellos.insert(rider, known.collect());
        }
        let Op::Welcome { rider, session, open } = op else { continue };
        let known = hellos.get(&**rider);
        for alert in open {
            if known.is_some_and(|known| known.contains(&(&**rider, &**alert))) {
                let what =
                    format!("{rider} was welcomed to {alert} in connection {session}, and it had ended");
                find(findings, Wrong::Ghost, what);
            }
        }
    }
}

/// What is known to have ended, at one place of a history.
#[derive(Default)]
struct Ended<'a> {
    of_rider: HashSet<(&'a str, &'a str)>,
    /// Riders of each alert, as far as seen.
    riders: HashMap<&'a str, &'a [String]>,
    /// Receipts that end their delivery once they are confirmed.
    ending: HashMap<(&'a str, u64), &'a str>,
}

impl<'a> Ended<'a> {
    fn learn(&mut self, seen: &Seen<'a>, op: &'a Op) {
        if let Op::Told { event, alert: Some(alert), .. } = op
            && let Some((riders, _)) = seen.posts.get(&**event)
        {
            self.riders.insert(alert, riders);
        }
        if let Op::Cancelled { alert, status: 200..=299, .. } = op {
            let riders = self.riders.get(&**alert).copied().unwrap_or_default();
            self.of_rider.extend(riders.iter().map(|rider| (&**rider, &**alert)));
        }
        if let Op::Stop { rider, ids, .. } = op {
            self.of_rider.extend(ids.iter().map(|id| (&**rider, &**id)));
        }
        if let Op::Record(record) = op {
            let ended = record.deliveries.iter().filter(|standing| standing.reason.is_some());
            self.of_rider.extend(ended.map(|standing| (&*standing.rider, &*record.alert)));
        }
        if let Op::Receipt { rider, n, alert, what: crate::op::What::Played } = op
            && let Some(record) = seen.record(alert)
            && seen.plan(&record.event).is_some_and(crate::plan::Plan::ends_when_heard)
        {
            self.ending.insert((rider, *n), alert);
        }
        if let Op::Got { rider, n } = op {
            let done: Vec<_> =
                self.ending.keys().filter(|(whose, number)| whose == rider && number <= n).copied().collect();
            for receipt in done {
                self.of_rider.extend(self.ending.remove(&receipt).map(|alert| (receipt.0, alert)));
            }
        }
        if let Op::Answered { rider, alert, outcome, .. } = op
            && outcome != "pending"
        {
            self.of_rider.insert((rider, alert));
        }
    }
}
