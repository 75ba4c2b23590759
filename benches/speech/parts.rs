//! What a part costs, and a clip of parts that are there: the work on sound alone, without a voice around it.
//! Needs espeak-ng.

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use orderbell::audio::chime::Chimes;
use orderbell::audio::clip::{AFTER_CHIME_FRAMES, Piece, joined, joined_len, pause_after};
use orderbell::audio::decode::decoded;
use orderbell::audio::mp3::Mp3Frames;
use orderbell::audio::part;
use orderbell::audio::pcm::Pcm;
use orderbell::domain::SoundProfile;

/// A sentence as it is cut.
const PARTS: [&str; 10] = [
    "您有新的美团订单，",
    "尾号",
    "八",
    "六",
    "零",
    "七，",
    "海底捞火锅，",
    "一点二公里，",
    "配送费",
    "六元五角。",
];
const TAIL_MS: u32 = 45_000;

/// Prints the figures.
pub(crate) fn run() {
    fresh_parts();
    joined_clips();
}

/// Everything between an engine's answer and the frames of a part.
fn fresh_parts() {
    println!("fresh part: decoded, trimmed, levelled, encoded, heard again");
    for text in ["八", "配送费", "您有新的美团订单，", "订单尾号八六零七，海底捞火锅，送到人民路一百二十三号"]
    {
        let wav = spoken(text);
        let dry = part::dry(decoded(&wav, None).unwrap()).unwrap();
        let making = figures(50, || part::dry(decoded(&wav, None).unwrap()).unwrap());
        println!("  {:4} ms of sound, dry:    {making}", dry.duration_ms());
        for profile in SoundProfile::ALL {
            let making = figures(30, || part::frames(&dry, profile).unwrap());
            println!("  {:4} ms of sound, {:6}: {making}", dry.duration_ms(), profile.as_str());
        }
    }
    let mp3 = part::frames(&dry("您有新的美团订单，尾号八六零七"), SoundProfile::Plain).unwrap();
    let decoding = figures(50, || decoded(mp3.bytes(), None).unwrap());
    println!("  {:4} ms of MP3, decoded:  {decoding}", mp3.duration_ms());
}

/// A clip of parts that are there: header, chime, parts and pauses, tail.
fn joined_clips() {
    let chimes = Chimes::new().unwrap();
    for profile in SoundProfile::ALL {
        let parts: Vec<Mp3Frames> =
            PARTS.iter().map(|text| part::frames(&dry(text), profile).unwrap()).collect();
        let mut pieces: Vec<Piece<'_>> = vec![(&chimes.of(2, profile).frames, AFTER_CHIME_FRAMES)];
        let pauses = PARTS.windows(2).map(|pair| pause_after(pair[0], pair[1])).chain([0]);
        pieces.extend(parts.iter().zip(pauses));
        let clip = joined(profile, &pieces, TAIL_MS);
        let joining = figures(2_000, || joined(profile, &pieces, TAIL_MS));
        println!(
            "joined clip, {}: {joining} ({} parts, {} bytes, {} ms)",
            profile.as_str(),
            parts.len(),
            clip.bytes.len(),
            clip.duration_ms
        );
        let counting = figures(2_000, || {
            joined_len(black_box(&pieces).iter().map(|(part, pause)| (part.count(), *pause)), TAIL_MS)
        });
        println!("numbers of it, not joined: {counting}");
    }
}

struct Figures {
    best: Duration,
    p50: Duration,
    p99: Duration,
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let us = |time: Duration| time.as_secs_f64() * 1e6;
        write!(f, "best {:.1} us, p50 {:.1} us, p99 {:.1} us", us(self.best), us(self.p50), us(self.p99))
    }
}

fn figures<T>(times: usize, mut work: impl FnMut() -> T) -> Figures {
    let mut taken: Vec<Duration> = (0..times)
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed()
        })
        .collect();
    taken.sort_unstable();
    let at = |share: usize| taken[(times - 1) * share / 100];
    Figures { best: at(0), p50: at(50), p99: at(99) }
}

fn dry(text: &str) -> Pcm {
    part::dry(decoded(&spoken(text), None).unwrap()).unwrap()
}

fn spoken(text: &str) -> Vec<u8> {
    let args = ["-v", "cmn-latn-pinyin", "-s", "190", "-z", "--stdout", "--", text];
    Command::new("espeak-ng").args(args).output().unwrap().stdout
}
