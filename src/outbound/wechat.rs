//! WeChat's API: who signs in, the token by which we are known there, and messages that riders have agreed to.
//! Its answers are 200 with an `errcode`; what each code means to us is said here once. Nothing here shows a secret, a code,
//! a token or an openid.

mod codes;
mod tokens;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tracing::{info, warn};

use super::service::{ServiceRequest, Services};
use crate::domain::wechat::{Login, ProgramId};
use crate::telemetry::{Metric, Telemetry};
use codes::Meaning;
use tokens::TokenSlot;

/// The numbers of calls of WeChat (`wechat` in the configuration).
#[derive(Clone, Debug)]
pub struct WechatApiLimits {
    /// What stands before the paths of the API.
    pub api_url: String,
    /// Limit of one call, with the wait for a place.
    pub timeout: Duration,
    /// Bytes of an answer that are taken.
    pub answer_bytes_max: usize,
    /// Calls at one time.
    pub concurrency: usize,
}

/// What one mini-program is known by to WeChat.
pub struct WechatAccount {
    appid: ProgramId,
    secret: SecretString,
    token: TokenSlot,
}

/// The way to WeChat.
pub struct WechatApi {
    services: Arc<Services>,
    limits: WechatApiLimits,
    places: Semaphore,
    telemetry: Telemetry,
}

/// Why somebody could not sign in.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LoginError {
    /// The code is invalid, too old or was used: a fresh one helps.
    #[error("the code is not good")]
    Code,
    /// WeChat holds this person's account back.
    #[error("WeChat refuses this person")]
    Person,
    /// They signed in too often.
    #[error("too many sign-ins")]
    TooMany,
    /// WeChat was not reached, answered nonsense or does not know us; later perhaps.
    #[error("WeChat is not to be had")]
    Unavailable,
}

/// Why there is no access token.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenError {
    /// WeChat refuses the appid, the secret or our address, with this code: somebody must put it right.
    #[error("WeChat refuses our credentials, errcode {0}")]
    Refused(i64),
    /// WeChat was not reached or is busy; later perhaps.
    #[error("WeChat is not to be had")]
    Unavailable,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SendEnd {
    /// WeChat has it.
    Sent,
    /// There is no consent to it, or nobody of this openid.
    ConsentGone,
    /// Template, fields, page or credentials are wrong: no message goes out until somebody puts that right.
    Misconfigured,
    /// WeChat does not want this message.
    Refused,
    /// It was not reached or is busy: again, not before so long where it says so.
    Again(Option<Duration>),
}

/// What is asked of WeChat.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Call {
    Login,
    Token,
    Message,
}

/// An answer that could be read.
struct Answer {
    code: i64,
    meaning: Meaning,
    body: Map<String, Value>,
    retry_after: Option<Duration>,
}

/// There is no answer that could be read.
#[derive(Clone, Copy, Debug)]
struct NoAnswer;

impl WechatAccount {
    /// Known by these.
    #[must_use]
    pub fn new(appid: ProgramId, secret: SecretString) -> Self {
        Self { appid, secret, token: TokenSlot::default() }
    }

    /// Its id.
    #[must_use]
    pub fn appid(&self) -> &ProgramId {
        &self.appid
    }
}

impl fmt::Debug for WechatAccount {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("WechatAccount").field("appid", &self.appid).finish_non_exhaustive()
    }
}

impl WechatApi {
    /// The way there, within these limits.
    #[must_use]
    pub fn new(services: Arc<Services>, limits: WechatApiLimits, telemetry: Telemetry) -> Self {
        let places = Semaphore::new(limits.concurrency);
        Self { services, limits, places, telemetry }
    }

    /// Who stands behind the code of a sign-in. The session key that comes with it is forgotten at once.
    ///
    /// # Errors
    /// [`LoginError`].
    pub async fn login(&self, account: &WechatAccount, code: &str) -> Result<Login, LoginError> {
        let parameters = [
            ("appid", account.appid.as_str()),
            ("secret", account.secret.expose_secret()),
            ("js_code", code),
            ("grant_type", "authorization_code"),
        ];
        let request = self.get("/sns/jscode2session", &parameters).ok_or(LoginError::Unavailable)?;
        let asked = self.ask(Call::Login, account, request).await;
        let Answer { meaning, body, .. } = asked.map_err(|NoAnswer| LoginError::Unavailable)?;
        match meaning {
            Meaning::Done => {}
            Meaning::BadCode => return Err(LoginError::Code),
            Meaning::BadPerson => return Err(LoginError::Person),
            Meaning::TooMany => return Err(LoginError::TooMany),
            Meaning::Busy
            | Meaning::Credentials
            | Meaning::StaleToken
            | Meaning::NoConsent
            | Meaning::Template
            | Meaning::Unknown => return Err(LoginError::Unavailable),
        }
        let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let Some(openid) = text("openid").and_then(|openid| openid.parse().ok()) else {
            warn!(
                wechat.program = account.appid.as_str(),
                "WeChat has answered a sign-in without saying who it is."
            );
            return Err(LoginError::Unavailable);
        };
        let unionid = text("unionid").and_then(|unionid| unionid.parse().ok());
        Ok(Login { program: account.appid.clone(), openid, unionid })
    }

