//! `orderbell hook add`: a hook in the data folder's database, beside a server or without one.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use serde_json::json;

use super::keys::{Given, KeyArgs};
use super::profile::{Named, Unusable};
use crate::app::open_accounts;
use crate::cli::{app_named, print};
use crate::config::Config;
use crate::dispatch::{Accounts, HookError, HookWish};
use crate::domain::{HookMode, Kinds};

/// A new hook.
#[derive(Args)]
pub(in crate::cli) struct Add {
    /// A preset's name, or a file (TOML or JSON), which may say `preset = "name"`
    profile: String,
    /// What it is called in its path, in log lines and metrics: a-z, 0-9, - and _
    #[arg(long)]
    name: String,
    /// Name of the app
    #[arg(long, default_value = "default")]
    app: String,
    #[command(flatten)]
    keys: KeyArgs,
    /// Whom its events are for, where they name nobody
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
}

impl Add {
    /// Keeps it, and prints the path that its sender is given.
    pub(super) async fn run(self, config: &Config, data: PathBuf) -> anyhow::Result<ExitCode> {
        let named = Named::find(&self.profile)?;
        let (accounts, closer) = open_accounts(config, data).await?;
        let added = self.add(config, &accounts, named).await;
        closer.close().await;
        added
    }

    async fn add(self, config: &Config, accounts: &Accounts, named: Named) -> anyhow::Result<ExitCode> {
        let app = app_named(accounts, &self.app).await?;
        let Given { secrets, params } = self.keys.given(&named.merged()?);
        let Named { preset, mut own } = named;
        if !self.groups.is_empty() {
            own["target"] = json!({"groups": self.groups});
        }
        let wish = HookWish {
            name: self.name,
            preset,
            profile: own,
            params,
            secrets: Some(secrets),
            mode: HookMode::Live,
            live_percent: 0,
        };
        let added = accounts.add_hook(app.app.id, wish, &Kinds::embedded()?, config.hooks.per_app).await;
        let hook = match added {
            Ok(hook) => hook,
            Err(HookError::Input(error)) => return Err(Unusable::Argument(error.to_string()).into()),
            Err(error) => return Err(error).context("adding the hook"),
        };
        print(&format!("/in/{}", hook.id))
    }
}
