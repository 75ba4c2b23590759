//! When a callback is tried again, when it is given up, and when a backend is left alone.
//! Pauses are milliseconds here; the table itself is the configuration's.

use std::time::Duration;

use orderbell::dispatch::CircuitLimits;
use orderbell::domain::callback::{CallbackState, TargetState};
use orderbell::store::CallbackFilter;
use serde_json::json;

use crate::stage::{Setup, Stage, eventually};
use crate::target::{Heard, Manner, Target};

/// The pauses between requests, in milliseconds.
fn pauses(heard: &[Heard]) -> Vec<u128> {
    heard.windows(2).map(|two| two[1].at.duration_since(two[0].at).as_millis()).collect()
}

/// That each pause is at least this long, and not much longer: a fifth by luck, and what a busy machine takes.
fn assert_pauses(heard: &[Heard], expected: &[u128]) {
    let pauses = pauses(heard);
    assert_eq!(pauses.len(), expected.len(), "{pauses:?}");
    for (pause, expected) in pauses.iter().zip(expected) {
        // What is due is due by the clock of the wall, in whole milliseconds.
        assert!((expected - 1..expected * 6 / 5 + 400).contains(pause), "{pauses:?} are not {expected:?}");
    }
}

#[tokio::test]
async fn the_table_is_kept_and_then_it_is_given_up_and_the_next_goes() {
    let stage = Stage::start(Setup { retries: vec![60, 120, 240], ..Setup::default() }).await;
    let target = Target::doing(Manner::Status(500)).await;
    stage.target(&target.url("/"), 1).await;
    let alert = stage.event("r1", "order.new", json!({})).await;
    let records = stage.ended(1).await;
    assert_eq!((records[0].state, records[0].tries.len()), (CallbackState::Dead, 4));
    assert_pauses(&target.heard(), &[60, 120, 240]);
    assert!(target.heard().iter().all(|request| request.id() == target.heard()[0].id()));
    assert!((stage.metric("orderbell_callbacks_dead_total") - 1.0).abs() < 0.5);
    target.change(|_, _| Manner::Status(200));
    stage.hear("r1", alert).await;
    let records = stage.ended(4).await;
    assert!(records[1..].iter().all(|record| record.state == CallbackState::Delivered), "{records:?}");
    // What was given up goes again when somebody asks, with its own id.
    let id = records[0].callback.id;
    let at = stage.dispatch.clock().now().wall;
    assert!(stage.store.redeliver_callback(stage.app, id, at).await.unwrap());
    let last = eventually("it is sent again", async || {
        target.heard().last().filter(|request| request.id() == id.to_string()).cloned()
    })
    .await;
    assert_eq!(last.body()["type"], "alert.unreachable");
    stage.stop().await;
}

#[tokio::test]
async fn what_an_order_hangs_on_is_tried_sooner() {
    let setup = Setup { retries: vec![300, 900], urgent: vec![40, 80], ..Setup::default() };
    let stage = Stage::start(setup).await;
    let target = Target::start(|heard, _| {
        let is_offer = heard.body()["type"] == "offer.accepted";
        if is_offer { Manner::Status(500) } else { Manner::Status(200) }
    })
    .await;
    stage.target(&target.url("/"), 1).await;
    let alert =
        stage.event("r1", "order.available", json!({"offer": {"mode": "grab", "arbiter": "service"}})).await;
    let key = orderbell::domain::RiderKey { app: stage.app, rider: "r1".parse().unwrap() };
    let accept = orderbell::domain::delivery::Change::Answered(orderbell::domain::Answer::Accept);
    stage.dispatch.keep(&key, alert, accept, stage.dispatch.clock().now().wall).await.unwrap();
    let offers = async || {
        let heard = target.heard().into_iter().filter(|request| request.body()["type"] == "offer.accepted");
        let heard: Vec<Heard> = heard.collect();
        (heard.len() == 4).then_some(heard)
    };
    assert_pauses(&eventually("the offer is tried", offers).await, &[40, 80, 300]);
}

