//! Everything that is sent to URLs that users give us: one client, bounded in time, size and number, that cannot be
//! led to an address inside.

mod address;
mod guard;
mod headers;
mod places;
mod retry_after;
pub mod service;
pub mod template;
mod url;
mod verdict;
pub mod wechat;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use reqwest::redirect;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};
use tracing::warn;

use crate::clock::Clock;
use crate::telemetry::{Metric, Telemetry, seconds};
use guard::{Guard, NoneAllowed};
use places::Places;

pub use address::AddressKind;
pub use guard::{Lookup, SystemLookup};
pub use headers::{HEADER_BYTES_MAX, HEADERS_MAX, HeaderRefused, Headers};
pub use url::{AllowedUrl, URL_BYTES_MAX, UrlPolicy, UrlRefused};
pub use verdict::Verdict;

/// As which we call; whoever finds us in a log can look us up.
const USER_AGENT: &str = concat!("Orderbell/", env!("CARGO_PKG_VERSION"));
/// A kept connection is closed after this; ladders and verdicts of one evening come closer together.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// The numbers of all calls (`callbacks` in the configuration).
#[derive(Clone, Debug)]
pub struct OutboundLimits {
    /// How far calls may reach.
    pub policy: UrlPolicy,
    /// Limit of one call, whatever it asks for.
    pub timeout_max: Duration,
    /// Limit for a connection with its look-up and TLS.
    pub connect_timeout: Duration,
    /// Bytes of an answer that are read.
    pub answer_bytes_max: usize,
    /// Calls at one time.
    pub concurrency: usize,
    /// Calls to one origin at one time.
    pub per_origin: usize,
}

/// The one client of the process.
pub struct Outbound {
    client: reqwest::Client,
    limits: OutboundLimits,
    places: Places,
    clock: Arc<dyn Clock>,
    telemetry: Telemetry,
}

/// How a URL is called.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Without a body.
    Get,
    /// The usual one.
    #[default]
    Post,
    /// As `POST`, for what may be done twice.
    Put,
}

/// One call. Its headers, path and body may hold secrets.
#[derive(Clone, Debug)]
pub struct OutboundRequest {
    /// How.
    pub method: Method,
    /// Where to.
    pub url: AllowedUrl,
    /// With what headers beside our own.
    pub headers: Headers,
    /// With what body; empty for none.
    pub body: Bytes,
    /// Limit of the whole call, from the wait for a place to the last byte of the answer.
    pub timeout: Duration,
}

/// What came back. Whatever the status, the call has been made.
#[derive(Clone, Debug)]
pub struct OutboundResponse {
    /// The status; a redirect is an answer like any other and is not followed.
    pub status: u16,
    /// How long the service asks us to wait before the next call.
    pub retry_after: Option<Duration>,
    /// The body as it came, never decompressed; at most `answer_bytes_max`.
    pub body: Bytes,
    /// How the body ended.
    pub body_end: BodyEnd,
}

/// How an answer's body ended. Once there is a status it is told, even if the body never ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BodyEnd {
    /// It is all there.
    Whole,
    /// It is longer than what is read; the rest was not read.
    TooLong,
    /// It was not there in time.
    TooLate,
    /// The connection ended first.
    Broken,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The URL may not be called. Nothing was sent, and a retry will not be either.
    #[error("the URL may not be called: {0}")]
    NotAllowed(UrlRefused),
    /// Too many calls are under way. Nothing was sent; try again later.
    #[error("too many calls are under way")]
    Busy,
    /// There was no connection: name, network, TLS. Nothing was sent; try again.
    #[error("no connection")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// No answer in time. The call may have been received: retry only what may be done twice.
    #[error("no answer in time")]
    TimedOut,
    /// The connection ended, or what came is not HTTP. The call may have been received, as with `TimedOut`.
    #[error("the connection broke")]
    Broken(#[source] Box<dyn Error + Send + Sync>),
}

