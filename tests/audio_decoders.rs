//! Our files as an independent decoder hears them: ffmpeg must find no fault, the right length and the right loudness.
//! Needs ffmpeg, ffprobe and espeak-ng; without them these tests fail, since nothing else would prove the sound.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may stop the test")]

#[path = "audio_decoders/engines.rs"]
mod engines;
#[path = "audio_decoders/joins.rs"]
mod joins;
#[path = "audio_decoders/keep_alive.rs"]
mod keep_alive;
#[path = "audio_decoders/loudness.rs"]
mod loudness;

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use orderbell::audio::Format;
use orderbell::audio::chime::Chimes;
use orderbell::audio::clip::{AFTER_CHIME_FRAMES, ComposedClip, joined};
use orderbell::audio::mp3::{Mp3Frames, RATE_HZ};
use orderbell::audio::part;
use orderbell::audio::pcm::Pcm;
use orderbell::audio::silence::{KeepAlive, Kind};
use orderbell::domain::SoundProfile;
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use tempfile::TempDir;

const TEXT: &str = "你有新的订单，请及时接单";

/// What ffmpeg makes of a file.
struct Heard {
    samples: Vec<i16>,
    rate_hz: u32,
}

impl Heard {
    fn duration_ms(&self) -> f64 {
        f64::from(u32::try_from(self.samples.len()).unwrap()) * 1000.0 / f64::from(self.rate_hz)
    }

    /// The highest sample between two times.
    fn peak(&self, from_ms: u32, to_ms: u32) -> u16 {
        let at = |ms: u32| (u64::from(ms) * u64::from(self.rate_hz) / 1000) as usize;
        let part = &self.samples[at(from_ms)..at(to_ms).min(self.samples.len())];
        part.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0)
    }
}

fn run(program: &str, args: &[&str]) -> (Vec<u8>, String) {
    let output =
        Command::new(program).args(args).output().expect("install ffmpeg and espeak-ng to run these tests");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {args:?}: {errors}");
    (output.stdout, errors)
}

/// Decodes strictly; a single complaint fails the test.
fn heard(path: &Path, rate_hz: u32) -> Heard {
    let rate = rate_hz.to_string();
    let path = path.to_str().unwrap();
    let (pcm, errors) =
        run("ffmpeg", &["-v", "error", "-xerror", "-i", path, "-f", "s16le", "-ac", "1", "-ar", &rate, "-"]);
    assert_eq!(errors, "", "{path}");
    let samples = pcm.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect();
    Heard { samples, rate_hz }
}

