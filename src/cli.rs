//! The command line: serve, and what an operator does beside a server. Results go to stdout, logs to stderr.
//! Commands open the same data folder as the server does; what they make is valid at once.

mod apps;
mod backup;
mod canned;
mod check;
mod copy;
mod hook;
mod keys;
mod migrate;
mod progress;
mod speech;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::app::{App, DataFolder, Running, check_voice, is_final, open_accounts};
use crate::config::engines::EngineConfig;
use crate::config::{Config, DEFAULTS};
use crate::dispatch::{Accounts, AppEntry};
use crate::domain::RiderId;
use crate::http::contract;
use crate::speech::warm::WarmProgress;
use crate::telemetry::log_to_stderr;
use check::CheckArgs;
use progress::Progress;

/// Turns an order event into a voice in the rider's ear.
#[derive(Parser)]
#[command(name = "orderbell", version, about)]
pub struct Cli {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args, Clone)]
struct Place {
    /// Configuration file; changes what it names in the defaults
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder: database, clips, node key
    #[arg(long, global = true, value_name = "DIR", default_value = "data")]
    data: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Serve riders and backends
    Serve {
        /// Address and port, in place of server.listen
        #[arg(long, value_name = "ADDR")]
        listen: Option<SocketAddr>,
    },
    /// Say whether a server holds the data folder, and where it listens
    Status,
    /// Ask the server that holds the data folder to drain and stop, and wait for it
    Stop,
    /// Look whether this place is fit to serve: configuration, data folder, database, disk, clock, voice, limits; or, with
    /// --public, whether riders can reach a server: name, certificate, socket, audio. Nothing is changed
    Check(CheckArgs),
    /// Bring the database's schema up to date; with --check only say what would be done
    Migrate(migrate::MigrateArgs),
    /// Copy all data from one store into the other, which is empty; no server runs meanwhile
    Copy(copy::CopyArgs),
    /// Write the data of this moment into a folder; a server may run
    Backup(backup::BackupArgs),
    /// Put a backup back, into an empty data folder or database: riders are told everything anew
    Restore(backup::RestoreArgs),
    /// Apps (tenants)
    #[command(subcommand)]
    Apps(apps::Command),
    /// API keys
    #[command(subcommand)]
    Keys(keys::Command),
    /// Hooks: profiles that turn the webhooks of other backends into events
    #[command(subcommand)]
    Hook(hook::Command),
    /// Make a rider token
    Token {
        /// The rider
        #[arg(long)]
        rider: String,
        /// Name of the app
        #[arg(long, default_value = "default")]
        app: String,
        /// Life span in seconds
        #[arg(long, default_value_t = 86_400)]
        ttl_s: u32,
    },
    /// Print the description of the HTTP API (OpenAPI)
    Openapi,
    /// Print the description of the rider's socket (AsyncAPI)
    Asyncapi,
    /// Hear what riders hear, and make it before they need it
    #[command(subcommand)]
    Speech(speech::Command),
    /// The configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Make the canned sentences of every kind (needs espeak-ng)
    #[command(hide = true)]
    Canned {
        /// Folder to write to
        folder: PathBuf,
    },
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Check the configuration as `serve` would load it
    Check,
    /// Print every setting with its default and its reason
    Defaults,
}

/// A configuration, key or database that cannot be used until a person has seen to it (sysexits.h).
const EX_CONFIG: u8 = 78;
/// Longest wait for a server to stop: its own drain limit and a little.
const STOP_LIMIT: Duration = Duration::from_secs(25);

impl Cli {
    /// Runs one command.
    #[must_use]
    pub fn run() -> ExitCode {
        let cli = Self::parse();
        let config = match Config::load(cli.place.config.as_deref()) {
            Ok(config) => config,
            Err(error) => return complain(&error.into()),
        };
        // A check tells what it finds itself; what it starts on the way need not.
        let is_check = matches!(cli.command, Command::Check(_) | Command::Config(_));
        let filter = if is_check { "off" } else { config.log.filter.as_str() };
        log_to_stderr(config.log.format, filter);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let done = match runtime {
            Ok(runtime) => runtime.block_on(cli.execute(config)),
            Err(error) => Err(error.into()),
        };
        done.unwrap_or_else(|error| complain(&error))
    }

    async fn execute(self, config: Config) -> anyhow::Result<ExitCode> {
        let Self { place, command } = self;
        match command {
            Command::Serve { listen } => serve(config, place, listen).await,
            Command::Status => status(&place),
            Command::Stop => stop(&place).await,
            Command::Check(check) => check.run(&config, &place).await,
            Command::Migrate(migrate) => migrate.run(&config, place).await,
            Command::Copy(copy) => copy.run(&config, place).await,
            Command::Backup(backup) => backup.run(&config, &place).await,
            Command::Restore(restore) => restore.run(&config, place).await,
            Command::Config(ConfigCommand::Defaults) => print(DEFAULTS.trim_end()),
            Command::Config(ConfigCommand::Check) => check_config(&config).await,
            Command::Speech(command) => speech::run(&config, place, command).await,
            Command::Hook(command) => hook::run(&config, place, command).await,
            Command::Openapi => print(contract::text(contract::openapi()).trim_end()),
            Command::Asyncapi => print(contract::text(contract::asyncapi()).trim_end()),
            Command::Canned { folder } => canned::make(&config, &folder).await.map(|()| ExitCode::SUCCESS),
            Command::Apps(_) | Command::Keys(_) | Command::Token { .. } => {
                let (accounts, closer) = open_accounts(&config, place.data).await?;
                let done = with_accounts(&accounts, command).await;
                closer.close().await;
                done
            }
        }
    }
}

