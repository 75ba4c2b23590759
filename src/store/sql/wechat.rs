//! Rows of WeChat: who riders are there, with their consents; messages are in their own file.
//! A login and a link each find the row they are about by its key and lock it, so that one of two who link has it.

mod messages;

use super::db::{Db, Row, Text, each, sql};
use super::rows::Fields;
use crate::domain::wechat::{
    CONSENTS_MAX, Identity, LinkBy, LinkOffer, Linked, Login, OpenId, Template, UnionId,
};
use crate::domain::{AppId, EpochMs, RiderId, RiderKey};
use crate::store::{FILE_ROWS_MAX, StoreResult};

pub(super) use messages::{DELETE_OF_ALERTS, delete_all_of, due, file, finish, spend, spend_unheard, take};

const NOTE_LOGIN: &str = "INSERT INTO wechat_identities (app_id, program, openid, unionid, last_login_at) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (app_id, program, openid) DO UPDATE \
     SET unionid = COALESCE(excluded.unionid, wechat_identities.unionid), last_login_at = excluded.last_login_at \
     RETURNING rider_id, unionid";
pub(super) const ELSEWHERE: &str = "SELECT rider_id FROM wechat_identities WHERE app_id = $1 AND unionid = $2 \
     AND rider_id IS NOT NULL ORDER BY linked_at, program, openid LIMIT 1";
const OFFER: &str = "UPDATE wechat_identities SET link_hash = $4, link_until = $5 \
     WHERE app_id = $1 AND program = $2 AND openid = $3 AND rider_id IS NULL";
const BIND: &str = "UPDATE wechat_identities SET rider_id = $4, linked_at = $5, link_hash = NULL, link_until = NULL \
     WHERE app_id = $1 AND program = $2 AND openid = $3 AND rider_id IS NULL";
// Who was linked before any login is known by a place from now on.
const DELETE_EXPECTED: &str =
    "DELETE FROM wechat_identities WHERE app_id = $1 AND program = '' AND openid = $2";

macro_rules! by_code {
    () => {
        "SELECT program, openid, link_until FROM wechat_identities WHERE app_id = $1 AND link_hash = $2"
    };
}

pub(super) const BY_CODE: Text = each(by_code!(), concat!(by_code!(), " FOR NO KEY UPDATE"));
const BY_OPENID: &str = "INSERT INTO wechat_identities (app_id, program, openid, unionid, rider_id, linked_at) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (app_id, program, openid) DO UPDATE \
     SET rider_id = COALESCE(wechat_identities.rider_id, excluded.rider_id), \
     linked_at = COALESCE(wechat_identities.linked_at, excluded.linked_at), link_hash = NULL, link_until = NULL \
     RETURNING rider_id";

macro_rules! by_union {
    () => {
        "SELECT rider_id FROM wechat_identities WHERE app_id = $1 AND unionid = $2 ORDER BY program, openid"
    };
}

const BY_UNION: Text = each(by_union!(), concat!(by_union!(), " FOR NO KEY UPDATE"));
const BIND_UNION: &str = "UPDATE wechat_identities SET rider_id = $3, linked_at = $4, link_hash = NULL, \
     link_until = NULL WHERE app_id = $1 AND unionid = $2 AND rider_id IS NULL";
pub(super) const OF_RIDER: &str = "SELECT program, openid, unionid, linked_at, last_login_at, template, banked \
     FROM wechat_identities WHERE app_id = $1 AND rider_id = $2 ORDER BY linked_at, program, openid LIMIT $3";
const DELETE: &str = "DELETE FROM wechat_identities WHERE app_id = $1 AND rider_id = $2";

/// Who the rider was at their last login in a program, and one more, up to the most.
macro_rules! bank {
    ($least:literal) => {
        concat!(
            "UPDATE wechat_identities SET banked = ",
            $least,
            "(CAST($6 AS BIGINT), $5 + CASE WHEN template = $4 THEN banked ELSE 0 END), template = $4 \
             WHERE app_id = $1 AND program = $3 AND openid = (SELECT i.openid FROM wechat_identities AS i \
             WHERE i.app_id = $1 AND i.rider_id = $2 AND i.program = $3 \
             ORDER BY COALESCE(i.last_login_at, 0) DESC, i.openid LIMIT 1) RETURNING banked"
        )
    };
}

