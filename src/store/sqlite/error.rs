//! What SQLite's codes say beside what every database's errors do: whether to wait, and whether the disk failed.

/// `SQLITE_BUSY`. Finer codes have the plain one in their lowest byte.
const BUSY: i64 = 5;
/// `SQLITE_IOERR`.
const IO_ERROR: i64 = 10;

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
