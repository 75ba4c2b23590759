//! A clip as a rider's player gets it: chime, sentence once, silent tail, in one MP3 file that knows its length.
//! The tail keeps the player busy until the client has picked the next file. As WAV it has none: silence is 48 kB a second.

use bytes::{BufMut, Bytes, BytesMut};

use super::level::{LevelError, levelled};
use super::mp3::{self, FRAME_MS, LeadOut, Mp3Error, Mp3Frames};
use super::pcm::{Pcm, PcmError};

/// The longest tail, in milliseconds; a longer one is cut to this. Ten minutes are 600 kB.
pub const TAIL_MS_MAX: u32 = 600_000;

/// Between chime and sentence, as long as the codec makes it in an MP3.
const WAV_GAP_MS: u32 = 80;
const WAV_LEAD_OUT_MS: u32 = 100;

/// A whole file and its times. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComposedClip {
    /// The file.
    pub bytes: Bytes,
    /// Length of the whole file in milliseconds, exact.
    pub duration_ms: u32,
    /// Length of the silence at its end; the sentence ends at `duration_ms - tail_ms`.
    pub tail_ms: u32,
}

/// Why an engine's sound is not a sentence.
#[derive(Debug, thiserror::Error)]
pub enum SentenceError {
    /// Nothing is heard in it: ask another engine.
    #[error("the engine's sound is silent")]
    Silent,
    /// It cannot be brought to 24 kHz.
    #[error(transparent)]
    Pcm(#[from] PcmError),
    /// It cannot be measured.
    #[error(transparent)]
    Level(#[from] LevelError),
    /// It cannot be encoded.
    #[error(transparent)]
    Mp3(#[from] Mp3Error),
}

/// Makes the frames of a sentence from what an engine gave: resampled, trimmed, levelled, encoded. About 15 ms of work
/// for 3 s of sound: not for an async task.
///
/// # Errors
/// [`SentenceError::Silent`] when there is nothing to hear; the others when a step fails.
pub fn sentence(pcm: Pcm, lead_out: LeadOut) -> Result<Mp3Frames, SentenceError> {
    Ok(Mp3Frames::encoded(&spoken(pcm)?, lead_out)?)
}

/// The sound of a sentence at 24 kHz, trimmed and levelled.
///
/// # Errors
/// As [`sentence`], but nothing is encoded.
pub fn spoken(pcm: Pcm) -> Result<Pcm, SentenceError> {
    let trimmed = pcm.resampled_to(mp3::RATE_HZ)?.trimmed();
    if trimmed.samples().is_empty() {
        return Err(SentenceError::Silent);
    }
    Ok(levelled(trimmed)?)
}

/// Puts a file together. The tail is rounded up to whole frames of 24 ms and is at most [`TAIL_MS_MAX`]; no sound of
/// the sentence reaches into it, since its frames carry the codec's delay with them.
#[must_use]
pub fn compose(chime: &Mp3Frames, sentence: &Mp3Frames, tail_ms: u32) -> ComposedClip {
    let tail = Mp3Frames::silence(tail_ms.min(TAIL_MS_MAX).div_ceil(FRAME_MS));
    let body = Mp3Frames::joined(&[chime, sentence, &tail]);
    let mut bytes = BytesMut::with_capacity(mp3::HEADER_LEN + body.bytes().len());
    bytes.put_slice(&mp3::header(&body));
    bytes.put_slice(body.bytes());
    ComposedClip { bytes: bytes.freeze(), duration_ms: body.duration_ms(), tail_ms: tail.duration_ms() }
}

/// Puts a WAV file together: chime, sentence and 100 ms of silence, for players that drop a file's last samples. It has
/// no tail: 45 s of it would be 2 MB.
///
/// # Errors
/// [`PcmError::TooLong`] for a sentence of nearly ten minutes.
pub fn compose_wav(chime: &Pcm, sentence: &Pcm) -> Result<ComposedClip, PcmError> {
    let silence = |ms: u32| std::iter::repeat_n(0, (ms * mp3::RATE_HZ / 1000) as usize);
    let mut samples = chime.samples().to_vec();
    samples.extend(silence(WAV_GAP_MS));
    samples.extend(sentence.samples());
    samples.extend(silence(WAV_LEAD_OUT_MS));
    let whole = Pcm::new(samples, mp3::RATE_HZ)?;
    Ok(ComposedClip { bytes: whole.to_wav_bytes().into(), duration_ms: whole.duration_ms(), tail_ms: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_a_clip_are_those_of_its_frames() {
        let chime = Mp3Frames::silence(20);
        let words = Mp3Frames::silence(100);
        let clip = compose(&chime, &words, 45_000);
        assert_eq!((clip.duration_ms, clip.tail_ms), (120 * 24 + 45_000, 45_000));
        assert_eq!(clip.bytes.len(), 192 + (120 + 1_875) * 24);
        let read_back = Mp3Frames::from_file(&clip.bytes).unwrap();
        assert_eq!(read_back.duration_ms(), clip.duration_ms);
    }

    #[test]
    fn a_wav_is_chime_and_words_and_no_tail() {
        let sound = |count, value| Pcm::new(vec![value; count], 24_000).unwrap();
        let clip = compose_wav(&sound(9_600, 5), &sound(24_000, 7)).unwrap();
        assert_eq!((clip.duration_ms, clip.tail_ms), (400 + 80 + 1_000 + 100, 0));
        let read_back = Pcm::from_wav_bytes(&clip.bytes).unwrap();
        assert_eq!((read_back.rate_hz(), read_back.duration_ms()), (24_000, clip.duration_ms));
        assert_eq!(read_back.samples().iter().filter(|sample| **sample == 7).count(), 24_000);
    }

    #[test]
    fn the_tail_is_whole_frames_and_bounded() {
        let none = Mp3Frames::silence(0);
        let words = Mp3Frames::silence(1);
        assert_eq!(compose(&none, &words, 0).tail_ms, 0);
        assert_eq!(compose(&none, &words, 1).tail_ms, 24);
        assert_eq!(compose(&none, &words, u32::MAX).tail_ms, TAIL_MS_MAX);
    }

    #[test]
    fn an_engine_that_says_nothing_is_found_out() {
        let silent = Pcm::new(vec![2; 16_000], 16_000).unwrap();
        assert!(matches!(sentence(silent, LeadOut::End), Err(SentenceError::Silent)));
        let empty = Pcm::new(vec![], 22_050).unwrap();
        assert!(matches!(sentence(empty, LeadOut::End), Err(SentenceError::Silent)));
    }
}
