//! What is kept of a voice, and what becomes of it when it is lost, spoilt, or has no place.

use std::path::{Path, PathBuf};
use std::time::Duration;

use orderbell::audio::ClipFormat;
use orderbell::audio::mp3::Mp3Frames;
use orderbell::audio::pcm::Pcm;
use orderbell::domain::SoundProfile;
use orderbell::domain::said::Part;
use orderbell::speech::engine::EngineFailure;
use orderbell::speech::{Chime, Lang, SayBudget, Sentence};

use crate::studio::{ALERT, Act, Scripted, Studio, named, sentence};

/// Every file of the library with this extension.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found
}

#[tokio::test]
async fn after_a_restart_no_engine_is_needed_and_the_bytes_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Scripted::always("x", Act::Say);
    let words = sentence(&["您有新的", "美团", "订单，", "张记面馆"]);
    let studio = Studio::open(folder.path(), vec![named("x", &engine)]).await;
    let before = studio.say(&words).await;
    let clip = studio.clip(&before, SoundProfile::Plain).await.unwrap();
    assert_eq!(clip.bytes.len() as u64, before.sound.bytes);
    assert_eq!((clip.duration_ms, clip.tail_ms), (before.sound.duration_ms, 45_000));
    assert_eq!(Mp3Frames::from_file(&clip.bytes).unwrap().duration_ms(), clip.duration_ms);
    studio.close().await;
    assert!(files(folder.path(), "mp3").len() == 4, "parts are kept, and no clip");

    let silent = Scripted::always("x", Act::Fail(EngineFailure::Auth));
    let studio = Studio::open(folder.path(), vec![named("x", &silent)]).await;
    // Of what lies on disk `cached` knows nothing: it never reads.
    assert!(studio.speech.cached(&words).await.is_none());
    assert_eq!(studio.speech.cost(&words), 0);
    assert!(studio.clip(&before, SoundProfile::Plain).await.is_none(), "its recipe is in the store");
    let recipe = before.sound.recipe.clone().unwrap();
    let again = studio.speech.remake(&recipe, SoundProfile::Plain).await.unwrap().unwrap();
    assert_eq!((again.bytes, again.etag), (clip.bytes, clip.etag));
    let after = studio.say(&words).await;
    assert_eq!(after.sound, before.sound);
    assert_eq!(silent.calls(), 0);
}

#[tokio::test]
async fn lost_and_spoilt_parts_are_made_again_on_request() {
    for spoil in [
        (|path: &Path| std::fs::remove_file(path).unwrap()) as fn(&Path),
        |path| std::fs::write(path, b"").unwrap(),
        |path| {
            let mut bytes = std::fs::read(path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x55;
            std::fs::write(path, bytes).unwrap();
        },
        |path| std::fs::write(path, vec![0xff; 100_000]).unwrap(),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let engine = Scripted::always("x", Act::Say);
        let words = sentence(&["您有新的", "订单"]);
        let studio = Studio::open(folder.path(), vec![named("x", &engine)]).await;
        let before = studio.say(&words).await;
        let clip = studio.clip(&before, SoundProfile::Plain).await.unwrap();
        studio.close().await;
        let kept: Vec<PathBuf> = ["mp3", "wav"].into_iter().flat_map(|of| files(folder.path(), of)).collect();
        assert_eq!(kept.len(), 4, "two parts, dry and as frames");
        for path in &kept {
            spoil(path);
        }

        let studio = Studio::open(folder.path(), vec![named("x", &engine)]).await;
        let recipe = before.sound.recipe.unwrap();
        let again = studio.speech.remake(&recipe, SoundProfile::Plain).await.unwrap().unwrap();
        assert_eq!(again.bytes, clip.bytes);
        assert_eq!(engine.calls(), 4);
        studio.close().await;
    }
}

#[tokio::test]
async fn a_recipe_of_a_voice_that_is_gone_is_served_while_its_parts_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Scripted::always("x", Act::Say);
    let studio = Studio::open(folder.path(), vec![named("x", &engine)]).await;
    let before = studio.say(&sentence(&["您有新的订单"])).await;
    let recipe = before.sound.recipe.unwrap();
    studio.close().await;
    let other = Scripted::always("y", Act::Say);
    let studio = Studio::open(folder.path(), vec![named("y", &other)]).await;
    let served = studio.speech.remake(&recipe, SoundProfile::Plain).await.unwrap().unwrap();
    assert_eq!((served.bytes.len() as u64, other.calls()), (before.sound.bytes, 0));
    studio.close().await;
    for extension in ["mp3", "wav"] {
        for path in files(folder.path(), extension) {
            std::fs::remove_file(path).unwrap();
        }
    }
    let studio = Studio::open(folder.path(), vec![named("y", &other)]).await;
    assert!(studio.speech.remake(&recipe, SoundProfile::Plain).await.unwrap().is_none());
    assert!(studio.speech.remake("{}", SoundProfile::Plain).await.unwrap().is_none());
    assert!(studio.speech.remake("nonsense", SoundProfile::Plain).await.unwrap().is_none());
}

