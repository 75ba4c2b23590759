//! What SQLite's errors mean to a caller of the store.
//! Busy, full and gone can be tried again; a broken rule of the schema is for people to look at.

use sqlx::error::ErrorKind;

use crate::store::{StoreError, StoreResult};

/// `SQLITE_BUSY`. Finer codes have the plain one in their lowest byte.
const BUSY: i64 = 5;
/// `SQLITE_IOERR`.
const IO_ERROR: i64 = 10;

/// Nothing was done; try again later.
pub(super) fn unavailable(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
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

/// Whether the disk itself failed, so that nobody knows what is on it.
pub(super) fn is_disk_failure(error: &sqlx::Error) -> bool {
    plain_code(error) == Some(IO_ERROR)
}

/// Whether another process holds the lock.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    plain_code(error) == Some(BUSY)
}

fn plain_code(error: &sqlx::Error) -> Option<i64> {
    let code = error.as_database_error()?.code()?;
    code.parse::<i64>().ok().map(|code| code & 0xff)
}

#[cfg(test)]
mod tests {
    use super::is_disk_failure;

    #[test]
    fn what_is_not_the_disk_is_not_the_end() {
        assert!(!is_disk_failure(&sqlx::Error::PoolClosed));
        assert!(!is_disk_failure(&sqlx::Error::RowNotFound));
    }
}
