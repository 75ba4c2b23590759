//! Bursts: new orders that come at once are told in one sentence, or each by itself.

use orderbell::domain::delivery::EndReason;
use orderbell::domain::kind::OrderPolicy;
use orderbell::domain::settings::Rules;
use orderbell::domain::{Alert, AlertId, AlertState, EpochMs, FirstStatus, Mode};
use orderbell::store::Merged;

use crate::stage::{Stage, a_sound, ended};
use crate::told::{Told, rules};

fn new_order<'a>(id: &'a str, riders: &'a [&'a str]) -> Told<'a> {
    let policy = OrderPolicy { merges: true, ..OrderPolicy::default() };
    let rules = Rules { merge_ms: 2_000, ..rules() };
    Told { id, riders, policy, rules, sound: Some(a_sound("clip")), ..Told::default() }
}

/// The sentence for all of them.
fn drafted(stage: &Stage) -> Alert {
    let told = Told { kind: "merge", sound: Some(a_sound("merged")), ..Told::default() };
    stage.event(&told).alert.unwrap()
}

async fn open(stage: &Stage, rider: &str) -> Vec<AlertId> {
    let ids = stage.store.open_ids(stage.rider(rider)).await.unwrap();
    assert_eq!(stage.open(rider).await.len(), ids.len());
    ids.into_iter().map(|(alert, _)| alert).collect()
}

async fn merge(stage: &Stage, rider: &str, together: Option<(Alert, usize)>, at: i64) -> Merged {
    let world = stage.world(rules());
    stage.store.merge(stage.rider(rider), together, world, EpochMs(at)).await.unwrap()
}

async fn due(stage: &Stage, now: i64) -> Vec<(String, usize)> {
    let due = stage.store.due_bursts(EpochMs(now), 9).await.unwrap();
    due.into_iter().map(|(key, count)| (key.rider.to_string(), count)).collect()
}

pub(crate) async fn the_first_goes_out_and_the_others_wait(stage: &Stage) {
    let first = stage.accept_mute(new_order("e1", &["r1"])).await;
    stage.set_clock(500);
    let held = stage.accept(new_order("e2", &["r1", "r2"])).await;
    assert_eq!(held.alerts[0].deliveries[0].status, FirstStatus::Unknown, "it is on its way all the same");
    let held = held.alerts[0].alert;
    let asks = Told { mode: Mode::Ack, ..new_order("e3", &["r1"]) };
    let asks = stage.accept_mute(asks).await;
    assert_eq!(open(stage, "r1").await, [first, asks], "what wants an answer does not wait");
    assert_eq!(open(stage, "r2").await, [held], "the first for this rider");
    assert_eq!(stage.delivery(held, "r1").await.held_until, Some(EpochMs(2_100)));
    let pending = stage.store.pending_since(EpochMs(0), 9).await.unwrap();
    assert_eq!(pending.len(), 2);
    assert_eq!((due(stage, 2_099).await, due(stage, 2_100).await), (vec![], vec![("r1".to_owned(), 1)]));
    stage.set_clock(2_100);
    let next = stage.accept_mute(new_order("e4", &["r1"])).await;
    assert_eq!(open(stage, "r1").await, [first, asks, next], "a new burst begins with the next");
}

pub(crate) async fn several_become_one(stage: &Stage) {
    let first = stage.accept_mute(new_order("e1", &["r1"])).await;
    let held = [
        stage.accept_mute(new_order("e2", &["r1"])).await,
        stage.accept_mute(new_order("e3", &["r1", "r2"])).await,
    ];
    assert_eq!(merge(stage, "r1", Some((drafted(stage), 2)), 2_099).await, Merged::Nothing, "not yet");
    let one = drafted(stage);
    let Merged::Together(told, over) = merge(stage, "r1", Some((one.clone(), 2)), 2_100).await else {
        panic!("they were not told together")
    };
    assert_eq!(over, held.map(|alert| ended(stage, "r1", alert, EndReason::Merged)));
    assert_eq!((told.rider.as_str(), told.reason), ("r1", None));
    let record = stage.record(one.id).await;
    assert_eq!((record.alert.stored_at, record.alert.state), (EpochMs(2_100), AlertState::Active));
    assert_eq!((record.deliveries[0].id, record.delivery_count), (told.id, 1));
    assert_eq!(open(stage, "r1").await, [first, one.id]);
    assert_eq!(open(stage, "r2").await, [held[1]], "the other rider's is told as it is");
    assert_eq!(due(stage, 99_000).await, []);
    assert_eq!(merge(stage, "r1", Some((drafted(stage), 2)), 2_200).await, Merged::Nothing, "once");
}

pub(crate) async fn one_that_is_alone_is_released(stage: &Stage) {
    let first = stage.accept_mute(new_order("e1", &["r1"])).await;
    let held = stage.accept_mute(new_order("e2", &["r1"])).await;
    assert_eq!(merge(stage, "r1", None, 2_100).await, Merged::Released);
    assert_eq!(open(stage, "r1").await, [first, held]);
    assert_eq!(stage.delivery(held, "r1").await.held_until, None);
    assert_eq!(merge(stage, "r1", None, 2_100).await, Merged::Nothing);
}

pub(crate) async fn a_burst_that_has_changed_is_released(stage: &Stage) {
    let first = stage.accept_mute(new_order("e1", &["r1"])).await;
    let held = [
        stage.accept_mute(new_order("e2", &["r1"])).await,
        stage.accept_mute(new_order("e3", &["r1"])).await,
        stage.accept_mute(new_order("e4", &["r1"])).await,
    ];
    assert_eq!(due(stage, 2_100).await, [("r1".to_owned(), 3)]);
    stage.store.cancel_alert(stage.app, held[1], EpochMs(2_100)).await.unwrap();
    let one = drafted(stage);
    assert_eq!(merge(stage, "r1", Some((one.clone(), 3)), 2_100).await, Merged::Released);
    assert_eq!(open(stage, "r1").await, [first, held[0], held[2]]);
    assert_eq!(stage.store.alert(stage.app, one.id).await.unwrap(), None, "nothing was made of it");
}
