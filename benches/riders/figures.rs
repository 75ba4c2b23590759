//! Figures: quantiles of laps, medians of rounds.
//! Rounds of all systems are interleaved, so that a slow minute of the machine falls on all of them.

use std::fmt;

/// The laps of one run, in tenths of microseconds.
#[derive(Clone, Default)]
pub(crate) struct Laps(Vec<u32>);

impl Laps {
    pub(crate) fn push(&mut self, seconds: f64) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a lap is under seven minutes"
        )]
        self.0.push((seconds * 1e7) as u32);
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The share of laps, in thousandths, that was no slower than this, in microseconds.
    pub(crate) fn quantile(&mut self, thousandths: usize) -> f64 {
        self.0.sort_unstable();
        let place = (self.0.len() * thousandths / 1000).min(self.0.len().saturating_sub(1));
        self.0.get(place).map_or(f64::NAN, |tenths| f64::from(*tenths) / 10.0)
    }
}

/// The same figure of several rounds.
#[derive(Clone, Default)]
pub(crate) struct Rounds(Vec<f64>);

impl Rounds {
    pub(crate) fn push(&mut self, figure: f64) {
        self.0.push(figure);
    }

    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// Median of the ratios within each round: what the machine did to both cancels.
    pub(crate) fn median_over(&self, floor: &Self) -> f64 {
        let ratios = self.0.iter().zip(&floor.0).map(|(ours, theirs)| ours / theirs);
        Self(ratios.collect()).median()
    }
}

impl fmt::Display for Rounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let median = self.median();
        let decimals = if median < 10.0 { 2 } else { 0 };
        f.pad(&format!("{median:.decimals$}"))
    }
}
