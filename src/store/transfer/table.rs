//! The tables of a database as they are read from it, parents first.

use std::collections::BTreeSet;

use super::value::Kind;
use crate::store::{StoreError, StoreResult};

/// A table.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    /// By name.
    pub(super) columns: Vec<Column>,
    /// Whose rows its own refer to.
    pub(super) parents: BTreeSet<String>,
}

/// A column.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// What sqlx notes of the schema: each database has its own.
pub(super) const STEPS: &str = "_sqlx_migrations";

impl Table {
    /// One whose columns have these types.
    pub(super) fn new(
        name: String,
        mut columns: Vec<(String, String)>,
        parents: BTreeSet<String>,
    ) -> StoreResult<Self> {
        columns.sort();
        let columns = columns.into_iter().map(|(column, kind)| match Kind::of(&kind) {
            Some(kind) => Ok(Column { name: column, kind }),
            None => {
                Err(StoreError::Unusable(format!("column {name}.{column} is of the unknown type {kind}")))
            }
        });
        let columns = columns.collect::<StoreResult<_>>()?;
        Ok(Self { name, columns, parents })
    }

    /// Whether it holds what is said of the data as a whole.
    pub(super) fn is_meta(&self) -> bool {
        self.name == "meta"
    }

    /// Its name as it stands in a statement.
    pub(super) fn quoted(&self) -> String {
        quoted(&self.name)
    }

    /// Its columns as they stand in a statement.
    pub(super) fn list(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(|column| quoted(&column.name)).collect();
        names.join(", ")
    }

    /// What must be alike in two databases: names, and truths beside whole numbers.
    pub(super) fn outline(&self) -> String {
        let columns = self.columns.iter().map(|Column { name, kind }| match kind {
            Kind::Int | Kind::Bool => format!("{name} number"),
            Kind::Text => format!("{name} text"),
            Kind::Bytes => format!("{name} bytes"),
        });
        format!("table {} ({})", self.name, columns.collect::<Vec<_>>().join(", "))
    }
}

/// A name that may be a word of SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Each table behind those that its rows refer to.
pub(super) fn in_order(mut tables: Vec<Table>) -> StoreResult<Vec<Table>> {
    tables.sort_by(|one, other| one.name.cmp(&other.name));
    let mut ordered: Vec<Table> = Vec::with_capacity(tables.len());
    while !tables.is_empty() {
        let waits = |table: &Table| {
            let missing = |parent: &&String| ordered.iter().all(|done| done.name != ***parent);
            table.parents.iter().filter(|parent| **parent != table.name).any(|parent| missing(&parent))
        };
        let Some(next) = tables.iter().position(|table| !waits(table)) else {
            return Err(StoreError::Unusable("its tables refer to each other in a circle".to_owned()));
        };
        let table = tables.remove(next);
        ordered.push(table);
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::{Table, in_order};

    fn table(name: &str, parents: &[&str]) -> Table {
        let parents = parents.iter().map(|parent| (*parent).to_owned()).collect();
        Table::new(name.to_owned(), vec![("id".to_owned(), "TEXT".to_owned())], parents).unwrap()
    }

    #[test]
    fn parents_come_first_and_circles_are_refused() {
        let tables = vec![table("a", &["b", "c"]), table("b", &["c"]), table("c", &["c"])];
        let names: Vec<String> = in_order(tables).unwrap().into_iter().map(|table| table.name).collect();
        assert_eq!(names, ["c", "b", "a"]);
        assert!(in_order(vec![table("a", &["b"]), table("b", &["a"])]).is_err());
    }

    #[test]
    fn a_type_that_nobody_knows_is_named() {
        let columns = vec![("price".to_owned(), "REAL".to_owned())];
        let error = Table::new("orders".to_owned(), columns, std::collections::BTreeSet::new()).unwrap_err();
        assert!(error.to_string().contains("orders.price"), "{error}");
    }
}
