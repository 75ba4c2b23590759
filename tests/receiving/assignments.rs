//! An order that goes from one rider to another and back is three assignments, and each of them is told once.

use orderbell::domain::{Hook, HookVerdict};
use serde_json::{Value, json};

use crate::stage::{Stage, a_profile};

/// Who is given the order, and when the sender says so.
fn assigned(rider: &str, at: i64) -> Value {
    json!({"order": "o1", "status": 2, "rider": rider, "at": 1_789_999_000 + at})
}

/// Who has it, and how often it was given.
async fn has_it(stage: &Stage) -> (String, u32) {
    let memory = stage.memory("o1").await;
    (memory.rider.unwrap().to_string(), memory.assignments)
}

async fn tell(stage: &Stage, hook: &Hook, told: &[(&str, i64, HookVerdict)]) {
    for (rider, at, verdict) in told {
        assert_eq!(stage.verdict(hook, &assigned(rider, *at)).await, *verdict, "{rider} at {at}");
    }
}

#[tokio::test]
async fn a_rider_who_gets_an_order_back_is_told() {
    use HookVerdict::{Duplicate, Mapped};
    let stage = Stage::start().await;
    let hook = stage.hook("shop", a_profile()).await;
    tell(&stage, &hook, &[("a", 10, Mapped), ("b", 20, Mapped), ("a", 30, Mapped)]).await;
    assert_eq!(has_it(&stage).await, ("a".to_owned(), 3));
    // The third once more, also with another time of the call; and the first, which comes late.
    tell(&stage, &hook, &[("a", 30, Duplicate), ("a", 31, Duplicate), ("a", 10, Duplicate)]).await;
    assert_eq!(has_it(&stage).await, ("a".to_owned(), 3));
    tell(&stage, &hook, &[("b", 40, Mapped), ("b", 40, Duplicate), ("a", 30, Duplicate)]).await;
    assert_eq!(has_it(&stage).await, ("b".to_owned(), 4));
    let kept = stage.kept(&hook, 9).await;
    let mut events: Vec<String> =
        kept.iter().flat_map(|request| &request.events).map(ToString::to_string).collect();
    events.sort();
    events.dedup();
    assert_eq!(events, ["o1:2:a:-", "o1:2:a:-~2", "o1:2:b:-", "o1:2:b:-~3"]);
    stage.stop().await;
}

#[tokio::test]
async fn an_old_repetition_takes_the_order_from_nobody() {
    use HookVerdict::{Duplicate, Mapped};
    let stage = Stage::start().await;
    let hook = stage.hook("shop", a_profile()).await;
    tell(&stage, &hook, &[("a", 10, Mapped), ("b", 20, Mapped), ("a", 10, Duplicate)]).await;
    assert_eq!(has_it(&stage).await, ("b".to_owned(), 2));
    // Without a time it may be old: it is taken for that.
    let mut timeless = assigned("a", 0);
    timeless["at"] = Value::Null;
    assert_eq!(stage.verdict(&hook, &timeless).await, Duplicate);
    assert_eq!(has_it(&stage).await, ("b".to_owned(), 2));
    stage.stop().await;
}

#[tokio::test]
async fn many_repetitions_at_once_are_one_assignment() {
    use HookVerdict::{Duplicate, Mapped};
    let stage = Stage::start().await;
    let hook = stage.hook("shop", a_profile()).await;
    tell(&stage, &hook, &[("a", 10, Mapped), ("b", 20, Mapped)]).await;
    let body = assigned("a", 30);
    let sent = (0..20).map(|_| stage.verdict(&hook, &body));
    let verdicts = futures_util::future::join_all(sent).await;
    assert_eq!(verdicts.iter().filter(|verdict| **verdict == Mapped).count(), 1);
    assert_eq!(verdicts.iter().filter(|verdict| **verdict == Duplicate).count(), 19);
    assert_eq!(has_it(&stage).await, ("a".to_owned(), 3));
    stage.stop().await;
}

#[tokio::test]
async fn where_a_group_is_told_couriers_are_told_apart_by_their_events() {
    use HookVerdict::{Duplicate, Mapped};
    let stage = Stage::start().await;
    let mut profile = a_profile();
    profile["map"]["rider"] = Value::Null;
    profile["map"]["id"] = json!("body.order ~ ':' ~ body.rider");
    profile["target"] = json!({"groups": ["north"]});
    let hook = stage.hook("shop", profile).await;
    tell(&stage, &hook, &[("a", 10, Mapped), ("b", 20, Mapped), ("b", 21, Duplicate)]).await;
    tell(
        &stage,
        &hook,
        &[("a", 10, Duplicate), ("a", 30, Mapped), ("a", 30, Duplicate), ("a", 31, Duplicate)],
    )
    .await;
    tell(&stage, &hook, &[("b", 40, Mapped), ("b", 40, Duplicate), ("a", 30, Duplicate)]).await;
    stage.stop().await;
}

#[tokio::test]
async fn a_sender_without_any_time_is_taken_at_its_word() {
    use HookVerdict::{Duplicate, Mapped};
    let stage = Stage::start().await;
    let hook = stage.hook("shop", a_profile()).await;
    let timeless = |rider: &str| json!({"order": "o1", "status": 2, "rider": rider});
    for (rider, verdict) in
        [("a", Mapped), ("a", Duplicate), ("b", Mapped), ("a", Mapped), ("a", Duplicate), ("b", Mapped)]
    {
        assert_eq!(stage.verdict(&hook, &timeless(rider)).await, verdict, "{rider}");
    }
    assert_eq!(has_it(&stage).await, ("b".to_owned(), 4));
    stage.stop().await;
}
