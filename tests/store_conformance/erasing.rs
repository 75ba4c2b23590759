//! Riders who are erased: what goes, what stays and of whom it is then, and what is known of them before.

use orderbell::domain::app::KeyMode;
use orderbell::domain::delivery::{Change, EndReason};
use orderbell::domain::ladder::Act;
use orderbell::domain::target::DutyRule;
use orderbell::domain::{AlertState, Answer, DeliveryState, EpochMs, Mode, RiderId};
use orderbell::store::{Accepted, AfterAttempt, DeviceCheck, Leaving, RiderFile, Traces, When};

use crate::aging::send;
use crate::stage::{Stage, a_sound, ended, mark_of, own, parsed};
use crate::told::{Told, assigns, rules, step};

/// Whose the deliveries of an alert are.
async fn riders_of(stage: &Stage, alert: orderbell::domain::AlertId) -> Vec<RiderId> {
    let record = stage.record(alert).await;
    record.deliveries.into_iter().map(|delivery| delivery.rider).collect()
}

pub(crate) async fn an_erased_rider_leaves_only_a_pseudonym(stage: &Stage) {
    let east = || "east".parse().unwrap();
    let rider = || stage.rider("r1");
    stage.store.put_group(stage.app, east(), parsed(&["r1", "r2"])).await.unwrap();
    stage.store.add_check(rider(), DeviceCheck { at: EpochMs(1), result: "{}".into() }).await.unwrap();
    let of =
        |id, order| Told { id, riders: &["r1"], order: Some(order), policy: assigns(), ..Told::default() };
    let done = stage.accept_aloud(of("e1", "o1")).await;
    stage.progress("r1", done, Change::Played { play: 1 }, 120).await;
    let open = stage.accept_aloud(Told { duty: DutyRule::Anyone, ..of("e2", "o2") }).await;
    let leaving = stage.erase(rider(), 130).await;
    let traces =
        Traces { memberships: 1, checks: 1, deliveries: 2, texts: 2, orders: 2, ..Traces::default() };
    let told = vec![ended(stage, "r1", open, EndReason::Erased)];
    assert_eq!(leaving, Leaving { ended: told, known: true, last_seq: 2, traces });
    assert_eq!(stage.store.rider(rider()).await.unwrap(), None);
    assert_eq!(stage.store.checks(rider()).await.unwrap(), []);
    assert_eq!(stage.store.group(stage.app, east()).await.unwrap(), Some(parsed(&["r2"])));
    assert_eq!(stage.record(done).await.deliveries[0].state, DeliveryState::Played);
    assert_eq!(stage.record(open).await.deliveries[0].state, DeliveryState::Suppressed);
    assert_eq!(stage.state(open).await, AlertState::Completed);
    let pseudonym = riders_of(stage, done).await.remove(0);
    assert!(pseudonym.as_str().starts_with("erased_"), "{pseudonym}");
    assert_eq!(riders_of(stage, open).await, [pseudonym.clone()]);
    assert_eq!(stage.record(open).await.alert.text, "");
    assert_eq!(stage.store.rider_file(rider(), 0, 9).await.unwrap(), RiderFile::default());
    let again = stage.store.accept(stage.event(&of("e1", "o1"))).await.unwrap();
    let Accepted::Duplicate(receipt) = again else { panic!("{again:?}") };
    assert_eq!(receipt.alerts[0].deliveries[0].rider, pseudonym, "nor does an old answer name them");
}

pub(crate) async fn an_erased_rider_who_comes_back_counts_on(stage: &Stage) {
    for id in ["e1", "e2"] {
        stage.accept(Told { id, riders: &["r1", "r2", "r3"], ..Told::default() }).await;
    }
    for rider in ["r1", "r2", "r3"] {
        stage.erase(stage.rider(rider), 130).await;
    }
    assert_eq!(stage.store.touch_rider(stage.rider("r2"), EpochMs(140)).await.unwrap().seq, 2);
    let one = stage.accept(Told { id: "e3", riders: &["r1"], ..Told::default() }).await;
    let many = stage.accept(Told { id: "e4", riders: &["r1", "r2", "r3"], ..Told::default() }).await;
    let seqs = async |alert| {
        let record = stage.record(alert).await;
        record.deliveries.iter().map(|delivery| delivery.seq).collect::<Vec<_>>()
    };
    assert_eq!(seqs(own(&one)).await, [3]);
    assert_eq!(seqs(own(&many)).await, [4, 3, 3]);
    let other = Told { riders: &["r1"], ..Told::default() };
    let Accepted::New(theirs) = stage.store.accept(stage.event_of(stage.other, &other)).await.unwrap() else {
        panic!("another app has ids of its own")
    };
    let theirs = stage.store.alert(stage.other, own(&theirs)).await.unwrap().unwrap();
    assert_eq!(theirs.deliveries[0].seq, 1, "it is nobody else's matter");
}

