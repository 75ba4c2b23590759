//! What engines return, as sound: WAV whose lengths lie, MP3 of any kind, bare samples, and everything that is none of it.
//! The bytes decide, not what they were announced as; what is made of them is bounded by its length, whatever they say.

use super::mp3::{self, Mp3Fault};
use super::pcm::{DURATION_S_MAX, Pcm, PcmError, sixteen_bit};

/// Bytes looked at to tell text from sound.
const TEXT_SAMPLE: usize = 512;

/// Sounds that are not taken, by how they begin: where the mark stands, the mark, the name.
const FOREIGN: [(usize, &[u8], &str); 14] = [
    (0, b"OggS", "Ogg"),
    (0, b"fLaC", "FLAC"),
    (4, b"ftyp", "M4A"),
    (0, b"\x1a\x45\xdf\xa3", "WebM"),
    (0, b"#!AMR", "AMR"),
    (0, b"#!SILK", "SILK"),
    (0, b"\x02#!SILK", "SILK"),
    (0, b"FORM", "AIFF"),
    (0, b"caff", "CAF"),
    (0, b".snd", "AU"),
    (0, b"RIFX", "big-endian WAV"),
    (0, b"RF64", "RF64"),
    (0, b"\x30\x26\xb2\x75", "WMA"),
    (0, b"\x1f\x8b\x08", "a gzip file"),
];

/// Why bytes are no sound for us. None of them is worth asking for the same again, unless the text was at fault.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// There is nothing.
    #[error("the engine's answer is empty")]
    Empty,
    /// A message where sound was expected, most often an error: read it.
    #[error("the engine's answer is {0}, not a sound")]
    Text(&'static str),
    /// A sound that we do not decode.
    #[error("the engine's answer is {0}: ask it for mp3 or wav")]
    Foreign(&'static str),
    /// Bytes that say nothing of themselves, and nothing was declared about them.
    #[error("the engine's answer is no sound we know: ask it for mp3 or wav, or declare its samples")]
    Unknown,
    /// A WAV, or bare samples, that cannot be taken.
    #[error("the engine's sound cannot be read")]
    Samples(#[from] PcmError),
    /// An MP3 that cannot be taken.
    #[error("the engine's MP3 cannot be read")]
    Mp3(#[from] Mp3Fault),
}

/// The sound of what an engine returned: a WAV or MP3 file, or, where the engine declares it, samples without a header
/// (16 bits, little-endian, one channel) at `bare_rate_hz`. Several channels are mixed into one.
///
/// At most [`DURATION_S_MAX`] seconds are taken, and nothing is unpacked beyond them: 2 ms of work per second of sound
/// (MP3), much less for WAV. A WAV that is shorter than it says is refused, unless it says one of the lengths that
/// streaming writers put there; an MP3 that has fewer frames than its own table says is, too. Where an MP3 has no table,
/// only its last frame can be seen to be cut: it is left out, and whether the file came whole is for the connection to
/// say.
///
/// # Errors
/// [`DecodeError`]; no bytes panic.
pub fn decoded(bytes: &[u8], bare_rate_hz: Option<u32>) -> Result<Pcm, DecodeError> {
    match sniffed(bytes, bare_rate_hz)? {
        Kind::Wav => Ok(Pcm::from_wav_bytes(bytes)?),
        Kind::Mp3 => {
            let decoded = mp3::decode(bytes)?;
            let samples = decoded.samples.into_iter().map(|sample| sixteen_bit(f64::from(sample)));
            Ok(Pcm::new(samples.collect(), decoded.rate_hz)?)
        }
        Kind::Bare(rate_hz) => {
            let pairs = bytes.as_chunks::<2>().0;
            if pairs.len() as u64 > u64::from(rate_hz) * u64::from(DURATION_S_MAX) {
                return Err(PcmError::TooLong.into());
            }
            Ok(Pcm::new(pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect(), rate_hz)?)
        }
    }
}

/// What bytes are.
enum Kind {
    Wav,
    Mp3,
    /// Samples at this rate.
    Bare(u32),
}

fn sniffed(bytes: &[u8], bare_rate_hz: Option<u32>) -> Result<Kind, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    if bytes.starts_with(b"RIFF") {
        return Ok(Kind::Wav);
    }
    if is_id3(bytes) {
        return Ok(Kind::Mp3);
    }
    let begins =
        |(at, mark, _): &&(usize, &[u8], &str)| bytes.get(*at..).is_some_and(|rest| rest.starts_with(mark));
    if let Some((_, _, name)) = FOREIGN.iter().find(begins) {
        return Err(DecodeError::Foreign(name));
    }
    if let Some(what) = text(bytes) {
        return Err(DecodeError::Text(what));
    }
    if mp3::begins_here(bytes) {
        return Ok(Kind::Mp3);
    }
    match bare_rate_hz {
        Some(rate_hz) => Ok(Kind::Bare(rate_hz)),
        None if is_adts(bytes) => Err(DecodeError::Foreign("AAC")),
        None => Err(DecodeError::Unknown),
    }
}

/// Whether an `ID3v2` tag begins here, and not samples that happen to look like its first three bytes.
fn is_id3(bytes: &[u8]) -> bool {
    bytes.first_chunk::<10>().is_some_and(|head| {
        head.starts_with(b"ID3")
            && head[3] < 0xff
            && head[4] < 0xff
            && head[6..].iter().all(|byte| *byte < 0x80)
    })
}

/// An AAC stream begins like an MP3 of layer 0, which there is not.
fn is_adts(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, second, ..] if second & 0xf6 == 0xf0)
}

