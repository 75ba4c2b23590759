//! How long a sentence takes, fresh and warm; how many different ones a core says in a second; a month of orders; how loud
//! every voice is. `cargo bench --profile release --bench speech`; docs/benchmarks.md says what the lines mean.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "a bench stops at the first surprise and prints"
)]

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use orderbell::audio::decode::decoded;
use orderbell::audio::level::measured;
use orderbell::clock::{Clock, SystemClock};
use orderbell::config::engines::{EngineCommon, SpeechMode};
use orderbell::domain::SoundProfile;
use orderbell::speech::ahead::AheadOf;
use orderbell::speech::engines::espeak::EspeakEngine;
use orderbell::speech::espeak::{Espeak, EspeakLimits};
use orderbell::speech::{Lang, Lexicon, NamedEngine, Phrases, SayBudget, Sentence, normalise};
use orderbell::store::sqlite::{SqliteOptions, SqliteStore};
use serde_json::json;

use crate::house::House;
use crate::orders::{Month, merchant};
use crate::studio::{Act, Scripted, Studio, named, sentence};

#[path = "../tests/speech/house.rs"]
mod house;
#[path = "../tests/speech/orders.rs"]
mod orders;
#[path = "speech/parts.rs"]
mod parts;
#[expect(dead_code, reason = "the tests use the rest")]
#[path = "../tests/speech/studio.rs"]
mod studio;

const FRESH: usize = 40;
const ROUNDS: usize = 20_000;
const BURST: usize = 700;
const MERCHANTS: usize = 3_000;

fn main() {
    let of = |name: &str, usual| std::env::var(name).map_or(usual, |text| text.parse().unwrap());
    let orders: usize = of("ORDERS", 600_000);
    // One thread for all that is not a thread's own work by nature: a core's worth.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    parts::run();
    runtime.block_on(async {
        for mode in [SpeechMode::Whole, SpeechMode::Segments] {
            fresh(mode).await;
        }
        warm().await;
        burst().await;
        month(orders).await;
        loudness().await;
    });
    println!("bench done");
}

/// espeak-ng as it is configured by default.
async fn espeak(mode: SpeechMode) -> NamedEngine {
    let espeak = Espeak::detect(EspeakLimits::default()).await.unwrap();
    let version = espeak.version().await.unwrap();
    let common = EngineCommon { mode, concurrency: 2, attempts: 1, ..EngineCommon::default() };
    NamedEngine {
        name: "espeak-ng".to_owned(),
        engine: Arc::new(EspeakEngine::new(espeak, &version)),
        common,
    }
}

async fn studio(folder: &Path, engine: NamedEngine) -> Studio {
    Studio::with(folder, vec![engine], |options| options.making.threads = 2).await
}

/// New sentences by the local engine, nothing of them known: all of it new in one piece, or some values new.
async fn fresh(mode: SpeechMode) {
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(folder.path(), espeak(mode).await).await;
    let mut month = Month::new(MERCHANTS);
    let mut took = Vec::new();
    for _ in 0..FRESH {
        let words = Sentence { said: month.next(), ..sentence(&[]) };
        let began = Instant::now();
        studio.speech.say(&words, SayBudget::Patient).await.unwrap();
        took.push(began.elapsed());
    }
    let first = took[0];
    took.sort();
    println!(
        "fresh sentence, espeak-ng {mode:?}: first {}, half under {}, worst {}",
        ms(first),
        ms(took[FRESH / 2]),
        ms(took[FRESH - 1])
    );
    studio.close().await;
}

/// Sentences whose parts are all there.
async fn warm() {
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(folder.path(), named("tone", &Scripted::local("tone", |_, _| Act::Say))).await;
    let mut month = Month::new(40);
    let sentences: Vec<Sentence> =
        (0..2_000).map(|_| Sentence { said: month.next(), ..sentence(&[]) }).collect();
    for words in &sentences {
        studio.speech.say(words, SayBudget::Patient).await.unwrap();
    }
    let began = Instant::now();
    for words in sentences.iter().cycle().take(ROUNDS) {
        studio.speech.cached(words).await.unwrap();
    }
    let each = began.elapsed() / u32::try_from(ROUNDS).unwrap();
    println!("cached lookup, {} parts: {}", sentences[0].said.parts().len(), us(each));

    // Every sentence another one: numbers in turn, all of parts that are known.
    let known: Vec<_> = sentences.iter().flat_map(|words| words.said.parts().to_vec()).collect();
    let (began, mut said) = (Instant::now(), 0_usize);
    while began.elapsed() < Duration::from_secs(1) {
        let parts = (0..14).map(|n| known[(said * 7 + n * (said % 613 + 1)) % known.len()].clone());
        let words = Sentence { said: orderbell::domain::Said::of(parts.collect()), ..sentence(&[]) };
        studio.speech.cached(&words).await.unwrap();
        said += 1;
    }
    println!("different sentences a second and core, 14 warm parts each: {said}");

    let spoken = studio.speech.cached(&sentences[0]).await.unwrap();
    let name = studio::name_of(&spoken.sound.path);
    for profile in SoundProfile::ALL {
        studio.speech.clip(name, profile).await.unwrap();
        let began = Instant::now();
        for _ in 0..ROUNDS / 10 {
            studio.speech.clip(name, profile).await.unwrap();
        }
        let each = began.elapsed() / u32::try_from(ROUNDS / 10).unwrap();
        let bytes = studio.speech.clip(name, profile).await.unwrap().bytes.len();
        println!("joined clip, {}, {bytes} bytes: {}", profile.as_str(), us(each));
    }
    studio.close().await;
}

