//! Locks on what has no row of its own to lock, or whose row is not what is written. Only PostgreSQL takes them: in SQLite
//! the writer is alone. They are held until the transaction ends.

use super::db::{Db, Dialect, sql};
use crate::domain::{AppId, KeyId};
use crate::store::StoreResult;

// Rows that refer to the app can still be added meanwhile.
const APP: &str = "SELECT id FROM apps WHERE id = $1 FOR NO KEY UPDATE";
const KEY: &str = "SELECT id FROM api_keys WHERE id = $1 FOR NO KEY UPDATE";
// Any number that nobody else takes.
const NOTICES: &str = "SELECT 1 FROM (SELECT pg_advisory_xact_lock(7022314801)) AS held";

/// What belongs to an app as a whole: its secrets, the versions of its wordings.
pub(super) async fn app(db: &mut Db<'_>, app: AppId) -> StoreResult<()> {
    row(db, APP, &app.to_string()).await
}

/// The secrets of a key.
pub(super) async fn key(db: &mut Db<'_>, key: KeyId) -> StoreResult<()> {
    row(db, KEY, &key.to_string()).await
}

/// The numbers of notices: with it they rise in the order of the commits, so that who reads on after the last number
/// that was seen misses nothing.
pub(super) async fn notices(db: &mut Db<'_>) -> StoreResult<()> {
    match db.dialect() {
        Dialect::Sqlite => Ok(()),
        Dialect::Postgres => sql(NOTICES).optional(db).await.map(|_| ()),
    }
}

async fn row(db: &mut Db<'_>, statement: &'static str, id: &str) -> StoreResult<()> {
    match db.dialect() {
        Dialect::Sqlite => Ok(()),
        Dialect::Postgres => sql(statement).bind(id).optional(db).await.map(|_| ()),
    }
}
