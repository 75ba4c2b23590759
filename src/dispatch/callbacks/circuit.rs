//! Whether a backend is sent anything: after failures in a row it rests, longer each time, and one request finds out whether
//! it is back. Values in, values out; the time comes in as milliseconds of a clock that never goes back.

/// When a backend is left alone, and for how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CircuitLimits {
    /// Failures in a row after which it rests.
    pub failures: u32,
    /// Its first rest, in milliseconds; the next is twice as long.
    pub rest_ms: i64,
    /// The longest rest, in milliseconds.
    pub rest_ms_max: i64,
}

/// What a try says about its backend.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// It answers, if only that a request is bad.
    Well,
    /// It answers that it fails.
    Ill,
    /// It was reached and gave no answer.
    Mute,
    /// It was not reached.
    Unreached,
    /// It asks to be left alone for so many milliseconds.
    Away(i64),
    /// Nothing: it was not asked.
    Unknown,
}

/// Whether a request may go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Admission {
    /// It may; a verdict must follow.
    Go,
    /// Not before this moment.
    NotBefore(i64),
}

/// What a verdict has changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// The backend rests for so many milliseconds.
    Rests(i64),
    /// It is back.
    Back,
}

/// The state of one backend.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    failures: u32,
    /// Rests in a row.
    rests: u32,
    rest: Option<Rest>,
}

#[derive(Clone, Copy, Debug)]
struct Rest {
    until_ms: i64,
    probing: bool,
}

/// While one request finds out, the others wait this long before they ask again.
const PROBE_WAIT_MS: i64 = 1_000;

impl Circuit {
    /// Whether nothing is to be sent now: it rests, or another request is finding out.
    pub(super) fn is_closed_to(&self, now_ms: i64) -> bool {
        self.rest.is_some_and(|rest| rest.probing || now_ms < rest.until_ms)
    }

    /// Whether it rests, or has not shown yet that it is back.
    pub(super) fn is_resting(&self) -> bool {
        self.rest.is_some()
    }

    /// Whether there is nothing to remember of it.
    pub(super) fn is_fresh(&self) -> bool {
        self.failures == 0 && self.rest.is_none()
    }

    /// The end of its rest, while that is to come. Where several may find out, nobody waits for another.
    pub(super) fn rests_until(&self, now_ms: i64) -> Option<i64> {
        self.rest.map(|rest| rest.until_ms).filter(|until_ms| now_ms < *until_ms)
    }

    /// A request goes that finds out, perhaps beside others.
    pub(super) fn probe(&mut self) {
        if let Some(rest) = &mut self.rest {
            rest.probing = true;
        }
    }

    /// Asks for a request.
    pub(super) fn admit(&mut self, now_ms: i64) -> Admission {
        match &mut self.rest {
            None => Admission::Go,
            Some(rest) if rest.probing => Admission::NotBefore(now_ms.saturating_add(PROBE_WAIT_MS)),
            Some(rest) if now_ms < rest.until_ms => Admission::NotBefore(rest.until_ms),
            Some(rest) => {
                rest.probing = true;
                Admission::Go
            }
        }
    }

    /// A request has ended.
    pub(super) fn judge(&mut self, verdict: Verdict, limits: CircuitLimits, now_ms: i64) -> Change {
        match verdict {
            Verdict::Well => {
                // Also by a request that began before the rest: it is proof all the same.
                let was_resting = self.rest.is_some();
                *self = Self::default();
                if was_resting { Change::Back } else { Change::None }
            }
            Verdict::Ill | Verdict::Mute | Verdict::Unreached => {
                self.failures = self.failures.saturating_add(1);
                // One that began before the rest adds nothing to it.
                let opens = self.rest.map_or(self.failures >= limits.failures.max(1), |rest| rest.probing);
                if !opens {
                    return Change::None;
                }
                let rest_ms = limits.rest_ms.saturating_mul(1 << self.rests.min(20)).min(limits.rest_ms_max);
                self.rests = self.rests.saturating_add(1);
                self.begin(rest_ms, now_ms)
            }
            Verdict::Away(rest_ms) => self.begin(rest_ms, now_ms),
            Verdict::Unknown => {
                if let Some(rest) = &mut self.rest {
                    rest.probing = false;
                }
                Change::None
            }
        }
    }

