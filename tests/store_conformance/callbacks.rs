//! Callbacks: who is told what. Each fact is kept in the commit that made it true, once for each who wants it.

use orderbell::domain::app::KeyMode;
use orderbell::domain::callback::{
    CallbackState, CallbackTarget, Destination, Fact, TargetState, WantedKinds,
};
use orderbell::domain::delivery::Change;
use orderbell::domain::kind::OrderPolicy;
use orderbell::domain::ladder::Act;
use orderbell::domain::{
    AlertId, Answer, AppId, CallbackId, CallbackTargetId, EpochMs, EventId, Mode, OrderId, RiderId, Urgency,
};
use orderbell::store::{Admission, CallbackFilter, CallbackRecord, Duty, TARGETS_MAX};
use serde_json::json;

use crate::stage::Stage;
use crate::told::{Told, step};

pub(crate) const URL: &str = "https://backend.example/told";
pub(crate) const CONFIRM: Change = Change::Answered(Answer::Confirm);

/// An active target for everything, of this number.
pub(crate) fn a_target(app: AppId, number: u8) -> CallbackTarget {
    CallbackTarget {
        id: CallbackTargetId::new(EpochMs(1), [number; 10]),
        app,
        url: format!("https://target{number}.example/"),
        kinds: WantedKinds::All,
        batch_max: 1,
        state: TargetState::Active,
        created_at: EpochMs(i64::from(number)),
    }
}

pub(crate) fn these(kinds: &[&str]) -> WantedKinds {
    WantedKinds::These(kinds.iter().map(|kind| (*kind).to_owned()).collect())
}

/// What a test of the way tells.
pub(crate) fn a_fact(app: AppId, at: EpochMs) -> Fact {
    let data = serde_json::Map::new();
    let (key_mode, kind) = (KeyMode::Test, "callback.test".to_owned());
    Fact { app, key_mode, kind, alert: None, order: None, rider: None, at, data }
}

/// An event whose sender hears of it.
pub(crate) fn told<'a>(id: &'a str, riders: &'a [&'a str]) -> Told<'a> {
    Told { id, order: Some("o1"), riders, callback_url: Some(URL), ..Told::default() }
}

/// All callbacks, oldest first.
pub(crate) async fn all(stage: &Stage) -> Vec<CallbackRecord> {
    asked(stage, CallbackFilter::default()).await
}

pub(crate) async fn asked(stage: &Stage, filter: CallbackFilter) -> Vec<CallbackRecord> {
    let mut all = stage.store.callbacks(stage.app, filter, None, 9_999).await.unwrap();
    all.reverse();
    all
}

pub(crate) async fn kinds(stage: &Stage) -> Vec<String> {
    all(stage).await.into_iter().map(|record| record.callback.kind).collect()
}

pub(crate) async fn put(stage: &Stage, target: CallbackTarget) {
    assert!(stage.store.put_callback_target(target).await.unwrap());
}

/// An alert that is heard by its rider from beginning to end.
async fn heard(stage: &Stage, told: Told<'_>, rider: &str) -> AlertId {
    stage.online(rider);
    let alert = stage.accept_aloud(told).await;
    for (change, at) in [(Change::Sent, 120), (Change::Received, 130), (Change::Played { play: 1 }, 140)] {
        stage.progress(rider, alert, change, at).await;
    }
    alert
}

pub(crate) async fn nothing_is_kept_that_nobody_wants(stage: &Stage) {
    let other = CallbackTarget { app: stage.other, ..a_target(stage.other, 1) };
    put(stage, other).await;
    heard(stage, Told { callback_url: None, ..told("e1", &["r1"]) }, "r1").await;
    assert_eq!(all(stage).await, []);
    assert_eq!(stage.store.callbacks(stage.other, CallbackFilter::default(), None, 9).await.unwrap(), []);
}

