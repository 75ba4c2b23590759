//! A backend that takes nothing delays nobody: not other targets of its app, not other apps, not riders.
//! Measured, and told on the last line.

use std::time::{Duration, Instant};

use orderbell::dispatch::CircuitLimits;
use orderbell::domain::callback::CallbackState;
use serde_json::json;

use crate::stage::{Setup, Stage, eventually};
use crate::target::{Manner, Target};

const ORDERS: usize = 40;
/// So long a request hangs: whoever waited for one would be this late.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The longest of these, but for the slowest twentieth.
fn p95(mut spent: Vec<Duration>) -> Duration {
    spent.sort_unstable();
    spent[spent.len() * 95 / 100]
}

#[tokio::test]
async fn a_target_that_hangs_delays_neither_riders_nor_other_targets() {
    let stage = Stage::start(Setup { retries: vec![100; 11], timeout: TIMEOUT, ..Setup::default() }).await;
    let (hanging, quick) = (Target::doing(Manner::Hang).await, Target::doing(Manner::Status(200)).await);
    stage.target(&hanging.url("/"), 1).await;
    stage.target(&quick.url("/"), 1).await;
    let (mut accepts, mut told) = (Vec::new(), Vec::new());
    for number in 0..ORDERS {
        let rider = format!("r{number}");
        let began = Instant::now();
        let alert = stage.event(&rider, "order.new", json!({})).await;
        accepts.push(began.elapsed());
        stage.hear(&rider, alert).await;
        let alert = alert.to_string();
        let heard = eventually("the other target has all of it", async || {
            let of_this = |body: serde_json::Value| body["data"]["alert_id"] == alert;
            let heard = quick.heard().into_iter().filter(|request| of_this(request.body()));
            let heard: Vec<_> = heard.collect();
            (heard.len() == 4).then_some(heard)
        })
        .await;
        told.push(heard[3].at.duration_since(began));
    }
    let (accepts, told) = (p95(accepts), p95(told));
    println!(
        "{ORDERS} orders beside a target that hangs: p95 {accepts:?} to the answer, {told:?} until all four are told"
    );
    assert!(hanging.heard().len() >= 8, "it was tried");
    assert!(told < TIMEOUT && accepts < TIMEOUT, "nobody waits for it: {accepts:?}, {told:?}");
    // Places: what hangs never holds more than its own.
    let window = hanging.heard().into_iter().map(|request| request.at).collect::<Vec<_>>();
    for (place, at) in window.iter().enumerate() {
        let together = window[place..].iter().take_while(|other| other.duration_since(*at) < TIMEOUT / 2);
        assert!(together.count() <= 8, "more than eight requests at one time");
    }
}

#[tokio::test]
async fn addresses_that_events_name_share_the_places_of_their_origin() {
    let stage = Stage::start(Setup { retries: vec![100; 11], timeout: TIMEOUT, ..Setup::default() }).await;
    let (hanging, quick) = (Target::doing(Manner::Hang).await, Target::doing(Manner::Status(200)).await);
    for number in 0..50 {
        let url = hanging.url(&format!("/order/{number}"));
        stage.event(&format!("r{number}"), "order.new", json!({"callback_url": url})).await;
    }
    let began = Instant::now();
    stage.event("r1", "order.new", json!({"callback_url": quick.url("/")})).await;
    let heard = eventually("the quick one is told", async || quick.heard().first().cloned()).await;
    let spent = heard.at.duration_since(began);
    println!("behind 50 addresses that hang: {spent:?}");
    assert!(spent < TIMEOUT, "{spent:?}");
    let first = hanging.heard()[0].at;
    let at_once = hanging.heard().iter().filter(|one| one.at.duration_since(first) < TIMEOUT / 2).count();
    assert!(at_once <= 8, "{at_once} requests to one origin at one time");
}

#[tokio::test]
async fn a_lane_that_fails_does_not_hold_up_other_alerts_of_its_target() {
    let stage = Stage::start(Setup { retries: vec![60_000], ..Setup::default() }).await;
    let target = Target::doing(Manner::Status(200)).await;
    stage.target(&target.url("/"), 1).await;
    let bad = stage.event("r0", "order.new", json!({"order": {"id": "bad"}})).await;
    stage.ended(1).await;
    target.change(move |heard, _| {
        let is_bad = heard.body()["data"]["order_id"] == "bad";
        if is_bad { Manner::Status(500) } else { Manner::Status(200) }
    });
    stage.hear("r0", bad).await;
    for number in 1..6 {
        stage.heard_order(&format!("r{number}")).await;
    }
    let records = eventually("the others are told", async || {
        let all = stage.callbacks().await;
        let waiting = all.iter().filter(|record| record.state == CallbackState::Waiting).count();
        (all.len() == 24 && waiting == 3).then_some(all)
    })
    .await;
    let waiting: Vec<_> = records.iter().filter(|record| record.state == CallbackState::Waiting).collect();
    assert!(waiting.iter().all(|record| record.callback.alert == Some(bad)));
    let tries: Vec<usize> = waiting.iter().map(|record| record.tries.len()).collect();
    assert_eq!(tries, [1, 0, 0], "those behind the one that fails wait for it");
    stage.stop().await;
}

#[tokio::test]
async fn an_address_that_fails_delays_no_other_of_its_host() {
    // The failures in a row and the rests of the configuration.
    let circuit = CircuitLimits { failures: 5, rest_ms: 10_000, rest_ms_max: 300_000 };
    let setup = Setup { retries: vec![50; 11], timeout: Duration::from_secs(3), circuit, ..Setup::default() };
    let stage = Stage::start(setup).await;
    let host = Target::start(|heard, _| match heard.path() {
        "/missing" => Manner::Status(404),
        "/later" => Manner::With(503, "retry-after: 25".to_owned()),
        "/broken" => Manner::Status(500),
        "/hangs" => Manner::Hang,
        _ => Manner::Status(200),
    })
    .await;
    let began = Instant::now();
    let (mut round, mut slowest) = (0, Duration::ZERO);
    // Longer than three hanging tries: until what hangs rests.
    while began.elapsed() < Duration::from_secs(8) {
        round += 1;
        for path in ["/missing", "/later", "/broken", "/hangs"] {
            stage
                .event(
                    &format!("r{round}-{}", &path[1..]),
                    "order.new",
                    json!({"callback_url": host.url(path)}),
                )
                .await;
        }
        let posted = Instant::now();
        let url = host.url("/well");
        let alert = stage.event(&format!("r{round}"), "order.new", json!({"callback_url": url})).await;
        let alert = alert.to_string();
        let heard = eventually("the healthy one is told", async || {
            host.heard().into_iter().find(|request| request.body()["data"]["alert_id"] == alert)
        })
        .await;
        slowest = slowest.max(heard.at.duration_since(posted));
        // A little traffic, so that failures come in a row without an answer between them.
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    println!("{round} callbacks beside four addresses of the host that fail: the slowest {slowest:?}");
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    let calls = |path: &str| host.heard().iter().filter(|request| request.path() == path).count();
    assert_eq!(calls("/later"), 1, "it asked to be left alone");
    assert!(calls("/missing") > 5 && calls("/broken") >= 5 && calls("/hangs") >= 5, "they were tried");
}
