//! What an alert carries out when its voice misbehaves: a sound, always, and in time.

use std::sync::Arc;
use std::time::Duration;

use orderbell::clock::{Clock, SystemClock};
use orderbell::domain::{AlertId, Sound};
use orderbell::speech::engine::EngineFailure;
use orderbell::store::model::ModelStore;
use orderbell::store::sqlite::{SqliteOptions, SqliteStore};
use serde_json::json;
use tokio::time::Instant;

use crate::house::House;
use crate::orders::merchant;
use crate::studio::{Act, Scripted, Studio, TokioClock, named};

/// The budget, and two looks at the store.
const IN_TIME: Duration = Duration::from_millis(720);

async fn sound_of(house: &House, alert: AlertId) -> (Sound, Duration) {
    let began = Instant::now();
    loop {
        if let Some(sound) = house.sound(alert).await {
            return (sound, began.elapsed());
        }
        assert!(began.elapsed() < Duration::from_mins(1), "this alert stays silent");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn model(clock: &Arc<TokioClock>) -> Arc<ModelStore> {
    let reading = Arc::clone(clock);
    Arc::new(ModelStore::new("epoch-1", Arc::new(move || reading.now().wall)))
}

/// Everything that engines were seen to do, and worse.
fn misdeeds() -> Vec<Act> {
    let failures = [
        EngineFailure::Retry,
        EngineFailure::RateLimited { retry_after: Some(Duration::from_secs(5)) },
        EngineFailure::RateLimited { retry_after: None },
        EngineFailure::BadText,
        EngineFailure::Auth,
        EngineFailure::Quota,
        EngineFailure::Configuration,
        EngineFailure::Broken,
    ];
    let mut acts = vec![
        Act::Never,
        Act::Silence,
        Act::Panic,
        Act::SayAfter(Duration::from_secs(2)),
        Act::SayAfter(Duration::from_millis(699)),
        Act::SayAt(48_000),
        Act::SayAt(8_000),
        Act::Bytes(Vec::new()),
        Act::Bytes(b"<!doctype html><html>busy</html>".to_vec()),
        Act::Bytes(b"{\"error\":{\"message\":\"quota\"}}".to_vec()),
        Act::Bytes(b"OggS\0\0\0\0\0\0\0\0\0\0\0\0".to_vec()),
        Act::Bytes(b"RIFF\xff\xff\xff\x7fWAVEfmt ".to_vec()),
        Act::Bytes(b"ID3\x04\0\0\0\0\0\0\xff\xf3\x64\xc4".to_vec()),
    ];
    acts.extend(failures.map(Act::Fail));
    acts.extend(failures.map(|failure| Act::FailAfter(Duration::from_millis(600), failure)));
    acts
}

#[tokio::test(start_paused = true)]
async fn whatever_a_lone_engine_does_the_alert_has_a_sound_in_time() {
    for act in misdeeds() {
        let folder = tempfile::tempdir().unwrap();
        let engine = Scripted::always("bad", act.clone());
        let studio = Studio::open(folder.path(), vec![named("bad", &engine)]).await;
        let clock = TokioClock::start();
        let house = House::open(&studio, model(&clock), clock).await;
        let alert = house.order(1, json!({ "id": "1", "platform": "meituan" })).await;
        let (sound, took) = sound_of(&house, alert).await;
        assert!(took <= IN_TIME, "{act:?}: {took:?}");
        let speaks = matches!(act, Act::SayAt(_)) || matches!(act, Act::SayAfter(wait) if wait < IN_TIME);
        // The very last moment may be too late; what matters is that there is a sound.
        if !matches!(act, Act::SayAfter(_)) {
            assert_eq!(sound.canned, !speaks, "{act:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_a_service_does_the_local_engine_speaks_in_time() {
    for act in misdeeds() {
        let folder = tempfile::tempdir().unwrap();
        let engine = Scripted::always("bad", act.clone());
        let local = Scripted::local("local", |_, _| Act::SayAfter(Duration::from_millis(40)));
        let studio = Studio::open(folder.path(), vec![named("bad", &engine), named("local", &local)]).await;
        let clock = TokioClock::start();
        let house = House::open(&studio, model(&clock), clock).await;
        for number in 0..8 {
            let order = json!({ "id": number.to_string(), "platform": "meituan", "merchant": { "name": merchant(number) } });
            let alert = house.order(number, order).await;
            let (sound, took) = sound_of(&house, alert).await;
            assert!(took <= IN_TIME, "{act:?}: {took:?}");
            assert!(!sound.canned, "{act:?}: the local engine could have spoken");
            assert!(sound.recipe.is_none_or(|recipe| recipe.contains("voice")));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_sentence_follows_the_canned_one() {
    let folder = tempfile::tempdir().unwrap();
    let late = Scripted::always("late", Act::SayAfter(Duration::from_secs(2)));
    let studio = Studio::open(folder.path(), vec![named("late", &late)]).await;
    let clock = TokioClock::start();
    let house = House::open(&studio, model(&clock), clock).await;
    let alert = house.order(1, json!({ "id": "1", "platform": "meituan" })).await;
    assert!(sound_of(&house, alert).await.0.canned);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!sound_of(&house, alert).await.0.canned);
}

/// The real engine, its parts ready: 700 different sentences at once, over the real database.
#[tokio::test]
async fn a_burst_of_new_sentences_is_spoken_whole_once_their_parts_are_warm() {
    const BURST: usize = 700;
    let folder = tempfile::tempdir().unwrap();
    let engine = Scripted::local("quick", |_, _| Act::Say);
    let studio = Studio::open(folder.path(), vec![named("quick", &engine)]).await;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let reading = Arc::clone(&clock);
    let now: Arc<dyn Fn() -> _ + Send + Sync> = Arc::new(move || reading.now().wall);
    let options = SqliteOptions::new(folder.path().join("test.db"), "epoch-1", now);
    let (store, writer) = SqliteStore::open(options).await.unwrap();
    studio.lifecycle.supervise("store writer", writer);
    let house = House::open(&studio, store, clock).await;
    let order = |number: usize| {
        json!({
            "id": number.to_string(),
            "platform": "meituan",
            "merchant": { "name": merchant(number % 35) },
            "distance_m": 1_000 + number / 35 * 100,
        })
    };
    // Every merchant once, and every distance.
    for number in (0..35).chain((0..20).map(|n| n * 35)) {
        sound_of(&house, house.order(10_000 + number, order(number)).await).await;
    }
    let warm = engine.calls();
    let posts = (0..BURST).map(|number| house.order(number, order(number)));
    let alerts = futures_util::future::join_all(posts).await;
    let mut paths = std::collections::BTreeSet::new();
    for alert in alerts {
        // With its own commit, not after it: nobody waits for speech.
        let sound = house.sound(alert).await.expect("the alert was committed with its sound");
        assert!(!sound.canned);
        paths.insert(sound.path);
    }
    assert_eq!((paths.len(), engine.calls()), (BURST, warm));
}
