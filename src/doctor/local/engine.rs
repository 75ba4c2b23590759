//! The voice: each engine of the chain says one sentence in each of its languages, made as for an alert, in a folder of
//! its own that goes again.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::app::{BUILT_IN, SoloVoice, VoiceDesk, espeak_settings};
use crate::audio::ClipFormat;
use crate::audio::mp3::Mp3Frames;
use crate::clock::random_bytes;
use crate::config::Config;
use crate::config::engines::SpeechMode;
use crate::doctor::Finding;
use crate::domain::{Said, SoundProfile, Urgency};
use crate::speech::engine::Speed;
use crate::speech::espeak::{Espeak, EspeakError, EspeakLimits};
use crate::speech::{Chime, Lang, SayBudget, Sentence, normalise};

/// A sentence that was made.
struct Made {
    /// Chime and sentence, without the silence after them.
    sound_ms: u32,
    /// How long it took.
    took: Duration,
    /// What the engine was asked for.
    characters: usize,
}

/// What a rider would hear: numbers, a name, a street.
const SAMPLES: [(Lang, &str, &str); 3] = [
    (Lang::ZhCn, "mandarin", "您有新的订单，美团17号，测试面馆，距离1.2公里，请及时接单"),
    (Lang::Yue, "cantonese", "您有新的订单，美团17号，测试面馆，请及时接单"),
    (Lang::En, "english", "New order, number 17, Test Noodles, 1.2 km, please accept"),
];
/// Chime and sentence of the samples take 4 to 9 s. Outside this the voice swallows or spells.
const PLAUSIBLE_MS: std::ops::RangeInclusive<u32> = 2_000..=20_000;

/// Has every engine of the chain speak, alone, in each of its languages.
pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let scrap = match Scrap::new() {
        Ok(scrap) => scrap,
        Err(error) => {
            let found = format!("no temporary folder: {error}");
            return vec![Finding::fail("voice", found, "make TMPDIR writable")];
        }
    };
    let mut findings = Vec::new();
    if config.speech.chain.iter().any(|name| name == BUILT_IN) {
        let (program, limits) = espeak_settings(config);
        let engine = engine(program.as_deref(), limits).await;
        findings.push(judge_engine(&engine, program.as_deref()));
    }
    for remark in config.speech.remarks() {
        findings.push(Finding::warn("voice.chain", remark, "see docs/speech.md"));
    }
    let solos = match VoiceDesk::solos(config, scrap.0.clone(), &[SpeechMode::Whole]).await {
        Ok(solos) => solos,
        Err(error) => {
            let found = format!("{error:#}");
            findings.push(Finding::fail("voice.engines", found, "serve does not start so: put it right"));
            return findings;
        }
    };
    for solo in solos {
        let voices = solo.desk.speech.voices();
        let speaks = |lang| voices.iter().any(|voice| voice.langs.contains(&lang));
        for (lang, name, text) in SAMPLES.into_iter().filter(|(lang, ..)| speaks(*lang)) {
            let made = make(&solo, lang, text).await.map_err(|error| format!("{error:#}"));
            let (name, seen) = match solo.name.as_str() {
                BUILT_IN => (format!("voice.{name}"), judge(&made, config.speech.budget)),
                other => (format!("voice.{other}.{name}"), judge_configured(&made, config.speech.budget)),
            };
            findings.push(Finding { name, ..seen });
        }
        // What is still being written goes with the folder.
        solo.desk.close().await;
    }
    findings
}

/// The program's path and what it says of itself.
async fn engine(program: Option<&Path>, limits: EspeakLimits) -> Result<String, EspeakError> {
    let espeak = match program {
        Some(program) => Espeak::at(program, limits).await?,
        None => Espeak::detect(limits).await?,
    };
    let version = espeak.version().await?;
    // It goes on with where its data are.
    let version = version.split("  ").next().unwrap_or_default().to_owned();
    Ok(format!("{}: {version}", espeak.program().display()))
}

async fn make(solo: &SoloVoice, lang: Lang, text: &str) -> anyhow::Result<Made> {
    let sentence = Sentence {
        voice: None,
        speed: Speed::NORMAL,
        kind: "order.new".to_owned(),
        said: Said::whole(&normalise(text, lang)),
        lang,
        urgency: Urgency::Normal,
        chime: Chime::Usual,
        format: ClipFormat::Mp3,
    };
    let began = Instant::now();
    let spoken = solo.desk.speech.say(&sentence, SayBudget::Patient).await?;
    let took = began.elapsed();
    let sound = spoken.sound;
    let bytes = solo.desk.bytes(&sound, SoundProfile::Plain).await?;
    let frames = Mp3Frames::from_file(&bytes)?;
    anyhow::ensure!(
        frames.duration_ms() == sound.duration_ms,
        "the file is {} ms long and said to be {}",
        frames.duration_ms(),
        sound.duration_ms
    );
    let characters = sentence.said.characters();
    Ok(Made { sound_ms: sound.duration_ms.saturating_sub(sound.tail_ms), took, characters })
}