#[tokio::test]
async fn with_no_place_to_keep_anything_it_speaks_all_the_same() {
    let words = sentence(&["您有新的", "订单"]);
    // Full.
    let folder = tempfile::tempdir().unwrap();
    let engine = Scripted::always("x", Act::Say);
    let full = |options: &mut orderbell::speech::SpeechOptions| {
        (options.library.max_bytes, options.library.full_bytes) = (0, 0);
    };
    let studio = Studio::with(folder.path(), vec![named("x", &engine)], full).await;
    let spoken = studio.say(&words).await;
    let clip = studio.clip(&spoken, SoundProfile::Street).await.unwrap();
    assert_eq!(clip.bytes.len() as u64, spoken.sound.in_profile(SoundProfile::Street).bytes);
    studio.close().await;
    // A folder that is none any more.
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("clips");
    let studio = Studio::open(&root, vec![named("x", &engine)]).await;
    std::fs::remove_dir_all(&root).unwrap();
    std::fs::write(&root, b"a file").unwrap();
    let spoken = studio.say(&words).await;
    assert!(studio.clip(&spoken, SoundProfile::Plain).await.is_some());
    assert!(studio.speech.cached(&words).await.is_some());
    studio.close().await;
}

#[tokio::test]
async fn memory_is_bounded_and_what_falls_out_of_it_comes_from_disk() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Scripted::always("x", Act::Say);
    let small = |options: &mut orderbell::speech::SpeechOptions| options.memory_bytes = 20_000;
    let studio = Studio::with(folder.path(), vec![named("x", &engine)], small).await;
    let sentences: Vec<Sentence> = (0..40).map(|n| sentence(&[&format!("第{n}单，请及时取餐")])).collect();
    for words in &sentences {
        studio.speech.say(words, SayBudget::Patient).await.unwrap();
    }
    for words in &sentences {
        studio.speech.say(words, SayBudget::Patient).await.unwrap();
    }
    assert_eq!(engine.calls(), 40);
    studio.close().await;
}

#[tokio::test]
async fn every_clip_is_there_for_the_street_as_long_as_its_numbers_say() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Scripted::always("x", Act::Say);
    let studio = Studio::open(folder.path(), vec![named("x", &engine)]).await;
    for chime in [Chime::Usual, Chime::Louder] {
        let words = Sentence {
            chime,
            ..sentence(&["您有新的", "美团", "订单，", "尾号", "八", "六", "零", "七"])
        };
        let spoken = studio.say(&words).await;
        let plain = studio.clip(&spoken, SoundProfile::Plain).await.unwrap();
        let street = studio.clip(&spoken, SoundProfile::Street).await.unwrap();
        let said = spoken.sound.in_profile(SoundProfile::Street);
        assert_eq!((street.bytes.len() as u64, street.duration_ms), (said.bytes, said.duration_ms));
        assert_ne!(street.etag, plain.etag);
    }
    assert_eq!(engine.calls(), 8, "the street is made of the same words");
}

#[tokio::test]
async fn a_wav_is_the_same_sentence_without_a_tail() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Scripted::always("x", Act::Say);
    let studio = Studio::open(folder.path(), vec![named("x", &engine)]).await;
    let words = Sentence { format: ClipFormat::Wav, ..sentence(&["您有新的", "订单"]) };
    let spoken = studio.say(&words).await;
    assert_eq!(spoken.sound.mime, "audio/wav");
    let clip = studio.clip(&spoken, SoundProfile::Plain).await.unwrap();
    let pcm = Pcm::from_wav_bytes(&clip.bytes).unwrap();
    assert_eq!((clip.bytes.len() as u64, pcm.duration_ms()), (spoken.sound.bytes, spoken.sound.duration_ms));
    assert_eq!(studio.speech.cached(&words).await.unwrap().sound, spoken.sound);
    assert_eq!(engine.calls(), 2);
}

#[tokio::test]
async fn only_new_parts_cost_anything() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Scripted::always("x", Act::Say);
    let studio = Studio::open(folder.path(), vec![named("x", &engine)]).await;
    let words = sentence(&["您有新的", "美团", "订单"]);
    assert_eq!(studio.speech.cost(&words), 8);
    studio.say(&words).await;
    assert_eq!(studio.speech.cost(&words), 0);
    assert_eq!(studio.speech.cost(&sentence(&["您有新的", "饿了么", "订单"])), 3);
    assert!(studio.metric("orderbell_engine_characters_total{engine=\"x\"} 8"));
    assert!(studio.metric("orderbell_speech_parts_total{engine=\"x\",result=\"made\"} 3"));
}

#[tokio::test(start_paused = true)]
async fn warming_makes_each_part_once_tells_how_far_it_is_and_leaves_alerts_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Scripted::always("x", Act::SayAfter(Duration::from_millis(100)));
    let studio = Studio::open(folder.path(), vec![named("x", &engine)]).await;
    let parts =
        |from: usize| (from..from + 20).map(|n| Part::new(&format!("第{n}单"), vec![])).collect::<Vec<_>>();
    let mut told = Vec::new();
    let warming = studio.speech.warm(None, Lang::ZhCn, parts(0), |at| told.push(at));
    let (report, alert) = tokio::join!(warming, async {
        tokio::time::sleep(Duration::from_millis(350)).await;
        let began = tokio::time::Instant::now();
        studio.speech.say(&sentence(&["您有新的订单"]), ALERT).await.unwrap();
        began.elapsed()
    });
    assert!(alert < Duration::from_millis(150), "{alert:?}");
    assert_eq!((report.asked, report.made, report.failed, report.characters), (20, 20, 0, 70));
    assert_eq!((told.len(), told.last().unwrap().done, told[0].total), (20, 20, 20));
    let again = studio.speech.warm(Some("x"), Lang::ZhCn, parts(10), |_| {}).await;
    assert_eq!((again.asked, again.made), (20, 10));
    engine.now(Act::Fail(EngineFailure::Quota));
    let failed = studio.speech.warm(Some("x"), Lang::ZhCn, parts(100), |_| {}).await;
    assert_eq!((failed.made, failed.failed), (0, 20));
    assert_eq!(studio.speech.warm(Some("none"), Lang::ZhCn, parts(0), |_| {}).await.failed, 20);
}
