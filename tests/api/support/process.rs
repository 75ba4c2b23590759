//! The program itself, where a process matters: its exit codes, its signals, its death.
//! Its log goes to a file in the folder of the test.

use std::path::Path;
use std::process::{Output, Stdio};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::database::{DATABASE_URL, database_of};
use super::{DEADLINE, data_of};

/// A server that is a process.
pub(crate) struct Process {
    child: Child,
    /// What it printed: where it serves.
    pub(crate) url: String,
}

impl Process {
    /// Starts `serve` on free ports in this folder, with these changes to the configuration.
    pub(crate) async fn serve(folder: &Path, changes: &str) -> Self {
        let config = folder.join("serve.toml");
        std::fs::write(&config, changes).unwrap();
        let log = std::fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
        let mut command = command(folder).await;
        // Many servers start in tests, and few of them speak what would be made ahead: those say so.
        if !changes.contains("[speech.prewarm]") {
            command.env("ORDERBELL_SPEECH__PREWARM__ENABLED", "false");
        }
        let mut child = command
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(config)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = tokio::time::timeout(DEADLINE, lines.next_line()).await.expect("the server starts");
        let url = first.unwrap().unwrap_or_else(|| panic!("it ended: {}", log_of(folder)));
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        Self { child, url }
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.url.strip_prefix("http://").unwrap().parse().unwrap()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Ends it as a power cut would.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to stop, by SIGTERM; its exit code.
    pub(crate) async fn terminate(self) -> i32 {
        let pid = rustix::process::Pid::from_raw(self.id().try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.ended().await
    }

    /// Waits for its end; its exit code.
    pub(crate) async fn ended(mut self) -> i32 {
        let ended = tokio::time::timeout(DEADLINE, self.child.wait()).await.expect("the server ends");
        ended.unwrap().code().unwrap_or(-1)
    }
}

/// What the servers of this folder have logged.
pub(crate) fn log_of(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("log")).unwrap()
}

/// Runs one command on the data of this folder.
pub(crate) async fn cli(folder: &Path, arguments: &[&str]) -> Output {
    cli_with(folder, arguments, &[]).await
}

/// The same with these variables in its environment.
pub(crate) async fn cli_with(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let running = command(folder).await.args(arguments).envs(variables.iter().copied()).output();
    tokio::time::timeout(DEADLINE, running).await.expect("the command ends").unwrap()
}

async fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orderbell"));
    command
        .arg("--data")
        .arg(data_of(folder))
        .env("ORDERBELL_ADMIN__LISTEN", "127.0.0.1:0")
        .kill_on_drop(true);
    if database_of(folder).await.is_some() {
        command.env("ORDERBELL_STORE__URL_FILE", folder.join(DATABASE_URL));
    }
    command
}
