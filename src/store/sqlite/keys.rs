//! Rows of API keys.

use sqlx::{SqliteConnection, SqliteExecutor};

use super::error::taken;
use super::rows::{self, json, key_columns};
use super::secrets::{self, secrets_of};
use crate::domain::app::ApiKey;
use crate::domain::{AppId, EpochMs, KeyId, Secret};
use crate::store::StoreResult;

const INSERT: &str = "INSERT INTO api_keys (id, app_id, name, scopes, mode, created_at, last_used_at, revoked_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const SELECT_BY_HASH: &str = concat!(
    "SELECT ",
    key_columns!(),
    " FROM api_keys WHERE id = (SELECT owner FROM secrets WHERE kind = 'bearer' AND kept = $1)"
);
const SELECT_BY_ID: &str = concat!("SELECT ", key_columns!(), " FROM api_keys WHERE id = $1");
const SELECT_ALL: &str =
    concat!("SELECT ", key_columns!(), " FROM api_keys WHERE app_id = $1 ORDER BY created_at, id");
const REVOKE: &str =
    "UPDATE api_keys SET revoked_at = $3 WHERE app_id = $1 AND id = $2 AND revoked_at IS NULL";
const NOTE_USE: &str = "UPDATE api_keys SET last_used_at = max(ifnull(last_used_at, $2), $2) WHERE id = $1";

pub(super) async fn create(db: &mut SqliteConnection, key: &ApiKey) -> StoreResult<()> {
    let scopes = json("api_keys", &key.scopes)?;
    let inserted = sqlx::query(INSERT)
        .bind(key.id.to_string())
        .bind(key.app.to_string())
        .bind(&key.name)
        .bind(scopes)
        .bind(key.mode.as_str())
        .bind(key.created_at.0)
        .bind(key.last_used_at.map(|at| at.0))
        .bind(key.revoked_at.map(|at| at.0))
        .execute(&mut *db)
        .await;
    taken(inserted, "a key of this name")?;
    secrets::add(db, &key.id.to_string(), &key.secrets).await
}

pub(super) async fn by_hash(db: impl SqliteExecutor<'_>, hash: [u8; 32]) -> StoreResult<Option<ApiKey>> {
    let row = sqlx::query(SELECT_BY_HASH).bind(&hash[..]).fetch_optional(db).await?;
    row.as_ref().map(rows::api_key).transpose()
}

pub(super) async fn by_id(db: impl SqliteExecutor<'_>, id: KeyId) -> StoreResult<Option<ApiKey>> {
    let row = sqlx::query(SELECT_BY_ID).bind(id.to_string()).fetch_optional(db).await?;
    row.as_ref().map(rows::api_key).transpose()
}

pub(super) async fn all(db: impl SqliteExecutor<'_>, app: AppId) -> StoreResult<Vec<ApiKey>> {
    let keys = sqlx::query(SELECT_ALL).bind(app.to_string()).fetch_all(db).await?;
    keys.iter().map(rows::api_key).collect()
}

pub(super) async fn revoke(
    db: &mut SqliteConnection,
    app: AppId,
    id: KeyId,
    at: EpochMs,
) -> StoreResult<bool> {
    let revoke = sqlx::query(REVOKE).bind(app.to_string()).bind(id.to_string()).bind(at.0);
    Ok(revoke.execute(db).await?.rows_affected() > 0)
}

pub(super) async fn rotate(
    db: &mut SqliteConnection,
    app: AppId,
    id: KeyId,
    new: &Secret,
    old_until: EpochMs,
) -> StoreResult<bool> {
    let key = by_id(&mut *db, id).await?.filter(|key| key.app == app && key.revoked_at.is_none());
    let Some(key) = key else { return Ok(false) };
    secrets::replace(db, &id.to_string(), key.secrets, new.clone(), old_until).await?;
    Ok(true)
}

pub(super) async fn note_use(db: &mut SqliteConnection, id: KeyId, at: EpochMs) -> StoreResult<()> {
    sqlx::query(NOTE_USE).bind(id.to_string()).bind(at.0).execute(db).await?;
    Ok(())
}
