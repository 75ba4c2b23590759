//! Rows of hooks and of the requests to them. Secrets stand sealed in their hook's row, so that both change as one.
//! Of each hook the newest requests of every verdict are kept: what could not be used is not pushed out by what could.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::db::{Db, Row, Text, each, sql};
use super::locks;
use super::rows::{self, Fields, nonsense};
use crate::domain::{
    AppId, EpochMs, Hook, HookDelivery, HookDeliveryId, HookId, HookMode, HookVerdict, RiderKey,
};
use crate::store::{HookPut, Page, PageSize, StoreError, StoreResult};

/// Columns of a hook, for [`hook`].
macro_rules! columns {
    () => {
        "id, app_id, preset, profile, params, secrets, mode, live_percent, created_at, updated_at, version"
    };
}

/// Columns of a request, for [`read`].
macro_rules! delivery_columns {
    () => {
        "id, hook_id, app_id, at, verdict, reason, request, items, events, riders, status, trace_id"
    };
}

const COUNT: &str = "SELECT COUNT(*) FROM hooks WHERE app_id = $1";
const INSERT: &str = concat!(
    "INSERT INTO hooks (",
    columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING"
);
const UPDATE: &str = "UPDATE hooks SET preset = $3, profile = $4, params = $5, secrets = $6, mode = $7, \
     live_percent = $8, updated_at = $9, version = $10 WHERE id = $1 AND app_id = $2 AND version = $10 - 1";
const SELECT: &str = concat!("SELECT ", columns!(), " FROM hooks WHERE app_id = $1 ORDER BY created_at, id");
const ONE: &str = concat!("SELECT ", columns!(), " FROM hooks WHERE id = $1");
const DELETE: &str = "DELETE FROM hooks WHERE id = $1 AND app_id = $2";
const DELETE_ALL_OF: &str = "DELETE FROM hook_deliveries WHERE hook_id = $1";
const INSERT_DELIVERY: &str = concat!(
    "INSERT INTO hook_deliveries (",
    delivery_columns!(),
    ") SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 \
     WHERE EXISTS (SELECT 1 FROM hooks AS h WHERE h.id = $2) ON CONFLICT (id) DO NOTHING"
);
const CUT: &str = "DELETE FROM hook_deliveries WHERE hook_id = $1 AND verdict = $2 AND id <= \
     (SELECT n.id FROM hook_deliveries AS n WHERE n.hook_id = $1 AND n.verdict = $2 \
     ORDER BY n.id DESC LIMIT 1 OFFSET $3)";
// An app has few hooks and a hook few requests: what is asked for is found by the hook, and its app is looked at then.
pub(super) const LIST: &str = concat!(
    "SELECT ",
    delivery_columns!(),
    " FROM hook_deliveries WHERE hook_id = $1 AND app_id || '' = $2 AND id < $3 ORDER BY id DESC LIMIT $4"
);
pub(super) const LIST_OF_VERDICT: &str = concat!(
    "SELECT ",
    delivery_columns!(),
    " FROM hook_deliveries WHERE hook_id = $1 AND app_id || '' = $2 AND id < $3 AND verdict = $5 \
     ORDER BY id DESC LIMIT $4"
);
const ONE_DELIVERY: &str =
    concat!("SELECT ", delivery_columns!(), " FROM hook_deliveries WHERE id = $1 AND app_id || '' = $2");
pub(super) const FORGET: &str = "DELETE FROM hook_deliveries WHERE id IN \
     (SELECT id FROM hook_deliveries WHERE at < $1 ORDER BY at LIMIT $2)";
// `$2` is the rider as it stands in JSON.
pub(super) const NAMING: Text = each(
    "SELECT id FROM hook_deliveries WHERE app_id = $1 AND riders <> '[]' AND instr(riders, $2) > 0 LIMIT $3",
    "SELECT id FROM hook_deliveries WHERE app_id = $1 AND riders <> '[]' AND strpos(riders, $2) > 0 LIMIT $3",
);
const DELETE_THESE: Text = each(
    "DELETE FROM hook_deliveries WHERE id IN (SELECT value FROM json_each($1))",
    "DELETE FROM hook_deliveries WHERE id IN (SELECT jsonb_array_elements_text(CAST($1 AS JSONB)))",
);
/// Behind every id of ours.
const BEHIND_ALL: &str = "~";

