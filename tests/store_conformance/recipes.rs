//! What clips are made of: kept with the sounds of alerts, and forgotten when nobody has used them for long.

use orderbell::domain::EpochMs;
use orderbell::domain::ladder::Act;
use orderbell::store::{RECIPE_FRESH_MS, When};

use crate::stage::{Stage, a_sound, made_of, own};
use crate::told::{Told, rules, step};

async fn recipe(stage: &Stage, name: &str) -> Option<String> {
    stage.store.clip_recipe(format!("{name}.mp3")).await.unwrap()
}

/// Whether a recipe was last used before then; it is gone if it was.
async fn used_before(stage: &Stage, before: i64) -> bool {
    stage.store.forget_recipes(EpochMs(before), 9).await.unwrap() > 0
}

pub(crate) async fn a_recipe_comes_with_the_sound_of_its_alert(stage: &Stage) {
    let sound = Some(made_of("ab/cd", "{\"v\":1}"));
    let receipt = stage.accept(Told { riders: &["r1"], sound, ..Told::default() }).await;
    assert_eq!(recipe(stage, "ab/cd").await.as_deref(), Some("{\"v\":1}"));
    assert_eq!(recipe(stage, "ab/ce").await, None);
    let record = stage.record(own(&receipt)).await;
    assert_eq!(record.alert.sound, Some(a_sound("ab/cd")), "it is kept by itself");
    stage.accept(Told { id: "e2", riders: &["r1"], sound: Some(a_sound("canned")), ..Told::default() }).await;
    assert_eq!(recipe(stage, "canned").await, None, "what ships with the program has none");
}

pub(crate) async fn a_later_sound_brings_its_own_recipe(stage: &Stage) {
    let alert = stage.accept_mute(Told { riders: &["r1"], ..Told::default() }).await;
    let mark = async |sound, at| stage.store.mark_rendered(alert, sound, EpochMs(at)).await.unwrap();
    assert!(mark(a_sound("canned"), 110).await && mark(made_of("said", "b"), 120).await);
    assert_eq!(recipe(stage, "said").await.as_deref(), Some("b"));
    assert_eq!(stage.open("r1").await[0].alert.sound, Some(a_sound("said")));
    let nobody = orderbell::domain::AlertId::new(EpochMs(1), stage.fresh());
    assert!(!stage.store.mark_rendered(nobody, made_of("lost", "c"), EpochMs(130)).await.unwrap());
    assert_eq!(recipe(stage, "lost").await, None);
}

pub(crate) async fn a_louder_clip_brings_its_own_recipe(stage: &Stage) {
    let ladder = vec![step(10, Act::Louder)];
    let alert = stage.accept_aloud(Told { riders: &["r1"], ladder, ..Told::default() }).await;
    let take = async |sound| {
        let world = stage.world(rules());
        stage.store.step(alert, 0, When::Due, sound, world, EpochMs(20_000)).await.unwrap()
    };
    assert!(take(Some(made_of("louder", "a"))).await.is_some());
    assert_eq!(recipe(stage, "louder").await.as_deref(), Some("a"));
    assert_eq!(stage.record(alert).await.alert.sound, Some(a_sound("louder")));
    assert!(take(Some(made_of("again", "b"))).await.is_none());
    assert_eq!(recipe(stage, "again").await, None, "nothing was taken");
}

pub(crate) async fn many_alerts_of_one_clip_keep_one_recipe(stage: &Stage) {
    let ids: Vec<String> = (0..5).map(|n| format!("e{n}")).collect();
    let of =
        |id| stage.event(&Told { id, riders: &["r1"], sound: Some(made_of("c", "a")), ..Told::default() });
    for answer in stage.store.accept_all(ids.iter().map(|id| of(id)).collect()).await {
        answer.unwrap();
    }
    assert_eq!(recipe(stage, "c").await.as_deref(), Some("a"));
    assert_eq!(stage.store.forget_recipes(EpochMs(i64::MAX), 9).await.unwrap(), 1);
}

pub(crate) async fn what_waits_for_its_time_keeps_its_recipe_until_then(stage: &Stage) {
    let (day, sound) = (86_400_000, Some(made_of("c", "a")));
    let told = Told { riders: &["r1"], sound, starts_at: Some(day), expires_at: 2 * day, ..Told::default() };
    stage.accept(told).await;
    assert!(!used_before(stage, day).await, "used when it is told");
    assert!(used_before(stage, day + 1).await);
    let told =
        Told { id: "e2", riders: &["r1"], starts_at: Some(day), expires_at: 2 * day, ..Told::default() };
    let alert = stage.accept_mute(told).await;
    assert!(stage.store.mark_rendered(alert, made_of("d", "b"), EpochMs(120)).await.unwrap());
    assert!(!used_before(stage, day).await && used_before(stage, day + 1).await);
}

pub(crate) async fn a_use_is_noted_once_an_hour(stage: &Stage) {
    let keep = async |at| stage.store.keep_recipe("c.mp3".into(), "a".into(), EpochMs(at)).await.unwrap();
    keep(1_000).await;
    keep(1_000 + RECIPE_FRESH_MS - 1).await;
    assert!(!used_before(stage, 1_000).await);
    keep(1_000 + RECIPE_FRESH_MS).await;
    keep(2_000).await;
    assert!(!used_before(stage, 1_000 + RECIPE_FRESH_MS).await, "and never goes back");
    assert!(used_before(stage, 1_001 + RECIPE_FRESH_MS).await);
    keep(5_000).await;
    assert!(!used_before(stage, 5_000).await && used_before(stage, 5_001).await, "it begins anew");
}

pub(crate) async fn recipes_are_forgotten_the_longest_unused_first(stage: &Stage) {
    for (name, at) in [("b.mp3", 30), ("a.mp3", 20), ("c.mp3", 10), ("d.mp3", 99)] {
        stage.store.keep_recipe(name.to_owned(), name.to_owned(), EpochMs(at)).await.unwrap();
    }
    let left = async || {
        let mut left = Vec::new();
        for name in ["a", "b", "c", "d"] {
            left.extend(recipe(stage, name).await);
        }
        left.concat()
    };
    assert_eq!(stage.store.forget_recipes(EpochMs(50), 2).await.unwrap(), 2);
    assert_eq!(left().await, "b.mp3d.mp3");
    assert_eq!(stage.store.forget_recipes(EpochMs(50), 2).await.unwrap(), 1);
    assert_eq!(stage.store.forget_recipes(EpochMs(50), 2).await.unwrap(), 0);
    assert_eq!(left().await, "d.mp3");
}
