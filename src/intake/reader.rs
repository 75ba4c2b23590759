//! Reads members of a parsed JSON object one by one, and remembers where it is.
//! `null` means absent; what is not asked for is refused by [`Reader::only`].

use std::str::FromStr;

use serde_json::{Map, Value};

use crate::domain::{EpochMs, IdError};

/// Why an input was refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{error} at {pointer:?}: {detail}")]
pub struct InputError {
    /// Stable word.
    pub error: &'static str,
    /// JSON pointer (RFC 6901) of the member at fault; `None` if the body is no JSON at all.
    pub pointer: Option<String>,
    /// For people.
    pub detail: String,
}

impl InputError {
    /// An id that is none.
    #[must_use]
    pub fn of_id(error: IdError) -> Self {
        Self { error: "bad_id", pointer: Some("/id".to_owned()), detail: error.to_string() }
    }
}

/// An object and where it stands.
#[derive(Clone)]
pub struct Reader<'a> {
    object: &'a Map<String, Value>,
    pointer: String,
}

type Read<T> = Result<T, InputError>;

impl<'a> Reader<'a> {
    /// The top of a body.
    ///
    /// # Errors
    /// `wrong_type` if it is not an object.
    pub fn new(value: &'a Value) -> Read<Self> {
        let object = value.as_object().ok_or_else(|| wrong_type(String::new(), "an object"))?;
        Ok(Self { object, pointer: String::new() })
    }

    /// The top of a body that is known to be an object.
    pub(super) fn of(object: &'a Map<String, Value>) -> Self {
        Self { object, pointer: String::new() }
    }

