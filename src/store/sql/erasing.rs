//! The erasure of a rider: what is open ends at once, and everything that names them follows in slices.
//! What others need stays and is a pseudonym's: deliveries, notices. What is theirs alone goes.

use std::collections::BTreeSet;

use super::aging::{empty, with_ladder};
use super::book::{Reading, save};
use super::db::{Db, Text, each, sql};
use super::orders::{self, order_columns};
use super::rows::{self, Fields};
use super::{targets, wechat};
use crate::domain::alert::forget_candidate;
use crate::domain::app::KeyMode;
use crate::domain::book::Mark;
use crate::domain::{AlertId, AppId, EpochMs, OrderId, OrderKey, RiderId, RiderKey};
use crate::store::body::{Without, without};
use crate::store::{ErasedPart, Erasure, Leaving, StoreResult, Traces};

const LAST_SEQ: &str = "SELECT COALESCE(MAX(seq), 0) FROM deliveries WHERE app_id = $1 AND rider_id = $2";
const RAISE_FLOOR: &str = "UPDATE apps SET seq_floor = $2 WHERE id = $1 AND seq_floor < $2";
const DELETE: &str = "DELETE FROM riders WHERE app_id = $1 AND id = $2";
const DELETE_MEMBERSHIPS: &str = "DELETE FROM group_members WHERE app_id = $1 AND rider_id = $2";
const DELETE_CHECKS: &str = "DELETE FROM device_checks WHERE app_id = $1 AND rider_id = $2";
const MARKED: &str = "SELECT at FROM erasures WHERE app_id = $1 AND mark = $2";
const MARK: &str = "INSERT INTO erasures (app_id, mark, at) VALUES ($1, $2, $3) \
     ON CONFLICT (app_id, mark) DO UPDATE SET at = excluded.at";

/// Deliveries of rider `$2` up to number `$3`, with what their alert is about.
macro_rules! theirs {
    () => {
        "SELECT d.ordinal, a.id, a.key_mode, a.order_id FROM deliveries AS d JOIN alerts AS a ON a.id = d.alert_id \
         WHERE d.app_id = $1 AND d.rider_id = $2 AND d.seq <= $3 ORDER BY d.seq LIMIT $4"
    };
}

pub(super) const THEIRS: Text = each(theirs!(), concat!(theirs!(), " FOR NO KEY UPDATE OF a, d"));
const RENAME: Text = each(
    "UPDATE deliveries SET rider_id = $2 WHERE ordinal IN (SELECT value FROM json_each($1))",
    "UPDATE deliveries SET rider_id = $2 WHERE ordinal IN \
     (SELECT CAST(e AS BIGINT) FROM jsonb_array_elements_text(CAST($1 AS JSONB)) AS e)",
);
const RENAME_WINNER: Text = each(
    "UPDATE alerts SET winner = $3 WHERE winner = $2 AND id IN (SELECT value FROM json_each($1))",
    "UPDATE alerts SET winner = $3 WHERE winner = $2 \
     AND id IN (SELECT jsonb_array_elements_text(CAST($1 AS JSONB)))",
);
const DELETE_CALLS: Text = each(
    "DELETE FROM calls WHERE rider_id = $2 AND alert_id IN (SELECT value FROM json_each($1))",
    "DELETE FROM calls WHERE rider_id = $2 \
     AND alert_id IN (SELECT jsonb_array_elements_text(CAST($1 AS JSONB)))",
);
// The backend is still told what waits, by the name it knows, and nothing is left of it then.
const DELETE_CALLBACKS: Text = each(
    "DELETE FROM callbacks WHERE rider_id = $2 AND state <> 'waiting' \
     AND alert_id IN (SELECT value FROM json_each($1))",
    "DELETE FROM callbacks WHERE rider_id = $2 AND state <> 'waiting' \
     AND alert_id IN (SELECT jsonb_array_elements_text(CAST($1 AS JSONB)))",
);
const MARK_CALLBACKS: Text = each(
    "UPDATE callbacks SET of_erased = TRUE WHERE rider_id = $2 \
     AND alert_id IN (SELECT value FROM json_each($1))",
    "UPDATE callbacks SET of_erased = TRUE WHERE rider_id = $2 \
     AND alert_id IN (SELECT jsonb_array_elements_text(CAST($1 AS JSONB)))",
);
pub(super) const DELETE_PRESENCE: &str = "DELETE FROM callbacks WHERE app_id = $1 AND rider_id = $2 AND alert_id IS NULL \
     AND state <> 'waiting'";
