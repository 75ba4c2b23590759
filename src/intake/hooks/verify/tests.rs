//! Real senders and invented ones, each by configuration alone, and every way to fail.

mod flips;
mod profiles;
mod random;
mod senders;
mod strictness;
mod tokens;

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;

use super::Verifier;
use crate::domain::EpochMs;
use crate::intake::hooks::{AgeRule, HookKeys, HookRequest, VerifyError};

/// When the requests were signed.
const NOW: EpochMs = EpochMs(1_772_339_405_000);

/// A request that can be changed, with what its hook knows.
#[derive(Clone)]
struct Case {
    name: String,
    verify: &'static str,
    url: String,
    query: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    secrets: BTreeMap<String, Vec<Vec<u8>>>,
    params: BTreeMap<String, String>,
    peer: Option<&'static str>,
}

impl Case {
    /// A request without anything, under this profile.
    fn new(name: &str, verify: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            verify,
            url: "https://hook.example.com/in/x".to_owned(),
            query: String::new(),
            headers: Vec::new(),
            body: Vec::new(),
            secrets: BTreeMap::new(),
            params: BTreeMap::new(),
            peer: None,
        }
    }

    fn secret(mut self, secret: &str) -> Self {
        self.secrets.entry("secret".to_owned()).or_default().push(secret.as_bytes().to_vec());
        self
    }

    fn param(mut self, name: &str, value: &str) -> Self {
        self.params.insert(name.to_owned(), value.to_owned());
        self
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.as_bytes().to_vec()));
        self
    }

    fn query(mut self, query: &str) -> Self {
        query.clone_into(&mut self.query);
        self
    }

    fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    fn verifier(&self) -> Verifier {
        verifier(self.verify)
    }

    fn checked_by(&self, verifier: &Verifier, age: AgeRule) -> Result<(), VerifyError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_bytes(value).unwrap());
        }
        let request = HookRequest {
            method: &Method::POST,
            url: &self.url,
            query: &self.query,
            headers: &headers,
            body: &self.body,
            event: None,
            peer: self.peer.map(|peer| peer.parse().unwrap()),
        };
        verifier.check(&request, &self.keys(), age)
    }

    fn keys(&self) -> HookKeys {
        HookKeys { secrets: self.secrets.clone(), params: Arc::new(self.params.clone()) }
    }

    fn checked(&self) -> Result<(), VerifyError> {
        self.checked_by(&self.verifier(), AgeRule::At(NOW))
    }

    fn passes(&self) {
        assert_eq!(self.checked(), Ok(()), "{}", self.name);
    }

    /// Why it fails.
    fn reason(&self) -> &'static str {
        self.checked().expect_err(&self.name).reason
    }
}

/// The verifier of the tables in a profile.
fn verifier(tables: &str) -> Verifier {
    Verifier::read(&list(tables)).expect(tables)
}

/// The list `verify`, as a profile has it after TOML.
fn list(tables: &str) -> Value {
    toml::from_str::<Value>(tables).expect(tables)["verify"].clone()
}
