//! One loudness for every voice: what a rider hears must not jump between engines, or between chime and sentence.
//! Gain to a target, and a look-ahead limiter for the peaks that gain alone would push over the ceiling.

use std::collections::VecDeque;

use ebur128::{EbuR128, Mode};

use super::pcm::{Pcm, float, sixteen_bit};

/// Loudness of everything spoken, in LUFS.
pub const TARGET_LUFS: f64 = -16.0;
/// No true peak of the result is above this, in dBTP.
pub const CEILING_DBTP: f64 = -1.0;

/// Below this length EBU R 128 has no answer (one gating block): the level is taken from the RMS instead.
const GATED_MS_MIN: u32 = 400;
/// More gain than this would lift noise, not speech.
const GAIN_DB_MAX: f64 = 24.0;
/// Limiting costs loudness, so gain and limiter run a few times; speech settles in two or three, very peaky sounds in more.
const ROUNDS: u32 = 8;
/// Close enough to the target, in LU: no ear tells less.
const TOLERANCE_LU: f64 = 0.2;
/// The limiter sees a peak this early, and turns down over that time without a click.
const LOOK_AHEAD_MS: usize = 4;
/// Time constant of turning up again after a peak: slower is heard as pumping, faster as distortion.
const RELEASE_MS: f64 = 40.0;

/// How loud a sound is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// Integrated loudness in LUFS (RMS in dBFS under 400 ms); negative infinity for silence.
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

/// Brings a sound to [`TARGET_LUFS`] with its true peaks under [`CEILING_DBTP`]; silence stays as it is.
///
/// # Errors
/// [`LevelError`] when the sound cannot be measured.
pub fn levelled(pcm: Pcm) -> Result<Pcm, LevelError> {
    let rate_hz = pcm.rate_hz();
    let source: Vec<f32> = pcm.samples().iter().map(|&sample| float(sample)).collect();
    let mut level = measure(&source, rate_hz)?;
    if level.lufs == f64::NEG_INFINITY {
        return Ok(pcm);
    }
    let mut gain_db = 0.0;
    // The limiter works on samples; what lies between them may rise higher, so its ceiling follows the true peak.
    let mut ceiling_db = CEILING_DBTP;
    let mut out = source.clone();
    for _round in 0..ROUNDS {
        let short = TARGET_LUFS - level.lufs;
        let over = level.peak_dbtp - CEILING_DBTP;
        if short.abs() <= TOLERANCE_LU && over <= 0.0 {
            break;
        }
        gain_db = (gain_db + short).min(GAIN_DB_MAX);
        out = limited(&source, gain_db, ceiling_db, rate_hz);
        level = measure(&out, rate_hz)?;
        ceiling_db -= (level.peak_dbtp - CEILING_DBTP).max(0.0);
    }
    // Whatever the rounds left above the ceiling is taken off plainly: the ceiling is a promise, the target a wish.
    let excess = ratio((CEILING_DBTP - level.peak_dbtp).min(0.0));
    let samples = out.into_iter().map(|sample| sixteen_bit(f64::from(sample * excess))).collect();
    Ok(Pcm::new(samples, rate_hz).unwrap_or(pcm))
}

fn measure(samples: &[f32], rate_hz: u32) -> Result<Level, LevelError> {
    let mut meter = EbuR128::new(1, rate_hz, Mode::I | Mode::TRUE_PEAK).map_err(LevelError)?;
    meter.add_frames_f32(samples).map_err(LevelError)?;
    let gated = samples.len() as u64 * 1000 >= u64::from(GATED_MS_MIN) * u64::from(rate_hz);
    let lufs = if gated { meter.loudness_global().map_err(LevelError)? } else { rms_dbfs(samples) };
    let peak = meter.true_peak(0).map_err(LevelError)?;
    Ok(Level { lufs, peak_dbtp: 20.0 * peak.log10() })
}

