//! One loudness for every voice: what a rider hears must not jump between engines, parts of a sentence, or chime and words.
//! Gain to a target, and a look-ahead limiter for the peaks that gain alone would push over the ceiling.

use std::collections::VecDeque;

use ebur128::{EbuR128, Mode};

use super::pcm::{Pcm, float};

/// More gain than this would lift noise, not speech: an engine that whispers, and what limiting takes from it.
const GAIN_DB_MAX: f64 = 40.0;
/// Limiting costs loudness, so gain and limiter run a few times; speech settles in two or three, very peaky sounds in more.
const ROUNDS: u32 = 6;
/// The least that a decibel of gain is taken to bring where the limiter eats most of it; and the most that is tried at once.
const SLOPE_MIN: f64 = 0.15;
const STEP_DB_MAX: f64 = 12.0;
/// Close enough to the target, in LU: no ear tells less.
const TOLERANCE_LU: f64 = 0.2;
/// EBU R 128 looks at 400 ms at a time and has no answer for less, and a doubtful one for little more. What is shorter
/// than this is measured said again and again, with the codec's silence between: so digits are as loud as sentences.
const MEASURED_MS_MIN: u32 = 3_000;
/// That silence.
const BETWEEN_MS: u32 = 36;
/// The limiter sees a peak this early, and turns down over that time without a click.
const LOOK_AHEAD_MS: usize = 4;

/// What a sound is brought to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Target {
    /// Loudness in LUFS.
    pub(super) lufs: f64,
    /// No true peak is above this, in dBTP.
    pub(super) ceiling_dbtp: f64,
    /// What is done to peaks on the way.
    pub(super) limiter: Limiter,
}

/// How peaks are brought under the ceiling.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Limiter {
    /// Time constant of turning up again after a peak, in milliseconds: slower is heard as pumping, faster as distortion.
    release_ms: f64,
    /// Peaks are rounded off from so many decibels below the ceiling on; 0 leaves them as they are.
    knee_db: f64,
    codec_margin_db: f64,
}

impl Limiter {
    /// Turns down where peaks are and does nothing else to them: clean, and good for 12 dB between peak and loudness.
    pub(super) const CLEAN: Self = Self { release_ms: 40.0, knee_db: 0.0, codec_margin_db: 0.5 };
    /// Rounds the sharpest peaks off: formant synthesis has them 20 dB above its loudness, and no gain alone brings that
    /// to the loudness of the street (-13.7 LUFS at best, against -11.1 with this).
    pub(super) const DENSE: Self = Self { release_ms: 20.0, knee_db: 6.0, codec_margin_db: 1.0 };

    /// How far below the ceiling a sound should begin: the codec adds to peaks, most to those that were rounded off, and
    /// with this much room most sounds keep the ceiling after one encoding.
    pub(super) fn codec_margin_db(self) -> f64 {
        self.codec_margin_db
    }
}

/// How loud a sound is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// Loudness in LUFS, of a short sound as if it were said again and again; negative infinity for silence.
    pub lufs: f64,
    /// Highest true peak in dBTP; negative infinity for silence.
    pub peak_dbtp: f64,
}

