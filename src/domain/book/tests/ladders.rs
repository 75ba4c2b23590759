//! Ladders: each level once, whatever races with it, and not after the end.

use super::stage::{Says, Stage, grab, rider, says, step};
use crate::domain::book::{Duty, NoticeKind, When};
use crate::domain::delivery::{Answer, AnswerOutcome, Change, EndReason};
use crate::domain::ladder::{Act, HttpCall, Step};
use crate::domain::{AlertState, Arbiter, Mode};

fn assign(ladder: Vec<Step>) -> Says<'static> {
    Says { ladder, ..says("order.offered", Mode::Assign) }
}

#[test]
fn a_step_rings_again_with_a_new_number_and_only_once() {
    let mut stage = Stage::new();
    let alert = stage.alert(&assign(vec![step(10, Act::Repeat)]), &["r1"]);
    assert!(stage.step_due(alert).is_none());
    let seq = stage.delivery(alert, "r1").seq;
    stage.wait_ms(10_000);
    assert_eq!(stage.step_due(alert).unwrap().rung.len(), 1);
    let rung = stage.delivery(alert, "r1");
    assert!(rung.ring == 2 && rung.seq > seq);
    assert!(stage.step_due(alert).is_none());
    let again = stage.with(|book, context| book.step(alert, 0, When::Due, &[], context));
    assert!(again.is_none());
}

#[test]
fn steps_that_fell_due_together_keep_their_distance() {
    let mut stage = Stage::new();
    let ladder = vec![step(10, Act::Repeat), step(20, Act::Louder), step(25, Act::Repeat)];
    let alert = stage.alert(&assign(ladder), &["r1"]);
    stage.wait_ms(30_000);
    assert!(stage.step_due(alert).is_some() && stage.step_due(alert).is_none());
    assert_eq!(stage.delivery(alert, "r1").ring, 2);
    for (wait_ms, ring) in [(9_999, 2), (1, 3), (4_999, 3), (1, 4)] {
        stage.wait_ms(wait_ms);
        stage.step_due(alert);
        assert_eq!(stage.delivery(alert, "r1").ring, ring);
    }
}

#[test]
fn after_a_stop_each_candidate_has_their_time() {
    let mut stage = Stage::new();
    let offer = Says {
        candidates: &["r2", "r3"],
        answer_ms: Some(15_000),
        ..assign(vec![step(15, Act::Next), step(30, Act::Next)])
    };
    let alert = stage.alert(&offer, &["r1"]);
    stage.wait_ms(40_000);
    assert_eq!(stage.step_due(alert).unwrap().rung, [Stage::key("r2")]);
    stage.wait_ms(14_999);
    assert!(stage.step_due(alert).is_none());
    stage.wait_ms(1);
    assert_eq!(stage.step_due(alert).unwrap().rung, [Stage::key("r3")]);
}

#[test]
fn a_candidate_who_has_had_the_offer_uses_up_no_step() {
    let mut stage = Stage::new();
    let offer = Says { candidates: &["r1", "r2"], ..assign(vec![step(15, Act::Next)]) };
    let alert = stage.alert(&offer, &["r1"]);
    stage.wait_ms(15_000);
    assert_eq!(stage.step_due(alert).unwrap().rung, [Stage::key("r2")]);
}

#[test]
fn an_order_that_is_gone_is_offered_to_nobody_else() {
    let mut stage = Stage::new();
    let ladder = || vec![step(30, Act::Next)];
    let offer = Says { candidates: &["r2"], collapse: Some("k"), ..assign(ladder()) };
    let first = stage.alert(&offer, &["r1"]);
    let second = stage.alert(&offer, &["r1"]);
    assert_eq!(stage.book.head(first).unwrap().state, AlertState::Completed, "superseded");
    let done = crate::domain::kind::OrderPolicy {
        ends: Some(crate::domain::kind::Ends::Completed),
        ..crate::domain::kind::OrderPolicy::default()
    };
    stage.tell(&Says { policy: done, ..says("order.delivered", Mode::Notify) }, &["r1"]);
    assert_eq!(stage.book.head(second).unwrap().state, AlertState::Completed);
    assert!(stage.step_due(first).is_none() && stage.step_due(second).is_none());
}

