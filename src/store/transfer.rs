//! All rows of a database, copied into an empty one of either kind: a move to another database, or a backup put back.
//! Seen from one moment, whole or not at all, and read again and compared before it counts.

mod digest;
mod file;
mod server;
mod side;
mod table;
mod value;

use std::path::PathBuf;

use futures_util::TryStreamExt;
use secrecy::SecretString;

use self::digest::Digest;
use self::side::Side;
use self::table::Table;
use super::{StoreError, StoreResult};

/// Where rows are copied from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A database file that others may have open: none of them writes while it is copied.
    File(PathBuf),
    /// A database file that nobody has open, and that is left without a trace.
    Backup(PathBuf),
    /// A PostgreSQL server, by its URL.
    Postgres(SecretString),
}

/// Where rows are copied to: its schema is made if need be, and it must hold no rows.
#[derive(Clone, Debug)]
pub enum Goal {
    /// A database file that nobody else has open.
    File(PathBuf),
    /// A PostgreSQL server, by its URL.
    Postgres(SecretString),
}

/// Which life of the data the copy is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Epoch {
    /// The same: nothing happens in the origin any more, and riders go on where they are.
    Kept,
    /// Another one, by this mark: riders are told everything anew.
    Fresh(String),
}

/// What was copied.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Copied {
    /// Tables, the empty ones as well.
    pub tables: usize,
    /// Rows of all of them.
    pub rows: u64,
}

/// How far it has come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CopyStep {
    /// Rows that were copied or compared.
    pub done: u64,
    /// Rows that are to be copied and then compared.
    pub total: u64,
}

/// Rows on their way at one time: a few hundred kilobytes, and one round trip for a thousand rows.
const BATCH: usize = 1_000;

/// Copies all rows, compares them, and commits.
///
/// # Errors
/// `Unusable`, with what is wrong: an origin whose schema is not the one of this program, a goal that holds rows, a text
/// that the goal cannot hold, a copy that is not equal. `Unavailable` if either database fails; then the goal is empty.
pub async fn copy(
    origin: &Origin,
    goal: &Goal,
    epoch: &Epoch,
    tell: &mut (dyn FnMut(CopyStep) + Send),
) -> StoreResult<Copied> {
    let mut from = Side::read(origin).await?;
    let mut to = Side::write(goal).await?;
    let pairs = pairs(from.tables().await?, to.tables().await?)?;
    must_be_empty(&mut to, &pairs).await?;
    to.empty_meta().await?;
    let mut rows = 0;
    for pair in &pairs {
        rows += from.count(&pair.from).await?;
    }
    let mut step = CopyStep { done: 0, total: 2 * rows };
    let mut digests = Vec::new();
    for pair in &pairs {
        digests.push(copy_table(&mut from, &mut to, pair, &mut step, tell).await?);
    }
    to.set_numbers(&from.numbers().await?).await?;
    for (Pair { to: table, .. }, digest) in pairs.iter().zip(&digests) {
        let copied = digest_of(&mut to, table, &mut step, tell).await?;
        if copied != *digest {
            let name = &table.name;
            return Err(StoreError::Unusable(format!(
                "the copy of table {name} is not equal to the original"
            )));
        }
    }
    if let Epoch::Fresh(mark) = epoch {
        to.set_epoch(mark).await?;
    }
    to.commit().await?;
    from.close().await?;
    let rows = digests.iter().map(Digest::rows).sum();
    Ok(Copied { tables: pairs.len(), rows })
}

/// A table as each of the two databases has it: the same columns, some of other types.
struct Pair {
    from: Table,
    to: Table,
}

/// Both are at the schema of this program, so this fails only if their migrations differ.
fn pairs(from: Vec<Table>, mut to: Vec<Table>) -> StoreResult<Vec<Pair>> {
    let differ = |table: &Table| {
        StoreError::Unusable(format!("the two databases do not have {} alike", table.outline()))
    };
    let mut pairs = Vec::with_capacity(from.len());
    for from in from {
        match to.iter().position(|to| to.outline() == from.outline()) {
            Some(place) => pairs.push(Pair { from, to: to.remove(place) }),
            None => return Err(differ(&from)),
        }
    }
    to.first().map_or(Ok(pairs), |table| Err(differ(table)))
}

async fn must_be_empty(to: &mut Side, pairs: &[Pair]) -> StoreResult<()> {
    for table in pairs.iter().map(|pair| &pair.to).filter(|table| !table.is_meta()) {
        let rows = to.count(table).await?;
        if rows > 0 {
            let name = &table.name;
            return Err(StoreError::Unusable(format!(
                "it is not empty: table {name} holds {rows} rows; name an empty database"
            )));
        }
    }
    Ok(())
}

async fn copy_table(
    from: &mut Side,
    to: &mut Side,
    pair: &Pair,
    step: &mut CopyStep,
    tell: &mut (dyn FnMut(CopyStep) + Send),
) -> StoreResult<Digest> {
    let mut digest = Digest::default();
    let mut batches = from.batches(&pair.from);
    while let Some(batch) = batches.try_next().await? {
        batch.iter().for_each(|row| digest.add(row));
        to.put(&pair.to, &batch).await?;
        step.done += batch.len() as u64;
        tell(step.clone());
    }
    Ok(digest)
}

async fn digest_of(
    side: &mut Side,
    table: &Table,
    step: &mut CopyStep,
    tell: &mut (dyn FnMut(CopyStep) + Send),
) -> StoreResult<Digest> {
    let mut digest = Digest::default();
    let mut batches = side.batches(table);
    while let Some(batch) = batches.try_next().await? {
        batch.iter().for_each(|row| digest.add(row));
        step.done += batch.len() as u64;
        tell(step.clone());
    }
    Ok(digest)
}
