//! Aliyun DashScope: CosyVoice and Qwen TTS, which differ in path and body. Both answer with a URL at which the sound lies
//! for a day, mostly by plain http; it is fetched by https, without the key, and from public addresses alone.
//!
//! Sources: Model Studio's references of CosyVoice (HTTP) and Qwen-TTS, and its page of error codes.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};

use super::maker::{
    A_MINUTE, Attempt, Maker, Trust, by_status, decoded, no_voice, not_theirs, sound, sound_of, too_long,
};
use super::setup::{self, Base, invalid, one_of};
use super::{EngineSetupError, markup};
use crate::config::engines::{AliyunEngine, EngineCommon, credential};
use crate::outbound::service::{ServiceResponse, Services};
use crate::outbound::{AllowedUrl, UrlPolicy};
use crate::speech::Lang;
use crate::speech::engine::{BarePcm, Engine, EngineError, EngineFailure, EngineRequest, EngineSound};

/// Of a text for CosyVoice, where a Han character counts as two.
const COSYVOICE_TEXT_MAX: usize = 2_000;
/// The same for Qwen, whose documentation leaves open what a character is.
const QWEN_TEXT_MAX: usize = 600;

/// A model of DashScope.
#[derive(Debug)]
pub struct Aliyun {
    maker: Maker,
    base: Base,
    model: String,
    shape: Shape,
    sample_rate: u32,
    format: String,
    has_ssml: bool,
    audio_hosts: Vec<String>,
    voices: BTreeMap<Lang, String>,
    headers: HeaderMap,
}

/// Which of the two requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Shape {
    Cosyvoice,
    Qwen,
}

impl Aliyun {
    /// Sets it up; nothing is called.
    ///
    /// # Errors
    /// The table is wrong, or the key is missing.
    pub fn new(
        config: &AliyunEngine,
        common: &EngineCommon,
        services: Arc<Services>,
    ) -> Result<Self, EngineSetupError> {
        one_of("format", &config.format, &["mp3", "wav", "pcm"])?;
        if !(8_000..=48_000).contains(&config.sample_rate) {
            return Err(invalid("sample_rate is 8000 to 48000"));
        }
        if config.model.trim().is_empty() {
            return Err(invalid("model is empty"));
        }
        // Qwen-Audio speaks by CosyVoice's protocol, whatever its name.
        let is_qwen = config.model.starts_with("qwen") && !config.model.starts_with("qwen-audio");
        let key = credential("api_key", config.api_key.as_ref(), config.api_key_file.as_deref())?;
        let headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (AUTHORIZATION, setup::header("api_key", "Bearer ", &key)?),
        ]);
        Ok(Self {
            maker: Maker::new(services, vec![key]),
            base: setup::base(&config.base_url)?,
            model: config.model.clone(),
            shape: if is_qwen { Shape::Qwen } else { Shape::Cosyvoice },
            sample_rate: config.sample_rate,
            format: config.format.clone(),
            has_ssml: config.ssml && !is_qwen,
            audio_hosts: config.audio_hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
            voices: setup::voices(common)?,
            headers,
        })
    }

    fn path(&self) -> &'static str {
        match self.shape {
            Shape::Cosyvoice => "/api/v1/services/audio/tts/SpeechSynthesizer",
            Shape::Qwen => "/api/v1/services/aigc/multimodal-generation/generation",
        }
    }

    fn body(&self, request: &EngineRequest<'_>, voice: &str, ssml: Option<&str>) -> Value {
        let text = ssml.unwrap_or(request.part.text());
        match self.shape {
            Shape::Cosyvoice => json!({
                "model": self.model,
                "input": {
                    "text": text,
                    "voice": voice,
                    "format": self.format,
                    "sample_rate": self.sample_rate,
                    "rate": request.speed.factor(),
                    "enable_ssml": ssml.is_some(),
                },
            }),
            // It knows neither format nor speed: what comes is a WAV file of 24 kHz.
            Shape::Qwen => {
                let language = match request.lang {
                    Lang::ZhCn | Lang::Yue => "Chinese",
                    Lang::En => "English",
                };
                json!({"model": self.model, "input": {"text": text, "voice": voice, "language_type": language}})
            }
        }
    }

    async fn said(
        &self,
        request: &EngineRequest<'_>,
        voice: &str,
        ssml: Option<&str>,
    ) -> Result<EngineSound, EngineError> {
        let attempt = self.maker.attempt(request);
        let url = format!("{}{}", self.base.url, self.path());
        let body = self.body(request, voice, ssml).to_string();
        let response = attempt.post(&url, self.headers.clone(), body).await?;
        let told: Option<Told> = serde_json::from_slice(&response.body).ok();
        let Some(told) = told else {
            return Err(not_theirs(&response));
        };
        let audio = match told.output {
            Some(Output { audio: Some(audio) }) if response.status == 200 => audio,
            Some(_) | None => return Err(told.refusal(&attempt, &response)),
        };
        let bare = match self.shape {
            Shape::Cosyvoice if self.format == "pcm" => Some(BarePcm { rate_hz: self.sample_rate }),
            Shape::Cosyvoice | Shape::Qwen => None,
        };
        match (audio.url.as_deref(), audio.data.as_deref()) {
            (Some(url), _) if !url.is_empty() => self.fetched(&attempt, url, bare).await,
            (_, Some(data)) if !data.is_empty() => sound_of(decoded(data)?.into(), bare),
            _ => Err(EngineError::new(EngineFailure::Broken, "neither a sound nor where it lies")),
        }
    }

    async fn fetched(
        &self,
        attempt: &Attempt<'_>,
        url: &str,
        bare: Option<BarePcm>,
    ) -> Result<EngineSound, EngineError> {
        let (url, trust) = self.place(url);
        let response = attempt.get(&url, trust).await?;
        match response.status {
            200 => sound(response, bare),
            status => {
                // Not by the usual table: the store behind the URL is theirs, and so is what it refuses.
                let failure = if status >= 500 { EngineFailure::Retry } else { EngineFailure::Broken };
                Err(EngineError::new(failure, format!("the sound is not there: status {status}")))
            }
        }
    }

    /// Where the sound is fetched: as it stands from a host that the operator named, else by https.
    fn place(&self, url: &str) -> (String, Trust) {
        let is_named = AllowedUrl::parse(url, UrlPolicy::PrivateToo).is_ok_and(|url| {
            let origin = url.origin();
            let host = origin.split_once("://").map_or(origin.as_str(), |(_, host)| host);
            self.audio_hosts.iter().any(|named| named == host || named == url.host())
        });
        match url.strip_prefix("http://") {
            _ if is_named => (url.to_owned(), Trust::Named),
            Some(rest) => (format!("https://{rest}"), Trust::PublicOnly),
            None => (url.to_owned(), Trust::PublicOnly),
        }
    }
}