const MARK_PRESENCE: &str =
    "UPDATE callbacks SET of_erased = TRUE WHERE app_id = $1 AND rider_id = $2 AND alert_id IS NULL";
// `$2` is the pseudonym: these alerts have gone to nobody else.
const ALONE: Text = each(
    "SELECT a.id, a.ladder FROM json_each($1) AS k CROSS JOIN alerts AS a ON a.id = k.value \
     WHERE a.texts_gone = FALSE AND a.ended_at IS NOT NULL AND a.open_count = 0 AND NOT EXISTS \
     (SELECT 1 FROM deliveries AS d WHERE d.alert_id = a.id AND d.rider_id <> $2)",
    "SELECT a.id, a.ladder FROM jsonb_array_elements_text(CAST($1 AS JSONB)) AS k (id) \
     JOIN alerts AS a ON a.id = k.id \
     WHERE a.texts_gone = FALSE AND a.ended_at IS NOT NULL AND a.open_count = 0 AND NOT EXISTS \
     (SELECT 1 FROM deliveries AS d WHERE d.alert_id = a.id AND d.rider_id <> $2)",
);
pub(super) const RENAME_NOTICES: &str = "UPDATE notices SET rider_id = $3 WHERE number IN (SELECT number FROM notices \
     WHERE app_id = $1 AND rider_id = $2 ORDER BY number LIMIT $4)";
// Here and below `$2` is the rider as it stands in JSON; what is found is looked at once more.
pub(super) const OFFERS: Text = each(
    "SELECT id, candidates_asked, candidates FROM alerts WHERE app_id = $1 AND candidates <> '[]' \
     AND instr(candidates, $2) > 0 ORDER BY id LIMIT $3",
    "SELECT id, candidates_asked, candidates FROM alerts WHERE app_id = $1 AND candidates <> '[]' \
     AND strpos(candidates, $2) > 0 ORDER BY id LIMIT $3 FOR UPDATE",
);
const SET_CANDIDATES: &str = "UPDATE alerts SET candidates = $2, candidates_asked = $3 WHERE id = $1";
const SCHEDULES: Text = each(
    "SELECT id, body FROM schedules WHERE app_id = $1 AND next_at IS NOT NULL AND instr(body, $2) > 0 ORDER BY id",
    "SELECT id, body FROM schedules WHERE app_id = $1 AND next_at IS NOT NULL AND strpos(body, $2) > 0 ORDER BY id \
     FOR UPDATE",
);
const SET_BODY: &str = "UPDATE schedules SET body = $2 WHERE id = $1";
const DELETE_SCHEDULE: &str = "DELETE FROM schedules WHERE id = $1";
const ORDERS_LEFT: Text = each(
    concat!(
        "SELECT ",
        order_columns!(),
        " FROM orders AS o WHERE o.app_id = $1 AND (o.rider_id = $2 OR instr(o.riders, $3) > 0) LIMIT $4"
    ),
    concat!(
        "SELECT ",
        order_columns!(),
        " FROM orders AS o WHERE o.app_id = $1 AND (o.rider_id = $2 OR strpos(o.riders, $3) > 0) LIMIT $4"
    ),
);

