//! MP3 as engines write it, back to samples: any rate, bit rate and number of channels, tags and tables left out.
//! The frames are found here and handed over one by one, so that no file makes more sound than we take.

use symphonia::core::codecs::audio::well_known::CODEC_ID_MP3;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};
use symphonia::default::codecs::MpaDecoder;

use super::super::pcm::DURATION_S_MAX;
use super::file;
use super::frame::Frame;

/// How far a frame is looked for: behind a tag, or where a file is damaged.
const SEARCH_BYTES: usize = 4096;
/// Frames that must follow each other before bytes that say nothing of themselves count as MP3.
const PROOF_FRAMES: usize = 3;
/// A file may have this many frames that cannot be decoded, and one more in fifty: each is 24 to 72 ms of silence.
const FAULTS_MAX: usize = 2;
const FAULTS_ONE_IN: usize = 50;
/// More than this before the frames that would outweigh them, and the file is given up at once.
const FAULTS_AT_ONCE: usize = 20;
/// A file is cut off when it has fewer frames than its own table says, by more than this and by one in twenty.
const MISSING_MAX: u32 = 4;

/// What a file sounds like: one channel, full scale at 1.
pub(in crate::audio) struct Decoded {
    /// The samples; a loud file may go beyond full scale.
    pub(in crate::audio) samples: Vec<f32>,
    /// How many of them are a second.
    pub(in crate::audio) rate_hz: u32,
}

/// Why an MP3 file has no sound for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mp3Fault {
    /// Not one whole frame in it.
    #[error("there is not one whole frame in it")]
    NoFrames,
    /// More of it is damaged than can be passed over.
    #[error("{faults} of its {frames} frames cannot be decoded")]
    Damaged {
        /// Frames that were read.
        frames: usize,
        /// Those that could not be decoded.
        faults: usize,
    },
    /// Its frames are not of one kind.
    #[error("its rate or its channels change in the middle")]
    Changes,
    /// It is shorter than its own table says.
    #[error("it is cut off: {found} of {declared} frames are there")]
    CutOff {
        /// Frames by its Xing, Info or VBRI table.
        declared: u32,
        /// Frames that are there.
        found: u32,
    },
    /// Longer than [`DURATION_S_MAX`] seconds.
    #[error("it is longer than {DURATION_S_MAX} s")]
    TooLong,
}

/// Whether bytes without any tag are MP3: some frames of one kind, each right behind the other.
pub(in crate::audio) fn begins_here(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    let mut first = None;
    for _proof in 0..PROOF_FRAMES {
        let Ok(frame) = Frame::read(rest) else { return false };
        if !first.get_or_insert(frame).is_like(frame) {
            return false;
        }
        match rest.get(frame.len..) {
            // Shorter than the proof: it must end with its last frame, or with tags.
            Some(after) if after.is_empty() || file::is_trailer(after) => return true,
            Some(after) => rest = after,
            None => return false,
        }
    }
    true
}

/// Decodes a file. A last frame that is cut is left out; whoever fetched the file knows whether it came whole.
pub(in crate::audio) fn decode(file: &[u8]) -> Result<Decoded, Mp3Fault> {
    let mut at = 0;
    while let Some(len) = file::id3v2_len(file.get(at..).unwrap_or_default()) {
        at += len;
    }
    at += next_frame(file.get(at..).unwrap_or_default()).ok_or(Mp3Fault::NoFrames)?;
    let first = Frame::read(file.get(at..).unwrap_or_default()).map_err(|_| Mp3Fault::NoFrames)?;
    let mut declared = None;
    if let Some(table) = file::table(file.get(at..).unwrap_or_default(), first) {
        declared = table.frames;
        at += first.len;
    }
    let mut work = Work::new(first).ok_or(Mp3Fault::NoFrames)?;
    while let Some(rest) = file.get(at..).filter(|rest| !rest.is_empty() && !file::is_trailer(rest)) {
        let Ok(frame) = Frame::read(rest) else {
            let Some(skip) = next_frame(rest) else { break };
            at += skip;
            work.fault()?;
            continue;
        };
        let Some(packet) = rest.get(..frame.len) else { break };
        work.take(frame, packet)?;
        at += frame.len;
    }
    work.finished(declared)
}

/// Bytes until the next place where frames follow each other.
fn next_frame(bytes: &[u8]) -> Option<usize> {
    (0..bytes.len().min(SEARCH_BYTES)).find(|at| bytes.get(*at..).is_some_and(begins_here))
}

/// A file half decoded.
struct Work {
    decoder: MpaDecoder,
    first: Frame,
    samples: Vec<f32>,
    // Of one frame, its channels interleaved.
    interleaved: Vec<f32>,
    frames: usize,
    faults: usize,
}

impl Work {
    fn new(first: Frame) -> Option<Self> {
        let mut parameters = AudioCodecParameters::default();
        parameters.for_codec(CODEC_ID_MP3);
        let decoder = MpaDecoder::try_new(&parameters, &AudioDecoderOptions::default()).ok()?;
        let (samples, interleaved) = (Vec::new(), Vec::new());
        Some(Self { decoder, first, samples, interleaved, frames: 0, faults: 0 })
    }

    fn take(&mut self, frame: Frame, packet: &[u8]) -> Result<(), Mp3Fault> {
        if !frame.is_like(self.first) {
            return Err(Mp3Fault::Changes);
        }
        let longest = self.first.rate_hz as usize * DURATION_S_MAX as usize;
        if self.samples.len() + frame.samples > longest {
            return Err(Mp3Fault::TooLong);
        }
        self.frames += 1;
        let packet = PacketRef::new(0, Timestamp::new(0), Duration::ZERO, packet);
        let before = self.samples.len();
        if let Ok(sound) = self.decoder.decode_ref(&packet) {
            sound.copy_to_vec_interleaved(&mut self.interleaved);
            if frame.mono {
                self.samples.extend_from_slice(&self.interleaved);
            } else {
                self.samples
                    .extend(self.interleaved.as_chunks::<2>().0.iter().map(|[a, b]| f32::midpoint(*a, *b)));
            }
        } else {
            self.fault()?;
        }
        // What could not be decoded is silent, and what follows stays in its place.
        self.samples.resize(before + frame.samples, 0.0);
        Ok(())
    }

    /// Counts one more place that cannot be decoded, and gives up where there are too many of them for any length.
    fn fault(&mut self) -> Result<(), Mp3Fault> {
        self.faults += 1;
        let (frames, faults) = (self.frames, self.faults);
        if faults > FAULTS_AT_ONCE + frames / FAULTS_ONE_IN {
            return Err(Mp3Fault::Damaged { frames, faults });
        }
        Ok(())
    }

    fn finished(self, declared: Option<u32>) -> Result<Decoded, Mp3Fault> {
        let Self { samples, frames, faults, first, .. } = self;
        if frames == 0 {
            return Err(Mp3Fault::NoFrames);
        }
        if faults > FAULTS_MAX + frames / FAULTS_ONE_IN {
            return Err(Mp3Fault::Damaged { frames, faults });
        }
        let found = u32::try_from(frames).unwrap_or(u32::MAX);
        match declared {
            Some(declared) if declared.saturating_sub(found) > MISSING_MAX.max(declared / 20) => {
                Err(Mp3Fault::CutOff { declared, found })
            }
            Some(_) | None => Ok(Decoded { samples, rate_hz: first.rate_hz }),
        }
    }
}
