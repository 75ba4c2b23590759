//! The canned clips: what sounds where speech is late or missing. Each kind that speaks has one in each language.

use super::super::Finding;
use crate::audio::canned::CannedClips;
use crate::config::Config;
use crate::speech::canned::{canned_name, shipped_clips};
use crate::speech::{Lang, Phrases};

/// Looks at what this program ships.
pub(super) fn look(config: &Config) -> Finding {
    let tail_ms = u32::try_from(config.speech.tail.as_millis()).unwrap_or(u32::MAX);
    match shipped_clips(tail_ms) {
        Ok(clips) => judge(&clips, &Phrases::embedded()),
        Err(error) => {
            let found = format!("{:#}", anyhow::Error::new(error));
            Finding::fail("voice.canned", found, "this program is damaged: build it again")
        }
    }
}

fn judge(clips: &CannedClips, phrases: &Phrases) -> Finding {
    let spoken = |lang: Lang| {
        phrases
            .kinds()
            .filter(move |kind| phrases.slotless(kind, lang).is_some())
            .map(move |kind| (lang, kind))
    };
    let all: Vec<(Lang, &str)> = Lang::ALL.into_iter().flat_map(spoken).collect();
    let missing: Vec<String> = all
        .iter()
        .filter(|(lang, kind)| !clips.has(lang.tag(), &canned_name(kind)))
        .map(|(lang, kind)| format!("{}/{kind}", lang.tag()))
        .collect();
    if missing.is_empty() {
        let found = format!("{} sentences, every kind in {} languages", all.len(), Lang::ALL.len());
        return Finding::ok("voice.canned", found);
    }
    let found = format!("{} of {} are missing: {}", missing.len(), all.len(), missing.join(", "));
    Finding::warn("voice.canned", found, "their chime sounds alone: assets/make-canned.sh makes them")
}

#[cfg(test)]
mod tests {
    use super::judge;
    use crate::audio::canned::CannedClips;
    use crate::audio::chime::Chimes;
    use crate::doctor::Level;
    use crate::speech::Phrases;
    use crate::speech::canned::shipped_clips;

    #[test]
    fn what_is_missing_is_named() {
        let phrases = Phrases::embedded();
        assert_eq!(judge(&shipped_clips(0).unwrap(), &phrases).level, Level::Ok);
        let none = CannedClips::new([], &Chimes::new().unwrap(), 0).unwrap();
        let finding = judge(&none, &phrases);
        assert!(finding.level == Level::Warn && finding.found.contains("/order.new"), "{finding:?}");
    }
}
