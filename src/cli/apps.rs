//! `orderbell apps`: tenants, their secrets and their limits.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::json;

use super::{GRACE_S_MAX, app_named, print};
use crate::dispatch::{Accounts, AppSecret};
use crate::domain::app::AppLimits;
use crate::speech::Lang;

/// What can be done with apps.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Make an app; prints its id
    Create {
        /// Its name, unique
        #[arg(long)]
        name: String,
        /// Language of its riders: zh-CN, yue, en
        #[arg(long, default_value = "zh-CN")]
        lang: String,
    },
    /// List apps, with the limits that are their own
    List,
    /// Change what an app may use; prints the limits that are its own
    Limits(LimitsCommand),
    /// Print the secret with which a backend may sign rider tokens itself (base64)
    RiderSecret {
        /// Name of the app
        #[arg(long, default_value = "default")]
        app: String,
    },
    /// Give an app a new secret; prints only the secret, which is shown this once
    RotateSecret {
        /// rider (signs rider tokens) or callback (signs what we send)
        #[arg(long)]
        kind: String,
        /// Name of the app
        #[arg(long, default_value = "default")]
        app: String,
        /// Seconds for which the secret before it works on; 0 ends it at once
        #[arg(long, default_value_t = 86_400, value_parser = clap::value_parser!(i64).range(0..=GRACE_S_MAX))]
        grace_s: i64,
    },
}

/// Limits to change; 0 is no limit, `default` is the server's usual again.
#[derive(Args)]
pub(super) struct LimitsCommand {
    /// Name of the app
    #[arg(long)]
    app: String,
    /// Events a second for long
    #[arg(long, value_name = "N|default")]
    events_per_s: Option<Limit>,
    /// Events at once
    #[arg(long, value_name = "N|default")]
    burst: Option<Limit>,
    /// Rider sessions at one time
    #[arg(long, value_name = "N|default")]
    sessions: Option<Limit>,
    /// Characters that speech engines are asked for within a day
    #[arg(long, value_name = "N|default")]
    speech_characters_per_day: Option<Limit>,
}

/// A number, or the server's usual.
#[derive(Clone, Copy)]
struct Limit(Option<u32>);

impl std::str::FromStr for Limit {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "default" {
            return Ok(Self(None));
        }
        text.parse().map(|number| Self(Some(number)))
    }
}

/// Does it.
pub(super) async fn run(accounts: &Accounts, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Create { name, lang } => {
            let lang = Lang::parse(&lang).context("--lang is zh-CN, yue or en")?;
            print(&accounts.create_app_in(&name, lang).await?.to_string())
        }
        Command::List => {
            for app in accounts.apps().await? {
                let row = json!({"id": app.id, "name": app.name, "lang": app.lang,
                    "created_at": app.created_at.to_string(), "limits": app.limits});
                print(&row.to_string())?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Limits(changes) => {
            let app = app_named(accounts, &changes.app).await?;
            let limits = changes.over(app.app.limits);
            accounts.put_limits(app.app.id, limits).await?;
            print(&json!({"id": app.app.id, "limits": limits}).to_string())
        }
        Command::RiderSecret { app } => {
            let app = app_named(accounts, &app).await?;
            print(&Accounts::rider_secret(&app).context("the app has no rider secret")?)
        }
        Command::RotateSecret { kind, app, grace_s } => {
            let secret = AppSecret::parse(&kind).context("--kind is rider or callback")?;
            let app = app_named(accounts, &app).await?.app.id;
            print(&accounts.rotate_app(app, secret, grace_s * 1_000).await?.text)
        }
    }
}

impl LimitsCommand {
    /// These limits with what is named here changed.
    fn over(&self, own: AppLimits) -> AppLimits {
        let change = |named: Option<Limit>, own: Option<u32>| named.map_or(own, |Limit(limit)| limit);
        AppLimits {
            events_per_s: change(self.events_per_s, own.events_per_s),
            burst: change(self.burst, own.burst),
            sessions: change(self.sessions, own.sessions),
            speech_characters_per_day: change(self.speech_characters_per_day, own.speech_characters_per_day),
        }
    }
}
