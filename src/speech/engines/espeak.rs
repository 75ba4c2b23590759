//! espeak-ng as an engine like the others.
//! What it says of a text or of itself becomes what the chain goes by.

use async_trait::async_trait;

use crate::speech::Lang;
use crate::speech::engine::{Engine, EngineError, EngineFailure, EngineRequest, EngineSound};
use crate::speech::espeak::{Advice, Espeak, EspeakError};

/// The local engine.
pub struct EspeakEngine(Espeak);

impl EspeakEngine {
    /// Speaks with this program.
    #[must_use]
    pub fn new(espeak: Espeak) -> Self {
        Self(espeak)
    }
}

#[async_trait]
impl Engine for EspeakEngine {
    fn kind(&self) -> &'static str {
        "espeak"
    }

    fn voice(&self, lang: Lang) -> Option<String> {
        self.0.voice(lang).map(|voice| format!("espeak-ng {voice}"))
    }

    fn is_local(&self) -> bool {
        true
    }

    async fn speak(&self, request: &EngineRequest<'_>) -> Result<EngineSound, EngineError> {
        let wav = self.0.speak(request.part.text(), request.lang, request.speed).await.map_err(failure)?;
        Ok(EngineSound { bytes: wav.into(), bare: None })
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
