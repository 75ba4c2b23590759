//! Volcengine (Doubao): the older `/api/v1/tts`, one JSON object each way, and `/api/v3/tts/unidirectional`, whose answer
//! is a row of JSON objects with an end of its own.
//!
//! Sources: documents 6561/79820 (v1, with its codes), 6561/1598757 (v3, with its codes).

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value, json};

use super::EngineSetupError;
use super::maker::{Attempt, Maker, decoded, no_voice, not_theirs, refused_by_status, sound_of, too_long};
use super::setup::{self, Base, invalid, mark, one_of};
use crate::config::engines::{EngineCommon, VolcengineEngine, credential};
use crate::outbound::service::Services;
use crate::speech::Lang;
use crate::speech::engine::{BarePcm, Engine, EngineError, EngineFailure, EngineRequest, EngineSound};
use told::Told;

mod told;

/// Bytes of one text; more is refused.
const TEXT_BYTES_MAX: usize = 1_024;

/// An application of Volcengine's speech service.
#[derive(Debug)]
pub struct Volcengine {
    maker: Maker,
    base: Base,
    api: Api,
    app_id: String,
    cluster: String,
    resource_id: String,
    sample_rate: u32,
    format: String,
    additions: Map<String, Value>,
    voices: BTreeMap<Lang, String>,
    headers: HeaderMap,
}

/// Which of the two protocols.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Api {
    V1,
    V3,
}

impl Volcengine {
    /// Sets it up; nothing is called.
    ///
    /// # Errors
    /// The table is wrong, or the token is missing.
    pub fn new(
        config: &VolcengineEngine,
        common: &EngineCommon,
        services: Arc<Services>,
    ) -> Result<Self, EngineSetupError> {
        let api = match config.api.as_str() {
            "v1" => Api::V1,
            "v3" => Api::V3,
            other => return Err(invalid(format!("api is {other:?}, and may be v1, v3"))),
        };
        match api {
            Api::V1 => one_of("format", &config.format, &["mp3", "wav", "pcm"])?,
            // A stream has no place for the length that stands at the head of a WAV file.
            Api::V3 => one_of("format", &config.format, &["mp3", "pcm"])?,
        }
        if api == Api::V1 && config.app_id.is_empty() {
            return Err(invalid("app_id is empty"));
        }
        if !(8_000..=48_000).contains(&config.sample_rate) {
            return Err(invalid("sample_rate is 8000 to 48000"));
        }
        let token =
            credential("access_token", config.access_token.as_ref(), config.access_token_file.as_deref())?;
        let mut headers =
            HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        match api {
            // A semicolon, where everybody else has a space.
            Api::V1 => {
                headers.insert(AUTHORIZATION, setup::header("access_token", "Bearer;", &token)?);
            }
            // The new console gives out one key, and is confused by an application beside it.
            Api::V3 if config.app_id.is_empty() => {
                headers.insert("x-api-key", setup::header("access_token", "", &token)?);
            }
            Api::V3 => {
                headers.insert("x-api-app-id", setup::plain_header("app_id", &config.app_id)?);
                headers.insert("x-api-access-key", setup::header("access_token", "", &token)?);
            }
        }
        if api == Api::V3 {
            headers.insert("x-api-resource-id", setup::plain_header("resource_id", &config.resource_id)?);
        }
        Ok(Self {
            maker: Maker::new(services, vec![token]),
            base: setup::base(&config.base_url)?,
            api,
            app_id: config.app_id.clone(),
            cluster: config.cluster.clone(),
            resource_id: config.resource_id.clone(),
            sample_rate: config.sample_rate,
            format: config.format.clone(),
            additions: config.additions.clone(),
            voices: setup::voices(common)?,
            headers,
        })
    }

    fn bare(&self) -> Option<BarePcm> {
        (self.format == "pcm").then_some(BarePcm { rate_hz: self.sample_rate })
    }

