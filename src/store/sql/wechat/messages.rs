//! Messages through WeChat: made, with the consent they cost, in the write that finds out that a rider cannot hear an alert.
//! There is one for an alert and a rider, whatever happens to both later; its end says what it leaves of the consents.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::domain::book::{UNHEARD_MAX, Unheard};
use crate::domain::wechat::{Message, MessageEnd, Template};
use crate::domain::{AlertId, AppId, EpochMs, RiderId, RiderKey};
use crate::store::sql::book::{Reading, save};
use crate::store::sql::db::{Db, Text, each, sql};
use crate::store::sql::rows::{self, Fields};
use crate::store::{FILE_ROWS_MAX, MessageResult, MessageTrace, StoreResult, World};

// One entry for a rider and a template, in the order in which they are wanted.
pub(in crate::store::sql) const WILLING: Text = each(
    "SELECT k.key, i.openid, i.banked FROM jsonb_each($1) AS k CROSS JOIN wechat_identities AS i \
     ON i.app_id = k.value ->> 1 AND i.rider_id = k.value ->> 2 AND i.program = k.value ->> 3 \
     WHERE i.template = k.value ->> 4 AND i.banked > 0 AND NOT EXISTS (SELECT 1 FROM wechat_messages AS m \
     WHERE m.alert_id = k.value ->> 0 AND m.rider_id = k.value ->> 2) \
     ORDER BY k.key, COALESCE(i.last_login_at, 0) DESC, i.openid",
    "SELECT k.n - 1, i.openid, i.banked FROM jsonb_array_elements(CAST($1 AS JSONB)) WITH ORDINALITY AS k(v, n) \
     JOIN wechat_identities AS i ON i.app_id = k.v ->> 1 AND i.rider_id = k.v ->> 2 AND i.program = k.v ->> 3 \
     WHERE i.template = k.v ->> 4 AND i.banked > 0 AND NOT EXISTS (SELECT 1 FROM wechat_messages AS m \
     WHERE m.alert_id = k.v ->> 0 AND m.rider_id = k.v ->> 2) \
     ORDER BY k.n, COALESCE(i.last_login_at, 0) DESC, i.openid FOR NO KEY UPDATE OF i",
);
const SPEND: &str = "UPDATE wechat_identities SET banked = banked - $4 \
     WHERE app_id = $1 AND program = $2 AND openid = $3";
const INSERT: Text = each(
    "INSERT INTO wechat_messages (alert_id, rider_id, app_id, program, openid, template, made_at, due_at) \
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, \
     value ->> 7 FROM jsonb_each($1) WHERE TRUE ORDER BY key",
    "INSERT INTO wechat_messages (alert_id, rider_id, app_id, program, openid, template, made_at, due_at) \
     SELECT k.v ->> 0, k.v ->> 1, k.v ->> 2, k.v ->> 3, k.v ->> 4, k.v ->> 5, CAST(k.v ->> 6 AS BIGINT), \
     CAST(k.v ->> 7 AS BIGINT) FROM jsonb_array_elements(CAST($1 AS JSONB)) AS k(v)",
);
pub(in crate::store::sql) const DUE: &str = "SELECT app_id, alert_id, rider_id, openid, program, template, due_at, attempts \
     FROM wechat_messages WHERE due_at IS NOT NULL AND due_at <= $1 ORDER BY due_at, alert_id, rider_id LIMIT $2";
const TAKE: &str = "UPDATE wechat_messages SET due_at = $3, attempts = attempts + 1 \
     WHERE alert_id = $1 AND rider_id = $2 AND due_at IS NOT NULL AND due_at <= $4";
const AGAIN: &str = "UPDATE wechat_messages SET due_at = $3, attempts = attempts - $4 \
     WHERE alert_id = $1 AND rider_id = $2 AND due_at IS NOT NULL";
// Whom it was for goes with its end.
const FINISH: &str = "UPDATE wechat_messages SET due_at = NULL, openid = '', ended_at = $3, result = $4 \
     WHERE alert_id = $1 AND rider_id = $2 AND due_at IS NOT NULL";

