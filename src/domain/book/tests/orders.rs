//! The memory of orders: old news is dropped, ends stop what they end, and a rider's loss is told.

use super::stage::{Says, Stage, assigned, cancelled, grab, says, version};
use crate::domain::app::KeyMode;
use crate::domain::book::{DropReason, Outcome};
use crate::domain::delivery::{Answer, Change, EndReason};
use crate::domain::kind::OrderPolicy;
use crate::domain::settings::{Quiet, Rules};
use crate::domain::{FirstStatus, Mode, OrderKey, Urgency};

use super::stage::RULES;

pub(super) fn key() -> OrderKey {
    OrderKey { app: Stage::app(), key_mode: KeyMode::Live, order: "o1".parse().unwrap() }
}

#[test]
fn an_older_version_after_a_newer_one_is_dropped() {
    let mut stage = Stage::new();
    stage.tell(&Says { stamp: version(5), ..assigned() }, &["r1"]);
    let old = stage.tell(&Says { stamp: version(4), ..grab() }, &["r1"]);
    assert_eq!(old.outcome, Outcome::Dropped(DropReason::OlderVersion));
    assert!(old.alerts.is_empty() && old.ended.is_empty());
    let same = stage.tell(&Says { stamp: version(5), ..says("order.ready", Mode::Notify) }, &["r1"]);
    assert_eq!(same.outcome, Outcome::Alerted, "the same version may say something else");
}

#[test]
fn a_cancellation_that_comes_before_its_offer_stops_it() {
    let mut stage = Stage::new();
    stage.tell(&cancelled(), &["r1"]);
    let offer = stage.tell(&grab(), &["r1"]);
    assert_eq!(offer.outcome, Outcome::Dropped(DropReason::OrderCancelled));
    let other = stage.tell(&grab(), &["r1", "r2"]);
    let reasons: Vec<_> = other.alerts[0].deliveries.iter().map(|d| (d.status, d.reason)).collect();
    let held = (FirstStatus::Suppressed, Some(EndReason::CancelledBefore));
    assert_eq!(reasons, [held, (FirstStatus::Queued, None)], "it was cancelled for one rider only");
    stage.wait_ms(600_000);
    assert_eq!(stage.tell(&grab(), &["r1"]).outcome, Outcome::Alerted, "not for ever");
}

#[test]
fn cancelling_an_unknown_order_leaves_a_tombstone_that_newer_news_outlives() {
    let mut stage = Stage::new();
    assert!(stage.book.cancel_order(&key(), stage.now).is_empty());
    let offer = stage.tell(&grab(), &["r1"]);
    assert_eq!(offer.outcome, Outcome::Dropped(DropReason::OrderCancelled));
    stage.tell(&Says { stamp: version(7), ..cancelled() }, &["r1"]);
    assert_eq!(
        stage.tell(&Says { stamp: version(7), ..grab() }, &["r1"]).outcome,
        Outcome::Dropped(DropReason::OrderCancelled)
    );
}

#[test]
fn a_newer_version_is_a_new_life_of_a_cancelled_order() {
    let mut stage = Stage::new();
    stage.tell(&Says { stamp: version(7), ..cancelled() }, &["r1"]);
    assert_eq!(stage.tell(&Says { stamp: version(8), ..grab() }, &["r1"]).outcome, Outcome::Alerted);
}

#[test]
fn a_reassignment_makes_two_alerts_and_stops_the_old_riders() {
    let mut stage = Stage::new();
    let first = stage.alert(&assigned(), &["a"]);
    let entered = stage.tell(&assigned(), &["b"]);
    assert_eq!(entered.alerts.len(), 2);
    assert_eq!(stage.delivery(first, "a").reason, Some(EndReason::Reassigned));
    let away = entered.alerts[1].alert;
    assert_eq!(stage.book.head(away).unwrap().kind, "order.reassigned_away");
    assert!(stage.delivery(away, "a").is_open() && stage.delivery(entered.alerts[0].alert, "b").is_open());
}

#[test]
fn there_and_back_again_is_three_assignments() {
    let mut stage = Stage::new();
    stage.tell(&assigned(), &["a"]);
    let to_b = stage.tell(&assigned(), &["b"]);
    let back = stage.tell(&assigned(), &["a"]);
    assert_eq!(stage.book.order(&key()).unwrap().assignments, 3);
    assert_eq!(back.alerts.len(), 2);
    assert!(stage.delivery(back.alerts[0].alert, "a").is_open());
    let away_of_a = to_b.alerts[1].alert;
    assert_eq!(stage.delivery(away_of_a, "a").reason, Some(EndReason::Superseded), "it is theirs again");
    assert_eq!(stage.delivery(to_b.alerts[0].alert, "b").reason, Some(EndReason::Reassigned));
}

#[test]
fn the_same_rider_again_is_no_reassignment() {
    let mut stage = Stage::new();
    stage.tell(&assigned(), &["a"]);
    assert_eq!(stage.tell(&assigned(), &["a"]).alerts.len(), 1);
    assert_eq!(stage.book.order(&key()).unwrap().assignments, 1);
}

#[test]
fn a_newer_alert_of_one_key_takes_the_place_of_the_older_for_its_rider_only() {
    let mut stage = Stage::new();
    let changed = Says { collapse: Some("order:o1:order.changed"), ..says("order.changed", Mode::Ack) };
    let older = stage.alert(&changed, &["r1", "r2"]);
    stage.progress(older, "r1", Change::Received);
    let newer = stage.tell(&changed, &["r1"]);
    assert_eq!(newer.ended.len(), 1);
    assert_eq!(stage.delivery(older, "r1").reason, Some(EndReason::Superseded));
    assert!(stage.delivery(older, "r2").is_open());
}

