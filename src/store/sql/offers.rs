//! Offers: settling one, and asking the backend about the claims of its riders.
//! The right to ask is taken by moving its due time on, so that one asker has it at a time.

use std::collections::BTreeSet;

use super::book::{Reading, save};
use super::db::{Db, sql};
use super::rows::{self, Fields, alert_columns};
use crate::domain::{AlertId, AppId, EpochMs, RiderId, RiderKey, Settlement};
use crate::store::{Claim, Settled, StoreResult};

pub(super) const DUE_ASKS: &str = "SELECT alert_id, app_id, rider_id FROM deliveries \
     WHERE ask_due_at IS NOT NULL AND ask_due_at <= $1 ORDER BY ask_due_at, ordinal LIMIT $2";
const SELECT_ALERT: &str = concat!("SELECT ", alert_columns!(), " FROM alerts AS a WHERE a.id = $1");

pub(super) async fn settle(
    db: &mut Db<'_>,
    app: AppId,
    alert: AlertId,
    settlement: &Settlement,
    at: EpochMs,
) -> StoreResult<Option<Settled>> {
    let mut reading = Reading::default();
    reading.orders_ahead(db, &[alert]).await?;
    reading.heads(db, &[alert]).await?;
    if reading.head(alert).is_none_or(|head| head.app != app) {
        return Ok(None);
    }
    reading.open_of_alerts(db, &[alert]).await?;
    reading.orders_of(db, &[alert]).await?;
    let named = match settlement {
        Settlement::Winner(rider) | Settlement::Lost(rider) => BTreeSet::from([(alert, rider)]),
        Settlement::Nobody => BTreeSet::new(),
    };
    reading.standing(db, &named).await?;
    let mut book = reading.into_book();
    let settled = book.settle(alert, settlement, at);
    save(db, &mut book).await?;
    Ok(Some(settled))
}

pub(super) async fn due_asks(
    db: &mut Db<'_>,
    now: EpochMs,
    limit: u32,
) -> StoreResult<Vec<(AlertId, RiderKey)>> {
    let rows = sql(DUE_ASKS).bind(now.0).bind(limit).all(db).await?;
    rows.iter()
        .map(|row| {
            let mut fields = Fields::of(row, "deliveries");
            Ok((fields.parsed()?, fields.rider_key()?))
        })
        .collect()
}

pub(super) async fn take_ask(
    db: &mut Db<'_>,
    alert: AlertId,
    rider: &RiderKey,
    again_at: EpochMs,
    at: EpochMs,
) -> StoreResult<Option<Claim>> {
    let Some(mut book) = claim(db, alert, rider).await? else { return Ok(None) };
    if !book.take_ask(alert, &rider.rider, again_at, at) {
        return Ok(None);
    }
    save(db, &mut book).await?;
    let row = sql(SELECT_ALERT).bind(alert.to_string()).one(db).await?;
    let alert = rows::alert(&mut Fields::of(&row, "alerts"))?;
    let delivery = book.delivery(alert.id, &rider.rider).cloned();
    Ok(delivery.map(|delivery| Claim { alert, delivery }))
}

pub(super) async fn ask_again(
    db: &mut Db<'_>,
    alert: AlertId,
    rider: &RiderKey,
    at: Option<EpochMs>,
) -> StoreResult<()> {
    let Some(mut book) = claim(db, alert, rider).await? else { return Ok(()) };
    book.ask_again(alert, &rider.rider, at);
    save(db, &mut book).await
}

/// A book with this one delivery, unless it is another app's.
async fn claim(
    db: &mut Db<'_>,
    alert: AlertId,
    rider: &RiderKey,
) -> StoreResult<Option<crate::domain::book::Book>> {
    let mut reading = Reading::default();
    let key: (AlertId, &RiderId) = (alert, &rider.rider);
    reading.standing(db, &BTreeSet::from([key])).await?;
    let theirs = reading.head(alert).is_some_and(|head| head.app == rider.app);
    Ok(theirs.then(|| reading.into_book()))
}
