//! The sound in an answer: the body itself, text in JSON, a URL to fetch it from, or a stream of pieces.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::Value as Json;

use super::failure::{Failed, Failures, Meaning, Test, TestSpec, check_pointer, text};
use super::profile::{Plain, ProfileError};
use super::stream::{Framing, pieces};
use super::template::Value;
use crate::outbound::service::ServiceResponse;
use crate::speech::engine::{BarePcm, EngineError, EngineFailure};
use crate::speech::engines::words::Private;

/// An answer as it stands in a profile.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswerSpec {
    kind: AnswerKind,
    /// For `raw`: beginnings of the type of an answer that is sound; `audio/` if nothing is said.
    #[serde(default)]
    content_type: Vec<String>,
    /// Where in the JSON the sound, or its URL, stands.
    pointer: Option<String>,
    /// For `events` and `lines`: how each piece is written.
    encoding: Option<Encoding>,
    /// For `events` and `lines`: what the last one says; without it the sound is not whole.
    end: Option<EndSpec>,
    /// What JSON says where it holds sound; without it, that there is some is enough.
    success: Option<TestSpec>,
    /// Where the service's code and message stand, for errors.
    code: Option<String>,
    message: Option<String>,
    /// Samples per second of sound without a header, by the parameter `format`; `*` for any.
    #[serde(default)]
    bare: BTreeMap<String, Plain>,
}

/// What an answer is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
enum AnswerKind {
    /// The sound itself.
    Raw,
    /// JSON with the sound in base64.
    Base64,
    /// JSON with the sound in hexadecimal.
    Hex,
    /// JSON with a URL where the sound is.
    Url,
    /// Server-sent events with JSON.
    Events,
    /// JSON objects one after the other.
    Lines,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Encoding {
    Base64,
    Hex,
}

/// The last piece of a stream: its data as they are, or what its JSON says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndSpec {
    data: Option<String>,
    pointer: Option<String>,
    #[serde(default)]
    values: Vec<Json>,
}

/// An answer, checked.
#[derive(Debug)]
pub(super) struct Answer {
    way: Way,
    success: Option<Test>,
    failures: Failures,
    bare: Option<BarePcm>,
}

#[derive(Debug)]
enum Way {
    Raw { types: Vec<String> },
    Json { pointer: String, encoding: Encoding },
    Url { pointer: String },
    Stream { framing: Framing, pointer: String, encoding: Encoding, end: End },
}

#[derive(Debug)]
enum End {
    Data(String),
    Says(Test),
}

/// What an answer held.
#[derive(Debug)]
pub(super) enum Held {
    /// The sound.
    Sound(Bytes),
    /// Where it is.
    Elsewhere(String),
}

