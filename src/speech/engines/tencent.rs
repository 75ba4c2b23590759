//! Tencent Cloud TTS, action `TextToVoice`: a signed request, a sound in base64, and refusals with status 200.
//! Readings go along as SSML; a text without any stays plain.
//!
//! Sources: API reference 1073/37995 (`TextToVoice`), 1073/37991 (error codes), signature v3; SSML 1154/47883; the error
//! codes of the official SDK (tts/v20190823).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE};
use http::{HeaderMap, HeaderValue};
use jiff::fmt::rfc2822::DateTimeParser;
use serde::Deserialize;
use serde_json::json;

use super::maker::{Maker, decoded, no_voice, not_theirs, sound_of, too_long};
use super::setup::{self, Base, invalid, one_of};
use super::{EngineSetupError, markup};
use crate::config::engines::{EngineCommon, TencentEngine, credential};
use crate::outbound::service::{ServiceResponse, Services};
use crate::speech::Lang;
use crate::speech::engine::{BarePcm, Engine, EngineError, EngineFailure, EngineRequest, EngineSound, Speed};
use sign::{Account, CONTENT};

mod sign;

/// Of a text: so many wide characters, or so many letters, or a part of each.
const WIDE_MAX: usize = 150;
const NARROW_MAX: usize = 500;

/// An account of Tencent Cloud.
#[derive(Debug)]
pub struct Tencent {
    maker: Maker,
    base: Base,
    region: Option<HeaderValue>,
    sample_rate: u32,
    format: String,
    voices: BTreeMap<Lang, i64>,
    account: Account,
    /// How far their clock is ahead of ours, in seconds, since they have complained.
    ahead_s: AtomicI64,
}

impl Tencent {
    /// Sets it up; nothing is called.
    ///
    /// # Errors
    /// The table is wrong, or a credential is missing.
    pub fn new(
        config: &TencentEngine,
        common: &EngineCommon,
        services: Arc<Services>,
    ) -> Result<Self, EngineSetupError> {
        one_of("format", &config.format, &["mp3", "wav", "pcm"])?;
        if ![8_000, 16_000, 24_000].contains(&config.sample_rate) {
            return Err(invalid("sample_rate is 8000, 16000 or 24000"));
        }
        let id = credential("secret_id", config.secret_id.as_ref(), config.secret_id_file.as_deref())?;
        let key = credential("secret_key", config.secret_key.as_ref(), config.secret_key_file.as_deref())?;
        setup::header("secret_id", "", &id)?;
        let number = |(lang, voice): (Lang, String)| match voice.parse() {
            Ok(number) => Ok((lang, number)),
            Err(_) => Err(invalid(format!("voices: {voice:?} is no number such as 101001"))),
        };
        let base = setup::base(&config.base_url)?;
        if base.has_path {
            return Err(invalid("base_url has a path, which their signature does not cover"));
        }
        let region = match config.region.as_str() {
            "" => None,
            region => Some(setup::plain_header("region", region)?),
        };
        Ok(Self {
            maker: Maker::new(services, vec![id.clone(), key.clone()]),
            base,
            region,
            sample_rate: config.sample_rate,
            format: config.format.clone(),
            voices: setup::voices(common)?.into_iter().map(number).collect::<Result<_, _>>()?,
            account: Account { id, key },
            ahead_s: AtomicI64::new(0),
        })
    }

    fn body(&self, text: &str, voice: i64, request: &EngineRequest<'_>) -> String {
        let primary_language = match request.lang {
            Lang::ZhCn | Lang::Yue => 1,
            Lang::En => 2,
        };
        json!({
            "Text": text,
            "SessionId": self.maker.fresh_id(),
            "VoiceType": voice,
            "Codec": self.format,
            "SampleRate": self.sample_rate,
            "Speed": speed(request.speed),
            "PrimaryLanguage": primary_language,
            "ModelType": 1,
        })
        .to_string()
    }

