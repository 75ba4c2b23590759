//! `orderbell hook list` and `orderbell hook show`: what there is, and what it asks for.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::profile::Unusable;
use crate::app::{DataFolder, open_accounts};
use crate::cli::print;
use crate::config::Config;
use crate::dispatch::Accounts;
use crate::intake::hooks::presets::{preset, preset_names, preset_text};

/// Which preset.
#[derive(Args)]
pub(in crate::cli) struct Show {
    /// Its name, as `hook list` prints it
    preset: String,
}

/// Prints the presets, a line each; and below them the hooks of a data folder that is there: path, app, preset, mode.
pub(super) async fn list(config: &Config, data: PathBuf) -> anyhow::Result<ExitCode> {
    let width = preset_names().iter().map(|name| name.len()).max().unwrap_or(0);
    for name in preset_names() {
        let title = preset(name).and_then(|profile| Some(profile["title"].as_str()?.to_owned()));
        print(&format!("{name:width$}  {}", title.unwrap_or_default()))?;
    }
    if DataFolder::is_one(&data) {
        let (accounts, closer) = open_accounts(config, data).await?;
        let listed = list_hooks(&accounts).await;
        closer.close().await;
        listed?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn list_hooks(accounts: &Accounts) -> anyhow::Result<()> {
    for app in accounts.apps().await? {
        for hook in accounts.hooks(app.id).await? {
            let preset = hook.preset.as_deref().unwrap_or("-");
            print(&format!("/in/{}  app={} preset={preset} mode={}", hook.id, app.name, hook.mode.as_str()))?;
        }
    }
    Ok(())
}

impl Show {
    /// Prints the preset: first what a person must know, as comments, then the profile as it is.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let (Some(profile), Some(text)) = (preset(&self.preset), preset_text(&self.preset)) else {
            return Err(Unusable::Unknown(self.preset, preset_names().join(", ")).into());
        };
        print(&format!("{}\n{}", told(&self.preset, &profile), text.trim_end()))
    }
}

/// The preset in words, as TOML comments: so that all that is printed is a profile.
fn told(name: &str, profile: &Value) -> String {
    let mut out = format!("# {name}: {}\n", profile["title"].as_str().unwrap_or_default());
    let params = profile["params"].as_object().into_iter().flatten();
    for (param, said) in params {
        let how = if param == "secret" { "--secret".to_owned() } else { format!("--param {param}=") };
        let must = if said["required"] == true { "" } else { " (optional)" };
        let _infallible = writeln!(out, "# {how}{must}: {}", said["about"].as_str().unwrap_or_default());
    }
    out
}
