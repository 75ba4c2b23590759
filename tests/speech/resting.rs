//! Engines that rest: when, how long, and how it is found out that they are back.

use std::time::Duration;

use orderbell::speech::engine::EngineFailure;
use orderbell::speech::{SayBudget, SpeechError, VoiceState};

use crate::studio::{ALERT, Act, Scripted, Studio, named, sentence};

const S: fn(u64) -> Duration = Duration::from_secs;
const MS: fn(u64) -> Duration = Duration::from_millis;

/// Sentences that are all new.
async fn say_new(studio: &Studio, count: usize, from: usize) -> Vec<Result<String, SpeechError>> {
    let mut said = Vec::new();
    for n in from..from + count {
        let words = sentence(&[&format!("第{n}单")]);
        said.push(studio.speech.say(&words, ALERT).await.map(|spoken| spoken.engine));
    }
    said
}

#[tokio::test(start_paused = true)]
async fn after_five_failures_it_is_left_alone_then_one_request_finds_out() {
    let folder = tempfile::tempdir().unwrap();
    let ill = Scripted::always("ill", Act::Fail(EngineFailure::Broken));
    let well = Scripted::always("well", Act::Say);
    let studio = Studio::open(folder.path(), vec![named("ill", &ill), named("well", &well)]).await;
    assert!(say_new(&studio, 20, 0).await.into_iter().all(|by| by.unwrap() == "well"));
    assert_eq!(ill.calls(), 5);
    assert_eq!(studio.speech.voices()[0].state, VoiceState::Resting);
    assert!(studio.metric("orderbell_engine_resting{engine=\"ill\"} 1"));

    // A probe that fails: rests again, with one call more.
    tokio::time::sleep(S(16)).await;
    say_new(&studio, 5, 100).await;
    assert_eq!(ill.calls(), 6);
    // One that is well: it is back for all.
    ill.now(Act::Say);
    tokio::time::sleep(S(16)).await;
    assert!(say_new(&studio, 3, 200).await.into_iter().all(|by| by.unwrap() == "ill"));
    assert_eq!(studio.speech.voices()[0].state, VoiceState::Available);
    assert!(studio.metric("orderbell_engine_resting{engine=\"ill\"} 0"));
}

#[tokio::test(start_paused = true)]
async fn while_one_finds_out_others_do_not_wait_but_the_parts_of_its_own_sentence_do() {
    let folder = tempfile::tempdir().unwrap();
    let ill = Scripted::always("ill", Act::Fail(EngineFailure::Broken));
    let local = Scripted::local("local", |_, _| Act::Say);
    let studio = Studio::open(folder.path(), vec![named("ill", &ill), named("local", &local)]).await;
    say_new(&studio, 5, 0).await;
    ill.now(Act::SayAfter(MS(200)));
    tokio::time::sleep(S(16)).await;
    let whole = sentence(&["您有新的", "美团", "订单"]);
    let (first, second) = tokio::join!(studio.speech.say(&whole, ALERT), async {
        // By now the probe is on its way.
        tokio::time::sleep(MS(50)).await;
        let began = tokio::time::Instant::now();
        let by = say_new(&studio, 1, 300).await.remove(0).unwrap();
        (by, began.elapsed())
    });
    assert_eq!(first.unwrap().engine, "ill", "the parts beside the probe have waited for it");
    assert_eq!(second.0, "local");
    assert!(second.1 < MS(50), "{:?}", second.1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_a_rest_of_ten_minutes() {
    for failure in [EngineFailure::Auth, EngineFailure::Quota, EngineFailure::Configuration] {
        let folder = tempfile::tempdir().unwrap();
        let refused = Scripted::always("refused", Act::Fail(failure));
        let local = Scripted::local("local", |_, _| Act::Say);
        let studio =
            Studio::open(folder.path(), vec![named("refused", &refused), named("local", &local)]).await;
        say_new(&studio, 10, 0).await;
        assert_eq!(refused.calls(), 1, "{failure:?}");
        tokio::time::sleep(S(590)).await;
        say_new(&studio, 1, 20).await;
        assert_eq!(refused.calls(), 1, "{failure:?}");
        refused.now(Act::Say);
        tokio::time::sleep(S(11)).await;
        assert_eq!(say_new(&studio, 1, 30).await.remove(0).unwrap(), "refused");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_resting_engine_has_said_before_is_still_heard_in_its_voice() {
    let folder = tempfile::tempdir().unwrap();
    let ill = Scripted::always("ill", Act::Say);
    let local = Scripted::local("local", |_, _| Act::Say);
    let studio = Studio::open(folder.path(), vec![named("ill", &ill), named("local", &local)]).await;
    let known = sentence(&["您有新的", "订单"]);
    studio.say(&known).await;
    ill.now(Act::Fail(EngineFailure::Auth));
    assert_eq!(say_new(&studio, 1, 0).await.remove(0).unwrap(), "local");
    assert_eq!(studio.speech.cached(&known).await.unwrap().engine, "ill");
    // What it has not said is the next one's, and known of it at once.
    let new = sentence(&["您有新的", "美团", "订单"]);
    assert!(studio.speech.cached(&new).await.is_none());
    studio.say(&new).await;
    assert_eq!(studio.speech.cached(&new).await.unwrap().engine, "local");
}

#[tokio::test(start_paused = true)]
async fn a_lone_engine_that_rests_is_asked_again_when_it_is_time() {
    let folder = tempfile::tempdir().unwrap();
    let ill = Scripted::always("ill", Act::Fail(EngineFailure::Broken));
    let studio = Studio::open(folder.path(), vec![named("ill", &ill)]).await;
    let said = say_new(&studio, 8, 0).await;
    assert_eq!(said.iter().filter(|by| matches!(by, Err(SpeechError::NoEngine))).count(), 3);
    ill.now(Act::SayAfter(MS(300)));
    tokio::time::sleep(S(16)).await;
    let (one, two) = (sentence(&["一", "二"]), sentence(&["三", "四"]));
    let (one, two) = tokio::join!(
        studio.speech.say(&one, SayBudget::Patient),
        studio.speech.say(&two, SayBudget::Patient)
    );
    assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
}

#[tokio::test(start_paused = true)]
async fn silence_and_rubbish_are_failures_of_a_service() {
    for act in [
        Act::Silence,
        Act::Never,
        Act::Bytes(Vec::new()),
        Act::Bytes(b"<html><body>502 Bad Gateway</body></html>".to_vec()),
        Act::Bytes(b"{\"code\":1,\"message\":\"no\"}".to_vec()),
        Act::Bytes(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let ill = Scripted::always("ill", act.clone());
        let studio = Studio::open(folder.path(), vec![named("ill", &ill)]).await;
        assert!(say_new(&studio, 9, 0).await.iter().all(Result::is_err), "{act:?}");
        assert_eq!(ill.calls(), 5, "{act:?}");
    }
}
