//! `orderbell hook`: the profiles that turn foreign webhooks into events. Listing, showing and trying them needs no server,
//! no data folder and no target.

mod add;
mod answer;
mod keys;
mod profile;
mod show;
mod test;

use std::process::ExitCode;

use clap::Subcommand;

use super::Place;
use crate::config::Config;

/// Wrong usage, or a profile that cannot be used: as for wrong arguments.
const EX_USAGE: u8 = 2;

/// What can be done with hooks.
#[derive(Subcommand)]
pub(super) enum Command {
    /// List the presets, and the hooks of the data folder if there is one
    List,
    /// Print a preset: what it covers and what not, how to set it up, and its profile (TOML)
    Show(show::Show),
    /// Try a profile on the body of a request (stdin); prints the events it makes and the answer the sender gets
    Test(test::Test),
    /// Make a hook in the data folder; prints only its path. A server on that folder knows it at once
    Add(add::Add),
}

/// Does it.
pub(super) async fn run(config: &Config, place: Place, command: Command) -> anyhow::Result<ExitCode> {
    let done = match command {
        Command::List => show::list(config, place.data).await,
        Command::Show(show) => show.run(),
        Command::Test(test) => test.run(config),
        Command::Add(add) => add.run(config, place.data).await,
    };
    match done {
        Err(error) if error.is::<profile::Unusable>() => {
            super::complain(&error);
            Ok(ExitCode::from(EX_USAGE))
        }
        other => other,
    }
}
