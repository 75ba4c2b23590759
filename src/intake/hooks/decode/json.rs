//! JSON that two readers can only read in one way. Whole numbers beyond 64 bits become text, digit by digit.

mod exact;

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::{Count, DEPTH_MAX, DecodeError, refused};
use crate::intake::reader::escape;

/// Reads a text that stands `depth` levels deep in its body.
pub(super) fn read(text: &str, depth: usize, count: &Count) -> Result<Value, DecodeError> {
    let text = exact::quoted(text);
    let place = Place { count, refusal: RefCell::default() };
    let mut deserializer = serde_json::Deserializer::from_str(&text);
    let parsed = Node { place: &place, depth }.deserialize(&mut deserializer).and_then(|value| {
        deserializer.end()?;
        Ok(value)
    });
    parsed.map_err(|error| {
        place.refusal.into_inner().map_or_else(
            || {
                let detail = format!("not JSON at line {}, column {}", error.line(), error.column());
                refused("malformed_json", detail)
            },
            Refusal::told,
        )
    })
}

/// What was found wrong; the way to it is noted from inside out, so that a good body pays nothing for it.
struct Refusal {
    error: DecodeError,
    way: Vec<String>,
}

impl Refusal {
    fn told(self) -> DecodeError {
        let pointer: String = self.way.iter().rev().flat_map(|step| ["/".to_owned(), escape(step)]).collect();
        let Self { error: DecodeError { reason, detail }, .. } = self;
        // A name is the sender's, and may be as long as the body.
        let pointer: String = pointer.chars().filter(|c| !c.is_control()).take(200).collect();
        if pointer.is_empty() {
            return refused(reason, detail);
        }
        refused(reason, format!("{detail}, at {pointer}"))
    }
}

struct Place<'a> {
    count: &'a Count,
    refusal: RefCell<Option<Refusal>>,
}

impl Place<'_> {
    fn refuse<E: Error>(&self, error: DecodeError) -> E {
        let told = E::custom(error.reason);
        *self.refusal.borrow_mut() = Some(Refusal { error, way: Vec::new() });
        told
    }

    fn came_by(&self, step: impl Into<String>) {
        if let Some(refusal) = &mut *self.refusal.borrow_mut() {
            refusal.way.push(step.into());
        }
    }
}

#[derive(Clone, Copy)]
struct Node<'a> {
    place: &'a Place<'a>,
    depth: usize,
}

impl Node<'_> {
    /// What stands inside.
    fn inner<E: Error>(self) -> Result<Self, E> {
        if self.depth >= DEPTH_MAX {
            let detail = format!("nested more than {DEPTH_MAX} levels deep");
            return Err(self.place.refuse(refused("too_deep", detail)));
        }
        Ok(Self { place: self.place, depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.place.count.one().map_err(|error| self.place.refuse(error))?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut list = Vec::new();
        loop {
            let item = items.next_element_seed(inner).inspect_err(|_| {
                self.place.came_by(list.len().to_string());
            })?;
            let Some(item) = item else { return Ok(Value::Array(list)) };
            list.push(item);
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                let twice = refused("duplicate_member", "this member appears twice".to_owned());
                let error = self.place.refuse(twice);
                self.place.came_by(name);
                return Err(error);
            }
            let value = members.next_value_seed(inner).inspect_err(|_| self.place.came_by(name.as_str()))?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Count, DecodeError, VALUES_MAX};

    fn read(text: &str) -> Result<Value, DecodeError> {
        super::read(text, 0, &Count::default())
    }

    fn refusal(text: &str) -> (&'static str, String) {
        let error = read(text).unwrap_err();
        (error.reason, error.detail)
    }

    #[test]
    fn ambiguity_is_refused_where_it_stands() {
        let (reason, detail) = refusal(r#"{"a":[0,{"b":1,"b":2}]}"#);
        assert_eq!((reason, &*detail), ("duplicate_member", "this member appears twice, at /a/1/b"));
        // The same name, once with an escape.
        assert_eq!(refusal(r#"{"a":1,"\u0061":2}"#).0, "duplicate_member");
        for broken in ["{", "{} x", "{}{}", "{'a':1}", r#""\ud800""#, "nul", "[1,]", "01", "+1", "\u{feff}{}"]
        {
            assert_eq!(refusal(broken).0, "malformed_json", "{broken:?}");
        }
        assert_eq!(refusal("{\n x").1, "not JSON at line 2, column 2");
    }

    #[test]
    fn what_is_too_much_is_refused() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(read(&nested(32)).is_ok());
        assert_eq!(refusal(&nested(33)).0, "too_deep");
        assert_eq!(refusal(&"[".repeat(100_000)).0, "too_deep");
        assert_eq!(refusal(&"{\"a\":".repeat(100_000)).0, "too_deep");
        assert_eq!(super::read(&nested(2), 31, &Count::default()).unwrap_err().reason, "too_deep");
        let many = format!("[{}0]", "0,".repeat(VALUES_MAX));
        assert_eq!(refusal(&many).0, "too_many");
    }

    #[test]
    fn values_are_what_was_sent() {
        assert_eq!(
            read(r#"{"a":[1.5,-3,true,null,"收\n\u0007单"],"":18446744073709551615}"#).unwrap(),
            json!({"a":[1.5,-3,true,null,"收\n\u{7}单"],"":u64::MAX})
        );
        assert_eq!(read(r#"{"a":18446744073709551616}"#).unwrap(), json!({"a":"18446744073709551616"}));
        assert_eq!(refusal("{123456789012345678901234567890:1}").0, "malformed_json");
    }
}
