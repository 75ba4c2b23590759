//! The body of a recurring event, as far as it names riders: it is kept as JSON and read anew each time.
//! Of a rider who is erased nothing may stay in it.

use serde_json::{Map, Value};

use crate::domain::RiderId;

/// What is left of a body without a rider.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Without {
    /// It never named them.
    Same,
    /// This; it is for others as well.
    Body(String),
    /// Nothing: it was for them alone.
    Nobody,
}

/// Takes a rider out of the body of a recurring event.
pub(super) fn without(body: &str, rider: &RiderId) -> Without {
    let Ok(Value::Object(mut event)) = serde_json::from_str(body) else { return Without::Same };
    let mut named = false;
    if event.get("previous_rider_id").and_then(Value::as_str) == Some(rider.as_str()) {
        event.remove("previous_rider_id");
        named = true;
    }
    for (object, list) in [("target", "riders"), ("target", "exclude"), ("offer", "candidates")] {
        if let Some(Value::Object(object)) = event.get_mut(object) {
            named |= taken_off(object, list, rider);
        }
    }
    let target = event.get("target").and_then(Value::as_object);
    let is_for_nobody = named && target.is_some_and(|target| !names_anybody(target));
    match (named, is_for_nobody) {
        (false, _) => Without::Same,
        (true, true) => Without::Nobody,
        (true, false) => Without::Body(Value::Object(event).to_string()),
    }
}

fn taken_off(object: &mut Map<String, Value>, list: &str, rider: &RiderId) -> bool {
    let Some(Value::Array(riders)) = object.get_mut(list) else { return false };
    let before = riders.len();
    riders.retain(|named| named.as_str() != Some(rider.as_str()));
    riders.len() < before
}

fn names_anybody(target: &Map<String, Value>) -> bool {
    let lists = ["riders", "groups"].map(|list| target.get(list).and_then(Value::as_array));
    lists.into_iter().flatten().any(|list| !list.is_empty())
        || target.get("broadcast") == Some(&Value::Bool(true))
        || target.contains_key("near")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Without, without};

    #[test]
    fn a_rider_is_taken_out_and_what_was_for_them_alone_is_over() {
        let rider = "r1".parse().unwrap();
        let of = |event: serde_json::Value| without(&event.to_string(), &rider);
        assert_eq!(of(json!({"target": {"riders": ["r2"], "exclude": ["r11"]}})), Without::Same);
        assert_eq!(of(json!({"target": {"riders": ["r1"]}})), Without::Nobody);
        assert_eq!(of(json!({"target": {"riders": ["r1"], "groups": []}})), Without::Nobody);
        let left = json!({"target": {"riders": [], "groups": ["east"]}, "offer": {"candidates": ["r2"]}});
        let event = json!({"target": {"riders": ["r1"], "groups": ["east"]}, "previous_rider_id": "r1",
            "offer": {"candidates": ["r1", "r2"]}});
        assert_eq!(of(event), Without::Body(left.to_string()));
        assert_eq!(
            of(json!({"target": {"broadcast": true, "exclude": ["r1"]}})),
            Without::Body(json!({"target": {"broadcast": true, "exclude": []}}).to_string())
        );
        assert_eq!(without("no event", &rider), Without::Same);
    }
}
