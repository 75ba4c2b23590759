//! A look at a PostgreSQL server that changes nothing, for people who ask whether it is well.

use std::time::{Duration, Instant};

use secrecy::SecretString;
use sqlx::{Connection, PgConnection, query, query_as, query_scalar};
use tokio::time::timeout;

use super::schema::{connect, found, migrations};
use crate::domain::EpochMs;
use crate::store::schema::Schema;
use crate::store::{StoreError, StoreResult};

/// What was seen.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// The server's version, as it tells it.
    pub version: String,
    /// The same as a number, such as 150004.
    pub version_number: u32,
    /// What a commit waits for: `on`, `off`, `local`, …
    pub synchronous_commit: String,
    /// Whether it syncs to its disk.
    pub fsync: bool,
    /// Whether it is a standby, which takes no writes.
    pub is_standby: bool,
    /// Connections that are open, of all who use the server.
    pub connections: i64,
    /// Connections that it allows.
    pub connections_max: i64,
    /// How the schema stands.
    pub schema: Schema,
    /// The median of short questions, from here and back.
    pub latency: Duration,
    /// How far its clock is ahead of ours, in milliseconds; half a round trip is not known.
    pub ahead_ms: i64,
    /// When the youngest event came in.
    pub newest_event: Option<EpochMs>,
}

/// Questions that are timed: enough for a median, and over in a moment.
const ROUNDS: usize = 21;

/// Looks at the server; gives up after `limit`. `now` reads our clock.
///
/// # Errors
/// `Unavailable` if it cannot be reached in time, `Unusable` if it is not to be talked to.
pub async fn inspect(
    url: &SecretString,
    limit: Duration,
    now: impl Fn() -> EpochMs + Send + Sync,
) -> StoreResult<Inspection> {
    let looked = timeout(limit, async {
        let mut db = connect(url).await?;
        let seen = look(&mut db, &now).await?;
        db.close().await?;
        Ok(seen)
    });
    looked.await.unwrap_or_else(|late| Err(StoreError::Unavailable(Box::new(late))))
}

async fn look(db: &mut PgConnection, now: &(impl Fn() -> EpochMs + Send + Sync)) -> StoreResult<Inspection> {
    const SETTINGS: &str = "SELECT current_setting('server_version'), \
        current_setting('server_version_num')::BIGINT, current_setting('synchronous_commit'), \
        current_setting('fsync')::BOOLEAN, pg_is_in_recovery(), \
        (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), \
        current_setting('max_connections')::BIGINT";
    let settings: (String, i64, String, bool, bool, i64, i64) =
        query_as(SETTINGS).fetch_one(&mut *db).await?;
    let (version, number, synchronous_commit, fsync, is_standby, connections, connections_max) = settings;
    let schema = Schema::judge(&found(db).await?, &migrations());
    // None where there is none, or where the table is of another time.
    let newest = query_scalar("SELECT max(received_at) FROM events").fetch_one(&mut *db).await;
    let newest: Option<i64> = newest.unwrap_or_default();
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        query("SELECT 1").execute(&mut *db).await?;
        rounds.push(began.elapsed());
    }
    rounds.sort();
    let theirs = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::BIGINT";
    let began = now();
    let theirs: i64 = query_scalar(theirs).fetch_one(&mut *db).await?;
    let ended = now();
    Ok(Inspection {
        version,
        version_number: u32::try_from(number).unwrap_or_default(),
        synchronous_commit,
        fsync,
        is_standby,
        connections,
        connections_max,
        schema,
        latency: rounds.get(ROUNDS / 2).copied().unwrap_or_default(),
        ahead_ms: theirs - i64::midpoint(began.0, ended.0),
        newest_event: newest.map(EpochMs),
    })
}
