//! The canned sentences that ship with Orderbell, and how they were made.
//! They sound where speech is late or broken; see `assets/make-canned.sh`.

use std::sync::OnceLock;

use rust_embed::RustEmbed;

use super::Lang;
use super::engine::Speed;
use super::error::{PartError, VoiceError};
use super::espeak::{Espeak, EspeakError};
use crate::audio::canned::CannedClips;
use crate::audio::chime::Chimes;
use crate::audio::decode::decoded;
use crate::audio::mp3::Mp3Frames;
use crate::audio::part;
use crate::domain::SoundProfile;

/// The files.
#[derive(RustEmbed)]
#[folder = "assets/canned"]
struct CannedFiles;

/// Why a canned sentence cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CannedSentenceError {
    /// The engine could not.
    #[error("espeak-ng failed")]
    Engine(#[from] EspeakError),
    /// What it gave is no sentence.
    #[error(transparent)]
    Sound(#[from] PartError),
}

/// The sentence of a canned clip: speech only, without chime or tail, as it is committed.
///
/// # Errors
/// [`CannedSentenceError`].
pub async fn canned_sentence(
    espeak: &Espeak,
    said: &str,
    lang: Lang,
) -> Result<Mp3Frames, CannedSentenceError> {
    let wav = espeak.speak(said, lang, Speed::NORMAL).await?;
    let pcm = decoded(&wav, None).map_err(PartError::from)?;
    let frames = part::dry(pcm).and_then(|dry| part::frames(&dry, SoundProfile::Plain));
    Ok(frames.map_err(PartError::from)?)
}

/// The canned clips of this program, as a server with this silence at their end serves them.
///
/// # Errors
/// [`VoiceError`], which no input causes.
pub fn shipped_clips(tail_ms: u32) -> Result<CannedClips, VoiceError> {
    Ok(CannedClips::new(canned_files(), chimes()?, tail_ms)?)
}

/// The chimes: the same for ever, so they are made once in a process.
pub(super) fn chimes() -> Result<&'static Chimes, VoiceError> {
    static CHIMES: OnceLock<Chimes> = OnceLock::new();
    if let Some(chimes) = CHIMES.get() {
        return Ok(chimes);
    }
    let made = Chimes::new()?;
    Ok(CHIMES.get_or_init(|| made))
}

/// A kind in a file name: dots would look like extensions.
#[must_use]
pub fn canned_name(kind: &str) -> String {
    kind.replace('.', "_")
}

fn canned_files() -> impl Iterator<Item = (String, String, bytes::Bytes)> {
    CannedFiles::iter().filter_map(|path| {
        let (lang, file) = path.split_once('/')?;
        let kind = file.strip_suffix(".mp3")?;
        let data = CannedFiles::get(&path)?.data;
        Some((lang.to_owned(), kind.to_owned(), bytes::Bytes::from(data.into_owned())))
    })
}
