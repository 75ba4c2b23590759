//! Azure Speech, the global clouds and the one in China: SSML goes there, and the bytes of the sound come back.
//! A refusal is a status with few words or none.
//!
//! Sources: Speech service, "Text to speech REST API" (headers, formats, statuses), "Sovereign clouds" (China), "SSML
//! phonetic alphabets" (zh-CN: `zu 3 - zhi 1 - guan 1 - xi 5`); the gateway's "Out of call volume quota".

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};

use super::maker::{Maker, by_status, no_voice, refused_by_status, sound, too_long};
use super::setup::{self, Base, invalid};
use super::{EngineSetupError, markup};
use crate::config::engines::{AzureEngine, EngineCommon, credential};
use crate::outbound::service::{ServiceResponse, Services};
use crate::speech::Lang;
use crate::speech::engine::{BarePcm, Engine, EngineError, EngineFailure, EngineRequest, EngineSound};

/// The path of the service at every address.
const PATH: &str = "/cognitiveservices/v1";
/// Characters of one text; the sound may last ten minutes, which is far more.
const TEXT_MAX: usize = 2_000;

/// A speech resource of Azure.
#[derive(Debug)]
pub struct Azure {
    maker: Maker,
    url: String,
    format: String,
    bare: Option<BarePcm>,
    style: String,
    voices: BTreeMap<Lang, String>,
    headers: HeaderMap,
}

impl Azure {
    /// Sets it up; nothing is called.
    ///
    /// # Errors
    /// The table is wrong, or the key is missing.
    pub fn new(
        config: &AzureEngine,
        common: &EngineCommon,
        services: Arc<Services>,
    ) -> Result<Self, EngineSetupError> {
        let bare = bare(&config.format)?;
        let key = credential(
            "subscription_key",
            config.subscription_key.as_ref(),
            config.subscription_key_file.as_deref(),
        )?;
        let mut headers =
            HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/ssml+xml"))]);
        headers.insert("ocp-apim-subscription-key", setup::header("subscription_key", "", &key)?);
        headers.insert("x-microsoft-outputformat", setup::plain_header("format", &config.format)?);
        Ok(Self {
            maker: Maker::new(services, vec![key]),
            url: address(&config.region, &config.base_url)?,
            format: config.format.clone(),
            bare,
            style: config.style.clone(),
            voices: setup::voices(common)?,
            headers,
        })
    }

    fn ssml(&self, request: &EngineRequest<'_>, voice: &str, text: &str) -> String {
        let rate = i64::from(request.speed.as_percent()) - 100;
        let paced = match rate {
            0 => text.to_owned(),
            rate => format!("<prosody rate=\"{rate:+}%\">{text}</prosody>"),
        };
        let styled = match self.style.as_str() {
            "" => paced,
            style => {
                let style = markup::escaped(style);
                format!("<mstts:express-as style=\"{style}\">{paced}</mstts:express-as>")
            }
        };
        let (locale, voice) = (markup::escaped(&locale(voice, request.lang)), markup::escaped(voice));
        format!(
            "<speak version=\"1.0\" xmlns=\"http://www.w3.org/2001/10/synthesis\" \
             xmlns:mstts=\"https://www.w3.org/2001/mstts\" xml:lang=\"{locale}\">\
             <voice name=\"{voice}\">{styled}</voice></speak>"
        )
    }

    async fn said(&self, request: &EngineRequest<'_>, ssml: String) -> Result<EngineSound, EngineError> {
        let attempt = self.maker.attempt(request);
        let response = attempt.post(&self.url, self.headers.clone(), ssml).await?;
        match response.status {
            200 => sound(response, self.bare),
            _ => Err(refusal(&response)),
        }
    }
}

/// What they refuse, and why, as far as it can be told from few words.
fn refusal(response: &ServiceResponse) -> EngineError {
    let words = String::from_utf8_lossy(&response.body).to_lowercase();
    let says = |signs: &[&str]| signs.iter().any(|sign| words.contains(sign));
    let failure = match response.status {
        // The free tier is used up; the key is as good as before.
        403 | 429 if says(&["out of call volume quota", "quota will be replenished"]) => EngineFailure::Quota,
        // Our SSML is well-formed whatever the text is, so that a refusal without a reason means voice, style or format.
        400 if says(&["too long", "length", "text", "ssml"]) && !says(&["voice"]) => EngineFailure::BadText,
        _ => by_status(response),
    };
    EngineError::new(failure, refused_by_status(response).detail)
}

/// Where the service is: the operator's own address, or that of the region.
fn address(region: &str, base_url: &str) -> Result<String, EngineSetupError> {
    if !base_url.is_empty() {
        let Base { url, .. } = setup::base(base_url)?;
        return Ok(if url.ends_with(PATH) { url } else { format!("{url}{PATH}") });
    }
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if region.is_empty() || !region.chars().all(is_name) {
        return Err(invalid("region is no name such as eastasia or chinaeast2"));
    }
    let domain = if region.starts_with("china") { "azure.cn" } else { "microsoft.com" };
    Ok(format!("https://{region}.tts.speech.{domain}{PATH}"))
}

