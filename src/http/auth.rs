//! Who asks: a backend by its API key or its signature, a rider by their token, the operator by theirs. The tenant comes
//! from the credential alone. An unknown key, a revoked one and a malformed one get the same answer by the same path.

mod operator;
mod signed;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::AppState;
use super::problem::Problem;
use crate::dispatch::{AppEntry, TokenRider};
use crate::domain::app::{ApiKey, KeyMode, Scope};
use crate::domain::{AppId, RiderId, RiderKey};

pub use operator::{MayOperate, OperatorKey};
pub use signed::verify_signed;

/// A backend with a live key.
#[derive(Clone)]
pub struct Caller {
    /// Its tenant.
    pub app: Arc<AppEntry>,
    key: Arc<ApiKey>,
}

impl Caller {
    /// The tenant's id.
    #[must_use]
    pub fn app_id(&self) -> AppId {
        self.app.app.id
    }

    /// Whether the caller may do what `scope` names as well.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.key.allows(scope)
    }

    /// Whose world the caller acts in.
    #[must_use]
    pub fn mode(&self) -> KeyMode {
        self.key.mode
    }

    /// What the caller may do.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.key.scopes
    }

    /// Refuses to let the key of a test change what belongs to keys of this mode.
    ///
    /// # Errors
    /// 403.
    pub fn touch(&self, mode: KeyMode) -> Result<(), Problem> {
        if self.key.mode.may_touch(mode) { Ok(()) } else { Err(Problem::test_key()) }
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
        // Whoever signed was judged on the way in, with the body.
        if let Some(caller) = parts.extensions.get::<Self>() {
            return Ok(caller.clone());
        }
        let secret = bearer(&parts.headers).ok_or_else(Problem::bad_key)?;
        let (key, app) = state.dispatch.accounts().key(secret).await?.ok_or_else(Problem::bad_key)?;
        state.dispatch.note_key_use(&key);
        Ok(Self { app, key })
    }
}

macro_rules! scoped {
    ($($(#[$doc:meta])* $name:ident => $scope:expr;)*) => { $(
        $(#[$doc])*
        pub struct $name(pub Caller);

        impl AsRef<Caller> for $name {
            fn as_ref(&self) -> &Caller {
                &self.0
            }
        }

        impl FromRequestParts<AppState> for $name {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
                let caller = Caller::from_request_parts(parts, state).await?;
                let scope: Scope = $scope;
                if caller.key.allows(scope) { Ok(Self(caller)) } else { Err(Problem::forbidden(scope.as_str())) }
            }
        }
    )* };
}

// Judged before the body is looked at: who may not do it learns nothing about how it would be done.
scoped! {
    /// A backend that may post and cancel events.
    MayIngest => Scope::Ingest;
    /// A backend that may read alerts and riders.
    MayRead => Scope::Read;
    /// A backend that may make rider tokens.
    MayMakeTokens => Scope::RiderToken;
    /// A backend that may describe riders and groups.
    MayDescribeRiders => Scope::Riders;
    /// A backend that may describe hooks.
    MayHandleHooks => Scope::Hooks;
    /// A backend that may see to callbacks and what they are signed with.
    MayHandleCallbacks => Scope::Callbacks;
    /// A backend that may do everything in its app.
    MayAdminister => Scope::Admin;
}

macro_rules! seen {
    ($($(#[$doc:meta])* $name:ident => $scope:expr;)*) => { $(
        $(#[$doc])*
        pub struct $name(pub Caller);

        impl FromRequestParts<AppState> for $name {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
                let caller = Caller::from_request_parts(parts, state).await?;
                let scope: Scope = $scope;
                let may = [scope, Scope::Read].into_iter().any(|scope| caller.may(scope));
                if may { Ok(Self(caller)) } else { Err(Problem::forbidden(scope.as_str())) }
            }
        }
    )* };
}

seen! {
    /// A backend that may look at callbacks: by `callbacks`, or by `read` as at everything else.
    MaySeeCallbacks => Scope::Callbacks;
    /// A backend that may look at hooks: by `hooks`, or by `read` as at everything else.
    MaySeeHooks => Scope::Hooks;
}

/// A backend with a live key, whatever it may do.
pub struct AnyBackend(pub Caller);

impl FromRequestParts<AppState> for AnyBackend {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        Caller::from_request_parts(parts, state).await.map(Self)
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
