//! What a server makes once it listens, before anybody has asked for it: parts of sentences, in the background, at most
//! half of an engine's places at a time. What is kept from an earlier run costs nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;
use tracing::{info, warn};

use crate::config::{FeeRange, Prewarm};
use crate::domain::said::Part;
use crate::lifecycle::Lifecycle;
use crate::speech::ahead::AheadOf;
use crate::speech::warm::WarmProgress;
use crate::speech::{Lang, Lexicon, Speech};
use crate::telemetry::{Metric, Telemetry};

/// What it takes.
pub(super) struct Prewarming {
    pub(super) speech: Arc<Speech>,
    pub(super) lexicons: BTreeMap<Lang, Lexicon>,
    pub(super) telemetry: Telemetry,
    pub(super) lifecycle: Lifecycle,
}

/// The log is told of every tenth.
const TOLD: usize = 10;

impl Prewarming {
    /// Begins, if that is wanted; the receiver sees how far it is.
    pub(super) fn start(self, config: &Prewarm) -> watch::Receiver<WarmProgress> {
        let (sender, receiver) = watch::channel(WarmProgress::default());
        if config.enabled {
            let (config, lifecycle) = (config.clone(), self.lifecycle.clone());
            let _it_tells_its_end_itself = lifecycle.clone().spawn(async move {
                tokio::select! {
                    () = self.run(&config, &sender) => {}
                    () = lifecycle.draining() => info!("Making of parts ahead is cut short: the server stops."),
                }
            });
        }
        receiver
    }

    async fn run(&self, config: &Prewarm, sender: &watch::Sender<WarmProgress>) {
        let merchants = merchants(&config.merchants);
        let langs = config.languages.iter().filter_map(|tag| Lang::parse(tag));
        let mut lists: Vec<(Lang, Vec<Part>)> = Vec::new();
        for lang in langs {
            lists.push((lang, self.parts(lang, &merchants, config.fees)));
            // A few milliseconds each: others have their turn in between.
            tokio::task::yield_now().await;
        }
        let total: usize = lists.iter().map(|(_, parts)| parts.len()).sum();
        let left = self.telemetry.gauge(Metric::PrewarmPartsLeft);
        left.set(count(total));
        let (mut before, mut told) = (WarmProgress { total, ..WarmProgress::default() }, 0);
        let mut made = 0;
        for (lang, parts) in lists {
            let seen = |at: WarmProgress| {
                let (done, failed) = (before.done + at.done, before.failed + at.failed);
                left.set(count(total.saturating_sub(done)));
                sender.send_replace(WarmProgress { total, done, failed });
                if done * TOLD / total.max(1) > told {
                    told = done * TOLD / total.max(1);
                    info!(done, total, failed, "Parts of sentences are made ahead.");
                }
            };
            let report = self.speech.warm(None, lang, parts, seen).await;
            before.done += report.asked;
            before.failed += report.failed;
            made += report.made;
            if report.failed > 0 {
                warn!(
                    speech.lang = lang.tag(),
                    report.failed, report.asked, "Parts could not be made ahead."
                );
            }
        }
        left.set(0.0);
        sender.send_replace(WarmProgress { done: total, ..before });
        info!(total, made, failed = before.failed, "Parts of sentences are ready.");
    }

    fn parts(&self, lang: Lang, merchants: &[String], fees: Option<FeeRange>) -> Vec<Part> {
        let lexicon = self.lexicons.get(&lang).cloned().unwrap_or_default();
        let fees_cents = fees.map(FeeRange::cents);
        self.speech.warm_parts(lang, &AheadOf { merchants, fees_cents, own: &[], lexicon: &lexicon })
    }
}

/// A line each. The start has seen that the file is there.
fn merchants(path: &Path) -> Vec<String> {
    if path.as_os_str().is_empty() {
        return Vec::new();
    }
    match std::fs::read_to_string(path) {
        Ok(text) => text.lines().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        Err(error) => {
            warn!(file = %path.display(), %error, "Names of merchants cannot be read.");
            Vec::new()
        }
    }
}

/// For a gauge.
fn count(parts: usize) -> f64 {
    f64::from(u32::try_from(parts).unwrap_or(u32::MAX))
}
