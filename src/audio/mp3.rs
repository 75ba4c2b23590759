//! MP3 at one format only: MPEG-2 Layer III, 24 kHz, mono, so that frames of different clips can stand in one file.
//! Frames are joined as bytes and never decoded; a Xing header in front tells players the length and the way to seek.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use shine_rs::{Mp3Encoder, Mp3EncoderConfig, StereoMode};

use self::frame::Frame;
use super::pcm::Pcm;

mod decoder;
mod file;
mod frame;
mod stuffing;
mod xing;

pub use self::decoder::Mp3Fault;
pub(super) use self::decoder::{begins_here, decode};
pub use self::frame::FrameError;
pub(super) use self::xing::header;
pub use self::xing::{HEADER_LEN, constant_header};

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
/// How late sound comes out of encoder and decoder together, in samples: a frame of overlap, and both filter banks.
const CODEC_DELAY: usize = 1_057;
/// How far a sample spreads behind its place when the encoder's filter bank has split it: half the bank and its ripple.
const FILTER_REACH: usize = 288;
/// Silence before the sound. With it the first frame holds nothing but that silence, and is left out; sound begins that
/// much (10 ms) earlier in the frames.
const LEAD_IN: usize = FRAME_SAMPLES as usize - 240;

/// Whole frames at 24 kHz mono that need nothing from before them. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mp3Frames {
    bytes: Bytes,
    count: u32,
    runs: Arc<[Run]>,
}

/// Frames of one length, one behind the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// How many.
    pub(super) count: u32,
    /// Bytes of each.
    pub(super) frame_len: usize,
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
    /// Encodes sound at 24 kHz as 48 kbit/s. Behind the sound there is as much silence as the codec needs to be done with
    /// it, 24 to 48 ms, so that frames of any other sound may follow. Takes about 3 ms per second of sound: not for an
    /// async task.
    ///
    /// # Errors
    /// [`Mp3Error::Rate`] for sound at another rate, [`Mp3Error::Encoder`] when the encoder fails.
    pub fn encoded(pcm: &Pcm) -> Result<Self, Mp3Error> {
        // A frame plays together with half of the next one, so one more than the sound reaches into; the first, which
        // is silent, is left out again.
        let count = (LEAD_IN + pcm.samples().len() + FILTER_REACH).div_ceil(FRAME_SAMPLES as usize);
        Self::encoded_as(pcm, Shape { lead_in: LEAD_IN, skipped: 1, count, kbps: SPEECH_KBPS })
    }

    /// Sound that was decoded from `count` frames of ours and changed, as just as many frames, each at its place.
    pub(super) fn encoded_in_place(decoded: &Pcm, count: u32) -> Result<Self, Mp3Error> {
        // What is skipped at the front stands before any sound, and takes back what codec and skipped frame move it by.
        let late = CODEC_DELAY - FRAME_SAMPLES as usize;
        let in_place = decoded.samples().get(late..).unwrap_or_default().to_vec();
        let in_place =
            Pcm::new(in_place, decoded.rate_hz()).map_err(|_| Mp3Error::Rate(decoded.rate_hz()))?;
        Self::encoded_as(
            &in_place,
            Shape { lead_in: 0, skipped: 1, count: count as usize, kbps: SPEECH_KBPS },
        )
    }

    /// Encodes as many frames as `shape` says; what the sound has beyond them is cut off.
    pub(super) fn encoded_as(pcm: &Pcm, shape: Shape) -> Result<Self, Mp3Error> {
        if pcm.rate_hz() != RATE_HZ {
            return Err(Mp3Error::Rate(pcm.rate_hz()));
        }
        let failed = |error: shine_rs::EncoderError| Mp3Error::Encoder(error.to_string());
        let mut samples = vec![0; shape.lead_in];
        samples.extend(pcm.samples().iter().copied().map(as_loud_when_decoded));
        let wanted = shape.skipped + shape.count;
        samples.resize(wanted * FRAME_SAMPLES as usize, 0);

        let config = Mp3EncoderConfig::new()
            .sample_rate(RATE_HZ)
            .bitrate(shape.kbps)
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
        if frames.count as usize != wanted {
            return Err(Mp3Error::Encoder(format!("{wanted} frames became {}", frames.count)));
        }
        Ok(frames.without_first(shape.skipped))
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
        let runs = [Run { count, frame_len: SILENT_FRAME.len() }];
        Self { bytes: SILENT_FRAME.repeat(count as usize).into(), count, runs: Arc::new(runs) }
    }

    /// Several parts as one, byte after byte.
    #[must_use]
    pub fn joined(parts: &[&Self]) -> Self {
        let mut bytes = BytesMut::with_capacity(parts.iter().map(|part| part.bytes.len()).sum());
        for part in parts {
            bytes.put_slice(&part.bytes);
        }
        let runs = parts.iter().flat_map(|part| part.runs.iter().copied()).collect();
        Self { bytes: bytes.freeze(), count: parts.iter().map(|part| part.count).sum(), runs }
    }

    /// Whether they are what our encoder makes of a part: 48 kbit/s, and none needs the one before.
    pub(super) fn is_of_parts(&self) -> bool {
        let len = (SPEECH_KBPS * 3) as usize;
        matches!(*self.runs, [Run { frame_len, .. }] if frame_len == len)
            && self.bytes.chunks_exact(len).all(|frame| frame.get(4) == Some(&0))
    }

    /// The samples that a decoder makes of the frames, late by what the codec takes.
    pub(super) fn decoded(&self) -> Result<Vec<f32>, Mp3Fault> {
        Ok(decoder::decode(&self.bytes)?.samples)
    }

    /// The frames but for the first `skipped`. Only for frames of our own encoder: those of others may need what came
    /// before.
    fn without_first(self, skipped: usize) -> Self {
        let Some(&[Run { count, frame_len }]) = self.runs.as_array() else { return self };
        let skipped = skipped.min(count as usize);
        let count = count - u32::try_from(skipped).unwrap_or(count);
        let bytes = self.bytes.slice(skipped * frame_len..);
        Self { bytes, count, runs: Arc::new([Run { count, frame_len }]) }
    }

    /// The lengths of the frames.
    pub(super) fn runs(&self) -> &[Run] {
        &self.runs
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

    /// Counts the frames, and makes sure that each is whole, ours in format, and needs nothing from before the first.
    fn checked(bytes: Bytes) -> Result<Self, FrameError> {
        let mut rest: &[u8] = &bytes;
        let mut runs: Vec<Run> = Vec::new();
        let mut before = 0_usize;
        while !rest.is_empty() {
            let frame = Frame::read(rest)?;
            frame.joinable(rest, before)?;
            before += frame.main_data_len();
            rest = rest.get(frame.len..).ok_or(FrameError::CutOff)?;
            match runs.last_mut() {
                Some(run) if run.frame_len == frame.len => run.count = run.count.saturating_add(1),
                Some(_) | None => runs.push(Run { count: 1, frame_len: frame.len }),
            }
        }
        if runs.is_empty() {
            return Err(FrameError::NoSync);
        }
        Ok(Self { bytes, count: runs.iter().map(|run| run.count).sum(), runs: runs.into() })
    }
}