    fn headers(&self, body: &str) -> Result<HeaderMap, EngineError> {
        let now_s = self.maker.clock().now().wall.0.div_euclid(1_000);
        let at_s = now_s.saturating_add(self.ahead_s.load(Ordering::Relaxed));
        let signed = self.account.signed(at_s, &self.base.host, body);
        let unwritable = |_| EngineError::new(EngineFailure::Configuration, "the signature is no header");
        let mut signed = HeaderValue::from_str(&signed).map_err(unwritable)?;
        signed.set_sensitive(true);
        let mut headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static(CONTENT)),
            (AUTHORIZATION, signed),
        ]);
        headers.insert("x-tc-action", HeaderValue::from_static("TextToVoice"));
        headers.insert("x-tc-version", HeaderValue::from_static("2019-08-23"));
        headers.insert("x-tc-timestamp", HeaderValue::from(at_s));
        if let Some(region) = &self.region {
            headers.insert("x-tc-region", region.clone());
        }
        Ok(headers)
    }

    /// One text, plain or marked up, with the clock set right on the way if it must be.
    async fn said(&self, text: &str, request: &EngineRequest<'_>) -> Result<EngineSound, EngineError> {
        let attempt = self.maker.attempt(request);
        let Some(voice) = self.voices.get(&request.lang) else {
            return Err(no_voice());
        };
        let body = self.body(text, *voice, request);
        let mut response = attempt.post(&self.base.url, self.headers(&body)?, body).await?;
        if Told::of(&response).is_some_and(|told| told.code() == "AuthFailure.SignatureExpire")
            && self.set_clock_by(&response)
        {
            let body = self.body(text, *voice, request);
            response = attempt.post(&self.base.url, self.headers(&body)?, body).await?;
        }
        let Some(told) = Told::of(&response) else {
            return Err(not_theirs(&response));
        };
        if let Some(error) = told.error {
            return Err(attempt.refused(failure(&error.code), &error.code, &error.message));
        }
        let bare = (self.format == "pcm").then_some(BarePcm { rate_hz: self.sample_rate });
        sound_of(decoded(&told.audio)?.into(), bare)
    }

    /// Goes by their clock from now on; `false` if they do not tell it.
    fn set_clock_by(&self, response: &ServiceResponse) -> bool {
        let date = response.headers.get(DATE).and_then(|date| date.to_str().ok());
        let Some(theirs) = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok()) else {
            return false;
        };
        let ours_s = self.maker.clock().now().wall.0.div_euclid(1_000);
        self.ahead_s.store(theirs.as_second().saturating_sub(ours_s), Ordering::Relaxed);
        true
    }
}

#[async_trait]
impl Engine for Tencent {
    fn kind(&self) -> &'static str {
        "tencent"
    }

    fn voice(&self, lang: Lang) -> Option<String> {
        let voice = self.voices.get(&lang)?;
        Some(format!("tencent/1/{voice}/{}/{}", self.format, self.sample_rate))
    }

    fn is_local(&self) -> bool {
        false
    }

    async fn speak(&self, request: &EngineRequest<'_>) -> Result<EngineSound, EngineError> {
        if is_too_long(request.part.text()) {
            return Err(too_long());
        }
        let plain = markup::plain(request.part.text());
        if request.part.readings().is_empty() || request.lang != Lang::ZhCn {
            return self.said(&plain, request).await;
        }
        let began = tokio::time::Instant::now();
        match self.said(&markup::speak_in_pinyin(request.part), request).await {
            // A reading they do not know spoils the text; without it they speak, if not as well.
            Err(error) if error.failure == EngineFailure::BadText => {
                let deadline = request.deadline.saturating_sub(began.elapsed());
                self.said(&plain, &EngineRequest { deadline, ..*request }).await
            }
            said => said,
        }
    }
}

fn is_too_long(text: &str) -> bool {
    let wide = text.chars().filter(|c| !c.is_ascii()).count();
    let narrow = text.chars().count() - wide;
    wide * NARROW_MAX + narrow * WIDE_MAX > WIDE_MAX * NARROW_MAX
}

/// Their scale of speeds: -2 is 0.6 of normal, -1 is 0.8, 0 is 1, 1 is 1.2, 2 is 1.5, 6 is 2.5, and straight between.
fn speed(speed: Speed) -> f64 {
    let factor = speed.factor().clamp(0.6, 2.5);
    let step = if factor <= 1.2 {
        (factor - 1.0) / 0.2
    } else if factor <= 1.5 {
        1.0 + (factor - 1.2) / 0.3
    } else {
        2.0 + (factor - 1.5) / 0.25
    };
    (step * 100.0).round() / 100.0
}

