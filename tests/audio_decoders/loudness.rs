//! How loud riders hear what we make, by a meter that is not ours: ffmpeg's EBU R 128, on the decoded clip.
//! `cargo test --test audio_decoders loudness -- --nocapture` prints the table.
#![expect(clippy::cast_possible_truncation, reason = "samples of a few seconds")]

use orderbell::audio::chime::Chimes;
use orderbell::audio::clip::{AFTER_CHIME_FRAMES, Piece, joined, joined_wav};
use orderbell::audio::decode::decoded;
use orderbell::audio::mp3::Mp3Frames;
use orderbell::audio::part::{self, CEILING_DBTP, PLAIN_LUFS, STREET_LUFS};
use orderbell::audio::pcm::Pcm;
use orderbell::domain::SoundProfile;
use tempfile::TempDir;

use crate::{joins, level, run, spoken, stored};

fn target_lufs(profile: SoundProfile) -> f64 {
    match profile {
        SoundProfile::Plain => PLAIN_LUFS,
        SoundProfile::Street => STREET_LUFS,
    }
}

/// What ffmpeg's meter says of frames: of the sentence alone, so that nothing else is measured with it.
fn metered(dir: &TempDir, pieces: &[Piece<'_>]) -> (f64, f64) {
    let clip = joined(SoundProfile::Plain, pieces, 0);
    level(&stored(dir, "metered.mp3", &clip.bytes), clip.duration_ms)
}

fn sine(hz: f64, amplitude: f64) -> Pcm {
    let sample = |n: u32| (f64::from(n) * hz * std::f64::consts::TAU / 22_050.0).sin() * amplitude * 32_767.0;
    Pcm::new((0..44_100).map(|n| sample(n) as i16).collect(), 22_050).unwrap()
}

fn noise(amplitude: i16) -> Pcm {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as i16 % amplitude.max(1)
    };
    Pcm::new((0..48_000).map(|_| next()).collect(), 16_000).unwrap()
}

/// espeak-ng in another language.
fn spoken_by(voice: &str, text: &str) -> Pcm {
    let (wav, _) = run("espeak-ng", &["-v", voice, "-s", "170", "--stdout", "--", text]);
    decoded(&wav, None).unwrap()
}

/// As softly as an engine may speak.
fn softened(pcm: &Pcm, by: i16) -> Pcm {
    Pcm::new(pcm.samples().iter().map(|sample| sample / by).collect(), pcm.rate_hz()).unwrap()
}

#[test]
fn every_source_ends_at_the_loudness_of_its_profile_with_its_peaks_under_the_ceiling() {
    let dir = TempDir::new().unwrap();
    let sentence = "您有新的美团订单，尾号八六零七，海底捞火锅，送到人民路小区，一点二公里，配送费六元五角";
    let sources = [
        ("sentence", spoken(sentence)),
        ("sentence, 24 dB softer", softened(&spoken(sentence), 16)),
        ("cantonese", spoken_by("yue", "你有新訂單，請及時接單")),
        ("english", spoken_by("en", "New order, number eight six zero seven, one point two kilometres")),
        ("a woman's voice", spoken_by("cmn-latn-pinyin+f3", "您有新的订单，请及时接单")),
        ("one word", spoken("好")),
        ("sine 1 kHz", sine(1_000.0, 0.9)),
        ("sine 300 Hz, soft", sine(300.0, 0.02)),
        ("noise", noise(20_000)),
    ];
    println!("{:24} {:8} {:>7} {:>7} {:>6}", "source", "profile", "LUFS", "dBTP", "ms");
    for (name, pcm) in sources {
        let dry = part::dry(pcm).unwrap();
        let counts = SoundProfile::ALL.map(|profile| {
            let frames = part::frames(&dry, profile).unwrap();
            // One word is measured as it would be in a row of them, which the meter needs to have an answer at all.
            let times = if frames.duration_ms() < 1_000 { 12 } else { 1 };
            let (lufs, peak) = metered(&dir, &vec![(&frames, 0); times]);
            println!("{name:24} {:8} {lufs:7.1} {peak:7.1} {:6}", profile.as_str(), frames.duration_ms());
            assert!((lufs - target_lufs(profile)).abs() <= 1.0, "{name} {profile:?}: {lufs} LUFS");
            assert!(peak <= CEILING_DBTP, "{name} {profile:?}: {peak} dBTP");
            frames.count()
        });
        assert_eq!(counts[0], counts[1], "{name}");
    }
}

