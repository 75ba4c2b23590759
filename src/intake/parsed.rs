//! One event in whichever form it was sent: canonical, as a webhook message, or as a CloudEvent.
//! Whatever the form, what comes out is the same: an event that cannot be wrong, and a hash of what it says.

use aws_lc_rs::digest;
use http::HeaderMap;
use serde_json::Value;

use super::event_body::read_event;
use super::event_type::Types;
use super::flat::Draft;
use super::places::Places;
use super::reader::{InputError, Reader};
use super::{cloud_event, strict_json, webhook};
use crate::domain::{Event, EventId, Kinds};

/// An event and the hash that tells it from another one with the same id.
#[derive(Clone, Debug)]
pub struct ParsedEvent {
    /// The event. Without an id of the backend's it has a fresh one.
    pub event: Event,
    /// SHA-256 of the canonical event with its members in order and without white space.
    pub body_hash: [u8; 32],
    /// The canonical event, JSON, without what makes it come again; only of an event that does.
    pub recurring_body: Option<String>,
    /// Where its members stood in what was sent.
    pub places: Places,
    /// Who gave it its id.
    pub origin: Origin,
    /// The trace it says it belongs to, as in a `traceparent` header.
    pub trace_parent: Option<String>,
}

/// Who gave an event its id.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// The backend, or nobody.
    Backend,
    /// A CloudEvent: its source and its id.
    CloudEvent,
}

/// How one event is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// JSON: canonical or a webhook message; with `ce-` headers the data of a CloudEvent.
    Json,
    /// A structured CloudEvent.
    CloudEvent,
}

type Read<T> = Result<T, InputError>;

impl ParsedEvent {
    /// An event of our own, which nobody sent.
    #[must_use]
    pub fn own(event: Event) -> Self {
        Self {
            event,
            body_hash: [0; 32],
            recurring_body: None,
            places: Places::default(),
            origin: Origin::Backend,
            trace_parent: None,
        }
    }
}

/// Parses the body of one request. `fresh_id` names the event if the backend did not.
///
/// # Errors
/// The first thing wrong, with its place.
pub fn parse_posted(
    form: Form,
    headers: &HeaderMap,
    body: &[u8],
    types: &Types<'_>,
    fresh_id: impl FnOnce() -> EventId,
) -> Read<ParsedEvent> {
    if form == Form::Json && cloud_event::is_binary(headers) {
        return of_cloud_event(cloud_event::binary(headers, body, types)?, types.kinds);
    }
    parse_item(form, body, types, fresh_id)
}

/// Parses one event that stands by itself, as in a batch.
///
/// # Errors
/// The first thing wrong, with its place.
pub fn parse_item(
    form: Form,
    body: &[u8],
    types: &Types<'_>,
    fresh_id: impl FnOnce() -> EventId,
) -> Read<ParsedEvent> {
    let value = strict_json::parse(body)?;
    match form {
        Form::CloudEvent => of_cloud_event(cloud_event::structured(&value, types)?, types.kinds),
        Form::Json => {
            let message = Reader::new(&value)?;
            if !webhook::is_one(message.members()) {
                return of_canonical(&value, types.kinds, fresh_id);
            }
            let Draft { event, places } = webhook::draft(&message, types)?;
            let parsed = of_canonical(&Value::Object(event), types.kinds, fresh_id);
            match parsed {
                Ok(parsed) => Ok(ParsedEvent { places, ..parsed }),
                Err(error) => Err(places.tell(error)),
            }
        }
    }
}

/// Parses a canonical event.
///
/// # Errors
/// The first thing wrong, with its place.
pub fn parse_event(body: &[u8], kinds: &Kinds, fresh_id: impl FnOnce() -> EventId) -> Read<ParsedEvent> {
    of_canonical(&strict_json::parse(body)?, kinds, fresh_id)
}

/// Parses a canonical event that is JSON already.
///
/// # Errors
/// The first thing wrong, with its place.
pub(super) fn of_canonical(
    value: &Value,
    kinds: &Kinds,
    fresh_id: impl FnOnce() -> EventId,
) -> Read<ParsedEvent> {
    let event = read_event(&Reader::new(value)?, kinds, fresh_id)?;
    let recurring_body = event.recurrence.is_some().then(|| without_recurrence(value));
    Ok(ParsedEvent { body_hash: hash(value), recurring_body, ..ParsedEvent::own(event) })
}

fn of_cloud_event(read: cloud_event::CloudEvent, kinds: &Kinds) -> Read<ParsedEvent> {
    let cloud_event::CloudEvent { draft: Draft { event, places }, id, trace_parent } = read;
    match of_canonical(&Value::Object(event), kinds, || id) {
        Ok(parsed) => Ok(ParsedEvent { places, origin: Origin::CloudEvent, trace_parent, ..parsed }),
        Err(error) => Err(places.tell(error)),
    }
}

fn hash(value: &Value) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, value.to_string().as_bytes());
    digest.as_ref().try_into().unwrap_or_default()
}

fn without_recurrence(value: &Value) -> String {
    let mut once = value.clone();
    if let Some(members) = once.as_object_mut() {
        members.remove("recur");
    }
    once.to_string()
}
