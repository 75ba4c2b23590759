//! What has not arrived, counted along two indexes: what waits has one of its own, and so has what has ended.

use crate::store::sql::db::{Db, sql};
use crate::store::sql::rows::Fields;
use crate::store::{CallbackBacklog, StoreResult};

pub(in crate::store::sql) const BACKLOG: &str = "SELECT (SELECT COUNT(*) FROM callbacks WHERE state = 'waiting'), \
     (SELECT COUNT(*) FROM callbacks WHERE state = 'dead' AND ended_at IS NOT NULL)";

pub(in crate::store::sql) async fn backlog(db: &mut Db<'_>) -> StoreResult<CallbackBacklog> {
    let row = sql(BACKLOG).one(db).await?;
    let mut fields = Fields::of(&row, "callbacks");
    Ok(CallbackBacklog { waiting: fields.take()?, dead: fields.take()? })
}
