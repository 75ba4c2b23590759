//! A file that exists only as a head and one block that repeats: silence of an hour costs a few kilobytes of memory.
//! Any byte range of it is a row of slices, so that a player that seeks costs no more than one that does not.

use std::ops::Range;

use bytes::Bytes;

use super::format::Format;

/// No chunk is longer, in bytes: one write to a socket.
pub const CHUNK_LEN_MAX: usize = 16 * 1024;

/// Head, then a block again and again, cut off at the file's end. Cheap to clone: the bytes are shared.
#[derive(Debug, Clone)]
pub struct VirtualFile {
    head: Bytes,
    block: Bytes,
    body_len: u64,
    format: Format,
    duration_ms: u32,
}

impl VirtualFile {
    /// `head`, and behind it `body_len` bytes of `block` repeated. An empty block makes a file of its head alone.
    pub(super) fn new(head: Bytes, block: Bytes, body_len: u64, format: Format, duration_ms: u32) -> Self {
        let body_len = if block.is_empty() { 0 } else { body_len };
        Self { head, block, body_len, format, duration_ms }
    }

    /// Length of the whole file in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.head.len() as u64 + self.body_len
    }

    /// Whether there is not one byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the bytes are.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// How long it plays, in milliseconds.
    #[must_use]
    pub fn duration_ms(&self) -> u32 {
        self.duration_ms
    }

    /// The bytes of `range` in order, in chunks of 1..=[`CHUNK_LEN_MAX`] bytes; what lies behind the end is left out.
    #[must_use]
    pub fn read(&self, range: Range<u64>) -> Chunks {
        Chunks { file: self.clone(), at: range.start, end: range.end.min(self.len()) }
    }
}

/// The chunks of a byte range, as slices of shared bytes.
#[derive(Debug, Clone)]
pub struct Chunks {
    file: VirtualFile,
    at: u64,
    end: u64,
}

impl Iterator for Chunks {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let wanted = self.end.checked_sub(self.at).filter(|left| *left > 0)?;
        let head_len = self.file.head.len() as u64;
        let (source, offset) = match self.at.checked_sub(head_len) {
            None => (&self.file.head, self.at),
            Some(into_body) => (&self.file.block, into_body % self.file.block.len() as u64),
        };
        let start = usize::try_from(offset).ok()?;
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        let len = wanted.min(source.len() - start).min(CHUNK_LEN_MAX);
        self.at += len as u64;
        Some(source.slice(start..start + len))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_range_is_the_slice_of_the_whole(
            head in 0_usize..60, block in 0_usize..40_000, body in 0_u64..120_000,
            from in 0_u64..130_000, len in 0_u64..130_000,
        ) {
            let byte = |n: usize| u8::try_from(n * 7 % 251).unwrap();
            let head: Bytes = (0..head).map(|n| byte(n + 3)).collect();
            let block: Bytes = (0..block).map(byte).collect();
            let mut whole = head.to_vec();
            whole.extend(block.iter().cycle().take(usize::try_from(body).unwrap()));
            let file = VirtualFile::new(head, block, body, Format::Wav, 0);
            prop_assert_eq!(file.len(), whole.len() as u64);
            let start = usize::try_from(from).unwrap().min(whole.len());
            let end = usize::try_from(from + len).unwrap().min(whole.len());
            let chunks: Vec<Bytes> = file.read(from..from + len).collect();
            prop_assert!(chunks.iter().all(|chunk| (1..=CHUNK_LEN_MAX).contains(&chunk.len())));
            prop_assert_eq!(chunks.concat(), &whole[start..end]);
        }
    }

    #[test]
    #[expect(
        clippy::reversed_empty_ranges,
        reason = "a range that ends before it begins is the case under test"
    )]
    fn empty_and_turned_ranges_give_nothing() {
        let file = VirtualFile::new(Bytes::from_static(b"ab"), Bytes::from_static(b"c"), 5, Format::Wav, 0);
        assert_eq!(file.read(3..3).count() + file.read(5..2).count() + file.read(7..u64::MAX).count(), 0);
        assert_eq!(file.read(0..u64::MAX).collect::<Vec<_>>().concat(), b"abccccc");
    }
}
