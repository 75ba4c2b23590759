//! The frame that describes the others: without it a player takes the bit rate of the first frame for that of the
//! file, and a sentence with a long silent tail seems a fraction of its length.

use super::Run;

/// Length of the describing frame in bytes: one MPEG-2 mono frame of 64 kbit/s.
pub const HEADER_LEN: usize = 192;

/// Its header, then nine bytes of side information, all zero: a player that does not know it hears 24 ms of silence.
const HEAD: [u8; 4] = [0xff, 0xf3, 0x84, 0xc4];
const TAG_AT: usize = 13;
/// Number of frames, number of bytes and a table of contents follow.
const FLAGS: u32 = 0b0111;
const TOC_LEN: usize = 100;

/// The describing frame for the frames of `runs`, to stand right before them. It counts itself in bytes, not in frames,
/// as readers expect. Its cost is that of the runs, however many frames they have.
#[must_use]
pub(in crate::audio) fn header(runs: &[Run]) -> [u8; HEADER_LEN] {
    let count: u64 = runs.iter().map(|run| u64::from(run.count)).sum();
    let total = HEADER_LEN + runs.iter().map(|run| run.count as usize * run.frame_len).sum::<usize>();
    let mut runs = runs.iter();
    let mut run = runs.next();
    // Frames and bytes before the run.
    let (mut frames, mut bytes) = (0_u64, HEADER_LEN);
    // For each percent of the time, the place in the file in 256ths.
    let toc = std::array::from_fn(|percent| {
        let frame = percent as u64 * count / TOC_LEN as u64;
        while let Some(passed) = run.filter(|run| frame >= frames + u64::from(run.count)) {
            frames += u64::from(passed.count);
            bytes += passed.count as usize * passed.frame_len;
            run = runs.next();
        }
        let into = usize::try_from(frame - frames).unwrap_or_default() * run.map_or(0, |run| run.frame_len);
        u8::try_from((bytes + into) * 256 / total).unwrap_or(u8::MAX)
    });
    describe(u32::try_from(count).unwrap_or(u32::MAX), total, toc)
}

/// The describing frame for `count` frames of `frame_len` bytes each, without making them.
#[must_use]
pub fn constant_header(count: u32, frame_len: u32) -> [u8; HEADER_LEN] {
    header(&[Run { count, frame_len: frame_len as usize }])
}

fn describe(count: u32, total: usize, toc: [u8; TOC_LEN]) -> [u8; HEADER_LEN] {
    let mut frame = [0; HEADER_LEN];
    frame[..4].copy_from_slice(&HEAD);
    let mut at = TAG_AT;
    let mut put = |bytes: &[u8]| {
        frame[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(b"Xing");
    put(&FLAGS.to_be_bytes());
    put(&count.to_be_bytes());
    put(&u32::try_from(total).unwrap_or(u32::MAX).to_be_bytes());
    put(&toc);
    frame
}

#[cfg(test)]
mod tests {
    use super::super::Mp3Frames;
    use super::super::frame::Frame;
    use super::*;

    fn field(frame: &[u8; HEADER_LEN], at: usize) -> u32 {
        u32::from_be_bytes(*frame[at..].first_chunk().unwrap())
    }

    #[test]
    fn it_is_one_frame_that_counts_frames_and_bytes() {
        let frame = header(Mp3Frames::silence(1_000).runs());
        assert_eq!(Frame::read(&frame).unwrap().len, HEADER_LEN);
        assert_eq!(&frame[13..17], b"Xing");
        assert_eq!((field(&frame, 17), field(&frame, 21), field(&frame, 25)), (7, 1_000, 24_192));
        assert_eq!(frame, constant_header(1_000, 24));
    }

    #[test]
    fn the_table_of_contents_finds_every_percent_of_mixed_frames() {
        let dense: Vec<u8> = [0xff, 0xf3, 0x64, 0xc4].into_iter().chain([0; 140]).collect();
        let dense = Mp3Frames::checked(dense.repeat(100).into()).unwrap();
        let body = Mp3Frames::joined(&[&dense, &Mp3Frames::silence(300)]);
        let frame = header(body.runs());
        let total = f64::from(u32::try_from(body.bytes().len() + HEADER_LEN).unwrap());
        for percent in 0..100_u32 {
            let frames = f64::from(percent * 4);
            let truth = 192.0 + frames.min(100.0) * 144.0 + (frames - 100.0).max(0.0) * 24.0;
            let read = f64::from(frame[29 + percent as usize]) / 256.0 * total;
            assert!((truth - read).abs() <= total / 256.0, "{percent} %: {read} for {truth}");
        }
    }
}
