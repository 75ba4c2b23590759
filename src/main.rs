//! The `orderbell` command; see [`orderbell::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    orderbell::cli::Cli::run()
}
