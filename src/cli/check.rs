//! `orderbell check`: is this place fit to serve, and can riders reach it?

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::{Place, print};
use crate::config::Config;
use crate::doctor::{self, Outside, Report};

/// What is to be looked at.
#[derive(Args)]
pub(super) struct CheckArgs {
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
    /// Look at a server from outside instead, at its public origin, such as <https://bell.example.cn>
    #[arg(long, value_name = "URL")]
    public: Option<String>,
    /// Trust the root certificates of this file (PEM) as well
    #[arg(long, value_name = "FILE", requires = "public")]
    ca: Option<PathBuf>,
    /// Connect there, whatever the name resolves to: for a look before the name is moved
    #[arg(long, value_name = "ADDR:PORT", requires = "public")]
    connect: Option<SocketAddr>,
    /// Token of a rider made for this (`orderbell token --rider check`): its session takes the place of that rider's
    /// other ones
    #[arg(long, value_name = "TOKEN", requires = "public")]
    token: Option<String>,
    /// Hold that rider's socket for so many seconds, and see whether it is cut
    #[arg(long, value_name = "SECONDS", requires = "token", value_parser = clap::value_parser!(u64).range(1..=3600))]
    idle: Option<u64>,
}

impl CheckArgs {
    /// Looks, and prints what was found; the exit code is 1 if anything failed.
    pub(super) async fn run(self, config: &Config, place: &Place) -> anyhow::Result<ExitCode> {
        let Self { json, public, ca, connect, token, idle } = self;
        let report = if let Some(url) = &public {
            let idle = idle.map(Duration::from_secs);
            let (ca, token) = (ca.as_deref(), token.as_deref());
            doctor::public(Outside { url, ca, connect, token, idle, config }).await
        } else {
            let (file, data) = (place.config.as_deref(), place.data.as_path());
            doctor::local(doctor::Place { config, file, data }).await
        };
        tell(&report, json)
    }
}

fn tell(report: &Report, is_json: bool) -> anyhow::Result<ExitCode> {
    print(&if is_json { report.json().to_string() } else { report.text() })?;
    Ok(if report.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