pub(super) const BANK: Text = each(bank!("MIN"), bank!("LEAST"));
pub(super) const FORGET: &str = "DELETE FROM wechat_identities WHERE (app_id, program, openid) IN \
     (SELECT app_id, program, openid FROM wechat_identities WHERE rider_id IS NULL AND last_login_at < $1 \
     ORDER BY last_login_at LIMIT $2)";

pub(super) async fn sign_in(
    db: &mut Db<'_>,
    app: AppId,
    login: &Login,
    offer: LinkOffer,
    at: EpochMs,
) -> StoreResult<Option<RiderId>> {
    let Login { program, openid, unionid } = login;
    let place = |statement: &'static str| {
        sql(statement).bind(app.to_string()).bind(program.as_str()).bind(openid.as_str())
    };
    let noted = place(NOTE_LOGIN).bind(unionid.as_ref().map(UnionId::as_str)).bind(at.0).one(db).await?;
    let mut noted = Fields::of(&noted, "wechat_identities");
    if let Some(rider) = noted.parsed_or_null()? {
        return Ok(Some(rider));
    }
    let unionid: Option<UnionId> = noted.parsed_or_null()?;
    let elsewhere = match &unionid {
        Some(unionid) => sql(ELSEWHERE).bind(app.to_string()).bind(unionid.as_str()).optional(db).await?,
        None => None,
    };
    let rider: Option<RiderId> =
        elsewhere.map(|row| Fields::of(&row, "wechat_identities").parsed()).transpose()?;
    match (&rider, unionid) {
        (Some(rider), Some(unionid)) => {
            place(BIND).bind(rider.as_str()).bind(at.0).run(db).await?;
            sql(DELETE_EXPECTED).bind(app.to_string()).bind(unionid.as_str()).run(db).await?;
        }
        (Some(_) | None, _) => {
            place(OFFER).bind(offer.hash).bind(offer.until.0).run(db).await?;
        }
    }
    Ok(rider)
}

pub(super) async fn link(db: &mut Db<'_>, rider: &RiderKey, by: &LinkBy, at: EpochMs) -> StoreResult<Linked> {
    match by {
        LinkBy::Code(hash) => by_code(db, rider, *hash, at).await,
        LinkBy::OpenId(program, openid) => {
            expect(
                db,
                rider,
                Expected { program: program.as_str(), openid: openid.as_str(), unionid: None },
                at,
            )
            .await
        }
        LinkBy::UnionId(unionid) => by_union(db, rider, unionid, at).await,
    }
}

async fn by_code(db: &mut Db<'_>, rider: &RiderKey, hash: [u8; 32], at: EpochMs) -> StoreResult<Linked> {
    let found = sql(BY_CODE).bind(rider.app.to_string()).bind(hash).all(db).await?;
    // Should chance have given one code twice, it names nobody.
    let [row] = &found[..] else { return Ok(Linked::Unknown) };
    let mut fields = Fields::of(row, "wechat_identities");
    let (program, openid): (String, String) = (fields.take()?, fields.take()?);
    if fields.moment_or_null()?.is_none_or(|until| until <= at) {
        return Ok(Linked::Unknown);
    }
    let binding = sql(BIND).bind(rider.app.to_string()).bind(program).bind(openid);
    let bound = binding.bind(rider.rider.as_str()).bind(at.0).run(db).await?;
    Ok(if bound > 0 { Linked::Linked } else { Linked::Unknown })
}

/// Somebody who may not have logged in yet.
struct Expected<'a> {
    program: &'a str,
    openid: &'a str,
    unionid: Option<&'a str>,
}

