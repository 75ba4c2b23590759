//! What stands in the path, or a problem document where it is not UTF-8.

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The parameters of the path, decoded.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let decoded = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        let refused = |_| Problem::bad_request("bad_path", "the path is not UTF-8, percent-encoded");
        decoded.map(|axum::extract::Path(parameters)| Self(parameters)).map_err(refused)
    }
}
