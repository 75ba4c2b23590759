//! A hook in shadow mode: everything happens but that a rider hears of it, save at the stations that are live already.

use orderbell::dispatch::HookWish;
use orderbell::domain::delivery::EndReason;
use orderbell::domain::{Hook, HookMode, HookVerdict, RiderKey};
use serde_json::{Value, json};

use crate::stage::{Stage, a_profile, a_wish};

fn urged(station: &str, rider: &str) -> Value {
    json!({"order": format!("o-{rider}"), "status": 3, "rider": rider, "shop": station})
}

async fn shadow(stage: &Stage, live_percent: u8) -> Hook {
    let wish = HookWish { mode: HookMode::Shadow, live_percent, ..a_wish("shop", a_profile()) };
    stage.dispatch.add_hook(stage.app, wish).await.unwrap()
}

/// Waits until this rider hears something.
async fn hears(stage: &Stage, rider: &RiderKey) {
    let wait = async {
        while stage.store.open_deliveries(rider.clone(), 9).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), wait).await.unwrap();
}

#[tokio::test]
async fn a_real_rider_hears_nothing_of_the_shadow_and_all_of_the_live_share() {
    let stage = Stage::start().await;
    let hook = shadow(&stage, 50).await;
    let key = |rider: &str| RiderKey { app: stage.app, rider: rider.parse().unwrap() };
    let (mut live, mut silent) = (Vec::new(), Vec::new());
    for number in 0..20 {
        let rider = format!("r{number}");
        stage.store.touch_rider(key(&rider), stage.dispatch.clock().now().wall).await.unwrap();
        assert_eq!(stage.verdict(&hook, &urged(&format!("s{number}"), &rider)).await, HookVerdict::Mapped);
        let kept = stage.kept(&hook, number + 1).await;
        let event = kept.iter().find(|request| request.riders == [rider.parse().unwrap()]).unwrap();
        let items: Vec<Value> = serde_json::from_str(&event.items).unwrap();
        let alert = items[0]["alert_id"].as_str().unwrap().parse().unwrap();
        let record = stage.store.alert(stage.app, alert).await.unwrap().unwrap();
        match items[0]["test"].as_bool() {
            Some(true) => {
                assert_eq!(record.deliveries[0].reason, Some(EndReason::TestMode), "{rider}");
                silent.push(key(&rider));
            }
            _ => live.push(key(&rider)),
        }
    }
    assert!(live.len() > 2 && silent.len() > 2, "both halves: {} and {}", live.len(), silent.len());
    for rider in &live {
        hears(&stage, rider).await;
    }
    for rider in &silent {
        assert!(stage.store.open_deliveries(rider.clone(), 9).await.unwrap().is_empty(), "{rider:?}");
        assert!(!stage.store.rider(rider.clone()).await.unwrap().unwrap().test);
    }
    stage.stop().await;
}

#[tokio::test]
async fn all_or_nothing_is_a_share_as_well() {
    let stage = Stage::start().await;
    let hook = shadow(&stage, 0).await;
    assert_eq!(stage.verdict(&hook, &urged("s1", "r1")).await, HookVerdict::Mapped);
    let wish = HookWish { mode: HookMode::Shadow, live_percent: 100, ..a_wish("", a_profile()) };
    stage.dispatch.put_hook(stage.app, &hook.id, wish, Some(1)).await.unwrap();
    assert_eq!(
        stage.verdict(&hook, &urged("s1", "r1")).await,
        HookVerdict::Mapped,
        "of the real world it is new"
    );
    assert_eq!(stage.verdict(&hook, &urged("s1", "r1")).await, HookVerdict::Duplicate);
    stage.stop().await;
}
