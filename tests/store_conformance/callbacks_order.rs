//! Callbacks on their way: in what order they go, who may send them, and what follows from a try.

use orderbell::domain::callback::{CallbackState, CallbackTarget, Destination, TargetState};
use orderbell::domain::delivery::Change;
use orderbell::domain::{AlertId, EpochMs};
use orderbell::store::{
    ATTEMPTS_KEPT, AfterAttempt, CallbackAttempt, CallbackBatch, CallbackFilter, CallbackRecord,
};

use crate::callbacks::{URL, a_target, all, asked, put, told};
use crate::stage::Stage;
use crate::told::Told;

/// What is due at `at`, for nobody else before `at + 50`.
async fn claim(stage: &Stage, at: i64) -> Vec<CallbackBatch> {
    let until = EpochMs(at + 50);
    stage.store.claim_callbacks(EpochMs(at), until, Vec::new(), 99, 99).await.unwrap()
}

/// The words of a request.
fn words(batch: &CallbackBatch) -> Vec<&str> {
    batch.callbacks.iter().map(|callback| callback.kind.as_str()).collect()
}

/// The words of requests of one callback each.
fn singles(batches: &[CallbackBatch]) -> Vec<&str> {
    batches.iter().flat_map(words).collect()
}

async fn finish(stage: &Stage, batch: CallbackBatch, after: AfterAttempt, at: i64) {
    let (status, error) = match after {
        AfterAttempt::Delivered => (Some(204), None),
        _ => (Some(500), Some("refused".to_owned())),
    };
    let attempt = CallbackAttempt { at: EpochMs(at - 5), took_ms: 5, status, error };
    stage.store.finish_callbacks(batch, attempt, after, EpochMs(at)).await.unwrap();
}

/// An alert that was heard to its end, told to its own address: sent, received, played.
async fn heard(stage: &Stage, id: &str, callback_url: Option<&str>) -> AlertId {
    stage.online("r1");
    let alert = stage.accept_aloud(Told { callback_url, ..told(id, &["r1"]) }).await;
    stage.progress("r1", alert, Change::Sent, 120).await;
    stage.progress("r1", alert, Change::Received, 130).await;
    stage.progress("r1", alert, Change::Played { play: 1 }, 140).await;
    alert
}

fn states(records: &[CallbackRecord]) -> Vec<CallbackState> {
    records.iter().map(|record| record.state).collect()
}

pub(crate) async fn an_alert_is_told_in_its_order(stage: &Stage) {
    stage.online("r1");
    let alert = stage.accept_aloud(told("e1", &["r1"])).await;
    stage.progress("r1", alert, Change::Sent, 120).await;
    let sent = claim(stage, 150).await;
    assert_eq!(singles(&sent), ["delivery.sent"]);
    assert_eq!((sent[0].is_list, sent[0].webhook_id.clone()), (false, sent[0].callbacks[0].id.to_string()));
    // What comes up while the first is on its way waits behind it, whenever it is committed.
    stage.progress("r1", alert, Change::Played { play: 1 }, 151).await;
    assert_eq!(claim(stage, 160).await, [], "the first has not ended");
    for (kind, at) in [("delivery.sent", 200), ("delivery.received", 210), ("delivery.played", 220)] {
        let next = claim(stage, at).await;
        assert_eq!(singles(&next), [kind], "one after the other");
        finish(stage, next[0].clone(), AfterAttempt::Delivered, at).await;
    }
    assert_eq!(claim(stage, 999).await, []);
    let told = all(stage).await;
    assert_eq!(states(&told), [CallbackState::Delivered; 3]);
    assert_eq!((told[0].ended_at, told[0].due_at), (Some(EpochMs(200)), None));
    // A lane that was empty begins anew.
    stage.store.cancel_alert(stage.app, alert, EpochMs(230)).await.unwrap();
    stage.progress("r1", alert, crate::callbacks::CONFIRM, 240).await;
    assert_eq!(singles(&claim(stage, 300).await), ["delivery.acknowledged"]);
}