/// The duration ffprobe reads from the headers, in milliseconds.
fn probed_ms(path: &Path) -> f64 {
    let args = ["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path.to_str().unwrap()];
    let (out, errors) = run("ffprobe", &args);
    assert_eq!(errors, "");
    String::from_utf8(out).unwrap().trim().parse::<f64>().unwrap() * 1000.0
}

/// Integrated loudness (LUFS) and true peak (dBTP) of the first `to_ms` of a file.
fn level(path: &Path, to_ms: u32) -> (f64, f64) {
    let filter = format!("atrim=end={to_ms}ms,ebur128=peak=true");
    let (_, log) =
        run("ffmpeg", &["-nostats", "-i", path.to_str().unwrap(), "-af", &filter, "-f", "null", "-"]);
    let summary = log.rsplit("Summary:").next().unwrap().to_owned();
    let value = |tag: &str| {
        let rest = summary.split(tag).nth(1).unwrap();
        rest.split_whitespace().next().unwrap().parse::<f64>().unwrap()
    };
    (value("I:"), value("Peak:"))
}

fn spoken(text: &str) -> Pcm {
    let (wav, _) = run("espeak-ng", &["-v", "cmn-latn-pinyin", "-s", "190", "--stdout", "--", text]);
    Pcm::from_wav_bytes(&wav).unwrap()
}

fn sentence(pcm: Pcm) -> Mp3Frames {
    part::frames(&part::dry(pcm).unwrap(), SoundProfile::Plain).unwrap()
}

fn compose(chime: &Mp3Frames, words: &Mp3Frames, tail_ms: u32) -> ComposedClip {
    joined(SoundProfile::Plain, &[(chime, AFTER_CHIME_FRAMES), (words, 0)], tail_ms)
}

fn stored(dir: &TempDir, name: &str, bytes: &[u8]) -> std::path::PathBuf {
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Frames that a decoder which forgives nothing has decoded. ffmpeg overlooks Huffman data that run past the end of
/// their frame; browsers refuse the whole file for it.
fn strictly_decoded(name: &str, bytes: &[u8]) -> usize {
    let source = MediaSourceStream::new(
        Box::new(std::io::Cursor::new(bytes.to_vec())),
        MediaSourceStreamOptions::default(),
    );
    let mut hint = Hint::new();
    hint.with_extension("mp3");
    let probe = symphonia::default::get_probe();
    let mut format =
        probe.probe(&hint, source, FormatOptions::default(), MetadataOptions::default()).unwrap();
    let track = format.default_track(TrackType::Audio).unwrap();
    let parameters = track.codec_params.as_ref().and_then(|parameters| parameters.audio()).unwrap();
    let options = AudioDecoderOptions::default();
    let mut decoder = symphonia::default::get_codecs().make_audio_decoder(parameters, &options).unwrap();
    let mut frames = 0;
    while let Some(packet) = format.next_packet().unwrap() {
        let fault = decoder.decode(&packet).err();
        assert!(fault.is_none(), "{name}: frame {frames}: {fault:?}");
        frames += 1;
    }
    frames
}

/// Proves everything a clip promises; returns what was heard.
fn proved(dir: &TempDir, name: &str, clip: &ComposedClip) -> Heard {
    let frames = strictly_decoded(name, &clip.bytes);
    assert!(frames.abs_diff((clip.duration_ms / 24) as usize) <= 1, "{name}: {frames} frames");
    let path = stored(dir, name, &clip.bytes);
    let heard = heard(&path, RATE_HZ);
    let truth = f64::from(clip.duration_ms);
    assert!((probed_ms(&path) - truth).abs() <= 24.0, "{name}: {} for {truth}", probed_ms(&path));
    assert!((heard.duration_ms() - truth).abs() <= 24.0, "{name}: {} for {truth}", heard.duration_ms());
    let ends = clip.duration_ms - clip.tail_ms;
    assert!(heard.peak(0, ends) > 3_000, "{name}: the sentence is heard");
    let leftover = heard.peak(ends, clip.duration_ms);
    assert!(leftover <= 1, "{name}: the tail is silent, not {leftover}");
    heard
}

#[test]
fn a_clip_decodes_without_a_fault_and_is_as_long_and_as_loud_as_it_says() {
    let dir = TempDir::new().unwrap();
    let chimes = Chimes::new().unwrap();
    let long = "订单尾号八六零七，海底捞火锅，送到人民路一百二十三号，请在十二点半之前取餐";
    for (n, text) in [TEXT, long, "好"].into_iter().enumerate() {
        let frames = sentence(spoken(text));
        for urgency in 0..4 {
            let clip = compose(&chimes.of(urgency, SoundProfile::Plain).frames, &frames, 45_000);
            let name = format!("{n}-{urgency}.mp3");
            let heard = proved(&dir, &name, &clip);
            assert_eq!(clip.tail_ms, 45_000);
            let ends = clip.duration_ms - clip.tail_ms;
            assert!(heard.peak(ends - 220, ends) > 300, "the last word is there");
            let (lufs, peak) = level(&dir.path().join(name), ends);
            println!("clip {n} urgency {urgency}: {lufs} LUFS, {peak} dBTP, {} bytes", clip.bytes.len());
            // One short word is levelled by its RMS, and the file around it is mostly chime and pause.
            let softest = if n == 2 { -20.0 } else { -17.0 };
            assert!((softest..=-15.0).contains(&lufs), "{lufs} LUFS");
            assert!(peak <= -0.3, "{peak} dBTP");
        }
    }
}

#[test]
fn chimes_alone_decode_and_are_near_the_loudness_of_speech() {
    let dir = TempDir::new().unwrap();
    let chimes = Chimes::new().unwrap();
    for urgency in 0..4 {
        let chime = &chimes.of(urgency, SoundProfile::Plain).frames;
        let clip = compose(chime, &Mp3Frames::silence(0), 1_000);
        let name = format!("chime-{urgency}.mp3");
        proved(&dir, &name, &clip);
        // The meter has no answer under 400 ms, so a little of the tail is measured with it.
        let (lufs, _) = level(&dir.path().join(name), (clip.duration_ms - clip.tail_ms).max(450));
        println!("chime {urgency}: {} ms, {lufs} LUFS", chime.duration_ms());
        assert!((-21.0..=-13.0).contains(&lufs), "{urgency}: {lufs}");
    }
}

#[test]
fn making_a_clip_takes_milliseconds() {
    let voice = spoken(TEXT).resampled_to(RATE_HZ).unwrap();
    let three_seconds: Vec<i16> = voice.samples().iter().copied().cycle().take(72_000).collect();
    let pcm = Pcm::new(three_seconds, RATE_HZ).unwrap();
    let best = |work: &dyn Fn()| {
        let times = (0..20).map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        });
        times.min().unwrap()
    };
    let frames = Mp3Frames::encoded(&pcm).unwrap();
    let chimes = Chimes::new().unwrap();
    let keep_alive = KeepAlive::new().unwrap();
    println!("encode 3 s: {:?}", best(&|| drop(Mp3Frames::encoded(&pcm))));
    println!("trim, level, encode 3 s: {:?}", best(&|| drop(sentence(pcm.clone()))));
    let composing = best(&|| drop(compose(&chimes.of(1, SoundProfile::Plain).frames, &frames, 45_000)));
    println!("compose with 45 s tail: {composing:?}");
    let file = keep_alive.file(Format::Mp3, Kind::Zero, 3_600).unwrap();
    println!(
        "make an hour's m4a head: {:?}",
        best(&|| drop(keep_alive.file(Format::M4a, Kind::Zero, 3_600)))
    );
    println!("read an hour of mp3 silence: {:?}", best(&|| assert_eq!(file.read(0..u64::MAX).count(), 221)));
    println!("read two bytes of it: {:?}", best(&|| assert_eq!(file.read(3_000_000..3_000_002).count(), 1)));
    assert!(composing.as_millis() < 100);
}

#[test]
fn every_canned_sentence_that_is_shipped_is_decoded_by_a_strict_decoder_and_keeps_level_and_ceiling() {
    let mut files = 0;
    for lang in ["zh-CN", "yue", "en"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/canned").join(lang);
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let frames = strictly_decoded(&path.display().to_string(), &std::fs::read(&path).unwrap());
            assert!((25..1_000).contains(&frames), "{}: {frames} frames", path.display());
            let (lufs, peak) = level(&path, 60_000);
            assert!((-17.0..=-15.0).contains(&lufs) && peak <= -1.0, "{}: {lufs} {peak}", path.display());
            files += 1;
        }
    }
    assert_eq!(files, 3 * 24, "one for every kind that speaks, in each language");
}
