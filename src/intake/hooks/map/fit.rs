//! From a sender's value to what a member of an event may hold: texts cleaned and cut, numbers as text made numbers.
//! A sender could not mend what it sends, so a value that does not fit is left out and named, and the event goes on.

use std::borrow::Cow;

use aws_lc_rs::digest;
use serde_json::{Map, Number, Value, json};

use super::super::coordinates::{Coordinates, Place};
use super::super::times::{self, Moment, Zone};
use super::members::{Fit, Member};
use crate::domain::{EventId, RiderId};

/// Largest whole number that is exact as a double.
const EXACT_DOUBLE_MAX: f64 = 9_007_199_254_740_992.0;
/// Members that are named as left out, of one event; more say nothing new.
const DROPPED_MAX: usize = 20;

/// Where the mapping of one item stands, and what it had to leave out.
pub(super) struct Fitting<'a> {
    zone: &'a Zone,
    coord: Coordinates,
    path: Vec<&'a str>,
    dropped: Vec<String>,
}

impl<'a> Fitting<'a> {
    /// At the top of an event, of a sender with this zone and these coordinates.
    pub(super) fn new(zone: &'a Zone, coord: Coordinates) -> Self {
        Self { zone, coord, path: Vec::new(), dropped: Vec::new() }
    }

    /// Does something at a member.
    pub(super) fn at<T>(&mut self, name: &'a str, act: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(name);
        let done = act(self);
        self.path.pop();
        done
    }

    /// Names the member in hand as left out.
    pub(super) fn leave_out(&mut self, why: &str) {
        if self.dropped.len() < DROPPED_MAX {
            let pointer = self.path.iter().fold(String::new(), |pointer, step| pointer + "/" + step);
            self.dropped.push(format!("{pointer}: {why}"));
        }
    }

    /// What was left out.
    pub(super) fn into_dropped(self) -> Vec<String> {
        self.dropped
    }

    /// The value as the member holds it. `None` where there is nothing, or nothing that fits.
    pub(super) fn fit(&mut self, fit: Fit, value: Value) -> Option<Value> {
        if is_nothing(&value) {
            return None;
        }
        match fit {
            Fit::Text(chars_max) => self.text(value, chars_max).map(Value::String),
            Fit::Id => self.id(&value).map(Value::String),
            Fit::OrderId => self.order_id(&value).map(Value::String),
            Fit::Ids(max) => self.ids(value, max),
            Fit::Integer(least, most) => self.integer(&value, least, most),
            Fit::Boolean => self.found(boolean(&value).map(Value::Bool), "is neither true nor false"),
            Fit::Moment => self.moment(&value).map(|moment| Value::String(moment.to_string())),
            Fit::PhoneTail => self.phone_tail(&value),
            Fit::Degrees => self.found(degrees(&value).and_then(number), "is no number of degrees"),
            Fit::Location => self.location(&value),
            Fit::Free(bytes_max) => self.free(value, bytes_max),
            Fit::Any => Some(cleaned(value)),
            Fit::Members(members) => self.members(members, value),
        }
    }

    /// A moment, with the offset it came in.
    pub(super) fn moment(&mut self, value: &Value) -> Option<Moment> {
        if is_nothing(value) || is_zero(value) {
            return None;
        }
        self.found(times::read(value, self.zone), "is no time")
    }

    /// An id of a rider or group. Many senders write 0 where there is nobody yet.
    pub(super) fn id(&mut self, value: &Value) -> Option<String> {
        if is_nothing(value) || is_zero(value) {
            return None;
        }
        let id = plain_text(value).map(|text| text.trim().to_owned());
        let id = id.filter(|text| text.parse::<RiderId>().is_ok());
        self.found(id, "is no id")
    }

    /// The id of an event, from whatever names it.
    pub(super) fn event_id(&mut self, value: &Value) -> Option<String> {
        let text = self.found(plain_text(value), "is neither text nor number")?;
        Some(as_id(text.trim()))
    }