pub(super) async fn begin(db: &mut Db<'_>, erasure: &Erasure) -> StoreResult<Leaving> {
    let Erasure { rider, mark, pseudonym: _, at } = erasure;
    let (app, id) = (rider.app.to_string(), rider.rider.as_str());
    let mut reading = Reading::default();
    reading.riders(db, &BTreeSet::from([rider.clone()])).await?;
    reading.open_of_rider(db, rider).await?;
    let mut book = reading.into_book();
    let row_seq = book.rider(rider).map(|rider| rider.seq);
    let ended = book.erase(rider, *at);
    save(db, &mut book).await?;
    let told_seq: i64 = Fields::of(&sql(LAST_SEQ).bind(&app).bind(id).one(db).await?, "deliveries").take()?;
    let last_seq = row_seq.unwrap_or(0).max(told_seq);
    sql(RAISE_FLOOR).bind(&app).bind(last_seq).run(db).await?;
    sql(DELETE).bind(&app).bind(id).run(db).await?;
    let memberships = sql(DELETE_MEMBERSHIPS).bind(&app).bind(id).run(db).await?;
    let checks = sql(DELETE_CHECKS).bind(&app).bind(id).run(db).await?;
    let wechat_identities = wechat::forget_rider(db, rider).await?;
    let wechat_messages = wechat::delete_all_of(db, rider).await?;
    let erased_before = marked(db, rider.app, mark).await?.is_some();
    // Whoever could log in may hold a token, even if they never used it.
    let known = row_seq.is_some() || last_seq > 0 || wechat_identities > 0 || erased_before;
    if known {
        sql(MARK).bind(&app).bind(*mark).bind(at.0).run(db).await?;
    }
    let traces = Traces { memberships, checks, wechat_identities, wechat_messages, ..Traces::default() };
    Ok(Leaving { ended, known, last_seq, traces })
}

pub(super) async fn marked(db: &mut Db<'_>, app: AppId, mark: &[u8; 32]) -> StoreResult<Option<EpochMs>> {
    let row = sql(MARKED).bind(app.to_string()).bind(*mark).optional(db).await?;
    row.map(|row| Fields::of(&row, "erasures").moment()).transpose()
}

/// What is asked of [`go_on`].
pub(super) struct Part {
    pub(super) erasure: Erasure,
    pub(super) last_seq: i64,
    pub(super) limit: u32,
}

pub(super) async fn go_on(db: &mut Db<'_>, part: &Part) -> StoreResult<ErasedPart> {
    let Part { erasure, limit, .. } = part;
    let mut traces = Traces::default();
    traces.deliveries = deliveries(db, part, &mut traces).await?;
    if traces.deliveries >= u64::from(*limit) {
        return Ok(ErasedPart { traces, more: true });
    }
    let (app, id) = (erasure.rider.app.to_string(), erasure.rider.rider.as_str());
    let renaming = sql(RENAME_NOTICES).bind(&app).bind(id).bind(erasure.pseudonym.as_str()).bind(*limit);
    traces.notices = renaming.run(db).await?;
    traces.callbacks += sql(DELETE_PRESENCE).bind(&app).bind(id).run(db).await?;
    sql(MARK_PRESENCE).bind(&app).bind(id).run(db).await?;
    let (offers, found) = offers(db, &erasure.rider, *limit).await?;
    traces.offers = offers;
    traces.audiences =
        targets::forget_rider(db, &erasure.rider).await? + schedules(db, &erasure.rider).await?;
    let more = traces.notices >= u64::from(*limit) || found >= *limit as usize && offers > 0;
    Ok(ErasedPart { traces, more })
}

/// Gives a slice of deliveries to the pseudonym, with what hangs on them; returns how many.
async fn deliveries(db: &mut Db<'_>, part: &Part, traces: &mut Traces) -> StoreResult<u64> {
    let Part { erasure, last_seq, limit } = part;
    let Erasure { rider, pseudonym, .. } = erasure;
    let (app, id) = (rider.app.to_string(), rider.rider.as_str());
    let rows = sql(THEIRS).bind(&app).bind(id).bind(*last_seq).bind(*limit).all(db).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let (mut ordinals, mut alerts, mut keys) = (Vec::new(), Vec::<AlertId>::new(), BTreeSet::new());
    for row in &rows {
        let mut fields = Fields::of(row, "deliveries");
        ordinals.push(fields.take::<i64>()?);
        alerts.push(fields.parsed()?);
        let key_mode = fields.word(KeyMode::parse)?;
        let order: Option<OrderId> = fields.parsed_or_null()?;
        keys.extend(order.map(|order| OrderKey { app: rider.app, key_mode, order }));
    }
    let alerts = rows::json("alerts", &alerts)?;
    let ordinals = rows::json("deliveries", &ordinals)?;
    let renamed = sql(RENAME).bind(&ordinals).bind(pseudonym.as_str()).run(db).await?;
    sql(RENAME_WINNER).bind(&alerts).bind(id).bind(pseudonym.as_str()).run(db).await?;
    traces.calls = sql(DELETE_CALLS).bind(&alerts).bind(id).run(db).await?;
    traces.callbacks = sql(DELETE_CALLBACKS).bind(&alerts).bind(id).run(db).await?;
    sql(MARK_CALLBACKS).bind(&alerts).bind(id).run(db).await?;
    let alone = sql(ALONE).bind(&alerts).bind(pseudonym.as_str()).all(db).await?;
    let alone = alone.iter().map(|row| with_ladder(&mut Fields::of(row, "alerts")));
    traces.texts = empty(db, &alone.collect::<StoreResult<Vec<_>>>()?).await?;
    traces.orders = forget_in_orders(db, &rider.rider, &keys).await?;
    Ok(renamed)
}

