//! Uncompressed mono speech on its way to a clip: what an engine gave, brought to one rate and cut to the words.
//! Everything here is arithmetic on samples; nothing reads a file or a clock.

use std::time::Duration;

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};

/// The lowest sample rate taken, in Hz.
pub const RATE_HZ_MIN: u32 = 4_000;
/// The highest sample rate taken, in Hz.
pub const RATE_HZ_MAX: u32 = 192_000;
/// The longest sound taken, in seconds: far more than any sentence, little enough to hold in memory.
pub const DURATION_S_MAX: u32 = 600;

/// Samples below this are silence: -45 dBFS, above the hiss of engines and below the softest consonant that matters.
const SILENCE_FLOOR: f64 = 0.005_623;
/// A quiet recording is silent only this much below its own peak (18 dB), so that it is not trimmed to nothing.
const SILENCE_BELOW_PEAK: f64 = 0.125;
/// A sound whose peak stays under -60 dBFS says nothing at all.
const NOTHING_SAID: f64 = 0.001;
/// Silence kept before the first and after the last sound: soft beginnings and ends of words are in it.
const KEEP: Duration = Duration::from_millis(12);
/// Length of the fades at both ends: long enough not to click, shorter than what is kept.
const FADE: Duration = Duration::from_millis(8);
/// Frames handed to the resampler at a time; its own suggestion for whole clips.
const RESAMPLE_CHUNK: usize = 1024;

/// Mono 16-bit sound of [`RATE_HZ_MIN`]..=[`RATE_HZ_MAX`] Hz and at most [`DURATION_S_MAX`] seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pcm {
    samples: Vec<i16>,
    rate_hz: u32,
}