    /// Text of any kind, cleaned.
    pub(super) fn text(&mut self, value: Value, chars_max: usize) -> Option<String> {
        let text = match value {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number_text(&number)),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let text = self.found(text, "is no text")?;
        let text = cut(clean(text), chars_max);
        (!text.is_empty()).then_some(text)
    }

    fn found<T>(&mut self, found: Option<T>, why: &str) -> Option<T> {
        if found.is_none() {
            self.leave_out(why);
        }
        found
    }

    fn order_id(&mut self, value: &Value) -> Option<String> {
        let text = self.found(plain_text(value), "is no id")?;
        // Its bounds are those of an event's id.
        Some(as_id(text.trim()))
    }

    fn ids(&mut self, value: Value, max: usize) -> Option<Value> {
        let list = match value {
            Value::Array(list) => list,
            one => vec![one],
        };
        let mut ids: Vec<Value> = list.iter().filter_map(|item| self.id(item)).map(Value::String).collect();
        if ids.len() > max {
            ids.truncate(max);
            self.leave_out("names too many; the first were taken");
        }
        (!ids.is_empty()).then_some(Value::Array(ids))
    }

    fn integer(&mut self, value: &Value, least: i64, most: i64) -> Option<Value> {
        let whole = self.found(integer(value), "is no number")?;
        let within = (least..=most).contains(&whole).then(|| Value::from(whole));
        self.found(within, "is out of range")
    }

    fn phone_tail(&mut self, value: &Value) -> Option<Value> {
        let text = self.found(plain_text(value), "is no phone")?;
        let digits: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
        let tail: String = digits.iter().skip(digits.len().saturating_sub(4)).collect();
        self.found((!tail.is_empty()).then_some(Value::String(tail)), "has no digits")
    }

    fn location(&mut self, value: &Value) -> Option<Value> {
        let lat = value.get("lat").and_then(degrees);
        let lng = value.get("lng").and_then(degrees);
        let (Some(lat), Some(lng)) = (lat, lng) else {
            let nothing = ["lat", "lng"].iter().all(|name| value.get(name).is_none_or(is_nothing));
            if !nothing {
                self.leave_out("has no lat and lng");
            }
            return None;
        };
        self.place(lat, lng, value.get("coord"))
    }

    fn place(&mut self, lat: f64, lng: f64, coord: Option<&Value>) -> Option<Value> {
        // Nobody lives there; senders write it for "not known".
        if lat == 0.0 && lng == 0.0 {
            return None;
        }
        let told = coord.and_then(Value::as_str).and_then(|word| word.parse().ok());
        let place = self.found(Place::new(lat, lng), "is nowhere on earth")?;
        let Place { lat, lng } = place.converted(told.unwrap_or(self.coord), Coordinates::Gcj02);
        Some(json!({"lat": lat, "lng": lng, "coord": Coordinates::Gcj02.as_str()}))
    }

    fn free(&mut self, value: Value, bytes_max: usize) -> Option<Value> {
        let object = self.found(value.is_object().then_some(value), "is no object")?;
        let object = cleaned(object);
        let fits = object.to_string().len() <= bytes_max;
        let object = self.found(fits.then_some(object), "is too long")?;
        object.as_object().is_some_and(|members| !members.is_empty()).then_some(object)
    }

    fn members(&mut self, members: &'static [Member], value: Value) -> Option<Value> {
        let Value::Object(mut sent) = value else {
            self.leave_out("is no object");
            return None;
        };
        let mut object = Map::new();
        for (name, fit) in members {
            let Some(value) = sent.remove(*name) else { continue };
            if let Some(value) = self.at(name, |fitting| fitting.fit(*fit, value)) {
                object.insert((*name).to_owned(), value);
            }
        }
        self.settle(&mut object);
        (!object.is_empty()).then_some(Value::Object(object))
    }

