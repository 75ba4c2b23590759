//! Who may be reached by a message: riders who have an alert that nobody can hear, and do not know of it.

use std::sync::Arc;

use super::stage::{Says, Stage, grab, says, step};
use crate::domain::book::{Duty, UNHEARD_MAX, Unheard};
use crate::domain::delivery::Change;
use crate::domain::ladder::Act;
use crate::domain::wechat::{Messaging, Template};
use crate::domain::{AlertId, EpochMs, Mode};

fn on() -> Stage {
    let template = Template { program: "wx1".parse().unwrap(), id: "t1".parse().unwrap() };
    let messaging = Messaging { templates: vec![template], wait_ms: 500 };
    let mut stage = Stage::new();
    stage.messaging = Arc::new(messaging);
    stage
}

fn unheard(stage: &mut Stage) -> Vec<(AlertId, String)> {
    let unheard = stage.book.take_unheard().into_iter();
    unheard.map(|Unheard { alert, rider, .. }| (alert, rider.rider.to_string())).collect()
}

fn goes(stage: &mut Stage, rider: &str) {
    stage.with(|book, context| book.rider_fell_silent(&Stage::key(rider), context));
}

#[test]
fn whoever_is_told_what_nobody_hears_is_noted_with_its_moment() {
    let mut stage = on();
    let alert = stage.alert(&says("order.new", Mode::Notify), &["away1", "away2"]);
    let noted = stage.book.take_unheard();
    assert_eq!(noted.iter().map(|one| one.rider.rider.as_str()).collect::<Vec<_>>(), ["away1", "away2"]);
    let (first, now) = (&noted[0], stage.now);
    assert_eq!((first.alert, first.at, first.due_at()), (alert, now, EpochMs(now.0 + 500)));
    stage.alert(&says("order.new", Mode::Notify), &["away1", "r2"]);
    assert_eq!(unheard(&mut stage), [], "r2 hears it");
}

#[test]
fn nobody_is_noted_where_messages_are_off_or_nothing_is_open() {
    let mut stage = Stage::new();
    stage.alert(&says("order.new", Mode::Notify), &["away1"]);
    goes(&mut stage, "away1");
    assert_eq!(unheard(&mut stage), []);
    let mut stage = on();
    stage.with(|book, context| book.set_duty(&Stage::key("away1"), Duty::Off, context.at));
    stage.alert(&says("order.new", Mode::Notify), &["away1"]);
    goes(&mut stage, "away1");
    assert_eq!(unheard(&mut stage), [], "who is off duty is left alone");
}

#[test]
fn an_offer_that_comes_to_somebody_who_is_away_notes_them() {
    let mut stage = on();
    let offer = Says { candidates: &["away2"], ladder: vec![step(10, Act::Next)], ..grab() };
    let alert = stage.alert(&offer, &["r1"]);
    assert_eq!(unheard(&mut stage), []);
    stage.wait_ms(10_000);
    stage.step_due(alert);
    assert_eq!(unheard(&mut stage), [(alert, "away2".to_owned())]);
}

#[test]
fn who_falls_silent_is_noted_unless_they_know_or_somebody_hears() {
    let mut stage = on();
    let alert = stage.alert(&says("order.new", Mode::Ack), &["away1", "r2"]);
    goes(&mut stage, "away1");
    assert_eq!(unheard(&mut stage), [], "r2 hears it");
    let known = stage.alert(&says("order.new", Mode::Ack), &["away1", "away3"]);
    unheard(&mut stage);
    stage.progress(known, "away1", Change::Received);
    goes(&mut stage, "away1");
    assert_eq!(unheard(&mut stage), [(known, "away3".to_owned())]);
    stage.progress(alert, "r2", Change::Played { play: 1 });
    stage.progress(known, "away3", Change::Played { play: 1 });
    goes(&mut stage, "away3");
    assert_eq!(unheard(&mut stage), []);
}

#[test]
fn a_crowd_is_left_out() {
    let mut stage = on();
    let names: Vec<String> = (0..=UNHEARD_MAX).map(|n| format!("away{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    stage.alert(&says("order.new", Mode::Notify), &names);
    goes(&mut stage, "away0");
    assert_eq!(unheard(&mut stage), []);
    stage.alert(&says("order.new", Mode::Notify), &names[1..]);
    assert_eq!(unheard(&mut stage).len(), names.len() - 1);
}
