//! Keep-alive files: long sound that nobody hears, so that a phone does not stop a mini-program in the background.
//! Any length is a head and a repeated block; nothing is encoded when a file is asked for.

use bytes::Bytes;

use super::format::Format;
use super::mp3::{self, Mp3Error, Mp3Frames, Shape};
use super::pcm::{Pcm, sixteen_bit};
use super::virtual_file::{CHUNK_LEN_MAX, VirtualFile};
use super::wav::{self, BitDepth};
use super::{m4a, mp3::FRAME_MS};

/// The shortest file, in seconds.
pub const SECONDS_MIN: u32 = 1;
/// The longest file, in seconds: an hour is longer than any client waits before it takes the next.
pub const SECONDS_MAX: u32 = 3_600;

/// Noise at -70 dBFS RMS: inaudible on a phone's speaker, and yet not the digital silence that a battery saver may
/// look for.
const NOISE_AMPLITUDE: f64 = 0.000_316 * 1.732;
/// The codec keeps no more of noise at 16 kbit/s than it must: 1.9 dB are lost, and this brings it to -70.3 (measured with ffmpeg).
const NOISE_LOST_IN_MP3: f64 = 1.2;
/// A hum of 30 Hz at -60 dBFS, below what a phone's speaker can give.
const TONE_AMPLITUDE: f64 = 0.001;
const TONE_HZ: f64 = 30.0;
/// One turn of the repeated MP3 noise and tone: 125 frames are 3 s, whole periods of the tone.
const TURN_FRAMES: u32 = 125;
/// Noise and tone need more than the 8 kbit/s of silence, and no more than this.
const AUDIBLE_KBPS: u32 = 16;
const WAV_RATE_HZ: u32 = 8_000;

/// What the file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Digital silence: the smallest.
    Zero,
    /// Noise at -70 dBFS.
    Noise,
    /// 30 Hz at -60 dBFS.
    Tone,
}

/// Why there is no such keep-alive file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SilenceError {
    /// A length outside [`SECONDS_MIN`]..=[`SECONDS_MAX`].
    #[error("a keep-alive file lasts {SECONDS_MIN} to {SECONDS_MAX} s, not {0}")]
    Length(u32),
    /// M4A is made without an encoder, which only works for silence: ask for MP3 or WAV.
    #[error("M4A keep-alive files can only be digital silence")]
    ZeroOnly,
}

/// The repeated blocks of all keep-alive files, made once: about 100 kB. Cheap to clone.
#[derive(Debug, Clone)]
pub struct KeepAlive {
    m4a: Bytes,
    mp3: Blocks,
    wav: Blocks,
}

/// A block for each kind, and how many bytes of it play for one frame (MP3) or second (WAV).
#[derive(Debug, Clone)]
struct Blocks {
    zero: Block,
    noise: Block,
    tone: Block,
}

#[derive(Debug, Clone)]
struct Block {
    bytes: Bytes,
    unit: u32,
}

impl Kind {
    /// The kind of a query parameter's value, if it is one.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "zero" => Some(Self::Zero),
            "noise" => Some(Self::Noise),
            "tone" => Some(Self::Tone),
            _foreign => None,
        }
    }
}

impl KeepAlive {
    /// Makes the blocks; about 40 ms of work.
    ///
    /// # Errors
    /// [`Mp3Error`] when the encoder fails on noise or tone, which no input causes.
    pub fn new() -> Result<Self, Mp3Error> {
        let zero_frames = CHUNK_LEN_MAX / mp3::SILENT_FRAME.len();
        let mp3 = Blocks {
            zero: Block { bytes: mp3::SILENT_FRAME.repeat(zero_frames).into(), unit: 24 },
            noise: looped(&noise(TURN_FRAMES * mp3::FRAME_SAMPLES, NOISE_AMPLITUDE * NOISE_LOST_IN_MP3))?,
            tone: looped(&tone(TURN_FRAMES * mp3::FRAME_SAMPLES, mp3::RATE_HZ))?,
        };
        let wav = Blocks {
            zero: Block { bytes: vec![0x80; CHUNK_LEN_MAX].into(), unit: WAV_RATE_HZ },
            noise: plain(&noise(WAV_RATE_HZ, NOISE_AMPLITUDE)),
            tone: plain(&tone(WAV_RATE_HZ, WAV_RATE_HZ)),
        };
        let m4a = m4a::SILENT_FRAME.repeat(CHUNK_LEN_MAX / m4a::SILENT_FRAME.len()).into();
        Ok(Self { m4a, mp3, wav })
    }

    /// The file of `seconds` length. M4A and WAV last exactly that, MP3 up to 24 ms more.
    ///
    /// # Errors
    /// [`SilenceError`] for a length out of bounds, and for an M4A that is not [`Kind::Zero`].
    pub fn file(&self, format: Format, kind: Kind, seconds: u32) -> Result<VirtualFile, SilenceError> {
        if !(SECONDS_MIN..=SECONDS_MAX).contains(&seconds) {
            return Err(SilenceError::Length(seconds));
        }
        match (format, kind) {
            (Format::M4a, Kind::Zero) => Ok(self.m4a(seconds)),
            (Format::M4a, Kind::Noise | Kind::Tone) => Err(SilenceError::ZeroOnly),
            (Format::Mp3, kind) => Ok(mp3_file(self.mp3.of(kind), seconds)),
            (Format::Wav, kind) => Ok(wav_file(self.wav.of(kind), seconds)),
        }
    }

    fn m4a(&self, seconds: u32) -> VirtualFile {
        let data_len = u64::from(m4a::frame_count(seconds)) * m4a::SILENT_FRAME.len() as u64;
        VirtualFile::new(m4a::head(seconds).into(), self.m4a.clone(), data_len, Format::M4a, seconds * 1000)
    }
}

