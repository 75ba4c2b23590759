//! The members of an event that a profile may fill, and what each of them holds.
//! The bounds are those of `POST /v1/events`: what is fitted to them here is never refused there.

use super::super::super::event_body::{
    EXTRA_BYTES_MAX, MERCHANT_CHARS_MAX, NAME_CHARS_MAX, NOTE_CHARS_MAX, TEXT_CHARS_MAX,
};
use super::super::super::offer::TIMEOUT_S_MAX;
use crate::domain::kind::{MAX_REPEAT_COUNT, MAX_REPEAT_GAP_MS, MAX_TTL_S};
use crate::domain::offer::MAX_CANDIDATES;
use crate::domain::target::{MAX_GROUPS, MAX_RIDERS};

/// What a member holds, and how a sender's value becomes it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fit {
    /// An id, kept exactly; what cannot be one is left out.
    Id,
    /// The id of an order; what cannot be one becomes the hash of it, so that its events still belong together.
    OrderId,
    /// At most so many ids; one alone is a list as well.
    Ids(usize),
    /// Text of at most so many characters.
    Text(usize),
    /// A whole number from the first to the second.
    Integer(i64, i64),
    /// True or false.
    Boolean,
    /// A moment.
    Moment,
    /// The last four digits of a phone.
    PhoneTail,
    /// Degrees.
    Degrees,
    /// A place: an object of `lat`, `lng` and maybe `coord`.
    Location,
    /// An object of at most so many bytes, handed on as it is.
    Free(usize),
    /// Anything: it is judged with what holds it.
    Any,
    /// An object of these.
    Members(&'static [Member]),
}

/// A member's name and what it holds.
pub(super) type Member = (&'static str, Fit);

/// Members of the event that a profile maps as they are.
pub(super) static EVENT: [Member; 8] = [
    ("order", Fit::Members(&ORDER)),
    ("previous_rider_id", Fit::Id),
    ("target", Fit::Members(&TARGET)),
    ("offer", Fit::Members(&OFFER)),
    ("alert", Fit::Members(&ALERT)),
    ("callback_url", Fit::Text(2_048)),
    ("deliver_at", Fit::Moment),
    ("ext", Fit::Free(EXTRA_BYTES_MAX)),
];

static ORDER: [Member; 14] = [
    ("id", Fit::OrderId),
    ("version", Fit::Integer(0, i64::MAX)),
    ("short_no", Fit::Text(32)),
    ("platform", Fit::Text(32)),
    ("status", Fit::Text(64)),
    ("merchant", Fit::Members(&MERCHANT)),
    ("dropoff", Fit::Members(&DROPOFF)),
    ("distance_m", Fit::Integer(0, 10_000_000)),
    ("fee_cents", Fit::Integer(0, 100_000_000)),
    ("items", Fit::Integer(0, 100_000)),
    ("promised_at", Fit::Moment),
    ("ready_at", Fit::Moment),
    ("note", Fit::Text(NOTE_CHARS_MAX)),
    ("reason", Fit::Text(NOTE_CHARS_MAX)),
];

static MERCHANT: [Member; 8] = [
    ("id", Fit::Text(MERCHANT_CHARS_MAX)),
    ("name", Fit::Text(NAME_CHARS_MAX)),
    ("address", Fit::Text(NOTE_CHARS_MAX)),
    ("phone", Fit::Text(NAME_CHARS_MAX)),
    ("location", Fit::Location),
    ("lat", Fit::Degrees),
    ("lng", Fit::Degrees),
    ("coord", Fit::Text(16)),
];

static DROPOFF: [Member; 9] = [
    ("area", Fit::Text(NAME_CHARS_MAX)),
    ("phone_tail", Fit::PhoneTail),
    ("name", Fit::Text(NAME_CHARS_MAX)),
    ("phone", Fit::Text(NAME_CHARS_MAX)),
    ("address", Fit::Text(NOTE_CHARS_MAX)),
    ("location", Fit::Location),
    ("lat", Fit::Degrees),
    ("lng", Fit::Degrees),
    ("coord", Fit::Text(16)),
];

static TARGET: [Member; 5] = [
    ("riders", Fit::Ids(MAX_RIDERS)),
    ("groups", Fit::Ids(MAX_GROUPS)),
    ("broadcast", Fit::Boolean),
    ("exclude", Fit::Ids(MAX_RIDERS)),
    ("on_duty", Fit::Boolean),
];

static OFFER: [Member; 5] = [
    ("mode", Fit::Text(16)),
    ("timeout_s", Fit::Integer(1, TIMEOUT_S_MAX as i64)),
    ("arbiter", Fit::Text(16)),
    ("ladder", Fit::Any),
    ("candidates", Fit::Ids(MAX_CANDIDATES)),
];

static ALERT: [Member; 8] = [
    ("urgency", Fit::Integer(0, 3)),
    ("text", Fit::Text(TEXT_CHARS_MAX)),
    ("vars", Fit::Free(EXTRA_BYTES_MAX)),
    ("lang", Fit::Text(35)),
    ("ttl_s", Fit::Integer(1, MAX_TTL_S as i64)),
    ("repeat", Fit::Members(&REPEAT)),
    ("collapse_key", Fit::Text(NAME_CHARS_MAX)),
    ("supersede", Fit::Boolean),
];

static REPEAT: [Member; 2] = [
    ("count", Fit::Integer(1, MAX_REPEAT_COUNT as i64)),
    ("gap_ms", Fit::Integer(0, MAX_REPEAT_GAP_MS as i64)),
];
