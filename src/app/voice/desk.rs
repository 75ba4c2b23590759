//! A voice for commands, beside a server or without one: on the same folder of clips, so that what one of them makes the
//! other finds.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Speakers, profile};
use crate::app::{DataFolder, node_key};
use crate::audio::library::ClipName;
use crate::clock::{Clock, SystemClock, Zone};
use crate::config::engines::SpeechMode;
use crate::config::{Config, FeeRange};
use crate::domain::said::Part;
use crate::domain::settings::AppSettings;
use crate::domain::{Said, Sound, SoundProfile};
use crate::lifecycle::Lifecycle;
use crate::speech::ahead::AheadOf;
use crate::speech::{Lang, Lexicon, NamedEngine, Speech};
use crate::telemetry::Telemetry;

/// A voice with what a command needs around it.
pub struct VoiceDesk {
    /// What speaks.
    pub speech: Speech,
    /// For what ears clips are levelled where nobody says so.
    pub profile: SoundProfile,
    /// What clocks in sentences go by, in seconds ahead of UTC: the time zone of new apps.
    pub utc_offset_s: i32,
    lexicons: BTreeMap<Lang, Lexicon>,
    lifecycle: Lifecycle,
}

/// One engine of the chain, alone: if it fails, nobody speaks for it.
pub struct SoloVoice {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// How sentences are cut for it here.
    pub mode: SpeechMode,
    /// The voice.
    pub desk: VoiceDesk,
}

/// What is still being written when a command is done.
const FINISH_LIMIT: Duration = Duration::from_secs(5);
/// What samples say: as riders hear it, with names, money, distance and digits.
const SAMPLES: [&str; 3] = ["order.offered", "order.assigned", "order.cancelled"];

impl VoiceDesk {
    /// Opens the voice on this data folder.
    ///
    /// # Errors
    /// A configuration or a folder that cannot be used.
    pub async fn open(config: &Config, data: PathBuf) -> anyhow::Result<Self> {
        let speakers = Speakers::set_up(config).await?;
        Self::with(config, &DataFolder::share(data)?, speakers).await
    }

    /// Each engine of the chain alone, in these modes.
    ///
    /// # Errors
    /// As [`VoiceDesk::open`].
    pub async fn solos(
        config: &Config,
        data: PathBuf,
        modes: &[SpeechMode],
    ) -> anyhow::Result<Vec<SoloVoice>> {
        let Speakers { engines, recorded: _, words, lexicons } = Speakers::set_up(config).await?;
        let folder = DataFolder::share(data)?;
        let mut solos = Vec::new();
        for NamedEngine { name, engine, common } in engines {
            for &mode in modes {
                let mut common = common.clone();
                common.mode = mode;
                common.modes.clear();
                let alone = NamedEngine { name: name.clone(), engine: Arc::clone(&engine), common };
                let (words, lexicons) = (words.clone(), lexicons.clone());
                let speakers = Speakers { engines: vec![alone], recorded: None, words, lexicons };
                let desk = Self::with(config, &folder, speakers).await?;
                solos.push(SoloVoice { name: name.clone(), kind: engine.kind(), mode, desk });
            }
        }
        Ok(solos)
    }

    async fn with(config: &Config, folder: &DataFolder, speakers: Speakers) -> anyhow::Result<Self> {
        let key = node_key(config, folder)?;
        let lexicons = speakers.lexicons.clone();
        let options = speakers.options(config, folder.path("clips"), key.derive("clips"));
        let (lifecycle, clock) = (Lifecycle::new(), Arc::new(SystemClock::new()) as Arc<dyn Clock>);
        let now = clock.now().wall;
        let speech = Speech::open(options, clock, Telemetry::new(), lifecycle.clone()).await;
        let zone = Zone::named(&AppSettings::default().time_zone);
        Ok(Self {
            speech: speech.context("opening the voice")?,
            profile: profile(config),
            utc_offset_s: zone.map_or(0, |zone| zone.offset_s(now)),
            lexicons,
            lifecycle,
        })
    }

    /// The operator's words of a language.
    #[must_use]
    pub fn lexicon(&self, lang: Lang) -> Lexicon {
        self.lexicons.get(&lang).cloned().unwrap_or_default()
    }

    /// The file of a clip that has just been made.
    ///
    /// # Errors
    /// It cannot be joined, or is not of this voice.
    pub async fn bytes(&self, sound: &Sound, profile: SoundProfile) -> anyhow::Result<Bytes> {
        let place = sound.path.strip_prefix("/audio/").and_then(|path| path.split_once('/'));
        let name = place.and_then(|(shard, file)| ClipName::of_path(shard, file));
        let name = name.with_context(|| format!("{} is no clip", sound.path))?;
        let clip = self.speech.clip(name, profile).await.context("the clip cannot be joined")?;
        Ok(clip.bytes)
    }

    /// What sentences of this language will be made of.
    #[must_use]
    pub fn parts_ahead(&self, lang: Lang, merchants: &[String], fees: Option<FeeRange>) -> Vec<Part> {
        let (fees_cents, lexicon) = (fees.map(FeeRange::cents), self.lexicon(lang));
        self.speech.warm_parts(lang, &AheadOf { merchants, fees_cents, own: &[], lexicon: &lexicon })
    }

    /// Sentences that show a voice.
    #[must_use]
    pub fn samples(&self, lang: Lang) -> Vec<Said> {
        let vars = json!({"platform": "meituan", "short_no": "8607", "merchant": "测试面馆",
            "fee_cents": 650, "distance_m": 1200});
        let Value::Object(vars) = vars else { return Vec::new() };
        let lexicon = self.lexicon(lang);
        let render = |kind| self.speech.phrases().render(kind, lang, &[], &vars, self.utc_offset_s, &lexicon);
        SAMPLES.into_iter().filter_map(render).map(|rendered| rendered.said).collect()
    }

    /// Waits until everything is on disk.
    pub async fn close(self) {
        let _in_time = self.lifecycle.finish_tasks(FINISH_LIMIT).await;
    }
}
