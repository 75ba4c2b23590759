//! An event as a Standard Webhooks message carries it: `{"type", "timestamp", "data"}`.
//! Whether such a message is signed is no concern of this module.

use serde_json::{Map, Value};

use super::event_type::Types;
use super::flat::{self, Draft};
use super::places::Place;
use super::reader::{InputError, Reader};

/// Longest type, in characters.
const TYPE_CHARS_MAX: usize = 200;

/// Whether a body is in this form: it has a type and no kind.
pub(super) fn is_one(body: &Map<String, Value>) -> bool {
    body.contains_key("type") && !body.contains_key("kind")
}

/// The canonical event that the message carries.
///
/// # Errors
/// The first thing wrong, with its place in the message.
pub(super) fn draft(message: &Reader<'_>, types: &Types<'_>) -> Result<Draft, InputError> {
    if message.value("specversion").is_some() {
        let detail = "a CloudEvent is sent as application/cloudevents+json";
        return Err(message.error("specversion", "unknown_member", detail));
    }
    message.only(&["id", "type", "timestamp", "data"])?;
    let event_type = message.text("type", TYPE_CHARS_MAX)?.ok_or_else(|| message.missing("type"))?;
    let kind = types.kind_of(&event_type);
    let kind =
        kind.ok_or_else(|| message.error("type", "unknown_kind", "neither is a kind nor ends in one"))?;
    let data = message.object("data")?.ok_or_else(|| message.missing("data"))?;
    let mut draft = flat::draft(data.members(), &Place::Member("/data".to_owned()))?;
    draft.event.insert("kind".to_owned(), kind.into());
    draft.places.note("/kind", Place::Member("/type".to_owned()));
    if let Some(at) = message.value("timestamp") {
        draft.event.insert("occurred_at".to_owned(), at.clone());
        draft.places.note("/occurred_at", Place::Member("/timestamp".to_owned()));
    }
    // In plain data an id is that of the thing it tells of, which is told of more than once.
    let inner = data.value("target").and_then(|_| data.value("id")).map(|id| (id, "/data/id"));
    if let Some((id, place)) = message.value("id").map(|id| (id, "/id")).or(inner) {
        draft.event.insert("id".to_owned(), id.clone());
        draft.places.note("/id", Place::Member(place.to_owned()));
    }
    Ok(draft)
}
