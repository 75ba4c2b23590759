//! Ladder steps: which are due, and what taking one writes.
//! A step is read with all its alert's deliveries and whoever it may bring; the book says what it does.

use std::collections::BTreeSet;

use super::book::{Reading, save};
use super::db::{Db, Dialect, Text, each, sql};
use super::recipes;
use super::rows::{self, Fields, head_columns};
use crate::domain::Sound;
use crate::domain::ladder::Act;
use crate::domain::{AlertId, AppId, Delivery, EpochMs, GroupId, Head, RiderId, RiderKey};
use crate::store::{DueStep, Stepped, StoreResult, When, World};

pub(super) const DUE: &str = concat!(
    "SELECT ",
    head_columns!(),
    " FROM alerts AS a WHERE a.state = 'active' AND a.step_due_at IS NOT NULL AND a.step_due_at <= $1 \
     AND a.rendered_at IS NOT NULL ORDER BY a.step_due_at, a.id LIMIT $2"
);
const MEMBERS_OF_GROUPS: Text = each(
    "SELECT DISTINCT rider_id FROM group_members WHERE app_id = $1 \
     AND group_id IN (SELECT value FROM json_each($2)) ORDER BY rider_id",
    "SELECT DISTINCT rider_id FROM group_members WHERE app_id = $1 \
     AND group_id IN (SELECT jsonb_array_elements_text(CAST($2 AS JSONB))) ORDER BY rider_id",
);
const MEMBERS_OF_ITS_RIDERS_GROUPS: &str = "SELECT DISTINCT m.rider_id FROM deliveries AS d \
     JOIN group_members AS o ON o.app_id = d.app_id AND o.rider_id = d.rider_id \
     JOIN group_members AS m ON m.app_id = o.app_id AND m.group_id = o.group_id \
     WHERE d.alert_id = $1 ORDER BY m.rider_id";
const SELECT_HEAD: &str = concat!("SELECT ", head_columns!(), " FROM alerts AS a WHERE a.id = $1");
const SET_SOUND: &str = "UPDATE alerts SET sound = $2 WHERE id = $1";
pub(super) const LADDERED: &str = concat!(
    "SELECT ",
    head_columns!(),
    " FROM deliveries AS d JOIN alerts AS a ON a.id = d.alert_id \
     WHERE d.app_id = $1 AND d.rider_id = $2 AND d.ended_at IS NULL AND a.state = 'active' \
     AND a.ladder <> '[]' ORDER BY d.ordinal"
);
const OPEN_RIDERS: &str =
    "SELECT rider_id FROM deliveries WHERE alert_id = $1 AND ended_at IS NULL ORDER BY ordinal";

pub(super) async fn due(db: &mut Db<'_>, now: EpochMs, limit: u32) -> StoreResult<Vec<DueStep>> {
    let rows = sql(DUE).bind(now.0).bind(limit).all(db).await?;
    let mut due = Vec::with_capacity(rows.len());
    for row in &rows {
        let head = rows::head(&mut Fields::of(row, "alerts"))?;
        due.extend(head.due_level(now).map(|level| DueStep { head, level }));
    }
    Ok(due)
}

/// What is asked of [`step`].
pub(super) struct Ask {
    /// Of which alert.
    pub(super) alert: AlertId,
    /// Which level.
    pub(super) level: u32,
    /// Why.
    pub(super) when: When,
    /// The alert's sound from now on.
    pub(super) sound: Option<Sound>,
    /// What the rules go by.
    pub(super) world: World,
    /// When.
    pub(super) at: EpochMs,
}

