//! `orderbell copy`: all data from one store into the other.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::progress::Progress;
use super::{Place, print};
use crate::app::{Way, copy_store};
use crate::config::Config;

/// Between which stores. The SQLite one is that of the data folder, the PostgreSQL one that of store.url.
#[derive(Args)]
pub(super) struct CopyArgs {
    /// Where the data lie now
    #[arg(long)]
    from: StoreName,
    /// Where they are to lie: an empty database
    #[arg(long)]
    to: StoreName,
}

#[derive(Clone, Copy, ValueEnum)]
enum StoreName {
    Sqlite,
    Postgres,
}

impl CopyArgs {
    /// Does it, and prints how much was copied.
    pub(super) async fn run(self, config: &Config, place: Place) -> anyhow::Result<ExitCode> {
        let way = match (self.from, self.to) {
            (StoreName::Sqlite, StoreName::Postgres) => Some(Way::ToPostgres),
            (StoreName::Postgres, StoreName::Sqlite) => Some(Way::ToSqlite),
            (StoreName::Sqlite, StoreName::Sqlite) | (StoreName::Postgres, StoreName::Postgres) => None,
        };
        let way = way.context("--from and --to are the same")?;
        let mut progress = Progress::new("Rows copied and compared");
        let copied =
            copy_store(config, place.data, way, &mut |step| progress.count(step.done, step.total)).await;
        progress.end();
        let copied = copied?;
        print(&json!({"tables": copied.tables, "rows": copied.rows, "equal": true}).to_string())
    }
}
