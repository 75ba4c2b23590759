//! What is taken: once, whatever a repetition says; and what nobody can use is kept for somebody to see.

use orderbell::dispatch::{HookReply, ItemOutcome};
use orderbell::domain::HookVerdict;
use serde_json::{Value, json};

use crate::stage::{Stage, a_profile};

fn an_order(status: u32) -> Value {
    json!({"order": "o1", "status": status, "rider": "r1", "at": 1_789_999_000_u32})
}

#[tokio::test]
async fn an_event_is_made_once_and_its_sender_hears_its_own_words() {
    let stage = Stage::start().await;
    let hook = stage.hook("shop", a_profile()).await;
    let answer = stage.send(&hook, &an_order(2)).await;
    let reply =
        HookReply::Own { status: 200, content_type: "text/plain".to_owned(), body: "success".to_owned() };
    assert_eq!((answer.verdict, answer.reply), (Some(HookVerdict::Mapped), reply.clone()));
    let again = stage.send(&hook, &an_order(2)).await;
    assert_eq!((again.verdict, again.reply), (Some(HookVerdict::Duplicate), reply));
    let kept = stage.kept(&hook, 2).await;
    assert_eq!((kept[0].verdict, kept[1].verdict), (HookVerdict::Duplicate, HookVerdict::Mapped));
    assert_eq!(kept[0].events, kept[1].events);
    assert_eq!(kept[1].riders, ["r1".parse().unwrap()]);
    let event = &kept[1].events[0];
    let worlds = [orderbell::domain::app::KeyMode::Live, orderbell::domain::app::KeyMode::Test];
    let found = stage.dispatch.event_of_hooks(stage.app, worlds, event).await.unwrap();
    assert_eq!(found.unwrap().1, "order.assigned");
    stage.stop().await;
}

#[tokio::test]
async fn the_same_id_with_another_body_is_taken_for_the_same() {
    let stage = Stage::start().await;
    let mut profile = a_profile();
    profile["map"]["id"] = json!("body.no");
    let hook = stage.hook("shop", profile).await;
    let body = |note: &str| json!({"no": "n1", "order": note, "status": 3, "rider": "r1"});
    assert_eq!(stage.verdict(&hook, &body("o1")).await, HookVerdict::Mapped);
    let answer = stage.send(&hook, &body("o2")).await;
    assert_eq!((answer.verdict, answer.reply.status()), (Some(HookVerdict::Duplicate), 200));
    assert_eq!(stage.count(r#"orderbell_hook_events_total{hook="shop",outcome="conflict"}"#), 1);
    assert_eq!(stage.count(r#"orderbell_hook_requests_total{hook="shop",verdict="duplicate"}"#), 1);
    stage.stop().await;
}

#[tokio::test]
async fn two_hooks_may_have_an_id_each() {
    let stage = Stage::start().await;
    let (one, two) = (stage.hook("one", a_profile()).await, stage.hook("two", a_profile()).await);
    assert_eq!(stage.verdict(&one, &an_order(3)).await, HookVerdict::Mapped);
    assert_eq!(stage.verdict(&two, &an_order(3)).await, HookVerdict::Mapped);
    stage.stop().await;
}

#[tokio::test]
async fn what_maps_to_nothing_is_acknowledged_and_kept_without_what_is_private() {
    let stage = Stage::start().await;
    let hook = stage.hook("shop", a_profile()).await;
    let body = json!({"order": "o1", "status": 3, "at": 1, "phone": "13800138000", "token": "t0p"});
    let answer = stage.send(&hook, &body).await;
    assert_eq!((answer.verdict, answer.reply.status()), (Some(HookVerdict::Unmapped), 200));
    let kept = stage.kept(&hook, 1).await.remove(0);
    assert_eq!((kept.verdict, &*kept.reason, kept.status), (HookVerdict::Unmapped, "empty_target", 200));
    assert!(!kept.request.contains("13800138000") && !kept.request.contains("t0p"), "{}", kept.request);
    assert!(kept.request.contains("\"order\":\"o1\""), "{}", kept.request);
    stage.stop().await;
}

#[tokio::test]
async fn items_of_one_body_stand_for_themselves() {
    let stage = Stage::start().await;
    let mut profile = a_profile();
    profile["items"] = json!("body.orders");
    for (member, expression) in [("kind", "item.status"), ("rider", "item.rider"), ("called_at", "item.at")] {
        profile["map"][member] = json!(expression);
    }
    profile["map"]["order"]["id"] = json!("item.order");
    profile["when"] = json!("item.status != 7");
    let hook = stage.hook("shop", profile).await;
    let mut nobody = an_order(3);
    nobody["rider"] = Value::Null;
    let body = json!({"orders": [an_order(3), nobody, an_order(7), an_order(9), an_order(3)]});
    assert_eq!(stage.verdict(&hook, &body).await, HookVerdict::Mapped);
    let kept = stage.kept(&hook, 1).await.remove(0);
    let items: Vec<Value> = serde_json::from_str(&kept.items).unwrap();
    let outcomes: Vec<&str> = items.iter().map(|item| item["outcome"].as_str().unwrap()).collect();
    let expected = [
        ItemOutcome::Alerted,
        ItemOutcome::Unmapped,
        ItemOutcome::Filtered,
        ItemOutcome::Ignored,
        ItemOutcome::Duplicate,
    ];
    assert_eq!(outcomes, expected.map(ItemOutcome::as_str));
    assert_eq!(kept.reason, "empty_target", "what was not used is seen beside what was");
    stage.stop().await;
}

#[tokio::test]
async fn a_closed_store_asks_the_sender_to_come_again() {
    let stage = Stage::start().await;
    let hook = stage.hook("shop", a_profile()).await;
    let nobody = stage.hook("nobody", a_profile()).await;
    assert_eq!(stage.verdict(&hook, &an_order(3)).await, HookVerdict::Mapped);
    stage.store.close().await;
    for body in [an_order(2), json!({"order": "o1", "status": 3})] {
        let answer = stage.send(&hook, &body).await;
        assert_eq!((answer.verdict, answer.reply.status()), (Some(HookVerdict::Busy), 503), "{body}");
        assert!(answer.retry_after_s.is_some());
    }
    // A hook that is not in memory is not said to be none.
    let answer = stage.send(&nobody, &an_order(3)).await;
    assert_eq!((answer.verdict, answer.reply.status()), (Some(HookVerdict::Busy), 503));
}
