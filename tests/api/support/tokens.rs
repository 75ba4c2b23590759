//! Rider tokens as a backend mints them, good ones and all the others.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use orderbell::dispatch::Accounts;
use serde_json::{Value, json};

use super::TestServer;

/// Signs claims with the rider secret of an app.
pub(crate) struct Minter {
    secret: Vec<u8>,
    app: String,
    now_s: i64,
}

impl Minter {
    pub(crate) async fn of(server: &TestServer, app: &str) -> Self {
        let entry = server.app(app).await;
        let secret = Accounts::rider_secret(&entry).unwrap();
        Self::with(&secret, &entry.app.id.to_string(), server.now_ms() / 1000)
    }

    /// With the secret as the command line prints it.
    pub(crate) fn with(secret: &str, app: &str, now_s: i64) -> Self {
        Self { secret: STANDARD.decode(secret).unwrap(), app: app.to_owned(), now_s }
    }

    /// Claims of a good token for one hour, issued a minute ago, with these members changed; `null` leaves one out.
    pub(crate) fn claims(&self, rider: &str, changes: &Value) -> Value {
        let (iat, exp) = (self.now_s - 60, self.now_s + 3540);
        let mut claims = json!({"sub": rider, "app": self.app, "iat": iat, "exp": exp});
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        claims
    }

    pub(crate) fn now_s(&self) -> i64 {
        self.now_s
    }

    pub(crate) fn token(&self, rider: &str, changes: &Value) -> String {
        self.sign(Algorithm::HS256, &self.claims(rider, changes))
    }

    pub(crate) fn sign(&self, algorithm: Algorithm, claims: &Value) -> String {
        jsonwebtoken::encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(&self.secret))
            .unwrap()
    }

    /// A token that says it needs no signature.
    pub(crate) fn unsigned(&self, rider: &str) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = part(&json!({"alg": "none", "typ": "JWT"}));
        format!("{header}.{}.", part(&self.claims(rider, &json!({}))))
    }
}