impl Answer {
    pub(super) fn read(
        spec: &AnswerSpec,
        rules: Vec<super::failure::Rule>,
        params: &BTreeMap<String, Value>,
    ) -> Result<Self, ProfileError> {
        let fault = |key: &str, problem: &str| ProfileError::at(format!("answer.{key}"), problem);
        for (key, pointer) in [("pointer", &spec.pointer), ("code", &spec.code), ("message", &spec.message)] {
            if let Some(pointer) = pointer {
                check_pointer(pointer, &format!("answer.{key}"))?;
            }
        }
        let pointer = || spec.pointer.clone().ok_or_else(|| fault("pointer", "says where the sound stands"));
        let stream = |framing| -> Result<Way, ProfileError> {
            let encoding = spec.encoding.ok_or_else(|| fault("encoding", "must be base64 or hex"))?;
            let end = spec.end.as_ref().ok_or_else(|| fault("end", "says what ends the stream"))?;
            Ok(Way::Stream { framing, pointer: pointer()?, encoding, end: End::read(end)? })
        };
        let way = match spec.kind {
            AnswerKind::Raw if spec.pointer.is_some() => {
                return Err(fault("pointer", "a raw answer has no pointer"));
            }
            AnswerKind::Raw if spec.content_type.is_empty() => Way::Raw { types: vec!["audio/".to_owned()] },
            AnswerKind::Raw => {
                Way::Raw { types: spec.content_type.iter().map(|mime| mime.to_ascii_lowercase()).collect() }
            }
            AnswerKind::Base64 => Way::Json { pointer: pointer()?, encoding: Encoding::Base64 },
            AnswerKind::Hex => Way::Json { pointer: pointer()?, encoding: Encoding::Hex },
            AnswerKind::Url => Way::Url { pointer: pointer()? },
            AnswerKind::Events => stream(Framing::Events)?,
            AnswerKind::Lines => stream(Framing::Lines)?,
        };
        if !matches!(way, Way::Stream { .. }) && (spec.encoding.is_some() || spec.end.is_some()) {
            return Err(fault("kind", "encoding and end belong to events and lines"));
        }
        if !matches!(way, Way::Raw { .. }) && !spec.content_type.is_empty() {
            return Err(fault("content_type", "belongs to raw answers"));
        }
        if matches!(way, Way::Raw { .. }) && spec.success.is_some() {
            return Err(fault("success", "a raw answer is known by its content type"));
        }
        let success = spec.success.as_ref().map(|test| Test::read(test, "answer.success")).transpose()?;
        let failures = Failures { rules, code: spec.code.clone(), message: spec.message.clone() };
        Ok(Self { way, success, failures, bare: bare(&spec.bare, params)? })
    }

    /// What the bytes are if they do not say so.
    pub(super) fn bare(&self) -> Option<BarePcm> {
        self.bare
    }

    /// The sound in an answer, or what it means that there is none.
    pub(super) fn held(&self, response: &ServiceResponse, private: &Private<'_>) -> Result<Held, Failed> {
        let fail = |odd: &str| Err(self.failures.judge(response, odd, private));
        if !(200..300).contains(&response.status) {
            return fail("");
        }
        if response.headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
            return fail("compressed, which nobody asked for");
        }
        if response.body.is_empty() {
            return fail("with an empty body");
        }
        match &self.way {
            Way::Raw { types } => {
                let told = content_type(&response.headers);
                if types.iter().any(|mime| told.starts_with(mime.as_str())) {
                    return Ok(Held::Sound(response.body.clone()));
                }
                fail(&format!("with {told:.80} in place of sound"))
            }
            Way::Json { pointer, encoding } => {
                let sound = self.text_at(pointer, response, private)?;
                match decoded(*encoding, &sound) {
                    Some(sound) => Ok(Held::Sound(sound.into())),
                    None => fail("with a broken encoding"),
                }
            }
            Way::Url { pointer } => Ok(Held::Elsewhere(self.text_at(pointer, response, private)?)),
            Way::Stream { framing, pointer, encoding, end } => {
                self.streamed((*framing, pointer, *encoding, end), response, private)
            }
        }
    }

    /// The text at `pointer` of JSON that says it is a success.
    fn text_at(
        &self,
        pointer: &str,
        response: &ServiceResponse,
        private: &Private<'_>,
    ) -> Result<String, Failed> {
        let json = serde_json::from_slice(&response.body).ok();
        self.piece(pointer, json.as_ref(), response, private)?
            .ok_or_else(|| self.failures.judge_json(response, json.as_ref(), "without sound", private))
    }

    /// The text at `pointer` of one JSON document, if it has any; a failure if it says it is one.
    fn piece(
        &self,
        pointer: &str,
        json: Option<&Json>,
        response: &ServiceResponse,
        private: &Private<'_>,
    ) -> Result<Option<String>, Failed> {
        let fail = |odd: &str| Err(self.failures.judge_json(response, json, odd, private));
        let Some(document) = json else {
            let told = content_type(&response.headers);
            return fail(&format!("with {told:.80} that is no JSON"));
        };
        if self.success.as_ref().is_some_and(|success| !success.holds(&response.body, json)) {
            return fail("with something else than success");
        }
        Ok(document.pointer(pointer).and_then(text).filter(|text| !text.is_empty()))
    }

    fn streamed(
        &self,
        (framing, pointer, encoding, end): (Framing, &str, Encoding, &End),
        response: &ServiceResponse,
        private: &Private<'_>,
    ) -> Result<Held, Failed> {
        let body = String::from_utf8_lossy(&response.body);
        let mut sound = Vec::new();
        for data in pieces(framing, &body) {
            if matches!(end, End::Data(marker) if *marker == data) {
                return self.whole(sound, response, private);
            }
            let json: Option<Json> = serde_json::from_str(&data).ok();
            let said_end = matches!(end, End::Says(test) if test.holds(&[], json.as_ref()));
            // The last piece may say another code than those before it.
            let piece = if said_end {
                json.as_ref().and_then(|json| json.pointer(pointer)).and_then(text)
            } else {
                self.piece(pointer, json.as_ref(), response, private)?
            };
            if let Some(piece) = piece {
                let judged = || self.failures.judge_json(response, None, "with a broken encoding", private);
                sound.extend(decoded(encoding, &piece).ok_or_else(judged)?);
            }
            if said_end {
                return self.whole(sound, response, private);
            }
        }
        let error = EngineError::new(EngineFailure::Retry, "the stream ended before its end was told");
        Err(Failed { meaning: Meaning::Retry, error })
    }

    fn whole(
        &self,
        sound: Vec<u8>,
        response: &ServiceResponse,
        private: &Private<'_>,
    ) -> Result<Held, Failed> {
        if sound.is_empty() {
            return Err(self.failures.judge_json(response, None, "without sound", private));
        }
        Ok(Held::Sound(sound.into()))
    }
}

