//! A part of a sentence, from what an engine gave to frames that can stand beside any others.
//! The dry sound is what is kept of an engine's work; each profile is made from it, with as many frames.

use super::level::{self, LevelError, Leveller, Limiter, Target};
use super::mp3::{self, Mp3Error, Mp3Fault, Mp3Frames, RATE_HZ};
use super::pcm::{Pcm, PcmError, float, sixteen_bit};
use super::street;
use crate::domain::SoundProfile;

/// Loudness indoors and on earphones, in LUFS.
pub const PLAIN_LUFS: f64 = -16.0;
/// Loudness in traffic, in LUFS.
pub const STREET_LUFS: f64 = -11.0;
/// No true peak of what a rider's player decodes is above this, in dBTP.
pub const CEILING_DBTP: f64 = -1.0;

/// Kept below the ceiling: meters that look between the samples more closely than ours find this much more.
const METER_MARGIN_DB: f64 = 0.2;
/// Rate at which the true peaks of what is not encoded are measured, in Hz.
const CLOSER_RATE_HZ: u32 = 4 * RATE_HZ;
/// Times a part is encoded again at most, until its decoded peaks keep the ceiling; plain speech needs none or one, the street up to three.
const ROUNDS_MAX: u32 = 6;
/// Times of these in which only the ceiling is lowered, and the loudness kept: more would gain little.
const LOWERED_MAX: u32 = 1;

/// Without its rumble, a sound is heard where it is above this: -50 dBFS.
const HEARD: f32 = 0.003_162;
/// Of a quiet recording, what is at most this much below its own peak (30 dB).
const HEARD_BELOW_PEAK: f32 = 0.031_62;
/// Under a peak of -60 dBFS nothing is heard.
const NOTHING_HEARD: f32 = 0.001;
/// No syllable is heard for less than this in all; a click, or the edge of a constant voltage, is for less than half of it.
const HEARD_MS_MIN: usize = 30;

