//! WAV files: reading what engines write, with a hard look at their headers, and writing our own.
//! The header is always the plain 44 bytes, which every player understands.

use super::pcm::{DURATION_S_MAX, Pcm, PcmError, sixteen_bit};

/// Streaming writers do not know the length and put something near the end of the range: espeak-ng 0x7ffff000,
/// others 0xffffffff. A real sound of that size is refused anyway.
const ENDLESS: u32 = 0x7fff_0000;
const FORMAT_PCM: u16 = 1;
const FORMAT_FLOAT: u16 = 3;
/// More are no voice; two are common, and mixed into one.
const CHANNELS_MAX: u16 = 8;
const FORMAT_EXTENSIBLE: u16 = 0xfffe;

impl Pcm {
    /// Reads a WAV of plain samples (8, 16, 24 or 32 bits, or floating point), mixing its channels into one. The endless
    /// lengths that streaming writers (espeak-ng, some web APIs) put into the header are understood, and 0 as well: the sound
    /// is then all that follows the `data` tag.
    ///
    /// # Errors
    /// Any [`PcmError`] but [`PcmError::Resample`]; never panics, whatever the bytes.
    pub fn from_wav_bytes(bytes: &[u8]) -> Result<Self, PcmError> {
        read(bytes)
    }

    /// The sound as a WAV file.
    #[must_use]
    pub fn to_wav_bytes(&self) -> Vec<u8> {
        write(self)
    }
}

/// Reads a WAV of plain samples into mono sound.
fn read(bytes: &[u8]) -> Result<Pcm, PcmError> {
    let (riff, rest) = bytes.split_first_chunk::<12>().ok_or(PcmError::NotWav("shorter than a header"))?;
    if !riff.starts_with(b"RIFF") || !riff.ends_with(b"WAVE") {
        return Err(PcmError::NotWav("no RIFF/WAVE tag"));
    }
    let mut rest = rest;
    let mut layout = None;
    loop {
        let chunk = Chunk::split(rest).ok_or(PcmError::NotWav("no data chunk"))?;
        match &chunk.tag {
            b"fmt " => layout = Some(Layout::read(chunk.sized()?)?),
            b"data" => {
                let layout = layout.ok_or(PcmError::NotWav("no fmt chunk before the data"))?;
                return layout.samples(chunk.data()?);
            }
            _foreign => {}
        }
        rest = chunk.next().ok_or(PcmError::NotWav("no data chunk"))?;
    }
}

/// Writes 16-bit mono sound as a WAV file.
fn write(pcm: &Pcm) -> Vec<u8> {
    let data_len = u32::try_from(pcm.samples().len() * 2).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(44 + pcm.samples().len() * 2);
    bytes.extend(header(pcm.rate_hz(), BitDepth::Sixteen, data_len));
    bytes.extend(pcm.samples().iter().flat_map(|sample| sample.to_le_bytes()));
    bytes
}

/// Bits of one sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BitDepth {
    /// Unsigned, silence is 0x80.
    Eight,
    /// Signed little-endian, silence is 0.
    Sixteen,
}

/// The 44 bytes before `data_len` bytes of mono samples.
pub(super) fn header(rate_hz: u32, depth: BitDepth, data_len: u32) -> [u8; 44] {
    let sample_bytes: u16 = match depth {
        BitDepth::Eight => 1,
        BitDepth::Sixteen => 2,
    };
    let mut header = [0; 44];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        header[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(b"RIFF");
    put(&data_len.saturating_add(36).to_le_bytes());
    put(b"WAVEfmt ");
    put(&16_u32.to_le_bytes());
    put(&FORMAT_PCM.to_le_bytes());
    put(&1_u16.to_le_bytes());
    put(&rate_hz.to_le_bytes());
    put(&(rate_hz * u32::from(sample_bytes)).to_le_bytes());
    put(&sample_bytes.to_le_bytes());
    put(&(sample_bytes * 8).to_le_bytes());
    put(b"data");
    put(&data_len.to_le_bytes());
    header
}

/// A tag, the size its header claims, and everything behind the eight bytes of both.
struct Chunk<'a> {
    tag: [u8; 4],
    size: u32,
    after: &'a [u8],
}

impl<'a> Chunk<'a> {
    fn split(bytes: &'a [u8]) -> Option<Self> {
        let (tag, rest) = bytes.split_first_chunk::<4>()?;
        let (size, after) = rest.split_first_chunk::<4>()?;
        Some(Self { tag: *tag, size: u32::from_le_bytes(*size), after })
    }

    /// What follows the chunk. Chunks are padded to an even length, but not by every writer.
    fn next(&self) -> Option<&'a [u8]> {
        let size = self.size as usize;
        let padded = self.after.get(size.saturating_add(size % 2)..);
        let bare = self.after.get(size..);
        let is_tag =
            |bytes: &&[u8]| bytes.iter().take(4).all(|byte| byte.is_ascii_graphic() || *byte == b' ');
        padded.filter(is_tag).or_else(|| bare.filter(is_tag)).or(padded)
    }

    fn sized(&self) -> Result<&'a [u8], PcmError> {
        let missing = (self.size as usize).saturating_sub(self.after.len());
        self.after.get(..self.size as usize).ok_or(PcmError::CutOff { missing })
    }

    fn data(&self) -> Result<&'a [u8], PcmError> {
        // What has no length but something behind it was written before its length was known.
        if self.size >= ENDLESS || self.size == 0 { Ok(self.after) } else { self.sized() }
    }
}

