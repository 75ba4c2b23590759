//! espeak-ng as an engine: the real program, its readings, and what hostile texts do to it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use orderbell::config::engines::EspeakEngine as Config;
use orderbell::domain::said::{Part, Reading};
use orderbell::speech::Lang;
use orderbell::speech::engine::{Engine, EngineFailure, EngineRequest, Speed};
use orderbell::speech::engines::espeak::EspeakEngine;
use orderbell::speech::espeak::EspeakLimits;

use crate::{DEADLINE, request, said};

async fn espeak() -> EspeakEngine {
    EspeakEngine::open(&Config::default(), EspeakLimits::default()).await.unwrap()
}

fn read(word: &str, pinyin: &str) -> Vec<Reading> {
    vec![Reading { word: word.to_owned(), pinyin: pinyin.to_owned() }]
}

async fn wav(engine: &EspeakEngine, part: &Part) -> Vec<u8> {
    engine.speak(&request(part)).await.unwrap().bytes.to_vec()
}

#[tokio::test]
async fn its_line_names_version_and_voice() {
    let engine = espeak().await;
    let line = engine.voice(Lang::ZhCn).unwrap();
    let words: Vec<&str> = line.split(' ').collect();
    assert!(
        matches!(words[..], ["espeak-ng", version, "cmn-latn-pinyin" | "cmn"] if version.starts_with("1.")),
        "{line}"
    );
    assert!(engine.voice(Lang::En).unwrap().ends_with(" en"));
    assert!(engine.is_local());
}

#[tokio::test]
async fn readings_are_heard() {
    let engine = espeak().await;
    // It reads 行 as xing and 重 as zhong; written in pinyin it must sound like the other character.
    for (text, word, pinyin, like) in [
        ("银行", "银行", "yin2 hang2", "yin2 hang2"),
        ("重庆", "重庆", "chong2 qing4", "chong2 qing4"),
        ("略", "略", "lüe4", "lve4"),
        ("女", "女", "nu:3", "nv3"),
        ("绿", "绿", "lü4", "lv4"),
    ] {
        let told = wav(&engine, &Part::new(text, read(word, pinyin))).await;
        let spaced = like.split(' ').collect::<Vec<_>>().join(" ");
        assert_eq!(told, wav(&engine, &Part::new(&spaced, vec![])).await, "{text}");
    }
    let plain = wav(&engine, &Part::new("银行", vec![])).await;
    assert_ne!(plain, wav(&engine, &Part::new("银行", read("银行", "yin2 hang2"))).await);
    // A reading that does not fit changes nothing.
    assert_eq!(plain, wav(&engine, &Part::new("银行", read("银行", "yin2"))).await);
    assert_eq!(plain, wav(&engine, &Part::new("银行", read("银行", "yin2 [[h@]]"))).await);
    // One that makes the text too long is left out.
    let long = "庄".repeat(300);
    assert!(
        engine
            .speak(&EngineRequest {
                deadline: DEADLINE, ..request(&Part::new(&long, read("庄", "zhuang1")))
            })
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn hostile_texts_are_only_words() {
    let engine = espeak().await;
    let normal = said(&engine, "您有新的订单，请及时接单").await.unwrap().bytes.len();
    for text in [
        "<speak><audio src=\"/etc/passwd\"/>你好</speak>",
        "-f/etc/passwd",
        "--compile=x",
        "$(id) `id`; rm -rf x",
        "[[h@]] 你好",
        "\u{1b}[31m你好\u{0}\u{7}",
        "你好 %s %n {{ text }} {voice}",
    ] {
        let bytes = said(&engine, text).await.unwrap().bytes;
        assert!(bytes.starts_with(b"RIFF") && bytes.len() < 20 * normal, "{text:?}: {}", bytes.len());
    }
    for text in ["好".repeat(10_000), String::new(), "[[]] <> …".to_owned()] {
        assert_eq!(said(&engine, &text).await.unwrap_err().failure, EngineFailure::BadText);
    }
}

#[tokio::test]
async fn what_it_says_of_itself_is_what_the_chain_goes_by() {
    let engine = espeak().await;
    let part = Part::new("一二三四五六七八九十", vec![]);
    let at_once = EngineRequest { deadline: Duration::ZERO, ..request(&part) };
    assert_eq!(engine.speak(&at_once).await.unwrap_err().failure, EngineFailure::Broken);
    let slow = EngineRequest { speed: Speed::percent(50), ..request(&part) };
    let (slow, normal) = (engine.speak(&slow).await.unwrap(), engine.speak(&request(&part)).await.unwrap());
    assert!(slow.bytes.len() > normal.bytes.len());
    // A program that passes the self-test and then fails.
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("espeak-ng");
    fs::write(&program, "#!/bin/sh\ncase \"$*\" in *-x*|*--version*) echo 'x: 9.9'; exit 0;; esac\nexit 3\n")
        .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let config = Config { program: program.display().to_string() };
    let failing = EspeakEngine::open(&config, EspeakLimits::default()).await.unwrap();
    assert_eq!(failing.voice(Lang::En).as_deref(), Some("espeak-ng 9.9 en"));
    assert_eq!(said(&failing, "你好").await.unwrap_err().failure, EngineFailure::Retry);
    let nowhere = Config { program: Path::new("/nowhere/espeak-ng").display().to_string() };
    assert!(EspeakEngine::open(&nowhere, EspeakLimits::default()).await.is_err());
}
