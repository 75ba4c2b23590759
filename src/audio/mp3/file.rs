//! Recorded MP3 files: which of their bytes are frames of sound.
//! Tags in front and behind, and the frame that only describes the others, are left out.

use bytes::Bytes;

use super::frame::{Frame, FrameError};

/// What may stand behind the last frame: `ID3v1`, APE and Lyrics3 tags.
const TRAILERS: [&[u8]; 4] = [b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3"];

/// The frames of sound in a file, as a slice of it.
pub(super) fn frames_of(file: &Bytes) -> Result<Bytes, FrameError> {
    let mut start = 0;
    while let Some(len) = id3v2_len(file.get(start..).unwrap_or_default()) {
        start += len;
    }
    let first = Frame::read(file.get(start..).ok_or(FrameError::CutOff)?)?;
    if table(file.get(start..).unwrap_or_default(), first).is_some() {
        start += first.len;
    }
    let mut end = start;
    while let Some(rest) = file.get(end..).filter(|rest| !is_trailer(rest)) {
        let len = Frame::read(rest)?.len;
        if rest.len() < len {
            return Err(FrameError::CutOff);
        }
        end += len;
    }
    Ok(file.slice(start.min(end)..end))
}

/// A Xing, Info or VBRI table, which stands in a frame instead of sound.
pub(super) struct Table {
    /// How many frames follow, if it says so.
    pub(super) frames: Option<u32>,
}

/// Length of an `ID3v2` tag with its header and footer, if one begins here.
pub(super) fn id3v2_len(bytes: &[u8]) -> Option<usize> {
    let head = bytes.first_chunk::<10>().filter(|head| head.starts_with(b"ID3"))?;
    let body = head[6..].iter().fold(0_usize, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
    let footer = if head[5] & 0x10 == 0 { 0 } else { 10 };
    Some(10 + body + footer)
}

/// The table that the frame at the start of `bytes` holds instead of sound, if it does.
pub(super) fn table(bytes: &[u8], frame: Frame) -> Option<Table> {
    let tag_at = |at: usize| bytes.get(at..).and_then(<[u8]>::first_chunk::<4>);
    let number_at = |at: usize| tag_at(at).map(|number| u32::from_be_bytes(*number));
    // The table stands behind the side information, whose length depends on version and channels.
    for side in [9, 17, 32] {
        let at = frame.side_at + side;
        if matches!(tag_at(at), Some(b"Xing" | b"Info")) {
            let counted = number_at(at + 4).is_some_and(|flags| flags & 1 == 1);
            return Some(Table { frames: number_at(at + 8).filter(|_| counted) });
        }
    }
    (tag_at(36) == Some(b"VBRI")).then(|| Table { frames: number_at(50) })
}

pub(super) fn is_trailer(bytes: &[u8]) -> bool {
    TRAILERS.iter().any(|tag| bytes.starts_with(tag)) || bytes.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::super::{Mp3Error, Mp3Frames, header};
    use super::*;

    fn read(bytes: Vec<u8>) -> Result<Mp3Frames, FrameError> {
        match Mp3Frames::from_file(&bytes.into()) {
            Ok(frames) => Ok(frames),
            Err(Mp3Error::File(error)) => Err(error),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn tags_and_the_describing_frame_are_left_out() {
        let body = Mp3Frames::silence(4);
        let mut bytes = b"ID3\x04\0\0\0\0\x01\x02".to_vec();
        bytes.extend([0x55; 130]);
        bytes.extend(header(body.runs()));
        bytes.extend(body.bytes());
        bytes.extend(b"TAG");
        bytes.extend([0; 125]);
        assert_eq!(read(bytes).unwrap(), body);
    }

    #[test]
    fn files_that_are_torn_or_of_another_format_are_refused_with_the_reason() {
        let silence = Mp3Frames::silence(4).bytes().to_vec();
        assert_eq!(read(silence[..90].to_vec()), Err(FrameError::CutOff));
        assert_eq!(read(Vec::new()), Err(FrameError::NoSync));
        assert_eq!(read(b"ID3\x04\0\0\x7f\x7f\x7f\x7f".to_vec()), Err(FrameError::CutOff));
        assert_eq!(read(b"RIFF....WAVE".to_vec()), Err(FrameError::NoSync));
        let mut rate = silence.clone();
        rate[2] = 0x18;
        rate.truncate(24);
        rate.resize(36, 0);
        assert_eq!(read(rate), Err(FrameError::Rate(16_000)));
        let mut stereo = silence.clone();
        stereo[3] = 0x04;
        assert_eq!(read(stereo), Err(FrameError::NotMono));
        let mut cut_out = silence;
        cut_out[4] = 40;
        assert_eq!(read(cut_out), Err(FrameError::CutOut));
    }
}
