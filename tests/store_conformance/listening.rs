//! What a rider's session asks for and reports.

use futures_util::future::join_all;
use orderbell::domain::delivery::{AnswerOutcome, Change};
use orderbell::domain::{Answer, Delivery, DeliveryState, EpochMs, Mode, RiderKey, Urgency};
use orderbell::store::Progress;

use crate::stage::{Stage, a_sound, own};
use crate::told::Told;

pub(crate) async fn nothing_is_open_before_it_has_its_sound(stage: &Stage) {
    let alert = stage.accept_mute(Told { riders: &["r1"], ..Told::default() }).await;
    assert_eq!(stage.open("r1").await, []);
    assert_eq!(stage.store.open_ids(stage.rider("r1")).await.unwrap(), []);
    assert!(stage.store.mark_rendered(alert, a_sound("clip"), EpochMs(110)).await.unwrap());
    let open = stage.open("r1").await;
    assert_eq!(open.len(), 1);
    assert_eq!(*open[0].alert, stage.record(alert).await.alert);
    assert_eq!(open[0].delivery, stage.record(alert).await.deliveries[0]);
    assert_eq!(open[0].alert.sound, Some(a_sound("clip")));
    assert_eq!(stage.store.open_ids(stage.rider("r1")).await.unwrap(), [(alert, 1)]);
    stage.progress("r1", alert, Change::Played { play: 1 }, 120).await;
    assert_eq!(stage.open("r1").await, []);
    assert_eq!(stage.store.open_ids(stage.rider("r1")).await.unwrap(), []);
}

pub(crate) async fn a_sound_that_is_there_already_is_committed_with_its_alert(stage: &Stage) {
    let mut event = stage.event(&Told { riders: &["r1"], ..Told::default() });
    let alert = event.alert.as_mut().unwrap();
    (alert.sound, alert.rendered_at) = (Some(a_sound("clip")), Some(EpochMs(100)));
    let sent = alert.clone();
    stage.store.accept(event).await.unwrap();
    let open = stage.open("r1").await;
    assert_eq!(open.len(), 1, "it may be sent at once");
    assert_eq!((&open[0].alert.sound, open[0].alert.rendered_at), (&sent.sound, sent.rendered_at));
    assert_eq!(stage.store.unrendered(10).await.unwrap(), []);
}

pub(crate) async fn what_is_open_comes_most_urgent_first(stage: &Stage) {
    let mut alerts = Vec::new();
    let all =
        [("a", Urgency::Low), ("b", Urgency::Critical), ("c", Urgency::Normal), ("d", Urgency::Critical)];
    for (id, urgency) in all {
        alerts.push(stage.accept_aloud(Told { id, urgency, riders: &["r1"], ..Told::default() }).await);
    }
    let open: Vec<_> = stage.open("r1").await.iter().map(|open| open.delivery.seq).collect();
    assert_eq!(open, [2, 4, 3, 1]);
    assert_eq!(stage.store.open_deliveries(stage.rider("r1"), 2).await.unwrap().len(), 2);
    let ids: Vec<_> = stage.store.open_ids(stage.rider("r1")).await.unwrap();
    assert_eq!(ids.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), alerts, "ids come by seq");
}

pub(crate) async fn a_later_sound_replaces_an_earlier_one(stage: &Stage) {
    let alert = stage.accept_aloud(Told { riders: &["r1"], ..Told::default() }).await;
    assert!(stage.store.mark_rendered(alert, a_sound("better"), EpochMs(130)).await.unwrap());
    let kept = stage.record(alert).await.alert;
    assert_eq!((kept.sound, kept.rendered_at), (Some(a_sound("better")), Some(EpochMs(110))));
    stage.store.cancel_alert(stage.app, alert, EpochMs(140)).await.unwrap();
    assert!(stage.store.mark_rendered(alert, a_sound("late"), EpochMs(150)).await.unwrap(), "there is one");
    assert_eq!(stage.record(alert).await.alert.sound, Some(a_sound("better")), "but it has ended");
    let nobody = orderbell::domain::AlertId::new(EpochMs(1), [9; 10]);
    assert!(!stage.store.mark_rendered(nobody, a_sound("clip"), EpochMs(150)).await.unwrap());
}

