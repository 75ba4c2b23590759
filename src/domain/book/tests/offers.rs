//! Who wins an offer: one rider, once, and nobody is told otherwise afterwards.

use super::stage::{Says, Stage, cancelled, grab, rider, says};
use crate::domain::book::{Duty, Settled};
use crate::domain::delivery::{Answer, AnswerOutcome, Change, EndReason};
use crate::domain::{AlertState, Arbiter, DeliveryState, Mode, Settlement};

fn by_backend() -> Says<'static> {
    Says { arbiter: Arbiter::Backend, ..grab() }
}

#[test]
fn of_two_accepts_the_first_wins_and_the_others_have_lost() {
    let mut stage = Stage::new();
    let alert = stage.alert(&grab(), &["r1", "r2", "r3"]);
    assert_eq!(stage.answer(alert, "r2", Answer::Accept), Some(AnswerOutcome::Won));
    assert_eq!(stage.answer(alert, "r1", Answer::Accept), Some(AnswerOutcome::Lost));
    let lost = stage.delivery(alert, "r3");
    assert_eq!((lost.state, lost.reason), (DeliveryState::Lost, Some(EndReason::Taken)));
    let head = stage.book.head(alert).unwrap();
    assert_eq!((head.state, head.winner.as_ref()), (AlertState::Accepted, Some(&rider("r2"))));
}

#[test]
fn a_double_accept_gets_the_same_answer_again() {
    let mut stage = Stage::new();
    let alert = stage.alert(&grab(), &["r1", "r2"]);
    for _ in 0..3 {
        assert_eq!(stage.answer(alert, "r1", Answer::Accept), Some(AnswerOutcome::Won));
        assert_eq!(stage.answer(alert, "r2", Answer::Accept), Some(AnswerOutcome::Lost));
    }
    assert_eq!(stage.delivery(alert, "r2").late_answer, Some(Answer::Accept));
}

#[test]
fn an_accept_after_expiry_is_gone_and_noted_as_late_even_before_a_sweep() {
    let mut stage = Stage::new();
    let alert = stage.alert(&grab(), &["r1"]);
    stage.wait_ms(60_000);
    assert_eq!(stage.answer(alert, "r1", Answer::Accept), Some(AnswerOutcome::Gone));
    let late = stage.delivery(alert, "r1");
    assert_eq!(
        (late.state, late.answer, late.late_answer),
        (DeliveryState::Expired, None, Some(Answer::Accept))
    );
    assert_eq!(stage.book.head(alert).unwrap().state, AlertState::Expired);
}

#[test]
fn an_accept_after_a_cancellation_is_gone() {
    let mut stage = Stage::new();
    let alert = stage.alert(&grab(), &["r1"]);
    stage.book.cancel_alert(alert, stage.now);
    assert_eq!(stage.answer(alert, "r1", Answer::Accept), Some(AnswerOutcome::Gone));
    assert_eq!(stage.book.head(alert).unwrap().winner, None);
}

#[test]
fn a_cancellation_while_it_plays_stops_it_and_speaks() {
    let mut stage = Stage::new();
    let offer = stage.alert(&grab(), &["r1"]);
    stage.progress(offer, "r1", Change::Playing);
    let entered = stage.tell(&cancelled(), &["r1"]);
    assert_eq!(entered.ended.iter().map(|ended| ended.alert).collect::<Vec<_>>(), [offer]);
    assert_eq!(stage.delivery(offer, "r1").reason, Some(EndReason::CancelledByOrder));
    assert!(stage.delivery(entered.alerts[0].alert, "r1").is_open(), "the cancellation itself is heard");
}

#[test]
fn an_accept_by_a_rider_who_was_not_offered_is_unknown() {
    let mut stage = Stage::new();
    let alert = stage.alert(&grab(), &["r1"]);
    assert_eq!(stage.answer(alert, "r9", Answer::Accept), None);
}

#[test]
fn a_forced_order_may_be_declined_and_that_is_recorded() {
    let mut stage = Stage::new();
    let alert = stage.alert(&says("order.assigned", Mode::Ack), &["r1"]);
    assert_eq!(stage.answer(alert, "r1", Answer::Decline), Some(AnswerOutcome::Recorded));
    assert_eq!(stage.delivery(alert, "r1").state, DeliveryState::Declined);
}

#[test]
fn an_offer_made_again_to_the_same_rider_is_a_new_alert() {
    let mut stage = Stage::new();
    let offer = Says { collapse: Some("k"), ..says("order.offered", Mode::Assign) };
    let first = stage.alert(&offer, &["r1"]);
    assert_eq!(stage.answer(first, "r1", Answer::Decline), Some(AnswerOutcome::Recorded));
    let second = stage.alert(&offer, &["r1"]);
    assert_eq!(stage.answer(second, "r1", Answer::Accept), Some(AnswerOutcome::Recorded));
    assert_eq!(stage.delivery(first, "r1").state, DeliveryState::Declined);
}

#[test]
fn a_claim_is_pending_until_the_backend_settles_it() {
    let mut stage = Stage::new();
    let alert = stage.alert(&by_backend(), &["r1", "r2"]);
    assert_eq!(stage.answer(alert, "r1", Answer::Accept), Some(AnswerOutcome::Pending));
    assert_eq!(stage.answer(alert, "r2", Answer::Accept), Some(AnswerOutcome::Pending));
    assert_eq!(stage.answer(alert, "r1", Answer::Accept), Some(AnswerOutcome::Pending), "asked again");
    let winner = Settlement::Winner(rider("r2"));
    assert!(matches!(stage.book.settle(alert, &winner, stage.now), Settled::Done(ended) if ended.len() == 2));
    assert_eq!(stage.answer(alert, "r2", Answer::Accept), Some(AnswerOutcome::Won));
    assert_eq!(stage.answer(alert, "r1", Answer::Accept), Some(AnswerOutcome::Lost));
    assert_eq!(stage.book.settle(alert, &winner, stage.now), Settled::Already);
    let other = Settlement::Winner(rider("r1"));
    assert_eq!(stage.book.settle(alert, &other, stage.now), Settled::Otherwise);
    let stranger = Settlement::Winner(rider("r9"));
    assert_eq!(stage.book.settle(alert, &stranger, stage.now), Settled::NotOffered);
}

