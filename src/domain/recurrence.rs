//! Events that come again and again: by a cron expression in the app's time zone, or every so many seconds.
//! Pure: the last time and the rule give the next time.

use cronexpr::{Crontab, parse_crontab};
use serde::{Deserialize, Serialize};

use super::EpochMs;

/// When an event comes again.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Recurrence {
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
    /// Not after this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<EpochMs>,
    /// At most so often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

/// How the next time is found.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Five fields, as crontab(5) writes them, read in the app's time zone.
    Cron(String),
    /// Seconds from one time to the next.
    EveryS(u32),
}

/// Why a recurrence cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RecurrenceError {
    /// Not five fields of cron, or a value out of its range.
    #[error("is no cron expression of five fields: {0}")]
    Syntax(String),
    /// No moment fits it, or none before its end.
    #[error("never comes")]
    Never,
}

/// Longest pause between two times, in seconds: a month.
pub const EVERY_S_MAX: u32 = 31 * 86_400;

impl Recurrence {
    /// The first time, not before `from`.
    ///
    /// # Errors
    /// [`RecurrenceError`].
    pub fn first(&self, zone: &str, from: EpochMs) -> Result<EpochMs, RecurrenceError> {
        if let Rule::Cron(expression) = &self.rule {
            crontab(expression, zone).map_err(RecurrenceError::Syntax)?;
        }
        self.after(zone, from, from, 0).ok_or(RecurrenceError::Never)
    }

    /// The next time after `last`, later than `now`: what was missed is not made up for. `fired` is how often it came.
    #[must_use]
    pub fn after(&self, zone: &str, last: EpochMs, now: EpochMs, fired: u64) -> Option<EpochMs> {
        if self.times.is_some_and(|times| fired >= times) {
            return None;
        }
        let next = match &self.rule {
            Rule::EveryS(seconds) => {
                let every_ms = i64::from((*seconds).max(1)) * 1000;
                let missed = now.since_ms(last).max(0).div_euclid(every_ms);
                Some(last.plus_ms((missed + 1).saturating_mul(every_ms)))
            }
            Rule::Cron(expression) => next_by_cron(expression, zone, last.max(now)),
        };
        next.filter(|next| self.until.is_none_or(|until| *next <= until))
    }
}

fn crontab(expression: &str, zone: &str) -> Result<Crontab, String> {
    if expression.split_whitespace().count() != 5 {
        return Err("it has not five fields".to_owned());
    }
    parse_crontab(&format!("{expression} {zone}")).map_err(|error| error.to_string())
}

fn next_by_cron(expression: &str, zone: &str, after: EpochMs) -> Option<EpochMs> {
    let crontab = crontab(expression, zone).ok()?;
    let next = crontab.find_next(after.to_string().as_str()).ok()?;
    Some(EpochMs(next.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::{Recurrence, RecurrenceError, Rule};
    use crate::domain::EpochMs;

    const ZONE: &str = "Asia/Shanghai";

    fn at(text: &str) -> EpochMs {
        EpochMs::from_rfc3339(text).unwrap()
    }

    fn cron(expression: &str) -> Recurrence {
        Recurrence { rule: Rule::Cron(expression.to_owned()), until: None, times: None }
    }

    #[test]
    fn a_cron_expression_is_read_in_the_apps_time_zone() {
        let nine = cron("0 9 * * 1-5");
        // A Friday, 10:00 in Shanghai: the next is Monday, 9:00 there.
        let next = nine.first(ZONE, at("2026-11-20T02:00:00Z")).unwrap();
        assert_eq!(next, at("2026-11-23T01:00:00Z"));
        assert_eq!(nine.after(ZONE, next, next, 1), Some(at("2026-11-24T01:00:00Z")));
    }

    #[test]
    fn what_never_comes_is_refused() {
        assert_eq!(cron("0 0 30 2 *").first(ZONE, at("2026-11-20T02:00:00Z")), Err(RecurrenceError::Never));
        let over = Recurrence { until: Some(at("2026-11-20T00:00:00Z")), ..cron("0 9 * * *") };
        assert_eq!(over.first(ZONE, at("2026-11-20T02:00:00Z")), Err(RecurrenceError::Never));
        for wrong in ["", "* * * *", "61 * * * *", "* * * * * *", "0 9 * * * Mars/Base", "hourly"] {
            let first = cron(wrong).first(ZONE, at("2026-11-20T02:00:00Z"));
            assert!(matches!(first, Err(RecurrenceError::Syntax(_))), "{wrong:?}");
        }
    }

    #[test]
    fn what_was_missed_is_not_made_up_for() {
        let every = Recurrence { rule: Rule::EveryS(30), until: None, times: Some(2) };
        assert_eq!(every.first(ZONE, EpochMs(0)), Ok(EpochMs(30_000)));
        assert_eq!(every.after(ZONE, EpochMs(30_000), EpochMs(30_001), 1), Some(EpochMs(60_000)));
        assert_eq!(every.after(ZONE, EpochMs(30_000), EpochMs(100_000), 1), Some(EpochMs(120_000)));
        assert_eq!(every.after(ZONE, EpochMs(30_000), EpochMs(30_001), 2), None);
    }

    #[test]
    fn a_recurrence_is_stored_as_it_is_written() {
        let every = Recurrence { rule: Rule::EveryS(30), until: None, times: Some(2) };
        assert_eq!(serde_json::to_string(&every).unwrap(), r#"{"every_s":30,"times":2}"#);
    }
}
