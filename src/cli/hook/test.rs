//! `orderbell hook test`: one request, read as a server would, with nothing stored and nobody told.
//! The age of a timestamp is not judged, so that a body from a log can be tried.

use std::io::Read;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use super::answer::Answer;
use super::keys::{Given, KeyArgs};
use super::profile::{Named, Unusable};
use crate::cli::print;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::domain::{HookVerdict, Kinds};
use crate::intake::hooks::{AgeRule, HandOut, HookKeys, HookProfile, HookRequest, ItemReading, Reading};

/// The hook's id where there is none: for tokens that were handed out by nobody.
const NO_HOOK: &str = "test";

/// A request.
#[derive(Args)]
pub(in crate::cli) struct Test {
    /// A preset's name, or a file (TOML or JSON), which may say `preset = "name"`
    profile: String,
    #[command(flatten)]
    keys: KeyArgs,
    /// The URL that the sender calls, where it signs that
    #[arg(long, value_name = "PUBLIC_URL", default_value = "http://localhost/in/test")]
    url: String,
    /// A header of the request
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Its query, without the question mark
    #[arg(long, value_name = "Q", default_value = "")]
    query: String,
    /// What stands behind the hook in the path
    #[arg(long, value_name = "E")]
    event: Option<String>,
    /// POST or GET
    #[arg(long, value_name = "M", default_value = "POST", value_parser = method)]
    method: Method,
}

impl Test {
    /// Reads the request's body from stdin, and prints what came of it.
    pub(super) fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let named = Named::find(&self.profile)?;
        let merged = named.merged()?;
        let kinds = Kinds::embedded()?;
        let profile = HookProfile::compile(&merged, &kinds)
            .map_err(|error| Unusable::Wrong(self.profile.clone(), error))?;
        let body = body(config.hooks.max_body_bytes)?;
        let (url, query) = match self.url.split_once('?') {
            Some((url, query)) if self.query.is_empty() => (url, query),
            Some((url, _)) => (url, self.query.as_str()),
            None => (self.url.as_str(), self.query.as_str()),
        };
        let headers: HeaderMap = self.headers.into_iter().collect();
        let keys = hook_keys(self.keys.given(&merged), &profile);
        let event = self.event.as_deref();
        let request = HookRequest {
            method: &self.method,
            url,
            query,
            headers: &headers,
            body: &body,
            event,
            peer: None,
        };
        if let Some(done) = hand_out(&profile, &request, &keys) {
            return done;
        }
        let verified = profile.verifier().check(&request, &keys, AgeRule::Any).is_ok();
        let reading = profile.read(&request, &keys, AgeRule::Any);
        let told = Told::of(&reading, &kinds);
        let answer = Answer::of(&profile, &reading);
        print(&told.json(verified, &reading, &answer).to_string())?;
        let is_mapped = verified && !told.events.is_empty();
        Ok(if is_mapped { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// What came of the items.
struct Told {
    events: Vec<Value>,
    ignored: usize,
    items: Vec<Value>,
}

impl Told {
    fn of(reading: &Reading, kinds: &Kinds) -> Self {
        let mut told = Self { events: Vec::new(), ignored: 0, items: Vec::new() };
        for item in &reading.items {
            told.item(item, kinds);
        }
        told
    }

    fn item(&mut self, item: &ItemReading, kinds: &Kinds) {
        match item {
            ItemReading::Event(event) => match event.parsed(kinds) {
                // Whom it is for may be the hook's affair; here there may be none.
                Err(error)
                    if error.error != "empty_target" && error.pointer.as_deref() != Some("/target") =>
                {
                    self.items.push(
                        json!({"outcome": "unmapped", "error": error.error, "detail": error.to_string()}),
                    );
                }
                _ => {
                    self.events.push(event.canonical.clone());
                    self.items.push(json!({"outcome": "event", "station": event.station, "id_is_derived": event.id_is_derived,
                        "dropped": event.dropped}));
                }
            },
            ItemReading::Ignored { why, status } => {
                self.ignored += 1;
                self.items.push(json!({"outcome": "ignored", "why": why, "status": status}));
            }
            ItemReading::Filtered => {
                self.ignored += 1;
                self.items.push(json!({"outcome": "filtered"}));
            }
            ItemReading::Unmapped { error, detail } => {
                self.items.push(json!({"outcome": "unmapped", "error": error, "detail": detail}));
            }
        }
    }

    fn json(&self, verified: bool, reading: &Reading, ack: &Answer) -> Value {
        json!({
            "verified": verified,
            "events": self.events,
            "ignored": self.ignored,
            "ack": {"status": ack.status, "content_type": ack.content_type, "body": ack.body},
            "verdict": reading.verdict.as_str(),
            "reason": reading.reason,
            "detail": reading.detail,
            "items": self.items,
        })
    }
}

/// The token that a sender fetches before it sends, which it asks for under this name.
const TOKEN: &str = "token";

/// What a request for a token is answered; `None` if this is none.
fn hand_out(
    profile: &HookProfile,
    request: &HookRequest<'_>,
    keys: &HookKeys,
) -> Option<anyhow::Result<ExitCode>> {
    request.event.filter(|event| *event == TOKEN)?;
    let now = SystemClock::new().now().wall;
    let (granted, ack) = match profile.hand_out(NO_HOOK, request, keys, now)? {
        HandOut::Granted(ack) => (true, ack),
        HandOut::Refused(ack) => (false, ack),
    };
    let verdict = if granted { HookVerdict::Probe } else { HookVerdict::Refused };
    let told = json!({
        "verified": granted,
        "events": [],
        "ignored": 0,
        "ack": {"status": ack.status, "content_type": ack.content_type, "body": ack.body.unwrap_or_default()},
        "verdict": verdict.as_str(),
    });
    Some(print(&told.to_string()).map(|good| if granted { good } else { ExitCode::FAILURE }))
}

fn hook_keys(given: Given, profile: &HookProfile) -> HookKeys {
    let Given { secrets, params } = given;
    let mut params = profile.with_defaults(params);
    params.insert("hook".to_owned(), NO_HOOK.to_owned());
    let bytes = |texts: Vec<String>| texts.into_iter().map(String::into_bytes).collect();
    let secrets = secrets.into_iter().map(|(name, texts)| (name, bytes(texts))).collect();
    HookKeys { secrets, params: Arc::new(params) }
}

fn body(bytes_max: usize) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    let most = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    std::io::stdin().lock().take(most).read_to_end(&mut body).context("reading the body from stdin")?;
    if body.len() > bytes_max {
        return Err(Unusable::Argument(format!(
            "the body has more than {bytes_max} bytes (hooks.max_body_bytes)"
        ))
        .into());
    }
    Ok(body)
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("is NAME: VALUE")?;
    let name = name.trim().parse().map_err(|_| format!("{name} is no name of a header"))?;
    let value = HeaderValue::from_bytes(value.trim().as_bytes()).map_err(|error| error.to_string())?;
    Ok((name, value))
}

fn method(text: &str) -> Result<Method, String> {
    match text.to_ascii_uppercase().as_str() {
        "POST" => Ok(Method::POST),
        "GET" => Ok(Method::GET),
        "HEAD" => Ok(Method::HEAD),
        _ => Err("POST, GET or HEAD".to_owned()),
    }
}
