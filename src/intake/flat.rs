//! From the data of a webhook or a CloudEvent to the canonical event: either its members, or plain ones beside each other.
//! Of plain data a rider, an order and slots for the sentence are taken; personal data and lists are left behind.

use serde_json::{Map, Value, json};

use super::places::{Place, Places};
use super::reader::{InputError, Reader, escape};

/// A canonical event in the making, and where its members came from.
pub(super) struct Draft {
    /// Its members.
    pub(super) event: Map<String, Value>,
    /// Their places.
    pub(super) places: Places,
}

/// Members of the canonical event, taken as they are.
const WHOLE: [&str; 10] = [
    "occurred_at",
    "target",
    "order",
    "alert",
    "offer",
    "ext",
    "callback_url",
    "deliver_at",
    "recur",
    "previous_rider_id",
];
/// Plain members and what they are in `order`.
const OF_ORDER: [(&str, &str); 16] = [
    ("order_id", "id"),
    ("version", "version"),
    ("short_no", "short_no"),
    ("platform", "platform"),
    ("status", "status"),
    ("distance_m", "distance_m"),
    ("fee_cents", "fee_cents"),
    ("items", "items"),
    ("promised_at", "promised_at"),
    ("ready_at", "ready_at"),
    ("note", "note"),
    ("reason", "reason"),
    ("merchant", "merchant/name"),
    ("merchant_name", "merchant/name"),
    ("area", "dropoff/area"),
    ("phone_tail", "dropoff/phone_tail"),
];
/// Plain members that name riders.
const RIDERS: [&str; 3] = ["rider_id", "rider_ids", "riders"];
/// Plain members that name groups.
const GROUPS: [&str; 2] = ["group_id", "groups"];
/// Said by the form itself, or of the target.
const OF_FORM: [&str; 3] = ["id", "kind", "broadcast"];
/// A plain member with one of these in its name is personal, and no slot.
const PERSONAL: [&str; 6] = ["phone", "mobile", "tel", "address", "name", "mail"];

/// Turns `data`, which stands at `at`, into a canonical event without kind and id.
///
/// # Errors
/// `not_together` where it names its riders in two ways.
pub(super) fn draft(data: &Map<String, Value>, at: &Place) -> Result<Draft, InputError> {
    let mut draft = Draft { event: Map::new(), places: Places::default() };
    draft.places.note("", at.clone());
    for name in WHOLE {
        if let Some(value) = given(data, name) {
            draft.event.insert(name.to_owned(), value.clone());
        }
    }
    if given(data, "target").is_none() {
        draft.take_target(data, at)?;
    }
    draft.take_order(data, at);
    draft.take_slots(data, at);
    Ok(draft)
}

impl Draft {
    fn take_target(&mut self, data: &Map<String, Value>, at: &Place) -> Result<(), InputError> {
        let mut target = Map::new();
        for (list, names) in [("riders", &RIDERS[..]), ("groups", &GROUPS[..])] {
            let mut named = names.iter().filter_map(|name| Some((*name, given(data, name)?)));
            let Some((name, value)) = named.next() else { continue };
            if let Some((second, _)) = named.next() {
                let error =
                    Reader::of(data).error(second, "not_together", &format!("does not go with {name}"));
                return Err(self.places.tell(error));
            }
            let path = format!("/target/{list}");
            if name.ends_with("_id") {
                self.places.note(path + "/0", below(at, name));
                target.insert(list.to_owned(), json!([value]));
            } else {
                self.places.note(path, below(at, name));
                target.insert(list.to_owned(), value.clone());
            }
        }
        if let Some(broadcast) = given(data, "broadcast") {
            self.places.note("/target/broadcast", below(at, "broadcast"));
            target.insert("broadcast".to_owned(), broadcast.clone());
        }
        if !target.is_empty() {
            self.event.insert("target".to_owned(), Value::Object(target));
        }
        Ok(())
    }

    fn take_order(&mut self, data: &Map<String, Value>, at: &Place) {
        for name in ["merchant", "dropoff"] {
            if let Some(value) = given(data, name).filter(|value| value.is_object()) {
                self.set_order(name, value, below(at, name));
            }
        }
        for (name, path) in OF_ORDER {
            let plain = given(data, name).filter(|value| !value.is_object() && !value.is_array());
            if let Some(value) = plain {
                self.set_order(path, value, below(at, name));
            }
        }
    }

    /// Sets a member of the order, unless the order says it already.
    pub(super) fn set_order(&mut self, path: &str, value: &Value, place: Place) {
        let order = self.event.entry("order").or_insert_with(|| json!({}));
        if set(order, path, value) {
            self.places.note(format!("/order/{path}"), place);
        }
    }

