//! The machine's clock: expiry, tokens and offers hang on it.
//! That it is right cannot be known without asking others; that it is wrong often shows.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::clock::{EpochMs, machine_wall};
use crate::doctor::Finding;

/// What the clock shows.
struct Facts {
    /// Now.
    wall: EpochMs,
    /// How much further the wall clock went than the monotonic one during the look.
    slip_ms: i64,
    /// What keeps it right, as far as can be seen.
    keeper: Option<&'static str>,
    /// The youngest event in the database.
    newest: Option<EpochMs>,
}

/// Long enough to see a clock that is being slewed hard or stepped; short enough not to be noticed.
const LOOK: Duration = Duration::from_millis(200);
/// What scheduling alone may make of [`LOOK`].
const SLIP_MAX_MS: i64 = 50;
/// This program was not there before.
const YEAR_2025: EpochMs = EpochMs(1_735_689_600_000);
const YEAR_2100: EpochMs = EpochMs(4_102_444_800_000);
/// Between the node that wrote a row and this one, both well kept.
const APART_MAX_MS: i64 = 2_000;
/// Files that time services leave while they are in step, and whose they are.
const KEEPERS: [(&str, &str); 1] = [("/run/systemd/timesync/synchronized", "systemd-timesyncd")];

/// Looks for a moment.
pub(super) async fn look(newest: Option<EpochMs>) -> Vec<Finding> {
    let (began, wall) = (Instant::now(), machine_wall());
    tokio::time::sleep(LOOK).await;
    let (passed, later) = (began.elapsed(), machine_wall());
    let slip_ms = later.since_ms(wall) - i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
    let keeper = KEEPERS.iter().find(|(file, _)| Path::new(file).exists()).map(|(_, keeper)| *keeper);
    judge(&Facts { wall: later, slip_ms, keeper, newest })
}

fn judge(facts: &Facts) -> Vec<Finding> {
    let Facts { wall, slip_ms, keeper, newest } = facts;
    let mut findings = Vec::new();
    if *wall < YEAR_2025 || *wall >= YEAR_2100 {
        findings.push(Finding::fail(
            "clock",
            format!("it reads {wall}"),
            "set it, and let a time service keep it",
        ));
    } else if slip_ms.abs() > SLIP_MAX_MS {
        let found =
            format!("it moved {slip_ms} ms beside the monotonic clock within {} ms", LOOK.as_millis());
        findings.push(Finding::warn("clock", found, "it is being set right now: look again in a minute"));
    } else {
        findings.push(Finding::ok("clock", format!("it reads {wall} and runs evenly")));
    }
    if let Some(newest) = newest.filter(|newest| newest.since_ms(*wall) > APART_MAX_MS) {
        let found = format!("it is behind the newest event, {newest}");
        let advice =
            "a clock that was set back, or data from another machine: set the clock, or alerts live too long";
        findings.push(Finding::warn("clock.database", found, advice));
    }
    findings.push(match keeper {
        Some(keeper) => Finding::ok("clock.service", format!("in step, says {keeper}")),
        None => Finding::ok("clock.service", "not known whether anything keeps it in step")
            .advised("see that chrony, ntpd or systemd-timesyncd runs here or on the host"),
    });
    findings
}

#[cfg(test)]
mod tests {
    use super::{Facts, judge};
    use crate::clock::EpochMs;
    use crate::doctor::Level;

    #[test]
    fn a_clock_is_judged_by_itself_and_by_the_data() {
        let march = EpochMs(1_772_339_405_000);
        let facts = |wall, slip_ms, newest| Facts { wall, slip_ms, keeper: None, newest };
        for (facts, worst, name) in [
            (facts(march, 0, None), Level::Ok, "clock"),
            (facts(march, -3, Some(march.plus_ms(-5))), Level::Ok, "clock"),
            (facts(EpochMs(0), 0, None), Level::Fail, "clock"),
            (facts(EpochMs(5_000_000_000_000), 0, None), Level::Fail, "clock"),
            (facts(march, 3_600_000, None), Level::Warn, "clock"),
            (facts(march, -900, None), Level::Warn, "clock"),
            (facts(march, 0, Some(march.plus_ms(1_000))), Level::Ok, "clock"),
            (facts(march, 0, Some(march.plus_ms(60_000))), Level::Warn, "clock.database"),
        ] {
            let findings = judge(&facts);
            let found = findings.iter().max_by_key(|finding| finding.level).unwrap();
            assert_eq!(found.level, worst, "{findings:?}");
            assert!(worst == Level::Ok || found.name == name, "{findings:?}");
        }
    }
}