/// A sound that could not be measured.
#[derive(Debug, thiserror::Error)]
#[error("cannot measure the loudness")]
pub struct LevelError(#[source] ebur128::Error);

/// Measures a sound.
///
/// # Errors
/// [`LevelError`] when the meter refuses the sample rate or runs out of memory.
pub fn measured(pcm: &Pcm) -> Result<Level, LevelError> {
    let floats: Vec<f32> = pcm.samples().iter().map(|&sample| float(sample)).collect();
    measure(&floats, pcm.rate_hz())
}

/// Brings a sound to its target; silence stays as it is. Where both cannot be had, the ceiling is kept.
///
/// # Errors
/// [`LevelError`] when the sound cannot be measured.
pub(super) fn levelled(source: &[f32], rate_hz: u32, target: Target) -> Result<Vec<f32>, LevelError> {
    let mut leveller = Leveller::new(source, rate_hz, target)?;
    let mut out = leveller.settled()?;
    let mut over = true_peak_dbtp(&out, rate_hz)? - target.ceiling_dbtp;
    if over > 0.0 {
        leveller.lower(over);
        out = leveller.settled()?;
        over = true_peak_dbtp(&out, rate_hz)? - target.ceiling_dbtp;
    }
    // What is left above the ceiling is taken off plainly: the ceiling is a promise, the target a wish.
    scale(&mut out, (-over).min(0.0));
    Ok(out)
}

/// A sound on its way to a target. What it has found out about gain is good for a lower ceiling as well.
pub(super) struct Leveller<'a> {
    source: &'a [f32],
    rate_hz: u32,
    target: Target,
    gain_db: f64,
    // What the last gain has led to; nothing of a silent sound.
    lufs: Option<f64>,
    // How much louder a decibel of gain makes it, between the limiter's eating nothing and nearly all.
    slope: f64,
}

impl<'a> Leveller<'a> {
    /// # Errors
    /// [`LevelError`] when the sound cannot be measured.
    pub(super) fn new(source: &'a [f32], rate_hz: u32, target: Target) -> Result<Self, LevelError> {
        let lufs = Some(loudness_lufs(source, rate_hz)?).filter(|lufs| lufs.is_finite());
        Ok(Self { source, rate_hz, target, gain_db: 0.0, lufs, slope: 1.0 })
    }

    /// The samples keep this much more distance from the ceiling: what lies between them, or what a codec makes of them,
    /// rises higher than they do.
    pub(super) fn lower(&mut self, db: f64) {
        self.target.ceiling_dbtp -= db;
    }

    /// The sound at the target's loudness, no sample above its ceiling.
    ///
    /// # Errors
    /// [`LevelError`] when the sound cannot be measured.
    pub(super) fn settled(&mut self) -> Result<Vec<f32>, LevelError> {
        let Some(mut lufs) = self.lufs else { return Ok(self.source.to_vec()) };
        let Target { lufs: wanted, ceiling_dbtp, limiter } = self.target;
        let mut out = Vec::new();
        for _round in 0..ROUNDS {
            let step = ((wanted - lufs) / self.slope).clamp(-STEP_DB_MAX, STEP_DB_MAX);
            let gain_db = (self.gain_db + step).min(GAIN_DB_MAX);
            out = limiter.limited(self.source, gain_db, ceiling_dbtp, self.rate_hz);
            let reached = loudness_lufs(&out, self.rate_hz)?;
            let stepped = gain_db - self.gain_db;
            if stepped.abs() > TOLERANCE_LU {
                self.slope = ((reached - lufs) / stepped).clamp(SLOPE_MIN, 1.0);
            }
            (self.gain_db, lufs) = (gain_db, reached);
            if (wanted - lufs).abs() <= TOLERANCE_LU || gain_db >= GAIN_DB_MAX {
                break;
            }
        }
        self.lufs = Some(lufs);
        Ok(out)
    }
}

/// The highest true peak, in dBTP.
///
/// # Errors
/// [`LevelError`] when the sound cannot be measured.
pub(super) fn true_peak_dbtp(samples: &[f32], rate_hz: u32) -> Result<f64, LevelError> {
    let mut meter = EbuR128::new(1, rate_hz, Mode::TRUE_PEAK).map_err(LevelError)?;
    meter.add_frames_f32(samples).map_err(LevelError)?;
    Ok(20.0 * meter.true_peak(0).map_err(LevelError)?.log10())
}

/// Makes a sound louder by so many decibels, or softer.
pub(super) fn scale(samples: &mut [f32], db: f64) {
    let factor = ratio(db);
    for sample in samples {
        *sample *= factor;
    }
}

fn measure(samples: &[f32], rate_hz: u32) -> Result<Level, LevelError> {
    let lufs = loudness_lufs(samples, rate_hz)?;
    Ok(Level { lufs, peak_dbtp: true_peak_dbtp(samples, rate_hz)? })
}

