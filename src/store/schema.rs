//! The schema of a database: what it has, what this program needs, and what follows from the difference.
//! One judgement and one set of words for SQLite and PostgreSQL.

use sqlx::migrate::Migration;

use super::{StoreError, StoreResult};

/// What opening a store may do to its schema.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Migrate {
    /// Bring it up to date.
    Now,
    /// Nothing: a schema that is not up to date is refused.
    MustBeCurrent,
}

/// How the schema of a database stands to this program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SchemaState {
    /// There is nothing in the database yet.
    Empty,
    /// It is what this program needs.
    Current,
    /// The steps after this one are missing.
    Older(i64),
    /// Its last step is this one, which this program does not know.
    Newer(i64),
    /// This step of it is not the one that was released.
    Changed(i64),
    /// It holds something, and not ours.
    Foreign,
}

/// The schema of a database, beside the one that this program has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Schema {
    /// How it stands.
    pub state: SchemaState,
    /// The last step that this program knows.
    pub known: i64,
    /// The names of the steps that are missing, such as `0006_speech`, in their order.
    pub missing: Vec<String>,
}

/// What was found in a database.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Found {
    /// Whether there are any tables.
    pub(in crate::store) has_tables: bool,
    /// The number and checksum of each step that it has, rising; none if nobody ever wrote them down.
    pub(in crate::store) steps: Option<Vec<(i64, Vec<u8>)>>,
}

impl Schema {
    /// Judges what was found by the steps that this program knows, which rise.
    pub(in crate::store) fn judge(found: &Found, known: &[Migration]) -> Self {
        let last = known.last().map_or(0, |step| step.version);
        let steps = found.steps.as_deref().unwrap_or_default();
        let has = |version: i64| steps.iter().any(|(step, _)| *step == version);
        let missing = known.iter().filter(|step| !has(step.version));
        let missing: Vec<String> =
            missing.map(|step| format!("{:04}_{}", step.version, step.description)).collect();
        let changed = steps.iter().find(|(version, checksum)| {
            known.iter().any(|step| step.version == *version && *step.checksum != **checksum)
        });
        let unknown =
            steps.iter().rev().find(|(version, _)| known.iter().all(|step| step.version != *version));
        let state = match (steps.last(), unknown, changed) {
            (None, ..) if found.has_tables && found.steps.is_none() => SchemaState::Foreign,
            (None, ..) => SchemaState::Empty,
            (Some(_), Some((version, _)), _) if *version > last => SchemaState::Newer(*version),
            (Some(_), Some((version, _)), _) | (Some(_), None, Some((version, _))) => {
                SchemaState::Changed(*version)
            }
            (Some(_), None, None) if missing.is_empty() => SchemaState::Current,
            (Some((version, _)), None, None) => SchemaState::Older(*version),
        };
        Self { state, known: last, missing }
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.state == SchemaState::Current
    }

    /// The last step that the database has, or the one that is wrong with it.
    #[must_use]
    pub fn found(&self) -> Option<i64> {
        match self.state {
            SchemaState::Empty | SchemaState::Foreign => None,
            SchemaState::Current => Some(self.known),
            SchemaState::Older(version) | SchemaState::Newer(version) | SchemaState::Changed(version) => {
                Some(version)
            }
        }
    }

    /// Whether a store may be opened on it.
    ///
    /// # Errors
    /// `Unusable`, with what to do.
    pub fn allow(&self, migrate: Migrate) -> StoreResult<()> {
        let known = self.known;
        let why = match (self.state, migrate) {
            (SchemaState::Current, _) | (SchemaState::Empty | SchemaState::Older(_), Migrate::Now) => {
                return Ok(());
            }
            (SchemaState::Empty, Migrate::MustBeCurrent) => {
                "it has no schema yet: run `orderbell migrate`".to_owned()
            }
            (SchemaState::Older(schema), Migrate::MustBeCurrent) => {
                format!("it has schema {schema}, and this program needs {known}: run `orderbell migrate`")
            }
            (SchemaState::Newer(schema), _) => format!(
                "it was made by a newer Orderbell (schema {schema}, this program knows {known}); start that one, or \
                 restore a backup"
            ),
            (SchemaState::Changed(schema), _) => {
                format!("its schema {schema} is not the one that was released")
            }
            (SchemaState::Foreign, _) => {
                "it holds tables and is no database of Orderbell: name another one".to_owned()
            }
        };
        Err(StoreError::Unusable(why))
    }
}

impl SchemaState {
    /// Its word in a report.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Current => "current",
            Self::Older(_) => "older",
            Self::Newer(_) => "newer",
            Self::Changed(_) => "changed",
            Self::Foreign => "foreign",
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::SqlSafeStr;
    use sqlx::migrate::{Migration, MigrationType};

    use super::{Found, Migrate, Schema, SchemaState};

    fn known() -> Vec<Migration> {
        let step = |(version, text): (i64, &'static str)| {
            let name = format!("step{version}");
            Migration::new(version, name.into(), MigrationType::Simple, text.into_sql_str(), false)
        };
        [(1, "one"), (2, "two"), (3, "three")].map(step).to_vec()
    }

    fn steps(versions: &[i64]) -> Found {
        let known = known();
        let sum = |version: &i64| {
            known.iter().find(|step| step.version == *version).map_or(vec![9], |step| step.checksum.to_vec())
        };
        let steps = versions.iter().map(|version| (*version, sum(version))).collect();
        Found { has_tables: true, steps: Some(steps) }
    }

    #[test]
    fn every_state_of_a_schema_is_told_apart() {
        let mut changed = steps(&[1, 2, 3]);
        changed.steps.as_mut().unwrap()[1].1 = vec![7];
        for (found, state, opens, waits) in [
            (Found::default(), SchemaState::Empty, true, false),
            (Found { has_tables: true, steps: None }, SchemaState::Foreign, false, false),
            (Found { has_tables: true, steps: Some(Vec::new()) }, SchemaState::Empty, true, false),
            (steps(&[1, 2, 3]), SchemaState::Current, true, true),
            (steps(&[1]), SchemaState::Older(1), true, false),
            (steps(&[1, 2, 3, 4]), SchemaState::Newer(4), false, false),
            (steps(&[1, 5]), SchemaState::Newer(5), false, false),
            (changed, SchemaState::Changed(2), false, false),
        ] {
            let schema = Schema::judge(&found, &known());
            assert_eq!(schema.state, state);
            assert_eq!(schema.allow(Migrate::Now).is_ok(), opens, "{state:?}");
            assert_eq!(schema.allow(Migrate::MustBeCurrent).is_ok(), waits, "{state:?}");
        }
        assert_eq!(Schema::judge(&steps(&[1]), &known()).missing, ["0002_step2", "0003_step3"]);
    }

    #[test]
    fn who_is_refused_is_told_what_to_do() {
        for (found, told) in [
            (steps(&[1, 2]), "has schema 2, and this program needs 3: run `orderbell migrate`"),
            (steps(&[9]), "newer Orderbell (schema 9, this program knows 3)"),
            (Found::default(), "run `orderbell migrate`"),
        ] {
            let why = Schema::judge(&found, &known()).allow(Migrate::MustBeCurrent).unwrap_err().to_string();
            assert!(why.contains(told) && !why.contains('\n'), "{why}");
        }
    }
}
