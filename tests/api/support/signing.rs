//! Requests signed as Standard Webhooks does it, good ones and, header by header, all the others.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use orderbell::dispatch::KeyWish;
use orderbell::domain::KeyId;
use orderbell::domain::app::{KeyMode, Scope};
use orderbell::intake::signature::sign;
use serde_json::Value;

use super::{Reply, TestServer, reply};

/// A key that signs.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(crate) id: KeyId,
    /// As the server showed it.
    pub(crate) secret: String,
    /// The key's other secret.
    pub(crate) bearer: String,
}

/// The headers of one request.
#[derive(Clone)]
pub(crate) struct SignedHeaders(pub(crate) Vec<(&'static str, Vec<u8>)>);

impl Signer {
    /// A fresh key of this app.
    pub(crate) async fn of(server: &TestServer, app: &str, scopes: &[Scope]) -> Self {
        let wish = KeyWish {
            app: server.app(app).await.app.id,
            name: server.state.dispatch.fresh_event_id().to_string(),
            scopes: scopes.to_vec(),
            mode: KeyMode::Live,
            signing: true,
        };
        let made = server.accounts().make_key(wish).await.unwrap();
        Self { id: made.id, secret: made.signing_secret.unwrap(), bearer: made.secret }
    }

    /// Good headers for this message.
    pub(crate) fn headers(&self, id: &str, at_s: i64, body: &[u8]) -> SignedHeaders {
        let signature = sign(&bytes_of(&self.secret), id, at_s, body);
        SignedHeaders(vec![
            ("orderbell-key-id", self.id.to_string().into()),
            ("webhook-id", id.into()),
            ("webhook-timestamp", at_s.to_string().into()),
            ("webhook-signature", signature.into()),
        ])
    }

    /// A signed request, now; no body for `null`.
    pub(crate) async fn call(&self, server: &TestServer, method: &str, path: &str, body: &Value) -> Reply {
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let id = server.state.dispatch.fresh_event_id().to_string();
        let headers = self.headers(&id, server.now_ms() / 1000, &bytes);
        headers.send(server, method, path, bytes).await
    }
}

impl SignedHeaders {
    /// With this header changed.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        let header = self.0.iter_mut().find(|(known, _)| *known == name).unwrap();
        header.1 = value.into();
        self
    }

    /// Without this header.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| *known != name);
        self
    }

    /// With this header once more.
    pub(crate) fn twice(mut self, name: &str) -> Self {
        let again = self.0.iter().find(|(known, _)| *known == name).unwrap().clone();
        self.0.push(again);
        self
    }

    /// As lines of a request's head.
    pub(crate) fn lines(&self) -> String {
        self.0.iter().fold(String::new(), |lines, (name, value)| {
            lines + name + ": " + std::str::from_utf8(value).unwrap() + "\r\n"
        })
    }

    pub(crate) fn value(&self, name: &str) -> String {
        let header = self.0.iter().find(|(known, _)| *known == name).unwrap();
        String::from_utf8(header.1.clone()).unwrap()
    }

    pub(crate) async fn send(self, server: &TestServer, method: &str, path: &str, body: Vec<u8>) -> Reply {
        let mut request = server.request(method, path);
        for (name, value) in self.0 {
            request = request.header(name, HeaderValue::from_bytes(&value).unwrap());
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        reply(request.body(body)).await
    }
}

/// What stands behind `whsec_`.
pub(crate) fn bytes_of(secret: &str) -> Vec<u8> {
    STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap()
}
