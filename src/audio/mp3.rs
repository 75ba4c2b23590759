//! MP3 at one format only: MPEG-2 Layer III, 24 kHz, mono, so that frames of different clips can stand in one file.
//! Frames are joined as bytes and never decoded; a Xing header in front tells players the length and the way to seek.

use bytes::{BufMut, Bytes, BytesMut};
use shine_rs::{Mp3Encoder, Mp3EncoderConfig, StereoMode};

use self::frame::Frame;
use super::pcm::Pcm;

mod file;
mod frame;
mod stuffing;
mod xing;

pub use self::frame::FrameError;
pub use self::xing::{HEADER_LEN, constant_header, header};

/// The one sample rate, in Hz.
pub const RATE_HZ: u32 = 24_000;
/// Samples in one frame.
pub const FRAME_SAMPLES: u32 = 576;
/// Length of one frame in milliseconds; exact, since 24 kHz divides.
pub const FRAME_MS: u32 = 24;
/// One frame of digital silence: an 8 kbit/s header, and side information and data all zero.
pub const SILENT_FRAME: [u8; 24] =
    [0xff, 0xf3, 0x14, 0xc4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// What speech is encoded with, in kbit/s: clean for speech at 24 kHz (31 dB SNR), 6 kB a second.
const SPEECH_KBPS: u32 = 48;
/// The encoder writes everything 9/8 (1.02 dB) too loud, at every pitch and level (measured against ffmpeg): its input
/// is made softer by as much, or the peaks we limited would clip in the decoder.
const ENCODER_GAIN: (i32, i32) = (9, 8);
/// Silence added so that nothing is left in the codec's memory: sound comes out 1,057 samples late, and its last
/// window spreads over one more frame; without that frame the next part would cut into it.
const CODEC_MEMORY: usize = 1_057 + 576 + 31;
/// Silence added at the end of a clip: players drop the last frames of a file, and 70 ms of speech with them.
const CLIP_LEAD_OUT: usize = 2_400;

/// Whole frames at 24 kHz mono that need nothing from before them. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mp3Frames {
    bytes: Bytes,
    count: u32,
}

/// What follows the sound that is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeadOut {
    /// More sound: only what leaves the codec empty is added (70 ms, up to a whole frame).
    Joint,
    /// The end of the speech: 100 ms, up to a whole frame.
    End,
}

/// Why there are no frames.
#[derive(Debug, thiserror::Error)]
pub enum Mp3Error {
    /// The sound is not at 24 kHz: resample it first.
    #[error("sound at {0} Hz cannot be encoded, only at {RATE_HZ} Hz")]
    Rate(u32),
    /// The encoder failed or gave other frames than asked for.
    #[error("the MP3 encoder failed: {0}")]
    Encoder(String),
    /// A recorded file is not an MP3, or not one that can be joined with ours: record it again as the text says.
    #[error("the MP3 cannot be used: {0}")]
    File(#[from] FrameError),
}

impl Mp3Frames {
    /// Encodes sound at 24 kHz as 48 kbit/s. Takes about 3 ms per second of sound: not for an async task.
    ///
    /// # Errors
    /// [`Mp3Error::Rate`] for sound at another rate, [`Mp3Error::Encoder`] when the encoder fails.
    pub fn encoded(pcm: &Pcm, lead_out: LeadOut) -> Result<Self, Mp3Error> {
        Self::encoded_at(pcm, lead_out, SPEECH_KBPS)
    }

    /// The same at another bit rate, for sounds that are barely there.
    pub(super) fn encoded_at(pcm: &Pcm, lead_out: LeadOut, kbps: u32) -> Result<Self, Mp3Error> {
        if pcm.rate_hz() != RATE_HZ {
            return Err(Mp3Error::Rate(pcm.rate_hz()));
        }
        let failed = |error: shine_rs::EncoderError| Mp3Error::Encoder(error.to_string());
        let pad = match lead_out {
            LeadOut::Joint => CODEC_MEMORY,
            LeadOut::End => CLIP_LEAD_OUT,
        };
        let whole = (pcm.samples().len() + pad).next_multiple_of(FRAME_SAMPLES as usize);
        let mut samples: Vec<i16> = pcm.samples().iter().copied().map(as_loud_when_decoded).collect();
        samples.resize(whole, 0);

        let config = Mp3EncoderConfig::new()
            .sample_rate(RATE_HZ)
            .bitrate(kbps)
            .channels(1)
            .stereo_mode(StereoMode::Mono);
        let mut encoder = Mp3Encoder::new(config).map_err(failed)?;
        let (mut bytes, mut lengths) = (Vec::new(), Vec::new());
        for samples in samples.chunks_exact(FRAME_SAMPLES as usize) {
            bytes.extend(encoder.encode_interleaved(samples).map_err(failed)?.concat());
            lengths.push(stuffing::main_data_bits(encoder.shine_config()));
        }
        bytes.extend(encoder.finish().map_err(failed)?);
        let mut from = 0;
        for length in lengths {
            let Some(rest) = bytes.get_mut(from..) else { break };
            from += Frame::read(rest)?.len;
            stuffing::declare(rest, length);
        }
        let frames = Self::checked(bytes.into())?;
        if frames.count as usize != whole / FRAME_SAMPLES as usize {
            return Err(Mp3Error::Encoder(format!("{whole} samples became {} frames", frames.count)));
        }
        Ok(frames)
    }

    /// Takes a recorded MP3 file, leaving out its ID3 tags and its Xing or Info frame. The recording is not levelled.
    ///
    /// # Errors
    /// [`Mp3Error::File`] when it is not whole, not 24 kHz, not mono, or cut out of a longer file.
    pub fn from_file(bytes: &Bytes) -> Result<Self, Mp3Error> {
        Ok(Self::checked(file::frames_of(bytes)?)?)
    }

