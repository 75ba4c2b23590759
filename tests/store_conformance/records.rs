//! The record, looked through: alerts, a rider's history, what became of deliveries; page by page, and no page twice.

use orderbell::domain::app::KeyMode;
use orderbell::domain::delivery::{Change, EndReason};
use orderbell::domain::report::Outcome;
use orderbell::domain::{AlertId, AlertState, Answer, DeliveryState, EpochMs, Mode};
use orderbell::store::{
    AlertFilter, DeliveryPlace, HistoryFilter, Page, PageSize, PastDelivery, Span, Whose,
};

use crate::stage::{Stage, parsed};
use crate::told::Told;

const PLENTY: PageSize = PageSize { rows: 100, looks: 100 };

fn all() -> AlertFilter {
    AlertFilter { span: Span::ALL, order: None, rider: None, state: None, kind: None }
}

fn whole_history() -> HistoryFilter {
    HistoryFilter { span: Span::ALL, state: None, reason: None, kind: None }
}

fn span(since: i64, until: i64) -> Span {
    Span { since: EpochMs(since), until: EpochMs(until) }
}

async fn found(stage: &Stage, filter: AlertFilter) -> Vec<AlertId> {
    let page = stage.store.find_alerts(stage.app, filter, None, PLENTY).await.unwrap();
    assert_eq!(page.next, None);
    page.rows.iter().map(|summary| summary.alert.id).collect()
}

async fn history(stage: &Stage, rider: &str, filter: HistoryFilter) -> Page<PastDelivery, AlertId> {
    stage.store.rider_history(stage.rider(rider), filter, None, PLENTY).await.unwrap()
}

async fn outcomes(
    stage: &Stage,
    whose: Whose,
    span: Span,
    after: Option<DeliveryPlace>,
    limit: u32,
) -> Vec<Outcome> {
    stage.store.outcomes(stage.app, whose, span, after, limit).await.unwrap()
}

fn places(outcomes: &[Outcome]) -> Vec<(AlertId, String)> {
    outcomes.iter().map(|outcome| (outcome.alert, outcome.rider.to_string())).collect()
}

/// An alert at this moment.
async fn at(stage: &Stage, now: i64, told: Told<'_>) -> AlertId {
    stage.set_clock(now);
    stage.accept_aloud(told).await
}

pub(crate) async fn alerts_are_found_newest_first(stage: &Stage) {
    let first = at(stage, 1_000, Told { id: "e1", riders: &["r1"], ..Told::default() }).await;
    let second = at(stage, 2_000, Told { id: "e2", riders: &["r1", "r2"], ..Told::default() }).await;
    let third = at(stage, 3_000, Told { id: "e3", riders: &["r2"], ..Told::default() }).await;
    assert_eq!(found(stage, all()).await, [third, second, first]);
    let page = stage.store.find_alerts(stage.app, all(), None, PLENTY).await.unwrap();
    assert_eq!(page.rows[1].alert, stage.record(second).await.alert, "as it is shown by itself");
    let other = stage.store.find_alerts(stage.other, all(), None, PLENTY).await.unwrap();
    assert_eq!(other, Page { rows: vec![], next: None });
}

pub(crate) async fn alerts_are_found_by_what_they_are(stage: &Stage) {
    let urged = Told { id: "e1", kind: "order.urge", order: Some("o1"), riders: &["r1"], ..Told::default() };
    let urged = at(stage, 1_000, urged).await;
    let new = Told { id: "e2", order: Some("o1"), riders: &["r2"], ..Told::default() };
    let new = at(stage, 2_000, new).await;
    let another = Told { id: "e3", order: Some("o2"), riders: &["r1", "r2"], ..Told::default() };
    let another = at(stage, 3_000, another).await;
    stage.progress("r2", new, Change::Played { play: 1 }, 2_500).await;

    let order = |order: &str| Some(order.parse().unwrap());
    let rider = |rider: &str| Some(rider.parse().unwrap());
    let state = |state| AlertFilter { state: Some(state), ..all() };
    assert_eq!(found(stage, AlertFilter { order: order("o1"), ..all() }).await, [new, urged]);
    assert_eq!(found(stage, AlertFilter { order: order("o3"), ..all() }).await, []);
    assert_eq!(found(stage, AlertFilter { rider: rider("r1"), ..all() }).await, [another, urged]);
    let both = AlertFilter { order: order("o1"), rider: rider("r2"), ..all() };
    assert_eq!(found(stage, both).await, [new]);
    assert_eq!(found(stage, state(AlertState::Completed)).await, [new]);
    assert_eq!(found(stage, state(AlertState::Active)).await, [another, urged]);
    let kind = Some("order.urge".to_owned());
    assert_eq!(found(stage, AlertFilter { kind: kind.clone(), ..all() }).await, [urged]);
    let none = AlertFilter { kind, rider: rider("r2"), state: Some(AlertState::Active), ..all() };
    assert_eq!(found(stage, none).await, []);
}