async fn expect(
    db: &mut Db<'_>,
    rider: &RiderKey,
    expected: Expected<'_>,
    at: EpochMs,
) -> StoreResult<Linked> {
    let putting = sql(BY_OPENID).bind(rider.app.to_string()).bind(expected.program).bind(expected.openid);
    let putting = putting.bind(expected.unionid).bind(rider.rider.as_str()).bind(at.0);
    let theirs: RiderId = Fields::of(&putting.one(db).await?, "wechat_identities").parsed()?;
    Ok(if theirs == rider.rider { Linked::Linked } else { Linked::Taken })
}

async fn by_union(db: &mut Db<'_>, rider: &RiderKey, unionid: &UnionId, at: EpochMs) -> StoreResult<Linked> {
    let (app, id) = (rider.app.to_string(), unionid.as_str());
    let found = sql(BY_UNION).bind(&app).bind(id).all(db).await?;
    if found.is_empty() {
        return expect(db, rider, Expected { program: "", openid: id, unionid: Some(id) }, at).await;
    }
    for row in &found {
        let theirs: Option<RiderId> = Fields::of(row, "wechat_identities").parsed_or_null()?;
        if theirs.is_some_and(|theirs| theirs != rider.rider) {
            return Ok(Linked::Taken);
        }
    }
    sql(BIND_UNION).bind(&app).bind(id).bind(rider.rider.as_str()).bind(at.0).run(db).await?;
    Ok(Linked::Linked)
}

pub(super) async fn identities(db: &mut Db<'_>, rider: &RiderKey) -> StoreResult<Vec<Identity>> {
    let asking = sql(OF_RIDER).bind(rider.app.to_string()).bind(rider.rider.as_str()).bind(FILE_ROWS_MAX);
    asking.all(db).await?.iter().map(read).collect()
}

fn read(row: &Row) -> StoreResult<Identity> {
    let mut fields = Fields::of(row, "wechat_identities");
    let program: &str = fields.take()?;
    let is_expected = program.is_empty();
    let mut place = Fields::of(row, "wechat_identities");
    let place = if is_expected { None } else { Some((place.parsed()?, place.parsed::<OpenId>()?)) };
    fields.skip(1);
    Ok(Identity {
        place,
        unionid: fields.parsed_or_null()?,
        linked_at: fields.moment()?,
        last_login_at: fields.moment_or_null()?,
        banked: match fields.parsed_or_null()? {
            Some(template) => Some((template, fields.take()?)),
            None => None,
        },
    })
}

pub(super) async fn unlink(db: &mut Db<'_>, rider: &RiderKey) -> StoreResult<u64> {
    messages::delete_waiting_of(db, rider).await?;
    forget_rider(db, rider).await
}

/// Forgets who a rider is; how many they were.
pub(super) async fn forget_rider(db: &mut Db<'_>, rider: &RiderKey) -> StoreResult<u64> {
    sql(DELETE).bind(rider.app.to_string()).bind(rider.rider.as_str()).run(db).await
}

pub(super) async fn bank(
    db: &mut Db<'_>,
    rider: &RiderKey,
    template: &Template,
    accepted: u32,
) -> StoreResult<u32> {
    let banking = sql(BANK)
        .bind(rider.app.to_string())
        .bind(rider.rider.as_str())
        .bind(template.program.as_str())
        .bind(template.id.as_str())
        .bind(accepted)
        .bind(CONSENTS_MAX);
    let banked = banking.optional(db).await?;
    banked.map_or(Ok(0), |row| Fields::of(&row, "wechat_identities").take())
}

pub(super) async fn forget(db: &mut Db<'_>, before: EpochMs, limit: u32) -> StoreResult<u64> {
    sql(FORGET).bind(before.0).bind(limit).run(db).await
}

/// Questions whose plans are tested.
#[cfg(test)]
pub(super) mod plans {
    pub(in crate::store::sql) use super::messages::{DUE, FILE, WILLING};
    pub(in crate::store::sql) use super::{BANK, BY_CODE, ELSEWHERE, FORGET, OF_RIDER};
}