macro_rules! banked {
    () => {
        "SELECT banked FROM wechat_identities WHERE app_id = $1 AND program = $2 AND openid = $3 AND template = $4"
    };
}

const BANKED: Text = each(banked!(), concat!(banked!(), " FOR NO KEY UPDATE"));
const SET_BANKED: &str =
    "UPDATE wechat_identities SET banked = $4 WHERE app_id = $1 AND program = $2 AND openid = $3";
pub(in crate::store::sql) const FILE: &str = "SELECT alert_id, program, made_at, attempts, ended_at, result FROM wechat_messages \
     WHERE app_id = $1 AND rider_id = $2 ORDER BY made_at, alert_id LIMIT $3";
const DELETE_ALL: &str = "DELETE FROM wechat_messages WHERE app_id = $1 AND rider_id = $2";
const DELETE_WAITING: &str =
    "DELETE FROM wechat_messages WHERE app_id = $1 AND rider_id = $2 AND due_at IS NOT NULL";
/// Messages of these alerts, whose ids are a list in JSON.
pub(in crate::store::sql) const DELETE_OF_ALERTS: Text = each(
    "DELETE FROM wechat_messages WHERE alert_id IN (SELECT value FROM json_each($1))",
    "DELETE FROM wechat_messages WHERE alert_id IN (SELECT jsonb_array_elements_text(CAST($1 AS JSONB)))",
);

/// A message, in the order `INSERT` takes it.
#[derive(Serialize)]
struct NewRow<'a>(AlertId, &'a RiderId, AppId, &'a str, String, &'a str, EpochMs, EpochMs);

/// Makes a message for each of these who have a consent left, and takes that from them.
pub(in crate::store::sql) async fn spend(db: &mut Db<'_>, unheard: &[Unheard]) -> StoreResult<()> {
    if unheard.is_empty() {
        return Ok(());
    }
    let wanted = unheard.iter().flat_map(|one| one.messaging.templates.iter().map(move |t| (one, t)));
    let wanted: Vec<(&Unheard, &Template)> = wanted.collect();
    let keys = wanted.iter().map(|(Unheard { alert, rider, .. }, Template { program, id })| {
        (*alert, rider.app, &rider.rider, program.as_str(), id.as_str())
    });
    let keys: Vec<_> = keys.collect();
    let found = sql(WILLING).bind(rows::json("wechat_identities", &keys)?).all(db).await?;
    let (mut served, mut new) = (BTreeSet::new(), Vec::new());
    let mut spent: BTreeMap<(AppId, &str, String), i64> = BTreeMap::new();
    for row in &found {
        let mut fields = Fields::of(row, "wechat_identities");
        let (place, openid, banked): (i64, String, i64) = (fields.take()?, fields.take()?, fields.take()?);
        let place = usize::try_from(place).map_err(|error| rows::nonsense("wechat_identities", error))?;
        let Some((one, Template { program, id })) = wanted.get(place) else { continue };
        let (app, rider) = (one.rider.app, &one.rider.rider);
        // Several alerts of one write may want the same consent, and no alert wants two.
        let left = banked - spent.get(&(app, program.as_str(), openid.clone())).copied().unwrap_or(0);
        if left > 0 && served.insert((one.alert, rider)) {
            *spent.entry((app, program.as_str(), openid.clone())).or_default() += 1;
            new.push(NewRow(
                one.alert,
                rider,
                app,
                program.as_str(),
                openid,
                id.as_str(),
                one.at,
                one.due_at(),
            ));
        }
    }
    for ((app, program, openid), count) in spent {
        sql(SPEND).bind(app.to_string()).bind(program).bind(openid).bind(count).run(db).await?;
    }
    if !new.is_empty() {
        sql(INSERT).bind(rows::json("wechat_messages", &new)?).run(db).await?;
    }
    Ok(())
}

pub(in crate::store::sql) async fn spend_unheard(
    db: &mut Db<'_>,
    rider: &RiderKey,
    world: &World,
    at: EpochMs,
) -> StoreResult<()> {
    let mut reading = Reading::default();
    reading.open_of_rider(db, rider).await?;
    let alerts = reading.alerts_of_few(UNHEARD_MAX);
    reading.open_of_alerts(db, &alerts).await?;
    let mut book = reading.into_book();
    book.rider_fell_silent(rider, &world.context(at));
    save(db, &mut book).await
}

