//! Outcomes judged one by one, and tables of them.

use super::{Cell, Dimension, Grouping, MissTable, ObjectiveTable, Outcome, Timeliness};
use crate::clock::Zone;
use crate::domain::app::KeyMode;
use crate::domain::delivery::{EndReason, Meaning};
use crate::domain::{AlertId, DeliveryId, EpochMs, GroupId, Need};

/// Half past twelve in Shanghai.
const BEGAN: EpochMs = EpochMs(1_772_339_400_000);
const WITHIN_MS: i64 = 10_000;

fn outcome(rider: &str) -> Outcome {
    Outcome {
        alert: AlertId::new(BEGAN, [1; 10]),
        delivery: DeliveryId::new(BEGAN, [1; 10]),
        rider: rider.parse().unwrap(),
        order_id: None,
        kind: "order.new".to_owned(),
        key_mode: KeyMode::Live,
        need: Need::None,
        starts_at: BEGAN,
        stored_at: BEGAN,
        reason: None,
        trouble: None,
        sent_at: None,
        received_at: None,
        playing_at: None,
        played_at: None,
        answered_at: None,
        ended_at: None,
    }
}

fn ended(rider: &str, reason: EndReason, after_ms: i64) -> Outcome {
    Outcome { reason: Some(reason), ended_at: Some(BEGAN.plus_ms(after_ms)), ..outcome(rider) }
}

fn heard(rider: &str, after_ms: i64) -> Outcome {
    Outcome { playing_at: Some(BEGAN.plus_ms(after_ms)), ..ended(rider, EndReason::Played, after_ms + 5_000) }
}

fn judged(outcome: &Outcome, now_ms: i64) -> Timeliness {
    outcome.timeliness(WITHIN_MS, BEGAN.plus_ms(now_ms))
}

fn all(dimensions: &[Dimension]) -> Grouping {
    let words: Vec<_> = dimensions.iter().map(|dimension| dimension.as_str()).collect();
    Grouping::parse(&words.join(","), &Dimension::ALL).unwrap()
}

fn zone() -> Zone {
    Zone::named("Asia/Shanghai").unwrap()
}

#[test]
fn it_is_heard_when_it_first_sounds_or_is_answered() {
    assert_eq!(judged(&heard("r1", 10_000), 60_000), Timeliness::InTime);
    assert_eq!(judged(&heard("r1", 10_001), 60_000), Timeliness::Late);
    let answered_at = Some(BEGAN.plus_ms(9_000));
    let answered = Outcome { answered_at, ..heard("r1", 11_000) };
    assert_eq!(judged(&answered, 60_000), Timeliness::InTime);
    let still_open = Outcome { reason: None, ended_at: None, ..heard("r1", 3_000) };
    assert_eq!(judged(&still_open, 60_000), Timeliness::InTime);
}

#[test]
fn what_is_open_runs_until_its_time_is_over() {
    assert_eq!(judged(&outcome("r1"), 10_000), Timeliness::Running);
    assert_eq!(judged(&outcome("r1"), 10_001), Timeliness::Waiting);
}

#[test]
fn what_became_void_in_time_does_not_count_and_later_it_does() {
    for reason in EndReason::ALL {
        let (early, late) = (ended("r1", reason, 10_000), ended("r1", reason, 10_001));
        let exempt = matches!(reason.meaning(), Meaning::Void | Meaning::HeldBack);
        let expected = if exempt { Timeliness::Exempt(reason) } else { Timeliness::NotHeard(reason) };
        assert_eq!(judged(&early, 60_000), expected);
        assert_eq!(judged(&late, 60_000), Timeliness::NotHeard(reason));
    }
}

#[test]
fn an_offer_that_came_to_another_rider_begins_with_them() {
    let second = DeliveryId::new(BEGAN.plus_ms(30_000), [2; 10]);
    let offered = Outcome { delivery: second, need: Need::Accept, ..heard("r2", 35_000) };
    assert_eq!(judged(&offered, 60_000), Timeliness::InTime);
    let told_late = Outcome { need: Need::None, ..offered.clone() };
    assert_eq!(judged(&told_late, 60_000), Timeliness::Late, "a large audience is told late by us");
    // The commit of an accepted event takes its time; that is ours as well.
    let stored_at = BEGAN.plus_ms(30_000);
    assert_eq!(judged(&Outcome { stored_at, ..offered }, 60_000), Timeliness::Late);
}

#[test]
fn a_miss_is_what_was_neither_heard_nor_void() {
    let missed: Vec<_> =
        EndReason::ALL.into_iter().filter(|reason| ended("r", *reason, 1).missed().is_some()).collect();
    let words: Vec<_> = missed.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(
        words,
        [
            "never_sent",
            "not_received",
            "not_played",
            "not_answered",
            "off_duty",
            "rate_limited",
            "quiet_hours"
        ]
    );
    assert_eq!(outcome("r").missed(), None);
}

