//! What the world outside saw, compared with what the database holds when everything is drained.
//! The idea is Jepsen's total queue: lost = accepted and not there; unexpected = there and never sent.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use sqlx::{ConnectOptions, Connection};

/// One alert frame as a rider got it.
pub(crate) struct Frame {
    /// The rider.
    pub(crate) rider: String,
    /// The rider's connection, counted from 1.
    pub(crate) session: usize,
    /// Position in the rider's sequence.
    pub(crate) seq: i64,
    /// The backend's id.
    pub(crate) event: String,
    /// The alert.
    pub(crate) alert: String,
    /// Not a repetition on this device.
    pub(crate) first: bool,
}

/// Everything seen, by all tasks.
#[derive(Default)]
pub(crate) struct History {
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    attempts: HashMap<String, String>,
    accepted: HashSet<String>,
    answered_again: usize,
    frames: Vec<Frame>,
}

/// What the comparison says.
pub(crate) struct Verdict {
    attempts: usize,
    accepted: usize,
    recovered: usize,
    lost: usize,
    repeated_answers: usize,
    deliveries: usize,
    repetitions: usize,
    /// How many things were asked.
    pub(crate) checks: usize,
    /// Those that were wrong.
    pub(crate) faults: Vec<String>,
}

/// One delivery as the database has it.
struct Row {
    event_id: String,
    rider_id: Option<String>,
    seq: Option<i64>,
    state: Option<String>,
    reason: Option<String>,
    rendered_at: Option<i64>,
}

type Columns = (String, Option<String>, Option<i64>, Option<String>, Option<String>, Option<i64>);

/// The event at the left: an accepted event without a delivery is a row as well.
const ROWS: &str = "SELECT e.event_id, d.rider_id, d.seq, d.state, d.reason, a.rendered_at \
    FROM events e LEFT JOIN alerts a ON a.id = e.alert_id LEFT JOIN deliveries d ON d.alert_id = a.id \
    ORDER BY e.event_id";

impl History {
    /// An event is about to be sent.
    pub(crate) fn attempted(&self, event: &str, rider: &str) {
        self.lock().attempts.insert(event.to_owned(), rider.to_owned());
    }

    /// The server said yes to it.
    pub(crate) fn accepted(&self, event: &str, duplicate: bool) {
        let mut seen = self.lock();
        seen.accepted.insert(event.to_owned());
        seen.answered_again += usize::from(duplicate);
    }

    /// A rider got it.
    pub(crate) fn delivered(&self, frame: Frame) {
        self.lock().frames.push(frame);
    }

    /// Compares with the database of a server that has stopped.
    pub(crate) async fn judge(&self, database: &Path) -> anyhow::Result<Verdict> {
        let pool = SqlitePool::connect_with(SqliteConnectOptions::new().filename(database)).await?;
        let rows: Vec<Columns> = sqlx::query_as(ROWS).fetch_all(&pool).await?;
        pool.close().await;
        let rows: Vec<Row> = rows.into_iter().map(Row::from).collect();
        let seen = self.lock();
        let mut faults = Vec::new();
        let stored = by_event(&rows);
        let lost: Vec<_> = seen.accepted.iter().filter(|event| !stored.contains_key(&***event)).collect();
        faults.extend(lost.iter().map(|event| format!("{event} was accepted and is lost")));
        for (event, rows) in &stored {
            faults.extend(seen.faults_of(event, rows));
        }
        faults.extend(seen.faults_of_frames(&stored));
        let first = seen.frames.iter().filter(|frame| frame.first).count();
        Ok(Verdict {
            attempts: seen.attempts.len(),
            accepted: seen.accepted.len(),
            recovered: stored.keys().filter(|event| !seen.accepted.contains(**event)).count(),
            lost: lost.len(),
            repeated_answers: seen.answered_again,
            deliveries: rows.len(),
            repetitions: seen.frames.len() - first,
            checks: seen.accepted.len() + stored.len() + seen.frames.len(),
            faults,
        })
    }

    /// How many deliveries of a running server have not ended.
    pub(crate) async fn open_deliveries(database: &Path) -> anyhow::Result<i64> {
        let mut connection = SqliteConnectOptions::new().filename(database).read_only(true).connect().await?;
        let open = sqlx::query_scalar("SELECT COUNT(*) FROM deliveries WHERE ended_at IS NULL");
        let open = open.fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(open)
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Columns> for Row {
    fn from((event_id, rider_id, seq, state, reason, rendered_at): Columns) -> Self {
        Self { event_id, rider_id, seq, state, reason, rendered_at }
    }
}

fn by_event(rows: &[Row]) -> BTreeMap<&str, Vec<&Row>> {
    let mut stored: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        stored.entry(&row.event_id).or_default().push(row);
    }
    stored
}

impl Seen {
    /// One event, one effect: one delivery to the rider it was for, heard, and ended as played.
    fn faults_of(&self, event: &str, rows: &[&Row]) -> Option<String> {
        let Some(rider) = self.attempts.get(event) else {
            return Some(format!("{event} is stored and was never sent"));
        };
        let [row] = rows else {
            return Some(format!("{event} has {} deliveries", rows.len()));
        };
        if row.rider_id.as_ref() != Some(rider) {
            return Some(format!("{event} was for {rider} and went to {:?}", row.rider_id));
        }
        if row.reason.as_deref() != Some("played") {
            return Some(format!("{event} ended as {:?}, {:?}", row.state, row.reason));
        }
        let heard = self.frames.iter().any(|frame| frame.first && frame.event == event);
        (!heard).then(|| format!("{event} is stored as played and reached nobody"))
    }

    /// What riders got was sent, was theirs, kept its number for ever, and came in order within each connection:
    /// a later one first is right only where the sentence of the earlier one was not made before its own.
    fn faults_of_frames(&self, stored: &BTreeMap<&str, Vec<&Row>>) -> Vec<String> {
        let mut faults = Vec::new();
        let mut last: HashMap<(&str, usize), (i64, Option<i64>)> = HashMap::new();
        let mut in_session: HashSet<(&str, usize, i64)> = HashSet::new();
        let mut alerts: HashMap<&str, &str> = HashMap::new();
        for frame in &self.frames {
            let Frame { rider, session, seq, event, alert, .. } = frame;
            let row = stored.get(&**event).and_then(|rows| rows.first());
            let fits = row.is_some_and(|row| row.rider_id.as_ref() == Some(rider) && row.seq == Some(*seq));
            if !fits {
                faults.push(format!("{rider} got {event} as {seq}, which the database does not know"));
            }
            if *alerts.entry(event).or_insert(alert) != alert {
                faults.push(format!("{event} became two alerts"));
            }
            // Only what is new in this connection has a place in the order.
            if in_session.insert((rider, *session, *seq)) {
                let rendered_at = row.and_then(|row| row.rendered_at);
                let before = last.insert((rider, *session), (*seq, rendered_at));
                if before.is_some_and(|(before, at)| before > *seq && rendered_at < at) {
                    faults.push(format!("{rider} got {seq} after {before:?} in connection {session}"));
                }
            }
        }
        faults
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attempts, accepted, recovered, lost, repeated_answers, deliveries, repetitions, .. } =
            self;
        write!(
            f,
            "{attempts} attempts, {accepted} accepted, {recovered} stored without an answer, {deliveries} deliveries, \
            lost {lost}, duplicates: {repeated_answers} answers given again, {repetitions} frames sent again"
        )
    }
}
