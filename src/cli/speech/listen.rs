//! `orderbell speech listen`: samples of every configured engine, whole and in segments, for both profiles, side by side;
//! with their loudness as it is measured, their length and how long they took.

mod page;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use serde_json::json;

use super::lang;
use crate::app::{SoloVoice, VoiceDesk};
use crate::audio::ClipFormat;
use crate::audio::decode::decoded;
use crate::audio::level::{Level, measured};
use crate::audio::pcm::Pcm;
use crate::cli::print;
use crate::config::Config;
use crate::config::engines::SpeechMode;
use crate::domain::sound::LEAD_IN_MS;
use crate::domain::{Said, SoundProfile, Urgency};
use crate::speech::engine::Speed;
use crate::speech::{Chime, Lang, SayBudget, Sentence, free_text};

/// What is to be heard.
#[derive(Args)]
pub(in crate::cli) struct Listen {
    /// Folder to write to
    #[arg(long, value_name = "DIR", default_value = "listen")]
    out: PathBuf,
    /// A text of yours in place of the samples; may be given again
    #[arg(long, value_name = "TEXT")]
    text: Vec<String>,
    /// Language: zh-CN, yue, en
    #[arg(long, default_value = "zh-CN", value_parser = lang)]
    lang: Lang,
}

/// One sentence by one engine in one mode for one profile.
struct Sample {
    engine: String,
    kind: &'static str,
    mode: SpeechMode,
    profile: SoundProfile,
    said: Said,
    /// Which sentence it is, from 1.
    number: usize,
    /// What came of it, or why nothing did.
    heard: Result<Heard, String>,
}

struct Heard {
    file: String,
    /// Of the sentence, without its chime.
    level: Level,
    duration_ms: u32,
    took: Duration,
    /// What the engine was asked for; nothing if it was kept from before.
    characters: u64,
}

/// Silence behind a sample: nobody waits for a player here.
const TAIL: Duration = Duration::from_millis(500);
const MODES: [SpeechMode; 2] = [SpeechMode::Whole, SpeechMode::Segments];

