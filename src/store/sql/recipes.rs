//! Rows of recipes: what a clip is made of, under its name, for whoever asks for a clip that is gone.
//! They are written with the sounds of alerts, all of a transaction by one statement.

use super::db::{Db, Text, each, sql};
use super::rows::{self, Fields};
use crate::domain::{EpochMs, Sound};
use crate::store::{RECIPE_FRESH_MS, StoreResult};

// What was used lately is found and not written: most alerts say what others said before.
const KEEP: Text = each(
    "INSERT INTO clip_recipes (name, recipe, used_at) \
     SELECT value ->> 0, value ->> 1, value ->> 2 FROM jsonb_each($1) WHERE TRUE \
     ON CONFLICT (name) DO UPDATE SET used_at = excluded.used_at \
     WHERE excluded.used_at - clip_recipes.used_at >= $2",
    // A row that stands in the way would be locked even where it is not written, for all who say the same.
    "INSERT INTO clip_recipes (name, recipe, used_at) SELECT n.name, n.recipe, n.at \
     FROM (SELECT k.v ->> 0, k.v ->> 1, CAST(k.v ->> 2 AS BIGINT), k.n \
     FROM jsonb_array_elements(CAST($1 AS JSONB)) WITH ORDINALITY AS k(v, n)) AS n(name, recipe, at, place) \
     WHERE NOT EXISTS (SELECT 1 FROM clip_recipes AS c WHERE c.name = n.name AND n.at - c.used_at < $2) \
     ORDER BY n.place ON CONFLICT (name) DO UPDATE SET used_at = excluded.used_at \
     WHERE excluded.used_at - clip_recipes.used_at >= $2",
);
const SELECT: &str = "SELECT recipe FROM clip_recipes WHERE name = $1";
pub(super) const FORGET: Text = each(
    "DELETE FROM clip_recipes WHERE name IN \
     (SELECT name FROM clip_recipes WHERE used_at < $1 ORDER BY used_at, name LIMIT $2)",
    "DELETE FROM clip_recipes WHERE ctid = ANY (ARRAY(SELECT ctid FROM clip_recipes WHERE used_at < $1 \
     ORDER BY used_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
);

/// Keeps the recipes of these sounds, those that have one, as used at those moments.
pub(super) async fn keep_all<'a>(
    db: &mut Db<'_>,
    sounds: impl Iterator<Item = (&'a Sound, EpochMs)>,
) -> StoreResult<()> {
    let recipes = sounds.filter_map(|(sound, at)| Some((sound.clip_name(), sound.recipe.as_deref()?, at)));
    let mut recipes: Vec<(&str, &str, EpochMs)> = recipes.collect();
    if recipes.is_empty() {
        return Ok(());
    }
    // One row a clip, the last use of it: many alerts of one moment say the same.
    recipes.sort_unstable_by_key(|(name, _, at)| (*name, std::cmp::Reverse(*at)));
    recipes.dedup_by_key(|(name, ..)| *name);
    let rows = rows::json("clip_recipes", &recipes)?;
    sql(KEEP).bind(rows).bind(RECIPE_FRESH_MS).run(db).await?;
    Ok(())
}

pub(super) async fn keep(db: &mut Db<'_>, name: &str, recipe: &str, at: EpochMs) -> StoreResult<()> {
    let row = rows::json("clip_recipes", &[(name, recipe, at)])?;
    sql(KEEP).bind(row).bind(RECIPE_FRESH_MS).run(db).await?;
    Ok(())
}

pub(super) async fn one(db: &mut Db<'_>, name: &str) -> StoreResult<Option<String>> {
    let row = sql(SELECT).bind(name).optional(db).await?;
    row.as_ref().map(|row| Fields::of(row, "clip_recipes").take()).transpose()
}

pub(super) async fn forget(db: &mut Db<'_>, before: EpochMs, limit: u32) -> StoreResult<u64> {
    sql(FORGET).bind(before.0).bind(limit).run(db).await
}
