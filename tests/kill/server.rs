//! The real binary on a real folder: started, killed, started again on the same port.
//! It is ready when it says where it listens; there is nothing to guess.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A server that runs.
pub(crate) struct Server {
    child: Child,
    folder: PathBuf,
    /// Where it listens, in all its lives.
    pub(crate) address: SocketAddr,
}

/// A start includes the recovery of the database.
const START_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(30);

impl Server {
    /// Starts on a free port.
    pub(crate) async fn start(folder: &Path) -> anyhow::Result<Self> {
        // Free now and not handed out again soon: the kernel gives the next one to the next who asks.
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        Self::start_at(folder, address).await
    }

    async fn start_at(folder: &Path, address: SocketAddr) -> anyhow::Result<Self> {
        let mut command = base(folder);
        command.args(["serve", "--listen", &address.to_string()]).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().context("starting the server")?;
        let stdout = child.stdout.take().context("no stdout")?;
        let mut lines = BufReader::new(stdout).lines();
        let line =
            tokio::time::timeout(START_LIMIT, lines.next_line()).await.context("no start in time")??;
        let line = line.context("the server ended while it started")?;
        anyhow::ensure!(line == format!("http://{address}"), "unexpected: {line}");
        Ok(Self { child, folder: folder.to_owned(), address })
    }

    /// SIGKILL.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            anyhow::bail!("the server ended by itself: {status}");
        }
        self.child.kill().await.context("killing the server")
    }

    /// The same folder, the same port.
    pub(crate) async fn restart(self) -> anyhow::Result<Self> {
        Self::start_at(&self.folder, self.address).await
    }

    /// `orderbell stop`, and a clean end.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.command(&["stop"]).await?;
        let status =
            tokio::time::timeout(STOP_LIMIT, self.child.wait()).await.context("no stop in time")??;
        anyhow::ensure!(status.success(), "the server stopped with {status}");
        Ok(())
    }

    /// A command beside the server; what it printed.
    pub(crate) async fn command(&self, args: &[&str]) -> anyhow::Result<String> {
        let output = base(&self.folder).args(args).output().await?;
        anyhow::ensure!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }
}

fn base(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orderbell"));
    command.env("ORDERBELL_ADMIN__LISTEN", "127.0.0.1:0").env("ORDERBELL_LOG__FILTER", "error");
    command.arg("--data").arg(folder);
    command
}
