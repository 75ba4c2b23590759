//! Accepting events: once each, for the right riders, with the right first answer.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use orderbell::domain::delivery::EndReason;
use orderbell::domain::target::DutyRule;
use orderbell::domain::{AlertState, DeliveryState, EpochMs, FirstStatus};
use orderbell::store::{AUDIENCE_MAX, Accepted, Duty, Outcome, Receipt};

use crate::stage::{Stage, firsts, names, own, parsed};
use crate::told::{Everyone, Silent, Told};

pub(crate) async fn an_event_is_answered_with_its_deliveries(stage: &Stage) {
    let told = Told { riders: &["r1"], order: Some("o1"), ..Told::default() };
    let event = stage.event(&told);
    stage.set_clock(123);
    let Accepted::New(receipt) = stage.store.accept(event.clone()).await.unwrap() else { panic!("not new") };
    let mut sent = event.alert.unwrap();
    assert_eq!((own(&receipt), receipt.outcome, receipt.audience), (sent.id, Outcome::Alerted, None));
    sent.open_count = 1;
    let record = stage.record(sent.id).await;
    assert_eq!(record.alert.stored_at, EpochMs(123), "set by the store");
    let mut alert = record.alert;
    alert.stored_at = sent.stored_at;
    assert_eq!(alert, sent, "everything else as it was given");
    assert_eq!(record.delivery_count, 1);
    let delivery = &record.deliveries[0];
    assert_eq!((delivery.id, delivery.rider.as_str(), delivery.seq), (firsts(&receipt)[0].id, "r1", 1));
    assert_eq!((delivery.state, delivery.reason, delivery.ring), (DeliveryState::Pending, None, 1));
    assert_eq!((delivery.need, delivery.expires_at), (sent.need, sent.expires_at));
    let answered = stage.store.event(stage.app, "backend".into(), "e1".parse().unwrap()).await.unwrap();
    assert_eq!(answered, Some(("order.new".to_owned(), receipt)));
}

pub(crate) async fn a_silent_event_is_remembered(stage: &Stage) {
    let told = Told { silent: Silent::Yes, ..Told::default() };
    let nothing = Receipt { outcome: Outcome::Remembered, ..Receipt::default() };
    assert_eq!(stage.accept(told.clone()).await, nothing);
    let again = stage.store.accept(stage.event(&told)).await.unwrap();
    assert_eq!(again, Accepted::Duplicate(nothing.clone()));
    let answered = stage.store.event(stage.app, "backend".into(), "e1".parse().unwrap()).await.unwrap();
    assert_eq!(answered, Some(("order.new".to_owned(), nothing)));
}

pub(crate) async fn the_same_event_gets_the_same_answer(stage: &Stage) {
    stage.store.set_duty(stage.rider("r2"), Duty::Off, EpochMs(1)).await.unwrap();
    let told = Told { riders: &["r3", "r1", "r2"], ..Told::default() };
    let first = stage.accept(told.clone()).await;
    // What has become of it since does not change what was answered.
    stage.online("r1");
    stage.store.cancel_alert(stage.app, own(&first), EpochMs(150)).await.unwrap();
    let again = stage.store.accept(stage.event(&told)).await.unwrap();
    assert_eq!(again, Accepted::Duplicate(first));
}

pub(crate) async fn another_event_under_the_same_id_is_a_conflict(stage: &Stage) {
    let told = Told { riders: &["r1"], ..Told::default() };
    let first = stage.accept(told.clone()).await;
    let other = Told { body: 2, riders: &["r2"], ..Told::default() };
    assert_eq!(stage.store.accept(stage.event(&other)).await.unwrap(), Accepted::Conflict);
    assert_eq!(stage.store.rider(stage.rider("r2")).await.unwrap(), None, "nothing was done");
    assert_eq!(stage.store.accept(stage.event(&told)).await.unwrap(), Accepted::Duplicate(first));
}

