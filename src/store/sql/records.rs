//! The record looked through, in SQL: narrow rows are looked at along an index, and what fits is read whole.
//! Alerts are ordered by their ids, which rise with the time their event came in.

use std::collections::HashMap;

use async_trait::async_trait;

use super::SqlStore;
use super::db::{Db, Query, Row, Text, each, sql};
use super::engine::Engine;
use super::rows::{self, Fields, alert_columns, delivery_columns};
use crate::domain::app::KeyMode;
use crate::domain::delivery::EndReason;
use crate::domain::report::Outcome;
use crate::domain::{Alert, AlertId, AlertState, AppId, DeliveryState, GroupId, Need, RiderId, RiderKey};
use crate::store::{
    AlertFilter, AlertSummary, DeliveryPlace, HistoryFilter, Page, PageSize, PastDelivery, RecordStore, Span,
    StoreResult, Whose,
};

/// Alerts that are read whole at once.
const WHOLE_AT_ONCE: usize = 20;
/// Deliveries that are counted for one page; announcements have thousands, and a page of them ends here. It takes about
/// 20 ms.
const COUNTED_MAX: u64 = 20_000;

// That an id is not empty is said for SQLite, whose indexes of the record are for those who say it (0008_queries.sql).
const LOOK: &str = "SELECT a.id, a.kind, a.state FROM alerts AS a \
     WHERE a.app_id = $1 AND a.id >= $2 AND a.id < $3 ORDER BY a.id DESC LIMIT $4";
const LOOK_OF_ORDER: &str = "SELECT a.id, a.kind, a.state FROM alerts AS a \
     WHERE a.app_id = $1 AND a.id >= $2 AND a.id < $3 AND a.order_id = $5 AND a.order_id > '' ORDER BY a.id DESC LIMIT $4";
const LOOK_OF_ORDER_FOR_RIDER: &str = "SELECT a.id, a.kind, a.state FROM alerts AS a \
     WHERE a.app_id = $1 AND a.id >= $2 AND a.id < $3 AND a.order_id = $5 AND a.order_id > '' \
     AND EXISTS (SELECT 1 FROM deliveries AS d WHERE d.alert_id = a.id AND d.rider_id = $6) \
     ORDER BY a.id DESC LIMIT $4";
const LOOK_FOR_RIDER: &str = "SELECT a.id, a.kind, a.state FROM deliveries AS d \
     JOIN alerts AS a ON a.id = d.alert_id \
     WHERE d.app_id = $1 AND d.alert_id >= $2 AND d.alert_id < $3 AND d.rider_id = $5 AND d.alert_id > '' \
     ORDER BY d.alert_id DESC LIMIT $4";
const LOOK_AT_HISTORY: &str = "SELECT d.alert_id, a.kind, d.state, d.reason FROM deliveries AS d \
     JOIN alerts AS a ON a.id = d.alert_id \
     WHERE d.app_id = $1 AND d.alert_id >= $2 AND d.alert_id < $3 AND d.rider_id = $5 AND d.alert_id > '' \
     ORDER BY d.alert_id DESC LIMIT $4";

const WHOLE: Text = each(
    concat!("SELECT ", alert_columns!(), " FROM alerts AS a WHERE a.id IN (SELECT value FROM json_each($1))"),
    concat!(
        "SELECT ",
        alert_columns!(),
        " FROM alerts AS a WHERE a.id IN (SELECT jsonb_array_elements_text(CAST($1 AS JSONB)))"
    ),
);
const COUNT: Text = each(
    "SELECT alert_id, state, COUNT(*) FROM deliveries \
     WHERE alert_id IN (SELECT value FROM json_each($1)) GROUP BY alert_id, state",
    "SELECT alert_id, state, COUNT(*) FROM deliveries \
     WHERE alert_id IN (SELECT jsonb_array_elements_text(CAST($1 AS JSONB))) GROUP BY alert_id, state",
);
macro_rules! past {
    () => {
        concat!(
            "SELECT ",
            delivery_columns!(),
            ", a.event_id, a.order_id, a.kind, a.key_mode, a.created_at FROM deliveries AS d \
             JOIN alerts AS a ON a.id = d.alert_id WHERE d.rider_id = $1 AND d.alert_id IN "
        )
    };
}
const PAST: Text = each(
    concat!(past!(), "(SELECT value FROM json_each($2)) ORDER BY d.alert_id DESC"),
    concat!(past!(), "(SELECT jsonb_array_elements_text(CAST($2 AS JSONB))) ORDER BY d.alert_id DESC"),
);

