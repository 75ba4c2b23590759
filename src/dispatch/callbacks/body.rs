//! What is sent of a callback: its type, its time, and its data with our ids and what the event carried for its sender.
//! The same callback always gives the same body; a list target gets a list of them, even of one.

use serde_json::{Map, Value, json};

use crate::domain::callback::Callback;
use crate::store::CallbackBatch;

/// The body of one callback. What is absent is left out.
#[must_use]
pub fn of(callback: &Callback) -> Value {
    let ids = [
        ("callback_id", Some(callback.id.to_string())),
        ("app_id", Some(callback.app.to_string())),
        ("alert_id", callback.alert.map(|id| id.to_string())),
        ("event_id", callback.event.as_ref().map(ToString::to_string)),
        ("order_id", callback.order.as_ref().map(ToString::to_string)),
        ("rider", callback.rider.as_ref().map(ToString::to_string)),
    ];
    let mut data: Map<String, Value> = callback.data.clone();
    data.retain(|_, value| !value.is_null());
    data.extend(ids.into_iter().filter_map(|(name, id)| Some((name.to_owned(), Value::String(id?)))));
    if callback.key_mode.is_test() {
        data.insert("test".to_owned(), Value::Bool(true));
    }
    // It was read when the event came in; what is no object is left out like what was never there.
    let ext = callback.ext.as_deref().and_then(|ext| serde_json::from_str::<Map<String, Value>>(ext).ok());
    if let Some(ext) = ext.filter(|ext| !ext.is_empty()) {
        data.insert("ext".to_owned(), Value::Object(ext));
    }
    json!({"type": callback.kind, "timestamp": callback.at.to_string(), "data": data})
}

/// The body of a request: that of its one callback, or a list.
pub(super) fn of_batch(batch: &CallbackBatch) -> Value {
    match &batch.callbacks[..] {
        [only] if !batch.is_list => of(only),
        all => all.iter().map(of).collect(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::{of, of_batch};
    use crate::domain::app::KeyMode;
    use crate::domain::callback::{Callback, Destination};
    use crate::domain::{AlertId, AppId, CallbackId, EpochMs};
    use crate::store::CallbackBatch;

    const AT: EpochMs = EpochMs(1_772_339_405_123);

    pub(in crate::dispatch::callbacks) fn callback(kind: &str) -> Callback {
        let app = AppId::new(AT, [1; 10]);
        Callback {
            id: CallbackId::new(AT, [2; 10]),
            app,
            destination: Destination { app, name: "cbt_1".to_owned() },
            url: "https://backend.example.com/bell".to_owned(),
            key_mode: KeyMode::Live,
            kind: kind.to_owned(),
            alert: Some(AlertId::new(AT, [3; 10])),
            event: Some("e-1".parse().unwrap()),
            order: None,
            rider: Some("骑手-1".parse().unwrap()),
            ext: Some(r#"{"shop":7}"#.to_owned()),
            trace_id: None,
            data: serde_json::from_value(json!({"state": "played", "answer": null, "after_ms": 812}))
                .unwrap(),
            at: AT,
            attempts: 0,
        }
    }

    fn batch(is_list: bool, callbacks: Vec<Callback>) -> CallbackBatch {
        CallbackBatch { webhook_id: "cbk_1".to_owned(), is_list, callbacks }
    }

    #[test]
    fn ids_data_and_ext_are_told_and_what_is_absent_is_not() {
        let callback = callback("delivery.played");
        let expected = json!({
            "type": "delivery.played",
            "timestamp": "2026-03-01T04:30:05.123Z",
            "data": {
                "callback_id": callback.id, "app_id": callback.app, "alert_id": callback.alert,
                "event_id": "e-1", "rider": "骑手-1", "state": "played", "after_ms": 812, "ext": {"shop": 7},
            },
        });
        assert_eq!(of(&callback), expected);
    }

    #[test]
    fn a_test_says_that_it_is_one_and_data_cannot_pretend_to_be_another_rider() {
        let mut callback = callback("delivery.sent");
        callback.key_mode = KeyMode::Test;
        callback.data.insert("rider".to_owned(), json!("another"));
        callback.ext = None;
        let data = of(&callback)["data"].take();
        assert_eq!(
            (&data["test"], &data["rider"], &data["ext"]),
            (&json!(true), &json!("骑手-1"), &Value::Null)
        );
    }

    #[test]
    fn a_list_target_gets_a_list_even_of_one() {
        let one = callback("offer.accepted");
        assert_eq!(of_batch(&batch(false, vec![one.clone()])), of(&one));
        assert_eq!(of_batch(&batch(true, vec![one.clone()])), json!([of(&one)]));
        assert_eq!(of_batch(&batch(true, vec![one.clone(), one.clone()])), json!([of(&one), of(&one)]));
    }
}