pub(crate) async fn the_address_of_an_event_hears_everything_about_it(stage: &Stage) {
    let alert = heard(stage, told("e1", &["r1"]), "r1").await;
    let told = all(stage).await;
    let words: Vec<&str> = told.iter().map(|record| record.callback.kind.as_str()).collect();
    assert_eq!(words, ["delivery.sent", "delivery.received", "delivery.played"]);
    for record in &told {
        let callback = &record.callback;
        assert_eq!((callback.url.as_str(), callback.alert), (URL, Some(alert)));
        assert_eq!(callback.destination, Destination::of_url(stage.app, URL));
        assert_eq!(stage.store.callback(stage.app, callback.id).await.unwrap().as_ref(), Some(record));
        assert_eq!(stage.store.callback(stage.other, callback.id).await.unwrap(), None);
    }
    let numbers: Vec<i64> = told.iter().map(|record| record.number).collect();
    assert!(numbers.is_sorted() && numbers[0] < numbers[2]);
}

pub(crate) async fn targets_hear_the_kinds_they_want(stage: &Stage) {
    put(stage, a_target(stage.app, 1)).await;
    put(stage, CallbackTarget { kinds: these(&["offer.*", "delivery.sent"]), ..a_target(stage.app, 2) })
        .await;
    heard(stage, Told { callback_url: None, ..told("e1", &["r1"]) }, "r1").await;
    let of = async |number| {
        let target = Some(a_target(stage.app, number).id);
        let told = asked(stage, CallbackFilter { target, ..CallbackFilter::default() }).await;
        let words = told.into_iter().map(|record| (record.callback.kind, record.callback.url));
        words.collect::<Vec<_>>()
    };
    let to = |kind: &str, number| (kind.to_owned(), format!("https://target{number}.example/"));
    let everything = ["delivery.sent", "delivery.received", "delivery.played"].map(|kind| to(kind, 1));
    assert_eq!((of(1).await, of(2).await), (everything.to_vec(), vec![to("delivery.sent", 2)]));
}

pub(crate) async fn a_callback_says_what_became_true(stage: &Stage) {
    let alert = heard(stage, Told { key_mode: KeyMode::Live, ..told("e1", &["r1"]) }, "r1").await;
    let played = all(stage).await.remove(2);
    let callback = &played.callback;
    assert_eq!(callback.event.as_ref().map(EventId::as_str), Some("e1"));
    assert_eq!(callback.order.as_ref().map(OrderId::as_str), Some("o1"));
    assert_eq!(callback.rider.as_ref().map(RiderId::as_str), Some("r1"));
    assert_eq!((callback.ext.as_deref(), callback.trace_id.as_deref()), (Some("{}"), Some("trace-e1")));
    assert_eq!((callback.at, callback.attempts, callback.key_mode), (EpochMs(140), 0, KeyMode::Live));
    let id = stage.delivery(alert, "r1").await.id.to_string();
    let data = json!({
        "alert_kind": "order.new", "after_ms": 40, "delivery_id": id, "state": "played", "reason": "played", "ring": 1,
    });
    assert_eq!(serde_json::Value::Object(callback.data.clone()), data);
    assert_eq!((played.state, played.ended_at, played.tries.len()), (CallbackState::Waiting, None, 0));
}

