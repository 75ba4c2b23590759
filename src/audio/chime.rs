//! The chime before a sentence: it says how urgent the sentence is before a word is understood.
//! Four short figures of soft bells, made once from sines; low is one tone, critical is three rising ones.

use super::level::{Limiter, Target};
use super::mp3::{Mp3Frames, RATE_HZ};
use super::part::{self, SentenceError};
use super::pcm::{Pcm, float, sixteen_bit};
use crate::domain::SoundProfile;

/// The urgency of the last chime; anything higher sounds like this.
pub const URGENCY_MAX: u8 = 3;

/// A bell starts this fast, in seconds: at once to the ear, without a click.
const ATTACK_S: f64 = 0.004;
/// A figure is faded out over its last 60 ms, whatever still rings.
const ENDING_S: f64 = 0.06;
/// Leaves room for two bells that ring together; the level is set afterwards.
const LOUDEST: f64 = 0.3;
/// Overtones of a bell, as (multiple of its pitch, strength, how much faster it fades).
const OVERTONES: [(f64, f64, f64); 3] = [(1.0, 1.0, 1.0), (2.0, 0.35, 1.8), (3.01, 0.12, 2.6)];

/// One bell of a figure: when it is struck (s), its pitch (Hz), how fast it fades (s to 37 %).
struct Bell(f64, f64, f64);

/// The chimes by urgency, as sound and as frames, for each profile: 300 kB.
#[derive(Debug, Clone)]
pub struct Chimes {
    plain: Set,
    street: Set,
}

#[derive(Debug, Clone)]
struct Set {
    by_urgency: [Chime; 4],
    louder: Chime,
}

/// One chime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chime {
    /// At 24 kHz, levelled.
    pub sound: Pcm,
    /// The same as MP3.
    pub frames: Mp3Frames,
}

