//! JSON without ambiguity: no duplicate names, no control characters in text, no number that would be rounded.
//! Two parsers can never read a body that passes here in two ways.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::reader::{InputError, escape};

/// Deepest nesting of a body; an event needs four.
const DEPTH_MAX: usize = 16;
/// Whole numbers above this are not all exact in a double, which is what a wider number is parsed as.
const EXACT_DOUBLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Parses a body.
///
/// # Errors
/// `malformed_json`, `duplicate_member`, `control_character`, `number_too_large` or `too_deep`.
pub fn parse(bytes: &[u8]) -> Result<Value, InputError> {
    let place = Place::default();
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = Strict(&place).deserialize(&mut deserializer).and_then(|value| {
        deserializer.end()?;
        Ok(value)
    });
    parsed.map_err(|error| {
        place.refusal.into_inner().unwrap_or_else(|| {
            let detail = format!("not JSON at line {}, column {}", error.line(), error.column());
            InputError { error: "malformed_json", pointer: None, detail }
        })
    })
}

/// Where the parser is, and what it found wrong there.
#[derive(Default)]
struct Place {
    path: RefCell<Vec<String>>,
    refusal: RefCell<Option<InputError>>,
}

impl Place {
    fn refuse<E: serde::de::Error>(&self, error: &'static str, detail: &str) -> E {
        let path = self.path.borrow();
        let pointer = path.iter().fold(String::new(), |pointer, step| pointer + "/" + &escape(step));
        *self.refusal.borrow_mut() =
            Some(InputError { error, pointer: Some(pointer), detail: detail.to_owned() });
        E::custom(detail)
    }

    fn enter<E: serde::de::Error>(&self, step: String) -> Result<(), E> {
        self.path.borrow_mut().push(step);
        if self.path.borrow().len() > DEPTH_MAX {
            return Err(self.refuse("too_deep", "nested more than 16 levels deep"));
        }
        Ok(())
    }

    fn leave(&self) {
        self.path.borrow_mut().pop();
    }

    fn text<E: serde::de::Error>(&self, text: &str) -> Result<String, E> {
        // Line breaks and tabs are ordinary in notes; other control characters are accidents or attacks.
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(self.refuse("control_character", "text must not contain control characters"));
        }
        Ok(text.to_owned())
    }
}

#[derive(Clone, Copy)]
struct Strict<'a>(&'a Place);

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
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

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        if value.abs() >= EXACT_DOUBLE_MAX {
            return Err(self
                .0
                .refuse("number_too_large", "a number this large would be rounded; send it as text"));
        }
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.0.text(value).map(Value::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            self.0.enter(list.len().to_string())?;
            let Some(item) = items.next_element_seed(self)? else { break };
            list.push(item);
            self.0.leave();
        }
        self.0.leave();
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            self.0.enter(name.clone())?;
            let name = self.0.text(&name)?;
            if object.contains_key(&name) {
                return Err(self.0.refuse("duplicate_member", "this member appears twice"));
            }
            let value = members.next_value_seed(self)?;
            object.insert(name, value);
            self.0.leave();
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn refusal(text: &str) -> (&'static str, String) {
        let error = parse(text.as_bytes()).unwrap_err();
        (error.error, error.pointer.unwrap_or_else(|| "none".to_owned()))
    }

    #[test]
    fn ambiguity_is_refused_where_it_stands() {
        let cases = [
            (r#"{"a":{"b":1,"b":2}}"#, "duplicate_member", "/a/b"),
            (r#"{"a":["x","\u0000"]}"#, "control_character", "/a/1"),
            (r#"{"a/~b":123456789012345678901234567890}"#, "number_too_large", "/a~1~0b"),
        ];
        for (text, error, pointer) in cases {
            assert_eq!(refusal(text), (error, pointer.to_owned()), "{text}");
        }
        assert_eq!(refusal(r#"{"a":{"\u0007":1}}"#).0, "control_character");
        assert_eq!(refusal(&"[".repeat(10_000)).0, "too_deep");
    }

    #[test]
    fn what_is_not_json_says_where_it_stops_being_json() {
        for broken in ["", "{", "{} x", "\u{feff}{}", "{'a':1}", r#"{"a":1e400}"#, r#""\ud800""#, "nul"] {
            assert_eq!(refusal(broken), ("malformed_json", "none".to_owned()), "{broken:?}");
        }
        assert_eq!(parse(b"\xff").unwrap_err().error, "malformed_json");
    }

    #[test]
    fn exact_values_pass_and_members_are_ordered() {
        let body = r#"{"z":9007199254740993,"a":[1.5,-3,true,null,"收\n单"]}"#;
        let value = parse(body.as_bytes()).unwrap();
        assert_eq!(value["z"], 9_007_199_254_740_993_u64);
        assert_eq!(value.to_string(), r#"{"a":[1.5,-3,true,null,"收\n单"],"z":9007199254740993}"#);
    }
}