    /// `count` frames of digital silence, 24 bytes and 24 ms each.
    #[must_use]
    pub fn silence(count: u32) -> Self {
        Self { bytes: SILENT_FRAME.repeat(count as usize).into(), count }
    }

    /// Several parts as one, byte after byte.
    #[must_use]
    pub fn joined(parts: &[&Self]) -> Self {
        let mut bytes = BytesMut::with_capacity(parts.iter().map(|part| part.bytes.len()).sum());
        for part in parts {
            bytes.put_slice(&part.bytes);
        }
        Self { bytes: bytes.freeze(), count: parts.iter().map(|part| part.count).sum() }
    }

    /// The frames from `from` on, `count` of them, as far as there are. Only for frames of our own encoder: those of
    /// others may need what came before.
    pub(super) fn slice(&self, from: u32, count: u32) -> Self {
        let ends: Vec<usize> = std::iter::once(0).chain(self.ends()).collect();
        let end_of = |frame: u32| ends.get(frame as usize).copied().unwrap_or(self.bytes.len());
        let to = from.saturating_add(count).min(self.count);
        let from = from.min(to);
        Self { bytes: self.bytes.slice(end_of(from)..end_of(to)), count: to - from }
    }

    /// The bytes of all frames, without a header in front.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// How many frames.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Length in milliseconds, exact; up to 49 days.
    #[must_use]
    pub fn duration_ms(&self) -> u32 {
        self.count.saturating_mul(FRAME_MS)
    }

    /// Where each frame ends, in bytes from the first.
    fn ends(&self) -> impl Iterator<Item = usize> {
        let mut at = 0;
        std::iter::from_fn(move || {
            at += Frame::read(self.bytes.get(at..)?).ok()?.len;
            Some(at)
        })
    }

    /// Counts the frames, and makes sure that each is whole, ours in format, and needs nothing from before the first.
    fn checked(bytes: Bytes) -> Result<Self, FrameError> {
        let mut rest: &[u8] = &bytes;
        let mut count = 0_u32;
        let mut before = 0_usize;
        while !rest.is_empty() {
            let frame = Frame::read(rest)?;
            frame.joinable(rest, before)?;
            before += frame.main_data_len();
            rest = rest.get(frame.len..).ok_or(FrameError::CutOff)?;
            count = count.saturating_add(1);
        }
        if count == 0 {
            return Err(FrameError::NoSync);
        }
        Ok(Self { bytes, count })
    }
}

/// A sample, made softer by what the encoder makes louder.
fn as_loud_when_decoded(sample: i16) -> i16 {
    let (over, under) = ENCODER_GAIN;
    i16::try_from(i32::from(sample) * under / over).unwrap_or(sample)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn noise(seed: u32, count: usize) -> Pcm {
        let mut state = seed | 1;
        let samples = (0..count)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                i16::from_be_bytes([state.to_be_bytes()[0], state.to_be_bytes()[1]])
            })
            .collect();
        Pcm::new(samples, RATE_HZ).unwrap()
    }

    /// `main_data_begin` of every frame: the first byte of the side information.
    fn backward_needs(frames: &Mp3Frames) -> Vec<u8> {
        let starts = std::iter::once(0).chain(frames.ends()).take(frames.count() as usize);
        starts.map(|at| frames.bytes()[at + 4]).collect()
    }

    #[test]
    fn our_frames_are_all_of_one_length_and_never_need_the_one_before() {
        let frames = Mp3Frames::encoded(&noise(7, 48_000), LeadOut::End).unwrap();
        assert_eq!(frames.bytes().len(), frames.count() as usize * 144);
        assert_eq!(frames.count(), (48_000 + 2_400_u32).div_ceil(FRAME_SAMPLES));
        assert_eq!(backward_needs(&frames), vec![0; frames.count() as usize]);
    }

    #[test]
    fn parts_are_joined_byte_by_byte_and_cut_at_frames() {
        let one = Mp3Frames::encoded(&noise(1, 5_000), LeadOut::Joint).unwrap();
        let two = Mp3Frames::silence(3);
        let all = Mp3Frames::joined(&[&one, &two, &one]);
        assert_eq!(all.count(), one.count() * 2 + 3);
        assert_eq!(all.duration_ms(), all.count() * 24);
        assert_eq!(all.slice(one.count(), 3), two);
        assert_eq!(all.slice(one.count() + 3, 99), one);
        assert_eq!(all.slice(99, 1).count(), 0);
    }

    #[test]
    fn sound_at_another_rate_is_refused() {
        let pcm = Pcm::new(vec![0; 100], 16_000).unwrap();
        assert!(matches!(Mp3Frames::encoded(&pcm, LeadOut::End), Err(Mp3Error::Rate(16_000))));
    }

    #[test]
    fn the_silent_frame_is_what_its_header_says() {
        let silence = Mp3Frames::checked(SILENT_FRAME.repeat(5).into()).unwrap();
        assert_eq!(silence, Mp3Frames::silence(5));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn no_sound_breaks_the_encoder(seed in any::<u32>(), count in 0_usize..6_000, loud in any::<bool>()) {
            let mut pcm = noise(seed, count);
            if loud {
                let square = pcm.samples().iter().map(|s| if *s < 0 { i16::MIN } else { i16::MAX }).collect();
                pcm = Pcm::new(square, RATE_HZ).unwrap();
            }
            let frames = Mp3Frames::encoded(&pcm, LeadOut::Joint).unwrap();
            prop_assert_eq!(frames.bytes().len(), frames.count() as usize * 144);
            prop_assert!(backward_needs(&frames).iter().all(|need| *need == 0));
        }
    }
}
