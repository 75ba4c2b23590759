//! Rows of apps, their API keys and their phrases.
//! Few rows, rarely written: plain statements.

use sqlx::{SqliteConnection, SqliteExecutor};

use super::error::taken;
use super::rows::{self, Fields, app_columns, json, key_columns};
use crate::domain::app::{ApiKey, App};
use crate::domain::{AppId, AppSettings, EpochMs, KeyId};
use crate::store::{StoreResult, Template};

const INSERT_APP: &str = concat!("INSERT INTO apps (", app_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6)");
const PUT_SETTINGS: &str = "UPDATE apps SET settings = $2 WHERE id = $1";
const SELECT_APPS: &str = concat!("SELECT ", app_columns!(), " FROM apps ORDER BY created_at, id");
const INSERT_KEY: &str =
    concat!("INSERT INTO api_keys (", key_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
const SELECT_KEY_BY_HASH: &str = concat!("SELECT ", key_columns!(), " FROM api_keys WHERE hash = $1");
const SELECT_KEYS: &str =
    concat!("SELECT ", key_columns!(), " FROM api_keys WHERE app_id = $1 ORDER BY created_at, id");
const REVOKE_KEY: &str =
    "UPDATE api_keys SET revoked_at = $3 WHERE app_id = $1 AND id = $2 AND revoked_at IS NULL";
const PUT_TEMPLATE: &str = "INSERT INTO templates (app_id, kind, lang, phrases) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (app_id, kind, lang) DO UPDATE SET phrases = excluded.phrases";
const DELETE_TEMPLATE: &str = "DELETE FROM templates WHERE app_id = $1 AND kind = $2 AND lang = $3";
const SELECT_TEMPLATES: &str =
    "SELECT kind, lang, phrases FROM templates WHERE app_id = $1 ORDER BY kind, lang";

pub(super) async fn create(db: &mut SqliteConnection, app: &App) -> StoreResult<()> {
    let secrets = json("apps", &app.rider_secrets)?;
    let inserted = sqlx::query(INSERT_APP)
        .bind(app.id.to_string())
        .bind(&app.name)
        .bind(&app.lang)
        .bind(secrets)
        .bind(app.created_at.0)
        .bind(json("apps", &app.settings)?)
        .execute(db)
        .await;
    taken(inserted, "an app of this name").map(|_| ())
}

pub(super) async fn all(db: impl SqliteExecutor<'_>) -> StoreResult<Vec<App>> {
    sqlx::query(SELECT_APPS).fetch_all(db).await?.iter().map(rows::app).collect()
}

pub(super) async fn put_settings(
    db: &mut SqliteConnection,
    app: AppId,
    settings: &AppSettings,
) -> StoreResult<bool> {
    let put = sqlx::query(PUT_SETTINGS).bind(app.to_string()).bind(json("apps", settings)?);
    Ok(put.execute(db).await?.rows_affected() > 0)
}

pub(super) async fn create_key(db: &mut SqliteConnection, key: &ApiKey) -> StoreResult<()> {
    let scopes = json("api_keys", &key.scopes)?;
    let inserted = sqlx::query(INSERT_KEY)
        .bind(key.id.to_string())
        .bind(key.app.to_string())
        .bind(&key.name)
        .bind(&key.hash[..])
        .bind(scopes)
        .bind(key.created_at.0)
        .bind(key.revoked_at.map(|at| at.0))
        .bind(key.mode.as_str())
        .execute(db)
        .await;
    taken(inserted, "a key of this name").map(|_| ())
}

pub(super) async fn key_by_hash(db: impl SqliteExecutor<'_>, hash: [u8; 32]) -> StoreResult<Option<ApiKey>> {
    let row = sqlx::query(SELECT_KEY_BY_HASH).bind(&hash[..]).fetch_optional(db).await?;
    row.as_ref().map(rows::api_key).transpose()
}

pub(super) async fn keys(db: impl SqliteExecutor<'_>, app: AppId) -> StoreResult<Vec<ApiKey>> {
    let keys = sqlx::query(SELECT_KEYS).bind(app.to_string()).fetch_all(db).await?;
    keys.iter().map(rows::api_key).collect()
}

pub(super) async fn revoke_key(
    db: &mut SqliteConnection,
    app: AppId,
    id: KeyId,
    at: EpochMs,
) -> StoreResult<bool> {
    let revoke = sqlx::query(REVOKE_KEY).bind(app.to_string()).bind(id.to_string()).bind(at.0);
    Ok(revoke.execute(db).await?.rows_affected() > 0)
}

pub(super) async fn put_template(
    db: &mut SqliteConnection,
    app: AppId,
    template: &Template,
) -> StoreResult<()> {
    let Template { kind, lang, phrases } = template;
    if phrases.is_empty() {
        sqlx::query(DELETE_TEMPLATE).bind(app.to_string()).bind(kind).bind(lang).execute(db).await?;
    } else {
        let list = json("templates", phrases)?;
        sqlx::query(PUT_TEMPLATE).bind(app.to_string()).bind(kind).bind(lang).bind(list).execute(db).await?;
    }
    Ok(())
}

pub(super) async fn templates(db: impl SqliteExecutor<'_>, app: AppId) -> StoreResult<Vec<Template>> {
    let rows = sqlx::query(SELECT_TEMPLATES).bind(app.to_string()).fetch_all(db).await?;
    rows.iter()
        .map(|row| {
            let mut fields = Fields::of(row, "templates");
            Ok(Template { kind: fields.take()?, lang: fields.take()?, phrases: fields.json()? })
        })
        .collect()
}
