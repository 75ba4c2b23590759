//! What people have said is heard in place of any engine.

use std::path::Path;
use std::sync::Arc;

use orderbell::domain::SoundProfile;
use orderbell::speech::SpeechOptions;
use orderbell::speech::engine::EngineFailure;
use orderbell::speech::engines::recorded::Recorded;

use crate::studio::{ALERT, Act, Scripted, Studio, named, sentence, tone};

fn record(folder: &Path, text: &str, voice: &str) {
    let folder = folder.join("zh-CN");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{text}.wav")), tone(voice, text, 24_000).bytes).unwrap();
}

async fn studio(clips: &Path, recordings: &Path, engine: &Arc<Scripted>) -> Studio {
    let recorded = Some(Arc::new(Recorded::open(recordings).unwrap()));
    let with = move |options: &mut SpeechOptions| options.recorded = recorded;
    Studio::with(clips, vec![named("x", engine)], with).await
}

#[tokio::test]
async fn a_recorded_part_stands_in_the_engines_sentence() {
    let (clips, recordings) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    record(recordings.path(), "美团", "a person");
    let engine = Scripted::always("x", Act::Say);
    let words = sentence(&["您有新的", "美团", "订单"]);
    let house = studio(clips.path(), recordings.path(), &engine).await;
    assert_eq!(house.speech.cost(&words), 6, "what people have said costs nothing");
    let spoken = house.say(&words).await;
    assert_eq!((spoken.engine.as_str(), engine.calls()), ("x", 2));
    let clip = house.clip(&spoken, SoundProfile::Plain).await.unwrap();
    house.close().await;

    // Its recipe makes it again; another recording is another clip.
    let recipe = spoken.sound.recipe.clone().unwrap();
    let house = studio(clips.path(), recordings.path(), &engine).await;
    let again = house.speech.remake(&recipe, SoundProfile::Plain).await.unwrap().unwrap();
    assert_eq!(again.bytes, clip.bytes);
    house.close().await;
    record(recordings.path(), "美团", "another person, who speaks otherwise");
    let house = studio(clips.path(), recordings.path(), &engine).await;
    assert_ne!(house.say(&words).await.sound.path, spoken.sound.path);
    let old = house.speech.remake(&recipe, SoundProfile::Plain).await.unwrap().unwrap();
    assert_eq!(old.bytes, clip.bytes, "its old parts are kept");
    assert_eq!(engine.calls(), 2);
}

#[tokio::test]
async fn a_sentence_that_is_recorded_whole_needs_no_engine() {
    let (clips, recordings) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    record(recordings.path(), "您有新的订单", "a person");
    let engine = Scripted::always("x", Act::Fail(EngineFailure::Auth));
    let house = studio(clips.path(), recordings.path(), &engine).await;
    let spoken = house.say(&sentence(&["您有新的", "订单"])).await;
    assert_eq!((spoken.engine.as_str(), engine.calls()), ("recorded", 0));
    assert!(house.clip(&spoken, SoundProfile::Street).await.is_some());
}

#[tokio::test]
async fn a_recording_that_has_gone_is_spoken_by_the_engine() {
    let (clips, recordings) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    record(recordings.path(), "美团", "a person");
    let engine = Scripted::always("x", Act::Say);
    let house = studio(clips.path(), recordings.path(), &engine).await;
    std::fs::remove_dir_all(recordings.path().join("zh-CN")).unwrap();
    let spoken = house.speech.say(&sentence(&["您有新的", "美团"]), ALERT).await.unwrap();
    assert_eq!((spoken.engine.as_str(), engine.calls()), ("x", 2));
    assert!(house.clip(&spoken, SoundProfile::Plain).await.is_some());
}
