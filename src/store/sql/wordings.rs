//! Rows of what apps word for themselves: each version is a row, and the newest is in force.
//! Read when an app's stamp has changed, so that nothing here is prepared to be fast.

use super::db::{Db, Row, sql};
use super::locks;
use super::rows::Fields;
use crate::domain::{AppId, EpochMs};
use crate::store::{NewWording, Saved, StoreResult, Topic, VERSIONS_MAX, Wording, WordingKey};

const NEWEST: &str = "SELECT COALESCE(MAX(version), 0) FROM wordings \
     WHERE app_id = $1 AND kind = $2 AND lang = $3 AND merchant = $4";
const COUNT: &str = "SELECT COUNT(*) FROM (SELECT DISTINCT kind, lang, merchant FROM wordings \
     WHERE app_id = $1 AND (kind = '') = ($2 = '')) AS n";
const INSERT: &str = "INSERT INTO wordings (app_id, kind, lang, merchant, version, list, saved_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";
const DELETE_OLD: &str = "DELETE FROM wordings \
     WHERE app_id = $1 AND kind = $2 AND lang = $3 AND merchant = $4 AND version <= $5";
const SELECT_IN_FORCE: &str = "SELECT kind, lang, merchant, version, list, saved_at FROM wordings AS w \
     WHERE app_id = $1 AND list <> '[]' AND version = (SELECT MAX(version) FROM wordings AS n \
     WHERE n.app_id = w.app_id AND n.kind = w.kind AND n.lang = w.lang AND n.merchant = w.merchant) \
     ORDER BY kind, lang, merchant";
const SELECT_VERSIONS: &str = "SELECT kind, lang, merchant, version, list, saved_at FROM wordings \
     WHERE app_id = $1 AND kind = $2 AND lang = $3 AND merchant = $4 ORDER BY version DESC";
pub(super) const STAMP: &str = "SELECT COALESCE(MAX(ordinal), 0) FROM wordings WHERE app_id = $1";

pub(super) async fn save(db: &mut Db<'_>, app: AppId, new: &NewWording, at: EpochMs) -> StoreResult<Saved> {
    locks::app(db, app).await?;
    let app = app.to_string();
    let WordingKey { topic, lang, merchant } = &new.key;
    let (kind, merchant) = (topic.kind(), merchant.as_deref().unwrap_or_default());
    let newest = sql(NEWEST).bind(&app).bind(kind).bind(lang).bind(merchant);
    let newest: u32 = Fields::of(&newest.one(db).await?, "wordings").take()?;
    if new.if_version.is_some_and(|known| known != newest) {
        return Ok(Saved::Conflict(newest));
    }
    if newest == 0 {
        let count = sql(COUNT).bind(&app).bind(kind).one(db).await?;
        if Fields::of(&count, "wordings").count()? >= u64::from(new.most) {
            return Ok(Saved::Full);
        }
    }
    let version = newest + 1;
    let row = sql(INSERT).bind(&app).bind(kind).bind(lang).bind(merchant).bind(version);
    row.bind(&new.list).bind(at.0).run(db).await?;
    let old = version.saturating_sub(VERSIONS_MAX);
    let old = sql(DELETE_OLD).bind(&app).bind(kind).bind(lang).bind(merchant).bind(old);
    old.run(db).await?;
    Ok(Saved::As(version))
}

pub(super) async fn in_force(db: &mut Db<'_>, app: AppId) -> StoreResult<Vec<Wording>> {
    let rows = sql(SELECT_IN_FORCE).bind(app.to_string()).all(db).await?;
    rows.iter().map(wording).collect()
}

pub(super) async fn versions(db: &mut Db<'_>, app: AppId, key: &WordingKey) -> StoreResult<Vec<Wording>> {
    let WordingKey { topic, lang, merchant } = key;
    let rows = sql(SELECT_VERSIONS).bind(app.to_string()).bind(topic.kind()).bind(lang);
    let rows = rows.bind(merchant.as_deref().unwrap_or_default()).all(db).await?;
    rows.iter().map(wording).collect()
}

pub(super) async fn stamp(db: &mut Db<'_>, app: AppId) -> StoreResult<i64> {
    let row = sql(STAMP).bind(app.to_string()).one(db).await?;
    Fields::of(&row, "wordings").take()
}

fn wording(row: &Row) -> StoreResult<Wording> {
    let mut fields = Fields::of(row, "wordings");
    let topic = Topic::of_kind(fields.take()?);
    let (lang, merchant) = (fields.take()?, fields.take::<String>()?);
    let merchant = (!merchant.is_empty()).then_some(merchant);
    Ok(Wording {
        key: WordingKey { topic, lang, merchant },
        version: fields.take()?,
        list: fields.take()?,
        saved_at: fields.moment()?,
    })
}