/// Each end by its word, and a delivery that comes to it.
pub(crate) async fn every_end_is_told_once(stage: &Stage) {
    for rider in ["r1", "r2"] {
        stage.online(rider);
    }
    let (store, app) = (&stage.store, stage.app);
    let offer =
        |id: &'static str, riders: &'static [&'static str]| Told { mode: Mode::Grab, ..told(id, riders) };
    let won = stage.accept_aloud(offer("e1", &["r1", "r2"])).await;
    stage.progress("r1", won, Change::Answered(Answer::Accept), 120).await;
    let declined = stage.accept_aloud(offer("e2", &["r1"])).await;
    stage.progress("r1", declined, Change::Answered(Answer::Decline), 120).await;
    let confirmed = stage.accept_aloud(Told { mode: Mode::Ack, ..told("e3", &["r1"]) }).await;
    stage.progress("r1", confirmed, CONFIRM, 120).await;
    let cancelled = stage.accept_aloud(told("e4", &["r1"])).await;
    store.cancel_alert(app, cancelled, EpochMs(120)).await.unwrap();
    let old = stage.accept_aloud(Told { key: Some("k"), ..told("e5", &["r1"]) }).await;
    stage.accept_aloud(Told { key: Some("k"), expires_at: 150, ..told("e6", &["r1"]) }).await;
    store.expire_due(EpochMs(150), 2, 9).await.unwrap();
    let erased = stage.accept_aloud(told("e7", &["r2"])).await;
    stage.erase(stage.rider("r2"), 160).await;
    store.set_duty(stage.rider("r1"), Duty::Off, EpochMs(170)).await.unwrap();
    stage.accept_aloud(told("e8", &["r1"])).await;
    let told = all(stage).await;
    let ends = told.iter().filter(|record| record.callback.data.contains_key("reason"));
    let ends: Vec<(&str, &str)> = ends
        .map(|record| (record.callback.kind.as_str(), record.callback.data["reason"].as_str().unwrap()))
        .collect();
    let expected = [
        ("delivery.accepted", "answered"),
        ("delivery.lost", "taken"),
        ("delivery.declined", "answered"),
        ("delivery.acknowledged", "answered"),
        ("delivery.cancelled", "cancelled_by_alert"),
        ("delivery.superseded", "superseded"),
        ("delivery.expired", "never_sent"),
        ("delivery.suppressed", "erased"),
        ("delivery.suppressed", "off_duty"),
    ];
    assert_eq!(ends, expected, "{old} {erased}");
    let offers = told.iter().filter(|record| record.callback.kind.starts_with("offer."));
    let offers: Vec<&str> = offers.map(|record| record.callback.kind.as_str()).collect();
    assert_eq!(offers, ["offer.accepted", "offer.expired"]);
}

pub(crate) async fn an_alert_that_nobody_can_hear_is_told_of(stage: &Stage) {
    stage.accept_aloud(told("e1", &["r1", "r2"])).await;
    assert_eq!(kinds(stage).await, ["alert.unreachable"]);
    assert_eq!(all(stage).await[0].due_at, Some(EpochMs(100)), "at once");
    stage.online("r2");
    stage.accept_aloud(told("e2", &["r1", "r2"])).await;
    assert_eq!(kinds(stage).await.len(), 1, "one of them can");
    let ladder = vec![step(10, Act::Desk), step(20, Act::Exhausted)];
    stage
        .accept_aloud(Told { mode: Mode::Grab, ladder, urgency: Urgency::Critical, ..told("e3", &["r2"]) })
        .await;
    for at in [10_100, 20_100] {
        for due in stage.store.due_steps(EpochMs(at), 9).await.unwrap() {
            let (when, world) = (orderbell::store::When::Due, stage.world(crate::told::rules()));
            stage.store.step(due.head.id, due.level, when, None, world, EpochMs(at)).await.unwrap();
        }
    }
    let later = kinds(stage).await.split_off(1);
    assert_eq!(later, ["alert.desk", "alert.exhausted", "offer.expired", "delivery.expired"]);
}

pub(crate) async fn a_large_audience_is_unheard_when_all_are_told(stage: &Stage) {
    for (id, online) in [("e1", None), ("e2", Some("r0"))] {
        if let Some(rider) = online {
            stage.online(rider);
        }
        let riders: Vec<String> = (0..5).map(|n| format!("r{n}")).collect();
        let riders: Vec<&str> = riders.iter().map(String::as_str).collect();
        let alert = stage.accept_mute(Told { starts_at: Some(200), ..told(id, &riders) }).await;
        for at in [200, 210, 220] {
            let (policy, world) = (OrderPolicy::default(), stage.world(crate::told::rules()));
            stage.store.unroll(alert, 2, policy, world, EpochMs(at)).await.unwrap();
        }
    }
    let unheard = all(stage).await;
    assert_eq!(unheard.len(), 1, "{unheard:?}");
    let callback = &unheard[0].callback;
    assert_eq!((callback.kind.as_str(), callback.at), ("alert.unreachable", EpochMs(220)));
    assert_eq!(
        (callback.event.as_ref().map(EventId::as_str), &callback.data["open"]),
        (Some("e1"), &json!(5))
    );
}

pub(crate) async fn targets_are_kept_changed_and_counted(stage: &Stage) {
    let store = &stage.store;
    let mut target = CallbackTarget { batch_max: 20, kinds: these(&["offer.*"]), ..a_target(stage.app, 2) };
    put(stage, target.clone()).await;
    put(stage, a_target(stage.app, 1)).await;
    let all = async || store.callback_targets(stage.app).await.unwrap();
    assert_eq!(all().await, [a_target(stage.app, 1), target.clone()], "oldest first");
    target = CallbackTarget { url: "https://elsewhere.example/".to_owned(), ..a_target(stage.app, 2) };
    put(stage, CallbackTarget { created_at: EpochMs(99), ..target.clone() }).await;
    assert_eq!(all().await, [a_target(stage.app, 1), target]);
    let most = u8::try_from(TARGETS_MAX).unwrap();
    for number in 3..=most {
        put(stage, a_target(stage.app, number)).await;
    }
    assert!(!store.put_callback_target(a_target(stage.app, most + 1)).await.unwrap());
    put(stage, a_target(stage.app, most)).await;
    put(stage, a_target(stage.other, most + 2)).await;
    let stopped = TargetState::Stopped { at: EpochMs(5) };
    let set = async |app, number, state| {
        store.set_callback_target_state(app, a_target(app, number).id, state).await.unwrap()
    };
    assert!(set(stage.app, 1, stopped).await && !set(stage.other, 1, stopped).await);
    assert_eq!(all().await[0].state, stopped);
    assert!(set(stage.app, 1, TargetState::Active).await);
    assert_eq!(all().await[0], a_target(stage.app, 1));
}

pub(crate) async fn a_stopped_target_keeps_what_waits_and_gets_nothing_new(stage: &Stage) {
    let target = a_target(stage.app, 1);
    put(stage, target.clone()).await;
    stage.accept_aloud(Told { callback_url: None, ..told("e1", &["r1"]) }).await;
    let set = async |state| stage.store.set_callback_target_state(stage.app, target.id, state).await.unwrap();
    let claim = async |at| {
        let claimed = stage.store.claim_callbacks(EpochMs(at), EpochMs(at + 10), Vec::new(), 9, 9).await;
        claimed.unwrap().len()
    };
    assert!(set(TargetState::Stopped { at: EpochMs(110) }).await);
    stage.accept_aloud(Told { callback_url: None, ..told("e2", &["r1"]) }).await;
    assert_eq!((kinds(stage).await.len(), claim(200).await), (1, 0));
    assert!(set(TargetState::Active).await);
    assert_eq!(claim(210).await, 1);
}

pub(crate) async fn a_removed_target_gives_up_what_waits(stage: &Stage) {
    let target = a_target(stage.app, 1);
    put(stage, target.clone()).await;
    stage.accept_aloud(told("e1", &["r1"])).await;
    let delete = async |app| stage.store.delete_callback_target(app, target.id, EpochMs(150)).await.unwrap();
    assert!(!delete(stage.other).await && delete(stage.app).await && !delete(stage.app).await);
    let told = all(stage).await;
    let states: Vec<_> =
        told.iter().map(|one| (one.state, one.ended_at, one.callback.url.as_str())).collect();
    assert_eq!(states, [(CallbackState::Dead, Some(EpochMs(150)), ""), (CallbackState::Waiting, None, URL)]);
    let again = async |id| stage.store.redeliver_callback(stage.app, id, EpochMs(160)).await.unwrap();
    assert!(!again(told[0].callback.id).await, "there is nowhere to send it to");
    assert!(!again(told[1].callback.id).await, "it is on its way");
}

pub(crate) async fn a_test_goes_to_one_target(stage: &Stage) {
    let target = CallbackTarget { kinds: these(&["offer.*"]), ..a_target(stage.app, 1) };
    put(stage, target.clone()).await;
    put(stage, a_target(stage.app, 2)).await;
    let id = CallbackId::new(EpochMs(100), [7; 10]);
    let add = async |id, app, target| {
        stage.store.add_callback(id, a_fact(app, EpochMs(100)), target).await.unwrap()
    };
    assert!(add(id, stage.app, target.id).await);
    assert!(!add(CallbackId::new(EpochMs(100), [8; 10]), stage.other, target.id).await);
    assert!(!add(CallbackId::new(EpochMs(100), [8; 10]), stage.app, a_target(stage.app, 3).id).await);
    let told = all(stage).await;
    assert_eq!(told.len(), 1);
    let callback = &told[0].callback;
    assert_eq!(
        (callback.id, callback.kind.as_str(), callback.key_mode),
        (id, "callback.test", KeyMode::Test)
    );
    assert_eq!((told[0].due_at, callback.destination.target()), (Some(EpochMs(100)), Some(target.id)));
    let stopped = TargetState::Stopped { at: EpochMs(1) };
    assert!(stage.store.set_callback_target_state(stage.app, target.id, stopped).await.unwrap());
    assert!(!add(CallbackId::new(EpochMs(100), [9; 10]), stage.app, target.id).await);
}

pub(crate) async fn a_test_is_told_as_such(stage: &Stage) {
    stage.store.admit(stage.rider("t1"), Admission::AsTest, EpochMs(1)).await.unwrap();
    stage.online("t1");
    let test = Told { key_mode: KeyMode::Test, ..told("e1", &["t1", "r1"]) };
    let alert = stage.accept_aloud(test).await;
    stage.progress("t1", alert, Change::Played { play: 1 }, 120).await;
    let told = all(stage).await;
    assert!(told.iter().all(|record| record.callback.key_mode == KeyMode::Test));
    let words: Vec<&str> = told.iter().map(|record| record.callback.kind.as_str()).collect();
    assert_eq!(words, ["delivery.suppressed", "delivery.sent", "delivery.received", "delivery.played"]);
}

pub(crate) async fn callbacks_are_found_by_what_they_are(stage: &Stage) {
    put(stage, CallbackTarget { kinds: these(&["delivery.played"]), ..a_target(stage.app, 1) }).await;
    let first = heard(stage, told("e1", &["r1"]), "r1").await;
    let second = heard(stage, Told { callback_url: None, ..told("e2", &["r1"]) }, "r1").await;
    let count = async |filter| asked(stage, filter).await.len();
    let any = CallbackFilter::default;
    assert_eq!(count(any()).await, 5);
    assert_eq!(count(CallbackFilter { alert: Some(first), ..any() }).await, 4);
    assert_eq!(count(CallbackFilter { alert: Some(second), ..any() }).await, 1);
    let target = Some(a_target(stage.app, 1).id);
    assert_eq!(count(CallbackFilter { target, ..any() }).await, 2);
    assert_eq!(count(CallbackFilter { target, alert: Some(first), ..any() }).await, 1);
    let kind = Some("delivery.sent".to_owned());
    assert_eq!(count(CallbackFilter { kind, ..any() }).await, 1);
    assert_eq!(count(CallbackFilter { since: Some(EpochMs(130)), ..any() }).await, 4);
    assert_eq!(count(CallbackFilter { until: Some(EpochMs(130)), ..any() }).await, 1);
    assert_eq!(count(CallbackFilter { state: Some(CallbackState::Dead), ..any() }).await, 0);
    let newest = stage.store.callbacks(stage.app, any(), None, 2).await.unwrap();
    let before = Some(newest[1].number);
    let rest = stage.store.callbacks(stage.app, any(), before, 9).await.unwrap();
    assert_eq!((newest.len(), rest.len()), (2, 3));
    assert!(newest[1].number > rest[0].number);
}
