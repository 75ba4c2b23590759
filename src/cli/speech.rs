//! `orderbell speech`: hear what riders hear, and make it before they need it. Works on the server's data folder, beside
//! it or without it: what is made here is found there.

mod listen;
mod say;
mod warm;

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::Place;
use crate::app::VoiceDesk;
use crate::config::Config;
use crate::domain::SoundProfile;
use crate::speech::Lang;

/// What can be done with the voice.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Speak one sentence, through the same chain of engines as for an alert; prints what was said, by whom, how fast
    Say(say::Say),
    /// Make the parts of sentences before anybody needs them; prints how many. A server on this folder finds them
    Warm(warm::Warm),
    /// Write samples of every configured engine side by side, with a page to listen to and their measured loudness
    Listen(listen::Listen),
}

/// Which voice.
#[derive(Args)]
struct Voice {
    /// Language: zh-CN, yue, en
    #[arg(long, default_value = "zh-CN", value_parser = lang)]
    lang: Lang,
    /// Name of the engine; the first of the chain otherwise
    #[arg(long, value_name = "ENGINE")]
    voice: Option<String>,
}

/// Does it.
pub(super) async fn run(config: &Config, place: Place, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Say(say) => {
            let desk = VoiceDesk::open(config, place.data).await?;
            let done = say.run(&desk).await;
            desk.close().await;
            done
        }
        Command::Warm(warm) => {
            let desk = VoiceDesk::open(config, place.data).await?;
            let done = warm.run(config, &desk).await;
            desk.close().await;
            done
        }
        Command::Listen(listen) => listen.run(config, place.data).await,
    }
}

impl Voice {
    /// The name, if it is one of the chain.
    fn engine(&self, desk: &VoiceDesk) -> anyhow::Result<Option<&str>> {
        let Some(name) = self.voice.as_deref() else { return Ok(None) };
        let known: Vec<String> = desk.speech.voices().into_iter().map(|voice| voice.name).collect();
        anyhow::ensure!(
            known.iter().any(|known| known == name),
            "--voice {name}: no engine of that name is in speech.chain; there are {}",
            known.join(", ")
        );
        Ok(Some(name))
    }
}

fn lang(text: &str) -> Result<Lang, String> {
    Lang::parse(text).ok_or_else(|| "zh-CN, yue or en".to_owned())
}

fn profile(text: &str) -> Result<SoundProfile, String> {
    SoundProfile::parse(text).ok_or_else(|| "plain or street".to_owned())
}

/// The lines of a file that say something.
fn lines_of(path: &std::path::Path) -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}
