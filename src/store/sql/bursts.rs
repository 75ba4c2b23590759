//! Bursts: deliveries that wait for company, and what becomes of them when they have waited long enough.

use std::collections::BTreeSet;

use super::book::{Reading, save_with};
use super::db::{Db, sql};
use super::rows::{Fields, nonsense};
use crate::domain::{Alert, EpochMs, RiderKey};
use crate::store::{Merged, StoreResult, World};

pub(super) const DUE: &str = "SELECT app_id, rider_id, COUNT(*) FROM deliveries \
     WHERE held_until IS NOT NULL AND held_until <= $1 GROUP BY app_id, rider_id \
     ORDER BY app_id, rider_id LIMIT $2";

pub(super) async fn due(db: &mut Db<'_>, now: EpochMs, limit: u32) -> StoreResult<Vec<(RiderKey, usize)>> {
    let rows = sql(DUE).bind(now.0).bind(limit).all(db).await?;
    rows.iter()
        .map(|row| {
            let mut fields = Fields::of(row, "deliveries");
            let (rider, count) = (fields.rider_key()?, fields.count()?);
            Ok((rider, usize::try_from(count).map_err(|error| nonsense("deliveries", error))?))
        })
        .collect()
}

/// What is asked of [`merge`].
pub(super) struct Burst {
    /// Whose.
    pub(super) rider: RiderKey,
    /// The alert drafted for all of it, and for how many.
    pub(super) together: Option<(Alert, usize)>,
    /// What the rules go by.
    pub(super) world: World,
    /// When.
    pub(super) at: EpochMs,
}

pub(super) async fn merge(db: &mut Db<'_>, burst: &Burst) -> StoreResult<Merged> {
    let mut reading = Reading::default();
    reading.riders(db, &BTreeSet::from([burst.rider.clone()])).await?;
    reading.open_of_rider(db, &burst.rider).await?;
    let mut book = reading.into_book();
    let together = burst.together.as_ref().map(|(alert, count)| (&alert.head, *count));
    let merged = book.merge(&burst.rider, together, &burst.world.context(burst.at));
    let bodies: Vec<&Alert> = burst.together.iter().map(|(alert, _)| alert).collect();
    save_with(db, &mut book, &bodies, burst.at).await?;
    Ok(merged)
}