/// Posted at one moment, over the real database: how long until all are stored with their sentences.
async fn burst() {
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(folder.path(), espeak(SpeechMode::Segments).await).await;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let reading = Arc::clone(&clock);
    let options =
        SqliteOptions::new(folder.path().join("bench.db"), "epoch-1", Arc::new(move || reading.now().wall));
    let (store, writer) = SqliteStore::open(options).await.unwrap();
    studio.lifecycle.supervise("store writer", writer);
    let merchants: Vec<String> = (0..35).map(merchant).collect();
    let lexicon = Lexicon::none();
    let of = AheadOf { merchants: &merchants, fees_cents: Some((50, 3_000)), own: &[], lexicon: &lexicon };
    let parts = studio.speech.warm_parts(Lang::ZhCn, &of);
    let began = Instant::now();
    let report = studio.speech.warm(None, Lang::ZhCn, parts, |_| {}).await;
    let took = began.elapsed();
    println!(
        "warming, espeak-ng: {} parts made, {} failed, {:.1} s",
        report.made,
        report.failed,
        took.as_secs_f64()
    );
    let house = House::open(&studio, store, clock).await;
    let began = Instant::now();
    let posts = (0..BURST).map(|number| {
        let order = json!({
            "id": number.to_string(),
            "platform": "meituan",
            "merchant": { "name": merchants[number % 35] },
            "distance_m": 1_000 + number / 35 * 100,
        });
        house.order(number, order)
    });
    let alerts = futures_util::future::join_all(posts).await;
    let took = began.elapsed();
    let mut spoken = HashSet::new();
    for alert in alerts {
        let sound =
            house.sound(alert).await.unwrap_or_else(|| panic!("an alert was stored without its sound"));
        assert!(!sound.canned, "an alert has the canned sentence");
        spoken.insert(sound.path);
    }
    println!("burst: {} different sentences stored and spoken whole in {}", spoken.len(), ms(took));
}

/// A month of a city.
async fn month(orders: usize) {
    let folder = tempfile::tempdir().unwrap();
    let engine = Scripted::local("tone", |_, _| Act::Say);
    let studio = studio(folder.path(), named("tone", &engine)).await;
    let mut month = Month::new(MERCHANTS);
    let (mut parts, mut at_once) = (0_usize, 0_usize);
    let began = Instant::now();
    for _ in 0..orders {
        let said = month.next();
        parts += said.parts().len();
        let words = Sentence { said, ..sentence(&[]) };
        if studio.speech.cached(&words).await.is_some() {
            at_once += 1;
        } else {
            studio.speech.say(&words, SayBudget::Patient).await.unwrap();
        }
    }
    let calls = engine.calls();
    let share = |of: usize, all: usize| {
        #[expect(clippy::cast_precision_loss, reason = "a share to print")]
        let share = of as f64 / all as f64 * 100.0;
        share
    };
    println!(
        "{orders} orders: {parts} parts, {calls} engine calls, {:.3} % of parts were there, {:.2} % of sentences were \
         spoken at once, {:.1} s",
        share(parts - calls, parts),
        share(at_once, orders),
        began.elapsed().as_secs_f64()
    );
    if orders >= 600_000 {
        assert!(calls < 5_000, "{calls} engine calls");
        assert!(share(parts - calls, parts) >= 99.9);
    }
    studio.close().await;
}

/// Whole sentences as riders get them, decoded again.
async fn loudness() {
    let folder = tempfile::tempdir().unwrap();
    let phrases = Phrases::embedded();
    println!("{:<22}{:<8}{:<10}{:>9}{:>9}", "engine", "lang", "profile", "LUFS", "dBTP");
    for mode in [SpeechMode::Whole, SpeechMode::Segments] {
        let studio = studio(folder.path(), espeak(mode).await).await;
        for lang in Lang::ALL {
            let name = if lang == Lang::En { "Test Noodles" } else { "测试面馆" };
            let vars =
                json!({ "platform": "meituan", "merchant": name, "distance_m": 1_200, "fee_cents": 650 });
            let serde_json::Value::Object(vars) = vars else { panic!("an object") };
            let rendered = phrases.render("order.offered", lang, &[], &vars, 0, &Lexicon::none()).unwrap();
            assert!(!normalise(&rendered.text, lang).is_empty());
            let words = Sentence { said: rendered.said, lang: rendered.lang, ..sentence(&[]) };
            let spoken = studio.speech.say(&words, SayBudget::Patient).await.unwrap();
            for profile in SoundProfile::ALL {
                let clip = studio.clip(&spoken, profile).await.unwrap();
                let level = measured(&decoded(&clip.bytes, None).unwrap()).unwrap();
                println!(
                    "{:<22}{:<8}{:<10}{:>9.1}{:>9.1}",
                    format!("espeak-ng {mode:?}"),
                    lang.tag(),
                    profile.as_str(),
                    level.lufs,
                    level.peak_dbtp
                );
            }
        }
        studio.close().await;
    }
}

fn ms(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}

fn us(duration: Duration) -> String {
    format!("{:.1} us", duration.as_secs_f64() * 1e6)
}