pub(super) async fn step(db: &mut Db<'_>, ask: &Ask) -> StoreResult<Option<Stepped>> {
    let mut reading = Reading::default();
    take_ahead(db, ask, &mut reading).await?;
    reading.heads(db, &[ask.alert]).await?;
    let Some(head) = reading.head(ask.alert).cloned() else { return Ok(None) };
    let Some(step) = head.ladder.steps().get(ask.level as usize) else { return Ok(None) };
    reading.all_of_alert(db, ask.alert).await?;
    let station = station(db, &head, &step.act).await?;
    reading.riders_of_deliveries(db, Delivery::is_open).await?;
    if step.act.widens() {
        let new = station.iter().chain(&head.candidates);
        let new = new.map(|rider| RiderKey { app: head.app, rider: rider.clone() }).collect();
        let collapse_keys = head.collapse_key.as_deref().into_iter().collect();
        reading.riders(db, &new).await?;
        reading.orders_of(db, &[ask.alert]).await?;
        reading.open_that_match(db, &new, &BTreeSet::new(), &collapse_keys).await?;
    }
    let mut book = reading.into_book();
    let stepped = book.step(ask.alert, ask.level, ask.when, &station, &ask.world.context(ask.at));
    let Some(stepped) = stepped else { return Ok(None) };
    save(db, &mut book).await?;
    if let Some(sound) = &ask.sound {
        let sound = rows::json("alerts", sound)?;
        sql(SET_SOUND).bind(ask.alert.to_string()).bind(sound).run(db).await?;
        recipes::keep_all(db, ask.sound.iter().map(|sound| (sound, ask.at))).await?;
    }
    Ok(Some(stepped))
}

/// The order and the riders of a step, before its alert.
async fn take_ahead(db: &mut Db<'_>, ask: &Ask, reading: &mut Reading) -> StoreResult<()> {
    if db.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    let Some(row) = sql(SELECT_HEAD).bind(ask.alert.to_string()).optional(db).await? else { return Ok(()) };
    let head = rows::head(&mut Fields::of(&row, "alerts"))?;
    let Some(step) = head.ladder.steps().get(ask.level as usize) else { return Ok(()) };
    let mut wanted = Vec::new();
    if step.act.widens() {
        reading.orders(db, head.order().as_ref()).await?;
        wanted = station(db, &head, &step.act).await?;
        wanted.extend(head.candidates.iter().cloned());
    }
    let wanted = wanted.into_iter().map(|rider| RiderKey { app: head.app, rider });
    reading.open_riders_ahead(db, ask.alert, wanted).await
}

/// Who a step for a station means: its groups, else those of the riders who have the alert.
async fn station(db: &mut Db<'_>, head: &Head, act: &Act) -> StoreResult<Vec<RiderId>> {
    let groups: &[GroupId] = match act {
        Act::Station { groups } => groups,
        Act::Repeat | Act::Louder | Act::Next | Act::Desk | Act::Http(_) | Act::Exhausted => {
            return Ok(Vec::new());
        }
    };
    let members = if groups.is_empty() {
        sql(MEMBERS_OF_ITS_RIDERS_GROUPS).bind(head.id.to_string())
    } else {
        let groups = rows::json("groups", groups)?;
        sql(MEMBERS_OF_GROUPS).bind(head.app.to_string()).bind(groups)
    };
    let rows = members.all(db).await?;
    rows.iter().map(|row| Fields::of(row, "group_members").parsed()).collect()
}

/// Active alerts with a ladder that are open for this rider, with all for whom they are, as of one moment.
pub(super) async fn laddered(
    db: &mut Db<'_>,
    app: AppId,
    rider: &RiderId,
) -> StoreResult<Vec<(Head, Vec<RiderId>)>> {
    let rows = sql(LADDERED).bind(app.to_string()).bind(rider.as_str());
    let mut laddered = Vec::new();
    for row in &rows.all(db).await? {
        let head = rows::head(&mut Fields::of(row, "alerts"))?;
        let open = sql(OPEN_RIDERS).bind(head.id.to_string()).all(db).await?;
        let riders = open.iter().map(|row| Fields::of(row, "deliveries").parsed());
        laddered.push((head, riders.collect::<StoreResult<_>>()?));
    }
    Ok(laddered)
}
