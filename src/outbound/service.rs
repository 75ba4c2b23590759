//! Calls to services that the operator has configured, such as speech engines: bounded in time and size like all calls,
//! but free to reach this machine and the network around it. What such a service points to is fetched with the guard.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method};
use reqwest::redirect;
use tokio::time::{Instant, timeout_at};

use super::guard::{Guard, Lookup};
use super::url::{AllowedUrl, UrlPolicy};
use super::{IDLE_MAX, NoClient, USER_AGENT, failure};
use super::{OutboundError, retry_after};
use crate::clock::Clock;

/// Limit for a connection with its look-up and TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Connections kept open to one service.
const IDLE_PER_HOST: usize = 16;

/// The client for configured services.
pub struct Services {
    /// Reaches whatever the operator has configured.
    configured: reqwest::Client,
    /// Reaches public addresses only: for URLs that a service gives.
    guarded: reqwest::Client,
    clock: Arc<dyn Clock>,
}

/// One call of a service. Its URL, headers and body may hold secrets.
#[derive(Clone, Debug)]
pub struct ServiceRequest {
    /// How.
    pub method: Method,
    /// Where to; `http` or `https`.
    pub url: String,
    /// With what headers beside our own.
    pub headers: HeaderMap,
    /// With what body; empty for none.
    pub body: Bytes,
    /// Limit of the whole call, to the last byte of the answer.
    pub timeout: Duration,
    /// Bytes of the answer that are taken; a longer one is an error.
    pub answer_bytes_max: usize,
}

/// What came back, whatever the status. The body is as it came, never decompressed.
#[derive(Clone, Debug)]
pub struct ServiceResponse {
    /// The status; a redirect is an answer like any other and is not followed.
    pub status: u16,
    /// Headers of the answer.
    pub headers: HeaderMap,
    /// How long the service asks us to wait before the next call.
    pub retry_after: Option<Duration>,
    /// The whole body.
    pub body: Bytes,
}

/// Why there is no whole answer.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// As for other calls.
    #[error(transparent)]
    Call(#[from] OutboundError),
    /// The URL is none, or its scheme is neither `http` nor `https`.
    #[error("the URL cannot be called")]
    BadUrl,
    /// The answer is longer than `answer_bytes_max`; the rest was not read.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
}

impl Services {
    /// The client. `lookup` is asked for the names of URLs that a service gives.
    ///
    /// # Errors
    /// TLS cannot be set up. Missing root certificates are no such case.
    pub fn new(lookup: Arc<dyn Lookup>, clock: Arc<dyn Clock>) -> Result<Self, NoClient> {
        let guard = Arc::new(Guard { lookup, policy: UrlPolicy::PublicOnly });
        let guarded = built(|| builder().dns_resolver(Arc::clone(&guard)))?;
        Ok(Self { configured: built(builder)?, guarded, clock })
    }

    /// The clock that the client goes by: for whoever must sign a call with the time.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Calls a URL of the configuration, once; follows no redirect.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn call(&self, request: ServiceRequest) -> Result<ServiceResponse, ServiceError> {
        let url = reqwest::Url::parse(&request.url).map_err(|_| ServiceError::BadUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ServiceError::BadUrl);
        }
        self.exchange(&self.configured, url, request).await
    }

    /// Fetches a URL that a service gave: as [`Services::call`], but by https alone, and only public addresses are
    /// reached, by name or as they stand.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn fetch(&self, request: ServiceRequest) -> Result<ServiceResponse, ServiceError> {
        let url = AllowedUrl::parse(&request.url, UrlPolicy::PublicOnly)
            .map_err(|refused| ServiceError::Call(OutboundError::NotAllowed(refused)))?;
        self.exchange(&self.guarded, url.into_url(), request).await
    }

    async fn exchange(
        &self,
        client: &reqwest::Client,
        url: reqwest::Url,
        request: ServiceRequest,
    ) -> Result<ServiceResponse, ServiceError> {
        let deadline = Instant::now() + request.timeout;
        let call = client.request(request.method, url).headers(request.headers).body(request.body);
        let head = timeout_at(deadline, call.send()).await.map_err(|_| OutboundError::TimedOut)?;
        let mut response = head.map_err(failure)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = BytesMut::new();
        loop {
            let chunk = timeout_at(deadline, response.chunk()).await.map_err(|_| OutboundError::TimedOut)?;
            let Some(chunk) = chunk.map_err(|error| OutboundError::Broken(Box::new(error.without_url())))?
            else {
                break;
            };
            if body.len() + chunk.len() > request.answer_bytes_max {
                return Err(ServiceError::TooLong(request.answer_bytes_max));
            }
            body.extend_from_slice(&chunk);
        }
        let retry_after = headers
            .get(http::header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| retry_after::parse(value, self.clock.now().wall));
        Ok(ServiceResponse { status, headers, retry_after, body: body.freeze() })
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Services").finish_non_exhaustive()
    }
}

/// A machine without root certificates still speaks to engines by plain http.
fn built(builder: impl Fn() -> reqwest::ClientBuilder) -> Result<reqwest::Client, NoClient> {
    let without_roots = |_error| builder().tls_certs_only([]).build();
    let boxed = |error: reqwest::Error| NoClient(Box::<dyn Error + Send + Sync>::from(error));
    builder().build().or_else(without_roots).map_err(boxed)
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .retry(reqwest::retry::never())
        .http1_only()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_MAX)
        .pool_max_idle_per_host(IDLE_PER_HOST)
}