pub(crate) async fn alerts_are_found_by_when_they_came_in(stage: &Stage) {
    let mut ids = Vec::new();
    for (id, now) in [("e1", 1_000), ("e2", 2_000), ("e3", 3_000)] {
        ids.push(at(stage, now, Told { id, order: Some("o1"), riders: &["r1"], ..Told::default() }).await);
    }
    for (since, until, expected) in [
        (1_000, 3_000, &ids[..2]),
        (1_001, 3_001, &ids[1..]),
        (2_000, 2_001, &ids[1..2]),
        (3_001, 9_000, &[]),
    ] {
        let newest_first: Vec<_> = expected.iter().rev().copied().collect();
        let when = AlertFilter { span: span(since, until), ..all() };
        assert_eq!(found(stage, when.clone()).await, newest_first, "{since} {until}");
        let order = Some("o1".parse().unwrap());
        assert_eq!(found(stage, AlertFilter { order, ..when.clone() }).await, newest_first);
        let rider = Some("r1".parse().unwrap());
        assert_eq!(found(stage, AlertFilter { rider, ..when }).await, newest_first);
        let past = history(stage, "r1", HistoryFilter { span: span(since, until), ..whole_history() }).await;
        let past: Vec<_> = past.rows.iter().map(|past| past.delivery.alert).collect();
        assert_eq!(past, newest_first);
    }
}

pub(crate) async fn an_alert_is_listed_with_how_its_deliveries_stand(stage: &Stage) {
    stage.store.set_duty(stage.rider("r4"), orderbell::store::Duty::Off, EpochMs(500)).await.unwrap();
    let riders = &["r1", "r2", "r3", "r4"];
    let alert = at(stage, 1_000, Told { riders, ..Told::default() }).await;
    let nobodys = at(stage, 2_000, Told { id: "e2", ..Told::default() }).await;
    stage.progress("r2", alert, Change::Played { play: 1 }, 1_500).await;
    let page = stage.store.find_alerts(stage.app, all(), None, PLENTY).await.unwrap();
    let counts: Vec<_> =
        page.rows.iter().map(|summary| (summary.alert.id, summary.deliveries.clone())).collect();
    let expected =
        vec![(DeliveryState::Pending, 2), (DeliveryState::Played, 1), (DeliveryState::Suppressed, 1)];
    assert_eq!(counts, [(nobodys, vec![]), (alert, expected)]);
}

