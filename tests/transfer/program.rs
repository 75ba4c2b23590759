//! The program on a data folder of a test, with or without a PostgreSQL database.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Nothing here takes this long unless it hangs.
const DEADLINE: Duration = Duration::from_mins(5);

/// A data folder, and the database it works with.
pub(crate) struct Place {
    folder: TempDir,
    /// Empty for SQLite.
    pub(crate) url: String,
}

/// A server on it.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
}

impl Place {
    pub(crate) fn on_sqlite() -> Self {
        Self::on(String::new())
    }

    pub(crate) fn on(url: String) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        Self { folder, url }
    }

    /// The same folder with another database.
    pub(crate) fn with(self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.data().join("orderbell.db")
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orderbell"));
        command.arg("--data").arg(self.data()).args(arguments).kill_on_drop(true);
        command
            .env("ORDERBELL_ADMIN__LISTEN", "127.0.0.1:0")
            .env("ORDERBELL_SPEECH__PREWARM__ENABLED", "false");
        command.env("ORDERBELL_STORE__URL", &self.url);
        command
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let running = self.command(arguments).output();
        tokio::time::timeout(DEADLINE, running).await.expect("the command ends").unwrap()
    }

    /// Runs a command that must succeed; what it printed.
    pub(crate) async fn told(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {complaint}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Runs a command that must fail; its exit code and the last line of its complaint, which shows no password.
    pub(crate) async fn refused(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments).await;
        assert!(!output.status.success(), "{arguments:?}");
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(!complaint.contains("panicked") && !complaint.contains("hidden"), "{complaint}");
        (output.status.code().unwrap(), complaint.lines().last().unwrap_or_default().to_owned())
    }

    pub(crate) async fn serve(&self) -> Server {
        let log = std::fs::File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first =
            tokio::time::timeout(DEADLINE, lines.next_line()).await.expect("the server starts").unwrap();
        let url = first.unwrap_or_else(|| panic!("{}", std::fs::read_to_string(self.path("log")).unwrap()));
        Server { child, url }
    }
}

impl Server {
    /// Asks it to stop, by SIGTERM; its exit code.
    pub(crate) async fn stop(mut self) -> i32 {
        let pid = rustix::process::Pid::from_raw(self.child.id().unwrap().try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let ended = tokio::time::timeout(DEADLINE, self.child.wait()).await.expect("the server ends");
        ended.unwrap().code().unwrap_or(-1)
    }
}
