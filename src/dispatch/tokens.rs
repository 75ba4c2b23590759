//! Rider tokens: JWT, HS256, nothing else. A backend that holds its app's rider secret may mint them alone.
//! A good token names its rider and makes them known; a token issued before the rider's `not_before` is dead.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::{Accounts, AppEntry};
use crate::domain::{EpochMs, RiderId, RiderKey, SecretKind};
use crate::store::{StoreError, StoreResult};

/// A token that was just made.
#[derive(Clone, Debug)]
pub struct Token {
    /// What the rider's client sends.
    pub token: String,
    /// When it ends.
    pub expires_at: EpochMs,
}

/// Whom a good token names.
#[derive(Clone)]
pub struct TokenRider {
    /// The app.
    pub app: Arc<AppEntry>,
    /// The rider.
    pub rider: RiderKey,
    /// When the token ends.
    pub expires_at: EpochMs,
}

/// Why a token is not taken.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It is none, or not signed by its app, or not for a rider, or lives too long.
    #[error("the token is not good")]
    Bad,
    /// It was good once: get a fresh one.
    #[error("the token has expired")]
    Expired,
    /// Whether it is good cannot be told now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Deserialize, Serialize)]
struct Claims {
    sub: String,
    app: String,
    exp: i64,
    iat: i64,
}

/// Clocks of backends that mint tokens may be off by this much, either way.
const LEEWAY_S: i64 = 60;
/// A token of ours is under 300 bytes; anything longer is no token.
const TOKEN_BYTES_MAX: usize = 2048;

impl Accounts {
    /// Makes a token for a rider, valid for `ttl_ms` but never longer than the configuration allows.
    ///
    /// # Errors
    /// `Bad` if the app has no secret to sign with.
    pub fn token(&self, app: &AppEntry, rider: &RiderId, ttl_ms: i64) -> Result<Token, TokenError> {
        let now = self.clock.now().wall;
        let iat = now.0.div_euclid(1000);
        let exp = iat + ttl_ms.clamp(1_000, self.token_ttl_max_ms) / 1000;
        let claims = Claims { sub: rider.to_string(), app: app.app.id.to_string(), exp, iat };
        let secret = app.newest(SecretKind::Rider).ok_or(TokenError::Bad)?;
        let token = jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(secret));
        let token = token.map_err(|_| TokenError::Bad)?;
        Ok(Token { token, expires_at: EpochMs(exp * 1000) })
    }

    /// Whom this token names, if it is good now.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn token_rider(&self, token: &str) -> Result<TokenRider, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Bad);
        }
        // The app named inside only says whose secrets to try; nothing else of it is believed yet.
        let named: Claims =
            jsonwebtoken::dangerous::insecure_decode_claims(token).map_err(|_| TokenError::Bad)?;
        let app = self.app_named(&named.app).await?.ok_or(TokenError::Bad)?;
        let now = self.clock.now().wall;
        let verified = app.secrets(SecretKind::Rider, now).find_map(|secret| verify(token, secret));
        let claims = verified.ok_or(TokenError::Bad)?;
        let rider: RiderId = claims.sub.parse().map_err(|_| TokenError::Bad)?;
        let lives_too_long =
            claims.exp.saturating_sub(claims.iat).saturating_mul(1000) > self.token_ttl_max_ms;
        let from_the_future = claims.iat > now.0.div_euclid(1000) + LEEWAY_S;
        if lives_too_long || from_the_future || claims.exp < claims.iat {
            return Err(TokenError::Bad);
        }
        let expires_at = EpochMs(claims.exp.saturating_mul(1000));
        if expires_at <= now {
            return Err(TokenError::Expired);
        }
        let rider = RiderKey { app: app.app.id, rider };
        if self.revoked(&rider, claims.iat).await? {
            return Err(TokenError::Bad);
        }
        Ok(TokenRider { app, rider, expires_at })
    }

    async fn revoked(&self, rider: &RiderKey, iat: i64) -> StoreResult<bool> {
        let iat_ms = iat.saturating_mul(1000);
        let stored = self.store.rider(rider.clone()).await?;
        // Who has had a row since then was not erased since then.
        if stored.as_ref().is_none_or(|stored| iat_ms < stored.created_at.0)
            && self.was_erased_since(rider, iat_ms).await?
        {
            return Ok(true);
        }
        Ok(stored.is_some_and(|stored| iat_ms < stored.not_before.0.div_euclid(1000) * 1000))
    }
}

fn verify(token: &str, secret: &[u8]) -> Option<Claims> {
    let mut rules = Validation::new(Algorithm::HS256);
    // Judged by our own clock, after the signature.
    rules.validate_exp = false;
    rules.set_required_spec_claims(&["exp", "sub"]);
    jsonwebtoken::decode(token, &DecodingKey::from_secret(secret), &rules).ok().map(|data| data.claims)
}