#[test]
fn when_all_have_declined_the_desk_is_told_at_once() {
    let mut stage = Stage::new();
    let offer = assign(vec![step(10, Act::Repeat), step(20, Act::Desk), step(30, Act::Exhausted)]);
    let alert = stage.alert(&offer, &["r1"]);
    stage.answer(alert, "r1", Answer::Decline);
    assert_eq!(stage.step_due(alert).unwrap().act, "desk");
    assert_eq!(stage.step_due(alert).unwrap().act, "exhausted");
    assert_eq!(stage.book.head(alert).unwrap().state, AlertState::Exhausted);
    let kinds: Vec<_> = stage.book.take_notices().into_iter().map(|notice| notice.kind).collect();
    assert_eq!(kinds, [NoticeKind::Desk, NoticeKind::Exhausted]);
}

#[test]
fn a_ladder_may_end_with_the_alert() {
    let mut stage = Stage::new();
    let alert = stage.alert(&assign(vec![step(60, Act::Exhausted)]), &["r1"]);
    stage.wait_ms(60_000);
    assert_eq!(stage.step_due(alert).unwrap().act, "exhausted");
    assert_eq!(stage.book.head(alert).unwrap().state, AlertState::Exhausted);
    assert_eq!(stage.book.take_notices().len(), 1);
}

#[test]
fn a_claim_that_wins_after_the_ladder_is_told_of_as_won_only() {
    let mut stage = Stage::new();
    let offer = Says { arbiter: Arbiter::Backend, ladder: vec![step(10, Act::Exhausted)], ..grab() };
    let alert = stage.alert(&offer, &["r1"]);
    stage.answer(alert, "r1", Answer::Accept);
    stage.wait_ms(10_000);
    stage.step_due(alert);
    stage.book.settle(alert, &crate::domain::Settlement::Winner(rider("r1")), stage.now);
    assert_eq!(stage.book.head(alert).unwrap().state, AlertState::Accepted);
    assert!(stage.book.take_notices().is_empty());
}

#[test]
fn no_step_is_taken_after_an_answer_a_cancellation_or_the_end() {
    let ladder = || assign(vec![step(10, Act::Repeat), step(20, Act::Exhausted)]);
    let mut stage = Stage::new();
    let answered = stage.alert(&ladder(), &["r1"]);
    let cancelled = stage.alert(&ladder(), &["r2"]);
    let expired = stage.alert(&Says { life_ms: 9_000, ..ladder() }, &["r3"]);
    stage.answer(answered, "r1", Answer::Accept);
    stage.book.cancel_alert(cancelled, stage.now);
    stage.wait_ms(10_000);
    for alert in [answered, cancelled, expired] {
        assert!(stage.with(|book, context| book.step(alert, 0, When::Due, &[], context)).is_none());
    }
}

#[test]
fn next_passes_the_offer_on_and_skips_who_is_off_duty() {
    let mut stage = Stage::new();
    stage.book.set_duty(&Stage::key("r2"), Duty::Off, stage.now);
    let offer =
        Says { candidates: &["r2", "r3"], answer_ms: Some(15_000), ..assign(vec![step(15, Act::Next)]) };
    let alert = stage.alert(&offer, &["r1"]);
    stage.progress(alert, "r1", Change::Sent);
    stage.wait_ms(15_000);
    let stepped = stage.step_due(alert).unwrap();
    assert_eq!(stepped.rung, [Stage::key("r3")]);
    assert_eq!(stage.delivery(alert, "r1").reason, Some(EndReason::NotReceived));
    assert_eq!(stage.delivery(alert, "r2").reason, Some(EndReason::OffDuty));
    assert_eq!(stage.delivery(alert, "r3").expires_at, stage.now.plus_ms(15_000));
    assert_eq!(stage.answer(alert, "r1", Answer::Accept), Some(AnswerOutcome::Gone));
    assert_eq!(stage.answer(alert, "r3", Answer::Accept), Some(AnswerOutcome::Recorded));
}

