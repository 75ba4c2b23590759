//! A clip as a rider's player gets it: chime, parts of the sentence with their pauses, silent tail, in one MP3 file that
//! knows its length. Frames are joined as bytes: the work is that of copying them, however long the sentence is.
//! The tail keeps the player busy until the client has picked the next file. As WAV it has none: silence is 48 kB a second.

use bytes::{BufMut, Bytes, BytesMut};

use super::mp3::{self, FRAME_MS, Mp3Frames, RATE_HZ, Run, SILENT_FRAME};
use super::pcm::{Pcm, PcmError};
use crate::domain::SoundProfile;
use crate::domain::sound::LEAD_IN_FRAMES;

/// The longest tail, in milliseconds; a longer one is cut to this. Ten minutes are 600 kB.
pub const TAIL_MS_MAX: u32 = 600_000;
/// Frames of silence between chime and sentence, beside what the codec adds: 48 ms.
pub const AFTER_CHIME_FRAMES: u32 = 2;

/// Silence between the last word and the tail: players drop the last frames of a file, and the end of a word with them.
const LEAD_OUT_FRAMES: u32 = 3;
/// Bytes of one frame of a part: 48 kbit/s.
const PART_FRAME_LEN: u64 = 144;
/// Silence that the codec leaves between two parts, on average, in milliseconds; a WAV has it as well.
const CODEC_GAP_MS: u32 = 36;
/// What a joint has of silence by itself: the codec's, and what trimming keeps at both ends.
const JOINT_MS: u32 = CODEC_GAP_MS + 24;
/// Pauses of speech, in milliseconds.
const SENTENCE_PAUSE_MS: u32 = 300;
const COMMA_PAUSE_MS: u32 = 180;
const LIST_PAUSE_MS: u32 = 120;

/// A part and how many frames of silence stand behind it, beside those that the codec needs.
pub type Piece<'a> = (&'a Mp3Frames, u32);

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

/// The numbers of a clip that need not be made for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClipLen {
    /// Size of the file.
    pub bytes: u64,
    /// Length of the whole file in milliseconds.
    pub duration_ms: u32,
    /// Length of the silence at its end in milliseconds.
    pub tail_ms: u32,
}

