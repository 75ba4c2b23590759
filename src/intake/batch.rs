//! A batch of events: its outside is judged as a whole, each event in it by itself, from its own bytes.
//! So one that is deep, ambiguous or too long says nothing about its neighbours.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::reader::{InputError, escape};

/// Most events of one batch.
pub const BATCH_MAX: usize = 500;

/// The events of a batch, not parsed yet.
#[derive(Debug)]
pub struct Batch<'a> {
    /// Each as it was sent.
    pub items: Vec<&'a RawValue>,
    /// Where the list stands in the body.
    at: &'static str,
}

/// How the list may be wrapped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wrapping {
    /// `{"events": […]}`, or the bare list.
    Object,
    /// The bare list.
    Bare,
}

impl Batch<'_> {
    /// The error of one event, with its place in the batch.
    #[must_use]
    pub fn tell(&self, index: usize, mut error: InputError) -> InputError {
        let inside = error.pointer.unwrap_or_default();
        error.pointer = Some(format!("{}/{index}{inside}", self.at));
        error
    }
}

/// Stands where a body is not UTF-8: no character, so no text has a reason to hold it.
const UNREADABLE: char = '\u{FFFF}';

/// The body of a batch as UTF-8, so that events beside one that is not can be read.
#[must_use]
pub fn readable(body: &[u8]) -> Cow<'_, [u8]> {
    if std::str::from_utf8(body).is_ok() {
        return Cow::Borrowed(body);
    }
    let mut text = String::with_capacity(body.len() + 16);
    for chunk in body.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push(UNREADABLE);
        }
    }
    Cow::Owned(text.into_bytes())
}

/// Why an event of a body that had to be made [`readable`] cannot be read, if it was not UTF-8 itself.
#[must_use]
pub fn unreadable(item: &str) -> Option<InputError> {
    let detail = "is not UTF-8".to_owned();
    item.contains(UNREADABLE).then(|| InputError {
        error: "malformed_json",
        pointer: Some(String::new()),
        detail,
    })
}

/// Takes a batch apart.
///
/// # Errors
/// `malformed_json`, `wrong_type`, `missing_member`, `unknown_member`, `duplicate_member`; `out_of_range` if it is empty,
/// `too_many` for more than [`BATCH_MAX`].
pub fn split(body: &[u8], wrapping: Wrapping) -> Result<Batch<'_>, InputError> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let read = deserializer.deserialize_any(Outside { wrapping }).and_then(|read| {
        deserializer.end()?;
        Ok(read)
    });
    let read = read.map_err(|error| {
        let detail = format!("not JSON at line {}, column {}", error.line(), error.column());
        InputError { error: "malformed_json", pointer: None, detail }
    })?;
    let batch = read?;
    if batch.items.is_empty() {
        return Err(wrong("out_of_range", batch.at, "a batch has 1 to 500 events"));
    }
    Ok(batch)
}

struct Outside {
    wrapping: Wrapping,
}

type Read<'a> = Result<Batch<'a>, InputError>;

/// Reads the rest of the body, so that what is wrong with it is not taken for broken JSON.
macro_rules! not_a_batch {
    ($($visit:ident: $type:ty),*) => { $(
        fn $visit<E>(self, _: $type) -> Result<Self::Value, E> {
            Ok(Err(self.wrong_type()))
        }
    )* };
}

impl<'de> Visitor<'de> for Outside {
    type Value = Read<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch of events")
    }

    not_a_batch!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Err(self.wrong_type()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        list(items, "")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut read = match self.wrapping {
            Wrapping::Object => Err(wrong("missing_member", "/events", "is required")),
            Wrapping::Bare => Err(self.wrong_type()),
        };
        let mut refused = None;
        let mut seen = false;
        while let Some(name) = members.next_key::<String>()? {
            if name == "events" && !seen && self.wrapping == Wrapping::Object {
                seen = true;
                read = members.next_value::<Events<'de>>()?.0;
                continue;
            }
            members.next_value::<IgnoredAny>()?;
            let pointer = format!("/{}", escape(&name));
            refused.get_or_insert_with(|| match name.as_str() {
                "events" => wrong("duplicate_member", &pointer, "this member appears twice"),
                _ => wrong("unknown_member", &pointer, "there is no such member"),
            });
        }
        Ok(match (self.wrapping, refused) {
            (Wrapping::Object, Some(error)) => Err(error),
            (Wrapping::Object, None) | (Wrapping::Bare, _) => read,
        })
    }
}

