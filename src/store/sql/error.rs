//! What errors of either database mean to a caller of the store.
//! Busy, full and gone can be tried again; a broken rule of the schema is for people to look at.

use sqlx::error::ErrorKind;

use crate::store::{StoreError, StoreResult};

/// Nothing was done; try again later.
pub(in crate::store) fn unavailable(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Unavailable(why.into())
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error().map(sqlx::error::DatabaseError::kind) {
            None | Some(ErrorKind::Other) => unavailable(error),
            Some(_) => Self::Inconsistent { table: "a table", source: Box::new(error) },
        }
    }
}

/// `Taken` if the result is that something unique exists already.
pub(super) fn taken<T>(result: Result<T, sqlx::Error>, what: &'static str) -> StoreResult<T> {
    result.map_err(|error| match error.as_database_error() {
        Some(broken) if broken.is_unique_violation() => StoreError::Taken(what),
        _ => error.into(),
    })
}