fn loudness_lufs(samples: &[f32], rate_hz: u32) -> Result<f64, LevelError> {
    let mut meter = EbuR128::new(1, rate_hz, Mode::I).map_err(LevelError)?;
    let in_samples = |ms: u32| (u64::from(ms) * u64::from(rate_hz) / 1000) as usize;
    let enough = in_samples(MEASURED_MS_MIN);
    meter.add_frames_f32(samples).map_err(LevelError)?;
    let mut heard = samples.len();
    while heard < enough && !samples.is_empty() {
        let between = vec![0.0_f32; in_samples(BETWEEN_MS)];
        meter.add_frames_f32(&between).map_err(LevelError)?;
        meter.add_frames_f32(samples).map_err(LevelError)?;
        heard += between.len() + samples.len();
    }
    meter.loudness_global().map_err(LevelError)
}

impl Limiter {
    fn limited(self, source: &[f32], gain_db: f64, ceiling_db: f64, rate_hz: u32) -> Vec<f32> {
        let (gain, ceiling) = (ratio(gain_db), ratio(ceiling_db));
        let knee = ratio(ceiling_db - self.knee_db);
        let rounded = |sample: &f32| {
            let (sample, room) = (sample * gain, ceiling - knee);
            if sample.abs() <= knee || room <= 0.0 {
                return sample;
            }
            (knee + room * ((sample.abs() - knee) / room).tanh()).copysign(sample)
        };
        let louder: Vec<f32> = source.iter().map(rounded).collect();
        self.turned_down(&louder, ceiling, rate_hz)
    }

    /// The gain each sample needs, its minimum over what lies ahead, a slow return, and an average over the same window,
    /// which can only end at or below what the peak needs.
    fn turned_down(self, source: &[f32], ceiling: f32, rate_hz: u32) -> Vec<f32> {
        let window = (LOOK_AHEAD_MS * rate_hz as usize / 1000).max(1);
        #[expect(clippy::cast_possible_truncation, reason = "a factor between 0 and 1")]
        let release = (-1000.0 / (self.release_ms * f64::from(rate_hz))).exp() as f32;
        let needed = |at: usize| source.get(at).map_or(1.0, |sample| ceiling / sample.abs().max(ceiling));

        // Positions (and gains) of the rising minima inside the window.
        let mut minima: VecDeque<(usize, f32)> = VecDeque::new();
        let mut held = 1.0_f32;
        let mut eased = VecDeque::from(vec![1.0_f32; window]);
        #[expect(clippy::cast_precision_loss, reason = "a window of some hundred samples")]
        let length = window as f64;
        let mut sum = length;
        let mut out = Vec::with_capacity(source.len());
        for ahead in 0..source.len() + window - 1 {
            let need = needed(ahead);
            while minima.back().is_some_and(|&(_, lowest)| lowest >= need) {
                minima.pop_back();
            }
            minima.push_back((ahead, need));
            while minima.front().is_some_and(|&(at, _)| at + window <= ahead) {
                minima.pop_front();
            }
            let lowest = minima.front().map_or(1.0, |&(_, lowest)| lowest);
            held = lowest.min(1.0 - (1.0 - held) * release);
            sum += f64::from(held) - f64::from(eased.pop_front().unwrap_or(1.0));
            eased.push_back(held);
            if let Some(sample) = (ahead + 1).checked_sub(window).and_then(|at| source.get(at)) {
                #[expect(clippy::cast_possible_truncation, reason = "a factor between 0 and 1")]
                let factor = (sum / length) as f32;
                out.push(sample * factor);
            }
        }
        out
    }
}

/// Decibels as a factor.
fn ratio(db: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "a factor of everyday size; f32 carries the samples")]
    let factor = 10.0_f64.powf(db / 20.0) as f32;
    factor
}

#[cfg(test)]
mod tests {
    use super::super::pcm::sixteen_bit;
    use super::*;