pub(crate) async fn an_alert_for_several_goes_on_saying_what_it_says(stage: &Stage) {
    let told = Told { riders: &["r1", "r2"], mode: Mode::Grab, ..Told::default() };
    let alert = stage.accept_aloud(told).await;
    stage.progress("r1", alert, Change::Answered(Answer::Accept), 120).await;
    assert_eq!(stage.record(alert).await.alert.winner, Some("r1".parse().unwrap()));
    let leaving = stage.erase(stage.rider("r1"), 130).await;
    assert_eq!((leaving.traces.deliveries, leaving.traces.texts), (1, 0));
    let record = stage.record(alert).await;
    assert!(!record.alert.text.is_empty());
    assert_eq!(record.alert.winner.as_ref(), Some(&record.deliveries[0].rider), "the winner has no name");
    assert_eq!(record.deliveries[1].rider.as_str(), "r2");
    let last = stage.erase(stage.rider("r2"), 140).await;
    assert_eq!((last.traces.deliveries, last.traces.texts), (1, 0), "each was one of several");
}

pub(crate) async fn an_erased_rider_is_asked_no_more(stage: &Stage) {
    let ladder = vec![step(1, Act::Next), step(2, Act::Next)];
    let told =
        Told { riders: &["r1"], mode: Mode::Assign, ladder, candidates: &["r2", "r3"], ..Told::default() };
    let offer = stage.accept_aloud(told).await;
    let later = Told { id: "e2", riders: &["r2", "r4"], starts_at: Some(50_000), ..Told::default() };
    let scheduled = stage.accept_mute(later).await;
    let (event, mut recurring) = crate::schedules::recurring(stage, "e3", 100, 5_000);
    let body = |riders: &str| format!(r#"{{"kind":"shift.starting","target":{{"riders":[{riders}]}}}}"#);
    recurring.body = body(r#""r2","r4""#);
    let recurring = orderbell::store::NewEvent { schedule: Some(recurring.clone()), ..event };
    stage.store.accept(recurring).await.unwrap();
    let leaving = stage.erase(stage.rider("r2"), 130).await;
    let traces = Traces { offers: 1, audiences: 2, ..Traces::default() };
    assert_eq!(leaving, Leaving { traces, ..Leaving::default() }, "nobody had heard of them");
    assert_eq!(stage.store.schedules(stage.app).await.unwrap()[0].body, body(r#""r4""#));
    let stepped =
        stage.store.step(offer, 0, When::Due, Some(a_sound("b")), stage.world(rules()), EpochMs(1_200));
    assert!(stepped.await.unwrap().is_some());
    assert_eq!(riders_of(stage, offer).await, parsed::<RiderId>(&["r1", "r3"]), "the next but one is asked");
    let (policy, world) = (orderbell::domain::kind::OrderPolicy::default(), stage.world(rules()));
    let told = stage.store.unroll(scheduled, 9, policy, world, EpochMs(50_000)).await.unwrap();
    assert_eq!(told.riders, [stage.rider("r4")]);
    assert_eq!(stage.erase(stage.rider("r4"), 50_010).await.traces.audiences, 1);
    assert_eq!(stage.store.schedules(stage.app).await.unwrap(), [], "it was for nobody else");
}

pub(crate) async fn an_erasure_is_done_again(stage: &Stage) {
    let many = ["e1", "e2", "e3", "e4", "e5", "e6", "e7"];
    for id in many {
        stage.accept(Told { id, riders: &["r1"], ..Told::default() }).await;
    }
    // The first part alone, as if the server had died after it.
    let erasure = orderbell::store::Erasure {
        rider: stage.rider("r1"),
        mark: mark_of(&stage.rider("r1")),
        pseudonym: "erased_0".parse().unwrap(),
        at: EpochMs(130),
    };
    let leaving = stage.store.delete_rider(erasure.clone()).await.unwrap();
    assert_eq!((leaving.ended.len(), leaving.known, leaving.last_seq), (7, true, 7));
    let again = stage.erase(stage.rider("r1"), 140).await;
    assert_eq!((again.known, again.last_seq, again.traces.deliveries), (true, 7, 7));
    let third = stage.erase(stage.rider("r1"), 150).await;
    assert_eq!(third, Leaving { known: true, ..Leaving::default() }, "there is nothing left to do");
    let mark = mark_of(&stage.rider("r1"));
    assert_eq!(stage.store.erased_at(stage.app, mark).await.unwrap(), Some(EpochMs(150)));
    assert_eq!(stage.store.erased_at(stage.other, mark).await.unwrap(), None);
    // Somebody of that name comes back while an old erasure goes on: what is theirs now stays.
    let new = stage.accept_aloud(Told { id: "e8", riders: &["r1"], ..Told::default() }).await;
    stage.store.erase_traces(erasure, 7, 9).await.unwrap();
    assert_eq!(riders_of(stage, new).await, parsed::<RiderId>(&["r1"]));
}

pub(crate) async fn a_last_sight_makes_no_rider(stage: &Stage) {
    stage.store.leave_rider(stage.rider("r1"), EpochMs(110)).await.unwrap();
    assert_eq!(stage.store.rider(stage.rider("r1")).await.unwrap(), None);
    stage.store.touch_rider(stage.rider("r1"), EpochMs(120)).await.unwrap();
    stage.store.leave_rider(stage.rider("r1"), EpochMs(130)).await.unwrap();
    let seen = stage.store.rider(stage.rider("r1")).await.unwrap().unwrap().last_seen_at;
    assert_eq!(seen, Some(EpochMs(130)));
}

pub(crate) async fn everything_of_a_rider_is_told(stage: &Stage) {
    stage.store.put_group(stage.app, "east".parse().unwrap(), parsed(&["r1"])).await.unwrap();
    let check = DeviceCheck { at: EpochMs(1), result: "{}".into() };
    stage.store.add_check(stage.rider("r1"), check.clone()).await.unwrap();
    let mut alerts = Vec::new();
    for id in ["e1", "e2", "e3"] {
        let told =
            Told { id, riders: &["r2", "r1"], order: Some("o1"), policy: assigns(), ..Told::default() };
        alerts.push(stage.accept_aloud(told).await);
    }
    let file = stage.store.rider_file(stage.rider("r1"), 0, 2).await.unwrap();
    let told = |file: &RiderFile| file.deliveries.iter().map(|row| row.alert.id).collect::<Vec<_>>();
    assert_eq!(told(&file), alerts[..2]);
    assert_eq!(file.rider, stage.store.rider(stage.rider("r1")).await.unwrap());
    assert_eq!((file.groups, file.checks), (parsed(&["east"]), vec![check]));
    assert!(file.orders.iter().all(|order| order.order.as_str() == "o1" && order.key_mode == KeyMode::Live));
    let rest = stage.store.rider_file(stage.rider("r1"), 2, 9).await.unwrap();
    assert_eq!(told(&rest), alerts[2..]);
    let row = &rest.deliveries[0];
    assert_eq!((row.delivery.rider.as_str(), row.alert.text.is_empty()), ("r1", false));
    assert_eq!(
        RiderFile { deliveries: Vec::new(), ..rest },
        RiderFile::default(),
        "the rest came with the first"
    );
}

pub(crate) async fn callbacks_of_an_erased_rider_go_when_they_have_ended(stage: &Stage) {
    let alert = stage.accept_aloud(crate::callbacks::told("e1", &["r1", "r2"])).await;
    let about = async |rider: &str| {
        let all = crate::callbacks::all(stage).await;
        all.into_iter()
            .filter(|one| one.callback.rider.as_ref().is_some_and(|is| is.as_str() == rider))
            .count()
    };
    stage.progress("r1", alert, Change::Sent, 110).await;
    let mut at = 120;
    while about("r1").await == 0 || send(stage, AfterAttempt::Delivered, at).await > 0 {
        at += 1;
    }
    let had = about("r1").await as u64;
    let leaving = stage.erase(stage.rider("r1"), 300).await;
    assert_eq!(leaving.traces.callbacks, had, "what the backend has is gone");
    let waits = about("r1").await;
    assert!(waits > 0, "it is told that they were erased, by the name it knows");
    assert_eq!(stage.store.tidy(EpochMs(1), 9).await.unwrap().rows(), 0);
    at = 310;
    while send(stage, AfterAttempt::Delivered, at).await > 0 {
        at += 1;
    }
    assert_eq!(about("r1").await, waits);
    assert_eq!(stage.store.tidy(EpochMs(1), 9).await.unwrap().rows(), waits as u64);
    assert_eq!(about("r1").await, 0);
}
