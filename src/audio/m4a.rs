//! Silence as an MP4 file without an encoder: one constant AAC frame, and tables that say how often.
//! `moov` stands before `mdat`, so that a player knows the length from the first bytes.

/// Samples per second.
pub(super) const RATE_HZ: u32 = 8_000;
/// Samples in one frame.
pub(super) const FRAME_SAMPLES: u32 = 1_024;
/// One AAC-LC frame of mono silence.
pub(super) const SILENT_FRAME: [u8; 4] = [0x01, 0x18, 0x20, 0x07];

/// `AudioSpecificConfig`: AAC-LC, 8 kHz, mono.
const CONFIG: [u8; 2] = [0x15, 0x88];
/// The identity matrix of `mvhd` and `tkhd`.
const MATRIX: [u32; 9] = [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000];

/// How many frames a file of `seconds` has; the last is cut short by its time, not by its data.
pub(super) fn frame_count(seconds: u32) -> u32 {
    (seconds * RATE_HZ).div_ceil(FRAME_SAMPLES)
}

/// Everything before the frames of a file that lasts exactly `seconds`.
pub(super) fn head(seconds: u32) -> Vec<u8> {
    let frames = frame_count(seconds);
    let data_len = frames * 4;
    let ftyp = atom(*b"ftyp", &[b"M4A \0\0\0\0M4A mp42isom"]);
    // The offset of the first frame stands inside `moov`, whose length does not depend on it.
    let moov_len = moov(seconds, frames, 0).len();
    let first_frame = u32::try_from(ftyp.len() + moov_len + 8).unwrap_or(u32::MAX);
    let mut head = ftyp;
    head.extend(moov(seconds, frames, first_frame));
    head.extend((data_len + 8).to_be_bytes());
    head.extend(b"mdat");
    head
}

fn moov(seconds: u32, frames: u32, first_frame: u32) -> Vec<u8> {
    let (ms, samples) = (seconds * 1000, seconds * RATE_HZ);
    let matrix = words(&MATRIX);
    let header = [words(&[0, 0, 0, 1_000, ms, 0x0001_0000, 0x0100_0000, 0, 0]), matrix.clone()].concat();
    let movie_header = atom(*b"mvhd", &[&header, &words(&[0, 0, 0, 0, 0, 0, 2])]);
    let track = [words(&[7, 0, 0, 1, 0, ms, 0, 0, 0, 0x0100_0000]), matrix].concat();
    let track_header = atom(*b"tkhd", &[&track, &words(&[0, 0])]);
    let media_header = atom(*b"mdhd", &[&words(&[0, 0, 0, RATE_HZ, samples, 0x55c4_0000])]);
    let handler = atom(*b"hdlr", &[&words(&[0, 0]), b"soun", &[0; 12], b"sound\0"]);
    let url = atom(*b"url ", &[&words(&[1])]);
    let data_place = atom(*b"dinf", &[&atom(*b"dref", &[&words(&[0, 1]), &url])]);
    let sound_header = atom(*b"smhd", &[&words(&[0, 0])]);
    let media_info =
        atom(*b"minf", &[&sound_header, &data_place, &sample_table(samples, frames, first_frame)]);
    let media = atom(*b"mdia", &[&media_header, &handler, &media_info]);
    atom(*b"moov", &[&movie_header, &atom(*b"trak", &[&track_header, &media])])
}

fn sample_table(samples: u32, frames: u32, first_frame: u32) -> Vec<u8> {
    let rate = words(&[RATE_HZ << 16]);
    // Reserved, data reference 1, reserved, one channel of 16 bits, reserved, rate.
    let mp4a =
        atom(*b"mp4a", &[&[0, 0, 0, 0, 0, 0, 0, 1], &[0; 8], &[0, 1, 0, 16, 0, 0, 0, 0], &rate, &esds()]);
    let description = atom(*b"stsd", &[&words(&[0, 1]), &mp4a]);
    // All frames but the last take 1,024 samples of time; the last takes the rest, which makes the length exact.
    let last = samples - (frames - 1) * FRAME_SAMPLES;
    let times = atom(*b"stts", &[&words(&[0, 2, frames - 1, FRAME_SAMPLES, 1, last])]);
    let chunks = atom(*b"stsc", &[&words(&[0, 1, 1, frames, 1])]);
    let sizes = atom(*b"stsz", &[&words(&[0, 4, frames])]);
    let offsets = atom(*b"stco", &[&words(&[0, 1, first_frame])]);
    atom(*b"stbl", &[&description, &times, &chunks, &sizes, &offsets])
}

fn esds() -> Vec<u8> {
    // Descriptors: 3 the stream, 4 its decoder (AAC, audio, buffer size, 250 bit/s at most and on average), 5 the
    // decoder's configuration, 6 the sync layer.
    let rate = 250_u32.to_be_bytes();
    let config = [&[5, 2][..], &CONFIG].concat();
    let decoder = [&[4, 17, 0x40, 0x15, 0, 0, 4][..], &rate, &rate, &config].concat();
    let stream = [&[3, 25, 0, 1, 0][..], &decoder, &[6, 1, 2]].concat();
    atom(*b"esds", &[&[0; 4], &stream])
}

fn atom(tag: [u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let len = u32::try_from(content.len() + 8).unwrap_or(u32::MAX);
    [&len.to_be_bytes()[..], &tag, &content].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frames_begin_where_the_table_says_and_atoms_have_their_lengths() {
        for seconds in [1, 7, 128, 3_600] {
            let head = head(seconds);
            let place = head.windows(4).position(|tag| tag == b"stco").unwrap() + 12;
            let first = u32::from_be_bytes(*head[place..].first_chunk().unwrap());
            assert_eq!(first as usize, head.len());
            let mut at = 0;
            let mut tags = Vec::new();
            while at < head.len() {
                tags.push(head[at + 4..at + 8].to_vec());
                at += u32::from_be_bytes(*head[at..].first_chunk().unwrap()) as usize;
            }
            assert_eq!(tags, [b"ftyp", b"moov", b"mdat"]);
            assert_eq!(at, head.len() + frame_count(seconds) as usize * 4);
        }
    }
}