#[test]
fn an_order_is_urged_at_most_once_in_three_minutes() {
    let mut stage = Stage::new();
    let policy = OrderPolicy { gap_ms: Some(180_000), ..OrderPolicy::default() };
    let urged = Says { policy, ..says("order.urged", Mode::Notify) };
    let first = |stage: &mut Stage| stage.tell(&urged, &["r1"]).alerts[0].deliveries[0].reason;
    assert_eq!(first(&mut stage), None);
    stage.wait_ms(179_999);
    assert_eq!(first(&mut stage), Some(EndReason::RateLimited));
    stage.wait_ms(1);
    assert_eq!(first(&mut stage), None);
}

#[test]
fn a_rider_is_told_so_much_a_minute_and_critical_alerts_are_exempt() {
    let mut stage = Stage::new();
    stage.rules = Rules { alerts_per_minute: 2, ..RULES };
    let tell = |stage: &mut Stage, urgency| {
        let says = Says { order: None, urgency, ..says("order.new", Mode::Notify) };
        stage.tell(&says, &["r1"]).alerts[0].deliveries[0].reason
    };
    assert_eq!(tell(&mut stage, Urgency::High), None);
    assert_eq!(tell(&mut stage, Urgency::High), None);
    assert_eq!(tell(&mut stage, Urgency::High), Some(EndReason::RateLimited));
    assert_eq!(tell(&mut stage, Urgency::Critical), None);
    stage.wait_ms(60_000);
    assert_eq!(tell(&mut stage, Urgency::High), None);
}

#[test]
fn quiet_hours_hold_back_what_is_not_pressing() {
    let mut stage = Stage::new();
    stage.rules = Rules { quiet: Quiet::Yes, ..RULES };
    let tell = |stage: &mut Stage, urgency| {
        let says = Says { order: None, urgency, ..says("announcement", Mode::Notify) };
        stage.tell(&says, &["r1"]).alerts[0].deliveries[0].reason
    };
    assert_eq!(tell(&mut stage, Urgency::Low), Some(EndReason::QuietHours));
    assert_eq!(tell(&mut stage, Urgency::Normal), Some(EndReason::QuietHours));
    assert_eq!(tell(&mut stage, Urgency::High), None);
}

#[test]
fn a_burst_is_told_together_and_its_first_at_once() {
    let mut stage = Stage::new();
    stage.rules = Rules { merge_ms: 2_000, ..RULES };
    let policy = OrderPolicy { merges: true, ..OrderPolicy::default() };
    let new = Says { order: None, policy, ..says("order.new", Mode::Notify) };
    let alerts: Vec<_> = (0..4).map(|_| stage.alert(&new, &["r1"])).collect();
    assert_eq!(stage.delivery(alerts[0], "r1").held_until, None);
    let offer = stage.alert(&Says { order: None, ..grab() }, &["r1"]);
    assert_eq!(stage.delivery(offer, "r1").held_until, None, "offers never wait");
    stage.wait_ms(2_000);
    let together = crate::domain::Head::notice(
        crate::domain::AlertId::new(stage.now, [9; 10]),
        Stage::app(),
        "merge",
        stage.now,
        stage.now.plus_ms(60_000),
    );
    let rider = Stage::key("r1");
    let wrong = stage.with(|book, context| book.merge(&rider, Some((&together, 2)), context));
    assert_eq!(wrong, crate::domain::book::Merged::Released, "a wrong count is never said");
    assert!(alerts[1..].iter().all(|alert| stage.delivery(*alert, "r1").held_until.is_none()));
}

#[test]
fn what_is_merged_ends_and_one_alert_stands_for_all() {
    let mut stage = Stage::new();
    stage.rules = Rules { merge_ms: 2_000, ..RULES };
    let policy = OrderPolicy { merges: true, ..OrderPolicy::default() };
    let new = Says { order: None, policy, ..says("order.new", Mode::Notify) };
    let alerts: Vec<_> = (0..4).map(|_| stage.alert(&new, &["r1"])).collect();
    stage.wait_ms(2_000);
    let id = crate::domain::AlertId::new(stage.now, [9; 10]);
    let together =
        crate::domain::Head::notice(id, Stage::app(), "merge", stage.now, stage.now.plus_ms(60_000));
    stage.rules = Rules { alerts_per_minute: 4, ..stage.rules };
    let rider = Stage::key("r1");
    let merged = stage.with(|book, context| book.merge(&rider, Some((&together, 3)), context));
    assert!(matches!(merged, crate::domain::book::Merged::Together(_, ended) if ended.len() == 3));
    assert!(stage.delivery(id, "r1").is_open() && stage.delivery(alerts[0], "r1").is_open());
    assert_eq!(stage.delivery(alerts[3], "r1").reason, Some(EndReason::Merged));
}

#[test]
fn whoever_wins_an_offer_has_the_order_and_hears_of_its_loss() {
    let mut stage = Stage::new();
    let offer = stage.alert(&grab(), &["a", "b"]);
    stage.answer(offer, "a", Answer::Accept);
    let entered = stage.tell(&assigned(), &["b"]);
    assert_eq!(entered.alerts.len(), 2);
    assert!(stage.delivery(entered.alerts[1].alert, "a").is_open());
}
