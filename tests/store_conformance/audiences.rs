//! Audiences that are told later: large ones in parts, and those whose time has not come.

use orderbell::domain::book::DropReason;
use orderbell::domain::delivery::EndReason;
use orderbell::domain::kind::{Ends, OrderPolicy};
use orderbell::domain::{AlertId, AlertState, EpochMs, RiderId};
use orderbell::store::{AUDIENCE_MAX, Accepted, DELIVERIES_SHOWN_MAX, Duty, Outcome, Receipt, Unrolled};

use crate::stage::{Stage, a_sound, ended, firsts, own, parsed};
use crate::told::{Everyone, Silent, Told, ends, rules};

/// A city of so many riders, of whom the first three are known.
async fn city(stage: &Stage, count: usize) -> Vec<String> {
    let riders: Vec<String> = (0..count).map(|n| format!("r{n:04}")).collect();
    let names: Vec<&str> = riders.iter().map(String::as_str).collect();
    stage.store.put_group(stage.app, "city".parse().unwrap(), parsed(&names)).await.unwrap();
    for rider in &riders[..3] {
        stage.store.touch_rider(stage.rider(rider), EpochMs(1)).await.unwrap();
    }
    riders
}

fn to_the_city<'a>() -> Told<'a> {
    Told { groups: &["city"], sound: Some(a_sound("clip")), ..Told::default() }
}

async fn unroll(stage: &Stage, alert: AlertId, chunk: u32, at: i64) -> Unrolled {
    let (policy, world) = (OrderPolicy::default(), stage.world(rules()));
    stage.store.unroll(alert, chunk, policy, world, EpochMs(at)).await.unwrap()
}

fn names(unrolled: &Unrolled) -> Vec<&str> {
    unrolled.riders.iter().map(|key| key.rider.as_str()).collect()
}

async fn due(stage: &Stage, now: i64) -> Vec<AlertId> {
    let due = stage.store.due_targets(EpochMs(now), 9).await.unwrap();
    assert!(due.iter().all(|due| due.app == stage.app && due.kind == "order.new"));
    due.into_iter().map(|due| due.alert).collect()
}

pub(crate) async fn a_large_audience_is_told_in_parts(stage: &Stage) {
    let riders = city(stage, AUDIENCE_MAX + 1).await;
    let told = Told { riders: &["zz", "r0005", "zz"], exclude: &["r0001", "nobody"], ..to_the_city() };
    let receipt = stage.accept(told.clone()).await;
    let alert = own(&receipt);
    assert_eq!((receipt.outcome, receipt.audience), (Outcome::Alerted, Some(1_001)));
    assert_eq!(firsts(&receipt), []);
    let record = stage.record(alert).await;
    assert_eq!(
        (record.alert.state, record.alert.unrolling, record.delivery_count),
        (AlertState::Active, true, 0)
    );
    let expected: Vec<&str> =
        riders.iter().map(String::as_str).filter(|rider| *rider != "r0001").chain(["zz"]).collect();
    let mut found: Vec<String> = Vec::new();
    for part in 1..=5 {
        assert_eq!(due(stage, 100).await, [alert]);
        let unrolled = unroll(stage, alert, 250, 100 + part).await;
        assert_eq!(unrolled.more, part < 5);
        found.extend(names(&unrolled).into_iter().map(ToOwned::to_owned));
    }
    assert_eq!(found, expected, "each once");
    assert_eq!(due(stage, 100).await, []);
    assert_eq!(unroll(stage, alert, 250, 200).await, Unrolled::default());
    let record = stage.record(alert).await;
    assert_eq!(
        (record.delivery_count, record.alert.open_count, record.alert.unrolling),
        (1_001, 1_001, false)
    );
    assert_eq!(record.deliveries.len(), DELIVERIES_SHOWN_MAX as usize);
    let again = stage.store.accept(stage.event(&told)).await.unwrap();
    assert_eq!(again, Accepted::Duplicate(receipt), "what was answered then");
}