/// What a `fmt ` chunk says, checked.
#[derive(Clone, Copy)]
struct Layout {
    encoding: Encoding,
    channels: usize,
    rate_hz: u32,
}

/// How one sample is written.
#[derive(Clone, Copy)]
enum Encoding {
    /// Unsigned, silence is 0x80.
    Eight,
    Sixteen,
    TwentyFour,
    ThirtyTwo,
    /// Full scale is 1.
    Float,
    /// The same in 64 bits.
    Double,
}

impl Encoding {
    fn of(format: u16, bits: u16) -> Result<Self, PcmError> {
        match (format, bits) {
            (FORMAT_PCM, 8) => Ok(Self::Eight),
            (FORMAT_PCM, 16) => Ok(Self::Sixteen),
            (FORMAT_PCM, 24) => Ok(Self::TwentyFour),
            (FORMAT_PCM, 32) => Ok(Self::ThirtyTwo),
            (FORMAT_FLOAT, 32) => Ok(Self::Float),
            (FORMAT_FLOAT, 64) => Ok(Self::Double),
            (FORMAT_PCM | FORMAT_FLOAT, _) => Err(PcmError::NotPlain("another bit depth")),
            _foreign => Err(PcmError::NotPlain("another encoding")),
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::Eight => 1,
            Self::Sixteen => 2,
            Self::TwentyFour => 3,
            Self::ThirtyTwo | Self::Float => 4,
            Self::Double => 8,
        }
    }

    /// One sample as 16 bits. What the bytes do not hold is silence.
    fn sample(self, bytes: &[u8]) -> i16 {
        match (self, bytes) {
            (Self::Eight, [a]) => (i16::from(*a) - 0x80) << 8,
            (Self::Sixteen, [a, b]) | (Self::TwentyFour, [_, a, b]) | (Self::ThirtyTwo, [_, _, a, b]) => {
                i16::from_le_bytes([*a, *b])
            }
            (Self::Float, [a, b, c, d]) => sixteen_bit(f64::from(f32::from_le_bytes([*a, *b, *c, *d]))),
            (Self::Double, bytes) => {
                bytes.first_chunk().map_or(0, |bytes| sixteen_bit(f64::from_le_bytes(*bytes)))
            }
            (Self::Eight | Self::Sixteen | Self::TwentyFour | Self::ThirtyTwo | Self::Float, _) => 0,
        }
    }
}

impl Layout {
    fn read(fmt: &[u8]) -> Result<Self, PcmError> {
        let field = |at: usize| -> Result<u16, PcmError> {
            let bytes = fmt.get(at..).and_then(<[u8]>::first_chunk::<2>);
            bytes.map(|bytes| u16::from_le_bytes(*bytes)).ok_or(PcmError::LyingHeader("short fmt chunk"))
        };
        let rate_hz = u32::from(field(4)?) | u32::from(field(6)?) << 16;
        let (block_align, bits) = (field(12)?, field(14)?);
        let format = match field(0)? {
            // The real format of an extensible header is the first half-word of its sub-format.
            FORMAT_EXTENSIBLE => field(24)?,
            plain => plain,
        };
        let encoding = Encoding::of(format, bits)?;
        let channels = match field(2)? {
            0 => return Err(PcmError::LyingHeader("no channels")),
            channels @ 1..=CHANNELS_MAX => usize::from(channels),
            _more => return Err(PcmError::NotPlain("more than eight channels")),
        };
        if usize::from(block_align) != channels * encoding.bytes() {
            return Err(PcmError::LyingHeader("the block size is not that of its channels"));
        }
        if rate_hz == 0 {
            return Err(PcmError::LyingHeader("0 Hz"));
        }
        Ok(Self { encoding, channels, rate_hz })
    }