pub(crate) async fn alerts_do_not_wait_for_each_other(stage: &Stage) {
    heard(stage, "e1", Some(URL)).await;
    heard(stage, "e2", Some(URL)).await;
    let due = claim(stage, 150).await;
    assert_eq!(singles(&due), ["delivery.sent", "delivery.sent"]);
    finish(stage, due[1].clone(), AfterAttempt::Delivered, 160).await;
    let next = claim(stage, 170).await;
    assert_eq!(singles(&next), ["delivery.received"]);
    assert_eq!(next[0].callbacks[0].alert, due[1].callbacks[0].alert);
}

pub(crate) async fn whoever_claims_has_it_until_the_lease_ends(stage: &Stage) {
    heard(stage, "e1", Some(URL)).await;
    let first = claim(stage, 150).await;
    assert_eq!((claim(stage, 150).await, claim(stage, 199).await), (Vec::new(), Vec::new()));
    // Nobody said how it went: the same once more, under the same id.
    assert_eq!(claim(stage, 200).await, first);
    finish(stage, first[0].clone(), AfterAttempt::Delivered, 210).await;
    finish(stage, first[0].clone(), AfterAttempt::Dead, 220).await;
    let told = all(stage).await.remove(0);
    assert_eq!((told.state, told.tries.len()), (CallbackState::Delivered, 1), "what has ended stays");
}

pub(crate) async fn what_failed_is_tried_again_and_its_lane_waits(stage: &Stage) {
    heard(stage, "e1", Some(URL)).await;
    let first = claim(stage, 150).await.remove(0);
    finish(stage, first.clone(), AfterAttempt::Again(EpochMs(500)), 160).await;
    assert_eq!(claim(stage, 499).await, []);
    let second = claim(stage, 500).await.remove(0);
    assert_eq!(second.webhook_id, first.webhook_id);
    assert_eq!((first.callbacks[0].attempts, second.callbacks[0].attempts), (0, 1));
    let told = all(stage).await.remove(0);
    let attempt = &told.tries[0];
    assert_eq!((attempt.at, attempt.took_ms, attempt.status), (EpochMs(155), 5, Some(500)));
    assert_eq!(attempt.error.as_deref(), Some("refused"));
}

pub(crate) async fn resting_destinations_are_left_and_count_no_try(stage: &Stage) {
    put(stage, a_target(stage.app, 1)).await;
    heard(stage, "e1", Some(URL)).await;
    let resting = vec![Destination::of_url(stage.app, URL)];
    let claim_awake = async |at: i64, resting| {
        stage.store.claim_callbacks(EpochMs(at), EpochMs(at + 50), resting, 9, 9).await.unwrap()
    };
    let due = claim_awake(150, resting).await;
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].callbacks[0].destination, a_target(stage.app, 1).destination());
    let other = claim_awake(150, Vec::new()).await.remove(0);
    finish(stage, other.clone(), AfterAttempt::Postponed(EpochMs(400)), 160).await;
    let record = stage.store.callback(stage.app, other.callbacks[0].id).await.unwrap().unwrap();
    assert_eq!((record.due_at, record.callback.attempts, record.tries.len()), (Some(EpochMs(400)), 0, 0));
    let elsewhere = vec![Destination { app: stage.other, ..other.callbacks[0].destination.clone() }];
    assert_eq!(
        claim_awake(400, elsewhere).await.len(),
        2,
        "another app's destination of the same name rests"
    );
}