/// Puts a file together: for the street its lead-in, then the pieces, 72 ms of silence, and the tail, which is rounded up
/// to whole frames of 24 ms and is at most [`TAIL_MS_MAX`]. Some microseconds of work.
#[must_use]
pub fn joined(profile: SoundProfile, pieces: &[Piece<'_>], tail_ms: u32) -> ComposedClip {
    let tail_frames = tail_frames(tail_ms);
    let mut runs = vec![silence(lead_in_frames(profile))];
    for (part, pause) in pieces {
        runs.extend_from_slice(part.runs());
        runs.push(silence(*pause));
    }
    runs.push(silence(LEAD_OUT_FRAMES.saturating_add(tail_frames)));
    let len: usize = runs.iter().map(|run| run.count as usize * run.frame_len).sum();
    let mut bytes = BytesMut::with_capacity(mp3::HEADER_LEN + len);
    bytes.put_slice(&mp3::header(&runs));
    put_silence(&mut bytes, lead_in_frames(profile));
    for (part, pause) in pieces {
        bytes.put_slice(part.bytes());
        put_silence(&mut bytes, *pause);
    }
    put_silence(&mut bytes, LEAD_OUT_FRAMES.saturating_add(tail_frames));
    let frames = runs.iter().fold(0_u32, |sum, run| sum.saturating_add(run.count));
    ComposedClip {
        bytes: bytes.freeze(),
        duration_ms: frames.saturating_mul(FRAME_MS),
        tail_ms: tail_frames * FRAME_MS,
    }
}

/// The numbers of the plain clip that [`joined`] makes of parts that [`super::part::frames`] made, from the frames of
/// each and its pause. [`crate::domain::Sound::in_profile`] knows those of other profiles.
#[must_use]
pub fn joined_len(pieces: impl IntoIterator<Item = (u32, u32)>, tail_ms: u32) -> ClipLen {
    let (spoken, silent) =
        pieces.into_iter().fold((0_u32, LEAD_OUT_FRAMES), |(spoken, silent), (frames, pause)| {
            (spoken.saturating_add(frames), silent.saturating_add(pause))
        });
    let tail_frames = tail_frames(tail_ms);
    let silent = silent.saturating_add(tail_frames);
    ClipLen {
        bytes: mp3::HEADER_LEN as u64
            + u64::from(spoken) * PART_FRAME_LEN
            + u64::from(silent) * SILENT_FRAME.len() as u64,
        duration_ms: spoken.saturating_add(silent).saturating_mul(FRAME_MS),
        tail_ms: tail_frames * FRAME_MS,
    }
}

/// Puts a WAV file together from levelled sounds at 24 kHz, with pauses as long as an MP3 has them. It ends with 72 ms of
/// silence and has no tail: 45 s of it would be 2 MB.
///
/// # Errors
/// [`PcmError::TooLong`] for a sentence of nearly ten minutes.
pub fn joined_wav(profile: SoundProfile, pieces: &[(&Pcm, u32)]) -> Result<ComposedClip, PcmError> {
    let silence = |ms: u32| std::iter::repeat_n(0, (ms * RATE_HZ / 1000) as usize);
    let mut samples: Vec<i16> = silence(lead_in_frames(profile) * FRAME_MS).collect();
    for (part, pause) in pieces {
        samples.extend(part.samples());
        samples.extend(silence(CODEC_GAP_MS + pause * FRAME_MS));
    }
    samples.extend(silence(LEAD_OUT_FRAMES * FRAME_MS));
    let whole = Pcm::new(samples, RATE_HZ)?;
    Ok(ComposedClip { bytes: whole.to_wav_bytes().into(), duration_ms: whole.duration_ms(), tail_ms: 0 })
}

/// The pause between a part and the next, in frames of silence, beside what a joint has by itself (some 60 ms): as long as
/// the punctuation between them wants, and none where there is none. Parts are trimmed, so no engine has made it.
#[must_use]
pub fn pause_after(text: &str, next: &str) -> u32 {
    let mark = |mark: char| match mark {
        '。' | '！' | '？' | '；' | '.' | '!' | '?' | ';' | '…' => SENTENCE_PAUSE_MS,
        '，' | '：' | ',' | ':' | '—' => COMMA_PAUSE_MS,
        '、' => LIST_PAUSE_MS,
        _no_pause => 0,
    };
    let behind = text.trim_end().chars().next_back().map_or(0, mark);
    let before = next.trim_start().chars().next().map_or(0, mark);
    behind.max(before).saturating_sub(JOINT_MS) / FRAME_MS
}

fn lead_in_frames(profile: SoundProfile) -> u32 {
    match profile {
        SoundProfile::Plain => 0,
        SoundProfile::Street => LEAD_IN_FRAMES,
    }
}

fn tail_frames(tail_ms: u32) -> u32 {
    tail_ms.min(TAIL_MS_MAX).div_ceil(FRAME_MS)
}

fn silence(count: u32) -> Run {
    Run { count, frame_len: SILENT_FRAME.len() }
}

/// Silence is copied in blocks: a tail is some two thousand frames.
const BLOCK_FRAMES: usize = 256;
static BLOCK: [[u8; SILENT_FRAME.len()]; BLOCK_FRAMES] = [SILENT_FRAME; BLOCK_FRAMES];

fn put_silence(bytes: &mut BytesMut, frames: u32) {
    let mut left = frames as usize;
    while left > 0 {
        let now = left.min(BLOCK_FRAMES);
        bytes.put_slice(BLOCK.get(..now).unwrap_or_default().as_flattened());
        left -= now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: SoundProfile = SoundProfile::Plain;

    #[test]
    fn the_times_of_a_clip_are_those_of_its_frames() {
        let (chime, words) = (Mp3Frames::silence(20), Mp3Frames::silence(100));
        let clip = joined(PLAIN, &[(&chime, 2), (&words, 5)], 45_000);
        assert_eq!((clip.duration_ms, clip.tail_ms), (130 * 24 + 45_000, 45_000));
        assert_eq!(clip.bytes.len(), 192 + (130 + 1_875) * 24);
        let read_back = Mp3Frames::from_file(&clip.bytes).unwrap();
        assert_eq!(read_back.duration_ms(), clip.duration_ms);
    }

    #[test]
    fn the_numbers_of_a_clip_are_known_without_making_it() {
        let part = |count| Mp3Frames::encoded(&Pcm::new(vec![100; count], RATE_HZ).unwrap()).unwrap();
        let parts = [part(9_000), part(500), part(40_000)];
        let pieces: Vec<Piece<'_>> = parts.iter().zip([2, 0, 7]).collect();
        for tail_ms in [0, 1, 45_000, u32::MAX] {
            let clip = joined(PLAIN, &pieces, tail_ms);
            let len = joined_len(pieces.iter().map(|(part, pause)| (part.count(), *pause)), tail_ms);
            assert_eq!((len.bytes, len.duration_ms), (clip.bytes.len() as u64, clip.duration_ms));
            assert_eq!(len.tail_ms, clip.tail_ms);
            let street = joined(SoundProfile::Street, &pieces, tail_ms);
            assert_eq!(street.bytes.len(), clip.bytes.len() + 408);
            assert_eq!(street.duration_ms, clip.duration_ms + 408);
        }
    }

    #[test]
    fn a_wav_is_its_parts_and_their_pauses_and_no_tail() {
        let sound = |count, value| Pcm::new(vec![value; count], RATE_HZ).unwrap();
        let clip =
            joined_wav(SoundProfile::Street, &[(&sound(9_600, 5), 2), (&sound(24_000, 7), 0)]).unwrap();
        assert_eq!((clip.duration_ms, clip.tail_ms), (408 + 400 + 84 + 1_000 + 36 + 72, 0));
        let read_back = Pcm::from_wav_bytes(&clip.bytes).unwrap();
        assert_eq!((read_back.rate_hz(), read_back.duration_ms()), (RATE_HZ, clip.duration_ms));
        assert_eq!(read_back.samples().iter().filter(|sample| **sample == 7).count(), 24_000);
    }

    #[test]
    fn the_tail_is_whole_frames_and_bounded() {
        let words = Mp3Frames::silence(1);
        let tail_ms = |tail_ms| joined(PLAIN, &[(&words, 0)], tail_ms).tail_ms;
        assert_eq!([tail_ms(0), tail_ms(1), tail_ms(u32::MAX)], [0, 24, TAIL_MS_MAX]);
    }

    #[test]
    fn pauses_follow_the_punctuation_on_either_side() {
        assert_eq!(pause_after("您有新的美团订单，", "尾号"), 5);
        assert_eq!(pause_after("八六零七", "，请及时取餐"), 5);
        assert_eq!(pause_after("请及时取餐。", "距离"), 10);
        assert_eq!(pause_after("一", "、二"), 2);
        assert_eq!(pause_after("尾号", "八"), 0);
        assert_eq!(pause_after("八", "六"), 0);
        assert_eq!(pause_after("New order, ", "number"), 5);
        assert_eq!(pause_after("", ""), 0);
    }
}
