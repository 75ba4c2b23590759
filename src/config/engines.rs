//! Speech engines by name: what all have in common, and what each sort needs. A table `[speech.engines.NAME]` with a
//! `kind`; credentials stand there, in the environment, or in a file that is named.

mod credentials;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use config::{Value, ValueKind};
use secrecy::SecretString;
use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer};

use super::ConfigError;
use super::members::{Fault, Members, NAMES, is_name, table};

pub(in crate::config) use self::credentials::Credential;
pub use self::credentials::{CredentialError, credential};
pub(in crate::config) use self::rules::LANGS;

/// One engine as it is configured.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// What it shares with all others.
    pub common: EngineCommon,
    /// What it is.
    pub kind: EngineKind,
}

/// How a sentence is cut for an engine.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub enum SpeechMode {
    /// Spoken in one piece: the best melody, a request for every sentence.
    Whole,
    /// Fixed runs and values spoken apart, kept, and joined.
    #[default]
    Segments,
    /// Only the sentence of the kind that needs no value; details are on the screen.
    Fixed,
}

impl TryFrom<String> for SpeechMode {
    type Error = &'static str;

    fn try_from(word: String) -> Result<Self, Self::Error> {
        match word.as_str() {
            "whole" => Ok(Self::Whole),
            "segments" => Ok(Self::Segments),
            "fixed" => Ok(Self::Fixed),
            _ => Err("a mode is whole, segments or fixed"),
        }
    }
}

/// The sorts of engines.
#[derive(Clone, Debug)]
pub enum EngineKind {
    /// Any server with `POST {base}/v1/audio/speech`.
    Openai(OpenaiEngine),
    /// Tencent Cloud TTS.
    Tencent(TencentEngine),
    /// Volcengine (Doubao).
    Volcengine(VolcengineEngine),
    /// Aliyun `DashScope`.
    Aliyun(AliyunEngine),
    /// Azure Speech, global and China.
    Azure(AzureEngine),
    /// Any other HTTP service, by a profile.
    Http(HttpEngine),
    /// A program on this machine.
    Command(CommandEngine),
    /// espeak-ng.
    Espeak(EspeakEngine),
    /// Recordings of people.
    Recorded(RecordedEngine),
}