pub(crate) async fn fifty_at_once_make_one(stage: &Stage) {
    let told = Told { riders: &["r1", "r2"], ..Told::default() };
    let all = join_all((0..50).map(|_| stage.store.accept(stage.event(&told)))).await;
    let (mut new, mut duplicate) = (Vec::new(), Vec::new());
    for accepted in all {
        match accepted.unwrap() {
            Accepted::New(receipt) => new.push(receipt),
            Accepted::Duplicate(receipt) => duplicate.push(receipt),
            Accepted::Conflict => panic!("they are the same"),
        }
    }
    assert_eq!((new.len(), duplicate.len()), (1, 49));
    assert!(duplicate.iter().all(|receipt| *receipt == new[0]));
    assert_eq!(stage.store.rider(stage.rider("r1")).await.unwrap().unwrap().seq, 1);
}

pub(crate) async fn the_scope_of_an_id_is_app_and_source(stage: &Stage) {
    stage.accept(Told { riders: &["r1"], ..Told::default() }).await;
    stage.accept(Told { riders: &["r1"], source: "hook", body: 2, ..Told::default() }).await;
    let theirs = stage.event_of(stage.other, &Told { riders: &["r1"], body: 3, ..Told::default() });
    assert!(matches!(stage.store.accept(theirs).await.unwrap(), Accepted::New(_)));
}

pub(crate) async fn riders_are_told_apart_by_what_is_known(stage: &Stage) {
    stage.store.touch_rider(stage.rider("known"), EpochMs(1)).await.unwrap();
    stage.store.touch_rider(stage.rider("here"), EpochMs(1)).await.unwrap();
    stage.online("here");
    let receipt = stage.accept(Told { riders: &["here", "known", "nobody"], ..Told::default() }).await;
    let statuses: Vec<_> = firsts(&receipt).iter().map(|delivery| delivery.status).collect();
    assert_eq!(statuses, [FirstStatus::Queued, FirstStatus::Offline, FirstStatus::Unknown]);
    let made = stage.store.rider(stage.rider("nobody")).await.unwrap().unwrap();
    assert_eq!((made.known, made.on_duty, made.created_at), (false, true, EpochMs(100)));
}

pub(crate) async fn riders_off_duty_are_suppressed(stage: &Stage) {
    stage.store.set_duty(stage.rider("off"), Duty::Off, EpochMs(1)).await.unwrap();
    stage.online("off");
    let receipt = stage.accept(Told { riders: &["off", "on"], ..Told::default() }).await;
    assert_eq!(firsts(&receipt)[0].status, FirstStatus::OffDuty);
    let record = stage.record(own(&receipt)).await;
    let off = &record.deliveries[0];
    assert_eq!((off.state, off.reason, off.seq), (DeliveryState::Suppressed, Some(EndReason::OffDuty), 1));
    assert_eq!(off.ended_at, Some(EpochMs(100)));
    assert_eq!(record.alert.state, AlertState::Active, "somebody is left");
    let alone = stage.accept(Told { id: "e2", riders: &["off"], ..Told::default() }).await;
    let record = stage.record(own(&alone)).await;
    assert_eq!((record.alert.state, record.alert.ended_at), (AlertState::Completed, Some(EpochMs(100))));
}

pub(crate) async fn duty_may_not_matter(stage: &Stage) {
    stage.store.set_duty(stage.rider("off"), Duty::Off, EpochMs(1)).await.unwrap();
    let told = Told { riders: &["off"], duty: DutyRule::Anyone, ..Told::default() };
    let receipt = stage.accept(told).await;
    assert_eq!(firsts(&receipt)[0].status, FirstStatus::Offline);
    assert_eq!(stage.state(own(&receipt)).await, AlertState::Active);
}

pub(crate) async fn a_target_is_resolved_in_order_of_naming(stage: &Stage) {
    let put =
        |name: &str, riders: &[&str]| stage.store.put_group(stage.app, name.parse().unwrap(), parsed(riders));
    put("east", &["m2", "m1", "z"]).await.unwrap();
    put("west", &["m1", "a"]).await.unwrap();
    stage.store.touch_rider(stage.rider("everyone"), EpochMs(1)).await.unwrap();
    let told = Told {
        riders: &["z", "b", "z"],
        groups: &["west", "nowhere", "east"],
        everyone: Everyone::Yes,
        ..Told::default()
    };
    let receipt = stage.accept(told).await;
    assert_eq!(names(&receipt), ["z", "b", "a", "m1", "m2", "everyone"]);
    let record = stage.record(own(&receipt)).await;
    let stored: Vec<_> = record.deliveries.iter().map(|delivery| delivery.id).collect();
    let told: Vec<_> = firsts(&receipt).iter().map(|delivery| delivery.id).collect();
    assert_eq!(stored, told);
}