#[async_trait]
impl Engine for Aliyun {
    fn kind(&self) -> &'static str {
        "aliyun"
    }

    fn voice(&self, lang: Lang) -> Option<String> {
        let voice = self.voices.get(&lang)?;
        Some(match self.shape {
            Shape::Cosyvoice => {
                format!("aliyun/1/{}/{voice}/{}/{}", self.model, self.format, self.sample_rate)
            }
            Shape::Qwen => format!("aliyun/1/{}/{voice}", self.model),
        })
    }

    fn is_local(&self) -> bool {
        false
    }

    async fn speak(&self, request: &EngineRequest<'_>) -> Result<EngineSound, EngineError> {
        let Some(voice) = self.voices.get(&request.lang) else {
            return Err(no_voice());
        };
        let text_max = match self.shape {
            Shape::Cosyvoice => COSYVOICE_TEXT_MAX,
            Shape::Qwen => QWEN_TEXT_MAX,
        };
        let widths = request.part.text().chars().map(|c| if c.is_ascii() { 1 } else { 2 });
        if widths.sum::<usize>() > text_max {
            return Err(too_long());
        }
        if !self.has_ssml || request.part.readings().is_empty() || request.lang != Lang::ZhCn {
            return self.said(request, voice, None).await;
        }
        let began = tokio::time::Instant::now();
        match self.said(request, voice, Some(&markup::speak_in_pinyin(request.part))).await {
            // A reading they do not know spoils the text; without it they speak, if not as well.
            Err(error) if error.failure == EngineFailure::BadText => {
                let deadline = request.deadline.saturating_sub(began.elapsed());
                self.said(&EngineRequest { deadline, ..*request }, voice, None).await
            }
            said => said,
        }
    }
}

/// What stands in an answer of theirs, whatever its status.
#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    output: Option<Output>,
}

#[derive(Deserialize)]
struct Output {
    audio: Option<Audio>,
}

#[derive(Deserialize)]
struct Audio {
    url: Option<String>,
    data: Option<String>,
}

impl Told {
    fn refusal(&self, attempt: &Attempt<'_>, response: &ServiceResponse) -> EngineError {
        let (code, message) = (self.code.as_deref().unwrap_or(""), self.message.as_deref().unwrap_or(""));
        match (code, response.status) {
            ("", _) => not_theirs(response),
            (code, status) => {
                let usual = if status == 200 { EngineFailure::Broken } else { by_status(response) };
                attempt.refused(failure(code, message).unwrap_or(usual), code, message)
            }
        }
    }
}

/// What their codes mean; `None` for one that says no more than its status.
fn failure(code: &str, message: &str) -> Option<EngineFailure> {
    let (family, member) = code.split_once('.').unwrap_or((code, ""));
    let message = message.to_lowercase();
    let says = |signs: &[&str]| signs.iter().any(|sign| message.contains(sign));
    Some(match (family, member) {
        ("Throttling", "AllocationQuota") if says(&["free", "credit"]) => EngineFailure::Quota,
        // An allowance of so much in a minute, not what was paid for.
        ("Throttling", "AllocationQuota") => EngineFailure::RateLimited { retry_after: A_MINUTE },
        ("Throttling" | "LimitRequests", _) => EngineFailure::RateLimited { retry_after: None },
        (
            "Arrearage"
            | "AllocationQuota"
            | "PrepaidBillOverdue"
            | "PostpaidBillOverdue"
            | "CommodityNotPurchased"
            | "BudgetLimitExceeded",
            _,
        )
        | ("AccessDenied", "Unpurchased") => EngineFailure::Quota,
        ("InvalidApiKey" | "invalid_api_key" | "AccessDenied" | "Forbidden", _) => EngineFailure::Auth,
        // Their engine's own number for a voice that the model does not have.
        ("InvalidParameter" | "BadRequest", _) if says(&["418", "voice", "model", "format", "sample"]) => {
            EngineFailure::Configuration
        }
        ("InvalidParameter" | "BadRequest" | "DataInspectionFailed" | "DataInspection", _) => {
            EngineFailure::BadText
        }
        (
            "ModelNotFound" | "Model" | "InvalidModel" | "UnsupportedModel" | "InvalidURL" | "InvalidVoice",
            _,
        ) => EngineFailure::Configuration,
        (
            "InternalError" | "InternalServerError" | "SystemError" | "ServiceUnavailable" | "RequestTimeOut",
            _,
        ) => EngineFailure::Retry,
        _ => return None,
    })
}