fn rms_dbfs(samples: &[f32]) -> f64 {
    let sum: f64 = samples.iter().map(|&sample| f64::from(sample) * f64::from(sample)).sum();
    let count = u32::try_from(samples.len()).unwrap_or(u32::MAX);
    10.0 * (sum / f64::from(count.max(1))).log10()
}

/// Gain, then a limiter: the gain each sample needs, its minimum over what lies ahead, a slow return, and an average
/// over the same window, which can only end at or below what the peak needs.
fn limited(source: &[f32], gain_db: f64, ceiling_db: f64, rate_hz: u32) -> Vec<f32> {
    let (gain, ceiling) = (ratio(gain_db), ratio(ceiling_db));
    let window = (LOOK_AHEAD_MS * rate_hz as usize / 1000).max(1);
    #[expect(clippy::cast_possible_truncation, reason = "a factor between 0 and 1")]
    let release = (-1000.0 / (RELEASE_MS * f64::from(rate_hz))).exp() as f32;
    let needed =
        |at: usize| source.get(at).map_or(1.0, |sample| ceiling / (sample * gain).abs().max(ceiling));

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
            out.push(sample * gain * factor);
        }
    }
    out
}

/// Decibels as a factor.
fn ratio(db: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "a factor of everyday size; f32 carries the samples")]
    let factor = 10.0_f64.powf(db / 20.0) as f32;
    factor
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bursts of a tone with a spike at the start of each: peaky, like espeak's glottal pulses.
    fn peaky(amplitude: f64, seconds: u32) -> Pcm {
        let samples = (0..seconds * 24_000)
            .map(|n| {
                let envelope = (-f64::from(n % 240) / 30.0).exp();
                let phase = f64::from(n) * 700.0 * std::f64::consts::TAU / 24_000.0;
                sixteen_bit(phase.cos() * envelope * amplitude)
            })
            .collect();
        Pcm::new(samples, 24_000).unwrap()
    }

    #[test]
    fn loud_soft_and_peaky_sounds_end_at_one_loudness_under_the_ceiling() {
        for amplitude in [0.01, 0.1, 0.5, 1.0] {
            let before = measured(&peaky(amplitude, 3)).unwrap();
            let after = measured(&levelled(peaky(amplitude, 3)).unwrap()).unwrap();
            let wanted = TARGET_LUFS.min(before.lufs + GAIN_DB_MAX);
            assert!((after.lufs - wanted).abs() < 0.6, "{amplitude}: {before:?} -> {after:?}");
            assert!(after.peak_dbtp <= CEILING_DBTP + 0.05, "{amplitude}: {before:?} -> {after:?}");
        }
    }

    #[test]
    fn a_sound_too_short_for_gating_is_levelled_by_its_rms() {
        let short = Pcm::new(peaky(0.3, 1).samples()[..4_800].to_vec(), 24_000).unwrap();
        let after = measured(&levelled(short).unwrap()).unwrap();
        assert!((after.lufs - TARGET_LUFS).abs() < 0.6, "{after:?}");
    }

    #[test]
    fn silence_and_nothing_stay_as_they_are() {
        for samples in [vec![], vec![0; 100], vec![0; 48_000]] {
            let pcm = Pcm::new(samples, 24_000).unwrap();
            assert_eq!(levelled(pcm.clone()).unwrap(), pcm);
        }
    }

    #[test]
    fn the_limiter_never_lets_a_sample_over_its_ceiling_and_keeps_the_length() {
        let mut samples = vec![0.0_f32; 5_000];
        for (n, sample) in samples.iter_mut().enumerate() {
            *sample = if n % 2_401 == 0 { 1.0 } else { 0.1 };
        }
        let out = limited(&samples, 6.0, -1.0, 24_000);
        assert_eq!(out.len(), samples.len());
        assert!(out.iter().all(|sample| sample.abs() <= ratio(-1.0) + 1e-4));
        assert!(
            (out[2_000] - 0.1 * ratio(6.0)).abs() < 0.03,
            "between the peaks the gain is whole: {}",
            out[2_000]
        );
    }
}
