//! A program on this machine that speaks, such as piper or sherpa-onnx: started for each text, never through a shell,
//! bounded in time and output, and gone with all it has started when nobody waits for it any more.

mod arguments;
mod child;
mod scratch;

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use aws_lc_rs::digest;
use tokio::time::timeout;

use arguments::{Arguments, Filling};
use child::{Ended, Job};
use scratch::Scratch;

use super::EngineSetupError;
use super::words::{Private, quoted};
use crate::config::engines::{CommandEngine, EngineCommon};
use crate::speech::Lang;
use crate::speech::engine::{BarePcm, Engine, EngineError, EngineFailure, EngineRequest, EngineSound};
use crate::speech::normalise::SAID_CHARS_MAX;

/// Bytes of sound from one text: three minutes of 24 kHz, as for every engine.
const AUDIO_BYTES_MAX: u64 = 8 << 20;

/// Characters of its complaints that are told: the last, where the reason stands.
const COMPLAINT_TOLD_MAX: usize = 160;

/// A program that speaks.
pub struct Command {
    program: PathBuf,
    arguments: Arguments,
    input: Input,
    output: Output,
    bare: Option<BarePcm>,
    /// For each language the program's voice and the line of the cache key.
    voices: BTreeMap<Lang, (String, String)>,
    env: BTreeMap<String, String>,
}

/// How the text gets there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Input {
    Stdin,
    Argument,
}

/// How the sound comes back.
#[derive(Debug)]
enum Output {
    Stdout,
    /// In a file of its own for each text, in this folder.
    File(PathBuf),
}

/// The environment may hold keys.
impl fmt::Debug for Command {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Command").field("program", &self.program).finish_non_exhaustive()
    }
}

impl Command {
    /// Checks the program and its arguments. `tmp` is the folder for files that it writes; what an earlier process has
    /// left there goes.
    ///
    /// # Errors
    /// [`EngineSetupError`] says what is wrong.
    pub fn new(config: &CommandEngine, common: &EngineCommon, tmp: &Path) -> Result<Self, EngineSetupError> {
        let (program, arguments) = config
            .command
            .split_first()
            .ok_or_else(|| invalid("command: needs the program, an absolute path, and its arguments"))?;
        let program = PathBuf::from(program);
        executable(&program)?;
        let input = match config.input.as_str() {
            "stdin" => Input::Stdin,
            "argument" => Input::Argument,
            other => return Err(invalid(format!("input: {other:?} is neither \"stdin\" nor \"argument\""))),
        };
        let output = match config.output.as_str() {
            "stdout" => Output::Stdout,
            "file" => Output::File(tmp.to_owned()),
            other => return Err(invalid(format!("output: {other:?} is neither \"stdout\" nor \"file\""))),
        };
        let arguments =
            Arguments::read(arguments).map_err(|problem| invalid(format!("command: {problem}")))?;
        match (input, arguments.texts()) {
            (Input::Stdin, 0) | (Input::Argument, 1) => {}
            (Input::Stdin, _) => return Err(invalid("command: {text} stands there, but input is \"stdin\"")),
            (Input::Argument, _) => {
                return Err(invalid("command: {text} must stand in one argument, as input is \"argument\""));
            }
        }
        match (&output, arguments.outs()) {
            (Output::Stdout, 0) => {}
            (Output::File(_), 1..) => Scratch::sweep(tmp),
            (Output::Stdout, _) => {
                return Err(invalid("command: {out} stands there, but output is \"stdout\""));
            }
            (Output::File(_), 0) => {
                return Err(invalid("command: {out} must stand in an argument, as output is \"file\""));
            }
        }
        let bare = match config.bare_rate {
            0 => None,
            rate_hz @ 4_000..=96_000 => Some(BarePcm { rate_hz }),
            other => return Err(invalid(format!("bare_rate: {other} is not between 4000 and 96000 Hz"))),
        };
        let voices = voices(config, common)?;
        Ok(Self { program, arguments, input, output, bare, voices, env: config.env.clone() })
    }

