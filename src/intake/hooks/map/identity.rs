//! The id of an event whose sender gives it none: what was said about which order, of whom, and when it changed.
//! A repeat has the same id and is a duplicate; so nothing goes in that a sender changes with each try.

use serde_json::{Map, Value};

use super::fit::{as_id, hashed};
use crate::domain::EpochMs;

/// What an event says of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    /// The order's id.
    pub(super) order: Option<&'a str>,
    /// The sender's status, or our kind.
    pub(super) status: &'a str,
    /// Whose order it is now.
    pub(super) rider: Option<&'a str>,
    /// The event's own time.
    pub(super) changed_at: Option<EpochMs>,
}

/// An id that holds for every try.
pub(super) fn derived(facts: Facts<'_>, item: &Value) -> String {
    let Facts { order, status, rider, changed_at } = facts;
    let rider = rider.unwrap_or("-");
    let changed_at = changed_at.map_or_else(|| "-".to_owned(), |at| at.0.to_string());
    match order {
        Some(order) => as_id(&format!("{order}:{status}:{rider}:{changed_at}")),
        None => hashed(&format!("{status}\n{rider}\n{changed_at}\n{}", without_tries(item))),
    }
}

/// The item without what is different with each try.
fn without_tries(item: &Value) -> Value {
    match item {
        Value::Array(list) => Value::Array(list.iter().map(without_tries).collect()),
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, _)| !is_of_the_try(name));
            let kept = kept.map(|(name, value)| (name.clone(), without_tries(value)));
            Value::Object(kept.collect::<Map<_, _>>())
        }
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => plain.clone(),
    }
}

/// Whether a member is named like a counter of tries, the time of the call, or its signature.
fn is_of_the_try(name: &str) -> bool {
    let plain: String =
        name.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect();
    let begins = ["retry", "sign", "nonce", "attempt"];
    let known = ["timestamp", "ts", "sig", "sendcount", "sendtime", "pushtime", "pushcount", "calltime"];
    begins.iter().any(|word| plain.starts_with(word)) || known.contains(&plain.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fit::as_id;
    use super::{Facts, derived};
    use crate::domain::{EpochMs, EventId};

    const FACTS: Facts<'_> = Facts { order: Some("o1"), status: "20", rider: None, changed_at: None };

    #[test]
    fn order_status_rider_and_change_make_an_id() {
        let item = json!({});
        assert_eq!(derived(FACTS, &item), "o1:20:-:-");
        let told = Facts { rider: Some("r7"), changed_at: Some(EpochMs(5)), ..FACTS };
        assert_eq!(derived(told, &item), "o1:20:r7:5");
        let long = Facts { status: "Order Paid", ..FACTS };
        assert_eq!(derived(long, &item), as_id("o1:Order Paid:-:-"));
        assert!(derived(long, &item).starts_with("h:"));
    }

    #[test]
    fn without_an_order_it_is_the_hash_of_what_a_repeat_says_again() {
        let facts = Facts { order: None, ..FACTS };
        let first =
            json!({"a": 1, "timestamp": 5, "sendCount": 1, "retry_times": 0, "deep": {"sign": "x", "b": 2}});
        let again = json!({"deep": {"b": 2, "sign": "y", "nonce_str": "z"}, "a": 1, "timestamp": 9, "sendCount": 2, "push_time": 7});
        let other = json!({"a": 2, "deep": {"b": 2}});
        assert_eq!(derived(facts, &first), derived(facts, &again));
        assert_ne!(derived(facts, &first), derived(facts, &other));
        assert_ne!(derived(facts, &first), derived(Facts { status: "30", ..facts }, &first));
        assert_ne!(derived(facts, &first), derived(Facts { rider: Some("r"), ..facts }, &first));
        assert_ne!(derived(facts, &first), derived(Facts { changed_at: Some(EpochMs(1)), ..facts }, &first));
    }

    #[test]
    fn what_cannot_be_an_id_is_hashed() {
        assert_eq!(as_id("evt-1"), "evt-1");
        for bad in [String::new(), "a b".to_owned(), "x".repeat(129), "a\u{7}".to_owned()] {
            let id = as_id(&bad);
            assert_eq!((id.len(), &id[..2]), (34, "h:"), "{bad}");
            assert!(id.parse::<EventId>().is_ok());
        }
        assert_ne!(as_id("a b"), as_id("a  b"));
    }
}
