//! What becomes too old, and goes in slices.

use orderbell::domain::delivery::Change;
use orderbell::domain::ladder::{Act, HttpCall};
use orderbell::domain::{Aged, AlertId, AlertState, Answer, EpochMs, Mode, Said};
use orderbell::store::{Accepted, AfterAttempt, CallResult, CallbackAttempt, DeviceCheck, Gone, When};

use crate::callbacks;
use crate::stage::{Stage, a_sound};
use crate::told::{Told, rules, step};

/// What went, by table.
fn gone(rows: &[(&'static str, u64)]) -> Gone {
    let mut gone = Gone::default();
    rows.iter().for_each(|(table, rows)| gone.add(table, *rows));
    gone
}

/// An alert that has ended at this moment.
async fn over(stage: &Stage, id: &str, riders: &[&str], at: i64) -> AlertId {
    let alert = stage.accept_aloud(Told { id, riders, ..Told::default() }).await;
    for rider in riders {
        stage.progress(rider, alert, Change::Played { play: 1 }, at).await;
    }
    alert
}

fn calls() -> Act {
    let headers = vec![("authorization".to_owned(), "Bearer secret".to_owned())];
    Act::Http(HttpCall {
        url: "https://voice.example/{{ rider }}".to_owned(),
        headers,
        ..HttpCall::default()
    })
}

pub(crate) async fn texts_go_after_their_alert_has_ended(stage: &Stage) {
    let told = Told {
        riders: &["r1"],
        mode: Mode::Assign,
        candidates: &["r2"],
        key: Some("k1"),
        ladder: vec![step(60, calls()), step(90, Act::Next)],
        ..Told::default()
    };
    let alert = stage.accept_aloud(told).await;
    let open = stage.accept_aloud(Told { id: "e2", riders: &["r1"], ..Told::default() }).await;
    stage.progress("r1", alert, Change::Answered(Answer::Accept), 120).await;
    let before = stage.record(alert).await;
    assert!(!before.alert.text.is_empty() && before.alert.sound.is_some());
    assert_eq!(stage.age(Aged::Texts, 120).await, gone(&[]), "not at once");
    assert_eq!(stage.store.age(stage.other, Aged::Texts, EpochMs(999), 9).await.unwrap(), gone(&[]));
    assert_eq!(stage.record(alert).await, before);
    assert_eq!(stage.age(Aged::Texts, 121).await, gone(&[("texts", 1)]));
    let after = stage.record(alert).await;
    assert_eq!(after.deliveries, before.deliveries, "who was told when stays");
    let left = &after.alert;
    assert_eq!((&*left.text, &left.said, &left.sound), ("", &Said::default(), &None));
    assert_eq!((&*left.card, &*left.ext, &left.collapse_key), ("{}", "{}", &None));
    assert_eq!((&left.title, left.rendered_at), (&before.alert.title, before.alert.rendered_at));
    assert!(left.candidates.is_empty());
    let kept = left.ladder.steps();
    assert_eq!(kept[0].act, Act::Http(HttpCall::default()), "a call may hold keys");
    assert_eq!((kept[0].after_s, &kept[1].act), (60, &Act::Next));
    assert_eq!(stage.record(open).await.alert.state, AlertState::Active);
    assert!(!stage.record(open).await.alert.text.is_empty());
    assert_eq!(stage.age(Aged::Texts, 999).await, gone(&[]), "once");
}

pub(crate) async fn an_alert_goes_with_its_deliveries(stage: &Stage) {
    let old = over(stage, "e1", &["r1", "r2"], 120).await;
    let young = over(stage, "e2", &["r1"], 140).await;
    let open = stage.accept_aloud(Told { id: "e3", riders: &["r1"], ..Told::default() }).await;
    assert_eq!(stage.age(Aged::Alerts, 130).await, gone(&[]), "while it says something it stays");
    assert_eq!(stage.age(Aged::Texts, 141).await, gone(&[("texts", 2)]));
    assert_eq!(stage.age(Aged::Alerts, 130).await, gone(&[("alerts", 1), ("deliveries", 2)]));
    assert_eq!(stage.store.alert(stage.app, old).await.unwrap(), None);
    assert_eq!(stage.record(young).await.delivery_count, 1);
    assert_eq!(stage.record(open).await.delivery_count, 1);
    let again = stage.event(&Told { id: "e1", riders: &["r1", "r2"], ..Told::default() });
    let Accepted::Duplicate(receipt) = stage.store.accept(again).await.unwrap() else {
        panic!("its id is remembered")
    };
    assert_eq!((receipt.alerts[0].alert, receipt.alerts[0].deliveries.len()), (old, 0));
    let rider = stage.store.rider(stage.rider("r1")).await.unwrap().unwrap();
    assert_eq!(rider.seq, 3, "nobody counts anew");
}

pub(crate) async fn a_large_alert_goes_in_slices(stage: &Stage) {
    let alert = over(stage, "e1", &["r1", "r2", "r3", "r4", "r5", "r6", "r7"], 120).await;
    stage.age(Aged::Texts, 200).await;
    let slice = stage.store.age(stage.app, Aged::Alerts, EpochMs(200), 3).await.unwrap();
    assert!(slice.rows() > 0);
    assert!(
        stage.store.alert(stage.app, alert).await.unwrap().is_none_or(|record| record.delivery_count == 4),
        "a slice is no more than it may be, or the whole"
    );
    stage.age(Aged::Alerts, 200).await;
    assert_eq!(stage.store.alert(stage.app, alert).await.unwrap(), None);
}

pub(crate) async fn notices_calls_and_checks_go_by_their_age(stage: &Stage) {
    let ladder = vec![step(1, Act::Desk), step(2, calls())];
    let told = Told { riders: &["r1"], mode: Mode::Assign, ladder, ..Told::default() };
    let alert = stage.accept_aloud(told).await;
    for (level, at) in [(0, 1_200), (1, 2_200)] {
        let world = stage.world(rules());
        let stepped = stage.store.step(alert, level, When::Due, Some(a_sound("clip")), world, EpochMs(at));
        assert!(stepped.await.unwrap().is_some());
    }
    let call = stage.store.due_calls(EpochMs(9_000), 9).await.unwrap().remove(0);
    let check = |at| DeviceCheck { at: EpochMs(at), result: "{}".to_owned() };
    for at in [100, 300] {
        stage.store.add_check(stage.rider("r1"), check(at)).await.unwrap();
    }
    assert_eq!(stage.age(Aged::Calls, 99_999).await, gone(&[]), "it is not over");
    assert!(stage.store.take_call(call.id, EpochMs(9_500), EpochMs(9_000)).await.unwrap());
    stage.store.finish_call(call.id, CallResult::Done(200), EpochMs(9_100)).await.unwrap();
    assert_eq!(stage.age(Aged::Calls, 9_100).await, gone(&[]));
    let file = stage.store.rider_file(stage.rider("r1"), 0, 9).await.unwrap();
    assert_eq!((file.calls.len(), file.calls[0].ended_at), (1, Some(EpochMs(9_100))));
    assert_eq!(stage.age(Aged::Calls, 9_101).await, gone(&[("calls", 1)]));
    assert_eq!(stage.age(Aged::Checks, 300).await, gone(&[("device_checks", 1)]));
    assert_eq!(stage.store.checks(stage.rider("r1")).await.unwrap(), [check(300)]);
    assert_eq!(stage.store.notices(stage.app, 0, 9).await.unwrap().len(), 1);
    assert_eq!(stage.age(Aged::Notices, 1_200).await, gone(&[]));
    assert_eq!(stage.age(Aged::Notices, 1_201).await, gone(&[("notices", 1)]));
    assert_eq!(stage.store.notices(stage.app, 0, 9).await.unwrap(), []);
    assert_eq!(stage.state(alert).await, AlertState::Active, "what is open does not age");
}

pub(crate) async fn what_is_over_is_tidied(stage: &Stage) {
    let (event, schedule) = crate::schedules::recurring(stage, "e1", 100, 5_000);
    stage.store.accept(event).await.unwrap();
    let (event, live) = crate::schedules::recurring(stage, "e2", 200, 5_000);
    stage.store.accept(event).await.unwrap();
    stage.store.touch_rider(stage.rider("r1"), EpochMs(90)).await.unwrap();
    stage.erase(stage.rider("r1"), 100).await;
    assert_eq!(stage.store.tidy(EpochMs(100), 9).await.unwrap(), gone(&[]));
    assert!(stage.store.advance_schedule(schedule.id, EpochMs(5_000), None).await.unwrap());
    assert_eq!(stage.store.tidy(EpochMs(101), 9).await.unwrap(), gone(&[("schedules", 1), ("erasures", 1)]));
    assert_eq!(stage.store.schedules(stage.app).await.unwrap(), [live]);
}

/// Sends the first callbacks that are due, with this end; how many.
pub(crate) async fn send(stage: &Stage, after: AfterAttempt, at: i64) -> usize {
    let batches =
        stage.store.claim_callbacks(EpochMs(at), EpochMs(at + 9_000), Vec::new(), 9, 9).await.unwrap();
    let count = batches.len();
    for batch in batches {
        let attempt = CallbackAttempt { at: EpochMs(at), took_ms: 5, status: Some(200), error: None };
        stage.store.finish_callbacks(batch, attempt, after, EpochMs(at)).await.unwrap();
    }
    count
}

pub(crate) async fn callbacks_age_by_how_they_ended(stage: &Stage) {
    for id in ["e1", "e2", "e3"] {
        let alert = stage.accept_aloud(callbacks::told(id, &["r1"])).await;
        stage.progress("r1", alert, Change::Played { play: 1 }, 110).await;
    }
    let kept = async || callbacks::all(stage).await.len() as u64;
    let (all, lanes) = (kept().await, 3);
    assert!(all > lanes, "each alert has several: {all}");
    assert_eq!(stage.age(Aged::Texts, 999).await, gone(&[]), "their backend still hears of them");
    assert_eq!(send(stage, AfterAttempt::Delivered, 120).await as u64, lanes);
    assert_eq!(send(stage, AfterAttempt::Dead, 130).await as u64, lanes);
    assert_eq!(stage.age(Aged::Callbacks, 120).await, gone(&[]));
    assert_eq!(stage.age(Aged::Callbacks, 999).await, gone(&[("callbacks", lanes)]));
    assert_eq!(stage.age(Aged::DeadCallbacks, 130).await, gone(&[]));
    assert_eq!(stage.age(Aged::DeadCallbacks, 131).await, gone(&[("callbacks", lanes)]));
    assert_eq!(kept().await, all - 2 * lanes, "what waits stays");
    let mut at = 200;
    while send(stage, AfterAttempt::Delivered, at).await > 0 {
        at += 1;
    }
    assert_eq!(stage.age(Aged::Texts, 999).await, gone(&[("texts", 3)]));
    assert_eq!(stage.age(Aged::Alerts, 999).await, gone(&[("alerts", 3), ("deliveries", 3)]));
}