pub(crate) async fn what_has_no_sound_is_found_oldest_first(stage: &Stage) {
    let mut alerts = Vec::new();
    for (id, at) in [("e1", 300), ("e2", 100), ("e3", 200)] {
        stage.set_clock(at);
        alerts.push(stage.accept_mute(Told { id, riders: &["r1"], ..Told::default() }).await);
    }
    let found = async |limit| {
        let alerts = stage.store.unrendered(limit).await.unwrap();
        alerts.into_iter().map(|alert| alert.id).collect::<Vec<_>>()
    };
    assert_eq!(found(9).await, [alerts[1], alerts[2], alerts[0]]);
    assert_eq!(found(1).await, [alerts[1]]);
    stage.store.mark_rendered(alerts[1], a_sound("clip"), EpochMs(310)).await.unwrap();
    stage.store.cancel_alert(stage.app, alerts[2], EpochMs(320)).await.unwrap();
    assert_eq!(found(9).await, [alerts[0]], "neither what has a sound nor what has ended");
}

pub(crate) async fn progress_is_kept_and_a_repetition_changes_nothing(stage: &Stage) {
    let alert = stage.accept_aloud(Told { riders: &["r1"], mode: Mode::Ack, ..Told::default() }).await;
    let way = [
        (Change::Sent, DeliveryState::Sent),
        (Change::Received, DeliveryState::Received),
        (Change::Playing, DeliveryState::Playing),
        (Change::Played { play: 2 }, DeliveryState::Played),
    ];
    for (step, (change, state)) in (120..).zip(way) {
        let first = stage.progress("r1", alert, change.clone(), step).await;
        assert_eq!((first.changed, first.delivery.state, first.outcome), (true, state, None));
        assert_eq!(stage.record(alert).await.deliveries[0], first.delivery);
        if change != Change::Sent {
            let again = stage.progress("r1", alert, change, step + 50).await;
            assert!(!again.changed);
            assert_eq!(again.delivery, first.delivery);
        }
    }
    let trouble = Change::Trouble("failed:network".into());
    let kept = stage.progress("r1", alert, trouble, 200).await.delivery;
    assert_eq!(kept.trouble.as_deref(), Some("failed:network"));
    assert_eq!((kept.sent_at, kept.received_at), (Some(EpochMs(120)), Some(EpochMs(121))));
    assert_eq!((kept.playing_at, kept.played_at), (Some(EpochMs(122)), Some(EpochMs(123))));
    assert_eq!((kept.plays, kept.attempts, kept.ended_at), (2, 1, None));
}

pub(crate) async fn changes_apply_in_their_order(stage: &Stage) {
    let one = stage.accept_aloud(Told { riders: &["r1", "r2"], ..Told::default() }).await;
    let change = |rider: &str, change, at| stage.says(rider, one, change, at);
    let changes = vec![
        change("r1", Change::Sent, 120),
        change("r1", Change::Played { play: 1 }, 121),
        change("nobody", Change::Sent, 122),
        change("r1", Change::Sent, 123),
        change("r2", Change::Played { play: 1 }, 124),
    ];
    let done = stage.store.progress(changes).await.unwrap();
    let news: Vec<_> = done.iter().map(|done| done.as_ref().map(|done| done.changed)).collect();
    assert_eq!(news, [Some(true), Some(true), None, Some(false), Some(true)]);
    let alert = stage.record(one).await.alert;
    assert_eq!((alert.state, alert.ended_at), (orderbell::domain::AlertState::Completed, Some(EpochMs(124))));
    assert_eq!(stage.store.progress(Vec::new()).await.unwrap(), []);
}

pub(crate) async fn an_answer_is_recorded_once(stage: &Stage) {
    let told = Told { riders: &["r1", "r2"], mode: Mode::Assign, ..Told::default() };
    let alert = stage.accept_aloud(told).await;
    let answer = |answer| Change::Answered(answer);
    let first = stage.progress("r1", alert, answer(Answer::Accept), 120).await;
    assert_eq!((first.changed, first.outcome), (true, Some(AnswerOutcome::Recorded)));
    assert_eq!(first.delivery.state, DeliveryState::Accepted);
    let again = stage.progress("r1", alert, answer(Answer::Accept), 130).await;
    assert_eq!((again.changed, again.outcome), (false, Some(AnswerOutcome::Recorded)));
    let other = stage.progress("r1", alert, answer(Answer::Decline), 140).await;
    assert_eq!((other.ended_now, other.outcome), (false, Some(AnswerOutcome::Gone)));
    let noted = Delivery { late_answer: Some(Answer::Decline), ..first.delivery };
    assert_eq!(other.delivery, noted, "what comes after the end is noted and changes nothing");
    assert_eq!(stage.record(alert).await.deliveries[0], noted);
}

