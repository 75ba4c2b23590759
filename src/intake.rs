//! From the bytes a backend sends to an event that cannot be wrong.
//! What is refused is refused whole, with a stable word and the JSON pointer of the member at fault.

mod batch;
mod cloud_event;
mod event_body;
mod event_type;
mod flat;
pub mod hooks;
mod offer;
mod parsed;
mod places;
mod reader;
mod sent_id;
pub mod signature;
mod strict_json;
mod webhook;

pub use batch::{BATCH_MAX, Batch, Wrapping, readable, split, unreadable};
pub use cloud_event::is_binary;
pub use event_body::is_too_far;
pub use event_type::Types;
pub use offer::read_ladder;
pub use parsed::{Form, Origin, ParsedEvent, parse_event, parse_item, parse_posted};
pub use places::Places;
pub use reader::{InputError, Reader};
pub use sent_id::{IDEMPOTENCY_KEY, sent_id};
pub use strict_json::parse as parse_json;
