//! From the bytes a backend sends to an event that cannot be wrong.
//! What is refused is refused whole, with a stable word and the JSON pointer of the member at fault.

mod event_body;
mod offer;
mod reader;
pub mod signature;
mod strict_json;

pub use event_body::{ParsedEvent, is_too_far, parse_event};
pub use offer::read_ladder;
pub use reader::{InputError, Reader};
pub use strict_json::parse as parse_json;