/// What sort of text the bytes are, if they are text: valid UTF-8 without control characters. Samples always have some.
fn text(bytes: &[u8]) -> Option<&'static str> {
    let sample = bytes.get(..TEXT_SAMPLE).unwrap_or(bytes);
    let valid = match std::str::from_utf8(sample) {
        Ok(text) => text,
        // The sample may end within a character.
        Err(error) if sample.len() - error.valid_up_to() < 4 && error.error_len().is_none() => {
            std::str::from_utf8(sample.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    if valid.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) {
        return None;
    }
    let words = valid.trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
    Some(match words.chars().next() {
        None => "blank",
        Some('{' | '[') => "JSON",
        Some('<') if words.starts_with("<!doctype html") || words.starts_with("<html") => "HTML",
        Some('<') => "XML",
        Some(_) => "text",
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::mp3::Mp3Frames;
    use super::*;

    #[test]
    fn what_is_no_sound_is_called_by_its_name() {
        let refused = |bytes: &[u8]| decoded(bytes, Some(16_000)).unwrap_err().to_string();
        for (bytes, word) in [
            (&b""[..], "empty"),
            (b" \n ", "blank"),
            (b"{\"error\":{\"message\":\"no\"}}", "JSON"),
            (b"\xef\xbb\xbf[1]", "JSON"),
            (b"<!DOCTYPE html><html>", "HTML"),
            (b"\n<HTML>502", "HTML"),
            (b"<?xml version='1.0'?><e/>", "XML"),
            ("系统繁忙".as_bytes(), "text"),
            (b"OggS\0\x02", "Ogg"),
            (b"fLaC\0\0\0\x22", "FLAC"),
            (b"\0\0\0\x20ftypM4A ", "M4A"),
            (b"\x1f\x8b\x08\0\0", "gzip"),
        ] {
            assert!(refused(bytes).contains(word), "{bytes:?}: {}", refused(bytes));
        }
        let cut = "好".repeat(200);
        assert!(refused(&cut.as_bytes()[..TEXT_SAMPLE]).contains("text"));
        assert!(matches!(decoded(b"\xff\xf1\x50\x80\x01\x02", None), Err(DecodeError::Foreign("AAC"))));
        assert!(matches!(decoded(&[0, 1, 0, 2], None), Err(DecodeError::Unknown)));
    }

    #[test]
    fn bare_samples_are_taken_where_they_are_declared_and_files_are_known_all_the_same() {
        let pcm = decoded(&[1, 0, 2, 0, 9], Some(16_000)).unwrap();
        assert_eq!((pcm.samples(), pcm.rate_hz()), (&[1, 2][..], 16_000));
        let wav = Pcm::new(vec![5; 100], 8_000).unwrap().to_wav_bytes();
        assert_eq!(decoded(&wav, Some(16_000)).unwrap().rate_hz(), 8_000);
        let mp3 = Mp3Frames::silence(5);
        assert_eq!(decoded(mp3.bytes(), Some(16_000)).unwrap().rate_hz(), 24_000);
        // One sample that looks like a frame does not make an MP3 of them.
        assert_eq!(decoded(&[0xff, 0xf3, 0x64, 0xc4, 1, 0], Some(16_000)).unwrap().samples().len(), 3);
        assert!(matches!(decoded(&[1, 0], Some(0)), Err(DecodeError::Samples(_))));
    }

    #[test]
    fn an_mp3_is_decoded_in_its_time_and_the_cut_frame_is_left_out() {
        let tone: Vec<i16> = (0..24_000).map(|n| if n / 27 % 2 == 0 { 9_000 } else { -9_000 }).collect();
        let frames = Mp3Frames::encoded(&Pcm::new(tone, 24_000).unwrap()).unwrap();
        let whole = decoded(frames.bytes(), None).unwrap();
        assert_eq!(whole.samples().len(), frames.count() as usize * 576);
        let cut = decoded(&frames.bytes()[..frames.bytes().len() - 10], None).unwrap();
        assert_eq!(cut.samples(), &whole.samples()[..whole.samples().len() - 576]);
        let mut tabled = mp3::header(frames.runs()).to_vec();
        tabled.extend(&frames.bytes()[..2_000]);
        let refused = decoded(&tabled, None);
        assert!(matches!(refused, Err(DecodeError::Mp3(Mp3Fault::CutOff { found: 13, .. }))), "{refused:?}");
    }

    #[test]
    fn damage_is_passed_over_where_it_is_little_and_refused_where_it_is_much() {
        let noise: Vec<i16> =
            (0..72_000_i32).map(|n| i16::try_from(n.wrapping_mul(7_919) % 9_000).unwrap() - 4_500).collect();
        let frames = Mp3Frames::encoded(&Pcm::new(noise, 24_000).unwrap()).unwrap();
        let mut bytes = frames.bytes().to_vec();
        let whole = decoded(&bytes, None).unwrap().samples().len();
        bytes.splice(1_440..1_440, [7; 33]);
        assert_eq!(decoded(&bytes, None).unwrap().samples().len(), whole);
        for frame in 0..40 {
            bytes[3_000 + frame * 20] ^= 0xff;
        }
        bytes.truncate(9_000);
        for at in (0..9_000).step_by(144) {
            bytes[at] = 0;
        }
        assert!(decoded(&bytes, None).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), rate in 0_u32..200_000) {
            let _outcome = (decoded(&bytes, None), decoded(&bytes, Some(rate)));
        }

        #[test]
        fn no_damage_to_a_file_panics(
            hits in proptest::collection::vec((0_usize..6_000, any::<u8>()), 0..40),
            cut in 0_usize..6_000, wav in any::<bool>(),
        ) {
            let tone = (0..20_000_u32).map(|n| i16::try_from(n.wrapping_mul(7_919) % 20_000).unwrap() - 10_000);
            let pcm = Pcm::new(tone.collect(), 24_000).unwrap();
            let mut bytes = if wav { pcm.to_wav_bytes() } else { Mp3Frames::encoded(&pcm).unwrap().bytes().to_vec() };
            for (at, value) in hits {
                let place = at % bytes.len();
                bytes[place] = value;
            }
            let _whole = decoded(&bytes, None);
            let _part = decoded(&bytes[..cut.min(bytes.len())], None);
        }
    }
}
