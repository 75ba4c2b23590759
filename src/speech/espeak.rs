//! The engine that is always there: `espeak-ng`, spawned for each sentence and never linked (it is GPL, and
//! not thread-safe). Nothing a text contains can become an option, a file name or markup.

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
    sync::Semaphore,
    time::timeout,
};

use super::engine::Speed;
use super::{Lang, normalise::SAID_CHARS_MAX};

/// Words per minute of normal speech: what riders follow without effort in traffic.
const WORDS_PER_MINUTE: u32 = 190;

/// Most of the child's error output that is kept for an error message.
const COMPLAINT_BYTES_MAX: u64 = 2_048;

/// Version 1.51 spells Han characters in English with `cmn`; later ones read them with both.
const MANDARIN_VOICES: [&str; 2] = ["cmn-latn-pinyin", "cmn"];

/// What one run of the engine may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EspeakLimits {
    /// Longest time for one sentence; a sentence of 80 characters takes about 20 ms.
    pub time: Duration,
    /// Most bytes of sound for one sentence; 44 100 bytes are one second.
    pub audio_bytes: u64,
    /// Children at once; more than there are cores gains nothing.
    pub concurrency: usize,
}

impl Default for EspeakLimits {
    /// Three seconds, 4 MiB (95 s of sound), two children.
    fn default() -> Self {
        Self { time: Duration::from_secs(3), audio_bytes: 4 << 20, concurrency: 2 }
    }
}

/// Why there is no sound.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EspeakError {
    /// No `espeak-ng` in the search path: install it, or live without this engine.
    #[error("espeak-ng is not installed (not found in {searched})")]
    NotInstalled {
        /// The search path that was looked through.
        searched: String,
    },
    /// The program is there but spells Han characters in English: its Mandarin data is missing.
    #[error("espeak-ng has no Mandarin voice that reads Han characters (tried {tried})")]
    NoMandarinVoice {
        /// The voices that failed the self-test.
        tried: String,
    },
    /// This installation has no voice for the language: use another engine or language.
    #[error("espeak-ng has no voice for {}", .0.tag())]
    NoVoice(Lang),
    /// The text has nothing to speak.
    #[error("there is nothing to speak")]
    TextEmpty,
    /// The text is longer than a sentence may be.
    #[error("a text of {0} characters is too long to speak")]
    TextTooLong(usize),
    /// The text makes more sound than is allowed.
    #[error("the text makes more than {0} bytes of sound")]
    AudioTooLong(u64),
    /// The child did not finish in time and was killed: try again when the machine is less busy.
    #[error("espeak-ng did not finish within {0:?}")]
    TimedOut(Duration),
    /// The child ended badly: try again once.
    #[error("espeak-ng ended with {status}: {complaint}")]
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// The beginning of its error output.
        complaint: String,
    },
    /// The child could not be started or talked to: try again later.
    #[error("espeak-ng could not be run")]
    Io(#[source] std::io::Error),
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// The same text may succeed later.
    Retry,
    /// This text will never succeed: say something else.
    ChangeText,
    /// No text will succeed until someone changes the installation.
    UseAnother,
}

impl EspeakError {
    /// What the caller should do.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self {
            Self::TimedOut(_) | Self::Failed { .. } | Self::Io(_) => Advice::Retry,
            Self::TextEmpty | Self::TextTooLong(_) | Self::AudioTooLong(_) => Advice::ChangeText,
            Self::NotInstalled { .. } | Self::NoMandarinVoice { .. } | Self::NoVoice(_) => Advice::UseAnother,
        }
    }
}

/// A working `espeak-ng`, with the voices that passed the self-test. Clones share the limit on children.
#[derive(Clone, Debug)]
pub struct Espeak {
    program: PathBuf,
    mandarin: &'static str,
    cantonese: Option<&'static str>,
    english: Option<&'static str>,
    limits: EspeakLimits,
    places: Arc<Semaphore>,
}

