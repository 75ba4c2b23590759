//! The answer that a sender gets, in the words of a server: its own shape, or our problem document where it has none.

use http::StatusCode;
use serde_json::json;

use crate::domain::HookVerdict;
use crate::intake::hooks::{AckKind, HookProfile, Reading};

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) body: String,
}

/// Why something was not taken.
struct Fault {
    status: StatusCode,
    error: &'static str,
    message: String,
}

impl Answer {
    /// Of this reading.
    pub(super) fn of(profile: &HookProfile, reading: &Reading) -> Self {
        let Some(fault) = Fault::of(reading) else {
            let is_probe = reading.verdict == HookVerdict::Probe;
            let ack = profile.ack(reading, if is_probe { AckKind::Probe } else { AckKind::Done });
            return Self {
                status: ack.status,
                content_type: ack.content_type,
                body: ack.body.unwrap_or_default(),
            };
        };
        let (status, code, message) = (fault.status.as_u16(), fault.error, fault.message.clone());
        let ack = profile.ack(reading, AckKind::Error { status, code, message });
        match ack.body {
            Some(body) => Self { status: ack.status, content_type: ack.content_type, body },
            None => fault.document(),
        }
    }
}

impl Fault {
    fn of(reading: &Reading) -> Option<Self> {
        let (status, error, message) = match reading.verdict {
            HookVerdict::Refused if reading.forbidden => {
                (StatusCode::FORBIDDEN, "not_allowed", "this sender is not allowed here")
            }
            HookVerdict::Refused => {
                (StatusCode::UNAUTHORIZED, "bad_signature", "the signature, token or address is not right")
            }
            HookVerdict::Unreadable => (StatusCode::BAD_REQUEST, "unreadable", reading.detail.as_str()),
            HookVerdict::Mapped
            | HookVerdict::Duplicate
            | HookVerdict::Ignored
            | HookVerdict::Filtered
            | HookVerdict::Probe
            | HookVerdict::Unmapped
            | HookVerdict::Busy => return None,
        };
        Some(Self { status, error, message: message.to_owned() })
    }

    /// As a server writes it, but for the id of the request.
    fn document(self) -> Answer {
        let Self { status, error, message } = self;
        let title = status.canonical_reason().unwrap_or("Error");
        let body = json!({"type": format!("urn:orderbell:problem:{error}"), "title": title, "status": status.as_u16(),
            "detail": message, "code": status.as_u16(), "msg": message, "error": error});
        Answer {
            status: status.as_u16(),
            content_type: "application/problem+json".to_owned(),
            body: body.to_string(),
        }
    }
}
