//! The members of a table that an operator has named, such as an engine's, taken out one by one: what is missing has its
//! default, what is wrong is told by its name and never by its value, which may be a secret.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use config::{Value, ValueKind};
use secrecy::SecretString;

use super::engines::SpeechMode;

/// A struct whose members stand in such a table, with what they are where they do not.
macro_rules! table {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty $(= $default:expr)?,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }
        impl Default for $name {
            fn default() -> Self {
                Self { $($field: table!(@default $($default)?),)* }
            }
        }
        impl $name {
            const MEMBERS: &[&str] = &[$(stringify!($field)),*];
            fn take(members: &mut Members) -> Result<Self, Fault> {
                let Self { $($field,)* } = Self::default();
                $(let $field = members.take(stringify!($field), $field)?;)*
                Ok(Self { $($field,)* })
            }
        }
    };
    (@default) => { Default::default() };
    (@default $default:expr) => { $default.into() };
}
pub(super) use table;

/// What is left of a table.
pub(super) struct Members(BTreeMap<String, Value>);

/// A member, and what is wrong with it.
pub(super) type Fault = (String, String);

/// What a member can be.
pub(super) trait Member: Sized {
    /// In words, after "is".
    const EXPECTED: &'static str;

    /// The value, if it is one of those. Text is taken for a number where it is one: the environment knows only text.
    fn of(value: Value) -> Option<Self>;
}

/// What such a table may not be called.
pub(super) const NAMES: &str =
    "is no name: a-z, 0-9 and _, 32 at most, a letter first, without __ in it and _ at its end";

/// Whether a table may be called so: the name is a part of variables, where two underscores part names.
pub(super) fn is_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    (1..=32).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(good)
        && !name.contains("__")
        && !name.ends_with('_')
}

impl Members {
    pub(super) fn new(table: impl IntoIterator<Item = (String, Value)>) -> Self {
        Self(table.into_iter().collect())
    }

    /// Takes a member out; `usual` if there is none.
    pub(super) fn take<T: Member>(&mut self, name: &str, usual: T) -> Result<T, Fault> {
        let Some(value) = self.0.remove(name) else { return Ok(usual) };
        T::of(value).ok_or_else(|| (name.to_owned(), format!("is {}", T::EXPECTED)))
    }

    /// That nothing is left, which would be a typing error.
    pub(super) fn finish(self, known: &[&str]) -> Result<(), Fault> {
        match self.0.into_keys().next() {
            None => Ok(()),
            Some(name) => Err((name, format!("is unknown, known are {}", known.join(", ")))),
        }
    }
}

impl Member for String {
    const EXPECTED: &'static str = "text";

    fn of(value: Value) -> Option<Self> {
        value.into_string().ok()
    }
}

impl Member for u32 {
    const EXPECTED: &'static str = "a whole number";

    fn of(value: Value) -> Option<Self> {
        match value.kind {
            ValueKind::I64(number) => Self::try_from(number).ok(),
            ValueKind::I128(number) => Self::try_from(number).ok(),
            ValueKind::U64(number) => Self::try_from(number).ok(),
            ValueKind::U128(number) => Self::try_from(number).ok(),
            ValueKind::String(text) => text.trim().parse().ok(),
            ValueKind::Nil
            | ValueKind::Boolean(_)
            | ValueKind::Float(_)
            | ValueKind::Table(_)
            | ValueKind::Array(_) => None,
        }
    }
}

impl Member for bool {
    const EXPECTED: &'static str = "true or false";

    fn of(value: Value) -> Option<Self> {
        match String::of(value)?.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }
}

/// Passed on to a maker as it is.
impl Member for serde_json::Map<String, serde_json::Value> {
    const EXPECTED: &'static str = "a table";

    fn of(value: Value) -> Option<Self> {
        let ValueKind::Table(_) = value.kind else { return None };
        value.try_deserialize().ok()
    }
}

impl Member for usize {
    const EXPECTED: &'static str = u32::EXPECTED;

    fn of(value: Value) -> Option<Self> {
        u32::of(value).and_then(|number| Self::try_from(number).ok())
    }
}

impl Member for Duration {
    const EXPECTED: &'static str = "a duration such as \"3s\" or \"700ms\"";

    fn of(value: Value) -> Option<Self> {
        let ValueKind::String(text) = value.kind else { return None };
        let signed: jiff::SignedDuration = text.parse().ok()?;
        Self::try_from(signed).ok()
    }
}

impl Member for SpeechMode {
    const EXPECTED: &'static str = "whole, segments or fixed";

    fn of(value: Value) -> Option<Self> {
        String::of(value)?.try_into().ok()
    }
}

impl Member for SecretString {
    const EXPECTED: &'static str = String::EXPECTED;

    fn of(value: Value) -> Option<Self> {
        String::of(value).map(Self::from)
    }
}

impl Member for PathBuf {
    const EXPECTED: &'static str = "a path";

    fn of(value: Value) -> Option<Self> {
        String::of(value).map(Self::from)
    }
}

/// Empty text is nothing: so a variable can take away what a file has set.
impl Member for Option<SecretString> {
    const EXPECTED: &'static str = String::EXPECTED;

    fn of(value: Value) -> Option<Self> {
        let text = String::of(value)?;
        Some((!text.trim().is_empty()).then(|| text.into()))
    }
}

impl Member for Option<PathBuf> {
    const EXPECTED: &'static str = PathBuf::EXPECTED;

    fn of(value: Value) -> Option<Self> {
        let text = String::of(value)?;
        Some((!text.trim().is_empty()).then(|| text.into()))
    }
}

impl Member for Vec<String> {
    const EXPECTED: &'static str = "a list of texts";

    fn of(value: Value) -> Option<Self> {
        let ValueKind::Array(values) = value.kind else { return None };
        values.into_iter().map(String::of).collect()
    }
}

impl<T: Member> Member for BTreeMap<String, T> {
    const EXPECTED: &'static str = "a table of names and values";

    fn of(value: Value) -> Option<Self> {
        let ValueKind::Table(table) = value.kind else { return None };
        table.into_iter().map(|(name, value)| Some((name, T::of(value)?))).collect()
    }
}
