//! What errors of either database mean to a caller of the store.
//! Busy, full and gone can be tried again; a broken rule of the schema is for people to look at.

use sqlx::error::ErrorKind;

use crate::store::{StoreError, StoreResult};

/// Nothing was done; try again later.
pub(in crate::store) fn unavailable(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Unavailable(why.into())
}

/// What was read is old: somebody else has changed it before it was locked. The write begins again from its reading.
#[derive(Debug, thiserror::Error)]
#[error("somebody else has changed it meanwhile")]
pub(in crate::store) struct Overtaken;

pub(super) fn overtaken() -> StoreError {
    unavailable(Overtaken)
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error().map(sqlx::error::DatabaseError::kind) {
            Some(ErrorKind::Other) if is_nonsense(&error) => {
                Self::Inconsistent { table: "a table", source: Box::new(error) }
            }
            None | Some(ErrorKind::Other) => unavailable(error),
            Some(_) => Self::Inconsistent { table: "a table", source: Box::new(error) },
        }
    }
}

/// PostgreSQL's classes of values that do not fit (22) and of statements that are wrong (42): trying again is in vain.
/// SQLite's codes have less than five digits.
fn is_nonsense(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code.len() == 5 && (code.starts_with("22") || code.starts_with("42")))
}

/// `Taken` if the result is that something unique exists already.
pub(super) fn taken<T>(result: Result<T, sqlx::Error>, what: &'static str) -> StoreResult<T> {
    result.map_err(|error| match error.as_database_error() {
        Some(broken) if broken.is_unique_violation() => StoreError::Taken(what),
        _ => error.into(),
    })
}
