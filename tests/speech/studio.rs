//! A voice in a folder of its own, and engines that follow a script.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use orderbell::audio::ClipFormat;
use orderbell::audio::library::{ClipName, LibraryLimits};
use orderbell::clock::{Clock, Entropy, Now};
use orderbell::config::engines::EngineCommon;
use orderbell::domain::said::Part;
use orderbell::domain::{EpochMs, Said, SoundProfile, Urgency};
use orderbell::lifecycle::Lifecycle;
use orderbell::speech::engine::{Engine, EngineError, EngineFailure, EngineRequest, EngineSound, Speed};
use orderbell::speech::{
    Chime, Lang, MakingLimits, NamedEngine, SayBudget, Sentence, ServedClip, Speech, SpeechOptions, Spoken,
};
use orderbell::telemetry::Telemetry;
use tokio::time::Instant;

/// An alert's budget.
pub(crate) const ALERT: SayBudget = SayBudget::Within(Duration::from_millis(700));

/// What an engine does with one request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Speaks: a tone for each character, another for each text and engine.
    Say,
    /// Speaks after this.
    SayAfter(Duration),
    /// Speaks at another rate.
    SayAt(u32),
    /// Never answers.
    Never,
    /// Fails like this.
    Fail(EngineFailure),
    /// Fails like this, after a while.
    FailAfter(Duration, EngineFailure),
    /// Answers with these bytes.
    Bytes(Vec<u8>),
    /// Answers with a WAV of silence.
    Silence,
    /// Dies.
    Panic,
}

type Script = Box<dyn FnMut(usize, &str) -> Act + Send>;

/// An engine that follows a script and remembers what it was asked.
pub(crate) struct Scripted {
    voice: String,
    local: bool,
    script: Mutex<Script>,
    asked: Mutex<Vec<String>>,
}

impl Scripted {
    pub(crate) fn new(voice: &str, script: impl FnMut(usize, &str) -> Act + Send + 'static) -> Arc<Self> {
        let (voice, script) = (voice.to_owned(), Mutex::new(Box::new(script) as Script));
        Arc::new(Self { voice, local: false, script, asked: Mutex::default() })
    }

    /// One on this machine.
    pub(crate) fn local(voice: &str, script: impl FnMut(usize, &str) -> Act + Send + 'static) -> Arc<Self> {
        let (voice, script) = (voice.to_owned(), Mutex::new(Box::new(script) as Script));
        Arc::new(Self { voice, local: true, script, asked: Mutex::default() })
    }

    /// One that always does this.
    pub(crate) fn always(voice: &str, act: Act) -> Arc<Self> {
        Self::new(voice, move |_, _| act.clone())
    }

    /// The texts it was asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn calls(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// Follows another script from now on.
    pub(crate) fn now(&self, act: Act) {
        *self.script.lock().unwrap() = Box::new(move |_, _| act.clone());
    }

    fn next(&self, text: &str) -> Act {
        let mut asked = self.asked.lock().unwrap();
        let act = (self.script.lock().unwrap())(asked.len(), text);
        asked.push(text.to_owned());
        act
    }
}

#[async_trait]
impl Engine for Scripted {
    fn kind(&self) -> &'static str {
        "scripted"
    }

    fn voice(&self, lang: Lang) -> Option<String> {
        (lang != Lang::Yue).then(|| self.voice.clone())
    }

    fn is_local(&self) -> bool {
        self.local
    }

    async fn speak(&self, request: &EngineRequest<'_>) -> Result<EngineSound, EngineError> {
        let text = request.part.text();
        let mut act = self.next(text);
        loop {
            act = match act {
                Act::Say => return Ok(tone(&self.voice, text, 24_000)),
                Act::SayAfter(wait) => {
                    tokio::time::sleep(wait).await;
                    Act::Say
                }
                Act::SayAt(rate_hz) => return Ok(tone(&self.voice, text, rate_hz)),
                Act::Never => std::future::pending().await,
                Act::Fail(failure) => return Err(EngineError::new(failure, "as the test wants")),
                Act::FailAfter(wait, failure) => {
                    tokio::time::sleep(wait).await;
                    Act::Fail(failure)
                }
                Act::Bytes(bytes) => return Ok(EngineSound { bytes: bytes.into(), bare: None }),
                Act::Silence => return Ok(wav(&vec![0; 24_000], 24_000)),
                Act::Panic => panic!("as the test wants"),
            }
        }
    }
}

/// A sound that is another one for each voice and text: 60 ms a character.
pub(crate) fn tone(voice: &str, text: &str, rate_hz: u32) -> EngineSound {
    let sum: u32 = voice.bytes().chain(text.bytes()).map(u32::from).sum();
    let hz = 300.0 + f64::from(sum % 40) * 25.0;
    let length = u32::try_from(text.chars().count()).unwrap() * rate_hz * 60 / 1000;
    let samples: Vec<i16> = (0..length)
        .map(|n| {
            let phase = f64::from(n) * hz * std::f64::consts::TAU / f64::from(rate_hz);
            #[expect(clippy::cast_possible_truncation, reason = "a third of the range")]
            let sample = (phase.sin() * 11_000.0) as i16;
            sample
        })
        .collect();
    wav(&samples, rate_hz)
}