/// What their codes mean. Families come after the members that differ.
fn failure(code: &str) -> EngineFailure {
    let (family, member) = code.split_once('.').unwrap_or((code, ""));
    match (family, member) {
        ("LimitExceeded" | "RequestLimitExceeded", _) => EngineFailure::RateLimited { retry_after: None },
        ("InternalError" | "ServiceUnavailable" | "ResourceUnavailable" | "FailedOperation", _) => {
            EngineFailure::Retry
        }
        ("AuthFailure" | "UnauthorizedOperation" | "IpInBlacklist" | "IpNotInWhitelist", _)
        | ("UnsupportedOperation", "AuthorizationFailed" | "AuthorizationExpired" | "ForbiddenUse") => {
            EngineFailure::Auth
        }
        ("ResourceInsufficient", _)
        | (
            "UnsupportedOperation",
            "AccountArrears" | "NoBanlance" | "NoBalance" | "NoFreeAccount" | "PkgExhausted"
            | "ServerNotOpen" | "ServerDestoryed" | "ServerStopped",
        ) => EngineFailure::Quota,
        ("UnsupportedOperation", "TextTooLong")
        | ("RequestSizeLimitExceeded", _)
        | (
            "InvalidParameter" | "InvalidParameterValue",
            "InvalidText"
            | "Text"
            | "TextEmpty"
            | "TextNotUtf8"
            | "TextTooLong"
            | "ErrorCardinalFormat"
            | "ParticipleError"
            | "SSMLInvalid"
            | "InvalidSSML"
            | "SSMLFormat",
        ) => EngineFailure::BadText,
        ("InvalidParameter" | "InvalidParameterValue", member) if member.to_lowercase().contains("ssml") => {
            EngineFailure::BadText
        }
        (
            "InvalidParameter"
            | "InvalidParameterValue"
            | "MissingParameter"
            | "UnknownParameter"
            | "InvalidAction"
            | "InvalidRequest"
            | "NoSuchProduct"
            | "NoSuchVersion"
            | "ActionOffline"
            | "UnsupportedOperation"
            | "UnsupportedProtocol"
            | "UnsupportedRegion"
            | "ResourceNotFound",
            _,
        ) => EngineFailure::Configuration,
        _ => EngineFailure::Broken,
    }
}

/// What stands in an answer of theirs, whatever its status.
#[derive(Deserialize)]
struct Told {
    #[serde(default, rename = "Audio")]
    audio: String,
    #[serde(rename = "Error")]
    error: Option<ToldError>,
}

#[derive(Deserialize)]
struct ToldError {
    #[serde(rename = "Code")]
    code: String,
    #[serde(default, rename = "Message")]
    message: String,
}

impl Told {
    fn of(response: &ServiceResponse) -> Option<Self> {
        #[derive(Deserialize)]
        struct Envelope {
            #[serde(rename = "Response")]
            response: Told,
        }
        serde_json::from_slice::<Envelope>(&response.body).ok().map(|envelope| envelope.response)
    }

    fn code(&self) -> &str {
        self.error.as_ref().map_or("", |error| &error.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_measured_in_wide_and_narrow_characters() {
        for (text, is_long) in [
            ("好".repeat(150), false),
            ("好".repeat(151), true),
            ("a".repeat(500), false),
            ("a".repeat(501), true),
            ("好".repeat(75) + &"a".repeat(250), false),
            ("好".repeat(75) + &"a".repeat(251), true),
            ("，".repeat(151), true),
        ] {
            assert_eq!(is_too_long(&text), is_long, "{}", text.chars().count());
        }
    }

    #[test]
    fn speeds_are_on_their_scale() {
        for (percent, step) in
            [(50, -2.0), (60, -2.0), (80, -1.0), (100, 0.0), (110, 0.5), (120, 1.0), (150, 2.0), (200, 4.0)]
        {
            assert!(
                (speed(Speed::percent(percent)) - step).abs() < 1e-9,
                "{percent}: {}",
                speed(Speed::percent(percent))
            );
        }
    }
}
