//! `orderbell backup` and `orderbell restore`: the data of one moment in a folder, and back from there.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::progress::Progress;
use super::{Place, print};
use crate::app::{backup, restore};
use crate::config::Config;

/// Where it is to go.
#[derive(Args)]
pub(super) struct BackupArgs {
    /// A folder that is not there yet. It holds the node key as well: keep it as a secret
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

/// Where it is.
#[derive(Args)]
pub(super) struct RestoreArgs {
    /// The folder of a backup
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
}

impl BackupArgs {
    /// Makes it, and prints what was made.
    pub(super) async fn run(self, config: &Config, place: &Place) -> anyhow::Result<ExitCode> {
        let mut progress = Progress::new("Rows copied and compared");
        let mut tell = |step: crate::app::CopyStep| progress.count(step.done, step.total);
        let made = backup(config, &place.data, &self.to, &mut tell).await;
        progress.end();
        let made = made?;
        print(&json!({"backup": made.folder, "made_at": made.made_at, "bytes": made.bytes}).to_string())
    }
}

impl RestoreArgs {
    /// Puts it back, and prints which life of the data begins.
    pub(super) async fn run(self, config: &Config, place: Place) -> anyhow::Result<ExitCode> {
        let mut progress = Progress::new("Rows copied and compared");
        let mut tell = |step: crate::app::CopyStep| progress.count(step.done, step.total);
        let restored = restore(config, place.data, &self.from, &mut tell).await;
        progress.end();
        let restored = restored?;
        print(&json!({"restored": restored.made_at, "epoch": restored.epoch}).to_string())
    }
}