macro_rules! outcome_columns {
    () => {
        "SELECT d.alert_id, d.id, d.rider_id, a.order_id, a.kind, a.key_mode, d.need, a.starts_at, a.stored_at, \
         d.reason, d.trouble, d.sent_at, d.received_at, d.playing_at, d.played_at, d.answered_at, d.ended_at "
    };
}
macro_rules! outcomes {
    ($theirs:literal) => {
        concat!(
            outcome_columns!(),
            "FROM alerts AS a ",
            $theirs,
            " WHERE a.app_id = $1 AND a.id >= $2 AND a.id <= $3 AND (a.id < $3 OR d.rider_id < $5) \
             ORDER BY a.id DESC, d.rider_id DESC LIMIT $4"
        )
    };
}
// After a place: what is left of its alert, then older alerts. PostgreSQL must be told to look for the deliveries of one alert
// after the other (by `OFFSET`, behind which it does not look): it would begin at the newest delivery of all.
const OUTCOMES: Text = each(
    outcomes!("JOIN deliveries AS d ON d.alert_id = a.id"),
    outcomes!("CROSS JOIN LATERAL (SELECT * FROM deliveries WHERE alert_id = a.id OFFSET 0) AS d"),
);
const OUTCOMES_OF_RIDER: &str = concat!(
    outcome_columns!(),
    "FROM deliveries AS d JOIN alerts AS a ON a.id = d.alert_id \
     WHERE d.app_id = $1 AND d.alert_id >= $2 AND d.alert_id < $3 AND d.rider_id = $5 AND d.alert_id > '' \
     ORDER BY d.alert_id DESC LIMIT $4"
);
const GROUPS_OF: Text = each(
    "SELECT rider_id, group_id FROM group_members WHERE app_id = $1 \
     AND rider_id IN (SELECT value FROM json_each($2)) ORDER BY rider_id, group_id",
    "SELECT rider_id, group_id FROM group_members WHERE app_id = $1 \
     AND rider_id IN (SELECT jsonb_array_elements_text(CAST($2 AS JSONB))) ORDER BY rider_id, group_id",
);

#[async_trait]
impl<E: Engine> RecordStore for SqlStore<E> {
    async fn find_alerts(
        &self,
        app: AppId,
        filter: AlertFilter,
        before: Option<AlertId>,
        size: PageSize,
    ) -> StoreResult<Page<AlertSummary, AlertId>> {
        let mut snapshot = self.engine.snapshot().await?;
        let db = &mut snapshot.db();
        let is_narrow = filter.state.is_some() || filter.kind.is_some();
        let size = if is_narrow { size } else { PageSize { looks: size.rows, ..size } };
        let look = match (&filter.order, &filter.rider) {
            (None, None) => walk(LOOK, app, filter.span, before, size.looks + 1),
            (None, Some(rider)) => {
                walk(LOOK_FOR_RIDER, app, filter.span, before, size.looks + 1).bind(rider.as_str())
            }
            (Some(order), None) => {
                walk(LOOK_OF_ORDER, app, filter.span, before, size.looks + 1).bind(order.as_str())
            }
            (Some(order), Some(rider)) => {
                let look = walk(LOOK_OF_ORDER_FOR_RIDER, app, filter.span, before, size.looks + 1);
                look.bind(order.as_str()).bind(rider.as_str())
            }
        };
        let looked_at = read(&look.all(db).await?, "alerts", |fields| {
            Ok((fields.parsed()?, fields.take()?, fields.word(AlertState::parse)?))
        })?;
        let fits = |(_, kind, state): &(AlertId, String, AlertState)| filter.wants(kind, *state);
        let page = size.cut(looked_at, |(id, ..)| *id, fits);
        let ids: Vec<AlertId> = page.rows.iter().map(|(id, ..)| *id).collect();
        let (rows, ends_at) = summaries(db, &ids).await?;
        Ok(Page { rows, next: ends_at.or(page.next) })
    }

