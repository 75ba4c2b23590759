//! Who asks: a backend by its API key, a rider by their token. The tenant comes from the credential alone.
//! An unknown key, a revoked one and a malformed one get the same answer by the same path.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::AppState;
use super::problem::Problem;
use crate::dispatch::{AppEntry, TokenRider};
use crate::domain::app::{ApiKey, Scope};
use crate::domain::{AppId, RiderId, RiderKey};

/// A backend with a live key.
pub struct Caller {
    /// Its tenant.
    pub app: Arc<AppEntry>,
    key: ApiKey,
}

impl Caller {
    /// The tenant's id.
    #[must_use]
    pub fn app_id(&self) -> AppId {
        self.app.app.id
    }

    /// Refuses a key without this scope.
    ///
    /// # Errors
    /// 403.
    pub fn needs(&self, scope: Scope) -> Result<(), Problem> {
        if self.key.allows(scope) { Ok(()) } else { Err(Problem::forbidden(scope.as_str())) }
    }

    /// A rider of the caller's tenant.
    ///
    /// # Errors
    /// 400 for an id that cannot be one.
    pub fn rider(&self, id: &str) -> Result<RiderKey, Problem> {
        let rider: RiderId = id.parse()?;
        Ok(RiderKey { app: self.app_id(), rider })
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let refused = || Problem::unauthorized("bad_key", "send a live API key as Authorization: Bearer");
        let secret = bearer(&parts.headers).ok_or_else(refused)?;
        let (key, app) = state.dispatch.accounts().key(secret).await?.ok_or_else(refused)?;
        Ok(Self { app, key })
    }
}

/// A rider with a good token.
pub struct RiderCaller(pub TokenRider);

impl FromRequestParts<AppState> for RiderCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let token = bearer(&parts.headers).unwrap_or_default();
        Ok(Self(state.dispatch.accounts().token_rider(token).await?))
    }
}

/// The credential of `Authorization: Bearer`; `None` unless there is exactly one such header.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (Some(only), None) = (all.next(), all.next()) else { return None };
    let (scheme, credential) = only.to_str().ok()?.split_once(' ')?;
    let credential = credential.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !credential.is_empty()).then_some(credential)
}
