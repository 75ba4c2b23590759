//! Under any order of what can happen: one winner, one end, no number twice, and counts that are true.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::stage::{Says, Stage, grab, rider, step, version};
use crate::domain::delivery::{Answer, Change, EndReason};
use crate::domain::ladder::Act;
use crate::domain::{AlertId, AlertState, Arbiter, DeliveryState, Mode, Settlement};

const RIDERS: [&str; 4] = ["a", "b", "c", "d"];

#[derive(Clone, Debug)]
enum Deed {
    Tell { mode: Mode, arbiter: Arbiter, version: i64, riders: usize },
    Cancel(usize),
    CancelOrder,
    Say(usize, usize, Change),
    Settle(usize, Option<usize>),
    Wait(i64),
    Step(usize),
    Expire,
}

fn any_deed() -> impl Strategy<Value = Deed> {
    let modes = prop_oneof![Just(Mode::Notify), Just(Mode::Ack), Just(Mode::Assign), Just(Mode::Grab)];
    let arbiters = prop_oneof![Just(Arbiter::Service), Just(Arbiter::Backend)];
    let answers = prop_oneof![Just(Answer::Accept), Just(Answer::Decline), Just(Answer::Confirm)];
    let changes = prop_oneof![
        Just(Change::Sent),
        Just(Change::Received),
        Just(Change::Played { play: 1 }),
        answers.prop_map(Change::Answered),
    ];
    prop_oneof![
        3 => (modes, arbiters, 0_i64..4, 1_usize..15)
            .prop_map(|(mode, arbiter, version, riders)| Deed::Tell { mode, arbiter, version, riders }),
        1 => (0_usize..6).prop_map(Deed::Cancel),
        1 => Just(Deed::CancelOrder),
        8 => (0_usize..6, 0_usize..4, changes).prop_map(|(alert, rider, change)| Deed::Say(alert, rider, change)),
        2 => (0_usize..6, proptest::option::of(0_usize..4)).prop_map(|(alert, rider)| Deed::Settle(alert, rider)),
        2 => (1_i64..20_000).prop_map(Deed::Wait),
        3 => (0_usize..6).prop_map(Deed::Step),
        2 => Just(Deed::Expire),
    ]
}

fn act(stage: &mut Stage, alerts: &mut Vec<AlertId>, deed: Deed) {
    let now = stage.now;
    let at = |alerts: &[AlertId], place: usize| alerts.get(place).copied();
    match deed {
        Deed::Tell { mode, arbiter, version: number, riders } => {
            let ladder = vec![
                step(5, Act::Repeat),
                step(8, Act::Next),
                step(12, Act::Repeat),
                step(20, Act::Exhausted),
            ];
            let offer = Says {
                mode,
                arbiter: if mode.need() == crate::domain::Need::Accept { arbiter } else { Arbiter::Service },
                stamp: version(number),
                ladder,
                candidates: &["c", "d"],
                answer_ms: Some(10_000),
                life_ms: 30_000,
                collapse: Some("k"),
                ..grab()
            };
            let chosen = (0..4).filter(|place| riders & (1 << place) != 0).map(|place| RIDERS[place]);
            let chosen: Vec<&str> = chosen.collect();
            alerts.extend(stage.tell(&offer, &chosen).alerts.iter().map(|alert| alert.alert));
        }
        Deed::Cancel(place) => {
            if let Some(alert) = at(alerts, place) {
                stage.book.cancel_alert(alert, now);
            }
        }
        Deed::CancelOrder => {
            let order = super::orders::key();
            stage.book.cancel_order(&order, now);
        }
        Deed::Say(place, who, change) => {
            if let Some(alert) = at(alerts, place) {
                stage.progress(alert, RIDERS[who], change);
            }
        }
        Deed::Settle(place, who) => {
            if let Some(alert) = at(alerts, place) {
                let winner = who.map_or(Settlement::Nobody, |who| Settlement::Winner(rider(RIDERS[who])));
                stage.book.settle(alert, &winner, now);
            }
        }
        Deed::Wait(ms) => stage.wait_ms(ms),
        Deed::Step(place) => {
            if let Some(alert) = at(alerts, place) {
                stage.step_due(alert);
            }
        }
        Deed::Expire => drop(stage.book.expire(now, 3, 2)),
    }
}

type Ends = BTreeMap<(AlertId, String), (DeliveryState, Option<EndReason>)>;

fn check(stage: &Stage, ends: &mut Ends, heads: &mut BTreeMap<AlertId, AlertState>) {
    let mut seqs = std::collections::BTreeSet::new();
    for (delivery, _) in stage.book.deliveries() {
        assert!(seqs.insert((delivery.rider.clone(), delivery.seq)), "a number twice");
        if !delivery.is_open() {
            let end = (delivery.state, delivery.reason);
            let before = ends.entry((delivery.alert, delivery.rider.to_string())).or_insert(end);
            assert_eq!(*before, end, "an end changed");
        }
    }
    for (head, _) in stage.book.heads() {
        let theirs = stage.book.deliveries().map(|(d, _)| d).filter(|d| d.alert == head.id);
        let (open, won) = theirs.fold((0, 0), |(open, won), delivery| {
            let accepted = delivery.state == DeliveryState::Accepted && head.is_offer();
            (open + u64::from(delivery.is_open()), won + u32::from(accepted))
        });
        assert_eq!(head.open_count, open, "the count of open deliveries");
        assert!(won <= 1, "two winners");
        assert_eq!(head.winner.is_some(), won == 1);
        if !head.is_open() {
            assert_eq!(open, 0, "an alert that has ended is open for somebody: {head:?}");
            assert_eq!(*heads.entry(head.id).or_insert(head.state), head.state, "an alert's end changed");
        }
    }
}

proptest! {
    #[test]
    fn one_winner_one_end_and_true_counts(deeds in proptest::collection::vec(any_deed(), 1..60)) {
        let mut stage = Stage::new();
        let (mut alerts, mut ends, mut heads) = (Vec::new(), Ends::new(), BTreeMap::new());
        for deed in deeds {
            act(&mut stage, &mut alerts, deed);
            check(&stage, &mut ends, &mut heads);
        }
        // When all time is over, everything has ended.
        stage.wait_ms(1_000_000);
        // A look ends at least one thing while there is one to end; it tells of deliveries, not of alerts without any.
        let things = stage.book.deliveries().count() + stage.book.heads().count();
        for _look in 0..things {
            stage.book.expire(stage.now, 3, 2);
        }
        check(&stage, &mut ends, &mut heads);
        prop_assert!(stage.book.deliveries().all(|(delivery, _)| !delivery.is_open()));
        prop_assert!(stage.book.heads().all(|(head, _)| !head.is_open()));
    }
}
