//! What engines send, made by encoders that are not ours: every rate, depth, bit rate and number of channels comes out as
//! the sound that ffmpeg hears in it, and whatever is torn, foreign or no sound at all is refused by its name.

use std::time::Instant;

use bytes::Bytes;
use orderbell::audio::canned::CannedClips;
use orderbell::audio::chime::Chimes;
use orderbell::audio::decode::{DecodeError, decoded};
use orderbell::audio::mp3::Mp3Fault;
use orderbell::audio::part;
use orderbell::audio::pcm::{Pcm, PcmError};
use tempfile::TempDir;

use crate::{heard, run, spoken, stored};

const TEXT: &str = "您有新的美团订单，请及时接单";

/// A file that ffmpeg makes of a sentence.
fn made(dir: &TempDir, name: &str, args: &[&str]) -> Vec<u8> {
    let wav = stored(dir, "source.wav", &spoken(TEXT).to_wav_bytes());
    let path = dir.path().join(name);
    let head = ["-v", "error", "-y", "-i", wav.to_str().unwrap(), "-metadata", "title=语音"];
    run("ffmpeg", &[&head[..], args, &[path.to_str().unwrap()]].concat());
    std::fs::read(path).unwrap()
}

/// How alike two sounds are, 0 to 1, the second up to 2,000 samples later: encoders add that much in front.
fn likeness(one: &[i16], other: &[i16]) -> f64 {
    let middle = one.len() / 4..one.len() / 4 * 3;
    let at = |shift: usize| {
        let (mut both, mut first, mut second) = (0.0_f64, 1.0_f64, 1.0_f64);
        for n in middle.clone().step_by(7) {
            let (a, b) = (f64::from(one[n]), f64::from(other.get(n + shift).copied().unwrap_or(0)));
            both += a * b;
            first += a * a;
            second += b * b;
        }
        both / (first * second).sqrt()
    };
    (0..2_000).map(at).fold(0.0, f64::max)
}

#[test]
fn mp3_of_every_sort_is_heard_as_ffmpeg_hears_it() {
    let dir = TempDir::new().unwrap();
    let lame = ["-c:a", "libmp3lame"];
    let sorts: [(&str, u32, &[&str]); 12] = [
        ("cbr-24.mp3", 24_000, &["-ar", "24000", "-ac", "1", "-b:a", "48k"]),
        ("cbr-16.mp3", 16_000, &["-ar", "16000", "-ac", "1", "-b:a", "32k"]),
        ("cbr-8.mp3", 8_000, &["-ar", "8000", "-ac", "1", "-b:a", "16k"]),
        ("cbr-22.mp3", 22_050, &["-ar", "22050", "-ac", "1", "-b:a", "56k"]),
        ("cbr-32.mp3", 32_000, &["-ar", "32000", "-ac", "1", "-b:a", "64k"]),
        ("high.mp3", 44_100, &["-ar", "44100", "-ac", "1", "-b:a", "320k"]),
        ("joint.mp3", 44_100, &["-ar", "44100", "-ac", "2", "-b:a", "128k"]),
        ("stereo.mp3", 48_000, &["-ar", "48000", "-ac", "2", "-joint_stereo", "0", "-b:a", "96k"]),
        ("vbr.mp3", 24_000, &["-ar", "24000", "-ac", "1", "-q:a", "2"]),
        ("vbr-48.mp3", 48_000, &["-ar", "48000", "-ac", "2", "-q:a", "7"]),
        (
            "bare.mp3",
            24_000,
            &["-ar", "24000", "-ac", "1", "-b:a", "64k", "-write_xing", "0", "-id3v2_version", "0"],
        ),
        (
            "tags.mp3",
            24_000,
            &["-ar", "24000", "-ac", "1", "-b:a", "64k", "-write_id3v1", "1", "-write_apetag", "1"],
        ),
    ];
    for (name, rate_hz, args) in sorts {
        let bytes = made(&dir, name, &[&lame[..], args].concat());
        let ours = decoded(&bytes, None).unwrap();
        assert_eq!(ours.rate_hz(), rate_hz, "{name}");
        let theirs = heard(&dir.path().join(name), rate_hz);
        // They take away what the encoder added in front and behind; we trim silence instead.
        let longer = f64::from(ours.duration_ms()) - theirs.duration_ms();
        assert!((-1.0..300.0).contains(&longer), "{name}: {longer} ms longer");
        let alike = likeness(&theirs.samples, ours.samples());
        println!("{name}: {longer:.0} ms longer, alike {alike:.4}");
        assert!(alike > 0.99, "{name}: {alike}");
        let (one, other) = (part::dry(ours).unwrap(), part::dry(spoken(TEXT)).unwrap());
        let trimmed = one.duration_ms().abs_diff(other.duration_ms());
        assert!(trimmed < 60, "{name}: {} ms for {}", one.duration_ms(), other.duration_ms());
    }
}