pub(crate) async fn no_destination_takes_all_places(stage: &Stage) {
    put(stage, a_target(stage.app, 1)).await;
    for id in ["e1", "e2", "e3", "e4"] {
        heard(stage, id, None).await;
    }
    heard(stage, "e5", Some(URL)).await;
    let store = &stage.store;
    let due = store.claim_callbacks(EpochMs(150), EpochMs(200), Vec::new(), 2, 9).await.unwrap();
    let own = Destination::of_url(stage.app, URL);
    let to_target = due.iter().filter(|batch| batch.callbacks[0].destination != own).count();
    assert_eq!((due.len(), to_target), (3, 2));
    let rest = store.claim_callbacks(EpochMs(150), EpochMs(200), Vec::new(), 9, 2).await.unwrap();
    assert_eq!(rest.len(), 2);
    assert_eq!(claim(stage, 150).await.len(), 1);
}

pub(crate) async fn a_dead_one_lets_the_next_go(stage: &Stage) {
    heard(stage, "e1", Some(URL)).await;
    let first = claim(stage, 150).await.remove(0);
    finish(stage, first, AfterAttempt::Dead, 160).await;
    assert_eq!(singles(&claim(stage, 160).await), ["delivery.received"]);
    let waiting = CallbackState::Waiting;
    assert_eq!(states(&all(stage).await), [CallbackState::Dead, waiting, waiting]);
}

pub(crate) async fn gone_ends_all_that_waits_and_stops_the_target(stage: &Stage) {
    put(stage, a_target(stage.app, 1)).await;
    heard(stage, "e1", Some(URL)).await;
    heard(stage, "e2", None).await;
    let due = claim(stage, 150).await;
    let to_target = due.iter().find(|batch| batch.callbacks[0].destination.target().is_some()).unwrap();
    finish(stage, to_target.clone(), AfterAttempt::Gone, 160).await;
    let target = stage.store.callback_targets(stage.app).await.unwrap().remove(0);
    assert_eq!(target.state, TargetState::Stopped { at: EpochMs(160) });
    let of_target = CallbackFilter { target: Some(target.id), ..CallbackFilter::default() };
    let ended = asked(stage, of_target).await;
    assert_eq!(states(&ended), [CallbackState::Dead; 6]);
    let tries: Vec<usize> = ended.iter().map(|record| record.tries.len()).collect();
    assert_eq!(tries.iter().sum::<usize>(), 1, "one of them was sent");
    let own = due.iter().find(|batch| batch.callbacks[0].destination.target().is_none()).unwrap();
    finish(stage, own.clone(), AfterAttempt::Gone, 170).await;
    assert_eq!(states(&all(stage).await), [CallbackState::Dead; 9]);
    assert_eq!(claim(stage, 999).await, []);
}

pub(crate) async fn what_has_ended_goes_once_more_behind_what_waits(stage: &Stage) {
    heard(stage, "e1", Some(URL)).await;
    let first = claim(stage, 150).await.remove(0);
    finish(stage, first.clone(), AfterAttempt::Delivered, 160).await;
    let id = first.callbacks[0].id;
    let again = async |id| stage.store.redeliver_callback(stage.app, id, EpochMs(170)).await.unwrap();
    assert!(again(id).await && !again(id).await, "it is on its way by now");
    assert!(!stage.store.redeliver_callback(stage.other, id, EpochMs(170)).await.unwrap());
    let record = stage.store.callback(stage.app, id).await.unwrap().unwrap();
    assert_eq!((record.state, record.ended_at, record.due_at), (CallbackState::Waiting, None, None));
    assert_eq!((record.callback.attempts, record.tries.len()), (0, 1), "what was tried is remembered");
    for (kind, at) in [("delivery.received", 200), ("delivery.played", 210), ("delivery.sent", 220)] {
        let next = claim(stage, at).await.remove(0);
        assert_eq!(words(&next), [kind]);
        finish(stage, next, AfterAttempt::Delivered, at).await;
    }
    // In an empty lane it is due at once, and what comes up then has a number of its own.
    assert!(again(id).await);
    assert_eq!(claim(stage, 230).await.remove(0).webhook_id, first.webhook_id);
    heard(stage, "e2", Some(URL)).await;
    let numbers: Vec<i64> = all(stage).await.iter().map(|record| record.number).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
}

