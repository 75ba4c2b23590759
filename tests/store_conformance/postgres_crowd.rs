//! Several nodes on one PostgreSQL database, all at once: numbers without a gap, one winner, each thing once, and nobody
//! who waits in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::{join_all, try_join_all};
use orderbell::domain::book::DropReason;
use orderbell::domain::delivery::{AnswerOutcome, Change};
use orderbell::domain::kind::{Ends, OrderPolicy};
use orderbell::domain::ladder::Act;
use orderbell::domain::{AlertId, AlertState, Answer, EpochMs, Mode, OrderKey, RiderId};
use orderbell::store::postgres::PostgresStore;
use orderbell::store::{AUDIENCE_MAX, Accepted, Duty, Outcome, Receipt, Store, When};
use sqlx::{Connection, PgConnection};

use crate::postgres_server::{Server, options};
use crate::stage::{Stage, a_sound, own, parsed};
use crate::told::{Told, assigns, ends, rules, step};

const ACCEPT: Change = Change::Answered(Answer::Accept);

/// A stage whose store is the first of two nodes, and the second.
async fn two_nodes() -> (Stage, [Arc<dyn Store>; 2], String) {
    let url = Server::shared().database().await;
    let stage = Stage::on_postgres_at(&url).await;
    let other = PostgresStore::open(options(&url)).await.unwrap();
    let nodes = [Arc::clone(&stage.store), other as Arc<dyn Store>];
    (stage, nodes, url)
}

async fn close(nodes: &[Arc<dyn Store>]) {
    join_all(nodes.iter().map(|node| node.close())).await;
}

fn new(accepted: Accepted) -> Receipt {
    match accepted {
        Accepted::New(receipt) => receipt,
        other => panic!("{other:?} is not new"),
    }
}