pub(in crate::store::sql) async fn due(
    db: &mut Db<'_>,
    now: EpochMs,
    limit: u32,
) -> StoreResult<Vec<Message>> {
    let found = sql(DUE).bind(now.0).bind(limit).all(db).await?;
    let messages = found.iter().map(|row| {
        let mut fields = Fields::of(row, "wechat_messages");
        Ok(Message {
            app: fields.parsed()?,
            alert: fields.parsed()?,
            rider: fields.parsed()?,
            openid: fields.parsed()?,
            template: Template { program: fields.parsed()?, id: fields.parsed()? },
            due_at: fields.moment()?,
            attempts: fields.take()?,
        })
    });
    messages.collect()
}

pub(in crate::store::sql) async fn take(
    db: &mut Db<'_>,
    message: &Message,
    again_at: EpochMs,
    at: EpochMs,
) -> StoreResult<bool> {
    let taking = sql(TAKE).bind(message.alert.to_string()).bind(message.rider.as_str());
    Ok(taking.bind(again_at.0).bind(at.0).run(db).await? > 0)
}

pub(in crate::store::sql) async fn finish(
    db: &mut Db<'_>,
    message: &Message,
    result: MessageResult,
    at: EpochMs,
) -> StoreResult<()> {
    let of_it =
        |statement: &'static str| sql(statement).bind(message.alert.to_string()).bind(message.rider.as_str());
    match result {
        MessageResult::Again(due_at) => of_it(AGAIN).bind(due_at.0).bind(0_i64).run(db).await.map(|_| ()),
        MessageResult::PutOff(due_at) => of_it(AGAIN).bind(due_at.0).bind(1_i64).run(db).await.map(|_| ()),
        MessageResult::Over(end) => {
            if of_it(FINISH).bind(at.0).bind(end.as_str()).run(db).await? > 0 {
                leave(db, message, end).await?;
            }
            Ok(())
        }
    }
}

/// Sets what is left of the consents. Who has agreed to another template since then has those alone.
async fn leave(db: &mut Db<'_>, message: &Message, end: MessageEnd) -> StoreResult<()> {
    let Template { program, id } = &message.template;
    let theirs = |statement: Text| {
        sql(statement).bind(message.app.to_string()).bind(program.as_str()).bind(message.openid.as_str())
    };
    let Some(row) = theirs(BANKED).bind(id.as_str()).optional(db).await? else { return Ok(()) };
    let banked: u32 = Fields::of(&row, "wechat_identities").take()?;
    theirs(SET_BANKED.into()).bind(end.leaves(banked)).run(db).await?;
    Ok(())
}

/// Messages to a rider, for their file.
pub(in crate::store::sql) async fn file(db: &mut Db<'_>, rider: &RiderKey) -> StoreResult<Vec<MessageTrace>> {
    let asking = sql(FILE).bind(rider.app.to_string()).bind(rider.rider.as_str()).bind(FILE_ROWS_MAX);
    let found = asking.all(db).await?;
    let traces = found.iter().map(|row| {
        let mut fields = Fields::of(row, "wechat_messages");
        Ok(MessageTrace {
            alert: fields.parsed()?,
            program: fields.parsed()?,
            made_at: fields.moment()?,
            attempts: fields.take()?,
            end: fields.moment_or_null()?.zip(fields.word_or_null(MessageEnd::parse)?),
        })
    });
    traces.collect()
}

/// Removes all messages to a rider; how many.
pub(in crate::store::sql) async fn delete_all_of(db: &mut Db<'_>, rider: &RiderKey) -> StoreResult<u64> {
    sql(DELETE_ALL).bind(rider.app.to_string()).bind(rider.rider.as_str()).run(db).await
}

/// Removes those that are still to be sent.
pub(in crate::store::sql) async fn delete_waiting_of(db: &mut Db<'_>, rider: &RiderKey) -> StoreResult<u64> {
    sql(DELETE_WAITING).bind(rider.app.to_string()).bind(rider.rider.as_str()).run(db).await
}
