//! Test keys: their events are for test riders, and share nothing with the real ones.

use orderbell::domain::app::KeyMode;
use orderbell::domain::delivery::{AnswerOutcome, Change, EndReason};
use orderbell::domain::kind::{Ends, OrderPolicy};
use orderbell::domain::ladder::{Act, HttpCall};
use orderbell::domain::order::Stamp;
use orderbell::domain::settings::Rules;
use orderbell::domain::{Alert, AlertState, Answer, EpochMs, FirstStatus, Mode, OrderKey};
use orderbell::store::{
    AUDIENCE_MAX, Accepted, Admission, Admitted, Ended, Merged, NoticeKind, Outcome, RiderPatch, Schedule,
    When,
};

use crate::stage::{Stage, a_sound, ended, firsts, own, parsed};
use crate::told::{Everyone, Told, assigns, ends, rules, step};

fn test(told: Told<'_>) -> Told<'_> {
    Told { key_mode: KeyMode::Test, ..told }
}

fn of<'a>(id: &'a str, riders: &'a [&'a str]) -> Told<'a> {
    Told { id, order: Some("o1"), riders, ..Told::default() }
}

fn tested(told: Ended) -> Ended {
    Ended { key_mode: KeyMode::Test, ..told }
}

async fn admit(stage: &Stage, rider: &str, admission: Admission) -> Admitted {
    stage.store.admit(stage.rider(rider), admission, EpochMs(100)).await.unwrap()
}

async fn is_test(stage: &Stage, rider: &str) -> Option<bool> {
    stage.store.rider(stage.rider(rider)).await.unwrap().map(|rider| rider.test)
}

pub(crate) async fn a_rider_is_made_a_test_rider_by_name(stage: &Stage) {
    assert!(admit(stage, "t1", Admission::AsTest).await.test);
    let row = stage.store.rider(stage.rider("t1")).await.unwrap().unwrap();
    assert!(row.test && row.known);
    let patch = RiderPatch { on_duty: Some(false), ..RiderPatch::default() };
    stage.store.put_rider(stage.rider("t1"), patch, EpochMs(110)).await.unwrap();
    stage.store.touch_rider(stage.rider("t1"), EpochMs(120)).await.unwrap();
    stage.accept(of("e1", &["t1", "r1"])).await;
    assert_eq!((is_test(stage, "t1").await, is_test(stage, "r1").await), (Some(true), Some(false)));
    assert_eq!(admit(stage, "t1", Admission::AsReal).await, Admitted::default());
    assert_eq!(is_test(stage, "t1").await, Some(false));
    admit(stage, "t1", Admission::AsTest).await;
    stage.erase(stage.rider("t1"), 130).await;
    stage.store.touch_rider(stage.rider("t1"), EpochMs(140)).await.unwrap();
    assert_eq!(is_test(stage, "t1").await, Some(false), "who comes back is made one again or is none");
}

pub(crate) async fn a_test_key_gets_riders_nobody_has_heard_of(stage: &Stage) {
    assert!(admit(stage, "new", Admission::IfNew).await.test);
    stage.store.touch_rider(stage.rider("new"), EpochMs(110)).await.unwrap();
    assert!(admit(stage, "new", Admission::IfNew).await.test, "again");
    stage.store.touch_rider(stage.rider("known"), EpochMs(110)).await.unwrap();
    stage.accept(of("e1", &["named"])).await;
    stage.accept(test(of("e2", &["seen"]))).await;
    for (rider, expected) in [("known", false), ("named", false), ("seen", true)] {
        assert_eq!(admit(stage, rider, Admission::IfNew).await.test, expected, "{rider}");
        assert_eq!(is_test(stage, rider).await, Some(expected), "{rider}");
    }
}

