//! Where a request body ends: by its length, or by strict chunks without trailers.

use super::{Refusal, Step};

/// Hexadecimal digits of a chunk's size: 4 GiB, more than any body here.
const SIZE_DIGITS_MAX: u32 = 8;
/// Bytes of chunk extensions in one body. Nobody uses them; long ones are an attack on readers that count wrong.
const EXTENSION_BYTES_MAX: usize = 256;

/// A body that has not ended.
#[derive(Debug)]
pub(super) enum Body {
    /// So many bytes are left.
    Sized(u64),
    /// Chunks.
    Chunked(Chunked),
}

/// A place among chunks.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    at: At,
    size: u64,
    digits: u32,
    extension_bytes: usize,
}

#[derive(Clone, Copy, Debug, Default)]
enum At {
    #[default]
    Size,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    LastCr,
    LastLf,
}

impl Body {
    /// How many of these bytes belong to the body, and whether it ends behind them.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Result<(usize, Step), Refusal> {
        match self {
            Self::Sized(left) => {
                let used = skip(left, bytes);
                Ok((used, if *left == 0 { Step::End } else { Step::More }))
            }
            Self::Chunked(chunked) => chunked.follow(bytes),
        }
    }
}

impl Chunked {
    fn follow(&mut self, bytes: &[u8]) -> Result<(usize, Step), Refusal> {
        let mut used = 0;
        while let Some(byte) = bytes.get(used) {
            if let At::Data = self.at {
                used += skip(&mut self.size, &bytes[used..]);
                if self.size == 0 {
                    self.at = At::DataCr;
                }
                continue;
            }
            used += 1;
            if self.byte(*byte)? {
                return Ok((used, Step::End));
            }
        }
        Ok((used, Step::More))
    }

    /// One byte of what stands between the data; true at the end of the body.
    fn byte(&mut self, byte: u8) -> Result<bool, Refusal> {
        self.at = match (self.at, byte) {
            (At::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') if self.digits < SIZE_DIGITS_MAX => {
                self.digits += 1;
                self.size = self.size * 16 + u64::from(char::from(byte).to_digit(16).unwrap_or(0));
                At::Size
            }
            (At::Size, b';') if self.digits > 0 => At::Extension,
            (At::Size, b'\r') if self.digits > 0 => At::SizeLf,
            (At::Extension, b'\r') => At::SizeLf,
            (At::Extension, b'\t' | b' '..=b'~') if self.extension_bytes < EXTENSION_BYTES_MAX => {
                self.extension_bytes += 1;
                At::Extension
            }
            (At::SizeLf, b'\n') => {
                self.digits = 0;
                if self.size == 0 { At::LastCr } else { At::Data }
            }
            (At::DataCr, b'\r') => At::DataLf,
            (At::DataLf, b'\n') => At::Size,
            // What is no empty line here is a trailer. Nothing of ours reads any, and others merge them into the head.
            (At::LastCr, b'\r') => At::LastLf,
            (At::LastLf, b'\n') => return Ok(true),
            _ => return Err(Refusal::Framing),
        };
        Ok(false)
    }
}

/// Takes as many bytes as are left or there; how many these were.
fn skip(left: &mut u64, bytes: &[u8]) -> usize {
    let there = bytes.len() as u64;
    if *left >= there {
        *left -= there;
        return bytes.len();
    }
    let used = usize::try_from(*left).unwrap_or(bytes.len());
    *left = 0;
    used
}
