//! Another process that holds the database: this program, started again for that one purpose, with the SQLite that the
//! server has. (Older ones must not write to a live file: before 3.51.3 a reset of the log could lose pages.)

use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

/// First argument of the process that holds.
pub(crate) const ROLE: &str = "hold-lock";
/// The server's own transactions are short: the lock is to be had soon.
const LOCK_LIMIT: Duration = Duration::from_secs(20);

/// The lock, in the hands of another process.
pub(crate) struct Lock {
    child: Child,
    stdin: ChildStdin,
}

impl Lock {
    /// Returns when the other process has the lock.
    pub(crate) async fn take(database: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(ROLE).arg(database).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let (stdin, stdout) =
            (child.stdin.take().context("no stdin")?, child.stdout.take().context("no stdout")?);
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(LOCK_LIMIT, lines.next_line()).await.context("no lock in time")??;
        anyhow::ensure!(line.as_deref() == Some("held"), "the lock was not to be had: {line:?}");
        Ok(Self { child, stdin })
    }

    /// The other process rolls back and leaves.
    pub(crate) async fn release(mut self) -> anyhow::Result<()> {
        drop(self.stdin);
        let status = tokio::time::timeout(LOCK_LIMIT, self.child.wait()).await.context("it holds on")??;
        anyhow::ensure!(status.success(), "the holder ended with {status}");
        Ok(())
    }

    /// The other process dies with the lock in its hands; the kernel gives it back.
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("killing the holder")
    }
}

/// What that process does: holds until its standard input is closed.
pub(crate) async fn hold(database: &Path) -> anyhow::Result<()> {
    let options = SqliteConnectOptions::new().filename(database).busy_timeout(LOCK_LIMIT);
    let mut connection = options.connect().await?;
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection).await?;
    println!("held");
    // Nothing else runs in this process: it may block.
    std::io::stdin().read_to_end(&mut Vec::new())?;
    sqlx::query("ROLLBACK").execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}
