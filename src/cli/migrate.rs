//! `orderbell migrate`: the schema of the database, brought up to date when the operator says so.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{Place, print};
use crate::app::{Migration, migrate};
use crate::config::Config;

/// What is to be done.
#[derive(Args)]
pub(super) struct MigrateArgs {
    /// Change nothing; the exit code is 3 if there is something to do
    #[arg(long)]
    check: bool,
}

/// There is something to do. Not 1 (it failed), 2 (wrong arguments) or 78 (it cannot be done).
const PENDING: u8 = 3;

impl MigrateArgs {
    /// Does it, and prints what was missing.
    pub(super) async fn run(self, config: &Config, place: Place) -> anyhow::Result<ExitCode> {
        let asked = if self.check { Migration::Look } else { Migration::Do };
        let schema = migrate(config, place.data, asked).await?;
        let is_current = schema.is_current();
        match asked {
            Migration::Look => {
                let found = schema.found();
                print(
                    &json!({
                        "state": schema.state.as_str(),
                        "schema": found,
                        "known": schema.known,
                        "missing": schema.missing,
                    })
                    .to_string(),
                )?;
                Ok(if is_current { ExitCode::SUCCESS } else { ExitCode::from(PENDING) })
            }
            Migration::Do => print(&json!({"schema": schema.known, "done": schema.missing}).to_string()),
        }
    }
}