#[test]
fn a_decline_while_the_accept_is_pending_is_gone_and_noted_as_late() {
    let mut stage = Stage::new();
    let alert = stage.alert(&by_backend(), &["r1"]);
    assert_eq!(stage.answer(alert, "r1", Answer::Accept), Some(AnswerOutcome::Pending));
    for _ in 0..2 {
        assert_eq!(stage.answer(alert, "r1", Answer::Decline), Some(AnswerOutcome::Gone));
        assert_eq!(stage.answer(alert, "r1", Answer::Confirm), Some(AnswerOutcome::Recorded));
        assert_eq!(stage.answer(alert, "r1", Answer::Accept), Some(AnswerOutcome::Pending));
    }
    let claimed = stage.delivery(alert, "r1");
    assert_eq!((claimed.state, claimed.late_answer), (DeliveryState::Claimed, Some(Answer::Decline)));
    assert!(matches!(
        stage.book.settle(alert, &Settlement::Winner(rider("r1")), stage.now),
        Settled::Done(_)
    ));
    assert_eq!(stage.answer(alert, "r1", Answer::Decline), Some(AnswerOutcome::Gone));
    assert_eq!(stage.answer(alert, "r1", Answer::Accept), Some(AnswerOutcome::Won));
}

#[test]
fn a_claim_that_is_lost_leaves_the_offer_to_the_others() {
    let mut stage = Stage::new();
    let alert = stage.alert(&by_backend(), &["r1", "r2"]);
    stage.answer(alert, "r1", Answer::Accept);
    let lost = Settlement::Lost(rider("r1"));
    assert!(matches!(stage.book.settle(alert, &lost, stage.now), Settled::Done(_)));
    assert_eq!(stage.delivery(alert, "r1").state, DeliveryState::Lost);
    assert!(stage.delivery(alert, "r2").is_open());
    assert_eq!(stage.book.head(alert).unwrap().state, AlertState::Active);
}

#[test]
fn a_claim_outlives_the_window_and_ends_as_not_settled() {
    let mut stage = Stage::new();
    let alert = stage.alert(&Says { answer_ms: Some(15_000), ..by_backend() }, &["r1"]);
    stage.wait_ms(14_000);
    assert_eq!(stage.answer(alert, "r1", Answer::Accept), Some(AnswerOutcome::Pending));
    stage.wait_ms(59_999);
    assert!(stage.book.expire(stage.now, 3, 100).is_empty());
    stage.wait_ms(1);
    assert_eq!(stage.book.expire(stage.now, 3, 100).len(), 1);
    assert_eq!(stage.delivery(alert, "r1").reason, Some(EndReason::NotSettled));
    let winner = Settlement::Winner(rider("r1"));
    assert_eq!(
        stage.book.settle(alert, &winner, stage.now),
        Settled::Otherwise,
        "too late for the backend too"
    );
}

#[test]
fn neither_the_end_of_a_shift_nor_the_same_offer_again_takes_a_claim_back() {
    let mut stage = Stage::new();
    let offer = Says { collapse: Some("k"), ..by_backend() };
    let alert = stage.alert(&offer, &["r1", "r2"]);
    stage.answer(alert, "r1", Answer::Accept);
    stage.tell(&offer, &["r1", "r2"]);
    stage.book.set_duty(&Stage::key("r1"), Duty::Off, stage.now);
    assert_eq!(stage.delivery(alert, "r1").state, DeliveryState::Claimed);
    assert_eq!(stage.delivery(alert, "r2").state, DeliveryState::Superseded);
}

#[test]
fn one_asker_at_a_time_asks_about_a_claim() {
    let mut stage = Stage::new();
    let alert = stage.alert(&by_backend(), &["r1"]);
    stage.answer(alert, "r1", Answer::Accept);
    let again_at = stage.now.plus_ms(15_000);
    assert!(stage.book.take_ask(alert, &rider("r1"), again_at, stage.now));
    assert!(!stage.book.take_ask(alert, &rider("r1"), again_at, stage.now));
    stage.wait_ms(15_000);
    assert!(stage.book.take_ask(alert, &rider("r1"), again_at.plus_ms(1), stage.now));
}

#[test]
fn three_unanswered_offers_make_a_rider_unresponsive_and_an_answer_makes_them_responsive_again() {
    let mut stage = Stage::new();
    for round in 1..=4_u32 {
        let alert = stage.alert(&says("order.offered", Mode::Assign), &["r1"]);
        stage.progress(alert, "r1", Change::Sent);
        stage.wait_ms(60_000);
        stage.book.expire(stage.now, 3, 100);
        assert_eq!(stage.book.rider(&Stage::key("r1")).unwrap().unanswered, round);
        assert_eq!(stage.book.take_notices().len(), usize::from(round == 3), "told once, at the third");
    }
    let alert = stage.alert(&says("order.offered", Mode::Assign), &["r1"]);
    stage.answer(alert, "r1", Answer::Decline);
    assert_eq!(stage.book.rider(&Stage::key("r1")).unwrap().unanswered, 0);
}
