//! What the use cases ask of other people's servers: a backend's verdict on an accept, a call of a ladder step.
//! [`Outbound`] asks them for real; a simulation has backends that are slow or silent as it is told.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::AppEntry;
use crate::clock::random_bytes;
use crate::domain::app::KeyMode;
use crate::domain::ladder::HttpCall;
use crate::domain::{AlertId, CallId, DeliveryId, EpochMs, EventId, OrderId, RiderId, SecretKind};
use crate::intake::InputError;
use crate::intake::signature::{self, sign};
use crate::outbound::template::{CallSpec, CallTemplate};
use crate::outbound::{AllowedUrl, Headers, Method, Outbound, OutboundError, OutboundRequest, Verdict};
use crate::telemetry::trace::TraceParent;

/// The question whether a rider gets an order.
#[derive(Clone, Debug)]
pub struct Question {
    /// Where to ask.
    pub url: String,
    /// Whose world it is in.
    pub key_mode: KeyMode,
    /// The alert.
    pub alert: AlertId,
    /// The backend's id of its event.
    pub event: EventId,
    /// The order.
    pub order: Option<OrderId>,
    /// Who accepts.
    pub rider: RiderId,
    /// The rider's delivery; also the question's idempotency key.
    pub delivery: DeliveryId,
    /// When the rider accepted.
    pub at: EpochMs,
    /// The trace of the alert.
    pub trace_id: String,
    /// When it is asked, by which the backend judges the signature's age.
    pub asked_at: EpochMs,
    /// With what it is signed.
    pub signed_with: CallbackSecrets,
}

/// The callback secrets of an app that are live, the newest first. They are not shown.
#[derive(Clone, Default)]
pub struct CallbackSecrets(Vec<Vec<u8>>);

/// How a call ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CallEnd {
    /// It was taken, with this status.
    Done(u16),
    /// It was refused for good, with this status if it was answered at all.
    Refused(Option<u16>),
    /// It may be tried again.
    Again,
}

/// The way to other people's servers.
#[async_trait]
pub trait Caller: Send + Sync + 'static {
    /// Whether this URL may be called.
    ///
    /// # Errors
    /// Why not, as the member at `pointer`.
    fn check_url(&self, url: &str, pointer: &str) -> Result<(), InputError>;
    /// Whether a call of a ladder may be made.
    ///
    /// # Errors
    /// What is wrong with it, and where below `pointer`.
    fn check_call(&self, call: &HttpCall, pointer: &str) -> Result<(), InputError>;
    /// Asks; `None` if the backend was not reached, and is to be asked again.
    async fn ask(&self, question: &Question) -> Option<Verdict>;
    /// Calls, with these values for its slots, as a part of this trace.
    async fn call(&self, id: CallId, call: &HttpCall, values: &Map<String, Value>, trace_id: &str)
    -> CallEnd;
}

impl CallbackSecrets {
    /// Those of this app that are live at `at`.
    #[must_use]
    pub fn of(app: &AppEntry, at: EpochMs) -> Self {
        Self(app.secrets(SecretKind::Callback, at).map(<[u8]>::to_vec).collect())
    }

    /// The value of `webhook-signature`: one of each secret, so that a backend may change over while two are live. Empty
    /// without a secret.
    #[must_use]
    pub fn sign(&self, id: &str, at_s: i64, body: &[u8]) -> String {
        let signatures: Vec<String> = self.0.iter().map(|secret| sign(secret, id, at_s, body)).collect();
        signatures.join(" ")
    }
}

impl fmt::Debug for CallbackSecrets {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "CallbackSecrets({})", self.0.len())
    }
}

/// Limit of one question or call; the configuration may say less.
const TIMEOUT: Duration = Duration::from_secs(10);

#[async_trait]
impl Caller for Outbound {
    fn check_url(&self, url: &str, pointer: &str) -> Result<(), InputError> {
        let refused = AllowedUrl::parse(url, self.policy()).err();
        refused.map_or(Ok(()), |why| Err(url_not_allowed(pointer, &why.to_string())))
    }