#[test]
fn wav_of_every_depth_is_heard_as_ffmpeg_hears_it() {
    let dir = TempDir::new().unwrap();
    for (name, args) in [
        ("u8.wav", &["-c:a", "pcm_u8"][..]),
        ("s16.wav", &["-c:a", "pcm_s16le"]),
        ("s24.wav", &["-c:a", "pcm_s24le", "-ac", "2"]),
        ("s32.wav", &["-c:a", "pcm_s32le"]),
        ("f32.wav", &["-c:a", "pcm_f32le", "-ar", "48000"]),
        ("f64.wav", &["-c:a", "pcm_f64le"]),
        ("six.wav", &["-c:a", "pcm_s16le", "-ac", "6"]),
    ] {
        let bytes = made(&dir, name, args);
        let ours = decoded(&bytes, None).unwrap();
        let theirs = heard(&dir.path().join(name), ours.rate_hz());
        assert!(ours.samples().len().abs_diff(theirs.samples.len()) <= 1, "{name}");
        let alike = likeness(&theirs.samples, ours.samples());
        assert!(alike > 0.98, "{name}: {alike}");
    }
    // As espeak-ng writes it to a pipe, and as ffmpeg does: neither knows the length when it writes the header.
    let (piped, _) = run("espeak-ng", &["-v", "cmn-latn-pinyin", "--stdout", "--", TEXT]);
    assert!(decoded(&piped, None).unwrap().duration_ms() > 2_000);
    let file = stored(&dir, "whole.wav", &piped);
    let (streamed, _) = run("ffmpeg", &["-v", "error", "-i", file.to_str().unwrap(), "-f", "wav", "-"]);
    let whole = decoded(&piped, None).unwrap();
    assert_eq!(decoded(&streamed, None).unwrap().samples().len(), whole.samples().len());
}

#[test]
fn foreign_sounds_are_refused_by_their_name() {
    let dir = TempDir::new().unwrap();
    for (file, word) in [
        ("a.ogg", "Ogg"),
        ("a.opus", "Ogg"),
        ("a.flac", "FLAC"),
        ("a.m4a", "M4A"),
        ("a.aac", "AAC"),
        ("a.webm", "WebM"),
        ("a.aiff", "AIFF"),
        ("a.au", "AU"),
        ("a.mp2", "no sound we know"),
    ] {
        let args: &[&str] = if word.starts_with("no") { &["-ar", "24000"] } else { &[] };
        let error = decoded(&made(&dir, file, args), None).unwrap_err().to_string();
        assert!(error.contains(word), "{file}: {error}");
    }
    let mu_law = made(&dir, "law.wav", &["-c:a", "pcm_mulaw"]);
    assert!(matches!(decoded(&mu_law, None), Err(DecodeError::Samples(PcmError::NotPlain(_)))));
}