impl End {
    fn read(spec: &EndSpec) -> Result<Self, ProfileError> {
        match (&spec.data, &spec.pointer) {
            (Some(data), None) if spec.values.is_empty() => Ok(Self::Data(data.clone())),
            (None, Some(_)) => {
                let (pointer, values) = (spec.pointer.clone(), spec.values.clone());
                let test = TestSpec { pointer, values, ..TestSpec::default() };
                Ok(Self::Says(Test::read(&test, "answer.end")?))
            }
            _ => Err(ProfileError::at("answer.end", "needs data, or pointer and values")),
        }
    }
}

/// The rate for the format that is asked for: a number, or the parameter that holds it.
fn bare(
    rates: &BTreeMap<String, Plain>,
    params: &BTreeMap<String, Value>,
) -> Result<Option<BarePcm>, ProfileError> {
    let format = params.get("format").map(|format| format.clone().into_text()).unwrap_or_default();
    let Some((name, rate)) = rates.get_key_value(&format).or_else(|| rates.get_key_value("*")) else {
        return Ok(None);
    };
    let fault = || {
        let problem = "a rate is a number of Hz from 4000 to 96000, or the name of a parameter that is one";
        ProfileError::at(format!("answer.bare.{name}"), problem)
    };
    let told = match rate {
        Plain::Number(number) => number.to_string(),
        Plain::Text(param) => params.get(param).ok_or_else(fault)?.clone().into_text(),
    };
    let rate_hz = told.parse().ok().filter(|rate| (4_000..=96_000).contains(rate)).ok_or_else(fault)?;
    Ok(Some(BarePcm { rate_hz }))
}

fn content_type(headers: &HeaderMap) -> String {
    let told = headers.get(header::CONTENT_TYPE).and_then(|told| told.to_str().ok());
    told.map_or_else(|| "no content type".to_owned(), str::to_ascii_lowercase)
}

fn decoded(encoding: Encoding, text: &str) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Base64 => BASE64.decode(text.trim()).ok(),
        Encoding::Hex => {
            let (pairs, rest) = text.trim().as_bytes().as_chunks::<2>();
            let digit = |letter: u8| char::from(letter).to_digit(16);
            let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok();
            if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
        }
    }
}