#[test]
fn groupings_are_words_each_once() {
    assert_eq!(Grouping::parse("", &Dimension::ALL), Some(Grouping::default()));
    assert!(Grouping::parse("hour,station", &Dimension::ALL).is_some());
    for wrong in ["hours", "hour,hour", "hour,", ",", "Hour", "hour;rider"] {
        assert_eq!(Grouping::parse(wrong, &Dimension::ALL), None, "{wrong}");
    }
    assert_eq!(Grouping::parse("reason", &[Dimension::Hour]), None);
}

#[test]
fn misses_are_counted_in_each_station_of_their_rider() {
    let [north, south]: [GroupId; 2] = ["north", "south"].map(|name| name.parse().unwrap());
    let mut table = MissTable::new(all(&[Dimension::Reason, Dimension::Station]), zone());
    table.count(&ended("r1", EndReason::NeverSent, 60_000), &[north.clone(), south.clone()]);
    table.count(&ended("r2", EndReason::NeverSent, 60_000), std::slice::from_ref(&north));
    table.count(&ended("r2", EndReason::OffDuty, 0), std::slice::from_ref(&north));
    table.count(&ended("r3", EndReason::NotPlayed, 60_000), &[]);
    table.count(&heard("r1", 1_000), &[north, south]);
    table.count(&ended("r3", EndReason::Taken, 60_000), &[]);
    table.count(&outcome("r3"), &[]);
    let totals = table.totals();
    assert_eq!((totals.deliveries, totals.open, totals.heard), (7, 1, 1));
    assert_eq!((totals.missed, totals.held_back, totals.void), (3, 1, 1));
    let rows = table.into_rows();
    let rows = rows.iter().map(|row| {
        (row.cell.station.as_deref().unwrap(), row.reason.unwrap().as_str(), row.misses, row.deliveries)
    });
    assert_eq!(
        rows.collect::<Vec<_>>(),
        [
            ("", "not_played", 1, 3),
            ("north", "never_sent", 2, 4),
            ("north", "off_duty", 1, 4),
            ("south", "never_sent", 1, 2),
        ]
    );
}

#[test]
fn without_a_grouping_there_is_one_row_or_none() {
    let mut table = MissTable::new(Grouping::default(), zone());
    table.count(&heard("r1", 1_000), &[]);
    assert!(MissTable::new(Grouping::default(), zone()).into_rows().is_empty());
    table.count(&ended("r1", EndReason::NeverSent, 60_000), &[]);
    let rows = table.into_rows();
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0].cell, rows[0].misses, rows[0].deliveries), (&Cell::default(), 1, 2));
}

#[test]
fn hours_are_those_of_the_zone() {
    let mut table = MissTable::new(all(&[Dimension::Hour]), zone());
    let later =
        Outcome { starts_at: BEGAN.plus_ms(3_600_000), ..ended("r1", EndReason::NeverSent, 4_000_000) };
    table.count(&ended("r1", EndReason::NeverSent, 60_000), &[]);
    table.count(&later, &[]);
    let hours: Vec<_> = table.into_rows().iter().map(|row| zone().written(row.cell.hour.unwrap())).collect();
    assert_eq!(hours, ["2026-03-01T12:00:00+08:00", "2026-03-01T13:00:00+08:00"]);
}

#[test]
fn a_score_is_a_share_of_what_counts() {
    let mut table = ObjectiveTable::new(all(&[Dimension::Rider]), zone(), WITHIN_MS, BEGAN.plus_ms(60_000));
    for _ in 0..998 {
        table.count(&heard("r1", 1_000), &[]);
    }
    table.count(&heard("r1", 11_000), &[]);
    table.count(&outcome("r1"), &[]);
    table.count(&ended("r1", EndReason::OffDuty, 0), &[]);
    table.count(&ended("r2", EndReason::OffDuty, 0), &[]);
    let (cells, total) = table.into_scores();
    assert_eq!((total.counted(), total.in_time, total.share_permille()), (1_000, 998, Some(998)));
    assert_eq!((total.meets(998), total.meets(999)), (Some(true), Some(false)));
    assert_eq!(total.rest, [("late", 1), ("waiting", 1)].into());
    assert_eq!(total.left_out, [("off_duty", 2)].into());
    let (_, idle) = &cells[1];
    assert_eq!((idle.counted(), idle.share_permille(), idle.meets(990)), (0, None, None));
}

#[test]
fn a_share_is_never_rounded_up_to_its_target() {
    let mut table = ObjectiveTable::new(Grouping::default(), zone(), WITHIN_MS, BEGAN.plus_ms(60_000));
    for _ in 0..9_899 {
        table.count(&heard("r1", 1_000), &[]);
    }
    for _ in 0..101 {
        table.count(&heard("r1", 11_000), &[]);
    }
    let (_, total) = table.into_scores();
    assert_eq!((total.share_permille(), total.meets(990)), (Some(989), Some(false)));
}