/// Why there are no chimes; no input causes it.
#[derive(Debug, thiserror::Error)]
#[error("a chime cannot be made")]
pub struct ChimeError(#[from] SentenceError);

/// How much louder than speech the louder chime is, in LU: as far as the ceiling lets it.
const LOUDER_LU: f64 = 5.0;

impl Chimes {
    /// Makes them all; about 60 ms of work.
    ///
    /// # Errors
    /// [`ChimeError`] when a step fails, which no input causes.
    pub fn new() -> Result<Self, ChimeError> {
        Ok(Self { plain: Set::new(SoundProfile::Plain)?, street: Set::new(SoundProfile::Street)? })
    }

    /// The chime of an alert that nobody has answered: the critical one, three times over and louder; 1.3 s.
    #[must_use]
    pub fn louder(&self, profile: SoundProfile) -> &Chime {
        &self.set(profile).louder
    }

    /// The chime of an urgency, 0..=[`URGENCY_MAX`]; 330 to 480 ms with what the codec needs.
    #[must_use]
    pub fn of(&self, urgency: u8, profile: SoundProfile) -> &Chime {
        let [low, normal, high, critical] = &self.set(profile).by_urgency;
        match urgency {
            0 => low,
            1 => normal,
            2 => high,
            URGENCY_MAX.. => critical,
        }
    }

    fn set(&self, profile: SoundProfile) -> &Set {
        match profile {
            SoundProfile::Plain => &self.plain,
            SoundProfile::Street => &self.street,
        }
    }
}

impl Set {
    fn new(profile: SoundProfile) -> Result<Self, ChimeError> {
        // Bells are clear in any traffic: nothing of them is rounded off or shaped.
        let target = Target { limiter: Limiter::CLEAN, ..part::target(profile) };
        // Low: one soft bell. Normal: a falling third, the doorbell. High: a rising fourth. Critical: a rising triad
        // in haste.
        let low = chime(&[Bell(0.0, 659.3, 0.11)], 310, target)?;
        let normal = chime(&[Bell(0.0, 784.0, 0.09), Bell(0.15, 659.3, 0.11)], 390, target)?;
        let high = chime(&[Bell(0.0, 784.0, 0.07), Bell(0.12, 1_046.5, 0.11)], 390, target)?;
        let triad =
            |at: f64| [Bell(at, 880.0, 0.05), Bell(at + 0.1, 1_108.7, 0.05), Bell(at + 0.2, 1_318.5, 0.1)];
        let critical = chime(&triad(0.0), 410, target)?;
        let thrice: Vec<Bell> = [0.0, 0.4, 0.8].into_iter().flat_map(triad).collect();
        let louder = chime(&thrice, 1_210, Target { lufs: target.lufs + LOUDER_LU, ..target })?;
        Ok(Self { by_urgency: [low, normal, high, critical], louder })
    }
}

/// A figure at a loudness.
fn chime(bells: &[Bell], length_ms: u32, target: Target) -> Result<Chime, SentenceError> {
    let figure = figure(bells, length_ms);
    let frames = part::encoded(&figure, target, Mp3Frames::encoded)?;
    Ok(Chime { frames, sound: part::uncompressed(&figure, target)? })
}

/// The samples of a figure, faded to nothing at its end.
fn figure(bells: &[Bell], length_ms: u32) -> Vec<f32> {
    let sample = |n: u32| {
        let now = f64::from(n) / f64::from(RATE_HZ);
        let sum: f64 = bells.iter().map(|bell| bell.at(now)).sum();
        let ending = ((f64::from(length_ms) / 1000.0 - now) / ENDING_S).min(1.0);
        float(sixteen_bit(sum * ending * LOUDEST))
    };
    (0..length_ms * RATE_HZ / 1000).map(sample).collect()
}

impl Bell {
    fn at(&self, now: f64) -> f64 {
        let Self(struck, pitch, fade) = *self;
        let since = now - struck;
        if since < 0.0 {
            return 0.0;
        }
        let attack = (since / ATTACK_S).min(1.0);
        let voices = OVERTONES.iter().map(|(multiple, strength, faster)| {
            let phase = since * pitch * multiple * std::f64::consts::TAU;
            phase.sin() * strength * (-since * faster / fade).exp()
        });
        attack * voices.sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::super::level::measured;
    use super::super::part::CEILING_DBTP;
    use super::*;

    #[test]
    fn chimes_are_short_and_each_is_its_own() {
        let chimes = Chimes::new().unwrap();
        for profile in SoundProfile::ALL {
            for urgency in 0..=URGENCY_MAX {
                let length = chimes.of(urgency, profile).frames.duration_ms();
                assert!((330..=480).contains(&length), "{urgency}: {length} ms");
                for other in 0..urgency {
                    assert_ne!(chimes.of(urgency, profile), chimes.of(other, profile));
                }
            }
            assert_eq!(chimes.of(200, profile), chimes.of(URGENCY_MAX, profile));
            assert!((1_200..=1_400).contains(&chimes.louder(profile).frames.duration_ms()));
        }
    }

    #[test]
    fn profiles_differ_in_loudness_and_in_nothing_that_a_clip_counts() {
        let chimes = Chimes::new().unwrap();
        let pairs = (0..=URGENCY_MAX)
            .map(|urgency| SoundProfile::ALL.map(|profile| chimes.of(urgency, profile)))
            .chain([SoundProfile::ALL.map(|profile| chimes.louder(profile))]);
        for [plain, street] in pairs {
            assert_eq!(plain.frames.count(), street.frames.count());
            let [soft, loud] = [plain, street].map(|chime| measured(&chime.sound).unwrap());
            assert!(loud.lufs - soft.lufs > 3.0, "{soft:?} {loud:?}");
            assert!(loud.peak_dbtp <= CEILING_DBTP + 0.05, "{loud:?}");
        }
        let louder = measured(&chimes.louder(SoundProfile::Plain).sound).unwrap();
        let usual = measured(&chimes.of(3, SoundProfile::Plain).sound).unwrap();
        assert!(louder.lufs - usual.lufs > 3.0, "{louder:?} {usual:?}");
    }

    #[test]
    fn a_chime_is_as_loud_as_speech_and_begins_and_ends_in_silence() {
        let chimes = Chimes::new().unwrap();
        let pcm = &chimes.of(1, SoundProfile::Plain).sound;
        let level = measured(pcm).unwrap();
        assert!((level.lufs - part::PLAIN_LUFS).abs() < 1.0, "{level:?}");
        assert!(pcm.samples()[0].abs() < 50 && pcm.samples().last().unwrap().abs() < 50);
    }
}