pub(crate) async fn many_go_once_more_by_a_filter(stage: &Stage) {
    put(stage, a_target(stage.app, 1)).await;
    heard(stage, "e1", Some(URL)).await;
    for at in [150, 160, 170] {
        for batch in claim(stage, at).await {
            finish(stage, batch, AfterAttempt::Dead, at).await;
        }
    }
    assert_eq!(states(&all(stage).await), [CallbackState::Dead; 6]);
    let again = async |filter, limit| {
        stage.store.redeliver_callbacks(stage.app, filter, EpochMs(180), limit).await.unwrap()
    };
    let target = Some(a_target(stage.app, 1).id);
    let of_target = CallbackFilter { target, since: Some(EpochMs(125)), ..CallbackFilter::default() };
    assert_eq!(again(of_target.clone(), 1).await, 1);
    assert_eq!((again(of_target.clone(), 9).await, again(of_target, 9).await), (1, 0));
    assert_eq!(singles(&claim(stage, 180).await), ["delivery.received"]);
    let delivered = CallbackFilter { state: Some(CallbackState::Delivered), ..CallbackFilter::default() };
    assert_eq!(again(delivered, 9).await, 0);
    assert_eq!(again(CallbackFilter::default(), 99).await, 4);
}

pub(crate) async fn a_batch_is_one_request_and_stays_so(stage: &Stage) {
    put(stage, CallbackTarget { batch_max: 3, ..a_target(stage.app, 1) }).await;
    heard(stage, "e1", None).await;
    let first = claim(stage, 150).await;
    assert_eq!((first.len(), first[0].is_list), (1, true));
    assert_eq!(words(&first[0]), ["delivery.sent", "delivery.received", "delivery.played"]);
    assert!(first[0].webhook_id.starts_with("cbk_"));
    heard(stage, "e2", None).await;
    assert_eq!(claim(stage, 160).await, [], "the whole target has one order");
    finish(stage, first[0].clone(), AfterAttempt::Again(EpochMs(200)), 170).await;
    put(stage, CallbackTarget { batch_max: 9, ..a_target(stage.app, 1) }).await;
    let again = claim(stage, 200).await.remove(0);
    assert_eq!((&again.webhook_id, words(&again)), (&first[0].webhook_id, words(&first[0])));
    assert!(again.callbacks.iter().all(|callback| callback.attempts == 1));
    finish(stage, again, AfterAttempt::Delivered, 210).await;
    let next = claim(stage, 220).await.remove(0);
    assert_eq!(words(&next), ["delivery.sent", "delivery.received", "delivery.played"]);
    assert_ne!(next.webhook_id, first[0].webhook_id);
    assert_eq!(next.callbacks[0].event.as_ref().unwrap().as_str(), "e2");
    finish(stage, next, AfterAttempt::Dead, 230).await;
    let delivered = states(&all(stage).await).into_iter().filter(|state| *state == CallbackState::Delivered);
    assert_eq!(delivered.count(), 3);
    heard(stage, "e3", None).await;
    let one = CallbackTarget { batch_max: 2, ..a_target(stage.app, 1) };
    put(stage, one).await;
    assert_eq!(words(&claim(stage, 240).await[0]), ["delivery.sent", "delivery.received"]);
}

pub(crate) async fn the_newest_tries_are_kept(stage: &Stage) {
    heard(stage, "e1", Some(URL)).await;
    let most = i64::from(ATTEMPTS_KEPT);
    for at in (0..most + 2).map(|n| 1_000 * (n + 1)) {
        let batch = claim(stage, at).await.remove(0);
        finish(stage, batch, AfterAttempt::Again(EpochMs(at + 500)), at).await;
    }
    let told = all(stage).await.remove(0);
    let moments: Vec<i64> = told.tries.iter().map(|attempt| attempt.at.0).collect();
    assert_eq!(moments, (2..most + 2).map(|n| 1_000 * (n + 1) - 5).collect::<Vec<_>>());
    assert_eq!(i64::from(told.callback.attempts), most + 2);
}
