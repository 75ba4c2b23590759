//! Any server with `POST {base}/v1/audio/speech`: OpenAI itself, and the many that speak as it does (Kokoro-FastAPI,
//! speaches, LocalAI, vLLM, OpenVINO, OpenRouter, SiliconFlow). They differ in how they refuse, and some send another
//! format than they were asked for.
//!
//! Sources: OpenAI's API reference, "Create speech" and "Error codes"; FastAPI's form of a 422.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::EngineSetupError;
use super::maker::{Attempt, Maker, by_status, no_voice, refused_by_status, sound, too_long};
use super::setup::{self, invalid, mark, one_of};
use crate::config::engines::{CredentialError, EngineCommon, OpenaiEngine, credential};
use crate::outbound::service::{ServiceResponse, Services};
use crate::speech::Lang;
use crate::speech::engine::{BarePcm, Engine, EngineError, EngineFailure, EngineRequest, EngineSound, Speed};

/// What `pcm` is in this protocol, whatever the model.
const PCM: BarePcm = BarePcm { rate_hz: 24_000 };
/// Characters of one input; the limit of OpenAI's own models.
const INPUT_MAX: usize = 4_096;

/// A server that speaks this protocol.
#[derive(Debug)]
pub struct Openai {
    maker: Maker,
    url: String,
    host: String,
    model: String,
    format: String,
    instructions: String,
    voices: BTreeMap<Lang, String>,
    headers: HeaderMap,
    is_local: bool,
}

impl Openai {
    /// Sets it up; nothing is called.
    ///
    /// # Errors
    /// The table is wrong, or a file with a credential cannot be read. No key at all is no error: servers of one's own
    /// have none.
    pub fn new(
        config: &OpenaiEngine,
        common: &EngineCommon,
        services: Arc<Services>,
    ) -> Result<Self, EngineSetupError> {
        let base = setup::base(&config.base_url)?;
        one_of("format", &config.format, &["mp3", "wav", "pcm"])?;
        if config.model.trim().is_empty() {
            return Err(invalid("model is empty"));
        }
        let key = match credential("api_key", config.api_key.as_ref(), config.api_key_file.as_deref()) {
            Ok(key) => Some(key),
            Err(CredentialError::Missing { .. }) if config.api_key_file.is_none() => None,
            Err(error) => return Err(error.into()),
        };
        let mut headers =
            HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        if let Some(key) = &key {
            headers.insert(AUTHORIZATION, setup::header("api_key", "Bearer ", key)?);
        }
        // Who asks for a key also counts, wherever they listen.
        let is_local = key.is_none() && base.is_this_machine();
        Ok(Self {
            maker: Maker::new(services, key.into_iter().collect()),
            url: endpoint(&base.url),
            host: base.host,
            model: config.model.clone(),
            format: config.format.clone(),
            instructions: config.instructions.clone(),
            voices: setup::voices(common)?,
            headers,
            is_local,
        })
    }

    fn body(&self, text: &str, voice: &str, speed: Speed) -> Value {
        let mut body = json!({
            "model": self.model,
            "input": text,
            "voice": voice,
            "response_format": self.format,
        });
        // What is not needed is not said: some servers refuse members they do not know.
        if speed != Speed::NORMAL {
            body["speed"] = json!(speed.factor());
        }
        if !self.instructions.is_empty() {
            body["instructions"] = json!(self.instructions);
        }
        body
    }
}

/// The whole URL: as it is if it ends in `/audio/speech`, and with the version if only that is missing.
fn endpoint(base: &str) -> String {
    let last = base.rsplit('/').next().unwrap_or_default();
    let is_version =
        last.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    match () {
        () if base.ends_with("/audio/speech") => base.to_owned(),
        () if is_version && !last.contains(['.', ':']) => format!("{base}/audio/speech"),
        () => format!("{base}/v1/audio/speech"),
    }
}

#[async_trait]
impl Engine for Openai {
    fn kind(&self) -> &'static str {
        "openai"
    }

    fn voice(&self, lang: Lang) -> Option<String> {
        let voice = self.voices.get(&lang)?;
        let Self { host, model, format, instructions, .. } = self;
        Some(format!("openai/1/{host}/{model}/{voice}/{format}/{}", mark(instructions)))
    }

    fn is_local(&self) -> bool {
        self.is_local
    }

    async fn speak(&self, request: &EngineRequest<'_>) -> Result<EngineSound, EngineError> {
        let attempt = self.maker.attempt(request);
        let Some(voice) = self.voices.get(&request.lang) else {
            return Err(no_voice());
        };
        if request.part.characters() > INPUT_MAX {
            return Err(too_long());
        }
        let body = self.body(request.part.text(), voice, request.speed).to_string();
        let response = attempt.post(&self.url, self.headers.clone(), body).await?;
        if response.status != 200 {
            return Err(refusal(&attempt, &response));
        }
        // Proxies in front of models answer 200 and put the error inside.
        if let Some(error) = Refusal::read(&response.body) {
            let failure = error.failure().unwrap_or(EngineFailure::Broken);
            return Err(attempt.refused(failure, &error.code, &error.message));
        }
        sound(response, (self.format == "pcm").then_some(PCM))
    }
}