    fn take_slots(&mut self, data: &Map<String, Value>, at: &Place) {
        let is_slot = |name: &str, value: &Value| {
            let taken = WHOLE.contains(&name)
                || OF_FORM.contains(&name)
                || RIDERS.contains(&name)
                || GROUPS.contains(&name)
                || OF_ORDER.iter().any(|(known, _)| *known == name);
            let lower = name.to_ascii_lowercase();
            let plain = !(value.is_null() || value.is_object() || value.is_array());
            plain && !taken && !PERSONAL.iter().any(|word| lower.contains(word))
        };
        let slots: Vec<_> = data.iter().filter(|(name, value)| is_slot(name, value)).collect();
        if slots.is_empty() {
            return;
        }
        let alert = self.event.entry("alert").or_insert_with(|| json!({}));
        let Some(alert) = alert.as_object_mut() else { return };
        if alert.get("vars").is_none_or(Value::is_null) {
            alert.insert("vars".to_owned(), json!({}));
            self.places.note("/alert/vars", at.clone());
        }
        let Some(vars) = alert.get_mut("vars").and_then(Value::as_object_mut) else { return };
        for (name, value) in slots {
            vars.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
}

/// Sets the member at `path` unless it is there; what is no object on the way is left to be refused.
fn set(parent: &mut Value, path: &str, value: &Value) -> bool {
    let Some(members) = parent.as_object_mut() else { return false };
    if let Some((first, rest)) = path.split_once('/') {
        return set(members.entry(first).or_insert_with(|| json!({})), rest, value);
    }
    let free = members.get(path).is_none_or(Value::is_null);
    if free {
        members.insert(path.to_owned(), value.clone());
    }
    free
}

/// A member that is there and not null.
fn given<'a>(data: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    data.get(name).filter(|value| !value.is_null())
}

/// The place of a member below another.
fn below(at: &Place, name: &str) -> Place {
    match at {
        Place::Member(pointer) => Place::Member(format!("{pointer}/{}", escape(name))),
        Place::Inside(_) | Place::Header(_) => at.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Place, draft};

    fn event(data: &Value) -> Value {
        let at = Place::Member("/data".to_owned());
        Value::Object(draft(data.as_object().unwrap(), &at).unwrap().event)
    }

    #[test]
    fn canonical_members_stay_what_they_are() {
        let data = json!({"target": {"riders": ["r1"]}, "order": {"id": "o1", "merchant": {"name": "m"}},
            "alert": {"vars": {"n": 1}}, "ext": {"a": [1]}, "offer": {"mode": "ack"}});
        assert_eq!(event(&data), data);
    }

    #[test]
    fn plain_members_fill_target_order_and_slots() {
        let data = json!({"rider_id": "r1", "group_id": 7, "order_id": 17, "short_no": "17", "merchant": "测试面馆",
            "area": "测试小区", "times": 2, "vip": true, "items": [1, 2], "lines": [{"x": 1}], "gone": null});
        assert_eq!(
            event(&data),
            json!({"target": {"riders": ["r1"], "groups": [7]},
                "order": {"id": 17, "short_no": "17", "merchant": {"name": "测试面馆"}, "dropoff": {"area": "测试小区"}},
                "alert": {"vars": {"times": 2, "vip": true}}})
        );
    }

    #[test]
    fn what_the_event_says_itself_stands_above_plain_members() {
        let data = json!({"target": {"broadcast": true}, "rider_id": "r1", "order": {"id": "o1"}, "order_id": "o2",
            "reason": "late", "alert": {"vars": {"n": 1}}, "n": 2, "m": 3});
        assert_eq!(
            event(&data),
            json!({"target": {"broadcast": true}, "order": {"id": "o1", "reason": "late"},
                "alert": {"vars": {"n": 1, "m": 3}}})
        );
    }

    #[test]
    fn personal_data_is_no_slot() {
        let data = json!({"rider_id": "r1", "customer_name": "x", "Phone": "1", "mobile": "1", "tel_no": "1",
            "address": "x", "receiverAddress": "x", "email": "x", "gift": "x", "id": 1, "kind": "x"});
        assert_eq!(event(&data), json!({"target": {"riders": ["r1"]}, "alert": {"vars": {"gift": "x"}}}));
    }

    #[test]
    fn riders_are_named_in_one_way() {
        for two in [
            json!({"rider_id": "r1", "riders": ["r2"]}),
            json!({"rider_ids": ["r1"], "riders": ["r2"]}),
            json!({"group_id": "g", "groups": ["g"]}),
        ] {
            let at = Place::Member("/data".to_owned());
            let error = draft(two.as_object().unwrap(), &at).err().unwrap();
            assert_eq!(error.error, "not_together", "{two}");
            assert!(error.pointer.unwrap().starts_with("/data/"), "{two}");
        }
    }
}