/// Why bytes or samples are not a sound we take.
#[derive(Debug, thiserror::Error)]
pub enum PcmError {
    /// The bytes are not a RIFF/WAVE file with a `fmt ` and a `data` chunk: ask the engine for WAV.
    #[error("not a WAV file: {0}")]
    NotWav(&'static str),
    /// The header says something that cannot be: do not trust the sender with this file.
    #[error("the WAV header lies: {0}")]
    LyingHeader(&'static str),
    /// A WAV, but not of plain samples in up to eight channels: ask the engine for 16-bit PCM.
    #[error("only plain samples in up to eight channels are taken: {0}")]
    NotPlain(&'static str),
    /// The file ends before the length its header gives: fetch it again.
    #[error("the WAV is cut off: {missing} bytes are missing")]
    CutOff {
        /// Bytes announced and absent.
        missing: usize,
    },
    /// A sample rate outside [`RATE_HZ_MIN`]..=[`RATE_HZ_MAX`].
    #[error("sample rate {0} Hz is out of range")]
    Rate(u32),
    /// Longer than [`DURATION_S_MAX`] seconds: split the text.
    #[error("longer than {DURATION_S_MAX} s")]
    TooLong,
    /// The resampler refused these rates.
    #[error("cannot resample from {from_hz} to {to_hz} Hz")]
    Resample {
        /// Rate of the sound.
        from_hz: u32,
        /// Rate asked for.
        to_hz: u32,
        /// What the resampler said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Pcm {
    /// Takes mono samples at `rate_hz`.
    ///
    /// # Errors
    /// [`PcmError::Rate`] and [`PcmError::TooLong`] when a bound of this type is broken.
    pub fn new(samples: Vec<i16>, rate_hz: u32) -> Result<Self, PcmError> {
        if !(RATE_HZ_MIN..=RATE_HZ_MAX).contains(&rate_hz) {
            return Err(PcmError::Rate(rate_hz));
        }
        if samples.len() as u64 > u64::from(rate_hz) * u64::from(DURATION_S_MAX) {
            return Err(PcmError::TooLong);
        }
        Ok(Self { samples, rate_hz })
    }

    /// The samples.
    #[must_use]
    pub fn samples(&self) -> &[i16] {
        &self.samples
    }

    /// Samples per second.
    #[must_use]
    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// Length in milliseconds, rounded up.
    #[must_use]
    pub fn duration_ms(&self) -> u32 {
        let ms = (self.samples.len() as u64 * 1000).div_ceil(u64::from(self.rate_hz));
        u32::try_from(ms).unwrap_or(u32::MAX)
    }

    /// Whether no sample rises above -60 dBFS: an engine that answers with this has said nothing.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.peak() < NOTHING_SAID
    }

    /// The same sound at another rate.
    ///
    /// # Errors
    /// [`PcmError::Rate`] when `rate_hz` is out of range, [`PcmError::Resample`] when the resampler fails.
    pub fn resampled_to(self, rate_hz: u32) -> Result<Self, PcmError> {
        if rate_hz == self.rate_hz {
            return Ok(self);
        }
        if !(RATE_HZ_MIN..=RATE_HZ_MAX).contains(&rate_hz) {
            return Err(PcmError::Rate(rate_hz));
        }
        if self.samples.is_empty() {
            return Self::new(self.samples, rate_hz);
        }
        let floats: Vec<f32> = self.samples.iter().map(|&sample| float(sample)).collect();
        let out = resample(&floats, self.rate_hz, rate_hz).map_err(|source| PcmError::Resample {
            from_hz: self.rate_hz,
            to_hz: rate_hz,
            source,
        })?;
        Self::new(out.into_iter().map(|value| sixteen_bit(f64::from(value))).collect(), rate_hz)
    }

    /// The sound without leading and trailing silence (below -45 dBFS, or 18 dB below its peak if it is quiet), of which
    /// 12 ms stay at each end, faded over 8 ms. A sound that is silent throughout comes back empty.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        if self.is_silent() {
            self.samples.clear();
            return self;
        }
        let floor = SILENCE_FLOOR.min(self.peak() * SILENCE_BELOW_PEAK);
        let loud = |sample: &i16| f64::from(sample.unsigned_abs()) / 32_768.0 >= floor;
        let first = self.samples.iter().position(loud).unwrap_or(0);
        let last = self.samples.iter().rposition(loud).unwrap_or(0);
        let keep = self.samples_in(KEEP);
        let end = last.saturating_add(keep + 1).min(self.samples.len());
        self.samples.truncate(end);
        self.samples.drain(..first.saturating_sub(keep));
        let fade = self.samples_in(FADE);
        fade_in(self.samples.iter_mut().take(fade), fade);
        fade_in(self.samples.iter_mut().rev().take(fade), fade);
        self
    }

    /// The highest sample, as a share of full scale.
    fn peak(&self) -> f64 {
        let highest = self.samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
        f64::from(highest) / 32_768.0
    }

    fn samples_in(&self, length: Duration) -> usize {
        usize::try_from(length.as_millis() * u128::from(self.rate_hz) / 1000).unwrap_or(usize::MAX)
    }
}

/// A sample as a share of full scale, -1..1.
pub(super) fn float(sample: i16) -> f32 {
    f32::from(sample) / 32_768.0
}

/// A share of full scale as a sample, clipped to what 16 bits hold.
pub(super) fn sixteen_bit(value: f64) -> i16 {
    #[expect(clippy::cast_possible_truncation, reason = "clamped to the range of i16 first; NaN becomes 0")]
    let sample = (value * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16;
    sample
}

fn resample(
    samples: &[f32],
    from_hz: u32,
    to_hz: u32,
) -> Result<Vec<f32>, Box<dyn std::error::Error + Send + Sync>> {
    let mut resampler =
        Fft::<f32>::new(from_hz as usize, to_hz as usize, RESAMPLE_CHUNK, 1, FixedSync::Input)?;
    let input = InterleavedSlice::new(samples, 1, samples.len())?;
    Ok(resampler.process_all(&input, samples.len(), None)?.take_data())
}

/// Raises samples from nothing to full over `length` of them, along a raised cosine; hand them over in reverse to fade
/// out.
fn fade_in<'a>(samples: impl Iterator<Item = &'a mut i16>, length: usize) {
    let length = f64::from(u32::try_from(length.max(1)).unwrap_or(u32::MAX));
    for (step, sample) in (0_u32..).zip(samples) {
        let raised = (1.0 - (f64::from(step) / length * std::f64::consts::PI).cos()) / 2.0;
        *sample = sixteen_bit(f64::from(*sample) / 32_768.0 * raised);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sine of `hz` over `count` samples at 24 kHz.
    fn sine(hz: f64, amplitude: f64, count: u32, rate_hz: u32) -> Vec<i16> {
        (0..count)
            .map(|n| {
                let phase = f64::from(n) * hz * std::f64::consts::TAU / f64::from(rate_hz);
                sixteen_bit(phase.sin() * amplitude)
            })
            .collect()
    }

    #[test]
    fn trimming_keeps_the_sound_and_a_little_around_it() {
        let mut samples = vec![3; 24_000];
        samples.extend(sine(440.0, 0.5, 24_000, 24_000));
        samples.extend(vec![-3; 12_000]);
        let pcm = Pcm::new(samples, 24_000).unwrap().trimmed();
        assert!((1022..=1026).contains(&pcm.duration_ms()), "{}", pcm.duration_ms());
        assert_eq!(pcm.samples()[0], 0);
        assert_eq!(*pcm.samples().last().unwrap(), 0);
    }

    #[test]
    fn a_quiet_recording_is_not_trimmed_to_nothing_but_silence_is() {
        let quiet = Pcm::new(sine(300.0, 0.004, 24_000, 24_000), 24_000).unwrap();
        assert!(quiet.trimmed().duration_ms() > 990);
        let silent = Pcm::new(vec![5; 24_000], 24_000).unwrap();
        assert!(silent.is_silent());
        assert!(silent.trimmed().samples().is_empty());
    }

    #[test]
    fn resampling_keeps_length_pitch_and_level() {
        for rate in [8_000, 16_000, 22_050, 44_100, 48_000] {
            let pcm = Pcm::new(sine(500.0, 0.5, rate, rate), rate).unwrap();
            let out = pcm.resampled_to(24_000).unwrap();
            assert!(out.samples().len().abs_diff(24_000) <= 1, "{rate}: {}", out.samples().len());
            let middle = &out.samples()[6_000..18_000];
            let crossings = middle.windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count();
            assert!(crossings.abs_diff(250) <= 1, "{rate}: {crossings} periods");
            let peak = middle.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
            assert!((16_000..16_800).contains(&peak), "{rate}: peak {peak}");
        }
    }

    #[test]
    fn rates_and_lengths_out_of_bounds_are_refused() {
        assert!(matches!(Pcm::new(vec![], 0), Err(PcmError::Rate(0))));
        assert!(matches!(Pcm::new(vec![0; 4_000 * 601], 4_000), Err(PcmError::TooLong)));
        assert!(Pcm::new(vec![], 24_000).unwrap().resampled_to(8_000).unwrap().samples().is_empty());
    }
}
