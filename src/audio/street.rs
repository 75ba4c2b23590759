//! Speech for the street: traffic is loud below 500 Hz and a helmet's speaker gives nothing there, so what is spent there
//! is taken away, and the band that makes words understood is raised.

use super::mp3::RATE_HZ;

/// Below this there is only rumble, in Hz.
const LOW_CUT_HZ: f64 = 180.0;
/// Middle of the band that is raised, in Hz: from 1 to 4 kHz live the consonants.
const PRESENCE_HZ: f64 = 2_200.0;
/// How much, in decibels: more would be shrill.
const PRESENCE_DB: f64 = 5.0;
/// How wide: two octaves.
const PRESENCE_Q: f64 = 0.7;

/// The sound at 24 kHz, shaped; as long as before.
pub(super) fn shaped(samples: &[f32]) -> Vec<f32> {
    let [first, second] = low_cut();
    filtered(samples, [first, second, Biquad::peak(PRESENCE_HZ, PRESENCE_Q, PRESENCE_DB)])
}

/// The sound at 24 kHz without its rumble: what a phone's speaker can give of it. As long as before.
pub(super) fn without_rumble(samples: &[f32]) -> Vec<f32> {
    filtered(samples, low_cut())
}

fn low_cut() -> [Biquad; 2] {
    [Biquad::high_pass(LOW_CUT_HZ, 0.541), Biquad::high_pass(LOW_CUT_HZ, 1.307)]
}

fn filtered<const COUNT: usize>(samples: &[f32], mut filters: [Biquad; COUNT]) -> Vec<f32> {
    let filter = |&sample: &f32| {
        let out = filters.iter_mut().fold(f64::from(sample), |sample, filter| filter.next(sample));
        #[expect(clippy::cast_possible_truncation, reason = "a sample; f32 carries it")]
        let out = out as f32;
        out
    };
    samples.iter().map(filter).collect()
}

/// A filter of second order and what it remembers.
struct Biquad {
    feed: [f64; 3],
    back: [f64; 2],
    memory: [f64; 2],
}

impl Biquad {
    fn high_pass(hz: f64, q: f64) -> Self {
        let (cos, alpha) = Self::turn(hz, q);
        let edge = f64::midpoint(1.0, cos);
        Self::new([edge, -2.0 * edge, edge], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    fn peak(hz: f64, q: f64, db: f64) -> Self {
        let (cos, alpha) = Self::turn(hz, q);
        let root = 10.0_f64.powf(db / 40.0);
        let feed = [1.0 + alpha * root, -2.0 * cos, 1.0 - alpha * root];
        Self::new(feed, [1.0 + alpha / root, -2.0 * cos, 1.0 - alpha / root])
    }

    fn turn(hz: f64, q: f64) -> (f64, f64) {
        let turn = std::f64::consts::TAU * hz / f64::from(RATE_HZ);
        (turn.cos(), turn.sin() / (2.0 * q))
    }

    fn new(feed: [f64; 3], back: [f64; 3]) -> Self {
        let [first, second, third] = back;
        Self {
            feed: feed.map(|factor| factor / first),
            back: [second / first, third / first],
            memory: [0.0; 2],
        }
    }

    fn next(&mut self, sample: f64) -> f64 {
        let out = self.feed[0] * sample + self.memory[0];
        self.memory[0] = self.feed[1] * sample - self.back[0] * out + self.memory[1];
        self.memory[1] = self.feed[2] * sample - self.back[1] * out;
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::pcm::{float, sixteen_bit};
    use super::*;

    /// By how many decibels a tone comes out louder.
    fn gain_db(hz: f64) -> f64 {
        let tone: Vec<f32> = (0..24_000_u32)
            .map(|n| float(sixteen_bit((f64::from(n) * hz * std::f64::consts::TAU / 24_000.0).sin() * 0.5)))
            .collect();
        let power =
            |samples: &[f32]| samples[4_000..].iter().map(|sample| f64::from(sample * sample)).sum::<f64>();
        10.0 * (power(&shaped(&tone)) / power(&tone)).log10()
    }

    #[test]
    fn rumble_goes_and_the_band_of_speech_rises() {
        assert!(gain_db(60.0) < -30.0, "{}", gain_db(60.0));
        assert!(gain_db(100.0) < -15.0, "{}", gain_db(100.0));
        for hz in [1_000.0, 2_200.0, 4_000.0] {
            assert!((1.8..=5.2).contains(&gain_db(hz)), "{hz}: {}", gain_db(hz));
        }
        assert!(gain_db(400.0).abs() < 1.0 && gain_db(10_000.0).abs() < 1.0);
    }
}