    fn begin(&mut self, rest_ms: i64, now_ms: i64) -> Change {
        let until_ms = now_ms.saturating_add(rest_ms);
        match self.rest {
            Some(rest) if !rest.probing && until_ms <= rest.until_ms => Change::None,
            Some(_) | None => {
                self.rest = Some(Rest { until_ms, probing: false });
                Change::Rests(rest_ms)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: CircuitLimits = CircuitLimits { failures: 3, rest_ms: 10_000, rest_ms_max: 300_000 };

    fn judged(circuit: &mut Circuit, verdict: Verdict, now_ms: i64) -> Change {
        circuit.judge(verdict, LIMITS, now_ms)
    }

    fn tired() -> Circuit {
        let mut circuit = Circuit::default();
        assert_eq!(judged(&mut circuit, Verdict::Ill, 0), Change::None);
        assert_eq!(judged(&mut circuit, Verdict::Ill, 0), Change::None);
        assert_eq!(judged(&mut circuit, Verdict::Ill, 0), Change::Rests(10_000));
        circuit
    }

    #[test]
    fn failures_in_a_row_begin_a_rest_and_an_answer_between_them_does_not() {
        let mut circuit = Circuit::default();
        for verdict in
            [Verdict::Ill, Verdict::Ill, Verdict::Well, Verdict::Ill, Verdict::Ill, Verdict::Unknown]
        {
            assert_eq!(judged(&mut circuit, verdict, 0), Change::None);
        }
        assert!(!circuit.is_closed_to(0) && !circuit.is_fresh());
        assert_eq!(judged(&mut circuit, Verdict::Ill, 0), Change::Rests(10_000));
        assert!(circuit.is_closed_to(9_999) && !circuit.is_closed_to(10_000));
        assert_eq!(circuit.admit(9_999), Admission::NotBefore(10_000));
    }

    #[test]
    fn one_request_finds_out_and_the_others_wait_for_it() {
        let mut circuit = tired();
        assert_eq!(circuit.admit(10_000), Admission::Go);
        assert_eq!(circuit.admit(10_001), Admission::NotBefore(11_001));
        assert!(circuit.is_closed_to(20_000), "the probe may take its time");
        assert_eq!(judged(&mut circuit, Verdict::Well, 20_000), Change::Back);
        assert!(circuit.is_fresh() && circuit.admit(20_000) == Admission::Go);
    }

    #[test]
    fn a_probe_that_was_not_sent_leaves_the_place_to_another() {
        let mut circuit = tired();
        assert_eq!(circuit.admit(10_000), Admission::Go);
        assert_eq!(judged(&mut circuit, Verdict::Unknown, 10_001), Change::None);
        assert_eq!(circuit.admit(10_002), Admission::Go);
    }

    #[test]
    fn rests_double_up_to_their_limit_and_begin_anew_after_an_answer() {
        let mut circuit = tired();
        let mut now_ms = 10_000;
        for rest_ms in [20_000, 40_000, 80_000, 160_000, 300_000, 300_000] {
            assert_eq!(circuit.admit(now_ms), Admission::Go);
            assert_eq!(judged(&mut circuit, Verdict::Ill, now_ms), Change::Rests(rest_ms));
            now_ms += rest_ms;
        }
        assert_eq!(judged(&mut circuit, Verdict::Well, now_ms), Change::Back);
        for change in [Change::None, Change::None, Change::Rests(10_000)] {
            assert_eq!(judged(&mut circuit, Verdict::Ill, now_ms), change);
        }
    }

    #[test]
    fn what_began_before_the_rest_neither_prolongs_nor_shortens_it() {
        let mut circuit = tired();
        assert_eq!(judged(&mut circuit, Verdict::Ill, 5_000), Change::None);
        assert_eq!(judged(&mut circuit, Verdict::Away(1_000), 5_000), Change::None);
        assert_eq!(circuit.admit(9_999), Admission::NotBefore(10_000));
    }

    #[test]
    fn a_backend_that_asks_for_it_is_left_alone_at_once_and_for_as_long() {
        let mut circuit = Circuit::default();
        assert_eq!(judged(&mut circuit, Verdict::Away(60_000), 0), Change::Rests(60_000));
        assert_eq!(circuit.admit(59_999), Admission::NotBefore(60_000));
        assert_eq!(circuit.admit(60_000), Admission::Go);
    }
}
