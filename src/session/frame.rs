//! The frames of rider protocol v1 (docs/protocol.md), parsed strictly where they name something and leniently
//! where they add members: unknown members are ignored, unknown ops are not.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::domain::delivery::{Answer, AnswerOutcome};
use crate::domain::{AlertId, AudioState, Mode, Need, Urgency};

/// What a client says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum ClientFrame {
    /// First frame.
    Hello(Box<Hello>),
    /// Received, exactly these.
    Ack {
        /// Sequence numbers.
        seqs: Vec<i64>,
    },
    /// What the ear got.
    Report(Report),
    /// The rider's answer.
    Answer {
        /// Number of this receipt on this device.
        n: u64,
        /// The alert.
        id: String,
        /// What the rider said.
        answer: Answer,
    },
    /// What has changed at the rider.
    State(StatePatch),
    /// Asks for `pong`.
    Ping {},
    /// Answers `ping`.
    Pong {},
    /// A fresh token before the old one ends.
    Refresh {
        /// The token.
        token: String,
    },
    /// Rider-desk chat; not offered by this server.
    Chat {},
    /// Chat read; not offered by this server.
    Read {},
    /// A channel; not offered by this server.
    Subscribe {},
    /// A channel; not offered by this server.
    Unsubscribe {},
}

/// Opens a session.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Hello {
    /// Rider token, unless the request's header carried it.
    pub token: Option<String>,
    /// The device's own lasting id, 1 to 128 bytes.
    pub device: String,
    /// Epoch of the last welcome.
    pub epoch: Option<String>,
    /// Highest seq seen without a gap.
    pub cursor: Option<i64>,
    /// What the client can do.
    #[serde(default)]
    pub caps: Caps,
    /// How the rider is.
    #[serde(default)]
    pub state: StatePatch,
}

/// What a client can do.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct Caps {
    /// Audio formats it plays, best first: `mp3`, `m4a`, `wav`. Empty: all of them.
    #[serde(default)]
    pub formats: Vec<String>,
}

/// What has changed; absent members have not.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
pub struct StatePatch {
    /// Takes orders.
    pub on_duty: Option<bool>,
    /// The program is on the screen.
    pub foreground: Option<bool>,
    /// What the player does.
    pub audio: Option<AudioState>,
}

/// What became of an alert at the client.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Report {
    /// Number of this receipt on this device.
    pub n: u64,
    /// The alert.
    pub id: String,
    /// Which ring.
    #[serde(default = "one")]
    pub ring: u32,
    /// What happened.
    pub status: ReportStatus,
    /// When, epoch milliseconds of server time as the client knows it.
    pub at: Option<i64>,
    /// Why it failed or was skipped.
    pub reason: Option<String>,
    /// Which sounding of the ring, from 1.
    #[serde(default = "one")]
    pub play: u32,
}

fn one() -> u32 {
    1
}

/// What happened to an alert at the client.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportStatus {
    /// It waits for others.
    Queued,
    /// It began to sound.
    Playing,
    /// Its sentence ended.
    Played,
    /// It could not be played.
    Failed,
    /// It was not played on purpose: expired, stopped.
    Skipped,
}

/// Why a frame was refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FrameError {
    /// Not JSON, or not an object with an `op`.
    Malformed,
    /// An op that protocol v1 does not have.
    UnknownOp,
    /// A member is missing or of the wrong type.
    BadMember,
}

impl FrameError {
    /// The stable word sent in `error.code`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed_frame",
            Self::UnknownOp => "unknown_op",
            Self::BadMember => "bad_frame",
        }
    }

    /// The same for people, sent in `error.message`.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::Malformed => "a frame is a JSON object with the member op",
            Self::UnknownOp => "protocol v1 has no such op",
            Self::BadMember => "a member is missing or of the wrong type",
        }
    }
}