#[test]
fn the_shortest_words_are_heard_even_softly_and_silence_is_not() {
    let words = [
        ("cmn-latn-pinyin", "好"),
        ("cmn-latn-pinyin", "一"),
        ("cmn-latn-pinyin", "四"),
        ("cmn-latn-pinyin", "A"),
        ("yue", "一"),
        ("yue", "是"),
        ("en", "A"),
        ("en", "s"),
        ("en", "it"),
    ];
    for (voice, word) in words {
        for speed in ["80", "170", "450"] {
            let (wav, _) = run("espeak-ng", &["-v", voice, "-s", speed, "--stdout", "--", word]);
            let pcm = decoded(&wav, None).unwrap();
            for by in [1, 16, 30] {
                let soft = softened(&pcm, by);
                assert!(part::dry(soft).is_ok(), "{voice} {word} at {speed}, {by} times softer");
            }
            // What of it is left below the meter's reach is nothing to hear.
            assert!(part::dry(softened(&pcm, 1_500)).is_err(), "{voice} {word} at {speed}");
        }
    }
}

#[test]
fn a_wav_keeps_level_and_ceiling_like_an_mp3() {
    let dir = TempDir::new().unwrap();
    let chimes = Chimes::new().unwrap();
    let texts = [
        (
            "cmn-latn-pinyin",
            "您有新的美团订单，尾号八六零七，海底捞火锅，送到人民路小区，一点二公里，配送费六元五角",
        ),
        ("cmn-latn-pinyin", "订单已取消"),
        ("cmn-latn-pinyin+f3", "您有新的订单，请及时接单"),
        ("cmn-latn-pinyin", "好"),
        ("yue", "你有新訂單，請及時接單"),
        ("en", "New order, number eight six zero seven, one point two kilometres"),
    ];
    for profile in SoundProfile::ALL {
        for (voice, text) in texts {
            let words = part::levelled(&part::dry(spoken_by(voice, text)).unwrap(), profile).unwrap();
            let long = words.duration_ms() > 1_000;
            let alone = joined_wav(profile, &[(&words, 0)]).unwrap();
            let (lufs, peak) = level(&stored(&dir, "words.wav", &alone.bytes), alone.duration_ms);
            println!("wav {}, {text:.12}: {lufs} LUFS, {peak} dBTP", profile.as_str());
            assert!(peak <= CEILING_DBTP, "{text} {profile:?}: {peak} dBTP");
            // The ceiling comes before loudness: the peakiest voice stays 1.0 LU under the street's.
            assert!(!long || (lufs - target_lufs(profile)).abs() <= 1.2, "{text} {profile:?}: {lufs} LUFS");
            for chime in [0, 1, 2, 3]
                .map(|urgency| chimes.of(urgency, profile))
                .into_iter()
                .chain([chimes.louder(profile)])
            {
                let clip = joined_wav(profile, &[(&chime.sound, AFTER_CHIME_FRAMES), (&words, 0)]).unwrap();
                let (_, peak) = level(&stored(&dir, "clip.wav", &clip.bytes), clip.duration_ms);
                assert!(peak <= CEILING_DBTP, "{text} {profile:?} with its chime: {peak} dBTP");
            }
        }
    }
}

