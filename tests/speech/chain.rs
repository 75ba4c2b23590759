//! Who speaks, and when: the order of the chain, its budget, and what becomes of those who are late.

use std::time::Duration;

use orderbell::config::engines::SpeechMode;
use orderbell::speech::engine::EngineFailure;
use orderbell::speech::{SayBudget, Sentence, SpeechError};
use tokio::time::Instant;

use crate::studio::{ALERT, Act, Scripted, Studio, limited, named, sentence};

const S: fn(u64) -> Duration = Duration::from_secs;
const MS: fn(u64) -> Duration = Duration::from_millis;

#[tokio::test(start_paused = true)]
async fn the_first_engine_speaks_unless_the_app_wants_another() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (Scripted::always("one", Act::Say), Scripted::always("two", Act::Say));
    let studio = Studio::open(folder.path(), vec![named("a", &one), named("b", &two)]).await;
    let usual = sentence(&["您有新的", "美团", "订单"]);
    assert_eq!(studio.say(&usual).await.engine, "a");
    let other = Sentence { voice: Some("b".to_owned()), ..usual.clone() };
    let by_b = studio.say(&other).await;
    assert_eq!((by_b.engine.as_str(), one.calls(), two.calls()), ("b", 3, 3));
    assert_ne!(by_b.sound.path, studio.say(&usual).await.sound.path);
    // A voice that is gone is no reason to be silent.
    let gone = Sentence { voice: Some("c".to_owned()), ..usual };
    assert_eq!(studio.say(&gone).await.engine, "a");
    let infos = studio.speech.voices();
    assert_eq!(infos.iter().map(|voice| voice.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_service_leaves_its_reserve_to_the_local_engine_and_is_heard_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let slow = Scripted::always("slow", Act::SayAfter(S(2)));
    let local = Scripted::local("local", |_, _| Act::SayAfter(MS(40)));
    let studio = Studio::open(folder.path(), vec![named("cloud", &slow), named("local", &local)]).await;
    let words = sentence(&["您有新的", "订单"]);
    let began = Instant::now();
    let spoken = studio.say(&words).await;
    assert_eq!(spoken.engine, "local");
    let took = began.elapsed();
    assert!(took >= MS(450) && took < MS(700), "{took:?}");
    // It was asked once for each part, and goes on with nobody waiting.
    tokio::time::sleep(S(3)).await;
    let next = studio.speech.cached(&words).await.unwrap();
    assert_eq!((next.engine.as_str(), slow.calls(), local.calls()), ("cloud", 2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_failure_goes_on_to_the_next_at_once_and_no_sentence_has_two_voices() {
    let folder = tempfile::tempdir().unwrap();
    // The second part fails, the first does not.
    let half = Scripted::new("half", |_, text| match text {
        "美团" => Act::FailAfter(MS(30), EngineFailure::Broken),
        _text => Act::Say,
    });
    let two = Scripted::always("two", Act::Say);
    let studio = Studio::open(folder.path(), vec![named("a", &half), named("b", &two)]).await;
    let began = Instant::now();
    let spoken = studio.say(&sentence(&["您有新的", "美团", "订单"])).await;
    assert_eq!((spoken.engine.as_str(), two.calls()), ("b", 3));
    assert!(began.elapsed() < MS(100), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn when_nobody_is_in_time_the_sentence_still_comes() {
    let folder = tempfile::tempdir().unwrap();
    let late = Scripted::always("late", Act::SayAfter(S(2)));
    let studio = Studio::open(folder.path(), vec![named("late", &late)]).await;
    let began = Instant::now();
    assert_eq!(studio.say(&sentence(&["您有新的订单"])).await.engine, "late");
    assert_eq!(began.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_never_answers_is_left_at_its_deadline_and_the_chain_at_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let never = Scripted::always("never", Act::Never);
    let studio = Studio::open(folder.path(), vec![named("never", &never)]).await;
    let began = Instant::now();
    let error = studio.speech.say(&sentence(&["您有新的订单"]), ALERT).await.unwrap_err();
    assert_eq!((error.cause(), began.elapsed().as_secs()), ("failed", 3), "{error:?}");
    drop(studio);

    let longer = limited("never", &never, |common| common.deadline = S(60));
    let studio = Studio::open(folder.path(), vec![longer]).await;
    let began = Instant::now();
    let error = studio.speech.say(&sentence(&["您有新的订单"]), SayBudget::Patient).await.unwrap_err();
    assert!(matches!(error, SpeechError::Late(_)), "{error:?}");
    assert_eq!(began.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_patient_asker_hears_the_engine_they_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let slow = Scripted::always("slow", Act::SayAfter(S(2)));
    let local = Scripted::local("local", |_, _| Act::Say);
    let studio = Studio::open(folder.path(), vec![named("cloud", &slow), named("local", &local)]).await;
    let spoken = studio.speech.say(&sentence(&["您有新的订单"]), SayBudget::Patient).await.unwrap();
    assert_eq!((spoken.engine.as_str(), local.calls()), ("cloud", 0));
}

#[tokio::test(start_paused = true)]
async fn only_what_the_maker_calls_retryable_is_tried_again() {
    for (failure, calls) in [
        (EngineFailure::Retry, 3),
        (EngineFailure::RateLimited { retry_after: Some(MS(800)) }, 3),
        (EngineFailure::Broken, 1),
        (EngineFailure::BadText, 1),
        (EngineFailure::Auth, 1),
        (EngineFailure::Quota, 1),
        (EngineFailure::Configuration, 1),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let engine = Scripted::new("x", move |n, _| if n < 2 { Act::Fail(failure) } else { Act::Say });
        let patient = limited("x", &engine, |common| common.attempts = 3);
        let studio = Studio::open(folder.path(), vec![patient]).await;
        let began = Instant::now();
        let said = studio.speech.say(&sentence(&["您有新的订单"]), SayBudget::Patient).await;
        assert_eq!((said.is_ok(), engine.calls()), (calls == 3, calls), "{failure:?}");
        if let EngineFailure::RateLimited { retry_after: Some(wait) } = failure {
            assert!(began.elapsed() >= 2 * wait, "{:?}", began.elapsed());
        }
        let is_bad = said.is_err_and(|error| error.is_bad_text());
        assert_eq!(is_bad, failure == EngineFailure::BadText, "{failure:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_text_is_not_offered_again_for_half_a_minute_and_costs_the_engine_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let picky = Scripted::always("picky", Act::Fail(EngineFailure::BadText));
    let studio = Studio::open(folder.path(), vec![named("picky", &picky)]).await;
    for _ in 0..20 {
        let error = studio.speech.say(&sentence(&["哎"]), ALERT).await.unwrap_err();
        assert!(error.is_bad_text());
    }
    assert_eq!(picky.calls(), 1);
    tokio::time::sleep(S(31)).await;
    assert!(studio.speech.say(&sentence(&["哎"]), ALERT).await.is_err());
    assert_eq!(picky.calls(), 2);
    // Others are still asked of it.
    picky.now(Act::Say);
    assert_eq!(studio.say(&sentence(&["您有新的订单"])).await.engine, "picky");
}

#[tokio::test(start_paused = true)]
async fn what_one_engine_refuses_another_says_also_from_memory() {
    let folder = tempfile::tempdir().unwrap();
    let picky = Scripted::always("picky", Act::Fail(EngineFailure::BadText));
    let other = Scripted::always("other", Act::Say);
    let studio = Studio::open(folder.path(), vec![named("picky", &picky), named("other", &other)]).await;
    let words = sentence(&["重庆小面"]);
    assert_eq!(studio.say(&words).await.engine, "other");
    assert_eq!(studio.speech.cached(&words).await.unwrap().engine, "other");
    assert_eq!((picky.calls(), other.calls()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn askers_at_one_moment_share_one_making_and_it_outlives_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let slow = Scripted::always("slow", Act::SayAfter(S(1)));
    let studio = Studio::open(folder.path(), vec![named("slow", &slow)]).await;
    let words = sentence(&["您有新的", "订单"]);
    let leader = studio.speech.say(&words, SayBudget::Patient);
    assert!(tokio::time::timeout(MS(300), leader).await.is_err(), "the first asker leaves");
    let others = (0..50).map(|_| studio.speech.say(&words, SayBudget::Patient));
    let began = Instant::now();
    let said = futures_util::future::join_all(others).await;
    assert!(said.iter().all(Result::is_ok));
    assert_eq!(slow.calls(), 2, "one call for each part");
    assert!(began.elapsed() < MS(800), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_dies_is_survived() {
    let folder = tempfile::tempdir().unwrap();
    let dying = Scripted::new("dying", |n, _| if n == 0 { Act::Panic } else { Act::Say });
    let studio = Studio::open(folder.path(), vec![named("dying", &dying)]).await;
    let words = sentence(&["您有新的订单"]);
    assert_eq!(studio.speech.say(&words, ALERT).await.unwrap_err().cause(), "failed");
    assert_eq!(studio.say(&words).await.engine, "dying");
}

#[tokio::test(start_paused = true)]
async fn no_engine_has_more_at_hand_than_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let busy = Scripted::always("busy", Act::SayAfter(MS(100)));
    let narrow = limited("busy", &busy, |common| common.concurrency = 2);
    let studio = Studio::open(folder.path(), vec![narrow]).await;
    let parts = ["一", "二", "三", "四", "五", "六", "七", "八"];
    let began = Instant::now();
    studio.speech.say(&sentence(&parts), SayBudget::Patient).await.unwrap();
    let took = began.elapsed();
    assert!(took >= MS(400) && took < MS(500), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn modes_cut_a_sentence_or_leave_it_whole_or_say_only_what_is_fixed() {
    let words = sentence(&["您有新的", "美团", "订单，", "请及时接单"]);
    for (mode, asked) in [
        (SpeechMode::Segments, vec!["您有新的", "美团", "订单，", "请及时接单"]),
        (SpeechMode::Whole, vec!["您有新的美团订单，请及时接单"]),
        (SpeechMode::Fixed, vec!["您有新的订单，请及时接单"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let engine = Scripted::always("x", Act::Say);
        let studio =
            Studio::open(folder.path(), vec![limited("x", &engine, |common| common.mode = mode)]).await;
        studio.say(&words).await;
        let mut heard = engine.asked();
        heard.sort_by_key(|text| asked.iter().position(|known| known == text));
        assert_eq!(heard, asked, "{mode:?}");
    }
    // And for one kind alone.
    let folder = tempfile::tempdir().unwrap();
    let engine = Scripted::always("x", Act::Say);
    let by_kind = |common: &mut orderbell::config::engines::EngineCommon| {
        common.modes = [("order.new".to_owned(), SpeechMode::Whole)].into();
    };
    let studio = Studio::open(folder.path(), vec![limited("x", &engine, by_kind)]).await;
    studio.say(&words).await;
    assert_eq!(engine.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_an_engine_for_the_language_there_is_the_canned_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Scripted::always("x", Act::Say);
    let studio = Studio::open(folder.path(), vec![named("x", &engine)]).await;
    let words = Sentence { lang: orderbell::speech::Lang::Yue, ..sentence(&["你有新訂單"]) };
    assert!(matches!(studio.speech.say(&words, ALERT).await, Err(SpeechError::NoEngine)));
    assert!(studio.speech.canned(&words).path.starts_with("/audio/canned/"));
    assert_eq!(studio.speech.cost(&words), 0);
}