impl Espeak {
    /// Finds `espeak-ng` in the search path and listens to its voices.
    ///
    /// # Errors
    /// [`EspeakError::NotInstalled`], [`EspeakError::NoMandarinVoice`], or a failure to run it.
    pub async fn detect(limits: EspeakLimits) -> Result<Self, EspeakError> {
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
        let program = std::env::split_paths(&path)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join("espeak-ng"))
            .find(|program| program.is_file())
            .ok_or_else(|| EspeakError::NotInstalled { searched: path.to_string_lossy().into_owned() })?;
        Self::at(&program, limits).await
    }

    /// Uses the program at `program`, an absolute path.
    ///
    /// # Errors
    /// [`EspeakError::NoMandarinVoice`], or a failure to run it.
    pub async fn at(program: &Path, limits: EspeakLimits) -> Result<Self, EspeakError> {
        let places = Arc::new(Semaphore::new(limits.concurrency.max(1)));
        let mut espeak = Self {
            program: program.to_owned(),
            mandarin: "",
            cantonese: None,
            english: None,
            limits,
            places,
        };
        espeak.mandarin = espeak
            .first_voice(&MANDARIN_VOICES, "你好")
            .await?
            .ok_or_else(|| EspeakError::NoMandarinVoice { tried: MANDARIN_VOICES.join(", ") })?;
        espeak.cantonese = espeak.first_voice(&["yue"], "你好").await?;
        espeak.english = espeak.first_voice(&["en"], "hello").await?;
        Ok(espeak)
    }

    /// The program, as an absolute path.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// What the program says of itself, in one line.
    ///
    /// # Errors
    /// A failure to run it.
    pub async fn version(&self) -> Result<String, EspeakError> {
        let told = self.run(&["--version"], "").await?;
        Ok(String::from_utf8_lossy(&told).trim().to_owned())
    }

    /// The voice that speaks `lang` here, as espeak names it.
    #[must_use]
    pub fn voice(&self, lang: Lang) -> Option<&'static str> {
        match lang {
            Lang::ZhCn => Some(self.mandarin),
            Lang::Yue => self.cantonese,
            Lang::En => self.english,
        }
    }

    /// Speaks `said`, a normalised text, and returns the WAV as the program writes it: mono, 16 bit, and
    /// with lengths in its header that are not true, since it wrote them before it knew.
    ///
    /// Waits for a place when enough children run; the time limit begins after that. Dropping the future
    /// kills the child.
    ///
    /// # Errors
    /// See [`EspeakError::advice`].
    pub async fn speak(&self, said: &str, lang: Lang, speed: Speed) -> Result<Vec<u8>, EspeakError> {
        let voice = self.voice(lang).ok_or(EspeakError::NoVoice(lang))?;
        let text = plain(said)?;
        let speed = (WORDS_PER_MINUTE * speed.as_percent() / 100).to_string();
        // -z: no pause after the sentence, its tail is added later. -b 1: the input is UTF-8.
        let arguments = ["-v", voice, "-s", &speed, "-z", "-b", "1", "--stdin", "--stdout"];
        self.run(&arguments, &text).await
    }

    /// The first of `voices` that reads `sample` in its own language.
    async fn first_voice(
        &self,
        voices: &[&'static str],
        sample: &str,
    ) -> Result<Option<&'static str>, EspeakError> {
        for voice in voices {
            match self.run(&["-v", voice, "-q", "-x", "-b", "1", "--stdin"], sample).await {
                Ok(phonemes) => {
                    let phonemes = String::from_utf8_lossy(&phonemes).into_owned();
                    if !phonemes.trim().is_empty() && !phonemes.contains("(en)") {
                        return Ok(Some(voice));
                    }
                }
                // It does not know the voice.
                Err(EspeakError::Failed { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    async fn run(&self, arguments: &[&str], input: &str) -> Result<Vec<u8>, EspeakError> {
        // Nobody closes this semaphore; were it closed, running without a place would still be right.
        let _place = self.places.acquire().await.ok();
        let limit = self.limits.time;
        timeout(limit, self.run_child(arguments, input)).await.unwrap_or(Err(EspeakError::TimedOut(limit)))
    }

    async fn run_child(&self, arguments: &[&str], input: &str) -> Result<Vec<u8>, EspeakError> {
        let mut child = Command::new(&self.program)
            .args(arguments)
            .env_clear()
            .env("LC_ALL", "C.UTF-8")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(EspeakError::Io)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        // One more than allowed, to tell "full" from "too much".
        let audio_max = self.limits.audio_bytes;
        let write = async move {
            if let Some(mut stdin) = stdin {
                // A child that ends early closes the pipe; its status says more than the broken pipe.
                let _ = stdin.write_all(input.as_bytes()).await;
            }
        };
        let read = async move {
            let mut output = Vec::new();
            match stdout {
                Some(stdout) => stdout.take(audio_max + 1).read_to_end(&mut output).await.map(|_| output),
                None => Ok(output),
            }
        };
        let complain = async move {
            let mut complaint = Vec::new();
            if let Some(stderr) = stderr {
                let _ = stderr.take(COMPLAINT_BYTES_MAX).read_to_end(&mut complaint).await;
            }
            String::from_utf8_lossy(&complaint).trim().to_owned()
        };
        let ((), output, complaint) = tokio::join!(write, read, complain);
        let output = output.map_err(EspeakError::Io)?;
        if output.len() as u64 > audio_max {
            // Killed and reaped now: it is busy and would be dropped only later.
            let _ = child.kill().await;
            return Err(EspeakError::AudioTooLong(audio_max));
        }
        let status = child.wait().await.map_err(EspeakError::Io)?;
        if status.success() { Ok(output) } else { Err(EspeakError::Failed { status, complaint }) }
    }
}

/// The text once more without what espeak gives a meaning to, whoever normalised it.
fn plain(said: &str) -> Result<String, EspeakError> {
    // Counting stops where the answer is known, however long the text is.
    let length = said.chars().take(SAID_CHARS_MAX + 1).count();
    if length > SAID_CHARS_MAX {
        return Err(EspeakError::TextTooLong(said.chars().count()));
    }
    let meaning = |c: char| c.is_control() || matches!(c, '[' | ']' | '<' | '>' | '&' | '\\');
    let text: String = said.chars().map(|c| if meaning(c) { ' ' } else { c }).collect();
    if !text.contains(char::is_alphanumeric) {
        return Err(EspeakError::TextEmpty);
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