pub(crate) async fn a_test_ends_at_once_for_real_riders(stage: &Stage) {
    admit(stage, "t1", Admission::AsTest).await;
    for rider in ["t1", "r1"] {
        stage.online(rider);
    }
    let limited = Rules { alerts_per_minute: 1, ..rules() };
    let receipt = stage.accept(test(Told { rules: limited, ..of("e1", &["r1", "r2", "t1"]) })).await;
    let told: Vec<_> = firsts(&receipt).iter().map(|d| (d.rider.as_str(), d.status, d.reason)).collect();
    let held_back = Some(EndReason::TestMode);
    let expected = [
        ("r1", FirstStatus::Suppressed, held_back),
        ("r2", FirstStatus::Suppressed, held_back),
        ("t1", FirstStatus::Queued, None),
    ];
    assert_eq!(told, expected);
    let alert = own(&receipt);
    stage.store.mark_rendered(alert, a_sound("clip"), EpochMs(110)).await.unwrap();
    let open = stage.open("t1").await;
    assert_eq!((open.len(), open[0].alert.key_mode), (1, KeyMode::Test));
    assert_eq!((stage.open("r1").await, stage.open("r2").await), (vec![], vec![]));
    assert_eq!(stage.store.open_ids(stage.rider("r1")).await.unwrap(), []);
    assert_eq!(stage.store.rider(stage.rider("r1")).await.unwrap().unwrap().pace.count, 0);
    let real = stage.accept(Told { rules: limited, ..of("e2", &["r1"]) }).await;
    assert_eq!(firsts(&real)[0].reason, None, "it has not counted");
    let again = stage.store.accept(stage.event(&test(of("e1", &["r1", "r2", "t1"])))).await.unwrap();
    assert_eq!(again, Accepted::Duplicate(receipt), "with its reasons");
    let nobody = stage.accept(test(of("e3", &["r1"]))).await;
    assert_eq!(stage.state(own(&nobody)).await, AlertState::Completed);
}

pub(crate) async fn a_test_id_is_another_than_the_real_one(stage: &Stage) {
    let first = stage.accept(test(Told { body: 1, ..of("e1", &["r1"]) })).await;
    let real = stage.accept(Told { body: 2, ..of("e1", &["r1"]) }).await;
    assert_ne!(own(&first), own(&real));
    let told = async |source: &str| {
        let told = stage.store.event(stage.app, source.to_owned(), "e1".parse().unwrap()).await.unwrap();
        own(&told.unwrap().1)
    };
    assert_eq!((told("backend").await, told("backend.test").await), (own(&real), own(&first)));
}

pub(crate) async fn two_orders_of_one_name_share_nothing(stage: &Stage) {
    admit(stage, "t1", Admission::AsTest).await;
    let assigned = |id, riders| Told { policy: assigns(), ..of(id, riders) };
    let real = stage.accept_aloud(assigned("e1", &["t1"])).await;
    let mine = stage.accept_aloud(test(assigned("e2", &["t1"]))).await;
    let gone = stage
        .accept(test(Told { policy: ends(Ends::Cancelled), version: Some(5), ..of("e3", &["t1"]) }))
        .await;
    assert_eq!(gone.ended, [tested(ended(stage, "t1", mine, EndReason::CancelledByOrder))]);
    assert_eq!(stage.state(real).await, AlertState::Active);
    assert_eq!(stage.accept(of("e4", &["t1"])).await.outcome, Outcome::Alerted, "no tombstone over it");
    let moved = stage.accept(assigned("e5", &["r2"])).await;
    assert_eq!(moved.alerts.len(), 2, "who had it is remembered as it was");
    let mine = stage.accept_aloud(test(Told { version: Some(9), ..assigned("e6", &["t1"]) })).await;
    stage.store.cancel_order(stage.order("o1"), EpochMs(200)).await.unwrap();
    assert_eq!(stage.state(mine).await, AlertState::Active, "nor the other way round");
    let order = OrderKey { key_mode: KeyMode::Test, ..stage.order("o1") };
    let told = stage.store.cancel_order(order, EpochMs(210)).await.unwrap();
    let over = [own(&gone), mine].map(|alert| tested(ended(stage, "t1", alert, EndReason::CancelledByOrder)));
    assert_eq!(told, over);
    assert_eq!(stage.store.forget_orders(EpochMs(1_000), 9).await.unwrap(), 2, "each has its memory");
}

pub(crate) async fn an_alert_takes_the_place_of_one_in_its_own_world(stage: &Stage) {
    admit(stage, "t1", Admission::AsTest).await;
    let keyed = |id| Told { id, riders: &["t1"], key: Some("k"), ..Told::default() };
    let real = stage.accept_aloud(keyed("e1")).await;
    let mine = stage.accept(test(keyed("e2"))).await;
    assert_eq!(mine.ended, []);
    assert_eq!(stage.accept(keyed("e3")).await.ended, [ended(stage, "t1", real, EndReason::Superseded)]);
    let next = stage.accept(test(keyed("e4"))).await;
    assert_eq!(next.ended, [tested(ended(stage, "t1", own(&mine), EndReason::Superseded))]);
}