/// How a sound is laid into frames.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Samples of silence before it.
    pub(super) lead_in: usize,
    /// Frames left out at the beginning.
    pub(super) skipped: usize,
    /// Frames that stay.
    pub(super) count: usize,
    /// Bit rate.
    pub(super) kbps: u32,
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
        frames.bytes().chunks(144).map(|frame| frame[4]).collect()
    }

    #[test]
    fn our_frames_are_all_of_one_length_and_never_need_the_one_before() {
        let frames = Mp3Frames::encoded(&noise(7, 48_000)).unwrap();
        assert_eq!(frames.bytes().len(), frames.count() as usize * 144);
        let padding = frames.count() * FRAME_SAMPLES - 48_000;
        assert!((576..1_200).contains(&padding), "{padding} samples");
        assert_eq!(backward_needs(&frames), vec![0; frames.count() as usize]);
    }

    #[test]
    fn parts_are_joined_byte_by_byte_and_cut_at_frames() {
        let one = Mp3Frames::encoded(&noise(1, 5_000)).unwrap();
        let two = Mp3Frames::silence(3);
        let all = Mp3Frames::joined(&[&one, &two, &one]);
        assert_eq!(all.count(), one.count() * 2 + 3);
        assert_eq!(all.duration_ms(), all.count() * 24);
        assert_eq!(all.runs().len(), 3);
        assert_eq!(two.clone().without_first(1), Mp3Frames::silence(2));
        assert_eq!(two.without_first(99).count(), 0);
    }

    #[test]
    fn sound_at_another_rate_is_refused() {
        let pcm = Pcm::new(vec![0; 100], 16_000).unwrap();
        assert!(matches!(Mp3Frames::encoded(&pcm), Err(Mp3Error::Rate(16_000))));
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
            let frames = Mp3Frames::encoded(&pcm).unwrap();
            prop_assert_eq!(frames.bytes().len(), frames.count() as usize * 144);
            prop_assert!(backward_needs(&frames).iter().all(|need| *need == 0));
        }
    }
}