table!(
    /// What every engine has. The numbers are explained in the default file.
    EngineCommon {
        /// Limit of one attempt.
        deadline: Duration = Duration::from_secs(3),
        /// Attempts for one text, the first included; more than one only where the engine's maker says "try again".
        attempts: u32 = 2_u32,
        /// Requests at one time; what vendors allow a small account.
        concurrency: usize = 4_usize,
        /// How sentences are cut for it.
        mode: SpeechMode,
        /// The same for single kinds, by their name.
        modes: BTreeMap<String, SpeechMode>,
        /// The maker's name of the voice for each language it speaks: `zh-CN`, `yue`, `en`.
        voices: BTreeMap<String, String>,
        /// How fast it speaks, in percent of its normal speech.
        speed_percent: u32 = 100_u32,
    }
);
table!(
    /// Any server with `POST {base}/v1/audio/speech`.
    OpenaiEngine {
        /// Everything before `/v1/audio/speech`, or the whole URL if it ends in `/audio/speech`.
        base_url: String = "https://api.openai.com",
        /// The model.
        model: String = "tts-1",
        /// `mp3`, `wav` or `pcm`: what is asked for; what comes is looked at.
        format: String = "mp3",
        /// How to speak, for models that can be told.
        instructions: String,
        /// Sent as `Authorization: Bearer`; none for servers without.
        api_key: Option<SecretString>,
        /// A file that holds it.
        api_key_file: Option<PathBuf>,
    }
);
table!(
    /// Tencent Cloud TTS, action `TextToVoice`.
    TencentEngine {
        /// Where it is.
        base_url: String = "https://tts.tencentcloudapi.com",
        /// The region, if one is to be named.
        region: String,
        /// Samples per second: 8000, 16000 or 24000.
        sample_rate: u32 = 16_000_u32,
        /// `mp3`, `wav` or `pcm`.
        format: String = "mp3",
        /// The account's `SecretId`.
        secret_id: Option<SecretString>,
        /// A file that holds it.
        secret_id_file: Option<PathBuf>,
        /// The account's `SecretKey`.
        secret_key: Option<SecretString>,
        /// A file that holds it.
        secret_key_file: Option<PathBuf>,
    }
);
table!(
    /// Volcengine (Doubao), `/api/v1/tts` or `/api/v3/tts/unidirectional`.
    VolcengineEngine {
        /// Where it is.
        base_url: String = "https://openspeech.bytedance.com",
        /// `v1` or `v3`.
        api: String = "v1",
        /// The application; none for `v3` with an API key of the new console.
        app_id: String,
        /// For `v1`: the cluster.
        cluster: String = "volcano_tts",
        /// For `v3`: what the voice belongs to.
        resource_id: String = "seed-tts-1.0",
        /// Samples per second.
        sample_rate: u32 = 24_000_u32,
        /// `mp3`, `wav` (v1 only) or `pcm`.
        format: String = "mp3",
        /// For `v3`: further `additions`, by the names of its documentation.
        additions: serde_json::Map<String, serde_json::Value>,
        /// The application's token, or the API key.
        access_token: Option<SecretString>,
        /// A file that holds it.
        access_token_file: Option<PathBuf>,
    }
);
table!(
    /// Aliyun `DashScope`: `CosyVoice` and Qwen TTS, whose sound is fetched from a second URL.
    AliyunEngine {
        /// Where it is.
        base_url: String = "https://dashscope.aliyuncs.com",
        /// The model; `qwen…` uses the other request shape.
        model: String = "cosyvoice-v3-flash",
        /// Samples per second.
        sample_rate: u32 = 24_000_u32,
        /// `mp3`, `wav` or `pcm`.
        format: String = "mp3",
        /// Sends readings as SSML, for voices of CosyVoice that take it.
        ssml: bool,
        /// Hosts beside public ones from which the sound may be fetched, with their port if it is an odd one: for
        /// private clouds.
        audio_hosts: Vec<String>,
        /// The key.
        api_key: Option<SecretString>,
        /// A file that holds it.
        api_key_file: Option<PathBuf>,
    }
);
table!(
    /// Azure Speech.
    AzureEngine {
        /// The region, such as `eastasia` or `chinaeast2`; regions that begin with `china` are 21Vianet's.
        region: String,
        /// In place of the region's own address.
        base_url: String,
        /// `X-Microsoft-OutputFormat`.
        format: String = "audio-24khz-48kbitrate-mono-mp3",
        /// The speaking style, for voices that have one.
        style: String,
        /// The key.
        subscription_key: Option<SecretString>,
        /// A file that holds it.
        subscription_key_file: Option<PathBuf>,
    }
);
table!(
    /// Any other HTTP service.
    HttpEngine {
        /// A profile that ships: `baidu`, `minimax`, `google`, `aliyun_nls`; or the path of a file.
        profile: String,
        /// Values that the profile asks for.
        params: BTreeMap<String, String>,
        /// Secrets that the profile asks for, by their name.
        secrets: BTreeMap<String, SecretString>,
        /// Files that hold secrets, by their name.
        secret_files: BTreeMap<String, PathBuf>,
    }
);
table!(
    /// A program on this machine, such as piper or sherpa-onnx.
    CommandEngine {
        /// The program, an absolute path, and its arguments; `{voice}`, `{speed}` (2 is twice as fast), `{length_scale}`
        /// (2 is half as fast), `{text}`, `{out}` and `{lang}` stand for their values, each within one argument.
        command: Vec<String>,
        /// `stdin` or `argument`: how the text gets there.
        input: String = "stdin",
        /// `stdout` or `file`: how the sound comes back.
        output: String = "stdout",
        /// What bare samples on stdout are, in Hz; 0 where it writes a file with a header.
        bare_rate: u32,
        /// Named in the cache key beside the command: change it when the model behind the command changes.
        version: String,
        /// Environment of the program, which gets nothing else.
        env: BTreeMap<String, String>,
    }
);
table!(
    /// espeak-ng, once more under another name: with other voices or another speed.
    EspeakEngine {
        /// Path of the program; empty: looked up in PATH.
        program: String,
    }
);
table!(
    /// Recordings of people.
    RecordedEngine {
        /// A folder with `{lang}/{text}.wav` or `.mp3`.
        folder: PathBuf,
    }
);

/// The word for a kind, and how its table is read.
const KINDS: [&str; 9] =
    ["openai", "tencent", "volcengine", "aliyun", "azure", "http", "command", "espeak", "recorded"];

