//! Makes the canned sentences: the slotless phrase of every kind that speaks, in every language.
//! A person may replace any of them by a recording (MP3, 24 kHz, mono).

use std::path::Path;

use anyhow::Context;

use crate::config::Config;
use crate::speech::canned::{canned_name, canned_sentence};
use crate::speech::espeak::{Espeak, EspeakLimits};
use crate::speech::{Lang, Phrases};

/// Writes `{folder}/{lang}/{kind}.mp3` for all of them; files that are there already are kept.
pub(super) async fn make(config: &Config, folder: &Path) -> anyhow::Result<()> {
    let limits = EspeakLimits { time: config.speech.engine_timeout, ..EspeakLimits::default() };
    let espeak = Espeak::detect(limits).await.context("espeak-ng makes the canned sentences")?;
    let phrases = Phrases::embedded();
    for lang in Lang::ALL {
        let place = folder.join(lang.tag());
        std::fs::create_dir_all(&place)?;
        for kind in phrases.kinds() {
            let path = place.join(format!("{}.mp3", canned_name(kind)));
            let Some(rendered) = phrases.slotless(kind, lang).filter(|_| !path.exists()) else { continue };
            let frames = canned_sentence(&espeak, &rendered.said.text(), rendered.lang).await?;
            std::fs::write(&path, frames.bytes()).with_context(|| format!("writing {}", path.display()))?;
            tracing::info!(file = %path.display(), said = %rendered.said, "Canned sentence made.");
        }
    }
    Ok(())
}