/// TLS cannot be set up on this machine.
#[derive(Debug, thiserror::Error)]
#[error("the client for calls cannot be made")]
pub struct NoClient(#[source] Box<dyn Error + Send + Sync>);

impl Outbound {
    /// The client. `lookup` is asked for every name that is connected to, and only what `limits.policy` allows of its
    /// answers is used.
    ///
    /// # Errors
    /// TLS cannot be set up. Missing root certificates are no such case.
    pub fn new(
        limits: OutboundLimits,
        lookup: Arc<dyn Lookup>,
        clock: Arc<dyn Clock>,
        telemetry: Telemetry,
    ) -> Result<Self, NoClient> {
        let guard = Arc::new(Guard { lookup, policy: limits.policy });
        let client = match builder(&limits, Arc::clone(&guard)).build() {
            Ok(client) => client,
            Err(cause) => {
                // A machine without root certificates still rings its riders, and calls by plain http.
                let cause = &cause as &(dyn Error + 'static);
                warn!(error = cause, "No root certificates are installed; every https call will fail.");
                builder(&limits, guard)
                    .tls_certs_only([])
                    .build()
                    .map_err(|error| NoClient(Box::new(error)))?
            }
        };
        let places = Places::new(limits.concurrency, limits.per_origin);
        Ok(Self { client, limits, places, clock, telemetry })
    }

    /// How far calls may reach: what [`AllowedUrl::parse`] and templates are checked against.
    #[must_use]
    pub fn policy(&self) -> UrlPolicy {
        self.limits.policy
    }

    /// Makes one call, once: it is never repeated from here and follows no redirect.
    ///
    /// # Errors
    /// [`OutboundError`] says whether anything can have been received and whether to try again.
    pub async fn send(&self, request: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
        let began = self.clock.now().mono_ms;
        let result = self.called(request).await;
        let outcome = [("outcome", outcome(&result))];
        self.telemetry.counter(Metric::OutboundCalls, &outcome).increment(1);
        let taken = self.clock.now().mono_ms - began;
        self.telemetry.histogram(Metric::OutboundSeconds, &[]).record(seconds(taken));
        result
    }

    async fn called(&self, request: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
        request.url.check(self.limits.policy).map_err(OutboundError::NotAllowed)?;
        let deadline = Instant::now() + request.timeout.min(self.limits.timeout_max);
        let place = timeout_at(deadline, self.places.take(request.url.origin())).await;
        let _place = place.map_err(|_| OutboundError::Busy)?;
        let call = self
            .client
            .request(request.method.into(), request.url.into_url())
            .headers(request.headers.into_map())
            .body(request.body);
        let head = timeout_at(deadline, call.send()).await.map_err(|_| OutboundError::TimedOut)?;
        let mut response = head.map_err(failure)?;
        let status = response.status().as_u16();
        let retry_after = self.retry_after(response.headers());
        let (body, body_end) = self.read(&mut response, deadline).await;
        Ok(OutboundResponse { status, retry_after, body, body_end })
    }

    async fn read(&self, response: &mut reqwest::Response, deadline: Instant) -> (Bytes, BodyEnd) {
        let mut body = BytesMut::new();
        let end = loop {
            let chunk = match timeout_at(deadline, response.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => break BodyEnd::Whole,
                Ok(Err(_)) => break BodyEnd::Broken,
                Err(_) => break BodyEnd::TooLate,
            };
            let room = self.limits.answer_bytes_max - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() > room {
                break BodyEnd::TooLong;
            }
        };
        (body.freeze(), end)
    }

    fn retry_after(&self, headers: &HeaderMap) -> Option<Duration> {
        let value = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
        retry_after::parse(value, self.clock.now().wall)
    }
}

impl From<Method> for http::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
        }
    }
}

fn builder(limits: &OutboundLimits, guard: Arc<Guard>) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .dns_resolver(guard)
        // A redirect would lead past the check of the URL, a proxy past the check of the address.
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        // Whether a call may be made twice is known to the caller alone.
        .retry(reqwest::retry::never())
        .http1_only()
        .connect_timeout(limits.connect_timeout)
        .pool_idle_timeout(IDLE_MAX)
        .pool_max_idle_per_host(limits.per_origin)
}

/// What a failure of the client means. The URL is taken out: its query may hold keys.
fn failure(error: reqwest::Error) -> OutboundError {
    let error = error.without_url();
    if let Some(refused) = refusal(&error) {
        return OutboundError::NotAllowed(refused);
    }
    if error.is_connect() {
        return OutboundError::Unreachable(Box::new(error));
    }
    if error.is_timeout() {
        return OutboundError::TimedOut;
    }
    OutboundError::Broken(Box::new(error))
}

/// The guard's own refusal, somewhere below the client's error.
fn refusal(error: &(dyn Error + 'static)) -> Option<UrlRefused> {
    let mut causes = std::iter::successors(Some(error), |error| (**error).source());
    causes.find_map(|cause| cause.downcast_ref::<NoneAllowed>()).map(|refused| refused.0)
}

fn outcome(result: &Result<OutboundResponse, OutboundError>) -> &'static str {
    match result {
        Ok(response) => match response.status {
            200..=299 => "success",
            400..=499 => "refused",
            _ => "failed",
        },
        Err(OutboundError::NotAllowed(_)) => "not_allowed",
        Err(OutboundError::Busy) => "busy",
        Err(OutboundError::Unreachable(_)) => "unreachable",
        Err(OutboundError::TimedOut) => "timed_out",
        Err(OutboundError::Broken(_)) => "broken",
    }
}