    /// That WeChat knows this account: it has a token now.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn check(&self, account: &WechatAccount) -> Result<(), TokenError> {
        self.token(account).await.map(drop)
    }

    /// Sends a message, once more with a fresh token where WeChat does not know ours any more.
    pub async fn send(&self, account: &WechatAccount, message: &Value) -> SendEnd {
        let first = self.try_to_send(account, message).await;
        match first {
            Err(Stale) => self.try_to_send(account, message).await.unwrap_or(SendEnd::Again(None)),
            Ok(end) => end,
        }
    }

    async fn try_to_send(&self, account: &WechatAccount, message: &Value) -> Result<SendEnd, Stale> {
        let token = match self.token(account).await {
            Ok(token) => token,
            Err(TokenError::Refused(_)) => return Ok(SendEnd::Misconfigured),
            Err(TokenError::Unavailable) => return Ok(SendEnd::Again(None)),
        };
        let parameters = [("access_token", token.expose_secret())];
        let Some(request) = self.post("/cgi-bin/message/subscribe/send", &parameters, message) else {
            return Ok(SendEnd::Again(None));
        };
        let Ok(answer) = self.ask(Call::Message, account, request).await else {
            return Ok(SendEnd::Again(None));
        };
        Ok(match answer.meaning {
            Meaning::Done => SendEnd::Sent,
            Meaning::NoConsent => SendEnd::ConsentGone,
            Meaning::StaleToken => {
                account.token.forget(&token);
                return Err(Stale);
            }
            Meaning::Template => {
                // Of what WeChat says only the name of our own field: the rest of it may quote the message.
                let field = fault_of(&answer.body, message);
                let program = account.appid.as_str();
                warn!(
                    wechat.program = program,
                    wechat.errcode = answer.code,
                    wechat.field = field,
                    "WeChat refuses messages: the template, its fields or its page are not as configured."
                );
                SendEnd::Misconfigured
            }
            Meaning::Credentials => SendEnd::Misconfigured,
            Meaning::Busy | Meaning::TooMany => SendEnd::Again(answer.retry_after),
            Meaning::BadCode | Meaning::BadPerson | Meaning::Unknown => SendEnd::Refused,
        })
    }

    /// The account's token: the one that is held, or a fresh one, fetched once for all who wait for it.
    async fn token(&self, account: &WechatAccount) -> Result<SecretString, TokenError> {
        if let Some(held) = account.token.held(self.mono_ms()) {
            return held;
        }
        let Ok(_turn) = account.token.turn().await else { return Err(TokenError::Unavailable) };
        // Whoever was before us in the queue may have fetched it, or learned that it is not to be had.
        if let Some(held) = account.token.held(self.mono_ms()) {
            return held;
        }
        let fetched = self.fetch_token(account).await;
        account.token.keep(fetched, self.mono_ms())
    }

    async fn fetch_token(&self, account: &WechatAccount) -> Result<(SecretString, i64), TokenError> {
        // Not `force_refresh`: that would end the token that the backend's own programs hold.
        let body = json!({
            "grant_type": "client_credential",
            "appid": account.appid.as_str(),
            "secret": account.secret.expose_secret(),
            "force_refresh": false,
        });
        let request = self.post("/cgi-bin/stable_token", &[], &body).ok_or(TokenError::Unavailable)?;
        let answer =
            self.ask(Call::Token, account, request).await.map_err(|NoAnswer| TokenError::Unavailable)?;
        match answer.meaning {
            Meaning::Done => {}
            Meaning::Credentials => return Err(TokenError::Refused(answer.code)),
            Meaning::BadCode
            | Meaning::BadPerson
            | Meaning::TooMany
            | Meaning::Busy
            | Meaning::StaleToken
            | Meaning::NoConsent
            | Meaning::Template
            | Meaning::Unknown => return Err(TokenError::Unavailable),
        }
        let token = answer.body.get("access_token").and_then(Value::as_str).filter(|token| !token.is_empty());
        let seconds = answer.body.get("expires_in").and_then(Value::as_i64).filter(|seconds| *seconds > 0);
        match (token, seconds) {
            (Some(token), Some(seconds)) => Ok((SecretString::from(token), seconds)),
            _ => Err(TokenError::Unavailable),
        }
    }

    fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Option<ServiceRequest> {
        self.request(Method::GET, path, parameters, Bytes::new())
    }

    fn post(&self, path: &str, parameters: &[(&str, &str)], body: &Value) -> Option<ServiceRequest> {
        self.request(Method::POST, path, parameters, Bytes::from(body.to_string()))
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        parameters: &[(&str, &str)],
        body: Bytes,
    ) -> Option<ServiceRequest> {
        let base = format!("{}{path}", self.limits.api_url);
        let url = if parameters.is_empty() {
            base
        } else {
            reqwest::Url::parse_with_params(&base, parameters).ok()?.into()
        };
        let mut headers = HeaderMap::new();
        if !body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let (timeout, answer_bytes_max) = (self.limits.timeout, self.limits.answer_bytes_max);
        Some(ServiceRequest { method, url, headers, body, timeout, answer_bytes_max })
    }

    /// Asks, once, and counts what came of it. What WeChat says in words is not kept: it may quote what was sent.
    async fn ask(
        &self,
        call: Call,
        account: &WechatAccount,
        request: ServiceRequest,
    ) -> Result<Answer, NoAnswer> {
        let answer = self.asked(call, request).await;
        let result = match &answer {
            Ok(Answer { code: 0, .. }) => "ok",
            Ok(_) => "refused",
            Err(NoAnswer) => "unavailable",
        };
        self.telemetry
            .counter(Metric::WechatCalls, &[("call", call.as_str()), ("result", result)])
            .increment(1);
        if let Ok(Answer { code, meaning, .. }) = answer {
            let (call, program) = (call.as_str(), account.appid.as_str());
            match meaning {
                Meaning::Done => {}
                // Everyday: nothing that an operator could put right.
                Meaning::BadCode | Meaning::BadPerson | Meaning::NoConsent | Meaning::StaleToken => {
                    info!(
                        wechat.call = call,
                        wechat.program = program,
                        wechat.errcode = code,
                        "WeChat says no."
                    );
                }
                Meaning::TooMany
                | Meaning::Busy
                | Meaning::Credentials
                | Meaning::Template
                | Meaning::Unknown => {
                    warn!(
                        wechat.call = call,
                        wechat.program = program,
                        wechat.errcode = code,
                        "WeChat refuses a call."
                    );
                }
            }
        }
        answer
    }

    async fn asked(&self, asked: Call, mut request: ServiceRequest) -> Result<Answer, NoAnswer> {
        let call = asked.as_str();
        let deadline = Instant::now() + request.timeout;
        let Ok(Ok(_place)) = timeout_at(deadline, self.places.acquire()).await else {
            warn!(wechat.call = call, "WeChat is not asked: too many calls are under way.");
            return Err(NoAnswer);
        };
        request.timeout = deadline.saturating_duration_since(Instant::now());
        let response = match self.services.call(request).await {
            Ok(response) => response,
            Err(error) => {
                warn!(
                    wechat.call = call,
                    error = &error as &dyn std::error::Error,
                    "WeChat does not answer."
                );
                return Err(NoAnswer);
            }
        };
        let (status, retry_after) = (response.status, response.retry_after);
        let body = serde_json::from_slice::<Map<String, Value>>(&response.body).ok();
        // Without a code it is the good answer of those calls that have one.
        let code = |body: &Map<String, Value>| body.get("errcode").map_or(Some(0), Value::as_i64);
        let read = body.filter(|_| status == 200).and_then(|body| Some((code(&body)?, body)));
        let Some((code, body)) = read else {
            warn!(wechat.call = call, http.status = status, "WeChat's answer cannot be read.");
            return Err(NoAnswer);
        };
        Ok(Answer { code, meaning: asked.meaning(code), body, retry_after })
    }

    fn mono_ms(&self) -> i64 {
        self.services.clock().now().mono_ms
    }
}

impl fmt::Debug for WechatApi {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("WechatApi").finish_non_exhaustive()
    }
}

/// WeChat does not know our token any more.
struct Stale;

impl Call {
    fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Token => "token",
            Self::Message => "message",
        }
    }

    fn meaning(self, code: i64) -> Meaning {
        match self {
            Self::Login => codes::of_login(code),
            Self::Token => codes::of_token(code),
            Self::Message => codes::of_message(code),
        }
    }
}

/// Which field of ours WeChat names: `argument invalid! data.thing1.value`.
fn fault_of<'a>(answer: &Map<String, Value>, message: &'a Value) -> Option<&'a str> {
    let said = answer.get("errmsg")?.as_str()?;
    let mut fields = message.get("data")?.as_object()?.keys();
    fields.find(|name| said.contains(&format!("data.{name}.value"))).map(String::as_str)
}
