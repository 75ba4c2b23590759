//! A server under test: its process, pinned to core 0, what memory and time it has used, and how to speak to it.
//! Orderbell is started with a fresh data folder and `deploy/bench.toml`; the floors are this binary again.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{EncodingKey, Header};
use rustix::thread::{CpuSet, sched_setaffinity};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Cores of the servers and of the generator.
pub(crate) const SERVER_CORE: usize = 0;
pub(crate) const GENERATOR_CORE: usize = 1;
/// Clock ticks a second in /proc, on every Linux there is.
const TICKS: f64 = 100.0;

/// A running server.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) key: String,
    process: Child,
    tokens: Option<Tokens>,
    _folder: TempDir,
}

struct Tokens {
    app: String,
    secret: EncodingKey,
    now: i64,
}

/// Keeps this thread, and what it starts, on one core. False where there is only one.
pub(crate) fn pin(core: usize) -> bool {
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores).is_ok()
}

impl Server {
    /// Orderbell with an empty data folder.
    pub(crate) fn orderbell() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut serve = orderbell(&folder);
        serve.args(["serve", "--listen", "127.0.0.1:0"]);
        let (process, address) = start(serve);
        let key =
            output(orderbell(&folder).args(["keys", "create", "--name", "bench", "--scopes", "ingest,read"]));
        let app: Value = serde_json::from_str(&output(orderbell(&folder).args(["apps", "list"]))).unwrap();
        let secret = output(orderbell(&folder).args(["apps", "rider-secret"]));
        let tokens = Tokens {
            app: app["id"].as_str().unwrap().to_owned(),
            secret: EncodingKey::from_secret(&STANDARD.decode(secret).unwrap()),
            now: jiff::Zoned::now().timestamp().as_second(),
        };
        Self { name: "orderbell", address, key, process, tokens: Some(tokens), _folder: folder }
    }

    /// The bare floor, or the one that commits.
    pub(crate) fn floor(name: &'static str, frame_bytes: usize, commits: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut serve = Command::new(std::env::current_exe().unwrap());
        serve.args(["--floor", &frame_bytes.to_string()]);
        if commits {
            serve.arg(folder.path().join("floor.db"));
        }
        let (process, address) = start(serve);
        Self { name, address, key: String::new(), process, tokens: None, _folder: folder }
    }

    /// What a rider shows in `hello`: a token that a backend minted alone.
    pub(crate) fn token(&self, rider: &str) -> String {
        let Some(Tokens { app, secret, now }) = &self.tokens else { return String::new() };
        let claims = json!({"sub": rider, "app": app, "iat": now, "exp": now + 3600});
        jsonwebtoken::encode(&Header::default(), &claims, secret).unwrap()
    }

    /// Resident memory: all of it, and the part that is not pages of files, in bytes.
    pub(crate) fn memory(&self) -> (f64, f64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let of = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1024.0
        };
        (of("VmRSS:"), of("RssAnon:"))
    }

    /// Processor time used so far, in seconds.
    pub(crate) fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let after_name = stat.rsplit_once(") ").unwrap().1;
        let mut fields = after_name.split(' ').skip(11).map(|ticks| ticks.parse::<f64>().unwrap());
        (fields.next().unwrap() + fields.next().unwrap()) / TICKS
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.process.kill().is_err();
        let _gone = self.process.wait().is_err();
    }
}

fn orderbell(folder: &TempDir) -> Command {
    // Another build may be named, to compare before and after.
    let binary = std::env::var("ORDERBELL").unwrap_or_else(|_| env!("CARGO_BIN_EXE_orderbell").to_owned());
    let mut command = Command::new(binary);
    command.arg("--data").arg(folder.path());
    command.args(["--config", concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/bench.toml")]);
    command
}

fn start(mut command: Command) -> (Child, SocketAddr) {
    pin(SERVER_CORE);
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    pin(GENERATOR_CORE);
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("http://").unwrap().parse().unwrap();
    (process, address)
}

fn output(command: &mut Command) -> String {
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{command:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
