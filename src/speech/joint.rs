//! From an engine's sound to the frames of a part, and from frames to a clip: the calls of `audio` that speech makes.
//! One place, so that a part is made and joined in one way whoever asks.

use crate::audio::chime::{Chime, Chimes};
use crate::audio::clip::{ComposedClip, SentenceError, TAIL_MS_MAX, compose};
use crate::audio::level::levelled as level;
use crate::audio::mp3::{FRAME_MS, HEADER_LEN, LeadOut, Mp3Frames, RATE_HZ};
use crate::audio::pcm::{Pcm, PcmError};
use crate::domain::SoundProfile;
use crate::domain::sound::LEAD_IN_FRAMES;

use super::engine::EngineSound;

/// What an engine gave is no sound.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct DecodeError(#[from] PcmError);

/// The sound that an engine gave.
pub(super) fn decoded(sound: &EngineSound) -> Result<Pcm, DecodeError> {
    match sound.bare {
        None => Ok(Pcm::from_wav_bytes(&sound.bytes)?),
        Some(bare) => {
            let samples = sound.bytes.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair));
            Ok(Pcm::new(samples.collect(), bare.rate_hz)?)
        }
    }
}

/// The same as a part is kept: 24 kHz, trimmed, not levelled.
pub(super) fn dry(pcm: Pcm) -> Result<Pcm, SentenceError> {
    let trimmed = pcm.resampled_to(RATE_HZ)?.trimmed();
    if trimmed.samples().is_empty() { Err(SentenceError::Silent) } else { Ok(trimmed) }
}

/// A part levelled for these ears.
pub(super) fn levelled(dry: &Pcm, _profile: SoundProfile) -> Result<Pcm, SentenceError> {
    Ok(level(dry.clone())?)
}

/// The same as frames; as many in every profile.
pub(super) fn frames(dry: &Pcm, profile: SoundProfile) -> Result<Mp3Frames, SentenceError> {
    Ok(Mp3Frames::encoded(&levelled(dry, profile)?, LeadOut::Joint)?)
}

/// The chime of an urgency.
pub(super) fn chime(chimes: &Chimes, urgency: u8, _profile: SoundProfile) -> &Chime {
    chimes.of(urgency)
}

/// The chime of what nobody has answered.
pub(super) fn louder(chimes: &Chimes, _profile: SoundProfile) -> &Chime {
    chimes.louder()
}

/// How many frames of silence stand between a part and the next.
pub(super) fn pause_after(text: &str, _next: &str) -> u32 {
    if text.ends_with(['，', '。', ',', '.', '；', '！', '？', '、']) { 7 } else { 1 }
}

/// A file of pieces, each with the frames of silence after it.
pub(super) fn joined(pieces: &[(&Mp3Frames, u32)], tail_ms: u32, profile: SoundProfile) -> ComposedClip {
    let lead_in = Mp3Frames::silence(lead_in_frames(profile));
    let pauses: Vec<Mp3Frames> = pieces.iter().map(|(_, pause)| Mp3Frames::silence(*pause)).collect();
    let mut all = Vec::with_capacity(pieces.len() * 2);
    for ((frames, _), pause) in pieces.iter().zip(&pauses) {
        all.push(*frames);
        all.push(pause);
    }
    compose(&lead_in, &Mp3Frames::joined(&all), tail_ms)
}

/// Bytes, length and tail (ms) of such a file, of the plain profile, from (frames, pause) of its pieces.
pub(super) fn joined_len(pieces: &[(u32, u32)], tail_ms: u32) -> (u64, u32, u32) {
    let tail = tail_ms.min(TAIL_MS_MAX).div_ceil(FRAME_MS);
    let spoken: u32 = pieces.iter().map(|(frames, _)| frames).sum();
    let pauses: u32 = pieces.iter().map(|(_, pause)| pause).sum();
    let bytes = HEADER_LEN as u64 + u64::from(spoken) * 144 + u64::from(pauses + tail) * 24;
    (bytes, (spoken + pauses + tail) * FRAME_MS, tail * FRAME_MS)
}

fn lead_in_frames(profile: SoundProfile) -> u32 {
    match profile {
        SoundProfile::Plain => 0,
        SoundProfile::Street => LEAD_IN_FRAMES,
    }
}