pub(crate) async fn a_large_test_audience_is_told_in_parts(stage: &Stage) {
    let riders: Vec<String> = (0..=AUDIENCE_MAX).map(|n| format!("r{n:04}")).collect();
    let names: Vec<&str> = riders.iter().map(String::as_str).collect();
    stage.store.put_group(stage.app, "city".parse().unwrap(), parsed(&names)).await.unwrap();
    admit(stage, "r0500", Admission::AsTest).await;
    let receipt = stage.accept(test(Told { groups: &["city"], ..Told::default() })).await;
    assert_eq!(receipt.audience, Some(AUDIENCE_MAX as u64 + 1));
    let mut told = Vec::new();
    loop {
        let (policy, world) = (OrderPolicy::default(), stage.world(rules()));
        let part = stage.store.unroll(own(&receipt), 400, policy, world, EpochMs(110)).await.unwrap();
        told.extend(part.riders);
        if !part.more {
            break;
        }
    }
    assert_eq!(told, [stage.rider("r0500")], "nobody else is rung");
    let record = stage.record(own(&receipt)).await;
    assert_eq!((record.delivery_count, record.alert.open_count), (AUDIENCE_MAX as u64 + 1, 1));
    let everyone = stage.accept(test(Told { id: "e2", everyone: Everyone::Yes, ..Told::default() })).await;
    assert_eq!(firsts(&everyone).len(), 1, "the others are still unknown");
}

pub(crate) async fn a_scheduled_test_is_for_those_who_are_test_riders_then(stage: &Stage) {
    admit(stage, "t1", Admission::AsTest).await;
    let later = test(Told { starts_at: Some(5_000), ..of("e1", &["t1", "t2"]) });
    let alert = own(&stage.accept(later).await);
    admit(stage, "t1", Admission::AsReal).await;
    admit(stage, "t2", Admission::AsTest).await;
    let world = stage.world(rules());
    let part = stage.store.unroll(alert, 9, OrderPolicy::default(), world, EpochMs(5_000)).await.unwrap();
    assert_eq!(part.riders, [stage.rider("t2")]);
    assert_eq!(stage.delivery(alert, "t1").await.reason, Some(EndReason::TestMode));
}

pub(crate) async fn a_ladder_of_a_test_brings_test_riders(stage: &Stage) {
    admit(stage, "t1", Admission::AsTest).await;
    stage.store.put_group(stage.app, "east".parse().unwrap(), parsed(&["r1", "r2", "t1"])).await.unwrap();
    let call = Act::Http(HttpCall { url: "https://voice.example".to_owned(), ..HttpCall::default() });
    let groups = vec!["east".parse().unwrap()];
    let ladder =
        vec![step(0, Act::Station { groups }), step(1, call), step(2, Act::Desk), step(3, Act::Exhausted)];
    let offer = Told { mode: Mode::Grab, ladder, answer_ms: Some(60_000), ..of("e1", &["r1"]) };
    let alert = stage.accept_aloud(test(offer)).await;
    let mut steps = Vec::new();
    for (level, at) in [(0, 110), (1, 1_100), (2, 2_100), (3, 3_100)] {
        let taken =
            stage.store.step(alert, level, When::Due, None, stage.world(rules()), EpochMs(at)).await.unwrap();
        steps.push(taken.unwrap());
    }
    assert_eq!(steps[0].rung, [stage.rider("t1")]);
    let calls = stage.store.due_calls(EpochMs(1_100), 9).await.unwrap();
    assert_eq!(calls.iter().map(|call| call.rider.as_str()).collect::<Vec<_>>(), ["t1"]);
    let notices = stage.store.notices(stage.app, 0, 9).await.unwrap();
    let notices: Vec<_> =
        notices.into_iter().map(|numbered| (numbered.notice.kind, numbered.notice.key_mode)).collect();
    assert_eq!(notices, [(NoticeKind::Desk, KeyMode::Test), (NoticeKind::Exhausted, KeyMode::Test)]);
}

