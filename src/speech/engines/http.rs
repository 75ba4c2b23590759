//! The engine for every service that has no file of its own: it speaks by a profile, a TOML file that says what is sent,
//! what comes back, and what failures mean.

mod answer;
mod failure;
mod profile;
mod request;
mod stream;
mod template;
mod token;
mod values;
mod wording;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderMap, Method, Uri};
use secrecy::SecretString;
use tokio::time::Instant;

use answer::{Answer, Held};
use failure::{Failed, Meaning, Rule, unanswered};
use profile::{AuthSpec, ProfileError, ProfileSpec};
use request::{Filled, Request};
use template::{Call, Known, Name, Place, Text, Value};
use token::{Fetching, Tokens};
use values::{Secrets, Stamp, Values, params};
use wording::TextSpec;

use super::EngineSetupError;
use super::setup::mark;
use super::words::Private;
use crate::config::engines::{EngineCommon, HttpEngine};
use crate::outbound::service::{ServiceRequest, Services};
use crate::speech::Lang;
use crate::speech::engine::{Engine, EngineError, EngineFailure, EngineRequest, EngineSound};

/// Bytes of an answer: 95 s of 24 kHz WAV in base64 are 6 MiB.
const ANSWER_BYTES_MAX: usize = 8 << 20;
/// The parameter with hosts, beside public ones, from which sound may be fetched.
const AUDIO_HOSTS: &str = "audio_hosts";

/// A service by a profile.
pub struct Http {
    services: Arc<Services>,
    profile: String,
    request: Request,
    tokens: Option<Tokens>,
    answer: Answer,
    text: TextSpec,
    /// For each language its voice, the service's name of the language, and the line of the cache key.
    voices: BTreeMap<Lang, Voice>,
    params: BTreeMap<String, Value>,
    secrets: Secrets,
}

struct Voice {
    name: String,
    lang: String,
    line: String,
}

/// Secrets, and parameters that may be more private than they look, stay inside.
impl fmt::Debug for Http {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Http").field("profile", &self.profile).finish_non_exhaustive()
    }
}

impl Http {
    /// Reads the profile and checks it with what the operator has set.
    ///
    /// # Errors
    /// [`EngineSetupError`] says what is wrong, and where in the profile or the configuration.
    pub fn new(
        config: &HttpEngine,
        common: &EngineCommon,
        services: Arc<Services>,
    ) -> Result<Self, EngineSetupError> {
        let (profile, spec) = ProfileSpec::load(&config.profile)?;
        let named = |error: EngineSetupError| match error {
            EngineSetupError::Invalid(problem) => {
                EngineSetupError::Invalid(format!("profile {profile}: {problem}"))
            }
            other @ EngineSetupError::Credential(_) => other,
        };
        Self::of(profile.clone(), &spec, config, common, services).map_err(named)
    }

    fn of(
        profile: String,
        spec: &ProfileSpec,
        config: &HttpEngine,
        common: &EngineCommon,
        services: Arc<Services>,
    ) -> Result<Self, EngineSetupError> {
        let params = params(&spec.params, &config.params)?;
        let secrets = Secrets::read(&spec.secrets, config)?;
        let known = |call| Known {
            params: spec.params.iter().map(|(name, param)| (name.as_str(), param.kind())).collect(),
            secrets: spec.secrets.keys().map(String::as_str).collect(),
            call,
        };
        let read = |call| Request::read(&spec.request, "request", &known(call));
        let (request, tokens) = if let AuthSpec::Token(token) = &spec.auth {
            let tokens = Tokens::read(token, &known(Call::Token))?;
            (read(Call::SentenceWithToken)?, Some(tokens))
        } else {
            (with_auth(read(Call::Sentence)?, &spec.auth, &known(Call::Sentence))?, None)
        };
        let stamp = Stamp::new(services.clock());
        let read_secrets = secrets.now();
        let values = Values::of_call(&stamp, &params, &read_secrets);
        request.check_url(&values, "request")?;
        if let Some(tokens) = &tokens {
            tokens.request().check_url(&values, "auth.request")?;
            if !request.names().contains(&&Name::Token) {
                let problem = "the token that is fetched stands nowhere in it";
                return Err(ProfileError::at("request", problem).into());
            }
        }
        if !request.names().contains(&&Name::Text) {
            return Err(ProfileError::at("request", "the text stands nowhere in it").into());
        }
        let rules = spec.errors.iter().enumerate();
        let rules = rules.map(|(at, rule)| Rule::read(rule, &format!("errors[{at}]")));
        let answer = Answer::read(&spec.answer, rules.collect::<Result<_, _>>()?, &params)?;
        let voices = voices(&profile, spec, common, &params)?;
        let text = spec.text.clone();
        Ok(Self { services, profile, request, tokens, answer, text, voices, params, secrets })
    }