fn refusal(attempt: &Attempt<'_>, response: &ServiceResponse) -> EngineError {
    let Some(error) = Refusal::read(&response.body) else { return refused_by_status(response) };
    let failure = match response.status {
        // The same status says "slow down" and "you have paid for no more".
        402 | 429 if error.is_quota() => EngineFailure::Quota,
        400 | 413 | 422 => error.failure().unwrap_or(EngineFailure::BadText),
        404 => error.failure().unwrap_or(EngineFailure::Configuration),
        _ => by_status(response),
    };
    let code = if error.code.is_empty() { response.status.to_string() } else { error.code };
    attempt.refused(failure, &code, &error.message)
}

/// An error as these servers write it.
#[derive(Debug, Default)]
struct Refusal {
    code: String,
    message: String,
    /// The member of our body that is meant, where it is told.
    member: String,
}

impl Refusal {
    /// `{"error":{…}}`, `{"error":"…"}`, `{"detail":…}` (FastAPI) or `{"code":…,"message":…}`; `None` if it is none.
    fn read(body: &[u8]) -> Option<Self> {
        let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(body) else { return None };
        let told = |value: Option<&Value>| match value {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(_) | None => String::new(),
        };
        match (members.get("error"), members.get("detail")) {
            (Some(Value::Object(error)), _) | (None, Some(Value::Object(error))) => {
                let code = [told(error.get("code")), told(error.get("type")), told(error.get("error"))];
                Some(Self {
                    code: code.into_iter().find(|code| !code.is_empty()).unwrap_or_default(),
                    message: told(error.get("message")),
                    member: told(error.get("param")),
                })
            }
            (None, Some(Value::Array(faults))) => {
                let first = faults.first()?;
                let place = first.get("loc").and_then(Value::as_array).and_then(|loc| loc.last());
                Some(Self { member: told(place), message: told(first.get("msg")), ..Self::default() })
            }
            (Some(text), _) | (None, Some(text)) => {
                Some(Self { message: told(Some(text)), ..Self::default() })
            }
            (None, None) => Some(Self {
                code: told(members.get("code")),
                message: told(members.get("message")),
                ..Self::default()
            }),
        }
    }

    fn is_quota(&self) -> bool {
        let words = format!("{} {}", self.code, self.message).to_lowercase();
        ["insufficient_quota", "exceeded your current quota", "billing", "insufficient balance", "credits"]
            .iter()
            .any(|sign| words.contains(sign))
    }

    /// Whether the server is out of breath: it names its model then, which is no fault of the configuration.
    fn is_passing(&self, words: &str) -> bool {
        let server_fault = matches!(self.code.as_bytes(), [b'5', b'0'..=b'9', b'0'..=b'9']);
        let signs =
            ["overload", "unavailable", "timed out", "timeout", "try again", "busy", "capacity", "loading"];
        server_fault || signs.iter().any(|sign| words.contains(sign))
    }

    /// What it says of itself, without the status.
    fn failure(&self) -> Option<EngineFailure> {
        let words = format!("{} {}", self.code, self.message).to_lowercase();
        let says = |signs: &[&str]| signs.iter().any(|sign| words.contains(sign));
        match self.member.as_str() {
            "input" => return Some(EngineFailure::BadText),
            "model" | "voice" | "response_format" | "instructions" | "speed" => {
                return Some(EngineFailure::Configuration);
            }
            _ => {}
        }
        if self.is_quota() {
            Some(EngineFailure::Quota)
        } else if says(&["rate_limit", "rate limit", "too many requests"]) {
            Some(EngineFailure::RateLimited { retry_after: None })
        } else if self.is_passing(&words) {
            Some(EngineFailure::Retry)
        } else if says(&["api key", "api_key", "authentication", "unauthorized"]) {
            Some(EngineFailure::Auth)
        } else if says(&["content_policy", "string_above_max_length", "moderation"]) {
            Some(EngineFailure::BadText)
        } else if says(&["model", "voice", "format", "instructions"]) {
            Some(EngineFailure::Configuration)
        } else if says(&["input", "text", "too long", "maximum", "character"]) {
            Some(EngineFailure::BadText)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::endpoint;

    #[test]
    fn the_path_is_completed_as_far_as_it_is_missing() {
        for (base, url) in [
            ("https://api.openai.com", "https://api.openai.com/v1/audio/speech"),
            ("https://openrouter.ai/api", "https://openrouter.ai/api/v1/audio/speech"),
            ("https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1/audio/speech"),
            ("http://ovms:8000/v3", "http://ovms:8000/v3/audio/speech"),
            ("http://ovms:8000/v3/audio/speech", "http://ovms:8000/v3/audio/speech"),
            ("http://v1:8880", "http://v1:8880/v1/audio/speech"),
            ("http://v1.example.com", "http://v1.example.com/v1/audio/speech"),
            ("http://voices", "http://voices/v1/audio/speech"),
        ] {
            assert_eq!(endpoint(base), url);
        }
    }
}
