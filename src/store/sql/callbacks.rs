//! Rows of callbacks: facts of a write become rows in its own transaction, for those who want to hear them.
//! Of each lane only the first row that waits is due; whoever adds or ends rows of a lane sees to it.

mod again;
mod backlog;
mod claim;
mod finish;
mod presence;
mod shown;
mod targets;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use super::db::{Db, Dialect, Row, Text, each, sql};
use super::rows::{self, Fields};
use crate::domain::callback::{CallbackTarget, Destination, Fact, Outgoing};
use crate::domain::{Alert, AlertId, AppId, CallbackId, CallbackTargetId, EpochMs, OrderId, RiderId};
use crate::store::StoreResult;

pub(super) use again::{Again, again, again_all};
pub(super) use backlog::backlog;
pub(super) use claim::{Claim, claim};
pub(super) use finish::{Finished, finish};
pub(super) use presence::{doubt, due as due_presence, put_off, tell as tell_presence};
pub(super) use shown::{list, one};
pub(super) use targets::{all as targets, delete as delete_target, put as put_target, set_state};

/// Questions whose plans are tested.
#[cfg(test)]
pub(super) mod plans {
    pub(in crate::store::sql) use super::claim::CANDIDATES;
    pub(in crate::store::sql) use super::presence::{DOUBT, DUE};
    pub(in crate::store::sql) use super::shown::{LIST, LIST_OF_ALERT};
    pub(in crate::store::sql) use super::{PROMOTE, WANTED};
}

// One question for both: who hears of these apps, and which of these alerts have an address of their own.
pub(super) const WANTED: Text = each(
    concat!(
        "SELECT ",
        targets::columns!(),
        ", NULL FROM json_each($1) AS k CROSS JOIN callback_targets AS t ON t.app_id = k.value \
         WHERE t.stopped_at IS NULL UNION ALL \
         SELECT '', a.app_id, a.callback_url, NULL, 0, NULL, 0, a.id FROM json_each($2) AS k \
         CROSS JOIN alerts AS a ON a.id = k.value WHERE a.callback_url IS NOT NULL"
    ),
    concat!(
        "SELECT ",
        targets::columns!(),
        ", CAST(NULL AS TEXT) FROM jsonb_array_elements_text(CAST($1 AS JSONB)) AS k(value) \
         JOIN callback_targets AS t ON t.app_id = k.value WHERE t.stopped_at IS NULL UNION ALL \
         SELECT '', a.app_id, a.callback_url, NULL, 0, NULL, 0, a.id \
         FROM jsonb_array_elements_text(CAST($2 AS JSONB)) AS k(value) \
         JOIN alerts AS a ON a.id = k.value WHERE a.callback_url IS NOT NULL"
    ),
);
// A fact that is there already is the same fact.
const INSERT: Text = each(
    "INSERT INTO callbacks (id, app_id, destination, url, lane, kind, alert_id, order_id, rider_id, key_mode, data, at, \
     event_id, state) SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, \
     value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, \
     (SELECT a.event_id FROM alerts AS a WHERE a.id = value ->> 6), 'waiting' \
     FROM jsonb_each($1) WHERE TRUE ORDER BY key ON CONFLICT (id) DO NOTHING",
    "INSERT INTO callbacks (id, app_id, destination, url, lane, kind, alert_id, order_id, rider_id, key_mode, data, at, \
     event_id, state) SELECT k.v ->> 0, k.v ->> 1, k.v ->> 2, k.v ->> 3, k.v ->> 4, k.v ->> 5, k.v ->> 6, \
     k.v ->> 7, k.v ->> 8, k.v ->> 9, k.v ->> 10, CAST(k.v ->> 11 AS BIGINT), \
     (SELECT a.event_id FROM alerts AS a WHERE a.id = k.v ->> 6), 'waiting' \
     FROM jsonb_array_elements(CAST($1 AS JSONB)) WITH ORDINALITY AS k(v, n) \
     ORDER BY k.n ON CONFLICT (id) DO NOTHING",
);
pub(super) const PROMOTE: Text = each(
    "UPDATE callbacks SET due_at = n.at FROM (SELECT (SELECT c.number FROM callbacks AS c \
     WHERE c.app_id = k.value ->> 0 AND c.destination = k.value ->> 1 AND c.lane = k.value ->> 2 \
     AND c.state = 'waiting' ORDER BY c.number LIMIT 1) AS number, k.value ->> 3 AS at \
     FROM jsonb_each($1) AS k) AS n WHERE callbacks.number = n.number AND callbacks.due_at IS NULL",
    "UPDATE callbacks SET due_at = n.at FROM (SELECT c.number, CAST(k.v ->> 3 AS BIGINT) AS at \
     FROM jsonb_array_elements(CAST($1 AS JSONB)) AS k(v) CROSS JOIN LATERAL (SELECT number FROM callbacks \
     WHERE app_id = k.v ->> 0 AND destination = k.v ->> 1 AND lane = k.v ->> 2 \
     AND state = 'waiting' ORDER BY number LIMIT 1) AS c) AS n \
     WHERE callbacks.number = n.number AND callbacks.due_at IS NULL",
);
// Two that add to one lane, or add and end, come one after the other: else each would think the other's row its first.
const LOCK_LANES: &str = "SELECT pg_advisory_xact_lock(k.h) FROM (SELECT DISTINCT hashtextextended(e.v, 7) AS h \
     FROM jsonb_array_elements_text(CAST($1 AS JSONB)) AS e(v) ORDER BY h) AS k";

