//! What PostgreSQL's codes say beside what every database's errors do: whether a write may begin again, and whether a
//! commit that failed was refused or is unknown.

use sqlx::postgres::{PgDatabaseError, PgSeverity};

use crate::store::StoreError;
use crate::store::sql::error::Overtaken;

/// What follows from an error before the commit: nothing of the write was done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// Another write was in the way; the same connection will do.
    Overtaken,
    /// The connection is gone, or its server is going.
    Lost,
    /// It would fail again.
    Final,
}

/// Serialization failure, deadlock, a lock that was not to be had in time, and something unique that somebody else has
/// just made: where that is an answer to the caller, it is `Taken` already.
const OVERTAKEN: [&str; 4] = ["40001", "40P01", "55P03", "23505"];
/// The server is stopped, or has crashed, or starts, or has too many connections; it went over to be a copy that only reads;
/// or we were silent in a transaction for too long.
const LOST: [&str; 7] = ["57P01", "57P02", "57P03", "53300", "25006", "25P03", "57P05"];

/// What follows from this error of a write.
pub(super) fn verdict(error: &StoreError) -> Verdict {
    let source = match error {
        StoreError::Unavailable(source) | StoreError::Inconsistent { source, .. } => source,
        StoreError::Unsure(_) | StoreError::Taken(_) | StoreError::Unusable(_) => return Verdict::Final,
    };
    if source.is::<Overtaken>() {
        return Verdict::Overtaken;
    }
    match source.downcast_ref::<sqlx::Error>() {
        Some(error) if is_lost(error) => Verdict::Lost,
        Some(error) if code(error).is_some_and(|code| OVERTAKEN.contains(&&*code)) => Verdict::Overtaken,
        _ => Verdict::Final,
    }
}

/// Whether the connection is of no use any more.
pub(super) fn is_lost(error: &sqlx::Error) -> bool {
    let goes = |code: &str| code.starts_with("08") || LOST.contains(&code);
    matches!(error, sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_))
        || code(error).is_some_and(|code| goes(&code))
}

/// Whether a commit that failed was refused: the server says so and lives. A server that ends a session may have
/// committed before.
pub(super) fn was_refused(error: &sqlx::Error) -> bool {
    let error = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    error.is_some_and(|error| error.severity() == PgSeverity::Error)
}

fn code(error: &sqlx::Error) -> Option<std::borrow::Cow<'_, str>> {
    error.as_database_error()?.code()
}

#[cfg(test)]
mod tests {
    use super::{Verdict, verdict};
    use crate::store::StoreError;
    use crate::store::sql::error::{Overtaken, unavailable};

    #[test]
    fn only_what_may_go_better_begins_again() {
        let io = sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        assert_eq!(verdict(&unavailable(Overtaken)), Verdict::Overtaken);
        assert_eq!(verdict(&unavailable(io)), Verdict::Lost);
        assert_eq!(verdict(&unavailable(sqlx::Error::PoolTimedOut)), Verdict::Final);
        assert_eq!(verdict(&StoreError::Taken("a key")), Verdict::Final);
        let unsure = sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        assert_eq!(verdict(&StoreError::Unsure(Box::new(unsure))), Verdict::Final, "it may have been done");
    }
}