pub(crate) async fn a_group_is_as_it_is_at_the_commit(stage: &Stage) {
    let east = || "east".parse().unwrap();
    stage.store.put_group(stage.app, east(), parsed(&["r1"])).await.unwrap();
    stage.accept(Told { groups: &["east"], ..Told::default() }).await;
    stage.store.put_group(stage.app, east(), parsed(&["r2", "r3"])).await.unwrap();
    let receipt = stage.accept(Told { id: "e2", groups: &["east"], ..Told::default() }).await;
    assert_eq!(names(&receipt), ["r2", "r3"]);
}

pub(crate) async fn everyone_known_hears_a_broadcast(stage: &Stage) {
    for rider in ["b", "a", "x"] {
        stage.store.touch_rider(stage.rider(rider), EpochMs(1)).await.unwrap();
    }
    stage.accept(Told { riders: &["named-only"], ..Told::default() }).await;
    let told = Told { id: "e2", everyone: Everyone::Yes, exclude: &["x"], ..Told::default() };
    let receipt = stage.accept(told).await;
    assert_eq!(names(&receipt), ["a", "b"]);
}

pub(crate) async fn whoever_is_excluded_is_not_even_made(stage: &Stage) {
    let told = Told { riders: &["r1", "r2"], exclude: &["r1", "r9"], ..Told::default() };
    assert_eq!(names(&stage.accept(told).await), ["r2"]);
    assert_eq!(stage.store.rider(stage.rider("r1")).await.unwrap(), None);
    let nobody = Told { id: "e2", riders: &["r1"], exclude: &["r1"], ..Told::default() };
    assert_eq!(names(&stage.accept(nobody).await), Vec::<&str>::new());
}

pub(crate) async fn an_alert_for_nobody_is_completed_at_once(stage: &Stage) {
    let receipt = stage.accept(Told { groups: &["nowhere"], ..Told::default() }).await;
    let record = stage.record(own(&receipt)).await;
    assert_eq!((record.alert.state, record.alert.ended_at), (AlertState::Completed, Some(EpochMs(100))));
    assert_eq!((record.deliveries, record.delivery_count), (Vec::new(), 0));
    assert_eq!(stage.store.unrendered(9).await.unwrap(), []);
}

pub(crate) async fn seq_rises_by_one_for_each_rider(stage: &Stage) {
    let events: Vec<String> = (0..40).map(|n| format!("e{n}")).collect();
    let told = events.iter().enumerate().map(|(n, id)| {
        let riders: &[&str] = if n % 2 == 0 { &["r1", "r2"] } else { &["r1"] };
        stage.event(&Told { id, riders, ..Told::default() })
    });
    let accepted = join_all(told.map(|event| stage.store.accept(event))).await;
    let mut seqs: [BTreeSet<i64>; 2] = Default::default();
    for accepted in accepted {
        let Accepted::New(receipt) = accepted.unwrap() else { panic!("not new") };
        for delivery in stage.record(own(&receipt)).await.deliveries {
            assert!(seqs[usize::from(delivery.rider.as_str() == "r2")].insert(delivery.seq), "given once");
        }
    }
    assert_eq!(seqs, [(1..=40).collect(), (1..=20).collect()], "without a gap");
    assert_eq!(stage.store.rider(stage.rider("r1")).await.unwrap().unwrap().seq, 40);
}

pub(crate) async fn a_large_audience_is_stored_whole(stage: &Stage) {
    let riders: Vec<String> = (0..AUDIENCE_MAX).map(|n| format!("r{n:04}")).collect();
    let riders: Vec<&str> = riders.iter().map(String::as_str).collect();
    stage.store.put_group(stage.app, "city".parse().unwrap(), parsed(&riders)).await.unwrap();
    let told = Told { groups: &["city"], ..Told::default() };
    let receipt = stage.accept(told.clone()).await;
    assert_eq!(names(&receipt), riders);
    let record = stage.record(own(&receipt)).await;
    assert_eq!(record.delivery_count, 1_000);
    assert_eq!(record.deliveries[999].rider.as_str(), "r0999");
    let again = stage.store.accept(stage.event(&told)).await.unwrap();
    assert_eq!(again, Accepted::Duplicate(receipt.clone()));
    let cancelled = stage.store.cancel_alert(stage.app, own(&receipt), EpochMs(200)).await.unwrap();
    assert_eq!(cancelled.unwrap().len(), 1_000);
}