    /// All its members.
    pub(super) fn members(&self) -> &'a Map<String, Value> {
        self.object
    }

    /// Refuses every member that is not in `known`.
    ///
    /// # Errors
    /// `unknown_member`.
    pub fn only(&self, known: &[&str]) -> Read<()> {
        match self.object.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(self.error(name, "unknown_member", "there is no such member")),
        }
    }

    /// The member, unless absent or null.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// Whether the member is there and null, where that says something of its own.
    #[must_use]
    pub fn is_null(&self, name: &str) -> bool {
        self.object.get(name).is_some_and(Value::is_null)
    }

    /// An object.
    ///
    /// # Errors
    /// `wrong_type`.
    pub fn object(&self, name: &str) -> Read<Option<Self>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let pointer = self.pointer_of(name);
        let object = value.as_object().ok_or_else(|| wrong_type(pointer.clone(), "an object"))?;
        Ok(Some(Self { object, pointer }))
    }

    /// A list of objects.
    ///
    /// # Errors
    /// `wrong_type`, `too_many`.
    pub fn objects(&self, name: &str, max: usize) -> Read<Option<Vec<Self>>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let pointer = self.pointer_of(name);
        let list = value.as_array().ok_or_else(|| wrong_type(pointer.clone(), "a list"))?;
        if list.len() > max {
            return Err(self.error(name, "too_many", &format!("lists more than {max}")));
        }
        let objects = list.iter().enumerate().map(|(place, item)| {
            let pointer = format!("{pointer}/{place}");
            let object = item.as_object().ok_or_else(|| wrong_type(pointer.clone(), "an object"))?;
            Ok(Self { object, pointer })
        });
        objects.collect::<Read<_>>().map(Some)
    }

    /// The names of its members.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.object.keys().map(String::as_str)
    }

    /// An object handed on unread, of at most `bytes_max` bytes of JSON.
    ///
    /// # Errors
    /// `wrong_type`, `too_long`.
    pub fn raw_object(&self, name: &str, bytes_max: usize) -> Read<Map<String, Value>> {
        let Some(object) = self.object(name)? else { return Ok(Map::new()) };
        let bytes = Value::Object(object.object.clone()).to_string().len();
        if bytes > bytes_max {
            return Err(self.error(name, "too_long", &format!("is more than {bytes_max} bytes of JSON")));
        }
        Ok(object.object.clone())
    }

    /// Text of at most `chars_max` characters; empty text counts as absent.
    ///
    /// # Errors
    /// `wrong_type`, `too_long`.
    pub fn text(&self, name: &str, chars_max: usize) -> Read<Option<String>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| wrong_type(self.pointer_of(name), "text"))?;
        if text.chars().count() > chars_max {
            return Err(self.error(name, "too_long", &format!("is longer than {chars_max} characters")));
        }
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    /// A short code that senders write as text or as a whole number, kept exactly.
    ///
    /// # Errors
    /// `wrong_type`, `too_long`.
    pub fn code(&self, name: &str, chars_max: usize) -> Read<Option<String>> {
        match self.value(name) {
            Some(Value::Number(number)) if !number.is_f64() => Ok(Some(number.to_string())),
            _ => self.text(name, chars_max),
        }
    }

    /// One of our or of the backend's ids: text, or a whole number kept exactly.
    ///
    /// # Errors
    /// `wrong_type`, `bad_id`.
    pub fn id<T: FromStr<Err = IdError>>(&self, name: &str) -> Read<Option<T>> {
        self.value(name).map(|value| parse_id(value, self.pointer_of(name))).transpose()
    }

    /// A list of ids, each once.
    ///
    /// # Errors
    /// `wrong_type`, `bad_id`, `too_many`.
    pub fn ids<T: FromStr<Err = IdError> + PartialEq>(&self, name: &str, max: usize) -> Read<Vec<T>> {
        let Some(value) = self.value(name) else { return Ok(Vec::new()) };
        let pointer = self.pointer_of(name);
        let list = value.as_array().ok_or_else(|| wrong_type(pointer.clone(), "a list"))?;
        if list.len() > max {
            return Err(self.error(name, "too_many", &format!("lists more than {max}")));
        }
        let mut ids = Vec::with_capacity(list.len());
        for (place, item) in list.iter().enumerate() {
            let id = parse_id(item, format!("{pointer}/{place}"))?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    /// A whole number from `least` to `most`.
    ///
    /// # Errors
    /// `wrong_type`, `out_of_range`.
    pub fn integer(&self, name: &str, least: i64, most: i64) -> Read<Option<i64>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        if !(value.is_i64() || value.is_u64()) {
            return Err(wrong_type(self.pointer_of(name), "a whole number"));
        }
        match value.as_i64().filter(|number| (least..=most).contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(self.error(name, "out_of_range", &format!("is not between {least} and {most}"))),
        }
    }

    /// True or false.
    ///
    /// # Errors
    /// `wrong_type`.
    pub fn boolean(&self, name: &str) -> Read<Option<bool>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| wrong_type(self.pointer_of(name), "true or false"))
    }

    /// A moment: RFC 3339, or epoch seconds or milliseconds.
    ///
    /// # Errors
    /// `bad_time`.
    pub fn moment(&self, name: &str) -> Read<Option<EpochMs>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let moment = match value {
            Value::String(text) => EpochMs::from_rfc3339(text),
            Value::Number(number) => number.as_i64().and_then(EpochMs::from_number),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let detail = "is not RFC 3339 with an offset, nor epoch seconds or milliseconds";
        moment.map(Some).ok_or_else(|| self.error(name, "bad_time", detail))
    }

    /// One of a closed set of words.
    ///
    /// # Errors
    /// `wrong_type`, `unknown_value`.
    pub fn word<T>(&self, name: &str, parse: impl Fn(&str) -> Option<T>, words: &str) -> Read<Option<T>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| wrong_type(self.pointer_of(name), "text"))?;
        match parse(text) {
            Some(found) => Ok(Some(found)),
            None => Err(self.error(name, "unknown_value", &format!("is none of {words}"))),
        }
    }

    /// A list of words of a closed set, each once.
    ///
    /// # Errors
    /// `wrong_type`, `unknown_value`.
    pub fn words<T: PartialEq>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
        words: &str,
    ) -> Read<Option<Vec<T>>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let pointer = self.pointer_of(name);
        let list = value.as_array().ok_or_else(|| wrong_type(pointer.clone(), "a list"))?;
        let mut found = Vec::new();
        for (place, item) in list.iter().enumerate() {
            let word = item.as_str().and_then(&parse).ok_or_else(|| InputError {
                error: "unknown_value",
                pointer: Some(format!("{pointer}/{place}")),
                detail: format!("is none of {words}"),
            })?;
            if !found.contains(&word) {
                found.push(word);
            }
        }
        Ok(Some(found))
    }

    /// A list of texts.
    ///
    /// # Errors
    /// `wrong_type`, `too_many`.
    pub fn texts(&self, name: &str, max: usize) -> Read<Option<Vec<&'a str>>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let pointer = self.pointer_of(name);
        let list = value.as_array().ok_or_else(|| wrong_type(pointer.clone(), "a list"))?;
        if list.len() > max {
            return Err(self.error(name, "too_many", &format!("lists more than {max}")));
        }
        let texts = list.iter().enumerate().map(|(place, item)| {
            item.as_str().ok_or_else(|| wrong_type(format!("{pointer}/{place}"), "text"))
        });
        texts.collect::<Read<_>>().map(Some)
    }

    /// An error about one member of this object.
    #[must_use]
    pub fn error(&self, name: &str, error: &'static str, detail: &str) -> InputError {
        let pointer = if name.is_empty() { self.pointer.clone() } else { self.pointer_of(name) };
        InputError { error, pointer: Some(pointer), detail: detail.to_owned() }
    }

    /// The error for a member that must be there.
    #[must_use]
    pub fn missing(&self, name: &str) -> InputError {
        self.error(name, "missing_member", "is required")
    }

    /// The JSON pointer of one member of this object.
    #[must_use]
    pub(super) fn pointer_of(&self, name: &str) -> String {
        format!("{}/{}", self.pointer, escape(name))
    }
}

/// One step of a JSON pointer, RFC 6901 section 3.
pub(super) fn escape(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}

fn parse_id<T: FromStr<Err = IdError>>(value: &Value, pointer: String) -> Read<T> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if !number.is_f64() => number.to_string(),
        Value::Number(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            return Err(wrong_type(pointer, "an id: text, or a whole number"));
        }
    };
    text.parse().map_err(|error: IdError| InputError {
        error: "bad_id",
        pointer: Some(pointer),
        detail: error.to_string(),
    })
}

fn wrong_type(pointer: String, wanted: &str) -> InputError {
    InputError { error: "wrong_type", pointer: Some(pointer), detail: format!("is not {wanted}") }
}
