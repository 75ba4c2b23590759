//! Trying without consequences, and doing once more in earnest what was kept.

use orderbell::dispatch::{HookError, HookLimits, HookTrial, ItemOutcome, TrialProfile};
use orderbell::domain::{HookVerdict, OrderKey};
use serde_json::json;

use crate::stage::{HOOKS, Stage, a_profile, a_wish};

#[tokio::test]
async fn a_mended_profile_makes_the_event_of_what_was_kept() {
    let stage = Stage::start().await;
    let mut blind = a_profile();
    blind["map"]["rider"] = json!("body.courier");
    let hook = stage.hook("shop", blind).await;
    let body = json!({"order": "o1", "status": 3, "rider": "r1"});
    assert_eq!(stage.verdict(&hook, &body).await, HookVerdict::Unmapped);
    let kept = stage.kept(&hook, 1).await.remove(0);
    stage.dispatch.put_hook(stage.app, &hook.id, a_wish("", a_profile()), Some(1)).await.unwrap();
    stage.clock.advance_ms(1_000);
    let again = stage.dispatch.replay_hook_delivery(stage.app, &hook.id, kept.id).await.unwrap();
    assert_eq!((again.verdict, again.trace_id), (HookVerdict::Mapped, kept.trace_id));
    assert_eq!(again.riders, ["r1".parse().unwrap()]);
    let twice = stage.dispatch.replay_hook_delivery(stage.app, &hook.id, again.id).await.unwrap();
    assert_eq!((twice.verdict, &twice.events), (HookVerdict::Duplicate, &again.events));
    assert_eq!(stage.verdict(&hook, &body).await, HookVerdict::Duplicate, "nor does its sender make it anew");
    let other = stage.hook("other", a_profile()).await;
    let elsewhere = stage.dispatch.replay_hook_delivery(stage.app, &other.id, kept.id).await;
    assert!(matches!(elsewhere, Err(HookError::Unknown("request"))), "{elsewhere:?}");
    stage.stop().await;
}

#[tokio::test]
async fn what_was_too_large_to_be_kept_is_not_done_again() {
    let stage = Stage::with(HookLimits { kept_bytes_max: 100, ..HOOKS }).await;
    let hook = stage.hook("shop", a_profile()).await;
    let body = json!({"order": "o1", "status": 3, "rider": "r1", "dishes": "x".repeat(200)});
    assert_eq!(stage.verdict(&hook, &body).await, HookVerdict::Mapped);
    let kept = stage.kept(&hook, 1).await.remove(0);
    assert!(kept.request.len() < 200 && kept.request.contains("\"body_left_out\":true"), "{}", kept.request);
    let again = stage.dispatch.replay_hook_delivery(stage.app, &hook.id, kept.id).await;
    assert!(matches!(again, Err(HookError::NotKept)), "{again:?}");
    stage.stop().await;
}

#[tokio::test]
async fn a_try_says_what_would_be_and_leaves_nothing() {
    let stage = Stage::start().await;
    let hook = stage.hook("shop", a_profile()).await;
    let request = || stage.arrival(&json!({"order": "o1", "status": 2, "rider": "r1"}));
    let app = stage.entry().await;
    let trial = HookTrial { request: request(), instead: None, verify: true };
    let tried = stage.dispatch.try_hook(&app, &hook.id, trial).await.unwrap();
    assert_eq!((tried.verified, tried.verdict), (true, HookVerdict::Mapped));
    assert_eq!(tried.reply.status(), 200);
    let item = &tried.items[0];
    assert_eq!(item.outcome, ItemOutcome::Alerted);
    assert_eq!(item.event.as_ref().unwrap()["kind"], "order.assigned");
    assert!(!item.says.as_ref().unwrap().alert.as_ref().unwrap().text.is_empty());
    let mut silent = a_profile();
    silent["kinds"]["2"] = json!("ignore");
    let instead = Some(TrialProfile { preset: None, profile: silent });
    let trial = HookTrial { request: request(), instead, verify: true };
    let tried = stage.dispatch.try_hook(&app, &hook.id, trial).await.unwrap();
    assert_eq!((tried.verdict, tried.items[0].outcome), (HookVerdict::Ignored, ItemOutcome::Ignored));
    let instead = Some(TrialProfile { preset: None, profile: json!({"map": {}}) });
    let wrong = stage
        .dispatch
        .try_hook(&app, &hook.id, HookTrial { request: request(), instead, verify: true })
        .await;
    assert!(matches!(wrong, Err(HookError::Input(_))), "{wrong:?}");
    let order = OrderKey {
        app: stage.app,
        key_mode: orderbell::domain::app::KeyMode::Live,
        order: "o1".parse().unwrap(),
    };
    assert_eq!(stage.store.order_memory(order).await.unwrap(), None);
    stage.kept(&hook, 0).await;
    stage.stop().await;
}