    const TARGET: Target = Target { lufs: -16.0, ceiling_dbtp: -1.0, limiter: Limiter::CLEAN };
    const RATE_HZ: u32 = 24_000;

    /// Bursts of a tone with a spike at the start of each: peaky, like espeak's glottal pulses.
    fn peaky(amplitude: f32, count: u32) -> Vec<f32> {
        let sample = |n: u32| {
            let envelope = (-f64::from(n % 240) / 30.0).exp();
            let phase = f64::from(n) * 700.0 * std::f64::consts::TAU / 24_000.0;
            float(sixteen_bit(phase.cos() * envelope)) * amplitude
        };
        (0..count).map(sample).collect()
    }

    #[test]
    fn loud_soft_and_peaky_sounds_end_at_one_loudness_under_the_ceiling() {
        for amplitude in [0.01, 0.1, 0.5, 1.0] {
            let source = peaky(amplitude, 72_000);
            let before = measure(&source, RATE_HZ).unwrap();
            let after = measure(&levelled(&source, RATE_HZ, TARGET).unwrap(), RATE_HZ).unwrap();
            let wanted = TARGET.lufs.min(before.lufs + GAIN_DB_MAX);
            assert!((after.lufs - wanted).abs() < 0.6, "{amplitude}: {before:?} -> {after:?}");
            assert!(after.peak_dbtp <= TARGET.ceiling_dbtp + 0.05, "{amplitude}: {before:?} -> {after:?}");
        }
    }

    #[test]
    fn a_short_sound_is_as_loud_as_a_long_one_of_the_same_voice() {
        let gain = |count| {
            let source = peaky(0.1, count);
            let out = levelled(&source, RATE_HZ, TARGET).unwrap();
            let power =
                |samples: &[f32]| samples.iter().map(|sample| f64::from(sample * sample)).sum::<f64>();
            10.0 * (power(&out) / power(&source)).log10()
        };
        for count in [2_400, 4_800, 9_600, 24_000] {
            assert!((gain(count) - gain(96_000)).abs() < 1.5, "{count}: {} {}", gain(count), gain(96_000));
        }
    }

    #[test]
    fn silence_and_nothing_stay_as_they_are() {
        for samples in [vec![], vec![0.0; 100], vec![0.0; 48_000]] {
            assert_eq!(levelled(&samples, RATE_HZ, TARGET).unwrap(), samples);
        }
    }

    #[test]
    fn the_limiter_never_lets_a_sample_over_its_ceiling_and_keeps_the_length() {
        let mut samples = vec![0.0_f32; 5_000];
        for (n, sample) in samples.iter_mut().enumerate() {
            *sample = if n % 2_401 == 0 { 1.0 } else { 0.1 };
        }
        for limiter in [Limiter::CLEAN, Limiter::DENSE] {
            let out = limiter.limited(&samples, 6.0, -1.0, RATE_HZ);
            assert_eq!(out.len(), samples.len());
            assert!(out.iter().all(|sample| sample.abs() <= ratio(-1.0) + 1e-4));
            assert!(
                (out[2_000] - 0.1 * ratio(6.0)).abs() < 0.03,
                "between the peaks the gain is whole: {}",
                out[2_000]
            );
        }
    }

    #[test]
    fn what_gain_alone_cannot_make_loud_the_dense_limiter_does() {
        let reached = |limiter| {
            let target = Target { lufs: -11.0, ceiling_dbtp: -1.0, limiter };
            measure(&levelled(&peaky(0.5, 72_000), RATE_HZ, target).unwrap(), RATE_HZ).unwrap()
        };
        let (clean, dense) = (reached(Limiter::CLEAN), reached(Limiter::DENSE));
        assert!((dense.lufs + 11.0).abs() < 0.5 && dense.peak_dbtp <= -0.95, "{dense:?}");
        assert!(clean.lufs < dense.lufs + 0.1, "{clean:?} {dense:?}");
    }
}
