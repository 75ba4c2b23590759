//! The real program is used wherever it can be: what it does with hostile texts is the point.
//! Without `espeak-ng` these tests fail; `apt-get install espeak-ng` is part of the tool set.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Instant};

use super::*;
use crate::speech::normalise;

async fn real() -> Espeak {
    Espeak::detect(EspeakLimits::default()).await.expect("espeak-ng is installed")
}

/// Bytes of sound in the WAV that espeak writes (44 bytes of header).
async fn sound(espeak: &Espeak, text: &str) -> usize {
    let wav = espeak.speak(text, Lang::ZhCn, Speed::NORMAL).await.expect("it speaks");
    assert!(wav.starts_with(b"RIFF") && wav.get(8..12) == Some(b"WAVE"), "a WAV");
    wav.len() - 44
}

/// A program that stands in for espeak-ng: it passes the self-test, then does `then`.
fn stand_in(folder: &Path, then: &str) -> PathBuf {
    let program = folder.join("espeak-ng");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *-x*) echo ni; exit 0;; esac\ncd '{}'\n{then}\n",
        folder.display()
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    program
}

#[tokio::test]
async fn mandarin_is_read_as_mandarin() {
    let espeak = real().await;
    assert!(espeak.program().is_absolute());
    for lang in Lang::ALL {
        let voice = espeak.voice(lang).expect("every language has a voice");
        let text = if lang == Lang::En { "new order" } else { "您有新的订单" };
        let phonemes = espeak.run(&["-v", voice, "-q", "-x", "--stdin"], text).await.unwrap();
        assert!(!String::from_utf8(phonemes).unwrap().contains("(en)"), "{voice}");
        assert!(espeak.speak(text, lang, Speed::NORMAL).await.unwrap().len() > 20_000);
    }
}

#[tokio::test]
async fn a_faster_speed_makes_a_shorter_clip() {
    let espeak = real().await;
    let text = "您有新的订单，请及时接单";
    let normal = espeak.speak(text, Lang::ZhCn, Speed::NORMAL).await.unwrap().len();
    let fast = espeak.speak(text, Lang::ZhCn, Speed::percent(150)).await.unwrap().len();
    let fastest = espeak.speak(text, Lang::ZhCn, Speed::percent(9_999)).await.unwrap().len();
    assert!(fast < normal && fastest < fast);
}

#[tokio::test]
async fn options_paths_and_markup_in_a_text_are_only_words() {
    let espeak = real().await;
    for text in [
        "-f/etc/passwd",
        "--compile=x",
        "-w /tmp/orderbell-must-not-exist.wav",
        "$(id) `id`; rm -rf x",
        "<speak><audio src=\"/etc/passwd\"/></speak>",
        "[[h@]] 你好",
        "你好 %s %n",
        "\u{0}\u{1b}[31m你好",
    ] {
        // Less than ten seconds: nobody read a file aloud.
        let bytes = sound(&espeak, text).await;
        assert!((1_000..441_000).contains(&bytes), "{text:?}: {bytes}");
    }
    assert!(!Path::new("/tmp/orderbell-must-not-exist.wav").exists());
}

#[tokio::test]
async fn phoneme_input_is_not_obeyed() {
    let espeak = real().await;
    let text = plain("[[h@]]").unwrap();
    assert_eq!(text, "  h@  ");
    let phonemes = espeak.run(&["-v", "cmn-latn-pinyin", "-q", "-x", "--stdin"], &text).await.unwrap();
    assert_ne!(String::from_utf8(phonemes).unwrap().trim(), "h@");
}

#[tokio::test]
async fn texts_that_cannot_be_spoken_are_refused() {
    let espeak = real().await;
    for (text, refusal) in [
        ("1".repeat(50_000), "a text of 50000 characters is too long to speak"),
        ("好".repeat(SAID_CHARS_MAX + 1), "a text of 401 characters is too long to speak"),
        (String::new(), "there is nothing to speak"),
        ("[[]] <> …".to_owned(), "there is nothing to speak"),
    ] {
        let error = espeak.speak(&text, Lang::ZhCn, Speed::NORMAL).await.unwrap_err();
        assert_eq!(error.to_string(), refusal);
        assert_eq!(error.advice(), Advice::ChangeText);
    }
}