/// Why an engine's sound is not part of a sentence.
#[derive(Debug, thiserror::Error)]
pub enum SentenceError {
    /// Nothing is heard in it: ask another engine.
    #[error("the engine's sound is silent")]
    Silent,
    /// It cannot be brought to 24 kHz.
    #[error(transparent)]
    Pcm(#[from] PcmError),
    /// It cannot be measured.
    #[error(transparent)]
    Level(#[from] LevelError),
    /// It cannot be encoded.
    #[error(transparent)]
    Mp3(#[from] Mp3Error),
    /// What was encoded cannot be decoded, which no input causes.
    #[error("what was encoded cannot be decoded")]
    Decoding(#[from] Mp3Fault),
}

/// An engine's sound at 24 kHz, cut to its words, with short fades; not levelled, so that every profile starts from it.
///
/// # Errors
/// [`SentenceError::Silent`] when there is nothing to hear, or nothing but a click or what no speaker can give;
/// [`SentenceError::Pcm`] when the rate cannot be changed.
pub fn dry(pcm: Pcm) -> Result<Pcm, SentenceError> {
    let whole = pcm.resampled_to(RATE_HZ)?;
    // Before it is trimmed: the fades of a trimmed offset would be heard.
    let heard_ms = heard_ms(&whole);
    let trimmed = whole.trimmed();
    if heard_ms < HEARD_MS_MIN || trimmed.samples().is_empty() {
        return Err(SentenceError::Silent);
    }
    Ok(trimmed)
}

/// The dry sound as a profile's listeners hear it: in the street with speech raised, and at the profile's loudness.
///
/// Each part is levelled alone, a short one as if it were said again and again with the pause that joining makes. So the
/// parts of a sentence are equally loud, whatever else is in it, and the joined sentence ends within 1 LU of the target:
/// what its pauses take is little, since loudness is measured with a gate.
///
/// # Errors
/// [`SentenceError::Level`] when it cannot be measured, [`SentenceError::Pcm`] when it cannot be looked at closely.
pub fn levelled(dry: &Pcm, profile: SoundProfile) -> Result<Pcm, SentenceError> {
    uncompressed(&shaped(dry, profile), target(profile))
}

/// The dry sound in a profile, encoded, with as much silence behind it as the codec needs (24 to 48 ms). All profiles
/// have the same number of frames. True peaks keep [`CEILING_DBTP`] after decoding. 10 ms of work for a second of sound in
/// the plain profile, up to three times that for the street: not for an async task.
///
/// # Errors
/// [`SentenceError`] when a step fails; silence is no error here.
pub fn frames(dry: &Pcm, profile: SoundProfile) -> Result<Mp3Frames, SentenceError> {
    encoded(&shaped(dry, profile), target(profile), Mp3Frames::encoded)
}

/// Frames of ours that are levelled for the plain profile, in another one: as many of them, each at its place.
pub(super) fn reprofiled(plain: &Mp3Frames, profile: SoundProfile) -> Result<Mp3Frames, SentenceError> {
    match profile {
        SoundProfile::Plain => Ok(plain.clone()),
        SoundProfile::Street => {
            let decoded = pcm_of(&plain.decoded()?)?;
            let encode = |pcm: &Pcm| Mp3Frames::encoded_in_place(pcm, plain.count());
            encoded(&shaped(&decoded, profile), target(profile), encode)
        }
    }
}

/// What a profile's listeners hear speech at.
pub(super) fn target(profile: SoundProfile) -> Target {
    let (lufs, limiter) = match profile {
        SoundProfile::Plain => (PLAIN_LUFS, Limiter::CLEAN),
        SoundProfile::Street => (STREET_LUFS, Limiter::DENSE),
    };
    Target { lufs, ceiling_dbtp: CEILING_DBTP, limiter }
}

/// Levels a sound that no codec touches: its true peaks keep the ceiling as they are.
pub(super) fn uncompressed(sound: &[f32], target: Target) -> Result<Pcm, SentenceError> {
    let wanted = target.ceiling_dbtp - METER_MARGIN_DB;
    let mut ceiling_dbtp = wanted;
    let mut loud = level::levelled(sound, RATE_HZ, Target { ceiling_dbtp, ..target })?;
    let mut over = closer_peak_dbtp(&loud)? - wanted;
    for _round in 0..LOWERED_MAX {
        if over <= 0.0 {
            break;
        }
        ceiling_dbtp -= over;
        loud = level::levelled(sound, RATE_HZ, Target { ceiling_dbtp, ..target })?;
        over = closer_peak_dbtp(&loud)? - wanted;
    }
    // What limiting does not bring down, softness does.
    level::scale(&mut loud, (-over).min(0.0));
    Ok(pcm_of(&loud)?)
}

/// The highest true peak, looked for at eight points from sample to sample. The usual four miss half a decibel where
/// samples were rounded off.
fn closer_peak_dbtp(samples: &[f32]) -> Result<f64, SentenceError> {
    let closer = pcm_of(samples)?.resampled_to(CLOSER_RATE_HZ)?;
    Ok(level::true_peak_dbtp(&floats(&closer), CLOSER_RATE_HZ)?)
}

/// Levels and encodes a sound; again, a little softer, while the decoded peaks are too high.
pub(super) fn encoded(
    sound: &[f32],
    target: Target,
    encode: impl Fn(&Pcm) -> Result<Mp3Frames, Mp3Error>,
) -> Result<Mp3Frames, SentenceError> {
    let wanted = target.ceiling_dbtp - METER_MARGIN_DB;
    let mut leveller = Leveller::new(sound, RATE_HZ, Target { ceiling_dbtp: wanted, ..target })?;
    leveller.lower(target.limiter.codec_margin_db());
    let mut loud = leveller.settled()?;
    let mut frames = encode(&pcm_of(&loud)?)?;
    for round in 0..ROUNDS_MAX {
        let over = level::true_peak_dbtp(&frames.decoded()?, RATE_HZ)? - wanted;
        if over <= 0.0 {
            break;
        }
        if round < LOWERED_MAX {
            // At the same loudness a lower ceiling makes the codec add more.
            leveller.lower(over * 1.5 + 0.1);
            loud = leveller.settled()?;
        } else {
            // What limiting does not bring down, softness does.
            level::scale(&mut loud, -over - 0.15);
        }
        frames = encode(&pcm_of(&loud)?)?;
    }
    Ok(frames)
}

/// For how long a rider hears something of a sound at 24 kHz, in milliseconds. Engines that fail answer with clicks and
/// offsets as well as with silence.
fn heard_ms(pcm: &Pcm) -> usize {
    let audible = street::without_rumble(&floats(pcm));
    let peak = audible.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    if peak < NOTHING_HEARD {
        return 0;
    }
    let floor = HEARD.min(peak * HEARD_BELOW_PEAK);
    audible.iter().filter(|sample| sample.abs() >= floor).count() * 1000 / RATE_HZ as usize
}

fn floats(pcm: &Pcm) -> Vec<f32> {
    pcm.samples().iter().map(|&sample| float(sample)).collect()
}

fn shaped(pcm: &Pcm, profile: SoundProfile) -> Vec<f32> {
    match profile {
        SoundProfile::Plain => floats(pcm),
        SoundProfile::Street => street::shaped(&floats(pcm)),
    }
}

/// Samples at 24 kHz as 16 bits.
pub(super) fn pcm_of(samples: &[f32]) -> Result<Pcm, PcmError> {
    Pcm::new(samples.iter().map(|&sample| sixteen_bit(f64::from(sample))).collect(), mp3::RATE_HZ)
}

#[cfg(test)]
mod tests {
    use super::super::level::measured;
    use super::*;

    /// A tone that swells and fades like syllables.
    fn babble(count: u32, amplitude: f64) -> Pcm {
        let sample = |n: u32| {
            let now = f64::from(n) / 24_000.0;
            let syllable = (now * 4.0 * std::f64::consts::PI).sin().abs();
            sixteen_bit((now * 300.0 * std::f64::consts::TAU).sin() * syllable * amplitude)
        };
        Pcm::new((0..count).map(sample).collect(), RATE_HZ).unwrap()
    }

    #[test]
    fn an_engine_that_says_nothing_is_found_out() {
        let silent = Pcm::new(vec![2; 16_000], 16_000).unwrap();
        assert!(matches!(dry(silent), Err(SentenceError::Silent)));
        assert!(matches!(dry(Pcm::new(vec![], 22_050).unwrap()), Err(SentenceError::Silent)));
    }

    /// A second of silence with something in it.
    fn with(from: usize, inside: &[i16], rate_hz: u32) -> Pcm {
        let mut samples = vec![0; rate_hz as usize];
        samples.splice(from..from + inside.len(), inside.iter().copied());
        Pcm::new(samples, rate_hz).unwrap()
    }

    fn sine(hz: f64, amplitude: f64, rate_hz: u32) -> Pcm {
        let phase = |n: u32| f64::from(n) * hz * std::f64::consts::TAU / f64::from(rate_hz);
        Pcm::new((0..rate_hz * 2).map(|n| sixteen_bit(phase(n).sin() * amplitude)).collect(), rate_hz)
            .unwrap()
    }

    #[test]
    fn what_nobody_hears_is_silent_however_high_its_samples_are() {
        for rate_hz in [8_000, 16_000, 22_050, 24_000, 44_100, 48_000] {
            let second = rate_hz as usize;
            let offset = |value| Pcm::new(vec![value; second], rate_hz).unwrap();
            let unheard = [
                ("a click", with(second / 3, &[i16::MAX; 2], rate_hz)),
                ("a click both ways", with(second / 3, &[i16::MAX, i16::MIN], rate_hz)),
                ("a click at the start", with(0, &[i16::MIN; 2], rate_hz)),
                ("a soft click", with(second / 3, &[300; 2], rate_hz)),
                ("a small offset", offset(400)),
                ("an offset", offset(-9_000)),
                ("a full offset", offset(i16::MAX)),
                ("an offset for a while", with(second / 4, &vec![i16::MAX; second / 2], rate_hz)),
                ("5 Hz", sine(5.0, 0.9, rate_hz)),
                ("5 Hz, softer", sine(5.0, 0.05, rate_hz)),
                ("12 Hz", sine(12.0, 0.9, rate_hz)),
            ];
            for (name, pcm) in unheard {
                assert!(matches!(dry(pcm), Err(SentenceError::Silent)), "{name} at {rate_hz} Hz");
            }
        }
    }

    #[test]
    fn what_is_heard_is_kept_however_short_or_soft_or_crooked_it_is() {
        for amplitude in [0.005, 0.01, 0.1, 0.9] {
            for count in [1_200, 2_400, 24_000] {
                let sound = babble(count, amplitude);
                assert!(dry(sound.clone()).is_ok(), "{count} {amplitude}");
                // The same, off by a constant.
                let crooked = sound.samples().iter().map(|sample| sample / 2 + 2_000).collect();
                let crooked = dry(Pcm::new(crooked, RATE_HZ).unwrap());
                assert!(amplitude < 0.1 || crooked.is_ok(), "{count} {amplitude}, crooked");
            }
        }
        for hz in [200.0, 1_000.0, 7_000.0] {
            assert!(dry(sine(hz, 0.004, 24_000)).is_ok(), "{hz} Hz");
        }
    }

    #[test]
    fn profiles_have_their_loudness_and_the_same_number_of_frames() {
        for count in [1_000, 5_000, 5_576, 24_000, 100_000] {
            let dry = dry(babble(count, 0.2)).unwrap();
            let counts = SoundProfile::ALL.map(|profile| frames(&dry, profile).unwrap().count());
            assert_eq!(counts[0], counts[1], "{count}");
            for profile in SoundProfile::ALL {
                let level = measured(&levelled(&dry, profile).unwrap()).unwrap();
                assert!((level.lufs - target(profile).lufs).abs() < 1.0, "{count} {profile:?}: {level:?}");
                assert!(level.peak_dbtp <= CEILING_DBTP + 0.05, "{count} {profile:?}: {level:?}");
            }
        }
    }

    #[test]
    fn decoded_peaks_keep_the_ceiling() {
        for (count, amplitude) in [(4_000, 1.0), (30_000, 0.9), (48_000, 0.05)] {
            for profile in SoundProfile::ALL {
                let frames = frames(&dry(babble(count, amplitude)).unwrap(), profile).unwrap();
                let peak = level::true_peak_dbtp(&frames.decoded().unwrap(), RATE_HZ).unwrap();
                assert!(peak <= CEILING_DBTP, "{count} {profile:?}: {peak}");
            }
        }
    }
}
