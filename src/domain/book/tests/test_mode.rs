//! Test keys: what they say is for test riders, and nothing real is changed by it.

use super::stage::{RULES, Says, Stage, assigned, cancelled, grab, says, step, version};
use crate::domain::app::KeyMode;
use crate::domain::book::{Admission, Book, Guard, Outcome};
use crate::domain::delivery::{Answer, AnswerOutcome, EndReason};
use crate::domain::kind::OrderPolicy;
use crate::domain::ladder::{Act, HttpCall};
use crate::domain::rider::Pace;
use crate::domain::settings::{Quiet, Rules};
use crate::domain::{DeliveryState, FirstStatus, Mode};

fn test(says: Says<'_>) -> Says<'_> {
    Says { key_mode: KeyMode::Test, ..says }
}

fn admit(stage: &mut Stage, name: &str, admission: Admission) -> bool {
    let at = stage.now;
    stage.book.admit(&Stage::key(name), admission, at).test
}

#[test]
fn a_test_is_for_test_riders_and_ends_at_once_for_everybody_else() {
    let mut stage = Stage::new();
    assert!(admit(&mut stage, "t1", Admission::AsTest));
    stage.book.rider_mut(&Stage::key("r1"), stage.now).on_duty = false;
    let told = stage.tell(&test(assigned()), &["r1", "r2", "t1"]);
    let told: Vec<_> =
        told.alerts[0].deliveries.iter().map(|d| (d.rider.as_str(), d.status, d.reason)).collect();
    let held_back = Some(EndReason::TestMode);
    let expected = [
        ("r1", FirstStatus::Suppressed, held_back),
        ("r2", FirstStatus::Suppressed, held_back),
        ("t1", FirstStatus::Queued, None),
    ];
    assert_eq!(told, expected, "whatever else would hold it back");
}

#[test]
fn a_test_changes_nothing_of_what_a_real_rider_is_told() {
    let mut stage = Stage::new();
    stage.rules = Rules { alerts_per_minute: 1, merge_ms: 2_000, quiet: Quiet::No, ..RULES };
    let policy = OrderPolicy { gap_ms: Some(60_000), merges: true, ..OrderPolicy::default() };
    let urged = Says { policy, collapse: Some("k"), ..says("order.urged", Mode::Notify) };
    for _ in 0..3 {
        stage.tell(&test(urged.clone()), &["r1"]);
    }
    let row = stage.book.rider(&Stage::key("r1")).unwrap();
    assert_eq!((row.pace, row.unanswered, row.test), (Pace::default(), 0, false));
    let real = stage.tell(&urged, &["r1"]);
    assert_eq!((real.alerts[0].deliveries[0].reason, real.ended.len()), (None, 0));
    assert_eq!(stage.delivery(real.alerts[0].alert, "r1").held_until, None, "the first of a burst");
}

#[test]
fn two_orders_of_one_name_share_nothing() {
    let mut stage = Stage::new();
    admit(&mut stage, "t1", Admission::AsTest);
    let real = stage.alert(&assigned(), &["t1"]);
    let tested = stage.alert(&test(assigned()), &["t1"]);
    let gone = Says { stamp: version(5), ..cancelled() };
    assert!(stage.tell(&test(gone), &["t1"]).ended.iter().all(|ended| ended.alert == tested));
    assert!(stage.delivery(real, "t1").is_open(), "a test cancels tests");
    assert_eq!(stage.tell(&grab(), &["t1"]).outcome, Outcome::Alerted, "and nothing real before it came");
    let order = super::orders::key();
    let at = stage.now;
    let later = stage.alert(&test(Says { stamp: version(9), ..assigned() }), &["t1"]);
    stage.book.cancel_order(&order, at);
    assert!(!stage.delivery(real, "t1").is_open());
    assert!(stage.delivery(later, "t1").is_open(), "nor the other way round");
}

#[test]
fn an_alert_takes_the_place_of_one_in_its_own_world() {
    let mut stage = Stage::new();
    admit(&mut stage, "t1", Admission::AsTest);
    let keyed = Says { collapse: Some("k"), order: None, ..says("order.new", Mode::Notify) };
    let real = stage.alert(&keyed, &["t1"]);
    let tested = stage.alert(&test(keyed.clone()), &["t1"]);
    assert!(stage.delivery(real, "t1").is_open());
    stage.tell(&keyed, &["t1"]);
    assert!(!stage.delivery(real, "t1").is_open());
    assert!(stage.delivery(tested, "t1").is_open());
}

#[test]
fn a_ladder_of_a_test_finds_test_riders_and_calls_nobody_else() {
    let mut stage = Stage::new();
    admit(&mut stage, "t1", Admission::AsTest);
    let call = Act::Http(HttpCall { url: "https://voice.example".to_owned(), ..HttpCall::default() });
    let ladder = vec![step(2, call), step(4, Act::Next), step(6, Act::Repeat), step(8, Act::Desk)];
    let mode = Says { ladder, candidates: &["r1", "r2", "t1"], ..says("order.offered", Mode::Assign) };
    let alert = stage.alert(&test(mode), &["r1"]);
    // Nobody has it, so the next step that may bring somebody, or tells of it, is taken at once.
    let called = stage.step_due(alert).unwrap();
    assert_eq!((called.act, called.calls.len()), ("http", 0));
    let next = stage.step_due(alert).unwrap();
    assert_eq!((next.act, next.rung), ("next", vec![Stage::key("t1")]), "real candidates are passed over");
    stage.wait_ms(6_000);
    assert_eq!(stage.step_due(alert).unwrap().rung, [Stage::key("t1")]);
    stage.wait_ms(2_000);
    stage.step_due(alert).unwrap();
    let notices = stage.book.take_notices();
    assert!(notices.iter().all(|notice| notice.key_mode.is_test()) && notices.len() == 1, "{notices:?}");
    for name in ["r1", "r2"] {
        assert_eq!(stage.delivery(alert, name).state, DeliveryState::Suppressed, "{name}");
    }
    assert_eq!(stage.answer(alert, "r1", Answer::Accept), Some(AnswerOutcome::Gone));
    assert_eq!(stage.answer(alert, "t1", Answer::Accept), Some(AnswerOutcome::Recorded));
}

#[test]
fn a_test_key_makes_test_riders_of_those_nobody_has_heard_of() {
    let mut stage = Stage::new();
    assert!(admit(&mut stage, "new", Admission::IfNew));
    assert!(admit(&mut stage, "new", Admission::IfNew), "again");
    stage.book.rider_mut(&Stage::key("known"), stage.now).known = true;
    assert!(!admit(&mut stage, "known", Admission::IfNew));
    let real = stage.alert(&assigned(), &["named"]);
    assert!(!admit(&mut stage, "named", Admission::IfNew), "something real waits for them");
    let at = stage.now;
    stage.book.cancel_alert(real, at);
    stage.tell(&test(assigned()), &["seen"]);
    assert!(admit(&mut stage, "seen", Admission::IfNew), "a test alone has named them");
    let row = stage.book.rider(&Stage::key("new")).unwrap();
    assert!(row.test && !row.known, "known by a token, not by its making");
}

#[test]
fn who_becomes_real_is_told_no_test_any_more() {
    let mut stage = Stage::new();
    admit(&mut stage, "t1", Admission::AsTest);
    let (real, tested) =
        (stage.alert(&assigned(), &["t1"]), stage.alert(&test(Says { order: None, ..assigned() }), &["t1"]));
    let at = stage.now;
    let done = stage.book.admit(&Stage::key("t1"), Admission::AsReal, at);
    assert_eq!(done.ended.iter().map(|ended| ended.alert).collect::<Vec<_>>(), [tested]);
    assert_eq!(stage.delivery(tested, "t1").reason, Some(EndReason::TestMode));
    assert!(stage.delivery(real, "t1").is_open());
    assert!(stage.book.rider(&Stage::key("t1")).is_some_and(|row| row.known && !row.test));
}

#[test]
fn a_frame_is_looked_at_once_more() {
    let chosen = |guards: &[Guard]| {
        let mut stage = Stage::new();
        stage.book = Book::without(guards);
        let alert = stage.alert(&test(assigned()), &["r1"]);
        assert!(stage.delivery(alert, "r1").is_open(), "the first look is missing");
        stage.book.may_be_sent(stage.book.head(alert).unwrap(), &Stage::key("r1"))
    };
    assert!(!chosen(&[Guard::TestMode]));
    assert!(chosen(&[Guard::TestMode, Guard::TestFrames]));
}