    async fn rider_history(
        &self,
        rider: RiderKey,
        filter: HistoryFilter,
        before: Option<AlertId>,
        size: PageSize,
    ) -> StoreResult<Page<PastDelivery, AlertId>> {
        let mut snapshot = self.engine.snapshot().await?;
        let db = &mut snapshot.db();
        let is_narrow = filter.state.is_some() || filter.reason.is_some() || filter.kind.is_some();
        let size = if is_narrow { size } else { PageSize { looks: size.rows, ..size } };
        let look = walk(LOOK_AT_HISTORY, rider.app, filter.span, before, size.looks + 1);
        let looked_at = look.bind(rider.rider.as_str()).all(db).await?;
        let looked_at = read(&looked_at, "deliveries", |fields| {
            let (alert, kind) = (fields.parsed()?, fields.take()?);
            Ok(Seen {
                alert,
                kind,
                state: fields.word(DeliveryState::parse)?,
                reason: fields.word_or_null(EndReason::parse)?,
            })
        })?;
        let fits = |seen: &Seen| filter.wants(&seen.kind, seen.state, seen.reason);
        let page = size.cut(looked_at, |seen| seen.alert, fits);
        let ids: Vec<AlertId> = page.rows.iter().map(|seen| seen.alert).collect();
        let past = sql(PAST).bind(rider.rider.as_str()).bind(rows::json("deliveries", &ids)?);
        Ok(Page { rows: read(&past.all(db).await?, "deliveries", past_delivery)?, next: page.next })
    }

    async fn outcomes(
        &self,
        app: AppId,
        whose: Whose,
        span: Span,
        after: Option<DeliveryPlace>,
        limit: u32,
    ) -> StoreResult<Vec<Outcome>> {
        let (alert, rider) = after.unzip();
        let query = match &whose {
            Whose::Rider(whose) => walk(OUTCOMES_OF_RIDER, app, span, alert, limit).bind(whose.as_str()),
            Whose::All => {
                walk(OUTCOMES, app, span, alert, limit).bind(rider.as_ref().map_or("", RiderId::as_str))
            }
        };
        read(&query.all(&mut self.engine.reader().await?.db()).await?, "deliveries", outcome)
    }

    async fn groups_of(&self, app: AppId, riders: Vec<RiderId>) -> StoreResult<Vec<(RiderId, GroupId)>> {
        let query = sql(GROUPS_OF).bind(app.to_string()).bind(rows::json("group_members", &riders)?);
        let rows = query.all(&mut self.engine.reader().await?.db()).await?;
        read(&rows, "group_members", |fields| Ok((fields.parsed()?, fields.parsed()?)))
    }
}

/// What is seen of a delivery before it is known whether it fits.
struct Seen {
    alert: AlertId,
    kind: String,
    state: DeliveryState,
    reason: Option<EndReason>,
}

/// A walk over an app's alerts of this span, those before that one.
fn walk(text: impl Into<Text>, app: AppId, span: Span, before: Option<AlertId>, limit: u32) -> Query {
    let (first, end) = span.ids();
    let end = before.map_or(end, |before| before.min(end));
    sql(text).bind(app.to_string()).bind(first.to_string()).bind(end.to_string()).bind(limit)
}