impl ClientFrame {
    /// Parses one text frame.
    ///
    /// # Errors
    /// Says which of the three things is wrong; nothing of the frame is used then.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        #[derive(Deserialize)]
        struct Op<'a> {
            #[serde(borrow)]
            op: std::borrow::Cow<'a, str>,
        }
        serde_json::from_str(text).map_err(|_| match serde_json::from_str::<Op<'_>>(text) {
            Err(_) => FrameError::Malformed,
            Ok(frame) if CLIENT_OPS.contains(&&*frame.op) => FrameError::BadMember,
            Ok(_) => FrameError::UnknownOp,
        })
    }
}

/// Every op a client may send.
pub const CLIENT_OPS: [&str; 12] = [
    "hello",
    "ack",
    "report",
    "answer",
    "state",
    "ping",
    "pong",
    "refresh",
    "chat",
    "read",
    "subscribe",
    "unsubscribe",
];

/// What the server says.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum ServerFrame<'a> {
    /// Answers `hello`.
    Welcome(Welcome<'a>),
    /// Something to sound.
    Alert(Box<AlertFrame<'a>>),
    /// A better clip is ready.
    Update {
        /// The alert.
        id: AlertId,
        /// The clip.
        audio: AudioFrame,
    },
    /// Silence these.
    Stop {
        /// The alerts.
        ids: Vec<AlertId>,
        /// Why: `cancelled`, `taken`, `superseded`, `merged`, `expired`, `answered_elsewhere`, `off_duty`, `logout`.
        reason: &'static str,
    },
    /// An answer was kept, or came too late.
    Answered {
        /// The receipt's number; 0 if the answer was given on an earlier session.
        n: u64,
        /// The alert, as the client named it.
        id: &'a str,
        /// What became of it.
        outcome: AnswerOutcome,
    },
    /// Receipts up to this one are kept.
    Got {
        /// The receipt's number.
        n: u64,
    },
    /// Heartbeat.
    Ping {
        /// Server time, epoch milliseconds.
        now: i64,
    },
    /// Answers `ping`.
    Pong {
        /// Server time, epoch milliseconds.
        now: i64,
    },
    /// A frame was refused, or too many were sent.
    Error {
        /// Stable word: `malformed_frame`, `unknown_op`, `bad_frame`, `hello_first`, `unexpected_hello`, `not_supported`; or
        /// `too_many`, and `bye` follows.
        code: &'static str,
        /// For people.
        message: &'static str,
    },
    /// The connection will be closed.
    Bye {
        /// The close code that follows.
        code: u16,
        /// When to come back; absent where coming back is pointless.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
}

/// Opens a session.
#[derive(Debug, Serialize, ToSchema)]
pub struct Welcome<'a> {
    /// The session's id.
    pub session: String,
    /// One life of the data; a change means: forget your cursor.
    pub epoch: &'a str,
    /// Highest seq given to this rider.
    pub seq: i64,
    /// Whether the client's epoch and cursor fit.
    pub resumed: bool,
    /// Server time, epoch milliseconds.
    pub now: i64,
    /// Between two heartbeats.
    pub heartbeat_ms: i64,
    /// Every open alert; the client silences and forgets all others.
    pub open: Vec<OpenFrame>,
    /// Silence to play while waiting.
    pub keepalive: KeepAlive,
    /// What the server bears.
    pub limits: Limits,
}

/// One open alert.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenFrame {
    /// The alert.
    pub id: AlertId,
    /// Its ring.
    pub ring: u32,
}

/// Silence to play while waiting.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeepAlive {
    /// Where, best first.
    pub clips: Vec<String>,
    /// How long each is.
    pub duration_ms: u32,
}

/// What the server bears.
#[derive(Debug, Serialize, ToSchema)]
pub struct Limits {
    /// Largest frame from the client.
    pub frame_bytes_max: usize,
    /// Alerts sent and not acknowledged.
    pub window: usize,
}

