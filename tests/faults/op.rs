//! What can be seen of a server from outside, one form for every fault.
//! A history is a list of these; the checker needs nothing else.

use serde::Serialize;

use crate::plan::Plan;
use crate::record::Record;

/// One thing that was seen.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    /// When, epoch milliseconds; the server runs on this machine, so by its own clock.
    pub(crate) at: i64,
    /// What.
    #[serde(flatten)]
    pub(crate) op: Op,
}

/// What can be seen from outside.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Op {
    /// A backend is about to post an event for the first time.
    Post { event: String, riders: Vec<String>, plan: Plan },
    /// An answer to a post; `alert` if it was a yes with a whole body.
    Told { event: String, status: u16, alert: Option<String>, duplicate: bool },
    /// No answer to a post: nobody knows.
    Untold { event: String },
    /// A cancel was answered: how many deliveries it ended.
    Cancelled { alert: String, status: u16, ended: u64 },
    /// A rider is about to say hello.
    Hello { rider: String, session: usize },
    /// What a rider was welcomed with.
    Welcome { rider: String, session: usize, open: Vec<String> },
    /// An alert came.
    Alert(Frame),
    /// A rider was told to silence these.
    Stop { rider: String, session: usize, ids: Vec<String>, reason: String },
    /// A rider has something to say of an alert, and keeps it until it is confirmed.
    Receipt { rider: String, n: u64, alert: String, what: What },
    /// Receipts up to `n` are kept.
    Got { rider: String, n: u64 },
    /// What became of an answer.
    Answered { rider: String, n: u64, alert: String, outcome: String },
    /// The server said good-bye.
    Bye { rider: String, session: usize, code: u64 },
    /// The server refused a frame.
    Refused { rider: String, session: usize, code: String },
    /// The server's own record.
    Record(Record),
    /// The server knows no such alert.
    Absent { alert: String },
    /// What the server says of an event whose answer was lost: its alert, or that it does not know it.
    Looked { event: String, alert: Option<String> },
    /// All is over, and a rider still holds an alert.
    Held { rider: String, alert: String },
    /// A fault begins.
    Strikes,
    /// A fault is over.
    Over,
    /// Something did not come back after a fault.
    Stuck { what: String },
}

/// One alert frame as a rider got it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Frame {
    pub(crate) rider: String,
    /// The rider's connection, counted from 1.
    pub(crate) session: usize,
    pub(crate) seq: i64,
    pub(crate) event: String,
    pub(crate) alert: String,
    pub(crate) kind: String,
    pub(crate) ring: u64,
    pub(crate) urgency: u64,
    pub(crate) expires_at: i64,
    /// What was left of its life when the server made the frame.
    pub(crate) ttl_ms: i64,
    /// All members that must be the same each time it is sent.
    pub(crate) content: String,
    /// Not a repetition on this device.
    pub(crate) first: bool,
}

impl Frame {
    /// When the server made it, by its clock.
    pub(crate) fn made_at(&self) -> i64 {
        self.expires_at - self.ttl_ms
    }
}

/// What a rider says of an alert.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    Playing,
    Played,
    Confirm,
    Accept,
    Decline,
}

impl What {
    /// The word on the wire.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Playing => "playing",
            Self::Played => "played",
            Self::Confirm => "confirm",
            Self::Accept => "accept",
            Self::Decline => "decline",
        }
    }

    /// Whether it is an answer, not a report.
    pub(crate) fn is_answer(self) -> bool {
        match self {
            Self::Playing | Self::Played => false,
            Self::Confirm | Self::Accept | Self::Decline => true,
        }
    }
}