    /// One call, with a token if one is needed. `refused` is the token that was refused just before.
    async fn once(
        &self,
        sentence: &Sentence<'_>,
        refused: Option<&SecretString>,
    ) -> Result<EngineSound, (Failed, Option<SecretString>)> {
        let secrets = self.secrets.now();
        let fetching = Fetching {
            services: &self.services,
            params: &self.params,
            secrets: &secrets,
            until: sentence.until,
        };
        let plain = |error| (Failed { meaning: Meaning::Broken, error }, None);
        let token = match &self.tokens {
            Some(tokens) => Some(tokens.token(refused, &fetching).await.map_err(plain)?),
            None => None,
        };
        let stamp = Stamp::new(self.services.clock());
        let values = Values {
            text: &sentence.text,
            readings: &sentence.readings,
            voice: &sentence.voice.name,
            lang: &sentence.voice.lang,
            speed: sentence.speed,
            token: token.as_ref(),
            ..Values::of_call(&stamp, &self.params, &secrets)
        };
        let secrets = values.secret();
        let private = Private { text: &sentence.text, secrets: &secrets };
        let request = ask(self.request.fill(&values), time_left(sentence.until));
        let response = self.services.call(request).await.map_err(unanswered).map_err(plain)?;
        let held = self.answer.held(&response, &private).map_err(|failed| (failed, token.clone()))?;
        let bytes = match held {
            Held::Sound(bytes) => bytes,
            Held::Elsewhere(url) => self.fetched(&url, sentence.until).await.map_err(plain)?,
        };
        Ok(EngineSound { bytes, bare: self.answer.bare() })
    }

    /// The sound behind a URL that the service gave: from public hosts by https, and from those that are named.
    async fn fetched(&self, url: &str, until: Instant) -> Result<bytes::Bytes, EngineError> {
        let broken = |detail: String| EngineError::new(EngineFailure::Broken, detail);
        let uri: Uri =
            url.parse().map_err(|_| broken("the sound is to be fetched from no URL".to_owned()))?;
        let host = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
        let hosts = self.params.get(AUDIO_HOSTS).map(|hosts| hosts.clone().into_text()).unwrap_or_default();
        let named =
            hosts.split([',', ' ']).any(|named| !named.is_empty() && named.eq_ignore_ascii_case(host));
        let get = |url: String| ServiceRequest {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: bytes::Bytes::new(),
            timeout: time_left(until),
            answer_bytes_max: ANSWER_BYTES_MAX,
        };
        let response = if named {
            self.services.call(get(url.to_owned())).await
        } else {
            // Object stores that name themselves by http answer by https as well.
            let url =
                url.strip_prefix("http://").map_or_else(|| url.to_owned(), |rest| format!("https://{rest}"));
            self.services.fetch(get(url)).await
        };
        let response = response.map_err(unanswered)?;
        match response.status {
            200..=299 if !response.body.is_empty() => Ok(response.body),
            200..=299 => Err(broken("the sound that was to be fetched is empty".to_owned())),
            status => {
                let failure = if status >= 500 { EngineFailure::Retry } else { EngineFailure::Broken };
                Err(EngineError::new(failure, format!("the sound could not be fetched, answered {status}")))
            }
        }
    }
}

/// A sentence, written for the service.
struct Sentence<'a> {
    text: String,
    readings: Vec<String>,
    voice: &'a Voice,
    speed: f64,
    until: Instant,
}