/// Which requests are asked for.
pub(super) struct Asked {
    pub(super) app: AppId,
    pub(super) hook: HookId,
    pub(super) verdict: Option<HookVerdict>,
    pub(super) before: Option<HookDeliveryId>,
    pub(super) size: PageSize,
}

pub(super) async fn put(db: &mut Db<'_>, hook: &Hook, most: u32) -> StoreResult<HookPut> {
    let secrets: BTreeMap<&String, Vec<String>> = hook
        .secrets
        .iter()
        .map(|(name, sealed)| (name, sealed.iter().map(|one| STANDARD.encode(one)).collect()))
        .collect();
    let said = |statement: &'static str| -> StoreResult<_> {
        Ok(sql(statement)
            .bind(hook.id.as_str())
            .bind(hook.app.to_string())
            .bind(hook.preset.as_ref())
            .bind(&hook.profile)
            .bind(rows::json("hooks", &hook.params)?)
            .bind(rows::json("hooks", &secrets)?)
            .bind(hook.mode.as_str())
            .bind(hook.live_percent))
    };
    if hook.version > 1 {
        let changed = said(UPDATE)?.bind(hook.updated_at.0).bind(hook.version).run(db).await?;
        return Ok(if changed > 0 { HookPut::Kept } else { HookPut::Conflict });
    }
    locks::app(db, hook.app).await?;
    let count = sql(COUNT).bind(hook.app.to_string()).one(db).await?;
    if Fields::of(&count, "hooks").count()? >= u64::from(most) {
        return Ok(HookPut::Full);
    }
    let insert = said(INSERT)?.bind(hook.created_at.0).bind(hook.updated_at.0).bind(hook.version);
    match insert.run(db).await? {
        0 => Err(StoreError::Taken("hook")),
        _ => Ok(HookPut::Kept),
    }
}

pub(super) async fn all(db: &mut Db<'_>, app: AppId) -> StoreResult<Vec<Hook>> {
    sql(SELECT).bind(app.to_string()).all(db).await?.iter().map(hook).collect()
}

pub(super) async fn one(db: &mut Db<'_>, id: &HookId) -> StoreResult<Option<Hook>> {
    sql(ONE).bind(id.as_str()).optional(db).await?.as_ref().map(hook).transpose()
}

pub(super) async fn delete(db: &mut Db<'_>, app: AppId, id: &HookId) -> StoreResult<bool> {
    let gone = sql(DELETE).bind(id.as_str()).bind(app.to_string()).run(db).await? > 0;
    if gone {
        sql(DELETE_ALL_OF).bind(id.as_str()).run(db).await?;
    }
    Ok(gone)
}

fn hook(row: &Row) -> StoreResult<Hook> {
    let mut fields = Fields::of(row, "hooks");
    Ok(Hook {
        id: fields.parsed()?,
        app: fields.parsed()?,
        preset: fields.take()?,
        profile: fields.take()?,
        params: fields.json()?,
        secrets: sealed(fields.json()?)?,
        mode: fields.word(HookMode::parse)?,
        live_percent: fields.take()?,
        created_at: fields.moment()?,
        updated_at: fields.moment()?,
        version: fields.take()?,
    })
}

fn sealed(texts: BTreeMap<String, Vec<String>>) -> StoreResult<BTreeMap<String, Vec<Vec<u8>>>> {
    let bytes = |text: &String| STANDARD.decode(text).map_err(|error| nonsense("hooks", error));
    texts
        .into_iter()
        .map(|(name, texts)| Ok((name, texts.iter().map(bytes).collect::<StoreResult<_>>()?)))
        .collect()
}