    /// Makes a place of what stands beside each other as `lat`, `lng` and `coord`.
    pub(super) fn settle(&mut self, object: &mut Map<String, Value>) {
        let coord = object.remove("coord");
        let (Some(lat), Some(lng)) = (object.remove("lat"), object.remove("lng")) else { return };
        if object.contains_key("location") {
            return;
        }
        let degrees = lat.as_f64().zip(lng.as_f64());
        if let Some(place) = degrees.and_then(|(lat, lng)| self.place(lat, lng, coord.as_ref())) {
            object.insert("location".to_owned(), place);
        }
    }
}

/// Null, or text without anything in it.
pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// The text of a text or a number, as it was written.
pub(super) fn plain_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number_text(number))),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A number as text; `20.0` is 20 to everybody who counts.
pub(super) fn number_text(number: &Number) -> String {
    match number.as_f64().filter(|_| number.is_f64()) {
        Some(float) if float.fract() == 0.0 && float.abs() < EXACT_DOUBLE_MAX => format!("{float:.0}"),
        _ => number.to_string(),
    }
}

/// The text as an id; if it cannot be one, its hash.
pub(super) fn as_id(text: &str) -> String {
    if text.parse::<EventId>().is_ok() { text.to_owned() } else { hashed(text) }
}

/// 128 bits of the hash of what cannot be an id, as one.
pub(super) fn hashed(text: &str) -> String {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    let hex = digest.as_ref().iter().take(16).fold(String::with_capacity(34), |mut hex, byte| {
        for nibble in [byte >> 4, byte & 15] {
            hex.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
        hex
    });
    format!("h:{hex}")
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.trim() == "0",
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) => match number.as_i64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Value::String(text) => match text.trim() {
            "0" | "false" => Some(false),
            "1" | "true" => Some(true),
            _ => None,
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn integer(value: &Value) -> Option<i64> {
    let float = match value {
        Value::Number(number) => match number.as_i64() {
            Some(whole) => return Some(whole),
            None => number.as_f64()?,
        },
        Value::String(text) => match text.trim().parse::<i64>() {
            Ok(whole) => return Some(whole),
            Err(_) => text.trim().parse::<f64>().ok()?,
        },
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let whole = float.round();
    #[expect(clippy::cast_possible_truncation, reason = "within what is exact")]
    (whole.abs() < EXACT_DOUBLE_MAX).then_some(whole as i64)
}

fn degrees(value: &Value) -> Option<f64> {
    let degrees = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    degrees.is_finite().then_some(degrees)
}

fn number(float: f64) -> Option<Value> {
    Number::from_f64(float).map(Value::Number)
}

fn is_bad(character: char) -> bool {
    character.is_control() && !matches!(character, '\n' | '\r' | '\t')
}

/// Text without control characters and without white space around it; line breaks and tabs are ordinary in notes.
fn clean(mut text: String) -> String {
    if text.contains(is_bad) {
        text.retain(|character| !is_bad(character));
    }
    let trimmed = text.trim();
    if trimmed.len() == text.len() { text } else { trimmed.to_owned() }
}

/// The first so many characters.
pub(super) fn cut(mut text: String, chars_max: usize) -> String {
    if text.len() > chars_max
        && let Some((end, _)) = text.char_indices().nth(chars_max)
    {
        text.truncate(end);
    }
    text
}

/// A value without control characters, at any depth: bodies are at most 32 deep.
fn cleaned(value: Value) -> Value {
    match value {
        Value::String(mut text) => {
            text.retain(|character| !is_bad(character));
            Value::String(text)
        }
        Value::Array(list) => Value::Array(list.into_iter().map(cleaned).collect()),
        Value::Object(members) => {
            let clean_name = |mut name: String| {
                name.retain(|character| !is_bad(character));
                name
            };
            let members = members.into_iter().map(|(name, value)| (clean_name(name), cleaned(value)));
            Value::Object(members.collect())
        }
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_)) => plain,
    }
}
