//! How alerts and deliveries end: once, with a reason, and told to whoever must know.

use orderbell::domain::delivery::{Change, EndReason};
use orderbell::domain::target::DutyRule;
use orderbell::domain::{AlertId, AlertState, Answer, DeliveryState, EpochMs, FirstStatus, Mode};
use orderbell::store::Duty;

use crate::stage::{Stage, a_sound, ended, firsts};
use crate::told::Told;

pub(crate) async fn an_alert_is_completed_with_its_last_delivery(stage: &Stage) {
    let alert = stage.accept_aloud(Told { riders: &["r1", "r2"], ..Told::default() }).await;
    assert!(!stage.progress("r1", alert, Change::Received, 115).await.ended_now);
    assert!(stage.progress("r1", alert, Change::Played { play: 1 }, 120).await.ended_now);
    let late = stage.progress("r1", alert, Change::Trouble("late".into()), 125).await;
    assert!(late.changed && !late.ended_now, "it ends once");
    assert_eq!(stage.state(alert).await, AlertState::Active);
    stage.progress("r2", alert, Change::Played { play: 1 }, 130).await;
    let record = stage.record(alert).await;
    assert_eq!((record.alert.state, record.alert.ended_at), (AlertState::Completed, Some(EpochMs(130))));
    assert_eq!(stage.store.cancel_alert(stage.app, alert, EpochMs(140)).await.unwrap(), Some(Vec::new()));
    assert_eq!(stage.record(alert).await, record, "what has ended stays as it is");
}

pub(crate) async fn a_cancelled_alert_ends_what_is_open(stage: &Stage) {
    let alert = stage.accept_aloud(Told { riders: &["r1", "r2", "r3"], ..Told::default() }).await;
    stage.progress("r2", alert, Change::Played { play: 1 }, 120).await;
    let told = stage.store.cancel_alert(stage.app, alert, EpochMs(130)).await.unwrap().unwrap();
    let reason = EndReason::CancelledByAlert;
    assert_eq!(told, [ended(stage, "r1", alert, reason), ended(stage, "r3", alert, reason)]);
    let record = stage.record(alert).await;
    assert_eq!((record.alert.state, record.alert.ended_at), (AlertState::Cancelled, Some(EpochMs(130))));
    let states: Vec<_> = record.deliveries.iter().map(|delivery| delivery.state).collect();
    assert_eq!(states, [DeliveryState::Cancelled, DeliveryState::Played, DeliveryState::Cancelled]);
    assert_eq!(stage.open("r1").await, []);
    let nobody = AlertId::new(EpochMs(1), [9; 10]);
    assert_eq!(stage.store.cancel_alert(stage.app, nobody, EpochMs(130)).await.unwrap(), None);
}

pub(crate) async fn a_cancelled_order_ends_all_its_alerts(stage: &Stage) {
    let of = |id, order, riders| Told { id, order: Some(order), riders, ..Told::default() };
    let one = stage.accept_aloud(of("e1", "o1", &["r1"])).await;
    let mute = stage.accept_mute(of("e2", "o1", &["r2", "r1"])).await;
    let other = stage.accept_aloud(of("e3", "o2", &["r1"])).await;
    let done = stage.accept_aloud(of("e4", "o1", &["r1"])).await;
    stage.progress("r1", done, Change::Played { play: 1 }, 120).await;
    let told = stage.store.cancel_order(stage.order("o1"), EpochMs(130)).await.unwrap();
    let expected = [("r1", one), ("r2", mute), ("r1", mute)]
        .map(|(rider, alert)| ended(stage, rider, alert, EndReason::CancelledByOrder));
    assert_eq!(told, expected);
    for alert in [one, mute] {
        assert_eq!(stage.state(alert).await, AlertState::Cancelled);
    }
    assert_eq!(stage.state(other).await, AlertState::Active);
    assert_eq!(stage.state(done).await, AlertState::Completed);
    assert_eq!(stage.store.cancel_order(stage.order("o1"), EpochMs(140)).await.unwrap(), []);
}

