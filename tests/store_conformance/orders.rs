//! What is remembered of orders: old news is dropped, an end stops what it ends, a new rider's gain is the old one's loss.

use orderbell::domain::book::DropReason;
use orderbell::domain::delivery::EndReason;
use orderbell::domain::kind::{Ends, OrderPolicy};
use orderbell::domain::settings::{Quiet, Rules};
use orderbell::domain::{AlertState, EpochMs, FirstStatus, Urgency};
use orderbell::store::{Accepted, Outcome, Receipt};

use crate::stage::{Stage, ended, firsts, own};
use crate::told::{Silent, Told, assigns, ends, rules};

const CANCELLED_BEFORE: Outcome = Outcome::Dropped(DropReason::OrderCancelled);

fn of<'a>(id: &'a str, riders: &'a [&'a str]) -> Told<'a> {
    Told { id, order: Some("o1"), riders, ..Told::default() }
}

fn assigned<'a>(id: &'a str, riders: &'a [&'a str]) -> Told<'a> {
    Told { kind: "order.assigned", policy: assigns(), ..of(id, riders) }
}

fn cancelled<'a>(id: &'a str, riders: &'a [&'a str]) -> Told<'a> {
    Told { kind: "order.cancelled", policy: ends(Ends::Cancelled), silent: Silent::Yes, ..of(id, riders) }
}

fn told(receipt: &Receipt) -> Vec<(&str, FirstStatus, Option<EndReason>)> {
    let all = receipt.alerts.iter().flat_map(|alert| &alert.deliveries);
    all.map(|first| (first.rider.as_str(), first.status, first.reason)).collect()
}

pub(crate) async fn older_news_is_dropped_and_the_same_version_passes(stage: &Stage) {
    let version = |id, version| Told { version: Some(version), ..of(id, &["r1"]) };
    assert_eq!(stage.accept(version("e1", 5)).await.outcome, Outcome::Alerted);
    let old = stage.accept(version("e2", 4)).await;
    assert_eq!(old, Receipt { outcome: Outcome::Dropped(DropReason::OlderVersion), ..Receipt::default() });
    let again = stage.store.accept(stage.event(&version("e2", 4))).await.unwrap();
    assert_eq!(again, Accepted::Duplicate(old), "the same answer again");
    assert_eq!(stage.accept(version("e3", 5)).await.outcome, Outcome::Alerted);
    assert_eq!(stage.accept(of("e4", &["r1"])).await.outcome, Outcome::Alerted, "it cannot be compared");
    assert_eq!(stage.accept(version("e5", 6)).await.outcome, Outcome::Alerted);
    let other = Told { order: Some("o2"), ..version("e6", 1) };
    assert_eq!(stage.accept(other).await.outcome, Outcome::Alerted, "of another order");
    let theirs = stage.event_of(stage.other, &version("e7", 1));
    let Accepted::New(theirs) = stage.store.accept(theirs).await.unwrap() else { panic!("not new") };
    assert_eq!(theirs.outcome, Outcome::Alerted, "of another app's order of the same name");
    assert_eq!(stage.store.rider(stage.rider("r1")).await.unwrap().unwrap().seq, 5, "nothing was made of it");
}

pub(crate) async fn a_cancellation_that_came_first_stops_its_rider_alone(stage: &Stage) {
    let version = |version, told| Told { version: Some(version), ..told };
    assert_eq!(stage.accept(version(5, cancelled("e1", &["r1"]))).await.outcome, Outcome::Remembered);
    assert_eq!(stage.accept(version(5, of("e2", &["r1"]))).await.outcome, CANCELLED_BEFORE);
    let both = stage.accept(version(5, of("e3", &["r1", "r2"]))).await;
    let expected = [
        ("r1", FirstStatus::Suppressed, Some(EndReason::CancelledBefore)),
        ("r2", FirstStatus::Unknown, None),
    ];
    assert_eq!(told(&both), expected);
    let again = stage.store.accept(stage.event(&version(5, of("e3", &["r1", "r2"])))).await.unwrap();
    assert_eq!(again, Accepted::Duplicate(both), "with its reason");
    let newer = stage.accept(version(6, of("e4", &["r1"]))).await;
    assert_eq!(newer.outcome, Outcome::Alerted, "a newer version is a new life");
}

