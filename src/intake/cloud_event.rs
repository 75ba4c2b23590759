//! CloudEvents 1.0, structured and binary: attributes that are strict, data that is JSON, an id made of source and id.
//! How attributes and data become an event of ours is told in docs/cloudevents.md.

mod attributes;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde_json::{Map, Value};

use self::attributes::Attributes;
use super::event_type::Types;
use super::flat::{self, Draft};
use super::places::Place;
use super::reader::{InputError, Reader};
use super::strict_json;
use crate::domain::EventId;

/// A canonical event, and what only a CloudEvent has.
pub(super) struct CloudEvent {
    /// The event without its id.
    pub(super) draft: Draft,
    /// `source#id`.
    pub(super) id: EventId,
    /// The extension `traceparent`.
    pub(super) trace_parent: Option<String>,
}

type Read<T> = Result<T, InputError>;

/// The word for everything that is wrong with the envelope.
const WRONG: &str = "bad_cloudevent";

/// Whether the headers carry the attributes of a CloudEvent, so that the body is its data.
#[must_use]
pub fn is_binary(headers: &HeaderMap) -> bool {
    ["ce-specversion", "ce-id", "ce-source", "ce-type"].into_iter().any(|name| headers.contains_key(name))
}

/// A body of `application/cloudevents+json`, or one of a batch.
///
/// # Errors
/// `bad_cloudevent` for its envelope; what is wrong with its data is told by the word for that.
pub(super) fn structured(body: &Value, types: &Types<'_>) -> Read<CloudEvent> {
    let members = Reader::new(body)?.members();
    let attributes = Attributes::of_members(members)?;
    let data = members.get("data").filter(|value| !value.is_null());
    let encoded = members.get("data_base64").filter(|value| !value.is_null());
    match (data, encoded) {
        (Some(_), Some(_)) => Err(attributes.wrong("data_base64", "does not go with data")),
        (Some(Value::Object(data)), None) => {
            assemble(&attributes, data, &Place::Member("/data".to_owned()), types)
        }
        (Some(_), None) => Err(attributes.wrong("data", "must be an object")),
        (None, Some(encoded)) => {
            let decoded = encoded.as_str().and_then(|text| STANDARD.decode(text).ok());
            let decoded = decoded.ok_or_else(|| attributes.wrong("data_base64", "is not base64"))?;
            let value = strict_json::parse(&decoded)
                .map_err(|error| InputError { pointer: Some("/data_base64".to_owned()), ..error })?;
            let data =
                value.as_object().ok_or_else(|| attributes.wrong("data_base64", "must be an object"))?;
            assemble(&attributes, data, &Place::Inside("/data_base64".to_owned()), types)
        }
        (None, None) => assemble(&attributes, &Map::new(), &Place::Member("/data".to_owned()), types),
    }
}

/// A body that is the data, with the attributes in headers.
///
/// # Errors
/// As [`structured`].
pub(super) fn binary(headers: &HeaderMap, body: &[u8], types: &Types<'_>) -> Read<CloudEvent> {
    let attributes = Attributes::of_headers(headers)?;
    if body.is_empty() {
        return assemble(&attributes, &Map::new(), &Place::Member(String::new()), types);
    }
    let value = strict_json::parse(body)?;
    assemble(&attributes, Reader::new(&value)?.members(), &Place::Member(String::new()), types)
}

fn assemble(
    attributes: &Attributes<'_>,
    data: &Map<String, Value>,
    at: &Place,
    types: &Types<'_>,
) -> Read<CloudEvent> {
    let kind = types
        .kind_of(&attributes.event_type)
        .ok_or_else(|| attributes.error("type", "unknown_kind", "neither is a kind nor ends in one"))?;
    let mut draft = flat::draft(data, at)?;
    draft.event.insert("kind".to_owned(), kind.into());
    draft.places.note("/kind", attributes.place("type"));
    if let Some(time) = &attributes.time {
        draft.event.insert("occurred_at".to_owned(), time.as_str().into());
        draft.places.note("/occurred_at", attributes.place("time"));
    }
    if let Some(subject) = &attributes.subject {
        draft.set_order("id", &subject.as_str().into(), attributes.place("subject"));
    }
    Ok(CloudEvent {
        draft,
        id: id_of(&attributes.source, &attributes.id).map_err(InputError::of_id)?,
        trace_parent: attributes.trace_parent.clone(),
    })
}

/// Source and id are one event together. What is too long for an id of ours, or cannot be one, is named by its digest.
fn id_of(source: &str, id: &str) -> Result<EventId, crate::domain::IdError> {
    let whole = format!("{source}#{id}");
    whole.parse().or_else(|_| {
        use std::fmt::Write;
        let digest = digest::digest(&digest::SHA256, whole.as_bytes());
        let mut name = "ce-".to_owned();
        for byte in digest.as_ref() {
            let _never_fails = write!(name, "{byte:02x}");
        }
        name.parse()
    })
}

#[cfg(test)]
mod tests;
