//! A voice that is quick, late, slow or hoarse, as the dice say. What it has made it keeps, as the clip folder does
//! over a restart.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use orderbell::domain::Sound;
use orderbell::speech::{Phrases, SayBudget, Sentence, SpeechError, Spoken, Voice};

use crate::simulation::dice::Dice;
use crate::simulation::ledger::{Fault, Ledger};

/// The phrases are compiled once for all worlds: they never change.
static PHRASES: OnceLock<Phrases> = OnceLock::new();
/// A sentence of the simulation.
pub(crate) const SENTENCE_MS: u32 = 3_000;
const TAIL_MS: u32 = 45_000;

/// The voice of a world.
pub(crate) struct LateVoice {
    ledger: Arc<Ledger>,
    dice: Mutex<Dice>,
    made: Mutex<BTreeSet<String>>,
}

impl LateVoice {
    pub(crate) fn new(ledger: Arc<Ledger>, dice: Dice) -> Self {
        Self { ledger, dice: Mutex::new(dice), made: Mutex::default() }
    }

    /// How long this making takes, and whether it works.
    fn throw(&self) -> (i64, Result<(), SpeechError>) {
        let mut dice = self.dice.lock().unwrap();
        if self.ledger.is_calm() {
            return (dice.between(20, 200), Ok(()));
        }
        match dice.between(0, 99) {
            0..70 => (dice.between(0, 300), Ok(())),
            70..90 => {
                self.ledger.injected(Fault::LateSpeech);
                (dice.between(600, 6_000), Ok(()))
            }
            _ => {
                self.ledger.injected(Fault::FailedSpeech);
                (dice.between(0, 2_000), Err(SpeechError::NoEngine))
            }
        }
    }
}

#[async_trait]
impl Voice for LateVoice {
    fn phrases(&self) -> &Phrases {
        PHRASES.get_or_init(Phrases::embedded)
    }

    async fn cached(&self, sentence: &Sentence) -> Option<Spoken> {
        let made = self.made.lock().unwrap();
        let said = sentence.said.encoded();
        made.contains(&said).then(|| spoken(&said))
    }

    async fn say(&self, sentence: &Sentence, _budget: SayBudget) -> Result<Spoken, SpeechError> {
        let (spent_ms, result) = self.throw();
        tokio::time::sleep(Duration::from_millis(u64::try_from(spent_ms).unwrap())).await;
        result?;
        self.made.lock().unwrap().insert(sentence.said.encoded());
        Ok(spoken(&sentence.said.encoded()))
    }

    fn cost(&self, sentence: &Sentence) -> u64 {
        let made = self.made.lock().unwrap().contains(&sentence.said.encoded());
        if made { 0 } else { sentence.said.characters() as u64 }
    }

    fn canned(&self, sentence: &Sentence) -> Sound {
        sound(&format!("/audio/canned/{}.mp3", sentence.kind), Canned::Yes)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Canned {
    Yes,
    No,
}

fn spoken(said: &str) -> Spoken {
    Spoken { sound: sound(&format!("/audio/0/{}.mp3", said.len()), Canned::No), engine: "sim".to_owned() }
}

fn sound(path: &str, canned: Canned) -> Sound {
    Sound {
        path: path.to_owned(),
        fallback_path: "/audio/canned/chime.mp3".to_owned(),
        mime: "audio/mpeg".to_owned(),
        bytes: 50_000,
        duration_ms: SENTENCE_MS + TAIL_MS,
        tail_ms: TAIL_MS,
        canned: canned == Canned::Yes,
        recipe: None,
    }
}