pub(crate) async fn a_cancellation_without_a_version_stops_for_a_while(stage: &Stage) {
    stage.accept(cancelled("e1", &["r1"])).await;
    assert_eq!(stage.accept(of("e2", &["r1"])).await.outcome, CANCELLED_BEFORE);
    stage.set_clock(100 + 600_000);
    assert_eq!(stage.accept(of("e3", &["r1"])).await.outcome, Outcome::Alerted, "it was meant anew");
}

pub(crate) async fn a_cancelled_order_is_remembered_whole(stage: &Stage) {
    let version = |version, told| Told { version: Some(version), ..told };
    let first = stage.accept_aloud(version(3, of("e1", &["r1", "r2"]))).await;
    let cancel =
        async |order: &str, at| stage.store.cancel_order(stage.order(order), EpochMs(at)).await.unwrap();
    let expected = ["r1", "r2"].map(|rider| ended(stage, rider, first, EndReason::CancelledByOrder));
    assert_eq!(cancel("o1", 120).await, expected);
    assert_eq!(stage.accept(version(3, of("e2", &["r3"]))).await.outcome, CANCELLED_BEFORE);
    assert_eq!(stage.accept(version(4, of("e3", &["r3"]))).await.outcome, Outcome::Alerted);
    assert_eq!(cancel("unheard-of", 130).await, []);
    let late = Told { order: Some("unheard-of"), ..of("e4", &["r1"]) };
    assert_eq!(stage.accept(late).await.outcome, CANCELLED_BEFORE, "its offer was overtaken");
}

pub(crate) async fn a_cancelled_order_takes_back_what_has_not_begun(stage: &Stage) {
    let later = Told { starts_at: Some(5_000), ..of("e1", &["r1"]) };
    let alert = own(&stage.accept(later).await);
    assert_eq!(stage.state(alert).await, AlertState::Scheduled);
    assert_eq!(stage.store.cancel_order(stage.order("o1"), EpochMs(200)).await.unwrap(), []);
    assert_eq!(stage.state(alert).await, AlertState::Cancelled);
    assert_eq!(stage.store.due_targets(EpochMs(5_000), 9).await.unwrap(), []);
}

pub(crate) async fn an_end_stops_the_orders_other_alerts_for_its_riders(stage: &Stage) {
    let kinds = [
        (Ends::Cancelled, EndReason::CancelledByOrder),
        (Ends::Reassigned, EndReason::Reassigned),
        (Ends::Taken, EndReason::Taken),
        (Ends::Completed, EndReason::OrderEnded),
    ];
    for (n, (policy, reason)) in kinds.into_iter().enumerate() {
        let (order, ids) = (format!("order-{n}"), ["a", "b", "c", "d"].map(|part| format!("{part}{n}")));
        let about = |id, riders| Told { id, order: Some(&order), riders, ..Told::default() };
        let both = stage.accept_aloud(about(&ids[0], &["r1", "r2"])).await;
        let mute = stage.accept_mute(about(&ids[1], &["r1"])).await;
        let other = Told { order: Some("another"), ..about(&ids[2], &["r1"]) };
        let other = stage.accept_aloud(other).await;
        let end = Told { policy: ends(policy), ..about(&ids[3], &["r1"]) };
        let receipt = stage.accept(end).await;
        assert_eq!(receipt.ended, [both, mute].map(|alert| ended(stage, "r1", alert, reason)));
        assert_eq!(told(&receipt), [("r1", FirstStatus::Unknown, None)], "the end itself is told");
        assert_eq!(stage.state(both).await, AlertState::Active, "the other rider's stays");
        assert!(!matches!(stage.state(mute).await, AlertState::Active));
        assert_eq!(stage.state(other).await, AlertState::Active);
    }
}