impl EngineConfig {
    /// Reads the table of one engine.
    fn of(table: impl IntoIterator<Item = (String, Value)>) -> Result<Self, Fault> {
        let mut members = Members::new(table);
        let kind = members.take("kind", String::new())?;
        if kind.is_empty() {
            return Err(("kind".to_owned(), format!("is missing: one of {}", KINDS.join(", "))));
        }
        let mut common = EngineCommon::take(&mut members)?;
        common.voices = common.voices.into_iter().map(|(tag, voice)| (written(tag), voice)).collect();
        let (kind, own) = EngineKind::take(&kind, &mut members)?;
        members.finish(&[&["kind"], EngineCommon::MEMBERS, own].concat())?;
        Ok(Self { common, kind })
    }
}

impl<'de> Deserialize<'de> for EngineConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table = BTreeMap::<String, Value>::deserialize(deserializer)?;
        Self::of(table).map_err(|(member, what)| D::Error::custom(format!("{member}: {what}")))
    }
}

/// A language as it is written: variables of the environment have lost their case.
fn written(tag: String) -> String {
    LANGS.iter().find(|known| known.eq_ignore_ascii_case(&tag)).map_or(tag, |known| (*known).to_owned())
}

impl EngineKind {
    /// The word for it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Openai(_) => "openai",
            Self::Tencent(_) => "tencent",
            Self::Volcengine(_) => "volcengine",
            Self::Aliyun(_) => "aliyun",
            Self::Azure(_) => "azure",
            Self::Http(_) => "http",
            Self::Command(_) => "command",
            Self::Espeak(_) => "espeak",
            Self::Recorded(_) => "recorded",
        }
    }

    fn take(kind: &str, members: &mut Members) -> Result<(Self, &'static [&'static str]), Fault> {
        Ok(match kind {
            "openai" => (Self::Openai(OpenaiEngine::take(members)?), OpenaiEngine::MEMBERS),
            "tencent" => (Self::Tencent(TencentEngine::take(members)?), TencentEngine::MEMBERS),
            "volcengine" => (Self::Volcengine(VolcengineEngine::take(members)?), VolcengineEngine::MEMBERS),
            "aliyun" => (Self::Aliyun(AliyunEngine::take(members)?), AliyunEngine::MEMBERS),
            "azure" => (Self::Azure(AzureEngine::take(members)?), AzureEngine::MEMBERS),
            "http" => (Self::Http(HttpEngine::take(members)?), HttpEngine::MEMBERS),
            "command" => (Self::Command(CommandEngine::take(members)?), CommandEngine::MEMBERS),
            "espeak" => (Self::Espeak(EspeakEngine::take(members)?), EspeakEngine::MEMBERS),
            "recorded" => (Self::Recorded(RecordedEngine::take(members)?), RecordedEngine::MEMBERS),
            _ => return Err(("kind".to_owned(), format!("is unknown, known are {}", KINDS.join(", ")))),
        })
    }
}

/// All engines of a configuration.
///
/// # Errors
/// Names the first member that cannot be used.
pub(super) fn read(built: &config::Config) -> Result<BTreeMap<String, EngineConfig>, ConfigError> {
    let mut tables: Vec<(String, Value)> = built.get_table("speech.engines")?.into_iter().collect();
    tables.sort_by(|(one, _), (other, _)| one.cmp(other));
    let engine = |(name, value): (String, Value)| {
        let key = format!("speech.engines.{name}");
        if name == super::speech::BUILT_IN {
            let what = "is built in: give yours another name".to_owned();
            return Err(ConfigError::Invalid { key, what });
        }
        if !is_name(&name) {
            return Err(ConfigError::Invalid { key, what: NAMES.to_owned() });
        }
        let ValueKind::Table(table) = value.kind else {
            return Err(ConfigError::Invalid { key, what: "is a table with a kind".to_owned() });
        };
        match EngineConfig::of(table) {
            Ok(engine) => Ok((name, engine)),
            Err((member, what)) => Err(ConfigError::Invalid { key: format!("{key}.{member}"), what }),
        }
    };
    tables.into_iter().map(engine).collect()
}

/// In place of the field, which [`read`] fills with better complaints.
pub(super) fn read_before<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, EngineConfig>, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|IgnoredAny| BTreeMap::new())
}
