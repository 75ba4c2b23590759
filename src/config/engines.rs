//! Speech engines by name: what all have in common, and what each sort needs. A table `[speech.engines.NAME]` with a
//! `kind`; credentials stand there, in the environment, or in a file that is named.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// One engine as it is configured.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// What it shares with all others.
    pub common: EngineCommon,
    /// What it is.
    pub kind: EngineKind,
}

/// What every engine has.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineCommon {
    /// Limit of one attempt.
    #[serde(deserialize_with = "super::duration")]
    pub deadline: Duration,
    /// Attempts for one text, the first included; more than one only where the engine's maker says "try again".
    pub attempts: u32,
    /// Requests at one time; what vendors allow a small account.
    pub concurrency: usize,
    /// How sentences are cut for it.
    pub mode: SpeechMode,
    /// The same for single kinds, by their name.
    pub modes: BTreeMap<String, SpeechMode>,
    /// The maker's name of the voice for each language it speaks: `zh-CN`, `yue`, `en`.
    pub voices: BTreeMap<String, String>,
    /// How fast it speaks, in percent of its normal speech.
    pub speed_percent: u32,
}

/// How a sentence is cut for an engine.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum SpeechMode {
    /// Spoken in one piece: the best melody, a request for every sentence.
    Whole,
    /// Fixed runs and values spoken apart, kept, and joined.
    #[default]
    Segments,
    /// Only the sentence of the kind that needs no value; details are on the screen.
    Fixed,
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
    /// Aliyun DashScope.
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

macro_rules! engine {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty $(= $default:expr)?,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }
        impl Default for $name {
            fn default() -> Self {
                Self { $($field: engine!(@default $($default)?),)* }
            }
        }
    };
    (@default) => { Default::default() };
    (@default $default:expr) => { $default.into() };
}

engine!(
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
engine!(
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
engine!(
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
        additions: Map<String, Value>,
        /// The application's token, or the API key.
        access_token: Option<SecretString>,
        /// A file that holds it.
        access_token_file: Option<PathBuf>,
    }
);
engine!(
    /// Aliyun DashScope: CosyVoice and Qwen TTS, whose sound is fetched from a second URL.
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
engine!(
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
engine!(
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
engine!(
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
engine!(
    /// espeak-ng, once more under another name: with other voices or another speed.
    EspeakEngine {
        /// Path of the program; empty: looked up in PATH.
        program: String,
    }
);
engine!(
    /// Recordings of people.
    RecordedEngine {
        /// A folder with `{lang}/{text}.wav` or `.mp3`.
        folder: PathBuf,
    }
);

impl Default for EngineCommon {
    /// What a network engine gets that says nothing of its own; the numbers are explained in the default file.
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(3),
            attempts: 2,
            concurrency: 4,
            mode: SpeechMode::default(),
            modes: BTreeMap::new(),
            voices: BTreeMap::new(),
            speed_percent: 100,
        }
    }
}

/// A credential that cannot be had. Holds no part of it.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// Neither a value nor a file.
    #[error("{name} is missing: set it, {name}_file, or ORDERBELL_SPEECH__ENGINES__<NAME>__{}", name.to_uppercase())]
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// The file cannot be read.
    #[error("{name}_file cannot be read")]
    File {
        /// Its name.
        name: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// The credential `name`, from its value or else its file, without white space around it.
///
/// # Errors
/// [`CredentialError`].
pub fn credential(
    name: &'static str,
    value: Option<&SecretString>,
    file: Option<&Path>,
) -> Result<SecretString, CredentialError> {
    let set = |text: &str| (!text.trim().is_empty()).then(|| SecretString::from(text.trim()));
    if let Some(found) = value.and_then(|value| set(value.expose_secret())) {
        return Ok(found);
    }
    let path = file.ok_or(CredentialError::Missing { name })?;
    let text = std::fs::read_to_string(path).map_err(|source| CredentialError::File { name, source })?;
    set(&text).ok_or(CredentialError::Missing { name })
}

impl<'de> Deserialize<'de> for EngineConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = Map::<String, Value>::deserialize(deserializer)?;
        let kind = match members.remove("kind") {
            Some(Value::String(kind)) => kind,
            Some(_) | None => return Err(D::Error::missing_field("kind")),
        };
        let common = COMMON.iter().filter_map(|name| members.remove_entry(*name)).collect();
        Ok(Self { common: read(common)?, kind: EngineKind::read(&kind, members)? })
    }
}

const COMMON: [&str; 7] = ["deadline", "attempts", "concurrency", "mode", "modes", "voices", "speed_percent"];

impl EngineKind {
    fn read<E: Error>(kind: &str, members: Map<String, Value>) -> Result<Self, E> {
        Ok(match kind {
            "openai" => Self::Openai(read(members)?),
            "tencent" => Self::Tencent(read(members)?),
            "volcengine" => Self::Volcengine(read(members)?),
            "aliyun" => Self::Aliyun(read(members)?),
            "azure" => Self::Azure(read(members)?),
            "http" => Self::Http(read(members)?),
            "command" => Self::Command(read(members)?),
            "espeak" => Self::Espeak(read(members)?),
            "recorded" => Self::Recorded(read(members)?),
            other => {
                let known = "openai, tencent, volcengine, aliyun, azure, http, command, espeak, recorded";
                return Err(E::custom(format!("unknown engine kind {other:?}, known are {known}")));
            }
        })
    }
}

fn read<T: DeserializeOwned, E: Error>(members: Map<String, Value>) -> Result<T, E> {
    serde_json::from_value(Value::Object(members)).map_err(E::custom)
}
