//! espeak-ng as an engine like the others: readings become pinyin in the text, and what it says of a text or of itself
//! becomes what the chain goes by.

use std::path::Path;

use async_trait::async_trait;
use tokio::time::timeout;

use super::{EngineSetupError, pinyin};
use crate::config::engines::EspeakEngine as Config;
use crate::domain::said::Part;
use crate::speech::Lang;
use crate::speech::engine::{Engine, EngineError, EngineFailure, EngineRequest, EngineSound};
use crate::speech::espeak::{Advice, Espeak, EspeakError, EspeakLimits};
use crate::speech::normalise::SAID_CHARS_MAX;

/// The local engine.
pub struct EspeakEngine {
    espeak: Espeak,
    /// Part of what is heard: dictionaries change between versions.
    version: String,
}

impl EspeakEngine {
    /// Speaks with this program, which says this of itself ([`Espeak::version`]).
    #[must_use]
    pub fn new(espeak: Espeak, version: &str) -> Self {
        // "eSpeak NG text-to-speech: 1.51  Data at: /usr/lib/…": where the data lie is not heard.
        let version = version.split("Data at").next().unwrap_or_default();
        let version = version.rsplit(':').find(|words| !words.trim().is_empty()).unwrap_or("unknown");
        Self { espeak, version: version.trim().to_owned() }
    }

    /// Finds the program, by its path or in the search path, and listens to its voices.
    ///
    /// # Errors
    /// [`EngineSetupError`]: it is not there, or has no Mandarin voice.
    pub async fn open(config: &Config, limits: EspeakLimits) -> Result<Self, EngineSetupError> {
        let found = if config.program.is_empty() {
            Espeak::detect(limits).await
        } else {
            Espeak::at(Path::new(&config.program), limits).await
        };
        let invalid = |error: EspeakError| EngineSetupError::Invalid(format!("program: {error}"));
        let espeak = found.map_err(invalid)?;
        let version = espeak.version().await.map_err(invalid)?;
        Ok(Self::new(espeak, &version))
    }
}

#[async_trait]
impl Engine for EspeakEngine {
    fn kind(&self) -> &'static str {
        "espeak"
    }

    fn voice(&self, lang: Lang) -> Option<String> {
        self.espeak.voice(lang).map(|voice| format!("espeak-ng {} {voice}", self.version))
    }

    fn is_local(&self) -> bool {
        true
    }

    async fn speak(&self, request: &EngineRequest<'_>) -> Result<EngineSound, EngineError> {
        let text = written(request.part, request.lang);
        let spoken = timeout(request.deadline, self.espeak.speak(&text, request.lang, request.speed)).await;
        let late = |_| {
            let detail = format!("espeak-ng did not finish within {:?}", request.deadline);
            EngineError::new(EngineFailure::Broken, detail)
        };
        let wav = spoken.map_err(late)?.map_err(failure)?;
        Ok(EngineSound { bytes: wav.into(), bare: None })
    }
}

/// The text with its readings as it takes them, `请到 yin2 hang2 取餐`. Cantonese has other readings than pinyin, and a
/// text that grows too long with them is better read without than not at all.
fn written(part: &Part, lang: Lang) -> String {
    match lang {
        Lang::ZhCn => {
            let written = pinyin::written(part, |_, syllables| format!(" {} ", syllables.join(" ")));
            if written.chars().count() > SAID_CHARS_MAX { part.text().to_owned() } else { written }
        }
        Lang::Yue | Lang::En => part.text().to_owned(),
    }
}

fn failure(error: EspeakError) -> EngineError {
    let failure = match error.advice() {
        Advice::Retry => EngineFailure::Retry,
        Advice::ChangeText => EngineFailure::BadText,
        Advice::UseAnother => EngineFailure::Configuration,
    };
    EngineError::new(failure, error.to_string()).because(error)
}
