//! A sentence as one engine would say it: how it is cut, under what each part is kept, and who makes it.
//! What people have recorded stands for the engine's own speech, for single parts and for the whole.

use std::sync::Arc;

use super::engine::{EngineError, EngineFailure, Speed};
use super::engines::recorded::Recorded;
use super::error::PartError;
use super::link::Link;
use super::parts::PartKey;
use super::sentence::Sentence;
use super::{Lang, Phrases};
use crate::audio::decode::decoded;
use crate::audio::part::dry;
use crate::audio::pcm::Pcm;
use crate::domain::Said;
use crate::domain::said::Part;

/// A sentence for one engine.
#[derive(Clone)]
pub(super) struct Script {
    pub(super) link: Arc<Link>,
    pub(super) said: Said,
    pub(super) spots: Vec<Spot>,
    lang: Lang,
    speed: Speed,
    // As it is cut where nothing is recorded.
    bare: Said,
}

/// A part in its place.
#[derive(Clone)]
pub(super) struct Spot {
    pub(super) key: PartKey,
    pub(super) maker: Maker,
}

/// Who makes a part.
#[derive(Clone)]
pub(super) enum Maker {
    /// An engine.
    Engine(Arc<Link>),
    /// Somebody has said it once, to be heard beside this engine.
    Recording(Arc<Recorded>, Arc<str>),
}

impl Script {
    /// What this engine would say; `None` if it does not speak the language.
    pub(super) fn of(
        link: &Arc<Link>,
        sentence: &Sentence,
        phrases: &Phrases,
        recorded: Option<&Arc<Recorded>>,
    ) -> Option<Self> {
        let (lang, speed) = (sentence.lang, link.speed(sentence.speed));
        let bare = link.cut(sentence, phrases);
        let line_of = |text: &str| recorded?.line_for(&link.name, lang, text);
        let said = if line_of(&bare.text()).is_some() { bare.joined() } else { bare.clone() };
        let spot = |part: &Part| {
            let Some((recorded, mark)) = recorded.zip(line_of(part.text())) else {
                return Spot::engine(link, lang, speed, part);
            };
            let key = recorded_key(&mark, lang, part);
            Some(Spot { key, maker: Maker::Recording(Arc::clone(recorded), Arc::clone(&link.name)) })
        };
        let spots = said.parts().iter().map(spot).collect::<Option<Vec<Spot>>>()?;
        Some(Self { link: Arc::clone(link), said, spots, lang, speed, bare })
    }

    /// The same by the engine alone; `None` if it is that already.
    pub(super) fn without_recordings(&self) -> Option<Self> {
        let has_some = self.spots.iter().any(Spot::is_recorded);
        let spot = |part: &Part| Spot::engine(&self.link, self.lang, self.speed, part);
        let spots = || self.bare.parts().iter().map(spot).collect::<Option<Vec<Spot>>>();
        let spots = has_some.then(spots)??;
        Some(Self { said: self.bare.clone(), spots, ..self.clone() })
    }

    /// Whether people say all of it.
    pub(super) fn is_recorded(&self) -> bool {
        self.spots.iter().all(Spot::is_recorded)
    }

    /// The line of the recording that stands for each part; none if there is none at all.
    pub(super) fn recordings(&self) -> Vec<String> {
        if !self.spots.iter().any(Spot::is_recorded) {
            return Vec::new();
        }
        let line = |spot: &Spot| match &spot.maker {
            Maker::Engine(_) => String::new(),
            Maker::Recording(..) => spot.key.line.as_ref().to_owned(),
        };
        self.spots.iter().map(line).collect()
    }
}

impl Spot {
    fn engine(link: &Arc<Link>, lang: Lang, speed: Speed, part: &Part) -> Option<Self> {
        let voice = Arc::clone(link.line(lang)?);
        let key = PartKey { line: voice, lang, speed, part: part.clone() };
        Some(Self { key, maker: Maker::Engine(Arc::clone(link)) })
    }

    pub(super) fn is_recorded(&self) -> bool {
        matches!(self.maker, Maker::Recording(..))
    }
}

/// A recording is as fast as it is.
pub(super) fn recorded_key(line: &str, lang: Lang, part: &Part) -> PartKey {
    PartKey { line: line.into(), lang, speed: Speed::NORMAL, part: part.clone() }
}

impl Maker {
    /// Makes the dry sound of a part.
    pub(super) async fn speak(
        &self,
        key: &PartKey,
        threads: &Arc<tokio::sync::Semaphore>,
    ) -> Result<Pcm, PartError> {
        let (recorded, beside) = match self {
            Self::Engine(link) => return link.speak(key, threads).await,
            Self::Recording(recorded, beside) => (Arc::clone(recorded), Arc::clone(beside)),
        };
        let (lang, text) = (key.lang, key.part.text().to_owned());
        let _thread = threads.acquire().await.ok();
        let work = move || {
            let Some(sound) = recorded.sound_for(&beside, lang, &text) else {
                let gone = EngineError::new(EngineFailure::Broken, "the recording cannot be read any more");
                return Err(PartError::Engine(gone));
            };
            Ok(dry(decoded(&sound.bytes, None)?)?)
        };
        tokio::task::spawn_blocking(work).await?
    }
}
