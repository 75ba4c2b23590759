//! `orderbell keys`: API keys of an app. What makes a secret prints the secret and nothing else.

use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use serde_json::{Value, json};

use super::{GRACE_S_MAX, app_named, print};
use crate::dispatch::{Accounts, KeySecret, KeyWish};
use crate::domain::app::{ApiKey, KeyMode, Scope};
use crate::domain::{AppId, Secret};

/// What can be done with keys.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a key; prints only the key, which is shown this once
    Create {
        /// Its name, unique among the app's live keys
        #[arg(long)]
        name: String,
        /// What it may do: ingest, read, rider-token, riders, hooks, callbacks, admin
        #[arg(long, value_delimiter = ',', required = true)]
        scopes: Vec<String>,
        /// Name of the app
        #[arg(long, default_value = "default")]
        app: String,
        /// A test key: its events are marked, and no real rider is told
        #[arg(long)]
        test: bool,
    },
    /// List keys, with their ids, and what of their secrets works
    List {
        /// Name of the app
        #[arg(long, default_value = "default")]
        app: String,
    },
    /// End a live key with all its secrets
    Revoke {
        /// Its name
        #[arg(long)]
        name: String,
        /// Name of the app
        #[arg(long, default_value = "default")]
        app: String,
    },
    /// Give a live key a new secret; prints only the secret, which is shown this once
    Rotate {
        /// Its name
        #[arg(long)]
        name: String,
        /// Name of the app
        #[arg(long, default_value = "default")]
        app: String,
        /// The secret that signs requests (whsec_…), in place of the one that is sent along; the first time it makes one
        #[arg(long)]
        signing: bool,
        /// Seconds for which the secret before it works on; 0 ends it at once
        #[arg(long, default_value_t = 86_400, value_parser = clap::value_parser!(i64).range(0..=GRACE_S_MAX))]
        grace_s: i64,
    },
}

/// Does it.
pub(super) async fn run(accounts: &Accounts, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Create { name, scopes, app, test } => {
            let mode = if test { KeyMode::Test } else { KeyMode::Live };
            let app = app_named(accounts, &app).await?.app.id;
            let scopes: Option<Vec<Scope>> = scopes.iter().map(|word| Scope::parse(word.trim())).collect();
            let scopes = scopes.context(
                "--scopes is a list of ingest, read, rider-token, riders, hooks, callbacks, admin",
            )?;
            let wish = KeyWish { app, name, scopes, mode, signing: false };
            print(&accounts.make_key(wish).await?.secret)
        }
        Command::List { app } => {
            let app = app_named(accounts, &app).await?;
            for key in accounts.keys(app.app.id).await? {
                print(&view(&key).to_string())?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Revoke { name, app } => {
            let app = app_named(accounts, &app).await?.app.id;
            let key = live(accounts, app, &name).await?;
            accounts.revoke_key(app, key.id).await?;
            print(&json!({"revoked": key.id}).to_string())
        }
        Command::Rotate { name, app, signing, grace_s } => {
            let app = app_named(accounts, &app).await?.app.id;
            let key = live(accounts, app, &name).await?;
            let kind = if signing { KeySecret::Signing } else { KeySecret::Bearer };
            print(&accounts.rotate_key(app, key.id, kind, grace_s * 1_000).await?.text)
        }
    }
}

async fn live(accounts: &Accounts, app: AppId, name: &str) -> anyhow::Result<ApiKey> {
    let keys = accounts.keys(app).await?;
    let key = keys.into_iter().find(|key| key.name == name && key.revoked_at.is_none());
    key.with_context(|| format!("there is no live key {name}"))
}

fn view(key: &ApiKey) -> Value {
    let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    json!({
        "id": key.id,
        "name": key.name,
        "scopes": scopes,
        "mode": key.mode,
        "created_at": key.created_at.to_string(),
        "last_used_at": key.last_used_at.map(|at| at.to_string()),
        "revoked_at": key.revoked_at.map(|at| at.to_string()),
        "secrets": key.secrets.iter().map(secret_view).collect::<Vec<_>>(),
    })
}

fn secret_view(secret: &Secret) -> Value {
    json!({
        "kind": secret.kind.as_str(),
        "created_at": secret.created_at.to_string(),
        "until": secret.until.map(|until| until.to_string()),
    })
}