pub(crate) async fn an_audience_is_large_by_those_it_means(stage: &Stage) {
    let riders = city(stage, AUDIENCE_MAX + 1).await;
    let names: Vec<&str> = riders.iter().map(String::as_str).collect();
    stage.store.put_group(stage.app, "twin".parse().unwrap(), parsed(&names)).await.unwrap();
    let fits = Told { groups: &["city", "twin"], exclude: &["r0000"], ..to_the_city() };
    let fits = stage.accept(fits).await;
    assert_eq!((fits.audience, firsts(&fits).len()), (None, AUDIENCE_MAX), "each of them counts once");
    assert_eq!(firsts(&fits)[0].rider.as_str(), "r0001");
    let one_more = Told { id: "e2", groups: &["city", "twin"], everyone: Everyone::Yes, ..to_the_city() };
    assert_eq!(stage.accept(one_more).await.audience, Some(1_001));
    let others =
        Told { id: "e3", groups: &[], everyone: Everyone::Yes, exclude: &["r0000"], ..to_the_city() };
    let others = stage.accept(others).await;
    assert_eq!(
        firsts(&others).iter().map(|first| first.rider.as_str()).collect::<Vec<_>>(),
        ["r0001", "r0002"]
    );
}

pub(crate) async fn whoever_joins_while_it_is_told_is_told_once(stage: &Stage) {
    city(stage, AUDIENCE_MAX + 1).await;
    let told = Told { riders: &["a1"], everyone: Everyone::Yes, ..to_the_city() };
    let alert = own(&stage.accept(told).await);
    assert_eq!(names(&unroll(stage, alert, 2, 110).await), ["a1", "r0000"]);
    let join = |riders: &[&str]| {
        stage.store.change_group(stage.app, "city".parse().unwrap(), parsed(riders), parsed(&["r0001"]))
    };
    join(&["a0", "r0000a"]).await.unwrap();
    stage.store.touch_rider(stage.rider("r0000b"), EpochMs(115)).await.unwrap();
    stage.store.set_duty(stage.rider("r0000c"), Duty::Off, EpochMs(115)).await.unwrap();
    let next = unroll(stage, alert, 4, 120).await;
    assert_eq!(names(&next), ["r0000a", "r0000b", "r0001"], "still known, if no member");
    assert_eq!(
        stage.delivery(alert, "r0000c").await.reason,
        Some(EndReason::OffDuty),
        "who is passed over is seen"
    );
}

pub(crate) async fn what_is_cancelled_in_between_is_told_no_further(stage: &Stage) {
    city(stage, AUDIENCE_MAX + 1).await;
    let alert = own(&stage.accept(to_the_city()).await);
    unroll(stage, alert, 2, 110).await;
    let cancelled = stage.store.cancel_alert(stage.app, alert, EpochMs(120)).await.unwrap().unwrap();
    assert_eq!(
        cancelled,
        ["r0000", "r0001"].map(|rider| ended(stage, rider, alert, EndReason::CancelledByAlert))
    );
    assert_eq!(due(stage, 99_000).await, []);
    assert_eq!(unroll(stage, alert, 2, 130).await, Unrolled::default());
    assert_eq!(stage.record(alert).await.delivery_count, 2);
    let over = own(&stage.accept(Told { id: "e2", expires_at: 200, ..to_the_city() }).await);
    assert_eq!(stage.store.expire_due(EpochMs(200), 2, 9).await.unwrap(), []);
    assert_eq!(stage.state(over).await, AlertState::Expired, "its time was over before anyone was told");
    assert_eq!((due(stage, 200).await, unroll(stage, over, 2, 200).await), (vec![], Unrolled::default()));
}

pub(crate) async fn an_alert_lives_while_riders_are_left(stage: &Stage) {
    city(stage, AUDIENCE_MAX + 1).await;
    let alert = own(&stage.accept(to_the_city()).await);
    for rider in names(&unroll(stage, alert, 2, 110).await) {
        let played = orderbell::domain::delivery::Change::Played { play: 1 };
        assert!(stage.progress(rider, alert, played, 120).await.ended_now);
    }
    assert_eq!(stage.state(alert).await, AlertState::Active);
    assert_eq!(names(&unroll(stage, alert, 1, 130).await), ["r0002"]);
}

