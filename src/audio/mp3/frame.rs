//! The header of one MP3 frame: enough to know its length, and whether it may stand among ours.
//! All MPEG versions of Layer III are read, so that a wrong file is refused with the reason.

use super::RATE_HZ;

const KBPS_MPEG1: [u32; 14] = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const KBPS_MPEG2: [u32; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const RATES_MPEG1: [u32; 3] = [44_100, 48_000, 32_000];

/// Side information of one MPEG-2 mono frame, in bytes.
const SIDE_INFO: usize = 9;

/// Why bytes are not frames that can be joined with ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// No MPEG Layer III frame where one must be.
    #[error("no MP3 frame where one must begin")]
    NoSync,
    /// The last frame is not whole: the file was cut off on its way.
    #[error("the last frame is cut off")]
    CutOff,
    /// Another sample rate than 24 kHz: encode it again, e.g. with `-ar 24000 -ac 1`.
    #[error("its rate is {0} Hz; only 24000 Hz mono is taken")]
    Rate(u32),
    /// Two channels: encode it again with one.
    #[error("it has two channels; only 24000 Hz mono is taken")]
    NotMono,
    /// Its first frames need data of frames that are not there: it was cut out of a longer file without encoding.
    #[error("it was cut out of a longer MP3 without encoding it again")]
    CutOut,
}

/// What a frame's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    /// The whole frame with its header, in bytes.
    pub(super) len: usize,
    /// Where the side information begins, in bytes from the header.
    pub(super) side_at: usize,
    /// Samples a second.
    pub(super) rate_hz: u32,
    /// One channel, or two.
    pub(super) mono: bool,
    /// Samples of each channel that it plays for.
    pub(super) samples: usize,
}

impl Frame {
    /// Reads the header at the start of `bytes`, which may go on behind the frame.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, FrameError> {
        let head = bytes.first_chunk::<4>().ok_or(FrameError::NoSync)?;
        let (version, layer) = ((head[1] >> 3) & 3, (head[1] >> 1) & 3);
        if head[0] != 0xff || head[1] & 0xe0 != 0xe0 || layer != 1 {
            return Err(FrameError::NoSync);
        }
        // Version: 3 is MPEG-1, 2 is MPEG-2, 0 is MPEG-2.5; each halves the rates of the one before.
        let (bit_rates, halvings, words) = match version {
            3 => (KBPS_MPEG1, 0, 144),
            2 => (KBPS_MPEG2, 1, 72),
            0 => (KBPS_MPEG2, 2, 72),
            _reserved => return Err(FrameError::NoSync),
        };
        let full_rate = RATES_MPEG1.get(usize::from((head[2] >> 2) & 3)).ok_or(FrameError::NoSync)?;
        let rate_hz = full_rate >> halvings;
        let index = usize::from(head[2] >> 4).checked_sub(1).ok_or(FrameError::NoSync)?;
        let kbps = bit_rates.get(index).ok_or(FrameError::NoSync)?;
        let padding = u32::from((head[2] >> 1) & 1);
        let len = (words * kbps * 1000 / rate_hz + padding) as usize;
        let checksum = if head[1] & 1 == 0 { 2 } else { 0 };
        let samples = if version == 3 { 1152 } else { 576 };
        Ok(Self { len, side_at: 4 + checksum, rate_hz, mono: head[3] >> 6 == 3, samples })
    }

    /// Whether two frames may follow each other in one file.
    pub(super) fn is_like(self, other: Self) -> bool {
        (self.rate_hz, self.mono, self.samples) == (other.rate_hz, other.mono, other.samples)
    }

    /// Whether the frame, which stands at the start of `bytes`, has our format and needs no more than the `before`
    /// bytes of main data that came before it.
    pub(super) fn joinable(self, bytes: &[u8], before: usize) -> Result<(), FrameError> {
        if self.rate_hz != RATE_HZ {
            return Err(FrameError::Rate(self.rate_hz));
        }
        if !self.mono {
            return Err(FrameError::NotMono);
        }
        let main_data_begin = *bytes.get(self.side_at).ok_or(FrameError::CutOff)?;
        if usize::from(main_data_begin) > before {
            return Err(FrameError::CutOut);
        }
        Ok(())
    }

    /// Bytes of the frame that carry sound; a later frame may reach back into them.
    pub(super) fn main_data_len(self) -> usize {
        self.len.saturating_sub(self.side_at + SIDE_INFO)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn headers_give_length_rate_and_channels() {
        let silent = Frame::read(&[0xff, 0xf3, 0x14, 0xc4]).unwrap();
        assert_eq!(silent, Frame { len: 24, side_at: 4, rate_hz: 24_000, mono: true, samples: 576 });
        let speech = Frame::read(&[0xff, 0xf3, 0x64, 0xc4]).unwrap();
        assert_eq!(speech.len, 144);
        let music = Frame::read(&[0xff, 0xfa, 0x92, 0x00]).unwrap();
        assert_eq!(music, Frame { len: 418, side_at: 6, rate_hz: 44_100, mono: false, samples: 1152 });
        assert_eq!(Frame::read(&[0xff, 0xe3, 0x18, 0xc4]).unwrap().rate_hz, 8_000);
    }

    #[test]
    fn what_is_not_a_layer_three_header_is_refused() {
        for head in
            [[0xff, 0xf3, 0x04, 0xc4], [0xff, 0xf3, 0xf4, 0xc4], [0xff, 0xf3, 0x1c, 0xc4], *b"ID3\x03"]
        {
            assert_eq!(Frame::read(&head), Err(FrameError::NoSync));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_give_an_empty_frame(bytes in proptest::collection::vec(any::<u8>(), 0..8)) {
            if let Ok(frame) = Frame::read(&bytes) {
                prop_assert!(frame.len >= 24);
            }
        }
    }
}