#[tokio::test]
async fn the_longest_sentence_fits_the_limits() {
    let espeak = real().await;
    let text = normalise(&"1".repeat(5_000), Lang::ZhCn);
    assert_eq!(text.chars().count(), SAID_CHARS_MAX);
    let tight = EspeakLimits { audio_bytes: 100_000, ..EspeakLimits::default() };
    let tight = Espeak::at(espeak.program(), tight).await.unwrap();
    let error = tight.speak(&text, Lang::ZhCn, Speed::NORMAL).await.unwrap_err();
    assert!(matches!(error, EspeakError::AudioTooLong(100_000)), "{error}");
    let error = espeak.speak(&text, Lang::ZhCn, Speed::percent(50)).await.unwrap_err();
    assert_eq!(error.advice(), Advice::ChangeText);
}

#[tokio::test]
async fn a_child_that_hangs_is_killed_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let program = stand_in(folder.path(), "echo $$ > pid; exec sleep 60");
    let limits = EspeakLimits { time: Duration::from_millis(500), ..EspeakLimits::default() };
    let espeak = Espeak::at(&program, limits).await.unwrap();
    let started = Instant::now();
    let error = espeak.speak("你好", Lang::ZhCn, Speed::NORMAL).await.unwrap_err();
    assert!(matches!(error, EspeakError::TimedOut(_)), "{error}");
    assert_eq!(error.advice(), Advice::Retry);
    assert!(started.elapsed() < Duration::from_secs(5));
    let pid = fs::read_to_string(folder.path().join("pid")).unwrap();
    let state = || fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    // Killed at once; the runtime reaps it when it next looks.
    let gone = || state().map_or(true, |stat| stat.contains(") Z "));
    for _ in 0..200 {
        if gone() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(gone(), "the child is still there: {:?}", state());
}

#[tokio::test]
async fn endless_output_ends_and_the_childs_complaint_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let limits = EspeakLimits { audio_bytes: 10_000, ..EspeakLimits::default() };
    let espeak = Espeak::at(&stand_in(folder.path(), "exec cat /dev/zero"), limits).await.unwrap();
    let error = espeak.speak("你好", Lang::ZhCn, Speed::NORMAL).await.unwrap_err();
    assert!(matches!(error, EspeakError::AudioTooLong(10_000)), "{error}");

    let espeak = Espeak::at(&stand_in(folder.path(), "echo no data >&2; exit 3"), limits).await.unwrap();
    let error = espeak.speak("你好", Lang::ZhCn, Speed::NORMAL).await.unwrap_err();
    assert!(error.to_string().contains("no data"), "{error}");
    assert_eq!(error.advice(), Advice::Retry);
}

#[tokio::test]
async fn the_environment_does_not_reach_the_child() {
    let folder = tempfile::tempdir().unwrap();
    let program = stand_in(folder.path(), "exec env");
    let espeak = Espeak::at(&program, EspeakLimits::default()).await.unwrap();
    let seen = String::from_utf8(espeak.speak("你好", Lang::ZhCn, Speed::NORMAL).await.unwrap()).unwrap();
    assert!(seen.contains("LC_ALL=C.UTF-8"));
    // What a shell sets by itself is all there is besides.
    let strangers: Vec<&str> = seen
        .lines()
        .filter(|line| {
            !["LC_ALL=", "PWD=", "OLDPWD=", "SHLVL=", "_="].iter().any(|own| line.starts_with(own))
        })
        .collect();
    assert!(strangers.is_empty(), "{strangers:?}");
}

#[tokio::test]
async fn a_program_that_spells_han_in_english_is_no_engine() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("espeak-ng");
    fs::write(&program, "#!/bin/sh\necho '(en)nI55'\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let error = Espeak::at(&program, EspeakLimits::default()).await.unwrap_err();
    assert!(matches!(error, EspeakError::NoMandarinVoice { .. }), "{error}");
    assert_eq!(error.advice(), Advice::UseAnother);
    let error = Espeak::at(&folder.path().join("absent"), EspeakLimits::default()).await.unwrap_err();
    assert!(matches!(error, EspeakError::Io(_)), "{error}");
}

#[tokio::test]
async fn no_more_children_run_at_once_than_allowed() {
    let folder = tempfile::tempdir().unwrap();
    // Each run notes itself while it lasts; two at once would see each other's note.
    let program = stand_in(
        folder.path(),
        "mkdir running || { echo two at once >&2; exit 9; }; sleep 0.05; rmdir running",
    );
    let limits = EspeakLimits { concurrency: 1, ..EspeakLimits::default() };
    let espeak = Espeak::at(&program, limits).await.unwrap();
    let runs = (0..6).map(|_| espeak.speak("你好", Lang::ZhCn, Speed::NORMAL));
    for run in futures_util::future::join_all(runs).await {
        run.expect("alone");
    }
}
