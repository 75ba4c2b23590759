//! Clips that were joined frame by frame: two decoders that know nothing of each other hear each part as it sounds alone,
//! at its place to the sample, with no step and no hole where the next begins. What is looked for is also made on
//! purpose, so that the looking is known to find it.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "samples and powers of a few seconds"
)]

use bytes::Bytes;
use orderbell::audio::clip::{AFTER_CHIME_FRAMES, Piece, joined, pause_after};
use orderbell::audio::decode::decoded;
use orderbell::audio::mp3::{Mp3Frames, RATE_HZ};
use orderbell::audio::part;
use orderbell::audio::pcm::Pcm;
use orderbell::domain::SoundProfile;
use tempfile::TempDir;

use crate::{Heard, heard, probed_ms, run, spoken, stored};

/// A sentence as it is cut: fixed runs, values, and digits one by one.
pub(crate) const PARTS: [&str; 12] = [
    "您有新的美团订单，",
    "尾号",
    "八",
    "六",
    "零",
    "七",
    "，海底捞火锅，",
    "送到人民路小区，",
    "一点二公里",
    "，配送费",
    "六元五角",
    "。",
];
const SAMPLES: usize = 576;
/// Where the first sample of a sound comes out of its frames.
const DELAY: usize = 817;
/// Windows in which levels are compared.
const WINDOW: usize = RATE_HZ as usize / 100;

/// The parts of the sentence that say something, with the pause behind each.
pub(crate) fn parts(profile: SoundProfile) -> Vec<(Mp3Frames, u32)> {
    let said = PARTS.iter().enumerate().filter(|(_, text)| text.chars().any(|c| !"，。".contains(c)));
    let part = |(n, text): (usize, &&str)| {
        let dry = part::dry(spoken(text)).unwrap();
        let next = PARTS.get(n + 1).unwrap_or(&"");
        (part::frames(&dry, profile).unwrap(), pause_after(text, next))
    };
    said.map(part).collect()
}

/// A clip as ffmpeg hears it, and as symphonia does.
fn twice_heard(dir: &TempDir, name: &str, bytes: &Bytes) -> [Vec<i16>; 2] {
    let Heard { samples, .. } = heard(&stored(dir, name, bytes), RATE_HZ);
    // The frame with the table is no sound: one decoder leaves it out, the other may play it.
    let other = decoded(bytes, None).unwrap();
    [samples, other.samples().to_vec()]
}

/// What is wrong with a joint: `together` is a clip in which one part ends at `at`, `alone` is what it should sound
/// like, the parts on their own laid over each other.
fn fault(together: &[i16], alone: &[i32], at: usize) -> Option<String> {
    let (from, to) = (at.saturating_sub(10 * WINDOW), (at + 10 * WINDOW).min(alone.len()));
    let step = |samples: &mut dyn Iterator<Item = i32>| {
        let samples: Vec<i32> = samples.collect();
        samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).max().unwrap_or(0)
    };
    let have = step(&mut together[from..to].iter().map(|sample| i32::from(*sample)));
    let want = step(&mut alone[from..to].iter().copied());
    if have > want + 300 {
        return Some(format!("a step of {have} at {at}, where the parts alone have {want}"));
    }
    for place in (from..to - WINDOW).step_by(WINDOW / 2) {
        let level =
            |power: i64| 10.0 * ((power as f64 / WINDOW as f64).max(100.0) / 32_768.0_f64.powi(2)).log10();
        let have = level(together[place..place + WINDOW].iter().map(|s| i64::from(*s).pow(2)).sum());
        let want = level(alone[place..place + WINDOW].iter().map(|s| i64::from(*s).pow(2)).sum());
        if (have - want).abs() > 1.0 {
            return Some(format!(
                "{have:.1} dBFS at {place} near {at}, where the parts alone have {want:.1}"
            ));
        }
    }
    None
}