/// A callback, in the order `INSERT` takes it.
#[derive(Serialize)]
struct NewRow<'a>(
    CallbackId,
    AppId,
    &'a str,
    Option<&'a str>,
    &'a str,
    &'a str,
    Option<AlertId>,
    Option<&'a OrderId>,
    Option<&'a RiderId>,
    &'a str,
    String,
    EpochMs,
);

/// Lanes, each with the moment from which its first is due if it is not yet.
type Lanes = BTreeMap<(Destination, String), EpochMs>;

/// Keeps what has become true for those who want to hear it. If nobody does, that is found out by one question. What stands
/// in `bodies`, alerts that have just been added, is not asked for.
pub(super) async fn note(db: &mut Db<'_>, facts: &[Fact], bodies: &[&Alert]) -> StoreResult<()> {
    if facts.is_empty() {
        return Ok(());
    }
    let apps: BTreeSet<AppId> = facts.iter().map(|fact| fact.app).collect();
    let mut alerts: BTreeSet<AlertId> = facts.iter().filter_map(|fact| fact.alert).collect();
    let own = bodies.iter().filter(|body| alerts.remove(&body.id));
    let own = own.filter_map(|body| Some((body.id, body.callback_url.clone()?)));
    let own: HashMap<AlertId, String> = own.collect();
    let (apps, alerts) = (rows::json("callbacks", &apps)?, rows::json("callbacks", &alerts)?);
    let wanted = sql(WANTED).bind(apps).bind(alerts).all(db).await?;
    let (targets, mut urls) = read_wanted(&wanted)?;
    urls.extend(own);
    let mut outgoing: Vec<(Outgoing<'_>, &Fact)> = Vec::new();
    for fact in facts {
        let url = fact.alert.and_then(|alert| urls.get(&alert).map(String::as_str));
        outgoing.extend(fact.outgoing(&targets, url).into_iter().map(|one| (one, fact)));
    }
    add(db, &outgoing).await
}

/// Keeps a callback for one target, whatever kinds that wants.
pub(super) async fn add_one(
    db: &mut Db<'_>,
    id: CallbackId,
    fact: &Fact,
    target: CallbackTargetId,
) -> StoreResult<bool> {
    let targets = targets::all(db, fact.app).await?;
    let active =
        |one: &&CallbackTarget| one.id == target && one.state == crate::domain::callback::TargetState::Active;
    let Some(target) = targets.iter().find(active) else { return Ok(false) };
    add(db, &[(Outgoing { id, ..fact.to_target(target) }, fact)]).await?;
    Ok(true)
}

/// Targets, and the addresses that alerts have of their own.
fn read_wanted(wanted: &[Row]) -> StoreResult<(Vec<CallbackTarget>, HashMap<AlertId, String>)> {
    let (mut targets, mut urls) = (Vec::new(), HashMap::new());
    for row in wanted {
        let mut fields = Fields::of(row, "callback_targets");
        fields.skip(targets::COLUMNS);
        match fields.parsed_or_null()? {
            None => targets.push(targets::read(&mut Fields::of(row, "callback_targets"))?),
            Some(alert) => {
                let mut fields = Fields::of(row, "alerts");
                fields.skip(targets::URL_COLUMN);
                urls.insert(alert, fields.take()?);
            }
        }
    }
    targets.sort_by_key(|target: &CallbackTarget| (target.created_at, target.id));
    Ok((targets, urls))
}

async fn add(db: &mut Db<'_>, outgoing: &[(Outgoing<'_>, &Fact)]) -> StoreResult<()> {
    if outgoing.is_empty() {
        return Ok(());
    }
    let mut lanes = Lanes::new();
    let mut new = Vec::with_capacity(outgoing.len());
    for (one, fact) in outgoing {
        lanes.entry((one.destination.clone(), one.lane.clone())).or_insert(fact.at);
        new.push(NewRow(
            one.id,
            fact.app,
            &one.destination.name,
            one.url,
            &one.lane,
            &fact.kind,
            fact.alert,
            fact.order.as_ref(),
            fact.rider.as_ref(),
            fact.key_mode.as_str(),
            rows::json("callbacks", &fact.data)?,
            fact.at,
        ));
    }
    lock(db, &lanes).await?;
    sql(INSERT).bind(rows::json("callbacks", &new)?).run(db).await?;
    promote(db, &lanes).await
}

/// Keeps others from adding to these lanes, or ending rows of them, until the commit. In SQLite there is one writer anyway.
async fn lock(db: &mut Db<'_>, lanes: &Lanes) -> StoreResult<()> {
    match db.dialect() {
        Dialect::Sqlite => Ok(()),
        Dialect::Postgres => {
            let names = lanes.keys().map(|(to, lane)| format!("{} {} {lane}", to.app, to.name));
            let names: Vec<String> = names.collect();
            sql(LOCK_LANES).bind(rows::json("callbacks", &names)?).all(db).await?;
            Ok(())
        }
    }
}

/// Makes the first that waits in each of these lanes due, unless it has its moment.
async fn promote(db: &mut Db<'_>, lanes: &Lanes) -> StoreResult<()> {
    let rows = lanes.iter().map(|((to, lane), at)| (to.app, &to.name, lane, at));
    let rows: Vec<_> = rows.collect();
    sql(PROMOTE).bind(rows::json("callbacks", &rows)?).run(db).await?;
    Ok(())
}
