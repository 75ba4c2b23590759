//! What a test key may not do: change what real riders hear. It reads everything, and writes of riders only those who
//! are there for tests.

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::AppState;
use super::auth::Caller;
use super::problem::Problem;
use crate::domain::RiderKey;
use crate::domain::app::KeyMode;
use crate::domain::book::Admission;

/// A backend as `T` takes it, with a key that is no test key.
pub struct LiveKey<T>(pub T);

impl<T> FromRequestParts<AppState> for LiveKey<T>
where
    T: FromRequestParts<AppState, Rejection = Problem> + AsRef<Caller>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let allowed = T::from_request_parts(parts, state).await?;
        match allowed.as_ref().mode() {
            KeyMode::Live => Ok(Self(allowed)),
            KeyMode::Test => Err(Problem::test_key()),
        }
    }
}

/// Lets a caller write a rider: with a test key a test rider, or one nobody has heard of, who is a test rider from then
/// on.
pub(super) async fn may_write(state: &AppState, caller: &Caller, rider: &RiderKey) -> Result<(), Problem> {
    match caller.mode() {
        KeyMode::Live => Ok(()),
        KeyMode::Test if state.dispatch.admit(rider.clone(), Admission::IfNew).await? => Ok(()),
        KeyMode::Test => Err(Problem::not_a_test_rider()),
    }
}

/// Lets a caller erase a rider: with a test key a test rider, if there is one of this name.
pub(super) async fn may_erase(state: &AppState, caller: &Caller, rider: &RiderKey) -> Result<(), Problem> {
    match caller.mode() {
        KeyMode::Live => Ok(()),
        KeyMode::Test => match state.dispatch.store().rider(rider.clone()).await? {
            Some(stored) if !stored.test => Err(Problem::not_a_test_rider()),
            Some(_) | None => Ok(()),
        },
    }
}