#[async_trait]
impl Engine for Http {
    fn kind(&self) -> &'static str {
        "http"
    }

    fn voice(&self, lang: Lang) -> Option<String> {
        self.voices.get(&lang).map(|voice| voice.line.clone())
    }

    fn is_local(&self) -> bool {
        false
    }

    async fn speak(&self, request: &EngineRequest<'_>) -> Result<EngineSound, EngineError> {
        let until = Instant::now() + request.deadline;
        let no_voice =
            || EngineError::new(EngineFailure::Configuration, "there is no voice for this language");
        let voice = self.voices.get(&request.lang).ok_or_else(no_voice)?;
        let wording = self.text.write(request.part)?;
        let (text, readings) = (wording.text, wording.readings);
        let sentence = Sentence { text, readings, voice, speed: request.speed.factor(), until };
        let (failed, token) = match self.once(&sentence, None).await {
            Ok(sound) => return Ok(sound),
            Err(failed) => failed,
        };
        // Once more with another token, if there is another: that belongs to this attempt.
        let expired = failed.meaning == Meaning::TokenExpired;
        if !expired || (self.tokens.is_none() && !self.secrets.read_again().await) {
            return Err(failed.error);
        }
        self.once(&sentence, token.as_ref()).await.map_err(|(failed, _)| failed.error)
    }
}

/// The request with who we are.
fn with_auth(request: Request, auth: &AuthSpec, known: &Known<'_>) -> Result<Request, ProfileError> {
    let text = |key: &str, text: &str| {
        Text::parse(text, Place::Escaped, known)
            .map_err(|problem| ProfileError::at(format!("auth.{key}"), problem))
    };
    match auth {
        AuthSpec::None | AuthSpec::Token(_) => Ok(request),
        AuthSpec::Bearer { value } => {
            request.with_header("authorization", text("value", &format!("Bearer {value}"))?, "auth")
        }
        AuthSpec::Header { name, value } => request.with_header(name, text("value", value)?, "auth.name"),
        AuthSpec::Query { name, value } => Ok(request.with_query(name, text("value", value)?)),
        AuthSpec::Basic { user, password } => {
            let pair = Text::basic(text("user", user)?, text("password", password)?);
            request.with_header("authorization", pair, "auth")
        }
    }
}

/// The voices of the configuration, each with its line: everything that is heard, and a print of the request that asks
/// for it, so that a changed profile makes new clips and a changed table of errors does not.
fn voices(
    profile: &str,
    spec: &ProfileSpec,
    common: &EngineCommon,
    params: &BTreeMap<String, Value>,
) -> Result<BTreeMap<Lang, Voice>, ProfileError> {
    let request = serde_json::to_string(&spec.request).unwrap_or_default();
    let print = mark(&format!("{request}{:?}{}", spec.text.readings, spec.text.strip));
    let heard = params.iter().filter(|(name, _)| spec.params.get(*name).is_some_and(|param| param.heard));
    let heard: Vec<String> =
        heard.map(|(name, value)| format!(" {name}={}", value.clone().into_text())).collect();
    let heard = heard.concat();
    let mut voices = BTreeMap::new();
    for (tag, name) in &common.voices {
        let fault = |problem: String| ProfileError::at(format!("voices.{tag}"), problem);
        let lang = Lang::parse(tag).ok_or_else(|| fault("is no language that we speak".to_owned()))?;
        let told = match spec.langs.get(lang.tag()) {
            Some(told) => told.clone(),
            None if spec.langs.is_empty() => lang.tag().to_owned(),
            None => return Err(fault("the service does not speak this language".to_owned())),
        };
        let line = format!("http {profile} {print} {name} {told}{heard}");
        voices.insert(lang, Voice { name: name.clone(), lang: told, line });
    }
    if voices.is_empty() {
        return Err(ProfileError::at("voices", "needs one voice at least: { zh-CN = \"…\" }"));
    }
    Ok(voices)
}

/// A filled request, to be sent.
fn ask(filled: Filled, timeout: Duration) -> ServiceRequest {
    let Filled { method, url, headers, body } = filled;
    ServiceRequest { method, url, headers, body, timeout, answer_bytes_max: ANSWER_BYTES_MAX }
}

fn time_left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}