/// Orders that still know the rider: news that no alert of theirs came of. Every order of the app is looked at, so this is
/// not done within a write.
pub(super) async fn orders_left(
    db: &mut Db<'_>,
    rider: &RiderKey,
    limit: u32,
) -> StoreResult<BTreeSet<OrderKey>> {
    let (app, id) = (rider.app.to_string(), rider.rider.as_str());
    let found = sql(ORDERS_LEFT).bind(app).bind(id).bind(in_json(&rider.rider)?).bind(limit).all(db).await?;
    let orders = found.iter().map(|row| orders::row(&mut Fields::of(row, "orders")));
    let knows = |(key, mut order): (OrderKey, crate::domain::OrderMemory)| {
        order.forget_rider(&rider.rider).then_some(key)
    };
    orders.filter_map(|found| found.map(knows).transpose()).collect()
}

/// Takes a rider out of the memory of these orders; how many knew them.
pub(super) async fn forget_in_orders(
    db: &mut Db<'_>,
    rider: &RiderId,
    keys: &BTreeSet<OrderKey>,
) -> StoreResult<u64> {
    let mut reading = Reading::default();
    reading.orders(db, keys).await?;
    let book = reading.into_book();
    let kept = book.orders().map(|(key, order, _)| (key, order.clone()));
    let changed: Vec<_> =
        kept.filter_map(|(key, mut order)| order.forget_rider(rider).then_some((key, order))).collect();
    let rows = changed.iter().map(|(key, order)| (*key, order, Mark::Changed));
    orders::put_all(db, rows).await?;
    Ok(changed.len() as u64)
}

/// Takes a rider off the candidates of offers; how many they were on, and how many were looked at.
async fn offers(db: &mut Db<'_>, rider: &RiderKey, limit: u32) -> StoreResult<(u64, usize)> {
    let asking = sql(OFFERS).bind(rider.app.to_string()).bind(in_json(&rider.rider)?).bind(limit);
    let found = asking.all(db).await?;
    let mut changed = 0;
    for row in &found {
        let mut fields = Fields::of(row, "alerts");
        let (id, mut asked, mut candidates): (AlertId, u32, Vec<RiderId>) =
            (fields.parsed()?, fields.take()?, fields.list()?);
        if !forget_candidate(&mut candidates, &mut asked, &rider.rider) {
            continue;
        }
        let candidates = rows::json("alerts", &candidates)?;
        sql(SET_CANDIDATES).bind(id.to_string()).bind(candidates).bind(asked).run(db).await?;
        changed += 1;
    }
    Ok((changed, found.len()))
}

/// Takes a rider out of recurring events; those that were for them alone go.
async fn schedules(db: &mut Db<'_>, rider: &RiderKey) -> StoreResult<u64> {
    let asking = sql(SCHEDULES).bind(rider.app.to_string()).bind(in_json(&rider.rider)?);
    let mut changed = 0;
    for row in &asking.all(db).await? {
        let mut fields = Fields::of(row, "schedules");
        let (id, body): (String, String) = (fields.take()?, fields.take()?);
        changed += match without(&body, &rider.rider) {
            Without::Same => 0,
            Without::Body(body) => sql(SET_BODY).bind(id).bind(body).run(db).await?,
            Without::Nobody => sql(DELETE_SCHEDULE).bind(id).run(db).await?,
        };
    }
    Ok(changed)
}

/// A rider as it stands in JSON, with its quotes.
pub(super) fn in_json(rider: &RiderId) -> StoreResult<String> {
    rows::json("riders", rider)
}
