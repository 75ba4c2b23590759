//! Rows of alerts: their sound, their end, and what is told of them.
//! An alert that has ended is only read.

use std::collections::HashMap;

use super::book::{Reading, save};
use super::db::{Db, Text, each, sql};
use super::recipes;
use super::rows::{self, Fields, alert_columns, delivery_columns};
use crate::domain::Sound;
use crate::domain::{Alert, AlertId, AppId, EpochMs, Need};
use crate::store::{AlertRecord, DELIVERIES_SHOWN_MAX, Ended, StoreResult};

// The first moment stays: from then on it may be sent.
const MARK_RENDERED: Text = each(
    "UPDATE alerts SET sound = n.sound, \
     rendered_at = COALESCE(alerts.rendered_at, n.at) \
     FROM (SELECT value ->> 0 AS id, value ->> 1 AS sound, value ->> 2 AS at FROM jsonb_each($1)) AS n \
     WHERE alerts.id = n.id AND alerts.state IN ('active', 'scheduled')",
    "UPDATE alerts SET sound = n.sound, rendered_at = COALESCE(alerts.rendered_at, n.at) \
     FROM (SELECT v ->> 0 AS id, v ->> 1 AS sound, CAST(v ->> 2 AS BIGINT) AS at \
     FROM json_array_elements(CAST($1 AS JSON)) AS k(v)) AS n \
     WHERE alerts.id = n.id AND alerts.state IN ('active', 'scheduled')",
);
const SELECT_EXISTING: Text = each(
    "SELECT id, starts_at FROM alerts WHERE id IN (SELECT value FROM json_each($1))",
    "SELECT id, starts_at FROM alerts WHERE id IN (SELECT jsonb_array_elements_text(CAST($1 AS JSONB)))",
);
const SELECT: &str =
    concat!("SELECT ", alert_columns!(), " FROM alerts AS a WHERE a.id = $1 AND a.app_id = $2");
const SELECT_DELIVERIES: &str = concat!(
    "SELECT ",
    delivery_columns!(),
    " FROM deliveries AS d WHERE d.alert_id = $1 ORDER BY d.ordinal LIMIT $2"
);
const COUNT_DELIVERIES: &str = "SELECT COUNT(*) FROM deliveries WHERE alert_id = $1";
const SELECT_UNRENDERED: &str = concat!(
    "SELECT ",
    alert_columns!(),
    " FROM alerts AS a WHERE a.state = 'active' AND a.rendered_at IS NULL ORDER BY a.created_at, a.id LIMIT $1"
);

/// Sets the sounds of several alerts; of two for one alert the later one. Says of each whether there is such an alert.
pub(super) async fn mark_all_rendered(
    db: &mut Db<'_>,
    sounds: &[(AlertId, Sound, EpochMs)],
) -> StoreResult<Vec<bool>> {
    let mut last: HashMap<AlertId, (&Sound, EpochMs)> = HashMap::new();
    for (alert, sound, at) in sounds {
        last.entry(*alert).and_modify(|last| last.0 = sound).or_insert((sound, *at));
    }
    let marks: Vec<_> = last.iter().map(|(alert, (sound, at))| (alert, sound, at)).collect();
    sql(MARK_RENDERED).bind(rows::json("alerts", &marks)?).run(db).await?;
    let ids: Vec<_> = last.keys().collect();
    let existing = sql(SELECT_EXISTING).bind(rows::json("alerts", &ids)?).all(db).await?;
    let existing = existing.iter().map(|row| {
        let mut fields = Fields::of(row, "alerts");
        Ok((fields.parsed()?, fields.moment()?))
    });
    let existing: HashMap<AlertId, EpochMs> = existing.collect::<StoreResult<_>>()?;
    let used = sounds.iter().filter_map(|(alert, sound, at)| Some((sound, *existing.get(alert)?.max(at))));
    recipes::keep_all(db, used).await?;
    Ok(sounds.iter().map(|(alert, ..)| existing.contains_key(alert)).collect())
}

pub(super) async fn cancel(
    db: &mut Db<'_>,
    app: AppId,
    alert: AlertId,
    at: EpochMs,
) -> StoreResult<Option<Vec<Ended>>> {
    let mut reading = Reading::default();
    reading.heads(db, &[alert]).await?;
    if reading.head(alert).is_none_or(|head| head.app != app) {
        return Ok(None);
    }
    reading.open_of_alerts(db, &[alert]).await?;
    let mut book = reading.into_book();
    let ended = book.cancel_alert(alert, at);
    save(db, &mut book).await?;
    Ok(Some(ended))
}

pub(super) async fn expire_due(
    db: &mut Db<'_>,
    now: EpochMs,
    unresponsive_after: u32,
    limit: u32,
) -> StoreResult<Vec<Ended>> {
    let mut reading = Reading::default();
    reading.riders_of_due_ahead(db, now, limit).await?;
    reading.due(db, now, limit).await?;
    reading.riders_of_deliveries(db, |delivery| delivery.need == Need::Accept).await?;
    let mut book = reading.into_book();
    let ended = book.expire(now, unresponsive_after, limit as usize);
    save(db, &mut book).await?;
    Ok(ended)
}

pub(super) async fn unrendered(db: &mut Db<'_>, limit: u32) -> StoreResult<Vec<Alert>> {
    let rows = sql(SELECT_UNRENDERED).bind(limit).all(db).await?;
    rows.iter().map(|row| rows::alert(&mut Fields::of(row, "alerts"))).collect()
}

/// The alert and its deliveries as of one moment.
pub(super) async fn record(db: &mut Db<'_>, app: AppId, alert: AlertId) -> StoreResult<Option<AlertRecord>> {
    let id = alert.to_string();
    let row = sql(SELECT).bind(&id).bind(app.to_string()).optional(db).await?;
    let Some(row) = row else { return Ok(None) };
    let alert = rows::alert(&mut Fields::of(&row, "alerts"))?;
    let shown = sql(SELECT_DELIVERIES).bind(&id).bind(DELIVERIES_SHOWN_MAX);
    let shown = shown.all(db).await?;
    let deliveries = shown.iter().map(|row| rows::delivery(&mut Fields::of(row, "deliveries")));
    let deliveries = deliveries.collect::<StoreResult<_>>()?;
    let count = sql(COUNT_DELIVERIES).bind(&id).one(db).await?;
    let delivery_count = Fields::of(&count, "deliveries").count()?;
    Ok(Some(AlertRecord { alert, deliveries, delivery_count }))
}