fn wav(samples: &[i16], rate_hz: u32) -> EngineSound {
    let pcm = orderbell::audio::pcm::Pcm::new(samples.to_vec(), rate_hz).unwrap();
    EngineSound { bytes: pcm.to_wav_bytes().into(), bare: None }
}

/// An engine under a name, with limits that tests can wait for.
pub(crate) fn named(name: &str, engine: &Arc<Scripted>) -> NamedEngine {
    NamedEngine { name: name.to_owned(), engine: Arc::clone(engine) as Arc<dyn Engine>, common: common() }
}

/// The same with other limits.
pub(crate) fn limited(
    name: &str,
    engine: &Arc<Scripted>,
    limits: impl FnOnce(&mut EngineCommon),
) -> NamedEngine {
    let mut common = common();
    limits(&mut common);
    NamedEngine { common, ..named(name, engine) }
}

fn common() -> EngineCommon {
    EngineCommon { deadline: Duration::from_secs(3), attempts: 1, concurrency: 4, ..EngineCommon::default() }
}

/// Paused time, as the server's clock sees it.
pub(crate) struct TokioClock {
    began: Instant,
    ids: AtomicU64,
}

impl TokioClock {
    pub(crate) fn start() -> Arc<Self> {
        Arc::new(Self { began: Instant::now(), ids: AtomicU64::new(0) })
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Now {
        let mono_ms = i64::try_from(self.began.elapsed().as_millis()).unwrap();
        Now { wall: EpochMs(1_772_339_400_000 + mono_ms), mono_ms }
    }

    fn entropy(&self) -> Entropy {
        let mut entropy = [0; 10];
        entropy[2..].copy_from_slice(&self.ids.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        entropy
    }
}

/// A voice and its folder.
pub(crate) struct Studio {
    pub(crate) speech: Arc<Speech>,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) telemetry: Telemetry,
}

impl Studio {
    pub(crate) async fn open(folder: &Path, engines: Vec<NamedEngine>) -> Self {
        Self::with(folder, engines, |_| {}).await
    }

    pub(crate) async fn with(
        folder: &Path,
        engines: Vec<NamedEngine>,
        change: impl FnOnce(&mut SpeechOptions),
    ) -> Self {
        let mut options = options(folder, engines);
        change(&mut options);
        let (lifecycle, telemetry) = (Lifecycle::new(), Telemetry::new());
        let clock = TokioClock::start();
        let speech = Speech::open(options, clock, telemetry.clone(), lifecycle.clone()).await.unwrap();
        Self { speech: Arc::new(speech), lifecycle, telemetry }
    }

    /// Says it as for an alert.
    pub(crate) async fn say(&self, sentence: &Sentence) -> Spoken {
        self.speech.say(sentence, ALERT).await.unwrap()
    }

    /// The clip of a sound.
    pub(crate) async fn clip(&self, spoken: &Spoken, profile: SoundProfile) -> Option<ServedClip> {
        self.speech.clip(name_of(&spoken.sound.path), profile).await
    }

    /// Stops as a server does: what is being written is written.
    pub(crate) async fn close(self) {
        assert!(self.lifecycle.finish_tasks(Duration::from_mins(1)).await);
    }

    /// The metrics, without their comments.
    pub(crate) fn metric(&self, line: &str) -> bool {
        self.telemetry.render().lines().any(|known| known == line)
    }
}

pub(crate) fn options(folder: &Path, engines: Vec<NamedEngine>) -> SpeechOptions {
    SpeechOptions {
        folder: folder.to_owned(),
        secret: [7; 32],
        library: LibraryLimits {
            max_bytes: 1 << 30,
            full_bytes: 1 << 31,
            min_age_ms: 3_600_000,
            max_age_ms: 604_800_000,
            cache_bytes: 1 << 20,
        },
        engines,
        recorded: None,
        tail: Duration::from_secs(45),
        profile: SoundProfile::Plain,
        memory_bytes: 64 << 20,
        making: MakingLimits::default(),
    }
}

/// The name in a clip's path.
pub(crate) fn name_of(path: &str) -> ClipName {
    let (shard, file) = path.strip_prefix("/audio/").and_then(|path| path.split_once('/')).unwrap();
    ClipName::of_path(shard, file).unwrap()
}

/// A sentence of these parts.
pub(crate) fn sentence(parts: &[&str]) -> Sentence {
    Sentence {
        kind: "order.new".to_owned(),
        said: Said::of(parts.iter().map(|text| Part::new(text, Vec::new())).collect()),
        lang: Lang::ZhCn,
        urgency: Urgency::High,
        chime: Chime::Usual,
        format: ClipFormat::Mp3,
        voice: None,
        speed: Speed::NORMAL,
    }
}