pub(crate) async fn expiry_says_what_was_missing(stage: &Stage) {
    let riders = ["never", "sent", "received", "played", "answered"];
    let told = Told { riders: &riders, mode: Mode::Ack, expires_at: 200, ..Told::default() };
    let alert = stage.accept_aloud(told).await;
    let way = [Change::Sent, Change::Received, Change::Played { play: 1 }, Change::Answered(Answer::Confirm)];
    for (steps, rider) in riders.iter().enumerate() {
        for change in &way[..steps] {
            stage.progress(rider, alert, change.clone(), 150).await;
        }
    }
    assert_eq!(stage.store.expire_due(EpochMs(199), 2, 99).await.unwrap(), [], "not yet");
    let told = stage.store.expire_due(EpochMs(200), 2, 99).await.unwrap();
    let expected = [
        ended(stage, "never", alert, EndReason::NeverSent),
        ended(stage, "sent", alert, EndReason::NotReceived),
        ended(stage, "received", alert, EndReason::NotPlayed),
        ended(stage, "played", alert, EndReason::NotAnswered),
    ];
    assert_eq!(told, expected);
    let record = stage.record(alert).await;
    assert_eq!((record.alert.state, record.alert.ended_at), (AlertState::Expired, Some(EpochMs(200))));
    assert_eq!(record.deliveries[3].state, DeliveryState::Expired);
    assert_eq!(record.deliveries[4].state, DeliveryState::Acknowledged);
    assert_eq!(stage.store.expire_due(EpochMs(999), 2, 99).await.unwrap(), [], "once");
}

pub(crate) async fn expiry_has_a_limit_and_takes_the_oldest_first(stage: &Stage) {
    let of = |id, expires_at| Told { id, riders: &["r1", "r2"], expires_at, ..Told::default() };
    let late = stage.accept_aloud(of("e1", 300)).await;
    let early = stage.accept_mute(of("e2", 200)).await;
    let mut told = Vec::new();
    for _ in 0..4 {
        told.extend(stage.store.expire_due(EpochMs(400), 2, 1).await.unwrap());
    }
    let expected = [("r1", early), ("r2", early), ("r1", late), ("r2", late)]
        .map(|(rider, alert)| ended(stage, rider, alert, EndReason::NeverSent));
    assert_eq!(told, expected);
    assert_eq!(stage.state(early).await, AlertState::Expired);
    assert_eq!(stage.store.expire_due(EpochMs(400), 2, 9).await.unwrap(), []);
}

pub(crate) async fn going_off_duty_ends_what_asks_for_duty(stage: &Stage) {
    let of = |id, riders, duty| Told { id, riders, duty, ..Told::default() };
    let asks = stage.accept_aloud(of("e1", &["r1", "r2"], DutyRule::OnDutyOnly)).await;
    let alone = stage.accept_mute(of("e2", &["r1"], DutyRule::OnDutyOnly)).await;
    let anyone = stage.accept_aloud(of("e3", &["r1"], DutyRule::Anyone)).await;
    let told = stage.store.set_duty(stage.rider("r1"), Duty::Off, EpochMs(120)).await.unwrap();
    let expected = [asks, alone].map(|alert| ended(stage, "r1", alert, EndReason::OffDuty));
    assert_eq!(told, expected);
    assert_eq!(stage.record(asks).await.deliveries[0].state, DeliveryState::Suppressed);
    assert_eq!(stage.state(asks).await, AlertState::Active, "the other rider's is open");
    assert_eq!(stage.state(alone).await, AlertState::Completed);
    assert_eq!(stage.state(anyone).await, AlertState::Active);
    let rider = stage.store.rider(stage.rider("r1")).await.unwrap().unwrap();
    assert!(!rider.on_duty && rider.known, "whoever speaks of duty has described the rider");
    assert_eq!(stage.store.set_duty(stage.rider("r1"), Duty::Off, EpochMs(130)).await.unwrap(), []);
    assert_eq!(stage.store.set_duty(stage.rider("r1"), Duty::On, EpochMs(140)).await.unwrap(), []);
    let back = stage.accept(of("e4", &["r1"], DutyRule::OnDutyOnly)).await;
    assert_eq!(firsts(&back)[0].status, FirstStatus::Offline);
}

pub(crate) async fn reasons_are_told_of_what_has_ended(stage: &Stage) {
    let played = stage.accept_aloud(Told { id: "e1", riders: &["r1"], ..Told::default() }).await;
    let cancelled = stage.accept_mute(Told { id: "e2", riders: &["r1"], ..Told::default() }).await;
    let open = stage.accept_aloud(Told { id: "e3", riders: &["r1"], ..Told::default() }).await;
    let strange = stage.accept_aloud(Told { id: "e4", riders: &["r2"], ..Told::default() }).await;
    stage.store.mark_rendered(cancelled, a_sound("clip"), EpochMs(111)).await.unwrap();
    stage.progress("r1", played, Change::Played { play: 1 }, 120).await;
    stage.store.cancel_alert(stage.app, cancelled, EpochMs(121)).await.unwrap();
    let asked = vec![strange, open, cancelled, played];
    let mut reasons = stage.store.ended_reasons(stage.rider("r1"), asked).await.unwrap();
    reasons.sort_by_key(|(alert, _)| *alert);
    let mut expected = vec![(played, EndReason::Played), (cancelled, EndReason::CancelledByAlert)];
    expected.sort_by_key(|(alert, _)| *alert);
    assert_eq!(reasons, expected);
}
