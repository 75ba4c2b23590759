//! `orderbell speech warm`: the parts of sentences, made before anybody needs them.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{Voice, lines_of};
use crate::app::VoiceDesk;
use crate::cli::print;
use crate::cli::progress::Progress;
use crate::config::{Config, FeeRange};
use crate::speech::free_text;

/// What is to be made.
#[derive(Args)]
pub(in crate::cli) struct Warm {
    #[command(flatten)]
    voice: Voice,
    /// Names of merchants, a line each; speech.prewarm.merchants otherwise
    #[arg(long, value_name = "FILE")]
    merchants: Option<PathBuf>,
    /// Fees in yuan, in steps of ten fen, such as 1-30; speech.prewarm.fees otherwise
    #[arg(long, value_name = "FROM-TO")]
    fees: Option<FeeRange>,
    /// Further texts, a line each
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,
}

impl Warm {
    /// Makes them, and tells how many; the exit code is 1 if some could not be made.
    pub(super) async fn run(self, config: &Config, desk: &VoiceDesk) -> anyhow::Result<ExitCode> {
        let usual = &config.speech.prewarm;
        let lang = self.voice.lang;
        let engine = self.voice.engine(desk)?;
        let merchants = match self.merchants {
            Some(path) => lines_of(&path)?,
            None if usual.merchants.as_os_str().is_empty() => Vec::new(),
            None => lines_of(&usual.merchants)?,
        };
        let mut parts = desk.parts_ahead(lang, &merchants, self.fees.or(usual.fees));
        for text in self.texts.as_deref().map(lines_of).transpose()?.unwrap_or_default() {
            parts.extend(free_text(&text, lang, &desk.lexicon(lang))?.said.parts().iter().cloned());
        }
        let mut progress = Progress::new("Parts");
        let report = desk.speech.warm(engine, lang, parts, |at| progress.show(at.done, at.total)).await;
        progress.end();
        let told = json!({
            "lang": lang.tag(),
            "asked": report.asked,
            "made": report.made,
            "failed": report.failed,
            "characters": report.characters,
        });
        print(&told.to_string())?;
        Ok(if report.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