pub(super) async fn note(db: &mut Db<'_>, deliveries: &[HookDelivery], kept: u32) -> StoreResult<()> {
    for delivery in deliveries {
        insert(db, delivery).await?;
    }
    let touched: BTreeSet<(&HookId, HookVerdict)> =
        deliveries.iter().map(|delivery| (&delivery.hook, delivery.verdict)).collect();
    for (hook, verdict) in touched {
        sql(CUT).bind(hook.as_str()).bind(verdict.as_str()).bind(kept).run(db).await?;
    }
    Ok(())
}

async fn insert(db: &mut Db<'_>, delivery: &HookDelivery) -> StoreResult<u64> {
    sql(INSERT_DELIVERY)
        .bind(delivery.id.to_string())
        .bind(delivery.hook.as_str())
        .bind(delivery.app.to_string())
        .bind(delivery.at.0)
        .bind(delivery.verdict.as_str())
        .bind(&delivery.reason)
        .bind(&delivery.request)
        .bind(&delivery.items)
        .bind(rows::json("hook_deliveries", &delivery.events)?)
        .bind(rows::json("hook_deliveries", &delivery.riders)?)
        .bind(delivery.status)
        .bind(&delivery.trace_id)
        .run(db)
        .await
}

pub(super) async fn deliveries(
    db: &mut Db<'_>,
    asked: &Asked,
) -> StoreResult<Page<HookDelivery, HookDeliveryId>> {
    let before = asked.before.map_or_else(|| BEHIND_ALL.to_owned(), |before| before.to_string());
    let with = |statement: &'static str| {
        let asking = sql(statement).bind(asked.hook.as_str()).bind(asked.app.to_string()).bind(&before);
        asking.bind(asked.size.rows.saturating_add(1))
    };
    let asking = match asked.verdict {
        None => with(LIST),
        Some(verdict) => with(LIST_OF_VERDICT).bind(verdict.as_str()),
    };
    let found: StoreResult<Vec<HookDelivery>> = asking.all(db).await?.iter().map(read).collect();
    Ok(asked.size.cut(found?, |delivery| delivery.id, |_| true))
}

pub(super) async fn delivery(
    db: &mut Db<'_>,
    app: AppId,
    id: HookDeliveryId,
) -> StoreResult<Option<HookDelivery>> {
    let row = sql(ONE_DELIVERY).bind(id.to_string()).bind(app.to_string()).optional(db).await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> StoreResult<HookDelivery> {
    let mut fields = Fields::of(row, "hook_deliveries");
    Ok(HookDelivery {
        id: fields.parsed()?,
        hook: fields.parsed()?,
        app: fields.parsed()?,
        at: fields.moment()?,
        verdict: fields.word(HookVerdict::parse)?,
        reason: fields.take()?,
        request: fields.take()?,
        items: fields.take()?,
        events: fields.list()?,
        riders: fields.list()?,
        status: fields.take()?,
        trace_id: fields.take()?,
    })
}

pub(super) async fn forget(db: &mut Db<'_>, before: EpochMs, limit: u32) -> StoreResult<u64> {
    sql(FORGET).bind(before.0).bind(limit).run(db).await
}

/// Requests whose events were for this rider. All that are kept of the app are looked at, so this is not done within a write.
pub(super) async fn naming(
    db: &mut Db<'_>,
    rider: &RiderKey,
    limit: u32,
) -> StoreResult<Vec<HookDeliveryId>> {
    let name = super::erasing::in_json(&rider.rider)?;
    let found = sql(NAMING).bind(rider.app.to_string()).bind(name).bind(limit).all(db).await?;
    found.iter().map(|row| Fields::of(row, "hook_deliveries").parsed()).collect()
}

/// Removes these; how many.
pub(super) async fn delete_these(db: &mut Db<'_>, ids: &[HookDeliveryId]) -> StoreResult<u64> {
    sql(DELETE_THESE).bind(rows::json("hook_deliveries", ids)?).run(db).await
}
