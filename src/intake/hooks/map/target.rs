//! Whom an event of a hook is for: whom the body names, else whom the profile names.
//! And the station it belongs to, by which shadow mode is opened bit by bit.

use serde_json::{Map, Value, json};

use super::super::ProfileError;
use super::fit::number_text;
use crate::intake::event_body::read_target;
use crate::intake::reader::Reader;

/// Members that name somebody.
const WHO: [&str; 3] = ["riders", "groups", "broadcast"];

/// `[target]` of a profile: for events whose body names nobody.
#[derive(Debug)]
pub(super) struct DefaultTarget(Map<String, Value>);

impl DefaultTarget {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(super) fn read(profile: &Reader<'_>) -> Result<Option<Self>, ProfileError> {
        let Some(target) = profile.object("target")? else { return Ok(None) };
        read_target(profile)?;
        let members = target.members().iter().filter(|(_, value)| !value.is_null());
        Ok(Some(Self(members.map(|(name, value)| (name.clone(), value.clone())).collect())))
    }
}

/// Whom an event is for where it names nobody; what it says beside that stays. A target that still names nobody is none.
pub(super) fn complete(event: &mut Map<String, Value>, default: Option<&DefaultTarget>) {
    let mut target = match event.remove("target") {
        Some(Value::Object(target)) => target,
        _ => Map::new(),
    };
    if !names_somebody(&target) {
        for name in WHO {
            target.remove(name);
        }
        for (name, value) in default.iter().flat_map(|default| &default.0) {
            target.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    if names_somebody(&target) {
        event.insert("target".to_owned(), Value::Object(target));
    }
}

/// Sets the one rider that a profile maps, unless the event names riders in other ways.
pub(super) fn name_rider(event: &mut Map<String, Value>, rider: Option<String>) {
    let Some(rider) = rider else { return };
    let target = event.entry("target").or_insert_with(|| json!({}));
    if let Some(target) = target.as_object_mut() {
        target.entry("riders").or_insert_with(|| json!([rider]));
    }
}

/// The riders that the body names, as one text.
pub(super) fn riders(event: &Map<String, Value>) -> Option<String> {
    let riders = event.get("target")?.get("riders")?.as_array()?;
    let names: Vec<&str> = riders.iter().filter_map(Value::as_str).collect();
    (!names.is_empty()).then(|| names.join(","))
}

/// The station of an event: its shop, else whom it is for.
pub(super) fn station(event: &Map<String, Value>) -> Option<String> {
    let merchant = event.get("order").and_then(|order| order.get("merchant"));
    let of_merchant = ["id", "name"].iter().filter_map(|name| merchant?.get(*name)).find_map(text);
    let target = event.get("target");
    let of_target = ["groups", "riders"].iter().filter_map(|name| target?.get(*name)?.get(0)).find_map(text);
    of_merchant.or(of_target)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number_text(number)),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether a target names anybody.
fn names_somebody(target: &Map<String, Value>) -> bool {
    WHO.iter().filter_map(|name| target.get(*name)).any(|value| match value {
        Value::Bool(truth) => *truth,
        Value::Array(list) => !list.is_empty(),
        Value::Null | Value::Number(_) | Value::String(_) | Value::Object(_) => false,
    })
}