/// What a format gives if it has no header of its own; an error for those that nobody here can decode.
fn bare(format: &str) -> Result<Option<BarePcm>, EngineSetupError> {
    let unknown = || {
        invalid(format!("format is {format:?}, and may be one of Azure's audio-…-mp3, riff-…-pcm, raw-…-pcm"))
    };
    let is_pcm = format.ends_with("-16bit-mono-pcm");
    if (format.starts_with("audio-") && format.ends_with("-mono-mp3"))
        || (format.starts_with("riff-") && is_pcm)
    {
        return Ok(None);
    }
    let rate = format.strip_prefix("raw-").filter(|_| is_pcm).and_then(|rest| rest.split('-').next());
    let hz = match rate.ok_or_else(unknown)? {
        "8khz" => 8_000,
        "16khz" => 16_000,
        "22050hz" => 22_050,
        "24khz" => 24_000,
        "44100hz" => 44_100,
        "48khz" => 48_000,
        _ => return Err(unknown()),
    };
    Ok(Some(BarePcm { rate_hz: hz }))
}

/// The locale that a voice's name begins with: `zh-CN-XiaoxiaoNeural`.
fn locale(voice: &str, lang: Lang) -> String {
    let mut pieces = voice.split('-');
    match (pieces.next(), pieces.next(), pieces.next()) {
        (Some(language), Some(place), Some(_)) => format!("{language}-{place}"),
        _ => match lang {
            Lang::ZhCn => "zh-CN",
            Lang::Yue => "zh-HK",
            Lang::En => "en-US",
        }
        .to_owned(),
    }
}

/// The text with its readings in Azure's own alphabet for Mandarin.
fn marked(request: &EngineRequest<'_>) -> String {
    let spaced = |syllable: &String| {
        let (letters, tone) = syllable.split_at(syllable.len() - 1);
        format!("{letters} {tone}")
    };
    markup::with_readings(request.part, |syllables| {
        let phones: Vec<String> = syllables.iter().map(spaced).collect();
        format!("<phoneme alphabet=\"sapi\" ph=\"{}\">", phones.join(" - "))
    })
}

#[async_trait]
impl Engine for Azure {
    fn kind(&self) -> &'static str {
        "azure"
    }

    fn voice(&self, lang: Lang) -> Option<String> {
        let voice = self.voices.get(&lang)?;
        Some(format!("azure/1/{voice}/{}/{}", self.format, self.style))
    }

    fn is_local(&self) -> bool {
        false
    }

    async fn speak(&self, request: &EngineRequest<'_>) -> Result<EngineSound, EngineError> {
        let Some(voice) = self.voices.get(&request.lang) else {
            return Err(no_voice());
        };
        if request.part.characters() > TEXT_MAX {
            return Err(too_long());
        }
        let plain = self.ssml(request, voice, &markup::escaped(request.part.text()));
        // Other languages have other alphabets: the pinyin of a Cantonese word would be refused.
        if request.part.readings().is_empty() || request.lang != Lang::ZhCn {
            return self.said(request, plain).await;
        }
        let began = tokio::time::Instant::now();
        match self.said(request, self.ssml(request, voice, &marked(request))).await {
            // A syllable that they do not know spoils the whole of it; without it they speak, if not as well.
            Err(EngineError { failure: EngineFailure::BadText | EngineFailure::Configuration, .. }) => {
                let deadline = request.deadline.saturating_sub(began.elapsed());
                self.said(&EngineRequest { deadline, ..*request }, plain).await
            }
            said => said,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_have_their_addresses() {
        for (region, base_url, url) in [
            ("eastasia", "", "https://eastasia.tts.speech.microsoft.com/cognitiveservices/v1"),
            ("chinaeast2", "", "https://chinaeast2.tts.speech.azure.cn/cognitiveservices/v1"),
            ("", "http://tts:5000/", "http://tts:5000/cognitiveservices/v1"),
            ("x", "https://t.example/cognitiveservices/v1", "https://t.example/cognitiveservices/v1"),
        ] {
            assert_eq!(address(region, base_url).unwrap(), url);
        }
        for region in ["", "East Asia", "x.evil.example/", "x@y"] {
            assert!(address(region, "").is_err(), "{region}");
        }
    }

    #[test]
    fn a_format_is_one_that_can_be_decoded() {
        assert_eq!(bare("audio-24khz-48kbitrate-mono-mp3").unwrap(), None);
        assert_eq!(bare("riff-24khz-16bit-mono-pcm").unwrap(), None);
        assert_eq!(bare("raw-22050hz-16bit-mono-pcm").unwrap(), Some(BarePcm { rate_hz: 22_050 }));
        for format in
            ["", "mp3", "raw-8khz-8bit-mono-mulaw", "ogg-24khz-16bit-mono-opus", "raw-9khz-16bit-mono-pcm"]
        {
            assert!(bare(format).is_err(), "{format}");
        }
    }

    #[test]
    fn a_voice_says_its_locale() {
        assert_eq!(locale("zh-CN-XiaoxiaoNeural", Lang::ZhCn), "zh-CN");
        assert_eq!(locale("yue-CN-XiaoMinNeural", Lang::Yue), "yue-CN");
        assert_eq!(locale("mine", Lang::Yue), "zh-HK");
    }
}
