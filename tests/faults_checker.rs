//! The checker of the fault runs, fed with histories made up by hand: a good one in which it finds nothing, and the
//! same with one thing wrong in it, for every kind of wrong there is.

#![expect(clippy::unwrap_used, reason = "a test says what it expects, and its helpers with it")]

#[path = "faults/checker.rs"]
mod checker;
#[path = "faults/op.rs"]
mod op;
#[path = "faults/plan.rs"]
mod plan;
#[path = "faults/record.rs"]
mod record;
#[path = "faults_checker/tale.rs"]
mod tale;
#[path = "faults/verdict.rs"]
mod verdict;

use checker::{Commits, judge};
use op::{Entry, Op, What};
use record::{Record, Standing};
use tale::{EXPIRES_AT, NOW, Tale};
use verdict::Wrong;

/// A name, what is to be found, and how to get it into a good history.
type Doctored = (&'static str, Wrong, fn(&mut Tale));

const DOCTORED: [Doctored; 37] = [
    ("an accepted alert is not there", Wrong::Lost, |tale| tale.forget("a1")),
    ("an accepted alert was never asked for", Wrong::Lost, |tale| {
        tale.entries.retain(|entry| !matches!(&entry.op, Op::Record(record) if record.alert == "a1"));
    }),
    ("a delivery is open at the end", Wrong::Endless, |tale| {
        tale.standing("a5", "r_1", |standing| standing.reason = None);
    }),
    ("a declined order that was to be heard", Wrong::OtherEnd, |tale| {
        tale.standing("a1", "r_0", |standing| "expired".clone_into(&mut standing.state));
    }),
    ("a cancel that ended something, and nothing is cancelled", Wrong::OtherEnd, |tale| {
        tale.standing("a3", "r_0", |standing| "acknowledged".clone_into(&mut standing.state));
    }),
    ("an unanswered event is there without its alert", Wrong::Halved, |tale| tale.forget("a6")),
    ("a delivery to somebody else as well", Wrong::Halved, |tale| {
        let other = tale::standing("r_2", 9, "expired", &[], None);
        let other = Standing { steps: [].into(), ..other };
        tale.record("a5", |record| record.deliveries.push(other.clone()));
    }),
    ("a delivery is missing", Wrong::Halved, |tale| {
        tale.record("a4", |record| record.deliveries.truncate(1));
    }),
    ("a post is answered with 500", Wrong::BadAnswer, |tale| {
        tale.add(Op::Told { event: "order-7".to_owned(), status: 500, alert: None, duplicate: false });
    }),
    ("a cancel is answered with 404", Wrong::BadAnswer, |tale| {
        tale.add(Op::Cancelled { alert: "a3".to_owned(), status: 404, ended: 0 });
    }),
    ("it was refused each time, and is there", Wrong::Denied, |tale| {
        tale.entries.retain(|entry| !matches!(&entry.op, Op::Untold { event } if event == "order-6"));
        tale.add(Op::Told { event: "order-6".to_owned(), status: 503, alert: None, duplicate: false });
    }),
    ("the second answer names another alert", Wrong::TwoAlerts, |tale| tale.tell("order-1", "a2")),
    ("frames name another alert", Wrong::TwoAlerts, |tale| {
        tale.frame("a6", |frame| "order-5".clone_into(&mut frame.event));
    }),
    ("a frame of an event that nobody posted", Wrong::Uncalled, |tale| {
        tale.frame("a1", |frame| "order-0".clone_into(&mut frame.event));
    }),
    ("a frame for another rider", Wrong::Uncalled, |tale| {
        tale.frame("a1", |frame| "r_1".clone_into(&mut frame.rider));
    }),
    ("a frame under another number than the record's", Wrong::Uncalled, |tale| {
        tale.frame("a1", |frame| frame.seq = 9);
    }),
    ("a repetition with another text", Wrong::Rewritten, |tale| {
        tale.repeat("a1", |frame| "another".clone_into(&mut frame.content));
    }),
    ("a later one first, though the earlier was ready", Wrong::Disordered, |tale| {
        tale.standing("a2", "r_0", |standing| standing.seq = 3);
        tale.standing("a3", "r_0", |standing| standing.seq = 2);
        tale.frame("a2", |frame| frame.seq = 3);
        tale.frame("a3", |frame| frame.seq = 2);
        tale.standing("a3", "r_0", |standing| {
            standing.steps.insert("rendered".to_owned(), "2026-03-01T04:30:04.000Z".to_owned());
        });
    }),
    ("made when it was void", Wrong::Stale, |tale| tale.repeat("a1", |frame| frame.ttl_ms = 0)),
    ("three seconds late over a good way", Wrong::Stale, |tale| {
        tale.add_at(EXPIRES_AT + 3_001, Op::Strikes);
        tale.add_at(EXPIRES_AT + 3_001, Op::Over);
        let frame = tale.copy("a1");
        tale.add_at(EXPIRES_AT + 3_001, Op::Alert(frame));
        tale.entries.retain(|entry| !matches!(entry.op, Op::Strikes | Op::Over));
    }),
    ("sent after its cancel was answered", Wrong::AfterCancel, |tale| {
        tale.repeat("a3", |frame| frame.ttl_ms = EXPIRES_AT - (NOW + 1_501));
    }),
    ("two records end it in two ways", Wrong::TwoEnds, |tale| {
        tale.earlier("a3", |standing| standing.reason = Some("answered".to_owned()));
    }),
    ("a later record knows less of the way", Wrong::WentBack, |tale| {
        tale.earlier("a1", |standing| {
            standing.steps.insert("answered".to_owned(), "then".to_owned());
        });
    }),
    ("a step has moved", Wrong::WentBack, |tale| {
        tale.earlier("a1", |standing| {
            standing.steps.insert("played".to_owned(), "another time".to_owned());
        });
    }),
    ("a state has fallen", Wrong::WentBack, |tale| {
        tale.earlier("a5", |standing| (standing.state, standing.reason) = ("played".to_owned(), None));
        tale.later("a5", |standing| (standing.state, standing.reason) = ("sent".to_owned(), None));
    }),
    ("a record goes away and comes back", Wrong::WentBack, |tale| {
        let record = tale.last_record("a1");
        tale.add(Op::Absent { alert: "a1".to_owned() });
        tale.add(Op::Record(record));
    }),
    ("a confirmed report is not in the record", Wrong::Forgotten, |tale| {
        tale.standing("a5", "r_1", |standing| drop(standing.steps.remove("played")));
    }),
    ("a recorded answer is not in the record", Wrong::Forgotten, |tale| {
        tale.standing("a2", "r_0", |standing| standing.answer = None);
    }),
    ("an answer is confirmed, and no outcome was told", Wrong::Forgotten, |tale| {
        tale.entries.retain(|entry| !matches!(&entry.op, Op::Answered { alert, .. } if alert == "a2"));
    }),
    ("a report that no rider gave", Wrong::Invented, |tale| {
        tale.standing("a3", "r_0", |standing| {
            standing.steps.insert("played".to_owned(), "then".to_owned());
        });
    }),
    ("received by a rider who got nothing", Wrong::Invented, |tale| {
        tale.entries.retain(|entry| !matches!(&entry.op, Op::Alert(frame) if frame.alert == "a3"));
    }),
    ("welcomed to what was cancelled", Wrong::Ghost, |tale| tale.welcome("r_0", "a3")),
    ("welcomed to what was heard", Wrong::Ghost, |tale| {
        tale.entries.retain(|entry| !matches!(&entry.op, Op::Record(record) if record.alert == "a1"));
        tale.welcome("r_0", "a1");
        tale.add(Op::Record(Tale::good().last_record("a1")));
    }),
    ("a rider holds what is over", Wrong::Held, |tale| {
        tale.add(Op::Held { rider: "r_0".to_owned(), alert: "a3".to_owned() });
    }),
    ("two riders win", Wrong::TwoWinners, |tale| {
        tale.outcome("a4", "r_1", "won");
        tale.standing("a4", "r_1", |standing| standing.answer = Some("accept".to_owned()));
    }),
    ("the same answer is lost and then won", Wrong::TwoOutcomes, |tale| {
        tale.answered_again("a4", "r_1", "gone");
    }),
    ("a good client is told not to come back", Wrong::SentAway, |tale| {
        tale.add(Op::Bye { rider: "r_0".to_owned(), session: 1, code: 4001 });
    }),
];

#[test]
fn a_good_history_has_nothing_wrong_in_it_and_its_figures_are_right() {
    let verdict = judge(&Tale::good().entries, Commits::OneByOne);
    assert!(verdict.findings.is_empty(), "{:?}", verdict.findings);
    assert_eq!(verdict.kinds_found(), 0);
    let figures = &verdict.figures;
    assert_eq!((figures.posted, figures.accepted, figures.untold, figures.recovered), (8, 6, 3, 1));
    assert_eq!((figures.frames, figures.repeated, figures.stops, figures.won), (8, 0, 2, 1));
    assert!(verdict.to_string().ends_with("lost 0, violations 0"), "{verdict}");
}

#[test]
fn whatever_is_wrong_is_found_and_nothing_else() {
    for (what, wrong, doctor) in DOCTORED {
        let mut tale = Tale::good();
        doctor(&mut tale);
        let verdict = judge(&tale.entries, Commits::OneByOne);
        assert!(verdict.count(wrong) > 0, "{what}: {:?}", verdict.findings);
        let kinds = verdict.kinds_found();
        // Some wrongs cannot be without another: what was forged is missed in its own place as well.
        assert!(kinds <= 2, "{what}: {:?}", verdict.findings);
    }
}

#[test]
fn an_error_frame_and_a_standstill_are_found() {
    let mut tale = Tale::good();
    tale.add(Op::Refused { rider: "r_0".to_owned(), session: 1, code: "bad_frame".to_owned() });
    tale.add(Op::Stuck { what: "nothing was accepted".to_owned() });
    let verdict = judge(&tale.entries, Commits::OneByOne);
    assert_eq!(
        (verdict.count(Wrong::SentAway), verdict.count(Wrong::Stuck), verdict.kinds_found()),
        (1, 1, 2)
    );
    assert!(verdict.findings.iter().any(|finding| finding.what == "nothing was accepted"));
}

#[test]
fn every_kind_of_wrong_has_a_doctored_history() {
    let missing: Vec<Wrong> =
        Wrong::ALL.into_iter().filter(|wrong| DOCTORED.iter().all(|(_, found, _)| found != wrong)).collect();
    assert_eq!(missing, [Wrong::Stuck], "and that one has a test of its own");
}

#[test]
fn what_is_in_flight_is_nobodys_fault() {
    let mut tale = Tale::good();
    // Made half a second after the cancel was answered, by a session that was looking when it was committed.
    tale.repeat("a3", |frame| frame.ttl_ms = EXPIRES_AT - (NOW + 1_500));
    // Made in time, and late because a fault was in the way.
    tale.add_at(EXPIRES_AT - 1_000, Op::Strikes);
    let late = tale.copy("a1");
    tale.add_at(EXPIRES_AT + 9_000, Op::Alert(late));
    tale.add_at(EXPIRES_AT + 9_000, Op::Over);
    assert!(
        judge(&tale.entries, Commits::OneByOne).findings.is_empty(),
        "{:?}",
        judge(&tale.entries, Commits::OneByOne).findings
    );
}

#[test]
fn a_later_one_first_is_right_where_the_earlier_had_no_sound_yet() {
    let mut tale = Tale::good();
    for (alert, seq) in [("a2", 3), ("a3", 2)] {
        tale.standing(alert, "r_0", |standing| standing.seq = seq);
        tale.frame(alert, |frame| frame.seq = seq);
    }
    tale.standing("a3", "r_0", |standing| {
        standing.steps.insert("rendered".to_owned(), "2026-03-01T04:30:06.000Z".to_owned());
    });
    assert!(
        judge(&tale.entries, Commits::OneByOne).findings.is_empty(),
        "{:?}",
        judge(&tale.entries, Commits::OneByOne).findings
    );
}

#[test]
fn side_by_side_a_commits_time_is_forgiven_and_no_more() {
    for (at, one_by_one, side_by_side) in
        [("05.000", true, true), ("04.997", false, true), ("04.900", false, true), ("04.899", false, false)]
    {
        let mut tale = Tale::good();
        for (alert, seq) in [("a2", 3), ("a3", 2)] {
            tale.standing(alert, "r_0", |standing| standing.seq = seq);
            tale.frame(alert, |frame| frame.seq = seq);
        }
        tale.standing("a3", "r_0", |standing| {
            standing.steps.insert("rendered".to_owned(), format!("2026-03-01T04:30:{at}Z"));
        });
        let is_good = |commits| judge(&tale.entries, commits).findings.is_empty();
        assert_eq!(is_good(Commits::OneByOne), one_by_one, "{at}");
        assert_eq!(is_good(Commits::SideBySide), side_by_side, "{at}");
    }
}

#[test]
fn a_record_is_read_as_the_server_writes_it() {
    let data = serde_json::json!({
        "alert_id": "a1", "event_id": "order-1",
        "deliveries": [{"rider": "r_0", "seq": 7, "state": "played", "reason": "played", "answer": null,
            "timeline": [{"step": "created", "at": "2026-03-01T04:30:05.000Z"}]}],
    });
    let record = Record::read(&data).unwrap();
    let Standing { seq, answer, steps, .. } = record.of("r_0").unwrap();
    assert_eq!((*seq, answer, steps.len()), (7, &None, 1));
    assert!(Record::read(&serde_json::json!({"alert_id": "a1"})).is_none());
}

#[test]
fn a_history_is_written_one_object_a_line() {
    let receipt = Op::Receipt { rider: "r_0".to_owned(), n: 1, alert: "a1".to_owned(), what: What::Played };
    let line = serde_json::to_string(&Entry { at: NOW, op: receipt }).unwrap();
    assert_eq!(
        line,
        format!(r#"{{"at":{NOW},"op":"receipt","rider":"r_0","n":1,"alert":"a1","what":"played"}}"#)
    );
}