pub(crate) async fn events_are_forgotten_and_their_ids_are_free(stage: &Stage) {
    let mut alerts = Vec::new();
    for (n, id) in ["e1", "e2", "e3"].into_iter().enumerate() {
        stage.set_clock(100 + i64::try_from(n).unwrap());
        alerts.push(stage.accept_mute(Told { id, riders: &["r1"], ..Told::default() }).await);
    }
    assert_eq!(stage.store.forget_events(EpochMs(102), 1).await.unwrap(), 1, "no more than asked");
    assert_eq!(stage.store.forget_events(EpochMs(102), 9).await.unwrap(), 1, "not the third");
    assert_eq!(stage.store.forget_events(EpochMs(102), 9).await.unwrap(), 0);
    let told = |id| async move { stage.store.event(stage.app, "backend".into(), id).await.unwrap() };
    assert_eq!(told("e1".parse().unwrap()).await, None);
    assert!(told("e3".parse().unwrap()).await.is_some());
    assert_eq!(stage.state(alerts[0]).await, AlertState::Active, "alerts stay");
    let again = stage.accept(Told { body: 9, riders: &["r1"], ..Told::default() }).await;
    assert_ne!(own(&again), alerts[0]);
}

pub(crate) async fn many_are_accepted_in_their_order_each_by_itself(stage: &Stage) {
    let names: Vec<String> = (0..600).map(|n| format!("e{n}")).collect();
    let mut events: Vec<_> =
        names.iter().map(|id| stage.event(&Told { id, riders: &["r1"], ..Told::default() })).collect();
    // Among them one twice, and one of the same id that says something else.
    events.insert(300, stage.event(&Told { id: "e7", riders: &["r1"], ..Told::default() }));
    events.insert(301, stage.event(&Told { id: "e7", body: 2, riders: &["r2"], ..Told::default() }));
    let mut answers = stage.store.accept_all(events).await;
    assert_eq!(answers.len(), 602);
    assert_eq!(answers.remove(301).unwrap(), Accepted::Conflict);
    let Accepted::Duplicate(again) = answers.remove(300).unwrap() else { panic!("e7 is there already") };
    let mut last = 0;
    for (place, answer) in answers.into_iter().enumerate() {
        let Ok(Accepted::New(receipt)) = answer else { panic!("{place} is not new: {answer:?}") };
        if place == 7 {
            assert_eq!(again, receipt);
        }
        let seq = stage.record(own(&receipt)).await.deliveries[0].seq;
        assert_eq!(seq, last + 1, "event {place}");
        last = seq;
    }
    assert!(stage.store.rider(stage.rider("r2")).await.unwrap().is_none(), "what conflicts leaves nothing");
    assert!(stage.store.accept_all(Vec::new()).await.is_empty());
}

pub(crate) async fn a_target_is_counted_without_being_told(stage: &Stage) {
    stage.store.touch_rider(stage.rider("r1"), EpochMs(1)).await.unwrap();
    stage.store.touch_rider(stage.rider("r2"), EpochMs(1)).await.unwrap();
    stage.store.put_group(stage.app, "g1".parse().unwrap(), parsed(&["r2", "r3"])).await.unwrap();
    let count =
        async |told: Told<'_>| stage.store.audience(stage.app, stage.event(&told).target).await.unwrap();
    assert_eq!(count(Told { riders: &["r1", "r9"], ..Told::default() }).await, 2);
    assert_eq!(count(Told { groups: &["g1", "g2"], exclude: &["r3"], ..Told::default() }).await, 1);
    assert_eq!(count(Told { riders: &["r3"], everyone: Everyone::Yes, ..Told::default() }).await, 3);
    assert!(stage.store.rider(stage.rider("r9")).await.unwrap().is_none());
}