pub(crate) async fn a_reassignment_tells_both_riders(stage: &Stage) {
    let first = stage.accept(assigned("e1", &["r1"])).await;
    assert_eq!(first.alerts.len(), 1);
    let news = stage.accept_mute(of("e2", &["r1"])).await;
    let second = stage.accept(assigned("e3", &["r2"])).await;
    assert_eq!(second.alerts.len(), 2, "the new rider's first");
    assert_eq!(told(&second).iter().map(|(rider, ..)| *rider).collect::<Vec<_>>(), ["r2", "r1"]);
    let stopped = [own(&first), news].map(|alert| ended(stage, "r1", alert, EndReason::Reassigned));
    assert_eq!(second.ended, stopped);
    let away = stage.record(second.alerts[1].alert).await.alert;
    assert_eq!((away.kind.as_str(), away.state), ("order.reassigned_away", AlertState::Active));
    assert_eq!(away.stored_at, EpochMs(100));
    let again = stage.store.accept(stage.event(&assigned("e3", &["r2"]))).await.unwrap();
    assert_eq!(again, Accepted::Duplicate(Receipt { ended: Vec::new(), ..second }));
    let same = stage.accept(assigned("e4", &["r2"])).await;
    assert_eq!((same.alerts.len(), same.ended), (1, Vec::new()), "said again, it takes nothing from anyone");
}

pub(crate) async fn the_event_may_say_who_had_the_order(stage: &Stage) {
    let from = Told { previous: Some("r9"), ..assigned("e1", &["r1"]) };
    let receipt = stage.accept(from).await;
    assert_eq!(told(&receipt).iter().map(|(rider, ..)| *rider).collect::<Vec<_>>(), ["r1", "r9"]);
    let wrong = Told { previous: Some("r9"), ..assigned("e2", &["r2"]) };
    let receipt = stage.accept(wrong).await;
    let riders: Vec<_> = told(&receipt).iter().map(|(rider, ..)| rider.to_string()).collect();
    assert_eq!(riders, ["r2", "r1"], "what we know of it counts more");
}

pub(crate) async fn an_order_that_comes_back_is_told_again(stage: &Stage) {
    let first = stage.accept(assigned("e1", &["r1"])).await;
    let second = stage.accept(assigned("e2", &["r2"])).await;
    let away = second.alerts[1].alert;
    let third = stage.accept(assigned("e3", &["r1"])).await;
    assert_eq!(told(&third).iter().map(|(rider, ..)| *rider).collect::<Vec<_>>(), ["r1", "r2"]);
    assert_ne!(own(&third), own(&first), "the third telling is one of its own");
    let expected = [
        ended(stage, "r1", away, EndReason::Superseded),
        ended(stage, "r2", own(&second), EndReason::Reassigned),
    ];
    assert_eq!(third.ended, expected, "that it had gone need not be said any more");
    assert_eq!(stage.state(own(&third)).await, AlertState::Active);
}

pub(crate) async fn a_newer_alert_of_a_key_takes_the_place_of_the_older(stage: &Stage) {
    let keyed = |id, riders, key| Told { id, riders, key: Some(key), ..Told::default() };
    let both = stage.accept_aloud(keyed("e1", &["r1", "r2"], "k")).await;
    let other = stage.accept_aloud(keyed("e2", &["r1"], "another")).await;
    let receipt = stage.accept(keyed("e3", &["r1"], "k")).await;
    assert_eq!(receipt.ended, [ended(stage, "r1", both, EndReason::Superseded)]);
    assert_eq!(stage.delivery(both, "r2").await.ended_at, None, "another rider is not touched");
    assert_eq!(stage.state(other).await, AlertState::Active);
    let theirs = stage.event_of(stage.other, &keyed("e4", &["r2"], "k"));
    let Accepted::New(theirs) = stage.store.accept(theirs).await.unwrap() else { panic!("not new") };
    assert_eq!(theirs.ended, [], "nor is another app's");
    // Two of one key in one batch: the later takes the place of the earlier.
    let (one, two) = (stage.event(&keyed("e5", &["r3"], "k")), stage.event(&keyed("e6", &["r3"], "k")));
    let mut accepted = stage.store.accept_all(vec![one, two]).await.into_iter().map(Result::unwrap);
    let (Some(Accepted::New(one)), Some(Accepted::New(two))) = (accepted.next(), accepted.next()) else {
        panic!("not new")
    };
    assert_eq!(two.ended, [ended(stage, "r3", own(&one), EndReason::Superseded)]);
    assert_eq!(firsts(&one)[0].reason, None, "it was told as it was");
}