    async fn run(&self, text: &str, filling: &Filling<'_>) -> Result<Vec<u8>, EngineError> {
        let input = match self.input {
            Input::Stdin => format!("{text}\n"),
            Input::Argument => String::new(),
        };
        let scratch = match &self.output {
            Output::Stdout => None,
            Output::File(tmp) => {
                Some(Scratch::new(tmp).map_err(|error| broken("no file can be made", error))?)
            }
        };
        let out = scratch.as_ref().map(Scratch::file);
        let arguments = self.arguments.filled(filling, out.as_deref());
        let job =
            Job { program: &self.program, arguments, env: &self.env, input, bytes_max: AUDIO_BYTES_MAX };
        let ended = job.run().await.map_err(|error| broken("it cannot be run", error))?;
        match ended {
            Ended::TooMuch => Err(EngineError::new(
                EngineFailure::Broken,
                format!("it wrote more than {AUDIO_BYTES_MAX} bytes"),
            )),
            Ended::With { status, output, complaint } if status.success() => match scratch {
                Some(scratch) => scratch
                    .read(AUDIO_BYTES_MAX)
                    .await
                    .map_err(|error| broken("the file it should have written cannot be read", error)),
                None => Ok(output),
            }
            .and_then(|sound| {
                if sound.is_empty() { Err(failed("it wrote no sound", &complaint, text)) } else { Ok(sound) }
            }),
            Ended::With { status, complaint, .. } => {
                Err(failed(&format!("it ended with {status}"), &complaint, text))
            }
        }
    }
}

#[async_trait]
impl Engine for Command {
    fn kind(&self) -> &'static str {
        "command"
    }

    fn voice(&self, lang: Lang) -> Option<String> {
        self.voices.get(&lang).map(|(_, line)| line.clone())
    }

    fn is_local(&self) -> bool {
        true
    }

    async fn speak(&self, request: &EngineRequest<'_>) -> Result<EngineSound, EngineError> {
        let no_voice =
            || EngineError::new(EngineFailure::Configuration, "there is no voice for this language");
        let (voice, _) = self.voices.get(&request.lang).ok_or_else(no_voice)?;
        let text = plain(request.part.text())?;
        let filling = Filling { text: &text, voice, lang: request.lang.tag(), speed: request.speed.factor() };
        let late = |_| {
            let detail = format!("it did not finish within {:?}", request.deadline);
            EngineError::new(EngineFailure::Broken, detail)
        };
        let bytes = timeout(request.deadline, self.run(&text, &filling)).await.map_err(late)??;
        Ok(EngineSound { bytes: bytes.into(), bare: self.bare })
    }
}

/// One line without control characters, and not longer than a sentence may be.
fn plain(text: &str) -> Result<String, EngineError> {
    if text.chars().nth(SAID_CHARS_MAX).is_some() {
        let detail = format!("the text has more than {SAID_CHARS_MAX} characters");
        return Err(EngineError::new(EngineFailure::BadText, detail));
    }
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if !text.contains(char::is_alphanumeric) {
        return Err(EngineError::new(EngineFailure::BadText, "there is nothing to speak"));
    }
    Ok(text.trim().to_owned())
}

fn executable(program: &Path) -> Result<(), EngineSetupError> {
    let told = program.display();
    if !program.is_absolute() {
        return Err(invalid(format!("command: {told} is not an absolute path")));
    }
    let found = program.metadata().map_err(|error| invalid(format!("command: {told}: {error}")))?;
    if !found.is_file() || found.permissions().mode() & 0o111 == 0 {
        return Err(invalid(format!("command: {told} is not a program that can be run")));
    }
    Ok(())
}

/// The voices of the configuration, with what tells one sound from another: the command, and the version that the
/// operator gives it.
fn voices(
    config: &CommandEngine,
    common: &EngineCommon,
) -> Result<BTreeMap<Lang, (String, String)>, EngineSetupError> {
    let print = digest::digest(&digest::SHA256, format!("{:?}{:?}", config.command, config.env).as_bytes());
    let print: String = print.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let version = &config.version;
    let mut voices = BTreeMap::new();
    for (tag, voice) in &common.voices {
        let lang = Lang::ALL.into_iter().find(|lang| lang.tag() == tag);
        let lang = lang.ok_or_else(|| invalid(format!("voices.{tag}: unknown language")))?;
        voices.insert(lang, (voice.clone(), format!("command {print} {version} {voice}")));
    }
    if voices.is_empty() {
        return Err(invalid("voices: needs one language at least: { zh-CN = \"…\" }"));
    }
    Ok(voices)
}

fn invalid(problem: impl Into<String>) -> EngineSetupError {
    EngineSetupError::Invalid(problem.into())
}

fn broken(what: &str, error: std::io::Error) -> EngineError {
    EngineError::new(EngineFailure::Broken, format!("{what}: {error}")).because(error)
}

/// A failure with what the program said, unless it repeats the text.
fn failed(what: &str, complaint: &str, text: &str) -> EngineError {
    let end = complaint.chars().count().saturating_sub(COMPLAINT_TOLD_MAX);
    let end: String = complaint.chars().skip(end).collect();
    let complaint = quoted(&end, &Private { text, secrets: &[] });
    let detail = complaint.map_or_else(|| what.to_owned(), |complaint| format!("{what}: {complaint}"));
    EngineError::new(EngineFailure::Broken, detail)
}