/// Every rider's numbers, as they stand in the database.
async fn numbers(url: &str) -> BTreeMap<String, Vec<i64>> {
    let mut db = PgConnection::connect(url).await.unwrap();
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT rider_id, seq FROM deliveries ORDER BY rider_id, seq")
            .fetch_all(&mut db)
            .await
            .unwrap();
    let mut numbers: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (rider, seq) in rows {
        numbers.entry(rider).or_default().push(seq);
    }
    numbers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn riders_are_numbered_without_a_gap_by_all_nodes() {
    let (stage, nodes, url) = two_nodes().await;
    // Nobody has heard of these riders: the first events make their rows, and meet over it.
    let events = (0..80).map(|n| {
        let id = format!("e{n}");
        let riders: &[&str] = if n % 2 == 0 { &["r1", "r2", "r3"] } else { &["r3", "r1"] };
        stage.event(&Told { id: &id, riders, ..Told::default() })
    });
    let accepted = events.enumerate().map(|(n, event)| nodes[n % 2].accept(event));
    for accepted in try_join_all(accepted).await.unwrap() {
        new(accepted);
    }
    let expected =
        [("r1", 80), ("r2", 40), ("r3", 80)].map(|(rider, last)| (rider.to_owned(), (1..=last).collect()));
    assert_eq!(numbers(&url).await, BTreeMap::from(expected));
    close(&nodes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_event_on_all_nodes_is_one() {
    let (stage, nodes, url) = two_nodes().await;
    for id in ["e1", "e2", "e3"] {
        let told = Told { id, order: Some(id), riders: &["r1", "r2"], ..Told::default() };
        // Each has an alert of its own in hand, as nodes have that were sent the same.
        let copies = (0..20).map(|n| nodes[n % 2].accept(stage.event(&told)));
        let answers = try_join_all(copies).await.unwrap();
        let (first, again): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|answer| matches!(answer, Accepted::New(_)));
        assert_eq!((first.len(), again.len()), (1, 19));
        let first = new(first.into_iter().next().unwrap());
        assert!(again.iter().all(|again| *again == Accepted::Duplicate(first.clone())), "the same answer");
    }
    assert_eq!(numbers(&url).await["r1"], [1, 2, 3]);
    close(&nodes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_that_all_grab_at_once_has_one_winner() {
    let (stage, nodes, _) = two_nodes().await;
    let riders: Vec<String> = (0..20).map(|n| format!("r{n:02}")).collect();
    let names: Vec<&str> = riders.iter().map(String::as_str).collect();
    for (id, order) in [("e1", "o1"), ("e2", "o2"), ("e3", "o3")] {
        let told = Told { id, order: Some(order), mode: Mode::Grab, riders: &names, ..Told::default() };
        let alert = stage.accept_aloud(told).await;
        let answers = names
            .iter()
            .enumerate()
            .map(|(n, rider)| nodes[n % 2].progress(vec![stage.says(rider, alert, ACCEPT, 120)]));
        let outcomes: Vec<_> = try_join_all(answers)
            .await
            .unwrap()
            .into_iter()
            .map(|mut told| told.remove(0).unwrap().outcome.unwrap())
            .collect();
        assert_eq!(
            outcomes.iter().filter(|outcome| **outcome == AnswerOutcome::Won).count(),
            1,
            "{outcomes:?}"
        );
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == AnswerOutcome::Lost).count(), 19);
        let record = stage.record(alert).await.alert;
        let place = outcomes.iter().position(|outcome| *outcome == AnswerOutcome::Won).unwrap();
        assert_eq!(record.winner.as_ref().map(RiderId::as_str), Some(names[place]));
        assert_eq!((record.state, record.open_count), (AlertState::Accepted, 0));
    }
    close(&nodes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_audience_is_told_once_by_all_nodes() {
    let (stage, nodes, url) = two_nodes().await;
    let riders: Vec<String> = (0..=AUDIENCE_MAX).map(|n| format!("r{n:04}")).collect();
    let names: Vec<&str> = riders.iter().map(String::as_str).collect();
    stage.store.put_group(stage.app, "city".parse().unwrap(), parsed(&names)).await.unwrap();
    let alert = stage.accept_aloud(Told { groups: &["city"], ..Told::default() }).await;
    let tell = async |node: &Arc<dyn Store>| {
        let mut told = Vec::new();
        loop {
            let (policy, world) = (OrderPolicy::default(), stage.world(rules()));
            let part = node.unroll(alert, 100, policy, world, EpochMs(120)).await.unwrap();
            told.extend(part.riders);
            if !part.more {
                return told;
            }
        }
    };
    let told = join_all(nodes.iter().map(&tell)).await;
    let all: Vec<_> = told.iter().flatten().map(|key| key.rider.as_str()).collect();
    assert_eq!(all.len(), names.len(), "nobody is rung twice");
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>(), names.iter().copied().collect());
    assert!(numbers(&url).await.values().all(|numbers| *numbers == [1]));
    close(&nodes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_due_is_ended_once_by_all_nodes() {
    let (stage, nodes, _) = two_nodes().await;
    for n in 0..30 {
        let (id, order) = (format!("e{n}"), format!("o{n}"));
        let told = Told { id: &id, order: Some(&order), riders: &["r1", "r2"], ..Told::default() };
        stage.accept_aloud(Told { mode: Mode::Assign, expires_at: 500, ..told }).await;
    }
    let sweep = async |node: &Arc<dyn Store>| {
        let mut ended = Vec::new();
        // What the other node holds is passed over; nobody is done before everything is.
        while !node.open_deliveries(stage.rider("r1"), 1).await.unwrap().is_empty()
            || !node.open_deliveries(stage.rider("r2"), 1).await.unwrap().is_empty()
        {
            ended.extend(node.expire_due(EpochMs(600), 3, 7).await.unwrap());
        }
        ended
    };
    let ended = join_all(nodes.iter().map(&sweep)).await;
    let all: Vec<_> = ended.iter().flatten().map(|ended| (ended.alert, ended.rider.rider.as_str())).collect();
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (60, 60), "each once");
    close(&nodes).await;
}

/// Whatever a city does on one order and some riders, each piece on either node.
async fn one_thing(stage: &Stage, node: &Arc<dyn Store>, n: usize, alerts: &[AlertId]) {
    let riders = ["r1", "r2", "r3", "r4"];
    let rider = riders[n % 4];
    let order = ["o1", "o2"][(n / 4) % 2];
    let id = format!("x{n}");
    let alert = alerts[n % alerts.len()];
    let told = |policy, mode, riders| {
        let key = Some("the same");
        stage.event(&Told { id: &id, policy, mode, riders, order: Some(order), key, ..Told::default() })
    };
    match n % 9 {
        0 => drop(node.accept(told(OrderPolicy::default(), Mode::Notify, &riders)).await.unwrap()),
        1 => drop(node.accept(told(assigns(), Mode::Assign, &riders[n % 3..=n % 3])).await.unwrap()),
        2 => {
            let accepted =
                node.accept(told(ends(Ends::Cancelled), Mode::Notify, &riders[1..3])).await.unwrap();
            assert_ne!(new(accepted).outcome, Outcome::Dropped(DropReason::OlderVersion));
        }
        3 | 4 => drop(node.progress(vec![stage.says(rider, alert, ACCEPT, 200)]).await.unwrap()),
        5 => {
            let played = [
                stage.says("r4", alerts[0], Change::Played { play: 1 }, 200),
                stage.says("r1", alert, Change::Sent, 200),
            ];
            node.progress(played.into()).await.unwrap();
        }
        6 => {
            let order = OrderKey { order: order.parse().unwrap(), ..stage.order("o1") };
            node.cancel_order(order, EpochMs(200)).await.unwrap();
        }
        7 => {
            let duty = if n.is_multiple_of(2) { Duty::On } else { Duty::Off };
            node.set_duty(stage.rider(rider), duty, EpochMs(200)).await.unwrap();
        }
        _ => {
            let world = stage.world(rules());
            node.step(alert, 0, When::Due, None, world, EpochMs(20_000)).await.unwrap();
            node.expire_due(EpochMs(1_000_000), 2, 5).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_crowd_nobody_waits_in_a_circle() {
    let (stage, nodes, url) = two_nodes().await;
    let mut alerts = Vec::new();
    for n in 0..12 {
        let (id, order) = (format!("e{n}"), ["o1", "o2"][n % 2]);
        let ladder = vec![step(10, Act::Next)];
        let told = Told {
            id: &id,
            order: Some(order),
            mode: Mode::Grab,
            ladder,
            sound: Some(a_sound("clip")),
            ..Told::default()
        };
        let riders: &[&str] = if n % 3 == 0 { &["r4", "r1"] } else { &["r2", "r3", "r4"] };
        alerts.push(own(&stage.accept(Told { riders, candidates: &["r2", "r1"], ..told }).await));
    }
    let all = (0..180).map(|n| one_thing(&stage, &nodes[n % 2], n, &alerts));
    join_all(all).await;

    let mut db = PgConnection::connect(&url).await.unwrap();
    let lies = "SELECT a.id FROM alerts AS a WHERE a.open_count <> \
         (SELECT count(*) FROM deliveries AS d WHERE d.alert_id = a.id AND d.ended_at IS NULL)";
    let lies: Vec<String> = sqlx::query_scalar(lies).fetch_all(&mut db).await.unwrap();
    assert_eq!(lies, [""; 0], "every alert knows how many deliveries are open");
    for (rider, numbers) in numbers(&url).await {
        assert!(
            numbers.iter().copied().eq(1..=i64::try_from(numbers.len()).unwrap()),
            "{rider}: {numbers:?}"
        );
    }
    close(&nodes).await;
    // The server counts what a session did when it ends.
    let circles = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let circles: i64 = sqlx::query_scalar(circles).fetch_one(&mut db).await.unwrap();
    assert_eq!(circles, 0, "circles of waiting");
}
