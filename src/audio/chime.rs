//! The chime before a sentence: it says how urgent the sentence is before a word is understood.
//! Four short figures of soft bells, made once from sines; low is one tone, critical is three rising ones.

use super::level::{LevelError, levelled};
use super::mp3::{LeadOut, Mp3Error, Mp3Frames, RATE_HZ};
use super::pcm::{Pcm, PcmError, sixteen_bit};

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

/// The chimes by urgency, as sound and as frames: 160 kB.
#[derive(Debug, Clone)]
pub struct Chimes {
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
pub enum ChimeError {
    /// The samples are out of bounds.
    #[error(transparent)]
    Pcm(#[from] PcmError),
    /// The sound could not be measured.
    #[error(transparent)]
    Level(#[from] LevelError),
    /// The sound could not be encoded.
    #[error(transparent)]
    Mp3(#[from] Mp3Error),
}

impl Chimes {
    /// Makes all four; about 20 ms of work.
    ///
    /// # Errors
    /// [`ChimeError`] when a step fails, which no input causes.
    pub fn new() -> Result<Self, ChimeError> {
        // Low: one soft bell. Normal: a falling third, the doorbell. High: a rising fourth. Critical: a rising triad
        // in haste.
        let low = chime(&[Bell(0.0, 659.3, 0.11)], 310)?;
        let normal = chime(&[Bell(0.0, 784.0, 0.09), Bell(0.15, 659.3, 0.11)], 390)?;
        let high = chime(&[Bell(0.0, 784.0, 0.07), Bell(0.12, 1_046.5, 0.11)], 390)?;
        let critical =
            chime(&[Bell(0.0, 880.0, 0.05), Bell(0.10, 1_108.7, 0.05), Bell(0.20, 1_318.5, 0.10)], 410)?;
        Ok(Self { by_urgency: [low, normal, high, critical], louder: louder()? })
    }

    /// The chime of an alert that nobody has answered: the critical one, three times over and louder; 1.3 s.
    #[must_use]
    pub fn louder(&self) -> &Chime {
        &self.louder
    }

    /// The chime of an urgency, 0..=[`URGENCY_MAX`]; 350 to 500 ms with its lead-out.
    #[must_use]
    pub fn of(&self, urgency: u8) -> &Chime {
        let [low, normal, high, critical] = &self.by_urgency;
        match urgency {
            0 => low,
            1 => normal,
            2 => high,
            URGENCY_MAX.. => critical,
        }
    }
}

/// How much louder than speech, as a factor: 5 dB, and no sample beyond full scale.
const LOUDER: f64 = 1.8;

fn louder() -> Result<Chime, ChimeError> {
    let bells: Vec<Bell> = [0.0, 0.4, 0.8]
        .into_iter()
        .flat_map(|at| [Bell(at, 880.0, 0.05), Bell(at + 0.1, 1_108.7, 0.05), Bell(at + 0.2, 1_318.5, 0.1)])
        .collect();
    let pcm = levelled(Pcm::new(figure(&bells, 1_210), RATE_HZ)?)?;
    let samples = pcm.samples().iter().map(|sample| sixteen_bit(f64::from(*sample) / 32_768.0 * LOUDER));
    encoded(Pcm::new(samples.collect(), RATE_HZ)?)
}

fn chime(bells: &[Bell], length_ms: u32) -> Result<Chime, ChimeError> {
    encoded(levelled(Pcm::new(figure(bells, length_ms), RATE_HZ)?)?)
}

fn encoded(sound: Pcm) -> Result<Chime, ChimeError> {
    Ok(Chime { frames: Mp3Frames::encoded(&sound, LeadOut::Joint)?, sound })
}

/// The samples of a figure, faded to nothing at its end.
fn figure(bells: &[Bell], length_ms: u32) -> Vec<i16> {
    let sample = |n: u32| {
        let now = f64::from(n) / f64::from(RATE_HZ);
        let sum: f64 = bells.iter().map(|bell| bell.at(now)).sum();
        let ending = ((f64::from(length_ms) / 1000.0 - now) / ENDING_S).min(1.0);
        sixteen_bit(sum * ending * LOUDEST)
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
    use super::super::level::{TARGET_LUFS, measured};
    use super::*;

    #[test]
    fn chimes_are_short_and_each_is_its_own() {
        let chimes = Chimes::new().unwrap();
        for urgency in 0..=URGENCY_MAX {
            let length = chimes.of(urgency).frames.duration_ms();
            assert!((350..=500).contains(&length), "{urgency}: {length} ms");
            for other in 0..urgency {
                assert_ne!(chimes.of(urgency), chimes.of(other));
            }
        }
        assert_eq!(chimes.of(200), chimes.of(URGENCY_MAX));
        assert!((1_200..=1_400).contains(&chimes.louder().frames.duration_ms()));
    }

    #[test]
    fn a_chime_is_as_loud_as_speech_and_begins_and_ends_in_silence() {
        let samples = figure(&[Bell(0.0, 784.0, 0.09), Bell(0.15, 659.3, 0.11)], 390);
        let pcm = levelled(Pcm::new(samples, RATE_HZ).unwrap()).unwrap();
        let level = measured(&pcm).unwrap();
        assert!((level.lufs - TARGET_LUFS).abs() < 1.5, "{level:?}");
        assert!(pcm.samples()[0].abs() < 50 && pcm.samples().last().unwrap().abs() < 50);
    }
}
