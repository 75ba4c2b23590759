//! Rows of API keys.

use super::db::{Db, Text, each, sql};
use super::error::taken;
use super::locks;
use super::rows::{self, json, key_columns};
use super::secrets::{self, secrets_of};
use crate::domain::app::ApiKey;
use crate::domain::{AppId, EpochMs, KeyId, Secret};
use crate::store::StoreResult;

/// Keys that are asked for, with their secrets.
macro_rules! keys_where {
    ($condition:literal) => {
        each(
            concat!("SELECT ", key_columns!(sqlite), " FROM api_keys WHERE ", $condition),
            concat!("SELECT ", key_columns!(postgres), " FROM api_keys WHERE ", $condition),
        )
    };
}

const INSERT: &str = "INSERT INTO api_keys (id, app_id, name, scopes, mode, created_at, last_used_at, revoked_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const SELECT_BY_HASH: Text =
    keys_where!("id = (SELECT owner FROM secrets WHERE kind = 'bearer' AND kept = $1)");
const SELECT_BY_ID: Text = keys_where!("id = $1");
const SELECT_ALL: Text = keys_where!("app_id = $1 ORDER BY created_at, id");
const REVOKE: &str =
    "UPDATE api_keys SET revoked_at = $3 WHERE app_id = $1 AND id = $2 AND revoked_at IS NULL";
const NOTE_USE: Text = each(
    "UPDATE api_keys SET last_used_at = max(ifnull(last_used_at, $2), $2) WHERE id = $1",
    "UPDATE api_keys SET last_used_at = greatest(last_used_at, $2) WHERE id = $1",
);

pub(super) async fn create(db: &mut Db<'_>, key: &ApiKey) -> StoreResult<()> {
    let scopes = json("api_keys", &key.scopes)?;
    let inserted = sql(INSERT)
        .bind(key.id.to_string())
        .bind(key.app.to_string())
        .bind(&key.name)
        .bind(scopes)
        .bind(key.mode.as_str())
        .bind(key.created_at.0)
        .bind(key.last_used_at.map(|at| at.0))
        .bind(key.revoked_at.map(|at| at.0))
        .try_run(db)
        .await;
    taken(inserted, "a key of this name")?;
    secrets::add(db, &key.id.to_string(), &key.secrets).await
}

pub(super) async fn by_hash(db: &mut Db<'_>, hash: [u8; 32]) -> StoreResult<Option<ApiKey>> {
    let row = sql(SELECT_BY_HASH).bind(&hash[..]).optional(db).await?;
    row.as_ref().map(rows::api_key).transpose()
}

pub(super) async fn by_id(db: &mut Db<'_>, id: KeyId) -> StoreResult<Option<ApiKey>> {
    let row = sql(SELECT_BY_ID).bind(id.to_string()).optional(db).await?;
    row.as_ref().map(rows::api_key).transpose()
}

pub(super) async fn all(db: &mut Db<'_>, app: AppId) -> StoreResult<Vec<ApiKey>> {
    let keys = sql(SELECT_ALL).bind(app.to_string()).all(db).await?;
    keys.iter().map(rows::api_key).collect()
}

pub(super) async fn revoke(db: &mut Db<'_>, app: AppId, id: KeyId, at: EpochMs) -> StoreResult<bool> {
    let revoke = sql(REVOKE).bind(app.to_string()).bind(id.to_string()).bind(at.0);
    Ok(revoke.run(db).await? > 0)
}

pub(super) async fn rotate(
    db: &mut Db<'_>,
    app: AppId,
    id: KeyId,
    new: &Secret,
    old_until: EpochMs,
) -> StoreResult<bool> {
    locks::key(db, id).await?;
    let key = by_id(db, id).await?.filter(|key| key.app == app && key.revoked_at.is_none());
    let Some(key) = key else { return Ok(false) };
    secrets::replace(db, &id.to_string(), key.secrets, new.clone(), old_until).await?;
    Ok(true)
}

pub(super) async fn note_use(db: &mut Db<'_>, id: KeyId, at: EpochMs) -> StoreResult<()> {
    sql(NOTE_USE).bind(id.to_string()).bind(at.0).run(db).await?;
    Ok(())
}