pub(crate) async fn the_same_is_not_said_again_too_soon(stage: &Stage) {
    let gap = OrderPolicy { gap_ms: Some(1_000), ..OrderPolicy::default() };
    let urged = |id, riders| Told { kind: "order.urged", policy: gap.clone(), ..of(id, riders) };
    let limited = ("r1", FirstStatus::Suppressed, Some(EndReason::RateLimited));
    assert_eq!(told(&stage.accept(urged("e1", &["r1"])).await), [("r1", FirstStatus::Unknown, None)]);
    stage.set_clock(1_099);
    let second = stage.accept(urged("e2", &["r1", "r2"])).await;
    assert_eq!(told(&second), [limited, ("r2", FirstStatus::Unknown, None)]);
    stage.set_clock(1_100);
    assert_eq!(told(&stage.accept(urged("e3", &["r1"])).await), [("r1", FirstStatus::Unknown, None)]);
    let other = Told { order: Some("o2"), ..urged("e4", &["r1"]) };
    assert_eq!(told(&stage.accept(other).await), [("r1", FirstStatus::Unknown, None)], "of another order");
}

pub(crate) async fn a_rider_is_told_so_much_in_a_minute(stage: &Stage) {
    stage.set_clock(100_000);
    let rules = Rules { alerts_per_minute: 2, ..rules() };
    let say = async |id, urgency| {
        let receipt = stage.accept(Told { id, urgency, rules, riders: &["r1"], ..Told::default() }).await;
        receipt.alerts[0].deliveries[0].reason
    };
    assert_eq!(say("e1", Urgency::Normal).await, None);
    assert_eq!(say("e2", Urgency::High).await, None);
    assert_eq!(say("e3", Urgency::High).await, Some(EndReason::RateLimited));
    assert_eq!(say("e4", Urgency::Critical).await, None, "what is pressing is said");
    stage.set_clock(159_999);
    assert_eq!(say("e5", Urgency::Normal).await, Some(EndReason::RateLimited));
    stage.set_clock(160_000);
    assert_eq!(say("e6", Urgency::Normal).await, None, "a new minute");
    let rider = stage.store.rider(stage.rider("r1")).await.unwrap().unwrap();
    assert_eq!((rider.seq, rider.pace.count), (6, 1), "what is held back has a number too");
}

pub(crate) async fn quiet_hours_hold_back_what_is_not_pressing(stage: &Stage) {
    let rules = Rules { quiet: Quiet::Yes, ..rules() };
    let say = async |id, urgency| {
        let receipt = stage.accept(Told { id, urgency, rules, riders: &["r1"], ..Told::default() }).await;
        receipt.alerts[0].deliveries[0].reason
    };
    for (id, urgency) in [("e1", Urgency::Low), ("e2", Urgency::Normal)] {
        assert_eq!(say(id, urgency).await, Some(EndReason::QuietHours));
    }
    for (id, urgency) in [("e3", Urgency::High), ("e4", Urgency::Critical)] {
        assert_eq!(say(id, urgency).await, None);
    }
}

pub(crate) async fn orders_are_forgotten_the_longest_silent_first(stage: &Stage) {
    for (n, order) in ["o2", "o1", "o3"].into_iter().enumerate() {
        stage.set_clock(100 + i64::try_from(n).unwrap());
        let id = format!("cancel-{order}");
        stage.accept(Told { order: Some(order), ..cancelled(&id, &["r1"]) }).await;
    }
    assert_eq!(stage.store.forget_orders(EpochMs(102), 1).await.unwrap(), 1, "no more than asked");
    let late = async |id, order| stage.accept(Told { order: Some(order), ..of(id, &["r1"]) }).await.outcome;
    assert_eq!(late("e1", "o2").await, Outcome::Alerted, "it was the oldest");
    assert_eq!(late("e2", "o1").await, CANCELLED_BEFORE);
    assert_eq!(stage.store.forget_orders(EpochMs(102), 9).await.unwrap(), 0, "it was heard of again");
    assert_eq!(stage.store.forget_orders(EpochMs(103), 9).await.unwrap(), 3);
    assert_eq!(late("e3", "o1").await, Outcome::Alerted);
}
