//! Who hears an alert: its target resolved inside the transaction, each rider with the next number of their sequence.
//! A rider nobody has seen is made here, unknown, so that the alert can wait for them.

use std::collections::{HashMap, HashSet, VecDeque};

use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::rows::{self, Fields, nonsense};
use crate::domain::delivery::Listener;
use crate::domain::{AppId, EpochMs, RiderId, Target};
use crate::store::{NewAlert, StoreResult};

const SELECT_MEMBERS: &str = "SELECT m.rider_id FROM json_each($2) AS g \
     CROSS JOIN group_members AS m ON m.app_id = $1 AND m.group_id = g.value ORDER BY g.key, m.rider_id";
const SELECT_KNOWN: &str = "SELECT id FROM riders WHERE app_id = $1 AND known ORDER BY id";
// A rider that comes back after having been erased goes on counting where their deliveries ended.
const NEXT_SEQS: &str = "INSERT INTO riders (app_id, id, known, on_duty, lang, devices, not_before, seq, \
     created_at, last_seen_at) SELECT r.value ->> 0, r.value ->> 1, FALSE, TRUE, NULL, 'latest', 0, \
     1 + COALESCE((SELECT MAX(seq) FROM deliveries WHERE app_id = r.value ->> 0 AND rider_id = r.value ->> 1), \
     0), $2, NULL FROM jsonb_each($1) AS r WHERE TRUE \
     ON CONFLICT (app_id, id) DO UPDATE SET seq = riders.seq + 1 RETURNING app_id, id, known, on_duty, seq";

/// What a rider's row says when it gives the next number.
struct Turn {
    known: bool,
    on_duty: bool,
    seq: i64,
}

/// Whom the target means now: those named, then members of its groups, then everyone; each once.
pub(super) async fn audience(
    db: &mut SqliteConnection,
    app: AppId,
    target: &Target,
) -> StoreResult<Vec<RiderId>> {
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

/// The riders of each alert, each with the next number of their sequence; earlier alerts take earlier numbers.
pub(super) async fn listeners(
    db: &mut SqliteConnection,
    alerts: &[&NewAlert],
    audiences: Vec<Vec<RiderId>>,
    stored_at: EpochMs,
) -> StoreResult<Vec<Vec<Listener>>> {
    let mut turns = take_turns(db, alerts, &audiences, stored_at).await?;
    let mut all = Vec::with_capacity(alerts.len());
    for (new, audience) in alerts.iter().zip(audiences) {
        let app = new.alert.app;
        let mut listeners = Vec::with_capacity(audience.len());
        for rider in audience {
            let key = (app, rider);
            let Some(turn) = turns.get_mut(&key).and_then(VecDeque::pop_front) else {
                return Err(nonsense("riders", "a row that was written did not come back"));
            };
            let online = new.presence.is_online(app, &key.1);
            let Turn { known, on_duty, seq } = turn;
            listeners.push(Listener { rider: key.1, known, on_duty, online, seq });
        }
        all.push(listeners);
    }
    Ok(all)
}

/// As many numbers for each rider as there are alerts for them, rising.
async fn take_turns(
    db: &mut SqliteConnection,
    alerts: &[&NewAlert],
    audiences: &[Vec<RiderId>],
    stored_at: EpochMs,
) -> StoreResult<HashMap<(AppId, RiderId), VecDeque<Turn>>> {
    let riders = alerts.iter().zip(audiences);
    let riders = riders.flat_map(|(new, audience)| audience.iter().map(|rider| (new.alert.app, rider)));
    let riders: Vec<(AppId, &RiderId)> = riders.collect();
    if riders.is_empty() {
        return Ok(HashMap::new());
    }
    let next = sqlx::query(NEXT_SEQS).bind(rows::json("riders", &riders)?).bind(stored_at.0);
    let mut turns: HashMap<(AppId, RiderId), VecDeque<Turn>> = HashMap::with_capacity(riders.len());
    for row in &next.fetch_all(db).await? {
        let mut fields = Fields::of(row, "riders");
        let key = (fields.parsed()?, fields.parsed()?);
        let turn = Turn { known: fields.take()?, on_duty: fields.take()?, seq: fields.take()? };
        turns.entry(key).or_default().push_back(turn);
    }
    // Rows come back in any order; the numbers are given in the order of the alerts.
    for turns in turns.values_mut() {
        turns.make_contiguous().sort_by_key(|turn| turn.seq);
    }
    Ok(turns)
}
