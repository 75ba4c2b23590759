//! From the webhook of any backend to events, by configuration alone: verify, decode, drop, map, target, answer.
//! Pure: the request, what the hook's owner has given it and the time come in as arguments; nothing is stored here.

mod ack;
pub mod coordinates;
pub mod decode;
pub mod expression;
mod hand_out;
mod map;
pub mod path;
mod pipeline;
pub mod presets;
mod profile;
pub mod redact;
pub mod times;
pub mod verify;

pub use ack::{Ack, AckKind, CONTENT_TYPES};
pub use hand_out::{HandOut, TokenDoor};
pub use map::{HookEvent, ItemReading};
pub use pipeline::{KeptScope, Reading};
pub use profile::{About, HookProfile, ParamWish};

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, Method};
use serde_json::Value;

use crate::domain::EpochMs;

/// One request to a hook, as it came.
#[derive(Clone, Copy, Debug)]
pub struct HookRequest<'a> {
    /// `POST` or `GET`.
    pub method: &'a Method,
    /// The URL that the sender called, without its query: some sign it.
    pub url: &'a str,
    /// The query as it came, without its question mark.
    pub query: &'a str,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// The body as it came: what is signed are these bytes.
    pub body: &'a [u8],
    /// What stands behind the hook in the path.
    pub event: Option<&'a str>,
    /// Who has sent it, behind the proxies that are trusted; `None` where there is no connection.
    pub peer: Option<IpAddr>,
}

/// What a hook's owner has given it, beside the profile.
#[derive(Clone, Default)]
pub struct HookKeys {
    /// The secrets of each name that work, the newest first. The main one is called `secret`.
    pub secrets: BTreeMap<String, Vec<Vec<u8>>>,
    /// What is no secret, such as `client_id`.
    pub params: Arc<BTreeMap<String, String>>,
}

/// How the age of what is signed with a time is judged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AgeRule {
    /// By this clock, within the profile's tolerance.
    At(EpochMs),
    /// Not at all: for trying out.
    Any,
}

/// Why a request does not count as its sender's.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct VerifyError {
    /// Stable word: `missing_signature`, `bad_signature`, `bad_timestamp`, `too_old`, `bad_token`, `address_not_allowed` …
    pub reason: &'static str,
    /// For the hook's owner; never shown to the sender. No secret and nothing of a right signature.
    pub detail: String,
    /// Whether credentials are there and do not allow it (403), or are missing or wrong (401).
    pub forbidden: bool,
}

/// Why a body cannot be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct DecodeError {
    /// Stable word: `malformed_json`, `malformed_form`, `malformed_xml`, `bad_charset`, `too_deep`, `too_many`,
    /// `too_long`, `duplicate_member` …
    pub reason: &'static str,
    /// For people, with the place.
    pub detail: String,
}

/// What is wrong with a profile, and where.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{pointer}: {detail}")]
pub struct ProfileError {
    /// Stable word: `unknown_member`, `missing_member`, `wrong_type`, `out_of_range`, `bad_value`, `bad_expression`,
    /// `unknown_kind`, `unknown_preset`, `bad_toml`.
    pub error: &'static str,
    /// JSON pointer of the member; empty for the whole.
    pub pointer: String,
    /// For people. Of an expression with line and column; of TOML as well.
    pub detail: String,
}

/// What expressions see.
pub struct Scope<'a> {
    /// The decoded body.
    pub body: &'a Value,
    /// Header values by lower-case name.
    pub headers: &'a Value,
    /// Decoded query.
    pub query: &'a Value,
    /// The event's name: the path's, or what the profile's `event` says. Null if there is none.
    pub event: &'a Value,
    /// The hook's parameters and its `tables`.
    pub params: &'a Value,
    /// Tables of the profile.
    pub tables: &'a Value,
    /// The item in hand, of a body that holds several; else the body.
    pub item: &'a Value,
    /// Its place, from 0.
    pub index: usize,
    /// An object whose members are more names, for answers: `error`, `token`, `ttl_s`. Null if there are none.
    pub extra: &'a Value,
}