pub(crate) async fn what_is_told_at_once_is_told_one_by_one(stage: &Stage) {
    let riders: Vec<String> = (0..20).map(|n| format!("r{n}")).collect();
    let riders: Vec<&str> = riders.iter().map(String::as_str).collect();
    let offer = stage.accept_aloud(Told { riders: &["r0"], mode: Mode::Assign, ..Told::default() }).await;
    let alert = stage.accept_aloud(Told { id: "e2", riders: &riders, ..Told::default() }).await;
    let answers = [Answer::Decline, Answer::Accept, Answer::Decline, Answer::Accept].map(Change::Answered);
    let answers = answers.into_iter().map(|answer| stage.progress("r0", offer, answer, 120));
    let played = riders.iter().map(|rider| stage.progress(rider, alert, Change::Played { play: 1 }, 130));
    let (answers, played) = tokio::join!(join_all(answers), join_all(played));
    assert_eq!(answers.iter().filter(|answer| answer.ended_now).count(), 1, "one of them was the first");
    let kept = answers[0].delivery.answer;
    for answer in &answers {
        assert_eq!(answer.delivery.answer, kept);
    }
    let recorded = answers.iter().filter(|answer| answer.outcome == Some(AnswerOutcome::Recorded));
    assert_eq!(recorded.count(), 2, "the same answer again is as good");
    assert!(played.iter().all(|played| played.changed));
    assert_eq!(stage.state(alert).await, orderbell::domain::AlertState::Completed);
}

pub(crate) async fn a_late_receipt_is_noted(stage: &Stage) {
    let alert = stage.accept_aloud(Told { riders: &["r1"], expires_at: 200, ..Told::default() }).await;
    stage.store.expire_due(EpochMs(200), 2, 9).await.unwrap();
    let ended = stage.record(alert).await;
    let late = stage.progress("r1", alert, Change::Played { play: 1 }, 210).await;
    assert!(late.changed);
    assert_eq!(late.delivery.played_at, Some(EpochMs(210)));
    assert_eq!(late.delivery.state, DeliveryState::Expired);
    assert_eq!(late.delivery.reason, ended.deliveries[0].reason);
    assert_eq!(stage.record(alert).await.deliveries, [late.delivery]);
    assert_eq!(stage.record(alert).await.alert, ended.alert, "an ended alert never changes");
}

pub(crate) async fn a_stranger_has_no_such_delivery(stage: &Stage) {
    let alert = stage.accept_aloud(Told { riders: &["r1"], ..Told::default() }).await;
    let theirs = RiderKey { app: stage.other, rider: "r1".parse().unwrap() };
    for rider in [stage.rider("r2"), theirs] {
        let change = Progress { rider, ..stage.says("r1", alert, Change::Received, 120) };
        assert_eq!(stage.store.progress(vec![change]).await.unwrap(), [None]);
    }
    assert_eq!(stage.record(alert).await.deliveries[0].state, DeliveryState::Pending);
}

pub(crate) async fn a_lost_bell_is_found(stage: &Stage) {
    let pending = async |since, limit| {
        let riders = stage.store.pending_since(EpochMs(since), limit).await.unwrap();
        riders.into_iter().map(|key| key.rider.as_str().to_owned()).collect::<Vec<_>>()
    };
    let mute = stage.accept_mute(Told { id: "e0", riders: &["r9"], ..Told::default() }).await;
    let first = stage.accept(Told { id: "e1", riders: &["r2", "r1"], ..Told::default() }).await;
    let second = stage.accept(Told { id: "e2", riders: &["r1", "r0"], ..Told::default() }).await;
    assert_eq!(pending(0, 9).await, Vec::<String>::new());
    let (first, second) = (own(&first), own(&second));
    stage.store.mark_rendered(first, a_sound("clip"), EpochMs(200)).await.unwrap();
    stage.store.mark_rendered(second, a_sound("clip"), EpochMs(300)).await.unwrap();
    assert_eq!(pending(200, 9).await, ["r1", "r2", "r0"], "each once");
    assert_eq!(pending(200, 2).await, ["r1", "r2"]);
    assert_eq!(pending(201, 9).await, ["r0", "r1"]);
    stage.progress("r1", second, Change::Sent, 310).await;
    assert_eq!(pending(201, 9).await, ["r0"]);
    stage.store.cancel_alert(stage.app, second, EpochMs(320)).await.unwrap();
    assert_eq!(pending(201, 9).await, Vec::<String>::new());
    stage.store.mark_rendered(mute, a_sound("clip"), EpochMs(400)).await.unwrap();
    assert_eq!(pending(400, 9).await, ["r9"]);
}