/// The parts decoded each alone, laid over each other at their places.
fn laid_out(dir: &TempDir, pieces: &[Piece<'_>], frames: usize, decoder: usize) -> (Vec<i32>, Vec<usize>) {
    let mut all = vec![0_i32; frames * SAMPLES];
    let (mut at, mut joints) = (0, Vec::new());
    for (part, pause) in pieces {
        let alone = joined(SoundProfile::Plain, &[(*part, 0)], 240);
        let [one, other] = twice_heard(dir, "alone.mp3", &alone.bytes);
        let samples = if decoder == 0 { one } else { other };
        for (place, sample) in all[at..].iter_mut().zip(samples) {
            *place += i32::from(sample);
        }
        at += part.count() as usize * SAMPLES;
        joints.push(at);
        at += *pause as usize * SAMPLES;
    }
    (all, joints)
}

fn faults(dir: &TempDir, pieces: &[Piece<'_>], clip: &Bytes) -> Vec<String> {
    let mut faults = Vec::new();
    for (decoder, together) in twice_heard(dir, "together.mp3", clip).into_iter().enumerate() {
        let (alone, joints) = laid_out(dir, pieces, together.len() / SAMPLES + 20, decoder);
        let alone = &alone[..together.len()];
        faults.extend(joints.into_iter().filter_map(|at| fault(&together, alone, at)));
    }
    faults
}

#[test]
fn a_joined_sentence_sounds_like_its_parts_in_two_decoders() {
    let dir = TempDir::new().unwrap();
    for profile in SoundProfile::ALL {
        let parts = parts(profile);
        let pieces: Vec<Piece<'_>> = parts.iter().map(|(frames, pause)| (frames, *pause)).collect();
        let clip = joined(SoundProfile::Plain, &pieces, 45_000);
        assert_eq!(faults(&dir, &pieces, &clip.bytes), Vec::<String>::new(), "{profile:?}");
        let path = stored(&dir, "clip.mp3", &clip.bytes);
        let frames: u32 = pieces.iter().map(|(part, pause)| part.count() + pause).sum();
        let truth = (frames + 3) * 24 + 45_000;
        assert_eq!(clip.duration_ms, truth);
        assert!((probed_ms(&path) - f64::from(truth)).abs() < 0.5, "{} for {truth}", probed_ms(&path));
        for samples in twice_heard(&dir, "clip.mp3", &clip.bytes) {
            assert_eq!(samples.len(), truth as usize * 24, "exact to the sample");
        }
        println!(
            "{profile:?}: {} parts, {} ms of speech, {} bytes",
            parts.len(),
            truth - 45_000,
            clip.bytes.len()
        );
    }
}

#[test]
fn a_bad_joint_is_found() {
    let dir = TempDir::new().unwrap();
    let parts = parts(SoundProfile::Plain);
    let pieces: Vec<Piece<'_>> = parts.iter().map(|(frames, _)| (frames, 0)).collect();
    let found = |name: &str, bytes: Vec<u8>| {
        let faults = faults(&dir, &pieces, &bytes.into());
        println!("{name}: {} faults, {:?}", faults.len(), faults.first());
        !faults.is_empty()
    };
    let whole = joined(SoundProfile::Plain, &pieces, 0).bytes.to_vec();
    assert!(!found("as we join", whole.clone()));
    // Where the first part ends, behind the describing frame.
    let end = 192 + pieces[0].0.bytes().len();
    for short in 2..4 {
        // The padding is needed: without it, and filled up so that all else stays in its place, the end is not heard.
        let mut cut = whole.clone();
        cut.splice(
            end - short * 144..end,
            Mp3Frames::silence(u32::try_from(short).unwrap()).bytes().to_vec(),
        );
        assert!(found("a part without its last frames", cut), "{short}");
    }
    // Sound that begins and ends at full height clicks.
    let square: Vec<i16> = (0..9_000_i32).map(|n| if n / 40 % 2 == 0 { 12_000 } else { -12_000 }).collect();
    let hard = Mp3Frames::encoded(&Pcm::new(square, RATE_HZ).unwrap()).unwrap();
    let mut clicks = whole.clone();
    clicks.splice(end - 144 * 4..end, hard.bytes()[2 * 144..6 * 144].to_vec());
    assert!(found("frames out of the middle of another sound", clicks));
}

/// By how many decibels the sound in its frames is above what is missing or wrong of it, over a stretch.
fn snr_db(sound: &[i16], frames: &[i16], stretch: std::ops::Range<usize>) -> f64 {
    let (mut power, mut error) = (0_i64, 1_i64);
    for n in stretch {
        let (want, have) = (i64::from(sound[n]), i64::from(frames[n + DELAY]));
        power += want * want;
        error += (want - have).pow(2);
    }
    10.0 * (power.max(1) as f64 / error as f64).log10()
}

#[test]
fn frames_hold_the_whole_sound_whatever_its_length() {
    let dir = TempDir::new().unwrap();
    let mut paddings = Vec::new();
    for length in (9_000..9_576).step_by(23) {
        // At full height to its first and last sample: nothing hides in a fade.
        let sound: Vec<i16> = (0..length).map(|n| ((n as f64 * 0.12).sin() * 9_000.0) as i16).collect();
        let frames = Mp3Frames::encoded(&Pcm::new(sound.clone(), RATE_HZ).unwrap()).unwrap();
        paddings.push(frames.count() as usize * SAMPLES - length);
        let clip = joined(SoundProfile::Plain, &[(&frames, 2)], 0);
        let padded: Vec<i16> = sound.iter().copied().chain([0; SAMPLES]).collect();
        let padded = Mp3Frames::encoded(&Pcm::new(padded, RATE_HZ).unwrap()).unwrap();
        let longer = joined(SoundProfile::Plain, &[(&padded, 1)], 0);
        let longer = twice_heard(&dir, "longer.mp3", &longer.bytes);
        for (samples, longer) in twice_heard(&dir, "whole.mp3", &clip.bytes).into_iter().zip(longer) {
            let stretches = [0..240, 4_000..5_000, length - 240..length];
            let snr = stretches.map(|stretch| snr_db(&sound, &samples, stretch));
            let [begin, middle, end] = snr;
            assert!(begin > 30.0 && middle > 60.0 && end > 20.0, "{length}: {snr:?} dB");
            // Whatever comes behind the end is there with more padding as well: it is the codec's own noise.
            let more = samples.iter().zip(&longer).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(more < 90, "{length}: one more frame of padding changes a sample by {more}");
        }
    }
    let (least, most) = (paddings.iter().min().unwrap(), paddings.iter().max().unwrap());
    println!(
        "padding {least} to {most} samples, {:.0} ms on average",
        paddings.iter().sum::<usize>() as f64 / paddings.len() as f64 / 24.0
    );
    assert!((500..640).contains(least) && *most < 1_200);
}

#[test]
fn the_lead_in_for_the_street_is_silence_of_seventeen_frames() {
    let dir = TempDir::new().unwrap();
    let parts = parts(SoundProfile::Street);
    let pieces: Vec<Piece<'_>> = parts.iter().map(|(frames, _)| (frames, AFTER_CHIME_FRAMES)).collect();
    let plain = joined(SoundProfile::Plain, &pieces, 1_000);
    let street = joined(SoundProfile::Street, &pieces, 1_000);
    assert_eq!(street.duration_ms, plain.duration_ms + 408);
    assert_eq!(street.bytes.len(), plain.bytes.len() + 408);
    let [one, other] = [&plain, &street].map(|clip| twice_heard(&dir, "street.mp3", &clip.bytes));
    for (plain, street) in one.into_iter().zip(other) {
        assert!(street[..9_792].iter().all(|sample| *sample == 0));
        let same = street[9_792..].iter().zip(&plain).all(|(a, b)| a.abs_diff(*b) <= 1);
        assert!(same, "behind it comes the same");
    }
    // And a third tool finds it silent: sox takes silence away from the front until there is sound.
    let path = stored(&dir, "street.wav", &decoded(&street.bytes, None).unwrap().to_wav_bytes());
    let trimmed = dir.path().join("trimmed.wav");
    run("sox", &[path.to_str().unwrap(), trimmed.to_str().unwrap(), "silence", "1", "1", "0.05%"]);
    let (length, _) = run("soxi", &["-D", trimmed.to_str().unwrap()]);
    let length_ms = String::from_utf8(length).unwrap().trim().parse::<f64>().unwrap() * 1000.0;
    let silent_ms = f64::from(street.duration_ms) - length_ms;
    assert!((408.0..=460.0).contains(&silent_ms), "{silent_ms} ms of silence before the first sound");
}