impl Listen {
    /// Makes the samples, writes them and the page, and prints the figures; the exit code is 1 if an engine failed.
    pub(super) async fn run(self, config: &Config, data: PathBuf) -> anyhow::Result<ExitCode> {
        std::fs::create_dir_all(&self.out).with_context(|| format!("making {}", self.out.display()))?;
        let mut config = config.clone();
        config.speech.tail = TAIL;
        let desk = VoiceDesk::open(&config, data.clone()).await?;
        let sentences = self.sentences(&desk)?;
        desk.close().await;
        let solos = VoiceDesk::solos(&config, data, &MODES).await?;
        let mut samples = Vec::new();
        for (number, said) in sentences.iter().enumerate() {
            for solo in &solos {
                samples.extend(self.heard(solo, number + 1, said).await);
            }
        }
        for solo in solos {
            solo.desk.close().await;
        }
        let page = self.out.join("index.html");
        std::fs::write(&page, page::html(&samples)).with_context(|| format!("writing {}", page.display()))?;
        let mut failed = 0;
        for sample in &samples {
            failed += usize::from(sample.heard.is_err());
            print(&sample.told().to_string())?;
        }
        print(
            &json!({"page": page.display().to_string(), "samples": samples.len(), "failed": failed})
                .to_string(),
        )?;
        Ok(if failed == 0 && !samples.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn sentences(&self, desk: &VoiceDesk) -> anyhow::Result<Vec<Said>> {
        if self.text.is_empty() {
            return Ok(desk.samples(self.lang));
        }
        let lexicon = desk.lexicon(self.lang);
        let texts = self.text.iter().map(|text| Ok(free_text(text, self.lang, &lexicon)?.said));
        texts.collect()
    }

    /// One sentence in both profiles, which share one asking.
    async fn heard(&self, solo: &SoloVoice, number: usize, said: &Said) -> Vec<Sample> {
        let sentence = Sentence {
            kind: "announcement".to_owned(),
            said: said.clone(),
            lang: self.lang,
            urgency: Urgency::Normal,
            chime: Chime::Usual,
            format: ClipFormat::Mp3,
            voice: None,
            speed: Speed::NORMAL,
        };
        let chime = solo.desk.speech.cached(&Sentence { said: Said::default(), ..sentence.clone() }).await;
        let chime_ms = chime.map_or(0, |chime| chime.sound.duration_ms - chime.sound.tail_ms);
        let characters = solo.desk.speech.cost(&sentence);
        let began = Instant::now();
        let spoken = solo.desk.speech.say(&sentence, SayBudget::Patient).await;
        let took = began.elapsed();
        let mut samples = Vec::new();
        for profile in SoundProfile::ALL {
            let heard = match &spoken {
                Ok(spoken) => {
                    let stem = format!("{number}-{}-{}{}", solo.name, word(solo.mode), profile.suffix());
                    let around =
                        Around { chime_ms: chime_ms + lead_in_ms(profile), tail_ms: spoken.sound.tail_ms };
                    let bytes = solo.desk.bytes(&spoken.sound, profile).await;
                    bytes.and_then(|bytes| written(&self.out, &format!("{stem}.mp3"), &bytes, around))
                }
                Err(error) => Err(anyhow::Error::new(error.clone())),
            };
            let heard =
                heard.map(|(file, level, duration_ms)| Heard { file, level, duration_ms, took, characters });
            samples.push(Sample {
                engine: solo.name.clone(),
                kind: solo.kind,
                mode: solo.mode,
                profile,
                said: said.clone(),
                number,
                heard: heard.map_err(|error| format!("{error:#}")),
            });
        }
        samples
    }
}

/// What stands around a sentence in its clip.
#[derive(Clone, Copy)]
struct Around {
    chime_ms: u32,
    tail_ms: u32,
}

fn lead_in_ms(profile: SoundProfile) -> u32 {
    match profile {
        SoundProfile::Plain => 0,
        SoundProfile::Street => LEAD_IN_MS,
    }
}

/// Writes a sample and measures it as a player would have it: decoded.
fn written(folder: &Path, file: &str, bytes: &[u8], around: Around) -> anyhow::Result<(String, Level, u32)> {
    let path = folder.join(file);
    std::fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))?;
    let pcm = decoded(bytes, None)?;
    let heard_ms = pcm.duration_ms().saturating_sub(around.tail_ms);
    let at = |ms: u32| usize::try_from(u64::from(ms) * u64::from(pcm.rate_hz()) / 1000);
    let sentence = pcm.samples().get(at(around.chime_ms)?..at(heard_ms)?);
    let level = measured(&Pcm::new(sentence.context("the clip has no sentence")?.to_vec(), pcm.rate_hz())?)?;
    Ok((file.to_owned(), level, heard_ms))
}

impl Sample {
    /// One line of figures.
    fn told(&self) -> serde_json::Value {
        let tenth = |number: f64| (number * 10.0).round() / 10.0;
        let mut told = json!({
            "sentence": self.number,
            "engine": self.engine,
            "kind": self.kind,
            "mode": word(self.mode),
            "profile": self.profile.as_str(),
        });
        let more = match &self.heard {
            Ok(heard) => json!({
                "file": heard.file,
                "lufs": tenth(heard.level.lufs),
                "peak_dbtp": tenth(heard.level.peak_dbtp),
                "duration_ms": heard.duration_ms,
                "ms": u64::try_from(heard.took.as_millis()).unwrap_or(u64::MAX),
                "characters": heard.characters,
            }),
            Err(why) => json!({"failed": why}),
        };
        if let (Some(told), serde_json::Value::Object(more)) = (told.as_object_mut(), more) {
            told.extend(more);
        }
        told
    }
}

/// The word of the configuration.
fn word(mode: SpeechMode) -> &'static str {
    match mode {
        SpeechMode::Whole => "whole",
        SpeechMode::Segments => "segments",
        SpeechMode::Fixed => "fixed",
    }
}