    async fn said_v1(
        &self,
        attempt: &Attempt<'_>,
        request: &EngineRequest<'_>,
        voice: &str,
    ) -> Result<EngineSound, EngineError> {
        let body = json!({
            // The real token is in the header; here anything will do, and so nothing secret is written twice.
            "app": {"appid": self.app_id, "token": "header", "cluster": self.cluster},
            "user": {"uid": "orderbell"},
            "audio": {
                "voice_type": voice,
                "encoding": self.format,
                "rate": self.sample_rate,
                "speed_ratio": request.speed.factor().max(0.8),
            },
            "request": {
                "reqid": self.maker.fresh_id(),
                "text": request.part.text(),
                "text_type": "plain",
                "operation": "query",
            },
        });
        let url = format!("{}/api/v1/tts", self.base.url);
        let response = attempt.post(&url, self.headers.clone(), body.to_string()).await?;
        let Some(told) = Told::of(&response.body) else { return Err(not_theirs(&response)) };
        match told.code {
            Some(3000) => sound_of(decoded(&told.data.unwrap_or_default())?.into(), self.bare()),
            Some(code) => {
                Err(attempt.refused(told::failure_v1(code, &told.message), &code.to_string(), &told.message))
            }
            None => Err(not_theirs(&response)),
        }
    }

    async fn said_v3(
        &self,
        attempt: &Attempt<'_>,
        request: &EngineRequest<'_>,
        voice: &str,
    ) -> Result<EngineSound, EngineError> {
        let mut params = json!({
            "text": request.part.text(),
            "speaker": voice,
            "audio_params": {
                "format": self.format,
                "sample_rate": self.sample_rate,
                "speech_rate": i64::from(request.speed.as_percent()) - 100,
            },
        });
        if !self.additions.is_empty() {
            // JSON in a string: so they want it.
            params["additions"] = json!(Value::Object(self.additions.clone()).to_string());
        }
        let body = json!({"user": {"uid": "orderbell"}, "req_params": params});
        let mut headers = self.headers.clone();
        let id = HeaderValue::from_str(&self.maker.fresh_id());
        headers.extend(id.ok().map(|id| (http::HeaderName::from_static("x-api-request-id"), id)));
        let url = format!("{}/api/v3/tts/unidirectional", self.base.url);
        let response = attempt.post(&url, headers, body.to_string()).await?;
        let mut sound = Vec::new();
        for told in told::row(&response.body) {
            let told = told.map_err(|told::NotTheirs| not_theirs(&response))?;
            match told.code {
                Some(told::ENDED) => return sound_of(sound.into(), self.bare()),
                Some(0) => sound.extend(decoded(&told.data.unwrap_or_default())?),
                Some(code) => {
                    let failure = told::failure_v3(code, &told.message);
                    return Err(attempt.refused(failure, &code.to_string(), &told.message));
                }
                None => return Err(not_theirs(&response)),
            }
        }
        match response.status {
            200 => Err(EngineError::new(EngineFailure::Retry, "the sound ends before its end")),
            _ => Err(refused_by_status(&response)),
        }
    }
}

#[async_trait]
impl Engine for Volcengine {
    fn kind(&self) -> &'static str {
        "volcengine"
    }

    fn voice(&self, lang: Lang) -> Option<String> {
        let voice = self.voices.get(&lang)?;
        let (api, of) = match self.api {
            Api::V1 => ("v1", &self.cluster),
            Api::V3 => ("v3", &self.resource_id),
        };
        let is_plain = self.additions.is_empty();
        let additions =
            if is_plain { String::new() } else { Value::Object(self.additions.clone()).to_string() };
        Some(format!(
            "volcengine/{api}/{of}/{voice}/{}/{}/{}",
            self.format,
            self.sample_rate,
            mark(&additions)
        ))
    }

    fn is_local(&self) -> bool {
        false
    }

    async fn speak(&self, request: &EngineRequest<'_>) -> Result<EngineSound, EngineError> {
        let attempt = self.maker.attempt(request);
        let Some(voice) = self.voices.get(&request.lang) else {
            return Err(no_voice());
        };
        if request.part.text().len() > TEXT_BYTES_MAX {
            return Err(too_long());
        }
        match self.api {
            Api::V1 => self.said_v1(&attempt, request, voice).await,
            Api::V3 => self.said_v3(&attempt, request, voice).await,
        }
    }
}
