//! What backends are told: each step of a delivery once, each end once, and who can hear an alert at all.

use serde_json::json;

use super::stage::{Says, Stage, grab, rider, says, step};
use crate::domain::book::Duty;
use crate::domain::callback::Fact;
use crate::domain::delivery::{Answer, Change, EndReason};
use crate::domain::ladder::Act;
use crate::domain::{AlertId, Arbiter, Mode, RiderId, Settlement};

/// What was told since it was last asked, each with its rider.
fn told(stage: &mut Stage) -> Vec<(String, Option<String>)> {
    let facts = stage.book.take_facts().into_iter();
    facts.map(|fact| (fact.kind, fact.rider.map(|rider| rider.to_string()))).collect()
}

fn kinds(stage: &mut Stage) -> Vec<String> {
    told(stage).into_iter().map(|(kind, _)| kind).collect()
}

fn only(stage: &mut Stage) -> Fact {
    let mut facts = stage.book.take_facts();
    assert_eq!(facts.len(), 1, "{facts:?}");
    facts.remove(0)
}

fn all() -> [Change; 4] {
    [Change::Sent, Change::Received, Change::Playing, Change::Played { play: 1 }]
}

#[test]
fn each_step_is_told_once_and_the_last_is_the_end() {
    let mut stage = Stage::new();
    let alert = stage.alert(&says("order.new", Mode::Notify), &["r1"]);
    assert_eq!(kinds(&mut stage), [""; 0], "somebody hears it");
    for change in all().into_iter().chain(all()) {
        stage.wait_ms(10);
        stage.progress(alert, "r1", change);
    }
    let facts = stage.book.take_facts();
    let words: Vec<&str> = facts.iter().map(|fact| fact.kind.as_str()).collect();
    assert_eq!(words, ["delivery.sent", "delivery.received", "delivery.played"]);
    let id = stage.delivery(alert, "r1").id.to_string();
    let data = json!({
        "alert_kind": "order.new", "after_ms": 40, "delivery_id": id, "state": "played", "ring": 1,
        "reason": "played",
    });
    assert_eq!(serde_json::Value::Object(facts[2].data.clone()), data);
    assert!(facts[0].data.get("reason").is_none());
    assert_eq!((facts[2].alert, facts[2].rider.as_ref().map(RiderId::as_str)), (Some(alert), Some("r1")));
    assert_eq!(facts[2].order.as_ref().map(crate::domain::OrderId::as_str), Some("o1"));
}

#[test]
fn what_a_step_implies_is_told_before_it() {
    let mut stage = Stage::new();
    let alert = stage.alert(&says("order.new", Mode::Ack), &["r1"]);
    stage.progress(alert, "r1", Change::Played { play: 1 });
    assert_eq!(kinds(&mut stage), ["delivery.sent", "delivery.received", "delivery.played"]);
    stage.answer(alert, "r1", Answer::Confirm);
    let end = only(&mut stage);
    assert_eq!((end.kind.as_str(), &end.data["answer"]), ("delivery.acknowledged", &json!("confirm")));
    assert_eq!((&end.data["reason"], &end.data["state"]), (&json!("answered"), &json!("acknowledged")));
}

#[test]
fn what_comes_after_the_end_is_told_with_the_state_that_stands() {
    let mut stage = Stage::new();
    let alert = stage.alert(&says("order.new", Mode::Ack), &["r1"]);
    stage.progress(alert, "r1", Change::Sent);
    stage.book.cancel_alert(alert, stage.now);
    assert_eq!(kinds(&mut stage), ["delivery.sent", "delivery.cancelled"]);
    stage.progress(alert, "r1", Change::Received);
    let late = only(&mut stage);
    assert_eq!((late.kind.as_str(), &late.data["state"]), ("delivery.received", &json!("cancelled")));
    let heard = stage.alert(&Says { order: None, ..says("order.new", Mode::Notify) }, &["r1"]);
    stage.progress(heard, "r1", Change::Played { play: 1 });
    stage.book.take_facts();
    stage.answer(heard, "r1", Answer::Confirm);
    let late = only(&mut stage);
    assert_eq!((late.kind.as_str(), &late.data["state"]), ("delivery.acknowledged", &json!("played")));
}

#[test]
fn trouble_is_told_whenever_it_changes() {
    let mut stage = Stage::new();
    let alert = stage.alert(&says("order.new", Mode::Notify), &["r1"]);
    for trouble in ["failed:network", "failed:network", "skipped:expired"] {
        stage.progress(alert, "r1", Change::Trouble(trouble.to_owned()));
    }
    let facts = stage.book.take_facts();
    let words: Vec<_> = facts.iter().map(|fact| (fact.kind.as_str(), &fact.data["trouble"])).collect();
    let (network, expired) = (json!("failed:network"), json!("skipped:expired"));
    assert_eq!(words, [("delivery.failed", &network), ("delivery.skipped", &expired)]);
}

#[test]
fn an_offer_that_is_won_is_told_between_its_winner_and_its_losers() {
    let mut stage = Stage::new();
    let alert = stage.alert(&grab(), &["r1", "r2"]);
    stage.answer(alert, "r2", Answer::Accept);
    let expected = [
        ("delivery.received", "r2"),
        ("delivery.accepted", "r2"),
        ("offer.accepted", "r2"),
        ("delivery.lost", "r1"),
    ];
    let all: Vec<_> = told(&mut stage);
    let all: Vec<(&str, &str)> =
        all.iter().map(|(kind, rider)| (kind.as_str(), rider.as_deref().unwrap())).collect();
    // That it was received follows from the answer, though nobody said that it was sent.
    assert_eq!(all, expected);
}

