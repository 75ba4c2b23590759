//! Whether an engine is asked: after failures in a row it rests, then one request finds out whether it is back.
//! Values in, values out; the time comes in as milliseconds of a clock that never goes back.

use std::time::Duration;

/// When an engine is left alone, and for how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BreakerLimits {
    /// Failures in a row after which it rests.
    pub failures: u32,
    /// How long it rests then.
    pub rest: Duration,
    /// How long it rests when its maker refuses us: credentials, money, configuration.
    pub refused_rest: Duration,
}

/// The state of one engine.
#[derive(Debug)]
pub(super) struct Breaker {
    limits: BreakerLimits,
    failures: u32,
    rest: Option<Rest>,
}

#[derive(Clone, Copy, Debug)]
struct Rest {
    until_ms: i64,
    probing: bool,
}

/// What a request may do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Admission {
    /// Go ahead.
    Go,
    /// Go ahead: it is the one that finds out whether the engine is back.
    Probe,
    /// Another one is finding out; wait for it.
    Wait,
    /// Ask another engine.
    Rest,
}

/// How a request ended, as far as this matters to its engine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// It answered, if only that a text is bad.
    Well,
    /// It failed.
    Ill,
    /// Its maker refuses us, whatever the text.
    Refused,
}

/// What a verdict has changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// The engine rests from now on.
    Rests(Duration),
    /// It is back.
    Back,
}

impl Breaker {
    pub(super) fn new(limits: BreakerLimits) -> Self {
        Self { limits, failures: 0, rest: None }
    }

    /// Whether the engine may be asked now, or would be by a probe that nobody makes yet.
    pub(super) fn is_available(&self, now_ms: i64) -> bool {
        self.rest.is_none_or(|rest| now_ms >= rest.until_ms && !rest.probing)
    }

    /// Whether a probe is on its way.
    pub(super) fn is_probing(&self) -> bool {
        self.rest.is_some_and(|rest| rest.probing)
    }

    /// Whether it rests, or has not shown yet that it is back.
    pub(super) fn is_resting(&self) -> bool {
        self.rest.is_some()
    }

    /// Asks for a request. After [`Admission::Go`] and [`Admission::Probe`] a verdict must follow.
    pub(super) fn admit(&mut self, now_ms: i64) -> Admission {
        match &mut self.rest {
            None => Admission::Go,
            Some(rest) if rest.probing => Admission::Wait,
            Some(rest) if now_ms < rest.until_ms => Admission::Rest,
            Some(rest) => {
                rest.probing = true;
                Admission::Probe
            }
        }
    }

    /// A request has ended.
    pub(super) fn judge(&mut self, verdict: Verdict, now_ms: i64) -> Change {
        match verdict {
            Verdict::Well => {
                self.failures = 0;
                // Also by a request that began before the rest: it is proof all the same.
                if self.rest.take().is_some() { Change::Back } else { Change::None }
            }
            Verdict::Refused => self.open(self.limits.refused_rest, now_ms),
            Verdict::Ill => {
                self.failures = self.failures.saturating_add(1);
                // One that began before the rest adds nothing to it.
                let opens =
                    self.rest.map_or(self.failures >= self.limits.failures.max(1), |rest| rest.probing);
                if opens { self.open(self.limits.rest, now_ms) } else { Change::None }
            }
        }
    }

    fn open(&mut self, rest: Duration, now_ms: i64) -> Change {
        let rest_ms = i64::try_from(rest.as_millis()).unwrap_or(i64::MAX);
        let until_ms = now_ms.saturating_add(rest_ms);
        let longer = self.rest.is_none_or(|now| until_ms > now.until_ms);
        let until_ms = self.rest.map_or(until_ms, |now| until_ms.max(now.until_ms));
        let first = self.rest.is_none();
        self.rest = Some(Rest { until_ms, probing: false });
        if first || longer { Change::Rests(rest) } else { Change::None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: BreakerLimits =
        BreakerLimits { failures: 3, rest: Duration::from_secs(15), refused_rest: Duration::from_mins(10) };

    fn tired(at_ms: i64) -> Breaker {
        let mut breaker = Breaker::new(LIMITS);
        for _ in 0..2 {
            assert_eq!(breaker.admit(at_ms), Admission::Go);
            assert_eq!(breaker.judge(Verdict::Ill, at_ms), Change::None);
        }
        assert_eq!(breaker.judge(Verdict::Ill, at_ms), Change::Rests(LIMITS.rest));
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_an_answer_between_them_does_not() {
        let mut breaker = Breaker::new(LIMITS);
        for verdict in [Verdict::Ill, Verdict::Ill, Verdict::Well, Verdict::Ill, Verdict::Ill] {
            assert_eq!(breaker.judge(verdict, 0), Change::None);
        }
        assert!(breaker.is_available(0));
        assert_eq!(breaker.judge(Verdict::Ill, 0), Change::Rests(LIMITS.rest));
        assert!(!breaker.is_available(0) && breaker.admit(14_999) == Admission::Rest);
    }

    #[test]
    fn one_request_finds_out_and_the_others_wait_for_it() {
        let mut breaker = tired(0);
        assert!(breaker.is_available(15_000));
        assert_eq!(breaker.admit(15_000), Admission::Probe);
        assert_eq!((breaker.admit(15_000), breaker.is_available(15_000)), (Admission::Wait, false));
        assert_eq!(breaker.judge(Verdict::Well, 15_100), Change::Back);
        assert_eq!((breaker.admit(15_100), breaker.is_resting()), (Admission::Go, false));
    }

    #[test]
    fn a_probe_that_fails_begins_the_rest_anew() {
        let mut breaker = tired(0);
        assert_eq!(breaker.admit(15_000), Admission::Probe);
        assert_eq!(breaker.judge(Verdict::Ill, 18_000), Change::Rests(LIMITS.rest));
        assert_eq!(breaker.admit(32_999), Admission::Rest);
        assert_eq!(breaker.admit(33_000), Admission::Probe);
    }

    #[test]
    fn a_refusal_is_a_long_rest_and_what_comes_late_does_not_shorten_it() {
        let mut breaker = Breaker::new(LIMITS);
        assert_eq!(breaker.judge(Verdict::Refused, 0), Change::Rests(LIMITS.refused_rest));
        assert_eq!(breaker.judge(Verdict::Ill, 5), Change::None);
        assert_eq!(breaker.admit(599_999), Admission::Rest);
        assert_eq!(breaker.admit(600_000), Admission::Probe);
    }
}