/// Something to sound.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertFrame<'a> {
    /// Position in the rider's sequence.
    pub seq: i64,
    /// The alert.
    pub id: AlertId,
    /// Which time it is sounded; the client drops a repeated (id, ring).
    pub ring: u32,
    /// Which write of this frame; above 1 it is a repetition.
    pub attempt: u32,
    /// The backend's id.
    pub event_id: &'a str,
    /// The backend's order.
    pub order_id: Option<&'a str>,
    /// Name of the kind.
    pub kind: &'a str,
    /// It is a test: said by a test key, to test riders.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
    /// Version of the order.
    pub version: Option<i64>,
    /// 0 to 3.
    pub urgency: Urgency,
    /// Epoch milliseconds.
    pub created_at: i64,
    /// Epoch milliseconds; void from here on.
    pub expires_at: i64,
    /// What is left of its life when this frame was made.
    pub ttl_ms: i64,
    /// For the card.
    pub text: &'a str,
    /// Short label.
    pub title: &'a str,
    /// What to play.
    pub audio: AudioFrame,
    /// How often.
    pub repeat: RepeatFrame,
    /// What answer ends it.
    pub need: Need,
    /// What it asks: `notify`, `ack`, `assign`, `grab`.
    pub mode: Mode,
    /// Epoch milliseconds until which an answer counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_by: Option<i64>,
    /// The order, for the card.
    #[schema(value_type = Object)]
    pub card: &'a RawValue,
    /// From the backend, unread.
    #[schema(value_type = Object)]
    pub ext: &'a RawValue,
}

/// A clip.
#[derive(Debug, Serialize, ToSchema)]
pub struct AudioFrame {
    /// Where it is.
    pub url: String,
    /// What to play if that fails.
    pub fallback_url: String,
    /// Its media type.
    pub mime: String,
    /// Its size.
    pub bytes: u64,
    /// The whole file; the sentence ends at `duration_ms - tail_ms`.
    pub duration_ms: u32,
    /// The silence at its end.
    pub tail_ms: u32,
    /// The client waits a random time up to this before it fetches the clip: many fetch the same one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fetch_jitter_ms: Option<u32>,
}

/// How often to sound.
#[derive(Debug, Serialize, ToSchema)]
pub struct RepeatFrame {
    /// In all.
    pub count: u32,
    /// Still to do.
    pub remaining: u32,
    /// Pause between two.
    pub gap_ms: u32,
}

impl ServerFrame<'_> {
    /// The frame as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        // Frames hold strings, numbers and checked raw JSON: nothing that serialisation can refuse.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{CLIENT_OPS, ClientFrame, FrameError};

    #[test]
    fn unknown_members_are_ignored_and_unknown_ops_are_not() {
        assert!(ClientFrame::parse(r#"{"op":"ping","colour":"blue"}"#).is_ok());
        assert_eq!(ClientFrame::parse(r#"{"op":"sing"}"#).unwrap_err(), FrameError::UnknownOp);
        assert_eq!(ClientFrame::parse(r#"{"op":"ack"}"#).unwrap_err(), FrameError::BadMember);
        assert_eq!(ClientFrame::parse(r#"{"op":"ack","seqs":[1.5]}"#).unwrap_err(), FrameError::BadMember);
        for broken in ["", "{", "[]", "null", r#"{"op":7}"#, "{\"op\":\"ping\"} x", "\u{0}"] {
            assert_eq!(ClientFrame::parse(broken).unwrap_err(), FrameError::Malformed, "{broken:?}");
        }
    }

    #[test]
    fn every_op_of_the_list_is_one_that_parses() {
        let full = r#"{"op":"OP","device":"d","seqs":[],"n":1,"id":"x","status":"played","answer":"accept","token":"t"}"#;
        for op in CLIENT_OPS {
            assert!(ClientFrame::parse(&full.replace("OP", op)).is_ok(), "{op}");
        }
    }
}
