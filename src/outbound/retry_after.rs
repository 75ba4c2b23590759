//! How long a service asks us to stay away: `Retry-After`, in seconds or as a date.

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;

use crate::clock::EpochMs;

/// No service is believed for longer than this.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);

/// The time from `now`; `None` if the value is neither seconds nor a date.
pub(super) fn parse(value: &str, now: EpochMs) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a long time.
        return Some(value.parse().map_or(RETRY_AFTER_MAX, Duration::from_secs).min(RETRY_AFTER_MAX));
    }
    let at = DateTimeParser::new().parse_timestamp(value).ok()?.as_millisecond();
    let ms = u64::try_from(at - now.0).unwrap_or(0);
    Some(Duration::from_millis(ms).min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::{RETRY_AFTER_MAX, parse};
    use crate::clock::EpochMs;

    #[test]
    fn seconds_and_dates_are_understood() {
        // Sunday, 6 November 1994, 08:49:37 UTC.
        let now = EpochMs(784_111_777_000);
        for (value, seconds) in [
            ("0", Some(0)),
            ("30", Some(30)),
            (" 120 ", Some(120)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("99999999999999999999999", Some(RETRY_AFTER_MAX.as_secs())),
            ("Fri, 06 Nov 2099 08:49:37 GMT", Some(RETRY_AFTER_MAX.as_secs())),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(parse(value, now).map(|wait| wait.as_secs()), seconds, "{value:?}");
        }
    }
}
