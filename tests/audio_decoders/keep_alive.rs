//! Keep-alive files of every format, kind and length, as decoders see and hear them: exact in length, as soft as they
//! say, without a click where the repeated block begins again, and every range a slice of the whole.

use orderbell::audio::silence::{KeepAlive, Kind};
use orderbell::audio::{Format, VirtualFile};
use tempfile::TempDir;

use crate::{Heard, heard, probed_ms, stored, strictly_decoded};

/// All there are: M4A is silent as zero only.
const ALL: [(Format, Kind); 7] = [
    (Format::M4a, Kind::Zero),
    (Format::Mp3, Kind::Zero),
    (Format::Mp3, Kind::Noise),
    (Format::Mp3, Kind::Tone),
    (Format::Wav, Kind::Zero),
    (Format::Wav, Kind::Noise),
    (Format::Wav, Kind::Tone),
];
/// What a decoder gives: speech's rate for MP3, the files' own for the rest.
const MP3_HZ: u32 = 24_000;
const OTHER_HZ: u32 = 8_000;

fn whole(file: &VirtualFile) -> Vec<u8> {
    file.read(0..u64::MAX).collect::<Vec<_>>().concat()
}

fn rate_hz(format: Format) -> u32 {
    match format {
        Format::Mp3 => MP3_HZ,
        Format::M4a | Format::Wav => OTHER_HZ,
    }
}

/// Seconds after which the block of noise or tone begins again.
fn turn_s(format: Format) -> usize {
    match format {
        Format::Mp3 => 3,
        Format::M4a | Format::Wav => 1,
    }
}

/// Level of samples in dB below full scale.
#[expect(clippy::cast_precision_loss, reason = "some million samples")]
fn rms_db(samples: &[i16]) -> f64 {
    let sum: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    20.0 * ((sum / samples.len() as f64).sqrt() / 32_768.0).log10()
}

fn of(format: Format, kind: Kind, seconds: u32, dir: &TempDir) -> (Vec<u8>, Heard) {
    let bytes = whole(&KeepAlive::new().unwrap().file(format, kind, seconds).unwrap());
    let path = stored(dir, &format!("{kind:?}-{seconds}.{}", format.extension()), &bytes);
    let probed = probed_ms(&path);
    let truth = f64::from(seconds) * 1000.0;
    // MP3 comes in frames of 24 ms; the others are exact.
    let over = if format == Format::Mp3 { 24.0 } else { 0.0 };
    assert!((-0.01..=over + 0.01).contains(&(probed - truth)), "{format:?} {kind:?} {seconds}: {probed}");
    let heard = heard(&path, rate_hz(format));
    // A decoder may give the last AAC frame whole: 128 ms.
    let over = if format == Format::M4a { 128.0 } else { over };
    let decoded = heard.duration_ms();
    assert!((-0.2..=over + 0.2).contains(&(decoded - truth)), "{format:?} {kind:?} {seconds}: {decoded}");
    (bytes, heard)
}

#[test]
fn every_file_lasts_what_it_says_and_is_as_soft() {
    let dir = TempDir::new().unwrap();
    for (format, kind) in ALL {
        for seconds in [1, 2, 7, 600] {
            let (bytes, heard) = of(format, kind, seconds, &dir);
            // The codec is silent until its first frame is through.
            let from = if format == Format::Mp3 { 2_000 } else { 0 };
            let level = rms_db(&heard.samples[from.min(heard.samples.len() / 2)..]);
            println!("{format:?} {kind:?} {seconds} s: {} bytes, {level:.1} dBFS", bytes.len());
            match kind {
                Kind::Zero => assert_eq!(heard.peak(0, seconds * 1000), 0, "{format:?} {seconds}"),
                Kind::Noise => assert!((-70.5..=-69.5).contains(&level), "{format:?}: {level}"),
                // A sine of -60 dBFS is 3 dB less as RMS.
                Kind::Tone => assert!((-64.0..=-62.0).contains(&level), "{format:?}: {level}"),
            }
        }
    }
}

#[test]
fn an_hour_lasts_an_hour() {
    let dir = TempDir::new().unwrap();
    for (format, kind) in [(Format::M4a, Kind::Zero), (Format::Mp3, Kind::Zero), (Format::Wav, Kind::Tone)] {
        of(format, kind, 3_600, &dir);
    }
}

#[test]
fn noise_is_not_found_to_be_digital_silence() {
    let dir = TempDir::new().unwrap();
    for (format, kind) in ALL.into_iter().filter(|(_, kind)| *kind != Kind::Zero) {
        let (_, heard) = of(format, kind, 20, &dir);
        let loud = heard.samples.iter().filter(|sample| **sample != 0).count() * 100 / heard.samples.len();
        let peak = heard.peak(0, 20_000);
        println!("{kind:?} {format:?}: {loud} % not zero, peak {peak}");
        assert!(loud > 50 && (2..=60).contains(&peak), "{kind:?} {format:?}: {loud} % peak {peak}");
    }
}

/// How far each sample of a tone is from what the two before it foretell, highest over a stretch.
fn surprise(samples: &[i16], hz: u32) -> f64 {
    let turn = 2.0 * (30.0 * std::f64::consts::TAU / f64::from(hz)).cos();
    let step = |three: &[i16]| {
        let [a, b, c] = [0, 1, 2].map(|place| f64::from(three[place]));
        (c - turn * b + a).abs()
    };
    samples.windows(3).map(step).fold(0.0, f64::max)
}

