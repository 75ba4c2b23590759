//! The Autobahn suite against the real socket layer: accept loop, handshake, takeover and transport, with an echo in
//! place of a session. Takes the suite's folder from `AUTOBAHN` (tests/autobahn/setup.sh makes it) and `CASES=all`.

#![expect(clippy::print_stdout, reason = "a test program reports to its caller")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use hyper::upgrade::OnUpgrade;
use orderbell::http::listener::{FramingLimits, GateLimits, ListenerLimits, TrustedProxies, accept_loop};
use orderbell::http::problem::Problem;
use orderbell::http::rider_socket::{Incoming, Transport, handshake, switching, take_over};
use orderbell::lifecycle::Lifecycle;
use orderbell::telemetry::Telemetry;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

/// The largest message of the suite (9.*).
const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;
/// 9.* are limits and performance, 12.* and 13.* are compression, which is never negotiated.
const FAST_EXCLUDES: [&str; 3] = ["9.*", "12.*", "13.*"];
/// The suite without 9.* takes a minute, with it a quarter of an hour.
const LIMIT: Duration = Duration::from_mins(30);

fn main() -> anyhow::Result<ExitCode> {
    let suite =
        std::env::var("AUTOBAHN").context("AUTOBAHN is the folder made by tests/autobahn/setup.sh")?;
    let all = std::env::var("CASES").is_ok_and(|cases| cases == "all");
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(run(Path::new(&suite), all))
}

async fn run(suite: &Path, all: bool) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let lifecycle = Lifecycle::new();
    let address = serve(&lifecycle).await?;
    let work = tempfile::tempdir()?;
    let excludes = if all { &FAST_EXCLUDES[1..] } else { &FAST_EXCLUDES[..] };
    let spec = json!({
        "outdir": work.path(),
        "servers": [{"agent": "orderbell", "url": format!("ws://{address}/")}],
        "cases": ["*"],
        "exclude-cases": excludes,
        "exclude-agent-cases": {},
    });
    let file = work.path().join("spec.json");
    std::fs::write(&file, spec.to_string())?;
    fuzz(&suite.join("wstest"), &file).await?;
    let report =
        std::fs::read_to_string(work.path().join("index.json")).context("the suite made no report")?;
    lifecycle.begin_drain();
    judge(&report, began.elapsed())
}

async fn fuzz(wstest: &PathBuf, spec: &Path) -> anyhow::Result<()> {
    let mut command = tokio::process::Command::new(wstest);
    command.args(["-m", "fuzzingclient", "-s"]).arg(spec).kill_on_drop(true);
    command.stdout(std::process::Stdio::null());
    let status = tokio::time::timeout(LIMIT, command.status()).await.context("the suite did not end")?;
    let status = status.with_context(|| format!("starting {}", wstest.display()))?;
    anyhow::ensure!(status.success(), "the suite ended with {status}");
    Ok(())
}

/// The echo behind the real accept loop, on a free port.
async fn serve(lifecycle: &Lifecycle) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let tasks = lifecycle.clone();
    let router = Router::new().route("/", get(async move |request: Request| upgrade(&tasks, request)));
    let patience = Duration::from_secs(20);
    let gate = GateLimits {
        framing: FramingLimits { uri_bytes_max: 4096, headers_max: 64, head_bytes_max: 16_384 },
        header_timeout: patience,
        idle_timeout: patience,
        body_timeout: patience,
        body_rate_min: 1024,
        write_timeout: patience,
    };
    let limits = ListenerLimits {
        first_byte_timeout: patience,
        gate,
        max_connections: 100,
        connections_per_ip: 0,
        new_per_second: 0,
        new_per_second_per_ip: 0,
        trusted_proxies: TrustedProxies::default(),
    };
    lifecycle.spawn(accept_loop(listener, router, limits, lifecycle.clone(), Telemetry::new()));
    Ok(address)
}

fn upgrade(lifecycle: &Lifecycle, mut request: Request) -> Result<Response, Problem> {
    let accept = handshake(request.headers())?;
    let upgraded = request.extensions_mut().remove::<OnUpgrade>().ok_or_else(Problem::upgrade_required)?;
    lifecycle.spawn(async move {
        let Ok(upgraded) = upgraded.await else { return };
        let Some(transport) = take_over(upgraded, FRAME_BYTES_MAX) else { return };
        echo(transport).await;
    });
    Ok(switching(accept))
}

async fn echo(mut transport: Box<Transport>) {
    loop {
        match transport.incoming().await {
            Incoming::Text(text) => transport.queue_message(Message::Text(text)),
            Incoming::Binary(bytes) => transport.queue_message(Message::Binary(bytes)),
            Incoming::Alive => {}
            Incoming::Closed => return,
            Incoming::Violated(code) => return transport.close(code, "").await,
        }
    }
}

/// One case of the suite's report.
#[derive(Debug, Deserialize)]
struct Case {
    behavior: String,
    #[serde(rename = "behaviorClose")]
    close: String,
}

/// `NON-STRICT` (6.4.*: bad UTF-8 is found at the end of a frame, not within it) and `INFORMATIONAL` are no faults.
fn judge(report: &str, spent: Duration) -> anyhow::Result<ExitCode> {
    let report: BTreeMap<String, BTreeMap<String, Case>> = serde_json::from_str(report)?;
    let cases = report.get("orderbell").context("the report is of another server")?;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut failed = 0;
    for (name, case) in cases {
        *counts.entry(&case.behavior).or_default() += 1;
        let behaves = matches!(case.behavior.as_str(), "OK" | "NON-STRICT" | "INFORMATIONAL");
        let closes = matches!(case.close.as_str(), "OK" | "INFORMATIONAL");
        if !behaves || !closes {
            failed += 1;
            println!("FAILED  case {name}: {}, close {}", case.behavior, case.close);
        }
    }
    anyhow::ensure!(cases.len() >= 200, "only {} cases ran", cases.len());
    println!("autobahn: {} cases in {} s, {counts:?}", cases.len(), spent.as_secs());
    println!("{} passed, {failed} failed", cases.len() - failed);
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
