//! Events that come again and again.

use orderbell::domain::app::KeyMode;
use orderbell::domain::{EpochMs, ScheduleId};
use orderbell::store::{Accepted, NewEvent, Outcome, Receipt, Schedule};

use crate::stage::Stage;
use crate::told::Told;

pub(crate) fn recurring(stage: &Stage, id: &str, created_at: i64, next_at: i64) -> (NewEvent, Schedule) {
    let schedule = Schedule {
        id: ScheduleId::new(EpochMs(created_at), stage.fresh()),
        app: stage.app,
        key_mode: KeyMode::Live,
        event_id: id.parse().unwrap(),
        body: r#"{"kind":"shift.starting"}"#.to_owned(),
        recurrence: r#"{"every_s":60}"#.to_owned(),
        next_at: Some(EpochMs(next_at)),
        fired: 0,
        created_at: EpochMs(created_at),
    };
    let mut event = stage.event(&Told { id, riders: &["r1"], ..Told::default() });
    event.schedule = Some(schedule.clone());
    (event, schedule)
}

pub(crate) async fn a_recurring_event_is_kept_instead_of_an_alert(stage: &Stage) {
    let (event, schedule) = recurring(stage, "e1", 100, 5_000);
    let expected = Receipt { outcome: Outcome::Scheduled, ..Receipt::default() };
    assert_eq!(stage.store.accept(event.clone()).await.unwrap(), Accepted::New(expected.clone()));
    assert_eq!(stage.store.accept(event).await.unwrap(), Accepted::Duplicate(expected.clone()));
    assert_eq!(stage.store.schedules(stage.app).await.unwrap(), [schedule]);
    assert_eq!(stage.store.schedules(stage.other).await.unwrap(), []);
    assert_eq!(stage.store.unrendered(9).await.unwrap(), []);
    assert_eq!(stage.store.rider(stage.rider("r1")).await.unwrap(), None, "nobody was told");
    let event = stage.store.event(stage.app, "backend".into(), "e1".parse().unwrap()).await.unwrap();
    assert_eq!(event, Some(("order.new".to_owned(), expected)));
}

pub(crate) async fn each_time_happens_once(stage: &Stage) {
    let (later, second) = recurring(stage, "e1", 200, 6_000);
    let (sooner, first) = recurring(stage, "e2", 100, 5_000);
    stage.store.accept(later).await.unwrap();
    stage.store.accept(sooner).await.unwrap();
    let due = async |now, limit| {
        let due = stage.store.due_schedules(EpochMs(now), limit).await.unwrap();
        due.into_iter().map(|schedule| schedule.id).collect::<Vec<_>>()
    };
    assert_eq!(due(4_999, 9).await, []);
    assert_eq!(due(9_000, 9).await, [first.id, second.id]);
    assert_eq!(due(9_000, 1).await, [first.id]);
    let advance = async |id, from, next: Option<i64>| {
        stage.store.advance_schedule(id, EpochMs(from), next.map(EpochMs)).await.unwrap()
    };
    assert!(advance(first.id, 5_000, Some(7_000)).await);
    assert!(!advance(first.id, 5_000, Some(7_000)).await, "somebody else was there");
    assert_eq!(due(6_999, 9).await, [second.id]);
    let expected = Schedule { next_at: Some(EpochMs(7_000)), fired: 1, ..first.clone() };
    assert_eq!(stage.store.schedules(stage.app).await.unwrap(), [expected, second.clone()], "oldest first");
    assert!(advance(first.id, 7_000, None).await);
    assert_eq!(stage.store.schedules(stage.app).await.unwrap(), [second], "it has ended");
}

pub(crate) async fn a_recurring_event_is_ended_once(stage: &Stage) {
    let (event, schedule) = recurring(stage, "e1", 100, 5_000);
    stage.store.accept(event).await.unwrap();
    assert!(
        !stage.store.end_schedule(stage.other, KeyMode::Live, schedule.id).await.unwrap(),
        "not another app's"
    );
    assert!(stage.store.end_schedule(stage.app, KeyMode::Live, schedule.id).await.unwrap());
    assert!(!stage.store.end_schedule(stage.app, KeyMode::Live, schedule.id).await.unwrap());
    assert_eq!(stage.store.schedules(stage.app).await.unwrap(), []);
    assert_eq!(stage.store.due_schedules(EpochMs(9_000), 9).await.unwrap(), []);
    let moved =
        stage.store.advance_schedule(schedule.id, EpochMs(5_000), Some(EpochMs(6_000))).await.unwrap();
    assert!(!moved, "it does not begin again");
}