fn judge_engine(engine: &Result<String, EspeakError>, configured: Option<&Path>) -> Finding {
    match (engine, configured) {
        (Ok(engine), _) => Finding::ok("voice", engine),
        (Err(EspeakError::NotInstalled { .. }), None) => Finding::warn(
            "voice",
            "espeak-ng is not installed: every alert has the canned sentence of its kind",
            "install the package espeak-ng",
        ),
        (Err(error), Some(program)) => Finding::fail(
            "voice",
            format!("speech.espeak = {}: {error}{}", program.display(), cause(error)),
            "name the program, or leave it empty to have it looked up",
        ),
        (Err(error), None) => {
            let found = format!("{error}{}", cause(error));
            Finding::fail("voice", found, "install the packages espeak-ng and espeak-ng-data again")
        }
    }
}

fn cause(error: &EspeakError) -> String {
    std::error::Error::source(error).map_or_else(String::new, |cause| format!(": {cause}"))
}

fn judge(made: &Result<Made, String>, budget: Duration) -> Finding {
    match made {
        Ok(made) => judge_made(made, budget),
        Err(why) => {
            let advice = "riders with this language hear the canned sentence: install espeak-ng-data whole";
            Finding::warn("voice", why, advice)
        }
    }
}

/// An engine that an operator has set up is meant to speak.
fn judge_configured(made: &Result<Made, String>, budget: Duration) -> Finding {
    match made {
        Ok(made) => {
            let seen = judge_made(made, budget);
            Finding {
                found: format!("{}; it was asked for {} characters", seen.found, made.characters),
                ..seen
            }
        }
        Err(why) => {
            let advice = "the next engine of the chain speaks in its place: look at its table, its key and the way to it";
            Finding::fail("voice", why, advice)
        }
    }
}

/// The name is the caller's affair.
fn judge_made(made: &Made, budget: Duration) -> Finding {
    let name = "voice";
    let found = format!(
        "{:.1} s of sound made in {} ms, and it decodes",
        f64::from(made.sound_ms) / 1e3,
        made.took.as_millis()
    );
    if !PLAUSIBLE_MS.contains(&made.sound_ms) {
        let found = format!("{found}, but the sentence is not of that length");
        return Finding::fail(name, found, "listen to it: its data do not fit the program");
    }
    if made.took > budget {
        let advice = "longer than speech.budget: the canned sentence goes out first; free the processor";
        return Finding::warn(name, found, advice);
    }
    Finding::ok(name, found)
}

/// A folder of our own under the system's temporary one; gone when it is dropped.
struct Scrap(PathBuf);

impl Scrap {
    fn new() -> std::io::Result<Self> {
        let dice = u64::from_be_bytes(random_bytes());
        let path = std::env::temp_dir().join(format!("orderbell-check-{dice:016x}"));
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scrap {
    fn drop(&mut self) {
        let _gone_already = std::fs::remove_dir_all(&self.0).is_err();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::{EspeakError, Made, judge, judge_configured, judge_engine};
    use crate::doctor::Level;

    #[test]
    fn a_missing_engine_is_a_lesser_evil_than_a_wrong_one() {
        let missing = || Err(EspeakError::NotInstalled { searched: "/bin".into() });
        let gone = || Err(EspeakError::Io(std::io::ErrorKind::NotFound.into()));
        let dumb = || Err(EspeakError::NoMandarinVoice { tried: "cmn".into() });
        for (engine, configured, level) in [
            (Ok("/usr/bin/espeak-ng: 1.51".to_owned()), None, Level::Ok),
            (missing(), None, Level::Warn),
            (gone(), Some(Path::new("/none")), Level::Fail),
            (dumb(), None, Level::Fail),
        ] {
            assert_eq!(judge_engine(&engine, configured).level, level);
        }
    }

    #[test]
    fn a_sentence_has_its_length_and_its_time() {
        for (sound_ms, took_ms, level) in [
            (6_000, 40, Level::Ok),
            (100, 40, Level::Fail),
            (90_000, 40, Level::Fail),
            (6_000, 701, Level::Warn),
        ] {
            let made = Ok(Made { sound_ms, took: Duration::from_millis(took_ms), characters: 12 });
            let seen = [judge, judge_configured].map(|judge| judge(&made, Duration::from_millis(700)));
            assert_eq!(seen.each_ref().map(|seen| seen.level), [level, level], "{sound_ms} {took_ms}");
            assert!(seen[1].found.contains("12 characters"), "{}", seen[1].found);
        }
        assert_eq!(judge(&Err("no".into()), Duration::ZERO).level, Level::Warn);
        assert_eq!(judge_configured(&Err("no".into()), Duration::ZERO).level, Level::Fail);
    }
}