impl Outside {
    fn wrong_type(&self) -> InputError {
        match self.wrapping {
            Wrapping::Object => wrong("wrong_type", "", "is neither a list nor an object with events"),
            Wrapping::Bare => wrong("wrong_type", "", "is not a list"),
        }
    }
}

/// The member `events`.
struct Events<'a>(Read<'a>);

impl<'de> serde::Deserialize<'de> for Events<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        if !raw.get().starts_with('[') {
            return Ok(Self(Err(wrong("wrong_type", "/events", "is not a list"))));
        }
        let mut inner = serde_json::Deserializer::from_str(raw.get());
        inner.deserialize_seq(List).map(Self).map_err(serde::de::Error::custom)
    }
}

struct List;

impl<'de> Visitor<'de> for List {
    type Value = Read<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        list(items, "/events")
    }
}

fn list<'de, A: SeqAccess<'de>>(mut items: A, at: &'static str) -> Result<Read<'de>, A::Error> {
    let mut read = Vec::new();
    while let Some(item) = items.next_element::<&RawValue>()? {
        if read.len() == BATCH_MAX {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Err(wrong("too_many", at, "a batch has 1 to 500 events")));
        }
        read.push(item);
    }
    Ok(Ok(Batch { items: read, at }))
}

fn wrong(error: &'static str, pointer: &str, detail: &str) -> InputError {
    InputError { error, pointer: Some(pointer.to_owned()), detail: detail.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{BATCH_MAX, Wrapping, split};

    fn refusal(body: &str, wrapping: Wrapping) -> (&'static str, Option<String>) {
        let error = split(body.as_bytes(), wrapping).unwrap_err();
        (error.error, error.pointer)
    }

    #[test]
    fn both_wrappings_give_the_bytes_of_each_event() {
        let inner = r#"[{"a":1,"a":2} , "\u0000", [[[1e999]]],"\ud800"]"#;
        for body in [inner.to_owned(), format!(" {{\"events\": {inner}}} ")] {
            let batch = split(body.as_bytes(), Wrapping::Object).unwrap();
            let items: Vec<&str> = batch.items.iter().map(|item| item.get()).collect();
            assert_eq!(items, [r#"{"a":1,"a":2}"#, r#""\u0000""#, "[[[1e999]]]", r#""\ud800""#]);
        }
        let deep = format!("[{}1{},2]", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(split(deep.as_bytes(), Wrapping::Bare).unwrap().items.len(), 2);
    }

    #[test]
    fn the_outside_is_judged_as_a_whole() {
        let cases = [
            ("{}", "missing_member", Some("/events")),
            (r#"{"events":[]}"#, "out_of_range", Some("/events")),
            ("[]", "out_of_range", Some("")),
            (r#"{"events":{}}"#, "wrong_type", Some("/events")),
            (r#"{"events":null}"#, "wrong_type", Some("/events")),
            (r#"{"events":[1],"colour":1}"#, "unknown_member", Some("/colour")),
            (r#"{"kind":"order.new"}"#, "unknown_member", Some("/kind")),
            (r#"{"events":[1],"events":[2]}"#, "duplicate_member", Some("/events")),
            ("7", "wrong_type", Some("")),
            ("null", "wrong_type", Some("")),
            (r#""text""#, "wrong_type", Some("")),
            ("[1", "malformed_json", None),
            ("[1] 2", "malformed_json", None),
            (r#"{"events":[1 2]}"#, "malformed_json", None),
            ("", "malformed_json", None),
            ("\u{feff}[1]", "malformed_json", None),
        ];
        for (body, error, pointer) in cases {
            assert_eq!(refusal(body, Wrapping::Object), (error, pointer.map(str::to_owned)), "{body}");
        }
        assert_eq!(split(b"[\"\xff\"]", Wrapping::Bare).unwrap_err().error, "malformed_json");
        assert_eq!(refusal(r#"{"events":[1]}"#, Wrapping::Bare).0, "wrong_type");
    }

    #[test]
    fn five_hundred_are_taken_and_one_more_is_not() {
        let of = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
        assert_eq!(split(of(BATCH_MAX).as_bytes(), Wrapping::Bare).unwrap().items.len(), BATCH_MAX);
        assert_eq!(refusal(&of(BATCH_MAX + 1), Wrapping::Object), ("too_many", Some(String::new())));
        let wrapped = format!("{{\"events\":{}}}", of(BATCH_MAX + 1));
        assert_eq!(refusal(&wrapped, Wrapping::Object), ("too_many", Some("/events".to_owned())));
    }
}