#[test]
fn a_decline_gives_the_offer_to_the_next_at_once() {
    let mut stage = Stage::new();
    let offer = Says { candidates: &["r2"], ..assign(vec![step(30, Act::Next)]) };
    let alert = stage.alert(&offer, &["r1"]);
    stage.answer(alert, "r1", Answer::Decline);
    assert_eq!(stage.book.head(alert).unwrap().state, AlertState::Active, "somebody may still take it");
    assert_eq!(stage.step_due(alert).unwrap().rung, [Stage::key("r2")]);
    stage.answer(alert, "r2", Answer::Decline);
    assert_eq!(stage.book.head(alert).unwrap().state, AlertState::Completed);
}

#[test]
fn a_station_is_told_as_well_each_rider_once() {
    let mut stage = Stage::new();
    let alert =
        stage.alert(&Says { ladder: vec![step(5, Act::Station { groups: vec![] })], ..grab() }, &["r1"]);
    stage.wait_ms(5_000);
    let station = ["r1", "r2", "r3"].map(rider);
    let stepped = stage.with(|book, context| book.step(alert, 0, When::Due, &station, context)).unwrap();
    assert_eq!(stepped.rung.len(), 2);
    assert!(stage.delivery(alert, "r1").is_open() && stage.has(alert, "r3"));
    assert_eq!(stage.book.head(alert).unwrap().open_count, 3);
}

#[test]
fn the_end_of_a_ladder_ends_the_alert_and_is_noticed_once() {
    let mut stage = Stage::new();
    let alert = stage.alert(&assign(vec![step(5, Act::Desk), step(10, Act::Exhausted)]), &["r1"]);
    stage.wait_ms(5_000);
    stage.step_due(alert);
    stage.wait_ms(5_000);
    stage.step_due(alert);
    assert_eq!(stage.book.head(alert).unwrap().state, AlertState::Exhausted);
    stage.wait_ms(60_000);
    stage.book.expire(stage.now, 3, 100);
    let kinds: Vec<_> = stage.book.take_notices().into_iter().map(|notice| notice.kind).collect();
    assert_eq!(kinds, [NoticeKind::Desk, NoticeKind::Exhausted]);
}

#[test]
fn a_claim_outlives_the_end_of_the_ladder() {
    let mut stage = Stage::new();
    let offer = Says { arbiter: Arbiter::Backend, ladder: vec![step(10, Act::Exhausted)], ..grab() };
    let alert = stage.alert(&offer, &["r1", "r2"]);
    stage.answer(alert, "r1", Answer::Accept);
    stage.wait_ms(10_000);
    stage.step_due(alert);
    assert!(stage.delivery(alert, "r1").is_open() && !stage.delivery(alert, "r2").is_open());
    assert_eq!(stage.book.head(alert).unwrap().state, AlertState::Active);
}

#[test]
fn a_fallback_step_is_taken_at_once_and_then_not_at_its_time() {
    let mut stage = Stage::new();
    let call = HttpCall { url: "https://sms.example/send".to_owned(), ..HttpCall::default() };
    let fallback = Step { fallback: true, ..step(30, Act::Http(call)) };
    let alert = stage.alert(&assign(vec![step(10, Act::Repeat), fallback]), &["r1"]);
    let taken = stage.with(|book, context| book.step(alert, 1, When::Fallback, &[], context)).unwrap();
    assert_eq!((taken.act, taken.calls.len()), ("http", 1));
    assert!(stage.with(|book, context| book.step(alert, 1, When::Fallback, &[], context)).is_none());
    let not_one = stage.with(|book, context| book.step(alert, 0, When::Fallback, &[], context));
    assert!(not_one.is_none(), "only a fallback step is one");
    stage.wait_ms(30_000);
    assert_eq!(stage.step_due(alert).unwrap().act, "repeat");
    assert!(stage.step_due(alert).is_none());
    assert_eq!(stage.book.take_calls().len(), 1);
}