fn read<T>(
    rows: &[Row],
    table: &'static str,
    one: impl Fn(&mut Fields<'_>) -> StoreResult<T>,
) -> StoreResult<Vec<T>> {
    rows.iter().map(|row| one(&mut Fields::of(row, table))).collect()
}

/// These alerts with their counts, in this order; and after which one it is enough for a page, if that is before the last.
async fn summaries(db: &mut Db<'_>, ids: &[AlertId]) -> StoreResult<(Vec<AlertSummary>, Option<AlertId>)> {
    let (mut summaries, mut counted) = (Vec::with_capacity(ids.len()), 0);
    for some in ids.chunks(WHOLE_AT_ONCE) {
        let list = rows::json("alerts", some)?;
        let alerts = read(&sql(WHOLE).bind(&list).all(db).await?, "alerts", rows::alert)?;
        let mut alerts: HashMap<AlertId, Alert> = alerts.into_iter().map(|alert| (alert.id, alert)).collect();
        let counts = read(&sql(COUNT).bind(&list).all(db).await?, "deliveries", |fields| {
            Ok((fields.parsed()?, fields.word(DeliveryState::parse)?, fields.count()?))
        })?;
        let mut deliveries: HashMap<AlertId, Vec<(DeliveryState, u64)>> = HashMap::new();
        for (alert, state, count) in counts {
            deliveries.entry(alert).or_default().push((state, count));
            counted += count;
        }
        for id in some {
            let Some(alert) = alerts.remove(id) else { continue };
            let mut deliveries = deliveries.remove(id).unwrap_or_default();
            deliveries.sort_by_key(|(state, _)| DeliveryState::ALL.iter().position(|one| one == state));
            summaries.push(AlertSummary { alert, deliveries });
        }
        if counted > COUNTED_MAX && some.last() != ids.last() {
            return Ok((summaries, some.last().copied()));
        }
    }
    Ok((summaries, None))
}

fn past_delivery(fields: &mut Fields<'_>) -> StoreResult<PastDelivery> {
    Ok(PastDelivery {
        delivery: rows::delivery(fields)?,
        event_id: fields.parsed()?,
        order_id: fields.parsed_or_null()?,
        kind: fields.take()?,
        key_mode: fields.word(KeyMode::parse)?,
        created_at: fields.moment()?,
    })
}

fn outcome(fields: &mut Fields<'_>) -> StoreResult<Outcome> {
    Ok(Outcome {
        alert: fields.parsed()?,
        delivery: fields.parsed()?,
        rider: fields.parsed()?,
        order_id: fields.parsed_or_null()?,
        kind: fields.take()?,
        key_mode: fields.word(KeyMode::parse)?,
        need: fields.word(Need::parse)?,
        starts_at: fields.moment()?,
        stored_at: fields.moment()?,
        reason: fields.word_or_null(EndReason::parse)?,
        trouble: fields.take()?,
        sent_at: fields.moment_or_null()?,
        received_at: fields.moment_or_null()?,
        playing_at: fields.moment_or_null()?,
        played_at: fields.moment_or_null()?,
        answered_at: fields.moment_or_null()?,
        ended_at: fields.moment_or_null()?,
    })
}

/// The questions asked of the record, and words that SQLite's plan for each must contain.
#[cfg(test)]
pub(in crate::store) fn plans() -> [(Text, &'static str); 8] {
    [
        (LOOK.into(), "alerts_of_app (app_id=? AND id>? AND id<?)"),
        (LOOK_OF_ORDER.into(), "alerts_of_order (app_id=? AND order_id=? AND id>? AND id<?)"),
        (LOOK_OF_ORDER_FOR_RIDER.into(), "alerts_of_order (app_id=? AND order_id=? AND id>? AND id<?)"),
        (
            LOOK_FOR_RIDER.into(),
            "deliveries_of_rider (app_id=? AND rider_id=? AND alert_id>? AND alert_id<?)",
        ),
        (
            LOOK_AT_HISTORY.into(),
            "deliveries_of_rider (app_id=? AND rider_id=? AND alert_id>? AND alert_id<?)",
        ),
        (OUTCOMES, "alerts_of_app (app_id=? AND id>? AND id<?)"),
        (
            OUTCOMES_OF_RIDER.into(),
            "deliveries_of_rider (app_id=? AND rider_id=? AND alert_id>? AND alert_id<?)",
        ),
        (GROUPS_OF, "group_members_rider (app_id=? AND rider_id=?)"),
    ]
}