#[test]
fn a_claim_is_told_when_it_is_decided() {
    let mut stage = Stage::new();
    let alert = stage.alert(&Says { arbiter: Arbiter::Backend, ..grab() }, &["r1"]);
    stage.answer(alert, "r1", Answer::Accept);
    assert_eq!(kinds(&mut stage), ["delivery.received"]);
    stage.book.settle(alert, &Settlement::Winner(rider("r1")), stage.now);
    assert_eq!(kinds(&mut stage), ["delivery.accepted", "offer.accepted"]);
}

fn expire(stage: &mut Stage) {
    let now = stage.now;
    stage.book.expire(now, 1, 10);
}

#[test]
fn an_offer_that_nobody_has_is_told_unless_the_backend_took_it_back() {
    let mut stage = Stage::new();
    let left = stage.alert(&grab(), &["r1"]);
    stage.wait_ms(60_000);
    expire(&mut stage);
    assert_eq!(kinds(&mut stage), ["delivery.expired", "offer.expired"]);
    assert_eq!(stage.book.head(left).unwrap().winner, None);
    let declined = stage.alert(&Says { order: Some("o2"), ..grab() }, &["r1"]);
    stage.answer(declined, "r1", Answer::Decline);
    let facts = stage.book.take_facts();
    let words: Vec<&str> = facts.iter().map(|fact| fact.kind.as_str()).collect();
    assert_eq!(words, ["delivery.received", "delivery.declined", "offer.expired"]);
    assert_eq!(facts[2].data["state"], json!("completed"));
    let cancelled = stage.alert(&Says { order: Some("o3"), ..grab() }, &["r1"]);
    stage.book.cancel_alert(cancelled, stage.now);
    assert_eq!(kinds(&mut stage), ["delivery.cancelled"]);
    let notice = stage.alert(&says("order.new", Mode::Ack), &["r1"]);
    stage.wait_ms(60_000);
    expire(&mut stage);
    assert_eq!(kinds(&mut stage), ["delivery.expired"], "{notice} is no offer");
}

#[test]
fn an_exhausted_ladder_and_a_rider_who_lets_offers_pass_are_told() {
    let mut stage = Stage::new();
    let ladder = vec![step(10, Act::Desk), step(20, Act::Exhausted)];
    let alert = stage.alert(&Says { ladder, ..grab() }, &["r1"]);
    stage.rules.unresponsive_after = 1;
    stage.progress(alert, "r1", Change::Sent);
    for _ in 0..2 {
        stage.wait_ms(10_000);
        stage.step_due(alert);
    }
    let expected = [
        "delivery.sent",
        "alert.desk",
        "alert.exhausted",
        "offer.expired",
        "delivery.expired",
        "rider.unresponsive",
    ];
    let facts = stage.book.take_facts();
    assert_eq!(facts.iter().map(|fact| fact.kind.as_str()).collect::<Vec<_>>(), expected);
    assert_eq!((&facts[5].data["unanswered"], facts[5].alert), (&json!(1), Some(alert)));
}

fn open_of(stage: &mut Stage, alert: AlertId) -> serde_json::Value {
    let fact = only(stage);
    assert_eq!((fact.kind.as_str(), fact.alert), ("alert.unreachable", Some(alert)));
    fact.data["open"].clone()
}

#[test]
fn an_alert_that_nobody_can_hear_is_told_at_once() {
    let mut stage = Stage::new();
    let far = stage.alert(&says("order.new", Mode::Notify), &["away1", "away2"]);
    assert_eq!(open_of(&mut stage, far), json!(2));
    let near = stage.alert(&Says { order: Some("o2"), ..says("order.new", Mode::Notify) }, &["away1", "r1"]);
    assert_eq!(kinds(&mut stage), [""; 0], "{near} is heard");
    let nobody = stage.alert(&Says { order: Some("o3"), ..says("order.new", Mode::Notify) }, &[]);
    assert_eq!(open_of(&mut stage, nobody), json!(0));
}

#[test]
fn riders_who_are_held_back_do_not_hear() {
    let mut stage = Stage::new();
    stage.with(|book, context| book.set_duty(&Stage::key("r1"), Duty::Off, context.at));
    stage.alert(&says("order.new", Mode::Notify), &["r1"]);
    let facts = stage.book.take_facts();
    let words: Vec<&str> = facts.iter().map(|fact| fact.kind.as_str()).collect();
    assert_eq!(words, ["delivery.suppressed", "alert.unreachable"]);
    assert_eq!(facts[0].data["reason"], json!(EndReason::OffDuty.as_str()));
}

#[test]
fn an_offer_that_comes_to_somebody_else_who_is_away_is_told_again() {
    let mut stage = Stage::new();
    let ladder = vec![step(10, Act::Next), step(20, Act::Next)];
    let offer = Says { candidates: &["away2", "r3"], ladder, ..says("order.offered", Mode::Assign) };
    let alert = stage.alert(&offer, &["r1"]);
    stage.wait_ms(10_000);
    stage.step_due(alert);
    assert_eq!(kinds(&mut stage), ["delivery.expired", "alert.unreachable"]);
    stage.wait_ms(10_000);
    stage.step_due(alert);
    assert_eq!(kinds(&mut stage), ["delivery.expired"], "somebody hears it");
}
