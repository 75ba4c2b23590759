//! Ladders: what happens, step by step, while nobody answers.

use orderbell::domain::delivery::{Change, EndReason};
use orderbell::domain::ladder::{Act, HttpCall, Step};
use orderbell::domain::{AlertId, AlertState, Answer, DeliveryState, EpochMs, Mode};
use orderbell::store::{CallResult, Duty, NoticeKind, Stepped, When};

use crate::stage::{Stage, a_sound, ended, parsed};
use crate::told::{Told, rules, step};

/// An offer made at 100; a ladder's seconds count from there.
fn offer<'a>(riders: &'a [&'a str], ladder: Vec<Step>) -> Told<'a> {
    Told { order: Some("o1"), mode: Mode::Assign, riders, ladder, ..Told::default() }
}

async fn take(stage: &Stage, alert: AlertId, level: u32, at: i64) -> Option<Stepped> {
    let world = stage.world(rules());
    stage.store.step(alert, level, When::Due, None, world, EpochMs(at)).await.unwrap()
}

async fn due(stage: &Stage, now: i64) -> Vec<(AlertId, u32)> {
    let due = stage.store.due_steps(EpochMs(now), 9).await.unwrap();
    due.into_iter().map(|due| (due.head.id, due.level)).collect()
}

fn rung(stepped: &Stepped) -> Vec<&str> {
    stepped.rung.iter().map(|key| key.rider.as_str()).collect()
}

pub(crate) async fn each_level_is_taken_once(stage: &Stage) {
    let ladder = vec![step(10, Act::Repeat), step(20, Act::Desk)];
    let mute = stage.accept_mute(offer(&["r1"], ladder.clone())).await;
    assert_eq!(due(stage, 99_000).await, [], "not before it has its sound");
    stage.store.mark_rendered(mute, a_sound("clip"), EpochMs(110)).await.unwrap();
    assert_eq!((due(stage, 10_099).await, due(stage, 10_100).await), (vec![], vec![(mute, 0)]));
    assert_eq!(take(stage, mute, 0, 10_099).await, None, "not before its time");
    assert_eq!(take(stage, mute, 1, 10_100).await, None, "not the next one");
    assert_eq!(take(stage, mute, 7, 10_100).await, None, "there is none");
    let stepped = take(stage, mute, 0, 10_100).await.unwrap();
    assert_eq!((stepped.act, rung(&stepped)), ("repeat", vec!["r1"]));
    assert_eq!(take(stage, mute, 0, 10_100).await, None, "once");
    assert_eq!((due(stage, 20_099).await, due(stage, 20_100).await), (vec![], vec![(mute, 1)]));
    assert_eq!(take(stage, mute, 1, 20_100).await.unwrap().act, "desk");
    assert_eq!(due(stage, 999_000).await, []);
    let notices = stage.store.notices(stage.app, 0, 9).await.unwrap();
    assert_eq!(notices.len(), 1);
    assert_eq!((notices[0].notice.kind, notices[0].notice.alert), (NoticeKind::Desk, Some(mute)));
    assert_eq!(notices[0].notice.order, Some("o1".parse().unwrap()));
    let strange = AlertId::new(EpochMs(1), [9; 10]);
    assert_eq!(take(stage, strange, 0, 20_100).await, None);
}

pub(crate) async fn a_ring_has_a_number_of_its_own(stage: &Stage) {
    let ladder = vec![step(10, Act::Louder)];
    let told = Told { mode: Mode::Ack, ..offer(&["r1", "r2", "r3"], ladder) };
    let alert = stage.accept_aloud(told).await;
    let other = stage.accept_aloud(Told { id: "e2", riders: &["r1"], ..Told::default() }).await;
    stage.progress("r1", alert, Change::Sent, 120).await;
    stage.progress("r1", alert, Change::Played { play: 3 }, 130).await;
    stage.progress("r2", alert, Change::Answered(Answer::Confirm), 140).await;
    let pending = async |since| {
        let riders = stage.store.pending_since(EpochMs(since), 9).await.unwrap();
        riders.into_iter().map(|key| key.rider.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(pending(5_000).await, Vec::<String>::new());
    let world = stage.world(rules());
    let louder = stage.store.step(alert, 0, When::Due, Some(a_sound("louder")), world, EpochMs(10_100));
    assert_eq!(rung(&louder.await.unwrap().unwrap()), ["r1", "r3"], "not who has answered");
    let one = stage.delivery(alert, "r1").await;
    assert_eq!((one.ring, one.seq, one.plays, one.attempts), (2, 3, 0, 1));
    assert_eq!((one.sent_ring, one.rung_at), (1, Some(EpochMs(10_100))));
    assert_eq!(
        (one.state, one.played_at),
        (DeliveryState::Played, Some(EpochMs(130))),
        "what was heard was heard"
    );
    assert_eq!(stage.store.rider(stage.rider("r1")).await.unwrap().unwrap().seq, 3);
    assert_eq!(stage.record(alert).await.alert.sound, Some(a_sound("louder")));
    assert_eq!(stage.store.open_ids(stage.rider("r1")).await.unwrap(), [(other, 1), (alert, 2)]);
    assert_eq!(pending(5_000).await, ["r1", "r3"], "a bell may have been lost");
    stage.progress("r1", alert, Change::Sent, 10_200).await;
    assert_eq!(stage.delivery(alert, "r1").await.sent_ring, 2);
    assert_eq!(pending(5_000).await, ["r3"]);
}

pub(crate) async fn steps_that_fell_due_together_keep_their_distance(stage: &Stage) {
    let acts = [Act::Repeat, Act::Desk, Act::Louder];
    let ladder = (1..).zip(acts).map(|(second, act)| step(second * 10, act)).collect();
    let alert = stage.accept_aloud(offer(&["r1"], ladder)).await;
    assert_eq!(due(stage, 35_000).await, [(alert, 0)]);
    take(stage, alert, 0, 35_000).await.unwrap();
    assert_eq!(stage.record(alert).await.alert.ladder_late_ms, 24_900);
    assert_eq!(due(stage, 44_999).await, [], "ten seconds after the ring, as it was meant");
    assert_eq!(due(stage, 45_000).await, [(alert, 1)]);
    take(stage, alert, 1, 45_500).await.unwrap();
    assert_eq!(due(stage, 55_000).await, [(alert, 2)]);
}

pub(crate) async fn the_next_candidate_is_asked_who_may_have_it(stage: &Stage) {
    stage.store.set_duty(stage.rider("off"), Duty::Off, EpochMs(1)).await.unwrap();
    let ladder = vec![step(10, Act::Next), step(20, Act::Next)];
    let told = Told { answer_ms: Some(10_000), candidates: &["off", "r2", "r3"], ..offer(&["r1"], ladder) };
    let alert = stage.accept_aloud(told).await;
    stage.progress("r1", alert, Change::Sent, 120).await;
    let stepped = take(stage, alert, 0, 10_100).await.unwrap();
    assert_eq!(
        (rung(&stepped), &stepped.ended),
        (vec!["r2"], &vec![ended(stage, "r1", alert, EndReason::NotReceived)])
    );
    let off = stage.delivery(alert, "off").await;
    assert_eq!((off.state, off.reason), (DeliveryState::Suppressed, Some(EndReason::OffDuty)));
    assert_eq!(stage.delivery(alert, "r2").await.expires_at, EpochMs(20_100), "a time of their own");
    assert_eq!(stage.store.rider(stage.rider("r1")).await.unwrap().unwrap().unanswered, 1);
    let stepped = take(stage, alert, 1, 20_100).await.unwrap();
    assert_eq!(rung(&stepped), ["r3"]);
    let record = stage.record(alert).await;
    let riders: Vec<_> = record.deliveries.iter().map(|delivery| delivery.rider.as_str()).collect();
    assert_eq!(riders, ["r1", "off", "r2", "r3"]);
    assert_eq!((record.alert.candidates_asked, record.alert.open_count), (3, 1));
    let again = stage.store.accept(stage.event(&offer(&["r1"], Vec::new()))).await.unwrap();
    let orderbell::store::Accepted::Duplicate(receipt) = again else { panic!("not a duplicate") };
    assert_eq!(crate::stage::names(&receipt), ["r1"], "who was told then");
}

pub(crate) async fn a_decline_asks_the_next_at_once(stage: &Stage) {
    let ladder = vec![step(30, Act::Next), step(60, Act::Next), step(90, Act::Exhausted)];
    let told = Told { candidates: &["r2", "r3"], ..offer(&["r1"], ladder) };
    let alert = stage.accept_aloud(told).await;
    assert_eq!(due(stage, 120).await, []);
    stage.progress("r1", alert, Change::Answered(Answer::Decline), 120).await;
    assert_eq!(stage.state(alert).await, AlertState::Active, "it may still come to others");
    assert_eq!(due(stage, 120).await, [(alert, 0)]);
    assert_eq!(rung(&take(stage, alert, 0, 120).await.unwrap()), ["r2"]);
    assert_eq!(due(stage, 130).await, []);
    stage.progress("r2", alert, Change::Answered(Answer::Decline), 140).await;
    assert_eq!(rung(&take(stage, alert, 1, 140).await.unwrap()), ["r3"]);
    let last = stage.progress("r3", alert, Change::Answered(Answer::Decline), 150).await;
    assert!(last.ended_now);
    assert_eq!(due(stage, 150).await, [(alert, 2)], "there is nobody left to ask");
    take(stage, alert, 2, 150).await.unwrap();
    assert_eq!(stage.state(alert).await, AlertState::Exhausted);
    assert_eq!(due(stage, 999_000).await, []);
}

pub(crate) async fn a_station_is_added_once(stage: &Stage) {
    let put =
        |name: &str, riders: &[&str]| stage.store.put_group(stage.app, name.parse().unwrap(), parsed(riders));
    put("east", &["r1", "r3", "r2"]).await.unwrap();
    put("west", &["w1", "r2"]).await.unwrap();
    let west = Act::Station { groups: parsed(&["west"]) };
    let ladder = vec![step(10, Act::Station { groups: Vec::new() }), step(20, west)];
    let alert = stage.accept_aloud(offer(&["r1"], ladder)).await;
    assert_eq!(rung(&take(stage, alert, 0, 10_100).await.unwrap()), ["r2", "r3"], "those who have it not");
    assert_eq!(rung(&take(stage, alert, 1, 20_100).await.unwrap()), ["w1"]);
    let record = stage.record(alert).await;
    assert_eq!((record.delivery_count, record.alert.open_count), (4, 4));
    let won = stage.progress("w1", alert, Change::Answered(Answer::Accept), 20_200).await;
    assert_eq!(won.others.len(), 3);
}

pub(crate) async fn a_cancelled_order_comes_to_no_more_riders(stage: &Stage) {
    let ladder = vec![step(10, Act::Next)];
    let told = Told { candidates: &["r2"], ..offer(&["r1"], ladder) };
    let alert = stage.accept_aloud(told).await;
    let cancelled = orderbell::domain::kind::Ends::Cancelled;
    let policy = crate::told::ends(cancelled);
    let told = Told { id: "e2", order: Some("o1"), riders: &["r2"], policy, ..Told::default() };
    stage.accept(told).await;
    let stepped = take(stage, alert, 0, 10_100).await.unwrap();
    assert_eq!(rung(&stepped), Vec::<&str>::new());
    let reason = stage.delivery(alert, "r2").await.reason;
    assert_eq!(reason, Some(EndReason::CancelledBefore), "it was cancelled for this rider");
}

pub(crate) async fn an_exhausted_ladder_ends_and_is_noticed(stage: &Stage) {
    let ladder = vec![step(10, Act::Exhausted)];
    let alert = stage.accept_aloud(offer(&["r1", "r2"], ladder)).await;
    stage.progress("r2", alert, Change::Received, 120).await;
    let stepped = take(stage, alert, 0, 10_100).await.unwrap();
    let reasons = [("r1", EndReason::NeverSent), ("r2", EndReason::NotPlayed)];
    assert_eq!(stepped.ended, reasons.map(|(rider, reason)| ended(stage, rider, alert, reason)));
    let record = stage.record(alert).await;
    assert_eq!((record.alert.state, record.alert.ended_at), (AlertState::Exhausted, Some(EpochMs(10_100))));
    let kinds = async || {
        let notices = stage.store.notices(stage.app, 0, 9).await.unwrap();
        notices.into_iter().map(|numbered| numbered.notice.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds().await, [NoticeKind::Exhausted]);
    let ladder = vec![step(900, Act::Desk)];
    let silent = Told { id: "e2", order: Some("o2"), expires_at: 500, ..offer(&["r1", "r2"], ladder) };
    stage.accept_aloud(silent).await;
    for _ in 0..3 {
        stage.store.expire_due(EpochMs(500), 9, 1).await.unwrap();
    }
    assert_eq!(kinds().await, [NoticeKind::Exhausted; 2], "once, though it took several sweeps");
}

pub(crate) async fn nothing_is_taken_after_the_end(stage: &Stage) {
    let ladder = || vec![step(10, Act::Repeat), step(20, Act::Next)];
    let of = |id| Told { id, candidates: &["r2"], expires_at: 15_000, ..offer(&["r1"], ladder()) };
    let won = stage.accept_aloud(of("e1")).await;
    let cancelled = stage.accept_aloud(Told { order: Some("o2"), ..of("e2") }).await;
    let over = stage.accept_aloud(Told { order: Some("o3"), ..of("e3") }).await;
    stage.progress("r1", won, Change::Answered(Answer::Accept), 120).await;
    stage.store.cancel_alert(stage.app, cancelled, EpochMs(130)).await.unwrap();
    assert_eq!(due(stage, 10_100).await, [(over, 0)]);
    for alert in [won, cancelled] {
        assert_eq!(take(stage, alert, 0, 10_100).await, None);
    }
    assert_eq!(take(stage, over, 0, 15_000).await, None, "its time is over, if no sweep has been there");
    stage.store.expire_due(EpochMs(15_000), 9, 9).await.unwrap();
    assert_eq!(due(stage, 99_000).await, []);
}

pub(crate) async fn a_step_asks_for_requests(stage: &Stage) {
    let call = HttpCall { url: "https://voice.example/call".to_owned(), ..HttpCall::default() };
    let ladder = vec![step(10, Act::Http(call.clone()))];
    let alert = stage.accept_aloud(offer(&["r1", "r2", "r3"], ladder)).await;
    stage.progress("r2", alert, Change::Answered(Answer::Decline), 120).await;
    let stepped = take(stage, alert, 0, 10_100).await.unwrap();
    assert_eq!(stage.store.due_calls(EpochMs(10_099), 9).await.unwrap(), []);
    let calls = stage.store.due_calls(EpochMs(10_100), 9).await.unwrap();
    assert_eq!(calls.iter().map(|call| call.rider.as_str()).collect::<Vec<_>>(), ["r1", "r3"]);
    assert_eq!(calls.iter().map(|call| call.id).collect::<Vec<_>>(), stepped.calls);
    assert_eq!((calls[0].alert, calls[0].level, calls[0].attempts, &calls[0].call), (alert, 0, 0, &call));
    let (one, other) = (calls[0].id, calls[1].id);
    let take =
        async |id, again_at, at| stage.store.take_call(id, EpochMs(again_at), EpochMs(at)).await.unwrap();
    assert!(take(one, 20_000, 10_100).await);
    assert!(!take(one, 20_000, 19_999).await, "somebody makes it already");
    assert!(take(one, 30_000, 20_000).await, "whoever made it has not come back");
    stage.store.finish_call(one, CallResult::Again(EpochMs(22_000)), EpochMs(20_050)).await.unwrap();
    assert!(!take(one, 40_000, 21_999).await, "its pause is not over");
    assert!(take(one, 40_000, 22_000).await);
    stage.store.finish_call(other, CallResult::Failed(Some(404)), EpochMs(10_200)).await.unwrap();
    stage.store.finish_call(other, CallResult::Again(EpochMs(10_300)), EpochMs(10_250)).await.unwrap();
    assert!(!take(other, 99_000, 99_000).await, "it is over");
    let left = stage.store.due_calls(EpochMs(99_000), 9).await.unwrap();
    assert_eq!(left.iter().map(|call| (call.id, call.attempts)).collect::<Vec<_>>(), [(one, 3)]);
    stage.store.finish_call(one, CallResult::Done(200), EpochMs(20_100)).await.unwrap();
    assert_eq!(stage.store.due_calls(EpochMs(99_000), 9).await.unwrap(), []);
}

pub(crate) async fn a_fallback_is_taken_before_its_time(stage: &Stage) {
    let ladder = vec![step(10, Act::Repeat), Step { fallback: true, ..step(60, Act::Desk) }];
    let alert = stage.accept_aloud(offer(&["r1"], ladder)).await;
    let fallback = async |level| {
        let world = stage.world(rules());
        stage.store.step(alert, level, When::Fallback, None, world, EpochMs(200)).await.unwrap()
    };
    assert_eq!(fallback(0).await, None, "it is none");
    assert_eq!(fallback(1).await.unwrap().act, "desk");
    assert_eq!(fallback(1).await, None);
    assert_eq!(due(stage, 99_000).await, [(alert, 0)], "the rest comes in its time");
}

pub(crate) async fn alerts_that_may_need_a_fallback_are_found(stage: &Stage) {
    let ladder = || vec![step(10, Act::Repeat)];
    let both = stage.accept_aloud(offer(&["r1", "r2", "r3"], ladder())).await;
    stage.accept_aloud(Told { id: "e2", riders: &["r1"], ..Told::default() }).await;
    let alone = stage.accept_mute(Told { id: "e3", order: Some("o3"), ..offer(&["r1"], ladder()) }).await;
    stage.progress("r2", both, Change::Answered(Answer::Decline), 120).await;
    let found = async |rider| {
        let found = stage.store.laddered(stage.rider(rider)).await.unwrap();
        let riders = |riders: Vec<orderbell::domain::RiderId>| {
            riders.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        found.into_iter().map(|(head, open)| (head.id, riders(open))).collect::<Vec<_>>()
    };
    assert_eq!(found("r1").await, [(both, "r1 r3".to_owned()), (alone, "r1".to_owned())]);
    assert_eq!(found("r2").await, []);
    stage.store.cancel_alert(stage.app, both, EpochMs(130)).await.unwrap();
    assert_eq!(found("r3").await, []);
}
