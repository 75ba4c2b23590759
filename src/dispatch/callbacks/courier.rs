//! How a signed callback gets to its backend: one POST, and what came back.
//! [`Outbound`] makes it for real; a simulation has backends that fail as they are told.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::judgement::CallbackReply;
use crate::intake::signature;
use crate::outbound::{AllowedUrl, Headers, Method, Outbound, OutboundError, OutboundRequest};

/// One request, signed.
#[derive(Clone, Debug)]
pub struct SignedCallback {
    /// Where to.
    pub url: String,
    /// The same with every try.
    pub webhook_id: String,
    /// When this try was signed, in epoch seconds.
    pub timestamp_s: i64,
    /// One signature for each live secret of the app, with a space between them.
    pub signatures: String,
    /// The trace that it belongs to, as the header has it.
    pub traceparent: Option<String>,
    /// JSON.
    pub body: Bytes,
}

/// Brings callbacks to backends.
#[async_trait]
pub trait Courier: Send + Sync + 'static {
    /// Posts it, once.
    async fn post(&self, callback: SignedCallback) -> CallbackReply;
}

/// Limit of one try; the configuration may say less.
pub(super) const TRY_MAX: Duration = Duration::from_secs(10);

#[async_trait]
impl Courier for Outbound {
    async fn post(&self, callback: SignedCallback) -> CallbackReply {
        let Ok(url) = AllowedUrl::parse(&callback.url, self.policy()) else {
            return CallbackReply::NotAllowed;
        };
        let timestamp = callback.timestamp_s.to_string();
        let headers = Headers::parse([
            ("content-type", "application/json"),
            (signature::ID, &callback.webhook_id),
            (signature::TIMESTAMP, &timestamp),
            (signature::SIGNATURE, &callback.signatures),
        ]);
        // Ids, digits and base64 make good headers.
        let Ok(mut headers) = headers else { return CallbackReply::Unsigned };
        if let Some(traceparent) = &callback.traceparent {
            headers = headers.or_traceparent(traceparent);
        }
        let body = callback.body;
        let request = OutboundRequest { method: Method::Post, url, headers, body, timeout: TRY_MAX };
        match self.send(request).await {
            Ok(answer) => CallbackReply::Answered { status: answer.status, retry_after: answer.retry_after },
            Err(OutboundError::NotAllowed(_)) => CallbackReply::NotAllowed,
            Err(OutboundError::Busy) => CallbackReply::Busy,
            Err(OutboundError::Unreachable(_)) => CallbackReply::Unreachable,
            Err(OutboundError::TimedOut) => CallbackReply::TimedOut,
            Err(OutboundError::Broken(_)) => CallbackReply::Broken,
        }
    }
}