/// Says what went wrong, in one line; the exit code tells what a person must see to from what may pass by itself.
fn complain(error: &anyhow::Error) -> ExitCode {
    let _unheard = writeln!(std::io::stderr(), "orderbell: {error:#}").is_err();
    if is_final(error) { ExitCode::from(EX_CONFIG) } else { ExitCode::FAILURE }
}

async fn check_config(config: &Config) -> anyhow::Result<ExitCode> {
    check_voice(config).await?;
    let speech = &config.speech;
    let engine =
        |(name, engine): (&String, &EngineConfig)| json!({"name": name, "kind": engine.kind.as_str()});
    let engines: Vec<Value> = speech.engines.iter().map(engine).collect();
    let told = json!({
        "ok": true,
        "secrets_set": config.secrets_set(),
        "chain": speech.chain,
        "engines": engines,
        "remarks": speech.remarks(),
    });
    print(&told.to_string())
}

async fn serve(mut config: Config, place: Place, listen: Option<SocketAddr>) -> anyhow::Result<ExitCode> {
    config.server.listen = listen.unwrap_or(config.server.listen);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let app = App::start(&config, place.data).await?;
    print(&format!("http://{}", app.address))?;
    let stop = async {
        tokio::select! {
            _asked = terminate.recv() => {}
            _asked = interrupt.recv() => {}
        }
    };
    let warming = app.warming();
    let well = tokio::select! {
        well = app.run_until(stop) => well,
        () = show(warming) => true,
    };
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Shows a person how far the making of parts ahead is; the log tells others. Never ends.
async fn show(mut warming: watch::Receiver<WarmProgress>) {
    let mut progress = Progress::new("Parts of sentences");
    while progress.is_seen() && warming.changed().await.is_ok() {
        let WarmProgress { done, total, .. } = *warming.borrow_and_update();
        progress.show(done, total);
    }
    progress.end();
    std::future::pending::<()>().await;
}

fn status(place: &Place) -> anyhow::Result<ExitCode> {
    let Some(Running { pid, listen, admin }) = DataFolder::running(&place.data)? else {
        print(&json!({"running": false}).to_string())?;
        return Ok(ExitCode::FAILURE);
    };
    print(&json!({"running": true, "pid": pid, "listen": listen, "admin": admin}).to_string())
}

async fn stop(place: &Place) -> anyhow::Result<ExitCode> {
    let Some(running) = DataFolder::running(&place.data)? else {
        anyhow::bail!("no server holds the data folder {}", place.data.display());
    };
    let pid = rustix::process::Pid::from_raw(running.pid).context("run.json holds no process id")?;
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).context("asking the server to stop")?;
    let gone = async {
        while matches!(DataFolder::running(&place.data), Ok(Some(_)) | Err(_)) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(STOP_LIMIT, gone).await.context("the server has not stopped yet")?;
    print(&json!({"stopped": running.pid}).to_string())
}

async fn with_accounts(accounts: &Accounts, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Apps(command) => apps::run(accounts, command).await,
        Command::Keys(command) => keys::run(accounts, command).await,
        Command::Token { rider, app, ttl_s } => {
            let app = app_named(accounts, &app).await?;
            let rider: RiderId = rider.parse().context("--rider")?;
            print(&accounts.token(&app, &rider, i64::from(ttl_s) * 1000)?.token)
        }
        Command::Serve { .. }
        | Command::Status
        | Command::Stop
        | Command::Check(_)
        | Command::Migrate(_)
        | Command::Copy(_)
        | Command::Backup(_)
        | Command::Restore(_)
        | Command::Speech(_)
        | Command::Hook(_)
        | Command::Config(_)
        | Command::Openapi
        | Command::Asyncapi
        | Command::Canned { .. } => Ok(ExitCode::FAILURE),
    }
}

/// Longest time for which a secret works after it was replaced, in seconds: a week.
const GRACE_S_MAX: i64 = 604_800;

async fn app_named(accounts: &Accounts, name: &str) -> anyhow::Result<std::sync::Arc<AppEntry>> {
    accounts.app_named(name).await?.with_context(|| format!("there is no app {name}"))
}

fn print(line: &str) -> anyhow::Result<ExitCode> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).context("writing to stdout")?;
    Ok(ExitCode::SUCCESS)
}