#[test]
fn a_joined_sentence_and_the_whole_clip_keep_level_and_ceiling() {
    let dir = TempDir::new().unwrap();
    let chimes = Chimes::new().unwrap();
    for profile in SoundProfile::ALL {
        let parts = joins::parts(profile);
        let words: Vec<Piece<'_>> = parts.iter().map(|(frames, pause)| (frames, *pause)).collect();
        let (lufs, peak) = metered(&dir, &words);
        println!("joined sentence, {}: {lufs} LUFS, {peak} dBTP", profile.as_str());
        assert!((lufs - target_lufs(profile)).abs() <= 1.0, "{profile:?}: {lufs} LUFS");
        for chime in [0, 1, 2, 3]
            .map(|urgency| chimes.of(urgency, profile))
            .into_iter()
            .chain([chimes.louder(profile)])
        {
            let pieces = [&[(&chime.frames, AFTER_CHIME_FRAMES)], &words[..]].concat();
            let clip = joined(profile, &pieces, 45_000);
            let path = stored(&dir, "clip.mp3", &clip.bytes);
            let (with_chime, peak) = level(&path, clip.duration_ms);
            println!("clip with chime, {}: {with_chime} LUFS, {peak} dBTP", profile.as_str());
            assert!(peak <= CEILING_DBTP, "{profile:?}: {peak} dBTP");
            assert!((with_chime - lufs).abs() <= 2.5, "{profile:?}: {with_chime} LUFS with its chime");
        }
    }
}

/// RMS level of a sound in decibels, by sox, in a band if one is given.
fn rms_db(dir: &TempDir, sound: &Pcm, band: &[&str]) -> f64 {
    let path = stored(dir, "level.wav", &sound.to_wav_bytes());
    let (_, stats) = run("sox", &[&[path.to_str().unwrap(), "-n"], band, &["stats"]].concat());
    let line = stats.lines().find(|line| line.starts_with("RMS lev dB")).unwrap();
    line.split_whitespace().nth(3).unwrap().parse().unwrap()
}

/// What is heard of frames, without what is silent at both ends.
fn heard_of(frames: &Mp3Frames) -> Pcm {
    let clip = joined(SoundProfile::Plain, &[(frames, 0)], 0);
    part::dry(decoded(&clip.bytes, None).unwrap()).unwrap()
}

#[test]
fn no_part_stands_out_from_its_neighbours() {
    let dir = TempDir::new().unwrap();
    let digits =
        ["零", "幺", "二", "三", "四", "五", "六", "七", "八", "九", "六元五角", "您有新的美团订单，"];
    for profile in SoundProfile::ALL {
        let dry: Vec<Pcm> = digits.iter().map(|text| part::dry(spoken(text)).unwrap()).collect();
        let raw: Vec<f64> = dry.iter().map(|dry| rms_db(&dir, dry, &[])).collect();
        let level = |dry: &Pcm| rms_db(&dir, &heard_of(&part::frames(dry, profile).unwrap()), &[]);
        let levels: Vec<f64> = dry.iter().map(level).collect();
        let spread = |levels: &[f64]| {
            levels.iter().copied().fold(f64::MIN, f64::max) - levels.iter().copied().fold(f64::MAX, f64::min)
        };
        println!(
            "{}: {levels:.1?}, spread {:.1} dB of {:.1} before",
            profile.as_str(),
            spread(&levels),
            spread(&raw)
        );
        assert!(spread(&levels) < 4.0, "{profile:?}: {levels:?}");
    }
}

#[test]
fn the_street_has_less_rumble_and_more_of_what_makes_words_understood() {
    let dir = TempDir::new().unwrap();
    let dry = part::dry(spoken("您有新的美团订单，请及时接单")).unwrap();
    let band_db = |profile: SoundProfile, band: &str| {
        rms_db(&dir, &heard_of(&part::frames(&dry, profile).unwrap()), &["sinc", band])
    };
    let [low, speech] = ["20-150", "1000-4000"].map(|band| {
        let [plain, street] = SoundProfile::ALL.map(|profile| band_db(profile, band));
        println!("{band} Hz: plain {plain:.1} dB, street {street:.1} dB");
        street - plain
    });
    // Limiting puts some of the voice's own pitch back; it is far below the rest.
    assert!(speech > 4.0 && low < speech - 3.0, "{low} {speech}");
}