    fn samples(self, data: &[u8]) -> Result<Pcm, PcmError> {
        let Self { encoding, channels, rate_hz } = self;
        let blocks = data.chunks_exact(channels * encoding.bytes());
        // Before any of it is copied.
        if blocks.len() as u64 > u64::from(rate_hz) * u64::from(DURATION_S_MAX) {
            return Err(PcmError::TooLong);
        }
        let mixed = |block: &[u8]| {
            let channels = block.chunks_exact(encoding.bytes()).map(|bytes| encoding.sample(bytes));
            let (count, sum) = channels.fold((0, 0), |(count, sum), one| (count + 1, sum + i32::from(one)));
            i16::try_from(sum / count).unwrap_or(0)
        };
        Pcm::new(blocks.map(mixed).collect(), rate_hz)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wav(data_len: u32, data: &[u8]) -> Vec<u8> {
        let mut bytes = header(22_050, BitDepth::Sixteen, data_len).to_vec();
        bytes.extend_from_slice(data);
        bytes
    }

    #[test]
    fn what_is_written_is_read_back() {
        let pcm = Pcm::new(vec![0, 1, -1, i16::MAX, i16::MIN], 24_000).unwrap();
        assert_eq!(Pcm::from_wav_bytes(&pcm.to_wav_bytes()).unwrap(), pcm);
    }

    #[test]
    fn the_endless_lengths_of_streaming_writers_mean_the_rest_of_the_file() {
        for endless in [0x7fff_f000, u32::MAX, 0] {
            let pcm = Pcm::from_wav_bytes(&wav(endless, &[1, 0, 2, 0, 9])).unwrap();
            assert_eq!(pcm.samples(), [1, 2]);
        }
    }

    #[test]
    fn foreign_chunks_are_stepped_over_and_a_trailer_is_not_heard() {
        let mut bytes = wav(4, &[1, 0, 2, 0]);
        bytes.splice(36..36, *b"LIST\x03\0\0\0abc\0");
        bytes.extend(b"LIST\x04\0\0\0wxyz");
        assert_eq!(Pcm::from_wav_bytes(&bytes).unwrap().samples(), [1, 2]);
    }

    #[test]
    fn chunks_that_were_not_padded_are_stepped_over_as_well() {
        let mut bytes = wav(4, &[1, 0, 2, 0]);
        bytes.splice(36..36, *b"LIST\x03\0\0\0abc");
        assert_eq!(Pcm::from_wav_bytes(&bytes).unwrap().samples(), [1, 2]);
    }

    #[test]
    fn every_depth_is_read_as_the_same_sound() {
        let half = i16::MAX / 2;
        let one = |format: u16, bits: u16, sample: &[u8]| {
            let mut bytes = wav(u32::try_from(sample.len()).unwrap(), sample);
            bytes[20..22].copy_from_slice(&format.to_le_bytes());
            bytes[32..34].copy_from_slice(&(bits / 8).to_le_bytes());
            bytes[34..36].copy_from_slice(&bits.to_le_bytes());
            Pcm::from_wav_bytes(&bytes).unwrap().samples()[0]
        };
        assert!(one(1, 8, &[0xc0]).abs_diff(half) < 0x100);
        assert_eq!(one(1, 8, &[0x80]), 0);
        assert_eq!(one(1, 24, &(i32::from(half) << 8).to_le_bytes()[..3]), half);
        assert_eq!(one(1, 32, &(i32::from(half) << 16).to_le_bytes()), half);
        assert!(one(3, 32, &0.5_f32.to_le_bytes()).abs_diff(half) <= 1);
        assert!(one(3, 64, &(-0.5_f64).to_le_bytes()).abs_diff(-half) <= 1);
        assert_eq!(one(3, 32, &f32::NAN.to_le_bytes()), 0);
        assert_eq!(one(3, 32, &7.0_f32.to_le_bytes()), i16::MAX);
    }

    #[test]
    fn two_channels_are_mixed_into_one() {
        let mut bytes = wav(8, &[100, 0, 200, 0, 0, 0x80, 0, 0x80]);
        bytes[22] = 2;
        bytes[32] = 4;
        assert_eq!(Pcm::from_wav_bytes(&bytes).unwrap().samples(), [150, i16::MIN]);
    }

    #[test]
    fn headers_that_lie_are_refused() {
        let broken = |at: usize, value: u8| {
            let mut bytes = wav(4, &[1, 0, 2, 0]);
            bytes[at] = value;
            Pcm::from_wav_bytes(&bytes).unwrap_err()
        };
        assert!(matches!(broken(22, 0), PcmError::LyingHeader("no channels")));
        assert!(matches!(broken(22, 9), PcmError::NotPlain(_)));
        assert!(matches!(broken(20, 7), PcmError::NotPlain(_)));
        assert!(matches!(broken(34, 12), PcmError::NotPlain(_)));
        assert!(matches!(broken(34, 8), PcmError::LyingHeader(_)));
        assert!(matches!(broken(32, 4), PcmError::LyingHeader(_)));
        assert!(matches!(broken(26, 0xff), PcmError::Rate(_)));
        assert!(matches!(broken(40, 8), PcmError::CutOff { missing: 4 }));
        let mut no_rate = wav(2, &[1, 0]);
        no_rate[24..28].fill(0);
        assert!(matches!(Pcm::from_wav_bytes(&no_rate), Err(PcmError::LyingHeader("0 Hz"))));
        assert!(matches!(Pcm::from_wav_bytes(b"ID3"), Err(PcmError::NotWav(_))));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(at in 0_usize..60, noise in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut bytes = wav(16, &[7; 16]);
            let end = (at + noise.len()).min(bytes.len());
            bytes.splice(at..end.max(at), noise);
            let _outcome = Pcm::from_wav_bytes(&bytes);
        }
    }
}
