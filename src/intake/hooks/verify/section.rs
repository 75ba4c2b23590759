//! One table of a profile, read strictly: what is not known is refused, and every refusal says where it stands.
//! `null` means absent; empty text is text here, since nothing may stand between two parameters.

use serde_json::{Map, Value};

use crate::intake::hooks::ProfileError;
pub(super) use crate::intake::reader::escape;

/// A table and where it stands.
pub(super) struct Section<'a> {
    object: &'a Map<String, Value>,
    pointer: String,
}

type Read<T> = Result<T, ProfileError>;

/// Longest text of a member, in bytes: a template of six parameters is 150.
const TEXT_BYTES_MAX: usize = 1_024;

impl<'a> Section<'a> {
    /// The table at this pointer.
    pub(super) fn at(value: &'a Value, pointer: String) -> Read<Self> {
        match value.as_object() {
            Some(object) => Ok(Self { object, pointer }),
            None => Err(wrong("wrong_type", pointer, "is not a table")),
        }
    }

    /// Refuses every member but these.
    pub(super) fn only(&self, known: &[&str]) -> Read<()> {
        match self.object.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => {
                let known = known.join(", ");
                Err(self.error(name, "unknown_member", &format!("is not known here; known are {known}")))
            }
        }
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// Text, which may be empty.
    pub(super) fn text(&self, name: &str) -> Read<Option<&'a str>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| self.error(name, "wrong_type", "is not text"))?;
        if text.len() > TEXT_BYTES_MAX {
            return Err(self.error(name, "out_of_range", "is longer than 1024 bytes"));
        }
        Ok(Some(text))
    }

    /// Text that must be there.
    pub(super) fn required(&self, name: &str) -> Read<&'a str> {
        self.text(name)?.ok_or_else(|| self.error(name, "missing_member", "is required"))
    }

    /// One of these words.
    pub(super) fn word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Read<Option<T>> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, meaning)| Some(*meaning)).ok_or_else(|| {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.error(name, "bad_value", &format!("is none of {}", words.join(", ")))
        })
    }

    /// True or false.
    pub(super) fn flag(&self, name: &str) -> Read<Option<bool>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| self.error(name, "wrong_type", "is not true or false"))
    }

    /// A whole number from `least` to `most`.
    pub(super) fn integer(&self, name: &str, least: i64, most: i64) -> Read<Option<i64>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let number = value.as_i64().ok_or_else(|| self.error(name, "wrong_type", "is not a whole number"))?;
        if !(least..=most).contains(&number) {
            return Err(self.error(name, "out_of_range", &format!("is not {least} to {most}")));
        }
        Ok(Some(number))
    }

    /// A list of at most `max` texts, none of them empty.
    pub(super) fn texts(&self, name: &str, max: usize) -> Read<Option<Vec<&'a str>>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let list = value.as_array().ok_or_else(|| self.error(name, "wrong_type", "is not a list"))?;
        if list.len() > max {
            return Err(self.error(name, "out_of_range", &format!("lists more than {max}")));
        }
        let texts = list.iter().enumerate().map(|(place, item)| {
            let text = item.as_str().filter(|text| (1..=TEXT_BYTES_MAX).contains(&text.len()));
            let pointer = format!("{}/{place}", self.pointer_of(name));
            text.ok_or_else(|| wrong("wrong_type", pointer, "is not text of 1 to 1024 bytes"))
        });
        texts.collect::<Read<_>>().map(Some)
    }

    /// A table inside this one.
    pub(super) fn section(&self, name: &str) -> Read<Option<Self>> {
        self.value(name).map(|value| Self::at(value, self.pointer_of(name))).transpose()
    }

    /// Whether the member is there and is a list.
    pub(super) fn is_list(&self, name: &str) -> bool {
        self.value(name).is_some_and(Value::is_array)
    }

    /// Something is wrong with a member.
    pub(super) fn error(&self, name: &str, error: &'static str, detail: &str) -> ProfileError {
        wrong(error, self.pointer_of(name), detail)
    }

    /// Where a member stands.
    pub(super) fn pointer_of(&self, name: &str) -> String {
        format!("{}/{}", self.pointer, escape(name))
    }
}

/// Something is wrong at this pointer.
pub(super) fn wrong(error: &'static str, pointer: String, detail: &str) -> ProfileError {
    ProfileError { error, pointer, detail: detail.to_owned() }
}
