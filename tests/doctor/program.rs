//! The program as a process: a server, and checks whose reports are read as machines read them.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Nothing here takes this long unless it hangs.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// A folder with data in it.
pub(crate) struct Folder(pub(crate) TempDir);

/// A server on a folder.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: std::net::SocketAddr,
}

/// What a check has told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) code: i32,
    pub(crate) json: Value,
    pub(crate) stderr: String,
}

impl Folder {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// One with a database and a key, as the first command makes them.
    pub(crate) async fn made() -> Self {
        let folder = Self::new();
        folder.token().await;
        folder
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.data().join("orderbell.db")
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orderbell"));
        command.arg("--data").arg(self.data()).kill_on_drop(true);
        command
    }

    /// The token of a rider made for this.
    pub(crate) async fn token(&self) -> String {
        let told = ended(self.command().args(["token", "--rider", "check"])).await;
        assert!(told.status.success(), "{told:?}");
        String::from_utf8(told.stdout).unwrap().trim().to_owned()
    }

    /// Runs a check with these arguments.
    pub(crate) async fn check(&self, arguments: &[&str]) -> Told {
        told(self.command().args(["check", "--json"]).args(arguments)).await
    }

    /// Starts a server with these settings beside the defaults.
    pub(crate) async fn serve(&self, settings: &[(&str, &str)]) -> Server {
        let mut command = self.command();
        command.args(["serve", "--listen", "127.0.0.1:0"]).env("ORDERBELL_ADMIN__LISTEN", "127.0.0.1:0");
        command.env("ORDERBELL_SPEECH__PREWARM__ENABLED", "false");
        command.envs(settings.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = tokio::time::timeout(DEADLINE, lines.next_line()).await.expect("the server starts");
        let url = first.unwrap().expect("the server says where it listens");
        let address = url.strip_prefix("http://").unwrap().parse().unwrap();
        Server { child, address }
    }
}

impl Server {
    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Ends it as a power cut would.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

impl Told {
    /// Names of the findings at this level.
    pub(crate) fn named(&self, level: &str) -> Vec<&str> {
        let of_level = self.checks().filter(|check| check["level"] == level);
        of_level.map(|check| check["name"].as_str().unwrap()).collect()
    }

    /// The finding with this name, and its texts in one.
    #[track_caller]
    pub(crate) fn finding(&self, name: &str) -> (&str, String) {
        let found = self.checks().find(|check| check["name"] == name);
        let found = found.unwrap_or_else(|| panic!("{name} is missing: {:#}", self.json));
        let text = format!("{} -> {}", found["found"], found["advice"]);
        (found["level"].as_str().unwrap(), text)
    }

    /// That this was found, at this level, with these words.
    #[track_caller]
    pub(crate) fn assert(&self, name: &str, level: &str, words: &str) {
        let (is, text) = self.finding(name);
        assert!(is == level && text.contains(words), "{name}: {is} {text}");
    }

    fn checks(&self) -> impl Iterator<Item = &Value> {
        self.json["checks"].as_array().unwrap().iter()
    }
}

/// Runs a command to its end.
pub(crate) async fn ended(command: &mut Command) -> Output {
    let running = command.stdin(Stdio::null()).output();
    tokio::time::timeout(DEADLINE, running).await.expect("the command ends").unwrap()
}

/// Runs a check that was put together elsewhere.
pub(crate) async fn told(command: &mut Command) -> Told {
    let output = ended(command).await;
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!stderr.contains("panicked"), "{stderr}");
    let json: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let code = output.status.code().unwrap();
    let told = Told { code, json, stderr };
    if told.json.is_object() {
        let is_well = told.named("FAIL").is_empty();
        assert_eq!((told.json["ok"].as_bool(), code), (Some(is_well), i32::from(!is_well)), "{told:?}");
        for check in told.checks() {
            assert!(check["level"] == "ok" || check["advice"].is_string(), "no advice: {check}");
        }
    }
    told
}

/// Every file under a folder, by name and content.
pub(crate) fn content(folder: &Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    let mut files = std::collections::BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files.insert(path.clone(), Vec::new());
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                files.insert(path, bytes);
            }
        }
    }
    files
}