#[tokio::test]
async fn a_backend_that_asks_to_wait_is_not_called_before() {
    for status in [429, 503] {
        let stage = Stage::start(Setup::default()).await;
        let target = Target::at_first(Manner::With(status, "retry-after: 1".to_owned())).await;
        stage.target(&target.url("/"), 1).await;
        stage.event("r1", "order.new", json!({})).await;
        eventually("it was called", async || (!target.heard().is_empty()).then_some(())).await;
        // Nor for anything else.
        stage.event("r2", "order.new", json!({})).await;
        let records = stage.ended(2).await;
        assert!(records.iter().all(|record| record.state == CallbackState::Delivered));
        let heard = target.heard();
        let word = records[0].tries[0].error.as_deref();
        assert_eq!((word, records[0].tries.len()), (Some("asked_to_wait"), 2));
        for later in &heard[1..] {
            let waited = later.at.duration_since(heard[0].at);
            assert!(waited >= Duration::from_millis(990), "{status}: after {waited:?}");
        }
        stage.stop().await;
    }
}

#[tokio::test]
async fn gone_ends_everything_for_its_target_and_nothing_for_others() {
    let stage = Stage::start(Setup::default()).await;
    let (gone, there) = (Target::doing(Manner::Status(410)).await, Target::doing(Manner::Status(200)).await);
    let stopped = stage.target(&gone.url("/"), 1).await;
    stage.target(&there.url("/"), 1).await;
    stage.heard_order("r1").await;
    eventually("the target is stopped", async || {
        let targets = stage.store.callback_targets(stage.app).await.unwrap();
        let theirs = targets.iter().find(|target| target.id == stopped.id).unwrap();
        matches!(theirs.state, TargetState::Stopped { .. }).then_some(())
    })
    .await;
    let calls = gone.heard().len();
    stage.heard_order("r2").await;
    let of_stopped = CallbackFilter { target: Some(stopped.id), ..CallbackFilter::default() };
    let records = eventually("everything has ended", async || {
        let all = stage.callbacks().await;
        all.iter().all(|record| record.state != CallbackState::Waiting).then_some(all)
    })
    .await;
    let delivered = records.iter().filter(|record| record.state == CallbackState::Delivered).count();
    assert_eq!((delivered, there.heard().len()), (8, 8), "the other target has heard everything");
    let theirs = stage.store.callbacks(stage.app, of_stopped, None, 100).await.unwrap();
    assert!(theirs.iter().all(|record| record.state == CallbackState::Dead));
    assert_eq!(gone.heard().len(), calls, "nobody calls it any more");
    stage.stop().await;
}

#[tokio::test]
async fn a_backend_that_fails_again_and_again_rests_and_comes_back() {
    let circuit = CircuitLimits { failures: 3, rest_ms: 300, rest_ms_max: 600 };
    let stage = Stage::start(Setup { retries: vec![20; 9], circuit, ..Setup::default() }).await;
    let target = Target::doing(Manner::Status(500)).await;
    stage.target(&target.url("/"), 1).await;
    for number in 0..12 {
        stage.event(&format!("r{number}"), "order.new", json!({})).await;
    }
    eventually("it rests", async || {
        (stage.metric("orderbell_callback_backends_resting") > 0.5).then_some(())
    })
    .await;
    // Those that were under way when it began to rest have come as well.
    eventually("three probes have failed", async || (probes(&target.heard()) >= 3).then_some(())).await;
    target.change(|_, _| Manner::Status(200));
    let records = stage.ended(12).await;
    assert!(records.iter().all(|record| record.state == CallbackState::Delivered), "rests count no tries");
    assert!(records.iter().all(|record| record.tries.len() <= 6), "{records:?}");
    assert!(stage.metric("orderbell_callback_backends_resting") < 0.5);
    stage.stop().await;
}

/// Requests that came alone after a rest.
fn probes(heard: &[Heard]) -> usize {
    pauses(heard).into_iter().filter(|pause| *pause >= 290).count()
}

#[tokio::test]
async fn what_is_under_way_is_finished_when_the_server_stops_and_nothing_new_begins() {
    let stage = Stage::start(Setup::default()).await;
    let target = Target::doing(Manner::Late(200, Duration::from_millis(250))).await;
    stage.target(&target.url("/"), 1).await;
    stage.heard_order("r1").await;
    eventually("it is under way", async || (!target.heard().is_empty()).then_some(())).await;
    let (store, app) = (std::sync::Arc::clone(&stage.store), stage.app);
    stage.drain().await;
    let all = store.callbacks(app, CallbackFilter::default(), None, 10).await.unwrap();
    let states: Vec<CallbackState> = all.iter().rev().map(|record| record.state).collect();
    assert_eq!(states[0], CallbackState::Delivered, "what was under way has ended, and its end is noted");
    assert_eq!((states[1..].to_vec(), target.heard().len()), (vec![CallbackState::Waiting; 3], 1));
}
