//! The real binary on a real folder: started, stopped, killed, started again on the same port.
//! It is ready when it says where it listens; there is nothing to guess.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A server that runs.
pub(crate) struct Server {
    child: Child,
    folder: PathBuf,
    log: PathBuf,
    store: Store,
    /// Where it listens, in all its lives.
    pub(crate) address: SocketAddr,
}

/// Where it keeps what it is told.
#[derive(Clone)]
pub(crate) enum Store {
    /// In its data folder.
    Folder,
    /// In a database of this URL.
    Database(String),
}

/// A start includes the recovery of the database.
const START_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// Lines of the log that are shown when something went wrong.
const LOG_LINES: usize = 20;
/// Short, so that a dead way is found out while a test waits: the defaults are 20 s, 50 s and 3 s. Riders here hear and
/// answer seven alerts a second, and after a dead way all at once: no limit that is there for people holds for them.
const CONFIG: &str = "[rider]\nheartbeat = \"1s\"\nsilence_max = \"2500ms\"\nresend_after = \"500ms\"\n\
    return_spread = \"500ms\"\nalerts_per_minute = 0\nmessages_per_second = 1000\nmessages_burst = 10000\n\
    [store]\nqueue_timeout = \"3s\"\n[log]\nfilter = \"warn\"\n";

impl Server {
    /// Starts on a free port. `folder` holds `data` and beside it our configuration; all lives write to one log.
    pub(crate) async fn start(folder: &Path, log: &Path, store: Store) -> anyhow::Result<Self> {
        std::fs::write(log, "")?;
        std::fs::write(folder.join("orderbell.toml"), CONFIG)?;
        // Free now and not handed out again soon: the kernel gives the next one to the next who asks.
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = launch(folder, log, &store, address).await?;
        Ok(Self { child, folder: folder.to_owned(), log: log.to_owned(), store, address })
    }

    /// SIGKILL.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.ended()? {
            anyhow::bail!("the server ended by itself: {status}");
        }
        self.child.kill().await.context("killing the server")
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// SIGSTOP or SIGCONT.
    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let id = self.child.id().context("the server has ended")?;
        let pid = Pid::from_raw(i32::try_from(id)?).context("no process id")?;
        kill_process(pid, signal).context("sending a signal")
    }

    /// The same folder, the same port.
    pub(crate) async fn restart(&mut self) -> anyhow::Result<()> {
        self.child = launch(&self.folder, &self.log, &self.store, self.address).await?;
        Ok(())
    }

    /// `orderbell stop`, and a clean end.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        self.command(&["stop"]).await?;
        let status =
            tokio::time::timeout(STOP_LIMIT, self.child.wait()).await.context("no stop in time")??;
        anyhow::ensure!(status.success(), "the server stopped with {status}");
        Ok(())
    }

    /// A command beside the server; what it printed.
    pub(crate) async fn command(&self, args: &[&str]) -> anyhow::Result<String> {
        let output = base(&self.folder, &self.store).args(args).output().await?;
        anyhow::ensure!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }
}

async fn launch(folder: &Path, log: &Path, store: &Store, address: SocketAddr) -> anyhow::Result<Child> {
    let errors = std::fs::File::options().append(true).open(log)?;
    let mut command = base(folder, store);
    command.args(["serve", "--listen", &address.to_string()]);
    let mut child = command.stdout(Stdio::piped()).stderr(errors).kill_on_drop(true).spawn()?;
    let stdout = child.stdout.take().context("no stdout")?;
    let mut lines = BufReader::new(stdout).lines();
    let line = tokio::time::timeout(START_LIMIT, lines.next_line()).await.context("no start in time")??;
    let line = line.with_context(|| format!("the server ended while it started:\n{}", log_tail(log)))?;
    anyhow::ensure!(line == format!("http://{address}"), "unexpected: {line}");
    Ok(child)
}

/// The last lines of a log.
pub(crate) fn log_tail(log: &Path) -> String {
    let log = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}

fn base(folder: &Path, store: &Store) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orderbell"));
    command.env("ORDERBELL_ADMIN__LISTEN", "127.0.0.1:0").stdin(Stdio::null());
    // Its writes would stand in the way of the faults, and no fault is about it.
    command.env("ORDERBELL_SPEECH__PREWARM__ENABLED", "false");
    if let Store::Database(url) = store {
        command.env("ORDERBELL_STORE__URL", url);
    }
    command.arg("--config").arg(folder.join("orderbell.toml")).arg("--data").arg(folder.join("data"));
    command
}
