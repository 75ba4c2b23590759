//! What the record tells: everything accepted is there, whole, for whom it was, ended once and as planned,
//! and nothing in it was ever taken back.

use std::collections::HashSet;

use super::{Seen, find};
use crate::op::{Entry, Op};
use crate::record::{Record, Standing};
use crate::verdict::{Finding, Wrong};

pub(super) fn check(seen: &Seen<'_>, findings: &mut Vec<Finding>) {
    for (event, alerts) in &seen.told {
        let alerts: HashSet<_> = alerts.iter().chain(seen.looked.get(event)).collect();
        if alerts.len() > 1 {
            find(findings, Wrong::TwoAlerts, format!("{event} was answered with {alerts:?}"));
        }
        for alert in &alerts {
            match seen.record(alert) {
                // Which of two is the right one nobody can say.
                Some(_) if alerts.len() > 1 => {}
                Some(record) => check_end(seen, event, record, findings),
                None => find(findings, Wrong::Lost, format!("{event} was accepted as {alert} and is lost")),
            }
        }
    }
    for (event, alert) in seen.looked.iter().filter(|(event, _)| !seen.told.contains_key(**event)) {
        match seen.record(alert) {
            Some(record) => check_end(seen, event, record, findings),
            None => find(findings, Wrong::Halved, format!("{event} is there, and its alert {alert} is not")),
        }
        if !seen.untold.contains(event) {
            find(findings, Wrong::Denied, format!("{event} was refused each time, and is there as {alert}"));
        }
    }
    for records in seen.records.values() {
        for pair in records.windows(2) {
            if let [Some(before), Some(after)] = pair {
                check_step(before, after, findings);
            }
            if let [Some(before), None] = pair {
                find(findings, Wrong::WentBack, format!("{} was there and is not any more", before.alert));
            }
        }
    }
    check_cancels(seen, findings);
}

fn check_end(seen: &Seen<'_>, event: &str, record: &Record, findings: &mut Vec<Finding>) {
    let Some((riders, plan)) = seen.posts.get(event) else {
        find(findings, Wrong::Uncalled, format!("{event} is stored and was never posted"));
        return;
    };
    let mut wanted: Vec<&str> = riders.iter().map(String::as_str).collect();
    let mut stored: Vec<&str> = record.deliveries.iter().map(|standing| &*standing.rider).collect();
    wanted.sort_unstable();
    stored.sort_unstable();
    if record.event != event || wanted != stored {
        find(findings, Wrong::Halved, format!("{event} for {wanted:?} is {} for {stored:?}", record.event));
    }
    for Standing { rider, state, reason, .. } in &record.deliveries {
        if reason.is_none() {
            find(findings, Wrong::Endless, format!("{event} for {rider} is {state} and has not ended"));
        } else if !plan.may_end(state) {
            let what = format!("{event}, to {plan:?}, ended for {rider} as {state}, {reason:?}");
            find(findings, Wrong::OtherEnd, what);
        }
    }
}

/// Between two records of one alert time has passed in one direction.
fn check_step(before: &Record, after: &Record, findings: &mut Vec<Finding>) {
    for was in &before.deliveries {
        let Standing { rider, state, reason, .. } = was;
        let Some(is) = after.of(rider) else {
            find(findings, Wrong::WentBack, format!("{} of {rider} went away", before.alert));
            continue;
        };
        if reason.is_some() && (is.reason != *reason || is.state != *state) {
            let what = format!(
                "{} of {rider}: {state}, {reason:?}, then {}, {:?}",
                before.alert, is.state, is.reason
            );
            find(findings, Wrong::TwoEnds, what);
        }
        let kept = was.steps.iter().all(|(step, at)| is.steps.get(step) == Some(at));
        let answer_kept = was.answer.is_none() || was.answer == is.answer;
        if is.progress() < was.progress() || !kept || !answer_kept {
            find(findings, Wrong::WentBack, format!("{} of {rider}: {was:?}, then {is:?}", before.alert));
        }
    }
}

/// A cancel that says it ended deliveries has ended them so.
fn check_cancels(seen: &Seen<'_>, findings: &mut Vec<Finding>) {
    for Entry { op, .. } in seen.entries {
        let Op::Cancelled { alert, ended, .. } = op else { continue };
        let Some(record) = seen.record(alert) else { continue };
        let cancelled = record.deliveries.iter().filter(|standing| standing.state == "cancelled").count();
        if (cancelled as u64) < *ended {
            let what = format!("cancel of {alert} ended {ended} and the record shows {cancelled}");
            find(findings, Wrong::OtherEnd, what);
        }
    }
}
