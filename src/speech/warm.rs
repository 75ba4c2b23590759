//! Having parts ready before an order needs them: in the quiet hours, and never in the way of an alert.
//! What is kept already costs nothing and is only counted.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;

use super::engine::Speed;
use super::link::Link;
use super::parts::PartKey;
use super::script::Maker;
use super::{Lang, Speech};
use crate::domain::SoundProfile;
use crate::domain::said::Part;

/// How far warming is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct WarmProgress {
    /// Parts in all.
    pub total: usize,
    /// Parts that are seen to, one way or the other.
    pub done: usize,
    /// Of these, the failed.
    pub failed: usize,
}

/// What warming has come to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct WarmReport {
    /// Parts that were asked for, each once.
    pub asked: usize,
    /// Parts that were not there and are now.
    pub made: usize,
    /// Parts that could not be made.
    pub failed: usize,
    /// Characters that the engine was asked for.
    pub characters: u64,
}

/// What became of one part.
enum Warmed {
    Kept,
    Made(u64),
    Failed(u64),
}

/// Parts under way at one time: the engine's own share for this is smaller, and the rest waits here without a task.
const AT_ONCE: usize = 16;

impl Speech {
    /// Makes these parts in the voice of this engine, or of the first of the chain that speaks the language, at normal
    /// speed. It takes at most half of the engine's places.
    pub async fn warm(
        &self,
        engine: Option<&str>,
        lang: Lang,
        mut parts: Vec<Part>,
        mut progress: impl FnMut(WarmProgress) + Send,
    ) -> WarmReport {
        let mut seen = HashSet::new();
        parts.retain(|part| !part.text().is_empty() && seen.insert(part.clone()));
        let asked = parts.len();
        let mut report = WarmReport { asked, ..WarmReport::default() };
        let chosen = |link: &&Arc<Link>| engine.is_none_or(|name| name == link.name.as_ref());
        let speaks = |link: &&Arc<Link>| link.line(lang).is_some();
        let Some(link) = self.chain.links.iter().filter(speaks).find(chosen) else {
            report.failed = asked;
            return report;
        };
        let mut done = 0;
        let mut warming = stream::iter(parts.into_iter().map(|part| self.warm_one(link, lang, part)))
            .buffer_unordered(AT_ONCE);
        while let Some(warmed) = warming.next().await {
            done += 1;
            match warmed {
                Warmed::Kept => {}
                Warmed::Made(characters) => {
                    report.made += 1;
                    report.characters += characters;
                }
                Warmed::Failed(characters) => {
                    report.failed += 1;
                    report.characters += characters;
                }
            }
            progress(WarmProgress { total: asked, done, failed: report.failed });
        }
        report
    }

    async fn warm_one(&self, link: &Arc<Link>, lang: Lang, part: Part) -> Warmed {
        let Some(voice) = link.line(lang) else { return Warmed::Failed(0) };
        let characters = part.characters() as u64;
        let key = PartKey { line: Arc::clone(voice), lang, speed: link.speed(Speed::NORMAL), part };
        let kept = self.chain.parts.is_kept(&key);
        // Before the work begins, so that no alert ever joins a making that waits for its turn.
        let _place = if kept { None } else { link.warm_place().await };
        let maker = Maker::Engine(Arc::clone(link));
        let plain = self.chain.parts.frames(&key, SoundProfile::Plain, Some(&maker)).await;
        let made = match self.profile {
            SoundProfile::Plain => plain,
            SoundProfile::Street if plain.is_err() => plain,
            SoundProfile::Street => self.chain.parts.frames(&key, SoundProfile::Street, Some(&maker)).await,
        };
        match made {
            Ok(_) if kept => Warmed::Kept,
            Ok(_) => Warmed::Made(characters),
            Err(_) => Warmed::Failed(characters),
        }
    }
}