    fn check_call(&self, call: &HttpCall, pointer: &str) -> Result<(), InputError> {
        let wrong = |error: crate::outbound::template::TemplateError| InputError {
            error: "bad_call",
            pointer: Some(format!("{pointer}{}", error.pointer)),
            detail: error.problem.to_string(),
        };
        CallTemplate::compile(&spec(call), self.policy()).map(drop).map_err(wrong)
    }

    async fn ask(&self, question: &Question) -> Option<Verdict> {
        let url = AllowedUrl::parse(&question.url, self.policy()).ok()?;
        let mut body = json!({
            "type": "offer.accept",
            "alert_id": question.alert,
            "event_id": question.event,
            "order_id": question.order,
            "rider": question.rider,
            "delivery_id": question.delivery,
            "at": question.at.to_string(),
        });
        if question.key_mode.is_test() {
            body["test"] = json!(true);
        }
        let body = Bytes::from(body.to_string());
        let (key, at_s) = (question.delivery.to_string(), question.asked_at.0.div_euclid(1_000));
        let (timestamp, signature) = (at_s.to_string(), question.signed_with.sign(&key, at_s, &body));
        let headers = [
            ("content-type", "application/json"),
            ("idempotency-key", key.as_str()),
            (signature::ID, key.as_str()),
            (signature::TIMESTAMP, timestamp.as_str()),
            (signature::SIGNATURE, signature.as_str()),
        ];
        let request = OutboundRequest {
            method: Method::Post,
            url,
            headers: traced(Headers::parse(headers).ok()?, &question.trace_id),
            body,
            timeout: TIMEOUT,
        };
        let answer = self.send(request).await.ok()?;
        let verdict = Verdict::read(answer.status, &answer.body, question.rider.as_str());
        // A backend that fails has not decided, and will not by itself.
        (verdict != Verdict::Pending || (200..300).contains(&answer.status)).then_some(verdict)
    }

    async fn call(
        &self,
        id: CallId,
        call: &HttpCall,
        values: &Map<String, Value>,
        trace_id: &str,
    ) -> CallEnd {
        let Ok(template) = CallTemplate::compile(&marked(spec(call), values), self.policy()) else {
            return CallEnd::Refused(None);
        };
        let Ok(mut request) = template.render(values, TIMEOUT) else { return CallEnd::Refused(None) };
        request.headers = traced(request.headers.or_idempotency_key(&id.to_string()), trace_id);
        match self.send(request).await {
            Ok(answer) => match answer.status {
                200..=299 => CallEnd::Done(answer.status),
                408 | 425 | 429 | 500.. => CallEnd::Again,
                status => CallEnd::Refused(Some(status)),
            },
            Err(OutboundError::NotAllowed(_)) => CallEnd::Refused(None),
            Err(
                OutboundError::Busy
                | OutboundError::Unreachable(_)
                | OutboundError::TimedOut
                | OutboundError::Broken(_),
            ) => CallEnd::Again,
        }
    }
}

/// With the trace of the alert, and a span of its own for this call.
fn traced(headers: Headers, trace_id: &str) -> Headers {
    match TraceParent::of_trace(trace_id) {
        Some(trace) => headers.or_traceparent(&trace.header(random_bytes())),
        None => headers,
    }
}

fn spec(call: &HttpCall) -> CallSpec {
    let method = match call.method.as_deref() {
        Some("GET") => Method::Get,
        Some("PUT") => Method::Put,
        Some(_) | None => Method::Post,
    };
    let headers = call.headers.iter().cloned().collect();
    CallSpec { url: call.url.clone(), method, headers, body: call.body.clone() }
}

/// A call for a test says so in its body, unless the body speaks of it by itself.
fn marked(mut spec: CallSpec, values: &Map<String, Value>) -> CallSpec {
    if let (Some(Value::Object(body)), Some(Value::Bool(true))) = (&mut spec.body, values.get("test")) {
        body.entry("test").or_insert(Value::Bool(true));
    }
    spec
}

fn url_not_allowed(pointer: &str, why: &str) -> InputError {
    InputError { error: "url_not_allowed", pointer: Some(pointer.to_owned()), detail: why.to_owned() }
}
