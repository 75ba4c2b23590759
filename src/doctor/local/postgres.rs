//! The PostgreSQL server that the configuration names: whether it can be reached and keeps what it is given, how far away
//! it is, whether this program knows its schema, and whether its clock and ours agree.

use std::time::Duration;

use secrecy::SecretString;

use super::database::judge_schema;
use crate::clock::{EpochMs, machine_wall};
use crate::doctor::Finding;
use crate::store::postgres::{Inspection, OLDEST_SERVER, inspect};

/// What was seen, or why nothing was.
pub(super) struct Look(Result<Inspection, String>);

/// Near servers answer in milliseconds; what takes this long is not to be had.
const LIMIT: Duration = Duration::from_secs(10);
/// An event is some ten short statements: at 5 ms each, a rider waits 50 ms for them, and each connection writes 20 a
/// second.
const LATENCY_MAX: Duration = Duration::from_millis(5);
/// Nodes stamp by their own clocks: those of two nodes should not be further apart than a rider notices.
const AHEAD_MAX_MS: i64 = 1_000;

/// Asks the server.
pub(super) async fn look(url: &SecretString) -> Look {
    let seen = inspect(url, LIMIT, machine_wall).await;
    Look(seen.map_err(|error| format!("{:#}", anyhow::Error::new(error))))
}

impl Look {
    /// When the youngest event came in.
    pub(super) fn newest(&self) -> Option<EpochMs> {
        self.0.as_ref().ok().and_then(|seen| seen.newest_event)
    }

    /// Whether there is a schema, and so whoever made it has a node key.
    pub(super) fn has_data(&self) -> bool {
        self.0.as_ref().is_ok_and(|seen| seen.schema.found().is_some())
    }
}

/// What it means for a server that opens so many connections.
pub(super) fn judge(look: &Look, connections: u32) -> Vec<Finding> {
    let seen = match &look.0 {
        Ok(seen) => seen,
        Err(why) => {
            let advice = "does it run, does store.url name it, does pg_hba.conf let this machine in?";
            return vec![Finding::fail("database", why, advice)];
        }
    };
    vec![
        judge_server(seen),
        judge_schema(seen.schema.found(), seen.schema.known),
        judge_commits(seen),
        judge_latency(seen.latency),
        judge_connections(seen, i64::from(connections)),
        judge_clock(seen.ahead_ms),
    ]
}

fn judge_server(seen: &Inspection) -> Finding {
    let found = format!("PostgreSQL {}", seen.version);
    if seen.version_number < OLDEST_SERVER {
        return Finding::fail("database", found, "13 or later is needed");
    }
    if seen.is_standby {
        return Finding::fail("database", format!("{found}, a standby"), "name the primary in store.url");
    }
    Finding::ok("database", found)
}

fn judge_commits(seen: &Inspection) -> Finding {
    let name = "database.commits";
    let found = format!("synchronous_commit is {}", seen.synchronous_commit);
    if !seen.fsync {
        return Finding::fail(name, "fsync is off: a power loss may take everything", "set fsync = on");
    }
    match seen.synchronous_commit.as_str() {
        "off" => Finding::fail(
            name,
            format!("{found}: what was accepted may be lost"),
            "set it to on for this database or user",
        ),
        _ => Finding::ok(name, found),
    }
}

fn judge_latency(latency: Duration) -> Finding {
    let found = format!("{:.1} ms there and back", latency.as_secs_f64() * 1000.0);
    if latency > LATENCY_MAX {
        let advice = "an event is some ten such ways: run Orderbell near its database";
        return Finding::warn("database.latency", found, advice);
    }
    Finding::ok("database.latency", found)
}

fn judge_connections(seen: &Inspection, ours: i64) -> Finding {
    let (open, max) = (seen.connections, seen.connections_max);
    let found = format!("{open} of {max} are open; a server of ours opens up to {ours}");
    if ours >= max {
        let advice = "raise max_connections, or lower store.connections";
        return Finding::warn("database.connections", found, advice);
    }
    Finding::ok("database.connections", found)
}

fn judge_clock(ahead_ms: i64) -> Finding {
    let found = format!("its clock is {ahead_ms} ms ahead of ours");
    if ahead_ms.abs() > AHEAD_MAX_MS {
        let advice = "keep both in step (chrony, ntpd): nodes that disagree end alerts too early or too late";
        return Finding::warn("database.clock", found, advice);
    }
    Finding::ok("database.clock", found)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Inspection, Look, judge};
    use crate::doctor::Level;
    use crate::store::{Schema, SchemaState};

    fn well() -> Inspection {
        Inspection {
            version: "15.4".to_owned(),
            version_number: 150_004,
            synchronous_commit: "on".to_owned(),
            fsync: true,
            is_standby: false,
            connections: 3,
            connections_max: 100,
            schema: Schema { state: SchemaState::Current, known: 6, missing: Vec::new() },
            latency: Duration::from_micros(300),
            ahead_ms: -3,
            newest_event: None,
        }
    }

    #[test]
    fn what_is_wrong_is_named_and_nothing_else() {
        type Change = fn(&mut Inspection);
        let cases: [(Change, Level, &str); 9] = [
            (|_| {}, Level::Ok, ""),
            (|seen| seen.version_number = 120_009, Level::Fail, "PostgreSQL 15.4"),
            (|seen| seen.is_standby = true, Level::Fail, "standby"),
            (|seen| seen.fsync = false, Level::Fail, "fsync is off"),
            (|seen| seen.synchronous_commit = "off".to_owned(), Level::Fail, "synchronous_commit is off"),
            (|seen| seen.latency = Duration::from_millis(30), Level::Warn, "30.0 ms"),
            (|seen| seen.connections_max = 16, Level::Warn, "3 of 16"),
            (|seen| seen.ahead_ms = -1_500, Level::Warn, "-1500 ms"),
            (|seen| seen.schema.state = SchemaState::Newer(9), Level::Fail, "schema 9"),
        ];
        for (change, level, word) in cases {
            let mut seen = well();
            change(&mut seen);
            let findings = judge(&Look(Ok(seen)), 16);
            let bad: Vec<_> = findings.iter().filter(|finding| finding.level != Level::Ok).collect();
            assert_eq!(bad.len(), usize::from(level != Level::Ok), "{bad:?}");
            assert!(bad.iter().all(|bad| bad.level == level && bad.found.contains(word)), "{bad:?}");
        }
        let away = judge(&Look(Err("connection refused".to_owned())), 16);
        assert!(away.len() == 1 && away[0].level == Level::Fail, "{away:?}");
    }
}