#[test]
fn what_is_cut_off_is_found_out_where_the_file_can_show_it() {
    let dir = TempDir::new().unwrap();
    let mp3 = ["-c:a", "libmp3lame", "-ar", "24000", "-ac", "1"];
    let tabled = made(&dir, "tabled.mp3", &[&mp3[..], &["-q:a", "4"]].concat());
    let half = decoded(&tabled[..tabled.len() / 2], None);
    assert!(matches!(half, Err(DecodeError::Mp3(Mp3Fault::CutOff { .. }))), "{half:?}");
    let bare = made(&dir, "bare.mp3", &[&mp3[..], &["-b:a", "48k", "-write_xing", "0"]].concat());
    let whole = decoded(&bare, None).unwrap();
    let cut = decoded(&bare[..bare.len() - 50], None).unwrap();
    assert_eq!(whole.samples().len() - cut.samples().len(), 576);
    let wav = made(&dir, "cut.wav", &[]);
    let cut = decoded(&wav[..wav.len() - 1_000], None);
    assert!(matches!(cut, Err(DecodeError::Samples(PcmError::CutOff { missing: 1_000 }))), "{cut:?}");
}

#[test]
fn fifty_megabytes_of_anything_are_dealt_with_quickly() {
    let dir = TempDir::new().unwrap();
    let speech = made(
        &dir,
        "one.mp3",
        &["-c:a", "libmp3lame", "-ar", "24000", "-ac", "1", "-b:a", "48k", "-write_xing", "0"],
    );
    let frames: Vec<u8> = speech.iter().copied().skip_while(|byte| *byte != 0xff).collect();
    let size = 50_000_000;
    let endless = |bytes: &[u8]| bytes.iter().copied().cycle().take(size).collect::<Vec<u8>>();
    let mut silence = vec![0; size];
    silence[..44].copy_from_slice(&Pcm::new(vec![], 8_000).unwrap().to_wav_bytes());
    for (name, bytes) in [
        ("mp3", endless(&frames)),
        ("mp3 of damage", endless(&[&frames[..1_440], &[1; 700]].concat())),
        ("tags", endless(b"ID3\x04\0\0\0\0\0\0")),
        ("zeros", vec![0; size]),
        ("ones", vec![0xff; size]),
        ("text", endless(b"busy ")),
        ("wav", silence),
    ] {
        let start = Instant::now();
        let outcome = decoded(&bytes, None).map(|pcm| pcm.duration_ms());
        println!("50 MB of {name}: {:?}, {outcome:?}", start.elapsed());
        assert!(outcome.is_err(), "{name}");
        assert!(start.elapsed().as_secs() < 10, "{name}: {:?}", start.elapsed());
    }
}

#[test]
fn a_recording_by_another_encoder_can_be_a_canned_sentence() {
    let dir = TempDir::new().unwrap();
    let chimes = Chimes::new().unwrap();
    for (name, args) in [
        ("cbr.mp3", &["-c:a", "libmp3lame", "-ar", "24000", "-ac", "1", "-b:a", "48k"][..]),
        ("music.mp3", &["-c:a", "libmp3lame", "-ar", "44100", "-ac", "2", "-q:a", "2"]),
    ] {
        let file = Bytes::from(made(&dir, name, args));
        let clips = CannedClips::new([("zh".to_owned(), "new".to_owned(), file)], &chimes, 2_400).unwrap();
        let plain = clips.of("zh", "new", 1);
        let street_name = plain.file_name.replace(".mp3", "-street.mp3");
        for clip in [plain, clips.by_file_name(&street_name).unwrap()] {
            let path = stored(&dir, &clip.file_name, &clip.bytes());
            let heard = heard(&path, 24_000);
            assert!((heard.duration_ms() - f64::from(clip.duration_ms)).abs() < 0.1, "{name}");
            assert_eq!(clip.bytes().len() as u64, clip.len);
            assert!(
                heard.peak(clip.duration_ms - clip.tail_ms, clip.duration_ms) <= 1,
                "{name}: the tail is silent"
            );
        }
    }
}