fn highest_step(samples: &[i16]) -> u16 {
    samples.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max().unwrap_or(0)
}

#[test]
fn nothing_clicks_where_the_block_begins_again() {
    let dir = TempDir::new().unwrap();
    for (format, kind) in ALL.into_iter().filter(|(_, kind)| *kind != Kind::Zero) {
        let (_, heard) = of(format, kind, 20, &dir);
        let hz = rate_hz(format);
        let turn = turn_s(format) * hz as usize;
        // A decoder is late by up to two frames of 576 samples and one window: all of that is the seam.
        let (before, after) = if format == Format::Mp3 { (600, 2_400) } else { (400, 400) };
        let samples = &heard.samples;
        let mut at_seams = (0_u16, 0.0_f64);
        let mut elsewhere = (0_u16, 0.0_f64);
        for seam in (turn..samples.len() - turn).step_by(turn) {
            let place = &samples[seam - before..seam + after];
            at_seams = (at_seams.0.max(highest_step(place)), at_seams.1.max(surprise(place, hz)));
            let middle = &samples[seam + after..seam + turn - before];
            elsewhere = (elsewhere.0.max(highest_step(middle)), elsewhere.1.max(surprise(middle, hz)));
            let (level, usual) = (rms_db(place), rms_db(middle));
            assert!((level - usual).abs() < 3.0, "{format:?} {kind:?} at {seam}: {level} for {usual} dBFS");
        }
        println!("{format:?} {kind:?}: step and surprise {at_seams:?} at seams, {elsewhere:?} elsewhere");
        // A block that did not fit itself would stand out from the three seconds around it.
        assert!(
            at_seams.0 <= elsewhere.0 + elsewhere.0 / 5,
            "{format:?} {kind:?}: {at_seams:?} {elsewhere:?}"
        );
        if kind == Kind::Tone {
            assert!(at_seams.1 <= elsewhere.1 + 2.0, "{format:?} {kind:?}: {at_seams:?} {elsewhere:?}");
        }
    }
}

#[test]
fn heads_say_what_follows() {
    let keep_alive = KeepAlive::new().unwrap();
    let be = |bytes: &[u8], at: usize| u32::from_be_bytes(*bytes[at..].first_chunk().unwrap()) as usize;
    for seconds in [1, 7, 600, 3_600] {
        for kind in [Kind::Zero, Kind::Noise, Kind::Tone] {
            let mp3 = whole(&keep_alive.file(Format::Mp3, kind, seconds).unwrap());
            let tag = mp3[..192].windows(4).position(|tag| tag == b"Xing").unwrap();
            assert_eq!(be(&mp3, tag + 8), (seconds as usize * 1_000).div_ceil(24), "frames");
            assert_eq!(be(&mp3, tag + 12), mp3.len(), "bytes");
            let toc = &mp3[tag + 16..tag + 116];
            let half = u8::try_from((192 + (mp3.len() - 192) / 2) * 256 / mp3.len()).unwrap();
            assert!(toc.is_sorted() && toc[50].abs_diff(half) <= 3, "{half} {toc:?}");
            let wav = whole(&keep_alive.file(Format::Wav, kind, seconds).unwrap());
            let le = |at: usize| u32::from_le_bytes(*wav[at..].first_chunk().unwrap()) as usize;
            assert_eq!((&wav[36..40], le(40), le(4)), (&b"data"[..], wav.len() - 44, wav.len() - 8));
        }
        let m4a = whole(&keep_alive.file(Format::M4a, Kind::Zero, seconds).unwrap());
        let second = be(&m4a, 0);
        assert_eq!((&m4a[4..8], &m4a[second + 4..second + 8]), (&b"ftyp"[..], &b"moov"[..]), "moov is first");
        let third = second + be(&m4a, second);
        assert_eq!((&m4a[third + 4..third + 8], third + be(&m4a, third)), (&b"mdat"[..], m4a.len()));
    }
}

#[test]
fn every_range_is_the_slice_of_the_whole() {
    let keep_alive = KeepAlive::new().unwrap();
    for (format, kind) in ALL {
        let file = keep_alive.file(format, kind, 60).unwrap();
        let whole = whole(&file);
        let len = whole.len();
        assert_eq!(file.len(), len as u64);
        // Steps that meet heads, blocks and chunks at every place, and the corners.
        let strides = (0..len).step_by(len / 97 + 1).map(|from| (from, from + 17_003));
        let corners =
            [(0, 1), (0, 2), (191, 193), (43, 45), (len - 1, len), (len - 1_000, len + 9), (len, len + 5)];
        for (from, to) in strides.chain(corners) {
            let part = file.read(from as u64..to as u64).collect::<Vec<_>>().concat();
            assert!(part == whole[from..to.min(len)], "{format:?} {kind:?} {from}..{to}");
        }
    }
}

#[test]
fn mp3_of_every_kind_is_decoded_by_a_strict_decoder() {
    let silence = KeepAlive::new().unwrap();
    for kind in [Kind::Zero, Kind::Noise, Kind::Tone] {
        let bytes = whole(&silence.file(Format::Mp3, kind, 7).unwrap());
        assert!(strictly_decoded(&format!("{kind:?}"), &bytes).abs_diff(7_000 / 24) <= 2);
    }
}