pub(crate) async fn a_test_offer_has_a_winner_among_test_riders(stage: &Stage) {
    for rider in ["t1", "t2"] {
        admit(stage, rider, Admission::AsTest).await;
    }
    let grab = Told { mode: Mode::Grab, answer_ms: Some(60_000), ..of("e1", &["r1", "t1", "t2"]) };
    let alert = stage.accept_aloud(test(grab)).await;
    let real = stage.progress("r1", alert, Change::Answered(Answer::Accept), 120).await;
    assert_eq!((real.outcome, real.delivery.reason), (Some(AnswerOutcome::Gone), Some(EndReason::TestMode)));
    let won = stage.progress("t2", alert, Change::Answered(Answer::Accept), 130).await;
    assert_eq!((won.outcome, won.key_mode), (Some(AnswerOutcome::Won), KeyMode::Test));
    assert_eq!(won.others, [tested(ended(stage, "t1", alert, EndReason::Taken))]);
}

pub(crate) async fn who_becomes_real_is_told_no_test_any_more(stage: &Stage) {
    admit(stage, "t1", Admission::AsTest).await;
    let real = stage.accept_aloud(of("e1", &["t1"])).await;
    let mine = stage.accept_aloud(test(of("e2", &["t1"]))).await;
    assert_eq!(stage.open("t1").await.len(), 2);
    let done = admit(stage, "t1", Admission::AsReal).await;
    let over = tested(ended(stage, "t1", mine, EndReason::TestMode));
    assert_eq!(done, Admitted { test: false, ended: vec![over] });
    assert_eq!(stage.open("t1").await.iter().map(|open| open.alert.id).collect::<Vec<_>>(), [real]);
    assert_eq!(stage.state(mine).await, AlertState::Completed);
}

pub(crate) async fn tests_and_what_is_real_are_not_told_in_one_sentence(stage: &Stage) {
    for rider in ["t1", "t2"] {
        admit(stage, rider, Admission::AsTest).await;
    }
    let policy = OrderPolicy { merges: true, ..OrderPolicy::default() };
    let order = |id, riders| {
        let rules = Rules { merge_ms: 2_000, ..rules() };
        Told { id, riders, policy: policy.clone(), rules, sound: Some(a_sound("clip")), ..Told::default() }
    };
    for id in ["e1", "e2"] {
        stage.accept(test(order(id, &["t1", "t2"]))).await;
    }
    stage.accept(test(order("e3", &["t1"]))).await;
    stage.accept(order("e4", &["t2"])).await;
    let merge = async |rider| {
        let drafted: Alert = stage.event(&Told { kind: "merge", ..Told::default() }).alert.unwrap();
        let id = drafted.id;
        let together = Some((drafted, 2));
        let merged =
            stage.store.merge(stage.rider(rider), together, stage.world(rules()), EpochMs(2_100)).await;
        (id, merged.unwrap())
    };
    let (id, together) = merge("t1").await;
    assert!(matches!(together, Merged::Together(..)), "{together:?}");
    assert_eq!(stage.record(id).await.alert.key_mode, KeyMode::Test);
    assert_eq!(merge("t2").await.1, Merged::Released);
}

pub(crate) async fn a_recurring_test_is_ended_by_whoever_may(stage: &Stage) {
    let [mine, real] = [KeyMode::Test, KeyMode::Live];
    for (key_mode, id) in [(mine, "e1"), (real, "e2"), (mine, "e3")] {
        let mut event = stage.event(&Told { id, key_mode, ..Told::default() });
        event.schedule = Some(Schedule {
            id: orderbell::domain::ScheduleId::new(EpochMs(100), stage.fresh()),
            app: stage.app,
            key_mode,
            event_id: id.parse().unwrap(),
            body: "{}".to_owned(),
            recurrence: "{}".to_owned(),
            next_at: Some(EpochMs(500)),
            fired: 0,
            created_at: EpochMs(100),
        });
        assert_eq!(event.stamp, Stamp::default());
        stage.store.accept(event).await.unwrap();
    }
    let schedules = stage.store.schedules(stage.app).await.unwrap();
    assert_eq!(schedules.iter().map(|schedule| schedule.key_mode).collect::<Vec<_>>(), [mine, real, mine]);
    let end =
        async |by, place: usize| stage.store.end_schedule(stage.app, by, schedules[place].id).await.unwrap();
    assert!(!end(mine, 1).await, "a test key leaves what is real alone");
    assert!(end(mine, 0).await && end(real, 1).await && end(real, 2).await);
}
