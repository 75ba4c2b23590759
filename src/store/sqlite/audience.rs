//! Who hears an alert: its target resolved inside the transaction, each rider with the next number of their sequence.
//! A rider nobody has seen is made here, unknown, so that the alert can wait for them.

use std::collections::{HashMap, HashSet};

use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::rows::{self, Fields};
use crate::domain::delivery::Listener;
use crate::domain::{AppId, EpochMs, RiderId, Target};
use crate::store::{NewAlert, StoreResult};

const SELECT_MEMBERS: &str = "SELECT m.rider_id FROM json_each($2) AS g \
     CROSS JOIN group_members AS m ON m.app_id = $1 AND m.group_id = g.value ORDER BY g.key, m.rider_id";
const SELECT_KNOWN: &str = "SELECT id FROM riders WHERE app_id = $1 AND known ORDER BY id";
// A rider that comes back after having been erased goes on counting where their deliveries ended.
const NEXT_SEQ: &str = "INSERT INTO riders (app_id, id, known, on_duty, lang, devices, not_before, seq, \
     created_at, last_seen_at) VALUES ($1, $2, FALSE, TRUE, NULL, 'latest', 0, \
     1 + COALESCE((SELECT MAX(seq) FROM deliveries WHERE app_id = $1 AND rider_id = $2), 0), $3, NULL) \
     ON CONFLICT (app_id, id) DO UPDATE SET seq = riders.seq + 1 RETURNING id, known, on_duty, seq";
const NEXT_SEQS: &str = "INSERT INTO riders (app_id, id, known, on_duty, lang, devices, not_before, seq, \
     created_at, last_seen_at) SELECT $1, r.value, FALSE, TRUE, NULL, 'latest', 0, \
     1 + COALESCE((SELECT MAX(seq) FROM deliveries WHERE app_id = $1 AND rider_id = r.value), 0), $3, NULL \
     FROM json_each($2) AS r WHERE TRUE \
     ON CONFLICT (app_id, id) DO UPDATE SET seq = riders.seq + 1 RETURNING id, known, on_duty, seq";

/// The riders of an alert in order of naming, each with the next number of their sequence.
pub(super) async fn listeners(
    db: &mut SqliteConnection,
    new: &NewAlert,
    stored_at: EpochMs,
) -> StoreResult<Vec<Listener>> {
    let app = new.alert.app;
    let riders = audience(db, app, &new.target).await?;
    let app_text = app.to_string();
    let rows = match &riders[..] {
        [] => return Ok(Vec::new()),
        [rider] => {
            let next = sqlx::query(NEXT_SEQ).bind(app_text).bind(rider.as_str()).bind(stored_at.0);
            vec![next.fetch_one(db).await?]
        }
        many => {
            let many = rows::json("riders", many)?;
            sqlx::query(NEXT_SEQS).bind(app_text).bind(many).bind(stored_at.0).fetch_all(db).await?
        }
    };
    let listeners = rows.iter().map(|row| {
        let mut fields = Fields::of(row, "riders");
        let rider: RiderId = fields.parsed()?;
        let online = new.presence.is_online(app, &rider);
        let (known, on_duty, seq) = (fields.take()?, fields.take()?, fields.take()?);
        Ok(Listener { rider, known, on_duty, online, seq })
    });
    let mut listeners = listeners.collect::<StoreResult<Vec<_>>>()?;
    // The database returns its rows in any order.
    let places: HashMap<&RiderId, usize> =
        riders.iter().enumerate().map(|(place, rider)| (rider, place)).collect();
    listeners.sort_by_key(|listener| places.get(&listener.rider).copied());
    Ok(listeners)
}

/// Whom the target means now: those named, then members of its groups, then everyone; each once.
async fn audience(db: &mut SqliteConnection, app: AppId, target: &Target) -> StoreResult<Vec<RiderId>> {
    let mut riders = target.riders.clone();
    if !target.groups.is_empty() {
        let groups = rows::json("groups", &target.groups)?;
        let members = sqlx::query(SELECT_MEMBERS).bind(app.to_string()).bind(groups);
        add_all(&mut riders, &members.fetch_all(&mut *db).await?)?;
    }
    if target.broadcast {
        let known = sqlx::query(SELECT_KNOWN).bind(app.to_string());
        add_all(&mut riders, &known.fetch_all(&mut *db).await?)?;
    }
    if riders.len() > 1 || !target.exclude.is_empty() {
        let mut passed_over: HashSet<RiderId> = target.exclude.iter().cloned().collect();
        riders.retain(|rider| passed_over.insert(rider.clone()));
    }
    Ok(riders)
}

fn add_all(riders: &mut Vec<RiderId>, rows: &[SqliteRow]) -> StoreResult<()> {
    for row in rows {
        riders.push(Fields::of(row, "riders").parsed()?);
    }
    Ok(())
}
