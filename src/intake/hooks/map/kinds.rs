//! The table of a profile from a sender's status to a kind of ours.
//! A status nobody has thought of says nothing to riders: it is acknowledged and counted, not refused.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::ProfileError;
use super::fit::number_text;
use crate::domain::Kinds;
use crate::domain::kind::MERGED;
use crate::intake::reader::Reader;

/// Statuses of one sender; the largest platforms have about 60.
const KINDS_MAX: usize = 500;
/// The row for what is in no other.
const DEFAULT: &str = "default";
/// What a row says of a status without a kind.
const IGNORE: &str = "ignore";

/// Why a status that is nowhere in the table is ignored.
pub(super) const UNKNOWN: &str = "unknown_status";

/// The table.
#[derive(Debug)]
pub(super) struct KindTable {
    rows: BTreeMap<String, Row>,
    default: Option<Row>,
    known: BTreeSet<String>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Row {
    Kind(String),
    Ignore,
}

/// What a status means.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Meaning<'a> {
    /// This kind; and the status as text.
    Kind(&'a str, String),
    /// Nothing to riders, and why.
    Ignored(&'static str, String),
    /// There is no status.
    Absent,
    /// A list or an object.
    NoWord,
}

impl KindTable {
    /// Reads `[kinds]`.
    ///
    /// # Errors
    /// `unknown_kind`, and where.
    pub(super) fn read(table: Option<&Reader<'_>>, kinds: &Kinds) -> Result<Self, ProfileError> {
        let known: BTreeSet<String> =
            kinds.iter().map(|kind| kind.name.clone()).filter(|name| name != MERGED).collect();
        let mut rows = BTreeMap::new();
        let mut default = None;
        let names = table.iter().flat_map(|table| table.names().map(move |name| (*table, name)));
        for (place, (table, name)) in names.enumerate() {
            if place == KINDS_MAX {
                return Err(table.error("", "out_of_range", &format!("has more than {KINDS_MAX}")).into());
            }
            let word = match table.value(name) {
                None => continue,
                Some(Value::String(word)) => word.as_str(),
                Some(_) => return Err(table.error(name, "wrong_type", "is not text").into()),
            };
            let row = match word {
                "" | IGNORE => Row::Ignore,
                kind if known.contains(kind) => Row::Kind(kind.to_owned()),
                _ => return Err(table.error(name, "unknown_kind", "there is no such kind").into()),
            };
            if name == DEFAULT {
                default = Some(row);
            } else {
                rows.insert(name.trim().to_owned(), row);
            }
        }
        Ok(Self { rows, default, known })
    }

    /// What a status means; texts and numbers are the same.
    pub(super) fn meaning(&self, status: &Value) -> Meaning<'_> {
        let key = match status {
            Value::Null => return self.default.as_ref().map_or(Meaning::Absent, |row| row.of(String::new())),
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number_text(number),
            Value::Bool(truth) => truth.to_string(),
            Value::Array(_) | Value::Object(_) => return Meaning::NoWord,
        };
        if let Some(row) = self.rows.get(&key) {
            return row.of(key);
        }
        if key.is_empty() || key == IGNORE {
            return Meaning::Ignored("ignored", key);
        }
        match (&self.default, self.known.get(&key)) {
            (Some(row), _) => row.of(key),
            (None, Some(kind)) => Meaning::Kind(kind, key),
            (None, None) => Meaning::Ignored(UNKNOWN, key),
        }
    }
}

impl Row {
    fn of(&self, key: String) -> Meaning<'_> {
        match self {
            Self::Kind(kind) => Meaning::Kind(kind, key),
            Self::Ignore => Meaning::Ignored("ignored", key),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{KindTable, Meaning};
    use crate::domain::Kinds;
    use crate::intake::reader::Reader;

    fn table(rows: &Value) -> KindTable {
        KindTable::read(Some(&Reader::new(rows).unwrap()), &Kinds::embedded().unwrap()).unwrap()
    }

    #[test]
    fn numbers_and_texts_are_the_same_status() {
        let table = table(&json!({"20": "order.assigned", "99": "ignore", "true": "order.paid", "7": ""}));
        for same in [json!("20"), json!(20), json!(20.0), json!(" 20 ")] {
            assert_eq!(table.meaning(&same), Meaning::Kind("order.assigned", "20".to_owned()), "{same}");
        }
        assert_eq!(table.meaning(&json!(true)), Meaning::Kind("order.paid", "true".to_owned()));
        for ignored in [json!(99), json!("7"), json!(""), json!("ignore")] {
            assert!(matches!(table.meaning(&ignored), Meaning::Ignored("ignored", _)), "{ignored}");
        }
        assert_eq!(table.meaning(&json!(21)), Meaning::Ignored("unknown_status", "21".to_owned()));
        assert_eq!(table.meaning(&Value::Null), Meaning::Absent);
        assert_eq!(table.meaning(&json!([20])), Meaning::NoWord);
        assert_eq!(table.meaning(&json!({})), Meaning::NoWord);
    }

    #[test]
    fn a_kind_stands_for_itself_unless_there_is_a_default() {
        let plain = table(&json!({"1": "order.paid"}));
        assert_eq!(plain.meaning(&json!("order.paid")), Meaning::Kind("order.paid", "order.paid".to_owned()));
        assert!(matches!(plain.meaning(&json!("merge")), Meaning::Ignored("unknown_status", _)));
        let ignoring = table(&json!({"1": "order.paid", "default": "ignore"}));
        assert!(matches!(ignoring.meaning(&json!("order.paid")), Meaning::Ignored("ignored", _)));
        assert!(matches!(ignoring.meaning(&Value::Null), Meaning::Ignored("ignored", _)));
        let catching = table(&json!({"1": "order.paid", "default": "order.updated"}));
        assert_eq!(catching.meaning(&json!(5)), Meaning::Kind("order.updated", "5".to_owned()));
        assert!(matches!(catching.meaning(&json!("")), Meaning::Ignored("ignored", _)));
    }

    #[test]
    fn kinds_that_do_not_exist_are_refused_where_they_stand() {
        let kinds = Kinds::embedded().unwrap();
        for (rows, error, pointer) in [
            (json!({"1": "order.nothing"}), "unknown_kind", "/1"),
            (json!({"a/b": "merge"}), "unknown_kind", "/a~1b"),
            (json!({"1": 5}), "wrong_type", "/1"),
            (json!({"default": "x"}), "unknown_kind", "/default"),
        ] {
            let refused = KindTable::read(Some(&Reader::new(&rows).unwrap()), &kinds).unwrap_err();
            assert_eq!((refused.error, refused.pointer.as_str()), (error, pointer), "{rows}");
        }
    }
}
