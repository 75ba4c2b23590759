//! A move from one store to the other: all rows, and the same epoch, so that riders go on where they are.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::DataFolder;
use super::database::DATABASE;
use crate::config::{Config, StorePlace};
use crate::store::postgres;
use crate::store::transfer::{Copied, CopyStep, Epoch, Goal, Origin, copy};

/// Which way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// From the data folder to the server that `store.url` names.
    ToPostgres,
    /// Back.
    ToSqlite,
}

const COPYING: &str = "copying the database";

/// Copies all rows into an empty database. No server may run on either.
///
/// # Errors
/// No `store.url`, a server that runs, a goal that is not empty, a database that cannot be used. The goal is empty then.
pub async fn copy_store(
    config: &Config,
    data: PathBuf,
    way: Way,
    tell: &mut (dyn FnMut(CopyStep) + Send),
) -> anyhow::Result<Copied> {
    let StorePlace::Postgres(url) = config.store.place()? else {
        anyhow::bail!("store.url names no PostgreSQL server: set it to the one that takes part");
    };
    let folder = DataFolder::own(data)?;
    let database = folder.path(DATABASE);
    match way {
        Way::ToPostgres => {
            anyhow::ensure!(database.exists(), "there is no database {}", database.display());
            let goal = Goal::Postgres(url);
            copy(&Origin::File(database), &goal, &Epoch::Kept, tell).await.context(COPYING)
        }
        Way::ToSqlite => {
            anyhow::ensure!(!database.exists(), "{} is there already", database.display());
            let others = postgres::sessions(&url).await.context(COPYING)?;
            anyhow::ensure!(others == 0, "servers use the database ({others} connections): stop them first");
            let made = folder.path("orderbell.db.copying");
            clear(&made);
            let copied = copy(&Origin::Postgres(url), &Goal::File(made.clone()), &Epoch::Kept, tell).await;
            let copied = copied.context(COPYING).and_then(|copied| {
                std::fs::File::open(&made)?.sync_all()?;
                std::fs::rename(&made, &database)?;
                Ok(copied)
            });
            clear(&made);
            copied
        }
    }
}

fn clear(path: &Path) {
    let _none_there = std::fs::remove_file(path).is_err();
}
