//! What a hook is given beside its profile, on the command line: secrets and parameters.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::Value;

/// The secret that signs.
const MAIN: &str = "secret";

/// Secrets and parameters.
#[derive(Args)]
pub(super) struct KeyArgs {
    /// The sender's secret; more than one while it is rotated. What it is, `hook show` says: of basic authentication USER:PASSWORD
    #[arg(long = "secret", value_name = "S")]
    secrets: Vec<String>,
    /// The password with which a sender fetches tokens
    #[arg(long, value_name = "P")]
    password: Option<String>,
    /// What else the profile asks for, such as `dev_id=1500000001`
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    params: Vec<(String, String)>,
}

/// Secrets by name, and parameters by name.
pub(super) struct Given {
    pub(super) secrets: BTreeMap<String, Vec<String>>,
    pub(super) params: BTreeMap<String, String>,
}

impl KeyArgs {
    /// What was given, each under its name. What the profile declares a secret is one, however it was given.
    pub(super) fn given(self, profile: &Value) -> Given {
        let mut secrets = BTreeMap::new();
        if !self.secrets.is_empty() {
            secrets.insert(MAIN.to_owned(), self.secrets);
        }
        if let Some(password) = self.password {
            secrets.insert("password".to_owned(), vec![password]);
        }
        let mut params = BTreeMap::new();
        for (name, value) in self.params {
            if is_secret(profile, &name) {
                secrets.entry(name).or_insert_with(Vec::new).push(value);
            } else {
                params.insert(name, value);
            }
        }
        Given { secrets, params }
    }
}

fn is_secret(profile: &Value, name: &str) -> bool {
    name == MAIN || profile["params"][name]["secret"] == true
}

/// `NAME=VALUE`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("is NAME=VALUE")?;
    if name.is_empty() { Err("is NAME=VALUE".to_owned()) } else { Ok((name.to_owned(), value.to_owned())) }
}