pub(crate) async fn a_part_takes_the_place_of_older_alerts(stage: &Stage) {
    city(stage, AUDIENCE_MAX + 1).await;
    let older = Told { id: "e0", key: Some("k"), riders: &["r0001", "r0900"], ..Told::default() };
    let older = stage.accept_aloud(older).await;
    let alert = own(&stage.accept(Told { key: Some("k"), ..to_the_city() }).await);
    assert_eq!(stage.state(older).await, AlertState::Active);
    let part = unroll(stage, alert, 3, 110).await;
    assert_eq!(part.ended, [ended(stage, "r0001", older, EndReason::Superseded)]);
    assert_eq!(stage.delivery(older, "r0900").await.ended_at, None, "not before it is their turn");
}

pub(crate) async fn an_end_for_many_ends_for_everyone(stage: &Stage) {
    city(stage, AUDIENCE_MAX + 1).await;
    let told = Told { id: "e0", order: Some("o1"), riders: &["r0001", "stranger"], ..Told::default() };
    let told = stage.accept_aloud(told).await;
    let policy = ends(Ends::Cancelled);
    let silent = Told { order: Some("o1"), silent: Silent::Yes, policy, ..to_the_city() };
    let receipt = stage.accept(silent).await;
    let expected = ["r0001", "stranger"].map(|rider| ended(stage, rider, told, EndReason::CancelledByOrder));
    assert_eq!(
        receipt,
        Receipt { outcome: Outcome::Remembered, ended: expected.to_vec(), ..Receipt::default() }
    );
    let late = stage.accept(Told { id: "e2", order: Some("o1"), ..to_the_city() }).await;
    let dropped = Outcome::Dropped(DropReason::OrderCancelled);
    assert_eq!((late.outcome, late.audience, due(stage, 99_000).await), (dropped, None, vec![]));
}

pub(crate) async fn what_has_its_time_waits_for_it(stage: &Stage) {
    let told = Told { starts_at: Some(5_000), riders: &["r2", "r1", "r2"], ..Told::default() };
    let receipt = stage.accept(told.clone()).await;
    let alert = own(&receipt);
    assert_eq!((receipt.outcome, receipt.audience), (Outcome::Scheduled, Some(2)));
    assert_eq!(stage.state(alert).await, AlertState::Scheduled);
    assert_eq!(stage.store.unrendered(9).await.unwrap(), [], "it is not spoken before");
    assert_eq!((due(stage, 4_999).await, due(stage, 5_000).await), (vec![], vec![alert]));
    assert_eq!(unroll(stage, alert, 9, 4_999).await, Unrolled::default());
    assert_eq!(due(stage, 5_000).await, [alert], "and nothing was lost by asking");
    let unrolled = unroll(stage, alert, 9, 5_000).await;
    assert_eq!((names(&unrolled), unrolled.more), (vec!["r1", "r2"], false));
    assert_eq!(stage.state(alert).await, AlertState::Active);
    assert_eq!(stage.store.unrendered(9).await.unwrap().len(), 1);
    let again = stage.store.accept(stage.event(&told)).await.unwrap();
    assert_eq!(again, Accepted::Duplicate(receipt));
    let cancelled = own(&stage.accept(Told { id: "e2", ..told }).await);
    assert_eq!(stage.store.cancel_alert(stage.app, cancelled, EpochMs(200)).await.unwrap(), Some(Vec::new()));
    assert_eq!(stage.state(cancelled).await, AlertState::Cancelled);
    assert_eq!(due(stage, 5_000).await, []);
}

pub(crate) async fn a_scheduled_alert_for_nobody_is_completed_in_its_time(stage: &Stage) {
    let told = Told { starts_at: Some(5_000), groups: &["nowhere"], ..Told::default() };
    let receipt = stage.accept(told).await;
    assert_eq!(receipt.audience, Some(0));
    assert_eq!(unroll(stage, own(&receipt), 9, 5_000).await, Unrolled::default());
    assert_eq!(stage.state(own(&receipt)).await, AlertState::Completed);
    assert_eq!(stage.store.riders(stage.app, Vec::<RiderId>::new()).await.unwrap(), []);
}