pub(crate) async fn pages_follow_each_other_and_hold_everything_once(stage: &Stage) {
    let mut ids = Vec::new();
    for number in 0..7_i64 {
        // Three of them within one millisecond.
        let id = format!("e{number}");
        let kind = if number % 3 == 0 { "order.urge" } else { "order.new" };
        let now = if number < 3 { 1_000 } else { 1_000 + number };
        ids.push(at(stage, now, Told { id: &id, kind, riders: &["r1"], ..Told::default() }).await);
    }
    ids.sort();
    ids.reverse();
    let urged = AlertFilter { kind: Some("order.urge".to_owned()), ..all() };
    let for_rider = AlertFilter { rider: Some("r1".parse().unwrap()), ..all() };
    for (filter, rows, looks) in
        [(all(), 3, 3), (all(), 7, 7), (for_rider, 2, 50), (urged.clone(), 1, 50), (urged, 2, 2)]
    {
        let (mut walked, mut before) = (Vec::new(), None);
        for _ in 0..ids.len() {
            let size = PageSize { rows, looks };
            let page = stage.store.find_alerts(stage.app, filter.clone(), before, size).await.unwrap();
            assert!(page.rows.len() <= rows as usize);
            walked.extend(page.rows.iter().map(|summary| summary.alert.id));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(before, None, "it comes to an end");
        assert_eq!(walked, found(stage, filter).await);
    }
    let size = PageSize { rows: 3, looks: 3 };
    let rider = stage.rider("r1");
    let (mut walked, mut before) = (Vec::new(), None);
    loop {
        let page = stage.store.rider_history(rider.clone(), whole_history(), before, size).await.unwrap();
        walked.extend(page.rows.iter().map(|past| past.delivery.alert));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(walked, ids);
}

pub(crate) async fn a_rider_has_a_history(stage: &Stage) {
    let offer =
        Told { id: "e1", kind: "order.offered", mode: Mode::Assign, order: Some("o1"), ..Told::default() };
    let offer = at(stage, 1_000, Told { riders: &["r1", "r2"], ..offer }).await;
    let new = at(stage, 2_000, Told { id: "e2", riders: &["r1"], ..Told::default() }).await;
    stage.progress("r1", offer, Change::Answered(Answer::Decline), 1_500).await;
    stage.progress("r1", new, Change::Received, 2_500).await;

    let page = history(stage, "r1", whole_history()).await;
    assert_eq!(page.next, None);
    let [newest, oldest] = &page.rows[..] else { panic!("{page:?}") };
    assert_eq!(newest.delivery, stage.delivery(new, "r1").await);
    assert_eq!(oldest.delivery, stage.delivery(offer, "r1").await);
    assert_eq!((&*oldest.kind, oldest.created_at), ("order.offered", EpochMs(1_000)));
    assert_eq!((oldest.event_id.as_str(), oldest.order_id.as_ref().unwrap().as_str()), ("e1", "o1"));
    assert_eq!((oldest.key_mode, &newest.order_id), (KeyMode::Live, &None));

    let only = async |filter| {
        let page = history(stage, "r1", filter).await;
        page.rows.iter().map(|past| past.delivery.alert).collect::<Vec<_>>()
    };
    let declined = HistoryFilter { state: Some(DeliveryState::Declined), ..whole_history() };
    assert_eq!(only(declined).await, [offer]);
    assert_eq!(only(HistoryFilter { reason: Some(EndReason::Answered), ..whole_history() }).await, [offer]);
    assert_eq!(only(HistoryFilter { reason: Some(EndReason::Taken), ..whole_history() }).await, []);
    assert_eq!(only(HistoryFilter { kind: Some("order.new".to_owned()), ..whole_history() }).await, [new]);
    assert!(history(stage, "r3", whole_history()).await.rows.is_empty());
}

pub(crate) async fn what_became_of_deliveries_is_told_in_their_place(stage: &Stage) {
    let first = at(stage, 1_000, Told { id: "e1", riders: &["r2", "r1", "r3"], ..Told::default() }).await;
    let second = Told { id: "e2", kind: "order.urge", order: Some("o1"), riders: &["r1"], ..Told::default() };
    let second = at(stage, 2_000, second).await;
    stage.progress("r1", first, Change::Trouble("failed:network".to_owned()), 1_400).await;
    stage.progress("r2", first, Change::Played { play: 1 }, 1_500).await;

    let all = outcomes(stage, Whose::All, Span::ALL, None, 10).await;
    let expected = [(second, "r1"), (first, "r3"), (first, "r2"), (first, "r1")];
    let expected = expected.map(|(alert, rider)| (alert, rider.to_owned()));
    assert_eq!(places(&all), expected);
    let delivery = stage.delivery(first, "r2").await;
    let played = &all[2];
    assert_eq!((played.delivery, played.reason), (delivery.id, Some(EndReason::Played)));
    assert_eq!((played.playing_at, played.played_at), (delivery.playing_at, delivery.played_at));
    assert_eq!((played.sent_at, played.ended_at), (delivery.sent_at, delivery.ended_at));
    assert_eq!((played.starts_at, played.stored_at), (EpochMs(1_000), EpochMs(1_000)));
    assert_eq!(all[3].trouble.as_deref(), Some("failed:network"));
    assert_eq!((&*all[0].kind, all[0].order_id.as_ref().unwrap().as_str()), ("order.urge", "o1"));
    assert_eq!((all[0].reason, all[0].ended_at, all[0].key_mode), (None, None, KeyMode::Live));

    for limit in 1..=4 {
        let (mut walked, mut after) = (Vec::new(), None);
        loop {
            let some = outcomes(stage, Whose::All, Span::ALL, after, limit).await;
            walked.extend(places(&some));
            if some.len() < limit as usize {
                break;
            }
            after = some.last().map(|last| (last.alert, last.rider.clone()));
        }
        assert_eq!(walked, expected, "by {limit}");
    }
    let whose = Whose::Rider("r1".parse().unwrap());
    let theirs = outcomes(stage, whose.clone(), Span::ALL, None, 10).await;
    assert_eq!(places(&theirs), [expected[0].clone(), expected[3].clone()]);
    let after = Some((second, "r1".parse().unwrap()));
    assert_eq!(places(&outcomes(stage, whose, Span::ALL, after, 10).await), expected[3..]);
    assert_eq!(places(&outcomes(stage, Whose::All, span(1_001, 2_001), None, 10).await), expected[..1]);
    assert_eq!(places(&outcomes(stage, Whose::All, span(0, 2_000), None, 10).await), expected[1..]);
    let other = stage.store.outcomes(stage.other, Whose::All, Span::ALL, None, 10).await.unwrap();
    assert!(other.is_empty());
}

pub(crate) async fn the_groups_of_riders_are_told(stage: &Stage) {
    for (group, members) in [("south", &["r1", "r2"][..]), ("north", &["r1"]), ("empty", &[])] {
        stage.store.put_group(stage.app, group.parse().unwrap(), parsed(members)).await.unwrap();
    }
    stage.store.put_group(stage.other, "east".parse().unwrap(), parsed(&["r1"])).await.unwrap();
    let of = async |riders: &[&str]| {
        let found = stage.store.groups_of(stage.app, parsed(riders)).await.unwrap();
        found.iter().map(|(rider, group)| format!("{rider} {group}")).collect::<Vec<_>>()
    };
    assert_eq!(of(&["r3", "r2", "r1"]).await, ["r1 north", "r1 south", "r2 south"]);
    assert_eq!(of(&["r2"]).await, ["r2 south"]);
    assert!(of(&[]).await.is_empty());
}