impl Blocks {
    fn of(&self, kind: Kind) -> &Block {
        match kind {
            Kind::Zero => &self.zero,
            Kind::Noise => &self.noise,
            Kind::Tone => &self.tone,
        }
    }
}

fn mp3_file(block: &Block, seconds: u32) -> VirtualFile {
    let frames = (seconds * 1000).div_ceil(FRAME_MS);
    let head = Bytes::copy_from_slice(&mp3::constant_header(frames, block.unit));
    let body_len = u64::from(frames) * u64::from(block.unit);
    VirtualFile::new(head, block.bytes.clone(), body_len, Format::Mp3, frames * FRAME_MS)
}

fn wav_file(block: &Block, seconds: u32) -> VirtualFile {
    let depth = if block.unit == WAV_RATE_HZ { BitDepth::Eight } else { BitDepth::Sixteen };
    let data_len = seconds * block.unit;
    let head = Bytes::copy_from_slice(&wav::header(WAV_RATE_HZ, depth, data_len));
    VirtualFile::new(head, block.bytes.clone(), u64::from(data_len), Format::Wav, seconds * 1000)
}

/// One turn of a sound as MP3 frames that follow themselves without a seam: encoded twice in a row, and the second
/// turn taken, whose first frame has the end of the first in the encoder's memory.
fn looped(turn: &[i16]) -> Result<Block, Mp3Error> {
    let pcm = Pcm::new(turn.repeat(2), mp3::RATE_HZ).map_err(|error| Mp3Error::Encoder(error.to_string()))?;
    let count = TURN_FRAMES as usize;
    let shape = Shape { lead_in: 0, skipped: count, count, kbps: AUDIBLE_KBPS };
    let turn = Mp3Frames::encoded_as(&pcm, shape)?;
    Ok(Block { bytes: turn.bytes().clone(), unit: AUDIBLE_KBPS * 3 })
}

/// One turn of a sound as 16-bit samples; eight bits cannot hold anything so soft.
fn plain(turn: &[i16]) -> Block {
    Block { bytes: turn.iter().flat_map(|sample| sample.to_le_bytes()).collect(), unit: WAV_RATE_HZ * 2 }
}

fn noise(count: u32, amplitude: f64) -> Vec<i16> {
    // A plain linear generator: nobody hears it, and every start must make the same bytes.
    let mut state = 0x0b3d_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let share = f64::from(state) / f64::from(u32::MAX) * 2.0 - 1.0;
        sixteen_bit(share * amplitude)
    };
    (0..count).map(next).collect()
}

fn tone(count: u32, rate_hz: u32) -> Vec<i16> {
    let phase = |n: u32| f64::from(n) * TONE_HZ * std::f64::consts::TAU / f64::from(rate_hz);
    (0..count).map(|n| sixteen_bit(phase(n).sin() * TONE_AMPLITUDE)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(file: &VirtualFile) -> Vec<u8> {
        file.read(0..u64::MAX).collect::<Vec<_>>().concat()
    }

    #[test]
    fn every_length_is_as_long_as_it_says() {
        let keep_alive = KeepAlive::new().unwrap();
        for seconds in [1, 2, 7, 128, 599, 600, 3_600] {
            let file = |format| keep_alive.file(format, Kind::Zero, seconds).unwrap();
            assert_eq!(file(Format::M4a).duration_ms(), seconds * 1000);
            assert_eq!(file(Format::Wav).duration_ms(), seconds * 1000);
            assert_eq!(file(Format::Wav).len(), 44 + u64::from(seconds) * 8_000);
            assert!((0..24).contains(&(file(Format::Mp3).duration_ms() - seconds * 1000)));
        }
        let ten_minutes = keep_alive.file(Format::M4a, Kind::Zero, 600).unwrap();
        assert!(ten_minutes.len() < 20_000, "{} bytes", ten_minutes.len());
    }

    #[test]
    fn mp3_files_are_whole_frames_of_their_kind() {
        let keep_alive = KeepAlive::new().unwrap();
        for kind in [Kind::Zero, Kind::Noise, Kind::Tone] {
            let file = keep_alive.file(Format::Mp3, kind, 7).unwrap();
            let frames = Mp3Frames::from_file(&whole(&file).into()).unwrap();
            assert_eq!(frames.duration_ms(), file.duration_ms());
            assert_eq!(u64::from(frames.count()), 7_000_u64.div_ceil(24));
        }
    }

    #[test]
    fn wav_files_of_noise_and_tone_are_read_and_are_not_zero() {
        let keep_alive = KeepAlive::new().unwrap();
        for kind in [Kind::Noise, Kind::Tone] {
            let pcm = Pcm::from_wav_bytes(&whole(&keep_alive.file(Format::Wav, kind, 3).unwrap())).unwrap();
            assert_eq!(pcm.duration_ms(), 3_000);
            let loud = pcm.samples().iter().filter(|sample| **sample != 0).count();
            assert!(loud > pcm.samples().len() * 8 / 10, "{kind:?}: {loud}");
        }
    }

    #[test]
    fn lengths_out_of_bounds_and_audible_m4a_are_refused() {
        let keep_alive = KeepAlive::new().unwrap();
        let ask = |format, kind, seconds| keep_alive.file(format, kind, seconds).unwrap_err();
        assert_eq!(ask(Format::Wav, Kind::Zero, 0), SilenceError::Length(0));
        assert_eq!(ask(Format::Mp3, Kind::Zero, 3_601), SilenceError::Length(3_601));
        assert_eq!(ask(Format::M4a, Kind::Tone, 60), SilenceError::ZeroOnly);
    }
}
