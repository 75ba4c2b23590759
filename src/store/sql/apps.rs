//! Rows of apps and of what they have used. Read seldom, kept in memory by whoever needs them often, so that nothing
//! here is prepared to be fast.

use super::db::{Db, Text, each, sql};
use super::error::taken;
use super::locks;
use super::rows::{self, Fields, app_columns, json};
use super::secrets::{self, secrets_of};
use crate::domain::app::{App, AppLimits};
use crate::domain::{AppId, AppSettings, EpochMs, Secret};
use crate::store::{SpeechSpend, SpeechUse, StoreResult};

const INSERT_APP: &str =
    "INSERT INTO apps (id, name, lang, created_at, settings, limits) VALUES ($1, $2, $3, $4, $5, $6)";
const PUT_SETTINGS: &str = "UPDATE apps SET settings = $2 WHERE id = $1";
const PUT_LIMITS: &str = "UPDATE apps SET limits = $2 WHERE id = $1";
const SELECT_APPS: Text = each(
    concat!("SELECT ", app_columns!(sqlite), " FROM apps ORDER BY created_at, id"),
    concat!("SELECT ", app_columns!(postgres), " FROM apps ORDER BY created_at, id"),
);
const SELECT_APP: Text = each(
    concat!("SELECT ", app_columns!(sqlite), " FROM apps WHERE id = $1"),
    concat!("SELECT ", app_columns!(postgres), " FROM apps WHERE id = $1"),
);
const SPEND: Text = each(
    "INSERT INTO speech_usage (app_id, day, characters) VALUES ($1, $2, $3) \
     ON CONFLICT (app_id) DO UPDATE SET day = max(day, excluded.day), \
     characters = excluded.characters + CASE WHEN excluded.day > day THEN 0 ELSE characters END \
     WHERE excluded.characters + CASE WHEN excluded.day > day THEN 0 ELSE characters END <= $4",
    "INSERT INTO speech_usage AS u (app_id, day, characters) VALUES ($1, $2, $3) \
     ON CONFLICT (app_id) DO UPDATE SET day = greatest(u.day, excluded.day), \
     characters = excluded.characters + CASE WHEN excluded.day > u.day THEN 0 ELSE u.characters END \
     WHERE excluded.characters + CASE WHEN excluded.day > u.day THEN 0 ELSE u.characters END <= $4",
);
const SELECT_USE: &str = "SELECT day, characters FROM speech_usage WHERE app_id = $1";

pub(super) async fn create(db: &mut Db<'_>, app: &App) -> StoreResult<()> {
    let inserted = sql(INSERT_APP)
        .bind(app.id.to_string())
        .bind(&app.name)
        .bind(&app.lang)
        .bind(app.created_at.0)
        .bind(json("apps", &app.settings)?)
        .bind(json("apps", &app.limits)?)
        .try_run(db)
        .await;
    taken(inserted, "an app of this name")?;
    secrets::add(db, &app.id.to_string(), &app.secrets).await
}

pub(super) async fn all(db: &mut Db<'_>) -> StoreResult<Vec<App>> {
    sql(SELECT_APPS).all(db).await?.iter().map(rows::app).collect()
}

pub(super) async fn put_settings(db: &mut Db<'_>, app: AppId, settings: &AppSettings) -> StoreResult<bool> {
    let put = sql(PUT_SETTINGS).bind(app.to_string()).bind(json("apps", settings)?);
    Ok(put.run(db).await? > 0)
}

pub(super) async fn put_limits(db: &mut Db<'_>, app: AppId, limits: &AppLimits) -> StoreResult<bool> {
    let put = sql(PUT_LIMITS).bind(app.to_string()).bind(json("apps", limits)?);
    Ok(put.run(db).await? > 0)
}

pub(super) async fn rotate(
    db: &mut Db<'_>,
    app: AppId,
    new: &Secret,
    old_until: EpochMs,
) -> StoreResult<bool> {
    locks::app(db, app).await?;
    let row = sql(SELECT_APP).bind(app.to_string()).optional(db).await?;
    let Some(found) = row.as_ref().map(rows::app).transpose()? else { return Ok(false) };
    secrets::replace(db, &app.to_string(), found.secrets, new.clone(), old_until).await?;
    Ok(true)
}

pub(super) async fn spend_speech(db: &mut Db<'_>, app: AppId, spend: &SpeechSpend) -> StoreResult<bool> {
    // Kept numbers are signed; no day has so many characters.
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX / 2);
    let most = spend.most.map_or(i64::MAX, signed);
    let characters = signed(spend.characters);
    if characters > most {
        return Ok(false);
    }
    let counting = sql(SPEND).bind(app.to_string()).bind(spend.day).bind(characters).bind(most);
    Ok(counting.run(db).await? > 0)
}

pub(super) async fn speech_use(db: &mut Db<'_>, app: AppId) -> StoreResult<Option<SpeechUse>> {
    let row = sql(SELECT_USE).bind(app.to_string()).optional(db).await?;
    row.as_ref()
        .map(|row| {
            let mut fields = Fields::of(row, "speech_usage");
            Ok(SpeechUse { day: fields.take()?, characters: fields.count()? })
        })
        .transpose()
}
