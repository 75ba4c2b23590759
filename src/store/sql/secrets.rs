//! Rows of secrets, whose owners are keys and apps, and the column in which their owners' rows bring them along.

use serde::Deserialize;

use super::db::{Db, sql};
use super::rows::{Fields, nonsense};
use crate::domain::secret::rotate;
use crate::domain::{EpochMs, Secret, SecretKind};
use crate::store::{StoreError, StoreResult};

const INSERT: &str = "INSERT INTO secrets (owner, kind, kept, created_at, until) VALUES ($1, $2, $3, $4, $5)";
const DELETE: &str = "DELETE FROM secrets WHERE owner = $1";

/// The secrets of the owner with this id as one JSON column, the newest first, for [`taken`].
macro_rules! secrets_of {
    (postgres $owner:literal) => {
        concat!(
            "(SELECT CAST(COALESCE(json_agg(json_build_object('kind', kind, 'kept', encode(kept, 'hex'), \
             'created_at', created_at, 'until', until) ORDER BY ordinal DESC), '[]') AS TEXT) \
             FROM secrets WHERE owner = ",
            $owner,
            ")"
        )
    };
    (sqlite $owner:literal) => {
        concat!(
            "(SELECT json_group_array(json_object('kind', kind, 'kept', hex(kept), 'created_at', created_at, \
             'until', until) ORDER BY ordinal DESC) FROM secrets WHERE owner = ",
            $owner,
            ")"
        )
    };
}

#[derive(Deserialize)]
struct Row {
    kind: String,
    kept: String,
    created_at: i64,
    until: Option<i64>,
}

/// Takes the column of [`secrets_of`].
pub(super) fn taken(fields: &mut Fields<'_>) -> StoreResult<Vec<Secret>> {
    let rows: Vec<Row> = fields.json()?;
    rows.into_iter()
        .map(|row| {
            let wrong = |what: &'static str| nonsense("secrets", what);
            Ok(Secret {
                kind: SecretKind::parse(&row.kind).ok_or_else(|| wrong("there is no such kind"))?,
                kept: unhex(&row.kept).ok_or_else(|| wrong("it is not in hex"))?,
                created_at: EpochMs(row.created_at),
                until: row.until.map(EpochMs),
            })
        })
        .collect()
}

/// Adds the secrets of a new owner; they are the newest first.
pub(super) async fn add(db: &mut Db<'_>, owner: &str, secrets: &[Secret]) -> StoreResult<()> {
    for secret in secrets.iter().rev() {
        let insert = sql(INSERT).bind(owner).bind(secret.kind.as_str()).bind(&secret.kept[..]);
        let insert = insert.bind(secret.created_at.0).bind(secret.until.map(|until| until.0));
        super::error::taken(insert.try_run(db).await, "this secret")?;
    }
    Ok(())
}

/// Puts a new one in the place of the newest of its kind.
pub(super) async fn replace(
    db: &mut Db<'_>,
    owner: &str,
    mut secrets: Vec<Secret>,
    new: Secret,
    old_until: EpochMs,
) -> Result<(), StoreError> {
    rotate(&mut secrets, new, old_until);
    sql(DELETE).bind(owner).run(db).await?;
    add(db, owner, &secrets).await
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.len().is_multiple_of(2).then(|| text.as_bytes().chunks_exact(2))?;
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

pub(super) use secrets_of;
